(** The share of the ball: weights s_d with sum s_d |d . y|^p <= ||y||_p^p, checked as they are
    named; and the leaf that closes with sums of ridge functions.

    p = 1: column sums. p = 2: Selberg's condition, s_d sum_e |d . e| w_e <= w_d with w > 0. Other p:
    column sums of s_d ||d||_1^(p - 1) |d_k|, since |d . y|^p <= ||d||_1^(p - 1) sum |d_k| |y_k|^p. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Psatz.
From Robmem Require Import Statement Numbers Powers Tries Leaf Tree Root Balls Ridge.
Import ListNotations.
Open Scope R_scope.

(** Vectors as lists; what is missing is zero. *)
Fixpoint ip (a b : list R) : R :=
  match a, b with x :: a, y :: b => x * y + ip a b | _, _ => 0 end.
Fixpoint vplus (a b : list R) : list R :=
  match a, b with [], b => b | a, [] => a | x :: a, y :: b => (x + y) :: vplus a b end.
Definition vscale (t : R) (a : list R) : list R := map (Rmult t) a.
Definition reals (gs : list Q) : list R := map Q2R gs.

Lemma inner_ip gs : forall ts, inner gs ts = ip (reals gs) ts.
Proof. induction gs as [| g gs IH]; intros [| t ts]; simpl; auto. rewrite IH. reflexivity. Qed.
Lemma ip_comm : forall a b, ip a b = ip b a.
Proof. induction a as [| x a IH]; intros [| y b]; simpl; auto. rewrite IH. ring. Qed.
Lemma ip_plus : forall a b c, ip (vplus a b) c = ip a c + ip b c.
Proof.
  induction a as [| x a IH]; intros [| y b] [| t c]; simpl; try lra.
  rewrite IH. ring.
Qed.
Lemma ip_scale t : forall a c, ip (vscale t a) c = t * ip a c.
Proof. induction a as [| x a IH]; intros [| y c]; simpl; try lra. rewrite IH. ring. Qed.
Lemma ip_self : forall a, 0 <= ip a a.
Proof. induction a as [| x a IH]; simpl; [lra |]. pose proof (Rle_0_sqr x). unfold Rsqr in *. lra. Qed.
Lemma ip_cauchy : forall a b, ip a b * ip a b <= ip a a * ip b b.
Proof.
  induction a as [| x a IH]; intros [| y b]; simpl; try lra.
  apply cauchy_step; [apply ip_self | apply ip_self | apply IH].
Qed.

Lemma total_map_plus {A} (f h : A -> R) l : total (map (fun a => f a + h a) l)
  = total (map f l) + total (map h l).
Proof. induction l as [| a l IH]; simpl; lra. Qed.
Lemma total_map_scale {A} c (f : A -> R) l : total (map (fun a => c * f a) l) = c * total (map f l).
Proof. induction l as [| a l IH]; simpl; lra. Qed.
Lemma total_map_le {A} (f h : A -> R) l : (forall a, In a l -> f a <= h a) ->
  total (map f l) <= total (map h l).
Proof.
  induction l as [| a l IH]; intro H; simpl; [lra |].
  pose proof (H a (or_introl eq_refl)). assert (total (map f l) <= total (map h l))
    by (apply IH; intros b I; apply H; right; exact I). lra.
Qed.
Lemma total_swap {A} (f : A -> A -> R) (k l : list A) :
  total (map (fun a => total (map (f a) l)) k) = total (map (fun b => total (map (fun a => f a b) k)) l).
Proof.
  induction k as [| a k IH]; simpl.
  - induction l as [| b l IHl]; simpl; lra.
  - rewrite IH, total_map_plus. reflexivity.
Qed.

(** A weighted direction: its weight s, Selberg's w, its vector. *)
Definition dense := (weighted_direction * Q * list Q)%type.
Definition vector (x : dense) : list R := reals (snd x).
Definition s_of (x : dense) : R := Q2R (share (fst (fst x))).
Definition w_of (x : dense) : R := Q2R (selberg (fst (fst x))).

Section Selberg.
Variable D : list dense.
Hypothesis s_pos : forall x, In x D -> 0 <= s_of x.
Hypothesis w_pos : forall x, In x D -> 0 < w_of x.
Hypothesis condition : forall x, In x D ->
  s_of x * total (map (fun y => Rabs (ip (vector x) (vector y)) * w_of y) D) <= w_of x.
Variable Y : list R.

Definition a_of x := ip (vector x) Y.
Definition b_of x := s_of x * a_of x.
Definition V : list R := fold_right (fun x v => vplus (vscale (b_of x) (vector x)) v) [] D.

Lemma ip_V c : ip V c = total (map (fun x => b_of x * ip (vector x) c) D).
Proof.
  unfold V. induction D as [| x l IH]; simpl; [reflexivity |].
  rewrite ip_plus, ip_scale. rewrite IH.
  - reflexivity.
  - intros y I. apply s_pos. right. exact I.
  - intros y I. apply w_pos. right. exact I.
  - intros y I. pose proof (condition y (or_intror I)) as C. simpl in C.
    assert (0 <= s_of y * (Rabs (ip (vector y) (vector x)) * w_of x)).
    { apply Rmult_le_pos; [apply s_pos; right; exact I |].
      apply Rmult_le_pos; [apply Rabs_pos | apply Rlt_le, w_pos; left; reflexivity]. }
    lra.
Qed.
Lemma pair_le x y : In x D -> In y D ->
  b_of x * b_of y * ip (vector x) (vector y)
  <= / 2 * (Rabs (ip (vector x) (vector y)) * (b_of x * b_of x * (w_of y / w_of x)))
   + / 2 * (Rabs (ip (vector y) (vector x)) * (b_of y * b_of y * (w_of x / w_of y))).
Proof.
  intros Ix Iy. rewrite (ip_comm (vector y)). pose proof (w_pos x Ix) as px. pose proof (w_pos y Iy) as py.
  set (G := ip (vector x) (vector y)). set (bx := b_of x). set (by_ := b_of y).
  set (wx := w_of x) in *. set (wy := w_of y) in *.
  assert (K : 2 * Rabs (bx * by_) <= bx * bx * (wy / wx) + by_ * by_ * (wx / wy)).
  { assert (S : 0 <= (Rabs bx * wy - Rabs by_ * wx) * (Rabs bx * wy - Rabs by_ * wx))
      by apply Rle_0_sqr.
    assert (Bx : Rabs bx * Rabs bx = bx * bx) by (rewrite <- Rabs_mult; apply Rabs_right; apply Rle_ge, Rle_0_sqr).
    assert (By : Rabs by_ * Rabs by_ = by_ * by_) by (rewrite <- Rabs_mult; apply Rabs_right; apply Rle_ge, Rle_0_sqr).
    rewrite Rabs_mult.
    assert (E : bx * bx * (wy / wx) + by_ * by_ * (wx / wy) - 2 * (Rabs bx * Rabs by_)
      = (Rabs bx * wy - Rabs by_ * wx) * (Rabs bx * wy - Rabs by_ * wx) * / (wx * wy)).
    { rewrite <- Bx, <- By. field. split; lra. }
    assert (0 <= (Rabs bx * wy - Rabs by_ * wx) * (Rabs bx * wy - Rabs by_ * wx) * / (wx * wy)).
    { apply Rmult_le_pos; [exact S |]. apply Rlt_le, Rinv_0_lt_compat, Rmult_lt_0_compat; assumption. }
    lra. }
  pose proof (Rle_abs (bx * by_ * G)) as A. rewrite Rabs_mult in A.
  assert (Rabs G * (2 * Rabs (bx * by_)) <= Rabs G * (bx * bx * (wy / wx) + by_ * by_ * (wx / wy)))
    by (apply Rmult_le_compat_l; [apply Rabs_pos | exact K]).
  lra.
Qed.
Definition cost x := b_of x * b_of x * / w_of x
  * total (map (fun y => Rabs (ip (vector x) (vector y)) * w_of y) D).
Lemma cost_le x : In x D -> cost x <= s_of x * (a_of x * a_of x).
Proof.
  intro I. unfold cost, b_of. pose proof (condition x I) as C. pose proof (s_pos x I) as S.
  pose proof (w_pos x I) as W. set (T := total _) in *.
  replace (s_of x * a_of x * (s_of x * a_of x) * / w_of x * T)
    with (s_of x * (a_of x * a_of x) * (/ w_of x * (s_of x * T))) by ring.
  rewrite <- (Rmult_1_r (s_of x * (a_of x * a_of x))) at 2.
  apply Rmult_le_compat_l; [apply Rmult_le_pos; [exact S | apply Rle_0_sqr] |].
  apply Rmult_le_reg_l with (w_of x); [exact W |].
  rewrite <- Rmult_assoc, Rinv_r by lra. lra.
Qed.
Lemma selberg_sum : total (map (fun x => s_of x * (a_of x * a_of x)) D) <= ip Y Y.
Proof.
  set (A := total (map (fun x => s_of x * (a_of x * a_of x)) D)).
  assert (VY : ip V Y = A).
  { rewrite ip_V. unfold A. f_equal. apply map_ext. intro x. unfold b_of, a_of. ring. }
  assert (VV : ip V V <= A).
  { rewrite ip_V.
    apply Rle_trans with (total (map (fun x => total (map (fun y =>
      / 2 * (Rabs (ip (vector x) (vector y)) * (b_of x * b_of x * (w_of y / w_of x)))
      + / 2 * (Rabs (ip (vector y) (vector x)) * (b_of y * b_of y * (w_of x / w_of y)))) D)) D)).
    { apply total_map_le. intros x Ix. rewrite ip_comm, ip_V, <- total_map_scale.
      apply total_map_le. intros y Iy. pose proof (pair_le x y Ix Iy) as P.
      rewrite (ip_comm (vector y) (vector x)) in *. lra. }
    assert (half_cost : forall x, total (map (fun y =>
      / 2 * (Rabs (ip (vector x) (vector y)) * (b_of x * b_of x * (w_of y / w_of x)))) D) = / 2 * cost x).
    { intro x. unfold cost. rewrite <- !total_map_scale. f_equal. apply map_ext. intro y.
      unfold Rdiv. ring. }
    rewrite (map_ext _ (fun x => / 2 * cost x + total (map (fun y =>
      / 2 * (Rabs (ip (vector y) (vector x)) * (b_of y * b_of y * (w_of x / w_of y)))) D)))
      by (intro x; rewrite total_map_plus, half_cost; reflexivity).
    rewrite total_map_plus, total_swap.
    rewrite (map_ext (fun b => total (map (fun a =>
      / 2 * (Rabs (ip (vector b) (vector a)) * (b_of b * b_of b * (w_of a / w_of b)))) D))
      (fun x => / 2 * cost x)) by (intro x; apply half_cost).
    rewrite !total_map_scale.
    assert (total (map cost D) <= A) by (apply total_map_le; intros x I; apply cost_le, I). lra. }
  assert (A0 : 0 <= A).
  { unfold A. assert (H : total (map (fun _ : dense => 0) D) <= A).
    { apply total_map_le. intros x I. apply Rmult_le_pos; [apply s_pos, I | apply Rle_0_sqr]. }
    assert (Z : total (map (fun _ : dense => 0) D) = 0) by (clear; induction D; simpl; lra).
    rewrite Z in H. exact H. }
  pose proof (ip_cauchy V Y) as C. rewrite VY in C. pose proof (ip_self Y) as YY.
  destruct (Req_dec A 0) as [-> |]; [exact YY |].
  assert (ip V V * ip Y Y <= A * ip Y Y) by (apply Rmult_le_compat_r; assumption).
  apply Rmult_le_reg_l with A; lra.
Qed.
End Selberg.

(** The conditions in rational numbers. *)
Fixpoint inner_q (a b : list Q) : Q :=
  match a, b with
  | x :: a, y :: b =>
      if is_zero x || is_zero y then inner_q a b else add (mul x y) (inner_q a b)
  | _, _ => zero
  end.
Lemma inner_q_real : forall a b, Q2R (inner_q a b) = ip (reals a) (reals b).
Proof.
  unfold reals. induction a as [| x a IH]; intros [| y b]; simpl; try apply zero_real.
  destruct (is_zero x) eqn:X; [| destruct (is_zero y) eqn:Y]; simpl.
  - rewrite IH, (is_zero_real _ X). lra.
  - rewrite IH, (is_zero_real _ Y). lra.
  - rewrite add_real, mul_real, IH. reflexivity.
Qed.
Fixpoint sum_q {A} (f : A -> Q) (l : list A) : Q :=
  match l with [] => zero | a :: l => add (f a) (sum_q f l) end.
Lemma sum_q_real {A} (f : A -> Q) (h : A -> R) : (forall a, Q2R (f a) = h a) ->
  forall l, Q2R (sum_q f l) = total (map h l).
Proof.
  intros H l. induction l as [| a l IH]; simpl; [apply zero_real |].
  rewrite add_real, H, IH. reflexivity.
Qed.
Definition selberg_ok (D : list dense) : bool :=
  forallb (fun x => nonneg (share (fst (fst x))) && positive_q (selberg (fst (fst x)))
    && leq (mul (share (fst (fst x)))
         (sum_q (fun y => mul (magnitude (inner_q (snd x) (snd y))) (selberg (fst (fst y)))) D))
       (selberg (fst (fst x)))) D.
Fixpoint vplus_q (a b : list Q) : list Q :=
  match a, b with [], b => b | a, [] => a | x :: a, y :: b => add x y :: vplus_q a b end.
Definition columns (f : dense -> Q) (D : list dense) : list Q :=
  fold_right (fun x c => vplus_q (map (fun g => mul (f x) (magnitude g)) (snd x)) c) [] D.
Definition columns_ok (f : dense -> Q) (D : list dense) : bool :=
  forallb (fun x => nonneg (share (fst (fst x)))) D && forallb (fun c => leq c one) (columns f D).
Definition length_1 (gs : list Q) : Q := sum_q magnitude gs.
Definition share_of (x : dense) : Q := share (fst (fst x)).
Definition grown_share (n : nat) (x : dense) : Q := mul (share_of x) (power (length_1 (snd x)) (S n)).
Definition weights_ok (n : gauge) (D : list dense) : bool :=
  match n with
  | Of L2 => selberg_ok D
  | Power n => columns_ok (grown_share n) D
  | _ => columns_ok share_of D
  end.

Lemma vplus_q_real : forall a b, reals (vplus_q a b) = vplus (reals a) (reals b).
Proof.
  unfold reals. induction a as [| x a IH]; intros [| y b]; simpl; auto.
  rewrite add_real, IH. reflexivity.
Qed.
Lemma ip_abs : forall a b, Rabs (ip a b) <= ip (map Rabs a) (map Rabs b).
Proof.
  induction a as [| x a IH]; intros [| y b]; simpl; try (rewrite Rabs_R0; lra).
  pose proof (Rabs_triang (x * y) (ip a b)) as T. rewrite Rabs_mult in T. specialize (IH b). lra.
Qed.
Lemma columns_sum f (of_y : R -> R) D Z :
  (forall x, In x D -> s_of x * of_y (ip (vector x) Z) <= Q2R (f x) * ip (map Rabs (vector x)) (map of_y Z)) ->
  total (map (fun x => s_of x * of_y (ip (vector x) Z)) D) <= ip (reals (columns f D)) (map of_y Z).
Proof.
  induction D as [| x D IH]; intro H; simpl; [lra |].
  rewrite vplus_q_real, ip_plus.
  replace (reals (map (fun g => mul (f x) (magnitude g)) (snd x)))
    with (vscale (Q2R (f x)) (map Rabs (vector x))).
  2:{ unfold reals, vscale, vector, reals. rewrite !map_map. apply map_ext. intro g.
      rewrite mul_real, magnitude_real. reflexivity. }
  rewrite ip_scale. pose proof (H x (or_introl eq_refl)).
  assert (total (map (fun x => s_of x * of_y (ip (vector x) Z)) D) <= ip (reals (columns f D)) (map of_y Z))
    by (apply IH; intros y I; apply H; right; exact I). lra.
Qed.
(** |d . y|^p <= ||d||_1^(p - 1) sum |d_k| |y_k|^p. *)
Lemma jensen n gs Z : Rabs (ip (reals gs) Z) ^ S (S n)
  <= Q2R (length_1 gs) ^ S n * ip (map Rabs (reals gs)) (map (fun t => Rabs t ^ S (S n)) Z).
Proof.
  assert (L : forall gs, Q2R (length_1 gs) = total (map Rabs (reals gs))).
  { intro l. unfold length_1, reals. rewrite (sum_q_real _ (fun g => Rabs (Q2R g)) magnitude_real), map_map.
    reflexivity. }
  assert (P : forall a b, 0 <= ip (map Rabs a) (map Rabs b)).
  { intros a b. apply Rle_trans with (2 := ip_abs a b). apply Rabs_pos. }
  apply Rle_trans with (ip (map Rabs (reals gs)) (map Rabs Z) ^ S (S n)).
  { apply pow_incr. split; [apply Rabs_pos | apply ip_abs]. }
  apply mean; [apply P | rewrite L; apply total_nonneg, Rabs_pos |]. intros a A. rewrite L. clear L P.
  assert (X : 0 <= INR (S n) * a ^ S (S n))
    by (apply Rmult_le_pos; [apply pos_INR | apply pow_le, A]).
  revert Z. generalize (reals gs). clear gs. intro gs. induction gs as [| g gs IH]; intros [| t ts];
    cbn [map ip total fold_right]; rewrite ?Rmult_0_r, ?Rplus_0_r; try lra.
  - pose proof (total_nonneg Rabs (g :: gs) Rabs_pos) as P. cbn [map total fold_right] in P.
    apply (Rmult_le_compat_l _ _ _ X) in P. lra.
  - specialize (IH ts). fold (total (map Rabs gs)) in *.
    pose proof (tangent (S n) a (Rabs t) A (Rabs_pos t)) as T.
    apply (Rmult_le_compat_l (Rabs g) _ _ (Rabs_pos g)) in T. lra.
Qed.
Lemma ip_ones : forall c T, Forall (fun q => Q2R q <= 1) c -> Forall (fun t => 0 <= t) T ->
  ip (reals c) T <= total T.
Proof.
  unfold reals. induction c as [| q c IH]; intros T C P; simpl.
  - induction P; simpl; lra.
  - destruct P as [| t T Pt P]; simpl; [lra |]. inversion C; subst.
    specialize (IH T). assert (Q2R q * t <= 1 * t) by (apply Rmult_le_compat_r; assumption).
    assert (ip (map Q2R c) T <= total T) by (apply IH; assumption). lra.
Qed.

Definition size_of (n : gauge) (Y : list R) : R :=
  match n with
  | Of L2 => ip Y Y
  | Power n => total (map (fun t => Rabs t ^ S (S n)) Y)
  | _ => total (map Rabs Y)
  end.
Lemma columns_ok_sound f of_y D Y : columns_ok f D = true -> (forall t, 0 <= of_y t) ->
  (forall x, 0 <= s_of x ->
    s_of x * of_y (ip (vector x) Y) <= Q2R (f x) * ip (map Rabs (vector x)) (map of_y Y)) ->
  Forall (fun x => 0 <= s_of x) D
  /\ total (map (fun x => s_of x * of_y (ip (vector x) Y)) D) <= total (map of_y Y).
Proof.
  unfold columns_ok. intros H N B. apply andb_true_iff in H as [S C]. rewrite forallb_forall in S, C.
  assert (F : forall x, In x D -> 0 <= s_of x) by (intros x I; apply nonneg_true, S, I).
  split; [apply Forall_forall; exact F |].
  apply Rle_trans with (ip (reals (columns f D)) (map of_y Y)).
  - apply columns_sum. intros x I. apply B, F, I.
  - apply ip_ones.
    + apply Forall_forall. intros q I. specialize (C q I). apply leq_true in C. rewrite one_real in C. exact C.
    + apply Forall_forall. intros t I. apply in_map_iff in I as [v [<- _]]. apply N.
Qed.
Lemma weights_sound n D Y : weights_ok n D = true ->
  Forall (fun x => 0 <= s_of x) D
  /\ total (map (fun x => s_of x * distance n (ip (vector x) Y)) D) <= size_of n Y.
Proof.
  assert (corner : columns_ok share_of D = true -> Forall (fun x => 0 <= s_of x) D
    /\ total (map (fun x => s_of x * Rabs (ip (vector x) Y)) D) <= total (map Rabs Y)).
  { intro H. apply (columns_ok_sound share_of Rabs); [exact H | exact Rabs_pos |].
    intros x S. change (Q2R (share_of x)) with (s_of x).
    apply Rmult_le_compat_l; [exact S | apply ip_abs]. }
  unfold weights_ok. destruct n as [[| |] | n]; [exact corner | exact corner | |].
  - unfold selberg_ok. rewrite forallb_forall. intro H.
    assert (P : forall x, In x D -> 0 <= s_of x /\ 0 < w_of x
      /\ s_of x * total (map (fun y => Rabs (ip (vector x) (vector y)) * w_of y) D) <= w_of x).
    { intros x I. specialize (H x I). apply andb_true_iff in H as [H C].
      apply andb_true_iff in H as [S W]. apply nonneg_true in S. apply positive_true in W.
      apply leq_true in C. rewrite mul_real in C.
      erewrite sum_q_real in C; [split; [exact S | split; [exact W | exact C]] |].
      intro y. simpl. rewrite mul_real, magnitude_real, inner_q_real. reflexivity. }
    split; [apply Forall_forall; intros x I; apply P, I |].
    apply (selberg_sum D); intros x I; apply P, I.
  - intro H. apply (columns_ok_sound (grown_share n) (fun t => Rabs t ^ S (S n))); [exact H | |].
    + intro t. apply pow_le, Rabs_pos.
    + intros x S. unfold grown_share. rewrite mul_real, power_real. change (Q2R (share_of x)) with (s_of x).
      rewrite Rmult_assoc. apply Rmult_le_compat_l; [exact S |]. apply jensen.
Qed.

(** Directions as vectors around the center. *)
Definition to_dense (ss : list side) (x : weighted_direction) : option dense :=
  match around ss (fold_left (fun t p => plus (snd p) (fst p) t) (ray x) Nil) zero with
  | Some (c, gs) => Some (x, c, gs)
  | None => None
  end.
Definition centered (ss : list side) (z : valuation) (x : dense) : Prop :=
  along (ray (fst (fst x))) z = Q2R (snd (fst x)) + ip (vector x) (map (gap z) ss).
Lemma to_dense_sound ss w x z : to_dense ss w = Some x -> fst (fst x) = w /\ centered ss z x.
Proof.
  unfold to_dense, centered.
  destruct (around ss (fold_left (fun t p => plus (snd p) (fst p) t) (ray w) Nil) zero)
    as [[c gs] |] eqn:A; [| discriminate].
  intro E; injection E as <-. split; [reflexivity |]. apply (around_value z) in A. simpl.
  rewrite inner_ip in A. unfold vector. simpl.
  assert (F : forall d t, dot (fold_left (fun t p => plus (snd p) (fst p) t) d t) z
    = dot t z + along d z).
  { unfold along. induction d as [| p d IH]; intro t; simpl; [lra |]. rewrite IH, dot_plus. lra. }
  rewrite F, zero_real in A. simpl in A. lra.
Qed.
Definition table_of (n : gauge) (ss : list side) (ws : list weighted_direction)
    : option (list dense) :=
  match all (to_dense ss) ws with
  | Some D => if weights_ok n D then Some D else None
  | None => None
  end.

(** Where d . x lies: on the box, on the ball, and by cuts about d alone. *)
Definition sides_of (z : valuation) (at_input : name -> option (Q * Q)) : Prop :=
  forall k a b, at_input k = Some (a, b) -> Q2R a <= z k <= Q2R b.
Fixpoint box_range (at_input : name -> option (Q * Q)) (d : direction) (lo hi : Q) : option (Q * Q) :=
  match d with
  | [] => Some (lo, hi)
  | (k, q) :: d =>
      match at_input k with
      | Some (a, b) =>
          if nonneg q then box_range at_input d (add lo (mul q a)) (add hi (mul q b))
          else box_range at_input d (add lo (mul q b)) (add hi (mul q a))
      | None => None
      end
  end.
(** A number with about 24 bits whose square is at least a; believed only where it is tried out. How
    many bits it has depends on the fraction: as of all checkers, on that in lowest terms. *)
Definition root_upper (a : Q) : Q :=
  if positive_q a then
    let a := reduce a in
    let bits n := Z.add (Z.log2 n) 1 in
    let shift := Z.add 24 (Z.opp (Z.div (Z.add (bits (Qnum a)) (Z.opp (bits (Zpos (Qden a))))) 2)) in
    let n := Z.shiftl (Qnum a) (Z.mul 2 (larger_z shift 0)) in
    let d := Z.shiftl (Zpos (Qden a)) (Z.mul 2 (larger_z (Z.opp shift) 0)) in
    let r := Z.sqrt (Z.div n d) in
    let r := if Z.leb n (Z.mul (Z.mul r r) d) then r else Z.add r 1 in
    reduce (Qmake (Z.shiftl r (larger_z (Z.opp shift) 0)) (Z.to_pos (Z.shiftl 1 (larger_z shift 0))))
  else zero.
Definition ball_reach (b : shape) (gs : list Q) : option Q :=
  match b with
  | Ball (Of L1) size _ => Some (mul (largest gs) size)
  | Ball (Power n) size _ => Some (root_above 24 (S (S n)) (mul (power (powers n gs) (S n)) size))
  | Ball (Of L2) size _ =>
      let bound := mul (squares gs) size in
      let r := root_upper bound in
      if nonneg r && leq bound (mul r r) then Some r else None
  | _ => None
  end.
Fixpoint all_zero (t : trie Q) : bool :=
  match t with
  | Nil => true
  | Val q => is_zero q
  | Fork a t0 t1 t2 t3 =>
      match a with Some q => is_zero q | None => true end
      && all_zero t0 && all_zero t1 && all_zero t2 && all_zero t3
  end.
Definition cut_range (d : direction) (cut : sum Q) (range : Q * Q) : Q * Q :=
  match d with
  | [] => range
  | (k, _) :: _ =>
      let f := add_sum numbers one cut (Nil, zero) in
      match get k (fst f) with
      | None => range
      | Some kappa =>
          if all_zero (fold_left (fun t p => plus (neg (mul kappa (snd p))) (fst p) t) d (fst f))
          then
            let t := divide (neg (snd f)) kappa in
            if negb (is_zero kappa) && is_zero (add (mul kappa t) (snd f)) then
              if nonneg kappa then (larger t (fst range), snd range)
              else (fst range, smaller t (snd range))
            else range
          else range
      end
  end.
Definition range (at_input : name -> option (Q * Q)) (g : region) (known : list (sum Q)) (x : dense)
    : option (Q * Q) :=
  let d := ray (fst (fst x)) in
  match box_range at_input d zero zero with
  | None => None
  | Some (lo, hi) =>
      let c := snd (fst x) in
      let ends :=
        match ball_reach (ball g) (snd x) with
        | Some r => (larger lo (sub c r), smaller hi (add c r))
        | None => (lo, hi)
        end in
      Some (fold_left (fun ends cut => cut_range d cut ends) known ends)
  end.

Lemma box_range_sound at_input z : sides_of z at_input -> forall d lo hi lo' hi' base,
  box_range at_input d lo hi = Some (lo', hi') -> Q2R lo <= base <= Q2R hi ->
  Q2R lo' <= base + along d z <= Q2R hi'.
Proof.
  intro V. unfold along. induction d as [| [k q] d IH]; intros lo hi lo' hi' base; simpl.
  - intros E H; injection E as <- <-; lra.
  - destruct (at_input k) as [[a b] |] eqn:G; [| discriminate].
    pose proof (V _ _ _ G) as B.
    assert (step : forall l h, box_range at_input d l h = Some (lo', hi') ->
      Q2R l <= base + Q2R q * z k <= Q2R h ->
      Q2R lo' <= base + (Q2R q * z k + total (map (fun p => Q2R (snd p) * z (fst p)) d)) <= Q2R hi')
      by (intros l h E H; specialize (IH _ _ _ _ _ E H); lra).
    destruct (nonneg q) eqn:S; intros E H; apply (step _ _ E); rewrite !add_real, !mul_real.
    + apply nonneg_true in S.
      assert (Q2R q * Q2R a <= Q2R q * z k) by (apply Rmult_le_compat_l; lra).
      assert (Q2R q * z k <= Q2R q * Q2R b) by (apply Rmult_le_compat_l; lra). lra.
    + apply nonneg_false in S.
      assert (- Q2R q * Q2R a <= - Q2R q * z k) by (apply Rmult_le_compat_l; lra).
      assert (- Q2R q * z k <= - Q2R q * Q2R b) by (apply Rmult_le_compat_l; lra). lra.
Qed.
Lemma all_zero_sound : forall t z, all_zero t = true -> dot t z = 0.
Proof.
  induction t as [| q | a t0 IH0 t1 IH1 t2 IH2 t3 IH3]; intros z H; simpl in *.
  - reflexivity.
  - rewrite (is_zero_real _ H). ring.
  - repeat (apply andb_true_iff in H as [H ?]). rewrite IH0, IH1, IH2, IH3 by assumption.
    destruct a as [q |]; simpl; [rewrite (is_zero_real _ H) |]; ring.
Qed.
Lemma cut_range_sound d cut ends z : 0 <= sum_value Q2R cut z ->
  Q2R (fst ends) <= along d z <= Q2R (snd ends) ->
  Q2R (fst (cut_range d cut ends)) <= along d z <= Q2R (snd (cut_range d cut ends)).
Proof.
  intros C H. unfold cut_range. destruct d as [| [k q] d']; [exact H |].
  set (d := (k, q) :: d') in *. set (f := add_sum numbers one cut (Nil, zero)) in *.
  destruct (get k (fst f)) as [kappa |]; [| exact H].
  destruct (all_zero _) eqn:Z; [| exact H].
  set (t := divide (neg (snd f)) kappa).
  destruct (negb (is_zero kappa)) eqn:K0; [| exact H].
  destruct (is_zero (add (mul kappa t) (snd f))) eqn:R; simpl; [| exact H].
  apply negb_true_iff, is_zero_false in K0.
  apply is_zero_real in R. rewrite add_real, mul_real in R.
  apply (all_zero_sound _ z) in Z.
  assert (F : forall d t, dot (fold_left (fun t p => plus (neg (mul kappa (snd p))) (fst p) t) d t) z
    = dot t z - Q2R kappa * along d z).
  { unfold along. induction d0 as [| p d0 IH]; intro t0; simpl; [lra |].
    rewrite IH, dot_plus, neg_real, mul_real. lra. }
  rewrite F in Z.
  assert (FV : form_value Q2R f z = sum_value Q2R cut z).
  { unfold f. rewrite (add_sum_value _ _ _ _ (numbers_lawful z)), one_real. unfold form_value; simpl. rewrite zero_real. lra. }
  unfold form_value in FV.
  assert (P : 0 <= Q2R kappa * (along d z - Q2R t)) by lra.
  destruct (nonneg kappa) eqn:S; simpl.
  - apply nonneg_true in S. rewrite larger_real. split; [| apply H]. apply Rmax_lub; [| apply H].
    assert (0 < Q2R kappa) by lra.
    apply Rmult_le_reg_l with (Q2R kappa); lra.
  - apply nonneg_false in S. rewrite smaller_real. split; [apply H |]. apply Rmin_glb; [| apply H].
    apply Rmult_le_reg_l with (- Q2R kappa); lra.
Qed.
Lemma reals_inner gs ts : Rabs (inner gs ts) <= Q2R (largest gs) * total (map Rabs ts).
Proof.
  apply Rabs_le. split; [pose proof (holder_1 gs ts); lra |].
  pose proof (holder_1 (map neg gs) ts) as H.
  assert (N : largest (map neg gs) = largest (map neg gs)) by reflexivity.
  assert (L : Q2R (largest (map neg gs)) = Q2R (largest gs)).
  { induction gs as [| g gs IH]; simpl; [reflexivity |].
    autorewrite with num. rewrite Rabs_Ropp. f_equal. apply IH.
    - pose proof (holder_1 (map neg gs) ts). exact H0.
    - reflexivity. }
  assert (I : forall gs ts, inner (map neg gs) ts = - inner gs ts).
  { induction gs0 as [| g gs0 IH]; intros [| t ts0]; simpl; try lra. rewrite neg_real, IH. ring. }
  rewrite L, I in H. lra.
Qed.
Lemma range_sound at_input g known x z lo hi : range at_input g known x = Some (lo, hi) ->
  sides_of z at_input ->
  Forall (fun s => 0 <= sum_value Q2R s z) known -> near (sides g) (ball g) z ->
  centered (sides g) z x -> Q2R lo <= along (ray (fst (fst x))) z <= Q2R hi.
Proof.
  unfold range. intros R V K N C.
  set (d := ray (fst (fst x))) in *.
  destruct (box_range at_input d zero zero) as [[a b] |] eqn:B; [| discriminate].
  apply (box_range_sound at_input z V _ _ _ _ _ 0) in B; [| rewrite zero_real; lra].
  injection R as R.
  assert (fold : forall ends, Q2R (fst ends) <= along d z <= Q2R (snd ends) ->
    let r := fold_left (fun ends cut => cut_range d cut ends) known ends in
    Q2R (fst r) <= along d z <= Q2R (snd r)).
  { clear R. induction K as [| s known S K IH]; intros ends H; simpl; [exact H |].
    apply IH, cut_range_sound; assumption. }
  match type of R with ?t = _ => set (r := t) in R end.
  assert (H : Q2R (fst r) <= along d z <= Q2R (snd r)).
  { apply fold. unfold ball_reach.
    set (c := snd (fst x)) in *.
    assert (near_c : forall q, Rabs (inner (snd x) (map (gap z) (sides g))) <= Q2R q ->
      Q2R (larger a (sub c q)) <= along d z <= Q2R (smaller b (add c q))).
    { intros q Hq. unfold centered in C. fold d c in C. unfold vector in C.
      rewrite <- inner_ip in C. set (w := inner (snd x) (map (gap z) (sides g))) in *.
      assert (- Q2R q <= w <= Q2R q).
      { pose proof (Rle_abs w). pose proof (Rle_abs (- w)) as A. rewrite Rabs_Ropp in A. lra. }
      autorewrite with num. split; [apply Rmax_lub | apply Rmin_glb]; lra. }
    destruct (ball g) as [| [[| |] | n] size opened]; cbn [fst snd]; try lra.
    - apply near_c. rewrite mul_real.
      apply Rle_trans with (1 := reals_inner _ _). rewrite map_map.
      apply Rmult_le_compat_l; [apply largest_nonneg |].
      simpl in N. unfold below in N. destruct opened; lra.
    - destruct (nonneg (root_upper (mul (squares (snd x)) size))) eqn:P; simpl; [| lra].
      destruct (leq (mul (squares (snd x)) size)
        (mul (root_upper (mul (squares (snd x)) size)) (root_upper (mul (squares (snd x)) size))))
        eqn:L; simpl; [| lra].
      apply nonneg_true in P. apply leq_true in L. rewrite !mul_real in L.
      apply near_c. apply Rabs_le. apply square_le; [exact P |].
      apply Rle_trans with (2 := L). apply Rle_trans with (1 := cauchy _ _). rewrite map_map.
      apply Rmult_le_compat_l; [apply squares_nonneg |].
      simpl in N. unfold below in N. destruct opened; lra.
    - destruct (root_above_sound 24 (S n) (mul (power (powers n (snd x)) (S n)) size)) as [P L].
      apply near_c. rewrite mul_real, power_real in L. apply (powers_le (S n)); [exact P |].
      apply Rle_trans with (2 := L). apply holder_within. rewrite map_map.
      cbn [near within] in N. rewrite two_more in N. unfold below in N. destruct opened; lra. }
  rewrite R in H. exact H.
Qed.

(** A form as groups, one for each direction. *)
Definition group := (direction * list (name * Q))%type.
Fixpoint insert (d : direction) (t : name * Q) (gs : list group) : list group :=
  match gs with
  | [] => [(d, [t])]
  | (d', ts) :: gs => if same_direction d d' then (d', t :: ts) :: gs else (d', ts) :: insert d t gs
  end.
Fixpoint gather (fuel : list name) (lines : trie direction) (ins : trie Q) (gs : list group)
    : option (list group) :=
  match pop ins with
  | None => Some gs
  | Some (v, q, ins) =>
      match fuel, get v lines with
      | _ :: fuel, Some d => gather fuel lines ins (insert d (v, q) gs)
      | _, _ => None
      end
  end.
Fixpoint take_group (d : direction) (gs : list group) : list (name * Q) * list group :=
  match gs with
  | [] => ([], [])
  | (d', ts) :: gs =>
      if same_direction d d' then (ts, gs)
      else let (found, rest) := take_group d gs in (found, (d', ts) :: rest)
  end.
Definition groups_value (gs : list group) (z : valuation) : R :=
  total (map (fun g => weighted (snd g) z) gs).

Lemma insert_value d v q z : forall gs,
  groups_value (insert d (v, q) gs) z = groups_value gs z + Q2R q * z v.
Proof.
  unfold groups_value, weighted. induction gs as [| [d' ts] gs IH]; simpl; [lra |].
  destruct (same_direction d d'); simpl; lra.
Qed.
Lemma gather_value lines z : forall fuel ins gs gs',
  gather fuel lines ins gs = Some gs' -> groups_value gs' z = groups_value gs z + dot ins z.
Proof.
  induction fuel as [| w fuel IH]; intros ins gs gs'; simpl;
    pose proof (dot_pop ins z) as P; destruct (pop ins) as [[[v q] ins'] |].
  - destruct (get v lines); discriminate.
  - intro E; injection E as <-. lra.
  - destruct (get v lines) as [d |]; [| discriminate].
    intro E. apply IH in E. rewrite insert_value in E. lra.
  - intro E; injection E as <-. lra.
Qed.
Lemma take_group_value d z : forall gs ts gs', take_group d gs = (ts, gs') ->
  groups_value gs z = weighted ts z + groups_value gs' z.
Proof.
  unfold groups_value. induction gs as [| [d' us] gs IH]; intros ts gs'; simpl.
  - intro E; injection E as <- <-. unfold weighted. simpl. lra.
  - destruct (same_direction d d').
    + intro E; injection E as <- <-. lra.
    + destruct (take_group d gs) as [found rest]. intro E; injection E as <- <-.
      simpl. rewrite (IH _ _ eq_refl). lra.
Qed.

Lemma size_of_pos n Y : 0 <= size_of n Y.
Proof.
  destruct n as [[| |] | n]; [apply total_nonneg, Rabs_pos | apply total_nonneg, Rabs_pos | apply ip_self |].
  apply total_nonneg. intro t. apply pow_le, Rabs_pos.
Qed.
Lemma distance_pos n w : 0 <= distance n w.
Proof.
  destruct n as [[| |] | n]; [apply Rabs_pos | apply Rabs_pos | apply Rle_0_sqr | apply pow_le, Rabs_pos].
Qed.

Section Close.
Context {bound : Type}.
Variables (fuel : list name) (e : env bound) (at_input : name -> option (Q * Q)) (base : placed).
Variables (g : region) (known : list (sum Q)) (q : gauge).

(** Some None: no point of the branch is left. *)
Definition group_bound (x : dense) (ts : list (name * Q)) (tau : Q) : option (option Q) :=
  match range at_input g known x with
  | None => None
  | Some (lo, hi) =>
      if lt hi lo then Some None
      else
        match group_least fuel e base q (ray (fst (fst x))) ts tau (snd (fst x)) lo hi with
        | Some m => Some (Some m)
        | None => None
        end
  end.
Fixpoint named_groups (t : Q) (D : list dense) (gs : list group) (k : Q)
    : option (option (list group * Q)) :=
  match D with
  | [] => Some (Some (gs, k))
  | x :: D =>
      let (ts, gs) := take_group (ray (fst (fst x))) gs in
      match ts with
      | [] => named_groups t D gs k
      | _ =>
          match group_bound x ts (mul t (share (fst (fst x)))) with
          | None => None
          | Some None => Some None
          | Some (Some m) => named_groups t D gs (add k m)
          end
      end
  end.
Fixpoint other_groups (gs : list group) (k : Q) : option (option Q) :=
  match gs with
  | [] => Some (Some k)
  | (d, ts) :: gs =>
      match to_dense (sides g) (Weighted d zero zero) with
      | None => None
      | Some x =>
          match group_bound x ts zero with
          | None => None
          | Some None => Some None
          | Some (Some m) => other_groups gs (add k m)
          end
      end
  end.
(** The least of a sum of variables plus t times the size of x - c. *)
Definition sum_least (lines : trie direction) (D : list dense) (t : Q) (ins : trie Q)
    : option (option Q) :=
  let D := match ball g with Box | Ball (Of Linf) _ _ => [] | _ => D end in
  match gather fuel lines ins [] with
  | None => None
  | Some gs =>
      if nonneg t then
        match named_groups t D gs zero with
        | None => None
        | Some None => Some None
        | Some (Some (gs, k)) => other_groups gs k
        end
      else None
  end.
Definition finish_ridge (lines : trie direction) (D : list dense) (enough : bool) (t : Q) (f : form Q)
    : bool :=
  match sum_least lines D t (fst f) with
  | None => false
  | Some None => true
  | Some (Some k) =>
      let k := add (snd f) k in
      match ball g with
      | Box | Ball (Of Linf) _ _ => is_zero t && ample enough k zero
      | Ball _ size opened => ample (enough || (opened && positive_q t)) (sub k (mul t size)) zero
      end
  end.

Variables (real : bound -> R) (z : valuation).
Hypothesis V : valid real e z.
Hypothesis In_box : sides_of z at_input.
Hypothesis Known : placed_ok base z.
Hypothesis K : Forall (fun s => 0 <= sum_value Q2R s z) known.
Hypothesis N : near (sides g) (ball g) z.
Let Y := map (gap z) (sides g).

Lemma group_bound_sound x ts tau r : group_bound x ts tau = Some r -> centered (sides g) z x ->
  0 <= Q2R tau ->
  match r with
  | None => False
  | Some m => Q2R m <= weighted ts z + Q2R tau * distance q (ip (vector x) Y)
  end.
Proof.
  unfold group_bound. destruct (range at_input g known x) as [[lo hi] |] eqn:R; [| discriminate].
  intros E C T. pose proof (range_sound _ _ _ _ _ _ _ R In_box K N C) as H. revert E.
  destruct (lt hi lo) eqn:L.
  - intro E; injection E as <-. apply lt_true in L. lra.
  - destruct (group_least fuel e base q (ray (fst (fst x))) ts tau (snd (fst x)) lo hi) as [m |] eqn:G;
      [| discriminate].
    intro E; injection E as <-. apply (group_least_sound real _ _ _ _ _ _ _ _ _ _ _ z) in G; auto.
    unfold centered in C. fold Y in C. rewrite C in G.
    replace (Q2R (snd (fst x)) + ip (vector x) Y - Q2R (snd (fst x))) with (ip (vector x) Y) in G
      by ring. exact G.
Qed.

Lemma named_groups_sound t : 0 <= Q2R t -> forall D gs k r,
  named_groups t D gs k = Some r -> Forall (centered (sides g) z) D ->
  Forall (fun x => 0 <= s_of x) D ->
  match r with
  | None => False
  | Some (gs', k') => Q2R k' + groups_value gs' z <= Q2R k + groups_value gs z
      + Q2R t * total (map (fun x => s_of x * distance q (ip (vector x) Y)) D)
  end.
Proof.
  intro T. induction D as [| x D IH]; intros gs k r; simpl.
  - intro E; injection E as <-. intros _ _. lra.
  - pose proof (take_group_value (ray (fst (fst x))) z gs) as G.
    destruct (take_group (ray (fst (fst x))) gs) as [ts gs'] eqn:TG.
    specialize (G _ _ eq_refl). intros E FC FS.
    pose proof (Forall_inv FC) as C. pose proof (Forall_inv_tail FC) as FC'.
    pose proof (Forall_inv FS) as S. pose proof (Forall_inv_tail FS) as FS'.
    assert (P : 0 <= s_of x * distance q (ip (vector x) Y)).
    { apply Rmult_le_pos; [exact S | apply distance_pos]. }
    assert (TP : 0 <= Q2R t * (s_of x * distance q (ip (vector x) Y)))
      by (apply Rmult_le_pos; assumption).
    destruct ts as [| t0 ts].
    + specialize (IH _ _ _ E FC' FS'). destruct r as [[gs2 k2] |]; [| exact IH].
      unfold weighted in G. simpl in G. lra.
    + destruct (group_bound x (t0 :: ts) (mul t (share (fst (fst x))))) as [[m |] |] eqn:B;
        [| | discriminate].
      * apply group_bound_sound in B; [| exact C |].
        2:{ rewrite mul_real. apply Rmult_le_pos; assumption. }
        rewrite mul_real in B. fold (s_of x) in B.
        specialize (IH _ _ _ E FC' FS'). destruct r as [[gs2 k2] |]; [| exact IH].
        rewrite add_real in IH. lra.
      * apply group_bound_sound in B; [contradiction | exact C |].
        rewrite mul_real. apply Rmult_le_pos; assumption.
Qed.
Lemma other_groups_sound : forall gs k r, other_groups gs k = Some r ->
  match r with None => False | Some k' => Q2R k' <= Q2R k + groups_value gs z end.
Proof.
  unfold groups_value. induction gs as [| [d ts] gs IH]; intros k r; simpl.
  - intro E; injection E as <-. lra.
  - destruct (to_dense (sides g) (Weighted d zero zero)) as [x |] eqn:T; [| discriminate].
    destruct (to_dense_sound _ _ _ z T) as [_ C].
    destruct (group_bound x ts zero) as [[m |] |] eqn:B; [| | discriminate]; intro E.
    + apply group_bound_sound in B; [| exact C | rewrite zero_real; lra].
      rewrite zero_real in B. apply IH in E. destruct r; [| exact E]. rewrite add_real in E. lra.
    + apply group_bound_sound in B; [contradiction | exact C | rewrite zero_real; lra].
Qed.

Lemma sum_least_sound lines D t ins r : sum_least lines D t ins = Some r ->
  weights_ok q D = true -> Forall (centered (sides g) z) D ->
  match r with
  | None => False
  | Some k => 0 <= Q2R t /\ Q2R k <= dot ins z + Q2R t * size_of q Y
  end.
Proof.
  unfold sum_least. intros F W C.
  destruct (gather fuel lines ins []) as [gs |] eqn:G; [| discriminate].
  apply (gather_value _ z) in G. unfold groups_value in G at 2. simpl in G.
  destruct (nonneg t) eqn:T; [| discriminate]. apply nonneg_true in T.
  set (D' := match ball g with Box | Ball (Of Linf) _ _ => [] | _ => D end) in F.
  assert (S : Forall (fun x => 0 <= s_of x) D' /\ Forall (centered (sides g) z) D'
    /\ total (map (fun x => s_of x * distance q (ip (vector x) Y)) D') <= size_of q Y).
  { destruct (weights_sound q D Y W) as [P S]. unfold D'.
    assert (E : 0 <= size_of q Y).
    { apply size_of_pos. }
    destruct (ball g) as [| [[| |] | n] size opened]; repeat split; auto. }
  destruct S as [S [C' S']].
  destruct (named_groups t D' gs zero) as [[[gs1 k1] |] |] eqn:A; [| | discriminate].
  2:{ apply (named_groups_sound t T) in A; [contradiction | exact C' | exact S]. }
  apply (named_groups_sound t T) in A; [| exact C' | exact S]. rewrite zero_real in A.
  apply other_groups_sound in F. destruct r as [k2 |]; [| exact F]. split; [exact T |].
  assert (TS : Q2R t * total (map (fun x => s_of x * distance q (ip (vector x) Y)) D')
    <= Q2R t * size_of q Y) by (apply Rmult_le_compat_l; assumption).
  lra.
Qed.

Lemma finish_ridge_sound lines D enough t f : q = gauge_of (ball g) ->
  finish_ridge lines D enough t f = true -> weights_ok q D = true ->
  Forall (centered (sides g) z) D -> above (negb enough) (form_value Q2R f z) 0.
Proof.
  unfold finish_ridge. intros Hq F W C. destruct f as [ins k]. cbn [fst snd] in F.
  destruct (sum_least lines D t ins) as [r |] eqn:L; [| discriminate].
  pose proof (sum_least_sound _ _ _ _ _ L W C) as S. clear L.
  destruct r as [k1 |]; [| contradiction]. destruct S as [T S].
  set (k2 := add k k1) in F.
  assert (all_ : Q2R k2 <= form_value Q2R (ins, k) z + Q2R t * size_of q Y)
    by (unfold k2, form_value; simpl; rewrite add_real; lra).
  assert (withball : forall size opened, below opened (size_of q Y) (Q2R size) ->
    ample (enough || (opened && positive_q t)) (sub k2 (mul t size)) zero = true ->
    above (negb enough) (form_value Q2R (ins, k) z) 0).
  { intros size opened Hs H. apply ample_true in H. autorewrite with num in H.
    destruct opened; simpl in *.
    - assert (Q2R t * size_of q Y <= Q2R t * Q2R size) by (apply Rmult_le_compat_l; lra).
      destruct (positive_q t) eqn:P.
      + apply positive_true in P.
        assert (Q2R t * size_of q Y < Q2R t * Q2R size) by (apply Rmult_lt_compat_l; lra).
        rewrite orb_true_r in H. unfold above in *. destruct enough; simpl in *; lra.
      + rewrite orb_false_r in H. unfold above in *. destruct enough; simpl in *; lra.
    - assert (Q2R t * size_of q Y <= Q2R t * Q2R size) by (apply Rmult_le_compat_l; lra).
      rewrite orb_false_r in H. unfold above in *. destruct enough; simpl in *; lra. }
  assert (noball : is_zero t && ample enough k2 zero = true ->
    above (negb enough) (form_value Q2R (ins, k) z) 0).
  { intro H. apply andb_true_iff in H as [Z H]. apply is_zero_real in Z. rewrite Z in all_.
    apply ample_true in H. rewrite zero_real in H. unfold above in *. destruct enough; simpl in *; lra. }
  unfold size_of, Y in *. rewrite Hq in withball. clear - F withball noball N.
  revert F withball noball N.
  destruct (ball g) as [| [[| |] | n] size opened]; cbn [gauge_of near within]; intros F withball noball N'.
  - apply noball, F.
  - apply noball, F.
  - apply (withball size opened); [| exact F]. rewrite map_map. exact N'.
  - apply (withball size opened); [| exact F].
    replace (ip (map (gap z) (sides g)) (map (gap z) (sides g)))
      with (total (map (fun s => gap z s * gap z s) (sides g))); [exact N' |].
    clear. induction (sides g) as [| s ss IH]; simpl; [reflexivity | rewrite IH; reflexivity].
  - apply (withball size opened); [| exact F]. rewrite map_map, <- two_more. exact N'.
Qed.
End Close.

(** Which variables lie on which direction; nothing depends on it but whether proofs are found. *)
Definition line_of (lines : trie direction) (r : row) : option direction :=
  match terms r with
  | [] => None
  | (v, n) :: rest =>
      match get v lines with
      | None => None
      | Some d =>
          if forallb (fun t => match get (fst t) lines with
            | Some d' => same_direction d d' | None => false end) rest
          then Some d
          else if forallb (fun t => match get (fst t) lines with
            | Some [(k, _)] => same_name k (fst t) | _ => false end) (terms r)
          then Some (map (fun t => (fst t, divide (whole (snd t)) (whole n))) (terms r))
          else None
      end
  end.
Definition find_lines (axes : list name) (net : network) : trie direction :=
  fold_left (fun lines u => match line_of lines (snd u) with
    | Some d => put (fst u) d lines | None => lines end)
    (units net) (fold_left (fun lines k => put k [(k, one)] lines) axes Nil).
