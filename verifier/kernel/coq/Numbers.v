(** Rational numbers that are fast where denominators are equal, each operation proved to be that
    of the real numbers. A fraction need not be in lowest terms: it is reduced where denominators
    multiply, and nowhere else. *)
From Coq Require Import ZArith QArith Reals Qreals Lra Lia Bool.
Open Scope R_scope.

Lemma make_real n d : Q2R (Qmake n d) = IZR n / IZR (Zpos d).
Proof. reflexivity. Qed.
Lemma eta_real a : Q2R a = IZR (Qnum a) / IZR (Zpos (Qden a)).
Proof. destruct a; reflexivity. Qed.
Lemma pos_real (d : positive) : 0 < IZR (Zpos d).
Proof. apply IZR_lt; reflexivity. Qed.
#[export] Hint Resolve pos_real : core.
Lemma pos_nonzero (d : positive) : IZR (Zpos d) <> 0.
Proof. apply Rgt_not_eq, pos_real. Qed.
#[export] Hint Resolve pos_nonzero : core.

Definition zero : Q := Qmake 0 1.
Definition one : Q := Qmake 1 1.
Definition whole (n : Z) : Q := Qmake n 1.
Definition is_zero (a : Q) : bool := Z.eqb (Qnum a) 0.
Definition positive_q (a : Q) : bool := Z.ltb 0 (Qnum a).
Definition nonneg (a : Q) : bool := Z.leb 0 (Qnum a).
Definition neg (a : Q) : Q := Qmake (Z.opp (Qnum a)) (Qden a).

Definition reduce (a : Q) : Q :=
  let g := Z.gcd (Qnum a) (Zpos (Qden a)) in
  if Z.leb g 1 then a
  else Qmake (Z.div (Qnum a) g) (Z.to_pos (Z.div (Zpos (Qden a)) g)).

Definition add (a b : Q) : Q :=
  if is_zero a then b else if is_zero b then a
  else if Pos.eqb (Qden a) (Qden b) then Qmake (Z.add (Qnum a) (Qnum b)) (Qden a)
  else let k := Z.div (Zpos (Qden a)) (Zpos (Qden b)) in
  if Z.eqb (Z.mul k (Zpos (Qden b))) (Zpos (Qden a))
  then Qmake (Z.add (Qnum a) (Z.mul (Qnum b) k)) (Qden a)
  else let k := Z.div (Zpos (Qden b)) (Zpos (Qden a)) in
  if Z.eqb (Z.mul k (Zpos (Qden a))) (Zpos (Qden b))
  then Qmake (Z.add (Z.mul (Qnum a) k) (Qnum b)) (Qden b)
  else
    let g := Z.gcd (Zpos (Qden a)) (Zpos (Qden b)) in
    let da := Z.to_pos (Z.div (Zpos (Qden a)) g) in
    let db := Z.div (Zpos (Qden b)) g in
    Qmake (Z.add (Z.mul (Qnum a) db) (Z.mul (Qnum b) (Zpos da))) (Pos.mul da (Qden b)).
Definition sub (a b : Q) : Q := add a (neg b).

Definition mul (a b : Q) : Q :=
  if Pos.eqb (Qden b) 1 then Qmake (Z.mul (Qnum a) (Qnum b)) (Qden a)
  else if Pos.eqb (Qden a) 1 then Qmake (Z.mul (Qnum a) (Qnum b)) (Qden b)
  else reduce (Qmake (Z.mul (Qnum a) (Qnum b)) (Pos.mul (Qden a) (Qden b))).
Definition scale (n : Z) (a : Q) : Q := Qmake (Z.mul n (Qnum a)) (Qden a).
Definition over (a : Q) (d : positive) : Q :=
  if Pos.eqb d 1 then a else reduce (Qmake (Qnum a) (Pos.mul (Qden a) d)).

(** p + n a, in one step where denominators are equal. *)
Definition gain (n : Z) (a p : Q) : Q :=
  if Pos.eqb (Qden p) (Qden a) then Qmake (Z.add (Qnum p) (Z.mul n (Qnum a))) (Qden p)
  else add p (scale n a).

(** The same number over [d], if that is a multiple of its denominator. *)
Definition align (d : positive) (a : Q) : Q :=
  if Pos.eqb (Qden a) d then a
  else
    let k := Z.div (Zpos d) (Zpos (Qden a)) in
    if Z.eqb (Z.mul k (Zpos (Qden a))) (Zpos d) then Qmake (Z.mul (Qnum a) k) d else a.

Definition leq (a b : Q) : bool :=
  if Pos.eqb (Qden a) (Qden b) then Z.leb (Qnum a) (Qnum b)
  else Z.leb (Z.mul (Qnum a) (Zpos (Qden b))) (Z.mul (Qnum b) (Zpos (Qden a))).
Definition lt (a b : Q) : bool := negb (leq b a).
Definition larger (a b : Q) : Q := if leq a b then b else a.
Definition smaller (a b : Q) : Q := if leq a b then a else b.
Definition magnitude (a : Q) : Q := if nonneg a then a else neg a.
Definition positive_part (a : Q) : Q := if nonneg a then a else zero.

(** floor(2^24 h / w) / 2^24 for w > 0; any value would be sound. *)
Definition two24 : positive := 16777216.
Definition floor24 (h w : Q) : Q :=
  if positive_q w
  then Qmake (Z.div (Z.mul (Z.mul (Zpos two24) (Qnum h)) (Zpos (Qden w)))
                (Z.mul (Zpos (Qden h)) (Qnum w))) two24
  else zero.

Lemma zero_real : Q2R zero = 0.
Proof. unfold zero; rewrite make_real; field. Qed.
Lemma one_real : Q2R one = 1.
Proof. unfold one; rewrite make_real; field. Qed.
Lemma whole_real n : Q2R (whole n) = IZR n.
Proof. unfold whole; rewrite make_real; field. Qed.

Lemma neg_real a : Q2R (neg a) = - Q2R a.
Proof. unfold neg; rewrite !eta_real; simpl; rewrite opp_IZR; field; auto. Qed.

Lemma divided n d g : (1 < g)%Z -> (g | n)%Z -> (g | Zpos d)%Z ->
  Q2R (Qmake (Z.div n g) (Z.to_pos (Z.div (Zpos d) g))) = Q2R (Qmake n d).
Proof.
  intros big [a Ha] [b Hb]. rewrite !make_real.
  assert (bpos : (0 < b)%Z) by nia.
  rewrite Ha, Hb, !Z.div_mul by lia. rewrite Z2Pos.id by lia.
  rewrite !mult_IZR. field. split; apply not_0_IZR; lia.
Qed.

Lemma reduce_real a : Q2R (reduce a) = Q2R a.
Proof.
  unfold reduce. destruct a as [n d]; simpl.
  destruct (Z.leb_spec (Z.gcd n (Zpos d)) 1) as [small | large]; [reflexivity |].
  apply divided; [assumption | apply Z.gcd_divide_l | apply Z.gcd_divide_r].
Qed.

Lemma is_zero_real a : is_zero a = true -> Q2R a = 0.
Proof. unfold is_zero; intro H; apply Z.eqb_eq in H; rewrite eta_real, H; field; auto. Qed.

Lemma multiple_real k d e : (k * Zpos d)%Z = Zpos e ->
  IZR (Zpos e) = IZR k * IZR (Zpos d) /\ IZR k <> 0.
Proof.
  intro E. rewrite <- E, mult_IZR. split; [reflexivity |]. apply not_0_IZR. intros ->. discriminate.
Qed.

Lemma add_real a b : Q2R (add a b) = Q2R a + Q2R b.
Proof.
  unfold add.
  destruct (is_zero a) eqn:Za; [rewrite (is_zero_real a Za); lra |].
  destruct (is_zero b) eqn:Zb; [rewrite (is_zero_real b Zb); lra |].
  destruct (Pos.eqb_spec (Qden a) (Qden b)) as [same | different];
    [| destruct (Z.eqb_spec (Z.div (Zpos (Qden a)) (Zpos (Qden b)) * Zpos (Qden b)) (Zpos (Qden a)))
         as [above | _];
       [| destruct (Z.eqb_spec (Z.div (Zpos (Qden b)) (Zpos (Qden a)) * Zpos (Qden a)) (Zpos (Qden b)))
            as [under | _]]].
  - rewrite make_real, plus_IZR, !eta_real, <- same; field; auto.
  - destruct (multiple_real _ _ _ above) as [E N].
    rewrite make_real, plus_IZR, mult_IZR, !eta_real, E. field. split; auto.
  - destruct (multiple_real _ _ _ under) as [E N].
    rewrite make_real, plus_IZR, mult_IZR, !eta_real, E. field. split; auto.
  - destruct a as [n d], b as [m e]; simpl in *.
    set (g := Z.gcd (Zpos d) (Zpos e)).
    assert (gpos : (0 < g)%Z).
    { assert (0 <= g)%Z by apply Z.gcd_nonneg.
      assert (g <> 0)%Z by (intro H0; apply Z.gcd_eq_0_l in H0; discriminate). lia. }
    destruct (Z.gcd_divide_l (Zpos d) (Zpos e)) as [d' Hd]; fold g in Hd.
    destruct (Z.gcd_divide_r (Zpos d) (Zpos e)) as [e' He]; fold g in He.
    assert ((0 < d')%Z /\ (0 < e')%Z) as [dpos epos] by nia.
    rewrite !make_real, plus_IZR, !mult_IZR.
    rewrite Pos2Z.inj_mul, mult_IZR.
    rewrite Hd, He, !Z.div_mul by lia. rewrite Z2Pos.id by lia.
    rewrite !mult_IZR. field.
    repeat split; apply not_0_IZR; lia.
Qed.

Lemma sub_real a b : Q2R (sub a b) = Q2R a - Q2R b.
Proof. unfold sub; rewrite add_real, neg_real; lra. Qed.

Lemma mul_real a b : Q2R (mul a b) = Q2R a * Q2R b.
Proof.
  unfold mul.
  destruct (Pos.eqb_spec (Qden b) 1) as [H1 | _];
    [| destruct (Pos.eqb_spec (Qden a) 1) as [H1 | _]].
  1,2: rewrite make_real, !eta_real, H1, mult_IZR; field; auto.
  rewrite reduce_real, make_real, !eta_real, mult_IZR, Pos2Z.inj_mul, mult_IZR; field; auto.
Qed.

Lemma scale_real n a : Q2R (scale n a) = IZR n * Q2R a.
Proof. unfold scale; rewrite !eta_real; simpl; rewrite mult_IZR; field; auto. Qed.

Lemma gain_real n a p : Q2R (gain n a p) = Q2R p + IZR n * Q2R a.
Proof.
  unfold gain. destruct (Pos.eqb_spec (Qden p) (Qden a)) as [same | _].
  - rewrite make_real, plus_IZR, mult_IZR, !eta_real, <- same. field; auto.
  - rewrite add_real, scale_real. reflexivity.
Qed.

Lemma over_real a d : Q2R (over a d) = Q2R a / IZR (Zpos d).
Proof.
  unfold over. destruct (Pos.eqb_spec d 1) as [H1 | _].
  - rewrite H1; field.
  - rewrite reduce_real, make_real, Pos2Z.inj_mul, mult_IZR, !eta_real; field; auto.
Qed.

Lemma align_real d a : Q2R (align d a) = Q2R a.
Proof.
  unfold align. destruct (Pos.eqb (Qden a) d); [reflexivity |].
  destruct (Z.eqb_spec (Z.div (Zpos d) (Zpos (Qden a)) * Zpos (Qden a)) (Zpos d)) as [E | _];
    [| reflexivity].
  destruct (multiple_real _ _ _ E) as [M N]. rewrite make_real, mult_IZR, eta_real, M.
  field. split; auto.
Qed.

Lemma quotient_le n d m e :
  IZR n / IZR (Zpos d) <= IZR m / IZR (Zpos e) <-> (n * Zpos e <= m * Zpos d)%Z.
Proof.
  pose proof (pos_real d) as Hd. pose proof (pos_real e) as He.
  assert (key : IZR m / IZR (Zpos e) - IZR n / IZR (Zpos d)
    = (IZR m * IZR (Zpos d) - IZR n * IZR (Zpos e)) * / (IZR (Zpos d) * IZR (Zpos e)))
    by (field; auto).
  assert (ipos : 0 < / (IZR (Zpos d) * IZR (Zpos e)))
    by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; assumption).
  split; intro H.
  - apply le_IZR; rewrite !mult_IZR.
    destruct (Rle_lt_dec (IZR n * IZR (Zpos e)) (IZR m * IZR (Zpos d))) as [ok | bad]; [exact ok |].
    exfalso. assert (0 < (IZR n * IZR (Zpos e) - IZR m * IZR (Zpos d))
      * / (IZR (Zpos d) * IZR (Zpos e))) by (apply Rmult_lt_0_compat; lra). lra.
  - apply IZR_le in H; rewrite !mult_IZR in H.
    assert (0 <= (IZR m * IZR (Zpos d) - IZR n * IZR (Zpos e))
      * / (IZR (Zpos d) * IZR (Zpos e))) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma leq_real a b : leq a b = true <-> Q2R a <= Q2R b.
Proof.
  unfold leq. rewrite !eta_real, quotient_le.
  destruct (Pos.eqb_spec (Qden a) (Qden b)) as [same | different]; rewrite Z.leb_le.
  - rewrite <- same. apply Z.mul_le_mono_pos_r. reflexivity.
  - reflexivity.
Qed.
Lemma leq_true a b : leq a b = true -> Q2R a <= Q2R b.
Proof. apply leq_real. Qed.
Lemma leq_false a b : leq a b = false -> Q2R b < Q2R a.
Proof.
  intro H. apply Rnot_le_lt. intro bad. apply leq_real in bad. rewrite H in bad; discriminate.
Qed.
Lemma lt_true a b : lt a b = true -> Q2R a < Q2R b.
Proof. unfold lt; intro H; apply negb_true_iff in H; apply leq_false, H. Qed.

Lemma sign_le a : (0 <= Qnum a)%Z <-> 0 <= Q2R a.
Proof.
  rewrite eta_real. replace 0 with (IZR 0 / IZR (Zpos 1)) by field.
  rewrite quotient_le. rewrite Z.mul_0_l, Z.mul_1_r. reflexivity.
Qed.
Lemma nonneg_true a : nonneg a = true -> 0 <= Q2R a.
Proof. unfold nonneg; intro H; apply Z.leb_le in H; apply sign_le, H. Qed.
Lemma nonneg_false a : nonneg a = false -> Q2R a < 0.
Proof.
  unfold nonneg; intro H; apply Z.leb_gt in H. apply Rnot_le_lt. intro bad.
  apply sign_le in bad; lia.
Qed.
Lemma positive_true a : positive_q a = true -> 0 < Q2R a.
Proof.
  unfold positive_q; intro H; apply Z.ltb_lt in H.
  destruct (Rle_lt_or_eq_dec 0 (Q2R a)) as [ok | bad]; [apply sign_le; lia | exact ok |].
  rewrite eta_real in bad. exfalso.
  assert (0 < IZR (Qnum a) / IZR (Zpos (Qden a)))
    by (apply Rdiv_lt_0_compat; [apply IZR_lt; assumption | auto]). lra.
Qed.
Lemma positive_false a : positive_q a = false -> Q2R a <= 0.
Proof.
  unfold positive_q; intro H; apply Z.ltb_ge in H.
  apply Rnot_lt_le. intro bad.
  assert (0 <= Q2R (neg a)) by (apply sign_le; unfold neg; simpl; lia).
  rewrite neg_real in *; lra.
Qed.
Lemma is_zero_false a : is_zero a = false -> Q2R a <> 0.
Proof.
  unfold is_zero; intros H bad; apply Z.eqb_neq in H.
  assert (0 <= Q2R a) as H1 by lra. assert (0 <= Q2R (neg a)) as H2 by (rewrite neg_real; lra).
  apply sign_le in H1. apply sign_le in H2. unfold neg in H2; simpl in H2. lia.
Qed.

Lemma larger_real a b : Q2R (larger a b) = Rmax (Q2R a) (Q2R b).
Proof.
  unfold larger; destruct (leq a b) eqn:E.
  - rewrite Rmax_right; [reflexivity | apply leq_true, E].
  - rewrite Rmax_left; [reflexivity | apply Rlt_le, leq_false, E].
Qed.
Lemma smaller_real a b : Q2R (smaller a b) = Rmin (Q2R a) (Q2R b).
Proof.
  unfold smaller; destruct (leq a b) eqn:E.
  - rewrite Rmin_left; [reflexivity | apply leq_true, E].
  - rewrite Rmin_right; [reflexivity | apply Rlt_le, leq_false, E].
Qed.
Lemma magnitude_real a : Q2R (magnitude a) = Rabs (Q2R a).
Proof.
  unfold magnitude; destruct (nonneg a) eqn:E.
  - rewrite Rabs_right; [reflexivity | apply Rle_ge, nonneg_true, E].
  - rewrite neg_real, Rabs_left; [reflexivity | apply nonneg_false, E].
Qed.
Lemma positive_part_real a : Q2R (positive_part a) = Rmax 0 (Q2R a).
Proof.
  unfold positive_part; destruct (nonneg a) eqn:E.
  - rewrite Rmax_right; [reflexivity | apply nonneg_true, E].
  - rewrite zero_real, Rmax_left; [reflexivity | apply Rlt_le, nonneg_false, E].
Qed.

Lemma smaller_one a b : smaller a b = if leq a b then a else b.
Proof. reflexivity. Qed.
Lemma larger_one a b : larger a b = if leq a b then b else a.
Proof. reflexivity. Qed.

#[global] Opaque zero one whole neg reduce add sub mul scale gain over align leq lt larger smaller magnitude
  positive_part is_zero positive_q nonneg floor24.
#[export] Hint Rewrite zero_real one_real whole_real neg_real reduce_real add_real sub_real mul_real
  scale_real over_real larger_real smaller_real magnitude_real positive_part_real : num.
