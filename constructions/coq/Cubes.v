(** Theorem 4.8 (Yu, Gao, Zhang): memorization on balls of the L-infinity norm.

    The test of sample i is g_i(x) = y_i - K sum_k (relu(x_k - x_ik - mu) + relu(x_ik - mu - x_k)),
    K = y_max / (lambda - 2 mu). The sum is 0 on ball i, and at least lambda - 2 mu on the ball of a
    sample with another label. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data.
Import ListNotations.
Open Scope R_scope.

(** ** The lines *)

(** Numbers of the lines, over a common denominator: what a coordinate is multiplied with, the
    radius (rad + rad_slope * budget, if the budget is an input), by how much carried inputs are
    lifted; and the weight of an exceedance in a rise. *)
Record cube := Cube
  { common : positive; factor : Z; rad : Z; rad_slope : Z; shift : Z; budget_input : Z; steep : Z }.

Definition reads_one (c : cube) (f : bool) (a w : Z) : list (Z * Z) :=
  let b := term_of (budget_input c) (- rad_slope c) in
  if f then (a, w) :: b else b ++ [(a, w)].
Fixpoint above (c : cube) (f : bool) (a : Z) (p : list Z) : list line :=
  match p with
  | [] => []
  | x :: p =>
      Line (reads_one c f a (Zpos (common c)))
        (- (x * factor c) - rad c - (if f then 0 else shift c)) (common c)
      :: above c f (a + 1) p
  end.
Fixpoint under (c : cube) (f : bool) (a : Z) (p : list Z) : list line :=
  match p with
  | [] => []
  | x :: p =>
      Line (reads_one c f a (Zneg (common c)))
        (x * factor c - rad c + (if f then 0 else shift c)) (common c)
      :: under c f (a + 1) p
  end.
(** One term for every coordinate, from an address on. *)
Fixpoint span (a : Z) (p : list Z) (w : Z) : list (Z * Z) :=
  match p with
  | [] => []
  | _ :: p => (a, w) :: span (a + 1) p w
  end.
Definition cube_test (c : cube) (s : list Z * Z) : test :=
  let p := fst s in
  Test (2 * size p) (fun f a => above c f a p ++ under c f a p)
    (fun a => span a p (- steep c) ++ span (a + size p) p (- steep c)) (snd s + 1).

(** ** What they compute *)

Lemma span_solved z w : forall p a ls, solves a ls z -> length ls = length p ->
  valued z (span a p w) = IZR w * total (map (fun l => Rmax 0 (line_value l z)) ls).
Proof.
  induction p as [| x p IH]; intros a [| l ls] S L; try discriminate; simpl.
  - rewrite valued_nil. lra.
  - destruct S as [S1 S2]. rewrite valued_cons, S1, (IH _ ls S2) by (simpl in L; congruence).
    unfold total. simpl. lra.
Qed.
Lemma above_length c f : forall p a, length (above c f a p) = length p.
Proof. induction p as [| x p IH]; intro a; simpl; [reflexivity |]. f_equal. apply IH. Qed.
Lemma under_length c f : forall p a, length (under c f a p) = length p.
Proof. induction p as [| x p IH]; intro a; simpl; [reflexivity |]. f_equal. apply IH. Qed.
Lemma above_size c f a p : size (above c f a p) = size p.
Proof. rewrite !size_length, above_length. reflexivity. Qed.
Lemma under_size c f a p : size (under c f a p) = size p.
Proof. rewrite !size_length, under_length. reflexivity. Qed.
Lemma cube_sizes c s : sizes_right (cube_test c s).
Proof. intros f a. cbn [cube_test entering breadth]. rewrite size_app, above_size, under_size. lia. Qed.

(** The inputs x, plus off, stand at these addresses. *)
Fixpoint stands (z : Z -> R) (a : Z) (x : list R) (off : R) : Prop :=
  match x with
  | [] => True
  | t :: x => z a = t + off /\ stands z (a + 1) x off
  end.

(** By how much the cube of radius mu about p is left, in all coordinates together. *)
Definition beyond (mu : R) (t : R) : R := Rmax 0 (t - mu) + Rmax 0 (- t - mu).
Definition excess (mu : R) (x p : list R) : R := total (gaps (beyond mu) x p).

Section Lines.
Variables (D : data) (c : cube) (z : Z -> R) (mu off : R).
Hypothesis scale_right : IZR (factor c) / IZR (Zpos (common c)) = 1 / IZR (Zpos (over D)).
Hypothesis shift_right : IZR (shift c) / IZR (Zpos (common c)) = off.
Hypothesis radius_right :
  (IZR (rad c) + IZR (rad_slope c) * z (budget_input c)) / IZR (Zpos (common c)) = mu.

Lemma reads_one_value f a w :
  valued z (reads_one c f a w) = IZR w * z a - IZR (rad_slope c) * z (budget_input c).
Proof.
  unfold reads_one. destruct f.
  - rewrite valued_cons, term_value, opp_IZR. lra.
  - rewrite valued_app, term_value, valued_cons, valued_nil, opp_IZR. lra.
Qed.

Lemma one_above (f : bool) a x t : z a = t + (if f then 0 else off) ->
  line_value (Line (reads_one c f a (Zpos (common c)))
    (- (x * factor c) - rad c - (if f then 0 else shift c)) (common c)) z = t - real D x - mu.
Proof.
  intro H. unfold line_value. cbn [entries bias below]. rewrite reads_one_value, H.
  rewrite !minus_IZR, opp_IZR, mult_IZR. unfold real.
  replace (IZR x / IZR (Zpos (over D))) with (IZR x * (IZR (factor c) / IZR (Zpos (common c))))
    by (rewrite scale_right; field; auto).
  rewrite <- radius_right, <- shift_right. destruct f; field; auto.
Qed.
Lemma one_under (f : bool) a x t : z a = t + (if f then 0 else off) ->
  line_value (Line (reads_one c f a (Zneg (common c)))
    (x * factor c - rad c + (if f then 0 else shift c)) (common c)) z = - (t - real D x) - mu.
Proof.
  intro H. unfold line_value. cbn [entries bias below]. rewrite reads_one_value, H.
  rewrite plus_IZR, minus_IZR, mult_IZR. unfold real.
  change (IZR (Zneg (common c))) with (- IZR (Zpos (common c))).
  replace (IZR x / IZR (Zpos (over D))) with (IZR x * (IZR (factor c) / IZR (Zpos (common c))))
    by (rewrite scale_right; field; auto).
  rewrite <- radius_right, <- shift_right. destruct f; field; auto.
Qed.

Lemma above_values (f : bool) : forall p x a, stands z a x (if f then 0 else off) -> length x = length p ->
  map (fun l => Rmax 0 (line_value l z)) (above c f a p)
  = gaps (fun t => Rmax 0 (t - mu)) x (point D p).
Proof.
  induction p as [| v p IH]; intros [| t x] a S L; try discriminate; [reflexivity |].
  destruct S as [S1 S2]. cbn [above map]. rewrite (one_above f a v t S1).
  rewrite (IH x (a + 1)%Z S2) by (simpl in L; congruence). reflexivity.
Qed.
Lemma under_values (f : bool) : forall p x a, stands z a x (if f then 0 else off) -> length x = length p ->
  map (fun l => Rmax 0 (line_value l z)) (under c f a p)
  = gaps (fun t => Rmax 0 (- t - mu)) x (point D p).
Proof.
  induction p as [| v p IH]; intros [| t x] a S L; try discriminate; [reflexivity |].
  destruct S as [S1 S2]. cbn [under map]. rewrite (one_under f a v t S1).
  rewrite (IH x (a + 1)%Z S2) by (simpl in L; congruence). reflexivity.
Qed.
Lemma two_sides : forall x p, total (gaps (fun t => Rmax 0 (t - mu)) x p)
  + total (gaps (fun t => Rmax 0 (- t - mu)) x p) = excess mu x p.
Proof.
  unfold excess, gaps, total. induction x as [| t x IH]; intros [| v p]; simpl; try lra.
  specialize (IH p). unfold beyond in *. lra.
Qed.

Lemma cube_gives s x (later : list (Z * (Z -> list line))) st : Layouts.later st = [] ->
  length x = length (fst s) ->
  gives st z (fun (f : bool) a => stands z a x (if f then 0 else off)) (cube_test c s)
    (- (IZR (steep c) * excess mu x (point D (fst s)))).
Proof.
  intros N L f a b last S H F. rewrite N in F. simpl in F. subst last.
  cbn [cube_test entering score] in *. rewrite solves_app, above_size in H. destruct H as [H1 H2].
  rewrite valued_app.
  rewrite (span_solved _ _ _ _ _ H1 (above_length _ _ _ _)).
  rewrite (span_solved _ _ _ _ _ H2 (under_length _ _ _ _)).
  rewrite (above_values f _ x a S L), (under_values f _ x a S L), opp_IZR, <- two_sides. lra.
Qed.
End Lines.

(** ** What they read *)
Section Reads.
Variables (c : cube).
Hypothesis budget_there : (0 <= budget_input c)%Z.
Lemma reads_one_within f a w bound : (0 <= a < bound)%Z -> (budget_input c < bound)%Z ->
  between 0 bound (reads_one c f a w).
Proof.
  intros A B. unfold reads_one, term_of.
  destruct f; destruct (Z.eqb (- rad_slope c) 0); repeat constructor; simpl; lia.
Qed.
Lemma above_reads f bound : (budget_input c < bound)%Z -> forall p a, (0 <= a)%Z ->
  (a + size p <= bound)%Z -> reads_below bound (above c f a p).
Proof.
  intro B. induction p as [| x p IH]; intros a A N; simpl; [constructor |]. rewrite size_cons in N.
  pose proof (size_nonneg p). constructor; [apply reads_one_within; lia | apply IH; lia].
Qed.
Lemma under_reads f bound : (budget_input c < bound)%Z -> forall p a, (0 <= a)%Z ->
  (a + size p <= bound)%Z -> reads_below bound (under c f a p).
Proof.
  intro B. induction p as [| x p IH]; intros a A N; simpl; [constructor |]. rewrite size_cons in N.
  pose proof (size_nonneg p). constructor; [apply reads_one_within; lia | apply IH; lia].
Qed.
Lemma span_reads bound w : forall p a, (0 <= a)%Z -> (a + size p <= bound)%Z ->
  between 0 bound (span a p w).
Proof.
  induction p as [| x p IH]; intros a A N; simpl; [constructor |]. rewrite size_cons in N.
  pose proof (size_nonneg p). constructor; [simpl; lia | apply IH; lia].
Qed.
Lemma cube_reads st s : later st = [] -> budget_at st = budget_input c ->
  size (dimension st) = size (fst s) -> test_reads st (cube_test c s).
Proof.
  intros N B L. split.
  - intros f a bound A W U. rewrite B in U. cbn [cube_test entering]. rewrite L in W.
    apply reads_below_app; [apply above_reads | apply under_reads]; assumption.
  - rewrite N. cbn [stages_read cube_test breadth score]. intros a bound A W.
    pose proof (size_nonneg (fst s)). apply between_app; apply span_reads; lia.
Qed.
End Reads.

(** ** Distances *)
Lemma total_nonneg_gaps f : (forall t, 0 <= f t) -> forall x p, 0 <= total (gaps f x p).
Proof.
  intros F. unfold gaps, total. induction x as [| t x IH]; intros [| v p]; simpl; try lra.
  specialize (IH p). specialize (F (t - v)). lra.
Qed.
Lemma beyond_nonneg mu t : 0 <= beyond mu t.
Proof. unfold beyond. pose proof (Rmax_l 0 (t - mu)). pose proof (Rmax_l 0 (- t - mu)). lra. Qed.
Lemma excess_nonneg mu x p : 0 <= excess mu x p.
Proof. apply total_nonneg_gaps, beyond_nonneg. Qed.
Lemma excess_inside mu : forall x p, Forall (fun t => t <= mu) (gaps Rabs x p) -> excess mu x p = 0.
Proof.
  unfold excess, gaps, total. induction x as [| t x IH]; intros [| v p] F; simpl; try reflexivity.
  simpl in F. inversion F as [| ? ? F1 F2]; subst. rewrite (IH p F2). unfold beyond.
  pose proof (Rle_abs (t - v)). pose proof (Rle_abs (- (t - v))) as N. rewrite Rabs_Ropp in N.
  rewrite !Rmax_left by lra. lra.
Qed.
Lemma excess_far lambda mu : forall x q p, length x = length q -> length q = length p ->
  Forall (fun t => t <= mu) (gaps Rabs x q) -> Exists (fun t => lambda <= t) (gaps Rabs q p) ->
  lambda - 2 * mu <= excess mu x p.
Proof.
  unfold excess. induction x as [| t x IH]; intros [| u q] [| v p] L M F E; try discriminate;
    [inversion E |]. unfold gaps, total in *. simpl in *.
  inversion F as [| ? ? F1 F2]; subst. inversion E as [? ? E1 | ? ? E1]; subst.
  - pose proof (excess_nonneg mu x p) as P. unfold excess, gaps, total in P.
    assert (lambda - 2 * mu <= beyond mu (t - v)); [| lra]. unfold beyond.
    pose proof (Rmax_l 0 (t - v - mu)). pose proof (Rmax_l 0 (- (t - v) - mu)).
    pose proof (Rmax_r 0 (t - v - mu)). pose proof (Rmax_r 0 (- (t - v) - mu)).
    revert F1 E1. unfold Rabs. repeat destruct (Rcase_abs _); lra.
  - pose proof (beyond_nonneg mu (t - v)).
    specialize (IH q p ltac:(congruence) ltac:(congruence) F2 E1). lra.
Qed.

(** ** The construction *)

Definition smaller_of (a b : Z) : Z := if Z.leb a b then a else b.
Definition larger_of (a b : Z) : Z := if Z.leb a b then b else a.
Definition least_entry (D : data) : Z :=
  let first := match samples D with (c :: _, _) :: _ => c | _ => 0%Z end in
  fold_right (fun s m => fold_right smaller_of m (fst s)) first (samples D).
Definition highest_label (D : data) : Z := fold_right (fun s m => larger_of (snd s + 1) m) 1%Z (samples D).

(** Budgets: one, or every one below half the separation as an input of its own, number n. *)
Definition carried (l : layout) : bool := match l with Beside => false | _ => true end.
Definition lift_of (l : layout) (D : data) (lambda : Q) : Z :=
  if carried l
  then larger_of 0 (Qnum lambda * Zpos (over D) - 2 * Zpos (Qden lambda) * least_entry D)
  else 0.
Definition cube_of (every : bool) (l : layout) (D : data) (lambda mu : Q) : cube :=
  let d := (2 * Qden lambda * over D * Qden mu)%positive in
  Cube d (2 * Zpos (Qden lambda) * Zpos (Qden mu)) (2 * Zpos (Qden lambda) * Zpos (over D) * Qnum mu)
    (if every then Zpos d else 0) (lift_of l D lambda * Zpos (Qden mu))
    (if every then whole_of (columns D) else 0)
    (highest_label D * Zpos (Qden lambda) * Zpos (Qden mu)).
Definition setting_of (every : bool) (l : layout) (D : data) (lambda mu : Q) : setting :=
  Setting [] (numbers 0 (columns D)) (lift_of l D lambda) (2 * Qden lambda * over D)
    (if every then whole_of (columns D) else 0)
    (Z.to_pos (Qnum lambda * Zpos (Qden mu) - 2 * Qnum mu * Zpos (Qden lambda)))
    (if every then 2 * Zpos (Qden lambda) else 0).
Definition inputs_of (every : bool) (D : data) : nat := if every then S (columns D) else columns D.
Definition cube_layers (every : bool) (l : layout) (D : data) (lambda mu : Q) : list layer * list Z :=
  lay l (setting_of every l D lambda mu) (map (cube_test (cube_of every l D lambda mu)) (samples D))
    (whole_of (inputs_of every D)).
Definition cubes_of (every : bool) (l : layout) (D : data) (lambda mu : Q) : network :=
  let '(ls, top) := cube_layers every l D lambda mu in
  network_of (inputs_of every D) (all_lines ls) [result (setting_of every l D lambda mu) top].
(** The networks of Theorem 4.8, for one budget and for all of them. *)
Definition cubes (l : layout) (D : data) (lambda mu : Q) : network := cubes_of false l D lambda mu.
Definition cubes_every (l : layout) (D : data) (lambda : Q) : network := cubes_of true l D lambda (Qmake 0 1).

(** ** Theorem 4.8 *)

Lemma smaller_le a b : (smaller_of a b <= a /\ smaller_of a b <= b)%Z.
Proof. unfold smaller_of. destruct (Z.leb_spec a b); lia. Qed.
Lemma larger_ge a b : (a <= larger_of a b /\ b <= larger_of a b)%Z.
Proof. unfold larger_of. destruct (Z.leb_spec a b); lia. Qed.
Lemma least_of_point p : forall m c, (fold_right smaller_of m p <= m)%Z
  /\ (In c p -> (fold_right smaller_of m p <= c)%Z).
Proof.
  induction p as [| v p IH]; intros m c; simpl; [split; [lia | tauto] |].
  destruct (IH m c) as [H1 H2]. pose proof (smaller_le v (fold_right smaller_of m p)).
  split; [lia |]. intros [-> | I]; [lia | specialize (H2 I); lia].
Qed.
Lemma least_of_samples s c : In c (fst s) -> forall (l : list (list Z * Z)) m, In s l ->
  (fold_right (fun s m => fold_right smaller_of m (fst s)) m l <= c)%Z.
Proof.
  intros C. induction l as [| t l IH]; intros m I; [destruct I |]. simpl. destruct I as [-> | I].
  - apply least_of_point, C.
  - apply Z.le_trans with (2 := IH m I). apply (least_of_point (fst t) _ 0%Z).
Qed.
Lemma least_entry_le D s c : In s (samples D) -> In c (fst s) -> (least_entry D <= c)%Z.
Proof.
  intros S C. unfold least_entry. apply (least_of_samples s c C), S.
Qed.
Lemma highest_label_ge D s : In s (samples D) -> (snd s + 1 <= highest_label D)%Z.
Proof.
  unfold highest_label. induction (samples D) as [| t l IH]; intros S; [destruct S |]. simpl.
  pose proof (larger_ge (snd t + 1) (fold_right (fun s m => larger_of (snd s + 1) m) 1%Z l)).
  destruct S as [-> | S]; [lia | specialize (IH S); lia].
Qed.
Lemma highest_label_positive D : (1 <= highest_label D)%Z.
Proof.
  unfold highest_label. induction (samples D) as [| t l IH]; simpl; [lia |].
  pose proof (larger_ge (snd t + 1) (fold_right (fun s m => larger_of (snd s + 1) m) 1%Z l)). lia.
Qed.

Lemma stands_lifted z off : forall x a b s like,
  IZR (lift s) / IZR (Zpos (lift_over s)) = off -> length like = length x ->
  Forall (fun t => 0 <= t + off) x -> stands z a x 0 -> solves b (lifted s a like) z ->
  stands z b x off.
Proof.
  induction x as [| t x IH]; intros a b s [| v like] O L P S H; try discriminate; [exact I |].
  destruct S as [S1 S2], H as [H1 H2]. inversion P as [| ? ? P1 P2]; subst. split.
  - rewrite H1. unfold line_value. cbn [entries bias below]. rewrite valued_cons, valued_nil, S1.
    rewrite Rmax_right; [field; auto |].
    replace ((IZR (Zpos (lift_over s)) * (t + 0) + 0 + IZR (lift s)) / IZR (Zpos (lift_over s)))
      with (t + IZR (lift s) / IZR (Zpos (lift_over s))) by (field; auto). exact P1.
  - apply (IH (a + 1)%Z (b + 1)%Z s like); auto.
Qed.
Lemma stands_copied z off : forall x a b like, length like = length x ->
  Forall (fun t => 0 <= t + off) x -> stands z a x off -> solves b (copied a like) z ->
  stands z b x off.
Proof.
  induction x as [| t x IH]; intros a b [| v like] L P S H; try discriminate; [exact I |].
  destruct S as [S1 S2], H as [H1 H2]. inversion P as [| ? ? P1 P2]; subst. split.
  - rewrite H1. unfold line_value. cbn [entries bias below]. rewrite valued_cons, valued_nil, S1.
    rewrite Rmax_right; [field |].
    replace ((1 * (t + off) + 0 + 0) / 1) with (t + off) by field. exact P1.
  - apply (IH (a + 1)%Z (b + 1)%Z like); auto.
Qed.
Lemma stands_inputs z : forall x a, (forall k t, nth_error x k = Some t -> z (a + Z.of_nat k)%Z = t) ->
  stands z a x 0.
Proof.
  induction x as [| t x IH]; intros a H; simpl; [exact I |]. split.
  - specialize (H O t eq_refl). rewrite Z.add_0_r in H. lra.
  - apply IH. intros k u K. specialize (H (S k) u K).
    replace (a + 1 + Z.of_nat k)%Z with (a + Z.of_nat (S k))%Z by lia. exact H.
Qed.

Lemma grades_of {A} (s : setting) z (f : A -> test) (v : A -> R) : forall l,
  grades s z (map f l) (map v l) = map (fun a => grade s z (f a) (v a)) l.
Proof. unfold grades. induction l as [| a l IH]; simpl; [reflexivity |]. f_equal. exact IH. Qed.

Section Theorem48.
Variables (every : bool) (l : layout) (D : data) (lambda mu : Q) (z : Z -> R) (m : R).
Hypothesis data_shaped : shaped D.
Hypothesis data_separated : separated Linf D (Q2R lambda).
Hypothesis m_nonneg : 0 <= m.
Hypothesis m_below : 2 * m < Q2R lambda.
Hypothesis m_is : if every then mu = Qmake 0 1 /\ z (Z.of_nat (columns D)) = m else m = Q2R mu.
Let st := setting_of every l D lambda mu.
Let cb := cube_of every l D lambda mu.
Let off := IZR (lift st) / IZR (Zpos (lift_over st)).

Lemma room_positive : (0 < Qnum lambda * Zpos (Qden mu) - 2 * Qnum mu * Zpos (Qden lambda))%Z.
Proof.
  assert (H : 2 * Q2R mu < Q2R lambda).
  { destruct every; [destruct m_is as [-> _]; rewrite make_real; lra | rewrite <- m_is; exact m_below]. }
  rewrite !eta_real in H. apply lt_IZR. rewrite minus_IZR, !mult_IZR.
  assert (P : 0 < IZR (Zpos (Qden mu)) * IZR (Zpos (Qden lambda))) by (apply Rmult_lt_0_compat; auto).
  apply (Rmult_lt_compat_r _ _ _ P) in H.
  replace (2 * (IZR (Qnum mu) / IZR (Zpos (Qden mu))) * (IZR (Zpos (Qden mu)) * IZR (Zpos (Qden lambda))))
    with (2 * IZR (Qnum mu) * IZR (Zpos (Qden lambda))) in H by (field; auto).
  replace (IZR (Qnum lambda) / IZR (Zpos (Qden lambda)) * (IZR (Zpos (Qden mu)) * IZR (Zpos (Qden lambda))))
    with (IZR (Qnum lambda) * IZR (Zpos (Qden mu))) in H by (field; auto). lra.
Qed.
Lemma bottom_value : IZR (Zpos (bottom st))
  = IZR (Qnum lambda) * IZR (Zpos (Qden mu)) - 2 * IZR (Qnum mu) * IZR (Zpos (Qden lambda)).
Proof.
  unfold st, setting_of. cbn [bottom]. rewrite Z2Pos.id by exact room_positive.
  rewrite minus_IZR, !mult_IZR. reflexivity.
Qed.

Lemma scale_is : IZR (factor cb) / IZR (Zpos (common cb)) = 1 / IZR (Zpos (over D)).
Proof.
  unfold cb, cube_of. cbn [factor common]. rewrite !Pos2Z.inj_mul, !mult_IZR. field. auto.
Qed.
Lemma shift_is : IZR (shift cb) / IZR (Zpos (common cb)) = off.
Proof.
  unfold off, cb, st, cube_of, setting_of. cbn [shift common lift lift_over].
  rewrite !Pos2Z.inj_mul, !mult_IZR. field. auto.
Qed.
Lemma radius_is : (IZR (rad cb) + IZR (rad_slope cb) * z (budget_input cb)) / IZR (Zpos (common cb)) = m.
Proof.
  unfold cb, cube_of. cbn [rad rad_slope budget_input common]. rewrite whole_of_nat. destruct every.
  - destruct m_is as [E Z]. rewrite Z, E. cbn [Qnum Qden].
    rewrite Z.mul_0_r, !Pos2Z.inj_mul, !mult_IZR. field. auto.
  - rewrite m_is, eta_real, !Pos2Z.inj_mul, !mult_IZR. field. auto.
Qed.
(** K (lambda - 2 m) = y_max, times what a budget that is an input leaves of the labels. *)
Lemma steepness : IZR (steep cb) / IZR (Zpos (bottom st)) * (Q2R lambda - 2 * m)
  = share st z * IZR (highest_label D).
Proof.
  unfold share. rewrite bottom_value. pose proof room_positive as P. apply IZR_lt in P.
  rewrite minus_IZR, !mult_IZR in P.
  unfold cb, st, cube_of, setting_of. cbn [steep tilt budget_at]. rewrite whole_of_nat.
  rewrite !mult_IZR, eta_real. destruct every.
  - destruct m_is as [E Z]. rewrite Z. rewrite E in *. cbn [Qnum Qden] in *.
    rewrite mult_IZR. field. split; [lra | auto].
  - rewrite m_is, eta_real. field. repeat split; auto; lra.
Qed.
Lemma share_nonneg : 0 <= share st z.
Proof.
  pose proof steepness as K. pose proof (highest_label_positive D) as Y. apply IZR_le in Y.
  assert (0 <= IZR (steep cb) / IZR (Zpos (bottom st)) * (Q2R lambda - 2 * m)) as N.
  { apply Rmult_le_pos; [| lra]. unfold Rdiv. apply Rmult_le_pos.
    - apply IZR_le. unfold cb, cube_of. cbn [steep]. pose proof (highest_label_positive D). nia.
    - left. apply Rinv_0_lt_compat. auto. }
  rewrite K in N. destruct (Rle_lt_dec 0 (share st z)) as [ok | bad]; [exact ok |].
  exfalso. assert (share st z * IZR (highest_label D) < 0); [| lra].
  rewrite <- (Rmult_0_l (IZR (highest_label D))). apply Rmult_lt_compat_r; lra.
Qed.

Variables (s : list Z * Z) (x : list R).
Hypothesis s_in : In s (samples D).
Hypothesis x_near : within Linf m x (point D (fst s)).

Lemma shape_of t : In t (samples D) -> length (fst t) = columns D /\ (0 <= snd t)%Z.
Proof. intro I. destruct data_shaped as [_ F]. rewrite Forall_forall in F. exact (F t I). Qed.
Lemma x_length : length x = columns D.
Proof. destruct x_near as [L _]. rewrite L. unfold point. rewrite map_length. apply shape_of, s_in. Qed.
Lemma lift_enough : l <> Beside -> Forall (fun t => 0 <= t + off) x.
Proof.
  intro N. destruct x_near as [L F]. unfold point in L. rewrite map_length in L.
  assert (H : forall c, In c (fst s) -> - (Q2R lambda / 2) + real D c + off >= 0).
  { intros c C. pose proof (least_entry_le D s c s_in C) as A.
    unfold off, st, setting_of. cbn [lift lift_over]. unfold lift_of.
    assert (E : carried l = true) by (destruct l; [reflexivity | reflexivity | congruence]). rewrite E.
    set (b := (Qnum lambda * Zpos (over D) - 2 * Zpos (Qden lambda) * least_entry D)%Z).
    pose proof (larger_ge 0 b) as [_ B].
    set (w := larger_of 0 b) in *. clearbody w. subst b.
    assert (Q : (Qnum lambda * Zpos (over D) <= w + 2 * Zpos (Qden lambda) * c)%Z) by nia.
    apply IZR_le in Q. rewrite plus_IZR, !mult_IZR in Q. unfold real. rewrite eta_real.
    rewrite !Pos2Z.inj_mul, !mult_IZR.
    assert (P : 0 < IZR (Zpos (Qden lambda)) * IZR (Zpos (over D))) by (apply Rmult_lt_0_compat; auto).
    apply Rle_ge. apply Rmult_le_reg_r with (2 * (IZR (Zpos (Qden lambda)) * IZR (Zpos (over D)))); [lra |].
    rewrite Rmult_0_l.
    match goal with |- _ <= ?e => replace e with
      (IZR w + 2 * IZR (Zpos (Qden lambda)) * IZR c - IZR (Qnum lambda) * IZR (Zpos (over D)))
      by (field; auto) end. lra. }
  clear x_near. revert L F H. unfold point, gaps. generalize (fst s) as p. generalize x as xs.
  induction xs as [| t xs IH]; intros [| c p] L F H; try discriminate; [constructor |].
  simpl in F. inversion F as [| ? ? F1 F2]; subst. constructor.
  - specialize (H c (or_introl eq_refl)). revert F1. unfold Rabs. destruct (Rcase_abs _); lra.
  - apply (IH p); [simpl in L; congruence | exact F2 | intros c' C; apply H; right; exact C].
Qed.

(** A test of the same label is at most the label, its own is equal to it; one of another label
    is at most 0. *)
Lemma point_length t : In t (samples D) -> length (point D (fst t)) = columns D.
Proof. intro I. unfold point. rewrite map_length. apply shape_of, I. Qed.
Definition told (t : list Z * Z) : R :=
  grade st z (cube_test cb t) (- (IZR (steep cb) * excess m x (point D (fst t)))).
Lemma told_is t : told t = share st z * IZR (snd t + 1)
  - IZR (steep cb) / IZR (Zpos (bottom st)) * excess m x (point D (fst t)).
Proof. unfold told, grade. cbn [cube_test height]. field. auto. Qed.
Lemma slope_nonneg : 0 <= IZR (steep cb) / IZR (Zpos (bottom st)).
Proof.
  unfold Rdiv. apply Rmult_le_pos; [| left; apply Rinv_0_lt_compat; auto].
  apply IZR_le. unfold cb, cube_of. cbn [steep]. pose proof (highest_label_positive D). nia.
Qed.
Lemma told_most t : In t (samples D) -> told t <= share st z * IZR (snd s + 1).
Proof.
  intro T. rewrite told_is. pose proof slope_nonneg as K. pose proof share_nonneg as P.
  destruct (Z.eq_dec (snd t) (snd s)) as [E | E].
  - rewrite E. pose proof (excess_nonneg m x (point D (fst t))) as N.
    pose proof (Rmult_le_pos _ _ K N). lra.
  - destruct x_near as [L F].
    assert (A : apart Linf (Q2R lambda) (point D (fst s)) (point D (fst t)))
      by (apply data_separated; auto).
    assert (M : length (point D (fst s)) = length (point D (fst t))) by (rewrite !point_length; auto).
    pose proof (excess_far _ _ _ _ _ L M F A) as far.
    pose proof (Rmult_le_compat_l _ _ _ K far) as G. rewrite steepness in G.
    pose proof (highest_label_ge D t T) as Y. apply IZR_le in Y.
    pose proof (Rmult_le_compat_l _ _ _ P Y).
    pose proof (shape_of s s_in) as [_ N]. assert (N' : 0 <= IZR (snd s + 1)) by (apply IZR_le; lia).
    pose proof (Rmult_le_pos _ _ P N'). lra.
Qed.
Lemma told_own : told s = share st z * IZR (snd s + 1).
Proof.
  rewrite told_is. destruct x_near as [_ F]. rewrite (excess_inside _ _ _ F). lra.
Qed.

Lemma cube_solved ls top : cube_layers every l D lambda mu = (ls, top) ->
  stands z 0 x 0 -> solves (Z.of_nat (inputs_of every D)) (all_lines ls) z ->
  line_value (result st top) z = share st z * IZR (snd s).
Proof.
  intros E S H. rewrite result_value.
  assert (C : total (map z top) = share st z * IZR (snd s + 1));
    [| rewrite C, plus_IZR; lra].
  rewrite (lay_computes st z (fun (f : bool) a => stands z a x (if f then 0 else off)) l
    (map (cube_test cb) (samples D))
    (map (fun t => - (IZR (steep cb) * excess m x (point D (fst t)))) (samples D))
    (whole_of (inputs_of every D)) ls top ltac:(constructor)).
  - rewrite grades_of. apply running_maximum.
    + apply Forall_forall. intros g G. apply in_map_iff in G as [t [<- T]]. apply told_most, T.
    + apply in_map_iff. exists s. split; [apply told_own | exact s_in].
    + apply Rmult_le_pos; [apply share_nonneg |]. apply IZR_le. destruct (shape_of s s_in). lia.
  - intros N a b A B. apply (stands_lifted z off x a b st (dimension st)); auto.
    + unfold st, setting_of. cbn [dimension]. rewrite numbers_length, x_length. reflexivity.
    + apply lift_enough, N.
  - intros N a b A B. apply (stands_copied z off x a b (dimension st)); auto.
    + unfold st, setting_of. cbn [dimension]. rewrite numbers_length, x_length. reflexivity.
    + apply lift_enough, N.
  - exact E.
  - intro N. apply map_eq_nil in N. rewrite N in s_in. destruct s_in.
  - apply Forall_forall. intros t T. apply in_map_iff in T as [u [<- U]]. apply cube_sizes.
  - assert (G : forall t, In t (samples D) -> gives st z
      (fun (f : bool) a => stands z a x (if f then 0 else off)) (cube_test cb t)
      (- (IZR (steep cb) * excess m x (point D (fst t))))).
    { intros t T. apply (cube_gives D cb z m off scale_is shift_is radius_is t x []); [reflexivity |].
      rewrite x_length. symmetry. apply shape_of, T. }
    clear - G. induction (samples D) as [| t r IH]; constructor.
    + apply G. left. reflexivity.
    + apply IH. intros u U. apply G. right. exact U.
  - exact S.
  - rewrite whole_of_nat. exact H.
Qed.
End Theorem48.

Lemma cube_layers_read every l D lambda mu ls top : shaped D ->
  cube_layers every l D lambda mu = (ls, top) ->
  earlier (Z.of_nat (inputs_of every D)) ls
  /\ Forall (fun j => 0 <= j < Z.of_nat (inputs_of every D) + size (all_lines ls))%Z top.
Proof.
  intros [P S] E.
  assert (B : (0 <= budget_at (setting_of every l D lambda mu) < Z.of_nat (inputs_of every D))%Z).
  { unfold setting_of, inputs_of. cbn [budget_at]. rewrite whole_of_nat. destruct every; lia. }
  assert (N : size (dimension (setting_of every l D lambda mu)) = Z.of_nat (columns D)).
  { unfold setting_of. cbn [dimension]. rewrite size_length, numbers_length. reflexivity. }
  unfold cube_layers in E. rewrite whole_of_nat in E.
  apply (lay_reads (setting_of every l D lambda mu) l _ _ ls top B) with (3 := E).
  - rewrite N. unfold inputs_of. destruct every; lia.
  - constructor.
  - apply Forall_forall. intros t T. apply in_map_iff in T as [u [<- U]]. apply cube_sizes.
  - rewrite Forall_forall in S. apply Forall_forall. intros t T. apply in_map_iff in T as [u [<- U]].
    apply cube_reads; [| reflexivity | reflexivity |].
    + unfold cube_of. cbn [budget_input]. rewrite whole_of_nat. destruct every; lia.
    + rewrite N. destruct (S u U) as [L _]. rewrite size_length, L. reflexivity.
  - exists 0%Z. left. reflexivity.
Qed.
Lemma cubes_well_formed every l D lambda mu : shaped D -> well_formed (cubes_of every l D lambda mu).
Proof.
  intro S. unfold cubes_of. destruct (cube_layers every l D lambda mu) as [ls top] eqn:E.
  destruct (cube_layers_read _ _ _ _ _ _ _ S E) as [R T].
  apply network_well_formed; [apply earlier_ordered, R |]. constructor; [| constructor].
  apply result_reads; [| exact T]. destruct S as [P _]. unfold setting_of, inputs_of. cbn [budget_at].
  rewrite whole_of_nat. pose proof (size_nonneg (all_lines ls)). destruct every; lia.
Qed.

Lemma inputs_numbers (every : bool) D (x : valuation) z :
  (forall k, (0 <= k < Z.of_nat (inputs_of every D))%Z -> z k = x (name_of k)) ->
  stands z 0 (reading (map name_of (numbers 0 (columns D))) x) 0.
Proof.
  intro K. apply stands_inputs. intros k t T. rewrite Z.add_0_l. unfold reading in T.
  rewrite map_map in T.
  assert (N : (k < columns D)%nat).
  { rewrite <- (numbers_length 0 (columns D)).
    rewrite <- (map_length (fun k => x (name_of k))). apply nth_error_Some. congruence. }
  rewrite K by (unfold inputs_of; destruct every; lia).
  assert (G : forall c a i, (i < c)%nat -> nth_error (numbers a c) i = Some (a + Z.of_nat i)%Z).
  { clear. induction c as [| c IH]; intros a [| i] H; try lia; simpl.
    - f_equal. lia.
    - rewrite IH by lia. f_equal. lia. }
  rewrite (map_nth_error (fun k => x (name_of k)) k (numbers 0 (columns D)) (G _ _ _ N)) in T.
  injection T as <-. reflexivity.
Qed.

(** The answer of the network on the ball of every sample: its label. *)
Theorem cubes_answer l D lambda mu : shaped D -> separated Linf D (Q2R lambda) ->
  0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda -> forall s, In s (samples D) -> forall x : valuation,
  within Linf (Q2R mu) (reading (inputs (cubes l D lambda mu)) x) (point D (fst s)) ->
  output (cubes l D lambda mu) x 0 = IZR (snd s).
Proof.
  intros H A P B s S x W. unfold cubes, cubes_of in *.
  destruct (cube_layers false l D lambda mu) as [ls top] eqn:E.
  destruct (cube_layers_read _ _ _ _ _ _ _ H E) as [R _].
  apply output_solved; [apply earlier_ordered, R |]. intros z K Z. cbn [network_of inputs] in W.
  rewrite (cube_solved false l D lambda mu z (Q2R mu) H A P B eq_refl s _ S W ls top E
    (inputs_numbers false D x z K) Z).
  unfold share, setting_of. cbn [tilt]. unfold Rdiv. ring.
Qed.
(** Theorem 4.8 (Yu, Gao, Zhang), for every data set, in the words of the statement. *)
Theorem theorem_4_8 l D lambda mu classes : shaped D -> separated Linf D (Q2R lambda) ->
  0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda -> forall s, In s (samples D) ->
  keeps_label (Task Value classes Linf mu None) (cubes l D lambda mu) (sample_of D s).
Proof.
  intros H A P B s S. destruct H as [H0 H]. pose proof H as F. rewrite Forall_forall in F.
  destruct (F s S) as [L Y].
  assert (I : length (inputs (cubes l D lambda mu)) = columns D).
  { unfold cubes, cubes_of. destruct (cube_layers _ _ _ _ _) as [ls top]. cbn [network_of inputs].
    rewrite map_length, numbers_length. reflexivity. }
  split; [apply cubes_well_formed; split; assumption |]. cbn [sample_of fst snd read].
  split; [rewrite map_length; congruence |]. intros x X.
  apply in_ball_within in X; [| congruence | reflexivity]. cbn [metric budget] in X.
  unfold keeps. rewrite (cubes_answer l D lambda mu (conj H0 H) A P B s S x X).
  rewrite INR_IZR_INZ, Z2Nat.id by exact Y. reflexivity.
Qed.

(** One network for every budget below half the separation: an input more, m, and
    G(x, m) = (1 - 2 m / lambda) * label on the ball of radius m, so that G / (1 - 2 m / lambda) is
    a memorizer for m. *)
Theorem cubes_every_answer l D lambda : shaped D -> separated Linf D (Q2R lambda) ->
  forall s, In s (samples D) -> forall (x : valuation) (m : R),
  x (name_of (Z.of_nat (columns D))) = m -> 0 <= m -> 2 * m < Q2R lambda ->
  within Linf m (reading (map name_of (numbers 0 (columns D))) x) (point D (fst s)) ->
  output (cubes_every l D lambda) x 0 = (1 - 2 * m / Q2R lambda) * IZR (snd s).
Proof.
  intros H A s S x m M P B W. unfold cubes_every, cubes_of in *.
  destruct (cube_layers true l D lambda (Qmake 0 1)) as [ls top] eqn:E.
  destruct (cube_layers_read _ _ _ _ _ _ _ H E) as [R _].
  apply output_solved; [apply earlier_ordered, R |]. intros z K Z.
  assert (Zm : z (Z.of_nat (columns D)) = m) by (rewrite K; [exact M | unfold inputs_of; lia]).
  rewrite (cube_solved true l D lambda (Qmake 0 1) z m H A P B (conj eq_refl Zm) s _ S W ls top E
    (inputs_numbers true D x z K) Z).
  f_equal. unfold share. rewrite (bottom_value true l D lambda (Qmake 0 1) z m P B (conj eq_refl Zm)).
  unfold setting_of. cbn [tilt budget_at Qnum Qden]. rewrite whole_of_nat, Zm, mult_IZR, eta_real.
  assert (0 < Q2R lambda) as N by lra. rewrite eta_real in N.
  assert (IZR (Qnum lambda) <> 0).
  { intro X. rewrite X in N. unfold Rdiv in N. rewrite Rmult_0_l in N. lra. }
  field. split; auto.
Qed.
