(** Numbers as bounds: the lines of a unit, and what is left of a form in the inputs, on boxes and
    balls. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Psatz.
From Robmem Require Import Statement Numbers Powers Tries Leaf Tree.
Import ListNotations.
Open Scope R_scope.

(** The two lines of a unit: relu(a) - s a = (1 - s) max(a, 0) + s max(-a, 0), on [lo, hi]. *)
Definition low_line (s lo hi : Q) : Q :=
  add (mul (sub one s) (positive_part lo)) (mul s (positive_part (neg hi))).
Definition high_line (s lo hi : Q) : Q :=
  larger (mul (sub one s) (positive_part hi)) (mul s (positive_part (neg lo))).

Lemma low_line_sound s lo hi a :
  0 <= Q2R s <= 1 -> Q2R lo <= a <= Q2R hi -> Q2R (low_line s lo hi) <= Rmax 0 a - Q2R s * a.
Proof.
  intros [s0 s1] [Hlo Hhi]. unfold low_line; autorewrite with num.
  assert (A : (1 - Q2R s) * Rmax 0 (Q2R lo) <= (1 - Q2R s) * Rmax 0 a)
    by (apply Rmult_le_compat_l; [lra | apply Rle_max_compat_l; exact Hlo]).
  assert (B : Q2R s * Rmax 0 (- Q2R hi) <= Q2R s * Rmax 0 (- a))
    by (apply Rmult_le_compat_l; [lra | apply Rle_max_compat_l; lra]).
  destruct (Rle_lt_dec 0 a).
  - rewrite (Rmax_right 0 a), (Rmax_left 0 (- a)) in * by lra. lra.
  - rewrite (Rmax_left 0 a), (Rmax_right 0 (- a)) in * by lra. lra.
Qed.
Lemma high_line_sound s lo hi a :
  0 <= Q2R s <= 1 -> Q2R lo <= a <= Q2R hi -> Rmax 0 a - Q2R s * a <= Q2R (high_line s lo hi).
Proof.
  intros [s0 s1] [Hlo Hhi]. unfold high_line; autorewrite with num.
  assert (A : (1 - Q2R s) * Rmax 0 a <= (1 - Q2R s) * Rmax 0 (Q2R hi))
    by (apply Rmult_le_compat_l; [lra | apply Rle_max_compat_l; exact Hhi]).
  assert (B : Q2R s * Rmax 0 (- a) <= Q2R s * Rmax 0 (- Q2R lo))
    by (apply Rmult_le_compat_l; [lra | apply Rle_max_compat_l; lra]).
  destruct (Rle_lt_dec 0 a).
  - apply Rle_trans with (2 := Rmax_l _ _).
    rewrite (Rmax_right 0 a) in * by lra. lra.
  - apply Rle_trans with (2 := Rmax_r _ _).
    rewrite (Rmax_left 0 a), (Rmax_right 0 (- a)) in * by lra. lra.
Qed.

(** Any slope in [0, 1] is sound, so nothing is proved of the one that is chosen. *)
Definition slope (w : unit) (usual up : bool) (lo hi : Q) : Q :=
  if nonneg lo then one
  else if nonneg (neg hi) then zero
  else if usual then
    if up then (if leq (neg lo) hi then one else zero) else floor24 hi (sub hi lo)
  else zero.
Definition line_rest (w : unit) (q s lo hi : Q) : Q :=
  mul q (if nonneg q then low_line s lo hi else high_line s lo hi).
Definition numbers : rules Q unit Q :=
  {| always := fun q => q; join := add; times := mul; view := fun _ => Some tt;
     pick_slope := slope; rest := line_rest;
     tighter := fun _ upper a b => if upper then smaller b a else larger b a;
     apart := fun _ lo hi => lt hi lo; stated := fun _ q => q; divides := fun _ _ _ => true |}.

Lemma line_sound q s lo hi a :
  0 <= Q2R s <= 1 -> Q2R lo <= a <= Q2R hi ->
  Q2R (line_rest tt q s lo hi) <= Q2R q * (Rmax 0 a - Q2R s * a).
Proof.
  intros Hs Ha. unfold line_rest. rewrite mul_real. destruct (nonneg q) eqn:Hq.
  - apply nonneg_true in Hq. pose proof (low_line_sound s lo hi a Hs Ha) as H.
    apply (Rmult_le_compat_l (Q2R q)) in H; [lra | assumption].
  - apply nonneg_false in Hq. pose proof (high_line_sound s lo hi a Hs Ha) as H.
    apply (Rmult_le_compat_l (- Q2R q)) in H; [lra | lra].
Qed.
Lemma numbers_lawful z : lawful numbers Q2R z (fun _ => True).
Proof.
  constructor; simpl; auto using add_real, mul_real.
  - intros [] q s lo hi a _. apply line_sound.
  - intros _ [] b b'; [rewrite smaller_one | rewrite larger_one]; destruct (leq _ _); auto.
  - intros _ lo hi _. apply lt_true.
Qed.

(** What is left is affine in the inputs. On the box: *)
Fixpoint on_box (e : env Q) (edge : option Q) (ss : list side) (ins : trie Q) (k : Q) (sharp : bool)
    : option (Q * bool) :=
  match ss with
  | [] => match pop ins with None => Some (k, sharp) | Some _ => None end
  | s :: ss =>
      match take (variable s) ins with
      | (None, ins) => on_box e edge ss ins k sharp
      | (Some g, ins) =>
          match get (variable s) e with
          | Some (Input lo hi) =>
              let end_ := if nonneg g then lo else hi in
              let attained :=
                match edge with
                | Some size => is_zero g || lt (magnitude (sub end_ (center s))) size
                | None => true
                end in
              on_box e edge ss ins (add k (mul g end_)) (sharp || negb attained)
          | _ => None
          end
      end
  end.

Lemma on_box_sound e edge z : valid Q2R e z -> forall ss,
  match edge with Some size => Forall (fun s => Rabs (gap z s) < Q2R size) ss | None => True end ->
  forall ins k sharp k' sharp' base,
  on_box e edge ss ins k sharp = Some (k', sharp') ->
  above sharp base (dot ins z + Q2R k) -> above sharp' base (Q2R k').
Proof.
  intro V. induction ss as [| s ss IH]; intros N ins k sharp k' sharp' base; simpl.
  - pose proof (dot_pop ins z) as P. destruct (pop ins) as [[[v q] c'] |]; [discriminate |].
    intro E; injection E as <- <-. rewrite P. unfold above. destruct sharp; lra.
  - assert (N' : match edge with
      | Some size => Forall (fun s => Rabs (gap z s) < Q2R size) ss | None => True end).
    { destruct edge; [inversion N; assumption | exact I]. }
    pose proof (dot_take (variable s) ins z) as T.
    destruct (take (variable s) ins) as [[g |] ins']; simpl in T.
    + destruct (get (variable s) e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
      set (end_ := if nonneg g then lo else hi).
      intros E H. pose proof (V _ _ G) as B; simpl in B.
      refine (IH N' _ _ _ _ _ _ E _). clear E. rewrite add_real, mul_real.
      assert (weak : Q2R g * Q2R end_ <= Q2R g * z (variable s)).
      { unfold end_. destruct (nonneg g) eqn:Hg.
        - apply nonneg_true in Hg. apply Rmult_le_compat_l; lra.
        - apply nonneg_false in Hg.
          assert (- Q2R g * z (variable s) <= - Q2R g * Q2R hi)
            by (apply Rmult_le_compat_l; lra). lra. }
      destruct edge as [size |]; [| rewrite orb_false_r; unfold above in *; destruct sharp; lra].
      destruct (is_zero g) eqn:Z0; simpl;
        [rewrite orb_false_r; unfold above in *; destruct sharp; lra |].
      destruct (lt (magnitude (sub end_ (center s))) size) eqn:Far; simpl;
        [rewrite orb_false_r; unfold above in *; destruct sharp; lra |].
      rewrite orb_true_r. unfold above in *.
      apply is_zero_false in Z0. inversion N as [| s' ss' near_s _]; subst.
      assert (different : z (variable s) <> Q2R end_).
      { intro same. unfold gap in near_s. rewrite same in near_s.
        Transparent lt. unfold lt in Far. Opaque lt.
        apply negb_false_iff, leq_true in Far. autorewrite with num in Far. lra. }
      assert (Q2R g * z (variable s) <> Q2R g * Q2R end_)
        by (intro same; apply Rmult_eq_reg_l in same; auto).
      destruct sharp; lra.
    + intros E H. refine (IH N' _ _ _ _ _ _ E _). unfold above in *. destruct sharp; lra.
Qed.

(** Around the center: the constant there, and the gradient, side after side. *)
Fixpoint around (ss : list side) (ins : trie Q) (k : Q) : option (Q * list Q) :=
  match ss with
  | [] => match pop ins with None => Some (k, []) | Some _ => None end
  | s :: ss =>
      match take (variable s) ins with
      | (None, ins) =>
          match around ss ins k with Some (k, gs) => Some (k, zero :: gs) | None => None end
      | (Some g, ins) =>
          match around ss ins (add k (mul g (center s))) with
          | Some (k, gs) => Some (k, g :: gs)
          | None => None
          end
      end
  end.
Fixpoint inner (gs : list Q) (ts : list R) : R :=
  match gs, ts with g :: gs, t :: ts => Q2R g * t + inner gs ts | _, _ => 0 end.

Lemma around_value z : forall ss ins k k' gs,
  around ss ins k = Some (k', gs) ->
  dot ins z + Q2R k = Q2R k' + inner gs (map (gap z) ss).
Proof.
  induction ss as [| s ss IH]; intros ins k k' gs; simpl.
  - pose proof (dot_pop ins z) as P. destruct (pop ins) as [[[v q] c'] |]; [discriminate |].
    intro E; injection E as <- <-; simpl; lra.
  - pose proof (dot_take (variable s) ins z) as T.
    destruct (take (variable s) ins) as [[g |] ins']; simpl in T.
    + destruct (around ss ins' (add k (mul g (center s)))) as [[k1 gs1] |] eqn:A; [| discriminate].
      intro E; injection E as <- <-. apply IH in A. rewrite add_real, mul_real in A.
      unfold gap at 1; simpl. lra.
    + destruct (around ss ins' k) as [[k1 gs1] |] eqn:A; [| discriminate].
      intro E; injection E as <- <-. apply IH in A. simpl. rewrite zero_real. lra.
Qed.

(** Hölder for p = 1, and Cauchy. *)
Definition largest (gs : list Q) : Q := fold_right (fun g m => larger (magnitude g) m) zero gs.
Definition squares (gs : list Q) : Q := fold_right (fun g m => add (mul g g) m) zero gs.

Lemma largest_nonneg gs : 0 <= Q2R (largest gs).
Proof.
  induction gs as [| g gs IH]; simpl; autorewrite with num; [lra |].
  apply Rle_trans with (1 := IH). apply Rmax_r.
Qed.
Lemma total_nonneg f (ts : list R) : (forall t, 0 <= f t) -> 0 <= total (map f ts).
Proof. intro H. induction ts as [| t ts IH]; simpl; [lra | specialize (H t); lra]. Qed.
Lemma holder_1 gs : forall ts, - (Q2R (largest gs) * total (map Rabs ts)) <= inner gs ts.
Proof.
  induction gs as [| g gs IH]; intros [| t ts]; simpl; autorewrite with num; try lra.
  - specialize (IH ts).
    set (M := Rmax (Rabs (Q2R g)) (Q2R (largest gs))).
    assert (Rabs (Q2R g) <= M) as G by apply Rmax_l.
    assert (Q2R (largest gs) <= M) as L by apply Rmax_r.
    pose proof (total_nonneg Rabs ts Rabs_pos) as T.
    assert (Q2R (largest gs) * total (map Rabs ts) <= M * total (map Rabs ts))
      by (apply Rmult_le_compat_r; assumption).
    assert (Rabs (Q2R g) * Rabs t <= M * Rabs t)
      by (apply Rmult_le_compat_r; [apply Rabs_pos | assumption]).
    pose proof (Rle_abs (- (Q2R g * t))) as A. rewrite Rabs_Ropp, Rabs_mult in A. lra.
Qed.

Lemma squares_nonneg gs : 0 <= Q2R (squares gs).
Proof.
  induction gs as [| g gs IH]; simpl; autorewrite with num; [lra |].
  pose proof (Rle_0_sqr (Q2R g)); unfold Rsqr in *; lra.
Qed.
Lemma cauchy_step a b s m n :
  0 <= m -> 0 <= n -> s * s <= m * n -> (a * b + s) * (a * b + s) <= (a * a + m) * (b * b + n).
Proof.
  intros Hm Hn Hs.
  assert (target : 2 * (a * b * s) <= a * a * n + b * b * m).
  { destruct (Rle_lt_dec (2 * (a * b * s)) (a * a * n + b * b * m)) as [ok | bad]; [exact ok |].
    exfalso.
    assert (P : 0 <= a * a * n + b * b * m)
      by (apply Rplus_le_le_0_compat; apply Rmult_le_pos; auto; apply Rle_0_sqr).
    assert (Q : (a * a * n + b * b * m) * (a * a * n + b * b * m)
      < (2 * (a * b * s)) * (2 * (a * b * s))) by (apply Rmult_le_0_lt_compat; lra).
    assert (B : (a * b) * (a * b) * (s * s) <= (a * b) * (a * b) * (m * n))
      by (apply Rmult_le_compat_l; [apply Rle_0_sqr | exact Hs]).
    pose proof (Rle_0_sqr (a * a * n - b * b * m)) as S. unfold Rsqr in S. nra. }
  nra.
Qed.
Lemma cauchy gs : forall ts,
  inner gs ts * inner gs ts <= Q2R (squares gs) * total (map (fun t => t * t) ts).
Proof.
  assert (tn : forall ts, 0 <= total (map (fun t => t * t) ts))
    by (intro ts; apply total_nonneg; intro t; apply Rle_0_sqr).
  induction gs as [| g gs IH]; intros [| t ts]; simpl; autorewrite with num; try lra.
  apply cauchy_step; [apply squares_nonneg | apply tn | apply IH].
Qed.

(** Hölder for p = n + 2: (sum |g t|)^p <= (sum |g| w)^(p - 1) sum |t|^p, if w^(p - 1) >= |g|. *)
Definition rooted (n : nat) (g : Q) : Q := root_above 24 (S n) (magnitude g).
Definition powers (n : nat) (gs : list Q) : Q :=
  fold_right (fun g m => add (mul (magnitude g) (rooted n g)) m) zero gs.
Definition sizes (gs : list Q) (ts : list R) : R := inner (map magnitude gs) (map Rabs ts).
Lemma inner_sizes gs : forall ts, Rabs (inner gs ts) <= sizes gs ts.
Proof.
  unfold sizes. induction gs as [| g gs IH]; intros [| t ts]; simpl; try (rewrite Rabs_R0; lra).
  pose proof (Rabs_triang (Q2R g * t) (inner gs ts)) as T. rewrite Rabs_mult in T.
  rewrite magnitude_real. specialize (IH ts). lra.
Qed.
Lemma sizes_nonneg gs ts : 0 <= sizes gs ts.
Proof. apply Rle_trans with (2 := inner_sizes gs ts). apply Rabs_pos. Qed.
Lemma powers_nonneg n gs : 0 <= Q2R (powers n gs).
Proof.
  induction gs as [| g gs IH]; simpl; autorewrite with num; [lra |].
  pose proof (proj1 (root_above_sound 24 n (magnitude g))) as W. fold (rooted n g) in W.
  assert (0 <= Rabs (Q2R g) * Q2R (rooted n g)) by (apply Rmult_le_pos; [apply Rabs_pos | exact W]). lra.
Qed.
Lemma holder n gs ts :
  Rabs (inner gs ts) ^ S (S n)
  <= Q2R (powers n gs) ^ S n * total (map (fun t => Rabs t ^ S (S n)) ts).
Proof.
  apply Rle_trans with (sizes gs ts ^ S (S n)).
  { apply pow_incr. split; [apply Rabs_pos | apply inner_sizes]. }
  apply mean; [apply sizes_nonneg | apply powers_nonneg |]. intros a A. unfold sizes.
  assert (N : forall ts, 0 <= total (map (fun t => Rabs t ^ S (S n)) ts))
    by (intro us; apply total_nonneg; intro t; apply pow_le, Rabs_pos).
  assert (X : 0 <= INR (S n) * a ^ S (S n))
    by (apply Rmult_le_pos; [apply pos_INR | apply pow_le, A]).
  revert ts. induction gs as [| g gs IH]; intros [| t ts]; cbn [map inner powers fold_right total].
  - rewrite zero_real, !Rmult_0_r. lra.
  - rewrite zero_real, !Rmult_0_r. specialize (N (t :: ts)). cbn [map total fold_right] in N. lra.
  - rewrite !Rmult_0_r. pose proof (powers_nonneg n (g :: gs)) as P. cbn [powers fold_right] in P.
    apply (Rmult_le_compat_l _ _ _ X) in P. lra.
  - specialize (IH ts). rewrite add_real, mul_real, magnitude_real.
    destruct (root_above_sound 24 n (magnitude g)) as [W0 W]. fold (rooted n g) in W0, W.
    rewrite magnitude_real in W.
    pose proof (mean_term n (Rabs (Q2R g)) _ (Rabs t) a (Rabs_pos _) W0 W (Rabs_pos _) A) as H.
    fold (powers n gs) in *. fold (total (map (fun t => Rabs t ^ S (S n)) ts)) in *.
    rewrite !Rmult_plus_distr_l. lra.
Qed.
Lemma holder_within n gs ts size : total (map (fun t => Rabs t ^ S (S n)) ts) <= size ->
  Rabs (inner gs ts) ^ S (S n) <= Q2R (powers n gs) ^ S n * size.
Proof.
  intro N. apply Rle_trans with (1 := holder n gs ts).
  apply Rmult_le_compat_l; [apply pow_le, powers_nonneg | exact N].
Qed.

(** Whether the form that is left is positive, or nonnegative if [enough], in the region. *)
Definition ample (enough : bool) (k loss : Q) : bool := if enough then leq loss k else lt loss k.
Definition finish (e : env Q) (g : region) (enough : bool) (f : form Q) : bool :=
  let (ins, k) := f in
  match ball g with
  | Box =>
      match on_box e None (sides g) ins k false with
      | Some (k, _) => ample enough k zero
      | None => false
      end
  | Ball (Of Linf) size opened =>
      match on_box e (if opened then Some size else None) (sides g) ins k false with
      | Some (k, sharp) => ample (enough || sharp) k zero
      | None => false
      end
  | Ball (Of L1) size opened =>
      match around (sides g) ins k with
      | Some (k, gs) =>
          let m := largest gs in
          ample (enough || (opened && negb (leq m zero))) k (mul size m)
      | None => false
      end
  | Ball (Of L2) size opened =>
      match around (sides g) ins k with
      | Some (k, gs) =>
          let m := squares gs in
          nonneg k && ample (enough || (opened && negb (leq m zero))) (mul k k) (mul size m)
          && (enough || opened || positive_q k)
      | None => false
      end
  | Ball (Power n) size opened =>
      match around (sides g) ins k with
      | Some (k, gs) =>
          let m := power (powers n gs) (S n) in
          nonneg k && ample (enough || (opened && negb (leq m zero))) (power k (S (S n))) (mul size m)
      | None => false
      end
  end.

Lemma ample_true enough k loss : ample enough k loss = true -> above (negb enough) (Q2R k) (Q2R loss).
Proof. unfold ample, above. destruct enough; simpl; intro H; [apply leq_true, H | apply lt_true, H]. Qed.

Lemma square_lt a b : 0 <= b -> a * a < b * b -> - b < a < b.
Proof. intros Hb H. split; nra. Qed.
Lemma square_le a b : 0 <= b -> a * a <= b * b -> - b <= a <= b.
Proof. intros Hb H. split; nra. Qed.

Lemma finish_sound e g enough f z :
  finish e g enough f = true -> valid Q2R e z -> near (sides g) (ball g) z ->
  above (negb enough) (form_value Q2R f z) 0.
Proof.
  unfold finish, near, within, form_value. destruct f as [ins k]; simpl.
  destruct (ball g) as [| [[| |] | n] size opened]; intros F V N.
  - destruct (on_box e None (sides g) ins k false) as [[k' sharp'] |] eqn:B; [| discriminate].
    apply ample_true in F. rewrite zero_real in F.
    pose proof (on_box_sound e None z V (sides g) I ins k false k' sharp'
      (dot ins z + Q2R k) B (Rle_refl _)) as H.
    unfold above in *. destruct enough, sharp'; simpl in *; lra.
  - destruct (on_box e (if opened then Some size else None) (sides g) ins k false)
      as [[k' sharp'] |] eqn:B; [| discriminate].
    apply ample_true in F. rewrite zero_real in F.
    assert (H : above sharp' (dot ins z + Q2R k) (Q2R k')).
    { refine (on_box_sound e _ z V (sides g) _ ins k false k' sharp' _ B (Rle_refl _)).
      destruct opened; [exact N | exact I]. }
    unfold above in *. destruct enough, sharp'; simpl in *; lra.
  - destruct (around (sides g) ins k) as [[k' gs] |] eqn:B; [| discriminate].
    apply (around_value z) in B. apply ample_true in F. rewrite mul_real in F.
    pose proof (holder_1 gs (map (gap z) (sides g))) as H. rewrite map_map in H.
    pose proof (largest_nonneg gs) as M.
    set (D := total (map (fun s => Rabs (gap z s)) (sides g))) in *.
    destruct opened; simpl in *.
    + destruct (leq (largest gs) zero) eqn:L; simpl in F.
      * rewrite orb_false_r in F. apply leq_true in L. rewrite zero_real in L.
        assert (M0 : Q2R (largest gs) = 0) by lra. rewrite M0 in *.
        unfold above in *. destruct enough; simpl in *; lra.
      * rewrite orb_true_r in F. apply leq_false in L. rewrite zero_real in L.
        assert (Q2R (largest gs) * D < Q2R (largest gs) * Q2R size)
          by (apply Rmult_lt_compat_l; lra).
        unfold above in *. destruct enough; simpl in *; lra.
    + rewrite orb_false_r in F.
      assert (Q2R (largest gs) * D <= Q2R (largest gs) * Q2R size)
        by (apply Rmult_le_compat_l; lra).
      unfold above in *. destruct enough; simpl in *; lra.
  - destruct (around (sides g) ins k) as [[k' gs] |] eqn:B; [| discriminate].
    apply (around_value z) in B.
    apply andb_true_iff in F as [F pos]. apply andb_true_iff in F as [kn F].
    apply nonneg_true in kn. apply ample_true in F. rewrite !mul_real in F.
    pose proof (cauchy gs (map (gap z) (sides g))) as H. rewrite map_map in H.
    pose proof (squares_nonneg gs) as M.
    set (D := total (map (fun s => gap z s * gap z s) (sides g))) in *.
    set (I := inner gs (map (gap z) (sides g))) in *.
    rewrite B. destruct opened; simpl in *.
    + destruct (leq (squares gs) zero) eqn:L; simpl in F.
      * rewrite orb_false_r in F. apply leq_true in L. rewrite zero_real in L.
        assert (M0 : Q2R (squares gs) = 0) by lra. rewrite M0 in *.
        assert (I0 : I = 0) by nra. rewrite I0.
        unfold above in *. destruct enough; simpl in *; nra.
      * rewrite orb_true_r in F. apply leq_false in L. rewrite zero_real in L. simpl in F.
        assert (Q2R (squares gs) * D < Q2R (squares gs) * Q2R size)
          by (apply Rmult_lt_compat_l; lra).
        assert (I * I < Q2R k' * Q2R k') as I2 by lra.
        apply square_lt in I2; [| exact kn].
        unfold above. destruct enough; simpl; lra.
    + rewrite orb_false_r in F.
      assert (Q2R (squares gs) * D <= Q2R (squares gs) * Q2R size)
        by (apply Rmult_le_compat_l; lra).
      unfold above in *. destruct enough; simpl in *.
      * assert (I * I <= Q2R k' * Q2R k') as I2 by lra.
        apply square_le in I2; [lra | exact kn].
      * assert (I * I < Q2R k' * Q2R k') as I2 by lra.
        apply square_lt in I2; [lra | exact kn].
  - destruct (around (sides g) ins k) as [[k' gs] |] eqn:B; [| discriminate].
    apply (around_value z) in B. apply andb_true_iff in F as [kn F].
    apply nonneg_true in kn. apply ample_true in F. rewrite mul_real, (power_real k') in F.
    rewrite two_more in N. rewrite <- (map_map (gap z) (fun t => Rabs t ^ S (S n))) in N.
    pose proof (holder n gs (map (gap z) (sides g))) as H.
    pose proof (pow_le _ (S n) (powers_nonneg n gs)) as M. rewrite <- power_real in M, H.
    set (D := total (map (fun t => Rabs t ^ S (S n)) (map (gap z) (sides g)))) in *.
    set (I := inner gs (map (gap z) (sides g))) in *. set (m := power (powers n gs) (S n)) in *.
    rewrite B. pose proof (Rle_abs (- I)) as A. rewrite Rabs_Ropp in A.
    assert (strictly : Rabs I ^ S (S n) < Q2R k' ^ S (S n) -> above (negb enough) (Q2R k' + I) 0).
    { intro L. apply powers_below in L; [| exact kn]. unfold above. destruct enough; simpl; lra. }
    assert (weakly : Rabs I ^ S (S n) <= Q2R k' ^ S (S n) -> 0 <= Q2R k' + I).
    { intro L. apply powers_le in L; [| exact kn]. lra. }
    destruct opened; cbn [andb below] in *.
    + destruct (leq m zero) eqn:L; cbn [negb] in F.
      * rewrite orb_false_r in F. apply leq_true in L. rewrite zero_real in L.
        assert (M0 : Q2R m = 0) by lra. rewrite M0 in *.
        destruct enough; cbn [negb above] in *; [apply weakly | apply strictly]; lra.
      * rewrite orb_true_r in F. apply leq_false in L. rewrite zero_real in L. cbn [negb above] in F.
        assert (Q2R m * D < Q2R m * Q2R size) by (apply Rmult_lt_compat_l; lra).
        apply strictly. lra.
    + rewrite orb_false_r in F.
      assert (Q2R m * D <= Q2R m * Q2R size) by (apply Rmult_le_compat_l; lra).
      destruct enough; cbn [negb above] in *; [apply weakly | apply strictly]; lra.
Qed.

(** How far a ball reaches; for p >= 2 this needs a number whose power is at least its size. *)
Definition reaches (n : gauge) (size reach : Q) : bool :=
  match n with
  | Of L2 => nonneg reach && leq size (mul reach reach)
  | Power n => nonneg reach && leq size (power reach (S (S n)))
  | _ => leq size reach
  end.
Definition reaching (n : gauge) (size reach : R) : Prop :=
  match n with
  | Of L2 => 0 <= reach /\ size <= reach * reach
  | Power n => 0 <= reach /\ size <= reach ^ S (S n)
  | _ => size <= reach
  end.
Lemma total_bounds {A} (h : A -> R) : (forall a, 0 <= h a) -> forall l a, In a l -> h a <= total (map h l).
Proof.
  intro P. induction l as [| b l IH]; intros a; simpl; [contradiction |].
  assert (N : forall l, 0 <= total (map h l))
    by (induction l0; simpl; [lra | specialize (P a0); lra]).
  intros [-> | I]; [specialize (N l); lra |]. specialize (IH a I). specialize (P b). lra.
Qed.

Lemma within_gap n size reach ss x s : reaching n size reach ->
  within n false size ss x -> In s ss -> Rabs (gap x s) <= reach.
Proof.
  intros R N I. unfold within, below in N. destruct n as [[| |] | n]; unfold reaching in R.
  - rewrite Forall_forall in N. specialize (N s I). simpl in N. lra.
  - pose proof (total_bounds (fun s => Rabs (gap x s)) (fun s => Rabs_pos _) _ s I). simpl in *. lra.
  - destruct R as [P R].
    pose proof (total_bounds (fun s => gap x s * gap x s) (fun s => Rle_0_sqr _) _ s I). simpl in *.
    apply Rabs_le. apply square_le; [exact P | lra].
  - destruct R as [P R]. rewrite two_more in N. apply (powers_le (S n)); [exact P |].
    pose proof (total_bounds (fun s => Rabs (gap x s) ^ S (S n))
      (fun s => pow_le _ (S (S n)) (Rabs_pos _)) _ s I) as H. cbv beta in H. lra.
Qed.
Lemma reaches_true n size reach : reaches n size reach = true -> reaching n (Q2R size) (Q2R reach).
Proof.
  unfold reaches, reaching. destruct n as [[| |] | n]; intro H; try (apply leq_true, H);
    apply andb_true_iff in H as [P H]; apply leq_true in H; rewrite ?mul_real, ?power_real in H;
    (split; [apply nonneg_true, P | exact H]).
Qed.
