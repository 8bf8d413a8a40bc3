(** Data sets, how far apart they are, and that half of that is the limit of every budget.

    Coordinates are integers over one denominator, labels are 0, 1, ... *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines.
Import ListNotations.
Open Scope R_scope.

Record data := Data { columns : nat; over : positive; samples : list (list Z * Z) }.
Definition real (D : data) (c : Z) : R := IZR c / IZR (Zpos (over D)).
Definition point (D : data) (p : list Z) : list R := map (real D) p.
(** A sample in the words of the statement. *)
Definition sample_of (D : data) (s : list Z * Z) : list Q * nat :=
  (map (fun c => Qmake c (over D)) (fst s), Z.to_nat (snd s)).
Definition shaped (D : data) : Prop :=
  (0 < columns D)%nat
  /\ Forall (fun s => length (fst s) = columns D /\ (0 <= snd s)%Z) (samples D).

Fixpoint has_length (n : nat) (p : list Z) : bool :=
  match n, p with
  | O, [] => true
  | S n, _ :: p => has_length n p
  | _, _ => false
  end.
Lemma has_length_is : forall n p, has_length n p = true -> length p = n.
Proof.
  induction n as [| n IH]; intros [| c p] H; simpl in *; try discriminate; [reflexivity |].
  f_equal. apply IH, H.
Qed.

(** Two points at least so far apart; for L2 it is the square of the distance. *)
Definition gaps (f : R -> R) (p q : list R) : list R := map (fun ab => f (fst ab - snd ab)) (combine p q).
Definition square (t : R) : R := t * t.
Definition apart (m : norm) (distance : R) (p q : list R) : Prop :=
  match m with
  | Linf => Exists (fun t => distance <= t) (gaps Rabs p q)
  | L1 => distance <= total (gaps Rabs p q)
  | L2 => distance <= total (gaps square p q)
  end.
Definition separated (m : norm) (D : data) (distance : R) : Prop :=
  forall s t, In s (samples D) -> In t (samples D) -> snd s <> snd t ->
  apart m distance (point D (fst s)) (point D (fst t)).
(** A point of the closed ball. *)
Definition around (m : norm) (size : R) (x p : list R) : Prop :=
  length x = length p /\
  match m with
  | Linf => Forall (fun t => t <= size) (gaps Rabs x p)
  | L1 => total (gaps Rabs x p) <= size
  | L2 => total (gaps square x p) <= size
  end.

Definition reading (ns : list name) (x : valuation) : list R := map x ns.
Lemma at_center_gaps D f x : forall ns p,
  map (fun s => f (gap x s)) (at_center ns (map (fun c => Qmake c (over D)) p))
  = gaps f (reading ns x) (point D p).
Proof.
  unfold gaps, at_center, reading, point. induction ns as [| n ns IH]; intros [| c p]; simpl; try reflexivity.
  f_equal. apply IH.
Qed.
(** The balls of the statement are these. *)
Lemma around_is D (m : norm) size ns p x : length p = length ns ->
  within m false size (at_center ns (map (fun c => Qmake c (over D)) p)) x
  <-> around m size (reading ns x) (point D p).
Proof.
  intro L. unfold around, within. unfold reading at 1, point at 1. rewrite !map_length.
  pose proof (at_center_gaps D Rabs x ns p) as EA. pose proof (at_center_gaps D square x ns p) as ES.
  unfold square in ES at 1. destruct m; simpl.
  - rewrite <- EA. split.
    + intro N. split; [congruence |]. rewrite Forall_forall in *. intros r R.
      apply in_map_iff in R as [s [<- S]]. apply N, S.
    + intros [_ N]. rewrite Forall_forall in *. intros s S. apply N.
      apply in_map_iff. exists s. split; [reflexivity | exact S].
  - rewrite EA. split; [intro N; split; [congruence | exact N] | intros [_ N]; exact N].
  - rewrite ES. split; [intro N; split; [congruence | exact N] | intros [_ N]; exact N].
Qed.
Lemma in_ball_around D (t : task) m ns p (x : valuation) : metric t = Of m ->
  length p = length ns -> clip t = None ->
  in_ball t ns (map (fun c => Qmake c (over D)) p) x
  <-> around m (Q2R (budget t)) (reading ns x) (point D p).
Proof.
  intros M L C. unfold in_ball. rewrite C, M. pose proof (around_is D m (Q2R (budget t)) ns p x L). tauto.
Qed.

(** ** The limit: no network reads two labels where their balls meet *)

Fixpoint valued_at (ns : list name) (ts : list R) : valuation :=
  match ns, ts with
  | n :: ns, t :: ts => fun v => if name_dec v n then t else valued_at ns ts v
  | _, _ => fun _ => 0
  end.
Lemma reading_valued : forall ns ts, NoDup ns -> length ns = length ts -> reading ns (valued_at ns ts) = ts.
Proof.
  induction ns as [| n ns IH]; intros [| t ts] N L; try discriminate; [reflexivity |].
  inversion N as [| ? ? N1 N2]; subst. cbn [reading map valued_at].
  destruct (name_dec n n) as [_ | X]; [| congruence]. f_equal.
  transitivity (reading ns (valued_at ns ts)); [| apply IH; [exact N2 | simpl in L; congruence]].
  unfold reading. apply map_ext_in.
  intros v V. destruct (name_dec v n) as [-> |]; [contradiction | reflexivity].
Qed.

Definition middle (p q : list R) : list R := map (fun ab => (fst ab + snd ab) / 2) (combine p q).
Lemma middle_length p q : length p = length q -> length (middle p q) = length p.
Proof. intro L. unfold middle. rewrite map_length, combine_length, L. apply Nat.min_id. Qed.
Lemma middle_gaps (f : R -> R) : (forall t, f (- t) = f t) -> forall p q, length p = length q ->
  gaps f (middle p q) p = map (fun ab => f ((fst ab - snd ab) / 2)) (combine p q)
  /\ gaps f (middle p q) q = map (fun ab => f ((fst ab - snd ab) / 2)) (combine p q).
Proof.
  intro E. unfold gaps, middle. induction p as [| a p IH]; intros [| b q] L; try discriminate.
  - split; reflexivity.
  - destruct (IH q) as [H1 H2]; [simpl in L; congruence |]. simpl. rewrite H1, H2. split; f_equal.
    + replace ((a + b) / 2 - a) with (- ((a - b) / 2)) by field. apply E.
    + f_equal. field.
Qed.
Lemma total_scaled {A} k (f : A -> R) l : total (map (fun a => k * f a) l) = k * total (map f l).
Proof. induction l as [| a l IH]; simpl; [lra | rewrite IH; lra]. Qed.

(** The size of a ball is its radius, for L2 the square of it. *)
Definition meet (m : norm) (size : R) (p q : list R) : Prop :=
  match m with
  | Linf => Forall (fun t => t <= 2 * size) (gaps Rabs p q)
  | L1 => total (gaps Rabs p q) <= 2 * size
  | L2 => total (gaps square p q) <= 4 * size
  end.
Lemma middle_around m size p q : length p = length q -> meet m size p q ->
  around m size (middle p q) p /\ around m size (middle p q) q.
Proof.
  intros L M. unfold around. rewrite (middle_length p q L).
  destruct (middle_gaps Rabs Rabs_Ropp p q L) as [A1 A2].
  destruct (middle_gaps square) with (p := p) (q := q) as [S1 S2];
    [intro t; unfold square; lra | exact L |].
  assert (HA : forall ab : R * R, Rabs ((fst ab - snd ab) / 2) = / 2 * Rabs (fst ab - snd ab)).
  { intro ab. unfold Rdiv. rewrite Rabs_mult, (Rabs_right (/ 2)) by lra. lra. }
  assert (HS : forall ab : R * R, square ((fst ab - snd ab) / 2) = / 4 * square (fst ab - snd ab)).
  { intro ab. unfold square. field. }
  rewrite A1, A2, S1, S2. rewrite (map_ext _ _ HA), (map_ext _ _ HS), !total_scaled.
  destruct m; simpl in M; unfold gaps in M.
  - assert (F : Forall (fun t => t <= size) (map (fun ab => / 2 * Rabs (fst ab - snd ab)) (combine p q))).
    { rewrite Forall_forall in *. intros t T. apply in_map_iff in T as [ab [<- T]].
      specialize (M (Rabs (fst ab - snd ab))). assert (2 * size >= Rabs (fst ab - snd ab)); [| lra].
      apply Rle_ge, M. apply in_map_iff. exists ab. split; [reflexivity | exact T]. }
    split; (split; [congruence | exact F]).
  - split; (split; [congruence | lra]).
  - split; (split; [congruence | lra]).
Qed.

(** A decoder that tells two labels apart reads at most one of them at a point. *)
Definition tells_apart (d : decoder) (classes outs a b : nat) : Prop :=
  match d with
  | Value => a <> b
  | Nearest => a <> b /\ (a < classes)%nat /\ (b < classes)%nat
  | Sign => (a = 0 /\ b <> 0)%nat
  | Argmax => a <> b /\ (a < outs)%nat /\ (b < outs)%nat
  end.
Lemma keeps_one d classes outs out a b : tells_apart d classes outs a b ->
  keeps d classes outs out a -> keeps d classes outs out b -> False.
Proof.
  unfold tells_apart, keeps. destruct d; intros T A B.
  - apply T, INR_eq. congruence.
  - destruct T as [N [LA LB]]. specialize (A b LB ltac:(congruence)). specialize (B a LA N). lra.
  - destruct T as [-> N]. destruct b; [congruence | lra].
  - destruct T as [N [LA LB]]. specialize (A b LB ltac:(congruence)). specialize (B a LA N). lra.
Qed.
Theorem half_the_separation_is_the_limit D (t : task) m net s u : metric t = Of m -> clip t = None ->
  length (fst s) = length (fst u) ->
  meet m (Q2R (budget t)) (point D (fst s)) (point D (fst u)) ->
  tells_apart (read t) (classes t) (length (outputs net)) (Z.to_nat (snd s)) (Z.to_nat (snd u)) ->
  keeps_label t net (sample_of D s) -> keeps_label t net (sample_of D u) -> False.
Proof.
  intros G C L M T [W [LS KS]] [_ [LU KU]]. cbn [sample_of fst snd] in *. rewrite map_length in LS, LU.
  destruct W as [ND _].
  assert (P : length (point D (fst s)) = length (point D (fst u))) by (unfold point; rewrite !map_length; exact L).
  destruct (middle_around _ _ _ _ P M) as [IS IU].
  set (x := valued_at (inputs net) (middle (point D (fst s)) (point D (fst u)))).
  assert (R : reading (inputs net) x = middle (point D (fst s)) (point D (fst u))).
  { apply reading_valued; [exact ND |]. rewrite (middle_length _ _ P). unfold point.
    rewrite map_length. symmetry. exact LS. }
  apply (keeps_one _ _ _ (output net x) _ _ T).
  - apply KS. apply (in_ball_around D t m (inputs net) (fst s) x G LS C). rewrite R. exact IS.
  - apply KU. apply (in_ball_around D t m (inputs net) (fst u) x G LU C). rewrite R. exact IU.
Qed.
