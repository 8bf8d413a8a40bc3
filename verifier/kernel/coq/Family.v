(** Families: every bound is an affine function of m, a [line] as in Ridge.v; what is decided about
    it is decided at both ends of the branch's interval of m, and holds between them. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Psatz.
From Robmem Require Import Statement Numbers Powers Tries Leaf Tree Root Balls Ridge.
Import ListNotations.
Open Scope R_scope.

Definition fixed (q : Q) : line := (zero, q).
Definition line_join (a b : line) : line := (add (fst a) (fst b), add (snd a) (snd b)).
Definition line_times (q : Q) (a : line) : line := (mul q (fst a), mul q (snd a)).
Definition line_scale (n : Z) (a : line) : line := (scale n (fst a), scale n (snd a)).
Definition line_over (a : line) (d : positive) : line := (over (fst a) d, over (snd a) d).
Lemma fixed_real q m : line_at (fixed q) m = Q2R q.
Proof. unfold line_at, fixed; simpl. rewrite zero_real. lra. Qed.
Lemma line_join_real a b m : line_at (line_join a b) m = line_at a m + line_at b m.
Proof. unfold line_at, line_join; simpl. rewrite !add_real. lra. Qed.
Lemma line_times_real q a m : line_at (line_times q a) m = Q2R q * line_at a m.
Proof. unfold line_at, line_times; simpl. rewrite !mul_real. lra. Qed.
Lemma line_scale_real n a m : line_at (line_scale n a) m = IZR n * line_at a m.
Proof. unfold line_at, line_scale; simpl. rewrite !scale_real. lra. Qed.
Lemma line_over_real a d m : line_at (line_over a d) m = line_at a m / IZR (Zpos d).
Proof. unfold line_at, line_over; simpl. rewrite !over_real. field. auto. Qed.

(** The interval of m in a branch, and values at its ends. *)
Definition span := (Q * Q)%type.
Definition at_ends (w : span) (a : line) : Q * Q :=
  if is_zero (fst a) then (snd a, snd a) else (eval a (fst w), eval a (snd w)).
Definition both (test : Q -> bool) (p : Q * Q) : bool := test (fst p) && test (snd p).
Definition paired (f : Q -> Q -> Q) (p q : Q * Q) : Q * Q := (f (fst p) (fst q), f (snd p) (snd q)).
Definition nonpos (q : Q) : bool := nonneg (neg q).
(** A line that is not below these values at the ends: through them. *)
Definition chord (w : span) (p : Q * Q) : line :=
  let rise := sub (snd p) (fst p) in
  let width := sub (snd w) (fst w) in
  let s := if is_zero rise then zero else divide rise width in
  if same_q (mul s width) rise then (s, sub (fst p) (mul s (fst w)))
  else fixed (larger (fst p) (snd p)).

Section At.
Variables (w : span) (m : R).
Hypothesis inner_m : Q2R (fst w) <= m <= Q2R (snd w).

Lemma at_ends_real a :
  Q2R (fst (at_ends w a)) = line_at a (Q2R (fst w))
  /\ Q2R (snd (at_ends w a)) = line_at a (Q2R (snd w)).
Proof.
  unfold at_ends. destruct (is_zero (fst a)) eqn:Z; cbn [fst snd].
  - apply is_zero_real in Z. unfold line_at. rewrite Z. lra.
  - rewrite !eval_real. auto.
Qed.
Lemma nonpos_true q : nonpos q = true -> Q2R q <= 0.
Proof. unfold nonpos. intro H. apply nonneg_true in H. rewrite neg_real in H. lra. Qed.
Lemma both_nonneg a : both nonneg (at_ends w a) = true -> 0 <= line_at a m.
Proof.
  unfold both. intro H. apply andb_true_iff in H as [A B]. apply nonneg_true in A, B.
  destruct (at_ends_real a) as [E F]. rewrite E in A. rewrite F in B.
  exact (line_nonneg _ _ _ _ A B inner_m).
Qed.
Lemma both_nonpos a : both nonpos (at_ends w a) = true -> line_at a m <= 0.
Proof.
  unfold both. intro H. apply andb_true_iff in H as [A B]. apply nonpos_true in A, B.
  destruct (at_ends_real a) as [E F]. rewrite E in A. rewrite F in B.
  exact (line_nonpos _ _ _ _ A B inner_m).
Qed.
Lemma chord_above p s c : s * Q2R (fst w) + c <= Q2R (fst p) -> s * Q2R (snd w) + c <= Q2R (snd p) ->
  s * m + c <= line_at (chord w p) m.
Proof.
  intros A B.
  assert (E : Q2R (fst p) <= line_at (chord w p) (Q2R (fst w))
              /\ Q2R (snd p) <= line_at (chord w p) (Q2R (snd w))).
  { unfold chord. set (t := if is_zero _ then zero else _).
    destruct (same_q _ _) eqn:S.
    - apply same_q_true in S. rewrite mul_real, !sub_real in S. unfold line_at; simpl.
      rewrite sub_real, mul_real. lra.
    - rewrite !fixed_real, larger_real. split; [apply Rmax_l | apply Rmax_r]. }
  unfold line_at in *. set (l := chord w p) in *.
  pose proof (affine_nonneg (Q2R (fst l) - s) (Q2R (snd l) - c) (Q2R (fst w)) (Q2R (snd w)) m). lra.
Qed.
End At.

(** Root intervals: m itself is a line; of z the bound below is one where it is not negative at
    both ends, else zero. *)
Definition relu_low (w : span) (lo : line) : line :=
  if both nonneg (at_ends w lo) then lo else fixed zero.
Definition relu_high (w : span) (hi : line) : line :=
  let p := at_ends w hi in
  if both nonneg p then hi else chord w (positive_part (fst p), positive_part (snd p)).
Definition line_ends (p : name) (w : span) (e : env line) (v : name) : option (line * line) :=
  match get v e with
  | Some (Input lo hi) => Some (if same_name v p then ((one, zero), (one, zero)) else (lo, hi))
  | Some (Unit _ lo hi) => Some (relu_low w lo, relu_high w hi)
  | None => None
  end.
Fixpoint line_interval (p : name) (w : span) (e : env line) (ts : list (name * Z)) (lo hi : line)
    : option (line * line) :=
  match ts with
  | [] => Some (lo, hi)
  | (v, n) :: ts =>
      match line_ends p w e v with
      | None => None
      | Some (a, b) =>
          let (a, b) := if Z.leb 0 n then (a, b) else (b, a) in
          line_interval p w e ts (line_join lo (line_scale n a)) (line_join hi (line_scale n b))
      end
  end.
Definition row_lines (p : name) (w : span) (e : env line) (r : row) : option (line * line) :=
  let c := fixed (whole (constant r)) in
  match line_interval p w e (terms r) c c with
  | Some (lo, hi) => Some (line_over lo (denominator r), line_over hi (denominator r))
  | None => None
  end.

Lemma relu_sound w m lo hi a : Q2R (fst w) <= m <= Q2R (snd w) -> line_at lo m <= a <= line_at hi m ->
  line_at (relu_low w lo) m <= Rmax 0 a <= line_at (relu_high w hi) m.
Proof.
  intros W [A B]. pose proof (Rmax_l 0 a) as M. pose proof (Rmax_r 0 a) as M'. split.
  - unfold relu_low. destruct (both nonneg _); [lra |]. rewrite fixed_real, zero_real. exact M.
  - unfold relu_high. destruct (both nonneg (at_ends w hi)) eqn:N.
    + apply (both_nonneg w m W) in N. apply Rmax_lub; lra.
    + destruct (at_ends_real w hi) as [E F].
      set (p := (positive_part (fst (at_ends w hi)), positive_part (snd (at_ends w hi)))).
      apply Rmax_lub.
      * pose proof (chord_above w m W p 0 0) as H. unfold p in *. simpl in H.
        rewrite !positive_part_real in H. pose proof (Rmax_l 0). rewrite !Rmult_0_l, Rplus_0_l in H.
        apply H; apply Rmax_l.
      * apply Rle_trans with (1 := B). unfold line_at at 1. apply chord_above; [exact W | |];
          unfold p; cbn [fst snd]; rewrite positive_part_real, ?E, ?F; apply Rmax_r.
Qed.
Section Interval.
Variables (p : name) (w : span) (e : env line) (z : valuation).
Hypothesis inner_m : Q2R (fst w) <= z p <= Q2R (snd w).
Hypothesis V : valid (fun l => line_at l (z p)) e z.

Lemma line_ends_sound v a b : line_ends p w e v = Some (a, b) ->
  line_at a (z p) <= z v <= line_at b (z p).
Proof.
  unfold line_ends. intro E. specialize (V v).
  destruct (get v e) as [[l h | r l h] |]; try discriminate.
  - unfold same_name in E. destruct (name_dec v p) as [-> |]; injection E as <- <-.
    + unfold line_at. cbn [fst snd]. rewrite one_real, zero_real. lra.
    + exact (V _ eq_refl).
  - injection E as <- <-. destruct (V _ eq_refl) as [-> B]. apply relu_sound; assumption.
Qed.
Lemma line_interval_sound : forall ts lo hi lo' hi' base,
  line_interval p w e ts lo hi = Some (lo', hi') -> line_at lo (z p) <= base <= line_at hi (z p) ->
  line_at lo' (z p) <= total (map (fun t => IZR (snd t) * z (fst t)) ts) + base <= line_at hi' (z p).
Proof.
  induction ts as [| [v n] ts IH]; intros lo hi lo' hi' base; simpl.
  - intros E H; injection E as <- <-; lra.
  - destruct (line_ends p w e v) as [[a b] |] eqn:E; [| discriminate].
    apply line_ends_sound in E. set (m := z p) in *.
    destruct (Z.leb_spec 0 n) as [pos | negative]; intros I H; apply (IH _ _ _ _ (IZR n * z v + base)) in I;
      try lra; rewrite !line_join_real, !line_scale_real.
    + apply IZR_le in pos.
      assert (IZR n * line_at a m <= IZR n * z v) by (apply Rmult_le_compat_l; lra).
      assert (IZR n * z v <= IZR n * line_at b m) by (apply Rmult_le_compat_l; lra). lra.
    + apply IZR_lt in negative.
      assert (- IZR n * line_at a m <= - IZR n * z v) by (apply Rmult_le_compat_l; lra).
      assert (- IZR n * z v <= - IZR n * line_at b m) by (apply Rmult_le_compat_l; lra). lra.
Qed.
Lemma row_lines_sound r lo hi : row_lines p w e r = Some (lo, hi) ->
  line_at lo (z p) <= value r z <= line_at hi (z p).
Proof.
  unfold row_lines. destruct (line_interval p w e (terms r) _ _) as [[a b] |] eqn:I; [| discriminate].
  intro E; injection E as <- <-. rewrite !line_over_real. unfold value.
  apply line_interval_sound with (base := IZR (constant r)) in I;
    [| rewrite fixed_real, whole_real; lra].
  assert (0 < / IZR (Zpos (denominator r))) by (apply Rinv_0_lt_compat; auto).
  split; apply Rmult_le_compat_r; lra.
Qed.
End Interval.
Lemma row_lines_reads p w e r b : row_lines p w e r = Some b ->
  forall t, In t (terms r) -> get (fst t) e <> None.
Proof.
  unfold row_lines. destruct (line_interval p w e (terms r) _ _) as [q |] eqn:I; [| discriminate].
  intros _. revert I. generalize (fixed (whole (constant r))) at 1. generalize (fixed (whole (constant r))).
  induction (terms r) as [| [v n] ts IH]; intros h l; simpl; [contradiction |].
  destruct (line_ends p w e v) as [[a c] |] eqn:E; [| discriminate].
  destruct (if Z.leb 0 n then (a, c) else (c, a)) as [a' c'].
  intros I t [<- | T]; [| exact (IH _ _ I t T)].
  simpl. unfold line_ends in E. destruct (get v e); discriminate.
Qed.

(** The rules: slopes are those of the middle of the interval, lines those of both ends. *)
Definition middle_slope (w : span) (usual up : bool) (lo hi : line) : Q :=
  let l := at_ends w lo in
  let h := at_ends w hi in
  if both nonneg l then one
  else if both nonpos h then zero
  else if usual then slope tt true up (add (fst l) (snd l)) (add (fst h) (snd h))
  else zero.
Definition rest_at_ends (w : span) (q s : Q) (lo hi : line) : line :=
  let l := at_ends w lo in
  let h := at_ends w hi in
  line_times q
    (if nonneg q then
       line_join (if both nonneg l then line_times (sub one s) lo else fixed zero)
         (if both nonpos h then line_times (neg s) hi else fixed zero)
     else chord w (high_line s (fst l) (fst h), high_line s (snd l) (snd h))).
Definition tighter_at_ends (w : span) (upper : bool) (a b : line) : line :=
  let p := at_ends w a in
  let q := at_ends w b in
  if (if upper then leq (fst p) (fst q) && leq (snd p) (snd q)
      else leq (fst q) (fst p) && leq (snd q) (snd p)) then a else b.
Definition apart_at_ends (w : span) (lo hi : line) : bool :=
  both positive_q (paired sub (at_ends w lo) (at_ends w hi)).
Definition affine (p : name) : rules line span (Q * Q) :=
  {| always := fixed; join := line_join; times := line_times;
     view := fun e =>
       match get p e with
       | Some (Input lo hi) =>
           if is_zero (fst lo) && is_zero (fst hi) then Some (snd lo, snd hi) else None
       | _ => None
       end;
     pick_slope := middle_slope; rest := rest_at_ends; tighter := tighter_at_ends;
     apart := apart_at_ends; stated := chord;
     divides := fun w k t => if same_name k p then lt (fst w) t && lt t (snd w) else true |}.

Lemma rest_at_ends_sound w m q s lo hi a : Q2R (fst w) <= m <= Q2R (snd w) -> 0 <= Q2R s <= 1 ->
  line_at lo m <= a <= line_at hi m ->
  line_at (rest_at_ends w q s lo hi) m <= Q2R q * (Rmax 0 a - Q2R s * a).
Proof.
  intros W S A. unfold rest_at_ends. rewrite line_times_real. destruct (nonneg q) eqn:Q0.
  - apply nonneg_true in Q0. apply Rmult_le_compat_l; [exact Q0 |]. rewrite line_join_real.
    destruct (both nonneg (at_ends w lo)) eqn:On; [apply (both_nonneg w m W) in On |];
      (destruct (both nonpos (at_ends w hi)) eqn:Off; [apply (both_nonpos w m W) in Off |]);
      rewrite ?line_times_real, ?fixed_real, ?sub_real, ?neg_real, ?one_real, ?zero_real.
    + assert (a = 0) by lra. subst a. assert (line_at lo m = 0) by lra. assert (line_at hi m = 0) by lra.
      rewrite Rmax_left by lra. nra.
    + rewrite Rmax_right by lra. nra.
    + rewrite Rmax_left by lra. nra.
    + destruct (Rle_lt_dec 0 a); [rewrite Rmax_right by lra | rewrite Rmax_left by lra]; nra.
  - apply nonneg_false in Q0.
    assert (H : Rmax 0 a - Q2R s * a
      <= line_at (chord w (high_line s (fst (at_ends w lo)) (fst (at_ends w hi)),
                           high_line s (snd (at_ends w lo)) (snd (at_ends w hi)))) m).
    { set (p := (_, _)).
      destruct (at_ends_real w lo) as [L1 L2]. destruct (at_ends_real w hi) as [H1 H2].
      assert (above_hi : (1 - Q2R s) * line_at hi m <= line_at (chord w p) m).
      { unfold line_at at 1. rewrite Rmult_plus_distr_l, <- Rmult_assoc.
        apply chord_above; [exact W | |]; rewrite Rmult_assoc, <- Rmult_plus_distr_l;
          unfold p, high_line; cbn [fst snd]; autorewrite with num;
          apply Rle_trans with (2 := Rmax_l _ _); apply Rmult_le_compat_l; try lra;
          rewrite ?H1, ?H2; apply Rmax_r. }
      assert (above_lo : Q2R s * - line_at lo m <= line_at (chord w p) m).
      { replace (Q2R s * - line_at lo m) with ((- Q2R s * Q2R (fst lo)) * m + - Q2R s * Q2R (snd lo))
          by (unfold line_at; ring).
        apply chord_above; [exact W | |];
          unfold p, high_line; cbn [fst snd]; autorewrite with num;
          apply Rle_trans with (2 := Rmax_r _ _);
          [rewrite L1 | rewrite L2];
          match goal with |- _ <= Q2R s * Rmax 0 ?t => replace (- Q2R s * Q2R (fst lo) * _ + _)
            with (Q2R s * t) by (unfold line_at; ring) end;
          apply Rmult_le_compat_l; try lra; apply Rmax_r. }
      destruct (Rle_lt_dec 0 a) as [on | off].
      - rewrite Rmax_right by lra. assert ((1 - Q2R s) * a <= (1 - Q2R s) * line_at hi m)
          by (apply Rmult_le_compat_l; lra). lra.
      - rewrite Rmax_left by lra. assert (Q2R s * - a <= Q2R s * - line_at lo m)
          by (apply Rmult_le_compat_l; lra). lra. }
    assert (0 <= - Q2R q * (line_at (chord w (high_line s (fst (at_ends w lo)) (fst (at_ends w hi)),
                           high_line s (snd (at_ends w lo)) (snd (at_ends w hi)))) m
      - (Rmax 0 a - Q2R s * a))) by (apply Rmult_le_pos; lra). lra.
Qed.
Lemma affine_lawful p z : lawful (affine p) (fun l => line_at l (z p)) z
  (fun w => Q2R (fst w) <= z p <= Q2R (snd w)).
Proof.
  constructor; cbn [affine always join times view rest tighter apart].
  - intro q. apply fixed_real.
  - intros a b. apply line_join_real.
  - intros q a. apply line_times_real.
  - intros e w. destruct (get p e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (is_zero (fst lo) && is_zero (fst hi)) eqn:Z; [| discriminate].
    intros E V; injection E as <-. pose proof (V _ _ G) as H. simpl in *.
    apply andb_true_iff in Z as [A B]. apply is_zero_real in A, B.
    unfold line_at in H. rewrite A, B in H. lra.
  - intros w q s lo hi a W S A. exact (rest_at_ends_sound w _ q s lo hi a W S A).
  - intros w up a b. unfold tighter_at_ends.
    destruct (if up then _ else _); auto.
  - intros w lo hi W. unfold apart_at_ends, both, paired. cbn [fst snd]. intro H.
    apply andb_true_iff in H as [A B]. apply positive_true in A, B. rewrite sub_real in A, B.
    destruct (at_ends_real w lo) as [L1 L2]. destruct (at_ends_real w hi) as [H1 H2].
    rewrite L1, H1 in A. rewrite L2, H2 in B. unfold line_at in *.
    pose proof (affine_positive (Q2R (fst lo) - Q2R (fst hi)) (Q2R (snd lo) - Q2R (snd hi))
      (Q2R (fst w)) (Q2R (snd w)) (z p)). lra.
Qed.
