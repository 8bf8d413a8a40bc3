(** Networks as lists of lines over numbered variables, and what it means that numbers solve them.

    Variables 0 .. n-1 are the inputs; line number k is the unit n + k. A proof about a network that
    is written as lines needs one fact: z_v = max(0, value of line v) for every unit, [solves]. *)
From Coq Require Import List ZArith Reals Lra Lia Bool.
From Robmem Require Import Statement.
Import ListNotations.
Open Scope R_scope.

(** (sum of weights times variables + bias) / below *)
Record line := Line { entries : list (Z * Z); bias : Z; below : positive }.
Definition valued (z : Z -> R) (es : list (Z * Z)) : R :=
  total (map (fun e => IZR (snd e) * z (fst e)) es).
Definition line_value (l : line) (z : Z -> R) : R :=
  (valued z (entries l) + IZR (bias l)) / IZR (Zpos (below l)).

Fixpoint solves (first : Z) (ls : list line) (z : Z -> R) : Prop :=
  match ls with
  | [] => True
  | l :: ls => z first = Rmax 0 (line_value l z) /\ solves (first + 1) ls z
  end.

(** The network of these lines, in the words of the statement. *)
Fixpoint word (p : positive) : name :=
  match p with
  | xH => []
  | xO q => D0 :: word q
  | xI q => D1 :: word q
  end.
Definition name_of (k : Z) : name := word (Z.to_pos (k + 1)).
Fixpoint numbers (first : Z) (count : nat) : list Z :=
  match count with
  | O => []
  | S count => first :: numbers (first + 1) count
  end.
Definition row_of (l : line) : row :=
  Row (map (fun e => (name_of (fst e), snd e)) (entries l)) (bias l) (below l).
Fixpoint named (first : Z) (ls : list line) : list (name * row) :=
  match ls with
  | [] => []
  | l :: ls => (name_of first, row_of l) :: named (first + 1) ls
  end.
Definition network_of (n : nat) (ls outs : list line) : network :=
  Network (map name_of (numbers 0 n)) (named (Z.of_nat n) ls) (map row_of outs).

(** What a line may read. *)
Definition between (low high : Z) (es : list (Z * Z)) : Prop :=
  Forall (fun e => (low <= fst e < high)%Z) es.
Fixpoint ordered (first : Z) (ls : list line) : Prop :=
  match ls with
  | [] => True
  | l :: ls => between 0 first (entries l) /\ ordered (first + 1) ls
  end.

(** Lengths as integers. *)
Fixpoint whole_of (n : nat) : Z := match n with O => 0 | S n => 1 + whole_of n end.
Fixpoint size {A} (l : list A) : Z := match l with [] => 0 | _ :: l => 1 + size l end.
Lemma whole_of_nat n : whole_of n = Z.of_nat n.
Proof. induction n as [| n IH]; cbn [whole_of]; [reflexivity | lia]. Qed.
Lemma size_length {A} (l : list A) : size l = Z.of_nat (length l).
Proof. induction l as [| a l IH]; cbn [size length]; [reflexivity | lia]. Qed.
Lemma size_cons {A} (a : A) l : size (a :: l) = (1 + size l)%Z.
Proof. reflexivity. Qed.
Lemma size_nil {A} : size (@nil A) = 0%Z.
Proof. reflexivity. Qed.
Lemma size_app {A} (a b : list A) : size (a ++ b) = (size a + size b)%Z.
Proof. rewrite !size_length, app_length. lia. Qed.
Lemma size_nonneg {A} (a : list A) : (0 <= size a)%Z.
Proof. rewrite size_length. lia. Qed.
Arguments size : simpl never.

Lemma total_app a b : total (a ++ b) = total a + total b.
Proof. induction a; simpl; lra. Qed.
Lemma valued_app z a b : valued z (a ++ b) = valued z a + valued z b.
Proof. unfold valued. rewrite map_app. apply total_app. Qed.
Lemma valued_cons z j w es : valued z ((j, w) :: es) = IZR w * z j + valued z es.
Proof. reflexivity. Qed.
Lemma valued_nil z : valued z [] = 0.
Proof. reflexivity. Qed.

Lemma solves_app z : forall a first b,
  solves first (a ++ b) z <-> solves first a z /\ solves (first + size a) b z.
Proof.
  induction a as [| l a IH]; intros first b; simpl.
  - rewrite size_nil, Z.add_0_r. tauto.
  - rewrite IH, size_cons. rewrite Z.add_assoc. tauto.
Qed.
Lemma ordered_app : forall a first b,
  ordered first (a ++ b) <-> ordered first a /\ ordered (first + size a) b.
Proof.
  induction a as [| l a IH]; intros first b; simpl.
  - rewrite size_nil, Z.add_0_r. tauto.
  - rewrite IH, size_cons. rewrite Z.add_assoc. tauto.
Qed.
Lemma between_wider low high low' high' es : between low high es ->
  (low' <= low)%Z -> (high <= high')%Z -> between low' high' es.
Proof. intros B L H. eapply Forall_impl; [| exact B]. simpl. intros e. lia. Qed.

(** Different numbers have different names. *)
Lemma word_injective : forall p q, word p = word q -> p = q.
Proof.
  induction p as [p IH | p IH |]; intros [q | q |] H; simpl in H; try discriminate;
    try (injection H as H; f_equal; apply IH, H). reflexivity.
Qed.
Lemma name_injective j k : (0 <= j)%Z -> (0 <= k)%Z -> name_of j = name_of k -> j = k.
Proof.
  unfold name_of. intros J K H. apply word_injective in H.
  assert (E : Zpos (Z.to_pos (j + 1)) = Zpos (Z.to_pos (k + 1))) by (f_equal; exact H).
  rewrite !Z2Pos.id in E by lia. lia.
Qed.

Lemma in_numbers k : forall count first, In k (numbers first count) <->
  (first <= k < first + Z.of_nat count)%Z.
Proof.
  induction count as [| count IH]; intro first; simpl numbers.
  - simpl. lia.
  - simpl In. rewrite IH. lia.
Qed.
Lemma numbers_length first count : length (numbers first count) = count.
Proof. revert first. induction count; intro first; simpl; auto. Qed.
Lemma numbers_distinct : forall count first, (0 <= first)%Z ->
  NoDup (map name_of (numbers first count)).
Proof.
  induction count as [| count IH]; intros first F; simpl; constructor.
  - intro H. apply in_map_iff in H as [k [E H]]. apply in_numbers in H.
    apply name_injective in E; lia.
  - apply IH. lia.
Qed.

Lemma named_value l (x : valuation) : value (row_of l) x = line_value l (fun k => x (name_of k)).
Proof. unfold value, line_value, row_of, valued. simpl. rewrite map_map. reflexivity. Qed.
Lemma valued_ext z z' es : (forall e, In e es -> z (fst e) = z' (fst e)) -> valued z es = valued z' es.
Proof.
  intro H. unfold valued. f_equal. apply map_ext_in. intros e E. rewrite (H e E). reflexivity.
Qed.
Lemma line_value_ext l z z' : (forall e, In e (entries l) -> z (fst e) = z' (fst e)) ->
  line_value l z = line_value l z'.
Proof. intro H. unfold line_value. rewrite (valued_ext _ z' _ H). reflexivity. Qed.

(** Running the network solves its lines, and leaves the inputs as they are. *)
Lemma run_solves : forall ls first (x : valuation), (0 <= first)%Z -> ordered first ls ->
  let z := fun k => run (named first ls) x (name_of k) in
  solves first ls z /\ forall k, (0 <= k < first)%Z -> z k = x (name_of k).
Proof.
  induction ls as [| l ls IH]; intros first x F O; simpl.
  - split; [exact I | reflexivity].
  - destruct O as [B O].
    set (x' := set x (name_of first) (Rmax 0 (value (row_of l) x))).
    assert (before : forall k, (0 <= k < first)%Z -> x' (name_of k) = x (name_of k)).
    { intros k K. unfold x', set. destruct (name_dec _ _) as [E |]; [| reflexivity].
      apply name_injective in E; lia. }
    assert (new : x' (name_of first) = Rmax 0 (value (row_of l) x)).
    { unfold x', set. destruct (name_dec _ _) as [| N]; [reflexivity | contradiction]. }
    destruct (IH (first + 1)%Z x') as [S K]; [lia | exact O |]. cbv zeta in S, K.
    split; [split |].
    + fold x'. rewrite K, new by lia. rewrite named_value. f_equal.
      apply line_value_ext. intros e E. unfold between in B. rewrite Forall_forall in B.
      specialize (B e E). rewrite K, before by lia. reflexivity.
    + exact S.
    + intros k R. fold x'. rewrite K, before by lia. reflexivity.
Qed.

Lemma ordered_layered : forall ls first known, (0 <= first)%Z ->
  (forall v, In v known <-> exists k, (0 <= k < first)%Z /\ v = name_of k) ->
  ordered first ls -> layered known (named first ls).
Proof.
  induction ls as [| l ls IH]; intros first known F K O; simpl; [exact I |].
  destruct O as [B O]. split; [| split].
  - intro H. apply K in H as [k [R E]]. apply name_injective in E; lia.
  - intros t T. simpl in T. apply in_map_iff in T as [e [<- E]]. simpl.
    unfold between in B. rewrite Forall_forall in B. apply K. exists (fst e).
    split; [apply B, E | reflexivity].
  - apply IH; [lia | | exact O]. intro v. simpl. rewrite K. split.
    + intros [<- | [k [R ->]]]; [exists first | exists k]; (split; [lia | reflexivity]).
    + intros [k [R ->]]. destruct (Z.eq_dec k first) as [-> | N]; [left; reflexivity |].
      right. exists k. split; [lia | reflexivity].
Qed.

Lemma named_names ls : forall first, map fst (named first ls) = map name_of (numbers first (length ls)).
Proof. induction ls as [| l ls IH]; intro first; simpl; [reflexivity |]. f_equal. apply IH. Qed.

Lemma network_well_formed n ls outs : ordered (Z.of_nat n) ls ->
  Forall (fun l => between 0 (Z.of_nat n + size ls) (entries l)) outs ->
  well_formed (network_of n ls outs).
Proof.
  intros O U. unfold well_formed, network_of. simpl. split; [| split].
  - apply numbers_distinct. lia.
  - apply ordered_layered; [lia | | exact O]. intro v. rewrite in_map_iff. split.
    + intros [k [<- K]]. apply in_numbers in K. exists k. split; [lia | reflexivity].
    + intros [k [K ->]]. exists k. split; [reflexivity |]. apply in_numbers. lia.
  - apply Forall_forall. intros r R. apply in_map_iff in R as [l [<- L]].
    rewrite Forall_forall in U. specialize (U l L). intros t T. simpl in T.
    apply in_map_iff in T as [e [<- E]]. simpl.
    unfold between in U. rewrite Forall_forall in U. specialize (U e E).
    apply in_or_app. rewrite named_names.
    destruct (Z_lt_dec (fst e) (Z.of_nat n)).
    + left. apply in_map, in_numbers. lia.
    + right. apply in_map, in_numbers. rewrite size_length in U. lia.
Qed.

(** The value of an output, from any proof about what solves the lines. *)
Lemma output_solved n ls o (x : valuation) (y : R) : ordered (Z.of_nat n) ls ->
  (forall z, (forall k, (0 <= k < Z.of_nat n)%Z -> z k = x (name_of k)) ->
     solves (Z.of_nat n) ls z -> line_value o z = y) ->
  output (network_of n ls [o]) x 0 = y.
Proof.
  intros O H. unfold output, network_of. simpl. rewrite named_value.
  destruct (run_solves ls (Z.of_nat n) x) as [S K]; [lia | exact O |]. apply H; assumption.
Qed.

(** Two lines with the same value everywhere, though their denominators differ. *)
Fixpoint same_entries (equal : bool) (d e : Z) (a b : list (Z * Z)) : bool :=
  match a, b with
  | [], [] => true
  | (j, v) :: a, (k, w) :: b =>
      Z.eqb j k && (if equal then Z.eqb v w else Z.eqb (v * e) (w * d)) && same_entries equal d e a b
  | _, _ => false
  end.
Definition same (a b : line) : bool :=
  let equal := Pos.eqb (below a) (below b) in
  let d := Zpos (below a) in
  let e := Zpos (below b) in
  (if equal then Z.eqb (bias a) (bias b) else Z.eqb (bias a * e) (bias b * d))
  && same_entries equal d e (entries a) (entries b).

Lemma same_entries_sound equal d e z : (equal = true -> d = e) -> IZR d <> 0 -> IZR e <> 0 ->
  forall a b, same_entries equal d e a b = true ->
  map fst a = map fst b /\ valued z a * IZR e = valued z b * IZR d.
Proof.
  intros Q D E. induction a as [| [j v] a IH]; intros [| [k w] b] H; simpl in H; try discriminate.
  - split; [reflexivity |]. unfold valued. simpl. lra.
  - apply andb_true_iff in H as [H R]. apply andb_true_iff in H as [J V].
    apply Z.eqb_eq in J. subst k. destruct (IH _ R) as [M S]. split; [simpl; congruence |].
    rewrite !valued_cons. rewrite !Rmult_plus_distr_r, S. f_equal.
    destruct equal; apply Z.eqb_eq in V.
    + rewrite Q, V by reflexivity. reflexivity.
    + apply (f_equal IZR) in V. rewrite !mult_IZR in V.
      replace (IZR v * z j * IZR e) with (IZR v * IZR e * z j) by ring. rewrite V. ring.
Qed.
Lemma same_sound a b : same a b = true ->
  map fst (entries a) = map fst (entries b) /\ forall z, line_value a z = line_value b z.
Proof.
  unfold same. intro H. apply andb_true_iff in H as [B E].
  assert (P : forall p : positive, IZR (Zpos p) <> 0) by (intro p; apply not_0_IZR; discriminate).
  assert (Q : Pos.eqb (below a) (below b) = true -> Zpos (below a) = Zpos (below b)).
  { intro e. apply Pos.eqb_eq in e. congruence. }
  split.
  - apply (same_entries_sound _ _ _ (fun _ => 0) Q (P _) (P _) _ _ E).
  - intro z. destruct (same_entries_sound _ _ _ z Q (P _) (P _) _ _ E) as [_ S].
    assert (C : IZR (bias a) * IZR (Zpos (below b)) = IZR (bias b) * IZR (Zpos (below a))).
    { destruct (Pos.eqb (below a) (below b)); apply Z.eqb_eq in B.
      - rewrite Q, B by reflexivity. reflexivity.
      - rewrite <- !mult_IZR. congruence. }
    unfold line_value.
    apply Rmult_eq_reg_r with (IZR (Zpos (below a)) * IZR (Zpos (below b)));
      [| apply Rmult_integral_contrapositive_currified; apply P].
    transitivity ((valued z (entries a) + IZR (bias a)) * IZR (Zpos (below b))); [field; auto |].
    transitivity ((valued z (entries b) + IZR (bias b)) * IZR (Zpos (below a))); [| field; auto].
    lra.
Qed.

(** Lists of lines that are the same line by line have the same solutions and read the same. *)
Lemma same_solves z : forall a b first, Forall2 (fun l m => same l m = true) a b ->
  solves first b z -> solves first a z.
Proof.
  induction a as [| l a IH]; intros b first F S; inversion F as [| ? m ? b' E F']; subst; [exact I |].
  destruct S as [S R]. split.
  - rewrite S. f_equal. symmetry. apply same_sound, E.
  - apply (IH b'); assumption.
Qed.
Lemma between_fst low high a b : map fst a = map (@fst Z Z) b -> between low high a -> between low high b.
Proof.
  unfold between. intros E H. rewrite Forall_forall in *. intros e I.
  assert (J : In (fst e) (map fst a)) by (rewrite E; apply in_map, I).
  apply in_map_iff in J as [e' [<- J]]. apply H, J.
Qed.
Lemma same_ordered : forall a b first, Forall2 (fun l m => same l m = true) a b ->
  ordered first a -> ordered first b.
Proof.
  induction a as [| l a IH]; intros b first F O; inversion F as [| ? m ? b' E F']; subst; [exact I |].
  destruct O as [B O]. split.
  - apply (between_fst _ _ (entries l)); [apply same_sound, E | exact B].
  - apply (IH b'); assumption.
Qed.
