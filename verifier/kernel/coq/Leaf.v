(** A leaf: a form that is at most zero where the goal holds, and positive all the same.

    What is known of a branch: the row of every unit with z_v = max(0, a_v), an interval of every
    a_v and of every input, and cuts. Nothing here depends on the order of the units. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Psatz.
From Robmem Require Import Statement Numbers Tries.
Import ListNotations.
Open Scope R_scope.

Inductive info := Input (lo hi : Q) | Unit (r : row) (lo hi : Q).
Definition env := trie info.
Definition meaning (z : valuation) (v : name) (i : info) : Prop :=
  match i with
  | Input lo hi => Q2R lo <= z v <= Q2R hi
  | Unit r lo hi => z v = Rmax 0 (value r z) /\ Q2R lo <= value r z <= Q2R hi
  end.
Definition valid (e : env) (z : valuation) : Prop :=
  forall v i, get v e = Some i -> meaning z v i.

(** Forms: coefficients of variables, and a constant. *)
Definition form := (trie Q * Q)%type.
Definition form_value (f : form) (z : valuation) : R := dot (fst f) z + Q2R (snd f).

Fixpoint add_terms (q : Q) (ts : list (name * Z)) (c : trie Q) : trie Q :=
  match ts with
  | [] => c
  | t :: rest => add_terms q rest (plus (scale (snd t) q) (fst t) c)
  end.
Definition add_row (q : Q) (r : row) (f : form) : form :=
  let share := over q (denominator r) in
  (add_terms share (terms r) (fst f), add (snd f) (scale (constant r) share)).

Lemma add_terms_value q ts z : forall c,
  dot (add_terms q ts c) z = dot c z + Q2R q * total (map (fun t => IZR (snd t) * z (fst t)) ts).
Proof.
  induction ts as [| t ts IH]; intro c; simpl; [lra |].
  rewrite IH, dot_plus, scale_real; lra.
Qed.
Lemma add_row_value q r f z : form_value (add_row q r f) z = form_value f z + Q2R q * value r z.
Proof.
  unfold form_value, add_row, value; simpl.
  rewrite add_terms_value, add_real, scale_real, over_real. field; auto.
Qed.

Arguments add_row : simpl never.

(** Sums of rows, for atoms and cuts. *)
Definition sum := (list (Q * row) * Q)%type.
Definition sum_value (s : sum) (z : valuation) : R :=
  total (map (fun p => Q2R (fst p) * value (snd p) z) (fst s)) + Q2R (snd s).
Fixpoint add_rows (y : Q) (ps : list (Q * row)) (f : form) : form :=
  match ps with
  | [] => f
  | p :: rest => add_rows y rest (add_row (mul y (fst p)) (snd p) f)
  end.
Definition add_sum (y : Q) (s : sum) (f : form) : form :=
  let f := add_rows y (fst s) f in (fst f, add (snd f) (mul y (snd s))).

Lemma add_rows_value y ps z : forall f,
  form_value (add_rows y ps f) z
  = form_value f z + Q2R y * total (map (fun p => Q2R (fst p) * value (snd p) z) ps).
Proof.
  induction ps as [| p ps IH]; intro f; simpl; [lra |].
  rewrite IH, add_row_value, mul_real; lra.
Qed.
Lemma add_sum_value y s f z : form_value (add_sum y s f) z = form_value f z + Q2R y * sum_value s z.
Proof.
  pose proof (add_rows_value y (fst s) z f) as H. unfold add_sum, sum_value.
  unfold form_value in *; simpl. rewrite add_real, mul_real. lra.
Qed.

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
Definition slope (named : trie Q) (usual up : bool) (v : name) (lo hi : Q) : Q :=
  match get v named with
  | Some s => s
  | None =>
      if nonneg lo then one
      else if nonneg (neg hi) then zero
      else if usual then
        if up then (if leq (neg lo) hi then one else zero) else floor24 hi (sub hi lo)
      else zero
  end.
Definition in_unit (s : Q) : bool := nonneg s && leq s one.

(** Replaces units by lines, the largest name first; gives coefficients of inputs and of what is
    kept, and a constant. The list is fuel: it must be as long as there are variables. *)
Fixpoint clear (keep : name -> bool) (fuel : list name) (e : env) (named : trie Q) (usual : bool)
    (c : trie Q) (k : Q) (ins : trie Q) : option form :=
  match pop c with
  | None => Some (ins, k)
  | Some (v, q, c) =>
      match fuel with
      | [] => None
      | _ :: fuel =>
          if keep v then clear keep fuel e named usual c k (plus q v ins)
          else if is_zero q then clear keep fuel e named usual c k ins
          else
            match get v e with
            | None => None
            | Some (Input _ _) => clear keep fuel e named usual c k (plus q v ins)
            | Some (Unit r lo hi) =>
                let up := nonneg q in
                let s := slope named usual up v lo hi in
                if in_unit s then
                  let m := if up then low_line s lo hi else high_line s lo hi in
                  let k := add k (mul q m) in
                  if is_zero s then clear keep fuel e named usual c k ins
                  else
                    let f := add_row (mul q s) r (c, k) in
                    clear keep fuel e named usual (fst f) (snd f) ins
                else None
            end
      end
  end.

Lemma line_sound q s lo hi a :
  in_unit s = true -> Q2R lo <= a <= Q2R hi ->
  Q2R q * (Q2R s * a) + Q2R (mul q (if nonneg q then low_line s lo hi else high_line s lo hi))
  <= Q2R q * Rmax 0 a.
Proof.
  intros Hs Ha. apply andb_true_iff in Hs as [s0 s1].
  apply nonneg_true in s0. apply leq_true in s1. rewrite one_real in s1.
  rewrite mul_real. destruct (nonneg q) eqn:Hq.
  - apply nonneg_true in Hq. pose proof (low_line_sound s lo hi a (conj s0 s1) Ha) as H.
    apply (Rmult_le_compat_l (Q2R q)) in H; [lra | assumption].
  - apply nonneg_false in Hq. pose proof (high_line_sound s lo hi a (conj s0 s1) Ha) as H.
    apply (Rmult_le_compat_l (- Q2R q)) in H; [lra | lra].
Qed.

Lemma clear_sound keep e named usual z : valid e z -> forall fuel c k ins f,
  clear keep fuel e named usual c k ins = Some f ->
  form_value f z <= dot c z + Q2R k + dot ins z.
Proof.
  intro V. induction fuel as [| w fuel IH]; intros c k ins f; cbn [clear];
    pose proof (dot_pop c z) as P; destruct (pop c) as [[[v q] c'] |]; try discriminate.
  1,3: intro E; injection E as <-; unfold form_value; simpl; lra.
  destruct (keep v); [intro E; apply IH in E; rewrite dot_plus in E; lra |].
  destruct (is_zero q) eqn:Z.
  - intro E. apply IH in E. apply is_zero_real in Z. rewrite Z in P. lra.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; [| | discriminate].
    + intro E. apply IH in E. rewrite dot_plus in E. lra.
    + set (s := slope named usual (nonneg q) v lo hi).
      destruct (in_unit s) eqn:S; [| discriminate].
      destruct (V _ _ G) as [Hz Ha].
      pose proof (line_sound q s lo hi (value r z) S Ha) as L.
      destruct (is_zero s) eqn:S0.
      * intro E. apply IH in E. rewrite add_real in E. apply is_zero_real in S0.
        rewrite S0 in L. rewrite P, Hz. lra.
      * intro E. apply IH in E.
        set (m := if nonneg q then low_line s lo hi else high_line s lo hi) in *.
        pose proof (add_row_value (mul q s) r (c', add k (mul q m)) z) as A.
        unfold form_value in *. cbn [fst snd] in A. rewrite add_real, (mul_real q s) in A.
        rewrite P, Hz. lra.
Qed.

(** What is left is affine in the inputs. On the box: *)
Fixpoint on_box (e : env) (edge : option Q) (ss : list side) (ins : trie Q) (k : Q) (sharp : bool)
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

Definition above (sharp : bool) (a b : R) : Prop := if sharp then b < a else b <= a.

Lemma on_box_sound e edge z : valid e z -> forall ss,
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

(** Whether the form that is left is positive, or nonnegative if [enough], in the region. *)
Definition ample (enough : bool) (k loss : Q) : bool := if enough then leq loss k else lt loss k.
Definition finish (e : env) (g : region) (enough : bool) (f : form) : bool :=
  let (ins, k) := f in
  match ball g with
  | Box =>
      match on_box e None (sides g) ins k false with
      | Some (k, _) => ample enough k zero
      | None => false
      end
  | Ball Linf size opened =>
      match on_box e (if opened then Some size else None) (sides g) ins k false with
      | Some (k, sharp) => ample (enough || sharp) k zero
      | None => false
      end
  | Ball L1 size opened =>
      match around (sides g) ins k with
      | Some (k, gs) =>
          let m := largest gs in
          ample (enough || (opened && negb (leq m zero))) k (mul size m)
      | None => false
      end
  | Ball L2 size opened =>
      match around (sides g) ins k with
      | Some (k, gs) =>
          let m := squares gs in
          nonneg k && ample (enough || (opened && negb (leq m zero))) (mul k k) (mul size m)
          && (enough || opened || positive_q k)
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
  finish e g enough f = true -> valid e z -> near (sides g) (ball g) z ->
  above (negb enough) (form_value f z) 0.
Proof.
  unfold finish, near, form_value. destruct f as [ins k]; simpl.
  destruct (ball g) as [| [| |] size opened]; intros F V N.
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
Qed.
