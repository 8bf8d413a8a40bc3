(** Sizes: the widths, depths and numbers of parameters that the theorems promise.

    A network of these layouts is a list of hidden layers and one output; its depth counts both. The
    parameters of a line are its terms, and its bias where that is not zero. *)
From Coq Require Import List ZArith QArith Lia Bool.
From Robmem Require Import Statement.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes Crosses.
Import ListNotations.
Open Scope Z_scope.

Definition filled (l : line) : Z := size (entries l) + (if bias l =? 0 then 0 else 1).
Fixpoint params (ls : list line) : Z := match ls with [] => 0 | l :: ls => filled l + params ls end.
Definition narrow (width : Z) (ls : list layer) : Prop := Forall (fun l => size (lines l) <= width) ls.

Lemma params_app a b : params (a ++ b) = params a + params b.
Proof. induction a as [| l a IH]; simpl; lia. Qed.
Lemma filled_le l : filled l <= size (entries l) + 1.
Proof. unfold filled. destruct (bias l =? 0); lia. Qed.
Lemma weigh_size w js : size (weigh w js) = size js.
Proof. unfold weigh. rewrite !size_length, map_length. reflexivity. Qed.
Lemma lines_nil : lines [] = [].
Proof. reflexivity. Qed.
Lemma narrow_wider w w' ls : narrow w ls -> w <= w' -> narrow w' ls.
Proof. intros N W. eapply Forall_impl; [| exact N]. simpl. intros. lia. Qed.

(** [1] more for every line that reads the budget, in the networks for every budget. *)
Definition more (every : bool) : Z := if every then 1 else 0.
Lemma more_small every : 0 <= more every <= 1.
Proof. destruct every; cbn; lia. Qed.
Lemma term_of_size j w : (w = 0 -> size (term_of j w) = 0) /\ size (term_of j w) <= 1.
Proof.
  unfold term_of. destruct (Z.eqb_spec w 0) as [-> | N];
    rewrite ?size_cons; change (size (@nil (Z * Z))) with 0; split; lia.
Qed.
Lemma setting_tilted fs every l D lambda mu :
  (tilt (setting_of fs every l D lambda mu) = 0 /\ more every = 0) \/ more every = 1.
Proof. destruct every; [right; reflexivity | left; split; reflexivity]. Qed.
Lemma tilted_term s tilted w : (tilt s = 0 /\ tilted = 0) \/ tilted = 1 ->
  size (budget_term s (w * tilt s)) <= tilted.
Proof.
  intro H. unfold budget_term. destruct (term_of_size (budget_at s) (w * tilt s)) as [Z1 Z2].
  destruct H as [[T ->] | ->]; [| exact Z2]. rewrite Z1; [lia | rewrite T; ring].
Qed.
Lemma result_sizes s tilted js : (tilt s = 0 /\ tilted = 0) \/ tilted = 1 ->
  filled (result s js) <= size js + 1 + tilted.
Proof.
  intro H. eapply Z.le_trans; [apply filled_le |]. unfold result. cbn [entries].
  rewrite size_app, weigh_size. pose proof (tilted_term s tilted 1 H) as T. rewrite Z.mul_1_l in T. lia.
Qed.

Section Layers.
Variables (s : setting) (L C E S B n e : Z).
Hypothesis tilted_is : (tilt s = 0 /\ e = 0) \/ e = 1.
Hypothesis wide : size (dimension s) = n.
Hypothesis later_is : (L = 0 /\ later s = [])
  \/ (L = 1 /\ exists f, later s = [(1, f)] /\ forall a, size (f a) = 1 /\ params (f a) <= C).
Hypothesis broad : 1 <= B.
Definition fits (t : test) : Prop := sizes_right t /\ breadth t = B
  /\ (forall f a, params (entering t f a) <= E) /\ forall a, size (score t a) + e <= S.
Definition risen (riser : option (test * Z)) : Z := match riser with Some _ => 1 | None => 0 end.
Definition riser_fits (riser : option (test * Z)) : Prop :=
  match riser with Some (t, _) => fits t | None => True end.
Definition kept (p : place) : Z := if is_empty (tops p) then 0 else 1.

Lemma n_nonneg : 0 <= n.
Proof. rewrite <- wide. apply size_nonneg. Qed.
Lemma rise_filled t a js : filled (rise s t a js) <= size (score t a) + e + size js + 1.
Proof.
  eapply Z.le_trans; [apply filled_le |]. unfold rise. cbn [entries]. rewrite !size_app, weigh_size.
  pose proof (tilted_term s e (- height t) tilted_is) as T. rewrite Z.mul_opp_l in T. lia.
Qed.
Lemma sum_filled js : filled (sum_line js) = size js.
Proof. unfold filled, sum_line. cbn [entries bias Z.eqb]. rewrite weigh_size. lia. Qed.
Lemma lifted_params : forall like a, params (lifted s a like) <= 2 * size like.
Proof.
  induction like as [| x like IH]; intro a; cbn [lifted params]; [change (0 <= 2 * 0); lia |].
  specialize (IH (a + 1)). rewrite size_cons.
  pose proof (filled_le (Line [(a, Zpos (lift_over s))] (lift s) (lift_over s))) as F.
  cbn [entries] in F. rewrite size_cons, size_nil in F. lia.
Qed.
Lemma copied_params : forall like a, params (copied a like) = size like.
Proof.
  induction like as [| x like IH]; intro a; cbn [copied params]; [reflexivity |]. rewrite IH, size_cons.
  unfold filled. cbn [entries bias Z.eqb]. rewrite size_cons, size_nil. lia.
Qed.
Lemma carry_params p : params (carry_block s p tt) <= n + (if fresh p then n else 0).
Proof.
  unfold carry_block. destruct (fresh p).
  - pose proof (lifted_params (dimension s) (inputs_at p)). lia.
  - rewrite copied_params. lia.
Qed.
Lemma kept_tops p : 0 <= kept p <= 1 /\ kept p <= size (tops p).
Proof.
  unfold kept. pose proof (size_nonneg (tops p)). destruct (tops p) as [| j js]; cbn [is_empty]; [lia |].
  rewrite size_cons. pose proof (size_nonneg js). lia.
Qed.

Definition stage_size (stage : option (Z * block)) : Z := match stage with Some (k, _) => k | None => 0 end.
Definition stage_params (stage : option (Z * block)) : Z :=
  match stage with Some (_, f) => params (f tt) | None => 0 end.
Lemma put_layer_sizes stage carry riser p l q : put_layer s stage carry riser p = (l, q) ->
  stage_right stage -> riser_fits riser ->
  size (lines l) = stage_size stage + (if carry then n else 0) + risen riser + kept p
  /\ params (lines l) <= stage_params stage + (if carry then n + (if fresh p then n else 0) else 0)
       + risen riser * (S + size (tops p) + 1) + size (tops p)
  /\ size (tops q) = risen riser + kept p /\ fresh q = false.
Proof.
  intros P R F. unfold put_layer in P. injection P as <- <-. cbn [tops fresh].
  rewrite !lines_app, !size_app, !params_app.
  assert (P1 : size (lines (stage_part stage)) = stage_size stage
    /\ params (lines (stage_part stage)) = stage_params stage).
  { unfold stage_part, stage_size, stage_params. destruct stage as [[k f] |]; [| split; reflexivity].
    rewrite lines_one. split; [exact R | reflexivity]. }
  assert (P2 : size (lines (carry_part s carry p)) = (if carry then n else 0)
    /\ params (lines (carry_part s carry p)) <= (if carry then n + (if fresh p then n else 0) else 0)).
  { unfold carry_part. destruct carry; [| split; [reflexivity | simpl; lia]].
    rewrite lines_one, carry_size. split; [exact wide | apply carry_params]. }
  assert (P3 : size (lines (rise_part s riser p)) = risen riser
    /\ params (lines (rise_part s riser p)) <= risen riser * (S + size (tops p) + 1)).
  { unfold rise_part, risen. destruct riser as [[t a] |]; [| split; [reflexivity | simpl; lia]].
    rewrite lines_one. split; [reflexivity |]. cbn [params].
    pose proof (rise_filled t a (tops p)) as H. destruct F as [_ [_ [_ F]]]. specialize (F a). lia. }
  assert (P4 : size (lines (sum_part (negb (is_empty (tops p))) p)) = kept p
    /\ params (lines (sum_part (negb (is_empty (tops p))) p)) <= size (tops p)).
  { unfold sum_part, kept. pose proof (size_nonneg (tops p)). destruct (is_empty (tops p)); cbn [negb].
    - split; [reflexivity | simpl; lia].
    - rewrite lines_one. split; [reflexivity |]. cbn [params]. rewrite sum_filled. lia. }
  destruct P1 as [A1 A2], P2 as [B1 B2], P3 as [C1 C2], P4 as [D1 D2].
  split; [lia | split; [lia | split; [| reflexivity]]].
  unfold risen, kept. destruct riser, (is_empty (tops p)); reflexivity.
Qed.

Lemma put_test_sizes t carry riser p ls a q : put_test s t carry riser p = (ls, a, q) ->
  fits t -> riser_fits riser -> size (tops p) <= 2 ->
  Z.of_nat (length ls) = 1 + L /\ narrow (B + n + risen riser + 1) ls
  /\ params (all_lines ls) <= E + L * C + (if carry then (1 + L) * n + (if fresh p then n else 0) else 0)
       + risen riser * (S + size (tops p) + 1) + size (tops p) + L * (risen riser + kept p)
  /\ fresh q = false
  /\ size (tops q) = (if L =? 0 then risen riser + kept p else Z.min 1 (risen riser + kept p)).
Proof.
  intros P F R T. pose proof F as [F1 [F2 [F3 _]]]. pose proof n_nonneg as N. pose proof (kept_tops p) as K.
  unfold put_test in P.
  destruct (put_layer s (Some (breadth t, fun _ => entering t (fresh p) (inputs_at p))) carry riser p)
    as [l p1] eqn:H1.
  apply put_layer_sizes in H1; [| cbn [stage_right]; apply F1 | exact R].
  destruct H1 as [W1 [C1 [T1 R1]]]. cbn [stage_size stage_params] in W1, C1.
  specialize (F3 (fresh p) (inputs_at p)).
  assert (X : 0 <= risen riser <= 1) by (unfold risen; destruct riser; lia).
  destruct later_is as [[L0 E0] | [L1 [f [E1 G]]]].
  - rewrite E0 in P. simpl in P. injection P as <- <- <-. rewrite L0.
    split; [reflexivity | split; [constructor; [destruct carry; lia | constructor] |]].
    rewrite all_lines_cons. unfold all_lines. cbn [map concat]. rewrite app_nil_r. cbn [Z.eqb].
    split; [destruct carry; lia | split; [exact R1 | exact T1]].
  - rewrite E1 in P. cbn [put_later] in P.
    destruct (put_layer s (Some (1, fun _ => f (next p))) carry None p1) as [l2 p2] eqn:H2.
    injection P as <- <- <-. destruct (G (next p)) as [G1 G2].
    apply put_layer_sizes in H2; [| exact G1 | exact I].
    destruct H2 as [W2 [C2 [T2 R2]]]. cbn [stage_size stage_params risen] in W2, C2, T2.
    pose proof (kept_tops p1) as K1. rewrite R1 in C2. rewrite L1.
    split; [reflexivity | split].
    { constructor; [destruct carry; lia | constructor; [destruct carry; lia | constructor]]. }
    rewrite !all_lines_cons, params_app. unfold all_lines. cbn [map concat]. rewrite app_nil_r.
    cbn [Z.eqb]. split; [destruct carry; lia | split; [exact R2 |]].
    rewrite T2, <- T1. unfold kept. destruct (tops p1) as [| j js]; [reflexivity |].
    rewrite size_cons. pose proof (size_nonneg js). cbn [is_empty]. lia.
Qed.

(** What the tops that are there save of five parameters a test. *)
Definition saved (k : Z) (count : Z) : Z :=
  if k =? 0 then (if count =? 0 then 2 else 5) else if k =? 1 then 1 else 0.
Lemma saved_start : saved 0 0 = 2. Proof. reflexivity. Qed.
Lemma saved_none c : c <> 0 -> saved 0 c = 5.
Proof. intro N. unfold saved. apply Z.eqb_neq in N. rewrite N. reflexivity. Qed.
Lemma saved_one c : saved 1 c = 1. Proof. reflexivity. Qed.
Lemma saved_two c : saved 2 c = 0. Proof. reflexivity. Qed.
Lemma three_kinds p : size (tops p) <= 2 -> (size (tops p) = 0 /\ kept p = 0)
  \/ (size (tops p) = 1 /\ kept p = 1) \/ (size (tops p) = 2 /\ kept p = 1).
Proof.
  unfold kept. destruct (tops p) as [| j js]; [left; split; reflexivity |]. rewrite size_cons.
  pose proof (size_nonneg js). cbn [is_empty]. lia.
Qed.

Lemma running_sizes : forall ts p ls q, running s ts p = (ls, q) -> Forall fits ts ->
  (size (tops p) <= 2) -> (L = 0 \/ L = 1) ->
  Z.of_nat (length ls) = (2 + L) * size ts /\ narrow (B + n + 1) ls
  /\ params (all_lines ls) + size (tops q) <= (E + S + L * C + 5 + L + (2 + L) * n) * size ts
       - (if size ts =? 0 then 0 else (2 + L) * n) + (if fresh p then n else 0)
       + 2 - saved (size (tops p)) (size ts).
Proof.
  pose proof n_nonneg as N.
  induction ts as [| t ts IH]; intros p ls q P F T LL.
  { simpl in P. injection P as <- <-. unfold all_lines. cbn [map concat params length].
    change (size (@nil test)) with 0. pose proof (size_nonneg (tops p)).
    split; [lia | split; [constructor |]]. cbn [Z.eqb].
    destruct (three_kinds p T) as [[-> _] | [[-> _] | [-> _]]];
      rewrite ?saved_start, ?saved_one, ?saved_two; destruct (fresh p); lia. }
  apply Forall_cons_iff in F as [F1 F2]. cbn [running] in P.
  set (carry := negb (is_empty ts)) in P.
  destruct (put_test s t carry None p) as [[ls1 a] p1] eqn:H1.
  destruct (put_layer s None carry (Some (t, a)) p1) as [l p2] eqn:H2.
  destruct (running s ts p2) as [rest q'] eqn:H3. injection P as <- <-.
  apply put_test_sizes in H1; [| exact F1 | exact I | exact T].
  destruct H1 as [D1 [W1 [C1 [R1 T1]]]]. cbn [risen] in W1, C1, T1.
  apply put_layer_sizes in H2; [| exact I | exact F1].
  destruct H2 as [W2 [C2 [T2 R2]]]. cbn [stage_size stage_params risen] in W2, C2, T2.
  pose proof (kept_tops p) as K. pose proof (kept_tops p1) as K1.
  assert (M1 : size (tops p1) = kept p) by (destruct LL as [-> | ->]; rewrite T1; cbn [Z.eqb]; lia).
  assert (Z1 : kept p1 = kept p).
  { unfold kept at 1. pose proof (size_nonneg (tops p1)). destruct (tops p1) as [| j js]; cbn [is_empty].
    - rewrite size_nil in M1. exact M1.
    - rewrite size_cons in M1. pose proof (size_nonneg js). lia. }
  destruct (IH p2 rest q' H3 F2 ltac:(lia) LL) as [D3 [W3 C3]].
  rewrite R2 in C3. rewrite R1 in C2.
  rewrite app_length, Nat2Z.inj_add. cbn [length]. rewrite Nat2Z.inj_succ, size_cons.
  pose proof (size_nonneg ts) as NT.
  split; [rewrite D1, D3; destruct LL as [-> | ->]; lia | split].
  { apply Forall_app. split; [eapply narrow_wider; [exact W1 | lia] |]. constructor; [| exact W3].
    destruct carry; lia. }
  rewrite all_lines_app, all_lines_cons, !params_app.
  assert (Y : carry = negb (size ts =? 0)).
  { unfold carry. destruct ts; [reflexivity |]. rewrite size_cons. cbn [is_empty negb].
    destruct (Z.eqb_spec (1 + size ts) 0); [pose proof (size_nonneg ts); lia | reflexivity]. }
  destruct (Z.eqb_spec (1 + size ts) 0) as [bad | _]; [lia |].
  rewrite Z1, M1 in *. rewrite T2 in C3.
  destruct (three_kinds p T) as [[KT KK] | [[KT KK] | [KT KK]]]; rewrite KT, KK in *;
    change (1 + 0) with 1 in C3; change (1 + 1) with 2 in C3;
    rewrite ?saved_one, ?saved_two in C3;
    rewrite ?(saved_none (1 + size ts)), ?saved_one, ?saved_two by lia; rewrite Y in *;
    destruct (Z.eqb_spec (size ts) 0) as [none | some]; cbn [negb] in *; destruct LL as [-> | ->];
    destruct (fresh p); lia.
Qed.

Lemma overlapped_sizes : forall ts pending p ls q, overlapped s ts pending p = (ls, q) ->
  Forall fits ts -> riser_fits pending -> (size (tops p) <= 2) -> (L = 1 -> size (tops p) <= 1) ->
  (L = 0 \/ L = 1) -> 1 <= size ts + risen pending -> (risen pending = 0 -> size (tops p) = 0) ->
  Z.of_nat (length ls) = (1 + L) * size ts + 1 /\ narrow (B + n + 2) ls
  /\ params (all_lines ls) + size (tops q) <= (E + L * C + (1 + L) * n) * size ts
       - (if size ts =? 0 then 0 else (1 + L) * n) + (if fresh p then n else 0)
       + (S + 5 + L) * (size ts + risen pending) + 2 - saved (size (tops p)) (size ts + risen pending).
Proof.
  pose proof n_nonneg as N.
  induction ts as [| t ts IH]; intros pending p ls q P F R T T1 LL Some1 Start.
  - cbn [overlapped] in P. destruct pending as [[u a] |].
    2: { cbn [risen] in Some1. change (size (@nil test)) with 0 in Some1. lia. }
    destruct (put_layer s None false (Some (u, a)) p) as [l q'] eqn:H. injection P as <- <-.
    apply put_layer_sizes in H; [| exact I | exact R].
    destruct H as [W1 [C1 [T2 R1]]]. cbn [stage_size stage_params risen] in W1, C1, T2.
    pose proof (kept_tops p) as K. change (size (@nil test)) with 0. cbn [length risen].
    split; [lia | split; [constructor; [lia | constructor] |]].
    rewrite all_lines_cons, params_app. unfold all_lines. cbn [map concat params].
    rewrite T2. destruct (three_kinds p T) as [[KT KK] | [[KT KK] | [KT KK]]]; rewrite KT, KK in *;
      change (0 + 1) with 1; rewrite ?(saved_none 1), ?saved_one, ?saved_two by lia;
      destruct LL as [-> | ->]; destruct (fresh p); cbn [Z.eqb]; lia.
  - apply Forall_cons_iff in F as [F1 F2]. cbn [overlapped] in P.
    set (carry := negb (is_empty ts)) in P.
    destruct (put_test s t carry pending p) as [[ls1 a] p1] eqn:H1.
    destruct (overlapped s ts (Some (t, a)) p1) as [rest q'] eqn:H3. injection P as <- <-.
    apply put_test_sizes in H1; [| exact F1 | exact R | exact T].
    destruct H1 as [D1 [W1 [C1 [R1 T2]]]].
    pose proof (kept_tops p) as K.
    assert (X : risen pending = 0 \/ risen pending = 1) by (unfold risen; destruct pending; lia).
    assert (G2 : size (tops p1) <= 2) by (rewrite T2; destruct (L =? 0); lia).
    assert (G1 : L = 1 -> size (tops p1) <= 1) by (intros ->; rewrite T2; cbn [Z.eqb]; lia).
    assert (G3 : 1 <= size ts + risen (Some (t, a))) by (cbn [risen]; pose proof (size_nonneg ts); lia).
    assert (G4 : risen (Some (t, a)) = 0 -> size (tops p1) = 0) by (cbn [risen]; lia).
    destruct (IH (Some (t, a)) p1 rest q' H3 F2 F1 G2 G1 LL G3 G4) as [D3 [W3 C3]].
    rewrite R1 in C3. cbn [risen] in C3.
    rewrite app_length, Nat2Z.inj_add, size_cons. pose proof (size_nonneg ts) as NT.
    split; [rewrite D1, D3; lia | split].
    { apply Forall_app. split; [eapply narrow_wider; [exact W1 | lia] | exact W3]. }
    rewrite all_lines_app, params_app.
    assert (Y : carry = negb (size ts =? 0)).
    { unfold carry. destruct ts; [reflexivity |]. rewrite size_cons. cbn [is_empty negb].
      destruct (Z.eqb_spec (1 + size ts) 0); [pose proof (size_nonneg ts); lia | reflexivity]. }
    rewrite Y in *. destruct (Z.eqb_spec (1 + size ts) 0) as [bad | _]; [lia |].
    destruct (three_kinds p T) as [[KT KK] | [[KT KK] | [KT KK]]]; rewrite KT, KK in *;
      destruct LL as [LL | LL]; rewrite LL in *; try (exfalso; specialize (T1 eq_refl); lia);
      change (0 =? 0) with true in *; change (1 =? 0) with false in *; cbv iota in T2;
      destruct X as [X | X]; rewrite X in *; try (exfalso; specialize (Start eq_refl); lia);
      change (0 + 0) with 0 in *; change (0 + 1) with 1 in *; change (1 + 0) with 1 in *;
      change (1 + 1) with 2 in *; change (Z.min 1 0) with 0 in T2; change (Z.min 1 1) with 1 in T2;
      change (Z.min 1 2) with 1 in T2; rewrite T2 in C3;
      rewrite ?(saved_none (size ts + 1)), ?saved_one, ?saved_two in C3 by lia;
      rewrite ?(saved_none (1 + size ts + 0)), ?(saved_none (1 + size ts + 1)), ?saved_one, ?saved_two by lia;
      change (0 =? 0) with true in *; change (1 =? 0) with false in *;
      destruct (Z.eqb_spec (size ts) 0) as [none | some]; cbn [negb] in *; destruct (fresh p); lia.
Qed.
End Layers.

(** ** One budget: what is built, and what it costs *)

Definition depth (b : list layer * list Z) : Z := Z.of_nat (length (fst b)) + 1.
Definition parameters (s : setting) (b : list layer * list Z) : Z :=
  params (all_lines (fst b)) + filled (result s (snd b)).

Lemma span_size {A} w : forall (p : list A) a, size (span a p w) = size p.
Proof.
  induction p as [| x p IH]; intro a; cbn [span]; [reflexivity |]. rewrite !size_cons, IH. reflexivity.
Qed.
Section Cube.
Variables (c : cube) (e : Z).
Hypothesis slope : (rad_slope c = 0 /\ e = 0) \/ e = 1.
Lemma reads_one_size f a w : size (reads_one c f a w) <= 1 + e.
Proof.
  unfold reads_one. destruct (term_of_size (budget_input c) (- rad_slope c)) as [Z1 Z2].
  assert (T : size (term_of (budget_input c) (- rad_slope c)) <= e).
  { destruct slope as [[R ->] | ->]; [rewrite Z1; [lia | rewrite R; reflexivity] | exact Z2]. }
  destruct f; [rewrite size_cons; lia |]. rewrite size_app, size_cons, size_nil. lia.
Qed.
Lemma above_params f : forall p a, params (above c f a p) <= (2 + e) * size p.
Proof.
  induction p as [| x p IH]; intro a; cbn [above params]; [change (size (@nil Z)) with 0; lia |].
  specialize (IH (a + 1)). rewrite size_cons.
  match goal with |- filled ?l + _ <= _ => pose proof (filled_le l) as F; cbn [entries] in F end.
  pose proof (reads_one_size f a (Zpos (common c))). lia.
Qed.
Lemma under_params f : forall p a, params (under c f a p) <= (2 + e) * size p.
Proof.
  induction p as [| x p IH]; intro a; cbn [under params]; [change (size (@nil Z)) with 0; lia |].
  specialize (IH (a + 1)). rewrite size_cons.
  match goal with |- filled ?l + _ <= _ => pose proof (filled_le l) as F; cbn [entries] in F end.
  pose proof (reads_one_size f a (Zneg (common c))). lia.
Qed.
Lemma cube_params s f a : params (entering (cube_test c s) f a) <= (4 + 2 * e) * size (fst s).
Proof.
  cbn [cube_test entering]. rewrite params_app.
  pose proof (above_params f (fst s) a). pose proof (under_params f (fst s) a). lia.
Qed.
Lemma cube_fits s n : size (fst s) = n -> fits ((4 + 2 * e) * n) (2 * n + e) (2 * n) e (cube_test c s).
Proof.
  intro N. split; [apply cube_sizes | split; [cbn [cube_test breadth]; lia | split]].
  - intros f a. rewrite <- N. apply cube_params.
  - intro a. cbn [cube_test score]. rewrite size_app, !span_size. lia.
Qed.
Lemma cross_fits s n t : size (fst s) = n ->
  fits ((4 + 2 * e) * n) (1 + t) (2 * n) t (cross_test c s).
Proof.
  intro N. destruct (cube_fits s n N) as [F1 [F2 [F3 _]]].
  split; [exact F1 | split; [exact F2 | split; [exact F3 |]]].
  intro a. cbn [cross_test score]. rewrite size_cons, size_nil. lia.
Qed.
End Cube.

Lemma size_map {A A'} (f : A -> A') l : size (map f l) = size l.
Proof. rewrite !size_length, map_length. reflexivity. Qed.
Lemma size_numbers k : forall a, size (numbers a k) = Z.of_nat k.
Proof. intro a. rewrite size_length, numbers_length. reflexivity. Qed.

Section Data.
Variable D : data.
Hypothesis data_shaped : shaped D.
Hypothesis some : samples D <> [].
Let n := Z.of_nat (columns D).
Let N := size (samples D).

Lemma n_positive : 1 <= n.
Proof. destruct data_shaped as [P _]. unfold n. lia. Qed.
Lemma N_positive : 1 <= N.
Proof.
  unfold N. clear N. revert some. destruct (samples D) as [| t l]; intro some'; [congruence |].
  rewrite size_cons. pose proof (size_nonneg l). lia.
Qed.
Lemma points_wide s : In s (samples D) -> size (fst s) = n.
Proof. intro I. rewrite size_length. unfold n. rewrite (proj1 (shape_of D s data_shaped I)). reflexivity. Qed.
Variables (every : bool) (lambda mu : Q).
Let e := more every.
Lemma cube_sloped l : (rad_slope (cube_of every l D lambda mu) = 0 /\ e = 0) \/ e = 1.
Proof. unfold e. destruct every; [right; reflexivity | left; split; reflexivity]. Qed.
Lemma cubes_fit l : Forall (fits ((4 + 2 * e) * n) (2 * n + e) (2 * n) e)
  (map (cube_test (cube_of every l D lambda mu)) (samples D)).
Proof.
  apply Forall_map, Forall_forall. intros s I. apply cube_fits; [apply cube_sloped | apply points_wide, I].
Qed.
Lemma crosses_fit l : Forall (fits (4 * n) (1 + e) (2 * n) e)
  (map (cross_test (cross_of l D lambda mu)) (samples D)).
Proof.
  apply Forall_map, Forall_forall. intros s I.
  change (4 * n) with ((4 + 2 * 0) * n).
  apply cross_fits; [left; split; reflexivity | apply points_wide, I].
Qed.
Lemma over_radius_filled a : filled (over_radius every D mu a) <= 2 * n + 1 + e.
Proof.
  clear data_shaped some. pose proof (filled_le (over_radius every D mu a)) as F. unfold over_radius in F at 2. cbn [entries] in F.
  rewrite !size_app, !span_size, !size_numbers in F. fold n in F.
  destruct (term_of_size (budget_input_of every D) (if every then Zneg (Qden mu) else 0)) as [Z1 Z2].
  assert (T : size (term_of (budget_input_of every D) (if every then Zneg (Qden mu) else 0)) <= e).
  { unfold e. destruct every; [exact Z2 | rewrite Z1; [cbn; lia | reflexivity]]. }
  lia.
Qed.

(** Theorem 4.8, layer after layer: width 3n + 1, depth 2N + 1, 8nN + 5N - 3 parameters; for every
    budget 2nN + N + 1 more. *)
Theorem sizes_sequential :
  let st := setting_of [] every Running D lambda mu in
  let b := cube_layers every Running D lambda mu in
  depth b = 2 * N + 1 /\ narrow (3 * n + 1) (fst b)
  /\ parameters st b <= (8 + 2 * e) * n * N + (5 + e) * N - 3 + e.
Proof.
  intros st b. pose proof n_positive as NP. pose proof N_positive as NN.
  unfold b, cube_layers, laid, lay. fold st.
  destruct (running st (map (cube_test (cube_of every Running D lambda mu)) (samples D))
    (Place true 0 [] (whole_of (inputs_of every D)))) as [ls q] eqn:H.
  apply (running_sizes st 0 0 ((4 + 2 * e) * n) (2 * n + e) (2 * n) n e) in H.
  2: apply setting_tilted. 2: apply size_numbers. 2: left; split; reflexivity. 2: lia. 2: apply cubes_fit.
  2: { cbn [tops]. change (size (@nil Z)) with 0. lia. } 2: left; reflexivity.
  rewrite size_map in H. fold N in H. destruct H as [H1 [H2 H3]].
  unfold depth, parameters. cbn [fst snd tops fresh] in H1, H2, H3 |- *.
  pose proof (result_sizes st e (tops q) ltac:(apply setting_tilted)) as R.
  change (size (@nil Z)) with 0 in H3. rewrite saved_none in H3 by lia.
  destruct (Z.eqb_spec N 0) as [bad | _]; [lia |].
  split; [lia | split; [eapply narrow_wider; [exact H2 | lia] | lia]].
Qed.

(** Pipelined: width 3n + 2, depth N + 2, 7nN + 6N + n parameters; for every budget 2nN + N more. *)
Theorem sizes_pipelined :
  let st := setting_of [] every Overlapped D lambda mu in
  let b := cube_layers every Overlapped D lambda mu in
  depth b = N + 2 /\ narrow (3 * n + 2) (fst b)
  /\ parameters st b <= (7 + 2 * e) * n * N + (6 + e) * N + n.
Proof.
  intros st b. pose proof n_positive as NP. pose proof N_positive as NN.
  pose proof (more_small every) as Small. fold e in Small.
  unfold b, cube_layers, laid, lay. fold st.
  destruct (overlapped st (map (cube_test (cube_of every Overlapped D lambda mu)) (samples D)) None
    (Place true 0 [] (whole_of (inputs_of every D)))) as [ls q] eqn:H.
  apply (overlapped_sizes st 0 0 ((4 + 2 * e) * n) (2 * n + e) (2 * n) n e) in H.
  2: apply setting_tilted. 2: apply size_numbers. 2: left; split; reflexivity. 2: lia. 2: apply cubes_fit.
  2: exact I. 2: { cbn [tops]. change (size (@nil Z)) with 0. lia. } 2: discriminate.
  2: left; reflexivity. 2: { rewrite size_map. fold N. cbn [risen]. lia. } 2: reflexivity.
  rewrite size_map in H. fold N in H. cbn [risen] in H. rewrite Z.add_0_r in H.
  destruct H as [H1 [H2 H3]].
  unfold depth, parameters. cbn [fst snd tops fresh] in H1, H2, H3 |- *.
  pose proof (result_sizes st e (tops q) ltac:(apply setting_tilted)) as R.
  change (size (@nil Z)) with 0 in H3.
  rewrite saved_none in H3 by lia. destruct (Z.eqb_spec N 0) as [bad | _]; [lia |].
  split; [lia | split; [eapply narrow_wider; [exact H2 | lia] | lia]].
Qed.

(** For L1: width 3n + 2, depth 2N + 2, 8nN + 8N + n parameters; for every budget 2N more. *)
Theorem sizes_l1 :
  let st := cross_setting every Overlapped D lambda mu in
  let b := cross_layers every Overlapped D lambda mu in
  depth b = 2 * N + 2 /\ narrow (3 * n + 2) (fst b)
  /\ parameters st b <= 8 * n * N + (8 + 2 * e) * N + n.
Proof.
  intros st b. pose proof n_positive as NP. pose proof N_positive as NN.
  pose proof (more_small every) as Small. fold e in Small.
  unfold b, cross_layers, laid, lay. fold st.
  destruct (overlapped st (map (cross_test (cross_of Overlapped D lambda mu)) (samples D)) None
    (Place true 0 [] (whole_of (inputs_of every D)))) as [ls q] eqn:H.
  assert (later_one : (1 = 0 /\ later st = []) \/ (1 = 1 /\ exists f, later st = [(1, f)]
    /\ forall a, size (f a) = 1 /\ params (f a) <= 2 * n + 1 + e)).
  { right. split; [reflexivity |]. exists (fun a => [over_radius every D mu a]). split; [reflexivity |].
    intro a. split; [reflexivity |]. cbn [params]. pose proof (over_radius_filled a). lia. }
  apply (overlapped_sizes st 1 (2 * n + 1 + e) (4 * n) (1 + e) (2 * n) n e) in H.
  2: apply setting_tilted. 2: apply size_numbers. 2: exact later_one. 2: lia. 2: apply crosses_fit.
  2: exact I. 2: { cbn [tops]. change (size (@nil Z)) with 0. lia. }
  2: { intros _. cbn [tops]. change (size (@nil Z)) with 0. lia. }
  2: right; reflexivity. 2: { rewrite size_map. fold N. cbn [risen]. lia. } 2: reflexivity.
  rewrite size_map in H. fold N in H. cbn [risen] in H. rewrite Z.add_0_r in H.
  destruct H as [H1 [H2 H3]].
  unfold depth, parameters. cbn [fst snd tops fresh] in H1, H2, H3 |- *.
  pose proof (result_sizes st e (tops q) ltac:(apply setting_tilted)) as R.
  change (size (@nil Z)) with 0 in H3.
  rewrite saved_none in H3 by lia. destruct (Z.eqb_spec N 0) as [bad | _]; [lia |].
  split; [lia | split; [eapply narrow_wider; [exact H2 | lia] | lia]].
Qed.
End Data.
