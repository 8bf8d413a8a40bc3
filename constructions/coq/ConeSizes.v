(** Sizes of the Lipschitz networks: widths, depths, numbers of parameters, of one output for two labels,
    layer after layer or all at once, and of one output for each label. *)
From Coq Require Import List ZArith QArith Lia Bool.
From Robmem Require Import Statement.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes Crosses Sizes HalfSpaces Parallel Cones Classes.
Import ListNotations.
Open Scope Z_scope.

(** ** The tree over coordinates *)

Lemma insert_size e : forall es, size (insert e es) = 1 + size es.
Proof.
  induction es as [| d es IH]; [reflexivity |]. cbn [insert]. destruct (Z.leb _ _); rewrite ?size_cons, ?IH, ?size_cons; lia.
Qed.
Lemma sorted_size es : size (fold_right insert [] es) = size es.
Proof. induction es as [| e es IH]; [reflexivity |]. cbn [fold_right]. rewrite insert_size, size_cons, IH. reflexivity. Qed.
Lemma ordered_filled a b : filled (ordered_difference a b) = size a + size b.
Proof.
  unfold filled, ordered_difference. cbn [entries bias Z.eqb]. rewrite sorted_size, size_app, !weigh_size. lia.
Qed.
Lemma maxima_params terms : Forall one_or_two terms -> params (maxima terms) <= 3 * size terms.
Proof.
  unfold one_or_two. induction terms using two_steps; intro F; cbn [maxima params].
  - sizes. lia.
  - inversion F; subst. rewrite sum_filled. sizes. lia.
  - inversion F as [| ? ? F1 F2]; subst. inversion F2 as [| ? ? F3 F4]; subst. specialize (IHterms F4).
    rewrite ordered_filled, sum_filled. sizes. lia.
Qed.
Lemma moved_fit a terms : Forall one_or_two terms -> Forall one_or_two (moved a terms).
Proof.
  intro F. apply Forall_map. eapply Forall_impl; [| exact F]. unfold one_or_two. intros t T. rewrite size_map. exact T.
Qed.
Lemma opposite_fit {A} : forall (like : list A) i j,
  size (opposite like i j) = size like /\ Forall one_or_two (opposite like i j).
Proof.
  induction like as [| x like IH]; intros i j; cbn [opposite]; [split; [reflexivity | constructor] |].
  destruct (IH (i + 1) (j + 1)) as [H1 H2]. split; [rewrite !size_cons; lia |].
  constructor; [unfold one_or_two; sizes; lia | exact H2].
Qed.
Lemma costing_wider K K' fs cs : K <= K' -> costing K fs cs -> costing K' fs cs.
Proof.
  intros L F. induction F as [| kf c fs cs [H G] F IH]; constructor; [split; [lia | exact G] | exact IH].
Qed.
(** Three parameters a line. *)
Definition level_costs (fs : list (Z * (Z -> list line))) : list Z := map (fun kf => 3 * fst kf) fs.
Lemma levels_sizes {A} : forall (fuel : list A) terms fs top, levels fuel terms = (fs, top) ->
  Forall one_or_two terms -> 1 <= size terms <= size fuel ->
  size fs = Z.log2_up (size terms) /\ costing (size terms) fs (level_costs fs)
  /\ sum_of (fun c => c) (level_costs fs) <= 6 * size terms - 6 + 3 * Z.log2_up (size terms)
  /\ size top <= 2.
Proof.
  induction fuel as [| x fuel IH]; intros [| a [| b terms]] fs top; cbn [levels];
    sizes; intros E F S; try lia; try (pose proof (size_nonneg terms); lia).
  - injection E as <- <-. inversion F as [| ? ? F1 _]; subst. unfold one_or_two in F1.
    split; [reflexivity | split; [constructor | split; [cbn; lia | lia]]].
  - set (all := a :: b :: terms) in *.
    assert (K : size all = 1 + (1 + size terms)) by reflexivity. pose proof (size_nonneg terms) as P.
    rewrite <- K in *.
    destruct (levels fuel (level_terms all 0)) as [fs' top'] eqn:T. injection E as <- <-.
    pose proof (level_terms_size all 0) as L. pose proof (Z.mod_pos_bound (size all) 2 ltac:(lia)) as M.
    destruct (IH _ _ _ T (level_terms_fit all 0) ltac:(lia)) as [H1 [H2 [H3 H4]]].
    unfold level_costs in *. cbn [map sum_of fst]. rewrite size_cons, H1, (log2_up_half (size all) _ ltac:(lia) L).
    split; [reflexivity | split; [| split; [lia | exact H4]]].
    constructor; [| apply (costing_wider (size (level_terms all 0))); [lia | exact H2]].
    split; [cbn [fst]; lia |]. intro c. split.
    + change (size (maxima (moved c all)) = size all). rewrite maxima_size, moved_size. reflexivity.
    + change (params (maxima (moved c all)) <= 3 * size all).
      pose proof (maxima_params _ (moved_fit c all F)) as Q. rewrite moved_size in Q. exact Q.
Qed.

(** ** Trees beside each other *)

Definition most_terms (groups : list (list (list Z))) : Z := fold_right (fun g k => Z.max (size g) k) 1 groups.
Lemma next_most : forall groups first,
  2 * most_terms (next_groups groups first) = most_terms groups + most_terms groups mod 2.
Proof.
  assert (half : forall a a' b b', 2 * a' = a + a mod 2 -> 2 * b' = b + b mod 2 ->
    2 * Z.max a' b' = Z.max a b + Z.max a b mod 2).
  { intros a a' b b' A B. pose proof (Z.mod_pos_bound a 2 ltac:(lia)). pose proof (Z.mod_pos_bound b 2 ltac:(lia)).
    destruct (Z.lt_trichotomy a b) as [L | [-> | L]].
    - rewrite (Z.max_r a b), Z.max_r by lia. exact B.
    - rewrite Z.max_id. replace a' with b' by lia. rewrite Z.max_id. exact B.
    - rewrite (Z.max_l a b), Z.max_l by lia. exact A. }
  induction groups as [| g groups IH]; intro first; [reflexivity |].
  apply half; [apply level_terms_size | apply IH].
Qed.
Lemma most_done groups : if forallb done groups then most_terms groups = 1 else 2 <= most_terms groups.
Proof.
  induction groups as [| g groups IH]; [reflexivity |]. cbn [forallb most_terms fold_right]. fold (most_terms groups).
  destruct g as [| a [| b g]]; cbn [done andb]; sizes.
  - destruct (forallb done groups); lia.
  - destruct (forallb done groups); lia.
  - pose proof (size_nonneg g). lia.
Qed.
Lemma next_few : forall groups first, all_terms (next_groups groups first) <= all_terms groups
  /\ size (next_groups groups first) = size groups.
Proof.
  induction groups as [| g groups IH]; intro first; [split; [apply Z.le_refl | reflexivity] |].
  cbn [next_groups all_terms fold_right]. fold (all_terms groups). fold (all_terms (next_groups groups (first + size g))).
  destruct (IH (first + size g)) as [H1 H2]. rewrite !size_cons.
  pose proof (level_terms_size g first). pose proof (size_nonneg g). pose proof (Z.mod_pos_bound (size g) 2 ltac:(lia)).
  assert (size g mod 2 <= size g) by (apply Z.mod_le; lia). lia.
Qed.
Lemma groups_params : forall groups first, Forall (Forall one_or_two) groups ->
  params (lines (levels_of groups)) + 5 * all_terms (next_groups groups first)
    + sum_of total_size (next_groups groups first)
  <= 5 * all_terms groups + sum_of total_size groups + size groups.
Proof.
  induction groups as [| g groups IH]; intros first F; [change (0 + 5 * 0 + 0 <= 5 * 0 + 0 + 0); lia |]. inversion F as [| ? ? F1 F2]; subst.
  unfold levels_of in *. cbn [map next_groups all_terms fold_right sum_of]. fold (all_terms groups).
  fold (all_terms (next_groups groups (first + size g))). rewrite lines_cons, params_app, size_cons.
  specialize (IH (first + size g) F2). pose proof (level_params g F1 first) as P.
  pose proof (Z.mod_pos_bound (size g) 2 ltac:(lia)). pose proof (size_nonneg g).
  assert (0 <= size g / 2) by (apply Z.div_pos; lia). lia.
Qed.
Lemma next_fit : forall groups first, Forall (Forall one_or_two) (next_groups groups first).
Proof.
  induction groups as [| g groups IH]; intro first; constructor; [apply level_terms_fit | apply IH].
Qed.
Lemma trees_sizes {A} : forall (fuel : list A) groups first ls tops, trees fuel groups first = (ls, tops) ->
  Forall (Forall one_or_two) groups -> most_terms groups <= 1 + size fuel ->
  Z.of_nat (length ls) = Z.log2_up (most_terms groups) /\ narrow (all_terms groups) ls
  /\ params (all_lines ls) + sum_of size tops
     <= 5 * all_terms groups + sum_of total_size groups + size groups * Z.log2_up (most_terms groups).
Proof.
  assert (flat : forall groups, forallb done groups = true ->
    sum_of size (map top_of groups) <= 5 * all_terms groups + sum_of total_size groups).
  { induction groups as [| g groups IH]; [intros _; change (0 <= 5 * 0 + 0); lia |]. cbn [forallb map sum_of all_terms fold_right].
    fold (all_terms groups). intro H. apply andb_true_iff in H as [H1 H2]. specialize (IH H2).
    destruct g as [| a [| b g]]; [| | discriminate]; cbn [top_of]; unfold total_size in *; cbn [sum_of]; sizes; lia. }
  induction fuel as [| x fuel IH]; intros groups first ls tops E F M; cbn [trees] in E;
    pose proof (most_done groups) as Dn; destruct (forallb done groups) eqn:N;
    try (injection E as <- <-; rewrite Dn; change (params (all_lines [])) with 0; change (Z.log2_up 1) with 0; pose proof (flat groups N);
      split; [reflexivity | split; [constructor | lia]]).
  - rewrite size_nil in M. lia.
  - destruct (trees fuel (next_groups groups first) (first + all_terms groups)) as [ls' tops'] eqn:E'.
    injection E as <- <-. rewrite size_cons in M. pose proof (next_most groups first) as L.
    pose proof (Z.mod_pos_bound (most_terms groups) 2 ltac:(lia)).
    destruct (IH _ _ _ _ E' (next_fit groups first) ltac:(lia)) as [H1 [H2 H3]].
    destruct (next_few groups first) as [K1 K2]. rewrite K2 in H3.
    cbn [length]. rewrite Nat2Z.inj_succ, H1, (log2_up_half (most_terms groups) _ Dn L).
    split; [lia | split].
    + constructor; [rewrite groups_size; lia | eapply narrow_wider; [exact H2 | exact K1]].
    + rewrite all_lines_cons, params_app. pose proof (groups_params groups first F). lia.
Qed.
Lemma units_sizes {A} (mine : A -> bool) : forall l first, size (units_of mine l first) = size (filter mine l)
  /\ total_size (units_of mine l first) = size (filter mine l) /\ Forall one_or_two (units_of mine l first).
Proof.
  unfold total_size. induction l as [| a l IH]; intro first; [split; [reflexivity | split; [reflexivity | constructor]] |].
  cbn [units_of filter]. destruct (IH (first + 1)) as [H1 [H2 H3]]. destruct (mine a); [| auto].
  cbn [sum_of]. rewrite !size_cons, size_nil, H1, H2. split; [reflexivity | split; [lia |]].
  constructor; [unfold one_or_two; sizes; lia | exact H3].
Qed.
(** Every sample has one label. *)
Lemma one_label_each : forall (l : list (list Z * Z)) a k,
  sum_of (fun c => size (filter (fun s : list Z * Z => Z.eqb (snd s) c) l)) (numbers a k) <= size l.
Proof.
  assert (one : forall y k a, sum_of (fun c => if Z.eqb y c then 1 else 0) (numbers a k) <= if Z.ltb y a then 0 else 1).
  { intro y. induction k as [| k IH]; intro a; cbn [numbers sum_of]; [destruct (Z.ltb y a); lia |].
    specialize (IH (a + 1)). destruct (Z.eqb_spec y a), (Z.ltb_spec y a), (Z.ltb_spec y (a + 1)); lia. }
  induction l as [| s l IH]; intros a k.
  - cbn [filter]. rewrite sum_of_const. sizes. lia.
  - rewrite size_cons. specialize (IH a k). specialize (one (snd s) k a).
    replace (sum_of (fun c => size (filter (fun s : list Z * Z => Z.eqb (snd s) c) (s :: l))) (numbers a k))
      with (sum_of (fun c => (if Z.eqb (snd s) c then 1 else 0)
        + size (filter (fun s : list Z * Z => Z.eqb (snd s) c) l)) (numbers a k)).
    + rewrite sum_of_plus. destruct (Z.ltb (snd s) a); lia.
    + clear. induction (numbers a k) as [| c cs IH]; [reflexivity |]. cbn [sum_of]. rewrite IH. cbn [filter].
      destruct (Z.eqb (snd s) c); rewrite ?size_cons; lia.
Qed.

(** ** Layer after layer *)

Section Running.
Variables (s : setting) (n : Z) (cs : list Z).
Hypothesis flat : tilt s = 0.
Hypothesis wide : size (dimension s) = n.
Hypothesis some_coordinate : 1 <= n.
Hypothesis later_is : costing n (later s) cs.
Let tilted_is : (tilt s = 0 /\ 0 = 0) \/ 0 = 1 := or_introl (conj flat eq_refl).
(** Tests of 2n units and 4n parameters, whose value is a sum of two units. *)
Definition cone_fits : test -> Prop := fits (4 * n) 2 (2 * n) 0.

Lemma put_later_sizes : forall fs costs, costing n fs costs -> forall carry before p ls a q,
  put_later s fs carry before p = (ls, a, q) -> fresh p = false -> size (tops p) <= 1 ->
  Z.of_nat (length ls) = size fs /\ narrow (3 * n + 1) ls
  /\ params (all_lines ls) <= sum_of (fun c => c) costs + (n + 1) * size fs
  /\ fresh q = false /\ size (tops q) <= 1.
Proof.
  intros fs costs F. induction F as [| [k f] c fs costs [Kk G] F IH]; intros carry before p ls a q P R T;
    cbn [put_later] in P.
  - injection P as <- <- <-. change (all_lines []) with (@nil line). cbn [params sum_of length].
    split; [reflexivity | split; [constructor | split; [sizes; lia | split; assumption]]].
  - destruct (put_layer s (Some (k, fun _ => f before)) carry None p) as [l p'] eqn:E1.
    destruct (put_later s fs carry (next p) p') as [[ls' a'] q'] eqn:E2. injection P as <- <- <-.
    destruct (G before) as [G1 G2]. cbn [fst snd] in Kk, G1, G2.
    apply (put_layer_sizes s (4 * n) 2 (2 * n) n 0 tilted_is wide) in E1; [| exact G1 | exact I].
    destruct E1 as [W1 [C1 [T1 R1]]]. cbn [stage_size stage_params risen] in W1, C1, T1.
    pose proof (kept_tops p) as Kp. rewrite R in C1.
    destruct (IH _ _ _ _ _ _ E2 R1 ltac:(lia)) as [H1 [H2 [H3 [H4 H5]]]].
    cbn [length sum_of]. rewrite Nat2Z.inj_succ, size_cons, all_lines_cons, params_app.
    split; [lia | split; [constructor; [destruct carry; lia | exact H2] |]].
    split; [destruct carry; lia | split; assumption].
Qed.
Lemma running_cones : forall ts p ls q, running s ts p = (ls, q) -> Forall cone_fits ts -> size (tops p) <= 2 ->
  Z.of_nat (length ls) = (2 + size (later s)) * size ts /\ narrow (3 * n + 1) ls
  /\ params (all_lines ls) <= (sum_of (fun c => c) cs + (n + 1) * size (later s) + 6 * n + 7) * size ts
     + (if fresh p then n else 0)
  /\ size (tops q) <= 2.
Proof.
  induction ts as [| t ts IH]; intros p ls q P F T; cbn [running] in P.
  - injection P as <- <-. change (all_lines []) with (@nil line). cbn [params length]. sizes.
    split; [lia | split; [constructor | split; [destruct (fresh p); lia | exact T]]].
  - apply Forall_cons_iff in F as [F1 F2]. set (carry := negb (is_empty ts)) in P.
    destruct (put_test s t carry None p) as [[ls1 a] p1] eqn:E1.
    destruct (put_layer s None carry (Some (t, a)) p1) as [l p2] eqn:E2.
    destruct (running s ts p2) as [rest q'] eqn:E3. injection P as <- <-.
    pose proof F1 as [S1 [B1 [C1 _]]]. unfold put_test in E1.
    destruct (put_layer s (Some (breadth t, fun _ => entering t (fresh p) (inputs_at p))) carry None p)
      as [l0 p0] eqn:E0.
    destruct (put_later s (later s) carry (next p) p0) as [[ls0 a0] q0] eqn:E4. injection E1 as <- <- <-.
    apply (put_layer_sizes s (4 * n) 2 (2 * n) n 0 tilted_is wide) in E0; [| apply S1 | exact I].
    destruct E0 as [W0 [D0 [T0 R0]]]. cbn [stage_size stage_params risen] in W0, D0, T0.
    specialize (C1 (fresh p) (inputs_at p)). pose proof (kept_tops p) as Kp.
    destruct (put_later_sizes _ _ later_is _ _ _ _ _ _ E4 R0 ltac:(lia)) as [L1 [L2 [L3 [L4 L5]]]].
    apply (put_layer_sizes s (4 * n) 2 (2 * n) n 0 tilted_is wide) in E2; [| exact I | exact F1].
    destruct E2 as [W2 [D2 [T2 R2]]]. cbn [stage_size stage_params risen] in W2, D2, T2.
    pose proof (kept_tops q0) as K0. rewrite L4 in D2.
    destruct (IH _ _ _ E3 F2 ltac:(lia)) as [H1 [H2 [H3 H4]]]. rewrite R2 in H3.
    cbn [app length]. rewrite app_length, size_cons. cbn [length].
    split; [lia | split; [| split; [| exact H4]]].
    + constructor; [destruct carry; lia |]. apply Forall_app. split; [exact L2 |].
      constructor; [destruct carry; lia | exact H2].
    + rewrite all_lines_cons, all_lines_app, all_lines_cons, !params_app. destruct carry, (fresh p); lia.
Qed.
End Running.

(** ** The tests *)

Section Tests.
Variables (l : layout) (D : data) (lambda : Q).
Hypothesis data_shaped : shaped D.
Let n := Z.of_nat (columns D).
Let st := cone_setting l D lambda.
Let tst := cone_test l D lambda (snd (cone_levels (columns D))).
Lemma coordinates : size (later st) = Z.log2_up n /\ costing n (later st) (level_costs (later st))
  /\ sum_of (fun c => c) (level_costs (later st)) <= 6 * n - 6 + 3 * Z.log2_up n /\ size (snd (cone_levels (columns D))) <= 2.
Proof.
  unfold st, cone_setting, setting_of. cbn [later]. unfold cone_levels.
  destruct (opposite_fit (numbers 0 (columns D)) 0 (whole_of (columns D))) as [H1 H2].
  assert (N : size (numbers 0 (columns D)) = n) by (rewrite size_length, numbers_length; reflexivity).
  rewrite N in H1. pose proof (n_positive D data_shaped) as P. fold n in P.
  destruct (levels _ _) as [fs top] eqn:E. cbn [fst snd].
  destruct (levels_sizes _ _ _ _ E H2 ltac:(lia)) as [G1 [G2 [G3 G4]]]. rewrite H1 in G1, G2, G3.
  split; [exact G1 | split; [exact G2 | split; [exact G3 | exact G4]]].
Qed.
Lemma sum_items (f : test -> Z) c items : (forall s, In s items -> f (tst s) <= c) ->
  sum_of f (map tst items) <= c * size items.
Proof.
  intro H. rewrite sum_of_map, <- (sum_of_const c items). apply sum_of_le. exact H.
Qed.
Lemma its_tests items : (forall s, In s items -> In s (samples D)) ->
  Forall sizes_right (map tst items) /\ sum_of breadth (map tst items) <= 2 * n * size items
  /\ sum_of entered (map tst items) <= 4 * n * size items
  /\ forall t a, In t (map tst items) -> size (score t a) <= 2.
Proof.
  intro I. split; [| split; [| split]].
  - apply Forall_map, Forall_forall. intros s S. exact (cube_sizes (cross_of l D lambda (Qmake 0 1)) s).
  - apply sum_items. intros s S. unfold tst. cbn [cone_test breadth].
    rewrite (points_wide D data_shaped s (I s S)). fold n. lia.
  - apply sum_items. intros s S.
    change (entered (tst s)) with (entered (cube_test (cross_of l D lambda (Qmake 0 1)) s)).
    pose proof (cube_entered (cross_of l D lambda (Qmake 0 1)) 0 s ltac:(left; split; reflexivity)) as C.
    rewrite (points_wide D data_shaped s (I s S)) in C. fold n in C. lia.
  - intros t a T. apply in_map_iff in T as [s [<- S]]. unfold tst. cbn [cone_test score].
    rewrite weigh_size, size_map. apply coordinates.
Qed.
Lemma cones_fit items : (forall s, In s items -> In s (samples D)) -> Forall (cone_fits n) (map tst items).
Proof.
  intro I. apply Forall_map, Forall_forall. intros s S.
  pose proof (cube_fits (cross_of l D lambda (Qmake 0 1)) 0 ltac:(left; split; reflexivity) s n
    (points_wide D data_shaped s (I s S))) as [F1 [F2 [F3 _]]].
  split; [exact F1 | split; [exact F2 | split]].
  - intros f a. specialize (F3 f a). change (entering (tst s) f a)
      with (entering (cube_test (cross_of l D lambda (Qmake 0 1)) s) f a). lia.
  - intro a. unfold tst. cbn [cone_test score]. rewrite weigh_size, size_map.
    destruct coordinates as [_ [_ [_ T]]]. lia.
Qed.
End Tests.
Lemma signed_filled c top : filled (signed c top) = size top + 1.
Proof.
  unfold filled, signed. cbn [entries bias]. rewrite weigh_size. unfold sign_of.
  destruct (Z.eqb c 0); reflexivity.
Qed.

(** ** What the theorem promises: depth, width, parameters *)

Section Promises.
Variables (D : data) (every : bool) (lambda : Q).
Hypothesis data_shaped : shaped D.
Let n := Z.of_nat (columns D).
Let st := cone_setting Beside D lambda.
Let tst := cone_test Beside D lambda (snd (cone_levels (columns D))).
Let costs := level_costs (later st).

(** P samples of the label c, layer after layer: width 3n + 1, depth P (ceil(log2 n) + 2) + 1. *)
Theorem sizes_lipschitz c : chosen c D <> [] ->
  let b := cone_layers every Running D lambda c in
  let P := size (chosen c D) in
  depth b = P * (Z.log2_up n + 2) + 1 /\ narrow (3 * n + 1) (fst b)
  /\ params (all_lines (fst b)) + filled (signed c (snd b))
     <= (12 * n + Z.log2_up n * (n + 4) + 1) * P + n + 3.
Proof.
  intros Some b P. pose proof (n_positive D data_shaped) as NP. fold n in NP.
  destruct (coordinates Running D lambda data_shaped) as [C1 [C2 [C3 _]]]. fold n in C1, C2, C3.
  set (st' := cone_setting Running D lambda) in *.
  pose proof (cones_fit Running D lambda data_shaped (chosen c D)
    (fun s I => proj1 (proj1 (filter_In _ _ _) I))) as F. fold n in F.
  unfold b, cone_layers, laid, lay. fold st'.
  set (ts := map (cone_test Running D lambda (snd (cone_levels (columns D)))) (chosen c D)) in *.
  assert (Wd : size (dimension st') = n) by (exact (eq_trans (size_length _) (f_equal Z.of_nat (numbers_length 0 (columns D))))).
  destruct (running st' ts (Place true 0 [] (whole_of (inputs_of every D)))) as [ls q] eqn:H.
  apply (running_cones st' n (level_costs (later st')) eq_refl Wd NP C2) in H;
    [| exact F | cbn [tops]; sizes; lia].
  destruct H as [H1 [H2 [H3 H4]]]. cbn [fresh] in H3. unfold ts in H1, H3. rewrite size_map in H1, H3.
  fold P in H1, H3. rewrite C1 in *.
  assert (P0 : 0 <= P) by apply size_nonneg.
  assert (X : (sum_of (fun c => c) (level_costs (later st')) + (n + 1) * Z.log2_up n + 6 * n + 7) * P
    <= (6 * n - 6 + 3 * Z.log2_up n + (n + 1) * Z.log2_up n + 6 * n + 7) * P)
    by (apply Z.mul_le_mono_nonneg_r; lia).
  unfold depth. cbn [fst snd]. rewrite signed_filled. split; [lia | split; [exact H2 | lia]].
Qed.
(** All at once: width 2nP, depth ceil(log2 n) + ceil(log2 P) + 3. *)
Theorem sizes_lipschitz_parallel c : chosen c D <> [] ->
  let b := cone_layers every Beside D lambda c in
  let P := size (chosen c D) in
  depth b = 3 + Z.log2_up n + Z.log2_up P /\ narrow (2 * n * P) (fst b)
  /\ params (all_lines (fst b)) + filled (signed c (snd b)) <= (10 * n + 3 * Z.log2_up n + 3) * P - 4.
Proof.
  intros Some b P. pose proof (n_positive D data_shaped) as NP. fold n in NP.
  destruct (coordinates Beside D lambda data_shaped) as [C1 [C2 [C3 C4]]]. fold n st in C1, C2, C3. fold costs in C2, C3.
  destruct (its_tests Beside D lambda data_shaped (chosen c D)) as [T1 [T2 [T3 T4]]]; [intros s I; apply filter_In in I; apply I |].
  fold n in T2, T3. fold tst in T1, T2, T3, T4.
  unfold b, cone_layers, laid, lay. fold st tst.
  destruct (beside st (map tst (chosen c D)) (whole_of (inputs_of every D))) as [ls top] eqn:H.
  apply (beside_sizes st n costs C2 ltac:(lia) 0 (fun _ => 2) ltac:(left; split; reflexivity)) in H;
    [| intro X; apply map_eq_nil in X; exact (Some X) | exact T1 | exact T4].
  rewrite size_map in H. fold P in H, T2, T3. destruct H as [H1 [H2 H3]].
  assert (R : filled (result st top) = size top + 1).
  { unfold filled, result, budget_term. cbn [entries bias]. rewrite size_app, weigh_size. reflexivity. }
  rewrite sum_of_const, size_map in H3. fold P in H3.
  assert (P0 : 0 <= P) by apply size_nonneg.
  assert (X : (sum_of (fun c => c) costs + 7 + 0) * P <= (6 * n - 6 + 3 * Z.log2_up n + 7) * P)
    by (apply Z.mul_le_mono_nonneg_r; lia).
  unfold depth. cbn [fst snd]. rewrite signed_filled. split; [lia | split; [| lia]].
  eapply narrow_wider; [exact H2 |]. apply Z.max_lub; [exact T2 | nia].
Qed.

(** One output for each label: C of them, M the samples of the label that most samples have. *)
Definition most_samples : Z := fold_right (fun c k => Z.max (size (chosen c D)) k) 1 (labels_of D).
Theorem sizes_one_against_rest : highest_label D <= size (samples D) ->
  let b := class_layers every D lambda in
  let N := size (samples D) in
  let C := highest_label D in
  Z.of_nat (length (fst b)) + 1 = 3 + Z.log2_up n + Z.log2_up most_samples /\ narrow (2 * n * N) (fst b)
  /\ params (all_lines (fst b)) + params (map (signed 1) (snd b))
     <= (10 * n + 3 * Z.log2_up n + 3) * N + (Z.log2_up most_samples + 1) * C.
Proof.
  intros Few b N C. pose proof (n_positive D data_shaped) as NP. fold n in NP.
  destruct (coordinates Beside D lambda data_shaped) as [C1 [C2 [C3 C4]]]. fold n st in C1, C2, C3. fold costs in C2, C3.
  destruct (its_tests Beside D lambda data_shaped (samples D)) as [T1 [T2 [T3 T4]]]; [auto |].
  fold n in T2, T3. fold tst in T1, T2, T3, T4.
  unfold b, class_layers. fold st tst. rewrite size_map.
  destruct (tested st (map tst (samples D)) (whole_of (inputs_of every D))) as [ls rises] eqn:E1.
  apply (tested_sizes st n costs C2 ltac:(lia) 0 (fun _ => 2) ltac:(left; split; reflexivity)) in E1;
    [| exact T1 | exact T4].
  rewrite size_map, sum_of_const, size_map in E1. fold N in E1, T2, T3. destruct E1 as [H1 [H2 H3]].
  set (groups := map (fun c => units_of (fun s : list Z * Z => Z.eqb (snd s) c) (samples D) rises) (labels_of D)).
  fold N. destruct (trees (samples D) groups (rises + N)) as [rest tops] eqn:E2.
  pose proof (trees_count _ _ _ _ _ E2) as Count.
  assert (G : most_terms groups = most_samples /\ all_terms groups = sum_of total_size groups
    /\ all_terms groups = sum_of (fun c => size (chosen c D)) (labels_of D) /\ Forall (Forall one_or_two) groups
    /\ size groups = size (labels_of D)).
  { clear E2 Count. unfold groups, most_samples, chosen. induction (labels_of D) as [| c cs IH];
      [split; [reflexivity | split; [reflexivity | split; [reflexivity | split; [constructor | reflexivity]]]] |].
    destruct IH as [I1 [I2 [I3 [I4 I5]]]].
    destruct (units_sizes (fun s : list Z * Z => Z.eqb (snd s) c) (samples D) rises) as [U1 [U2 U3]].
    unfold most_terms, all_terms in *. cbn [map fold_right sum_of]. rewrite I1, <- I2, <- I3, U1, U2, !size_cons, I5.
    split; [reflexivity | split; [reflexivity | split; [reflexivity | split; [constructor; assumption | reflexivity]]]]. }
  destruct G as [G1 [G2 [G3 [G4 G5]]]].
  assert (NN : 0 <= N) by apply size_nonneg.
  assert (Labels : size (labels_of D) = C).
  { rewrite (labels_are D Few), size_length, numbers_length. pose proof (highest_label_positive D). unfold C. lia. }
  assert (All : all_terms groups <= N).
  { rewrite G3, (labels_are D Few). apply one_label_each. }
  assert (Most : most_samples <= Z.max 1 N).
  { unfold most_samples. clear. induction (labels_of D) as [| c cs IH]; cbn [fold_right]; [lia |].
    assert (size (chosen c D) <= N); [| lia].
    unfold N, chosen. clear. induction (samples D) as [| s l IHl]; [reflexivity |]. cbn [filter].
    destruct (Z.eqb (snd s) c); rewrite ?size_cons; lia. }
  destruct (trees_sizes _ _ _ _ _ E2 G4) as [K1 [K2 K3]]; [fold N; lia |].
  rewrite G1, G5, <- G2, Labels in K3. rewrite G1 in K1.
  assert (Outs : params (map (signed 1) tops) = sum_of size tops + C).
  { rewrite <- Labels, <- G5. replace (size groups) with (size tops) by (rewrite !size_length, Count; reflexivity).
    clear. induction tops as [| top tops IH]; [reflexivity |]. cbn [map params sum_of].
    rewrite IH, signed_filled, size_cons. lia. }
  assert (X : (sum_of (fun c => c) costs + 1 + 0) * N <= (6 * n - 6 + 3 * Z.log2_up n + 1) * N)
    by (apply Z.mul_le_mono_nonneg_r; lia).
  cbn [fst snd]. rewrite app_length, Nat2Z.inj_add, all_lines_app, params_app, Outs.
  split; [lia | split; [| lia]]. apply Forall_app. split; (eapply narrow_wider; [eassumption |]).
  - apply Z.max_lub; [exact T2 | nia].
  - nia.
Qed.
End Promises.
