(** Theorem 5.2 (Yu, Gao, Zhang), as reconstructed, for every data set of two labels: the network of
    [Cones] reads the label on every ball of a radius below lambda / 2, its Lipschitz constant is
    2 / lambda, and no function with the values -1 and +1 at the samples has a lesser one. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes Crosses Cones.
Import ListNotations.
Open Scope R_scope.

(** ** What the networks compute *)

Section Values.
Variables (every : bool) (l : layout) (D : data) (lambda : Q) (c : Z) (z : Z -> R).
Hypothesis data_shaped : shaped D.
Hypothesis positive : 0 < Q2R lambda.
Hypothesis some : chosen c D <> [].
Let st := cone_setting l D lambda.
Let off := IZR (lift st) / IZR (Zpos (lift_over st)).
Let tops_of := snd (cone_levels (columns D)).
Let tst := cone_test l D lambda tops_of.
(** The value of the test of a sample at x. *)
Definition cone_value (x : list R) (s : list Z * Z) : R := 2 - 2 / Q2R lambda * reach x (point D (fst s)).

Lemma chosen_in s : In s (chosen c D) -> In s (samples D) /\ snd s = c.
Proof. intro I. apply filter_In in I as [I E]. apply Z.eqb_eq in E. split; assumption. Qed.
Lemma chosen_length s : In s (chosen c D) -> length (fst s) = columns D.
Proof. intro I. apply (shape_of D s data_shaped), chosen_in, I. Qed.
Lemma bottom_is : IZR (Zpos (bottom st)) = IZR (Qnum lambda).
Proof.
  unfold st, cone_setting, setting_of. cbn [bottom Qnum Qden]. f_equal.
  rewrite Z.mul_1_r, Z.mul_0_r, Z.mul_0_l, Z.sub_0_r. apply Z2Pos.id, numerator_positive, positive.
Qed.

Lemma test_value (f : bool) a b last x s : In s (chosen c D) -> length x = columns D ->
  stands z a x (if f then 0 else off) -> solves b (entering (tst s) f a) z ->
  follows z (later st) b last ->
  valued z (score (tst s) last) = - (2 * IZR (Zpos (Qden lambda)) * reach x (point D (fst s))).
Proof.
  intros I LX S H F. pose proof (chosen_length s I) as L.
  assert (LP : length x = length (fst s)) by congruence.
  set (cb := cross_of l D lambda (Qmake 0 1)) in *.
  assert (scale : IZR (factor cb) / IZR (Zpos (common cb)) = 1 / IZR (Zpos (over D))) by apply cross_scale.
  assert (shifted : IZR (shift cb) / IZR (Zpos (common cb)) = off) by reflexivity.
  assert (radius : (IZR (rad cb) + IZR (rad_slope cb) * z (budget_input cb)) / IZR (Zpos (common cb)) = 0)
    by (unfold cb, cross_of; cbn [rad rad_slope]; unfold Rdiv; ring).
  unfold tst, cone_test in H. cbn [entering cube_test] in H. rewrite solves_app, above_size in H.
  destruct H as [H1 H2]. fold cb in H1, H2.
  pose proof (above_values D cb z 0 off scale shifted radius f _ x a S LP) as V1.
  pose proof (under_values D cb z 0 off scale shifted radius f _ x a S LP) as V2.
  rewrite <- (solves_numbers z _ _ H1) in V1. rewrite <- (solves_numbers z _ _ H2) in V2.
  rewrite above_length in V1. rewrite under_length in V2.
  unfold tst, cone_test. cbn [score]. rewrite weigh_value, opp_IZR, mult_IZR.
  assert (M : total (map z (map (Z.add last) tops_of)) = reach x (point D (fst s))); [| rewrite M; lra].
  unfold tops_of, cone_levels.
  destruct (levels (numbers 0 (columns D)) (opposite (numbers 0 (columns D)) 0 (whole_of (columns D))))
    as [fs top] eqn:E. cbn [snd].
  apply (levels_solved z _ _ _ _ b last (gaps Rabs x (point D (fst s))) E).
  - rewrite opposite_length. lia.
  - intro N. apply (f_equal (@length _)) in N. rewrite opposite_length, numbers_length in N.
    destruct data_shaped as [P _]. simpl in N. lia.
  - rewrite opposite_moved, Z.add_0_r. apply opposite_sums; rewrite numbers_length, <- L.
    + exact V1.
    + rewrite whole_of_nat, <- size_length. exact V2.
  - unfold st, cone_setting, setting_of in F. cbn [later] in F. unfold cone_levels in F. rewrite E in F. exact F.
Qed.
Lemma share_one : share st z = 1.
Proof. unfold share, st, cone_setting, setting_of. cbn [tilt]. unfold Rdiv. ring. Qed.
Lemma grade_is x s : grade st z (tst s) (- (2 * IZR (Zpos (Qden lambda)) * reach x (point D (fst s)))) = cone_value x s.
Proof.
  unfold grade, cone_value. rewrite share_one, bottom_is, eta_real. unfold tst, cone_test. cbn [height].
  pose proof (numerator_positive _ positive) as P. apply IZR_lt in P. field. split; [auto | lra].
Qed.

Lemma cones_in_order : in_order every D st tst (chosen c D).
Proof.
  pose proof data_shaped as [P _]. constructor.
  - unfold st, cone_setting, setting_of. cbn [dimension]. apply numbers_length.
  - unfold st, cone_setting, setting_of. cbn [later]. apply levels_right.
  - unfold st, cone_setting, setting_of. cbn [budget_at budget_input_of].
    unfold inputs_of. destruct every; lia.
  - intros s I. pose proof (chosen_length s I) as L.
    assert (M : size (fst s) = Z.of_nat (columns D)) by (rewrite size_length, L; reflexivity).
    assert (N : size (numbers 0 (columns D)) = Z.of_nat (columns D)) by (rewrite size_length, numbers_length; reflexivity).
    split; [exact (cube_sizes (cross_of l D lambda (Qmake 0 1)) s) |]. split.
    + intros f a bound A W U. cbn [tst cone_test entering cube_test].
      unfold st, cone_setting, setting_of in W, U. cbn [dimension budget_at budget_input_of] in W, U. rewrite N in W.
      apply reads_below_app; [apply above_reads | apply under_reads]; cbn [cross_of budget_input]; lia.
    + unfold st, cone_setting, setting_of. cbn [later]. unfold tst, cone_test. cbn [breadth score].
      unfold tops_of, cone_levels.
      destruct (levels (numbers 0 (columns D)) (opposite (numbers 0 (columns D)) 0 (whole_of (columns D))))
        as [fs top] eqn:E. cbn [fst snd].
      apply (levels_read _ _ _ _ _ _ _ E). rewrite M, whole_of_nat.
      apply opposite_within; rewrite ?N; lia.
  - exists (2 * Z.of_nat (columns D))%Z. right. intros s I. cbn [tst cone_test breadth].
    rewrite size_length, (chosen_length s I). reflexivity.
Qed.

(** Where nothing is clamped, all layouts compute the greatest value of a test, or 0. *)
Lemma laid_values x ls top : length x = columns D -> (l <> Beside -> Forall (fun t => 0 <= t + off) x) ->
  cone_layers every l D lambda c = (ls, top) -> stands z 0 x 0 ->
  solves (Z.of_nat (inputs_of every D)) (all_lines ls) z ->
  total (map z top) = highest (map (cone_value x) (chosen c D)).
Proof.
  intros LX XL E S Z. pose proof cones_in_order as [N K B T W].
  unfold cone_layers, laid in E. fold st tops_of tst in E. rewrite whole_of_nat in E.
  rewrite (lay_computes st z (fun (f : bool) b => stands z b x (if f then 0 else off)) l
    (map tst (chosen c D)) (map (fun s => - (2 * IZR (Zpos (Qden lambda)) * reach x (point D (fst s)))) (chosen c D))
    (Z.of_nat (inputs_of every D)) ls top K).
  - rewrite grades_of. f_equal. apply map_ext. intro s. apply grade_is.
  - intros U a b O Q. apply (stands_lifted z off x a b st (dimension st)); auto. congruence.
  - intros U a b O Q. apply (stands_copied z off x a b (dimension st)); auto. congruence.
  - exact E.
  - intro X. apply map_eq_nil in X. exact (some X).
  - apply Forall_forall. intros t I. apply in_map_iff in I as [s [<- I]]. apply T, I.
  - assert (G : forall ss, (forall s, In s ss -> In s (chosen c D)) ->
      Forall2 (gives st z (fun (f : bool) b => stands z b x (if f then 0 else off))) (map tst ss)
        (map (fun s => - (2 * IZR (Zpos (Qden lambda)) * reach x (point D (fst s)))) ss)).
    { induction ss as [| s ss IH]; intro I; constructor.
      - intros f a b last S' H F. exact (test_value f a b last x s (I s (or_introl eq_refl)) LX S' H F).
      - apply IH. intros t J. apply I. right. exact J. }
    apply G. auto.
  - exact S.
  - exact Z.
Qed.

(** Layer after layer the first test reads x, the others what is carried. *)
Lemma first_test t carry p ls a q v x : put_test st t carry None p = (ls, a, q) -> fresh p = true ->
  tops p = [] -> length x = columns D -> sizes_right t ->
  (forall b last, solves b (entering t true (inputs_at p)) z -> follows z (later st) b last ->
    valued z (score t last) = v) ->
  stands z (inputs_at p) x 0 -> solves (next p) (all_lines ls) z ->
  next q = (next p + size (all_lines ls))%Z /\ valued z (score t a) = v
  /\ (carry = true -> fresh q = false /\ stands z (inputs_at q) (map (clamp off) x) off)
  /\ total (map z (tops q)) = 0.
Proof.
  intros E Fr Tp LX W G S H. pose proof cones_in_order as [N K _ _ _].
  set (stand := fun (f : bool) b => if f then stands z b x 0 else stands z b (map (clamp off) x) off).
  assert (SL : forall a b, stand true a -> solves b (lifted st a (dimension st)) z -> stand false b).
  { intros a0 b0 A B. apply (stands_clamped z off x a0 b0 st (dimension st)); auto. congruence. }
  assert (SC : forall a b, stand false a -> solves b (copied a (dimension st)) z -> stand false b).
  { intros a0 b0 A B. apply (stands_copied z off _ a0 b0 (dimension st)); auto.
    - rewrite map_length. congruence.
    - apply clamp_lifted. }
  assert (Kept : forall stage riser p' l' q', put_layer st stage carry riser p' = (l', q') -> fresh q' = false).
  { unfold put_layer. intros stage riser p' l' q' P. injection P as _ <-. reflexivity. }
  assert (M : total (map z (tops p)) = 0) by (rewrite Tp; reflexivity).
  unfold put_test in E.
  destruct (put_layer st _ carry None p) as [l0 p0] eqn:P0.
  destruct (put_later st (later st) carry (next p) p0) as [[ls' a'] q'] eqn:P1. injection E as <- <- <-.
  rewrite all_lines_cons, solves_app in H. destruct H as [H1 H2].
  assert (Rd : ready stand carry p) by (intros _; rewrite Fr; exact S).
  destruct (put_layer_solved st z stand SL SC _ _ _ _ _ _ _ P0 (W _ _) M (Rle_refl 0) Rd H1) as [N0 [T0 [R0 M0]]].
  cbn [graded] in M0. rewrite <- N0 in H2.
  destruct (put_later_solved st z stand SL SC _ _ _ _ _ _ _ _ P1 K M0 (Rle_refl 0) R0 H2) as [N1 [F1 [R1 M1]]].
  assert (Fq : fresh q' = false).
  { assert (Later : forall fs b p' ls'' a'' q'', put_later st fs carry b p' = (ls'', a'', q'') ->
      fresh p' = false -> fresh q'' = false).
    { induction fs as [| [k f] fs IH]; intros b p' ls'' a'' q'' P Q; cbn [put_later] in P.
      - injection P as _ _ <-. exact Q.
      - destruct (put_layer st _ carry None p') as [l2 p2] eqn:P2.
        destruct (put_later st fs carry (next p') p2) as [[l3 a3] q3] eqn:P3. injection P as _ _ <-.
        exact (IH _ _ _ _ _ P3 (Kept _ _ _ _ _ P2)). }
    exact (Later _ _ _ _ _ _ P1 (Kept _ _ _ _ _ P0)). }
  rewrite all_lines_cons, size_app. split; [lia |]. split; [| split; [| exact M1]].
  - cbn [stage_solved] in T0. rewrite Fr in T0. exact (G _ _ T0 F1).
  - intro C. split; [exact Fq |]. specialize (R1 C). rewrite Fq in R1. exact R1.
Qed.
Lemma running_values x ls top : l = Running -> length x = columns D ->
  cone_layers every l D lambda c = (ls, top) -> stands z 0 x 0 ->
  solves (Z.of_nat (inputs_of every D)) (all_lines ls) z ->
  total (map z top) = highest (match chosen c D with
    | [] => []
    | s :: ss => cone_value x s :: map (cone_value (map (clamp off) x)) ss
    end).
Proof.
  intros Run LX E S Z. pose proof cones_in_order as [N K B T W].
  unfold cone_layers, laid, lay in E. fold st tops_of tst in E. rewrite Run in E. rewrite whole_of_nat in E.
  pose proof some as some'. destruct (chosen c D) as [| s ss] eqn:Ch; [congruence |].
  assert (In' : forall u, In u (s :: ss) -> In u (chosen c D)) by (intros u I; rewrite Ch; exact I).
  cbn [map running] in E. set (p := Place true 0 [] (Z.of_nat (inputs_of every D))) in E.
  set (carry := negb (is_empty (map tst ss))) in E.
  destruct (put_test st (tst s) carry None p) as [[l1 a] p1] eqn:E1.
  destruct (put_layer st None carry (Some (tst s, a)) p1) as [l2 p2] eqn:E2.
  destruct (running st (map tst ss) p2) as [rest q] eqn:E3. injection E as <- <-.
  rewrite all_lines_app, all_lines_cons, !solves_app in Z. destruct Z as [Z1 [Z2 Z3]].
  set (v := fun y (u : list Z * Z) => - (2 * IZR (Zpos (Qden lambda)) * reach y (point D (fst u)))).
  destruct (first_test _ _ _ _ _ _ (v x s) x E1 eq_refl eq_refl LX (proj1 (T s (or_introl eq_refl)))) as [N1 [V1 [C1 M1]]].
  - intros b last H F. exact (test_value true 0 b last x s (In' s (or_introl eq_refl)) LX S H F).
  - exact S.
  - exact Z1.
  - change (Z.of_nat (inputs_of every D)) with (next p) in Z2, Z3. rewrite <- N1 in Z2, Z3.
    set (cx := map (clamp off) x) in *.
    assert (LC : length cx = columns D) by (unfold cx; rewrite map_length; exact LX).
    set (stand := fun (f : bool) b => f = false /\ stands z b cx off).
    assert (SL : forall a b, stand true a -> solves b (lifted st a (dimension st)) z -> stand false b)
      by (intros a0 b0 [Q _]; discriminate).
    assert (SC : forall a b, stand false a -> solves b (copied a (dimension st)) z -> stand false b).
    { intros a0 b0 [_ A] Bs. split; [reflexivity |]. apply (stands_copied z off _ a0 b0 (dimension st)); auto.
      - congruence.
      - apply clamp_lifted. }
    assert (Rd : ready stand carry p1) by (intro C; destruct (C1 C) as [Q1 Q2]; split; assumption).
    destruct (put_layer_solved st z stand SL SC _ _ _ _ _ _ _ E2 I M1 (Rle_refl 0) Rd Z2) as [N2 [_ [R2 M2]]].
    rewrite <- N2 in Z3. cbn [graded] in M2. rewrite V1 in M2. unfold v in M2. rewrite grade_is in M2.
    rewrite (running_computes st z stand SL SC K (map tst ss) (map (v cx) ss) p2 rest q
      (Rmax 0 (cone_value x s)) E3).
    + rewrite grades_of, (map_ext (fun u => grade st z (tst u) (v cx u)) (cone_value cx)) by (intro u; apply grade_is).
      rewrite highest_cons, (Rmax_comm 0), <- Rmax_assoc, (Rmax_right 0 (highest _)) by apply highest_nonneg.
      reflexivity.
    + apply Forall_forall. intros t J. apply in_map_iff in J as [u [<- J]]. apply T. right. exact J.
    + assert (G : forall us, (forall u, In u us -> In u (chosen c D)) ->
        Forall2 (gives st z stand) (map tst us) (map (v cx) us)).
      { induction us as [| u us IH]; intro J; constructor.
        - intros f a0 b last [-> S'] H F.
          exact (test_value false a0 b last cx u (J u (or_introl eq_refl)) LC S' H F).
        - apply IH. intros w Q. apply J. right. exact Q. }
      apply G. intros u J. apply In'. right. exact J.
    + exact M2.
    + apply Rmax_l.
    + intro NE. apply R2. unfold carry. destruct ss; [exfalso; apply NE; reflexivity | reflexivity].
    + exact Z3.
Qed.
End Values.

(** ** The theorem *)

(** Every ball of one budget keeps its label as a sign; and every budget below the cone's end, of one
    network whose last input, the budget, is read by nothing. *)
Definition one_budget_signed (m : norm) (size : Q) (D : data) (net : network) : Prop :=
  forall s, In s (samples D) -> keeps_label (Task Sign 2 m size None) net (sample_of D s).
Definition every_budget_signed (k : cone) (D : data) (net : network) : Prop :=
  forall s, In s (samples D) ->
  keeps_label_for_every (Family Sign 2 k (Qmake 1 1) (Qmake 0 1)) net (sample_of D s).
Definition two_labels (D : data) : Prop := Forall (fun s => snd s = 0 \/ snd s = 1)%Z (samples D).

Lemma signed_value z c top : line_value (signed c top) z = IZR (sign_of c) * (total (map z top) - 1).
Proof.
  unfold line_value, signed. cbn [entries bias below]. rewrite weigh_value, opp_IZR. field.
Qed.
Lemma highest_near d : 0 <= d -> forall gs hs, Forall2 (fun g h => Rabs (g - h) <= d) gs hs ->
  Rabs (highest gs - highest hs) <= d.
Proof.
  intros P gs hs F. induction F as [| g h gs hs G F IH].
  - simpl. rewrite Rminus_diag_eq, Rabs_R0 by reflexivity. exact P.
  - rewrite !highest_cons. revert G IH. generalize (highest gs) (highest hs). intros a b.
    unfold Rmax, Rabs. repeat destruct (Rle_dec _ _); repeat destruct (Rcase_abs _); lra.
Qed.

(** Within m < lambda / 2 of a sample the greatest test of its label is above 1, that of another below. *)
Lemma near_far D lambda c s x m : shaped D -> 0 < Q2R lambda -> separated Linf D (Q2R lambda) ->
  In s (samples D) -> length x = columns D -> 0 <= m -> 2 * m < Q2R lambda -> around Linf m x (point D (fst s)) ->
  if Z.eqb (snd s) c then 1 < highest (map (cone_value D lambda x) (chosen c D))
  else highest (map (cone_value D lambda x) (chosen c D)) < 1.
Proof.
  intros S positive A0 I LX P B A.
  assert (scale : 0 < 2 / Q2R lambda) by (unfold Rdiv; apply Rmult_lt_0_compat; [lra | apply Rinv_0_lt_compat, positive]).
  assert (whole : 2 / Q2R lambda * Q2R lambda = 2) by (field; lra).
  assert (half : 2 / Q2R lambda * m < 1).
  { apply Rmult_lt_reg_r with (Q2R lambda); [exact positive |].
    replace (2 / Q2R lambda * m * Q2R lambda) with (2 * m) by (field; lra). lra. }
  pose proof (reach_around m _ _ P A) as near.
  pose proof (shape_of D s S I) as [L _].
  destruct (Z.eqb_spec (snd s) c) as [e | e].
  - apply Rlt_le_trans with (cone_value D lambda x s).
    + unfold cone_value. pose proof (Rmult_le_compat_l _ _ _ (Rlt_le _ _ scale) near). lra.
    + apply highest_least, in_map. unfold chosen. apply filter_In. split; [exact I | apply Z.eqb_eq, e].
  - apply Rle_lt_trans with (2 / Q2R lambda * m); [| exact half].
    apply highest_most; [apply Rmult_le_pos; lra |]. apply Forall_map, Forall_forall. intros t T.
    apply chosen_in in T as [T Tc]. unfold cone_value.
    assert (far : Q2R lambda <= reach (point D (fst s)) (point D (fst t))).
    { apply reach_apart, A0; [exact I | exact T | congruence]. }
    pose proof (shape_of D t S T) as [Lt _].
    assert (T1 : length (point D (fst s)) = length x).
    { unfold point. rewrite map_length. congruence. }
    assert (T2 : length (point D (fst s)) = length (point D (fst t))).
    { unfold point. rewrite !map_length. congruence. }
    pose proof (triangle _ _ _ T1 T2) as tri.
    assert (away : Q2R lambda - m <= reach x (point D (fst t))) by lra.
    pose proof (Rmult_le_compat_l _ _ _ (Rlt_le _ _ scale) away). lra.
Qed.

(** No test is steeper than 2 / lambda. *)
Lemma cone_near D lambda a b s : shaped D -> 0 < Q2R lambda -> length a = columns D -> length b = columns D ->
  In s (samples D) -> Rabs (cone_value D lambda a s - cone_value D lambda b s) <= 2 / Q2R lambda * reach a b.
Proof.
  intros S P A B I. pose proof (point_length D s S I) as LP.
  pose proof (reach_near a b (point D (fst s)) ltac:(congruence) ltac:(congruence)) as H.
  assert (scale : 0 <= 2 / Q2R lambda) by (unfold Rdiv; apply Rmult_le_pos; [lra | left; apply Rinv_0_lt_compat, P]).
  unfold cone_value.
  replace (2 - 2 / Q2R lambda * reach a (point D (fst s)) - (2 - 2 / Q2R lambda * reach b (point D (fst s))))
    with (- (2 / Q2R lambda * (reach a (point D (fst s)) - reach b (point D (fst s))))) by lra.
  rewrite Rabs_Ropp, Rabs_mult, (Rabs_right (2 / Q2R lambda)) by lra.
  apply Rmult_le_compat_l; [exact scale | exact H].
Qed.

Section Theorem_5_2.
Variables (every : bool) (l : layout) (D : data) (lambda : Q) (c : Z).
Hypothesis data_shaped : shaped D.
Hypothesis positive : 0 < Q2R lambda.
Hypothesis some : chosen c D <> [].
Let ns := map name_of (numbers 0 (columns D)).
Let net := cones every l D lambda c.

Lemma cones_proper ls top : cone_layers every l D lambda c = (ls, top) ->
  ordered (Z.of_nat (inputs_of every D)) (all_lines ls)
  /\ between 0 (Z.of_nat (inputs_of every D) + size (all_lines ls)) (entries (signed c top)).
Proof.
  intro E. pose proof (cones_in_order every l D lambda c data_shaped) as O.
  destruct (laid_read every l D _ _ _ O ls top E) as [R T].
  split; [apply earlier_ordered, R |]. cbn [signed entries]. apply between_weigh, T.
Qed.
Lemma cones_well_formed : well_formed net.
Proof.
  unfold net, cones. destruct (cone_layers every l D lambda c) as [ls top] eqn:E.
  destruct (cones_proper _ _ E) as [R B]. apply network_well_formed; [exact R |].
  constructor; [exact B | constructor].
Qed.
Lemma cones_inputs : inputs net = map name_of (numbers 0 (inputs_of every D)).
Proof. unfold net, cones. destruct (cone_layers every l D lambda c) as [ls top]. reflexivity. Qed.
Lemma reading_length v : length (reading ns v) = columns D.
Proof. unfold reading, ns. rewrite !map_length. apply numbers_length. Qed.

Let off := IZR (lift (cone_setting l D lambda)) / IZR (Zpos (lift_over (cone_setting l D lambda))).
Lemma cones_output v : (l <> Beside -> Forall (fun t => 0 <= t + off) (reading ns v)) ->
  output net v 0 = IZR (sign_of c) * (highest (map (cone_value D lambda (reading ns v)) (chosen c D)) - 1).
Proof.
  intro XL. unfold net, cones. destruct (cone_layers every l D lambda c) as [ls top] eqn:E.
  destruct (cones_proper _ _ E) as [R _]. apply output_solved; [exact R |]. intros z K Z.
  rewrite signed_value. pose proof (inputs_numbers every D v z K) as I. fold ns in I.
  rewrite (laid_values every l D lambda c z data_shaped positive some _ ls top (reading_length v) XL E I Z).
  reflexivity.
Qed.

(** On the ball of every radius m below lambda / 2. *)
Hypothesis labelled : two_labels D.
Hypothesis label_c : c = 0%Z \/ c = 1%Z.
Hypothesis data_separated : separated Linf D (Q2R lambda).
Lemma unclamped s v m : In s (samples D) -> 0 <= m -> 2 * m < Q2R lambda ->
  around Linf m (reading ns v) (point D (fst s)) -> l <> Beside -> Forall (fun t => 0 <= t + off) (reading ns v).
Proof.
  intros I P B [L F]. apply (lift_enough (fst (cone_levels (columns D))) false l D lambda (Qmake 0 1) m P B s _ I); [| exact F].
  rewrite reading_length. symmetry. apply (shape_of D s data_shaped I).
Qed.
Theorem lipschitz_balls s v m : In s (samples D) -> 0 <= m -> 2 * m < Q2R lambda ->
  around Linf m (reading ns v) (point D (fst s)) ->
  if Z.eqb (snd s) 0 then output net v 0 < 0 else 0 < output net v 0.
Proof.
  intros I P B A. rewrite (cones_output v (unclamped s v m I P B A)).
  pose proof (near_far D lambda c s (reading ns v) m data_shaped positive data_separated I (reading_length v) P B A) as Main.
  assert (Lab := labelled). unfold two_labels in Lab. rewrite Forall_forall in Lab. pose proof (Lab s I) as Ls.
  unfold sign_of. destruct label_c as [-> | ->], Ls as [Ls | Ls]; rewrite Ls in *; cbn [Z.eqb Pos.eqb] in *; lra.
Qed.
(** At the samples themselves the values are -1 and +1. *)
Theorem lipschitz_values s v : In s (samples D) -> reading ns v = point D (fst s) ->
  output net v 0 = if Z.eqb (snd s) 0 then -1 else 1.
Proof.
  intros I E.
  assert (A : around Linf 0 (reading ns v) (point D (fst s))).
  { rewrite E. split; [reflexivity |]. unfold gaps. apply Forall_map, Forall_forall. intros [a b] J.
    assert (Same : forall q : list R, In (a, b) (combine q q) -> a = b).
    { induction q as [| t q IH]; intro Q; [destruct Q |]. destruct Q as [Q | Q]; [congruence | apply IH, Q]. }
    cbn [fst snd]. rewrite (Same _ J), Rminus_diag_eq, Rabs_R0 by reflexivity. lra. }
  rewrite (cones_output v (unclamped s v 0 I (Rle_refl 0) ltac:(lra) A)).
  set (x := reading ns v) in *.
  assert (scale : 0 < 2 / Q2R lambda) by (unfold Rdiv; apply Rmult_lt_0_compat; [lra | apply Rinv_0_lt_compat, positive]).
  assert (whole : 2 / Q2R lambda * Q2R lambda = 2) by (field; lra).
  pose proof (reach_around 0 _ _ (Rle_refl 0) A) as near. pose proof (reach_nonneg x (point D (fst s))) as pos.
  assert (Lab := labelled). unfold two_labels in Lab. rewrite Forall_forall in Lab. pose proof (Lab s I) as Ls.
  assert (Main : highest (map (cone_value D lambda x) (chosen c D)) = if Z.eqb (snd s) c then 2 else 0).
  { assert (top : forall t, cone_value D lambda x t <= 2).
    { intro t. unfold cone_value. pose proof (Rmult_le_pos _ _ (Rlt_le _ _ scale) (reach_nonneg x (point D (fst t)))). lra. }
    destruct (Z.eqb_spec (snd s) c) as [e | e]; apply Rle_antisym.
    - apply highest_most; [lra |]. apply Forall_map, Forall_forall. intros t _. apply top.
    - apply Rle_trans with (cone_value D lambda x s).
      + unfold cone_value. replace (reach x (point D (fst s))) with 0 by lra. lra.
      + apply highest_least, in_map. unfold chosen. apply filter_In. split; [exact I | apply Z.eqb_eq, e].
    - apply highest_most; [lra |]. apply Forall_map, Forall_forall. intros t T.
      apply chosen_in in T as [T Tc]. unfold cone_value. rewrite E.
      assert (far : Q2R lambda <= reach (point D (fst s)) (point D (fst t))).
      { apply reach_apart, data_separated; [exact I | exact T | congruence]. }
      pose proof (Rmult_le_compat_l _ _ _ (Rlt_le _ _ scale) far). lra.
    - apply highest_nonneg. }
  rewrite Main. unfold sign_of.
  destruct label_c as [-> | ->], Ls as [Ls | Ls]; rewrite Ls; cbn [Z.eqb Pos.eqb]; lra.
Qed.
End Theorem_5_2.

(** Theorem 5.2 for every data set of two labels, in the words of the statement. *)
Section Claims.
Variables (l : layout) (D : data) (lambda : Q) (c : Z).
Hypothesis data_shaped : shaped D.
Hypothesis positive : 0 < Q2R lambda.
Hypothesis some : chosen c D <> [].
Hypothesis labelled : two_labels D.
Hypothesis label_c : c = 0%Z \/ c = 1%Z.
Hypothesis data_separated : separated Linf D (Q2R lambda).
Lemma keeps_sign every v s : In s (samples D) ->
  (if Z.eqb (snd s) 0 then output (cones every l D lambda c) v 0 < 0 else 0 < output (cones every l D lambda c) v 0) ->
  keeps Sign 2 (length (outputs (cones every l D lambda c))) (output (cones every l D lambda c) v) (Z.to_nat (snd s)).
Proof.
  intros I H. unfold two_labels in labelled. rewrite Forall_forall in labelled.
  unfold keeps. destruct (labelled s I) as [e | e]; rewrite e in *; exact H.
Qed.
Theorem theorem_5_2 mu : 0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda ->
  one_budget_signed Linf mu D (cones false l D lambda c).
Proof.
  intros P B s I. destruct (shape_of D s data_shaped I) as [L Y].
  pose proof (cones_inputs false l D lambda c) as N.
  assert (N' : length (fst s) = length (inputs (cones false l D lambda c))).
  { rewrite N, map_length, numbers_length. exact L. }
  split; [apply cones_well_formed; assumption |]. cbn [sample_of fst snd]. rewrite map_length.
  split; [exact N' |]. intros x X. apply (in_ball_around _ _ Linf) in X; [| reflexivity | exact N' | reflexivity].
  cbn [metric budget] in X. rewrite N in X. unfold reads_label. cbn [read classes].
  apply keeps_sign; [exact I |].
  apply (lipschitz_balls false l D lambda c data_shaped positive some labelled label_c data_separated s x (Q2R mu) I P B X).
Qed.
Theorem theorem_5_2_every : every_budget_signed (half_cone Linf lambda) D (cones true l D lambda c).
Proof.
  intros s I. destruct (shape_of D s data_shaped I) as [L Y].
  set (ns := map name_of (numbers 0 (columns D))).
  assert (N : length (fst s) = length ns) by (unfold ns; rewrite map_length, numbers_length; exact L).
  exists ns, (name_of (Z.of_nat (columns D))). unfold below_at. cbn [balls d0 d1 sample_of fst snd].
  assert (one : Q2R (Qmake 1 1) = 1) by (rewrite make_real; field).
  assert (zero : Q2R (Qmake 0 1) = 0) by (rewrite make_real; field).
  split.
  { split; [apply cones_well_formed; assumption |]. split; [| rewrite map_length; split; [exact N | split]].
    - rewrite cones_inputs. unfold inputs_of. rewrite numbers_snoc, map_app. reflexivity.
    - unfold half_cone. cbn [first last]. rewrite half_real, make_real. split; lra.
    - unfold half_cone. cbn [rate]. lra. }
  intros t [A B]. unfold half_cone in A, B. cbn [first last open_end] in A, B. unfold Statement.below in B.
  rewrite half_real in B. rewrite zero in A. rewrite one, zero. split; [lra |].
  intros x X C. unfold in_cone in C. apply around_is in C; [| exact N].
  unfold half_cone, size_at in C. cbn [growth rate] in C. rewrite one, Rmult_1_r in C.
  pose proof (keeps_sign true x s I (lipschitz_balls true l D lambda c data_shaped positive some labelled label_c
    data_separated s x t I A ltac:(lra) C)) as K.
  unfold keeps in *. cbn [reader labels] in *.
  replace (1 + 0 * t) with 1 by lra. unfold Rdiv. rewrite Rinv_1, Rmult_1_r. exact K.
Qed.
End Claims.

(** ** The Lipschitz constant, everywhere *)

(** |F(x) - F(y)| <= (2 / lambda) ||x - y||_inf for all x and y, on and off the balls. *)
Theorem lipschitz_constant l D lambda c : l <> Overlapped -> shaped D -> 0 < Q2R lambda -> chosen c D <> [] ->
  (c = 0 \/ c = 1)%Z -> forall v w : valuation,
  let ns := map name_of (numbers 0 (columns D)) in
  Rabs (output (cones false l D lambda c) v 0 - output (cones false l D lambda c) w 0)
  <= 2 / Q2R lambda * reach (reading ns v) (reading ns w).
Proof.
  intros NO S P So C v w ns.
  set (off := IZR (lift (cone_setting l D lambda)) / IZR (Zpos (lift_over (cone_setting l D lambda)))).
  set (values := fun x => match l with
    | Running => match chosen c D with
        | [] => []
        | s :: ss => cone_value D lambda x s :: map (cone_value D lambda (map (clamp off) x)) ss
        end
    | _ => map (cone_value D lambda x) (chosen c D)
    end).
  assert (O : forall u, output (cones false l D lambda c) u 0
    = IZR (sign_of c) * (highest (values (reading ns u)) - 1)).
  { intro u. unfold cones. destruct (cone_layers false l D lambda c) as [ls top] eqn:E.
    destruct (cones_proper false l D lambda c S _ _ E) as [R _]. apply output_solved; [exact R |]. intros z K Z.
    rewrite signed_value. pose proof (inputs_numbers false D u z K) as I. fold ns in I.
    pose proof (reading_length D u) as LX. fold ns in LX.
    f_equal. f_equal. unfold values. destruct l eqn:El; [| congruence |].
    - exact (running_values false Running D lambda c z S P So _ ls top eq_refl LX E I Z).
    - exact (laid_values false Beside D lambda c z S P So _ ls top LX ltac:(congruence) E I Z). }
  rewrite !O. set (x := reading ns v) in *. set (y := reading ns w) in *.
  assert (LX : length x = columns D) by apply reading_length.
  assert (LY : length y = columns D) by apply reading_length.
  assert (scale : 0 <= 2 / Q2R lambda) by (unfold Rdiv; apply Rmult_le_pos; [lra | left; apply Rinv_0_lt_compat, P]).
  set (d := 2 / Q2R lambda * reach x y).
  assert (Dp : 0 <= d) by (apply Rmult_le_pos; [exact scale | apply reach_nonneg]).
  assert (near : forall a b s, length a = columns D -> length b = columns D -> In s (chosen c D) ->
    reach a b <= reach x y -> Rabs (cone_value D lambda a s - cone_value D lambda b s) <= d).
  { intros a b s A B I Q. apply chosen_in in I as [I _].
    apply Rle_trans with (1 := cone_near D lambda a b s S P A B I). apply Rmult_le_compat_l; assumption. }
  assert (all : forall a b ss, length a = columns D -> length b = columns D ->
    (forall s, In s ss -> In s (chosen c D)) -> reach a b <= reach x y ->
    Forall2 (fun g h => Rabs (g - h) <= d) (map (cone_value D lambda a) ss) (map (cone_value D lambda b) ss)).
  { intros a b ss A B. induction ss as [| s ss IH]; intros I Q; constructor.
    - apply near; auto. apply I. left. reflexivity.
    - apply IH; [| exact Q]. intros t T. apply I. right. exact T. }
  assert (H : Rabs (highest (values x) - highest (values y)) <= d).
  { apply highest_near; [exact Dp |]. unfold values. destruct l; [| congruence |].
    - destruct (chosen c D) as [| s ss] eqn:Ch; constructor.
      + apply near; auto; [left; reflexivity | lra].
      + apply all; rewrite ?map_length; auto; [intros t T; right; exact T |]. apply clamp_near. congruence.
    - apply all; auto. lra. }
  replace (IZR (sign_of c) * (highest (values x) - 1) - IZR (sign_of c) * (highest (values y) - 1))
    with (IZR (sign_of c) * (highest (values x) - highest (values y))) by ring.
  rewrite Rabs_mult. replace (Rabs (IZR (sign_of c))) with 1; [lra |].
  destruct C as [-> | ->]; unfold sign_of; cbn [Z.eqb].
  - rewrite Rabs_left; lra.
  - rewrite Rabs_right; lra.
Qed.
(** No function with the values -1 and +1 at two points at the distance lambda has a lesser one. *)
Theorem least_constant (F : list R -> R) (K lambda : R) p q : length p = length q ->
  (forall x y, length x = length p -> length y = length p -> Rabs (F x - F y) <= K * reach x y) ->
  F p = -1 -> F q = 1 -> 0 < lambda -> reach p q = lambda -> 2 / lambda <= K.
Proof.
  intros L H P Q B E. specialize (H p q eq_refl (eq_sym L)). rewrite P, Q, E in H.
  replace (-1 - 1) with (-2) in H by lra. rewrite Rabs_left in H by lra.
  apply Rmult_le_reg_r with lambda; [exact B |].
  replace (2 / lambda * lambda) with 2 by (field; lra). lra.
Qed.
