(** The root of a network, by interval arithmetic, unit after unit; and the theorem. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers Tries Leaf Ridge Shares Tree.
Import ListNotations.
Open Scope R_scope.

Definition ends (e : env) (v : name) : option (Q * Q) :=
  match get v e with
  | Some (Input lo hi) => Some (lo, hi)
  | Some (Unit _ lo hi) => Some (positive_part lo, positive_part hi)
  | None => None
  end.
Fixpoint interval (e : env) (ts : list (name * Z)) (lo hi : Q) : option (Q * Q) :=
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
Fixpoint grow (us : list (name * row)) (e : env) : option env :=
  match us with
  | [] => Some e
  | (v, r) :: us =>
      match get v e with
      | Some _ => None
      | None =>
          let c := whole (constant r) in
          match interval e (terms r) c c with
          | None => None
          | Some (lo, hi) =>
              grow us (put v (Unit r (over lo (denominator r)) (over hi (denominator r))) e)
          end
      end
  end.
Fixpoint plant (ss : list side) (e : env) : option env :=
  match ss with
  | [] => Some e
  | s :: ss =>
      match get (variable s) e with
      | Some _ => None
      | None => plant ss (put (variable s) (Input (low s) (high s)) e)
      end
  end.

Definition known_as (known : list name) (e : env) : Prop :=
  forall v, In v known <-> get v e <> None.
Definition closed (e : env) : Prop :=
  forall v r lo hi, get v e = Some (Unit r lo hi) ->
  forall t, In t (terms r) -> get (fst t) e <> None.

Lemma value_ext r z z' : (forall t, In t (terms r) -> z (fst t) = z' (fst t)) ->
  value r z = value r z'.
Proof.
  intro H. unfold value. f_equal. f_equal. f_equal. apply map_ext_in.
  intros t T. rewrite (H t T). reflexivity.
Qed.

Lemma set_other z v a w : w <> v -> set z v a w = z w.
Proof. intro H. unfold set. destruct (name_dec w v); [contradiction | reflexivity]. Qed.
Lemma set_same z v a : set z v a v = a.
Proof. unfold set. destruct (name_dec v v); [reflexivity | contradiction]. Qed.

Lemma ends_sound e v a b z : valid e z -> ends e v = Some (a, b) -> Q2R a <= z v <= Q2R b.
Proof.
  intros V E. unfold ends in E. specialize (V v).
  destruct (get v e) as [[lo hi | r lo hi] |]; try discriminate; injection E as <- <-.
  - exact (V _ eq_refl).
  - destruct (V _ eq_refl) as [Hz B]. rewrite Hz. autorewrite with num.
    split; apply Rle_max_compat_l; lra.
Qed.

Lemma interval_sound e z : valid e z -> forall ts lo hi lo' hi' base,
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

Lemma known_put known v i e : known_as known e -> known_as (v :: known) (put v i e).
Proof.
  intros K w. rewrite get_put. specialize (K w). simpl.
  destruct (name_dec w v) as [same | different].
  - split; [discriminate | intro; left; congruence].
  - rewrite <- K. split; [intros [bad | H]; [congruence | exact H] | auto].
Qed.

(** The one place where the order of the units is used. *)
Lemma grow_sound : forall us e e' known z,
  grow us e = Some e' -> valid e z -> closed e -> known_as known e ->
  layered known us /\ valid e' (run us z) /\ known_as (rev (map fst us) ++ known) e'.
Proof.
  induction us as [| [v r] us IH]; intros e e' known z; simpl.
  - intro E; injection E as <-. auto.
  - destruct (get v e) as [i |] eqn:G; [discriminate |].
    set (c := whole (constant r)).
    destruct (interval e (terms r) c c) as [[lo hi] |] eqn:B; [| discriminate].
    intros E V C K.
    set (a := value r z).
    assert (same : forall w, get w e <> None -> set z v (Rmax 0 a) w = z w).
    { intros w H. apply set_other. intro bad. rewrite bad in H. contradiction. }
    pose proof (interval_reads _ _ _ _ _ B) as R.
    assert (R0 : forall s, (forall t, In t (terms s) -> get (fst t) e <> None) ->
      value s (set z v (Rmax 0 a)) = value s z).
    { intros s H. apply value_ext. intros t T. apply same, H, T. }
    apply IH with (known := v :: known) (z := set z v (Rmax 0 a)) in E.
    + destruct E as [L [V' K']]. split; [split; [| split] | split].
      * simpl. rewrite (K v). intro bad. contradiction.
      * intros t T. rewrite (K (fst t)). apply R, T.
      * exact L.
      * exact V'.
      * rewrite <- app_assoc. exact K'.
    + intros w i. rewrite get_put. destruct (name_dec w v) as [-> | different].
      * intro F; injection F as <-. simpl. rewrite set_same, (R0 r R).
        split; [reflexivity |]. unfold value. apply over_between.
        refine (interval_sound e z V _ _ _ _ _ _ B _). unfold c. rewrite whole_real. lra.
      * intro F. assert (N : get w e <> None) by congruence.
        specialize (V _ _ F). destruct i as [lo' hi' | r' lo' hi']; simpl in *;
          rewrite (same w N); [exact V |].
        rewrite (R0 r' (C _ _ _ _ F)). exact V.
    + intros w r' lo' hi'. rewrite get_put. intros F t T. rewrite get_put.
      destruct (name_dec (fst t) v); [discriminate |].
      destruct (name_dec w v) as [-> | different].
      * injection F as <- _ _. apply R, T.
      * exact (C _ _ _ _ F t T).
    + apply known_put, K.
Qed.

Lemma plant_sound z : forall ss e e' known,
  plant ss e = Some e' ->
  Forall (fun s => Q2R (low s) <= z (variable s) <= Q2R (high s)) ss ->
  valid e z -> (forall v r lo hi, get v e <> Some (Unit r lo hi)) -> known_as known e ->
  valid e' z /\ (forall v r lo hi, get v e' <> Some (Unit r lo hi))
  /\ known_as (rev (map variable ss) ++ known) e'
  /\ (NoDup known -> NoDup (rev (map variable ss) ++ known)).
Proof.
  induction ss as [| s ss IH]; intros e e' known; simpl.
  - intro E; injection E as <-. auto.
  - destruct (get (variable s) e) as [i |] eqn:G; [discriminate |].
    intros E F V U K. inversion F as [| s' ss' Fs Fss]; subst.
    apply IH with (known := variable s :: known) in E; [| exact Fss | | | apply known_put, K].
    + destruct E as [V' [U' [K' D]]]. rewrite <- app_assoc. repeat split; auto; try apply K'.
      intro N. apply D. constructor; [| exact N]. rewrite (K (variable s)). intro bad. contradiction.
    + apply valid_put; [exact V | exact Fs].
    + intros v r lo hi. rewrite get_put. destruct (name_dec v (variable s)); [discriminate | apply U].
Qed.

Lemma run_other : forall us known z w,
  layered known us -> In w known -> run us z w = z w.
Proof.
  induction us as [| [v r] us IH]; intros known z w L W; [reflexivity |].
  destruct L as [N [_ L]]. simpl in *.
  rewrite (IH (v :: known) _ w L (or_intror W)). apply set_other. intros ->. contradiction.
Qed.

(** Atoms in rows. *)
Fixpoint output_rows (outs : list row) (ys : list (nat * Q)) : option (list (Q * row)) :=
  match ys with
  | [] => Some []
  | (j, q) :: ys =>
      match nth_error outs j, output_rows outs ys with
      | Some r, Some ps => Some ((q, r) :: ps)
      | _, _ => None
      end
  end.
Definition atom_rows (e : env) (outs : list row) (a : atom) : option (sum * bool) :=
  if forallb (fun t => is_input e (fst t)) (xs a) then
    match output_rows outs (ys a) with
    | Some ps => Some ((map one_input (xs a) ++ ps, offset a), strict a)
    | None => None
    end
  else None.
Definition goal_rows (e : env) (outs : list row) : list atom -> option goal :=
  all (atom_rows e outs).

Fixpoint lemmas_hold (fuel : list name) (g : region) (h : hints) (e : env)
    (ls : list (name * bool * Q * tree)) : option env :=
  match ls with
  | [] => Some e
  | (v, upper, q, proof) :: ls =>
      match get v e with
      | Some (Unit r lo hi) =>
          if check fuel g h e [] (lemma_goal r upper q) proof
          then lemmas_hold fuel g h (tighten v r lo hi upper q e) ls
          else None
      | _ => None
      end
  end.
Fixpoint trees_hold (fuel : list name) (g : region) (h : hints) (e : env) (aims : list goal)
    (trees : list tree) : bool :=
  match aims, trees with
  | [], [] => true
  | aim :: aims, t :: trees =>
      if check fuel g h e [] aim t then trees_hold fuel g h e aims trees else false
  | _, _ => false
  end.

Definition root (net : network) (g : region) : option env :=
  if list_eq_dec name_dec (map variable (sides g)) (inputs net) then
    match plant (sides g) Nil with
    | Some e => grow (units net) e
    | None => None
    end
  else None.
Definition outputs_exist (e : env) (outs : list row) : bool :=
  forallb (fun r => forallb (fun t => match ends e (fst t) with Some _ => true | None => false end)
    (terms r)) outs.

(** Whether the lemmas and trees prove that no point of the region satisfies a goal. *)
Record proof := Proof_
  { weights : list (list weighted_direction); lemmas : list (name * bool * Q * tree);
    trees : list tree }.
Definition verify (fuel : list name) (ls : trie direction) (net : network) (g : region)
    (goals : list (list atom)) (p : proof) : bool :=
  match all (table_of (square_norm (ball g)) (sides g)) (weights p) with
  | None => false
  | Some ts =>
  let h := Hints ls ts in
  match root net g with
  | None => false
  | Some e =>
      if outputs_exist e (outputs net) then
        match all (goal_rows e (outputs net)) goals with
        | None => false
        | Some aims =>
            match lemmas_hold fuel g h e (lemmas p) with
            | None => false
            | Some e => trees_hold fuel g h e aims (trees p)
            end
        end
      else false
  end end.

Lemma all_forall {A B} (f : A -> option B) : forall l bs, all f l = Some bs ->
  Forall (fun a => exists b, f a = Some b) l.
Proof.
  induction l as [| a l IH]; intros bs; simpl; [constructor |].
  destruct (f a) eqn:E; [| discriminate]. destruct (all f l) eqn:F; [| discriminate].
  intros _. constructor; [eauto | eapply IH; reflexivity].
Qed.
Lemma all_in {A B} (f : A -> option B) : forall l bs a, all f l = Some bs -> In a l ->
  exists b, f a = Some b /\ In b bs.
Proof.
  induction l as [| a' l IH]; intros bs a; simpl; [contradiction |].
  destruct (f a') eqn:E; [| discriminate]. destruct (all f l) eqn:F; [| discriminate].
  intro H; injection H as <-. intros [-> | I].
  - exists b; split; [exact E | left; reflexivity].
  - destruct (IH _ _ eq_refl I) as [b' [H1 H2]]. exists b'; split; [exact H1 | right; exact H2].
Qed.
Lemma all_transfer {A B} (f : A -> option B) (P : A -> Prop) (P' : B -> Prop) :
  (forall a b, f a = Some b -> P a -> P' b) ->
  forall l bs, all f l = Some bs -> Forall P l -> Forall P' bs.
Proof.
  intro H. induction l as [| a l IH]; intros bs; simpl.
  - intro E; injection E as <-. constructor.
  - destruct (f a) eqn:E; [| discriminate]. destruct (all f l) eqn:F; [| discriminate].
    intro E1; injection E1 as <-. intro FP. inversion FP; subst. constructor; eauto.
Qed.

Section Sound.
Variables (fuel : list name) (net : network) (g : region).

Lemma root_sound e x : root net g = Some e -> inside g x ->
  valid e (run (units net) x)
  /\ (forall k, In k (inputs net) -> run (units net) x k = x k).
Proof.
  unfold root. intros R [I _]. revert R.
  destruct (list_eq_dec name_dec (map variable (sides g)) (inputs net)) as [same |]; [| discriminate].
  destruct (plant (sides g) Nil) as [e0 |] eqn:P; [| discriminate]. intro G.
  assert (K0 : known_as [] Nil)
    by (intro v; simpl; split; [contradiction | intro H; contradiction H; reflexivity]).
  destruct (plant_sound x _ _ _ [] P I) as [V [U [K D]]];
    try assumption; try discriminate. rewrite app_nil_r in *.
  apply grow_sound with (known := rev (map variable (sides g))) (z := x) in G; try assumption.
  2: intros v r lo hi H; destruct (U _ _ _ _ H).
  destruct G as [L [V' K']]. split; [exact V' |].
  intros k H. apply (run_other _ _ _ _ L). rewrite <- in_rev, same. exact H.
Qed.

(** The structure does not depend on the point. *)
Lemma plant_known : forall ss e e' known,
  plant ss e = Some e' -> (forall v r lo hi, get v e <> Some (Unit r lo hi)) -> known_as known e ->
  (forall v r lo hi, get v e' <> Some (Unit r lo hi))
  /\ known_as (rev (map variable ss) ++ known) e'
  /\ (NoDup known -> NoDup (rev (map variable ss) ++ known)).
Proof.
  induction ss as [| s ss IH]; intros e e' known; simpl.
  - intro E; injection E as <-. auto.
  - destruct (get (variable s) e) as [i |] eqn:G; [discriminate |].
    intros E U K.
    apply IH with (known := variable s :: known) in E; [| | apply known_put, K].
    + destruct E as [U' [K' D]]. rewrite <- app_assoc. repeat split; auto; try apply K'.
      intro N. apply D. constructor; [| exact N]. rewrite (K (variable s)). intro bad. contradiction.
    + intros v r lo hi. rewrite get_put. destruct (name_dec v (variable s)); [discriminate | apply U].
Qed.
Lemma grow_known : forall us e e' known,
  grow us e = Some e' -> known_as known e ->
  layered known us /\ known_as (rev (map fst us) ++ known) e'
  /\ (forall k, is_input e' k = is_input e k).
Proof.
  induction us as [| [v r] us IH]; intros e e' known; simpl.
  - intro E; injection E as <-. auto.
  - destruct (get v e) as [i |] eqn:G; [discriminate |].
    destruct (interval e (terms r) (whole (constant r)) (whole (constant r)))
      as [[lo hi] |] eqn:B; [| discriminate].
    intros E K. pose proof (interval_reads _ _ _ _ _ B) as R.
    apply IH with (known := v :: known) in E; [| apply known_put, K].
    destruct E as [L [K' J]]. repeat split.
    + simpl. rewrite (K v). intro bad. contradiction.
    + intros t T. rewrite (K (fst t)). apply R, T.
    + exact L.
    + rewrite <- app_assoc. apply K'.
    + rewrite <- app_assoc. apply K'.
    + intro k. rewrite J. unfold is_input. rewrite get_put.
      destruct (name_dec k v) as [-> |]; [rewrite G |]; reflexivity.
Qed.
Lemma root_known e : root net g = Some e ->
  map variable (sides g) = inputs net
  /\ NoDup (inputs net) /\ layered (inputs net) (units net)
  /\ (forall v, get v e <> None -> In v (inputs net ++ map fst (units net)))
  /\ (forall k, is_input e k = true -> In k (inputs net)).
Proof.
  unfold root.
  destruct (list_eq_dec name_dec (map variable (sides g)) (inputs net)) as [same |]; [| discriminate].
  destruct (plant (sides g) Nil) as [e0 |] eqn:P; [| discriminate]. intro G.
  assert (K1 : known_as [] Nil)
    by (intro v; simpl; split; [contradiction | intro H; contradiction H; reflexivity]).
  destruct (plant_known _ _ _ [] P) as [U [K D]]; [discriminate | exact K1 |]. rewrite app_nil_r, same in *.
  assert (K0 : known_as (inputs net) e0) by (intro v; rewrite in_rev; apply K).
  apply grow_known with (known := inputs net) in G; [| exact K0].
  destruct G as [L [K' J]]. repeat split; auto.
  - rewrite <- (rev_involutive (inputs net)). apply NoDup_rev, D. constructor.
  - intros v H. apply K' in H. apply in_app_iff in H. apply in_app_iff.
    rewrite <- in_rev in H. tauto.
  - intros k H. rewrite J in H. apply K0. unfold is_input in H.
    destruct (get k e0); discriminate.
Qed.

Lemma output_rows_value outs z : forall ys ps, output_rows outs ys = Some ps ->
  total (map (fun p => Q2R (fst p) * value (snd p) z) ps)
  = total (map (fun t => Q2R (snd t) *
      match nth_error outs (fst t) with Some r => value r z | None => 0 end) ys).
Proof.
  induction ys as [| [j q] ys IH]; intro ps; simpl.
  - intro E; injection E as <-. reflexivity.
  - destruct (nth_error outs j) as [r |]; [| discriminate].
    destruct (output_rows outs ys) as [ps' |]; [| discriminate].
    intro E; injection E as <-. simpl. rewrite (IH _ eq_refl). reflexivity.
Qed.
Lemma output_rows_exist outs : forall ys ps, output_rows outs ys = Some ps ->
  Forall (fun t => (fst t < length outs)%nat) ys.
Proof.
  induction ys as [| [j q] ys IH]; intro ps; simpl; [constructor |].
  destruct (nth_error outs j) as [r |] eqn:N; [| discriminate].
  destruct (output_rows outs ys) as [ps' |]; [| discriminate].
  intros _. constructor; [| eapply IH; reflexivity].
  simpl. apply nth_error_Some. congruence.
Qed.

Lemma total_app : forall a b, total (a ++ b) = total a + total b.
Proof. induction a as [| t a IH]; intro b; simpl; [lra | rewrite IH; lra]. Qed.

Lemma lemmas_sound h x : tables_hold g h -> near (sides g) (ball g) (run (units net) x) -> forall ls e e',
  lemmas_hold fuel g h e ls = Some e' -> valid e (run (units net) x) -> valid e' (run (units net) x).
Proof.
  intros TH N. induction ls as [| [[[v upper] q] proof] ls IH]; intros e e'; cbn [lemmas_hold].
  - intro E; injection E as <-. trivial.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (check fuel g h e [] (lemma_goal r upper q) proof) eqn:P; [| discriminate].
    intros E V. apply (IH _ _ E). apply valid_tighten; [exact V | exact G |].
    pose proof (check_sound fuel g h _ TH N _ _ _ _ P V (Forall_nil _)) as H.
    unfold lemma_goal, met in H. destruct upper.
    + apply Rnot_lt_le. intro bad. apply H. constructor; [| constructor].
      unfold sum_value; simpl. autorewrite with num. lra.
    + apply Rnot_lt_le. intro bad. apply H. constructor; [| constructor].
      unfold sum_value; simpl. autorewrite with num. lra.
Qed.

Lemma trees_sound h x e : tables_hold g h -> near (sides g) (ball g) (run (units net) x) ->
  valid e (run (units net) x) -> forall aims trees, trees_hold fuel g h e aims trees = true ->
  forall aim, In aim aims -> ~ met (run (units net) x) aim.
Proof.
  intros TH N V. induction aims as [| a aims IH]; intros [| t trees]; cbn [trees_hold];
    try discriminate; intros C aim; [contradiction |].
  destruct (check fuel g h e [] a t) eqn:P; [| discriminate].
  intros [<- | I]; [| exact (IH _ C _ I)].
  exact (check_sound fuel g h _ TH N _ _ _ _ P V (Forall_nil _)).
Qed.

Lemma tables_sound ws ts ls : all (table_of (square_norm (ball g)) (sides g)) ws = Some ts ->
  tables_hold g (Hints ls ts).
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

Theorem verify_sound ls goals p :
  verify fuel ls net g goals p = true -> asked_well net g goals /\ never net g goals.
Proof.
  unfold verify. destruct (all (table_of _ _) (weights p)) as [ts |] eqn:TT; [| discriminate].
  set (h := Hints ls ts). assert (TH : tables_hold g h) by exact (tables_sound _ _ _ TT).
  destruct (root net g) as [e |] eqn:R; [| discriminate].
  destruct (outputs_exist e (outputs net)) eqn:O; [| discriminate].
  destruct (all (goal_rows e (outputs net)) goals) as [aims |] eqn:A; [| discriminate].
  destruct (lemmas_hold fuel g h e (lemmas p)) as [e' |] eqn:L; [| discriminate].
  intro T. destruct (root_known e R) as [same [D [Y [K J]]]]. split.
  - split; [split; [exact D | split; [exact Y |]] | split; [exact same |]].
    + apply Forall_forall. intros r Hr t Ht. apply K.
      unfold outputs_exist in O. rewrite forallb_forall in O. specialize (O r Hr).
      rewrite forallb_forall in O. specialize (O t Ht). unfold ends in O.
      destruct (get (fst t) e); [discriminate | discriminate O].
    + apply all_forall in A. revert A. apply Forall_impl. intros goal [aim H].
      apply all_forall in H. revert H. apply Forall_impl. intros a [s H].
      unfold atom_rows in H.
      destruct (forallb (fun t => is_input e (fst t)) (xs a)) eqn:X; [| discriminate].
      destruct (output_rows (outputs net) (ys a)) as [ps |] eqn:P; [| discriminate].
      split; [| exact (output_rows_exist _ _ _ P)].
      apply Forall_forall. intros t Ht. apply J. rewrite forallb_forall in X. apply X, Ht.
  - intros x I goal G M.
    destruct (root_sound e x R I) as [V Z].
    assert (N : near (sides g) (ball g) (run (units net) x)).
    { destruct I as [_ N]. revert N. unfold near.
      assert (Ggap : forall s, In s (sides g) -> gap (run (units net) x) s = gap x s).
      { intros s Hs. unfold gap. rewrite Z; [reflexivity |]. rewrite <- same.
        apply in_map, Hs. }
      destruct (ball g) as [| [| |] size opened]; [trivial | | |].
      - rewrite !Forall_forall. intros N s Hs. rewrite (Ggap s Hs). apply N, Hs.
      - erewrite map_ext_in; [intro N; exact N |]. intros s Hs. cbv beta.
        rewrite (Ggap s Hs). reflexivity.
      - erewrite map_ext_in; [intro N; exact N |]. intros s Hs. cbv beta.
        rewrite (Ggap s Hs). reflexivity. }
    pose proof (lemmas_sound h x TH N _ _ _ L V) as V'.
    destruct (all_in _ _ _ _ A G) as [aim [H Ia]].
    apply (trees_sound h x e' TH N V' _ _ T aim Ia).
    unfold met. revert H M. unfold goal_rows. apply all_transfer. clear aim Ia.
    intros a [s st] H M. unfold atom_rows in H.
    destruct (forallb (fun t => is_input e (fst t)) (xs a)) eqn:X; [| discriminate].
    destruct (output_rows (outputs net) (ys a)) as [ps |] eqn:P; [| discriminate].
    injection H as <- <-. cbn [fst snd]. unfold holds in M. unfold sum_value. cbn [fst snd].
    rewrite map_app, total_app, map_map, (output_rows_value _ _ _ _ P).
    replace (total (map (fun t => Q2R (fst (one_input t)) * value (snd (one_input t))
        (run (units net) x)) (xs a)))
      with (total (map (fun t => Q2R (snd t) * x (fst t)) (xs a))); [exact M |].
    f_equal. apply map_ext_in. intros t Ht. rewrite one_input_value. simpl.
    rewrite Z; [reflexivity |]. apply J. rewrite forallb_forall in X. apply X, Ht.
Qed.
End Sound.
