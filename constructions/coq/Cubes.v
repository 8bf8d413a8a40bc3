(** Theorem 4.8 (Yu, Gao, Zhang): memorization on balls of the L-infinity norm.

    The test of sample i is g_i(x) = y_i - K sum_k (relu(x_k - x_ik - mu) + relu(x_ik - mu - x_k)),
    K = y_max / (lambda - 2 mu). The sum is 0 on ball i, and at least lambda - 2 mu on the ball of a
    sample with another label. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data Memorizers.
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
Fixpoint span {B} (a : Z) (p : list B) (w : Z) : list (Z * Z) :=
  match p with
  | [] => []
  | _ :: p => (a, w) :: span (a + 1) p w
  end.
Definition cube_test (c : cube) (s : list Z * Z) : test :=
  let p := fst s in
  Test (2 * size p) (fun f a => above c f a p ++ under c f a p)
    (fun a => span a p (- steep c) ++ span (a + size p) p (- steep c)) (snd s + 1).

(** ** What they compute *)

Lemma span_solved {B} z w : forall (p : list B) a ls, solves a ls z -> length ls = length p ->
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
Lemma span_reads {B} bound w : forall (p : list B) a, (0 <= a)%Z -> (a + size p <= bound)%Z ->
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

Definition cube_of (every : bool) (l : layout) (D : data) (lambda mu : Q) : cube :=
  let d := (2 * Qden lambda * over D * Qden mu)%positive in
  Cube d (2 * Zpos (Qden lambda) * Zpos (Qden mu)) (2 * Zpos (Qden lambda) * Zpos (over D) * Qnum mu)
    (if every then Zpos d else 0) (lift_of l D lambda * Zpos (Qden mu)) (budget_input_of every D)
    (steep_of D lambda mu).
Definition cube_layers (every : bool) (l : layout) (D : data) (lambda mu : Q) : list layer * list Z :=
  laid every l D (setting_of [] every l D lambda mu) (cube_test (cube_of every l D lambda mu)) (samples D).
Definition cubes_of (every : bool) (l : layout) (D : data) (lambda mu : Q) : network :=
  built every l D (setting_of [] every l D lambda mu) (cube_test (cube_of every l D lambda mu)) (samples D).
(** The networks of Theorem 4.8, for one budget and for all of them. *)
Definition cubes (l : layout) (D : data) (lambda mu : Q) : network := cubes_of false l D lambda mu.
Definition cubes_every (l : layout) (D : data) (lambda : Q) : network := cubes_of true l D lambda (Qmake 0 1).

Lemma cubes_in_order every l D lambda mu : shaped D ->
  in_order every D (setting_of [] every l D lambda mu) (cube_test (cube_of every l D lambda mu)) (samples D).
Proof.
  intro S. pose proof S as [P _]. pose proof (budget_input_within every D P) as B. constructor.
  - unfold setting_of. cbn [dimension]. apply numbers_length.
  - constructor.
  - exact B.
  - intros s I. split; [apply cube_sizes |]. apply cube_reads; [apply B | reflexivity | reflexivity |].
    unfold setting_of. cbn [dimension].
    rewrite !size_length, numbers_length, (proj1 (shape_of D s S I)). reflexivity.
  - exists 0%Z. left. reflexivity.
Qed.

Section Answers.
Variables (every : bool) (l : layout) (D : data) (lambda mu : Q) (z : Z -> R) (m : R).
Hypothesis data_shaped : shaped D.
Hypothesis data_separated : separated Linf D (Q2R lambda).
Hypothesis m_nonneg : 0 <= m.
Hypothesis m_below : 2 * m < Q2R lambda.
Hypothesis m_is : if every then mu = Qmake 0 1 /\ z (Z.of_nat (columns D)) = m else m = Q2R mu.
Let st := setting_of [] every l D lambda mu.
Let cb := cube_of every l D lambda mu.

Lemma scale_is : IZR (factor cb) / IZR (Zpos (common cb)) = 1 / IZR (Zpos (over D)).
Proof.
  unfold cb, cube_of. cbn [factor common]. rewrite !Pos2Z.inj_mul, !mult_IZR. field. auto.
Qed.
Lemma shift_is : IZR (shift cb) / IZR (Zpos (common cb)) = IZR (lift st) / IZR (Zpos (lift_over st)).
Proof.
  unfold cb, st, cube_of, setting_of. cbn [shift common lift lift_over].
  rewrite !Pos2Z.inj_mul, !mult_IZR. field. auto.
Qed.
Lemma radius_is : (IZR (rad cb) + IZR (rad_slope cb) * z (budget_input cb)) / IZR (Zpos (common cb)) = m.
Proof.
  unfold cb, cube_of, budget_input_of. cbn [rad rad_slope budget_input common].
  rewrite whole_of_nat. destruct every.
  - destruct m_is as [E Z]. rewrite Z, E. cbn [Qnum Qden].
    rewrite Z.mul_0_r, !Pos2Z.inj_mul, !mult_IZR. field. auto.
  - rewrite m_is, eta_real, !Pos2Z.inj_mul, !mult_IZR. field. auto.
Qed.

Lemma cubes_tell s x : In s (samples D) -> around Linf m x (point D (fst s)) ->
  tells l D st (cube_test cb) (samples D) snd (fun t => excess m x (point D (fst t))) (steep cb)
    (Q2R lambda - 2 * m) x s z.
Proof.
  intros I [L F].
  assert (LX : length x = columns D) by (rewrite L; apply point_length; assumption).
  constructor.
  - exact I.
  - intros t T. split; [apply (shape_of D t data_shaped T) | reflexivity].
  - intros t T. apply highest_label_ge, T.
  - apply (steepness [] every l D lambda mu z m m_nonneg m_below m_is).
  - apply steep_of_nonneg.
  - lra.
  - intros t _. apply excess_nonneg.
  - apply excess_inside, F.
  - intros t T N. apply (excess_far _ _ x (point D (fst s))).
    + exact L.
    + rewrite !point_length by assumption. reflexivity.
    + exact F.
    + apply data_separated; auto.
  - exact LX.
  - apply (lift_enough [] every l D lambda mu m m_nonneg m_below s x I); [| exact F].
    rewrite LX. symmetry. apply (shape_of D s data_shaped I).
  - intros t T. fold st.
    apply (cube_gives D cb z m _ scale_is shift_is radius_is t x []); [reflexivity |].
    rewrite LX. symmetry. apply (shape_of D t data_shaped T).
Qed.
End Answers.

(** The answer of the network on the ball of every sample: its label. *)
Theorem cubes_answer l D lambda mu : shaped D -> separated Linf D (Q2R lambda) ->
  0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda -> forall s, In s (samples D) -> forall x : valuation,
  around Linf (Q2R mu) (reading (map name_of (numbers 0 (columns D))) x) (point D (fst s)) ->
  output (cubes l D lambda mu) x 0 = IZR (snd s).
Proof.
  intros H A P B s S x W. unfold cubes, cubes_of.
  rewrite (built_answer false l D _ _ _ (cubes_in_order false l D lambda mu H) snd _ _ _ _ s x eq_refl
    (fun z _ => cubes_tell false l D lambda mu z (Q2R mu) H A P B eq_refl s _ S W)).
  rewrite (share_is [] false l D lambda mu _ (Q2R mu) P B eq_refl). lra.
Qed.
(** Theorem 4.8 (Yu, Gao, Zhang), for every data set, in the words of the statement. *)
Theorem theorem_4_8 l D lambda mu : shaped D -> separated Linf D (Q2R lambda) ->
  0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda -> one_budget Linf mu D (cubes l D lambda mu).
Proof.
  intros H A P B. apply one_budget_of; [exact H | | apply built_inputs |].
  - apply built_well_formed, cubes_in_order, H.
  - apply cubes_answer; assumption.
Qed.
(** One network for every budget below half the separation: an input more, m, and
    G(x, m) = (1 - 2 m / lambda) * label on the ball of radius m, so that G / (1 - 2 m / lambda) is
    a memorizer for m. *)
Theorem theorem_4_8_every l D lambda : shaped D -> separated Linf D (Q2R lambda) -> 0 < Q2R lambda ->
  every_budget (half_cone Linf lambda) (half_slope lambda) D (cubes_every l D lambda).
Proof.
  intros H A N. pose proof (cubes_in_order true l D lambda (Qmake 0 1) H) as O.
  apply half_every; [discriminate | exact H | apply built_well_formed, O | apply built_inputs | exact N |].
  intros s S x m M P B W.
  assert (I : forall z, (forall k, (0 <= k < Z.of_nat (inputs_of true D))%Z -> z k = x (name_of k)) ->
    Qmake 0 1 = Qmake 0 1 /\ z (Z.of_nat (columns D)) = m).
  { intros z K. split; [reflexivity |]. rewrite K; [exact M | unfold inputs_of; lia]. }
  unfold cubes_every, cubes_of.
  rewrite (built_answer true l D _ _ _ O snd _ _ _ _ s x eq_refl
    (fun z K => cubes_tell true l D lambda (Qmake 0 1) z m H A P B (I z K) s _ S W)).
  rewrite (share_is [] true l D lambda (Qmake 0 1) _ m P B (I _ (fun _ _ => eq_refl))). reflexivity.
Qed.
