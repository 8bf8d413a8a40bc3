(** Theorem 5.2 (Yu, Gao, Zhang), as reconstructed: for two labels, one network for every budget, with
    the least Lipschitz constant that a network with the values -1 and +1 at the samples can have.

    F(x) = +-max(-1, max of 1 - (2 / lambda) ||x - x_i||_inf over the samples i of one label): the
    test of sample i is 2 - (2 / lambda) ||x - x_i||_inf, a layer of distances, which is that of
    Theorem 4.8 with radius 0, and a tree of maxima over the coordinates. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes Crosses.
Import ListNotations.
Open Scope R_scope.

(** ** The lines *)

(** Terms by increasing variables. *)
Fixpoint insert (e : Z * Z) (es : list (Z * Z)) : list (Z * Z) :=
  match es with
  | [] => [e]
  | d :: rest => if Z.leb (fst e) (fst d) then e :: es else d :: insert e rest
  end.
Definition ordered_difference (a b : list Z) : line :=
  Line (fold_right insert [] (weigh 1 a ++ weigh (-1) b)) 0 1.
(** [level] with terms in order. *)
Fixpoint maxima (terms : list (list Z)) : list line :=
  match terms with
  | a :: b :: terms => ordered_difference a b :: sum_line b :: maxima terms
  | [a] => [sum_line a]
  | [] => []
  end.
Definition moved (a : Z) (terms : list (list Z)) : list (list Z) := map (map (Z.add a)) terms.
(** The layers of a tree of maxima, each from the address of the one before, and the units of the
    last one that add up to the maximum, from its address. *)
Fixpoint levels {A} (fuel : list A) (terms : list (list Z)) : list (Z * (Z -> list line)) * list Z :=
  match terms, fuel with
  | [], _ => ([], [])
  | [a], _ => ([], a)
  | _ :: _ :: _, [] => ([], [])
  | _ :: _ :: _, _ :: fuel =>
      let '(fs, top) := levels fuel (level_terms terms 0) in
      ((size terms, fun a => maxima (moved a terms)) :: fs, top)
  end.
(** |x_k - p_k| is the sum of unit k and unit n + k. *)
Fixpoint opposite {A} (like : list A) (i j : Z) : list (list Z) :=
  match like with
  | [] => []
  | _ :: like => [i; j] :: opposite like (i + 1) (j + 1)
  end.
Definition cone_levels (n : nat) : list (Z * (Z -> list line)) * list Z :=
  levels (numbers 0 n) (opposite (numbers 0 n) 0 (whole_of n)).

Definition cone_test (l : layout) (D : data) (lambda : Q) (top : list Z) (s : list Z * Z) : test :=
  Test (2 * size (fst s)) (entering (cube_test (cross_of l D lambda (Qmake 0 1)) s))
    (fun a => weigh (- (2 * Zpos (Qden lambda))) (map (Z.add a) top)) 2.
Definition cone_setting (l : layout) (D : data) (lambda : Q) : setting :=
  setting_of (fst (cone_levels (columns D))) false l D lambda (Qmake 0 1).
Definition chosen (c : Z) (D : data) : list (list Z * Z) := filter (fun s => Z.eqb (snd s) c) (samples D).
Definition cone_layers (every : bool) (l : layout) (D : data) (lambda : Q) (c : Z) : list layer * list Z :=
  laid every l D (cone_setting l D lambda) (cone_test l D lambda (snd (cone_levels (columns D)))) (chosen c D).
(** The label c is read as +1, or as -1 if it is 0. *)
Definition sign_of (c : Z) : Z := if Z.eqb c 0 then -1 else 1.
Definition signed (c : Z) (top : list Z) : line := Line (weigh (sign_of c) top) (- sign_of c) 1.
(** The network; if [every], it has an input more, which nothing reads. *)
Definition cones (every : bool) (l : layout) (D : data) (lambda : Q) (c : Z) : network :=
  let '(ls, top) := cone_layers every l D lambda c in
  network_of (inputs_of every D) (all_lines ls) [signed c top].

(** ** The tree of maxima *)

Lemma two_by_two {A} (P : list A -> Prop) : P [] -> (forall a, P [a]) ->
  (forall a b l, P l -> P (a :: b :: l)) -> forall l, P l.
Proof. intros H0 H1 H2. fix IH 1. intros [| a [| b l]]; [exact H0 | exact (H1 a) | exact (H2 a b l (IH l))]. Qed.

Lemma insert_value z e : forall es, valued z (insert e es) = IZR (snd e) * z (fst e) + valued z es.
Proof.
  destruct e as [j w]. induction es as [| [k v] es IH]; [reflexivity |]. cbn [insert].
  destruct (Z.leb _ _); [reflexivity |]. rewrite valued_cons, IH, valued_cons. lra.
Qed.
Lemma sorted_value z es : valued z (fold_right insert [] es) = valued z es.
Proof.
  induction es as [| [j w] es IH]; [reflexivity |]. cbn [fold_right].
  rewrite insert_value, IH, valued_cons. reflexivity.
Qed.
Lemma insert_between low high e : forall es, (low <= fst e < high)%Z -> between low high es ->
  between low high (insert e es).
Proof.
  induction es as [| d es IH]; intros E B; cbn [insert]; [constructor; assumption |].
  destruct (Z.leb _ _); [constructor; assumption |]. inversion B; subst.
  constructor; [assumption | apply IH; assumption].
Qed.
Lemma sorted_between low high es : between low high es -> between low high (fold_right insert [] es).
Proof.
  induction es as [| e es IH]; intro B; [constructor |]. inversion B; subst. cbn [fold_right].
  apply insert_between; [assumption | apply IH; assumption].
Qed.
Lemma ordered_difference_value z a b : line_value (ordered_difference a b) z = line_value (difference a b) z.
Proof. unfold line_value, ordered_difference, difference. cbn [entries bias below]. rewrite sorted_value. reflexivity. Qed.

Lemma maxima_level z terms : forall first, solves first (maxima terms) z -> solves first (level terms) z.
Proof.
  induction terms using two_by_two; intros first H; cbn [maxima level solves] in *; [exact I | exact H |].
  destruct H as [H1 [H2 H3]]. rewrite ordered_difference_value in H1.
  split; [exact H1 | split; [exact H2 | apply IHterms, H3]].
Qed.
Lemma maxima_size terms : size (maxima terms) = size terms.
Proof.
  induction terms using two_by_two; cbn [maxima]; [reflexivity | reflexivity |].
  rewrite !size_cons, IHterms. reflexivity.
Qed.
Lemma moved_size a terms : size (moved a terms) = size terms.
Proof. unfold moved. rewrite !size_length, map_length. reflexivity. Qed.
Lemma moved_terms a b terms : forall first,
  level_terms (moved a terms) (b + first) = moved b (level_terms terms first).
Proof.
  induction terms using two_by_two; intro first; cbn [moved map level_terms]; [reflexivity | reflexivity |].
  unfold moved in IHterms. replace (b + first + 2)%Z with (b + (first + 2))%Z by lia.
  rewrite IHterms. f_equal. cbn [map]. rewrite Z.add_assoc. reflexivity.
Qed.
Lemma maxima_reads bound terms : Forall (Forall (fun j => 0 <= j < bound)%Z) terms ->
  reads_below bound (maxima terms).
Proof.
  induction terms using two_by_two; intro T; cbn [maxima]; [constructor | |].
  - inversion T; subst. apply reads_single. apply between_weigh. assumption.
  - inversion T as [| ? ? T1 T2]; subst. inversion T2 as [| ? ? T3 T4]; subst.
    constructor; [apply sorted_between, between_app; apply between_weigh; assumption |].
    constructor; [apply between_weigh; assumption |]. apply IHterms, T4.
Qed.
Lemma moved_within a w bound terms : (0 <= a)%Z -> (a + w <= bound)%Z ->
  Forall (Forall (fun j => 0 <= j < w)%Z) terms -> Forall (Forall (fun j => 0 <= j < bound)%Z) (moved a terms).
Proof.
  intros A B T. unfold moved. apply Forall_map. eapply Forall_impl; [| exact T]. intros js J.
  apply Forall_map. eapply Forall_impl; [| exact J]. cbv beta. intros j H. lia.
Qed.

Lemma levels_right {A} : forall (fuel : list A) terms,
  Forall (fun kf => forall a, size (snd kf a) = fst kf) (fst (levels fuel terms)).
Proof.
  induction fuel as [| x fuel IH]; intros [| a [| b terms]]; cbn [levels]; try constructor.
  set (all := a :: b :: terms). specialize (IH (level_terms all 0)).
  destruct (levels fuel (level_terms all 0)) as [fs top]. cbn [fst] in *.
  constructor; [| exact IH]. intro c. cbn [fst snd]. rewrite maxima_size, moved_size. reflexivity.
Qed.
Lemma levels_read {A} s k : forall (fuel : list A) terms fs top w, levels fuel terms = (fs, top) ->
  Forall (Forall (fun j => 0 <= j < w)%Z) terms ->
  stages_read s w fs (fun a => weigh k (map (Z.add a) top)).
Proof.
  assert (done : forall (top : list Z) w, Forall (fun j => 0 <= j < w)%Z top ->
    stages_read s w [] (fun a => weigh k (map (Z.add a) top))).
  { intros top w T a bound A0 B. apply between_weigh, Forall_map. eapply Forall_impl; [| exact T].
    cbv beta. intros j J. lia. }
  induction fuel as [| x fuel IH]; intros [| a [| b terms]] fs top w E T; cbn [levels] in E.
  - injection E as <- <-. apply done. constructor.
  - injection E as <- <-. apply done. inversion T; assumption.
  - injection E as <- <-. apply done. constructor.
  - injection E as <- <-. apply done. constructor.
  - injection E as <- <-. apply done. inversion T; assumption.
  - set (all := a :: b :: terms) in *.
    destruct (levels fuel (level_terms all 0)) as [fs' top'] eqn:L. injection E as <- <-.
    cbn [stages_read]. split.
    + intros c bound C B _. change (reads_below bound (maxima (moved c all))). apply maxima_reads. exact (moved_within c w bound all C B T).
    + apply (IH _ _ _ _ L). exact (level_terms_within s _ all 0 (le_n _) (Z.le_refl 0)).
Qed.
Lemma levels_solved {A} z : forall (fuel : list A) terms fs top base last vs,
  levels fuel terms = (fs, top) -> (length terms <= length fuel)%nat -> terms <> [] ->
  sums z (moved base terms) vs -> follows z fs base last ->
  total (map z (map (Z.add last) top)) = highest vs.
Proof.
  induction fuel as [| x fuel IH]; intros [| a [| b terms]] fs top base last vs E L N Su F;
    try congruence; try (simpl in L; lia); cbn [levels] in E.
  - injection E as <- <-. cbn [follows] in F. subst last.
    inversion Su as [| ? v ? vs' [V P] Su']; subst. inversion Su'; subst.
    cbn [highest fold_right]. rewrite Rmax_left by exact P. reflexivity.
  - set (all := a :: b :: terms) in *.
    destruct (levels fuel (level_terms all 0)) as [fs' top'] eqn:M. injection E as <- <-.
    cbn [follows] in F. destruct F as [c [H F]];
      [change (size (maxima (moved base all)) = size all); rewrite maxima_size, moved_size; reflexivity |].
    change (solves c (maxima (moved base all)) z) in H. apply maxima_level in H.
    destruct (level_solved z _ (moved base all) vs c (le_n _) Su H) as [ws [W Q]]. rewrite <- Q.
    replace c with (c + 0)%Z in W by lia. rewrite moved_terms in W.
    apply (IH _ _ _ c last ws M); [| discriminate | exact W | exact F].
    pose proof (level_terms_shorter _ all 0 (le_n _)) as Half.
    change (length all) with (S (S (length terms))) in Half, L.
    change (length (x :: fuel)) with (S (length fuel)) in L. lia.
Qed.
Lemma opposite_length {A} : forall (like : list A) i j, length (opposite like i j) = length like.
Proof. induction like as [| x like IH]; intros i j; simpl; [reflexivity |]. f_equal. apply IH. Qed.
Lemma opposite_moved {A} a : forall (like : list A) i j,
  moved a (opposite like i j) = opposite like (a + i) (a + j).
Proof.
  induction like as [| x like IH]; intros i j; [reflexivity |]. cbn [opposite moved map].
  unfold moved in IH. rewrite IH, !Z.add_assoc. reflexivity.
Qed.
Lemma opposite_within {A} w : forall (like : list A) i j, (0 <= i)%Z -> (0 <= j)%Z ->
  (i + size like <= w)%Z -> (j + size like <= w)%Z ->
  Forall (Forall (fun j => 0 <= j < w)%Z) (opposite like i j).
Proof.
  induction like as [| x like IH]; intros i j I J A0 B0; cbn [opposite]; [constructor |].
  rewrite size_cons in *. pose proof (size_nonneg like). constructor; [| apply IH; lia].
  constructor; [lia | constructor; [lia | constructor]].
Qed.

(** ** Distances *)

Definition reach (x p : list R) : R := highest (gaps Rabs x p).
Lemma opposite_sums {A} z : forall (like : list A) x p i j,
  map z (numbers i (length like)) = gaps (fun t => Rmax 0 (t - 0)) x p ->
  map z (numbers j (length like)) = gaps (fun t => Rmax 0 (- t - 0)) x p ->
  sums z (opposite like i j) (gaps Rabs x p).
Proof.
  unfold gaps. induction like as [| y like IH]; intros x p i j H G; cbn [opposite].
  - destruct (combine x p); [constructor | discriminate].
  - destruct x as [| t x], p as [| v p]; try discriminate. cbn [combine map length numbers fst snd] in *.
    injection H as H1 H2. injection G as G1 G2. constructor; [| apply IH; assumption].
    cbn [map]. rewrite H1, G1. unfold total. simpl. split; [| apply Rabs_pos].
    unfold Rabs, Rmax. destruct (Rcase_abs _); repeat destruct (Rle_dec _ _); lra.
Qed.
Lemma solves_numbers z : forall ls a, solves a ls z ->
  map z (numbers a (length ls)) = map (fun l => Rmax 0 (line_value l z)) ls.
Proof.
  induction ls as [| l ls IH]; intros a H; [reflexivity |]. destruct H as [H1 H2].
  cbn [length numbers map]. rewrite H1, (IH _ H2). reflexivity.
Qed.
Lemma reach_nonneg x p : 0 <= reach x p.
Proof. apply highest_nonneg. Qed.
Lemma highest_most gs y : 0 <= y -> Forall (fun g => g <= y) gs -> highest gs <= y.
Proof.
  intros P F. induction F as [| g gs G F IH]; [exact P |]. rewrite highest_cons. apply Rmax_lub; assumption.
Qed.
Lemma highest_least g gs : In g gs -> g <= highest gs.
Proof.
  induction gs as [| h gs IH]; intros I; [destruct I |]. rewrite highest_cons. destruct I as [-> | I].
  - apply Rmax_l.
  - apply Rle_trans with (1 := IH I), Rmax_r.
Qed.
Lemma reach_around m x p : 0 <= m -> around Linf m x p -> reach x p <= m.
Proof. intros P [_ F]. apply highest_most; assumption. Qed.
Lemma triangle : forall q x p, length q = length x -> length q = length p ->
  reach q p <= reach x q + reach x p.
Proof.
  unfold reach, gaps. induction q as [| u q IH]; intros [| t x] [| v p] L M; try discriminate.
  - simpl. lra.
  - cbn [combine map fst snd]. rewrite !highest_cons.
    specialize (IH x p ltac:(simpl in L; congruence) ltac:(simpl in M; congruence)).
    pose proof (Rabs_triang (u - t) (t - v)) as T. replace (u - t + (t - v)) with (u - v) in T by lra.
    rewrite (Rabs_minus_sym u t) in T.
    set (a := Rabs (u - v)) in *. set (b := Rabs (t - u)) in *. set (c := Rabs (t - v)) in *.
    set (a' := highest (map (fun ab => Rabs (fst ab - snd ab)) (combine q p))) in *.
    set (b' := highest (map (fun ab => Rabs (fst ab - snd ab)) (combine x q))) in *.
    set (c' := highest (map (fun ab => Rabs (fst ab - snd ab)) (combine x p))) in *.
    pose proof (Rmax_l b b'). pose proof (Rmax_r b b'). pose proof (Rmax_l c c'). pose proof (Rmax_r c c').
    apply Rmax_lub; lra.
Qed.
Lemma reach_sym : forall x p, reach x p = reach p x.
Proof.
  unfold reach, gaps. induction x as [| t x IH]; intros [| v p]; try reflexivity.
  cbn [combine map fst snd]. rewrite !highest_cons, IH, Rabs_minus_sym. reflexivity.
Qed.
Lemma reach_apart lambda p q : apart Linf lambda p q -> lambda <= reach p q.
Proof.
  intro E. cbn [apart] in E. apply Exists_exists in E as [g [I G]].
  apply Rle_trans with (1 := G), highest_least, I.
Qed.
(** The tests of x and y differ by no more than x and y. *)
Lemma reach_near x y p : length x = length y -> length x = length p ->
  Rabs (reach x p - reach y p) <= reach x y.
Proof.
  intros L M. pose proof (triangle x y p L M) as T1. pose proof (triangle y x p ltac:(congruence) ltac:(congruence)) as T2.
  rewrite (reach_sym y x) in T1. unfold Rabs. destruct (Rcase_abs _); lra.
Qed.

(** Inputs that are carried are clamped. *)
Definition clamp (off t : R) : R := Rmax 0 (t + off) - off.
Lemma clamp_enough off x : Forall (fun t => 0 <= t + off) x -> map (clamp off) x = x.
Proof.
  induction 1 as [| t x T F IH]; [reflexivity |]. cbn [map]. rewrite IH. f_equal. unfold clamp.
  rewrite Rmax_right by exact T. lra.
Qed.
Lemma clamp_near off : forall x y, length x = length y -> reach (map (clamp off) x) (map (clamp off) y) <= reach x y.
Proof.
  unfold reach, gaps. induction x as [| t x IH]; intros [| u y] L; try discriminate; [simpl; lra |].
  cbn [map combine fst snd]. rewrite !highest_cons. specialize (IH y ltac:(simpl in L; congruence)).
  assert (A : Rabs (clamp off t - clamp off u) <= Rabs (t - u)).
  { unfold clamp, Rabs, Rmax. destruct (Rcase_abs _); destruct (Rcase_abs _); repeat destruct (Rle_dec _ _); lra. }
  apply Rmax_lub.
  - apply Rle_trans with (1 := A), Rmax_l.
  - apply Rle_trans with (1 := IH), Rmax_r.
Qed.
Lemma stands_clamped z off : forall x a b s like,
  IZR (lift s) / IZR (Zpos (lift_over s)) = off -> length like = length x ->
  stands z a x 0 -> solves b (lifted s a like) z -> stands z b (map (clamp off) x) off.
Proof.
  induction x as [| t x IH]; intros a b s [| v like] O L S H; try discriminate; [exact I |].
  destruct S as [S1 S2], H as [H1 H2]. cbn [map stands]. split.
  - rewrite H1. unfold line_value, clamp. cbn [entries bias below]. rewrite valued_cons, valued_nil, S1.
    replace ((IZR (Zpos (lift_over s)) * (t + 0) + 0 + IZR (lift s)) / IZR (Zpos (lift_over s)))
      with (t + IZR (lift s) / IZR (Zpos (lift_over s))) by (field; auto). rewrite O. lra.
  - apply (IH (a + 1)%Z (b + 1)%Z s like); auto.
Qed.
Lemma clamp_lifted off x : Forall (fun t => 0 <= t + off) (map (clamp off) x).
Proof.
  apply Forall_map, Forall_forall. intros t _. unfold clamp. pose proof (Rmax_l 0 (t + off)). lra.
Qed.
