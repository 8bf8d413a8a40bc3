(** The root of a network, unit after unit, and what lemmas and trees prove from there, whatever a
    bound is. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers Tries Leaf Tree.
Import ListNotations.
Open Scope R_scope.

Fixpoint all {A B} (f : A -> option B) (l : list A) : option (list B) :=
  match l with
  | [] => Some []
  | a :: l => match f a, all f l with Some b, Some bs => Some (b :: bs) | _, _ => None end
  end.
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

(** Running the units: what is known is not changed, and each unit is relu of its row at the end. *)
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
Lemma run_other : forall us known z w, layered known us -> In w known -> run us z w = z w.
Proof.
  induction us as [| [v r] us IH]; intros known z w Y W; [reflexivity |].
  destruct Y as [N [_ Y]]. simpl in *.
  rewrite (IH (v :: known) _ w Y (or_intror W)). apply set_other. intros ->. contradiction.
Qed.
Definition is_relu (z : valuation) (u : name * row) : Prop := z (fst u) = Rmax 0 (value (snd u) z).
Lemma run_relu : forall us known z, layered known us -> Forall (is_relu (run us z)) us.
Proof.
  induction us as [| [v r] us IH]; intros known z Y; [constructor |].
  destruct Y as [N [D Y]]. cbn [fst snd] in *. constructor; [| exact (IH (v :: known) _ Y)].
  unfold is_relu. cbn [fst snd run fold_left].
  set (a := Rmax 0 (value r z)). change (fold_left _ us ?x) with (run us x).
  rewrite (run_other us (v :: known) _ v Y (or_introl eq_refl)), set_same.
  unfold a. f_equal. apply value_ext. intros t T.
  rewrite (run_other us (v :: known) _ _ Y (or_intror (D t T))). symmetry. apply set_other.
  intros E. apply N. rewrite <- E. exact (D t T).
Qed.

(** Goals in rows. *)
Fixpoint output_rows (outs : list row) (ys : list (nat * Q)) : option (list (Q * row)) :=
  match ys with
  | [] => Some []
  | (j, q) :: ys =>
      match nth_error outs j, output_rows outs ys with
      | Some r, Some ps => Some ((q, r) :: ps)
      | _, _ => None
      end
  end.
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

Definition known_as {B} (known : list name) (e : env B) : Prop :=
  forall v, In v known <-> get v e <> None.
Definition inputs_alone {B} (e : env B) : Prop := forall v r lo hi, get v e <> Some (Unit r lo hi).
Lemma known_put {B} known v (i : info B) e : known_as known e -> known_as (v :: known) (put v i e).
Proof.
  intros K w. rewrite get_put. specialize (K w). simpl.
  destruct (name_dec w v) as [same | different].
  - split; [discriminate | intro; left; congruence].
  - rewrite <- K. split; [intros [bad | H]; [congruence | exact H] | auto].
Qed.

Record proof (L : Type) := Proof_
  { weights : list (list weighted_direction); lemmas : list (name * bool * L * tree L);
    trees : list (tree L) }.
Arguments Proof_ {L}. Arguments weights {L}. Arguments lemmas {L}. Arguments trees {L}.

Section Root.
Context {B V L : Type} (o : rules B V L) (n : ending B V) (fuel : list name).
Variable interval : env B -> row -> option (B * B).

Fixpoint plant (ss : list (name * (B * B))) (e : env B) : option (env B) :=
  match ss with
  | [] => Some e
  | (k, (lo, hi)) :: ss =>
      match get k e with Some _ => None | None => plant ss (put k (Input lo hi) e) end
  end.
Fixpoint grow (us : list (name * row)) (e : env B) : option (env B) :=
  match us with
  | [] => Some e
  | (v, r) :: us =>
      match get v e with
      | Some _ => None
      | None =>
          match interval e r with
          | None => None
          | Some (lo, hi) => grow us (put v (Unit (keep_row r) lo hi) e)
          end
      end
  end.
Definition root (net : network) (ss : list (name * (B * B))) : option (env B) :=
  if list_eq_dec name_dec (map fst ss) (inputs net) then
    match plant ss Nil with
    | Some e => grow (units net) e
    | None => None
    end
  else None.

Definition outputs_exist (e : env B) (outs : list row) : bool :=
  forallb (fun r => forallb (fun t => match get (fst t) e with Some _ => true | None => false end)
    (terms r)) outs.
Definition atom_rows (e : env B) (outs : list row) (a : atom) : option (sum B * bool) :=
  if forallb (fun t => is_input e (fst t)) (xs a) then
    match output_rows outs (ys a) with
    | Some ps => Some ((map one_input (xs a) ++ ps, always o (offset a)), strict a)
    | None => None
    end
  else None.

Fixpoint lemmas_hold (e : env B) (ls : list (name * bool * L * tree L)) : option (env B) :=
  match ls with
  | [] => Some e
  | (v, upper, q, proof) :: ls =>
      match view o e, get v e with
      | Some w, Some (Unit r lo hi) =>
          let q := stated o w q in
          if check o n fuel e [] (lemma_goal o r upper q) proof
          then lemmas_hold (tighten o w v r lo hi upper q e) ls
          else None
      | _, _ => None
      end
  end.
Fixpoint trees_hold (e : env B) (aims : list (goal B)) (trees : list (tree L)) : bool :=
  match aims, trees with
  | [], [] => true
  | aim :: aims, t :: trees =>
      if check o n fuel e [] aim t then trees_hold e aims trees else false
  | _, _ => false
  end.

(** Whether lemmas and trees prove that no point at the root satisfies a goal. *)
Definition proves_at (e : env B) (net : network) (goals : list (list atom)) (p : proof L) : bool :=
  if outputs_exist e (outputs net) then
    match all (all (atom_rows e (outputs net))) goals with
    | None => false
    | Some aims =>
        match lemmas_hold e (lemmas p) with
        | None => false
        | Some e => trees_hold e aims (trees p)
        end
    end
  else false.

(** The structure: networks are layered, and names exist. *)
Hypothesis interval_reads : forall e r b, interval e r = Some b ->
  forall t, In t (terms r) -> get (fst t) e <> None.

Lemma plant_known : forall ss e e' known,
  plant ss e = Some e' -> inputs_alone e -> known_as known e ->
  inputs_alone e' /\ known_as (rev (map fst ss) ++ known) e'
  /\ (NoDup known -> NoDup (rev (map fst ss) ++ known)).
Proof.
  induction ss as [| [k [lo hi]] ss IH]; intros e e' known; simpl.
  - intro E; injection E as <-. auto.
  - destruct (get k e) as [i |] eqn:G; [discriminate |]. intros E U K.
    apply IH with (known := k :: known) in E; [| | apply known_put, K].
    + destruct E as [U' [K' D]]. rewrite <- app_assoc. repeat split; auto; try apply K'.
      intro N. apply D. constructor; [| exact N]. rewrite (K k). intro bad. contradiction.
    + intros v r a b. rewrite get_put. destruct (name_dec v k); [discriminate | apply U].
Qed.
Lemma grow_known : forall us e e' known, grow us e = Some e' -> known_as known e ->
  layered known us /\ known_as (rev (map fst us) ++ known) e'
  /\ (forall k, is_input e' k = is_input e k).
Proof.
  induction us as [| [v r] us IH]; intros e e' known; simpl.
  - intro E; injection E as <-. auto.
  - destruct (get v e) as [i |] eqn:G; [discriminate |].
    destruct (interval e r) as [[lo hi] |] eqn:I; [| discriminate].
    intros E K. pose proof (interval_reads _ _ _ I) as D.
    apply IH with (known := v :: known) in E; [| apply known_put, K].
    destruct E as [Y [K' J]]. repeat split.
    + simpl. rewrite (K v). intro bad. contradiction.
    + intros t T. rewrite (K (fst t)). apply D, T.
    + exact Y.
    + rewrite <- app_assoc. apply K'.
    + rewrite <- app_assoc. apply K'.
    + intro k. rewrite J. unfold is_input. rewrite get_put.
      destruct (name_dec k v) as [-> |]; [rewrite G |]; reflexivity.
Qed.
Lemma root_known net ss e : root net ss = Some e ->
  map fst ss = inputs net
  /\ NoDup (inputs net) /\ layered (inputs net) (units net)
  /\ (forall v, get v e <> None -> In v (inputs net ++ map fst (units net)))
  /\ (forall k, is_input e k = true -> In k (inputs net)).
Proof.
  unfold root. destruct (list_eq_dec name_dec (map fst ss) (inputs net)) as [same |]; [| discriminate].
  destruct (plant ss Nil) as [e0 |] eqn:P; [| discriminate]. intro G.
  assert (K1 : known_as [] (@Nil (info B)))
    by (intro v; simpl; split; [contradiction | intro H; contradiction H; reflexivity]).
  destruct (plant_known _ _ _ [] P) as [U [K D]]; [discriminate | exact K1 |].
  rewrite app_nil_r, same in *.
  assert (K0 : known_as (inputs net) e0) by (intro v; rewrite in_rev; apply K).
  apply grow_known with (known := inputs net) in G; [| exact K0].
  destruct G as [Y [K' J]]. repeat split; auto.
  - rewrite <- (rev_involutive (inputs net)). apply NoDup_rev, D. constructor.
  - intros v H. apply K' in H. apply in_app_iff in H. apply in_app_iff.
    rewrite <- in_rev in H. tauto.
  - intros k H. rewrite J in H. apply K0. unfold is_input in H.
    destruct (get k e0); discriminate.
Qed.
Lemma proves_known net ss e goals p : root net ss = Some e -> proves_at e net goals p = true ->
  well_formed net /\ Forall (Forall (names_exist net)) goals.
Proof.
  intros R H. destruct (root_known _ _ _ R) as [same [D [Y [K J]]]]. unfold proves_at in H.
  destruct (outputs_exist e (outputs net)) eqn:O; [| discriminate].
  destruct (all (all (atom_rows e (outputs net))) goals) as [aims |] eqn:A; [| discriminate].
  split; [split; [exact D | split; [exact Y |]] |].
  - apply Forall_forall. intros r Hr t Ht. apply K.
    unfold outputs_exist in O. rewrite forallb_forall in O. specialize (O r Hr).
    rewrite forallb_forall in O. specialize (O t Ht). intro bad. rewrite bad in O. discriminate.
  - apply all_forall in A. revert A. apply Forall_impl. intros goal [aim A].
    apply all_forall in A. revert A. apply Forall_impl. intros a [s A].
    unfold atom_rows in A.
    destruct (forallb (fun t => is_input e (fst t)) (xs a)) eqn:X; [| discriminate].
    destruct (output_rows (outputs net) (ys a)) as [ps |] eqn:P; [| discriminate].
    split; [| exact (output_rows_exist _ _ _ P)].
    apply Forall_forall. intros t Ht. apply J. rewrite forallb_forall in X. apply X, Ht.
Qed.

(** At a point x, where the bounds at the inputs hold: z is what the network computes there. *)
Variables (real : B -> R) (good : V -> Prop) (net : network) (x : valuation).
Let z := run (units net) x.
Hypothesis interval_sound : forall e r lo hi, valid real e z -> interval e r = Some (lo, hi) ->
  real lo <= value r z <= real hi.
Hypothesis law : lawful o real z good.
Hypothesis last_law : finishing n real z good.

Lemma plant_sound : forall ss e e', plant ss e = Some e' -> valid real e z ->
  Forall (fun s => real (fst (snd s)) <= z (fst s) <= real (snd (snd s))) ss -> valid real e' z.
Proof.
  induction ss as [| [k [lo hi]] ss IH]; intros e e'; simpl.
  - intro E; injection E as <-. trivial.
  - destruct (get k e); [discriminate |]. intros E Va F. inversion F; subst.
    apply (IH _ _ E); [| assumption]. apply valid_put; assumption.
Qed.
Lemma grow_sound : forall us e e', grow us e = Some e' -> valid real e z ->
  Forall (is_relu z) us -> valid real e' z.
Proof.
  induction us as [| [v r] us IH]; intros e e'; simpl.
  - intro E; injection E as <-. trivial.
  - destruct (get v e); [discriminate |].
    destruct (interval e r) as [[lo hi] |] eqn:I; [| discriminate].
    intros E Va F. inversion F; subst. apply (IH _ _ E); [| assumption].
    apply valid_put; [assumption |]. split; [assumption | exact (interval_sound _ _ _ _ Va I)].
Qed.
Lemma root_sound ss e : root net ss = Some e ->
  Forall (fun s => real (fst (snd s)) <= x (fst s) <= real (snd (snd s))) ss ->
  valid real e z /\ (forall k, In k (inputs net) -> z k = x k).
Proof.
  intros R F. destruct (root_known _ _ _ R) as [same [_ [Y _]]].
  assert (Z : forall k, In k (inputs net) -> z k = x k)
    by (intros k H; exact (run_other _ _ _ _ Y H)).
  split; [| exact Z]. unfold root in R.
  destruct (list_eq_dec name_dec (map fst ss) (inputs net)) as [_ |]; [| discriminate].
  destruct (plant ss Nil) as [e0 |] eqn:P; [| discriminate].
  apply (grow_sound _ _ _ R); [| exact (run_relu _ _ _ Y)].
  apply (plant_sound _ _ _ P); [intros v i H; discriminate H |].
  rewrite Forall_forall in *. intros s H. rewrite Z; [exact (F s H) |].
  rewrite <- same. apply in_map, H.
Qed.

Lemma lemmas_sound : forall ls e e', lemmas_hold e ls = Some e' -> valid real e z -> valid real e' z.
Proof.
  induction ls as [| [[[v upper] q] proof] ls IH]; intros e e'; cbn [lemmas_hold].
  - intro E; injection E as <-. trivial.
  - destruct (view o e) as [w |]; [| discriminate].
    destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (check o n fuel e [] (lemma_goal o r upper (stated o w q)) proof) eqn:P; [| discriminate].
    intros E Va. apply (IH _ _ E).
    apply (valid_tighten _ _ _ _ law); [exact Va | exact G | apply (lemma_goal_met _ _ _ _ law)].
    exact (check_sound _ _ _ _ _ _ law last_law _ _ _ _ P Va (Forall_nil _)).
Qed.
Lemma trees_sound e : valid real e z -> forall aims trees, trees_hold e aims trees = true ->
  forall aim, In aim aims -> ~ met real z aim.
Proof.
  intro Va. induction aims as [| a aims IH]; intros [| t trees]; cbn [trees_hold];
    try discriminate; intros C aim; [contradiction |].
  destruct (check o n fuel e [] a t) eqn:P; [| discriminate].
  intros [<- | I]; [| exact (IH _ C _ I)].
  exact (check_sound _ _ _ _ _ _ law last_law _ _ _ _ P Va (Forall_nil _)).
Qed.
Theorem proves_sound ss e goals p : root net ss = Some e -> proves_at e net goals p = true ->
  Forall (fun s => real (fst (snd s)) <= x (fst s) <= real (snd (snd s))) ss ->
  forall goal, In goal goals -> ~ Forall (holds net x) goal.
Proof.
  intros R H F goal G M. destruct (root_known _ _ _ R) as [_ [_ [_ [_ J]]]].
  destruct (root_sound _ _ R F) as [Va Z]. unfold proves_at in H.
  destruct (outputs_exist e (outputs net)); [| discriminate].
  destruct (all (all (atom_rows e (outputs net))) goals) as [aims |] eqn:A; [| discriminate].
  destruct (lemmas_hold e (lemmas p)) as [e' |] eqn:E; [| discriminate].
  pose proof (lemmas_sound _ _ _ E Va) as Va'.
  destruct (all_in _ _ _ _ A G) as [aim [C I]].
  apply (trees_sound e' Va' _ _ H aim I).
  unfold met. revert C M. apply all_transfer. clear aim I.
  intros a [s st] C M. unfold atom_rows in C.
  destruct (forallb (fun t => is_input e (fst t)) (xs a)) eqn:X; [| discriminate].
  destruct (output_rows (outputs net) (ys a)) as [ps |] eqn:P; [| discriminate].
  injection C as <- <-. cbn [fst snd]. unfold holds, holds_of in M. unfold sum_value. cbn [fst snd].
  rewrite map_app, total_app, map_map, (output_rows_value _ _ _ _ P), (always_real _ _ _ _ law).
  replace (total (map (fun t => Q2R (fst (one_input t)) * value (snd (one_input t)) z) (xs a)))
    with (total (map (fun t => Q2R (snd t) * x (fst t)) (xs a))); [exact M |].
  f_equal. apply map_ext_in. intros t Ht. rewrite one_input_value. simpl.
  rewrite Z; [reflexivity |]. apply J. rewrite forallb_forall in X. apply X, Ht.
Qed.
End Root.
