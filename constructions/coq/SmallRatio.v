(** Theorem 4.2 (i) (Kim, Moon, Yun) as far as it computes: floors of scaled and shifted coordinates are one
    integer on every ball, and the integer memorizer answers the label of that integer.

    Hypotheses are those that constructions/small_ratio.py tests of a data set: each ball stays inside its
    cell, gamma above the lower walls, and the keys of the cells have the labels. That the shift and the
    numbers a_j exist for rho < 1 / (N sqrt d) is not proved here. The stages are composed as functions. *)
From Coq Require Import List ZArith Reals Lra Lia.
From Robmem Require Import Statement.
From Theorems Require Import Lines Data Forms Integers Floors.
Import ListNotations.
Open Scope R_scope.

(** Of one coordinate: its number a_j in the key, the bits of its floor, gamma, and the shift. *)
Record axis := Axis { times_ : Z; bits : nat; margin : R; shift_by : R }.
Definition placed (s : R) (a : axis) (t : R) : R := s * t + shift_by a.
Fixpoint key_at (s : R) (axes : list axis) (x : list R) : R :=
  match axes, x with
  | a :: axes, t :: x => IZR (times_ a) * floor_network (bits a) (margin a) (placed s a t) + key_at s axes x
  | _, _ => 0
  end.
Fixpoint key_of (axes : list axis) (cells : list Z) : Z :=
  match axes, cells with
  | a :: axes, k :: cells => times_ a * k + key_of axes cells
  | _, _ => 0
  end.
(** The interval of radius mu around p lies in cell k, margin above its lower wall. *)
Definition in_cell (s mu : R) (a : axis) (k : Z) (p : R) : Prop :=
  0 < margin a /\ (0 <= k < 2 ^ Z.of_nat (bits a))%Z
  /\ IZR k + margin a <= placed s a p - s * mu /\ placed s a p + s * mu < IZR k + 1.
Fixpoint in_cells (s mu : R) (axes : list axis) (cells : list Z) (p : list R) : Prop :=
  match axes, cells, p with
  | [], [], [] => True
  | a :: axes, k :: cells, t :: p => in_cell s mu a k t /\ in_cells s mu axes cells p
  | _, _, _ => False
  end.

Lemma floor_in_cell s mu a k p x : 0 <= s -> in_cell s mu a k p -> Rabs (x - p) <= mu ->
  floor_network (bits a) (margin a) (placed s a x) = IZR k.
Proof.
  intros S [G [K [L U]]] X. apply lemma_B_16; [exact G | exact K |]. unfold placed in *.
  assert (A : - mu <= x - p <= mu) by (revert X; unfold Rabs; destruct (Rcase_abs _); lra).
  pose proof (Rmult_le_compat_l s _ _ S (proj1 A)). pose proof (Rmult_le_compat_l s _ _ S (proj2 A)).
  replace (s * (x - p)) with (s * x - s * p) in * by ring. replace (s * - mu) with (- (s * mu)) in * by ring. lra.
Qed.
Lemma key_on_ball s mu : 0 <= s -> forall axes cells x p, in_cells s mu axes cells p -> length x = length p ->
  Forall (fun t => t <= mu) (gaps Rabs x p) -> key_at s axes x = IZR (key_of axes cells).
Proof.
  intro S. induction axes as [| a axes IH]; intros [| k cells] [| t x] [| u p] I L F; try discriminate; try contradiction;
    [reflexivity |].
  destruct I as [I1 I2]. pose proof (Forall_inv F) as F1. pose proof (Forall_inv_tail F) as F2. cbn [fst snd] in F1.
  cbn [key_at key_of]. rewrite (floor_in_cell s mu a k u t S I1 F1), (IH cells x p I2 ltac:(simpl in L; congruence) F2).
  rewrite plus_IZR, mult_IZR. reflexivity.
Qed.
Lemma ball_in_cube mu x p : 0 <= mu -> around L2 (mu * mu) x p -> Forall (fun t => t <= mu) (gaps Rabs x p).
Proof.
  intros P [_ B]. unfold gaps in *. revert B. generalize (combine x p). clear x p.
  induction l as [| ab l IH]; intro B; cbn [map] in *; [constructor |]. unfold total, square in B. cbn [fold_right] in B.
  assert (N : 0 <= fold_right Rplus 0 (map (fun ab => (fst ab - snd ab) * (fst ab - snd ab)) l)).
  { clear. induction l as [| ab l IH]; cbn [map fold_right]; [lra |].
    pose proof (Rle_0_sqr (fst ab - snd ab)) as Q. unfold Rsqr in Q. lra. }
  pose proof (Rle_0_sqr (fst ab - snd ab)) as Q. unfold Rsqr in Q. constructor.
  - apply Rsqr_incr_0_var; [| exact P]. rewrite <- Rsqr_abs. unfold Rsqr. lra.
  - apply IH. unfold total, square. lra.
Qed.

(** Scale, shift, floors, key, memorizer: on the ball of every sample whose cell has a key, its label. *)
Definition small_ratio (n r c : nat) (keys : group) (s : R) (axes : list axis) (x : list R) : R :=
  output (memorizer_network n r c (groups_of keys n keys)) (fun _ => key_at s axes x) 0.
Theorem theorem_4_2_i n r c keys s axes mu p cells x : (1 <= n)%nat -> increasing (-1) keys -> fits r c keys ->
  0 <= s -> 0 <= mu -> in_cells s mu axes cells p -> (0 <= key_of axes cells)%Z -> around L2 (mu * mu) x p ->
  small_ratio n r c keys s axes x = IZR (label_of (key_of axes cells) keys).
Proof.
  intros N Inc F S P I K A. unfold small_ratio.
  apply (lemma_B_10 n r c keys (key_of axes cells) (fun _ => key_at s axes x) N Inc F K).
  apply (key_on_ball s mu S axes cells x p I); [apply A | apply ball_in_cube; assumption].
Qed.
