(** Trees: leaves, conflicts, splits and lemmas; and the root of a network, by intervals. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers Tries Leaf Ridge Shares.
Import ListNotations.
Open Scope R_scope.

(** A goal in rows: sums, and whether each is strict. *)
Definition goal := list (sum * bool).
Definition met (z : valuation) (g : goal) : Prop :=
  Forall (fun a => below (snd a) 0 (sum_value (fst a) z)) g.

Record leaf := LeafOf
  { atoms : list (nat * Q); slopes : list (name * Q); bounds : list (name * Q);
    cuts : list (nat * Q); box : list (name * Q); usual : bool;
    ridge : option (Q * option nat) }.

(** The form that is at most zero where the goal holds, and whether it is below zero. *)
Fixpoint take_atoms (g : goal) (ys : list (nat * Q)) (f : form) (sharp : bool)
    : option (form * bool) :=
  match ys with
  | [] => Some (f, sharp)
  | (i, y) :: ys =>
      match nth_error g i with
      | Some (s, strict) =>
          if nonneg y
          then take_atoms g ys (add_sum (neg y) s f) (sharp || (strict && positive_q y))
          else None
      | None => None
      end
  end.
Fixpoint take_cuts (known : list sum) (ys : list (nat * Q)) (f : form) : option form :=
  match ys with
  | [] => Some f
  | (i, y) :: ys =>
      match nth_error known i with
      | Some s => if nonneg y then take_cuts known ys (add_sum (neg y) s f) else None
      | None => None
      end
  end.
Fixpoint take_bounds (e : env) (ys : list (name * Q)) (f : form) : option form :=
  match ys with
  | [] => Some f
  | (v, y) :: ys =>
      match get v e with
      | Some (Unit r lo hi) =>
          let f := add_row (neg y) r f in
          take_bounds e ys (fst f, add (snd f) (mul y (if nonneg y then lo else hi)))
      | _ => None
      end
  end.
Fixpoint take_box (e : env) (ys : list (name * Q)) (f : form) : option form :=
  match ys with
  | [] => Some f
  | (v, y) :: ys =>
      match get v e with
      | Some (Input lo hi) =>
          take_box e ys
            (plus (neg y) v (fst f), add (snd f) (mul y (if nonneg y then lo else hi)))
      | _ => None
      end
  end.
Definition borne (g : region) : bool :=
  match ball g with Ball L1 _ _ | Ball L2 _ _ => true | _ => false end.
Definition name_slopes (ss : list (name * Q)) : option (trie Q) :=
  fold_left
    (fun t s => match t with
      | Some t => if in_unit (snd s) then Some (put (fst s) (snd s) t) else None
      | None => None
      end) ss (Some Nil).

(** What a leaf with a share of the ball may use: directions of variables, and tables of weights. *)
Record hints := Hints { lines : trie direction; tables : list (list dense) }.
Definition no_name (v : name) : bool := false.
Definition on_line (h : hints) (v : name) : bool :=
  match get v (lines h) with Some _ => true | None => false end.
Definition table_number (h : hints) (i : option nat) : list dense :=
  match i with
  | Some i => match nth_error (tables h) i with Some D => D | None => [] end
  | None => []
  end.
Definition tables_hold (g : region) (h : hints) : Prop :=
  Forall (fun D => weights_ok (square_norm (ball g)) D = true
    /\ forall z, Forall (centered (sides g) z) D) (tables h).

Definition close (fuel : list name) (g : region) (h : hints) (e : env) (known : list sum)
    (aim : goal) (l : leaf) : bool :=
  let ys := match atoms l, aim with [], [_] => [(O, one)] | ys, _ => ys end in
  match take_atoms aim ys (Nil, zero) false with
  | None => false
  | Some (f, sharp) =>
  match take_cuts known (cuts l) f with
  | None => false
  | Some f =>
  match take_bounds e (bounds l) f with
  | None => false
  | Some f =>
  match (if borne g then take_box e (box l) f else Some f) with
  | None => false
  | Some f =>
  match name_slopes (slopes l) with
  | None => false
  | Some named =>
  match ridge l with
  | None =>
      match clear no_name fuel e named (usual l) (fst f) (snd f) Nil with
      | None => false
      | Some f => finish e g sharp f
      end
  | Some (t, i) =>
      match clear (on_line h) fuel e named (usual l) (fst f) (snd f) Nil with
      | None => false
      | Some f =>
          finish_ridge fuel e g known (square_norm (ball g)) (lines h) (table_number h i) sharp t f
      end
  end end end end end end.

Lemma take_atoms_sound g z : met z g -> forall ys f sharp f' sharp',
  take_atoms g ys f sharp = Some (f', sharp') ->
  below sharp (form_value f z) 0 -> below sharp' (form_value f' z) 0.
Proof.
  intro M. induction ys as [| [i y] ys IH]; intros f sharp f' sharp'; cbn [take_atoms].
  - intro E; injection E as <- <-. trivial.
  - destruct (nth_error g i) as [[s strict] |] eqn:N; [| discriminate].
    destruct (nonneg y) eqn:Y; [| discriminate]. apply nonneg_true in Y.
    intros E H. refine (IH _ _ _ _ E _). rewrite add_sum_value, neg_real.
    apply nth_error_In in N. unfold met in M. rewrite Forall_forall in M.
    specialize (M _ N). simpl in M. unfold below in *.
    assert (weak : 0 <= Q2R y * sum_value s z)
      by (apply Rmult_le_pos; [exact Y | destruct strict; lra]).
    destruct sharp; simpl; [lra |]. destruct strict; simpl; [| lra].
    destruct (positive_q y) eqn:P; [| lra]. apply positive_true in P.
    assert (0 < Q2R y * sum_value s z) by (apply Rmult_lt_0_compat; assumption). lra.
Qed.

Lemma take_cuts_sound known z : Forall (fun s => 0 <= sum_value s z) known -> forall ys f f',
  take_cuts known ys f = Some f' -> form_value f' z <= form_value f z.
Proof.
  intro K. induction ys as [| [i y] ys IH]; intros f f'; cbn [take_cuts].
  - intro E; injection E as <-. lra.
  - destruct (nth_error known i) as [s |] eqn:N; [| discriminate].
    destruct (nonneg y) eqn:Y; [| discriminate]. apply nonneg_true in Y.
    intro E. apply IH in E. rewrite add_sum_value, neg_real in E.
    apply nth_error_In in N. rewrite Forall_forall in K. specialize (K _ N).
    assert (0 <= Q2R y * sum_value s z) by (apply Rmult_le_pos; assumption). lra.
Qed.

Lemma end_sound y lo hi a :
  Q2R lo <= a <= Q2R hi -> Q2R (mul y (if nonneg y then lo else hi)) <= Q2R y * a.
Proof.
  intro H. rewrite mul_real. destruct (nonneg y) eqn:Y.
  - apply nonneg_true in Y. apply Rmult_le_compat_l; lra.
  - apply nonneg_false in Y.
    assert (- Q2R y * a <= - Q2R y * Q2R hi) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Lemma take_bounds_sound e z : valid e z -> forall ys f f',
  take_bounds e ys f = Some f' -> form_value f' z <= form_value f z.
Proof.
  intro V. induction ys as [| [v y] ys IH]; intros f f'; cbn [take_bounds].
  - intro E; injection E as <-. lra.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    intro E. apply IH in E. destruct (V _ _ G) as [_ B].
    pose proof (add_row_value (neg y) r f z) as A. pose proof (end_sound y lo hi _ B) as S.
    unfold form_value in *. cbn [fst snd] in E. rewrite add_real in E. rewrite neg_real in A. lra.
Qed.

Lemma take_box_sound e z : valid e z -> forall ys f f',
  take_box e ys f = Some f' -> form_value f' z <= form_value f z.
Proof.
  intro V. induction ys as [| [v y] ys IH]; intros f f'; cbn [take_box].
  - intro E; injection E as <-. lra.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    intro E. apply IH in E. pose proof (V _ _ G) as B. simpl in B.
    pose proof (end_sound y lo hi _ B) as S.
    unfold form_value in *. cbn [fst snd] in E. rewrite add_real, dot_plus, neg_real in E. lra.
Qed.

Lemma table_number_sound g h i z : tables_hold g h ->
  weights_ok (square_norm (ball g)) (table_number h i) = true
  /\ Forall (centered (sides g) z) (table_number h i).
Proof.
  intro T. assert (E : weights_ok (square_norm (ball g)) [] = true)
    by (destruct (square_norm (ball g)); reflexivity).
  unfold table_number. destruct i as [i |]; [| auto].
  destruct (nth_error (tables h) i) as [D |] eqn:N; [| auto].
  apply nth_error_In in N. unfold tables_hold in T. rewrite Forall_forall in T.
  destruct (T D N) as [W C]. auto.
Qed.

Lemma close_sound fuel g h e known aim l z : tables_hold g h ->
  close fuel g h e known aim l = true -> valid e z -> Forall (fun s => 0 <= sum_value s z) known ->
  near (sides g) (ball g) z -> ~ met z aim.
Proof.
  unfold close. intros TH C V K N M. revert C.
  set (ys := match atoms l, aim with [], [_] => [(O, one)] | ys, _ => ys end).
  destruct (take_atoms aim ys (Nil, zero) false) as [[f0 sharp] |] eqn:A; [| discriminate].
  destruct (take_cuts known (cuts l) f0) as [f1 |] eqn:T; [| discriminate].
  destruct (take_bounds e (bounds l) f1) as [f2 |] eqn:B; [| discriminate].
  destruct (if borne g then take_box e (box l) f2 else Some f2) as [f3 |] eqn:X; [| discriminate].
  destruct (name_slopes (slopes l)) as [named |]; [| discriminate].
  intro F.
  apply (take_atoms_sound aim z M) in A;
    [| unfold below, form_value; simpl; rewrite zero_real; lra].
  apply (take_cuts_sound known z K) in T. apply (take_bounds_sound e z V) in B.
  assert (X' : form_value f3 z <= form_value f2 z).
  { destruct (borne g); [apply (take_box_sound e z V _ _ _ X) | injection X as <-; lra]. }
  assert (P : exists f4, form_value f4 z <= form_value f3 z
    /\ above (negb sharp) (form_value f4 z) 0).
  { destruct (ridge l) as [[t i] |].
    - destruct (clear (on_line h) fuel e named (usual l) (fst f3) (snd f3) Nil) as [f4 |] eqn:L;
        [| discriminate].
      exists f4. apply (clear_sound _ e named (usual l) z V) in L.
      split; [unfold form_value in *; simpl in L; lra |].
      destruct (table_number_sound g h i z TH) as [W C].
      exact (finish_ridge_sound _ _ _ _ _ z V K N _ _ _ _ _ eq_refl F W C).
    - destruct (clear no_name fuel e named (usual l) (fst f3) (snd f3) Nil) as [f4 |] eqn:L;
        [| discriminate].
      exists f4. apply (clear_sound _ e named (usual l) z V) in L.
      split; [unfold form_value in *; simpl in L; lra |].
      exact (finish_sound e g sharp f4 z F V N). }
  destruct P as [f4 [L P]].
  unfold above, below, form_value in *. destruct sharp; simpl in *; lra.
Qed.

(** Trees. A lemma is a strict goal: a_v >= q means refuting q - a_v > 0. *)
Inductive tree :=
| Lemma_ (v : name) (upper : bool) (q : Q) (proof rest : tree)
| Close (l : leaf)
| Conflict (v : name)
| SplitUnit (v : name) (lower higher : tree)
| SplitInput (k : name) (t : Q) (lower higher : tree)
| SplitPlane (normal : list (name * Q)) (t : Q) (lower higher : tree).

Definition lemma_goal (r : row) (upper : bool) (q : Q) : goal :=
  if upper then [(([(one, r)], neg q), true)] else [(([(neg one, r)], q), true)].
Definition tighten (v : name) (r : row) (lo hi : Q) (upper : bool) (q : Q) (e : env) : env :=
  put v (if upper then Unit r lo (smaller q hi) else Unit r (larger q lo) hi) e.
Definition narrow (k : name) (lo hi : Q) (upper : bool) (q : Q) (e : env) : env :=
  put k (if upper then Input lo (smaller q hi) else Input (larger q lo) hi) e.
Definition one_input (t : name * Q) : Q * row := (snd t, Row [(fst t, 1%Z)] 0 1).
Definition plane (normal : list (name * Q)) (t : Q) : sum := (map one_input normal, neg t).
Definition opposite (normal : list (name * Q)) (t : Q) : sum :=
  (map (fun s => one_input (fst s, neg (snd s))) normal, t).
Definition is_input (e : env) (k : name) : bool :=
  match get k e with Some (Input _ _) => true | _ => false end.

Section Check.
Variable fuel : list name.
Variable g : region.
Variable h : hints.

Fixpoint check (e : env) (known : list sum) (aim : goal) (t : tree) : bool :=
  match t with
  | Lemma_ v upper q proof rest =>
      match get v e with
      | Some (Unit r lo hi) =>
          if check e known (lemma_goal r upper q) proof
          then check (tighten v r lo hi upper q e) known aim rest
          else false
      | _ => false
      end
  | Close l => close fuel g h e known aim l
  | Conflict v => match get v e with Some (Unit _ lo hi) => lt hi lo | _ => false end
  | SplitUnit v lower higher =>
      match get v e with
      | Some (Unit r lo hi) =>
          if check (tighten v r lo hi true zero e) known aim lower
          then check (tighten v r lo hi false zero e) known aim higher
          else false
      | _ => false
      end
  | SplitInput k t lower higher =>
      match get k e with
      | Some (Input lo hi) =>
          if check (narrow k lo hi true t e) known aim lower
          then check (narrow k lo hi false t e) known aim higher
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
  end.

Lemma valid_put v i e z : valid e z -> meaning z v i -> valid (put v i e) z.
Proof.
  intros V M w j. rewrite get_put. destruct (name_dec w v) as [same | different].
  - intro E; injection E as <-. rewrite same. exact M.
  - apply V.
Qed.

Lemma valid_tighten v r lo hi (upper : bool) q e z :
  valid e z -> get v e = Some (Unit r lo hi) ->
  (if upper then value r z <= Q2R q else Q2R q <= value r z) ->
  valid (tighten v r lo hi upper q e) z.
Proof.
  intros V G H. destruct (V _ _ G) as [Hz B]. apply valid_put; [exact V |].
  destruct upper; simpl; autorewrite with num; (split; [exact Hz | split]); try lra.
  - apply Rmin_glb; lra.
  - apply Rmax_lub; lra.
Qed.

Lemma valid_narrow k lo hi (upper : bool) q e z :
  valid e z -> get k e = Some (Input lo hi) ->
  (if upper then z k <= Q2R q else Q2R q <= z k) -> valid (narrow k lo hi upper q e) z.
Proof.
  intros V G H. pose proof (V _ _ G) as B; simpl in B. apply valid_put; [exact V |].
  destruct upper; simpl; autorewrite with num; split; try lra.
  - apply Rmin_glb; lra.
  - apply Rmax_lub; lra.
Qed.

Lemma one_input_value t z : value (snd (one_input t)) z = z (fst t).
Proof. unfold one_input, value; simpl. field. Qed.

Lemma plane_value normal t z :
  sum_value (plane normal t) z = total (map (fun s => Q2R (snd s) * z (fst s)) normal) - Q2R t.
Proof.
  unfold plane, sum_value. cbn [fst snd]. rewrite neg_real, map_map.
  unfold Rminus. f_equal. f_equal. apply map_ext. intro s. rewrite one_input_value. reflexivity.
Qed.
Lemma opposite_value normal t z :
  sum_value (opposite normal t) z = Q2R t - total (map (fun s => Q2R (snd s) * z (fst s)) normal).
Proof.
  unfold opposite, sum_value. cbn [fst snd]. rewrite map_map.
  induction normal as [| s normal IH]; simpl in *; [lra |].
  rewrite neg_real. unfold one_input, value at 1. cbn. lra.
Qed.

Theorem check_sound z : tables_hold g h -> near (sides g) (ball g) z -> forall t e known aim,
  check e known aim t = true -> valid e z -> Forall (fun s => 0 <= sum_value s z) known ->
  ~ met z aim.
Proof.
  intros TH N. induction t as
    [v upper q proof IHp rest IHr | l | v | v lower IHl higher IHh | k t lower IHl higher IHh
    | normal t lower IHl higher IHh]; intros e known aim; cbn [check]; intros C V K.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (check e known (lemma_goal r upper q) proof) eqn:P; [| discriminate].
    specialize (IHp _ _ _ P V K). apply (IHr _ _ _ C); [| exact K].
    apply valid_tighten; [exact V | exact G |].
    unfold lemma_goal, met in IHp. destruct upper.
    + apply Rnot_lt_le. intro bad. apply IHp. constructor; [| constructor].
      unfold sum_value; simpl. autorewrite with num. lra.
    + apply Rnot_lt_le. intro bad. apply IHp. constructor; [| constructor].
      unfold sum_value; simpl. autorewrite with num. lra.
  - exact (close_sound _ _ _ _ _ _ _ _ TH C V K N).
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    apply lt_true in C. destruct (V _ _ G) as [_ B]. lra.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (check (tighten v r lo hi true zero e) known aim lower) eqn:L; [| discriminate].
    destruct (Rle_lt_dec (value r z) 0) as [off | on].
    + apply (IHl _ _ _ L); [| exact K]. apply valid_tighten; auto. rewrite zero_real; exact off.
    + apply (IHh _ _ _ C); [| exact K]. apply valid_tighten; auto. rewrite zero_real; lra.
  - destruct (get k e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (check (narrow k lo hi true t e) known aim lower) eqn:L; [| discriminate].
    destruct (Rle_lt_dec (z k) (Q2R t)) as [off | on].
    + apply (IHl _ _ _ L); [| exact K]. apply valid_narrow; auto.
    + apply (IHh _ _ _ C); [| exact K]. apply valid_narrow; auto. lra.
  - destruct (forallb (fun s => is_input e (fst s)) normal); [| discriminate].
    destruct (check e (known ++ [opposite normal t]) aim lower) eqn:L; [| discriminate].
    destruct (Rle_lt_dec (total (map (fun s => Q2R (snd s) * z (fst s)) normal)) (Q2R t))
      as [under | over].
    + apply (IHl _ _ _ L V). apply Forall_app; split; [exact K |].
      constructor; [rewrite opposite_value; lra | constructor].
    + apply (IHh _ _ _ C V). apply Forall_app; split; [exact K |].
      constructor; [rewrite plane_value; lra | constructor].
Qed.
End Check.
