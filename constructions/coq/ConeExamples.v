(** What is claimed of Lipschitz networks, tried out: distances, the samples that have a test, which
    outputs keep a sign, and that the constant 2 / lambda cannot be less. [make check] compiles it. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Data Memorizers Cubes Crosses Cones Lipschitz Classes Recognise.
Import ListNotations.
Open Scope R_scope.

Ltac distances := repeat match goal with |- context [Rabs ?t] =>
  first [rewrite (Rabs_right t) by lra | rewrite (Rabs_left t) by lra] end.
(** The greatest distance of a coordinate. *)
Example four_away : reach [0; 0] [3; 4] = 4.
Proof.
  unfold reach, gaps. simpl. distances. rewrite (Rmax_left (- (0 - 4)) 0) by lra.
  rewrite Rmax_right by lra. lra.
Qed.
(** Samples 0, 4 and 1 of labels 0, 1 and 0: label 1 is rarer, and one sample has a test; of samples
    of labels 0 and 1 it is label 1 too, of three samples of which two have label 1 it is label 0. *)
Definition three : data := Data 1 1 [([0%Z], 0%Z); ([4%Z], 1%Z); ([1%Z], 0%Z)].
Definition other : data := Data 1 1 [([0%Z], 1%Z); ([4%Z], 0%Z); ([1%Z], 1%Z)].
Example one_is_rarer : rarer three = 1%Z /\ chosen (rarer three) three = [([4%Z], 1%Z)].
Proof. split; reflexivity. Qed.
Example zero_is_rarer : rarer other = 0%Z /\ chosen (rarer other) other = [([4%Z], 0%Z)].
Proof. split; reflexivity. Qed.
Example of_two : of_two_labels three = true
  /\ of_two_labels (Data 1 1 [([0%Z], 0%Z); ([4%Z], 2%Z)]) = false
  /\ of_two_labels (Data 1 1 [([0%Z], 0%Z); ([4%Z], 0%Z)]) = false.
Proof. repeat split. Qed.
(** lambda = 3: F(x) = max(0, 2 - (2 / 3) |x - 4|) - 1, two units of distances, one of the test. *)
Example the_network : map lines (fst (cone_layers false Beside three 3 1))
  = [[Line [(0, 2)] (-8) 2; Line [(0, -2)] 8 2]; [Line [(1, -2); (2, -2)] 6 3]]%Z
  /\ signed 1 (snd (cone_layers false Beside three 3 1)) = Line [(3, 1)%Z] (-1) 1.
Proof. split; reflexivity. Qed.
(** Terms stand in order, in three coordinates: two levels of maxima. *)
Example in_order : map lines (fst (cone_layers false Beside (Data 3 1 [([0; 0; 0], 0); ([4; 4; 4], 1)]%Z) 4 1))
  = [ [Line [(0, 2)] (-8) 2; Line [(1, 2)] (-8) 2; Line [(2, 2)] (-8) 2;
       Line [(0, -2)] 8 2; Line [(1, -2)] 8 2; Line [(2, -2)] 8 2];
      [Line [(3, 1); (4, -1); (6, 1); (7, -1)] 0 1; Line [(4, 1); (7, 1)] 0 1; Line [(5, 1); (8, 1)] 0 1];
      [Line [(9, 1); (10, 1); (11, -1)] 0 1; Line [(11, 1)] 0 1];
      [Line [(12, -2); (13, -2)] 8 4] ]%Z.
Proof. reflexivity. Qed.

(** The output x / 4 - 1 / 2 is negative at the sample 0 and positive at 4, and within 1 of them; not
    within 2, where it is 0; and 0 is no sign. *)
Definition x0 : name := [D0; D0].
Definition line_of : network := Network [x0] [] [Row [(x0, 1%Z)] (-2) 4].
Lemma line_value_of x : output line_of x 0 = x x0 / 4 - 1 / 2.
Proof. unfold output, line_of, value. simpl. lra. Qed.
Definition two : data := Data 1 1 [([0%Z], 0%Z); ([4%Z], 1%Z)].
Lemma line_well : well_formed line_of.
Proof.
  repeat split; simpl; [repeat constructor; simpl; tauto |].
  apply Forall_cons; [intros t [<- | []]; simpl; auto | constructor].
Qed.
Ltac members := simpl in *;
  repeat match goal with H : _ \/ _ |- _ => destruct H | H : False |- _ => contradiction end; subst.
Example signs_within_one : one_budget_signed Linf 1 two line_of.
Proof.
  intros s S. unfold two in S. members; (split; [exact line_well | split; [reflexivity |]]);
    intros x [B _]; unfold reads_label, keeps; simpl; rewrite line_value_of;
    apply Forall_inv in B; unfold gap, below in B; simpl in B; unfold Q2R in B; simpl in B;
    revert B; unfold Rabs; destruct (Rcase_abs _); intro; lra.
Qed.
Example no_signs_within_two : ~ one_budget_signed Linf 2 two line_of.
Proof.
  intro H. destruct (H ([0%Z], 0%Z)) as [_ [_ K]]; [left; reflexivity |].
  set (x := fun v : name => 2).
  assert (B : in_ball (Task Sign 2 Linf 2 None) [x0] [0%Q] x).
  { split; [| exact I]. constructor; [| constructor]. unfold gap, below, x; simpl. unfold Q2R; simpl.
    rewrite Rabs_right by lra. lra. }
  specialize (K x B). unfold reads_label, keeps in K. simpl in K. rewrite line_value_of in K.
  unfold x in K. lra.
Qed.
(** Every budget below 2 of the separation 4, with an input that nothing reads; not of 8. *)
Definition m0 : name := [D0; D1].
Definition line_every : network := Network [x0; m0] [] [Row [(x0, 1%Z)] (-2) 4].
Lemma line_every_value x : output line_every x 0 = x x0 / 4 - 1 / 2.
Proof. unfold output, line_every, value. simpl. lra. Qed.
Example not_beyond : ~ every_budget_signed (half_cone Linf 8) two line_every.
Proof.
  intro H. destruct (H ([0%Z], 0%Z)) as [ns [p [[_ [E [L _]]] K]]]; [left; reflexivity |].
  destruct ns as [| a [| b ns]]; simpl in L; try discriminate. injection E as <- <-.
  destruct (K 2) as [_ G]; [unfold spans, half_cone, below; simpl; unfold Q2R; simpl; lra |].
  assert (S : output line_every (fun v => 2) 0
    / below_at (Family Sign 2 (half_cone Linf 8) (Qmake 1 1) (Qmake 0 1)) 2 < 0).
  { apply (G (fun v => 2)); [reflexivity |]. unfold in_cone, half_cone, within. simpl.
    constructor; [| constructor]. unfold below, gap, size_at; simpl. unfold Q2R; simpl.
    rewrite Rabs_right by lra. lra. }
  rewrite line_every_value in S. unfold below_at in S. simpl in S. unfold Q2R in S. simpl in S. lra.
Qed.
(** Of the samples of [three] the separation is 3: the constant is 2 / 3, and x / 4 - 1 / 2, which has a
    lesser one, has not the values -1 and +1 there. *)
Example a_lesser_constant (F : list R -> R) :
  (forall x y, length x = 1%nat -> length y = 1%nat -> Rabs (F x - F y) <= 3 / 5 * reach x y) ->
  F [1] = -1 -> F [4] <> 1.
Proof.
  intros H A B. assert (C : 2 / 3 <= 3 / 5); [| lra].
  assert (far : reach [1] [4] = 3).
  { unfold reach, gaps. simpl. distances. rewrite Rmax_left by lra. lra. }
  apply (least_constant F (3 / 5) 3 [1] [4] eq_refl H A B ltac:(lra) far).
Qed.

(** One against rest: samples 0, 4, 1 and 9 of labels 0, 2, 0 and 1. Output 0 is a tree over two units,
    1 and 2 are done and carried on; a label without a sample has the output -1. *)
Definition four : data := Data 1 1 [([0%Z], 0%Z); ([4%Z], 2%Z); ([1%Z], 0%Z); ([9%Z], 1%Z)].
Example three_outputs : labels_of four = [0; 1; 2]%Z /\ outputs_due (Question ClassTests false 3 1 1) four = 3%Z.
Proof. split; reflexivity. Qed.
Example the_last_layers : skipn 1 (map lines (fst (class_layers false four 3)))
  = [ [Line [(1, -2); (2, -2)] 6 3; Line [(3, -2); (4, -2)] 6 3; Line [(5, -2); (6, -2)] 6 3; Line [(7, -2); (8, -2)] 6 3];
      [Line [(9, 1); (11, -1)] 0 1; Line [(11, 1)] 0 1; Line [(12, 1)] 0 1; Line [(10, 1)] 0 1] ]%Z.
Proof. reflexivity. Qed.
Example the_outputs : map (signed 1) (snd (class_layers false four 3))
  = [Line [(13, 1); (14, 1)] (-1) 1; Line [(15, 1)] (-1) 1; Line [(16, 1)] (-1) 1]%Z.
Proof. reflexivity. Qed.
Example a_label_without_a_sample :
  map (signed 1) (snd (class_layers false (Data 1 1 [([0%Z], 0%Z); ([4%Z], 2%Z); ([8%Z], 2%Z)]) 4))
  = [Line [(10, 1)] (-1) 1; Line [] (-1) 1; Line [(11, 1); (12, 1)] (-1) 1]%Z.
Proof. reflexivity. Qed.
Example labels_of_few : sound_question (Question ClassTests false 4 1 1) (Data 1 1 [([0%Z], 0%Z); ([4%Z], 2%Z)]) [] = false
  /\ sound_question (Question ClassTests false 4 1 1) two [] = true.
Proof. split; reflexivity. Qed.

(** Outputs 2 - x and x - 2 of the samples 0 and 4: the greatest one is the label within 1 of them, and
    not within 2, where both are 0: a tie is none. *)
Definition pair_of : network := Network [x0] [] [Row [(x0, (-1)%Z)] 2 1; Row [(x0, 1%Z)] (-2) 1].
Lemma pair_values x : output pair_of x 0 = 2 - x x0 /\ output pair_of x 1 = x x0 - 2.
Proof. unfold output, pair_of, value. simpl. split; lra. Qed.
Lemma pair_well : well_formed pair_of.
Proof.
  repeat split; simpl; [repeat constructor; simpl; tauto |].
  apply Forall_cons; [| apply Forall_cons; [| constructor]]; intros t [<- | []]; simpl; auto.
Qed.
Example greatest_within_one : one_budget_greatest Linf 1 two pair_of.
Proof.
  intros s S. unfold two in S. members; (split; [exact pair_well | split; [reflexivity |]]);
    intros x [B _]; unfold reads_label, keeps; simpl; destruct (pair_values x) as [V W];
    apply Forall_inv in B; unfold gap, below in B; simpl in B; unfold Q2R in B; simpl in B;
    (intros [| [| other]] O N; [try lia | try lia | lia]); change (Pos.to_nat 1) with 1%nat; rewrite V, W;
    revert B; unfold Rabs; destruct (Rcase_abs _); intro; lra.
Qed.
Example not_greatest_within_two : ~ one_budget_greatest Linf 2 two pair_of.
Proof.
  intro H. destruct (H ([0%Z], 0%Z)) as [_ [_ K]]; [left; reflexivity |].
  set (x := fun v : name => 2). destruct (pair_values x) as [V W].
  assert (B : in_ball (Task Argmax 0 Linf 2 None) [x0] [0%Q] x).
  { split; [| exact I]. constructor; [| constructor]. unfold gap, below, x; simpl. unfold Q2R; simpl.
    rewrite Rabs_right by lra. lra. }
  specialize (K x B 1%nat ltac:(simpl; lia) ltac:(simpl; lia)). simpl in K. rewrite V, W in K. unfold x in K. lra.
Qed.
