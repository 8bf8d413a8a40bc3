(** The maximum of one test per sample, and three ways to lay it out in layers.

    [running]: a layer or more for each test, then one for its rise r = relu(g - m), where m + r is
    the new maximum; [overlapped]: the rise of a test stands in the first layer of the next one;
    [beside]: all tests at once, then a tree of maxima of two. What all of them compute is
    max(0, g_1, .., g_N), by [running_computes], [overlapped_computes], [beside_computes]. *)
From Coq Require Import List ZArith Reals Lra Lia Bool.
From Robmem Require Import Statement.
From Theorems Require Import Lines.
Import ListNotations.
Open Scope R_scope.

(** Lines that are written when they are needed: a layer is a list of such blocks. *)
Notation block := (unit -> list line).
Notation layer := (list block).
Definition lines (l : layer) : list line := concat (map (fun b => b tt) l).
Definition all_lines (ls : list layer) : list line := concat (map lines ls).

(** One test: its first layer from the address of the inputs, and the terms of bottom * g that
    come from its last layer; [height] times bottom is the rest of it. [breadth] is the number of
    lines of the first layer. *)
Record test := Test
  { breadth : Z; entering : bool -> Z -> list line; score : Z -> list (Z * Z); height : Z }.

(** What all tests share: further layers, each from the address of the one before, with their
    numbers of lines; how inputs are carried; the input that holds the budget, if any line reads
    it; the denominator of rises; what the budget takes away from it. *)
Record setting := Setting
  { later : list (Z * (Z -> list line)); dimension : list Z; lift : Z; lift_over : positive;
    budget_at : Z; bottom : positive; tilt : Z }.

Definition term_of (j w : Z) : list (Z * Z) := if Z.eqb w 0 then [] else [(j, w)].
Definition budget_term (s : setting) (w : Z) : list (Z * Z) := term_of (budget_at s) w.
Definition weigh (w : Z) (js : list Z) : list (Z * Z) := map (fun j => (j, w)) js.
Definition rise (s : setting) (t : test) (a : Z) (tops : list Z) : line :=
  Line (budget_term s (- (height t * tilt s)) ++ score t a ++ weigh (- Zpos (bottom s)) tops)
    (Zpos (bottom s) * height t) (bottom s).
Definition sum_line (js : list Z) : line := Line (weigh 1 js) 0 1.
Definition result (s : setting) (tops : list Z) : line :=
  Line (budget_term s (tilt s) ++ weigh (Zpos (bottom s)) tops) (- Zpos (bottom s)) (bottom s).

(** Inputs are carried as x + lift, then copied. *)
Fixpoint lifted (s : setting) (at_ : Z) (like : list Z) : list line :=
  match like with
  | [] => []
  | _ :: like => Line [(at_, Zpos (lift_over s))] (lift s) (lift_over s) :: lifted s (at_ + 1) like
  end.
Fixpoint copied (at_ : Z) (like : list Z) : list line :=
  match like with
  | [] => []
  | _ :: like => Line [(at_, 1%Z)] 0 1 :: copied (at_ + 1) like
  end.

(** Where things stand before a layer: inputs (not yet carried, if [fresh]), the units whose sum is
    the maximum, the number of the next unit. *)
Record place := Place { fresh : bool; inputs_at : Z; tops : list Z; next : Z }.
Definition is_empty {A} (l : list A) : bool := match l with [] => true | _ => false end.

Definition carry_block (s : setting) (p : place) : block :=
  fun _ => if fresh p then lifted s (inputs_at p) (dimension s) else copied (inputs_at p) (dimension s).
Definition stage_part (stage : option (Z * block)) : layer :=
  match stage with Some (_, f) => [f] | None => [] end.
Definition carry_part (s : setting) (carry : bool) (p : place) : layer :=
  if carry then [carry_block s p] else [].
Definition rise_part (s : setting) (riser : option (test * Z)) (p : place) : layer :=
  match riser with Some (t, a) => [fun _ => [rise s t a (tops p)]] | None => [] end.
Definition sum_part (kept : bool) (p : place) : layer :=
  if kept then [fun _ => [sum_line (tops p)]] else [].
Definition put_layer (s : setting) (stage : option (Z * block)) (carry : bool)
    (riser : option (test * Z)) (p : place) : layer * place :=
  let a := next p in
  let b := match stage with Some (k, _) => a + k | None => a end%Z in
  let c := if carry then (b + size (dimension s))%Z else b in
  let d := match riser with Some _ => c + 1 | None => c end%Z in
  let kept := negb (is_empty (tops p)) in
  (stage_part stage ++ carry_part s carry p ++ rise_part s riser p ++ sum_part kept p,
   Place false b
     ((match riser with Some _ => [c] | None => [] end) ++ (if kept then [d] else []))
     (if kept then d + 1 else d)%Z).

Fixpoint put_later (s : setting) (fs : list (Z * (Z -> list line))) (carry : bool) (before : Z)
    (p : place) : list layer * Z * place :=
  match fs with
  | [] => ([], before, p)
  | (k, f) :: fs =>
      let '(l, p') := put_layer s (Some (k, fun _ => f before)) carry None p in
      let '(ls, before', q) := put_later s fs carry (next p) p' in (l :: ls, before', q)
  end.

Definition put_test (s : setting) (t : test) (carry : bool) (riser : option (test * Z)) (p : place)
    : list layer * Z * place :=
  let '(l, p') :=
    put_layer s (Some (breadth t, fun _ => entering t (fresh p) (inputs_at p))) carry riser p in
  let '(ls, a, q) := put_later s (later s) carry (next p) p' in (l :: ls, a, q).

Fixpoint running (s : setting) (ts : list test) (p : place) : list layer * place :=
  match ts with
  | [] => ([], p)
  | t :: ts =>
      let carry := negb (is_empty ts) in
      let '(ls, a, p1) := put_test s t carry None p in
      let '(l, p2) := put_layer s None carry (Some (t, a)) p1 in
      let '(rest, q) := running s ts p2 in (ls ++ l :: rest, q)
  end.

Fixpoint overlapped (s : setting) (ts : list test) (pending : option (test * Z)) (p : place)
    : list layer * place :=
  match ts with
  | [] =>
      match pending with
      | None => ([], p)
      | Some _ => let '(l, q) := put_layer s None false pending p in ([l], q)
      end
  | t :: ts =>
      let '(ls, a, p1) := put_test s t (negb (is_empty ts)) pending p in
      let '(rest, q) := overlapped s ts (Some (t, a)) p1 in (ls ++ rest, q)
  end.

(** All tests at once. *)
Fixpoint enter_all (ts : list test) (first : Z) : layer * list (test * Z) * Z :=
  match ts with
  | [] => ([], [], first)
  | t :: ts =>
      let '(l, at_, last) := enter_all ts (first + breadth t) in
      ((fun _ => entering t true 0) :: l, (t, first) :: at_, last)
  end.
Fixpoint advance_all (k : Z) (f : Z -> list line) (at_ : list (test * Z)) (first : Z)
    : layer * list (test * Z) * Z :=
  match at_ with
  | [] => ([], [], first)
  | (t, a) :: at_ =>
      let '(l, at', last) := advance_all k f at_ (first + k) in
      ((fun _ => f a) :: l, (t, first) :: at', last)
  end.
Fixpoint later_all (fs : list (Z * (Z -> list line))) (at_ : list (test * Z)) (first : Z)
    : list layer * list (test * Z) * Z :=
  match fs with
  | [] => ([], at_, first)
  | (k, f) :: fs =>
      let '(l, at', last) := advance_all k f at_ first in
      let '(ls, at'', last') := later_all fs at' last in (l :: ls, at'', last')
  end.

(** A tree of maxima: a term is a list of units whose sum it is; a pair (a, b) becomes relu(a - b)
    and b, which add up to max(a, b). *)
Definition difference (a b : list Z) : line := Line (weigh 1 a ++ weigh (-1) b) 0 1.
Fixpoint level (terms : list (list Z)) : list line :=
  match terms with
  | a :: b :: terms => difference a b :: sum_line b :: level terms
  | [a] => [sum_line a]
  | [] => []
  end.
Fixpoint level_terms (terms : list (list Z)) (first : Z) : list (list Z) :=
  match terms with
  | _ :: _ :: terms => [first; first + 1]%Z :: level_terms terms (first + 2)
  | [_] => [[first]]
  | [] => []
  end.
Fixpoint tree {A} (fuel : list A) (terms : list (list Z)) (first : Z) : list layer * list Z :=
  match terms, fuel with
  | [], _ => ([], [])
  | [a], _ => ([], a)
  | _ :: _ :: _, [] => ([], [])
  | _ :: _ :: _, _ :: fuel =>
      let '(ls, top) := tree fuel (level_terms terms first) (first + size terms) in
      ([fun _ => level terms] :: ls, top)
  end.

Fixpoint one_each {A} (l : list A) (first : Z) : list (list Z) :=
  match l with
  | [] => []
  | _ :: l => [first] :: one_each l (first + 1)
  end.
(** All tests up to their rises, which are relu of each: unit first, first + 1, .. of what is returned. *)
Definition tested (s : setting) (ts : list test) (first : Z) : list layer * Z :=
  let '(l, at_, first1) := enter_all ts first in
  let '(ls, at', first2) := later_all (later s) at_ first1 in
  (l :: ls ++ [map (fun ta => fun _ => [rise s (fst ta) (snd ta) []]) at'], first2).
Definition beside (s : setting) (ts : list test) (first : Z) : list layer * list Z :=
  let '(ls, rises) := tested s ts first in
  let '(rest, top) := tree ts (one_each ts rises) (rises + size ts) in
  (ls ++ rest, top).

(** ** What they compute *)

Definition highest (gs : list R) : R := fold_right Rmax 0 gs.
Lemma highest_nonneg gs : 0 <= highest gs.
Proof. induction gs; simpl; [lra | apply Rle_trans with (1 := IHgs), Rmax_r]. Qed.
Lemma Rmax_plus m g : m + Rmax 0 (g - m) = Rmax m g.
Proof. unfold Rmax. repeat destruct (Rle_dec _ _); lra. Qed.

Lemma lines_cons b l : lines (b :: l) = b tt ++ lines l.
Proof. reflexivity. Qed.
Lemma lines_app a b : lines (a ++ b) = lines a ++ lines b.
Proof. unfold lines. rewrite map_app. apply concat_app. Qed.
Lemma all_lines_cons l ls : all_lines (l :: ls) = lines l ++ all_lines ls.
Proof. reflexivity. Qed.
Lemma all_lines_app a b : all_lines (a ++ b) = all_lines a ++ all_lines b.
Proof. unfold all_lines. rewrite map_app. apply concat_app. Qed.

Lemma weigh_value z w js : valued z (weigh w js) = IZR w * total (map z js).
Proof.
  induction js as [| j js IH]; simpl.
  - rewrite valued_nil. lra.
  - unfold weigh in *. simpl. rewrite valued_cons, IH. lra.
Qed.
Lemma term_value z j w : valued z (term_of j w) = IZR w * z j.
Proof.
  unfold term_of. destruct (Z.eqb_spec w 0) as [-> | N].
  - rewrite valued_nil. lra.
  - rewrite valued_cons, valued_nil. lra.
Qed.
Lemma budget_value s z w : valued z (budget_term s w) = IZR w * z (budget_at s).
Proof. apply term_value. Qed.
Lemma pos_real p : 0 < IZR (Zpos p).
Proof. apply IZR_lt. reflexivity. Qed.
Lemma pos_nonzero p : IZR (Zpos p) <> 0.
Proof. apply Rgt_not_eq, pos_real. Qed.
#[export] Hint Resolve pos_real pos_nonzero : core.

(** What a unit of the budget leaves of the labels: 1 where no line reads the budget. *)
Definition share (s : setting) (z : Z -> R) : R := 1 - IZR (tilt s) * z (budget_at s) / IZR (Zpos (bottom s)).
(** The value of a test, from what its score is. *)
Definition grade (s : setting) (z : Z -> R) (t : test) (v : R) : R :=
  share s z * IZR (height t) + v / IZR (Zpos (bottom s)).

Lemma rise_value s z t a js :
  line_value (rise s t a js) z = grade s z t (valued z (score t a)) - total (map z js).
Proof.
  unfold line_value, rise, grade, share. cbn [entries bias below].
  rewrite !valued_app, weigh_value, budget_value, !opp_IZR, !mult_IZR. field. auto.
Qed.
Lemma sum_value z js : line_value (sum_line js) z = total (map z js).
Proof. unfold line_value, sum_line. simpl entries. rewrite weigh_value. simpl. field. Qed.
Lemma result_value s z js :
  line_value (result s js) z = total (map z js) - share s z.
Proof.
  unfold line_value, result, share. cbn [entries bias below].
  rewrite valued_app, weigh_value, budget_value, opp_IZR. field. auto.
Qed.

Section Computes.
Variables (s : setting) (z : Z -> R).
(** z holds the inputs from this address on, as they are or lifted. *)
Variable stand : bool -> Z -> Prop.
Hypothesis stand_lifted : forall a b, stand true a -> solves b (lifted s a (dimension s)) z -> stand false b.
Hypothesis stand_copied : forall a b, stand false a -> solves b (copied a (dimension s)) z -> stand false b.

(** Further layers of a test, from the address of its first one to that of its last. *)
Fixpoint follows (fs : list (Z * (Z -> list line))) (a last : Z) : Prop :=
  match fs with
  | [] => last = a
  | (k, f) :: fs => size (f a) = k -> exists b, solves b (f a) z /\ follows fs b last
  end.
(** A test whose terms add up to v, wherever its lines are solved. *)
Definition gives (t : test) (v : R) : Prop :=
  forall f a b last, stand f a -> solves b (entering t f a) z -> follows (later s) b last ->
  valued z (score t last) = v.
Definition sizes_right (t : test) : Prop := forall f a, size (entering t f a) = breadth t.
Hypothesis later_sizes : Forall (fun kf => forall a, size (snd kf a) = fst kf) (later s).

Lemma lifted_size : forall like a, size (lifted s a like) = size like.
Proof. induction like as [| x like IH]; intro a; simpl; [reflexivity |]. rewrite !size_cons, IH. reflexivity. Qed.
Lemma copied_size : forall like a, size (copied a like) = size like.
Proof. induction like as [| x like IH]; intro a; simpl; [reflexivity |]. rewrite !size_cons, IH. reflexivity. Qed.
Lemma carry_size p : size (carry_block s p tt) = size (dimension s).
Proof. unfold carry_block. destruct (fresh p); [apply lifted_size | apply copied_size]. Qed.

Definition stage_right (stage : option (Z * block)) : Prop :=
  match stage with Some (k, f) => size (f tt) = k | None => True end.
Definition stage_solved (a : Z) (stage : option (Z * block)) : Prop :=
  match stage with Some (_, f) => solves a (f tt) z | None => True end.
Definition graded (riser : option (test * Z)) (m : R) : R :=
  match riser with Some (t, a) => Rmax m (grade s z t (valued z (score t a))) | None => m end.
Definition ready (carry : bool) (p : place) : Prop := carry = true -> stand (fresh p) (inputs_at p).

Lemma lines_one b : lines [b] = b tt.
Proof. unfold lines. simpl. apply app_nil_r. Qed.
Lemma size_single l : size (lines [fun _ => [l]]) = 1%Z.
Proof. reflexivity. Qed.

Lemma put_layer_solved stage carry riser p l p' m :
  put_layer s stage carry riser p = (l, p') -> stage_right stage ->
  total (map z (tops p)) = m -> 0 <= m -> ready carry p -> solves (next p) (lines l) z ->
  next p' = (next p + size (lines l))%Z /\ stage_solved (next p) stage /\ ready carry p'
  /\ total (map z (tops p')) = graded riser m.
Proof.
  unfold put_layer. intros E K M P S H. injection E as <- <-. cbn [next tops fresh inputs_at].
  rewrite !lines_app in *. rewrite !solves_app in H. destruct H as [H1 [H2 [H3 H4]]].
  rewrite !size_app.
  assert (A : (next p + size (lines (stage_part stage))
      = match stage with Some (k, _) => next p + k | None => next p end)%Z).
  { unfold stage_part. destruct stage as [[k f] |].
    - rewrite lines_one, K. lia.
    - change (size (lines [])) with 0%Z. lia. }
  set (b := match stage with Some (k, _) => (next p + k)%Z | None => next p end) in *.
  assert (B : size (lines (carry_part s carry p))
      = (if carry then size (dimension s) else 0)%Z).
  { unfold carry_part. destruct carry; [rewrite lines_one; apply carry_size | reflexivity]. }
  rewrite B in H3, H4. rewrite A in H2, H3, H4. rewrite B.
  assert (C : ready carry (Place false b [] 0)).
  { intros ->. simpl. specialize (S eq_refl). unfold carry_part in H2. rewrite lines_one in H2. unfold carry_block in H2.
    destruct (fresh p); [apply (stand_lifted _ _ S H2) | apply (stand_copied _ _ S H2)]. }
  assert (D : stage_solved (next p) stage).
  { unfold stage_part in H1. destruct stage as [[k f] |]; [rewrite lines_one in H1; exact H1 | exact I]. }
  set (c := if carry then (b + size (dimension s))%Z else b) in *.
  assert (Ec : (b + (if carry then size (dimension s) else 0))%Z = c) by (unfold c; destruct carry; lia).
  rewrite Ec in H3, H4.
  assert (F : is_empty (tops p) = false \/ (tops p = [] /\ m = 0)).
  { destruct (tops p); [right; simpl in M; auto | left; reflexivity]. }
  unfold rise_part, sum_part in *. destruct riser as [[t a] |].
  - rewrite size_single in *. rewrite lines_one in H3. cbn [solves] in H3.
    destruct H3 as [H3 _]. rewrite rise_value, M in H3.
    destruct F as [F | [F F0]].
    + rewrite F in H4 |- *. cbn [negb app] in H4 |- *. rewrite size_single. rewrite lines_one in H4.
      destruct H4 as [H4 _]. rewrite sum_value, M, (Rmax_right 0 m) in H4 by lra.
      split; [lia | split; [exact D | split; [exact C |]]].
      cbn [graded map]. rewrite H3, H4. unfold total. simpl. rewrite <- (Rmax_plus m). lra.
    + rewrite F. cbn [is_empty negb app]. change (size (lines [])) with 0%Z.
      split; [lia | split; [exact D | split; [exact C |]]].
      cbn [graded map]. rewrite H3. unfold total. simpl. rewrite <- (Rmax_plus m). lra.
  - change (size (lines [])) with 0%Z in *. cbn [app].
    destruct F as [F | [F F0]].
    + rewrite F in H4 |- *. cbn [negb app] in H4 |- *. rewrite size_single. rewrite lines_one in H4.
      destruct H4 as [H4 _]. rewrite sum_value, M, (Rmax_right 0 m) in H4 by lra.
      split; [lia | split; [exact D | split; [exact C |]]].
      cbn [graded map]. rewrite Z.add_0_r in H4. rewrite H4. unfold total. simpl. lra.
    + rewrite F. cbn [is_empty negb app]. change (size (lines [])) with 0%Z.
      split; [lia | split; [exact D | split; [exact C |]]].
      cbn [graded map]. unfold total. simpl. lra.
Qed.

Lemma put_later_solved : forall fs carry before p ls a q m, put_later s fs carry before p = (ls, a, q) ->
  Forall (fun kf => forall a, size (snd kf a) = fst kf) fs ->
  total (map z (tops p)) = m -> 0 <= m -> ready carry p -> solves (next p) (all_lines ls) z ->
  next q = (next p + size (all_lines ls))%Z /\ follows fs before a /\ ready carry q
  /\ total (map z (tops q)) = m.
Proof.
  induction fs as [| [k f] fs IH]; intros carry before p ls a q m E W M P S H; cbn [put_later] in E.
  - injection E as <- <- <-. change (size (all_lines [])) with 0%Z. rewrite Z.add_0_r. split; [reflexivity | split; [reflexivity | split; assumption]].
  - destruct (put_layer s (Some (k, fun _ => f before)) carry None p) as [l p'] eqn:L.
    destruct (put_later s fs carry (next p) p') as [[ls' a'] q'] eqn:E'. injection E as <- <- <-.
    rewrite all_lines_cons, solves_app in H. destruct H as [H1 H2].
    inversion W as [| ? ? W1 W2]; subst. simpl in W1.
    destruct (put_layer_solved _ _ _ _ _ _ _ L (W1 before) eq_refl P S H1) as [N [T [S' M']]].
    simpl in M'.
    destruct (IH carry (next p) p' ls' a' q' _ E' W2 M' P S') as [N' [F [S'' M'']]];
      [rewrite N; exact H2 |].
    rewrite all_lines_cons, size_app. split; [lia |]. split; [| split; assumption].
    simpl. intros _. exists (next p). split; [exact T | exact F].
Qed.

Lemma put_test_solved t carry riser p ls a q m v : put_test s t carry riser p = (ls, a, q) ->
  sizes_right t -> gives t v ->
  total (map z (tops p)) = m -> 0 <= m -> stand (fresh p) (inputs_at p) ->
  solves (next p) (all_lines ls) z ->
  next q = (next p + size (all_lines ls))%Z /\ valued z (score t a) = v /\ ready carry q
  /\ total (map z (tops q)) = graded riser m.
Proof.
  unfold put_test. intros E W G M P S H.
  destruct (put_layer s _ carry riser p) as [l p'] eqn:L.
  destruct (put_later s (later s) carry (next p) p') as [[ls' a'] q'] eqn:E'. injection E as <- <- <-.
  rewrite all_lines_cons, solves_app in H. destruct H as [H1 H2].
  destruct (put_layer_solved _ _ _ _ _ _ _ L (W _ _) M P (fun _ => S) H1) as [N [T [S' M']]].
  assert (P' : 0 <= graded riser m).
  { destruct riser as [[t' a0] |]; simpl; [apply Rle_trans with (1 := P), Rmax_l | exact P]. }
  destruct (put_later_solved _ _ _ _ _ _ _ _ E' later_sizes M' P' S') as [N' [F [S'' M'']]];
    [rewrite N; exact H2 |].
  rewrite all_lines_cons, size_app. split; [lia |]. split; [| split; assumption].
  exact (G _ _ _ _ S T F).
Qed.

Lemma Rmax_highest m gs : 0 <= m -> Rmax m (highest gs) = fold_left Rmax gs m.
Proof.
  revert m. induction gs as [| g gs IH]; intros m M; simpl.
  - apply Rmax_left, M.
  - rewrite <- IH by (apply Rle_trans with (1 := M), Rmax_l). rewrite Rmax_assoc. reflexivity.
Qed.

Definition grades (ts : list test) (vs : list R) : list R :=
  map (fun tv => grade s z (fst tv) (snd tv)) (combine ts vs).

Lemma running_computes : forall ts vs p ls q m, running s ts p = (ls, q) ->
  Forall sizes_right ts -> Forall2 gives ts vs ->
  total (map z (tops p)) = m -> 0 <= m -> (ts <> [] -> stand (fresh p) (inputs_at p)) ->
  solves (next p) (all_lines ls) z ->
  total (map z (tops q)) = Rmax m (highest (grades ts vs)).
Proof.
  induction ts as [| t ts IH]; intros vs p ls q m E W G M P S H; cbn [running] in E.
  - injection E as <- <-. simpl. rewrite Rmax_left by exact P. exact M.
  - inversion W as [| ? ? W1 W2]; subst. inversion G as [| ? v ? vs' G1 G2]; subst.
    destruct (put_test s t _ None p) as [[l1 a] p1] eqn:E1.
    destruct (put_layer s None _ (Some (t, a)) p1) as [l2 p2] eqn:E2.
    destruct (running s ts p2) as [rest q'] eqn:E3. injection E as <- <-.
    rewrite all_lines_app, all_lines_cons, !solves_app in H. destruct H as [H1 [H2 H3]].
    destruct (put_test_solved _ _ _ _ _ _ _ _ _ E1 W1 G1 eq_refl P (S ltac:(discriminate)) H1)
      as [N [V [S' M']]].
    simpl in M'. rewrite <- N in H2, H3.
    destruct (put_layer_solved _ _ _ _ _ _ _ E2 I M' P S' H2) as [N2 [_ [S2 M2]]].
    rewrite <- N2 in H3. simpl in M2. rewrite V in M2.
    rewrite (IH vs' p2 rest q' _ E3 W2 G2 M2); [| | | exact H3].
    + cbn [grades combine map highest fold_right fst snd]. rewrite Rmax_assoc. reflexivity.
    + apply Rle_trans with (1 := P), Rmax_l.
    + intro NE. apply S2. destruct ts; [congruence | reflexivity].
Qed.

Lemma overlapped_computes : forall ts vs pending p ls q m, overlapped s ts pending p = (ls, q) ->
  Forall sizes_right ts -> Forall2 gives ts vs ->
  total (map z (tops p)) = m -> 0 <= m -> (ts <> [] -> stand (fresh p) (inputs_at p)) ->
  solves (next p) (all_lines ls) z ->
  total (map z (tops q)) = Rmax (graded pending m) (highest (grades ts vs)).
Proof.
  induction ts as [| t ts IH]; intros vs pending p ls q m E W G M P S H; cbn [overlapped] in E.
  - assert (Q : 0 <= graded pending m).
    { destruct pending as [[t a] |]; simpl; [apply Rle_trans with (1 := P), Rmax_l | exact P]. }
    simpl. rewrite Rmax_left by exact Q. destruct pending as [pa |].
    + destruct (put_layer s None false (Some pa) p) as [l q'] eqn:L. injection E as <- <-.
      rewrite all_lines_cons in H. unfold all_lines in H. simpl in H. rewrite app_nil_r in H.
      assert (N : ready false p) by (intro X; discriminate X).
      destruct (put_layer_solved _ _ _ _ _ _ _ L I M P N H) as [_ [_ [_ M']]]. exact M'.
    + injection E as <- <-. exact M.
  - inversion W as [| ? ? W1 W2]; subst. inversion G as [| ? v ? vs' G1 G2]; subst.
    destruct (put_test s t _ pending p) as [[l1 a] p1] eqn:E1.
    destruct (overlapped s ts (Some (t, a)) p1) as [rest q'] eqn:E3. injection E as <- <-.
    rewrite all_lines_app, solves_app in H. destruct H as [H1 H3].
    destruct (put_test_solved _ _ _ _ _ _ _ _ _ E1 W1 G1 eq_refl P (S ltac:(discriminate)) H1)
      as [N [V [S' M']]].
    rewrite <- N in H3.
    rewrite (IH vs' _ p1 rest q' _ E3 W2 G2 M'); [| | | exact H3].
    + cbn [graded grades combine map highest fold_right fst snd]. rewrite V, Rmax_assoc. reflexivity.
    + destruct pending as [[t' a'] |]; simpl; [apply Rle_trans with (1 := P), Rmax_l | exact P].
    + intro NE. apply S'. destruct ts; [congruence | reflexivity].
Qed.

(** All at once. *)
Lemma enter_all_solved : forall ts vs first l at_ last, enter_all ts first = (l, at_, last) ->
  Forall sizes_right ts -> Forall2 gives ts vs -> stand true 0 -> solves first (lines l) z ->
  last = (first + size (lines l))%Z /\ map fst at_ = ts
  /\ Forall2 (fun ta v => forall b, follows (later s) (snd ta) b -> valued z (score (fst ta) b) = v) at_ vs.
Proof.
  induction ts as [| t ts IH]; intros vs first l at_ last E W G S H; simpl in E.
  - injection E as <- <- <-. inversion G; subst. change (size (lines [])) with 0%Z.
    split; [lia | split; constructor].
  - destruct (enter_all ts (first + breadth t)) as [[l' at'] last'] eqn:E'. injection E as <- <- <-.
    inversion W as [| ? ? W1 W2]; subst. inversion G as [| ? v ? vs' G1 G2]; subst.
    rewrite lines_cons, solves_app, W1 in H. destruct H as [H1 H2].
    destruct (IH _ _ _ _ _ E' W2 G2 S H2) as [N [T F]].
    rewrite lines_cons, size_app, W1. split; [lia |]. split; [simpl; f_equal; exact T |].
    constructor; [| exact F]. simpl. intros b B. exact (G1 _ _ _ _ S H1 B).
Qed.
Lemma advance_all_solved k f fs : (forall a, size (f a) = k) ->
  forall at_ vs first l at' last, advance_all k f at_ first = (l, at', last) ->
  Forall2 (fun ta v => forall b, follows ((k, f) :: fs) (snd ta) b -> valued z (score (fst ta) b) = v) at_ vs ->
  solves first (lines l) z ->
  last = (first + size (lines l))%Z /\ map fst at' = map fst at_
  /\ Forall2 (fun ta v => forall b, follows fs (snd ta) b -> valued z (score (fst ta) b) = v) at' vs.
Proof.
  intro K. induction at_ as [| [t a] at_ IH]; intros vs first l at' last E G H; simpl in E.
  - injection E as <- <- <-. inversion G; subst. change (size (lines [])) with 0%Z.
    split; [lia | split; constructor].
  - destruct (advance_all k f at_ (first + k)) as [[l' at''] last'] eqn:E'. injection E as <- <- <-.
    inversion G as [| ? v ? vs' G1 G2]; subst.
    rewrite lines_cons, solves_app, K in H. destruct H as [H1 H2].
    destruct (IH _ _ _ _ _ E' G2 H2) as [N [T F]].
    rewrite lines_cons, size_app, K. split; [lia |]. split; [simpl; f_equal; exact T |].
    constructor; [| exact F]. simpl. intros b B. apply G1. simpl. intros _. exists first.
    split; [exact H1 | exact B].
Qed.
Lemma later_all_solved : forall fs at_ vs first ls at' last, later_all fs at_ first = (ls, at', last) ->
  Forall (fun kf => forall a, size (snd kf a) = fst kf) fs ->
  Forall2 (fun ta v => forall b, follows fs (snd ta) b -> valued z (score (fst ta) b) = v) at_ vs ->
  solves first (all_lines ls) z ->
  last = (first + size (all_lines ls))%Z /\ map fst at' = map fst at_
  /\ Forall2 (fun ta v => valued z (score (fst ta) (snd ta)) = v) at' vs.
Proof.
  induction fs as [| [k f] fs IH]; intros at_ vs first ls at' last E W G H; simpl in E.
  - injection E as <- <- <-. change (size (all_lines [])) with 0%Z. split; [lia |]. split; [reflexivity |].
    clear - G. induction G as [| ta v at_ vs X G IH]; constructor; [apply X; reflexivity | exact IH].
  - destruct (advance_all k f at_ first) as [[l at1] last1] eqn:E1.
    destruct (later_all fs at1 last1) as [[ls2 at2] last2] eqn:E2. injection E as <- <- <-.
    inversion W as [| ? ? W1 W2]; subst. simpl in W1.
    rewrite all_lines_cons, solves_app in H. destruct H as [H1 H2].
    destruct (advance_all_solved _ _ _ W1 _ _ _ _ _ _ E1 G H1) as [N [T F]]. rewrite <- N in H2.
    destruct (IH _ _ _ _ _ _ E2 W2 F H2) as [N2 [T2 F2]].
    rewrite all_lines_cons, size_app. split; [lia |]. split; [congruence | exact F2].
Qed.

Definition sums (terms : list (list Z)) (vs : list R) : Prop :=
  Forall2 (fun js v => total (map z js) = v /\ 0 <= v) terms vs.
Lemma highest_cons v vs : highest (v :: vs) = Rmax v (highest vs).
Proof. reflexivity. Qed.
Lemma difference_value a b : line_value (difference a b) z = total (map z a) - total (map z b).
Proof.
  unfold line_value, difference. cbn [entries bias below]. rewrite valued_app, !weigh_value. field.
Qed.
Lemma level_solved : forall n terms vs first, (length terms <= n)%nat -> sums terms vs ->
  solves first (level terms) z ->
  exists ws, sums (level_terms terms first) ws /\ highest ws = highest vs.
Proof.
  induction n as [| n IH]; intros terms vs first L S H.
  - destruct terms; [| simpl in L; lia]. exists []. inversion S; subst. split; [constructor | reflexivity].
  - destruct terms as [| a [| b terms]].
    + exists []. inversion S; subst. split; [constructor | reflexivity].
    + inversion S as [| ? v ? vs' [V P] S']; subst. inversion S'; subst.
      simpl in H. destruct H as [H _]. rewrite sum_value, Rmax_right in H by exact P.
      exists [total (map z a)]. split; [| reflexivity]. constructor; [| constructor]. simpl.
      rewrite H. split; [lra | exact P].
    + inversion S as [| ? v ? vs1 [V P] S1]; subst. inversion S1 as [| ? w ? vs2 [W Q] S2]; subst.
      cbn [level solves] in H. destruct H as [H1 [H2 H3]].
      rewrite difference_value in H1. rewrite sum_value, Rmax_right in H2 by exact Q.
      destruct (IH terms vs2 (first + 2)%Z) as [ws [S3 E]];
        [simpl in L; lia | exact S2 | replace (first + 2)%Z with (first + 1 + 1)%Z by lia; exact H3 |].
      exists (Rmax (total (map z a)) (total (map z b)) :: ws). split.
      * cbn [level_terms]. constructor; [| exact S3]. simpl. rewrite H1, H2. split.
        -- unfold Rmax. repeat destruct (Rle_dec _ _); lra.
        -- apply Rle_trans with (1 := P), Rmax_l.
      * rewrite !highest_cons, E, Rmax_assoc. reflexivity.
Qed.
Lemma level_size : forall n terms, (length terms <= n)%nat -> size (level terms) = size terms.
Proof.
  induction n as [| n IH]; intros terms L.
  - destruct terms; [reflexivity | simpl in L; lia].
  - destruct terms as [| a [| b terms]]; [reflexivity | reflexivity |].
    cbn [level]. rewrite !size_cons, IH by (simpl in L; lia). reflexivity.
Qed.
Lemma level_terms_shorter : forall n terms first, (length terms <= n)%nat ->
  (2 * length (level_terms terms first) <= length terms + 1)%nat.
Proof.
  induction n as [| n IH]; intros terms first L.
  - destruct terms; [simpl; lia | simpl in L; lia].
  - destruct terms as [| a [| b terms]]; [simpl; lia | simpl; lia |].
    cbn [level_terms length]. specialize (IH terms (first + 2)%Z ltac:(simpl in L; lia)). lia.
Qed.
Lemma tree_solved {A} : forall (fuel : list A) terms vs first ls top, tree fuel terms first = (ls, top) ->
  (length terms <= length fuel)%nat -> sums terms vs -> solves first (all_lines ls) z ->
  terms <> [] -> total (map z top) = highest vs.
Proof.
  induction fuel as [| x fuel IH]; intros terms vs first ls top E L S H N.
  - destruct terms as [| a [| b terms]]; [congruence | simpl in L; lia | simpl in L; lia].
  - destruct terms as [| a [| b terms]]; [congruence | |].
    + simpl in E. injection E as <- <-. inversion S as [| ? v ? vs' [V P] S']; subst. inversion S'; subst.
      simpl. rewrite Rmax_left by exact P. reflexivity.
    + cbn [tree] in E. set (ts := a :: b :: terms) in *.
      destruct (tree fuel (level_terms ts first) (first + size ts)) as [ls' top'] eqn:E'.
      injection E as <- <-. rewrite all_lines_cons, solves_app in H. destruct H as [H1 H2].
      rewrite lines_one in H1, H2. change (solves first (level ts) z) in H1.
      change (solves (first + size (level ts)) (all_lines ls') z) in H2.
      rewrite (level_size _ ts (le_n _)) in H2.
      destruct (level_solved _ _ _ _ (le_n _) S H1) as [ws [S2 W]]. rewrite <- W.
      apply (IH _ _ _ _ _ E'); [| exact S2 | exact H2 | discriminate].
      pose proof (level_terms_shorter _ ts first (le_n _)). unfold ts in *. simpl in L, H |- *. lia.
Qed.

Lemma one_each_sums : forall ta vs first, 
  Forall2 (fun ta v => valued z (score (fst ta) (snd ta)) = v) ta vs ->
  solves first (lines (map (fun ta => fun _ => [rise s (fst ta) (snd ta) []]) ta)) z ->
  sums (one_each ta first) (map (Rmax 0) (grades (map fst ta) vs)).
Proof.
  induction ta as [| [t a] ta IH]; intros vs first G H.
  - inversion G; subst. constructor.
  - inversion G as [| ? v ? vs' G1 G2]; subst. cbn [map] in H. rewrite lines_cons in H.
    cbn [app solves] in H. destruct H as [H1 H2]. rewrite rise_value in H1. simpl in H1.
    unfold grades. cbn [map combine one_each]. constructor; [| apply IH; assumption].
    cbn [fst snd map total fold_right]. rewrite H1. unfold total. simpl. split; [| apply Rmax_l].
    rewrite Rminus_0_r. lra.
Qed.
Lemma highest_positive gs : highest (map (Rmax 0) gs) = highest gs.
Proof.
  induction gs as [| g gs IH]; simpl; [reflexivity |]. fold (highest (map (Rmax 0) gs)). rewrite IH.
  fold (highest gs). pose proof (highest_nonneg gs). unfold Rmax. repeat destruct (Rle_dec _ _); lra.
Qed.

Lemma one_each_of {A B} : forall (a : list A) (b : list B) first, length a = length b ->
  one_each a first = one_each b first.
Proof.
  induction a as [| x a IH]; intros [| y b] first L; try discriminate; [reflexivity |].
  simpl. f_equal. apply IH. simpl in L. congruence.
Qed.
Lemma one_each_length {A} : forall (a : list A) first, length (one_each a first) = length a.
Proof. induction a as [| x a IH]; intro first; simpl; [reflexivity |]. f_equal. apply IH. Qed.

Lemma tested_solved ts vs first ls rises : tested s ts first = (ls, rises) ->
  Forall sizes_right ts -> Forall2 gives ts vs -> stand true 0 -> solves first (all_lines ls) z ->
  (rises + size ts = first + size (all_lines ls))%Z
  /\ sums (one_each ts rises) (map (Rmax 0) (grades ts vs)).
Proof.
  unfold tested. intros E W G S H.
  destruct (enter_all ts first) as [[l at_] first1] eqn:E1.
  destruct (later_all (later s) at_ first1) as [[ls' at'] first2] eqn:E2.
  injection E as <- <-. rewrite all_lines_cons, all_lines_app in H |- *.
  unfold all_lines at 2 in H. unfold all_lines at 2. cbn [map concat] in H |- *. rewrite app_nil_r in H |- *.
  rewrite !solves_app in H. destruct H as [H1 [H2 H3]].
  destruct (enter_all_solved _ _ _ _ _ _ E1 W G S H1) as [N1 [T1 F1]]. rewrite <- N1 in H2, H3.
  destruct (later_all_solved _ _ _ _ _ _ _ E2 later_sizes F1 H2) as [N2 [T2 F2]].
  rewrite <- N2 in H3.
  assert (T : map fst at' = ts) by congruence.
  assert (L : length at' = length ts) by (rewrite <- T, map_length; reflexivity).
  pose proof (one_each_sums _ _ _ F2 H3) as U. rewrite T in U.
  rewrite (one_each_of at' ts) in U by exact L. split; [| exact U].
  assert (R : size (lines (map (fun ta => (fun _ : unit => [rise s (fst ta) (snd ta) []])) at')) = size ts).
  { unfold lines. rewrite map_map, !size_length. f_equal. rewrite <- L. clear. induction at'; simpl; congruence. }
  rewrite !size_app, R. lia.
Qed.
Lemma beside_computes ts vs first ls top : beside s ts first = (ls, top) -> ts <> [] ->
  Forall sizes_right ts -> Forall2 gives ts vs -> stand true 0 ->
  solves first (all_lines ls) z -> total (map z top) = highest (grades ts vs).
Proof.
  unfold beside. intros E N W G S H.
  destruct (tested s ts first) as [ls' rises] eqn:E1.
  destruct (tree ts (one_each ts rises) (rises + size ts)) as [rest top'] eqn:E2.
  injection E as <- <-. rewrite all_lines_app, solves_app in H. destruct H as [H1 H2].
  destruct (tested_solved _ _ _ _ _ E1 W G S H1) as [R U]. rewrite <- R in H2.
  rewrite <- highest_positive. apply (tree_solved _ _ _ _ _ _ E2); [rewrite one_each_length; lia | exact U | exact H2 |].
  destruct ts; [congruence | discriminate].
Qed.
End Computes.

(** The three layouts under one name. *)
Inductive layout := Running | Overlapped | Beside.
Definition lay (l : layout) (s : setting) (ts : list test) (first : Z) : list layer * list Z :=
  let start := Place true 0 [] first in
  match l with
  | Running => let '(ls, q) := running s ts start in (ls, tops q)
  | Overlapped => let '(ls, q) := overlapped s ts None start in (ls, tops q)
  | Beside => beside s ts first
  end.
Lemma lay_computes s z (stand : bool -> Z -> Prop) l ts vs first ls top :
  Forall (fun kf => forall a, size (snd kf a) = fst kf) (later s) ->
  (l <> Beside -> forall a b, stand true a -> solves b (lifted s a (dimension s)) z -> stand false b) ->
  (l <> Beside -> forall a b, stand false a -> solves b (copied a (dimension s)) z -> stand false b) ->
  lay l s ts first = (ls, top) -> ts <> [] -> Forall sizes_right ts ->
  Forall2 (gives s z stand) ts vs -> stand true 0%Z -> solves first (all_lines ls) z ->
  total (map z top) = highest (grades s z ts vs).
Proof.
  intros K SL SC E N W G S H. unfold lay in E.
  assert (none : total (map z (tops (Place true 0 [] first))) = 0) by reflexivity.
  destruct l.
  - destruct (running s ts (Place true 0 [] first)) as [ls' q] eqn:R. injection E as <- <-.
    rewrite (running_computes s z stand (SL ltac:(discriminate)) (SC ltac:(discriminate)) K
      ts vs _ _ _ 0 R W G none (Rle_refl 0) (fun _ => S) H).
    apply Rmax_right, highest_nonneg.
  - destruct (overlapped s ts None (Place true 0 [] first)) as [ls' q] eqn:R. injection E as <- <-.
    rewrite (overlapped_computes s z stand (SL ltac:(discriminate)) (SC ltac:(discriminate)) K
      ts vs None _ _ _ 0 R W G none (Rle_refl 0) (fun _ => S) H).
    apply Rmax_right, highest_nonneg.
  - apply (beside_computes s z stand K ts vs first ls top E N W G S H).
Qed.

(** Lemma 0 (running maximum): all tests at most y, one of them y. Order and repetition are of no
    importance. *)
Lemma running_maximum gs y : Forall (fun g => g <= y) gs -> In y gs -> 0 <= y -> highest gs = y.
Proof.
  intros B I P. apply Rle_antisym.
  - induction B as [| g gs G B IH]; simpl; [exact P |]. apply Rmax_lub; [exact G |].
    clear IH I. induction B; simpl; [exact P | apply Rmax_lub; assumption].
  - clear B. induction gs as [| g gs IH]; [destruct I |]. simpl. destruct I as [-> | I].
    + apply Rmax_l.
    + apply Rle_trans with (1 := IH I), Rmax_r.
Qed.
