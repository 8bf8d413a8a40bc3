(** The statement says what it should: examples computed in real numbers. [make check] compiles it. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra.
From Robmem Require Import Statement.
Import ListNotations.
Open Scope R_scope.

(** Two inputs; two units, relu(x0 - x1) and relu(x1 - x0); two outputs, |x0 - x1| and half of the
    first unit plus 1/2. *)
Definition x0 : name := [D0; D0].
Definition x1 : name := [D0; D1].
Definition u0 : name := [D0; D2].
Definition u1 : name := [D0; D3].
Definition two_units : network := Network [x0; x1]
  [(u0, Row [(x0, 1%Z); (x1, (-1)%Z)] 0 1); (u1, Row [(x0, (-1)%Z); (x1, 1%Z)] 0 1)]
  [Row [(u0, 1%Z); (u1, 1%Z)] 0 1; Row [(u0, 1%Z)] 1 2].
Definition at_point (a b : R) : valuation := fun v => if name_dec v x0 then a else b.

Example absolute_value a b : output two_units (at_point a b) 0 = Rabs (a - b).
Proof.
  unfold output, two_units, run, set, at_point. simpl. unfold value. simpl.
  unfold Rmax, Rabs. repeat destruct (Rle_dec _ _); destruct (Rcase_abs _); lra.
Qed.
Example second_output a b : output two_units (at_point a b) 1 = (Rmax 0 (a - b) + 1) / 2.
Proof.
  unfold output, two_units, run, set, at_point. simpl. unfold value. simpl.
  unfold Rmax. repeat destruct (Rle_dec _ _); lra.
Qed.
Example is_well_formed : well_formed two_units.
Proof.
  unfold two_units. repeat split; simpl.
  - repeat constructor; simpl; intuition discriminate.
  - intuition discriminate.
  - intros t [<- | [<- | []]]; simpl; auto.
  - intuition discriminate.
  - intros t [<- | [<- | []]]; simpl; auto.
  - apply Forall_cons; [intros t [<- | [<- | []]] | apply Forall_cons;
      [intros t [<- | []] | apply Forall_nil]]; simpl; auto 6.
Qed.
(** A unit that reads itself is refused. *)
Example no_cycle : ~ well_formed (Network [x0] [(u0, Row [(u0, 1%Z)] 0 1)] []).
Proof.
  intros [_ [[_ [R _]] _]]. specialize (R _ (or_introl eq_refl)). simpl in R.
  intuition discriminate.
Qed.

(** A point inside and one outside each kind of region around (0, 0), of size 1. *)
Definition square (b : shape) : region :=
  Region [Side x0 (-1) 1 0; Side x1 (-1) 1 0] b.
Ltac numbers := unfold inside, near, below, gap, square, at_point; simpl; unfold Q2R; simpl.
Ltac inside_now :=
  numbers; split; [repeat constructor; simpl; unfold Q2R; simpl; lra |];
  repeat (constructor; simpl); unfold gap, Q2R; simpl; try rewrite !Rabs_right by lra; lra.
Example in_box : inside (square Box) (at_point 1 1).
Proof. numbers. split; [repeat constructor; simpl; unfold Q2R; simpl; lra | exact I]. Qed.
Example out_of_box : ~ inside (square Box) (at_point 1 (11 / 10)).
Proof.
  numbers. intros [H _]. apply Forall_inv_tail, Forall_inv in H. simpl in H.
  unfold Q2R in H; simpl in H. lra.
Qed.
Example in_linf : inside (square (Ball Linf 1 false)) (at_point 1 1).
Proof. inside_now. Qed.
Example out_of_open_linf : ~ inside (square (Ball Linf 1 true)) (at_point 1 0).
Proof.
  numbers. intros [_ H]. apply Forall_inv in H. unfold gap, Q2R in H; simpl in H.
  rewrite Rabs_right in H by lra. lra.
Qed.
Example in_l1 : inside (square (Ball L1 1 false)) (at_point (1 / 2) (1 / 2)).
Proof. inside_now. Qed.
Example out_of_l1 : ~ inside (square (Ball L1 1 false)) (at_point (1 / 2) (3 / 5)).
Proof.
  numbers. intros [_ H]. unfold gap, Q2R in H; simpl in H. rewrite !Rabs_right in H by lra. lra.
Qed.
Example in_l2 : inside (square (Ball L2 1 false)) (at_point (3 / 5) (4 / 5)).
Proof. inside_now. Qed.
Example out_of_open_l2 : ~ inside (square (Ball L2 1 true)) (at_point (3 / 5) (4 / 5)).
Proof. numbers. intros [_ H]. unfold gap, Q2R in H; simpl in H. lra. Qed.
Example out_of_l2 : ~ inside (square (Ball L2 1 false)) (at_point (4 / 5) (4 / 5)).
Proof. numbers. intros [_ H]. unfold gap, Q2R in H; simpl in H. lra. Qed.

(** The norm 3 is [Power 1]: 27 / 64 + 64 / 125 is below 1, twice 64 / 125 is not. *)
Ltac cubes := unfold gap, Q2R; simpl; rewrite !Rabs_left by lra; lra.
Example in_l3 : inside (square (Ball (Power 1) 1 false)) (at_point (- 3 / 4) (- 4 / 5)).
Proof. numbers. split; [repeat constructor; simpl; unfold Q2R; simpl; lra |]. cubes. Qed.
Example out_of_l3 : ~ inside (square (Ball (Power 1) 1 false)) (at_point (- 4 / 5) (- 4 / 5)).
Proof.
  numbers. intros [_ H]. revert H. unfold gap, Q2R; simpl. rewrite !Rabs_left by lra. lra.
Qed.
Example out_of_open_l3 : ~ inside (square (Ball (Power 1) 1 true)) (at_point 1 0).
Proof.
  numbers. intros [_ H]. revert H. unfold gap, Q2R; simpl. rewrite !Rabs_right by lra. lra.
Qed.

(** Atoms: strict ones fail at zero. The second output is at least 1/2. *)
Definition small (strict : bool) : atom := Atom [] [(1%nat, (-1)%Q)] (1 # 2) strict.
Example weak_holds : holds two_units (at_point 0 1) (small false).
Proof.
  unfold holds, holds_of, small, below. simpl. rewrite second_output. unfold Q2R; simpl.
  rewrite Rmax_left by lra. lra.
Qed.
Example at_least_half x : 1 / 2 <= output two_units x 1.
Proof.
  unfold output, two_units, run. simpl. unfold value at 1. simpl. unfold set. simpl.
  match goal with |- context [Rmax 0 ?t] => pose proof (Rmax_l 0 t) end. lra.
Qed.
Example strict_never : never two_units (square Box) [[small true]].
Proof.
  intros x _ goal [<- | []] H. apply Forall_inv in H. revert H.
  unfold holds, holds_of, small, below. simpl. pose proof (at_least_half x). unfold Q2R; simpl. lra.
Qed.
(** Decoders: a tie keeps no label. *)
Example tie : ~ keeps Nearest 2 1 (output (Network [x0] [] [Row [] 1 2]) (fun _ => 0)) 0.
Proof.
  unfold keeps, output, value. simpl. intro H. specialize (H 1%nat (le_n 2)).
  assert (D : 1%nat <> 0%nat) by discriminate. specialize (H D). revert H. simpl.
  unfold Rabs. repeat destruct (Rcase_abs _); lra.
Qed.

(** Families: the last input is m. Intervals of m, with and without their ends. *)
Definition growing (n : gauge) (rate : Q) (opened : bool) : cone := Cone n rate 0 1 opened.
Ltac spanning := unfold spans, growing, below; simpl; unfold Q2R; simpl; lra.
Example spans_before_the_end : spans (growing Linf 1 true) (99 / 100). Proof. spanning. Qed.
Example not_the_open_end : ~ spans (growing Linf 1 true) 1. Proof. spanning. Qed.
Example the_closed_end : spans (growing Linf 1 false) 1. Proof. spanning. Qed.
Example the_first : spans (growing Linf 1 true) 0. Proof. spanning. Qed.
Example not_below_the_first : ~ spans (growing Linf 1 true) (- 1 / 100). Proof. spanning. Qed.

(** The balls at m = 1/2: of radius m rate, in the L2 norm of squared radius m^2 rate. *)
Ltac cone_now :=
  unfold in_cone, within, below, size_at, gap, at_center, at_point; simpl; unfold gap, Q2R; simpl.
Example in_linf_cone :
  in_cone (growing Linf 2 true) [x0] [0%Q] (1 / 2) (at_point 1 (1 / 2)).
Proof.
  cone_now. constructor; [| constructor]. unfold gap, at_point, size_at, Q2R; simpl.
  unfold Q2R; simpl. rewrite Rabs_right by lra. lra.
Qed.
Example out_of_linf_cone :
  ~ in_cone (growing Linf 2 true) [x0] [0%Q] (1 / 2) (at_point (11 / 10) (1 / 2)).
Proof.
  cone_now. intro H. apply Forall_inv in H. unfold gap, Q2R in H; simpl in H.
  rewrite Rabs_right in H by lra. lra.
Qed.
Example out_of_l1_cone :
  ~ in_cone (growing L1 2 true) [x0; x1] [0%Q; 0%Q] (1 / 2) (at_point (3 / 5) (3 / 5)).
Proof. cone_now. intro H. rewrite !Rabs_right in H by lra. lra. Qed.
Example in_l2_cone : in_cone (growing L2 4 true) [x0] [0%Q] (1 / 2) (at_point 1 (1 / 2)).
Proof. cone_now. lra. Qed.
Example out_of_l2_cone : ~ in_cone (growing L2 4 true) [x0] [0%Q] (1 / 2) (at_point (11 / 10) (1 / 2)).
Proof. cone_now. intro H. lra. Qed.
Example in_l3_cone : in_cone (growing (Power 1) 8 true) [x0] [0%Q] (1 / 2) (at_point (- 1) (1 / 2)).
Proof. cone_now. rewrite !Rabs_left by lra. lra. Qed.
Example out_of_l3_cone :
  ~ in_cone (growing (Power 1) 8 true) [x0] [0%Q] (1 / 2) (at_point (- 11 / 10) (1 / 2)).
Proof. cone_now. rewrite !Rabs_left by lra. intro H. lra. Qed.

(** The output 1 - m over D(m) = 1 - m is the label 1 for every m in [0, 1), and no other label;
    with outputs and D zero nothing is kept. *)
Definition one_minus_m : network := Network [x0; x1] [] [Row [(x1, (-1)%Z)] 1 1].
Definition members (d0 d1 : Q) : family := Family Value 2 (growing Linf 1 true) d0 d1.
Lemma cone_of_two out : cone_well (growing Linf 1 true) (Network [x0; x1] [] [out]) [0%Q] [x0] x1
  <-> reads [x0; x1] out.
Proof.
  unfold cone_well, well_formed, growing. simpl. split.
  - intros [[_ [_ F]] _]. apply Forall_inv in F. exact F.
  - intro H. repeat split; simpl; auto; try (unfold Q2R; simpl; lra).
    repeat constructor; simpl; intuition discriminate.
Qed.
Example keeps_one_for_every_m : keeps_label_for_every (members 1 (-1)) one_minus_m ([0%Q], 1%nat).
Proof.
  exists [x0], x1. split; [apply cone_of_two; intros t [<- | []]; simpl; auto |].
  unfold spans, members, growing, below_at, below. simpl. unfold Q2R. simpl. intros m M.
  split; [lra |]. intros x E _. unfold output, one_minus_m, value. simpl. rewrite E. field. lra.
Qed.
Example keeps_zero_for_no_m : ~ keeps_label_for_every (members 1 (-1)) one_minus_m ([0%Q], 0%nat).
Proof.
  intros [ns [p [W H]]]. specialize (H 0). destruct H as [_ H]; [spanning |].
  destruct W as [_ [E [L _]]]. destruct ns as [| a [| b ns]]; simpl in L; try discriminate.
  injection E as <- <-. specialize (H (fun _ => 0) eq_refl).
  unfold in_cone, within, members, growing in H. simpl in H.
  assert (F : output one_minus_m (fun _ => 0) 0 / below_at (members 1 (-1)) 0 = 0).
  { apply H. constructor; [| constructor]. unfold below, size_at, gap, Q2R; simpl; unfold Q2R; simpl; rewrite Rabs_right; lra. }
  revert F. unfold output, one_minus_m, value, below_at, members. simpl. unfold Q2R. simpl.
  intro F. field_simplify in F. lra.
Qed.
Example nothing_over_nothing :
  ~ keeps_label_for_every (members 0 0) (Network [x0; x1] [] [Row [] 0 1]) ([0%Q], 0%nat).
Proof.
  intros [ns [p [_ H]]]. specialize (H 0). destruct H as [H _]; [spanning |].
  unfold below_at, members in H. simpl in H. unfold Q2R in H. simpl in H. lra.
Qed.

(** The output m is above 1/4 in every ball of m in [1/2, 1]: points count at their own m. *)
Example points_at_their_own_m :
  never_in_cone (Network [x0; x1] [] [Row [(x1, 1%Z)] 0 1]) (Cone Linf 1 (1 # 2) 1 false) [0%Q]
    [[Atom [] [(0%nat, (-1)%Q)] (1 # 4) false]].
Proof.
  exists [x0], x1. split; [| split].
  - unfold cone_well, well_formed. simpl. repeat split; simpl; auto; try (unfold Q2R; simpl; lra).
    + repeat constructor; simpl; intuition discriminate.
    + constructor; [intros t [<- | []]; simpl; auto | constructor].
  - constructor; [constructor; [split; repeat constructor | constructor] | constructor].
  - intros m x M E _ goal [<- | []] H. apply Forall_inv in H. revert H M.
    unfold holds, holds_of, output, value, spans, below. simpl. rewrite E. unfold Q2R. simpl. lra.
Qed.
