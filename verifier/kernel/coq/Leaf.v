(** What a leaf does to a form: atoms, cuts and bounds are taken from it, units replaced by lines.

    What is known of a branch: the row of every unit with z_v = max(0, a_v), an interval of every
    a_v and of every input, and cuts. Nothing here depends on the order of the units, and nothing on
    what a bound is: a number, or for a family a function of m. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Bool.
From Robmem Require Import Statement Numbers Tries.
Import ListNotations.
Open Scope R_scope.

(** A row as it is kept: a long one as a trie too, of which it is known that it is the same sum. *)
Definition terms_value (ts : list (name * Z)) (z : valuation) : R :=
  total (map (fun t => IZR (snd t) * z (fst t)) ts).
Record kept := Kept
  { as_row :> row; spread : option (trie Z);
    spread_same : forall z t, spread = Some t -> dot_z t z = terms_value (terms as_row) z }.
Definition spread_terms (ts : list (name * Z)) : trie Z :=
  fold_right (fun t c => at_key (snd t) (fst t) c) Nil ts.
Lemma spread_terms_value ts z : dot_z (spread_terms ts) z = terms_value ts z.
Proof.
  unfold terms_value. induction ts as [| t ts IH]; simpl; [reflexivity |].
  rewrite dot_z_at_key, IH. lra.
Qed.
Definition is_long (ts : list (name * Z)) : bool :=
  match ts with _ :: _ :: _ :: _ :: _ :: _ :: _ :: _ :: _ => true | _ => false end.
Definition spread_row (r : row) : option (trie Z) :=
  if is_long (terms r) then Some (spread_terms (terms r)) else None.
Lemma spread_row_value r z t : spread_row r = Some t -> dot_z t z = terms_value (terms r) z.
Proof.
  unfold spread_row. destruct (is_long (terms r)); [| discriminate].
  intro E; injection E as <-. apply spread_terms_value.
Qed.
Definition keep_row (r : row) : kept := Kept r (spread_row r) (spread_row_value r).

Inductive info (B : Type) := Input (lo hi : B) | Unit (r : kept) (lo hi : B).
Arguments Input {B}. Arguments Unit {B}.
Definition env (B : Type) := trie (info B).
Definition meaning {B} (real : B -> R) (z : valuation) (v : name) (i : info B) : Prop :=
  match i with
  | Input lo hi => real lo <= z v <= real hi
  | Unit r lo hi => z v = Rmax 0 (value r z) /\ real lo <= value r z <= real hi
  end.
Definition valid {B} (real : B -> R) (e : env B) (z : valuation) : Prop :=
  forall v i, get v e = Some i -> meaning real z v i.

(** Forms: coefficients of variables, and a constant. Sums of rows, for atoms and cuts. *)
Definition form (B : Type) := (trie Q * B)%type.
Definition form_value {B} (real : B -> R) (f : form B) (z : valuation) : R :=
  dot (fst f) z + real (snd f).
Definition sum (B : Type) := (list (Q * row) * B)%type.
Definition sum_value {B} (real : B -> R) (s : sum B) (z : valuation) : R :=
  total (map (fun p => Q2R (fst p) * value (snd p) z) (fst s)) + real (snd s).

(** What the rules need of bounds: numbers [B] that mean real ones, a [view] of the branch, bounds
    [L] as lemmas state them. For a family B are affine functions of m. *)
Record rules (B V L : Type) := Rules
  { always : Q -> B; join : B -> B -> B; times : Q -> B -> B; view : env B -> option V;
    pick_slope : V -> bool -> bool -> B -> B -> Q; rest : V -> Q -> Q -> B -> B -> B;
    tighter : V -> bool -> B -> B -> B; apart : V -> B -> B -> bool; stated : V -> L -> B;
    divides : V -> name -> Q -> bool }.
Arguments always {B V L}. Arguments join {B V L}. Arguments times {B V L}. Arguments view {B V L}.
Arguments pick_slope {B V L}. Arguments rest {B V L}. Arguments tighter {B V L}.
Arguments apart {B V L}. Arguments stated {B V L}. Arguments divides {B V L}.

(** They do what they should at the point z; [good] is what a view says of it. *)
Record lawful {B V L} (o : rules B V L) (real : B -> R) (z : valuation) (good : V -> Prop) : Prop :=
  { always_real : forall q, real (always o q) = Q2R q;
    join_real : forall a b, real (join o a b) = real a + real b;
    times_real : forall q a, real (times o q a) = Q2R q * real a;
    view_good : forall e w, view o e = Some w -> valid real e z -> good w;
    rest_sound : forall w q s lo hi a, good w -> 0 <= Q2R s <= 1 -> real lo <= a <= real hi ->
      real (rest o w q s lo hi) <= Q2R q * (Rmax 0 a - Q2R s * a);
    tighter_one : forall w up b b', tighter o w up b b' = b \/ tighter o w up b b' = b';
    apart_sound : forall w lo hi, good w -> apart o w lo hi = true -> real hi < real lo }.

Definition in_unit (s : Q) : bool := nonneg s && leq s one.
Lemma in_unit_true s : in_unit s = true -> 0 <= Q2R s <= 1.
Proof.
  unfold in_unit. intro H. apply andb_true_iff in H as [H0 H1].
  apply nonneg_true in H0. apply leq_true in H1. rewrite one_real in H1. split; assumption.
Qed.

Fixpoint add_terms (q : Q) (ts : list (name * Z)) (c : trie Q) : trie Q :=
  match ts with
  | [] => c
  | t :: rest => add_terms q rest (plus_times (snd t) q (fst t) c)
  end.
Lemma add_terms_value q ts z : forall c,
  dot (add_terms q ts c) z = dot c z + Q2R q * total (map (fun t => IZR (snd t) * z (fst t)) ts).
Proof.
  induction ts as [| t ts IH]; intro c; simpl; [lra |].
  rewrite IH, dot_plus_times; lra.
Qed.

(** The same number, over the denominator of what is there, so that sums need no common one. *)
Definition alike (q : Q) (r : row) (c : trie Q) : Q :=
  match terms r with
  | [] => q
  | t :: _ => match get (fst t) c with Some p => align (Qden p) q | None => q end
  end.
Lemma alike_real q r c : Q2R (alike q r c) = Q2R q.
Proof.
  unfold alike. destruct (terms r) as [| t ts]; [reflexivity |].
  destruct (get (fst t) c); [apply align_real | reflexivity].
Qed.

(** A goal in rows: sums, and whether each is strict. *)
Definition goal (B : Type) := list (sum B * bool).
Definition met {B} (real : B -> R) (z : valuation) (g : goal B) : Prop :=
  Forall (fun a => below (snd a) 0 (sum_value real (fst a) z)) g.

(** What proofs name: leaves, and weights of directions for sums of ridge functions. *)
Definition direction := list (name * Q).
Record weighted_direction := Weighted { ray : direction; share : Q; selberg : Q }.
Record leaf := LeafOf
  { atoms : list (nat * Q); slopes : list (name * Q); bounds : list (name * Q);
    cuts : list (nat * Q); box : list (name * Q); usual : bool;
    ridge : option (Q * option nat) }.
Definition name_slopes (ss : list (name * Q)) : option (trie Q) :=
  fold_left
    (fun t s => match t with
      | Some t => if in_unit (snd s) then Some (put (fst s) (snd s) t) else None
      | None => None
      end) ss (Some Nil).

Section Forms.
Context {B V L : Type} (o : rules B V L).

Definition add_row (q : Q) (r : row) (f : form B) : form B :=
  let q := alike (over q (denominator r)) r (fst f) in
  (add_terms q (terms r) (fst f), join o (snd f) (always o (scale (constant r) q))).
(** The same of a row that is kept. *)
Definition add_kept (q : Q) (r : kept) (f : form B) : form B :=
  match spread r with
  | None => add_row q r f
  | Some t =>
      let q := alike (over q (denominator r)) r (fst f) in
      (plus_row q t (fst f), join o (snd f) (always o (scale (constant r) q)))
  end.
Fixpoint add_rows (y : Q) (ps : list (Q * row)) (f : form B) : form B :=
  match ps with
  | [] => f
  | p :: rest => add_rows y rest (add_row (mul y (fst p)) (snd p) f)
  end.
Definition add_sum (y : Q) (s : sum B) (f : form B) : form B :=
  let f := add_rows y (fst s) f in (fst f, join o (snd f) (times o y (snd s))).

(** The form that is at most zero where the goal holds, and whether it is below zero. *)
Fixpoint take_atoms (g : goal B) (ys : list (nat * Q)) (f : form B) (sharp : bool)
    : option (form B * bool) :=
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
Fixpoint take_cuts (known : list (sum B)) (ys : list (nat * Q)) (f : form B) : option (form B) :=
  match ys with
  | [] => Some f
  | (i, y) :: ys =>
      match nth_error known i with
      | Some s => if nonneg y then take_cuts known ys (add_sum (neg y) s f) else None
      | None => None
      end
  end.
Fixpoint take_bounds (e : env B) (ys : list (name * Q)) (f : form B) : option (form B) :=
  match ys with
  | [] => Some f
  | (v, y) :: ys =>
      match get v e with
      | Some (Unit r lo hi) =>
          let f := add_kept (neg y) r f in
          take_bounds e ys (fst f, join o (snd f) (times o y (if nonneg y then lo else hi)))
      | _ => None
      end
  end.
Fixpoint take_box (e : env B) (ys : list (name * Q)) (f : form B) : option (form B) :=
  match ys with
  | [] => Some f
  | (v, y) :: ys =>
      match get v e with
      | Some (Input lo hi) =>
          take_box e ys
            (plus (neg y) v (fst f), join o (snd f) (times o y (if nonneg y then lo else hi)))
      | _ => None
      end
  end.

(** Replaces unit after unit, the largest name first, by its line; [keep] names those that stay. *)
Fixpoint clear (keep : name -> bool) (fuel : list name) (w : V) (e : env B) (named : trie Q)
    (usual : bool) (c : trie Q) (k : B) (ins : trie Q) : option (form B) :=
  match pop c with
  | None => Some (ins, k)
  | Some (v, q, c) =>
      match fuel with
      | [] => None
      | _ :: fuel =>
          if keep v then clear keep fuel w e named usual c k (plus q v ins)
          else if is_zero q then clear keep fuel w e named usual c k ins
          else
            match get v e with
            | None => None
            | Some (Input _ _) => clear keep fuel w e named usual c k (plus q v ins)
            | Some (Unit r lo hi) =>
                let s := match get v named with
                  | Some s => s | None => pick_slope o w usual (nonneg q) lo hi end in
                if in_unit s then
                  let k := join o k (rest o w q s lo hi) in
                  if is_zero s then clear keep fuel w e named usual c k ins
                  else
                    let f := add_kept (mul q s) r (c, k) in
                    clear keep fuel w e named usual (fst f) (snd f) ins
                else None
            end
      end
  end.

Variables (real : B -> R) (z : valuation) (good : V -> Prop).
Hypothesis law : lawful o real z good.

Lemma add_row_value q r f : form_value real (add_row q r f) z = form_value real f z + Q2R q * value r z.
Proof.
  unfold form_value, add_row, value. cbn [fst snd].
  rewrite (join_real _ _ _ _ law), (always_real _ _ _ _ law), add_terms_value, scale_real, alike_real, over_real.
  field; auto.
Qed.
Lemma add_kept_value q r f : form_value real (add_kept q r f) z = form_value real f z + Q2R q * value r z.
Proof.
  unfold add_kept. pose proof (spread_same r z) as S. destruct (spread r) as [t |]; [| apply add_row_value].
  specialize (S t eq_refl). unfold terms_value in S. unfold form_value, value. cbn [fst snd].
  rewrite (join_real _ _ _ _ law), (always_real _ _ _ _ law), dot_plus_row, S, scale_real, alike_real, over_real.
  field; auto.
Qed.
Lemma add_rows_value y ps : forall f,
  form_value real (add_rows y ps f) z
  = form_value real f z + Q2R y * total (map (fun p => Q2R (fst p) * value (snd p) z) ps).
Proof.
  induction ps as [| p ps IH]; intro f; simpl; [lra |].
  rewrite IH, add_row_value, mul_real; lra.
Qed.
Lemma add_sum_value y s f :
  form_value real (add_sum y s f) z = form_value real f z + Q2R y * sum_value real s z.
Proof.
  pose proof (add_rows_value y (fst s) f) as H. unfold add_sum, sum_value.
  unfold form_value in *. cbn [fst snd].
  rewrite (join_real _ _ _ _ law), (times_real _ _ _ _ law). lra.
Qed.

Lemma take_atoms_sound g : met real z g -> forall ys f sharp f' sharp',
  take_atoms g ys f sharp = Some (f', sharp') ->
  below sharp (form_value real f z) 0 -> below sharp' (form_value real f' z) 0.
Proof.
  intro M. induction ys as [| [i y] ys IH]; intros f sharp f' sharp'; cbn [take_atoms].
  - intro E; injection E as <- <-. trivial.
  - destruct (nth_error g i) as [[s strict] |] eqn:N; [| discriminate].
    destruct (nonneg y) eqn:Y; [| discriminate]. apply nonneg_true in Y.
    intros E H. refine (IH _ _ _ _ E _). rewrite add_sum_value, neg_real.
    apply nth_error_In in N. unfold met in M. rewrite Forall_forall in M.
    specialize (M _ N). simpl in M. unfold below in *.
    assert (weak : 0 <= Q2R y * sum_value real s z)
      by (apply Rmult_le_pos; [exact Y | destruct strict; lra]).
    destruct sharp; simpl; [lra |]. destruct strict; simpl; [| lra].
    destruct (positive_q y) eqn:P; [| lra]. apply positive_true in P.
    assert (0 < Q2R y * sum_value real s z) by (apply Rmult_lt_0_compat; assumption). lra.
Qed.

Lemma take_cuts_sound known : Forall (fun s => 0 <= sum_value real s z) known -> forall ys f f',
  take_cuts known ys f = Some f' -> form_value real f' z <= form_value real f z.
Proof.
  intro K. induction ys as [| [i y] ys IH]; intros f f'; cbn [take_cuts].
  - intro E; injection E as <-. lra.
  - destruct (nth_error known i) as [s |] eqn:N; [| discriminate].
    destruct (nonneg y) eqn:Y; [| discriminate]. apply nonneg_true in Y.
    intro E. apply IH in E. rewrite add_sum_value, neg_real in E.
    apply nth_error_In in N. rewrite Forall_forall in K. specialize (K _ N).
    assert (0 <= Q2R y * sum_value real s z) by (apply Rmult_le_pos; assumption). lra.
Qed.

Lemma end_sound y lo hi a :
  real lo <= a <= real hi -> real (times o y (if nonneg y then lo else hi)) <= Q2R y * a.
Proof.
  intro H. rewrite (times_real _ _ _ _ law). destruct (nonneg y) eqn:Y.
  - apply nonneg_true in Y. apply Rmult_le_compat_l; lra.
  - apply nonneg_false in Y.
    assert (- Q2R y * a <= - Q2R y * real hi) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Lemma take_bounds_sound e : valid real e z -> forall ys f f',
  take_bounds e ys f = Some f' -> form_value real f' z <= form_value real f z.
Proof.
  intro Va. induction ys as [| [v y] ys IH]; intros f f'; cbn [take_bounds].
  - intro E; injection E as <-. lra.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    intro E. apply IH in E. destruct (Va _ _ G) as [_ H].
    pose proof (add_kept_value (neg y) r f) as A. pose proof (end_sound y lo hi _ H) as S.
    unfold form_value in *. cbn [fst snd] in E.
    rewrite (join_real _ _ _ _ law) in E. rewrite neg_real in A. lra.
Qed.

Lemma take_box_sound e : valid real e z -> forall ys f f',
  take_box e ys f = Some f' -> form_value real f' z <= form_value real f z.
Proof.
  intro Va. induction ys as [| [v y] ys IH]; intros f f'; cbn [take_box].
  - intro E; injection E as <-. lra.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    intro E. apply IH in E. pose proof (Va _ _ G) as H. simpl in H.
    pose proof (end_sound y lo hi _ H) as S.
    unfold form_value in *. cbn [fst snd] in E.
    rewrite (join_real _ _ _ _ law), dot_plus, neg_real in E. lra.
Qed.

Lemma clear_sound keep w e named usual : good w -> valid real e z -> forall fuel c k ins f,
  clear keep fuel w e named usual c k ins = Some f ->
  form_value real f z <= dot c z + real k + dot ins z.
Proof.
  intros W Va. induction fuel as [| n fuel IH]; intros c k ins f; cbn [clear];
    pose proof (dot_pop c z) as P; destruct (pop c) as [[[v q] c'] |]; try discriminate.
  1,3: intro E; injection E as <-; unfold form_value; simpl; lra.
  destruct (keep v); [intro E; apply IH in E; rewrite dot_plus in E; lra |].
  destruct (is_zero q) eqn:Z.
  - intro E. apply IH in E. apply is_zero_real in Z. rewrite Z in P. lra.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; [| | discriminate].
    + intro E. apply IH in E. rewrite dot_plus in E. lra.
    + set (s := match get v named with Some s => s | None => _ end).
      destruct (in_unit s) eqn:S; [| discriminate]. apply in_unit_true in S.
      destruct (Va _ _ G) as [Hz Ha].
      pose proof (rest_sound _ _ _ _ law w q s lo hi _ W S Ha) as H.
      destruct (is_zero s) eqn:S0.
      * intro E. apply IH in E. rewrite (join_real _ _ _ _ law) in E. apply is_zero_real in S0.
        rewrite S0 in H. rewrite P, Hz. lra.
      * intro E. apply IH in E.
        pose proof (add_kept_value (mul q s) r (c', join o k (rest o w q s lo hi))) as A.
        unfold form_value in *. cbn [fst snd] in A.
        rewrite (join_real _ _ _ _ law), mul_real in A. rewrite P, Hz. lra.
Qed.
End Forms.
