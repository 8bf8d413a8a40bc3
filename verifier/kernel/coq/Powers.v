(** Powers, and roots that are not too small: what balls of norms above 2 need. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Psatz.
From Robmem Require Import Statement Numbers.
Import ListNotations.
Open Scope R_scope.

Fixpoint power (a : Q) (n : nat) : Q := match n with O => one | S n => mul a (power a n) end.
Lemma power_real a n : Q2R (power a n) = Q2R a ^ n.
Proof. induction n as [| n IH]; simpl; [apply one_real | rewrite mul_real, IH; reflexivity]. Qed.
#[global] Arguments power : simpl never.
Fixpoint count_z (n : nat) : Z := match n with O => 0%Z | S n => Z.add 1 (count_z n) end.
Definition count (n : nat) : Q := whole (count_z n).
Lemma count_real n : Q2R (count n) = INR n.
Proof.
  unfold count. rewrite whole_real. induction n as [| n IH]; [reflexivity |].
  cbn [count_z]. rewrite plus_IZR, IH, S_INR. lra.
Qed.

Lemma powers_lt n a b : 0 <= a < b -> a ^ S n < b ^ S n.
Proof.
  intros [A B]. induction n as [| n IH]; [simpl; lra |].
  change (a * a ^ S n < b * b ^ S n). apply Rmult_le_0_lt_compat; auto. apply pow_le, A.
Qed.
Lemma powers_le n a b : 0 <= b -> a ^ S n <= b ^ S n -> a <= b.
Proof.
  intros B H. destruct (Rle_lt_dec a b) as [| L]; [assumption |].
  pose proof (powers_lt n b a (conj B L)). lra.
Qed.
Lemma powers_below n a b : 0 <= b -> a ^ S n < b ^ S n -> a < b.
Proof.
  intros B H. destruct (Rlt_le_dec a b) as [| L]; [assumption |].
  pose proof (pow_incr b a (S n) (conj B L)). lra.
Qed.
Lemma zero_power n : 0 ^ S n = 0.
Proof. simpl. ring. Qed.

(** The tangent of t^p lies below it; of |t|^p as well. *)
Lemma tangent n a x : 0 <= a -> 0 <= x -> INR (S n) * (a ^ n * x) <= x ^ S n + INR n * a ^ S n.
Proof.
  intros A X. induction n as [| n IH]; [simpl; lra |]. rewrite !S_INR in *.
  assert (P : 0 <= (INR n + 1) * (a ^ n * ((x - a) * (x - a)))).
  { apply Rmult_le_pos; [pose proof (pos_INR n); lra |].
    apply Rmult_le_pos; [apply pow_le, A | apply Rle_0_sqr]. }
  apply (Rmult_le_compat_l x _ _ X) in IH. simpl in *. lra.
Qed.
Definition rise (n : nat) (x : R) : R := if Rle_lt_dec 0 x then x ^ n else - (- x) ^ n.
Lemma tangent_signed n x y :
  Rabs x ^ S n + INR (S n) * rise n x * (y - x) <= Rabs y ^ S n.
Proof.
  pose proof (tangent n (Rabs x) (Rabs y) (Rabs_pos x) (Rabs_pos y)) as T.
  assert (P : 0 <= INR (S n) * Rabs x ^ n)
    by (apply Rmult_le_pos; [apply pos_INR | apply pow_le, Rabs_pos]).
  assert (U : INR (S n) * Rabs x ^ n * y <= INR (S n) * Rabs x ^ n * Rabs y)
    by (apply Rmult_le_compat_l; [exact P | apply Rle_abs]).
  assert (L : INR (S n) * Rabs x ^ n * - y <= INR (S n) * Rabs x ^ n * Rabs y)
    by (apply Rmult_le_compat_l; [exact P | rewrite <- Rabs_Ropp; apply Rle_abs]).
  rewrite S_INR in *. unfold rise. destruct (Rle_lt_dec 0 x) as [S | S].
  - rewrite (Rabs_right x) in * by lra. simpl in *. lra.
  - rewrite (Rabs_left x) in * by lra. simpl in *. lra.
Qed.

(** From the tangents at all a, the power of a mean. *)
Lemma mean n v w t : 0 <= v -> 0 <= w ->
  (forall a, 0 <= a -> INR (S (S n)) * (a ^ S n * v) <= t + INR (S n) * (a ^ S (S n) * w)) ->
  v ^ S (S n) <= w ^ S n * t.
Proof.
  intros V W H. destruct (Req_dec v 0) as [-> | NV].
  { rewrite zero_power. specialize (H 0 (Rle_refl 0)). rewrite !zero_power in H.
    apply Rmult_le_pos; [apply pow_le, W | lra]. }
  destruct (Req_dec w 0) as [-> | NW].
  - exfalso. assert (T : 0 <= t) by (specialize (H 0 (Rle_refl 0)); rewrite !zero_power in H; lra).
    assert (Q : 0 <= t / v) by (apply Rmult_le_pos; [exact T | apply Rlt_le, Rinv_0_lt_compat; lra]).
    set (a := 1 + t / v) in *. assert (A : 0 <= a) by (unfold a; lra). specialize (H a A).
    assert (B : a <= a ^ S n).
    { simpl. pose proof (pow_R1_Rle a n). assert (1 <= a ^ n) by (apply H0; unfold a; lra).
      apply (Rmult_le_compat_l a _ _ A) in H1. lra. }
    assert (C : a * v <= a ^ S n * v) by (apply Rmult_le_compat_r; assumption).
    assert (E : a * v = v + t) by (unfold a; field; exact NV).
    assert (D : 1 * (a ^ S n * v) <= INR (S (S n)) * (a ^ S n * v)).
    { apply Rmult_le_compat_r; [apply Rmult_le_pos; [apply pow_le, A | exact V] |].
      rewrite S_INR. pose proof (pos_INR (S n)). lra. }
    lra.
  - assert (A : 0 <= v / w) by (apply Rmult_le_pos; [exact V | apply Rlt_le, Rinv_0_lt_compat; lra]).
    specialize (H _ A). set (a := v / w) in *. assert (E : v = a * w) by (unfold a; field; exact NW).
    rewrite E in H at 1. rewrite E, Rpow_mult_distr. rewrite S_INR in H.
    assert (F : a ^ S (S n) * w <= t) by (simpl in *; lra).
    apply Rle_trans with (w ^ S n * (a ^ S (S n) * w)).
    + simpl. lra.
    + apply Rmult_le_compat_l; [apply pow_le, W | exact F].
Qed.
(** One term of it: g t with a weight w that is no less than the root of g. *)
Lemma mean_term n g w t a : 0 <= g -> 0 <= w -> g <= w ^ S n -> 0 <= t -> 0 <= a ->
  INR (S (S n)) * (a ^ S n * (g * t)) <= t ^ S (S n) + INR (S n) * (a ^ S (S n) * (g * w)).
Proof.
  intros G W R T A. destruct (Req_dec g 0) as [-> | NG].
  - pose proof (pow_le t (S (S n)) T). lra.
  - assert (P : 0 < w ^ S n) by lra. set (q := g / w ^ S n).
    assert (Q0 : 0 <= q) by (apply Rmult_le_pos; [exact G | apply Rlt_le, Rinv_0_lt_compat, P]).
    assert (Q : q * w ^ S n = g) by (unfold q; field; lra).
    assert (Q1 : q <= 1) by (apply Rmult_le_reg_r with (w ^ S n); lra).
    pose proof (tangent (S n) (a * w) t (Rmult_le_pos _ _ A W) T) as H.
    apply (Rmult_le_compat_l q _ _ Q0) in H. rewrite !Rpow_mult_distr in H.
    pose proof (pow_le t (S (S n)) T) as T2.
    assert (K : q * t ^ S (S n) <= 1 * t ^ S (S n)) by (apply Rmult_le_compat_r; assumption).
    assert (X : q * (a ^ S n * w ^ S n * t) = a ^ S n * (g * t)) by (rewrite <- Q; ring).
    assert (Y : q * (a ^ S (S n) * w ^ S (S n)) = a ^ S (S n) * (g * w))
      by (rewrite <- Q; simpl; ring).
    replace (q * (INR (S (S n)) * (a ^ S n * w ^ S n * t)))
      with (INR (S (S n)) * (q * (a ^ S n * w ^ S n * t))) in H by ring.
    rewrite X in H. rewrite Rmult_plus_distr_l in H.
    replace (q * (INR (S n) * (a ^ S (S n) * w ^ S (S n))))
      with (INR (S n) * (q * (a ^ S (S n) * w ^ S (S n)))) in H by ring.
    rewrite Y in H. lra.
Qed.

(** Of t^p between [lo] and [hi] the line through its ends: its slope, without a division. *)
Fixpoint chord_slope (lo hi : Q) (n : nat) : Q :=
  match n with O => zero | S n => add (power hi n) (mul lo (chord_slope lo hi n)) end.
Lemma chord_slope_sound lo hi m n : 0 <= Q2R lo -> Q2R lo <= m <= Q2R hi ->
  m ^ n <= Q2R lo ^ n + Q2R (chord_slope lo hi n) * (m - Q2R lo).
Proof.
  intros L M. set (c := fun n => Q2R (chord_slope lo hi n)).
  assert (E : forall n, Q2R hi ^ n - Q2R lo ^ n = c n * (Q2R hi - Q2R lo) /\ 0 <= c n).
  { unfold c. intro k. induction k as [| k [IH P]]; cbn [chord_slope]; [rewrite zero_real; simpl; lra |].
    rewrite add_real, mul_real, power_real. split.
    - simpl. replace (Q2R hi * Q2R hi ^ k - Q2R lo * Q2R lo ^ k)
        with (Q2R hi ^ k * (Q2R hi - Q2R lo) + Q2R lo * (Q2R hi ^ k - Q2R lo ^ k)) by ring.
      rewrite IH. ring.
    - pose proof (pow_le (Q2R hi) k). assert (0 <= Q2R lo * Q2R (chord_slope lo hi k))
        by (apply Rmult_le_pos; assumption). lra. }
  induction n as [| n IH]; [cbn [chord_slope]; rewrite zero_real; simpl; lra |].
  destruct (E n) as [D P]. unfold c in *. cbn [chord_slope]. rewrite add_real, mul_real, power_real.
  apply (Rmult_le_compat_l m) in IH; [| lra]. simpl.
  assert (0 <= (m - Q2R lo) * (Q2R hi - m) * Q2R (chord_slope lo hi n))
    by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | exact P]).
  assert (Q2R hi ^ n = Q2R lo ^ n + Q2R (chord_slope lo hi n) * (Q2R hi - Q2R lo)) by lra.
  rewrite H0. lra.
Qed.

(** A number not below the n-th root of a, n >= 1, of about [bits] significant bits: found bit after
    bit, and believed only where it is tried out; else a + 1. *)
Definition larger_z (a b : Z) : Z := if Z.leb a b then b else a.
Fixpoint power_z (a : Z) (n : nat) : Z := match n with O => 1%Z | S n => Z.mul a (power_z a n) end.
Fixpoint root_z (fuel n : nat) (bit r v : Z) : Z :=
  match fuel with
  | O => r
  | S fuel =>
      let t := Z.add r bit in
      root_z fuel n (Z.div bit 2) (if Z.leb (power_z t n) v then t else r) v
  end.
Definition root_guess (bits n : nat) (a : Q) : Q :=
  let k := count_z n in
  let size n := Z.add (Z.log2 n) 1 in
  let apart := Z.add (size (Qnum a)) (Z.opp (size (Zpos (Qden a)))) in
  let shift := Z.add (count_z bits) (Z.opp (Z.div apart k)) in
  let top := Z.shiftl (Qnum a) (Z.mul k (larger_z shift 0)) in
  let bottom := Z.shiftl (Zpos (Qden a)) (Z.mul k (larger_z (Z.opp shift) 0)) in
  let r := root_z (S bits) n (Z.shiftl 1 (count_z bits)) 0 (Z.div top bottom) in
  let r := if Z.leb top (Z.mul (power_z r n) bottom) then r else Z.add r 1 in
  reduce (Qmake (Z.shiftl r (larger_z (Z.opp shift) 0)) (Z.to_pos (Z.shiftl 1 (larger_z shift 0)))).
Definition root_above (bits n : nat) (a : Q) : Q :=
  if positive_q a then
    let r := root_guess bits n (reduce a) in
    if nonneg r && leq a (power r n) then r else add a one
  else zero.
Lemma root_above_sound bits n a :
  0 <= Q2R (root_above bits (S n) a) /\ Q2R a <= Q2R (root_above bits (S n) a) ^ S n.
Proof.
  unfold root_above. destruct (positive_q a) eqn:P.
  - apply positive_true in P. set (r := root_guess _ _ _).
    destruct (nonneg r) eqn:N; [destruct (leq a (power r (S n))) eqn:L |]; cbn [andb].
    + apply nonneg_true in N. apply leq_true in L. rewrite power_real in L. split; assumption.
    + rewrite add_real, one_real. split; [lra |]. simpl.
      pose proof (pow_R1_Rle (Q2R a + 1) n) as H. assert (1 <= (Q2R a + 1) ^ n) as K by (apply H; lra).
      apply (Rmult_le_compat_l (Q2R a + 1)) in K; lra.
    + rewrite add_real, one_real. split; [lra |]. simpl.
      pose proof (pow_R1_Rle (Q2R a + 1) n) as H. assert (1 <= (Q2R a + 1) ^ n) as K by (apply H; lra).
      apply (Rmult_le_compat_l (Q2R a + 1)) in K; lra.
  - apply positive_false in P. rewrite zero_real, zero_power. lra.
Qed.
Lemma two_more n : (n + 2 = S (S n))%nat.
Proof. lia. Qed.
