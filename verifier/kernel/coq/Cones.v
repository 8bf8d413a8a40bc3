(** Questions about every m: leaves on the cone of all balls, with sums of ridge functions too, the
    theorem, and labels. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Psatz Arith.
From Robmem Require Import Statement Numbers Powers Tries Leaf Tree Root Balls Ridge Shares Family Verify Labels.
Import ListNotations.
Open Scope R_scope.

Section Cone.
Variables (fuel : list name) (h : hints) (k : cone) (p : name) (ss : list side).

(** On the box of x, whose sides grow with m. *)
Fixpoint on_sides (e : env line) (ss : list side) (ins : trie Q) (c : line) : option line :=
  match ss with
  | [] => match pop ins with None => Some c | Some _ => None end
  | s :: ss =>
      match take (variable s) ins with
      | (None, ins) => on_sides e ss ins c
      | (Some g, ins) =>
          match get (variable s) e with
          | Some (Input lo hi) =>
              on_sides e ss ins (line_join c (line_times g (if nonneg g then lo else hi)))
          | _ => None
          end
      end
  end.
(** Positive at both ends, or nonnegative if that is enough; at an open end it is. *)
Definition positive_at (w : span) (enough : bool) (test : bool -> Q -> Q -> bool) (c : line) : bool :=
  let loose := open_end k && same_q (snd w) (last k) in
  let v := at_ends w c in
  test enough (fst v) (fst w) && test (enough || loose) (snd v) (snd w).
Definition plainly (enough : bool) (v m : Q) : bool := ample enough v zero.
Definition by_squares (loss : Q) (enough : bool) (v m : Q) : bool :=
  nonneg v && ample enough (mul v v) (mul (mul m m) loss) && (enough || positive_q v).
Definition by_powers (n : nat) (loss : Q) (enough : bool) (v m : Q) : bool :=
  nonneg v && ample enough (power v n) (mul (power m n) loss) && (enough || positive_q v).
Definition finish_cone (w : span) (e : env line) (enough : bool) (f : form line) : bool :=
  let (g, ins) := take p (fst f) in
  let c := match g with Some g => line_join (snd f) (g, zero) | None => snd f end in
  match growth k with
  | Of Linf =>
      match on_sides e ss ins c with
      | Some c => positive_at w enough plainly c
      | None => false
      end
  | Of L1 =>
      match around ss ins zero with
      | Some (c0, gs) =>
          positive_at w enough plainly (line_join c (neg (mul (rate k) (largest gs)), c0))
      | None => false
      end
  | Of L2 =>
      match around ss ins zero with
      | Some (c0, gs) =>
          positive_at w enough (by_squares (mul (rate k) (squares gs))) (line_join c (fixed c0))
      | None => false
      end
  | Power n =>
      match around ss ins zero with
      | Some (c0, gs) =>
          positive_at w enough (by_powers (S (S n)) (mul (rate k) (power (powers n gs) (S n))))
            (line_join c (fixed c0))
      | None => false
      end
  end.

(** With a share of the ball: the least of the sums, on the largest ball of the branch and where the
    inputs lie for some m. What the share takes away is convex in m: at most the line through its ends. *)
Definition largest_ball (w : span) : region :=
  Region ss (Ball (growth k)
    match growth k with
    | Of L2 => mul (mul (snd w) (snd w)) (rate k)
    | Power n => mul (power (snd w) (S (S n))) (rate k)
    | _ => mul (snd w) (rate k)
    end false).
Definition least_end (w : span) (l : line) : Q := smaller (fst (at_ends w l)) (snd (at_ends w l)).
Definition largest_end (w : span) (l : line) : Q := larger (fst (at_ends w l)) (snd (at_ends w l)).
Definition inputs_of (w : span) (e : env line) (v : name) : option (Q * Q) :=
  match get v e with Some (Input lo hi) => Some (least_end w lo, largest_end w hi) | _ => None end.
Definition weakest (w : span) (s : sum line) : sum Q := (fst s, largest_end w (snd s)).
Definition taken_away (w : span) (t : Q) : line :=
  match growth k with
  | Of L2 => line_times (mul t (rate k)) (add (fst w) (snd w), neg (mul (fst w) (snd w)))
  | Power n =>
      let lo := positive_part (fst w) in
      let s := chord_slope lo (snd w) (S (S n)) in
      line_times (mul t (rate k)) (s, sub (power lo (S (S n))) (mul s lo))
  | _ => (mul t (rate k), zero)
  end.
Definition finish_sums (w : span) (e : env line) (known : list (sum line)) (enough : bool)
    (t : Q) (i : option nat) (f : form line) : bool :=
  let (g, ins) := take p (fst f) in
  let c := match g with Some g => line_join (snd f) (g, zero) | None => snd f end in
  match sum_least fuel e (inputs_of w e) (lined h) (largest_ball w) (map (weakest w) known) (growth k)
    (lines h) (table_number h i) t ins with
  | None => false
  | Some None => true
  | Some (Some q) =>
      match growth k with Of Linf => is_zero t | _ => true end
      && positive_at w enough plainly
           (line_join (line_join c (fixed q)) (line_times (neg one) (taken_away w t)))
  end.
Definition on_cone : ending line span :=
  {| boxed := match growth k with Of Linf => false | _ => true end;
     keeps_in := fun r => match r with Some _ => on_line h | None => fun _ => false end;
     finishes := fun r w e known enough f =>
       match r with
       | None => finish_cone w e enough f
       | Some (t, i) => finish_sums w e known enough t i f
       end |}.

Variable z : valuation.
Let m := z p.
Let real (l : line) : R := line_at l m.
Hypothesis spans_m : spans k m.
Hypothesis m_nonneg : 0 <= m.
Hypothesis rate_nonneg : 0 <= Q2R (rate k).
Hypothesis near_m : within (growth k) false (size_at k m) ss z.

Lemma on_sides_sound e : valid real e z -> forall ss ins c c',
  on_sides e ss ins c = Some c' -> real c' <= dot ins z + real c.
Proof.
  intro Va. induction ss0 as [| s ss0 IH]; intros ins c c'; simpl.
  - pose proof (dot_pop ins z) as P. destruct (pop ins) as [[[v q] ins'] |]; [discriminate |].
    intro E; injection E as <-. lra.
  - pose proof (dot_take (variable s) ins z) as T.
    destruct (take (variable s) ins) as [[g |] ins']; simpl in T.
    + destruct (get (variable s) e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
      intro E. apply IH in E. unfold real in E. rewrite line_join_real in E.
      pose proof (Va _ _ G) as H. simpl in H.
      pose proof (end_sound (affine p) real z _ (affine_lawful p z) g lo hi _ H) as S.
      unfold real, affine in S. cbn [times] in S. unfold real. lra.
    + intro E. apply IH in E. lra.
Qed.

Lemma positive_at_sound w enough test c r :
  (forall enough v t, test enough v t = true -> above (negb enough) (Q2R v) (r * Q2R t)) ->
  Q2R (fst w) <= m <= Q2R (snd w) -> positive_at w enough test c = true ->
  above (negb enough) (real c) (r * m).
Proof.
  intros T W H. unfold positive_at in H. apply andb_true_iff in H as [A B].
  apply T in A, B. destruct (at_ends_real w c) as [E F]. rewrite E in A. rewrite F in B.
  unfold real, line_at in *. set (s := Q2R (fst c)) in *. set (d := Q2R (snd c)) in *.
  destruct enough; simpl in *.
  - pose proof (affine_nonneg (s - r) d (Q2R (fst w)) (Q2R (snd w)) m) as H. unfold above in *. lra.
  - pose proof (affine_positive (s - r) d (Q2R (fst w)) (Q2R (snd w)) m) as H. unfold above in *.
    destruct (open_end k && same_q (snd w) (last k)) eqn:O; simpl in B; [| lra].
    apply andb_true_iff in O as [O S]. apply same_q_true in S.
    destruct spans_m as [_ M]. rewrite O in M. simpl in M. lra.
Qed.
Lemma plainly_sound enough v t : plainly enough v t = true ->
  above (negb enough) (Q2R v) (0 * Q2R t).
Proof. unfold plainly. intro H. apply ample_true in H. rewrite zero_real, <- (Rmult_0_l (Q2R t)) in H. exact H. Qed.
Lemma by_squares_sound loss r enough v t : 0 <= r -> r * r <= Q2R loss ->
  by_squares loss enough v t = true -> above (negb enough) (Q2R v) (r * Q2R t).
Proof.
  unfold by_squares. intros R0 R2 H. apply andb_true_iff in H as [H P].
  apply andb_true_iff in H as [N H]. apply nonneg_true in N. apply ample_true in H.
  rewrite !mul_real in H. set (a := Q2R v) in *. set (b := Q2R t) in *.
  assert (S : (r * b) * (r * b) <= b * b * Q2R loss).
  { replace (r * b * (r * b)) with (b * b * (r * r)) by ring.
    apply Rmult_le_compat_l; [apply Rle_0_sqr | exact R2]. }
  destruct (Rle_lt_dec 0 b) as [pos | negative].
  - assert (0 <= r * b) by (apply Rmult_le_pos; assumption).
    unfold above in *. destruct enough; simpl in *; nra.
  - assert (r * b <= 0) by (assert (0 <= r * - b) by (apply Rmult_le_pos; lra); lra).
    unfold above in *. destruct enough; simpl in *; [lra |]. apply positive_true in P. unfold a in *. lra.
Qed.

Lemma by_powers_sound n loss r enough v t : 0 <= r -> r ^ S n <= Q2R loss ->
  by_powers (S n) loss enough v t = true -> above (negb enough) (Q2R v) (r * Q2R t).
Proof.
  unfold by_powers. intros R0 R2 H. apply andb_true_iff in H as [H P].
  apply andb_true_iff in H as [N H]. apply nonneg_true in N. apply ample_true in H.
  rewrite mul_real, !power_real in H.
  destruct (Rle_lt_dec 0 (Q2R t)) as [T | T].
  - assert (S : (r * Q2R t) ^ S n <= Q2R t ^ S n * Q2R loss).
    { rewrite Rpow_mult_distr, Rmult_comm. apply Rmult_le_compat_l; [apply pow_le, T | exact R2]. }
    unfold above in *. destruct enough; cbn [negb] in *.
    + apply (powers_le n); [exact N | lra].
    + apply (powers_below n); [exact N | lra].
  - assert (r * Q2R t <= 0) by (assert (0 <= r * - Q2R t) by (apply Rmult_le_pos; lra); lra).
    unfold above in *. destruct enough; simpl in *; [lra |]. apply positive_true in P. lra.
Qed.

Lemma finish_cone_sound w e enough f : finish_cone w e enough f = true ->
  Q2R (fst w) <= m <= Q2R (snd w) -> valid real e z -> above (negb enough) (form_value real f z) 0.
Proof.
  unfold finish_cone, form_value. intros F W Va. destruct f as [ins0 c0]. cbn [fst snd] in *.
  pose proof (dot_take p ins0 z) as T. destruct (take p ins0) as [g ins]. cbn [fst snd] in *.
  set (c := match g with Some g => line_join c0 (g, zero) | None => c0 end) in *.
  assert (C : dot ins0 z + real c0 = dot ins z + real c).
  { unfold c, opt in *. destruct g as [g |]; [| lra]. unfold real. rewrite line_join_real.
    unfold line_at at 3. cbn [fst snd]. rewrite zero_real. fold m in T. lra. }
  rewrite C. clear C T. unfold within, size_at in near_m. destruct (growth k) as [[| |] | n].
  - destruct (on_sides e ss ins c) as [c' |] eqn:S; [| discriminate].
    apply (on_sides_sound e Va) in S.
    apply (positive_at_sound w enough plainly c' 0 plainly_sound W) in F.
    unfold above in *. destruct enough; simpl in *; lra.
  - destruct (around ss ins zero) as [[c' gs] |] eqn:A; [| discriminate].
    apply (around_value z) in A. rewrite zero_real in A.
    apply (positive_at_sound w enough plainly _ 0 plainly_sound W) in F.
    pose proof (holder_1 gs (map (gap z) ss)) as H. rewrite map_map in H.
    pose proof (largest_nonneg gs) as M. unfold below in near_m.
    assert (Q2R (largest gs) * total (map (fun s => Rabs (gap z s)) ss)
      <= Q2R (largest gs) * (m * Q2R (rate k))) by (apply Rmult_le_compat_l; assumption).
    unfold real in F. rewrite line_join_real in F. unfold line_at at 2 in F. cbn [fst snd] in F.
    rewrite neg_real, mul_real in F. fold (real c) in F.
    unfold above in *. destruct enough; simpl in *; lra.
  - destruct (around ss ins zero) as [[c' gs] |] eqn:A; [| discriminate].
    apply (around_value z) in A. rewrite zero_real in A. unfold below in near_m.
    pose proof (squares_nonneg gs) as M.
    pose proof (cauchy gs (map (gap z) ss)) as H. rewrite map_map in H.
    set (I := inner gs (map (gap z) ss)) in *.
    rewrite <- (map_map (gap z) (fun t => t * t)) in H, near_m.
    assert (I2 : I * I <= m * m * Q2R (mul (rate k) (squares gs))).
    { apply Rle_trans with (1 := H). rewrite mul_real.
      replace (m * m * (Q2R (rate k) * Q2R (squares gs)))
        with (Q2R (squares gs) * (m * m * Q2R (rate k))) by ring.
      apply Rmult_le_compat_l; assumption. }
    assert (G : exists r, 0 <= r /\ r * r <= Q2R (mul (rate k) (squares gs)) /\ Rabs I = r * m).
    { assert (B : Rabs I * Rabs I = I * I) by (rewrite <- Rabs_mult; apply Rabs_right, Rle_ge, Rle_0_sqr).
      destruct (Req_dec m 0) as [M0 | M0].
      - exists 0. rewrite M0 in *. split; [lra |]. split.
        + rewrite mul_real. rewrite Rmult_0_l. apply Rmult_le_pos; assumption.
        + pose proof (Rabs_pos I). nra.
      - exists (Rabs I / m). assert (0 < m) by lra. assert (0 < / m) by (apply Rinv_0_lt_compat; lra).
        split; [apply Rmult_le_pos; [apply Rabs_pos | lra] |]. split; [| field; lra].
        replace (Rabs I / m * (Rabs I / m)) with (I * I * (/ m * / m)) by (rewrite <- B; field; lra).
        apply Rle_trans with (m * m * Q2R (mul (rate k) (squares gs)) * (/ m * / m)).
        + apply Rmult_le_compat_r; [apply Rmult_le_pos; lra | exact I2].
        + apply Req_le. field. lra. }
    destruct G as [r [R0 [R2 E]]].
    apply (positive_at_sound w enough _ _ r) in F; [| | exact W].
    2:{ intros en v t. apply by_squares_sound; assumption. }
    unfold real in F. rewrite line_join_real, fixed_real in F. fold (real c) in F.
    pose proof (Rle_abs (- I)) as L. rewrite Rabs_Ropp in L.
    unfold above in *. destruct enough; simpl in *; lra.
  - destruct (around ss ins zero) as [[c' gs] |] eqn:A; [| discriminate].
    apply (around_value z) in A. rewrite zero_real in A. unfold below in near_m.
    rewrite two_more, <- (map_map (gap z) (fun t => Rabs t ^ S (S n))) in near_m.
    pose proof (holder_within n gs _ _ near_m) as I2.
    set (I := inner gs (map (gap z) ss)) in *. set (loss := mul (rate k) (power (powers n gs) (S n))) in *.
    assert (E : Q2R loss = Q2R (powers n gs) ^ S n * Q2R (rate k))
      by (unfold loss; rewrite mul_real, power_real; ring).
    assert (P : 0 <= Q2R loss)
      by (rewrite E; apply Rmult_le_pos; [apply pow_le, powers_nonneg | exact rate_nonneg]).
    assert (G : exists r, 0 <= r /\ r ^ S (S n) <= Q2R loss /\ Rabs I = r * m).
    { destruct (Req_dec m 0) as [M0 | M0].
      - exists 0. rewrite zero_power. split; [lra |]. split; [exact P |].
        rewrite M0, zero_power, Rmult_0_l, Rmult_0_r in I2. rewrite <- (zero_power (S n)) in I2.
        apply powers_le in I2; [| lra]. pose proof (Rabs_pos I). lra.
      - exists (Rabs I / m). assert (0 < m) by lra. assert (0 < / m) by (apply Rinv_0_lt_compat; lra).
        split; [apply Rmult_le_pos; [apply Rabs_pos | lra] |]. split; [| field; lra].
        unfold Rdiv. rewrite Rpow_mult_distr, E.
        apply Rle_trans with (Q2R (powers n gs) ^ S n * (m ^ S (S n) * Q2R (rate k)) * (/ m) ^ S (S n)).
        + apply Rmult_le_compat_r; [apply pow_le; lra | exact I2].
        + assert (U : m ^ S (S n) * (/ m) ^ S (S n) = 1)
            by (rewrite <- Rpow_mult_distr, Rinv_r, pow1; [reflexivity | exact M0]).
          apply Req_le.
          replace (Q2R (powers n gs) ^ S n * (m ^ S (S n) * Q2R (rate k)) * (/ m) ^ S (S n))
            with (Q2R (powers n gs) ^ S n * Q2R (rate k) * (m ^ S (S n) * (/ m) ^ S (S n))) by ring.
          rewrite U. ring. }
    destruct G as [r [R0 [R2 Er]]].
    apply (positive_at_sound w enough _ _ r) in F; [| | exact W].
    2:{ intros en v t. apply by_powers_sound; assumption. }
    unfold real in F. rewrite line_join_real, fixed_real in F. fold (real c) in F.
    pose proof (Rle_abs (- I)) as L. rewrite Rabs_Ropp in L.
    unfold above in *. destruct enough; simpl in *; lra.
Qed.

Section Ends.
Variable w : span.
Hypothesis W : Q2R (fst w) <= m <= Q2R (snd w).
Lemma ends_around l : Q2R (least_end w l) <= real l <= Q2R (largest_end w l).
Proof.
  unfold least_end, largest_end, real. rewrite smaller_real, larger_real.
  destruct (at_ends_real w l) as [E F]. rewrite E, F. clear E F. split.
  - set (q := Rmin _ _).
    pose proof (affine_nonneg (Q2R (fst l)) (Q2R (snd l) - q) (Q2R (fst w)) (Q2R (snd w)) m) as H.
    pose proof (Rmin_l (line_at l (Q2R (fst w))) (line_at l (Q2R (snd w)))).
    pose proof (Rmin_r (line_at l (Q2R (fst w))) (line_at l (Q2R (snd w)))).
    fold q in H0, H1. unfold line_at in *. lra.
  - set (q := Rmax _ _).
    pose proof (affine_nonneg (- Q2R (fst l)) (q - Q2R (snd l)) (Q2R (fst w)) (Q2R (snd w)) m) as H.
    pose proof (Rmax_l (line_at l (Q2R (fst w))) (line_at l (Q2R (snd w)))).
    pose proof (Rmax_r (line_at l (Q2R (fst w))) (line_at l (Q2R (snd w)))).
    fold q in H0, H1. unfold line_at in *. lra.
Qed.
Lemma inputs_of_sound e : valid real e z -> sides_of z (inputs_of w e).
Proof.
  intros Va v a b. unfold inputs_of. destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
  intro E; injection E as <- <-. pose proof (Va _ _ G) as B. simpl in B.
  pose proof (ends_around lo). pose proof (ends_around hi). lra.
Qed.
Lemma weakest_sound known : Forall (fun s => 0 <= sum_value real s z) known ->
  Forall (fun s => 0 <= sum_value Q2R s z) (map (weakest w) known).
Proof.
  intro K. apply Forall_map. revert K. apply Forall_impl. intros s H. unfold sum_value, weakest in *.
  cbn [fst snd]. pose proof (ends_around (snd s)). lra.
Qed.
Lemma near_largest : near ss (ball (largest_ball w)) z.
Proof.
  pose proof near_m as N. unfold largest_ball, near, ball, within, below, size_at in *.
  assert (M : m * Q2R (rate k) <= Q2R (snd w) * Q2R (rate k)) by (apply Rmult_le_compat_r; lra).
  assert (S : m * m * Q2R (rate k) <= Q2R (snd w) * Q2R (snd w) * Q2R (rate k)).
  { apply Rmult_le_compat_r; [lra |]. apply Rmult_le_compat; lra. }
  destruct (growth k) as [[| |] | n]; rewrite ?mul_real.
  - revert N. apply Forall_impl. intros s B. lra.
  - lra.
  - lra.
  - rewrite power_real, two_more in *. apply Rle_trans with (1 := N).
    apply Rmult_le_compat_r; [exact rate_nonneg | apply pow_incr; lra].
Qed.
Lemma taken_away_least t : 0 <= Q2R t ->
  Q2R t * size_of (growth k) (map (gap z) ss)
    <= match growth k with Of Linf => Q2R t * total (map Rabs (map (gap z) ss)) | _ => real (taken_away w t) end.
Proof.
  intro T. pose proof near_m as N. unfold within, below, size_at in N.
  unfold size_of, taken_away, real. destruct (growth k) as [[| |] | n]; [lra | | |].
  - unfold line_at. cbn [fst snd]. rewrite mul_real, zero_real, map_map.
    apply Rle_trans with (Q2R t * (m * Q2R (rate k))); [apply Rmult_le_compat_l; assumption | lra].
  - rewrite line_times_real. unfold line_at. cbn [fst snd].
    rewrite !mul_real, add_real, neg_real, mul_real.
    replace (ip (map (gap z) ss) (map (gap z) ss)) with (total (map (fun s => gap z s * gap z s) ss)).
    2:{ clear. induction ss as [| s l IH]; simpl; [reflexivity | rewrite IH; reflexivity]. }
    apply Rle_trans with (Q2R t * (m * m * Q2R (rate k))); [apply Rmult_le_compat_l; assumption |].
    rewrite !Rmult_assoc. apply Rmult_le_compat_l; [exact T |].
    assert (0 <= (m - Q2R (fst w)) * (Q2R (snd w) - m)) by (apply Rmult_le_pos; lra).
    rewrite <- Rmult_assoc, (Rmult_comm _ (Q2R (rate k))).
    apply Rmult_le_compat_l; [exact rate_nonneg |]. lra.
  - rewrite line_times_real. unfold line_at. cbn [fst snd]. rewrite two_more in N.
    rewrite map_map, sub_real, !mul_real, power_real.
    set (lo := positive_part (fst w)).
    assert (L : Q2R lo = Rmax 0 (Q2R (fst w))) by apply positive_part_real.
    assert (L0 : 0 <= Q2R lo) by (rewrite L; apply Rmax_l).
    assert (L1 : Q2R lo <= m) by (rewrite L; apply Rmax_lub; lra).
    pose proof (chord_slope_sound lo (snd w) m (S (S n)) L0 (conj L1 (proj2 W))) as C.
    apply Rle_trans with (Q2R t * (m ^ S (S n) * Q2R (rate k))); [apply Rmult_le_compat_l; assumption |].
    rewrite Rmult_assoc. apply Rmult_le_compat_l; [exact T |]. rewrite (Rmult_comm _ (Q2R (rate k))).
    apply Rmult_le_compat_l; [exact rate_nonneg |]. lra.
Qed.
End Ends.

Hypothesis Tables : tables_hold (largest_ball (zero, zero)) h.
Hypothesis Placed : placed_ok (lined h) z.
Lemma finish_sums_sound w e known enough t i f : finish_sums w e known enough t i f = true ->
  Q2R (fst w) <= m <= Q2R (snd w) -> valid real e z ->
  Forall (fun s => 0 <= sum_value real s z) known -> above (negb enough) (form_value real f z) 0.
Proof.
  unfold finish_sums, form_value. intros F W Va K. destruct f as [ins0 c0]. cbn [fst snd] in *.
  pose proof (dot_take p ins0 z) as T. destruct (take p ins0) as [g ins]. cbn [fst snd] in *.
  set (c := match g with Some g => line_join c0 (g, zero) | None => c0 end) in *.
  assert (C : dot ins0 z + real c0 = dot ins z + real c).
  { unfold c, opt in *. destruct g as [g |]; [| lra]. unfold real. rewrite line_join_real.
    unfold line_at at 3. cbn [fst snd]. rewrite zero_real. fold m in T. lra. }
  rewrite C. clear C T.
  destruct (sum_least _ _ _ _ _ _ _ _ _ _ _) as [r |] eqn:L; [| discriminate].
  destruct (table_number_sound (largest_ball (zero, zero)) h i z Tables) as [Wt Ct].
  pose proof (sum_least_sound fuel e (inputs_of w e) (lined h) (largest_ball w) (map (weakest w) known)
    (growth k) real z Va (inputs_of_sound w W e Va) Placed (weakest_sound w W known K)
    (near_largest w W) _ _ _ _ _ L Wt Ct) as S.
  destruct r as [q |]; [| contradiction]. destruct S as [T S]. apply andb_true_iff in F as [Z F].
  apply (positive_at_sound w enough plainly _ 0 plainly_sound W) in F.
  pose proof (taken_away_least w W t T) as A. cbn [sides largest_ball] in S.
  unfold real in F. rewrite !line_join_real, line_times_real, fixed_real, neg_real, one_real in F.
  fold (real c) in F. fold (real (taken_away w t)) in F.
  destruct (growth k) as [[| |] | n] eqn:G.
  - apply is_zero_real in Z.
    assert (E : real (taken_away w t) = 0).
    { unfold real, taken_away, line_at. rewrite G. cbn [fst snd]. rewrite mul_real, zero_real, Z. ring. }
    rewrite Z in S. unfold above in *. destruct enough; simpl in *; lra.
  - unfold above in *. destruct enough; simpl in *; lra.
  - unfold above in *. destruct enough; simpl in *; lra.
  - unfold above in *. destruct enough; simpl in *; lra.
Qed.

Lemma on_cone_finishing : finishing on_cone real z (fun w => Q2R (fst w) <= m <= Q2R (snd w)).
Proof.
  intros r w e known enough f F W Va K. destruct r as [[t i] |].
  - exact (finish_sums_sound w e known enough t i f F W Va K).
  - exact (finish_cone_sound w e enough f F W Va).
Qed.
End Cone.

(** The cone as a root: x in its box, m from first to last. *)
Definition cone_box (k : cone) (reach : Q) (ns : list name) (c : list Q) (p : name)
    : list (name * (line * line)) :=
  map (fun q => (fst q, ((neg reach, snd q), (reach, snd q)))) (combine ns c)
  ++ [(p, (fixed (first k), fixed (last k)))].
Definition hints_of (ls : trie direction) (net : network) (k : cone) (e : env line) (ts : list (list dense))
    : hints :=
  let w := (first k, last k) in
  Hints ls (place (fun l => both nonneg (at_ends w l)) (fun l => both nonpos (at_ends w l)) e ls net) ts.
Definition verify_cone (fuel : list name) (ls : trie direction) (net : network) (k : cone) (reach : Q)
    (c : list Q) (goals : list (list atom)) (pr : proof (Q * Q)) : bool :=
  match rev (inputs net) with
  | [] => false
  | p :: rns =>
      let ns := rev rns in
      Nat.eqb (length c) (length ns) && nonneg (first k) && lt (first k) (last k)
      && positive_q (rate k) && reaches (growth k) (rate k) reach
      && match all (table_of (growth k) (at_center ns c)) (weights pr),
           root (row_lines p (first k, last k)) net (cone_box k reach ns c p) with
         | Some ts, Some e =>
             proves_at (affine p) (on_cone fuel (hints_of ls net k e ts) k p (at_center ns c)) fuel e net
               goals pr
         | _, _ => false
         end
  end.

Lemma rev_ends {A} (l : list A) a rest : rev l = a :: rest -> l = rev rest ++ [a].
Proof. intro H. rewrite <- (rev_involutive l), H. reflexivity. Qed.
Lemma combine_fst {A B} : forall (l : list A) (l' : list B), length l' = length l ->
  map fst (combine l l') = l.
Proof.
  induction l as [| a l IH]; intros [| b l'] H; simpl in *; try discriminate; [reflexivity |].
  rewrite IH; [reflexivity | lia].
Qed.

Lemma verify_cone_known fuel ls net k reach c goals pr :
  verify_cone fuel ls net k reach c goals pr = true ->
  exists ns p e ts, cone_well k net c ns p /\ Forall (Forall (names_exist net)) goals
  /\ reaches (growth k) (rate k) reach = true
  /\ all (table_of (growth k) (at_center ns c)) (weights pr) = Some ts
  /\ root (row_lines p (first k, last k)) net (cone_box k reach ns c p) = Some e
  /\ proves_at (affine p) (on_cone fuel (hints_of ls net k e ts) k p (at_center ns c)) fuel e net goals pr
     = true.
Proof.
  unfold verify_cone. destruct (rev (inputs net)) as [| p rns] eqn:N; [discriminate |].
  apply rev_ends in N. set (ns := rev rns) in *. intro H.
  apply andb_true_iff in H as [H P]. apply andb_true_iff in H as [H R].
  apply andb_true_iff in H as [H U]. apply andb_true_iff in H as [H O].
  apply andb_true_iff in H as [L F]. apply Nat.eqb_eq in L. apply nonneg_true in F.
  apply lt_true in O. apply positive_true in U.
  destruct (all _ (weights pr)) as [ts |] eqn:T; [| discriminate].
  destruct (root _ _ _) as [e |] eqn:G; [| discriminate].
  destruct (proves_known _ _ _ _ (row_lines_reads p (first k, last k)) _ _ _ _ _ G P) as [W X].
  exists ns, p, e, ts. repeat split; auto; apply W.
Qed.

Theorem verify_cone_sound fuel ls net k reach c goals pr :
  verify_cone fuel ls net k reach c goals pr = true -> never_in_cone net k c goals.
Proof.
  intro H. destruct (verify_cone_known _ _ _ _ _ _ _ _ H) as [ns [p [e [ts [W [X [R [Tabs [G P]]]]]]]]].
  exists ns, p. split; [exact W |]. split; [exact X |].
  destruct W as [[D [Y O]] [N [L [F U]]]].
  intros m x S E C goal I. set (z := run (units net) x).
  assert (Z : forall v, In v (inputs net) -> z v = x v)
    by (intros v V; exact (run_other _ _ _ _ Y V)).
  assert (pin : In p (inputs net)) by (rewrite N; apply in_app_iff; right; left; reflexivity).
  assert (zp : z p = m) by (rewrite (Z p pin); exact E).
  assert (M : Q2R (first k) <= m <= Q2R (last k))
    by (destruct S as [S1 S2]; unfold below in S2; destruct (open_end k); lra).
  assert (C' : within (growth k) false (size_at k m) (at_center ns c) z).
  { assert (J : forall s, In s (at_center ns c) -> gap z s = gap x s).
    { intros s Hs. unfold gap. rewrite Z; [reflexivity |]. unfold at_center in Hs.
      apply in_map_iff in Hs as [[a b] [<- Hs]]. apply in_combine_l in Hs. simpl.
      rewrite N. apply in_app_iff. left. exact Hs. }
    revert C. unfold in_cone, within. destruct (growth k) as [[| |] | n].
    - rewrite !Forall_forall. intros T s Hs. rewrite (J s Hs). apply T, Hs.
    - erewrite (map_ext_in (fun s => Rabs (gap z s))); [intro T; exact T |].
      intros s Hs. cbv beta. rewrite (J s Hs). reflexivity.
    - erewrite (map_ext_in (fun s => gap z s * gap z s)); [intro T; exact T |].
      intros s Hs. cbv beta. rewrite (J s Hs). reflexivity.
    - erewrite (map_ext_in (fun s => Rabs (gap z s) ^ (n + 2))); [intro T; exact T |].
      intros s Hs. cbv beta. rewrite (J s Hs). reflexivity. }
  rewrite <- zp in S, M, C'.
  assert (Box : Forall (fun s => line_at (fst (snd s)) (z p) <= x (fst s) <= line_at (snd (snd s)) (z p))
    (cone_box k reach ns c p)).
  { unfold cone_box. apply Forall_app. split; [| constructor; [| constructor]].
    + apply Forall_forall. intros s Hs. apply in_map_iff in Hs as [q [<- Hs]]. cbn [fst snd].
      assert (Near : Rabs (gap x (Side (fst q) 0 0 (snd q))) <= z p * Q2R reach).
      { apply (within_gap (growth k) (size_at k m) _ (at_center ns c) x).
        - apply reaches_true in R. unfold size_at. unfold reaching in *. rewrite <- zp.
          destruct (growth k) as [[| |] | n].
          + apply Rmult_le_compat_l; lra.
          + apply Rmult_le_compat_l; lra.
          + destruct R as [R0 R2]. split; [apply Rmult_le_pos; lra |].
            replace (z p * Q2R reach * (z p * Q2R reach)) with (z p * z p * (Q2R reach * Q2R reach))
              by ring. apply Rmult_le_compat_l; [apply Rle_0_sqr | exact R2].
          + destruct R as [R0 R2]. rewrite two_more, Rpow_mult_distr.
            split; [apply Rmult_le_pos; lra |]. apply Rmult_le_compat_l; [apply pow_le; lra | exact R2].
        - exact C.
        - unfold at_center. apply in_map_iff. eauto. }
      unfold gap in Near. cbn [variable center] in Near. unfold line_at. cbn [fst snd]. rewrite neg_real.
      pose proof (Rle_abs (x (fst q) - Q2R (snd q))).
      pose proof (Rle_abs (- (x (fst q) - Q2R (snd q)))) as A. rewrite Rabs_Ropp in A. lra.
    + cbn [fst snd]. rewrite !fixed_real, <- (Z p pin). exact M. }
  assert (Root : valid (fun l => line_at l (z p)) e z).
  { apply (root_sound (row_lines p (first k, last k)) (row_lines_reads p (first k, last k))
      (fun l => line_at l (z p)) net x) with (ss := cone_box k reach ns c p); try assumption.
    intros e' r lo hi Va. apply row_lines_sound; assumption. }
  apply (proves_sound (affine p) (on_cone fuel (hints_of ls net k e ts) k p (at_center ns c)) fuel
    (row_lines p (first k, last k)) (row_lines_reads p (first k, last k)) (fun l => line_at l (z p))
    (fun w => Q2R (fst w) <= z p <= Q2R (snd w)) net x) with (ss := cone_box k reach ns c p) (e := e)
    (p := pr) (goals := goals); try assumption.
  - intros e' r lo hi Va. apply row_lines_sound; assumption.
  - apply affine_lawful.
  - apply on_cone_finishing; try assumption; try lra.
    + apply (tables_sound (largest_ball k (at_center ns c) (zero, zero)) (weights pr)).
      exact Tabs.
    + apply (place_ok _ _ (fun l => line_at l (z p))); [| | exact Root]; intros l Hl.
      * exact (both_nonneg (first k, last k) (z p) M l Hl).
      * exact (both_nonpos (first k, last k) (z p) M l Hl).
Qed.

(** Labels: goals about the outputs over D(m), which is positive, times D(m). *)
Definition family_atom (p : name) (f : family) (a : atom) : atom :=
  Atom [(p, mul (d1 f) (offset a))] (ys a) (mul (d0 f) (offset a)) (strict a).
Definition on_outputs (a : atom) : bool := match xs a with [] => true | _ => false end.
Definition guarded (f : family) : bool :=
  let at_first := add (d0 f) (mul (d1 f) (first (balls f))) in
  let at_last := add (d0 f) (mul (d1 f) (last (balls f))) in
  positive_q at_first && if open_end (balls f) then nonneg at_last else positive_q at_last.
Definition verify_family (fuel : list name) (ls : trie direction) (net : network) (f : family) (reach : Q)
    (s : list Q * nat) (pr : proof (Q * Q)) : bool :=
  match label_goals (reader f) (labels f) (length (outputs net)) (snd s), rev (inputs net) with
  | Some goals, p :: _ =>
      forallb (forallb on_outputs) goals && guarded f
      && verify_cone fuel ls net (balls f) reach (fst s) (map (map (family_atom p f)) goals) pr
  | _, _ => false
  end.

Lemma guarded_positive f m : guarded f = true -> spans (balls f) m -> 0 < below_at f m.
Proof.
  unfold guarded, spans, below, below_at. intros H [A B]. apply andb_true_iff in H as [P Q].
  apply positive_true in P. rewrite add_real, mul_real in P.
  pose proof (affine_positive (Q2R (d1 f)) (Q2R (d0 f)) (Q2R (first (balls f)))
    (Q2R (last (balls f))) m) as T.
  destruct (open_end (balls f)).
  - apply nonneg_true in Q. rewrite add_real, mul_real in Q. lra.
  - apply positive_true in Q. rewrite add_real, mul_real in Q. lra.
Qed.
Lemma family_atom_holds net p f x a : on_outputs a = true -> 0 < below_at f (x p) ->
  holds_of x (fun j => output net x j / below_at f (x p)) a -> holds net x (family_atom p f a).
Proof.
  unfold on_outputs. destruct (xs a) eqn:X; [| discriminate]. intros _ D.
  unfold holds, holds_of, family_atom. rewrite X. cbn [xs ys offset strict map].
  assert (S : forall r, total [r] = r) by (intro r; simpl; ring). rewrite S. clear S.
  set (T := total (map (fun t => Q2R (snd t) * output net x (fst t)) (ys a))).
  assert (E : total (map (fun t => Q2R (snd t) * (output net x (fst t) / below_at f (x p))) (ys a))
    = T / below_at f (x p)).
  { unfold T. clear. induction (ys a) as [| t l IH]; simpl; [unfold Rdiv; ring |].
    rewrite IH. unfold Rdiv. ring. }
  rewrite E. cbn [fst snd total fold_right]. rewrite !mul_real. unfold below_at in *.
  set (d := Q2R (d0 f) + Q2R (d1 f) * x p) in *. intro H.
  replace (Q2R (d1 f) * Q2R (offset a) * x p + T + Q2R (d0 f) * Q2R (offset a))
    with (d * (0 + T / d + Q2R (offset a))) by (unfold d; field; fold d; lra).
  unfold below in *. destruct (strict a); [apply Rmult_lt_0_compat; lra | apply Rmult_le_pos; lra].
Qed.

Theorem verify_family_sound fuel ls net f reach s pr :
  verify_family fuel ls net f reach s pr = true -> keeps_label_for_every f net s.
Proof.
  unfold verify_family.
  destruct (label_goals _ _ _ _) as [goals |] eqn:G; [| discriminate].
  destruct (rev (inputs net)) as [| p' rns] eqn:N; [discriminate |].
  intro H. apply andb_true_iff in H as [H V]. apply andb_true_iff in H as [O D].
  apply verify_cone_sound in V as [ns [p [W [_ V]]]].
  assert (same : p' = p).
  { destruct W as [_ [W _]]. rewrite W, rev_app_distr in N. simpl in N. injection N. auto. }
  subst p'. exists ns, p. split; [exact W |]. intros m S. pose proof (guarded_positive f m D S) as P.
  split; [exact P |]. intros x E C. apply (label_goals_mean _ _ _ _ _ _ x G). intros goal I B.
  apply (V m x S E C (map (family_atom p f) goal)); [apply in_map, I |].
  rewrite forallb_forall in O. specialize (O goal I). rewrite forallb_forall in O.
  apply Forall_map. rewrite Forall_forall in *. intros a A. subst m.
  apply family_atom_holds; auto.
Qed.
Corollary family_data_set_sound net f (samples : list (list Q * nat)) :
  Forall (fun s => exists fuel ls reach pr, verify_family fuel ls net f reach s pr = true) samples ->
  Forall (keeps_label_for_every f net) samples.
Proof. apply Forall_impl. intros s [fuel [ls [r [pr H]]]]. exact (verify_family_sound _ _ _ _ _ _ _ H). Qed.
