(** Whether samples of different labels are far enough apart, exactly, in integers.

    Pairs are looked at once; a few coordinates that a mask names are tried first. Samples may be
    dealt out to several programs: every one takes the rows that are its turn. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Data.
Import ListNotations.

Open Scope Z_scope.
Fixpoint far_somewhere (t : Z) (p q : list Z) : bool :=
  match p, q with
  | a :: p, b :: q => if Z.leb (a + t) b then true else if Z.leb (b + t) a then true else far_somewhere t p q
  | _, _ => false
  end.
(** The sum of distances, or of their squares, reaches t. *)
Definition distance (a b : Z) : Z := if Z.leb a b then b - a else a - b.
Fixpoint far_in_sum (squared : bool) (t : Z) (p q : list Z) : bool :=
  if Z.leb t 0 then true else
  match p, q with
  | a :: p, b :: q =>
      let g := distance a b in far_in_sum squared (t - (if squared then g * g else g)) p q
  | _, _ => false
  end.
Definition far (m : norm) (t : Z) (p q : list Z) : bool :=
  match m with
  | Linf => far_somewhere t p q
  | L1 => far_in_sum false t p q
  | L2 => far_in_sum true t p q
  end.
(** The least integer t that stands for the distance between integers over the denominator. *)
Definition threshold (m : norm) (D : data) (q : Q) : Z :=
  let d := match m with L2 => Zpos (over D) * Zpos (over D) | _ => Zpos (over D) end in
  Z.div (Qnum q * d + Zpos (Qden q) - 1) (Zpos (Qden q)).

Fixpoint picked (mask : list bool) (p : list Z) : list Z :=
  match mask, p with
  | b :: mask, a :: p => if b then a :: picked mask p else picked mask p
  | _, _ => []
  end.
(** A sample with its picked coordinates. *)
Definition seen := (list Z * (list Z * Z))%type.
Definition looked_at (mask : list bool) (s : list Z * Z) : seen := (picked mask (fst s), s).
Definition clear_of (m : norm) (t : Z) (a b : seen) : bool :=
  let (pa, sa) := a in let (pb, sb) := b in
  if Z.eqb (snd sa) (snd sb) then true
  else if far m t pa pb then true else far m t (fst sa) (fst sb).
Fixpoint first_near (m : norm) (t : Z) (a : seen) (j : Z) (rest : list seen) : option Z :=
  match rest with
  | [] => None
  | b :: rest => if clear_of m t a b then first_near m t a (j + 1) rest else Some j
  end.
Fixpoint near_pair (m : norm) (t : Z) (every turn i : Z) (l : list seen) : option (Z * Z) :=
  match l with
  | [] => None
  | a :: l =>
      if Z.eqb turn 0 then
        match first_near m t a (i + 1) l with
        | Some j => Some (i, j)
        | None => near_pair m t every (every - 1) (i + 1) l
        end
      else near_pair m t every (turn - 1) (i + 1) l
  end.
(** Two samples too near to each other, among the rows turn, turn + every, .. *)
Definition too_near (m : norm) (D : data) (q : Q) (mask : list bool) (every turn : Z)
    : option (Z * Z) :=
  near_pair m (threshold m D q) every turn 0 (map (looked_at mask) (samples D)).

Open Scope R_scope.
Section Sound.
Variables (m : norm) (D : data) (q : Q).

(** Distances of integers. *)
Definition measure (p r : list Z) : R :=
  match m with
  | L2 => total (gaps square (map IZR p) (map IZR r))
  | _ => total (gaps Rabs (map IZR p) (map IZR r))
  end.
Definition apart_by (t : Z) (p r : list Z) : Prop :=
  match m with
  | Linf => Exists (fun g => IZR t <= g) (gaps Rabs (map IZR p) (map IZR r))
  | _ => IZR t <= measure p r
  end.
Lemma distance_real a b : IZR (distance a b) = Rabs (IZR a - IZR b).
Proof.
  unfold distance. destruct (Z.leb_spec a b) as [H | H]; rewrite minus_IZR.
  - apply IZR_le in H. rewrite Rabs_left1 by lra. lra.
  - apply IZR_lt in H. rewrite Rabs_right by lra. reflexivity.
Qed.
Lemma far_somewhere_sound t : forall p r, far_somewhere t p r = true ->
  Exists (fun g => IZR t <= g) (gaps Rabs (map IZR p) (map IZR r)).
Proof.
  induction p as [| a p IH]; intros [| b r] H; simpl in H; try discriminate. unfold gaps. simpl.
  destruct (Z.leb_spec (a + t) b) as [A | A].
  - apply Exists_cons_hd. apply IZR_le in A. rewrite plus_IZR in A. simpl.
    rewrite Rabs_minus_sym. apply Rle_trans with (2 := Rle_abs _). lra.
  - destruct (Z.leb_spec (b + t) a) as [B | B].
    + apply Exists_cons_hd. apply IZR_le in B. rewrite plus_IZR in B. simpl.
      apply Rle_trans with (2 := Rle_abs _). lra.
    + apply Exists_cons_tl, IH, H.
Qed.
Lemma sums_nonneg f (F : forall t, 0 <= f t) : forall p r, 0 <= total (gaps f p r).
Proof.
  unfold gaps, total. induction p as [| a p IH]; intros [| b r]; simpl; try lra.
  specialize (IH r). specialize (F (a - b)). lra.
Qed.
Lemma square_nonneg t : 0 <= square t.
Proof. exact (Rle_0_sqr t). Qed.
Lemma far_in_sum_sound (squared : bool) : forall p r t, far_in_sum squared t p r = true ->
  IZR t <= total (gaps (if squared then square else Rabs) (map IZR p) (map IZR r)).
Proof.
  assert (N : forall p r, 0 <= total (gaps (if squared then square else Rabs) p r)).
  { destruct squared; apply sums_nonneg; [apply square_nonneg | apply Rabs_pos]. }
  induction p as [| a p IH]; intros r t H; simpl in H.
  - destruct (Z.leb_spec t 0) as [T | T]; [| discriminate]. apply IZR_le in T.
    apply Rle_trans with (1 := T), N.
  - destruct (Z.leb_spec t 0) as [T | T].
    + apply IZR_le in T. apply Rle_trans with (1 := T), N.
    + destruct r as [| b r]; [discriminate |]. specialize (IH _ _ H). unfold gaps, total in *. simpl.
      rewrite minus_IZR in IH.
      destruct squared; cbv iota in IH |- *; [rewrite mult_IZR in IH |]; rewrite distance_real in IH.
      * assert (Rabs (IZR a - IZR b) * Rabs (IZR a - IZR b) = square (IZR a - IZR b)) as E.
        { unfold square. rewrite <- Rabs_mult. apply Rabs_right.
          apply Rle_ge, (Rle_0_sqr (IZR a - IZR b)). }
        lra.
      * lra.
Qed.
Lemma far_sound t p r : far m t p r = true -> apart_by t p r.
Proof.
  unfold far, apart_by, measure. destruct m; intro H.
  - apply far_somewhere_sound, H.
  - apply (far_in_sum_sound false), H.
  - apply (far_in_sum_sound true), H.
Qed.
Lemma picked_less f (F : forall t, 0 <= f t) : forall mask p r,
  total (gaps f (map IZR (picked mask p)) (map IZR (picked mask r)))
  <= total (gaps f (map IZR p) (map IZR r)).
Proof.
  induction mask as [| b mask IH]; intros p r; simpl.
  - apply sums_nonneg, F.
  - destruct p as [| x p]; [apply sums_nonneg, F |]. destruct r as [| y r].
    + destruct b; simpl; [| destruct (map IZR (picked mask p)); simpl]; apply Rle_refl.
    + specialize (IH p r). unfold gaps, total in *. specialize (F (IZR x - IZR y)). destruct b; simpl; lra.
Qed.
Lemma picked_somewhere (P : R -> Prop) : forall mask p r,
  Exists P (gaps Rabs (map IZR (picked mask p)) (map IZR (picked mask r))) ->
  Exists P (gaps Rabs (map IZR p) (map IZR r)).
Proof.
  induction mask as [| b mask IH]; intros p r E; simpl in E; [inversion E |].
  destruct p as [| x p]; [inversion E |].
  destruct r as [| y r].
  - destruct b; simpl in E; [inversion E |]. destruct (map IZR (picked mask p)); inversion E.
  - destruct b.
    + unfold gaps in *. simpl in *. inversion E; subst; [apply Exists_cons_hd; assumption |].
      apply Exists_cons_tl, IH. assumption.
    + unfold gaps in *. simpl. apply Exists_cons_tl, IH, E.
Qed.
Lemma picked_apart t mask p r : apart_by t (picked mask p) (picked mask r) -> apart_by t p r.
Proof.
  unfold apart_by, measure. destruct m; intro A.
  - apply picked_somewhere in A. exact A.
  - apply Rle_trans with (1 := A), picked_less, Rabs_pos.
  - apply Rle_trans with (1 := A), picked_less, square_nonneg.
Qed.

(** From integers to the samples themselves. *)
Lemma gaps_scaled f k (F : forall t, f (t / IZR (Zpos (over D))) = k * f t) : forall p r,
  gaps f (point D p) (point D r) = map (fun g => k * g) (gaps f (map IZR p) (map IZR r)).
Proof.
  unfold gaps, point, real. induction p as [| a p IH]; intros [| b r]; simpl; try reflexivity.
  rewrite IH. f_equal. rewrite <- F. f_equal. field. auto.
Qed.
Lemma total_times k l : total (map (fun g => k * g) l) = k * total l.
Proof. induction l as [| g l IH]; simpl; [lra | rewrite IH; lra]. Qed.
Lemma threshold_enough : Q2R q * IZR (match m with L2 => Zpos (over D) * Zpos (over D) | _ => Zpos (over D) end)
  <= IZR (threshold m D q).
Proof.
  unfold threshold. set (d := match m with L2 => _ | _ => _ end).
  set (e := Zpos (Qden q)). assert (e > 0)%Z as P by reflexivity.
  pose proof (Z_div_mod_eq_full (Qnum q * d + e - 1) e) as E. pose proof (Z_mod_lt (Qnum q * d + e - 1) e P) as M.
  set (t := Z.div (Qnum q * d + e - 1) e) in *.
  assert (H : (Qnum q * d <= t * e)%Z) by nia. apply IZR_le in H. rewrite !mult_IZR in H.
  rewrite eta_real. fold e.
  assert (0 < IZR e) as R by (apply IZR_lt; reflexivity).
  apply Rmult_le_reg_r with (1 := R).
  replace (IZR (Qnum q) / IZR e * IZR d * IZR e) with (IZR (Qnum q) * IZR d) by (field; lra). exact H.
Qed.
Lemma apart_of p r : apart_by (threshold m D q) p r -> apart m (Q2R q) (point D p) (point D r).
Proof.
  pose proof threshold_enough as T. unfold apart_by, apart, measure in *.
  assert (P : 0 < IZR (Zpos (over D))) by auto.
  assert (I : 0 < / IZR (Zpos (over D))) by (apply Rinv_0_lt_compat, P).
  assert (A : forall t, Rabs (t / IZR (Zpos (over D))) = / IZR (Zpos (over D)) * Rabs t).
  { intro t. unfold Rdiv. rewrite Rabs_mult, (Rabs_right (/ _)) by lra. lra. }
  assert (S : forall t, square (t / IZR (Zpos (over D)))
    = / (IZR (Zpos (over D)) * IZR (Zpos (over D))) * square t).
  { intro t. unfold square. field. auto. }
  destruct m; intro H.
  - rewrite (gaps_scaled Rabs _ A). rewrite Exists_exists in *. destruct H as [g [G H]].
    exists (/ IZR (Zpos (over D)) * g). split; [apply in_map_iff; exists g; auto |].
    apply Rmult_le_reg_l with (1 := P). rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by auto. lra.
  - rewrite (gaps_scaled Rabs _ A), total_times. apply Rmult_le_reg_l with (1 := P).
    rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by auto. lra.
  - rewrite (gaps_scaled square _ S), total_times. rewrite mult_IZR in T.
    assert (P2 : 0 < IZR (Zpos (over D)) * IZR (Zpos (over D))) by (apply Rmult_lt_0_compat; exact P).
    apply Rmult_le_reg_l with (1 := P2). rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra. lra.
Qed.

(** All rows of all turns. *)
Lemma apart_symmetric t p r : apart_by t p r -> apart_by t r p.
Proof.
  assert (G : forall f, (forall t, f (- t) = f t) -> forall p r,
    gaps f (map IZR p) (map IZR r) = gaps f (map IZR r) (map IZR p)).
  { intros f E. unfold gaps. induction p0 as [| a p' IH]; intros [| b r']; simpl; try reflexivity.
    rewrite IH. f_equal. rewrite <- E. f_equal. lra. }
  unfold apart_by, measure. rewrite (G Rabs Rabs_Ropp r p).
  rewrite (G square) with (p := r) (r := p); [| intro; unfold square; lra]. tauto.
Qed.
Lemma clear_of_sound t mask a b : clear_of m t (looked_at mask a) (looked_at mask b) = true ->
  snd a <> snd b -> apart_by t (fst a) (fst b).
Proof.
  unfold clear_of, looked_at. intros H N. destruct (Z.eqb_spec (snd a) (snd b)); [contradiction |].
  destruct (far m t (picked mask (fst a)) (picked mask (fst b))) eqn:E.
  - apply (picked_apart t mask), far_sound, E.
  - apply far_sound, H.
Qed.
Lemma first_near_sound t mask a : forall l j, first_near m t (looked_at mask a) j (map (looked_at mask) l) = None ->
  Forall (fun b => snd a <> snd b -> apart_by t (fst a) (fst b)) l.
Proof.
  induction l as [| b l IH]; intros j H; [constructor |]. cbn [map first_near] in H.
  destruct (clear_of m t (looked_at mask a) (looked_at mask b)) eqn:C; [| discriminate].
  constructor; [apply (clear_of_sound t mask), C | apply (IH _ H)].
Qed.
Definition rows_clear (t : Z) (l : list (list Z * Z)) : Prop :=
  ForallOrdPairs (fun a b => snd a <> snd b -> apart_by t (fst a) (fst b)) l.
Lemma turns_sound t every : forall mask l, (0 < every)%Z ->
  (forall k, (0 <= k < every)%Z -> exists i, near_pair m t every k i (map (looked_at mask) l) = None) ->
  rows_clear t l.
Proof.
  intros mask l E. induction l as [| a l IH]; intro H; [constructor |].
  constructor.
  - destruct (H 0%Z ltac:(lia)) as [i N]. cbn [map near_pair Z.eqb] in N.
    destruct (first_near _ _ _ _ _) eqn:F; [discriminate |]. apply (first_near_sound _ _ _ _ _ F).
  - apply IH. intros k K. destruct (Z.eq_dec k (every - 1)) as [-> | N].
    + destruct (H 0%Z ltac:(lia)) as [i X]. cbn [map near_pair Z.eqb] in X.
      destruct (first_near m t (looked_at mask a) (i + 1) (map (looked_at mask) l)); [discriminate |]. exists (i + 1)%Z. exact X.
    + destruct (H (k + 1)%Z ltac:(lia)) as [i X]. cbn [map near_pair] in X.
      destruct (Z.eqb_spec (k + 1) 0); [lia |]. exists (i + 1)%Z.
      replace (k + 1 - 1)%Z with k in X by lia. exact X.
Qed.
Lemma pairs_both {A} (R : A -> A -> Prop) (sym : forall a b, R a b -> R b a) l :
  ForallOrdPairs R l -> forall a b, In a l -> In b l -> a = b \/ R a b.
Proof.
  induction 1 as [| c l F P IH]; intros a b A1 B1; [destruct A1 |]. rewrite Forall_forall in F.
  destruct A1 as [-> | A1], B1 as [-> | B1]; auto.
Qed.
Theorem separated_by_turns mask every : (0 < every)%Z ->
  (forall k, (0 <= k < every)%Z -> too_near m D q mask every k = None) -> separated m D (Q2R q).
Proof.
  intros E H s t S T N. apply apart_of.
  assert (C : rows_clear (threshold m D q) (samples D)).
  { apply (turns_sound _ every mask _ E). intros k K. exists 0%Z. apply H, K. }
  destruct (pairs_both _ (fun a b X Y => apart_symmetric _ _ _ (X (not_eq_sym Y))) _ C s t S T) as [-> | X];
    [congruence | exact (X N)].
Qed.
End Sound.
