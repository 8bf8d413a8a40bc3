(** Every layer reads what stands before it. *)
From Coq Require Import List ZArith Lia Bool.
From Theorems Require Import Lines Layouts.
Import ListNotations.
Open Scope Z_scope.

Definition reads_below (bound : Z) (ls : list line) : Prop :=
  Forall (fun l => between 0 bound (entries l)) ls.
Fixpoint earlier (first : Z) (ls : list layer) : Prop :=
  match ls with
  | [] => True
  | l :: ls => reads_below first (lines l) /\ earlier (first + size (lines l)) ls
  end.

Lemma reads_below_ordered : forall ls bound first, reads_below bound ls -> bound <= first ->
  ordered first ls.
Proof.
  induction ls as [| l ls IH]; intros bound first R B; simpl; [exact I |].
  inversion R; subst. split; [eapply between_wider; [eassumption | lia | lia] |].
  apply (IH bound); [assumption | lia].
Qed.
Lemma earlier_ordered : forall ls first, earlier first ls -> ordered first (all_lines ls).
Proof.
  induction ls as [| l ls IH]; intros first E; [exact I |]. destruct E as [R E].
  rewrite all_lines_cons, ordered_app. split; [apply (reads_below_ordered _ _ _ R); lia |].
  apply IH, E.
Qed.
Lemma earlier_app : forall a first b,
  earlier first a -> earlier (first + size (all_lines a)) b -> earlier first (a ++ b).
Proof.
  induction a as [| l a IH]; intros first b A B.
  - change (size (all_lines [])) with 0 in B. rewrite Z.add_0_r in B. exact B.
  - destruct A as [R A]. split; [exact R |]. apply IH; [exact A |].
    rewrite all_lines_cons, size_app in B. rewrite <- Z.add_assoc. exact B.
Qed.
Lemma reads_below_app bound a b : reads_below bound a -> reads_below bound b -> reads_below bound (a ++ b).
Proof. intros A B. apply Forall_app. split; assumption. Qed.
Lemma reads_single bound l : between 0 bound (entries l) -> reads_below bound [l].
Proof. intro B. constructor; [exact B | constructor]. Qed.
Lemma between_app low high a b : between low high a -> between low high b -> between low high (a ++ b).
Proof. intros A B. apply Forall_app. split; assumption. Qed.
Lemma between_weigh low high w js : Forall (fun j => low <= j < high) js -> between low high (weigh w js).
Proof. intro H. induction H; constructor; auto. Qed.

Section Reads.
Variables (s : setting).
Let n := size (dimension s).

Lemma budget_term_reads bound w : 0 <= budget_at s < bound -> between 0 bound (budget_term s w).
Proof. intro B. unfold budget_term, term_of. destruct (Z.eqb w 0); repeat constructor; simpl; lia. Qed.
Lemma lifted_reads bound : forall like a, 0 <= a -> a + size like <= bound ->
  reads_below bound (lifted s a like).
Proof.
  induction like as [| x like IH]; intros a A B; simpl; [constructor |]. rewrite size_cons in B.
  pose proof (size_nonneg like).
  constructor; [repeat constructor; simpl; lia |]. apply IH; lia.
Qed.
Lemma copied_reads bound : forall like a, 0 <= a -> a + size like <= bound ->
  reads_below bound (copied a like).
Proof.
  induction like as [| x like IH]; intros a A B; simpl; [constructor |]. rewrite size_cons in B.
  pose proof (size_nonneg like).
  constructor; [repeat constructor; simpl; lia |]. apply IH; lia.
Qed.

(** The lines of a test read the inputs; further layers and the score read the layer before. *)
Fixpoint stages_read (w : Z) (fs : list (Z * (Z -> list line))) (last : Z -> list (Z * Z)) : Prop :=
  match fs with
  | [] => forall a bound, 0 <= a -> a + w <= bound -> between 0 bound (last a)
  | (k, f) :: fs =>
      (forall a bound, 0 <= a -> a + w <= bound -> budget_at s < bound -> reads_below bound (f a))
      /\ stages_read k fs last
  end.
Definition test_reads (t : test) : Prop :=
  (forall f a bound, 0 <= a -> a + n <= bound -> budget_at s < bound -> reads_below bound (entering t f a))
  /\ stages_read (breadth t) (later s) (score t).
Hypothesis budget_input : 0 <= budget_at s.
Hypothesis later_sizes : Forall (fun kf => forall a, size (snd kf a) = fst kf) (later s).

Definition scored (bound : Z) (riser : option (test * Z)) : Prop :=
  match riser with Some (t, a) => between 0 bound (score t a) | None => True end.
Definition placed (p : place) : Prop :=
  budget_at s < next p /\ Forall (fun j => 0 <= j < next p) (tops p).
Definition carries (carry : bool) (p : place) : Prop :=
  carry = true -> 0 <= inputs_at p /\ inputs_at p + n <= next p.
Definition stage_reads (bound : Z) (stage : option (Z * block)) : Prop :=
  match stage with Some (k, f) => reads_below bound (f tt) | None => True end.

Lemma rise_reads bound t a js : 0 <= budget_at s < bound -> between 0 bound (score t a) ->
  Forall (fun j => 0 <= j < bound) js -> between 0 bound (entries (rise s t a js)).
Proof.
  intros B S J. cbn [rise entries]. apply between_app; [apply budget_term_reads, B |].
  apply between_app; [exact S | apply between_weigh, J].
Qed.

Lemma put_layer_reads stage carry riser p l q : put_layer s stage carry riser p = (l, q) ->
  placed p -> carries carry p -> stage_right stage -> stage_reads (next p) stage ->
  scored (next p) riser ->
  reads_below (next p) (lines l) /\ next q = next p + size (lines l)
  /\ placed q /\ carries carry q /\ next p <= next q
  /\ match stage with Some (k, _) => next p + k <= next q | None => True end.
Proof.
  unfold put_layer. intros E [P1 P2] C K S R. injection E as <- <-.
  unfold placed, carries in *. cbn [next tops inputs_at].
  rewrite !lines_app, !size_app.
  assert (A : size (lines (stage_part stage)) = match stage with Some (k, _) => k | None => 0 end).
  { unfold stage_part. destruct stage as [[k f] |]; [rewrite lines_one; exact K | reflexivity]. }
  assert (B : size (lines (carry_part s carry p)) = if carry then n else 0).
  { unfold carry_part. destruct carry; [| reflexivity]. rewrite lines_one. apply carry_size. }
  assert (D : size (lines (rise_part s riser p)) = match riser with Some _ => 1 | None => 0 end).
  { destruct riser as [[t a] |]; reflexivity. }
  assert (E : size (lines (sum_part (negb (is_empty (tops p))) p))
      = if negb (is_empty (tops p)) then 1 else 0).
  { destruct (negb (is_empty (tops p))); reflexivity. }
  assert (N : 0 <= n) by apply size_nonneg.
  assert (K0 : 0 <= match stage with Some (k, _) => k | None => 0 end).
  { destruct stage as [[k f] |]; [rewrite <- K; apply size_nonneg | lia]. }
  assert (T0 : 0 <= next p) by lia.
  unfold n in *. rewrite A, B, D, E. split; [| split; [| split; [split |]]].
  - repeat apply reads_below_app.
    + unfold stage_part. destruct stage as [[k f] |]; [rewrite lines_one; exact S | constructor].
    + unfold carry_part. destruct carry; [rewrite lines_one | constructor].
      destruct (C eq_refl). unfold carry_block.
      destruct (fresh p); [apply lifted_reads | apply copied_reads]; assumption.
    + destruct riser as [[t a] |]; [| constructor]. cbn [rise_part]. rewrite lines_one.
      apply reads_single, rise_reads; [lia | exact R | exact P2].
    + destruct (negb (is_empty (tops p))); [| constructor]. cbn [sum_part]. rewrite lines_one.
      apply reads_single. cbn [sum_line entries]. apply between_weigh, P2.
  - destruct stage as [[k f] |]; destruct carry; destruct riser as [[t a] |];
      destruct (negb (is_empty (tops p))); cbv iota beta in *; lia.
  - destruct stage as [[k f] |]; destruct carry; destruct riser as [[t a] |];
      destruct (negb (is_empty (tops p))); cbv iota beta in *; lia.
  - apply Forall_app; split.
    + destruct riser as [[t a] |]; [| constructor]. constructor; [| constructor].
      destruct stage as [[k f] |]; destruct carry; destruct (negb (is_empty (tops p))); cbv iota beta in *; lia.
    + destruct (negb (is_empty (tops p))); [| constructor]. constructor; [| constructor].
      destruct stage as [[k f] |]; destruct carry; destruct riser as [[t a] |]; cbv iota beta in *; lia.
  - split; [| split].
    + intros ->. destruct stage as [[k f] |]; destruct riser as [[t a] |];
        destruct (negb (is_empty (tops p))); cbv iota beta in *; lia.
    + destruct stage as [[k f] |]; destruct carry; destruct riser as [[t a] |];
      destruct (negb (is_empty (tops p))); cbv iota beta in *; lia.
    + destruct stage as [[k f] |]; [| exact I]. destruct carry; destruct riser as [[t a] |];
      destruct (negb (is_empty (tops p))); cbv iota beta in *; lia.
Qed.

Lemma put_later_reads : forall fs w sc carry before p ls a q,
  put_later s fs carry before p = (ls, a, q) ->
  Forall (fun kf => forall a, size (snd kf a) = fst kf) fs -> stages_read w fs sc ->
  placed p -> carries carry p -> 0 <= before -> before + w <= next p ->
  earlier (next p) ls /\ next q = next p + size (all_lines ls) /\ placed q /\ carries carry q
  /\ between 0 (next q) (sc a).
Proof.
  induction fs as [| [k f] fs IH]; intros w sc carry before p ls a q E W R P C B0 B; cbn [put_later] in E.
  - injection E as <- <- <-. change (size (all_lines [])) with 0. simpl in R.
    split; [exact I |]. split; [lia |]. split; [exact P |]. split; [exact C |]. apply R; assumption.
  - destruct (put_layer s (Some (k, fun _ => f before)) carry None p) as [l p'] eqn:L.
    destruct (put_later s fs carry (next p) p') as [[ls' a'] q'] eqn:E'. injection E as <- <- <-.
    inversion W as [| ? ? W1 W2]; subst. simpl in W1. destruct R as [R1 R2].
    destruct P as [P1 P2].
    destruct (put_layer_reads _ _ _ _ _ _ L (conj P1 P2) C (W1 before)) as [H1 [H2 [H3 [H4 [H5 H6]]]]];
      [apply R1; [exact B0 | exact B | exact P1] | exact I |].
    destruct (IH k sc carry (next p) p' ls' a' q' E' W2 R2 H3 H4) as [G1 [G2 [G3 [G4 G5]]]]; [lia | exact H6 |].
    rewrite all_lines_cons, size_app. rewrite H2 in G1, G2. split; [split; assumption |].
    split; [lia |]. split; [exact G3 |]. split; assumption.
Qed.

Lemma put_test_reads t carry riser p ls a q : put_test s t carry riser p = (ls, a, q) ->
  sizes_right t -> test_reads t -> placed p -> carries true p -> scored (next p) riser ->
  earlier (next p) ls /\ next q = next p + size (all_lines ls) /\ placed q /\ carries carry q
  /\ between 0 (next q) (score t a).
Proof.
  unfold put_test. intros E W [R1 R2] P C S.
  destruct (put_layer s _ carry riser p) as [l p'] eqn:L.
  destruct (put_later s (later s) carry (next p) p') as [[ls' a'] q'] eqn:E'. injection E as <- <- <-.
  destruct (C eq_refl) as [C1 C2]. destruct P as [P1 P2].
  destruct (put_layer_reads _ _ _ _ _ _ L (conj P1 P2) (fun _ => conj C1 C2) (W _ _))
    as [H1 [H2 [H3 [H4 [H5 H6]]]]]; [apply R1; assumption | exact S |].
  destruct (put_later_reads _ _ _ _ _ _ _ _ _ E' later_sizes R2 H3 H4) as [G1 [G2 [G3 [G4 G5]]]];
    [lia | exact H6 |].
  rewrite all_lines_cons, size_app. rewrite H2 in G1, G2. split; [split; assumption |].
  split; [lia |]. split; [exact G3 |]. split; assumption.
Qed.

Lemma running_reads : forall ts p ls q, running s ts p = (ls, q) ->
  Forall sizes_right ts -> Forall test_reads ts -> placed p -> (ts <> [] -> carries true p) ->
  earlier (next p) ls /\ next q = next p + size (all_lines ls) /\ placed q.
Proof.
  induction ts as [| t ts IH]; intros p ls q E W R P C; cbn [running] in E.
  - injection E as <- <-. change (size (all_lines [])) with 0. split; [exact I | split; [lia | exact P]].
  - inversion W as [| ? ? W1 W2]; subst. inversion R as [| ? ? R1 R2]; subst.
    destruct (put_test s t _ None p) as [[l1 a] p1] eqn:E1.
    destruct (put_layer s None _ (Some (t, a)) p1) as [l2 p2] eqn:E2.
    destruct (running s ts p2) as [rest q'] eqn:E3. injection E as <- <-.
    destruct (put_test_reads _ _ _ _ _ _ _ E1 W1 R1 P (C ltac:(discriminate)) I) as [A1 [A2 [A3 [A4 A5]]]].
    destruct (put_layer_reads _ _ _ _ _ _ E2 A3 A4 I I A5) as [B1 [B2 [B3 [B4 _]]]].
    destruct (IH p2 rest q' E3 W2 R2 B3) as [C1 [C2 C3]].
    { intros NE. destruct ts; [congruence | exact B4]. }
    rewrite all_lines_app, all_lines_cons, !size_app.
    split; [| split; [lia | exact C3]].
    apply earlier_app; [exact A1 |]. rewrite <- A2. split; [exact B1 |]. rewrite <- B2. exact C1.
Qed.

Lemma overlapped_reads : forall ts pending p ls q, overlapped s ts pending p = (ls, q) ->
  Forall sizes_right ts -> Forall test_reads ts -> placed p -> (ts <> [] -> carries true p) ->
  scored (next p) pending ->
  earlier (next p) ls /\ next q = next p + size (all_lines ls) /\ placed q.
Proof.
  induction ts as [| t ts IH]; intros pending p ls q E W R P C S; cbn [overlapped] in E.
  - destruct pending as [pa |].
    + destruct (put_layer s None false (Some pa) p) as [l q'] eqn:L. injection E as <- <-.
      assert (N : carries false p) by (intro X; discriminate X).
      destruct (put_layer_reads _ _ _ _ _ _ L P N I I S) as [B1 [B2 [B3 _]]].
      rewrite all_lines_cons. change (all_lines []) with (@nil line). rewrite app_nil_r.
      split; [split; [exact B1 | exact I] | split; [exact B2 | exact B3]].
    + injection E as <- <-. change (size (all_lines [])) with 0.
      split; [exact I | split; [lia | exact P]].
  - inversion W as [| ? ? W1 W2]; subst. inversion R as [| ? ? R1 R2]; subst.
    destruct (put_test s t _ pending p) as [[l1 a] p1] eqn:E1.
    destruct (overlapped s ts (Some (t, a)) p1) as [rest q'] eqn:E3. injection E as <- <-.
    destruct (put_test_reads _ _ _ _ _ _ _ E1 W1 R1 P (C ltac:(discriminate)) S) as [A1 [A2 [A3 [A4 A5]]]].
    destruct (IH _ p1 rest q' E3 W2 R2 A3) as [C1 [C2 C3]]; [| exact A5 |].
    { intros NE. destruct ts; [congruence | exact A4]. }
    rewrite all_lines_app, size_app. split; [| split; [lia | exact C3]].
    apply earlier_app; [exact A1 |]. rewrite <- A2. exact C1.
Qed.

(** All at once. *)
Lemma enter_all_reads bound : forall ts first l at_ last, enter_all ts first = (l, at_, last) ->
  Forall sizes_right ts -> Forall test_reads ts -> n <= bound -> budget_at s < bound -> bound <= first ->
  reads_below bound (lines l) /\ last = first + size (lines l)
  /\ Forall (fun ta => 0 <= snd ta /\ snd ta + breadth (fst ta) <= last) at_ /\ map fst at_ = ts.
Proof.
  induction ts as [| t ts IH]; intros first l at_ last E W R N B F; cbn [enter_all] in E.
  - injection E as <- <- <-. change (size (lines [])) with 0.
    split; [constructor | split; [lia | split; constructor]].
  - destruct (enter_all ts (first + breadth t)) as [[l' at'] last'] eqn:E'. injection E as <- <- <-.
    inversion W as [| ? ? W1 W2]; subst. inversion R as [| ? ? R1 R2]; subst.
    pose proof (W1 true 0) as K. pose proof (size_nonneg (entering t true 0)) as K0.
    destruct (IH (first + breadth t) l' at' last' E' W2 R2 N B ltac:(lia)) as [H1 [H2 [H3 H4]]].
    rewrite lines_cons, size_app. split; [| split; [lia | split]].
    + apply reads_below_app; [apply (proj1 R1); [lia | exact N | exact B] | exact H1].
    + pose proof (size_nonneg (lines l')). constructor; [simpl; lia | exact H3].
    + simpl. congruence.
Qed.
Lemma advance_all_reads bound w k f : (forall a, size (f a) = k) ->
  (forall a b, 0 <= a -> a + w <= b -> budget_at s < b -> reads_below b (f a)) ->
  forall at_ first l at' last, advance_all k f at_ first = (l, at', last) ->
  Forall (fun ta => 0 <= snd ta /\ snd ta + w <= bound) at_ -> budget_at s < bound -> 0 <= first ->
  reads_below bound (lines l) /\ last = first + size (lines l)
  /\ Forall (fun ta => 0 <= snd ta /\ snd ta + k <= last) at' /\ map fst at' = map fst at_.
Proof.
  intros K R. induction at_ as [| [t a] at_ IH]; intros first l at' last E A B F; cbn [advance_all] in E.
  - injection E as <- <- <-. change (size (lines [])) with 0.
    split; [constructor | split; [lia | split; constructor]].
  - destruct (advance_all k f at_ (first + k)) as [[l' at''] last'] eqn:E'. injection E as <- <- <-.
    inversion A as [| ? ? A1 A2]; subst. simpl in A1.
    pose proof (K a) as Ka. pose proof (size_nonneg (f a)) as K0.
    destruct (IH (first + k) l' at'' last' E' A2 B ltac:(lia)) as [H1 [H2 [H3 H4]]].
    rewrite lines_cons, size_app. split; [| split; [lia | split]].
    + apply reads_below_app; [apply R; [apply A1 | apply A1 | exact B] | exact H1].
    + pose proof (size_nonneg (lines l')). constructor; [simpl; lia | exact H3].
    + simpl. congruence.
Qed.
Lemma later_all_reads : forall fs at_ first ls at' last, later_all fs at_ first = (ls, at', last) ->
  Forall (fun kf => forall a, size (snd kf a) = fst kf) fs -> budget_at s < first -> 0 <= first ->
  (exists w, Forall (fun ta => 0 <= snd ta /\ snd ta + w <= first /\ stages_read w fs (score (fst ta))) at_) ->
  earlier first ls /\ last = first + size (all_lines ls)
  /\ Forall (fun ta => between 0 last (score (fst ta) (snd ta))) at' /\ map fst at' = map fst at_.
Proof.
  induction fs as [| [k f] fs IH]; intros at_ first ls at' last E W B F [w A]; cbn [later_all] in E.
  - injection E as <- <- <-. change (size (all_lines [])) with 0.
    split; [exact I | split; [lia | split; [| reflexivity]]].
    eapply Forall_impl; [| exact A]. simpl. intros ta [A1 [A2 A3]]. apply A3; lia.
  - destruct (advance_all k f at_ first) as [[l at1] last1] eqn:E1.
    destruct (later_all fs at1 last1) as [[ls2 at2] last2] eqn:E2. injection E as <- <- <-.
    inversion W as [| ? ? W1 W2]; subst. simpl in W1.
    destruct at_ as [| ta0 at_].
    { simpl in E1. injection E1 as <- <- <-.
      destruct (IH [] first ls2 at2 last2 E2 W2 B F) as [H1 [H2 [H3 H4]]]; [exists 0; constructor |].
      rewrite all_lines_cons. change (lines []) with (@nil line). cbn [app].
      split; [split; [exact (Forall_nil _) | change (size (lines [])) with 0; rewrite Z.add_0_r; exact H1] |].
      split; [exact H2 | split; assumption]. }
    assert (R : forall a b, 0 <= a -> a + w <= b -> budget_at s < b -> reads_below b (f a)).
    { inversion A as [| ? ? A1 A2]; subst. destruct A1 as [_ [_ A1]]. apply A1. }
    assert (A' : Forall (fun ta => 0 <= snd ta /\ snd ta + w <= first) (ta0 :: at_)).
    { eapply Forall_impl; [| exact A]. simpl. intros ta X. split; apply X. }
    destruct (advance_all_reads first w k f W1 R _ _ _ _ _ E1 A' B F) as [H1 [H2 [H3 H4]]].
    pose proof (size_nonneg (lines l)).
    destruct (IH at1 last1 ls2 at2 last2 E2 W2) as [G1 [G2 [G3 G4]]]; [lia | lia | |].
    { exists k. clear - A H3 H4. remember (ta0 :: at_) as both eqn:X. clear X ta0 at_.
      revert at1 H3 H4.
      induction A as [| ta both A1 A2 IH]; intros at1 H3 H4; destruct at1 as [| tb at1];
        try discriminate; [constructor |].
      inversion H3; subst. simpl in H4. injection H4 as Q H4. constructor.
      - rewrite Q. split; [apply H1 | split; [apply H1 | apply A1]].
      - apply IH; assumption. }
    rewrite all_lines_cons, size_app. split; [split; [exact H1 | rewrite <- H2; exact G1] |].
    split; [lia | split; [exact G3 | congruence]].
Qed.

Lemma level_reads bound : forall m terms, (length terms <= m)%nat ->
  Forall (Forall (fun j => 0 <= j < bound)) terms -> reads_below bound (level terms).
Proof.
  induction m as [| m IH]; intros terms L T.
  - destruct terms; [constructor | simpl in L; lia].
  - destruct terms as [| a [| b terms]]; [constructor | |].
    + inversion T; subst. apply reads_single. apply between_weigh. assumption.
    + inversion T as [| ? ? T1 T2]; subst. inversion T2 as [| ? ? T3 T4]; subst. cbn [level].
      constructor; [apply between_app; apply between_weigh; assumption |].
      constructor; [apply between_weigh; assumption |]. apply IH; [simpl in L; lia | assumption].
Qed.
Lemma level_terms_within : forall m terms first, (length terms <= m)%nat -> 0 <= first ->
  Forall (Forall (fun j => 0 <= j < first + size terms)) (level_terms terms first).
Proof.
  induction m as [| m IH]; intros terms first L F.
  - destruct terms; [constructor | simpl in L; lia].
  - destruct terms as [| a [| b terms]]; [constructor | |].
    + repeat constructor; try (rewrite size_cons, size_nil); lia.
    + cbn [level_terms]. rewrite !size_cons. pose proof (size_nonneg terms).
      constructor; [repeat (apply Forall_cons || apply Forall_nil); lia |].
      replace (first + (1 + (1 + size terms))) with (first + 2 + size terms) by lia.
      apply IH; [simpl in L; lia | lia].
Qed.
Lemma tree_reads {A} : forall (fuel : list A) terms first ls top, tree fuel terms first = (ls, top) ->
  0 <= first -> Forall (Forall (fun j => 0 <= j < first)) terms ->
  earlier first ls /\ Forall (fun j => 0 <= j < first + size (all_lines ls)) top.
Proof.
  assert (done : forall first (top : list Z), Forall (fun j => 0 <= j < first) top ->
    earlier first [] /\ Forall (fun j => 0 <= j < first + size (all_lines [])) top).
  { intros first top T. split; [exact I |]. change (size (all_lines [])) with 0.
    rewrite Z.add_0_r. exact T. }
  induction fuel as [| x fuel IH]; intros terms first ls top E F T.
  - destruct terms as [| a [| b terms]]; simpl in E; injection E as <- <-; apply done;
      [constructor | inversion T; assumption | constructor].
  - destruct terms as [| a [| b terms]]; [| | cbn [tree] in E];
      [simpl in E; injection E as <- <-; apply done; constructor
      | simpl in E; injection E as <- <-; apply done; inversion T; assumption |].
    set (ts := a :: b :: terms) in *.
    destruct (tree fuel (level_terms ts first) (first + size ts)) as [ls' top'] eqn:E'.
    injection E as <- <-. pose proof (size_nonneg ts).
    destruct (IH _ _ _ _ E') as [H1 H2]; [lia | apply (level_terms_within _ _ _ (le_n _)), F |].
    rewrite all_lines_cons, lines_one, size_app. change (difference a b :: sum_line b :: level terms) with (level ts).
    rewrite (level_size _ ts (le_n _)). cbn [earlier]. rewrite lines_one.
    change (difference a b :: sum_line b :: level terms) with (level ts).
    rewrite (level_size _ ts (le_n _)). split; [split; [| exact H1] |].
    + apply (level_reads _ _ _ (le_n _) T).
    + rewrite Z.add_assoc. exact H2.
Qed.

Lemma one_each_within {A} : forall (l : list A) first, 0 <= first ->
  Forall (Forall (fun j => 0 <= j < first + size l)) (one_each l first).
Proof.
  induction l as [| x l IH]; intros first F; simpl; [constructor |]. rewrite size_cons.
  pose proof (size_nonneg l). constructor; [repeat constructor; lia |].
  replace (first + (1 + size l)) with (first + 1 + size l) by lia. apply IH. lia.
Qed.
Lemma rises_size (at_ : list (test * Z)) :
  size (lines (map (fun ta => (fun _ : unit => [rise s (fst ta) (snd ta) []])) at_)) = size at_.
Proof.
  unfold lines. rewrite map_map. induction at_ as [| a at_ IH]; simpl; [reflexivity |].
  rewrite !size_cons, IH. reflexivity.
Qed.

Lemma tested_reads ts first ls rises : tested s ts first = (ls, rises) ->
  Forall sizes_right ts -> Forall test_reads ts -> n <= first -> budget_at s < first ->
  (exists w, later s = [] \/ Forall (fun t => breadth t = w) ts) ->
  earlier first ls /\ 0 <= rises /\ rises + size ts = first + size (all_lines ls).
Proof.
  unfold tested. intros E W R N B [w U].
  destruct (enter_all ts first) as [[l at_] first1] eqn:E1.
  destruct (later_all (later s) at_ first1) as [[ls' at'] first2] eqn:E2.
  injection E as <- <-.
  destruct (enter_all_reads first _ _ _ _ _ E1 W R N B ltac:(lia)) as [H1 [H2 [H3 H4]]].
  pose proof (size_nonneg (lines l)).
  assert (K : earlier first1 ls' /\ first2 = first1 + size (all_lines ls')
    /\ Forall (fun ta => between 0 first2 (score (fst ta) (snd ta))) at' /\ map fst at' = map fst at_).
  { destruct U as [U | U].
    - rewrite U in E2. simpl in E2. injection E2 as <- <- <-. change (size (all_lines [])) with 0.
      split; [exact I | split; [lia | split; [| reflexivity]]].
      clear - H3 H4 R U. revert ts H4 R. induction H3 as [| ta at_ X Y IH]; intros ts H4 R; [constructor |].
      destruct ts as [| t ts]; [discriminate |]. simpl in H4. injection H4 as Q H4.
      inversion R as [| ? ? R1 R2]; subst. constructor; [| apply (IH (map fst at_)); auto].
      destruct R1 as [_ R1]. rewrite U in R1. simpl in R1. apply R1; apply X.
    - apply (later_all_reads _ _ _ _ _ _ E2 later_sizes); [lia | lia |]. exists w.
      clear - H3 H4 R U. revert ts H4 R U.
      induction H3 as [| ta at_ X Y IH]; intros ts H4 R U; [constructor |].
      destruct ts as [| t ts]; [discriminate |]. simpl in H4. injection H4 as Q H4.
      inversion R as [| ? ? R1 R2]; subst. inversion U as [| ? ? U1 U2]; subst.
      constructor; [| apply (IH (map fst at_)); auto].
      split; [apply X | split; [apply X |]]. destruct R1 as [_ R1]. exact R1. }
  destruct K as [K1 [K2 [K3 K4]]]. pose proof (size_nonneg (all_lines ls')).
  assert (L : size at' = size ts).
  { rewrite !size_length. f_equal. rewrite <- (map_length fst at'), K4, map_length, <- H4, map_length. reflexivity. }
  rewrite all_lines_cons, all_lines_app. unfold all_lines at 2. cbn [map concat].
  rewrite app_nil_r, !size_app, rises_size, L. split; [| split; lia].
  split; [exact H1 |]. rewrite <- H2. apply earlier_app; [exact K1 |]. rewrite <- K2.
  split; [| exact I].
  clear - K3 K1 B N H H0 K2 H2 budget_input. unfold lines. rewrite map_map.
  induction K3 as [| ta at' X Y IH]; simpl; [constructor |].
  constructor; [| exact IH]. apply rise_reads; [lia | exact X | constructor].
Qed.
Lemma beside_reads ts first ls top : beside s ts first = (ls, top) ->
  Forall sizes_right ts -> Forall test_reads ts -> n <= first -> budget_at s < first ->
  (exists w, later s = [] \/ Forall (fun t => breadth t = w) ts) ->
  earlier first ls /\ Forall (fun j => 0 <= j < first + size (all_lines ls)) top.
Proof.
  unfold beside. intros E W R N B U.
  destruct (tested s ts first) as [ls' rises] eqn:E1.
  destruct (tree ts (one_each ts rises) (rises + size ts)) as [rest top'] eqn:E2.
  injection E as <- <-. destruct (tested_reads _ _ _ _ E1 W R N B U) as [H1 [H2 H3]].
  pose proof (size_nonneg ts). destruct (tree_reads _ _ _ _ _ E2) as [T1 T2]; [lia | apply one_each_within, H2 |].
  rewrite all_lines_app, size_app, Z.add_assoc, <- H3. split; [| exact T2].
  apply earlier_app; [exact H1 |]. rewrite <- H3. exact T1.
Qed.

Lemma result_reads bound js : 0 <= budget_at s < bound -> Forall (fun j => 0 <= j < bound) js ->
  between 0 bound (entries (result s js)).
Proof.
  intros B J. cbn [result entries]. apply between_app; [apply budget_term_reads, B |].
  apply between_weigh, J.
Qed.
End Reads.

Lemma lay_reads s l ts first ls top :
  (0 <= budget_at s < first)%Z -> (size (dimension s) <= first)%Z ->
  Forall (fun kf => forall a, size (snd kf a) = fst kf) (later s) ->
  lay l s ts first = (ls, top) -> Forall sizes_right ts -> Forall (test_reads s) ts ->
  (exists w, later s = [] \/ Forall (fun t => breadth t = w) ts) ->
  earlier first ls /\ Forall (fun j => 0 <= j < first + size (all_lines ls)) top.
Proof.
  intros [B0 B] N K E W R U. unfold lay in E. set (start := Place true 0 [] first) in *.
  assert (P : placed s start) by (split; [exact B | constructor]).
  assert (C : carries s true start) by (intros _; simpl; lia).
  destruct l.
  - destruct (running s ts start) as [ls' q] eqn:Q. injection E as <- <-.
    destruct (running_reads s B0 K ts start ls' q Q W R P (fun _ => C)) as [H1 [H2 [_ H3]]].
    split; [exact H1 |]. rewrite H2 in H3. exact H3.
  - destruct (overlapped s ts None start) as [ls' q] eqn:Q. injection E as <- <-.
    destruct (overlapped_reads s B0 K ts None start ls' q Q W R P (fun _ => C) I) as [H1 [H2 [_ H3]]].
    split; [exact H1 |]. rewrite H2 in H3. exact H3.
  - apply (beside_reads s B0 K ts first ls top E W R N B U).
Qed.
