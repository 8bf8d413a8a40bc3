(** Sizes of the layouts with all tests at once, then a tree of maxima: widths, depths and numbers
    of parameters, for one budget and for every budget, of cubes, cross-polytopes and half-spaces. *)
From Coq Require Import List ZArith QArith Lia Bool.
From Robmem Require Import Statement.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes Crosses Sizes HalfSpaces.
Import ListNotations.
Open Scope Z_scope.

Fixpoint sum_of {A} (f : A -> Z) (l : list A) : Z := match l with [] => 0 | a :: l => f a + sum_of f l end.
Lemma sum_of_le {A} (f h : A -> Z) l : (forall a, In a l -> f a <= h a) -> sum_of f l <= sum_of h l.
Proof.
  induction l as [| a l IH]; intro H; cbn [sum_of]; [lia |]. apply Z.add_le_mono.
  - apply H. left. reflexivity.
  - apply IH. intros b I. apply H. right. exact I.
Qed.
Lemma sum_of_const {A} (c : Z) (l : list A) : sum_of (fun _ => c) l = c * size l.
Proof.
  induction l as [| a l IH]; [rewrite (@size_nil A), Z.mul_0_r; reflexivity |].
  rewrite size_cons, Z.mul_add_distr_l, Z.mul_1_r, <- IH. reflexivity.
Qed.
Lemma sum_of_map {A B} (f : B -> Z) (h : A -> B) l : sum_of f (map h l) = sum_of (fun a => f (h a)) l.
Proof.
  induction l as [| a l IH]; [reflexivity |]. cbn [map sum_of]. rewrite IH. reflexivity.
Qed.
Lemma sum_of_plus {A} (f h : A -> Z) l : sum_of (fun a => f a + h a) l = sum_of f l + sum_of h l.
Proof. induction l as [| a l IH]; cbn [sum_of]; [lia |]. lia. Qed.
Lemma two_steps {A} (P : list A -> Prop) : P [] -> (forall a, P [a]) ->
  (forall a b l, P l -> P (a :: b :: l)) -> forall l, P l.
Proof. intros H0 H1 H2. fix IH 1. intros [| a [| b l]]; [exact H0 | exact (H1 a) | exact (H2 a b l (IH l))]. Qed.

Ltac sizes := rewrite ?size_cons;
  repeat match goal with |- context [@size ?A []] => change (@size A []) with 0 end.

(** ** The tree of maxima *)

Definition one_or_two (t : list Z) : Prop := 1 <= size t <= 2.
Definition total_size (terms : list (list Z)) : Z := sum_of size terms.
Lemma difference_filled a b : filled (difference a b) = size a + size b.
Proof. unfold filled, difference. cbn [entries bias Z.eqb]. rewrite size_app, !weigh_size. lia. Qed.
Lemma sum_filled js : filled (sum_line js) = size js.
Proof. unfold filled, sum_line. cbn [entries bias Z.eqb]. rewrite weigh_size. lia. Qed.
Lemma level_breadth terms : size (level terms) = size terms.
Proof. induction terms using two_steps; cbn [level]; sizes; lia. Qed.
Lemma level_terms_size terms : forall first, 2 * size (level_terms terms first) = size terms + size terms mod 2.
Proof.
  induction terms using two_steps; intro first; cbn [level_terms].
  - reflexivity.
  - reflexivity.
  - rewrite !size_cons. specialize (IHterms (first + 2)).
    replace (1 + (1 + size terms)) with (size terms + 1 * 2) by lia. rewrite Z.mod_add by lia. lia.
Qed.
Lemma level_terms_fit terms : forall first, Forall one_or_two (level_terms terms first).
Proof.
  unfold one_or_two. induction terms using two_steps; intro first; cbn [level_terms];
    repeat (apply Forall_cons; [sizes; lia |]); [constructor | constructor |].
  apply IHterms.
Qed.
(** Five parameters a term, and one for each unit that it adds up, pay for a level and for all that
    come after it. *)
Lemma level_params terms : Forall one_or_two terms -> forall first,
  params (level terms) + 5 * size (level_terms terms first) + total_size (level_terms terms first)
    + size terms / 2 <= 5 * size terms + total_size terms + size terms mod 2.
Proof.
  unfold total_size. induction terms using two_steps; intros F first; cbn [level level_terms params].
  - sizes. cbn [sum_of]. cbn. lia.
  - rewrite sum_filled. cbn [sum_of]. sizes. change ((1 + 0) / 2) with 0. change ((1 + 0) mod 2) with 1. lia.
  - inversion F as [| x1 y1 F1 F']; subst. inversion F' as [| x2 y2 F2 F3]; subst.
    specialize (IHterms F3 (first + 2)). rewrite difference_filled, sum_filled, !size_cons.
    replace (1 + (1 + size terms)) with (size terms + 1 * 2) by lia.
    rewrite Z.mod_add, Z.div_add by lia. unfold one_or_two in *.
    cbn [sum_of] in *. change (size [first; (first + 1)%Z]) with 2. lia.
Qed.

Lemma log2_up_half k k' : 2 <= k -> 2 * k' = k + k mod 2 -> Z.log2_up k = 1 + Z.log2_up k'.
Proof.
  intros K H. pose proof (Z.mod_pos_bound k 2 ltac:(lia)) as M. pose proof (Z.div_mod k 2 ltac:(lia)) as D.
  destruct (Z.eq_dec (k mod 2) 0) as [E | O].
  - replace k with (2 * k') by lia. rewrite Z.log2_up_double by lia. lia.
  - assert (k mod 2 = 1) by lia. rewrite (Z.log2_up_eqn k) by lia.
    replace (Z.pred k) with (2 * (k / 2)) by lia. rewrite Z.log2_double by lia.
    replace k' with (k / 2 + 1) by lia. rewrite (Z.log2_up_eqn (k / 2 + 1)) by lia.
    replace (Z.pred (k / 2 + 1)) with (k / 2) by lia. lia.
Qed.
Lemma tree_sizes {A} : forall (fuel : list A) terms first ls top, tree fuel terms first = (ls, top) ->
  Forall one_or_two terms -> 1 <= size terms <= size fuel ->
  Z.of_nat (length ls) = Z.log2_up (size terms) /\ narrow (size terms) ls
  /\ params (all_lines ls) + size top + 5 <= 5 * size terms + total_size terms.
Proof.
  induction fuel as [| x fuel IH]; intros [| a [| b terms]] first ls top; cbn [tree];
    sizes; intros E F S; try lia; try (pose proof (size_nonneg terms); lia).
  - injection E as <- <-. split; [reflexivity | split; [constructor |]]. unfold total_size.
    change (params (all_lines [])) with 0. cbn [sum_of]. lia.
  - set (all := a :: b :: terms) in *.
    assert (K : size all = 1 + (1 + size terms)) by reflexivity. pose proof (size_nonneg terms) as P.
    rewrite <- K in *.
    destruct (tree fuel (level_terms all first) (first + size all)) as [ls' top'] eqn:T.
    injection E as <- <-.
    pose proof (level_terms_size all first) as L. pose proof (Z.mod_pos_bound (size all) 2 ltac:(lia)) as M.
    destruct (IH _ _ _ _ T (level_terms_fit all first) ltac:(lia)) as [H1 [H2 H3]].
    cbn [length]. rewrite Nat2Z.inj_succ, H1, (log2_up_half (size all) _ ltac:(lia) L).
    split; [lia | split].
    + constructor; [rewrite lines_one; change (size (level all) <= size all); rewrite level_breadth; lia | eapply narrow_wider; [exact H2 | lia]].
    + rewrite all_lines_cons, lines_one.
      change (params (level all ++ all_lines ls') + size top' + 5 <= 5 * size all + total_size all).
      rewrite params_app.
      pose proof (level_params all F first) as C.
      assert (1 <= size all / 2) by (apply Z.div_le_lower_bound; lia). lia.
Qed.
Lemma one_each_sizes {A} (l : list A) : forall first,
  size (one_each l first) = size l /\ total_size (one_each l first) = size l
  /\ Forall one_or_two (one_each l first).
Proof.
  unfold total_size. induction l as [| a l IH]; intro first; cbn [one_each].
  - split; [reflexivity | split; [reflexivity | constructor]].
  - destruct (IH (first + 1)) as [H1 [H2 H3]]. rewrite !size_cons. cbn [sum_of].
    change (size [first]) with 1. split; [lia | split; [lia |]].
    constructor; [unfold one_or_two; sizes; lia | exact H3].
Qed.

(** ** All tests at once *)

Section Beside.
Variables (s : setting) (K : Z) (costs : list Z).
(** Further layers of a test are no wider than K, and have so many parameters. *)
Definition costing (fs : list (Z * (Z -> list line))) : list Z -> Prop :=
  Forall2 (fun kf c => fst kf <= K /\ forall a, size (snd kf a) = fst kf /\ params (snd kf a) <= c) fs.
Hypothesis later_is : costing (later s) costs.
Hypothesis later_wide : 1 <= K.
Variables (tilted : Z) (cost : test -> Z).
Hypothesis tilted_is : (tilt s = 0 /\ tilted = 0) \/ tilted = 1.

Lemma rise_sizes t a : filled (rise s t a []) <= size (score t a) + 1 + tilted.
Proof.
  eapply Z.le_trans; [apply filled_le |]. unfold rise. cbn [entries]. rewrite !size_app, weigh_size, size_nil.
  pose proof (tilted_term s tilted (- height t) tilted_is) as T. rewrite Z.mul_opp_l in T. lia.
Qed.
Definition entered (t : test) : Z := params (entering t true 0).

Lemma enter_all_sizes : forall ts first l at_ last, enter_all ts first = (l, at_, last) ->
  Forall sizes_right ts ->
  size (lines l) = sum_of breadth ts /\ params (lines l) = sum_of entered ts /\ map fst at_ = ts.
Proof.
  induction ts as [| t ts IH]; intros first l at_ last; cbn [enter_all].
  - intro E; injection E as <- <- <-. auto.
  - destruct (enter_all ts (first + breadth t)) as [[l' at'] last'] eqn:E. intro E'; injection E' as <- <- <-.
    intro F. apply Forall_cons_iff in F as [F1 F2]. destruct (IH _ _ _ _ E F2) as [H1 [H2 H3]].
    rewrite lines_cons, size_app, params_app, H1, H2, (F1 true 0). cbn [map fst]. rewrite H3.
    split; [reflexivity | split; reflexivity].
Qed.
Lemma advance_all_sizes k f c : (forall a, size (f a) = k /\ params (f a) <= c) ->
  forall at_ first l at' last, advance_all k f at_ first = (l, at', last) ->
  size (lines l) = k * size at_ /\ params (lines l) <= c * size at_ /\ map fst at' = map fst at_.
Proof.
  intro G. induction at_ as [| [t a] at_ IH]; intros first l at' last; cbn [advance_all].
  - intro E; injection E as <- <- <-. change (lines []) with (@nil line). sizes.
    cbn [params map]. split; [lia | split; [lia | reflexivity]].
  - destruct (advance_all k f at_ (first + k)) as [[l' at''] last'] eqn:E.
    intro E'; injection E' as <- <- <-. destruct (IH _ _ _ _ E) as [H1 [H2 H3]]. destruct (G a) as [G1 G2].
    rewrite lines_cons, size_app, params_app, size_cons, H1, G1. cbn [map fst]. rewrite H3.
    split; [lia | split; [lia | reflexivity]].
Qed.
Lemma later_all_sizes : forall fs cs, costing fs cs -> forall at_ first ls at' last,
  later_all fs at_ first = (ls, at', last) ->
  Z.of_nat (length ls) = size fs /\ narrow (K * size at_) ls
  /\ params (all_lines ls) <= sum_of (fun c => c) cs * size at_ /\ map fst at' = map fst at_.
Proof.
  intros fs cs F. induction F as [| [k f] c fs cs [Kk G] F IH]; intros at_ first ls at' last; cbn [later_all].
  - intro E; injection E as <- <- <-. change (all_lines []) with (@nil line). cbn [params sum_of length].
    split; [reflexivity | split; [constructor | split; [lia | reflexivity]]].
  - destruct (advance_all k f at_ first) as [[l at1] last1] eqn:E1.
    destruct (later_all fs at1 last1) as [[ls2 at2] last2] eqn:E2. intro E; injection E as <- <- <-.
    destruct (advance_all_sizes k f c G _ _ _ _ _ E1) as [H1 [H2 H3]].
    destruct (IH _ _ _ _ _ E2) as [G1 [G2 [G3 G4]]].
    assert (Same : size at1 = size at_) by (rewrite <- (size_map fst), H3, size_map; reflexivity).
    rewrite Same in *. pose proof (size_nonneg at_).
    cbn [length sum_of]. rewrite all_lines_cons, params_app, Nat2Z.inj_succ, size_cons. cbn [fst] in Kk.
    split; [lia | split; [constructor; [nia | exact G2] | split; [lia | congruence]]].
Qed.
Lemma rises_sizes at_ : (forall ta a, In ta at_ -> size (score (fst ta) a) <= cost (fst ta)) ->
  let l := map (fun ta => fun _ : unit => [rise s (fst ta) (snd ta) []]) at_ in
  size (lines l) = size at_ /\ params (lines l) <= sum_of (fun ta => cost (fst ta) + 1 + tilted) at_.
Proof.
  induction at_ as [| ta at_ IH]; intros H l; [cbv; split; [reflexivity | discriminate] |]. unfold l. cbn [map].
  destruct IH as [H1 H2]; [intros tb a I; apply H; right; exact I |].
  rewrite lines_cons, size_app, params_app. change (size [rise s (fst ta) (snd ta) []]) with 1.
  rewrite size_cons. cbn [sum_of params].
  pose proof (rise_sizes (fst ta) (snd ta)). pose proof (H ta (snd ta) (or_introl eq_refl)).
  split; [rewrite H1; reflexivity | lia].
Qed.

(** Width: the tests, or their further layers; depth: theirs, and one for the rises. *)
Lemma tested_sizes ts first ls rises : tested s ts first = (ls, rises) -> Forall sizes_right ts ->
  (forall t a, In t ts -> size (score t a) <= cost t) ->
  Z.of_nat (length ls) = 2 + size (later s) /\ narrow (Z.max (sum_of breadth ts) (K * size ts)) ls
  /\ params (all_lines ls) <= sum_of entered ts + sum_of cost ts + (sum_of (fun c => c) costs + 1 + tilted) * size ts.
Proof.
  unfold tested. intros E W S.
  destruct (enter_all ts first) as [[l at_] first1] eqn:E1.
  destruct (enter_all_sizes _ _ _ _ _ E1 W) as [A1 [A2 A3]].
  assert (Z1 : size at_ = size ts) by (rewrite <- A3, size_map; reflexivity).
  destruct (later_all (later s) at_ first1) as [[ls1 at'] first2] eqn:E2.
  destruct (later_all_sizes _ _ later_is _ _ _ _ _ E2) as [B1 [B2 [B3 B4]]]. rewrite A3 in B4. rewrite Z1 in B2, B3.
  injection E as <- <-.
  assert (Z2 : size at' = size ts) by (rewrite <- B4, size_map; reflexivity).
  destruct (rises_sizes at') as [R1 R2].
  { intros ta a I. apply S. rewrite <- B4. apply in_map, I. }
  assert (R3 : sum_of (fun ta : test * Z => cost (fst ta) + 1 + tilted) at' = sum_of cost ts + (1 + tilted) * size ts).
  { rewrite <- (sum_of_map (fun t => cost t + 1 + tilted) fst), B4.
    rewrite (sum_of_plus (fun t => cost t + 1) (fun _ => tilted)), (sum_of_plus cost (fun _ => 1)).
    rewrite !sum_of_const. lia. }
  rewrite R3 in R2. clear R3. pose proof (size_nonneg ts).
  assert (Wide : size ts <= K * size ts) by nia.
  split; [| split].
  - cbn [length]. rewrite Nat2Z.inj_succ, app_length, Nat2Z.inj_add. cbn [length]. lia.
  - constructor; [rewrite A1; lia |]. apply Forall_app. split; [eapply narrow_wider; [exact B2 | lia] |].
    constructor; [rewrite R1; lia | constructor].
  - rewrite all_lines_cons, all_lines_app. unfold all_lines at 2. cbn [map concat].
    rewrite app_nil_r, !params_app, A2. lia.
Qed.
(** Then the tree. *)
Lemma beside_sizes ts first ls top : beside s ts first = (ls, top) -> ts <> [] -> Forall sizes_right ts ->
  (forall t a, In t ts -> size (score t a) <= cost t) ->
  Z.of_nat (length ls) = 2 + size (later s) + Z.log2_up (size ts)
  /\ narrow (Z.max (sum_of breadth ts) (K * size ts)) ls
  /\ params (all_lines ls) + filled (result s top)
     <= sum_of entered ts + sum_of cost ts + (sum_of (fun c => c) costs + 7 + tilted) * size ts - 4 + tilted.
Proof.
  unfold beside. intros E N W S. destruct (tested s ts first) as [ls' rises] eqn:E1.
  destruct (tested_sizes _ _ _ _ E1 W S) as [A1 [A2 A3]].
  destruct (tree ts (one_each ts rises) (rises + size ts)) as [rest top'] eqn:E2. injection E as <- <-.
  assert (P : 1 <= size ts).
  { destruct ts as [| t ts']; [congruence |]. rewrite size_cons. pose proof (size_nonneg ts'). lia. }
  destruct (one_each_sizes ts rises) as [O1 [O2 O3]].
  destruct (tree_sizes _ _ _ _ _ E2 O3 ltac:(lia)) as [T1 [T2 T3]]. rewrite O1 in T1, T2, T3. rewrite O2 in T3.
  pose proof (result_sizes s tilted top' tilted_is) as U.
  assert (Wide : size ts <= K * size ts) by nia.
  split; [rewrite app_length, Nat2Z.inj_add; lia | split].
  - apply Forall_app. split; [exact A2 | eapply narrow_wider; [exact T2 | lia]].
  - rewrite all_lines_app, params_app. lia.
Qed.
End Beside.

(** ** What the theorems promise: depth, width, parameters *)

Lemma cube_entered c e s : (rad_slope c = 0 /\ e = 0) \/ e = 1 ->
  entered (cube_test c s) <= (4 + 2 * e) * size (fst s).
Proof. intro S. apply cube_params, S. Qed.

Section Promises.
Variables (D : data) (every : bool).
Hypothesis data_shaped : shaped D.
Hypothesis some : samples D <> [].
Let n := Z.of_nat (columns D).
Let N := size (samples D).
Let e := more every.

Lemma sum_over_samples (f : test -> Z) (g : list Z * Z -> test) c :
  (forall s, size (fst s) = n -> f (g s) <= c) -> sum_of f (map g (samples D)) <= c * N.
Proof.
  intro H. rewrite sum_of_map. unfold N. rewrite <- (sum_of_const c (samples D)). apply sum_of_le.
  intros s I. apply H, points_wide; assumption.
Qed.
Lemma breadths (g : list Z * Z -> test) : (forall s, breadth (g s) = 2 * size (fst s)) ->
  sum_of breadth (map g (samples D)) = 2 * n * N.
Proof.
  intro H. rewrite sum_of_map. unfold N. rewrite <- (sum_of_const (2 * n) (samples D)).
  clear some. assert (W : forall s, In s (samples D) -> size (fst s) = n)
    by (intros s I; apply points_wide; assumption). clear N.
  induction (samples D) as [| s l IH]; [reflexivity |]. cbn [sum_of]. rewrite H, IH.
  - rewrite (W s (or_introl eq_refl)). lia.
  - intros t I. apply W. right. exact I.
Qed.

(** Theorem 4.8 with all tests at once. *)
Theorem sizes_parallel lambda mu :
  let st := setting_of [] every Beside D lambda mu in
  let b := cube_layers every Beside D lambda mu in
  depth b = 3 + Z.log2_up N /\ narrow (2 * n * N) (fst b)
  /\ parameters st b <= (6 + 2 * e) * n * N + (7 + e) * N.
Proof.
  intros st b. pose proof (n_positive D data_shaped) as NP. pose proof (N_positive D some) as NN.
  fold n in NP. fold N in NN. pose proof (more_small every) as E. fold e in E.
  unfold b, cube_layers, laid, lay. fold st. set (c := cube_of every Beside D lambda mu).
  set (ts := map (cube_test c) (samples D)).
  destruct (beside st ts (whole_of (inputs_of every D))) as [ls top] eqn:H.
  assert (Sl : (rad_slope c = 0 /\ e = 0) \/ e = 1) by apply cube_sloped.
  apply (beside_sizes st 1 [] (Forall2_nil _) ltac:(lia) e (fun _ => 2 * n)
    (setting_tilted [] every Beside D lambda mu)) in H.
  - unfold ts in H. rewrite size_map in H. fold N in H. fold ts in H.
    unfold ts in H. rewrite breadths in H by reflexivity. fold ts in H.
    destruct H as [H1 [H2 H3]]. change (size (later st)) with 0 in H1. cbn [sum_of] in H3.
    assert (X1 : sum_of entered ts <= (4 + 2 * e) * n * N).
    { unfold ts. apply sum_over_samples. intros s W. pose proof (cube_entered c e s Sl) as C. nia. }
    assert (X2 : sum_of (fun _ : test => 2 * n) ts = 2 * n * N).
    { rewrite sum_of_const. unfold ts. rewrite size_map. reflexivity. }
    unfold depth, parameters. cbn [fst snd]. split; [lia | split; [eapply narrow_wider; [exact H2 | nia] | lia]].
  - unfold ts. destruct (samples D); [congruence | discriminate].
  - unfold ts. apply Forall_map, Forall_forall. intros s I. apply cube_sizes.
  - intros t a I. unfold ts in I. apply in_map_iff in I as [s [<- I]]. cbn [cube_test score].
    rewrite size_app, !span_size, (points_wide D data_shaped s I). fold n. lia.
Qed.

(** For L1 with all tests at once. *)
Theorem sizes_l1_parallel lambda mu :
  let st := cross_setting every Beside D lambda mu in
  let b := cross_layers every Beside D lambda mu in
  depth b = 4 + Z.log2_up N /\ narrow (2 * n * N) (fst b)
  /\ parameters st b <= 6 * n * N + (9 + 2 * e) * N.
Proof.
  intros st b. pose proof (n_positive D data_shaped) as NP. pose proof (N_positive D some) as NN.
  fold n in NP. fold N in NN. pose proof (more_small every) as E. fold e in E.
  unfold b, cross_layers, laid, lay. fold st. set (c := cross_of Beside D lambda mu).
  set (ts := map (cross_test c) (samples D)).
  destruct (beside st ts (whole_of (inputs_of every D))) as [ls top] eqn:H.
  assert (later_one : costing 1 (later st) [2 * n + 1 + e]).
  { constructor; [| constructor]. split; [reflexivity |]. intro a. split; [reflexivity |]. cbn [snd params].
    pose proof (over_radius_filled D every mu a) as F. fold n e in F. lia. }
  apply (beside_sizes st 1 _ later_one ltac:(lia) e (fun _ => 1)
    (setting_tilted _ every Beside D lambda mu)) in H.
  - unfold ts in H. rewrite size_map in H. fold N in H. fold ts in H.
    unfold ts in H. rewrite breadths in H by reflexivity. fold ts in H.
    destruct H as [H1 [H2 H3]]. change (size (later st)) with 1 in H1. cbn [sum_of] in H3.
    assert (X1 : sum_of entered ts <= 4 * n * N).
    { unfold ts. apply sum_over_samples. intros s W.
      pose proof (cube_entered c 0 s ltac:(left; split; reflexivity)) as C.
      change (entered (cross_test c s)) with (entered (cube_test c s)). lia. }
    assert (X2 : sum_of (fun _ : test => 1) ts = N).
    { rewrite sum_of_const. unfold ts. rewrite size_map. fold N. lia. }
    unfold depth, parameters. cbn [fst snd]. split; [lia | split; [eapply narrow_wider; [exact H2 | nia] | lia]].
  - unfold ts. destruct (samples D); [congruence | discriminate].
  - unfold ts. apply Forall_map, Forall_forall. intros s I. apply cube_sizes.
  - intros t a I. unfold ts in I. apply in_map_iff in I as [s [<- I]]. cbn [cross_test score]. sizes. lia.
Qed.

(** Half-spaces: W of them for all samples together. *)
Lemma weighted_size w : forall u a, size (weighted a w u) <= size u.
Proof.
  induction u as [| x u IH]; intro a; cbn [weighted]; sizes; [lia |]. specialize (IH (a + 1)).
  destruct (Z.eqb x 0); sizes; lia.
Qed.
Lemma plane_filled m t p u a : size u = n -> filled (plane m every D t p u a) <= n + 1 + e.
Proof.
  intro W. eapply Z.le_trans; [apply filled_le |].
  assert (T : forall w, size (term_of (budget_input_of every D) (if every then w else 0)) <= e)
    by (intro w; unfold e, term_of; destruct every; cbn [Z.eqb more]; [destruct (Z.eqb w 0) |]; sizes; lia).
  destruct m; cbn [plane entries]; rewrite size_app;
    match goal with |- size (weighted ?a ?w u) + _ + _ <= _ => pose proof (weighted_size w u a) end;
    match goal with |- _ + size (term_of _ (if every then ?w else 0)) + _ <= _ => pose proof (T w) end; lia.
Qed.
Lemma planes_params m t p us : (forall u, In u us -> size u = n) ->
  params (map (fun u => plane m every D t p u 0) us) <= (n + 1 + e) * size us.
Proof.
  induction us as [| u us IH]; intro V; cbn [map params]; sizes; [lia |].
  pose proof (plane_filled m t p u 0 (V u (or_introl eq_refl))).
  assert (params (map (fun u => plane m every D t p u 0) us) <= (n + 1 + e) * size us)
    by (apply IH; intros v J; apply V; right; exact J). lia.
Qed.
Lemma planes_entered m steep t items : (forall i u, In i items -> In u (snd i) -> size u = n) ->
  sum_of (fun i => entered (plane_test m every D steep t i)) items
  <= (n + 1 + e) * sum_of (fun i => size (snd i)) items.
Proof.
  induction items as [| [s us] l IH]; intro V; cbn [sum_of snd]; [lia |].
  assert (X : entered (plane_test m every D steep t (s, us)) <= (n + 1 + e) * size us).
  { unfold entered, plane_test. cbn [entering]. apply planes_params.
    intros u J. exact (V (s, us) u (or_introl eq_refl) J). }
  assert (sum_of (fun i => entered (plane_test m every D steep t i)) l
    <= (n + 1 + e) * sum_of (fun i => size (snd i)) l)
    by (apply IH; intros i u I J; apply (V i u); [right; exact I | exact J]). lia.
Qed.
Theorem sizes_half_spaces m power t items : covered m D power items ->
  let st := plane_setting m every D power t in
  let b := plane_layers m every D power t items in
  let W := sum_of (fun i => size (snd i)) items in
  depth b = 3 + Z.log2_up N /\ narrow (Z.max W N) (fst b)
  /\ parameters st b <= (n + 2 + e) * W + (7 + e) * N.
Proof.
  intros C st b W. pose proof (N_positive D some) as NN. fold N in NN.
  pose proof (more_small every) as E. fold e in E.
  assert (Same : size items = N).
  { unfold N. destruct C as [<- _]. rewrite size_map. reflexivity. }
  unfold b, plane_layers, laid, lay. fold st. set (g := plane_test m every D (plane_steep D power t) t).
  set (ts := map g items).
  destruct (beside st ts (whole_of (inputs_of every D))) as [ls top] eqn:H.
  assert (none : costing 1 (later st) []) by (unfold st; destruct m; constructor).
  assert (Ti : (tilt st = 0 /\ e = 0) \/ e = 1)
    by (unfold e; destruct every; [right; reflexivity | left; split; [destruct m |]; reflexivity]).
  apply (beside_sizes st 1 [] none ltac:(lia) e breadth Ti) in H.
  - unfold ts in H. rewrite size_map, Same in H.
    assert (X2 : sum_of breadth (map g items) = W).
    { rewrite sum_of_map. unfold W. clear. induction items as [| [s us] l IH]; [reflexivity |].
      cbn [sum_of]. rewrite IH. reflexivity. }
    rewrite X2, Z.mul_1_l in H. destruct H as [H1 [H2 H3]]. cbn [sum_of] in H3.
    replace (size (later st)) with 0 in H1 by (unfold st; destruct m; reflexivity).
    assert (X1 : sum_of entered (map g items) <= (n + 1 + e) * W).
    { rewrite sum_of_map. unfold W.
      assert (V : forall i u, In i items -> In u (snd i) -> size u = n).
      { intros i u I J. rewrite size_length. unfold n. f_equal. apply (item_vectors m D power items C i u I J). }
      apply planes_entered, V. }
    unfold depth, parameters. cbn [fst snd]. split; [lia | split; [exact H2 | lia]].
  - unfold ts. destruct items; [rewrite size_length in Same; cbn in Same; lia | discriminate].
  - unfold ts. apply Forall_map, Forall_forall. intros i I. apply plane_sizes.
  - intros t' a I. unfold ts in I. apply in_map_iff in I as [[s us] [<- I]]. cbn [g plane_test score breadth].
    rewrite span_size. lia.
Qed.
End Promises.
