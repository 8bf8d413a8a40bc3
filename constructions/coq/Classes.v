(** Theorem 5.2 for any number of labels, one against rest: one output for every label, which is the
    network of [Cones] with the samples of that label.

    F_c(x) = max(-1, max of 1 - (2 / lambda) ||x - x_i||_inf over the samples i of label c): on the ball
    of every radius below lambda / 2 it is positive for the label and negative for every other one. All
    samples share the layers of distances; the trees over those of a label stand beside each other, and
    those that are done are carried on. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes Crosses Cones Lipschitz.
Import ListNotations.
Open Scope R_scope.

(** ** The lines *)

(** The labels from c on that are below [most], as many as [fuel] at most. *)
Fixpoint labels_from {A} (fuel : list A) (c most : Z) : list Z :=
  match fuel with
  | [] => []
  | _ :: fuel => if Z.ltb c most then c :: labels_from fuel (c + 1) most else []
  end.
Definition labels_of (D : data) : list Z := labels_from (samples D) 0 (highest_label D).
(** Of units first, first + 1, .., one for each element, those of some elements. *)
Fixpoint units_of {A} (mine : A -> bool) (l : list A) (first : Z) : list (list Z) :=
  match l with
  | [] => []
  | a :: l => if mine a then [first] :: units_of mine l (first + 1) else units_of mine l (first + 1)
  end.
(** Trees of maxima beside each other, each over the terms of a group. *)
Definition done (g : list (list Z)) : bool := match g with _ :: _ :: _ => false | _ => true end.
Definition top_of (g : list (list Z)) : list Z := match g with [a] => a | _ => [] end.
Fixpoint next_groups (groups : list (list (list Z))) (first : Z) : list (list (list Z)) :=
  match groups with
  | [] => []
  | g :: groups => level_terms g first :: next_groups groups (first + size g)
  end.
Definition all_terms (groups : list (list (list Z))) : Z := fold_right (fun g k => size g + k)%Z 0%Z groups.
Definition levels_of (groups : list (list (list Z))) : layer := map (fun g => fun _ => level g) groups.
Fixpoint trees {A} (fuel : list A) (groups : list (list (list Z))) (first : Z)
    : list layer * list (list Z) :=
  if forallb done groups then ([], map top_of groups) else
  match fuel with
  | [] => ([], map top_of groups)
  | _ :: fuel =>
      let '(ls, tops) := trees fuel (next_groups groups first) (first + all_terms groups) in
      (levels_of groups :: ls, tops)
  end.

Definition class_layers (every : bool) (D : data) (lambda : Q) : list layer * list (list Z) :=
  let ts := map (cone_test Beside D lambda (snd (cone_levels (columns D)))) (samples D) in
  let '(ls, rises) := tested (cone_setting Beside D lambda) ts (whole_of (inputs_of every D)) in
  let '(rest, tops) := trees (samples D)
    (map (fun c => units_of (fun s : list Z * Z => Z.eqb (snd s) c) (samples D) rises) (labels_of D))
    (rises + size ts) in
  (ls ++ rest, tops).
(** The network; if [every], it has an input more, which nothing reads. *)
Definition against_rest (every : bool) (D : data) (lambda : Q) : network :=
  let '(ls, tops) := class_layers every D lambda in
  network_of (inputs_of every D) (all_lines ls) (map (signed 1) tops).

(** ** Trees beside each other *)

Lemma groups_size groups : size (lines (levels_of groups)) = all_terms groups.
Proof.
  induction groups as [| g groups IH]; [reflexivity |]. unfold levels_of in *. cbn [map].
  rewrite lines_cons, size_app, IH, (level_size _ g (le_n _)). reflexivity.
Qed.
Lemma all_terms_nonneg groups : (0 <= all_terms groups)%Z.
Proof. rewrite <- groups_size. apply size_nonneg. Qed.
Lemma groups_solved z : forall groups vss first, Forall2 (sums z) groups vss ->
  solves first (lines (levels_of groups)) z ->
  exists wss, Forall2 (sums z) (next_groups groups first) wss /\ map highest wss = map highest vss.
Proof.
  intros groups vss first G. revert first. induction G as [| g vs groups vss S G IH]; intros first H.
  - exists []. split; [constructor | reflexivity].
  - unfold levels_of in *. cbn [map] in H. rewrite lines_cons, solves_app in H. destruct H as [H1 H2].
    rewrite (level_size _ g (le_n _)) in H2.
    destruct (level_solved z _ g vs first (le_n _) S H1) as [ws [W E]]. destruct (IH _ H2) as [wss [Ws Es]].
    exists (ws :: wss). split; [constructor; assumption | cbn [map]; congruence].
Qed.
Lemma next_shorter n : forall groups first, Forall (fun g => length g <= S (S n))%nat groups ->
  Forall (fun g => length g <= S n)%nat (next_groups groups first).
Proof.
  induction groups as [| g groups IH]; intros first F; inversion F; subst; constructor; [| apply IH; assumption].
  pose proof (level_terms_shorter _ g first (le_n _)). lia.
Qed.
Lemma trees_solved {A} z : forall (fuel : list A) groups vss first ls tops, trees fuel groups first = (ls, tops) ->
  Forall (fun g => length g <= S (length fuel))%nat groups -> Forall2 (sums z) groups vss ->
  solves first (all_lines ls) z -> map (fun top => total (map z top)) tops = map highest vss.
Proof.
  assert (flat : forall groups vss, forallb done groups = true -> Forall2 (sums z) groups vss ->
    map (fun top => total (map z top)) (map top_of groups) = map highest vss).
  { intros groups vss N G. induction G as [| g vs groups vss S G IH]; [reflexivity |].
    cbn [forallb] in N. apply andb_true_iff in N as [N1 N2]. cbn [map]. f_equal; [| exact (IH N2)].
    destruct g as [| a [| b g]]; [| | discriminate].
    - inversion S; subst. reflexivity.
    - inversion S as [| ? v ? vs' [V P] S']; subst. inversion S'; subst.
      cbn [top_of highest fold_right]. rewrite Rmax_left by exact P. reflexivity. }
  induction fuel as [| x fuel IH]; intros groups vss first ls tops E L G H; cbn [trees] in E;
    destruct (forallb done groups) eqn:N; try (injection E as <- <-; exact (flat _ _ N G)).
  - assert (forallb done groups = true); [| congruence]. apply forallb_forall. intros g I.
    rewrite Forall_forall in L. specialize (L g I). destruct g as [| a [| b g]]; [reflexivity | reflexivity |].
    simpl in L. lia.
  - destruct (trees fuel (next_groups groups first) (first + all_terms groups)) as [ls' tops'] eqn:E'.
    injection E as <- <-. rewrite all_lines_cons, solves_app, groups_size in H. destruct H as [H1 H2].
    destruct (groups_solved z _ _ _ G H1) as [wss [W Q]]. rewrite <- Q.
    apply (IH _ _ _ _ _ E'); [apply next_shorter, L | exact W | exact H2].
Qed.

Definition inside (bound : Z) (groups : list (list (list Z))) : Prop :=
  Forall (Forall (Forall (fun j => 0 <= j < bound)%Z)) groups.
Lemma inside_wider a b groups : (a <= b)%Z -> inside a groups -> inside b groups.
Proof.
  intros L H. eapply Forall_impl; [| exact H]. intros g G. eapply Forall_impl; [| exact G]. intros js J.
  eapply Forall_impl; [| exact J]. cbv beta. intros j. lia.
Qed.
Lemma groups_read (s : setting) bound groups : inside bound groups -> reads_below bound (lines (levels_of groups)).
Proof.
  intro H. induction H as [| g groups G H IH]; [constructor |]. unfold levels_of in *. cbn [map].
  rewrite lines_cons. apply reads_below_app; [apply (level_reads s _ _ _ (le_n _) G) | exact IH].
Qed.
Lemma next_inside (s : setting) : forall groups first, (0 <= first)%Z ->
  inside (first + all_terms groups) (next_groups groups first).
Proof.
  induction groups as [| g groups IH]; intros first F; [constructor |].
  cbn [next_groups all_terms fold_right]. fold (all_terms groups).
  pose proof (all_terms_nonneg groups) as N. pose proof (size_nonneg g).
  assert (Own : inside (first + size g) [level_terms g first])
    by (constructor; [exact (level_terms_within s _ g first (le_n _) F) | constructor]).
  constructor.
  - apply (inside_wider _ (first + (size g + all_terms groups))) in Own; [| lia]. inversion Own; assumption.
  - rewrite Z.add_assoc. apply IH. lia.
Qed.
Lemma trees_read {A} (s : setting) : forall (fuel : list A) groups first ls tops, trees fuel groups first = (ls, tops) ->
  (0 <= first)%Z -> inside first groups ->
  earlier first ls /\ Forall (Forall (fun j => 0 <= j < first + size (all_lines ls))%Z) tops.
Proof.
  assert (flat : forall groups first, inside first groups -> earlier first []
    /\ Forall (Forall (fun j => 0 <= j < first + size (all_lines []))%Z) (map top_of groups)).
  { intros groups first G. split; [exact I |]. change (size (all_lines [])) with 0%Z. rewrite Z.add_0_r.
    apply Forall_map. eapply Forall_impl; [| exact G]. intros [| a [| b g]] T; [constructor | | constructor].
    inversion T; assumption. }
  induction fuel as [| x fuel IH]; intros groups first ls tops E F G; cbn [trees] in E;
    destruct (forallb done groups); try (injection E as <- <-; exact (flat _ _ G)).
  destruct (trees fuel (next_groups groups first) (first + all_terms groups)) as [ls' tops'] eqn:E'.
  injection E as <- <-. pose proof (all_terms_nonneg groups) as N.
  destruct (IH _ _ _ _ E' ltac:(lia) (next_inside s groups first F)) as [H1 H2].
  rewrite all_lines_cons, size_app, groups_size, Z.add_assoc. split; [| exact H2].
  split; [apply (groups_read s), G | rewrite groups_size; exact H1].
Qed.

Lemma trees_count {A} : forall (fuel : list A) groups first ls tops, trees fuel groups first = (ls, tops) ->
  length tops = length groups.
Proof.
  assert (next_count : forall groups first, length (next_groups groups first) = length groups).
  { induction groups as [| g groups IH]; intro first; [reflexivity |]. cbn [next_groups length]. f_equal. apply IH. }
  induction fuel as [| x fuel IH]; intros groups first ls tops E; cbn [trees] in E;
    destruct (forallb done groups); try (injection E as <- <-; apply map_length).
  destruct (trees fuel (next_groups groups first) (first + all_terms groups)) as [ls' tops'] eqn:E'.
  injection E as <- <-. rewrite (IH _ _ _ _ E'). apply next_count.
Qed.

(** ** Groups *)

Lemma numbers_nth d : forall n a j, (j < n)%nat -> nth j (numbers a n) d = (a + Z.of_nat j)%Z.
Proof.
  induction n as [| n IH]; intros a [| j] H; try lia; cbn [numbers nth]; [lia |]. rewrite IH by lia. lia.
Qed.

Lemma labels_from_numbers {A} : forall (fuel : list A) c most, (most <= c + size fuel)%Z ->
  labels_from fuel c most = numbers c (Z.to_nat (most - c)).
Proof.
  induction fuel as [| x fuel IH]; intros c most H; cbn [labels_from].
  - rewrite size_nil in H. replace (Z.to_nat (most - c)) with O by lia. reflexivity.
  - rewrite size_cons in H. destruct (Z.ltb_spec c most) as [L | L].
    + rewrite IH by lia. replace (Z.to_nat (most - c)) with (S (Z.to_nat (most - (c + 1)))) by lia. reflexivity.
    + replace (Z.to_nat (most - c)) with O by lia. reflexivity.
Qed.
Lemma units_sums {A} z (mine : A -> bool) (v : A -> R) : forall l first,
  sums z (one_each l first) (map v l) -> sums z (units_of mine l first) (map v (filter mine l)).
Proof.
  induction l as [| a l IH]; intros first S; [constructor |]. cbn [one_each map] in S.
  inversion S as [| ? ? ? ? S1 S2]; subst. cbn [units_of filter].
  destruct (mine a); [constructor; [exact S1 |] |]; apply IH, S2.
Qed.
Lemma units_shorter {A} (mine : A -> bool) : forall l first, (length (units_of mine l first) <= length l)%nat.
Proof.
  induction l as [| a l IH]; intro first; [apply le_n |]. cbn [units_of length]. specialize (IH (first + 1)%Z).
  destruct (mine a); cbn [length]; lia.
Qed.
Lemma units_inside {A} (mine : A -> bool) : forall l first, (0 <= first)%Z ->
  Forall (Forall (fun j => 0 <= j < first + size l)%Z) (units_of mine l first).
Proof.
  induction l as [| a l IH]; intros first F; [constructor |]. cbn [units_of]. rewrite size_cons.
  pose proof (size_nonneg l). specialize (IH (first + 1)%Z ltac:(lia)).
  replace (first + (1 + size l))%Z with (first + 1 + size l)%Z by lia.
  destruct (mine a); [constructor; [repeat constructor; lia |] |]; exact IH.
Qed.
(** All outputs, from any proof about what solves the lines. *)
Lemma outputs_solved n ls os (x : valuation) (ys : list R) : ordered (Z.of_nat n) ls ->
  (forall z, (forall k, (0 <= k < Z.of_nat n)%Z -> z k = x (name_of k)) ->
     solves (Z.of_nat n) ls z -> map (fun o => line_value o z) os = ys) ->
  forall j, output (network_of n ls os) x j = nth j ys 0.
Proof.
  intros O H j. destruct (run_solves ls (Z.of_nat n) x) as [S K]; [lia | exact O |].
  rewrite <- (H _ K S). unfold output, network_of. cbn [outputs units].
  revert j. clear. induction os as [| o os IH]; intros [| j]; cbn [map nth nth_error]; try reflexivity.
  - apply named_value.
  - apply IH.
Qed.

(** ** The theorem *)

Section One_against_rest.
Variables (every : bool) (D : data) (lambda : Q).
Hypothesis data_shaped : shaped D.
Hypothesis positive : 0 < Q2R lambda.
Hypothesis few_labels : (highest_label D <= size (samples D))%Z.
Let ns := map name_of (numbers 0 (columns D)).
Let net := against_rest every D lambda.
Let st := cone_setting Beside D lambda.
Let tst := cone_test Beside D lambda (snd (cone_levels (columns D))).

Lemma its_own s : In s (samples D) -> In s (chosen (snd s) D).
Proof. intro I. apply filter_In. split; [exact I | apply Z.eqb_refl]. Qed.
Lemma classes_in_order : in_order every D st tst (samples D).
Proof.
  pose proof (cones_in_order every Beside D lambda 0 data_shaped) as [N K B _ _]. constructor; try assumption.
  - intros s I. pose proof (cones_in_order every Beside D lambda (snd s) data_shaped) as [_ _ _ T _].
    apply T, its_own, I.
  - exists (2 * Z.of_nat (columns D))%Z. right. intros s I. unfold tst. cbn [cone_test breadth].
    rewrite size_length, (proj1 (shape_of D s data_shaped I)). reflexivity.
Qed.
Lemma labels_are : labels_of D = numbers 0 (Z.to_nat (highest_label D)).
Proof. unfold labels_of. rewrite labels_from_numbers by lia. f_equal. lia. Qed.

Lemma classes_read ls tops : class_layers every D lambda = (ls, tops) ->
  earlier (Z.of_nat (inputs_of every D)) ls
  /\ Forall (Forall (fun j => 0 <= j < Z.of_nat (inputs_of every D) + size (all_lines ls))%Z) tops.
Proof.
  unfold class_layers. fold st tst. rewrite whole_of_nat. intro E. pose proof classes_in_order as [N K B T [w W]].
  destruct (tested st (map tst (samples D)) (Z.of_nat (inputs_of every D))) as [ls1 rises] eqn:E1.
  destruct (trees (samples D) _ _) as [rest tops'] eqn:E2. injection E as <- <-.
  destruct (tested_reads st (proj1 B) K _ _ _ _ E1) as [H1 [H2 H3]].
  - apply Forall_map, Forall_forall. intros s I. apply T, I.
  - apply Forall_map, Forall_forall. intros s I. apply T, I.
  - rewrite size_length, N. unfold inputs_of. destruct every; lia.
  - apply B.
  - exists w. destruct W as [W | W]; [left; exact W | right]. apply Forall_map, Forall_forall. exact W.
  - assert (M : size (map tst (samples D)) = size (samples D)) by (rewrite !size_length, map_length; reflexivity).
    rewrite M in *. pose proof (size_nonneg (samples D)).
    destruct (trees_read st _ _ _ _ _ E2) as [G1 G2]; [lia | |].
    + apply Forall_map, Forall_forall. intros c _. apply units_inside, H2.
    + rewrite all_lines_app, size_app, Z.add_assoc, <- H3. split; [| exact G2].
      apply earlier_app; [exact H1 |]. rewrite <- H3. exact G1.
Qed.
Lemma classes_proper ls tops : class_layers every D lambda = (ls, tops) ->
  ordered (Z.of_nat (inputs_of every D)) (all_lines ls)
  /\ Forall (fun o => between 0 (Z.of_nat (inputs_of every D) + size (all_lines ls)) (entries o)) (map (signed 1) tops).
Proof.
  intro E. destruct (classes_read _ _ E) as [R T]. split; [apply earlier_ordered, R |].
  apply Forall_map. eapply Forall_impl; [| exact T]. intros top H. cbn [signed entries]. apply between_weigh, H.
Qed.
Lemma classes_well_formed : well_formed net.
Proof.
  unfold net, against_rest. destruct (class_layers every D lambda) as [ls tops] eqn:E.
  destruct (classes_proper _ _ E) as [R B]. apply network_well_formed; assumption.
Qed.
Lemma classes_inputs : inputs net = map name_of (numbers 0 (inputs_of every D)).
Proof. unfold net, against_rest. destruct (class_layers every D lambda) as [ls tops]. reflexivity. Qed.

Lemma classes_values z x ls tops : class_layers every D lambda = (ls, tops) -> length x = columns D ->
  stands z 0 x 0 -> solves (Z.of_nat (inputs_of every D)) (all_lines ls) z ->
  map (fun top => total (map z top)) tops
  = map (fun c => highest (map (cone_value D lambda x) (chosen c D))) (labels_of D).
Proof.
  unfold class_layers. fold st tst. rewrite whole_of_nat. intros E LX S H.
  pose proof classes_in_order as [N K B T W].
  destruct (tested st (map tst (samples D)) (Z.of_nat (inputs_of every D))) as [ls1 rises] eqn:E1.
  destruct (trees (samples D) _ _) as [rest tops'] eqn:E2. injection E as <- <-.
  rewrite all_lines_app, solves_app in H. destruct H as [H1 H2].
  set (v := fun s : list Z * Z => - (2 * IZR (Zpos (Qden lambda)) * reach x (point D (fst s)))).
  set (stand := fun (f : bool) a => f = true /\ stands z a x 0).
  destruct (tested_solved st z stand K (map tst (samples D)) (map v (samples D)) _ _ _ E1) as [R U].
  - apply Forall_map, Forall_forall. intros s I. apply T, I.
  - assert (G : forall ss, (forall s, In s ss -> In s (samples D)) -> Forall2 (gives st z stand) (map tst ss) (map v ss)).
    { induction ss as [| s ss IH]; intro I; constructor.
      - intros f a b last [-> S'] F G.
        exact (test_value Beside D lambda (snd s) z data_shaped true a b last x s (its_own s (I s (or_introl eq_refl))) LX S' F G).
      - apply IH. intros t J. apply I. right. exact J. }
    apply G. auto.
  - split; [reflexivity | exact S].
  - exact H1.
  - rewrite <- R in H2. rewrite grades_of in U.
    rewrite (map_ext (fun s => grade st z (tst s) (v s)) (cone_value D lambda x)) in U
      by (intro s; apply (grade_is Beside D lambda z positive)).
    rewrite map_map in U.
    rewrite (one_each_of (map tst (samples D)) (samples D)) in U by apply map_length.
    rewrite (trees_solved z _ _ (map (fun c => map (Rmax 0) (map (cone_value D lambda x) (chosen c D))) (labels_of D))
      _ _ _ E2).
    + rewrite map_map. apply map_ext. intro c. apply highest_positive.
    + apply Forall_map, Forall_forall. intros c _.
      pose proof (units_shorter (fun s : list Z * Z => Z.eqb (snd s) c) (samples D) rises). lia.
    + clear E2. induction (labels_of D) as [| c cs IH]; cbn [map]; constructor; [| exact IH].
      rewrite map_map. apply units_sums, U.
    + exact H2.
Qed.
(** Output c is the maximum over the samples of label c, minus one, everywhere. *)
Lemma classes_outputs v j : output net v j
  = nth j (map (fun c => highest (map (cone_value D lambda (reading ns v)) (chosen c D)) - 1) (labels_of D)) 0.
Proof.
  unfold net, against_rest. destruct (class_layers every D lambda) as [ls tops] eqn:E.
  destruct (classes_proper _ _ E) as [R _]. revert j. apply outputs_solved; [exact R |]. intros z K Z.
  pose proof (inputs_numbers every D v z K) as I. fold ns in I.
  pose proof (classes_values z _ ls tops E (reading_length D v) I Z) as V. fold ns in V.
  rewrite map_map.
  transitivity (map (fun m => m - 1) (map (fun top => total (map z top)) tops)).
  - rewrite map_map. apply map_ext. intro top. rewrite signed_value. unfold sign_of. cbn [Z.eqb]. lra.
  - rewrite V, map_map. reflexivity.
Qed.
Lemma classes_count : length (outputs net) = Z.to_nat (highest_label D).
Proof.
  unfold net, against_rest. destruct (class_layers every D lambda) as [ls tops] eqn:E.
  cbn [network_of outputs]. rewrite !map_length. unfold class_layers in E.
  destruct (tested _ _ _) as [ls1 rises]. destruct (trees (samples D) _ _) as [rest tops'] eqn:E2.
  injection E as <- <-. rewrite <- (numbers_length 0 (Z.to_nat (highest_label D))), <- labels_are.
  rewrite <- (map_length (fun c => units_of (fun s : list Z * Z => Z.eqb (snd s) c) (samples D) rises)).
  apply (trees_count _ _ _ _ _ E2).
Qed.
Lemma classes_output v j : (j < length (outputs net))%nat -> output net v j
  = highest (map (cone_value D lambda (reading ns v)) (chosen (Z.of_nat j) D)) - 1.
Proof.
  intro J. rewrite classes_count in J. rewrite classes_outputs, labels_are.
  set (f := fun c => highest (map (cone_value D lambda (reading ns v)) (chosen c D)) - 1).
  rewrite (nth_indep _ 0 (f 0%Z)) by (rewrite map_length, numbers_length; exact J).
  rewrite map_nth, numbers_nth by exact J. reflexivity.
Qed.

Hypothesis data_separated : separated Linf D (Q2R lambda).
(** On the ball of every radius m below lambda / 2 the output of the label is positive, all others are
    negative. *)
Theorem against_rest_balls s v m : In s (samples D) -> 0 <= m -> 2 * m < Q2R lambda ->
  around Linf m (reading ns v) (point D (fst s)) ->
  forall j, (j < length (outputs net))%nat ->
  if Nat.eqb j (Z.to_nat (snd s)) then 0 < output net v j else output net v j < 0.
Proof.
  intros I P B A j J. rewrite (classes_output v j J).
  pose proof (near_far D lambda (Z.of_nat j) s (reading ns v) m data_shaped positive data_separated I
    (reading_length D v) P B A) as F.
  pose proof (shape_of D s data_shaped I) as [_ Y].
  destruct (Nat.eqb_spec j (Z.to_nat (snd s))) as [e | e]; destruct (Z.eqb_spec (snd s) (Z.of_nat j)) as [d | d];
    try lia; lra.
Qed.
Lemma keeps_greatest s v m : In s (samples D) -> 0 <= m -> 2 * m < Q2R lambda ->
  around Linf m (reading ns v) (point D (fst s)) ->
  keeps Argmax 0 (length (outputs net)) (output net v) (Z.to_nat (snd s)).
Proof.
  intros I P B A other O N. pose proof (against_rest_balls s v m I P B A) as H.
  pose proof (shape_of D s data_shaped I) as [_ Y]. pose proof (highest_label_ge D s I).
  pose proof (H other O) as H1. destruct (Nat.eqb_spec other (Z.to_nat (snd s))); [contradiction |].
  specialize (H (Z.to_nat (snd s))). rewrite Nat.eqb_refl, classes_count in H. specialize (H ltac:(lia)). lra.
Qed.
(** |F_j(x) - F_j(y)| <= (2 / lambda) ||x - y||_inf for every output, everywhere. *)
Theorem against_rest_constant v w j :
  Rabs (output net v j - output net w j) <= 2 / Q2R lambda * reach (reading ns v) (reading ns w).
Proof.
  set (x := reading ns v). set (y := reading ns w).
  assert (scale : 0 <= 2 / Q2R lambda) by (unfold Rdiv; apply Rmult_le_pos; [lra | left; apply Rinv_0_lt_compat, positive]).
  assert (Dp : 0 <= 2 / Q2R lambda * reach x y) by (apply Rmult_le_pos; [exact scale | apply reach_nonneg]).
  rewrite !classes_outputs. fold x y.
  revert j. induction (labels_of D) as [| c cs IH]; intros [| j]; cbn [map nth]; try (rewrite Rminus_diag_eq, Rabs_R0 by reflexivity; exact Dp).
  - match goal with |- Rabs (?a - 1 - (?b - 1)) <= _ => replace (a - 1 - (b - 1)) with (a - b) by lra end.
    apply highest_near; [exact Dp |].
    assert (all : forall ss, (forall s, In s ss -> In s (samples D)) ->
      Forall2 (fun g h => Rabs (g - h) <= 2 / Q2R lambda * reach x y)
        (map (cone_value D lambda x) ss) (map (cone_value D lambda y) ss)).
    { induction ss as [| s ss IHs]; intro I; constructor; [| apply IHs; intros t T; apply I; right; exact T].
      apply cone_near; [exact data_shaped | exact positive | apply reading_length | apply reading_length | apply I; left; reflexivity]. }
    apply all. intros s I. apply chosen_in in I. apply I.
  - apply IH.
Qed.
End One_against_rest.

(** Every ball of one budget keeps its label as the greatest output; and every budget below the cone's
    end, of one network whose last input, the budget, is read by nothing. *)
Definition one_budget_greatest (m : norm) (size : Q) (D : data) (net : network) : Prop :=
  forall s, In s (samples D) -> keeps_label (Task Argmax 0 m size None) net (sample_of D s).
Definition every_budget_greatest (k : cone) (D : data) (net : network) : Prop :=
  forall s, In s (samples D) ->
  keeps_label_for_every (Family Argmax 0 k (Qmake 1 1) (Qmake 0 1)) net (sample_of D s).

(** The theorem in the words of the statement. *)
Section Claims.
Variables (D : data) (lambda : Q).
Hypothesis data_shaped : shaped D.
Hypothesis positive : 0 < Q2R lambda.
Hypothesis few_labels : (highest_label D <= size (samples D))%Z.
Hypothesis data_separated : separated Linf D (Q2R lambda).
Theorem one_against_rest mu : 0 <= Q2R mu -> 2 * Q2R mu < Q2R lambda ->
  one_budget_greatest Linf mu D (against_rest false D lambda).
Proof.
  intros P B s I. destruct (shape_of D s data_shaped I) as [L Y].
  pose proof (classes_inputs false D lambda) as N.
  assert (N' : length (fst s) = length (inputs (against_rest false D lambda))).
  { rewrite N, map_length, numbers_length. exact L. }
  split; [apply classes_well_formed; assumption |]. cbn [sample_of fst snd]. rewrite map_length.
  split; [exact N' |]. intros x X. apply (in_ball_around _ _ Linf) in X; [| reflexivity | exact N' | reflexivity].
  cbn [metric budget] in X. rewrite N in X. unfold reads_label. cbn [read classes].
  apply (keeps_greatest false D lambda data_shaped positive few_labels data_separated s x (Q2R mu) I P B X).
Qed.
Theorem one_against_rest_every : every_budget_greatest (half_cone Linf lambda) D (against_rest true D lambda).
Proof.
  intros s I. destruct (shape_of D s data_shaped I) as [L Y].
  set (ns := map name_of (numbers 0 (columns D))).
  assert (N : length (fst s) = length ns) by (unfold ns; rewrite map_length, numbers_length; exact L).
  exists ns, (name_of (Z.of_nat (columns D))). unfold below_at. cbn [balls d0 d1 sample_of fst snd].
  assert (one : Q2R (Qmake 1 1) = 1) by (rewrite make_real; field).
  assert (zero : Q2R (Qmake 0 1) = 0) by (rewrite make_real; field).
  split.
  { split; [apply classes_well_formed; assumption |]. split; [| rewrite map_length; split; [exact N | split]].
    - rewrite classes_inputs. unfold inputs_of. rewrite numbers_snoc, map_app. reflexivity.
    - unfold half_cone. cbn [first last]. rewrite half_real, make_real. split; lra.
    - unfold half_cone. cbn [rate]. lra. }
  intros t [A B]. unfold half_cone in A, B. cbn [first last open_end] in A, B. unfold Statement.below in B.
  rewrite half_real in B. rewrite zero in A. rewrite one, zero. split; [lra |].
  intros x X C. unfold in_cone in C. apply around_is in C; [| exact N].
  unfold half_cone, size_at in C. cbn [growth rate] in C. rewrite one, Rmult_1_r in C.
  pose proof (keeps_greatest true D lambda data_shaped positive few_labels data_separated s x t I A ltac:(lra) C) as K.
  unfold keeps in *. cbn [reader labels] in *. intros other O N'. specialize (K other O N').
  replace (1 + 0 * t) with 1 by lra. unfold Rdiv. rewrite Rinv_1, !Rmult_1_r. exact K.
Qed.
End Claims.
