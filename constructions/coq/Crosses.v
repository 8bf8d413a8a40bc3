(** Theorem B.2 (Yu, Gao, Zhang), as reconstructed: memorization on balls of the L1 norm.

    The test of sample i is g_i(x) = y_i - K relu(||x - x_i||_1 - mu), K = y_max / (lambda - 2 mu):
    a layer of distances, which is that of Theorem 4.8 with radius 0, then one unit. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes.
Import ListNotations.
Open Scope R_scope.

Definition cross_test (c : cube) (s : list Z * Z) : test :=
  Test (2 * size (fst s)) (entering (cube_test c s)) (fun a => [(a, (- steep c)%Z)]) (snd s + 1).
(** The unit relu(sum - mu), from the sum of n and n units. *)
Definition over_radius (every : bool) (D : data) (mu : Q) (a : Z) : line :=
  let like := numbers 0 (columns D) in
  Line (term_of (budget_input_of every D) (if every then Zneg (Qden mu) else 0)
      ++ span a like (Zpos (Qden mu)) ++ span (a + size like) like (Zpos (Qden mu)))
    (- Qnum mu) (Qden mu).
Definition cross_of (l : layout) (D : data) (lambda mu : Q) : cube :=
  Cube (2 * Qden lambda * over D) (2 * Zpos (Qden lambda)) 0 0 (lift_of l D lambda) 0
    (steep_of D lambda mu).
Definition cross_setting (every : bool) (l : layout) (D : data) (lambda mu : Q) : setting :=
  setting_of [(1%Z, fun a => [over_radius every D mu a])] every l D lambda mu.
Definition cross_layers (every : bool) (l : layout) (D : data) (lambda mu : Q) : list layer * list Z :=
  laid every l D (cross_setting every l D lambda mu) (cross_test (cross_of l D lambda mu)) (samples D).
Definition crosses_of (every : bool) (l : layout) (D : data) (lambda mu : Q) : network :=
  built every l D (cross_setting every l D lambda mu) (cross_test (cross_of l D lambda mu)) (samples D).
Definition crosses (l : layout) (D : data) (lambda mu : Q) : network := crosses_of false l D lambda mu.
Definition crosses_every (l : layout) (D : data) (lambda : Q) : network :=
  crosses_of true l D lambda (Qmake 0 1).

Lemma crosses_in_order every l D lambda mu : shaped D ->
  in_order every D (cross_setting every l D lambda mu) (cross_test (cross_of l D lambda mu)) (samples D).
Proof.
  intro S. pose proof S as [P _]. pose proof (budget_input_within every D P) as B.
  assert (N : size (numbers 0 (columns D)) = Z.of_nat (columns D)) by (rewrite size_length, numbers_length; reflexivity).
  constructor.
  - unfold cross_setting, setting_of. cbn [dimension]. apply numbers_length.
  - constructor; [| constructor]. intro a. reflexivity.
  - exact B.
  - intros s I. pose proof (proj1 (shape_of D s S I)) as L.
    assert (M : size (fst s) = Z.of_nat (columns D)) by (rewrite size_length, L; reflexivity).
    split; [exact (cube_sizes (cross_of l D lambda mu) s) |]. split.
    + intros f a bound A W U. cbn [cross_test entering cube_test].
      unfold cross_setting, setting_of in W. cbn [dimension] in W. rewrite N in W.
      assert (Q : (0 < bound)%Z) by (unfold cross_setting, setting_of in U; cbn [budget_at] in U; lia).
      apply reads_below_app; [apply above_reads | apply under_reads]; cbn [cross_of budget_input]; lia.
    + unfold cross_setting, setting_of. cbn [later]. cbn [stages_read cross_test breadth score].
      split.
      * intros a bound A W U. cbn [budget_at] in U. apply reads_single. cbn [over_radius entries].
        apply between_app.
        { unfold term_of. destruct (Z.eqb _ 0); repeat constructor; cbn [fst]; [apply B | exact U]. }
        rewrite M in W. apply between_app; apply span_reads; lia.
      * intros a bound A W. repeat constructor; cbn [fst]; lia.
  - exists (2 * Z.of_nat (columns D))%Z. right. intros s I. cbn [cross_test breadth].
    rewrite size_length, (proj1 (shape_of D s S I)). reflexivity.
Qed.

Definition distance_1 (x p : list R) : R := total (gaps Rabs x p).
Lemma excess_none x p : excess 0 x p = distance_1 x p.
Proof.
  unfold excess, distance_1. f_equal. unfold gaps. apply map_ext. intro ab. unfold beyond, Rmax, Rabs.
  repeat destruct (Rle_dec _ _); destruct (Rcase_abs _); lra.
Qed.
Lemma coordinate_below m : forall x p, distance_1 x p <= m -> Forall (fun t => t <= m) (gaps Rabs x p).
Proof.
  unfold distance_1, gaps. intros x p. generalize (combine x p). clear x p.
  induction l as [| ab l IH]; intro H; simpl in *; [constructor |].
  assert (N : 0 <= total (map (fun ab => Rabs (fst ab - snd ab)) l)).
  { clear. induction l as [| ab l IH]; simpl; [lra |]. pose proof (Rabs_pos (fst ab - snd ab)). lra. }
  pose proof (Rabs_pos (fst ab - snd ab)). constructor; [lra |]. apply IH. lra.
Qed.
Lemma triangle_1 : forall q x p, length q = length x -> length q = length p ->
  distance_1 q p <= distance_1 x q + distance_1 x p.
Proof.
  unfold distance_1, gaps, total. induction q as [| u q IH]; intros [| t x] [| v p] L M;
    try discriminate; simpl; [lra |].
  specialize (IH x p ltac:(simpl in L; congruence) ltac:(simpl in M; congruence)).
  pose proof (Rabs_triang (u - t) (t - v)) as T. replace (u - t + (t - v)) with (u - v) in T by lra.
  rewrite (Rabs_minus_sym u t) in T. lra.
Qed.

Section Answers.
Variables (every : bool) (l : layout) (D : data) (lambda mu : Q) (z : Z -> R) (m : R).
Hypothesis data_shaped : shaped D.
Hypothesis data_separated : separated L1 D (Q2R lambda).
Hypothesis m_nonneg : 0 <= m.
Hypothesis m_below : 2 * m < Q2R lambda.
Hypothesis m_is : if every then mu = Qmake 0 1 /\ z (Z.of_nat (columns D)) = m else m = Q2R mu.
Let st := cross_setting every l D lambda mu.
Let cb := cross_of l D lambda mu.
Let off := IZR (lift st) / IZR (Zpos (lift_over st)).

Lemma cross_scale : IZR (factor cb) / IZR (Zpos (common cb)) = 1 / IZR (Zpos (over D)).
Proof.
  unfold cb, cross_of. cbn [factor common]. rewrite !Pos2Z.inj_mul, !mult_IZR. field. auto.
Qed.
Lemma cross_shift : IZR (shift cb) / IZR (Zpos (common cb)) = off.
Proof. reflexivity. Qed.
Lemma cross_radius : (IZR (rad cb) + IZR (rad_slope cb) * z (budget_input cb)) / IZR (Zpos (common cb)) = 0.
Proof. unfold cb, cross_of. cbn [rad rad_slope]. unfold Rdiv. ring. Qed.

Lemma inner_value a b s x (f : bool) : In s (samples D) -> length x = columns D ->
  stands z a x (if f then 0 else off) -> solves b (entering (cube_test cb s) f a) z ->
  line_value (over_radius every D mu b) z = distance_1 x (point D (fst s)) - m.
Proof.
  intros I LX S H. pose proof (proj1 (shape_of D s data_shaped I)) as L.
  assert (L' : length x = length (fst s)) by congruence.
  cbn [cube_test entering] in H. rewrite solves_app, above_size in H. destruct H as [H1 H2].
  assert (N : size (numbers 0 (columns D)) = size (fst s)) by (rewrite !size_length, numbers_length; congruence).
  unfold line_value, over_radius. cbn [entries bias below].
  rewrite !valued_app, term_value, N.
  rewrite (span_solved _ _ _ _ _ H1) by (rewrite above_length, numbers_length; exact L).
  rewrite (span_solved _ _ _ _ _ H2) by (rewrite under_length, numbers_length; exact L).
  rewrite (above_values D cb z 0 off cross_scale cross_shift cross_radius f _ x a S L').
  rewrite (under_values D cb z 0 off cross_scale cross_shift cross_radius f _ x a S L').
  rewrite <- excess_none, <- two_sides, opp_IZR. unfold budget_input_of. rewrite whole_of_nat.
  destruct every.
  - destruct m_is as [E Z]. rewrite Z, E. cbn [Qnum Qden]. field.
  - rewrite m_is, eta_real. field. auto.
Qed.

Lemma crosses_tell s x : In s (samples D) -> around L1 m x (point D (fst s)) ->
  tells l D st (cross_test cb) (samples D) snd
    (fun t => Rmax 0 (distance_1 x (point D (fst t)) - m)) (steep cb) (Q2R lambda - 2 * m) x s z.
Proof.
  intros I [L F].
  assert (LX : length x = columns D) by (rewrite L; apply point_length; assumption).
  constructor.
  - exact I.
  - intros t T. split; [apply (shape_of D t data_shaped T) | reflexivity].
  - intros t T. apply highest_label_ge, T.
  - apply (steepness _ every l D lambda mu z m m_nonneg m_below m_is).
  - apply steep_of_nonneg.
  - lra.
  - intros t _. apply Rmax_l.
  - fold (distance_1 x (point D (fst s))) in F. apply Rmax_left. lra.
  - intros t T N. fold (distance_1 x (point D (fst s))) in F.
    assert (A : apart L1 (Q2R lambda) (point D (fst s)) (point D (fst t))) by (apply data_separated; auto).
    cbn [apart] in A. fold (distance_1 (point D (fst s)) (point D (fst t))) in A.
    assert (T1 : length (point D (fst s)) = length x) by congruence.
    assert (T2 : length (point D (fst s)) = length (point D (fst t))) by (rewrite !point_length by assumption; reflexivity).
    pose proof (triangle_1 (point D (fst s)) x (point D (fst t)) T1 T2).
    apply Rle_trans with (2 := Rmax_r _ _). lra.
  - exact LX.
  - apply (lift_enough _ every l D lambda mu m m_nonneg m_below s x I); [| apply coordinate_below, F].
    rewrite LX. symmetry. apply (shape_of D s data_shaped I).
  - intros t T f a b last S H G.
    change (later (cross_setting every l D lambda mu))
      with [(1%Z, fun a => [over_radius every D mu a])] in G.
    cbn [follows] in G. destruct (G eq_refl) as [b' [H' ->]]. cbn [solves] in H'. destruct H' as [H' _].
    cbn [cross_test score]. rewrite valued_cons, valued_nil, H', opp_IZR.
    rewrite (inner_value a b t x f T LX S H). lra.
Qed.
End Answers.

(** Theorem B.2, for every data set. *)
Theorem theorem_B_2 l D lambda mu : shaped D -> separated L1 D (Q2R lambda) ->
  0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda -> one_budget L1 mu D (crosses l D lambda mu).
Proof.
  intros H A P B. apply one_budget_of; [exact H | | apply built_inputs |].
  { apply built_well_formed, crosses_in_order, H. }
  intros s S x W. unfold crosses, crosses_of.
  rewrite (built_answer false l D _ _ _ (crosses_in_order false l D lambda mu H) snd _ _ _ _ s x eq_refl
    (fun z _ => crosses_tell false l D lambda mu z (Q2R mu) H A P B eq_refl s _ S W)).
  unfold cross_setting. rewrite (share_is _ false l D lambda mu _ (Q2R mu) P B eq_refl). lra.
Qed.
Theorem theorem_B_2_every l D lambda : shaped D -> separated L1 D (Q2R lambda) -> 0 < Q2R lambda ->
  every_budget (half_cone L1 lambda) (half_slope lambda) D (crosses_every l D lambda).
Proof.
  intros H A N. pose proof (crosses_in_order true l D lambda (Qmake 0 1) H) as O.
  apply half_every; [discriminate | exact H | apply built_well_formed, O | apply built_inputs | exact N |].
  intros s S x m M P B W.
  assert (I : forall z, (forall k, (0 <= k < Z.of_nat (inputs_of true D))%Z -> z k = x (name_of k)) ->
    Qmake 0 1 = Qmake 0 1 /\ z (Z.of_nat (columns D)) = m).
  { intros z K. split; [reflexivity |]. rewrite K; [exact M | unfold inputs_of; lia]. }
  unfold crosses_every, crosses_of.
  rewrite (built_answer true l D _ _ _ O snd _ _ _ _ s x eq_refl
    (fun z K => crosses_tell true l D lambda (Qmake 0 1) z m H A P B (I z K) s _ S W)).
  unfold cross_setting.
  rewrite (share_is _ true l D lambda (Qmake 0 1) _ m P B (I _ (fun _ _ => eq_refl))). reflexivity.
Qed.
