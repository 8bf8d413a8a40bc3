(** Trees: leaves, conflicts, splits and lemmas, whatever a bound is. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers Tries Leaf.
Import ListNotations.
Open Scope R_scope.

(** A lemma is a strict goal: a_v >= q means refuting q - a_v > 0. *)
Inductive tree (L : Type) :=
| Lemma_ (v : name) (upper : bool) (q : L) (proof rest : tree L)
| Close (l : leaf)
| Conflict (v : name)
| SplitUnit (v : name) (lower higher : tree L)
| SplitInput (k : name) (t : Q) (lower higher : tree L)
| SplitPlane (normal : list (name * Q)) (t : Q) (lower higher : tree L).
Arguments Lemma_ {L}. Arguments Close {L}. Arguments Conflict {L}. Arguments SplitUnit {L}.
Arguments SplitInput {L}. Arguments SplitPlane {L}.

Definition one_input (t : name * Q) : Q * row := (snd t, Row [(fst t, 1%Z)] 0 1).
Lemma one_input_value t z : value (snd (one_input t)) z = z (fst t).
Proof. unfold one_input, value; simpl. field. Qed.
Definition is_input {B} (e : env B) (k : name) : bool :=
  match get k e with Some (Input _ _) => true | _ => false end.

(** How a leaf ends: which variables stay in its form, and whether what is left is positive in the
    branch, or nonnegative if that is enough. Leaves have shares of the box or not. *)
Record ending (B V : Type) := Ending
  { boxed : bool; keeps_in : option (Q * option nat) -> name -> bool;
    finishes : option (Q * option nat) -> V -> env B -> list (sum B) -> bool -> form B -> bool }.
Arguments boxed {B V}. Arguments keeps_in {B V}. Arguments finishes {B V}.
Definition above (sharp : bool) (a b : R) : Prop := if sharp then b < a else b <= a.
Definition finishing {B V} (n : ending B V) (real : B -> R) (z : valuation) (good : V -> Prop)
    : Prop :=
  forall r w e known enough f, finishes n r w e known enough f = true -> good w ->
  valid real e z -> Forall (fun s => 0 <= sum_value real s z) known ->
  above (negb enough) (form_value real f z) 0.

Section Check.
Context {B V L : Type} (o : rules B V L) (n : ending B V).
Variable fuel : list name.

Definition close (w : V) (e : env B) (known : list (sum B)) (aim : goal B) (l : leaf) : bool :=
  let ys := match atoms l, aim with [], [_] => [(O, one)] | ys, _ => ys end in
  match take_atoms o aim ys (Nil, always o zero) false with
  | None => false
  | Some (f, sharp) =>
  match take_cuts o known (cuts l) f with
  | None => false
  | Some f =>
  match take_bounds o e (bounds l) f with
  | None => false
  | Some f =>
  match (if boxed n then take_box o e (box l) f else Some f) with
  | None => false
  | Some f =>
  match name_slopes (slopes l) with
  | None => false
  | Some named =>
  match clear o (keeps_in n (ridge l)) fuel w e named (usual l) (fst f) (snd f) Nil with
  | None => false
  | Some f => finishes n (ridge l) w e known sharp f
  end end end end end end.

Definition lemma_goal (r : row) (upper : bool) (q : B) : goal B :=
  if upper then [(([(one, r)], times o (neg one) q), true)] else [(([(neg one, r)], q), true)].
Definition tighten (w : V) (v : name) (r : kept) (lo hi : B) (upper : bool) (q : B) (e : env B)
    : env B :=
  put v (if upper then Unit r lo (tighter o w true hi q) else Unit r (tighter o w false lo q) hi) e.
Definition narrow (w : V) (k : name) (lo hi : B) (upper : bool) (q : B) (e : env B) : env B :=
  put k (if upper then Input lo (tighter o w true hi q) else Input (tighter o w false lo q) hi) e.
Definition plane (normal : list (name * Q)) (t : Q) : sum B :=
  (map one_input normal, always o (neg t)).
Definition opposite (normal : list (name * Q)) (t : Q) : sum B :=
  (map (fun s => one_input (fst s, neg (snd s))) normal, always o t).

Fixpoint check (e : env B) (known : list (sum B)) (aim : goal B) (t : tree L) : bool :=
  match view o e with
  | None => false
  | Some w =>
  match t with
  | Lemma_ v upper q proof rest =>
      match get v e with
      | Some (Unit r lo hi) =>
          let q := stated o w q in
          if check e known (lemma_goal r upper q) proof
          then check (tighten w v r lo hi upper q e) known aim rest
          else false
      | _ => false
      end
  | Close l => close w e known aim l
  | Conflict v => match get v e with Some (Unit _ lo hi) => apart o w lo hi | _ => false end
  | SplitUnit v lower higher =>
      match get v e with
      | Some (Unit r lo hi) =>
          if check (tighten w v r lo hi true (always o zero) e) known aim lower
          then check (tighten w v r lo hi false (always o zero) e) known aim higher
          else false
      | _ => false
      end
  | SplitInput k t lower higher =>
      match get k e with
      | Some (Input lo hi) =>
          if divides o w k t then
            if check (narrow w k lo hi true (always o t) e) known aim lower
            then check (narrow w k lo hi false (always o t) e) known aim higher
            else false
          else false
      | _ => false
      end
  | SplitPlane normal t lower higher =>
      if forallb (fun s => is_input e (fst s)) normal
      then
        if check e (known ++ [opposite normal t]) aim lower
        then check e (known ++ [plane normal t]) aim higher
        else false
      else false
  end end.

Variables (real : B -> R) (z : valuation) (good : V -> Prop).
Hypothesis law : lawful o real z good.
Hypothesis last_law : finishing n real z good.

Lemma close_sound w e known aim l : good w -> close w e known aim l = true -> valid real e z ->
  Forall (fun s => 0 <= sum_value real s z) known -> ~ met real z aim.
Proof.
  unfold close. intros W C Va K M. revert C.
  set (ys := match atoms l, aim with [], [_] => [(O, one)] | ys, _ => ys end).
  destruct (take_atoms o aim ys _ false) as [[f0 sharp] |] eqn:A; [| discriminate].
  destruct (take_cuts o known (cuts l) f0) as [f1 |] eqn:T; [| discriminate].
  destruct (take_bounds o e (bounds l) f1) as [f2 |] eqn:H; [| discriminate].
  destruct (if boxed n then take_box o e (box l) f2 else Some f2) as [f3 |] eqn:X; [| discriminate].
  destruct (name_slopes (slopes l)) as [named |]; [| discriminate].
  destruct (clear o _ fuel w e named (usual l) (fst f3) (snd f3) Nil) as [f4 |] eqn:F;
    [| discriminate].
  intro P. apply (take_atoms_sound _ _ _ _ law _ M) in A;
    [| unfold below, form_value; simpl; rewrite (always_real _ _ _ _ law), zero_real; lra].
  apply (take_cuts_sound _ _ _ _ law _ K) in T.
  apply (take_bounds_sound _ _ _ _ law _ Va) in H.
  assert (X' : form_value real f3 z <= form_value real f2 z).
  { destruct (boxed n); [apply (take_box_sound _ _ _ _ law _ Va _ _ _ X) | injection X as <-; lra]. }
  apply (clear_sound _ _ _ _ law _ _ _ _ _ W Va) in F. specialize (last_law _ _ _ _ _ _ P W Va K).
  unfold above, below, form_value in *. simpl in F. destruct sharp; simpl in *; lra.
Qed.

Lemma valid_put v i e : valid real e z -> meaning real z v i -> valid real (put v i e) z.
Proof.
  intros Va M w j. rewrite get_put. destruct (name_dec w v) as [same | different].
  - intro E; injection E as <-. rewrite same. exact M.
  - apply Va.
Qed.

Lemma valid_tighten w v r lo hi (upper : bool) q e :
  valid real e z -> get v e = Some (Unit r lo hi) ->
  (if upper then value r z <= real q else real q <= value r z) ->
  valid real (tighten w v r lo hi upper q e) z.
Proof.
  intros Va G H. destruct (Va _ _ G) as [Hz E]. apply valid_put; [exact Va |].
  destruct upper; simpl; (split; [exact Hz | split]); try lra;
    [destruct (tighter_one _ _ _ _ law w true hi q) as [-> | ->]
    | destruct (tighter_one _ _ _ _ law w false lo q) as [-> | ->]]; lra.
Qed.

Lemma valid_narrow w k lo hi (upper : bool) q e :
  valid real e z -> get k e = Some (Input lo hi) ->
  (if upper then z k <= real q else real q <= z k) -> valid real (narrow w k lo hi upper q e) z.
Proof.
  intros Va G H. pose proof (Va _ _ G) as E; simpl in E. apply valid_put; [exact Va |].
  destruct upper; simpl; split; try lra;
    [destruct (tighter_one _ _ _ _ law w true hi q) as [-> | ->]
    | destruct (tighter_one _ _ _ _ law w false lo q) as [-> | ->]]; lra.
Qed.

Lemma lemma_goal_met r upper q : ~ met real z (lemma_goal r upper q) ->
  if upper then value r z <= real q else real q <= value r z.
Proof.
  unfold lemma_goal, met. intro H. destruct upper; apply Rnot_lt_le; intro bad; apply H;
    (constructor; [| constructor]); unfold sum_value; simpl;
    try rewrite (times_real _ _ _ _ law); autorewrite with num; lra.
Qed.

Lemma plane_value normal t :
  sum_value real (plane normal t) z = total (map (fun s => Q2R (snd s) * z (fst s)) normal) - Q2R t.
Proof.
  unfold plane, sum_value. cbn [fst snd]. rewrite (always_real _ _ _ _ law), neg_real, map_map.
  unfold Rminus. f_equal. f_equal. apply map_ext. intro s. rewrite one_input_value. reflexivity.
Qed.
Lemma opposite_value normal t : sum_value real (opposite normal t) z
  = Q2R t - total (map (fun s => Q2R (snd s) * z (fst s)) normal).
Proof.
  unfold opposite, sum_value. cbn [fst snd]. rewrite (always_real _ _ _ _ law), map_map.
  induction normal as [| s normal IH]; simpl in *; [lra |].
  rewrite neg_real. unfold one_input, value at 1. cbn. lra.
Qed.

Theorem check_sound : forall t e known aim,
  check e known aim t = true -> valid real e z -> Forall (fun s => 0 <= sum_value real s z) known ->
  ~ met real z aim.
Proof.
  induction t as
    [v upper q proof IHp rest IHr | l | v | v lower IHl higher IHh | k t lower IHl higher IHh
    | normal t lower IHl higher IHh]; intros e known aim; cbn [check];
    (destruct (view o e) as [w |] eqn:W; [| discriminate]); intros C Va K;
    pose proof (view_good _ _ _ _ law _ _ W Va) as good_w.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (check e known (lemma_goal r upper (stated o w q)) proof) eqn:P; [| discriminate].
    specialize (IHp _ _ _ P Va K). apply (IHr _ _ _ C); [| exact K].
    apply valid_tighten; [exact Va | exact G | apply lemma_goal_met, IHp].
  - exact (close_sound _ _ _ _ _ good_w C Va K).
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    apply (apart_sound _ _ _ _ law _ _ _ good_w) in C. destruct (Va _ _ G) as [_ H]. lra.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (check (tighten w v r lo hi true (always o zero) e) known aim lower) eqn:P;
      [| discriminate].
    destruct (Rle_lt_dec (value r z) 0) as [off | on].
    + apply (IHl _ _ _ P); [| exact K]. apply valid_tighten; auto.
      rewrite (always_real _ _ _ _ law), zero_real; exact off.
    + apply (IHh _ _ _ C); [| exact K]. apply valid_tighten; auto.
      rewrite (always_real _ _ _ _ law), zero_real; lra.
  - destruct (get k e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (divides o w k t); [| discriminate].
    destruct (check (narrow w k lo hi true (always o t) e) known aim lower) eqn:P; [| discriminate].
    destruct (Rle_lt_dec (z k) (Q2R t)) as [off | on].
    + apply (IHl _ _ _ P); [| exact K]. apply valid_narrow; auto.
      rewrite (always_real _ _ _ _ law). exact off.
    + apply (IHh _ _ _ C); [| exact K]. apply valid_narrow; auto.
      rewrite (always_real _ _ _ _ law). lra.
  - destruct (forallb (fun s => is_input e (fst s)) normal); [| discriminate].
    destruct (check e (known ++ [opposite normal t]) aim lower) eqn:P; [| discriminate].
    destruct (Rle_lt_dec (total (map (fun s => Q2R (snd s) * z (fst s)) normal)) (Q2R t))
      as [under | over].
    + apply (IHl _ _ _ P Va). apply Forall_app; split; [exact K |].
      constructor; [rewrite opposite_value; lra | constructor].
    + apply (IHh _ _ _ C Va). apply Forall_app; split; [exact K |].
      constructor; [rewrite plane_value; lra | constructor].
Qed.
End Check.
