(** Networks whose tests are as Lemma 0 asks for: what is the same for all of them.

    Inputs are carried as x + lift with lift = max(0, lambda / 2 - least entry), so that nothing is
    clamped on the balls. The budget is one number, or an input of its own, number n. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data.
Import ListNotations.
Open Scope R_scope.

(** ** What is read off the data *)

Definition smaller_of (a b : Z) : Z := if Z.leb a b then a else b.
Definition larger_of (a b : Z) : Z := if Z.leb a b then b else a.
Definition least_entry (D : data) : Z :=
  let first := match samples D with (c :: _, _) :: _ => c | _ => 0%Z end in
  fold_right (fun s m => fold_right smaller_of m (fst s)) first (samples D).
Definition highest_label (D : data) : Z := fold_right (fun s m => larger_of (snd s + 1) m) 1%Z (samples D).

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

(** ** Inputs, and inputs that are carried *)

(** The inputs x, plus off, stand at these addresses. *)
Fixpoint stands (z : Z -> R) (a : Z) (x : list R) (off : R) : Prop :=
  match x with
  | [] => True
  | t :: x => z a = t + off /\ stands z (a + 1) x off
  end.

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


Definition inputs_of (every : bool) (D : data) : nat := if every then S (columns D) else columns D.
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


Lemma shape_of D t : shaped D -> In t (samples D) -> length (fst t) = columns D /\ (0 <= snd t)%Z.
Proof. intros [_ F] I. rewrite Forall_forall in F. exact (F t I). Qed.
Lemma point_length D t : shaped D -> In t (samples D) -> length (point D (fst t)) = columns D.
Proof. intros S I. unfold point. rewrite map_length. apply (shape_of D t S I). Qed.

(** ** The network of a list of tests, one for every sample *)

Section Network.
Context {A : Type}.
Variables (every : bool) (l : layout) (D : data) (st : setting) (f : A -> test) (items : list A).
Definition laid : list layer * list Z := lay l st (map f items) (whole_of (inputs_of every D)).
Definition built : network :=
  let '(ls, top) := laid in network_of (inputs_of every D) (all_lines ls) [result st top].

(** Sizes are as they are said to be, and lines read what stands before them. *)
Record in_order : Prop := InOrder
  { wide_enough : length (dimension st) = columns D;
    later_right : Forall (fun kf => forall a, size (snd kf a) = fst kf) (later st);
    budget_is_input : (0 <= budget_at st < Z.of_nat (inputs_of every D))%Z;
    tests_right : forall a, In a items -> sizes_right (f a) /\ test_reads st (f a);
    alike_wide : exists w, later st = [] \/ forall a, In a items -> breadth (f a) = w }.
Hypothesis fine : in_order.

Lemma laid_read ls top : laid = (ls, top) -> earlier (Z.of_nat (inputs_of every D)) ls
  /\ Forall (fun j => 0 <= j < Z.of_nat (inputs_of every D) + size (all_lines ls))%Z top.
Proof.
  intro E. unfold laid in E. rewrite whole_of_nat in E. destruct fine as [N K B T W].
  apply (lay_reads st l _ _ ls top B) with (3 := E).
  - rewrite size_length, N. unfold inputs_of. destruct every; lia.
  - exact K.
  - apply Forall_forall. intros t I. apply in_map_iff in I as [a [<- I]]. apply T, I.
  - apply Forall_forall. intros t I. apply in_map_iff in I as [a [<- I]]. apply T, I.
  - destruct W as [w [W | W]]; exists w; [left; exact W | right].
    apply Forall_forall. intros t I. apply in_map_iff in I as [a [<- I]]. apply W, I.
Qed.
Lemma laid_proper ls top : laid = (ls, top) ->
  ordered (Z.of_nat (inputs_of every D)) (all_lines ls)
  /\ between 0 (Z.of_nat (inputs_of every D) + size (all_lines ls)) (entries (result st top)).
Proof.
  intro E. destruct (laid_read _ _ E) as [R T]. split; [apply earlier_ordered, R |].
  apply result_reads; [| exact T]. pose proof (size_nonneg (all_lines ls)). destruct fine as [_ _ B _ _]. lia.
Qed.
Lemma built_well_formed : well_formed built.
Proof.
  unfold built. destruct laid as [ls top] eqn:E. destruct (laid_proper _ _ E) as [R B].
  apply network_well_formed; [exact R |]. constructor; [exact B | constructor].
Qed.
Lemma built_inputs : inputs built = map name_of (numbers 0 (inputs_of every D)).
Proof. unfold built. destruct laid as [ls top]. reflexivity. Qed.

(** What the network says at x if its tests tell labels apart there: [loss] is 0 for the test of
    the sample s, at least [room] for that of a sample with another label, and K room = y_max. *)
Variables (label : A -> Z) (loss : A -> R) (steep : Z) (room : R) (x : list R) (s : A).
Record tells (z : Z -> R) : Prop := Tells
  { mine : In s items;
    labels_positive : forall a, In a items -> (0 <= label a)%Z /\ height (f a) = (label a + 1)%Z;
    labels_most : forall a, In a items -> (label a + 1 <= highest_label D)%Z;
    steep_right : IZR steep / IZR (Zpos (bottom st)) * room = share st z * IZR (highest_label D);
    steep_nonneg : (0 <= steep)%Z;
    room_nonneg : 0 <= room;
    loss_nonneg : forall a, In a items -> 0 <= loss a;
    loss_mine : loss s = 0;
    loss_others : forall a, In a items -> label a <> label s -> room <= loss a;
    x_length : length x = columns D;
    x_lifted : l <> Beside -> Forall (fun t => 0 <= t + IZR (lift st) / IZR (Zpos (lift_over st))) x;
    loss_given : forall a, In a items -> gives st z
      (fun (fresh : bool) b => stands z b x (if fresh then 0 else IZR (lift st) / IZR (Zpos (lift_over st))))
      (f a) (- (IZR steep * loss a)) }.

Lemma slope_nonneg (k : Z) (b : positive) : (0 <= k)%Z -> 0 <= IZR k / IZR (Zpos b).
Proof.
  intro K. unfold Rdiv. apply Rmult_le_pos; [apply IZR_le, K | left; apply Rinv_0_lt_compat; auto].
Qed.
Lemma laid_solved z ls top : tells z -> laid = (ls, top) -> stands z 0 x 0 ->
  solves (Z.of_nat (inputs_of every D)) (all_lines ls) z ->
  line_value (result st top) z = share st z * IZR (label s).
Proof.
  intros [M H Y K K0 R0 L0 LM LO XL XP G] E S Z. rewrite result_value.
  assert (P : 0 <= share st z).
  { pose proof (highest_label_positive D) as Y1. apply IZR_le in Y1.
    pose proof (Rmult_le_pos _ _ (slope_nonneg steep (bottom st) K0) R0) as N. rewrite K in N.
    destruct (Rle_lt_dec 0 (share st z)) as [ok | bad]; [exact ok |]. exfalso.
    assert (share st z * IZR (highest_label D) < 0); [| lra].
    rewrite <- (Rmult_0_l (IZR (highest_label D))). apply Rmult_lt_compat_r; lra. }
  assert (C : total (map z top) = share st z * IZR (label s + 1)); [| rewrite C, plus_IZR; lra].
  unfold laid in E. rewrite whole_of_nat in E. destruct fine as [N LR B T W].
  set (off := IZR (lift st) / IZR (Zpos (lift_over st))) in *.
  rewrite (lay_computes st z (fun (fresh : bool) b => stands z b x (if fresh then 0 else off)) l
    (map f items) (map (fun a => - (IZR steep * loss a)) items)
    (Z.of_nat (inputs_of every D)) ls top LR).
  - rewrite grades_of. apply running_maximum.
    + apply Forall_forall. intros g I. apply in_map_iff in I as [a [<- I]]. unfold grade.
      rewrite (proj2 (H a I)).
      replace (- (IZR steep * loss a) / IZR (Zpos (bottom st)))
        with (- (IZR steep / IZR (Zpos (bottom st)) * loss a)) by (field; auto).
      pose proof (slope_nonneg steep (bottom st) K0) as Q.
      destruct (Z.eq_dec (label a) (label s)) as [e | e].
      * rewrite e. pose proof (Rmult_le_pos _ _ Q (L0 a I)). lra.
      * pose proof (Rmult_le_compat_l _ _ _ Q (LO a I e)) as far. rewrite K in far.
        pose proof (Y a I) as top'. apply IZR_le in top'.
        pose proof (Rmult_le_compat_l _ _ _ P top').
        assert (0 <= IZR (label s + 1)) as N' by (apply IZR_le; destruct (H s M); lia).
        pose proof (Rmult_le_pos _ _ P N'). lra.
    + apply in_map_iff. exists s. split; [| exact M]. unfold grade.
      rewrite LM, (proj2 (H s M)). field. auto.
    + apply Rmult_le_pos; [exact P |]. apply IZR_le. destruct (H s M). lia.
  - intros U a b O Q. apply (stands_lifted z off x a b st (dimension st)); auto. congruence.
  - intros U a b O Q. apply (stands_copied z off x a b (dimension st)); auto. congruence.
  - exact E.
  - intro X. apply map_eq_nil in X. rewrite X in M. destruct M.
  - apply Forall_forall. intros t I. apply in_map_iff in I as [a [<- I]]. apply T, I.
  - clear - G. induction items as [| a r IH]; constructor.
    + apply G. left. reflexivity.
    + apply IH. intros u U. apply G. right. exact U.
  - exact S.
  - exact Z.
Qed.
(** The same of the network that is run. *)
Theorem built_answer (v : valuation) : reading (map name_of (numbers 0 (columns D))) v = x ->
  (forall z, (forall k, (0 <= k < Z.of_nat (inputs_of every D))%Z -> z k = v (name_of k)) -> tells z) ->
  output built v 0 = share st (fun k => v (name_of k)) * IZR (label s).
Proof.
  intros X T. unfold built. destruct laid as [ls top] eqn:E.
  destruct (laid_proper _ _ E) as [R _].
  apply output_solved; [exact R |]. intros z K Z.
  pose proof (inputs_numbers every D v z K) as I. rewrite X in I.
  rewrite (laid_solved z ls top (T z K) E I Z). unfold share.
  rewrite (K (budget_at st)); [reflexivity | apply fine].
Qed.
End Network.

(** ** Budgets below half the separation, L-infinity and L1 *)

Definition carried (l : layout) : bool := match l with Beside => false | _ => true end.
Definition lift_of (l : layout) (D : data) (lambda : Q) : Z :=
  if carried l
  then larger_of 0 (Qnum lambda * Zpos (over D) - 2 * Zpos (Qden lambda) * least_entry D)
  else 0.
Definition budget_input_of (every : bool) (D : data) : Z := if every then whole_of (columns D) else 0.
Definition setting_of (fs : list (Z * (Z -> list line))) (every : bool) (l : layout) (D : data)
    (lambda mu : Q) : setting :=
  Setting fs (numbers 0 (columns D)) (lift_of l D lambda) (2 * Qden lambda * over D)
    (budget_input_of every D)
    (Z.to_pos (Qnum lambda * Zpos (Qden mu) - 2 * Qnum mu * Zpos (Qden lambda)))
    (if every then 2 * Zpos (Qden lambda) else 0).
Definition steep_of (D : data) (lambda mu : Q) : Z :=
  highest_label D * Zpos (Qden lambda) * Zpos (Qden mu).

Lemma budget_input_within every D : (0 < columns D)%nat ->
  (0 <= budget_input_of every D < Z.of_nat (inputs_of every D))%Z.
Proof. unfold budget_input_of, inputs_of. rewrite whole_of_nat. destruct every; lia. Qed.

Section Halves.
Variables (fs : list (Z * (Z -> list line))) (every : bool) (l : layout) (D : data) (lambda mu : Q).
Variables (z : Z -> R) (m : R).
Hypothesis m_nonneg : 0 <= m.
Hypothesis m_below : 2 * m < Q2R lambda.
Hypothesis m_is : if every then mu = Qmake 0 1 /\ z (Z.of_nat (columns D)) = m else m = Q2R mu.
Let st := setting_of fs every l D lambda mu.
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
(** K (lambda - 2 m) = y_max, times what a budget that is an input leaves of the labels. *)
Lemma steepness : IZR (steep_of D lambda mu) / IZR (Zpos (bottom st)) * (Q2R lambda - 2 * m)
  = share st z * IZR (highest_label D).
Proof.
  unfold share. rewrite bottom_value. pose proof room_positive as P. apply IZR_lt in P.
  rewrite minus_IZR, !mult_IZR in P.
  unfold steep_of, st, setting_of, budget_input_of. cbn [tilt budget_at]. rewrite whole_of_nat.
  rewrite !mult_IZR, eta_real. destruct every.
  - destruct m_is as [E Z]. rewrite Z. rewrite E in *. cbn [Qnum Qden] in *.
    rewrite mult_IZR. field. split; [lra | auto].
  - rewrite m_is, eta_real. field. repeat split; auto; lra.
Qed.
Lemma share_is : share st z = if every then 1 - 2 * m / Q2R lambda else 1.
Proof.
  unfold share. rewrite bottom_value. unfold st, setting_of, budget_input_of. cbn [tilt budget_at].
  rewrite whole_of_nat. destruct every; [| unfold Rdiv; ring].
  destruct m_is as [E Z]. rewrite Z, E, mult_IZR, eta_real. cbn [Qnum Qden].
  assert (0 < Q2R lambda) as N by lra. rewrite eta_real in N.
  assert (IZR (Qnum lambda) <> 0).
  { intro X. rewrite X in N. unfold Rdiv in N. rewrite Rmult_0_l in N. lra. }
  field. split; auto.
Qed.
Lemma steep_of_nonneg : (0 <= steep_of D lambda mu)%Z.
Proof. unfold steep_of. pose proof (highest_label_positive D). nia. Qed.

(** Nothing is clamped within m of a sample, in every coordinate. *)
Lemma lift_enough s x : In s (samples D) -> length x = length (fst s) ->
  Forall (fun t => t <= m) (gaps Rabs x (point D (fst s))) ->
  l <> Beside -> Forall (fun t => 0 <= t + off) x.
Proof.
  intros s_in L F N.
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
  revert L F H. unfold point, gaps. generalize (fst s) as p. generalize x as xs.
  induction xs as [| t xs IH]; intros [| c p] L F H; try discriminate; [constructor |].
  simpl in F. inversion F as [| ? ? F1 F2]; subst. constructor.
  - specialize (H c (or_introl eq_refl)). revert F1. unfold Rabs. destruct (Rcase_abs _); lra.
  - apply (IH p); [simpl in L; congruence | exact F2 | intros c' C; apply H; right; exact C].
Qed.
End Halves.

(** ** The claims *)

(** Every ball of one budget keeps its label; for L2 the size is the square of the radius. *)
Definition one_budget (m : norm) (size : Q) (D : data) (net : network) : Prop :=
  forall s, In s (samples D) -> keeps_label (Task Value 0 m size None) net (sample_of D s).
(** One network for every budget: input n is the parameter t, first <= t < last of the cone. *)
Definition every_budget (k : cone) (slope : Q) (D : data) (net : network) : Prop :=
  forall s, In s (samples D) ->
  keeps_label_for_every (Family Value 0 k (Qmake 1 1) slope) net (sample_of D s).

Lemma one_budget_of m size D net : shaped D -> well_formed net ->
  inputs net = map name_of (numbers 0 (columns D)) ->
  (forall s, In s (samples D) -> forall x : valuation,
    around m (Q2R size) (reading (map name_of (numbers 0 (columns D))) x) (point D (fst s)) ->
    output net x 0 = IZR (snd s)) ->
  one_budget m size D net.
Proof.
  intros S W I H s J. destruct (shape_of D s S J) as [L Y].
  assert (N : length (inputs net) = columns D) by (rewrite I, map_length, numbers_length; reflexivity).
  split; [exact W |]. cbn [sample_of fst snd read]. rewrite map_length. split; [congruence |].
  intros x X. apply (in_ball_around _ _ m) in X; [| reflexivity | congruence | reflexivity]. cbn [metric budget] in X.
  rewrite I in X. unfold reads_label, keeps. cbn [read]. rewrite (H s J x X), INR_IZR_INZ, Z2Nat.id by exact Y. reflexivity.
Qed.

Lemma every_left lambda m : 0 < lambda -> 0 <= m -> 2 * m < lambda -> 0 < 1 - 2 * m / lambda.
Proof.
  intros N P B. assert (2 * m / lambda < 1); [| lra].
  apply Rmult_lt_reg_r with lambda; [exact N |].
  replace (2 * m / lambda * lambda) with (2 * m) by (field; lra). lra.
Qed.
Lemma numbers_snoc : forall n a, numbers a (S n) = numbers a n ++ [(a + Z.of_nat n)%Z].
Proof.
  induction n as [| n IH]; intro a; [cbn; f_equal; lia |].
  change (numbers a (S (S n))) with (a :: numbers (a + 1) (S n)). rewrite IH.
  cbn [numbers app]. do 2 f_equal. f_equal. lia.
Qed.
(** On the ball of t the output is the label times 1 + slope t, which is positive. *)
Lemma every_budget_of k m slope D net : growth k = Of m -> shaped D -> well_formed net ->
  inputs net = map name_of (numbers 0 (S (columns D))) ->
  0 <= Q2R (first k) < Q2R (last k) -> 0 < Q2R (rate k) ->
  (forall s, In s (samples D) -> forall (x : valuation) (t : R),
    x (name_of (Z.of_nat (columns D))) = t -> spans k t ->
    0 < 1 + Q2R slope * t
    /\ (around m (size_at k t) (reading (map name_of (numbers 0 (columns D))) x) (point D (fst s)) ->
        output net x 0 = (1 + Q2R slope * t) * IZR (snd s))) ->
  every_budget k slope D net.
Proof.
  intros G S W I F R H s J. destruct (shape_of D s S J) as [L Y].
  set (ns := map name_of (numbers 0 (columns D))) in *.
  assert (N : length (fst s) = length ns) by (unfold ns; rewrite map_length, numbers_length; exact L).
  exists ns, (name_of (Z.of_nat (columns D))). unfold below_at. cbn [balls d0 d1 sample_of fst snd].
  split.
  { split; [exact W |]. split; [| rewrite map_length; split; [exact N | split; [exact F | exact R]]].
    rewrite I, numbers_snoc, map_app. reflexivity. }
  assert (one : Q2R (Qmake 1 1) = 1) by (rewrite make_real; field).
  intros t T. rewrite one. split.
  - apply (H s J (fun _ => t) t eq_refl T).
  - intros x X C. destruct (H s J x t X T) as [P O]. unfold in_cone in C. rewrite G in C.
    apply around_is in C; [| exact N]. unfold keeps. cbn [reader]. rewrite (O C), INR_IZR_INZ, Z2Nat.id by exact Y.
    field. lra.
Qed.
Lemma one_budget_smaller m a b D net : Q2R a <= Q2R b -> one_budget m b D net -> one_budget m a D net.
Proof.
  intros L H s S. destruct (H s S) as [W [N K]]. split; [exact W |]. split; [exact N |].
  intros x X. apply K. cbn [sample_of fst] in *. destruct X as [X C]. split; [| exact C].
  revert X. cbn [metric budget]. unfold within, Statement.below. destruct m; intro X.
  - eapply Forall_impl; [| exact X]. intros g G. apply Rle_trans with (1 := G), L.
  - apply Rle_trans with (1 := X), L.
  - apply Rle_trans with (1 := X), L.
Qed.

(** Budgets below lambda / 2: the cone of radii m, and what m takes away, 2 m / lambda. *)
Definition half_cone (m : norm) (lambda : Q) : cone :=
  Cone m (Qmake 1 1) (Qmake 0 1) (Qmake (Qnum lambda) (2 * Qden lambda)) true.
Definition half_slope (lambda : Q) : Q := Qmake (- (2 * Zpos (Qden lambda))) (Z.to_pos (Qnum lambda)).
Lemma half_real lambda : Q2R (Qmake (Qnum lambda) (2 * Qden lambda)) = Q2R lambda / 2.
Proof. rewrite make_real, eta_real, Pos2Z.inj_mul, mult_IZR. field. auto. Qed.
Lemma numerator_positive lambda : 0 < Q2R lambda -> (0 < Qnum lambda)%Z.
Proof.
  rewrite eta_real. intro H. apply lt_IZR. apply Rmult_lt_reg_r with (/ IZR (Zpos (Qden lambda))).
  - apply Rinv_0_lt_compat. auto.
  - rewrite Rmult_0_l. exact H.
Qed.
Lemma half_slope_real lambda : 0 < Q2R lambda -> Q2R (half_slope lambda) = - (2 / Q2R lambda).
Proof.
  intro H. pose proof (numerator_positive _ H) as P. unfold half_slope.
  rewrite make_real, Z2Pos.id, eta_real, opp_IZR, mult_IZR by exact P.
  assert (IZR (Qnum lambda) <> 0) by (apply not_0_IZR; lia). field. split; auto.
Qed.
Lemma half_every m lambda D net : m <> L2 -> shaped D -> well_formed net ->
  inputs net = map name_of (numbers 0 (S (columns D))) -> 0 < Q2R lambda ->
  (forall s, In s (samples D) -> forall (x : valuation) (t : R),
    x (name_of (Z.of_nat (columns D))) = t -> 0 <= t -> 2 * t < Q2R lambda ->
    around m t (reading (map name_of (numbers 0 (columns D))) x) (point D (fst s)) ->
    output net x 0 = (1 - 2 * t / Q2R lambda) * IZR (snd s)) ->
  every_budget (half_cone m lambda) (half_slope lambda) D net.
Proof.
  intros M S W I P H. apply (every_budget_of _ m); try assumption; [reflexivity | | |].
  - unfold half_cone. cbn [first last]. rewrite half_real, make_real. split; lra.
  - unfold half_cone. cbn [rate]. rewrite make_real. lra.
  - intros s J x t X [A B]. unfold half_cone in A, B. cbn [first last open_end] in A, B. unfold Statement.below in B.
    rewrite half_real in B. rewrite make_real in A. rewrite (half_slope_real _ P).
    assert (T0 : 0 <= t) by lra. assert (T1 : 2 * t < Q2R lambda) by lra.
    replace (1 + - (2 / Q2R lambda) * t) with (1 - 2 * t / Q2R lambda) by (field; lra).
    split; [apply every_left; assumption |]. intro R. apply (H s J x t X T0 T1).
    unfold half_cone, size_at in R. cbn [growth rate] in R. rewrite make_real in R.
    replace (t * (1 / 1)) with t in R by field. destruct m; [exact R | exact R | congruence].
Qed.
