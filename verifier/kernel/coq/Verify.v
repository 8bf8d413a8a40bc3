(** Questions about numbers: the root by interval arithmetic, leaves on boxes and balls, and the
    theorem. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers Powers Tries Leaf Tree Root Balls Ridge Shares.
Import ListNotations.
Open Scope R_scope.

Definition ends (e : env Q) (v : name) : option (Q * Q) :=
  match get v e with
  | Some (Input lo hi) => Some (lo, hi)
  | Some (Unit _ lo hi) => Some (positive_part lo, positive_part hi)
  | None => None
  end.
Fixpoint interval (e : env Q) (ts : list (name * Z)) (lo hi : Q) : option (Q * Q) :=
  match ts with
  | [] => Some (lo, hi)
  | (v, n) :: ts =>
      match ends e v with
      | None => None
      | Some (a, b) =>
          if Z.leb 0 n then interval e ts (add lo (scale n a)) (add hi (scale n b))
          else interval e ts (add lo (scale n b)) (add hi (scale n a))
      end
  end.
Definition row_interval (e : env Q) (r : row) : option (Q * Q) :=
  match interval e (terms r) (whole (constant r)) (whole (constant r)) with
  | Some (lo, hi) => Some (over lo (denominator r), over hi (denominator r))
  | None => None
  end.

Lemma ends_sound e v a b z : valid Q2R e z -> ends e v = Some (a, b) -> Q2R a <= z v <= Q2R b.
Proof.
  intros V E. unfold ends in E. specialize (V v).
  destruct (get v e) as [[lo hi | r lo hi] |]; try discriminate; injection E as <- <-.
  - exact (V _ eq_refl).
  - destruct (V _ eq_refl) as [Hz B]. rewrite Hz. autorewrite with num.
    split; apply Rle_max_compat_l; lra.
Qed.

Lemma interval_sound e z : valid Q2R e z -> forall ts lo hi lo' hi' base,
  interval e ts lo hi = Some (lo', hi') -> Q2R lo <= base <= Q2R hi ->
  Q2R lo' <= total (map (fun t => IZR (snd t) * z (fst t)) ts) + base <= Q2R hi'.
Proof.
  intro V. induction ts as [| [v n] ts IH]; intros lo hi lo' hi' base; simpl.
  - intros E H; injection E as <- <-; lra.
  - destruct (ends e v) as [[a b] |] eqn:E; [| discriminate].
    apply (ends_sound e v a b z V) in E.
    assert (step : forall lo1 hi1, interval e ts lo1 hi1 = Some (lo', hi') ->
      Q2R lo1 <= IZR n * z v + base <= Q2R hi1 ->
      Q2R lo' <= IZR n * z v + total (map (fun t => IZR (snd t) * z (fst t)) ts) + base <= Q2R hi').
    { intros lo1 hi1 E1 H1. specialize (IH _ _ _ _ _ E1 H1). lra. }
    destruct (Z.leb_spec 0 n) as [pos | negative]; intros E1 H; apply (step _ _ E1);
      rewrite !add_real, !scale_real.
    + apply IZR_le in pos.
      assert (IZR n * Q2R a <= IZR n * z v) by (apply Rmult_le_compat_l; lra).
      assert (IZR n * z v <= IZR n * Q2R b) by (apply Rmult_le_compat_l; lra). lra.
    + apply IZR_lt in negative.
      assert (- IZR n * Q2R a <= - IZR n * z v) by (apply Rmult_le_compat_l; lra).
      assert (- IZR n * z v <= - IZR n * Q2R b) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Lemma interval_reads e : forall ts lo hi b,
  interval e ts lo hi = Some b -> forall t, In t ts -> get (fst t) e <> None.
Proof.
  induction ts as [| [v n] ts IH]; intros lo hi b; simpl; [contradiction |].
  destruct (ends e v) as [[a1 b1] |] eqn:E; [| discriminate].
  intros H t [<- | T].
  - simpl. unfold ends in E. destruct (get v e); [discriminate | discriminate E].
  - destruct (Z.leb 0 n); eapply IH; eauto.
Qed.

Lemma over_between a b d t : Q2R a <= t <= Q2R b ->
  Q2R (over a d) <= t / IZR (Zpos d) <= Q2R (over b d).
Proof.
  intro H. rewrite !over_real. unfold Rdiv.
  assert (0 < / IZR (Zpos d)) by (apply Rinv_0_lt_compat; auto).
  split; apply Rmult_le_compat_r; lra.
Qed.
Lemma row_interval_sound z e r lo hi : valid Q2R e z -> row_interval e r = Some (lo, hi) ->
  Q2R lo <= value r z <= Q2R hi.
Proof.
  unfold row_interval. intro V.
  destruct (interval e (terms r) _ _) as [[a b] |] eqn:I; [| discriminate].
  intro E; injection E as <- <-. unfold value. apply over_between.
  refine (interval_sound e z V _ _ _ _ _ _ I _). rewrite whole_real. lra.
Qed.
Lemma row_interval_reads e r b : row_interval e r = Some b ->
  forall t, In t (terms r) -> get (fst t) e <> None.
Proof.
  unfold row_interval. destruct (interval e (terms r) _ _) eqn:I; [| discriminate].
  intros _. exact (interval_reads _ _ _ _ _ I).
Qed.

(** What a leaf with a share of the ball may use: directions of variables, and tables of weights. *)
Record hints := Hints { lines : trie direction; lined : placed; tables : list (list dense) }.
Definition on_line (h : hints) (v : name) : bool :=
  match get v (lines h) with Some _ => true | None => false end.
Definition table_number (h : hints) (i : option nat) : list dense :=
  match i with
  | Some i => match nth_error (tables h) i with Some D => D | None => [] end
  | None => []
  end.
Definition tables_hold (g : region) (h : hints) : Prop :=
  Forall (fun D => weights_ok (gauge_of (ball g)) D = true
    /\ forall z, Forall (centered (sides g) z) D) (tables h).

Definition borne (g : region) : bool :=
  match ball g with Box | Ball (Of Linf) _ _ => false | _ => true end.
Definition input_ends (e : env Q) (k : name) : option (Q * Q) :=
  match get k e with Some (Input lo hi) => Some (lo, hi) | _ => None end.
Lemma input_ends_sound e z : valid Q2R e z -> sides_of z (input_ends e).
Proof.
  intros V k a b. unfold input_ends. destruct (get k e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
  intro E; injection E as <- <-. exact (V _ _ G).
Qed.
Definition on_region (fuel : list name) (g : region) (h : hints) : ending Q unit :=
  {| boxed := borne g;
     keeps_in := fun r => match r with Some _ => on_line h | None => fun _ => false end;
     finishes := fun r _ e known enough f =>
       match r with
       | None => finish e g enough f
       | Some (t, i) =>
           finish_ridge fuel e (input_ends e) (lined h) g known (gauge_of (ball g)) (lines h)
             (table_number h i) enough t f
       end |}.

Lemma table_number_sound g h i z : tables_hold g h ->
  weights_ok (gauge_of (ball g)) (table_number h i) = true
  /\ Forall (centered (sides g) z) (table_number h i).
Proof.
  intro T. assert (E : weights_ok (gauge_of (ball g)) [] = true)
    by (destruct (gauge_of (ball g)) as [[| |] | n]; reflexivity).
  unfold table_number. destruct i as [i |]; [| auto].
  destruct (nth_error (tables h) i) as [D |] eqn:N; [| auto].
  apply nth_error_In in N. unfold tables_hold in T. rewrite Forall_forall in T.
  destruct (T D N) as [W C]. auto.
Qed.
Lemma on_region_finishing fuel g h z : tables_hold g h -> placed_ok (lined h) z -> near (sides g) (ball g) z ->
  finishing (on_region fuel g h) Q2R z (fun _ => True).
Proof.
  intros T P N r w e known enough f F _ V K. destruct r as [[t i] |]; simpl in F.
  - destruct (table_number_sound g h i z T) as [W C].
    exact (finish_ridge_sound _ _ _ _ _ _ _ Q2R z V (input_ends_sound e z V) P K N _ _ _ _ _ eq_refl F W C).
  - exact (finish_sound e g enough f z F V N).
Qed.

Lemma tables_sound g ws ts ls base : all (table_of (gauge_of (ball g)) (sides g)) ws = Some ts ->
  tables_hold g (Hints ls base ts).
Proof.
  intro A. unfold tables_hold. simpl. revert ws ts A.
  induction ws as [| w ws IH]; intros ts; simpl.
  - intro E; injection E as <-. constructor.
  - destruct (table_of _ _ w) as [D |] eqn:T; [| discriminate].
    destruct (all _ ws) as [Ds |]; [| discriminate].
    intro E; injection E as <-. constructor; [| exact (IH _ eq_refl)].
    unfold table_of in T. destruct (all (to_dense (sides g)) w) as [D' |] eqn:F; [| discriminate].
    destruct (weights_ok _ D') eqn:W; [| discriminate]. injection T as <-. split; [exact W |].
    intro z. clear W IH. revert D' F. induction w as [| x w IHw]; intros D'; simpl.
    + intro E; injection E as <-. constructor.
    + destruct (to_dense (sides g) x) as [d |] eqn:X; [| discriminate].
      destruct (all (to_dense (sides g)) w) as [ds |]; [| discriminate].
      intro E; injection E as <-. constructor; [| exact (IHw _ eq_refl)].
      apply (to_dense_sound _ _ _ z X).
Qed.

(** Whether the lemmas and trees prove that no point of the region satisfies a goal. *)
Definition box_of (g : region) : list (name * (Q * Q)) :=
  map (fun s => (variable s, (low s, high s))) (sides g).
Definition verify (fuel : list name) (ls : trie direction) (net : network) (g : region)
    (goals : list (list atom)) (p : proof Q) : bool :=
  match all (table_of (gauge_of (ball g)) (sides g)) (weights p), root row_interval net (box_of g)
  with
  | Some ts, Some e =>
      let base := place nonneg (fun q => nonneg (neg q)) e ls net in
      proves_at numbers (on_region fuel g (Hints ls base ts)) fuel e net goals p
  | _, _ => false
  end.

Lemma near_ext g z x : (forall s, In s (sides g) -> z (variable s) = x (variable s)) ->
  near (sides g) (ball g) x -> near (sides g) (ball g) z.
Proof.
  intro E. assert (G : forall s, In s (sides g) -> gap z s = gap x s)
    by (intros s Hs; unfold gap; rewrite (E s Hs); reflexivity).
  unfold near, within. destruct (ball g) as [| [[| |] | n] size opened]; [trivial | | | |].
  - rewrite !Forall_forall. intros N s Hs. rewrite (G s Hs). apply N, Hs.
  - erewrite (map_ext_in (fun s => Rabs (gap z s))); [intro N; exact N |].
    intros s Hs. cbv beta. rewrite (G s Hs). reflexivity.
  - erewrite (map_ext_in (fun s => gap z s * gap z s)); [intro N; exact N |].
    intros s Hs. cbv beta. rewrite (G s Hs). reflexivity.
  - erewrite (map_ext_in (fun s => Rabs (gap z s) ^ (n + 2))); [intro N; exact N |].
    intros s Hs. cbv beta. rewrite (G s Hs). reflexivity.
Qed.

Theorem verify_sound fuel ls net g goals p :
  verify fuel ls net g goals p = true -> asked_well net g goals /\ never net g goals.
Proof.
  unfold verify. destruct (all (table_of _ _) (weights p)) as [ts |] eqn:T; [| discriminate].
  destruct (root row_interval net (box_of g)) as [e |] eqn:R; [| discriminate]. intro P.
  assert (same : map variable (sides g) = inputs net).
  { destruct (root_known _ row_interval_reads _ _ _ R) as [same _].
    rewrite <- same. unfold box_of. rewrite map_map. reflexivity. }
  destruct (proves_known _ _ _ _ row_interval_reads _ _ _ _ _ R P) as [W N].
  split; [split; [exact W | split; [exact same | exact N]] |].
  intros x [I B]. set (z := run (units net) x).
  assert (F : Forall (fun s => Q2R (fst (snd s)) <= x (fst s) <= Q2R (snd (snd s))) (box_of g)).
  { unfold box_of. apply Forall_map. exact I. }
  assert (Z : forall k, In k (inputs net) -> z k = x k).
  { destruct W as [_ [Y _]]. intros k H. exact (run_other _ _ _ _ Y H). }
  assert (B' : near (sides g) (ball g) z).
  { apply (near_ext g z x); [| exact B]. intros s Hs. apply Z. rewrite <- same. apply in_map, Hs. }
  assert (B0 : placed_ok (place nonneg (fun q => nonneg (neg q)) e ls net) z).
  { apply (place_ok _ _ Q2R nonneg_true).
    { intros b H. apply nonneg_true in H. rewrite neg_real in H. lra. }
    exact (proj1 (root_sound row_interval row_interval_reads Q2R net x
      (row_interval_sound z) _ _ R F)). }
  exact (proves_sound numbers _ fuel row_interval row_interval_reads Q2R (fun _ => True) net x
    (row_interval_sound z) (numbers_lawful z) (on_region_finishing _ g _ z (tables_sound _ _ _ _ _ T) B0 B')
    _ _ _ _ R P F).
Qed.
