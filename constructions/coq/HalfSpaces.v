(** Half-space tests: a memorizer in L2 with rational weights though lambda is not rational; and the
    same in L1 and L-infinity with dual vectors, of which Theorem 4.8 is the case u = +-e_k.

    g_i(x) = y_i - K sum over u in U_i of relu(u . (x_i - x) - tau_u). For L2 the parameter is
    rho = 2 mu / lambda, tau_u = (rho / 2) |u|^2, K = y_max / (lambda^2 (1 - rho)), and lambda^2 is
    what is given; for the others tau_u = mu and K = y_max / (lambda - 2 mu). *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes.
Import ListNotations.
Open Scope R_scope.

(** ** The construction *)

Fixpoint inner (u p : list Z) : Z :=
  match u, p with
  | a :: u, b :: p => a * b + inner u p
  | _, _ => 0
  end.
Definition item := ((list Z * Z) * list (list Z))%type.
(** Terms w u_k for the inputs, without zeros. *)
Fixpoint weighted (a w : Z) (u : list Z) : list (Z * Z) :=
  match u with
  | [] => []
  | c :: u => if Z.eqb c 0 then weighted (a + 1) w u else (a, (c * w)%Z) :: weighted (a + 1) w u
  end.
(** The unit u . (x_i - x) - tau_u. *)
Definition plane (m : norm) (every : bool) (D : data) (t : Q) (p u : list Z) (a : Z) : line :=
  let d := over D in
  match m with
  | L2 =>
      Line (weighted a (Zneg (2 * Qden t * d)) u
          ++ term_of (budget_input_of every D) (if every then - inner u u else 0))
        (inner u p * Zpos (2 * Qden t) - Qnum t * inner u u) (2 * Qden t * d * d)
  | _ =>
      Line (weighted a (Zneg (d * Qden t)) u
          ++ term_of (budget_input_of every D) (if every then Zneg d else 0))
        (inner u p * Zpos (Qden t) - Qnum t * Zpos d) (d * Qden t)
  end.
Definition plane_test (m : norm) (every : bool) (D : data) (steep : Z) (t : Q) (i : item) : test :=
  let '(s, us) := i in
  Test (size us) (fun _ a => map (fun u => plane m every D t (fst s) u a) us)
    (fun a => span a us (- steep)) (snd s + 1).
Definition plane_setting (m : norm) (every : bool) (D : data) (power t : Q) : setting :=
  match m with
  | L2 =>
      Setting [] (numbers 0 (columns D)) 0 1 (budget_input_of every D)
        (Z.to_pos (Qnum power * (Zpos (Qden t) - Qnum t))) (if every then Qnum power else 0)
  | _ => setting_of [] every Beside D power t
  end.
Definition plane_steep (D : data) (power t : Q) : Z := steep_of D power t.
Definition plane_layers (m : norm) (every : bool) (D : data) (power t : Q) (items : list item)
    : list layer * list Z :=
  laid every Beside D (plane_setting m every D power t)
    (plane_test m every D (plane_steep D power t) t) items.
Definition planes_of (m : norm) (every : bool) (D : data) (power t : Q) (items : list item) : network :=
  built every Beside D (plane_setting m every D power t)
    (plane_test m every D (plane_steep D power t) t) items.

(** Which u covers which rival, in integers; and what is asked of every u. *)
Definition far_enough (m : norm) (D : data) (power : Q) (u : list Z) (reach : Z) : bool :=
  match m with
  | L2 =>
      let square := (Qnum power * (Zpos (over D) * Zpos (over D)))%Z in
      let v := (2 * reach - inner u u)%Z in
      Z.leb square (reach * Zpos (Qden power)) && Z.leb 0 v
      && Z.leb (square * inner u u) (v * v * Zpos (Qden power))
  | _ => Z.leb (Qnum power * Zpos (over D)) (reach * Zpos (Qden power))
  end.
Definition absolute (c : Z) : Z := if Z.leb 0 c then c else - c.
Definition fit_vector (m : norm) (D : data) (power : Q) (u : list Z) : bool :=
  match m with
  | L2 => Z.leb (Qnum power * (Zpos (over D) * Zpos (over D))) (inner u u * Zpos (Qden power))
  | Linf => Z.leb (fold_right (fun c n => absolute c + n)%Z 0%Z u) 1
  | L1 => forallb (fun c => Z.leb (absolute c) 1) u
  end.
(** [reached]: a u and u . x_i. *)
Definition covers (m : norm) (D : data) (power : Q) (reached : list (list Z * Z)) (p : list Z) : bool :=
  existsb (fun ur => far_enough m D power (fst ur) (snd ur - inner (fst ur) p)) reached.
Definition covered_item (m : norm) (D : data) (power : Q) (i : item) : bool :=
  let '(s, us) := i in
  let reached := map (fun u => (u, inner u (fst s))) us in
  forallb (fun u => has_length (columns D) u && fit_vector m D power u) us
  && forallb (fun t => if Z.eqb (snd s) (snd t) then true else covers m D power reached (fst t))
       (samples D).

(** ** What it means in real numbers *)

Definition dot (u x : list R) : R := total (map (fun ab => fst ab * snd ab) (combine u x)).
Lemma dot_cons a u b x : dot (a :: u) (b :: x) = a * b + dot u x.
Proof. reflexivity. Qed.
(** A vector, for L2 over the denominator of the data. *)
Definition vector (m : norm) (D : data) (u : list Z) : list R :=
  match m with L2 => map (real D) u | _ => map IZR u end.
Definition tau (m : norm) (t : R) (u : list R) : R :=
  match m with L2 => t / 2 * dot u u | _ => t end.
Definition hinge (m : norm) (D : data) (t : R) (x : list R) (p u : list Z) : R :=
  dot (vector m D u) (point D p) - dot (vector m D u) x - tau m t (vector m D u).
Definition loss_of (m : norm) (D : data) (t : R) (x : list R) (i : item) : R :=
  total (map (fun u => Rmax 0 (hinge m D t x (fst (fst i)) u)) (snd i)).

Lemma inner_real : forall u p, IZR (inner u p) = dot (map IZR u) (map IZR p).
Proof.
  induction u as [| a u IH]; intros [| b p]; try reflexivity. cbn [inner map].
  rewrite dot_cons, plus_IZR, mult_IZR, IH. reflexivity.
Qed.
Lemma dot_over D : forall u p, dot (map IZR u) (point D p) = IZR (inner u p) / IZR (Zpos (over D)).
Proof.
  unfold point, real. intros u p. rewrite inner_real. revert p.
  induction u as [| a u IH]; intros [| b p]; cbn [map].
  1-3: unfold dot; simpl; field; auto.
  rewrite !dot_cons, IH. field. auto.
Qed.
Lemma dot_scaled D x : forall u, dot (map (real D) u) x = dot (map IZR u) x / IZR (Zpos (over D)).
Proof.
  unfold real. intro u. revert x. induction u as [| a u IH]; intros [| b x]; cbn [map].
  1-3: unfold dot; simpl; field; auto.
  rewrite !dot_cons, IH. field. auto.
Qed.
Lemma weighted_value z w : forall u x a, stands z a x 0 -> length x = length u ->
  valued z (weighted a w u) = IZR w * dot (map IZR u) x.
Proof.
  induction u as [| c u IH]; intros [| t x] a S L; try discriminate.
  - unfold dot. simpl. rewrite valued_nil. lra.
  - destruct S as [S1 S2]. cbn [weighted map]. rewrite dot_cons.
    assert (L' : length x = length u) by (simpl in L; congruence).
    destruct (Z.eqb_spec c 0) as [-> | N].
    + rewrite (IH x _ S2 L'). lra.
    + rewrite valued_cons, (IH x _ S2 L'), S1, mult_IZR. lra.
Qed.

Section Planes.
Variables (m : norm) (every : bool) (D : data) (power t : Q) (z : Z -> R) (r : R).
Hypothesis r_is : if every then t = Qmake 0 1 /\ z (Z.of_nat (columns D)) = r else r = Q2R t.

Lemma plane_value p u x a : stands z a x 0 -> length x = length u ->
  line_value (plane m every D t p u a) z = hinge m D r x p u.
Proof.
  intros S L. unfold hinge, tau, vector, plane, line_value, budget_input_of. rewrite whole_of_nat.
  assert (N : forall p, IZR (Zneg p) = - IZR (Zpos p)) by reflexivity.
  assert (E : dot (map IZR u) (map (real D) u) = IZR (inner u u) / IZR (Zpos (over D))) by apply dot_over.
  destruct m; cbn [entries bias below]; rewrite valued_app, term_value, (weighted_value _ _ _ _ _ S L);
    rewrite ?dot_scaled, dot_over, ?E, minus_IZR, !mult_IZR; rewrite ?N, !Pos2Z.inj_mul, ?mult_IZR;
    (destruct every;
      [ destruct r_is as [T R]; rewrite T, R; cbn [Qnum Qden]; rewrite ?N, ?opp_IZR
      | rewrite r_is, eta_real ]); field; auto.
Qed.
Lemma planes_solved p x : forall us a b, stands z a x 0 -> Forall (fun u => length x = length u) us ->
  solves b (map (fun u => plane m every D t p u a) us) z ->
  map (fun l => Rmax 0 (line_value l z)) (map (fun u => plane m every D t p u a) us)
  = map (fun u => Rmax 0 (hinge m D r x p u)) us.
Proof.
  intros us a b S F _. rewrite map_map. apply map_ext_in. intros u U. rewrite Forall_forall in F.
  f_equal. apply plane_value; [exact S | apply F, U].
Qed.
End Planes.

(** ** Duality *)
Lemma cauchy : forall u x, dot u x * dot u x <= dot u u * dot x x.
Proof.
  assert (step : forall a b s A B, 0 <= A -> 0 <= B -> s * s <= A * B ->
    (a * b + s) * (a * b + s) <= (a * a + A) * (b * b + B)).
  { intros a b s A B HA HB H.
    assert (K : 2 * (a * b) * s <= a * a * B + A * (b * b)); [| nra].
    assert (P : 0 <= a * a * B + A * (b * b)).
    { pose proof (Rle_0_sqr a) as Pa. pose proof (Rle_0_sqr b) as Pb. unfold Rsqr in *.
      pose proof (Rmult_le_pos _ _ Pa HB). pose proof (Rmult_le_pos _ _ HA Pb). lra. }
    destruct (Rle_lt_dec (2 * (a * b) * s) 0) as [L | G]; [lra |].
    apply Rsqr_incr_0_var; [| exact P]. unfold Rsqr.
    assert (Q : 4 * (a * b) * (a * b) * (s * s) <= 4 * (a * b) * (a * b) * (A * B)).
    { apply Rmult_le_compat_l; [| exact H]. pose proof (Rle_0_sqr (a * b)). unfold Rsqr in *. lra. }
    pose proof (Rle_0_sqr (a * a * B - A * (b * b))) as R. unfold Rsqr in R. nra. }
  assert (pos : forall u, 0 <= dot u u).
  { induction u as [| a u IH]; [unfold dot; simpl; lra |]. rewrite dot_cons.
    pose proof (Rle_0_sqr a). unfold Rsqr in *. lra. }
  assert (none : forall x, dot [] x = 0) by reflexivity.
  induction u as [| a u IH]; intros [| b x].
  1-2: rewrite !none; lra.
  - unfold dot at 1 2. simpl. pose proof (pos (a :: u)). unfold dot at 2. simpl. lra.
  - rewrite !dot_cons. apply step; [apply pos | apply pos | apply IH].
Qed.
Lemma dot_self_nonneg : forall u, 0 <= dot u u.
Proof.
  induction u as [| a u IH]; [unfold dot; simpl; lra |]. rewrite dot_cons.
  pose proof (Rle_0_sqr a). unfold Rsqr in *. lra.
Qed.
Definition differences (x p : list R) : list R := map (fun ab => fst ab - snd ab) (combine x p).
Lemma dot_difference : forall u x p, length x = length p -> 
  dot u x - dot u p = dot u (differences x p).
Proof.
  induction u as [| a u IH]; intros [| t x] [| v p] L; try discriminate; try (unfold dot; simpl; lra).
  unfold differences. cbn [combine map fst snd]. rewrite !dot_cons.
  specialize (IH x p ltac:(simpl in L; congruence)). unfold differences in IH. lra.
Qed.
Lemma differences_square : forall x p, dot (differences x p) (differences x p) = total (gaps square x p).
Proof.
  unfold differences, gaps. intros x p. induction (combine x p) as [| ab l IH]; [reflexivity |].
  cbn [map]. rewrite dot_cons, IH. reflexivity.
Qed.
(** |u . g| <= max |g_k| for sum |u_k| <= 1, and <= sum |g_k| for max |u_k| <= 1. *)
Lemma holder_inf m : 0 <= m -> forall u g, Forall (fun t => Rabs t <= m) g ->
  Rabs (dot u g) <= m * total (map Rabs u).
Proof.
  intro M. induction u as [| a u IH]; intros g F.
  - unfold dot. simpl. rewrite Rabs_R0. lra.
  - destruct g as [| b g].
    + unfold dot. simpl. rewrite Rabs_R0. pose proof (Rabs_pos a).
      assert (0 <= total (map Rabs u)).
      { clear. induction u as [| a u IH]; simpl; [lra |]. pose proof (Rabs_pos a). lra. }
      apply Rmult_le_pos; lra.
    + inversion F as [| ? ? F1 F2]; subst. rewrite dot_cons. cbn [map total fold_right].
      specialize (IH g F2). unfold total in *.
      apply Rle_trans with (1 := Rabs_triang _ _). rewrite Rabs_mult.
      pose proof (Rmult_le_compat_l _ _ _ (Rabs_pos a) F1). lra.
Qed.
Lemma holder_1 : forall u g, Forall (fun t => Rabs t <= 1) u -> Rabs (dot u g) <= total (map Rabs g).
Proof.
  induction u as [| a u IH]; intros g F.
  - unfold dot. simpl. rewrite Rabs_R0. clear. induction g as [| b g IH]; simpl; [lra |].
    pose proof (Rabs_pos b). lra.
  - destruct g as [| b g]; [unfold dot; simpl; rewrite Rabs_R0; lra |].
    inversion F as [| ? ? F1 F2]; subst. rewrite dot_cons. cbn [map total fold_right].
    specialize (IH g F2). unfold total in *. apply Rle_trans with (1 := Rabs_triang _ _). rewrite Rabs_mult.
    pose proof (Rmult_le_compat_r _ _ _ (Rabs_pos b) F1). lra.
Qed.

(** ** What the checks say *)
Definition fit (m : norm) (power : R) (u : list R) : Prop :=
  match m with
  | L2 => power <= dot u u
  | Linf => total (map Rabs u) <= 1
  | L1 => Forall (fun c => Rabs c <= 1) u
  end.
Definition reaching (m : norm) (power : R) (u : list R) (reach : R) : Prop :=
  match m with
  | L2 => power <= reach /\ 0 <= 2 * reach - dot u u
      /\ power * dot u u <= (2 * reach - dot u u) * (2 * reach - dot u u)
  | _ => power <= reach
  end.
Lemma absolute_real c : IZR (absolute c) = Rabs (IZR c).
Proof.
  unfold absolute. destruct (Z.leb_spec 0 c) as [H | H].
  - apply IZR_le in H. rewrite Rabs_right; lra.
  - apply IZR_lt in H. rewrite opp_IZR, Rabs_left; lra.
Qed.
Lemma dot_vectors D u p : dot (map (real D) u) (point D p)
  = IZR (inner u p) / (IZR (Zpos (over D)) * IZR (Zpos (over D))).
Proof. rewrite dot_scaled, dot_over. field. auto. Qed.

Section Checks.
Variables (m : norm) (D : data) (power : Q).
Let d := IZR (Zpos (over D)).
Let e := IZR (Zpos (Qden power)).
Let k := IZR (Qnum power).
Lemma d_positive : 0 < d.
Proof. unfold d. auto. Qed.
Lemma e_positive : 0 < e.
Proof. unfold e. auto. Qed.
Lemma power_is : Q2R power = k / e.
Proof. apply eta_real. Qed.

Lemma fit_sound u : fit_vector m D power u = true -> fit m (Q2R power) (vector m D u).
Proof.
  unfold fit_vector, fit, vector. destruct m; intro H.
  - apply Z.leb_le, IZR_le in H.
    assert (E : IZR (fold_right (fun c n => absolute c + n)%Z 0%Z u) = total (map Rabs (map IZR u))).
    { clear. induction u as [| c u IH]; [reflexivity |]. cbn [fold_right map]. unfold total in *.
      cbn [fold_right]. rewrite plus_IZR, IH, absolute_real. reflexivity. }
    rewrite E in H. exact H.
  - rewrite forallb_forall in H. apply Forall_forall. intros r R. apply in_map_iff in R as [c [<- C]].
    specialize (H c C). apply Z.leb_le, IZR_le in H. rewrite absolute_real in H. exact H.
  - apply Z.leb_le, IZR_le in H. rewrite !mult_IZR in H. fold d e k in H.
    pose proof (dot_vectors D u u) as V. unfold point in V. rewrite V. fold d. rewrite power_is.
    pose proof d_positive. pose proof e_positive.
    apply Rmult_le_reg_r with (e * (d * d)).
    { apply Rmult_lt_0_compat; [assumption | apply Rmult_lt_0_compat; assumption]. }
    replace (k / e * (e * (d * d))) with (k * (d * d)) by (field; lra).
    replace (IZR (inner u u) / (d * d) * (e * (d * d))) with (IZR (inner u u) * e) by (field; lra).
    exact H.
Qed.
Lemma reach_sound u p q : far_enough m D power u (inner u p - inner u q) = true ->
  reaching m (Q2R power) (vector m D u) (dot (vector m D u) (point D p) - dot (vector m D u) (point D q)).
Proof.
  pose proof d_positive as PD. pose proof e_positive as PE.
  assert (PDD : 0 < d * d) by (apply Rmult_lt_0_compat; assumption).
  assert (general : far_enough Linf D power u (inner u p - inner u q) = true ->
    Q2R power <= dot (map IZR u) (point D p) - dot (map IZR u) (point D q)).
  { intro H. apply Z.leb_le, IZR_le in H. rewrite !mult_IZR, minus_IZR in H. fold d e k in H.
    rewrite !dot_over, power_is. fold d.
    apply Rmult_le_reg_r with (e * d); [apply Rmult_lt_0_compat; assumption |].
    replace (k / e * (e * d)) with (k * d) by (field; lra).
    replace ((IZR (inner u p) / d - IZR (inner u q) / d) * (e * d))
      with ((IZR (inner u p) - IZR (inner u q)) * e) by (field; lra). exact H. }
  unfold reaching, vector. destruct m; intro H; [exact (general H) | exact (general H) |]. clear general.
  unfold far_enough in H. apply andb_true_iff in H as [H H3]. apply andb_true_iff in H as [H1 H2].
  apply Z.leb_le, IZR_le in H1. apply Z.leb_le, IZR_le in H2. apply Z.leb_le, IZR_le in H3.
  rewrite !mult_IZR, !minus_IZR in H1. rewrite !minus_IZR, !mult_IZR, !minus_IZR in H2.
  rewrite !mult_IZR, !minus_IZR, !mult_IZR, !minus_IZR in H3. fold d e k in H1. fold d e k in H3.
  pose proof (dot_vectors D u u) as V. unfold point in V. rewrite V, !dot_vectors. fold d. rewrite power_is.
  set (a := IZR (inner u p)) in *. set (b := IZR (inner u q)) in *. set (w := IZR (inner u u)) in *.
  split; [| split].
  - apply Rmult_le_reg_r with (e * (d * d)); [apply Rmult_lt_0_compat; assumption |].
    replace (k / e * (e * (d * d))) with (k * (d * d)) by (field; lra).
    replace ((a / (d * d) - b / (d * d)) * (e * (d * d))) with ((a - b) * e) by (field; lra). exact H1.
  - apply Rmult_le_reg_r with (d * d); [exact PDD |]. rewrite Rmult_0_l.
    replace ((2 * (a / (d * d) - b / (d * d)) - w / (d * d)) * (d * d)) with (2 * (a - b) - w) by (field; lra).
    exact H2.
  - assert (P4 : 0 < d * d * (d * d) * e).
    { apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; exact PDD | exact PE]. }
    apply Rmult_le_reg_r with (1 := P4).
    replace (k / e * (w / (d * d)) * (d * d * (d * d) * e)) with (k * (d * d) * w) by (field; lra).
    replace ((2 * (a / (d * d) - b / (d * d)) - w / (d * d)) * (2 * (a / (d * d) - b / (d * d)) - w / (d * d))
      * (d * d * (d * d) * e)) with ((2 * (a - b) - w) * (2 * (a - b) - w) * e) by (field; lra).
    exact H3.
Qed.
End Checks.

(** ** On the balls *)
Section Balls.
Variables (m : norm) (D : data) (power r : R).
(** The parameter, and the ball that belongs to it. *)
Definition ball_size : R := match m with L2 => r * r * power / 4 | _ => r end.
Definition room_of : R := match m with L2 => power * (1 - r) | _ => power - 2 * r end.
Hypothesis r_nonneg : 0 <= r.
Hypothesis r_below : match m with L2 => r < 1 | _ => 2 * r < power end.

Lemma root_le a b : 0 <= b -> a * a <= b * b -> a <= b.
Proof. intros B H. destruct (Rle_lt_dec a b) as [ok | bad]; [exact ok | nra]. Qed.
Lemma near_dot u x p : fit m power u -> around m ball_size x p ->
  match m with
  | L2 => forall w, 0 <= w -> power * dot u u <= w * w -> Rabs (dot u x - dot u p) <= r / 2 * w
  | _ => Rabs (dot u x - dot u p) <= r
  end.
Proof.
  unfold fit, around, ball_size. intros F [L W].
  rewrite (dot_difference u x p L). destruct m.
  - assert (G : Forall (fun t => Rabs t <= r) (differences x p)).
    { unfold differences, gaps in *. rewrite Forall_forall in *. intros t T.
      apply in_map_iff in T as [ab [<- T]]. apply W. apply in_map_iff. exists ab. split; [reflexivity | exact T]. }
    pose proof (holder_inf r r_nonneg u _ G) as H.
    assert (r * total (map Rabs u) <= r * 1) by (apply Rmult_le_compat_l; assumption). lra.
  - pose proof (holder_1 u (differences x p) F) as H.
    assert (E : map Rabs (differences x p) = gaps Rabs x p).
    { unfold differences, gaps. rewrite map_map. reflexivity. }
    rewrite E in H. lra.
  - intros w N H. pose proof (cauchy u (differences x p)) as C. rewrite differences_square in C.
    set (g := dot u (differences x p)) in *. set (U := dot u u) in *.
    set (X := total (gaps square x p)) in *. pose proof (dot_self_nonneg u) as PU. fold U in PU.
    assert (Q : 0 <= r / 2 * w) by (apply Rmult_le_pos; lra).
    apply root_le; [exact Q |].
    assert (E : Rabs g * Rabs g = g * g).
    { rewrite <- Rabs_mult. apply Rabs_right. apply Rle_ge, (Rle_0_sqr g). }
    rewrite E. apply Rle_trans with (1 := C).
    apply Rle_trans with (U * (r * r * power / 4)); [apply Rmult_le_compat_l; assumption |].
    assert (r * r * (power * U) <= r * r * (w * w)).
    { apply Rmult_le_compat_l; [apply (Rle_0_sqr r) | exact H]. } nra.
Qed.

(** On its own ball no unit is on. *)
Lemma hinge_own x p u : fit m power (vector m D u) -> around m ball_size x (point D p) ->
  hinge m D r x p u <= 0.
Proof.
  intros F W. pose proof (near_dot _ _ _ F W) as N. unfold hinge, tau. revert F N.
  set (U := vector m D u). intros F N. destruct m.
  - rewrite Rabs_minus_sym in N. pose proof (Rle_abs (dot U (point D p) - dot U x)). lra.
  - rewrite Rabs_minus_sym in N. pose proof (Rle_abs (dot U (point D p) - dot U x)). lra.
  - pose proof (dot_self_nonneg U) as P.
    specialize (N (dot U U) P). rewrite Rabs_minus_sym in N. pose proof (Rle_abs (dot U (point D p) - dot U x)).
    assert (power * dot U U <= dot U U * dot U U); [| specialize (N H0); lra].
    apply Rmult_le_compat_r; [exact P | exact F].
Qed.
(** On the ball of a rival that it covers, a unit is large. *)
Lemma hinge_rival x p q u : fit m power (vector m D u) -> around m ball_size x (point D q) ->
  reaching m power (vector m D u) (dot (vector m D u) (point D p) - dot (vector m D u) (point D q)) ->
  room_of <= hinge m D r x p u.
Proof.
  intros F W R. pose proof (near_dot _ _ _ F W) as N. unfold hinge, tau, room_of. revert F N R.
  set (U := vector m D u). intros F N R. unfold reaching in R. destruct m.
  - pose proof (Rle_abs (dot U x - dot U (point D q))). lra.
  - pose proof (Rle_abs (dot U x - dot U (point D q))). lra.
  - destruct R as [R1 [R2 R3]].
    set (g := dot U (point D p) - dot U (point D q)) in *.
    specialize (N (2 * g - dot U U) R2 R3). pose proof (Rle_abs (dot U x - dot U (point D q))) as A.
    apply Rle_trans with (g * (1 - r)).
    + apply Rmult_le_compat_r; lra.
    + replace (dot U (point D p) - dot U x) with (g - (dot U x - dot U (point D q))) by (unfold g; ring).
      apply Rle_trans with (g - r / 2 * (2 * g - dot U U) - r / 2 * dot U U); [right; field | lra].
Qed.
End Balls.

(** ** The theorem *)
Lemma weighted_reads bound w : forall u a, (0 <= a)%Z -> (a + size u <= bound)%Z ->
  between 0 bound (weighted a w u).
Proof.
  induction u as [| c u IH]; intros a A N; cbn [weighted]; [constructor |]. rewrite size_cons in N.
  pose proof (size_nonneg u).
  destruct (Z.eqb c 0); [apply IH; lia |]. constructor; [cbn [fst]; lia | apply IH; lia].
Qed.
Lemma plane_sizes m every D steep t i : sizes_right (plane_test m every D steep t i).
Proof. intros f a. destruct i as [s us]. cbn [plane_test entering breadth]. rewrite !size_length, map_length. reflexivity. Qed.

Definition covered (m : norm) (D : data) (power : Q) (items : list item) : Prop :=
  map fst items = samples D /\ forall i, In i items -> covered_item m D power i = true.

Section Theorem_.
Variables (m : norm) (every : bool) (D : data) (power t : Q) (items : list item).
Hypothesis data_shaped : shaped D.
Hypothesis data_covered : covered m D power items.
Let st := plane_setting m every D power t.
Let f := plane_test m every D (plane_steep D power t) t.

Lemma item_sample i : In i items -> In (fst i) (samples D).
Proof. intro I. destruct data_covered as [E _]. rewrite <- E. apply in_map, I. Qed.
Lemma item_vectors i u : In i items -> In u (snd i) ->
  length u = columns D /\ fit m (Q2R power) (vector m D u).
Proof.
  intros I U. destruct data_covered as [_ C]. specialize (C i I). destruct i as [s us].
  apply andb_true_iff in C as [C _]. rewrite forallb_forall in C. specialize (C u U).
  apply andb_true_iff in C as [L F]. split; [apply has_length_is, L | apply fit_sound, F].
Qed.
Lemma item_covers i s : In i items -> In s (samples D) -> snd (fst i) <> snd s ->
  exists u, In u (snd i) /\ reaching m (Q2R power) (vector m D u)
    (dot (vector m D u) (point D (fst (fst i))) - dot (vector m D u) (point D (fst s))).
Proof.
  intros I S N. destruct data_covered as [_ C]. specialize (C i I). destruct i as [s' us]. cbn [fst snd] in *.
  apply andb_true_iff in C as [_ C]. rewrite forallb_forall in C. specialize (C s S).
  destruct (Z.eqb_spec (snd s') (snd s)); [contradiction |]. unfold covers in C.
  apply existsb_exists in C as [ur [U C]]. apply in_map_iff in U as [u [<- U]]. cbn [fst snd] in C.
  exists u. split; [exact U | apply reach_sound, C].
Qed.

Lemma plane_lift : IZR (lift st) / IZR (Zpos (lift_over st)) = 0.
Proof. unfold st, plane_setting, setting_of, lift_of. destruct m; cbn [lift carried]; unfold Rdiv; ring. Qed.
Lemma planes_in_order : in_order every D st f items.
Proof.
  pose proof data_shaped as [P _]. pose proof (budget_input_within every D P) as B.
  assert (N : length (dimension st) = columns D).
  { unfold st, plane_setting, setting_of. destruct m; cbn [dimension]; apply numbers_length. }
  assert (A : budget_at st = budget_input_of every D).
  { unfold st, plane_setting, setting_of. destruct m; reflexivity. }
  assert (E : later st = []) by (unfold st, plane_setting, setting_of; destruct m; reflexivity).
  constructor.
  - exact N.
  - rewrite E. constructor.
  - rewrite A. exact B.
  - intros i I. split; [apply plane_sizes |]. split.
    + intros fr a bound A0 W U. rewrite A in U. rewrite size_length, N in W.
      unfold f. pose proof (item_vectors i) as V. destruct i as [s us]. cbn [plane_test entering].
      apply Forall_forall. intros pl PL. apply in_map_iff in PL as [u [<- UI]].
      destruct (V u I UI) as [L _].
      assert (W' : (a + size u <= bound)%Z) by (rewrite size_length, L; exact W).
      assert (T : forall w, between 0 bound (term_of (budget_input_of every D) w)).
      { intro w. unfold term_of. destruct (Z.eqb w 0); repeat constructor; cbn [fst]; [apply B | exact U]. }
      unfold plane. destruct m; cbn [entries]; (apply between_app; [apply weighted_reads; assumption | apply T]).
    + rewrite E. cbn [stages_read]. unfold f. destruct i as [s us]. cbn [plane_test breadth score].
      intros a bound A0 W. apply span_reads; assumption.
  - exists 0%Z. left. exact E.
Qed.

Variables (z : Z -> R) (r : R).
Hypothesis r_nonneg : 0 <= r.
Hypothesis power_positive : 0 < Q2R power.
Hypothesis r_below : match m with L2 => r < 1 | _ => 2 * r < Q2R power end.
Hypothesis r_is : if every then t = Qmake 0 1 /\ z (Z.of_nat (columns D)) = r else r = Q2R t.

Lemma power_numerator : 0 < IZR (Qnum power).
Proof.
  rewrite eta_real in power_positive. apply Rmult_lt_reg_r with (/ IZR (Zpos (Qden power))).
  - apply Rinv_0_lt_compat. auto.
  - rewrite Rmult_0_l. exact power_positive.
Qed.
Lemma plane_bottom_2 : m = L2 ->
  IZR (Zpos (bottom st)) = IZR (Qnum power) * (IZR (Zpos (Qden t)) - IZR (Qnum t))
  /\ 0 < IZR (Zpos (Qden t)) - IZR (Qnum t).
Proof.
  clear data_covered. intro M. assert (P : 0 < IZR (Zpos (Qden t)) - IZR (Qnum t)).
  { rewrite M in r_below. destruct every; [destruct r_is as [-> _]; simpl; lra |].
    rewrite r_is, eta_real in r_below.
    apply Rmult_lt_compat_r with (r := IZR (Zpos (Qden t))) in r_below; [| auto].
    replace (IZR (Qnum t) / IZR (Zpos (Qden t)) * IZR (Zpos (Qden t))) with (IZR (Qnum t)) in r_below by (field; auto).
    lra. }
  split; [| exact P]. unfold st, plane_setting. rewrite M. cbn [bottom].
  rewrite Z2Pos.id; [rewrite mult_IZR, minus_IZR; reflexivity |].
  apply lt_IZR. rewrite mult_IZR, minus_IZR. apply Rmult_lt_0_compat; [apply power_numerator | exact P].
Qed.
Lemma plane_steepness :
  IZR (plane_steep D power t) / IZR (Zpos (bottom st)) * room_of m (Q2R power) r
  = share st z * IZR (highest_label D).
Proof.
  unfold plane_steep, room_of, st. pose proof plane_bottom_2 as B2. pose proof power_numerator as NP.
  unfold st in B2. destruct m.
  - apply (steepness [] every Beside D power t z r r_nonneg r_below r_is).
  - apply (steepness [] every Beside D power t z r r_nonneg r_below r_is).
  - destruct (B2 eq_refl) as [B P]. unfold share. rewrite B. cbn [plane_setting tilt budget_at].
    unfold steep_of, budget_input_of. rewrite whole_of_nat, !mult_IZR, eta_real. destruct every.
    + destruct r_is as [E Z]. rewrite Z. rewrite E in *. cbn [Qnum Qden] in *. field; repeat split; auto; lra.
    + rewrite r_is, eta_real. field. repeat split; auto; lra.
Qed.
Definition left_of (power r : R) : R := match m with L2 => 1 - r | _ => 1 - 2 * r / power end.
Lemma plane_share : share st z = if every then left_of (Q2R power) r else 1.
Proof.
  clear data_covered. unfold left_of, st. pose proof plane_bottom_2 as B2. pose proof power_numerator as NP.
  unfold st in B2. destruct m.
  - apply (share_is [] every Beside D power t z r r_nonneg r_below r_is).
  - apply (share_is [] every Beside D power t z r r_nonneg r_below r_is).
  - destruct (B2 eq_refl) as [B P]. unfold share. rewrite B. cbn [plane_setting tilt budget_at].
    unfold budget_input_of. rewrite whole_of_nat. destruct every.
    + destruct r_is as [E Z]. rewrite Z, E. cbn [Qnum Qden]. field. lra.
    + unfold Rdiv. ring.
Qed.

Lemma total_at_least (h : list Z -> R) : forall us u, (forall u, 0 <= h u) -> In u us -> h u <= total (map h us).
Proof.
  intros us u N. induction us as [| w us IH]; intro I; [destruct I |]. cbn [map total fold_right].
  assert (0 <= total (map h us)).
  { clear - N. induction us as [| w us IH]; simpl; [lra |]. specialize (N w). lra. }
  unfold total in *. specialize (N w). destruct I as [-> | I]; [lra | specialize (IH I); lra].
Qed.
Lemma planes_tell i x : In i items -> around m (ball_size m (Q2R power) r) x (point D (fst (fst i))) ->
  tells Beside D st f items (fun i => snd (fst i)) (loss_of m D r x) (plane_steep D power t)
    (room_of m (Q2R power) r) x i z.
Proof.
  intros I W. pose proof (item_sample i I) as S.
  assert (LX : length x = columns D).
  { destruct W as [L _]. rewrite L. apply point_length; assumption. }
  constructor.
  - exact I.
  - intros j J. split; [apply (shape_of D (fst j) data_shaped (item_sample j J)) |].
    destruct j as [s us]. reflexivity.
  - intros j J. apply highest_label_ge, item_sample, J.
  - apply plane_steepness.
  - apply steep_of_nonneg.
  - unfold room_of. destruct m; [lra | lra | apply Rmult_le_pos; lra].
  - intros j _. unfold loss_of. destruct j as [s us]. cbn [fst snd].
    clear. induction us as [| u us IH]; simpl; [lra |]. pose proof (Rmax_l 0 (hinge m D r x (fst s) u)). lra.
  - unfold loss_of. assert (H : forall u, In u (snd i) -> Rmax 0 (hinge m D r x (fst (fst i)) u) = 0).
    { intros u U. apply Rmax_left. apply (hinge_own m D (Q2R power) r r_nonneg r_below);
        [apply (item_vectors i u I U) | exact W]. }
    clear - H. induction (snd i) as [| u us IH]; [reflexivity |]. cbn [map total fold_right].
    unfold total in IH. rewrite H by (left; reflexivity). rewrite IH; [lra |]. intros w X. apply H. right. exact X.
  - intros j J N. destruct (item_covers j (fst i) J S N) as [u [U R]]. unfold loss_of.
    apply Rle_trans with (Rmax 0 (hinge m D r x (fst (fst j)) u)).
    + apply Rle_trans with (2 := Rmax_r _ _).
      apply (hinge_rival m D (Q2R power) r r_nonneg r_below x _ (fst (fst i)));
        [apply (item_vectors j u J U) | exact W | exact R].
    + apply (total_at_least (fun u => Rmax 0 (hinge m D r x (fst (fst j)) u))); [intro; apply Rmax_l | exact U].
  - exact LX.
  - intro X. congruence.
  - intros j J fr a b last P H G.
    assert (E : later st = []) by (unfold st, plane_setting, setting_of; destruct m; reflexivity).
    rewrite E in G. cbn [follows] in G. subst last.
    assert (P0 : stands z a x 0) by (rewrite plane_lift in P; destruct fr; exact P).
    pose proof (item_vectors j) as V. unfold f in *. destruct j as [s us]. cbn [plane_test entering score fst snd] in *.
    rewrite (span_solved _ _ _ _ _ H) by apply map_length.
    rewrite (planes_solved m every D t z r r_is (fst s) x us a b P0) with (2 := H).
    + rewrite opp_IZR. unfold loss_of. cbn [fst snd]. lra.
    + apply Forall_forall. intros u U. rewrite LX. symmetry. apply (V u J U).
Qed.
End Theorem_.

Definition planes (m : norm) (D : data) (power t : Q) (items : list item) : network :=
  planes_of m false D power t items.
Definition planes_every (m : norm) (D : data) (power : Q) (items : list item) : network :=
  planes_of m true D power (Qmake 0 1) items.
Lemma sample_item m D power items s : covered m D power items -> In s (samples D) ->
  exists i, In i items /\ fst i = s.
Proof.
  intros [E _] S. rewrite <- E in S. apply in_map_iff in S as [i [H I]]. exists i. split; assumption.
Qed.
(** The square of rho lambda / 2 for L2. *)
Definition ball_of (m : norm) (power t : Q) : Q :=
  match m with
  | L2 => Qmake (Qnum t * Qnum t * Qnum power) (4 * Qden t * Qden t * Qden power)
  | _ => t
  end.
Lemma ball_of_real m power t : Q2R (ball_of m power t) = ball_size m (Q2R power) (Q2R t).
Proof.
  unfold ball_of, ball_size. destruct m; [reflexivity | reflexivity |].
  rewrite make_real, !eta_real, !Pos2Z.inj_mul, !mult_IZR. field. auto.
Qed.
Theorem half_spaces m D power t items : shaped D -> covered m D power items -> 0 < Q2R power ->
  0 <= Q2R t -> match m with L2 => Q2R t < 1 | _ => 2 * Q2R t < Q2R power end ->
  one_budget m (ball_of m power t) D (planes m D power t items).
Proof.
  intros H C P N B. pose proof (planes_in_order m false D power t items H C) as O.
  apply one_budget_of; [exact H | apply built_well_formed, O | apply built_inputs |].
  intros s S x W. destruct (sample_item m D power items s C S) as [i [I E]]. subst s.
  rewrite ball_of_real in W. unfold planes, planes_of.
  rewrite (built_answer false Beside D _ _ _ O (fun i => snd (fst i)) _ _ _ _ i x eq_refl
    (fun z _ => planes_tell m false D power t items H C z (Q2R t) N P B eq_refl i _ I W)).
  rewrite (plane_share m false D power t _ (Q2R t) N P B eq_refl). lra.
Qed.
(** For L2 the parameter is rho: the square of the radius is rho^2 lambda^2 / 4. *)
Definition plane_cone (m : norm) (power : Q) : cone :=
  match m with
  | L2 => Cone L2 (Qmake (Qnum power) (4 * Qden power)) (Qmake 0 1) (Qmake 1 1) true
  | _ => half_cone m power
  end.
Definition plane_slope (m : norm) (power : Q) : Q :=
  match m with L2 => Qmake (-1) 1 | _ => half_slope power end.
Theorem half_spaces_every m D power items : shaped D -> covered m D power items -> 0 < Q2R power ->
  every_budget (plane_cone m power) (plane_slope m power) D (planes_every m D power items).
Proof.
  intros H C P. pose proof (planes_in_order m true D power (Qmake 0 1) items H C) as O.
  assert (G : forall s, In s (samples D) -> forall (x : valuation) (r : R),
    x (name_of (Z.of_nat (columns D))) = r -> 0 <= r ->
    match m with L2 => r < 1 | _ => 2 * r < Q2R power end ->
    around m (ball_size m (Q2R power) r) (reading (map name_of (numbers 0 (columns D))) x) (point D (fst s)) ->
    output (planes_every m D power items) x 0 = left_of m (Q2R power) r * IZR (snd s)).
  { intros s S x r M N B W. destruct (sample_item m D power items s C S) as [i [I E]]. subst s.
    assert (R : forall z, (forall k, (0 <= k < Z.of_nat (inputs_of true D))%Z -> z k = x (name_of k)) ->
      Qmake 0 1 = Qmake 0 1 /\ z (Z.of_nat (columns D)) = r).
    { intros z K. split; [reflexivity |]. rewrite K; [exact M | unfold inputs_of; lia]. }
    unfold planes_every, planes_of.
    rewrite (built_answer true Beside D _ _ _ O (fun i => snd (fst i)) _ _ _ _ i x eq_refl
      (fun z K => planes_tell m true D power (Qmake 0 1) items H C z r N P B (R z K) i _ I W)).
    rewrite (plane_share m true D power (Qmake 0 1) _ r N P B (R _ (fun _ _ => eq_refl))). reflexivity. }
  unfold plane_cone, plane_slope.
  destruct m.
  1-2: apply half_every; [discriminate | exact H | apply built_well_formed, O | apply built_inputs | exact P | exact G].
  apply (every_budget_of _ L2); [reflexivity | exact H | apply built_well_formed, O | apply built_inputs | | |].
  - cbn [first last]. rewrite !make_real. split; lra.
  - cbn [rate]. rewrite make_real, Pos2Z.inj_mul, mult_IZR. rewrite eta_real in P.
    replace (IZR (Qnum power) / (4 * IZR (Zpos (Qden power)))) with (IZR (Qnum power) / IZR (Zpos (Qden power)) / 4)
      by (field; auto). lra.
  - intros s S x r M [A B]. cbn [first last open_end] in A, B. unfold Statement.below in B. rewrite make_real in A, B.
    rewrite make_real. split; [lra |]. intro W. cbn [growth size_at rate] in W.
    replace (1 + -1 / 1 * r) with (left_of L2 (Q2R power) r) by (unfold left_of; field).
    apply (G s S x r M); [lra | lra |].
    unfold ball_size. replace (r * r * Q2R power / 4) with (r * r * Q2R (Qmake (Qnum power) (4 * Qden power)));
      [exact W |]. rewrite make_real, eta_real, Pos2Z.inj_mul, mult_IZR. field. auto.
Qed.

(** ** The check, row by row *)
Fixpoint first_left (m : norm) (D : data) (power : Q) (label : Z) (reached : list (list Z * Z))
    (j : Z) (rest : list (list Z * Z)) : option Z :=
  match rest with
  | [] => None
  | t :: rest =>
      if (if Z.eqb label (snd t) then true else covers m D power reached (fst t))
      then first_left m D power label reached (j + 1) rest else Some j
  end.
(** The first rival that no half-space covers; -1 for a vector that does not fit. *)
Definition uncovered (m : norm) (D : data) (power : Q) (i : item) : option Z :=
  let '(s, us) := i in
  if forallb (fun u => has_length (columns D) u && fit_vector m D power u) us
  then first_left m D power (snd s) (map (fun u => (u, inner u (fst s))) us) 0 (samples D)
  else Some (-1)%Z.
Fixpoint uncovered_pair (m : norm) (D : data) (power : Q) (every turn i : Z) (items : list item)
    : option (Z * Z) :=
  match items with
  | [] => None
  | a :: items =>
      if Z.eqb turn 0 then
        match uncovered m D power a with
        | Some j => Some (i, j)
        | None => uncovered_pair m D power every (every - 1) (i + 1) items
        end
      else uncovered_pair m D power every (turn - 1) (i + 1) items
  end.
Lemma uncovered_none m D power i : uncovered m D power i = None -> covered_item m D power i = true.
Proof.
  unfold uncovered, covered_item. destruct i as [s us]. destruct (forallb _ us); [| discriminate].
  generalize 0%Z as j. induction (samples D) as [| t r IH]; intros j H; [reflexivity |].
  cbn [first_left] in H. cbn [forallb].
  destruct (if Z.eqb (snd s) (snd t) then true else _); [| discriminate]. exact (IH _ H).
Qed.
Lemma covered_by_turns m D power items every : (0 < every)%Z ->
  (forall k, (0 <= k < every)%Z -> exists i, uncovered_pair m D power every k i items = None) ->
  forall i, In i items -> covered_item m D power i = true.
Proof.
  intros E. induction items as [| a items IH]; intros H i I; [destruct I |].
  assert (A : covered_item m D power a = true /\ forall k, (0 <= k < every)%Z ->
    exists i, uncovered_pair m D power every k i items = None).
  { split.
    - destruct (H 0%Z ltac:(lia)) as [n X]. cbn [uncovered_pair Z.eqb] in X.
      destruct (uncovered m D power a) eqn:U; [discriminate |]. apply uncovered_none, U.
    - intros k K. destruct (Z.eq_dec k (every - 1)) as [-> | N].
      + destruct (H 0%Z ltac:(lia)) as [n X]. cbn [uncovered_pair Z.eqb] in X.
        destruct (uncovered m D power a); [discriminate |]. exists (n + 1)%Z. exact X.
      + destruct (H (k + 1)%Z ltac:(lia)) as [n X]. cbn [uncovered_pair] in X.
        destruct (Z.eqb_spec (k + 1) 0); [lia |]. exists (n + 1)%Z.
        replace (k + 1 - 1)%Z with k in X by lia. exact X. }
  destruct A as [A B]. destruct I as [<- | I]; [exact A | exact (IH B i I)].
Qed.
