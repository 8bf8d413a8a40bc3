(** The claims say what they should: examples computed in real numbers. [make check] compiles it. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Data Memorizers Cubes.
Import ListNotations.
Open Scope R_scope.

Ltac numbers := unfold apart, around, gaps, square; simpl; unfold Q2R; simpl.
Ltac distances := repeat match goal with |- context [Rabs ?t] =>
  first [rewrite (Rabs_right t) by lra | rewrite (Rabs_left t) by lra] end.
Ltac distances_in H := repeat match type of H with context [Rabs ?t] =>
  first [rewrite (Rabs_right t) in H by lra | rewrite (Rabs_left t) in H by lra] end.

(** The distance of (0, 0) and (3, 4) is 4, 7 or 5, for L2 squared. *)
Example four_apart : apart Linf 4 [0; 0] [3; 4].
Proof. numbers. apply Exists_cons_tl, Exists_cons_hd. distances. lra. Qed.
Example not_five_apart : ~ apart Linf 5 [0; 0] [3; 4].
Proof.
  numbers. intro H. inversion H as [? ? A | ? ? A]; subst; [distances_in A; lra |].
  inversion A as [? ? B | ? ? B]; subst; [distances_in B; lra | inversion B].
Qed.
Example seven_apart : apart L1 7 [0; 0] [3; 4]. Proof. numbers. distances. lra. Qed.
Example not_eight_apart : ~ apart L1 8 [0; 0] [3; 4]. Proof. numbers. distances. lra. Qed.
Example five_squared_apart : apart L2 25 [0; 0] [3; 4]. Proof. numbers. lra. Qed.
Example not_more_apart : ~ apart L2 26 [0; 0] [3; 4]. Proof. numbers. lra. Qed.
Example around_the_corner : around Linf 1 [1; -1] [0; 0].
Proof. split; [reflexivity |]. numbers. constructor; [| constructor; [| constructor]]; distances; lra. Qed.
Example not_around_in_l1 : ~ around L1 1 [1; -1] [0; 0].
Proof. intros [_ H]. revert H. numbers. distances. lra. Qed.
Example not_around_in_l2 : ~ around L2 1 [1; -1] [0; 0].
Proof. intros [_ H]. revert H. numbers. lra. Qed.

(** Samples 0 and 4 over the denominator 1, of labels 0 and 1; once more 1, of label 0. *)
Definition two : data := Data 1 1 [([0%Z], 0%Z); ([4%Z], 1%Z)].
Definition three : data := Data 1 1 [([0%Z], 0%Z); ([4%Z], 1%Z); ([1%Z], 0%Z)].
Definition halves : data := Data 1 2 [([0%Z], 0%Z); ([4%Z], 1%Z)].
Example two_shaped : shaped two.
Proof. split; [unfold two; simpl; lia |]. repeat constructor; simpl; lia. Qed.
Ltac members := simpl in *;
  repeat match goal with H : _ \/ _ |- _ => destruct H | H : False |- _ => contradiction end; subst.
Ltac pairs := intros s t S T N; members; simpl in N; try (exfalso; apply N; reflexivity);
  apply Exists_cons_hd; unfold point, real; simpl; distances; lra.
Example two_are_four_apart : separated Linf two 4. Proof. pairs. Qed.
(** Samples of one label may be near to each other. *)
Example three_are_three_apart : separated Linf three 3. Proof. pairs. Qed.
Example three_are_not_four_apart : ~ separated Linf three 4.
Proof.
  intro H. assert (A : apart Linf 4 (point three [1%Z]) (point three [4%Z])).
  { apply (H ([1%Z], 0%Z) ([4%Z], 1%Z)); simpl; auto. discriminate. }
  revert A. unfold point, real. numbers. intro A. inversion A as [? ? B | ? ? B]; subst; [| inversion B].
  revert B. distances. lra.
Qed.
Example halves_are_two_apart : separated Linf halves 2. Proof. pairs. Qed.
Example halves_are_not_four_apart : ~ separated Linf halves 4.
Proof.
  intro H. assert (A : apart Linf 4 (point halves [0%Z]) (point halves [4%Z])).
  { apply (H ([0%Z], 0%Z) ([4%Z], 1%Z)); simpl; auto. discriminate. }
  revert A. unfold point, real. numbers. intro A. inversion A as [? ? B | ? ? B]; subst; [| inversion B].
  revert B. distances. lra.
Qed.

(** The output x / 4 reads both labels at the samples, and on no ball of radius 1. *)
Definition x0 : name := [D0; D0].
Definition m0 : name := [D0; D1].
Definition quarter : network := Network [x0] [] [Row [(x0, 1%Z)] 0 4].
Definition at_point (t : R) : valuation := fun v => if name_dec v x0 then t else 0.
Lemma quarter_value x : output quarter x 0 = x x0 / 4.
Proof. unfold output, quarter, value. simpl. lra. Qed.
Lemma quarter_well : well_formed quarter.
Proof.
  repeat split; simpl; [repeat constructor; simpl; tauto |].
  apply Forall_cons; [intros t [<- | []]; simpl; auto | constructor].
Qed.
Example at_the_samples : one_budget Linf 0 two quarter.
Proof.
  intros s S. unfold two in S. members; (split; [exact quarter_well | split; [reflexivity |]]);
    intros x [B _]; unfold reads_label, keeps; simpl; rewrite quarter_value;
    apply Forall_inv in B; unfold gap, below in B; simpl in B; unfold Q2R in B; simpl in B;
    revert B; unfold Rabs; destruct (Rcase_abs _); intro; try change (INR (Pos.to_nat 1)) with 1; lra.
Qed.
Example not_around_them : ~ one_budget Linf 1 two quarter.
Proof.
  intro H. destruct (H ([0%Z], 0%Z)) as [_ [_ K]]; [left; reflexivity |].
  assert (B : in_ball (Task Value 0 Linf 1 None) [x0] [0%Q] (at_point 1)).
  { split; [| exact I]. constructor; [| constructor]. unfold gap, below, at_point; simpl. unfold Q2R; simpl.
    distances. lra. }
  specialize (K (at_point 1) B). unfold reads_label, keeps in K. simpl in K. rewrite quarter_value in K.
  unfold at_point in K. simpl in K. lra.
Qed.
(** The theorem speaks of this data set: a network that does so on all balls of radius 1, with a row
    for each of 2 + 1 + 1, 1 + 1, 2 + 1, 1 + 1 units. *)
Example theorem_of_two : one_budget Linf 1 two (cubes Running two 4 1).
Proof.
  apply theorem_4_8; [exact two_shaped | | |]; unfold Q2R; simpl; try lra.
  replace (4 * / 1) with 4 by lra. exact two_are_four_apart.
Qed.

(** Every budget: m runs from 0 to 2, half the separation, without it; D(m) = 1 - m / 2. *)
Example the_last_budget : spans (half_cone Linf 4) (199 / 100) /\ ~ spans (half_cone Linf 4) 2.
Proof. unfold spans, half_cone, below. simpl. unfold Q2R. simpl. lra. Qed.
Example the_first_budget : spans (half_cone Linf 4) 0.
Proof. unfold spans, half_cone, below. simpl. unfold Q2R. simpl. lra. Qed.
Example the_slope : Q2R (half_slope 4) = - (1 / 2).
Proof. unfold half_slope, Q2R. simpl. lra. Qed.
Example the_ball_of_m : size_at (half_cone Linf 4) 1 = 1.
Proof. unfold size_at, half_cone. simpl. unfold Q2R. simpl. lra. Qed.
(** x / 4 does not do for every budget, whatever it reads at the samples. *)
Definition quarter_every : network := Network [x0; m0] [] [Row [(x0, 1%Z)] 0 4].
Example not_every_budget : ~ every_budget (half_cone Linf 4) (half_slope 4) two quarter_every.
Proof.
  intro H. destruct (H ([0%Z], 0%Z)) as [ns [p [[_ [E [L _]]] K]]]; [left; reflexivity |].
  destruct ns as [| a [| b ns]]; simpl in L; try discriminate. injection E as <- <-.
  destruct (K 1) as [_ G]; [unfold spans, half_cone, below; simpl; unfold Q2R; simpl; lra |].
  specialize (G (fun v => if name_dec v x0 then 1 else 1)).
  assert (F : output quarter_every (fun v => if name_dec v x0 then 1 else 1) 0
    / below_at (Family Value 0 (half_cone Linf 4) (Qmake 1 1) (half_slope 4)) 1 = 0).
  { apply G; [simpl; reflexivity |]. unfold in_cone, half_cone, within. simpl.
    constructor; [| constructor]. unfold below, gap, size_at; simpl. unfold Q2R; simpl. distances. lra. }
  revert F. unfold output, quarter_every, value, below_at. simpl. unfold Q2R. simpl. lra.
Qed.
