(** Questions about every m: leaves on the cone of all balls, the theorem, and labels. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Psatz Arith.
From Robmem Require Import Statement Numbers Tries Leaf Tree Root Balls Ridge Family Labels.
Import ListNotations.
Open Scope R_scope.

Section Cone.
Variables (k : cone) (p : name) (ss : list side).

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
Definition finish_cone (w : span) (e : env line) (enough : bool) (f : form line) : bool :=
  let (g, ins) := take p (fst f) in
  let c := match g with Some g => line_join (snd f) (g, zero) | None => snd f end in
  match growth k with
  | Linf =>
      match on_sides e ss ins c with
      | Some c => positive_at w enough plainly c
      | None => false
      end
  | L1 =>
      match around ss ins zero with
      | Some (c0, gs) =>
          positive_at w enough plainly (line_join c (neg (mul (rate k) (largest gs)), c0))
      | None => false
      end
  | L2 =>
      match around ss ins zero with
      | Some (c0, gs) =>
          positive_at w enough (by_squares (mul (rate k) (squares gs))) (line_join c (fixed c0))
      | None => false
      end
  end.
Definition on_cone : ending line span :=
  {| boxed := match growth k with Linf => false | _ => true end;
     keeps_in := fun _ _ => false;
     finishes := fun r w e _ enough f =>
       match r with None => finish_cone w e enough f | Some _ => false end |}.

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

Lemma finish_cone_sound w e enough f : finish_cone w e enough f = true ->
  Q2R (fst w) <= m <= Q2R (snd w) -> valid real e z -> above (negb enough) (form_value real f z) 0.
Proof.
  unfold finish_cone, form_value. intros F W Va. destruct f as [ins0 c0]. cbn [fst snd] in *.
  pose proof (dot_take p ins0 z) as T. destruct (take p ins0) as [g ins]. cbn [fst snd] in *.
  set (c := match g with Some g => line_join c0 (g, zero) | None => c0 end) in *.
  assert (C : dot ins0 z + real c0 = dot ins z + real c).
  { unfold c, opt in *. destruct g as [g |]; [| lra]. unfold real. rewrite line_join_real.
    unfold line_at at 3. cbn [fst snd]. rewrite zero_real. fold m in T. lra. }
  rewrite C. clear C T. unfold within, size_at in near_m. destruct (growth k).
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
Qed.
Lemma on_cone_finishing : finishing on_cone real z (fun w => Q2R (fst w) <= m <= Q2R (snd w)).
Proof.
  intros r w e known enough f F W Va _. destruct r; [discriminate |].
  exact (finish_cone_sound w e enough f F W Va).
Qed.
End Cone.

(** The cone as a root: x in its box, m from first to last. *)
Definition cone_box (k : cone) (reach : Q) (ns : list name) (c : list Q) (p : name)
    : list (name * (line * line)) :=
  map (fun q => (fst q, ((neg reach, snd q), (reach, snd q)))) (combine ns c)
  ++ [(p, (fixed (first k), fixed (last k)))].
Definition verify_cone (fuel : list name) (net : network) (k : cone) (reach : Q) (c : list Q)
    (goals : list (list atom)) (pr : proof (Q * Q)) : bool :=
  match rev (inputs net) with
  | [] => false
  | p :: rns =>
      let ns := rev rns in
      Nat.eqb (length c) (length ns) && nonneg (first k) && lt (first k) (last k)
      && positive_q (rate k) && reaches (growth k) (rate k) reach
      && match root (row_lines p (first k, last k)) net (cone_box k reach ns c p) with
         | None => false
         | Some e => proves_at (affine p) (on_cone k p (at_center ns c)) fuel e net goals pr
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

Lemma verify_cone_known fuel net k reach c goals pr : verify_cone fuel net k reach c goals pr = true ->
  exists ns p e, cone_well k net c ns p /\ Forall (Forall (names_exist net)) goals
  /\ reaches (growth k) (rate k) reach = true
  /\ root (row_lines p (first k, last k)) net (cone_box k reach ns c p) = Some e
  /\ proves_at (affine p) (on_cone k p (at_center ns c)) fuel e net goals pr = true.
Proof.
  unfold verify_cone. destruct (rev (inputs net)) as [| p rns] eqn:N; [discriminate |].
  apply rev_ends in N. set (ns := rev rns) in *. intro H.
  apply andb_true_iff in H as [H P]. apply andb_true_iff in H as [H R].
  apply andb_true_iff in H as [H U]. apply andb_true_iff in H as [H O].
  apply andb_true_iff in H as [L F]. apply Nat.eqb_eq in L. apply nonneg_true in F.
  apply lt_true in O. apply positive_true in U.
  destruct (root _ _ _) as [e |] eqn:G; [| discriminate].
  destruct (proves_known _ _ _ _ (row_lines_reads p (first k, last k)) _ _ _ _ _ G P) as [W X].
  exists ns, p, e. repeat split; auto; apply W.
Qed.

Theorem verify_cone_sound fuel net k reach c goals pr :
  verify_cone fuel net k reach c goals pr = true -> never_in_cone net k c goals.
Proof.
  intro H. destruct (verify_cone_known _ _ _ _ _ _ _ H) as [ns [p [e [W [X [R [G P]]]]]]].
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
    revert C. unfold in_cone, within. destruct (growth k).
    - rewrite !Forall_forall. intros T s Hs. rewrite (J s Hs). apply T, Hs.
    - erewrite (map_ext_in (fun s => Rabs (gap z s))); [intro T; exact T |].
      intros s Hs. cbv beta. rewrite (J s Hs). reflexivity.
    - erewrite (map_ext_in (fun s => gap z s * gap z s)); [intro T; exact T |].
      intros s Hs. cbv beta. rewrite (J s Hs). reflexivity. }
  rewrite <- zp in S, M, C'.
  apply (proves_sound (affine p) (on_cone k p (at_center ns c)) fuel
    (row_lines p (first k, last k)) (row_lines_reads p (first k, last k)) (fun l => line_at l (z p))
    (fun w => Q2R (fst w) <= z p <= Q2R (snd w)) net x) with (ss := cone_box k reach ns c p) (e := e)
    (p := pr) (goals := goals); try assumption.
  - intros e' r lo hi Va. apply row_lines_sound; assumption.
  - apply affine_lawful.
  - apply on_cone_finishing; try assumption; lra.
  - unfold cone_box. apply Forall_app. split; [| constructor; [| constructor]].
    + apply Forall_forall. intros s Hs. apply in_map_iff in Hs as [q [<- Hs]]. cbn [fst snd].
      assert (T : Rabs (gap x (Side (fst q) 0 0 (snd q))) <= z p * Q2R reach).
      { apply (within_gap (growth k) (size_at k m) _ (at_center ns c) x).
        - apply reaches_true in R. unfold size_at. rewrite <- zp. destruct (growth k).
          + apply Rmult_le_compat_l; lra.
          + apply Rmult_le_compat_l; lra.
          + destruct R as [R0 R2]. split; [apply Rmult_le_pos; lra |].
            replace (z p * Q2R reach * (z p * Q2R reach)) with (z p * z p * (Q2R reach * Q2R reach))
              by ring. apply Rmult_le_compat_l; [apply Rle_0_sqr | exact R2].
        - exact C.
        - unfold at_center. apply in_map_iff. eauto. }
      unfold gap in T. cbn [variable center] in T. unfold line_at. cbn [fst snd]. rewrite neg_real.
      pose proof (Rle_abs (x (fst q) - Q2R (snd q))).
      pose proof (Rle_abs (- (x (fst q) - Q2R (snd q)))) as A. rewrite Rabs_Ropp in A. lra.
    + cbn [fst snd]. rewrite !fixed_real, <- (Z p pin). exact M.
Qed.

(** Labels: goals about the outputs over D(m), which is positive, times D(m). *)
Definition family_atom (p : name) (f : family) (a : atom) : atom :=
  Atom [(p, mul (d1 f) (offset a))] (ys a) (mul (d0 f) (offset a)) (strict a).
Definition on_outputs (a : atom) : bool := match xs a with [] => true | _ => false end.
Definition guarded (f : family) : bool :=
  let at_first := add (d0 f) (mul (d1 f) (first (balls f))) in
  let at_last := add (d0 f) (mul (d1 f) (last (balls f))) in
  positive_q at_first && if open_end (balls f) then nonneg at_last else positive_q at_last.
Definition verify_family (fuel : list name) (net : network) (f : family) (reach : Q)
    (s : list Q * nat) (pr : proof (Q * Q)) : bool :=
  match label_goals (reader f) (labels f) (length (outputs net)) (snd s), rev (inputs net) with
  | Some goals, p :: _ =>
      forallb (forallb on_outputs) goals && guarded f
      && verify_cone fuel net (balls f) reach (fst s) (map (map (family_atom p f)) goals) pr
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

Theorem verify_family_sound fuel net f reach s pr :
  verify_family fuel net f reach s pr = true -> keeps_label_for_every f net s.
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
  Forall (fun s => exists fuel reach pr, verify_family fuel net f reach s pr = true) samples ->
  Forall (keeps_label_for_every f net) samples.
Proof. apply Forall_impl. intros s [fuel [r [pr H]]]. exact (verify_family_sound _ _ _ _ _ _ H). Qed.
