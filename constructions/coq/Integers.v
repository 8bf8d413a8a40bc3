(** The integer memorizer (Kim, Moon, Yun, Lemma B.10, with bits by thresholds, as
    constructions/integer_memorizer.py builds it): for all keys and labels, the label on every key and 0 on
    every other integer that is not negative.

    Keys in increasing order are cut into groups of n. The network selects the words of the last group
    whose first key is at most x, reads a key of r bits and a label of c bits for each of n slots, and
    adds the label if the key is x. *)
From Coq Require Import List ZArith Reals Lra Lia Bool.
From Robmem Require Import Statement.
From Theorems Require Import Lines Layouts Reading Forms.
Import ListNotations.
Open Scope Z_scope.

(** ** The network *)

Fixpoint word (r : nat) (ks : list Z) : Z :=
  match ks with
  | [] => 0
  | k :: ks => k * 2 ^ Z.of_nat (length ks * r) + word r ks
  end.

(** What is left of a word, and the number that has been read of it. *)
Record reader := Reader { rest : form; number : option form }.
Definition listed (f : option form) : list form := match f with Some f => [f] | None => [] end.
Definition state (rd : reader) : list form := rest rd :: listed (number rd).
Definition power (e : nat) : Z := 2 ^ Z.of_nat e.
(** In a layer in which bit e is read, or none. *)
Definition part (reads : bool) (e : nat) (rd : reader) : list form :=
  if reads then shift (rest rd) (1 - power e) :: shift (rest rd) (- power e) :: state rd else state rd.
Definition put_state (rd : reader) (us : list form) : reader * list form :=
  match number rd, us with
  | None, a :: us => (Reader a None, us)
  | Some _, a :: b :: us => (Reader a (Some b), us)
  | _, _ => (rd, us)
  end.
Definition taken (reads : bool) (e : nat) (rd : reader) (us : list form) : reader * list form :=
  if reads then
    match us with
    | a :: b :: us =>
        let bit := minus a b in
        let '(rd', us) := put_state rd us in
        (Reader (minus (rest rd') (times (power e) bit))
           (Some match number rd' with None => bit | Some f => plus (times 2 f) bit end), us)
    | _ => (rd, us)
    end
  else put_state rd us.
(** The next k1 bits of one reader and k2 of the other, of which a1 and a2 are left then. *)
Fixpoint read_steps (n k1 k2 a1 a2 : nat) (rd1 rd2 : reader) (kept : list form) (first : Z)
    : list line * reader * reader * list form * Z :=
  match n with
  | O => ([], rd1, rd2, kept, first)
  | S n =>
      let go1 := negb (Nat.eqb k1 0) in let go2 := negb (Nat.eqb k2 0) in
      let e1 := (a1 + pred k1)%nat in let e2 := (a2 + pred k2)%nat in
      let fs := part go1 e1 rd1 ++ part go2 e2 rd2 ++ kept in
      let '(rd1', us1) := taken go1 e1 rd1 (units_of first fs) in
      let '(rd2', us2) := taken go2 e2 rd2 us1 in
      let '(ls, p, q, k, next) := read_steps n (pred k1) (pred k2) a1 a2 rd1' rd2' us2 (first + size fs) in
      (map line_of fs ++ ls, p, q, k, next)
  end.
Definition popped (rd : reader) : form := match number rd with Some f => f | None => nothing end.

(** The forms of the three layers behind the reading of a slot. *)
Definition compared (x : form) (p q : reader) (tail : list form) : list form :=
  minus x (popped p) :: minus (popped p) x :: popped q :: tail.
Definition equal_or_not (us : list form) : list form :=
  match us with
  | a :: b :: l :: tail => shift (times (-1) (plus a b)) 1 :: l :: tail
  | _ => us
  end.
Definition gated (c : nat) (us : list form) : list form :=
  match us with
  | i :: l :: tail => plus l (times (power c) (shift i (-1))) :: tail
  | _ => us
  end.
Definition added (total : option form) (f : form) : form :=
  match total with Some t => plus t f | None => f end.
Definition first_of (fs : list form) : form := match fs with f :: _ => f | [] => nothing end.
Definition maybe_of (fs : list form) : option form := match fs with f :: _ => Some f | [] => None end.
Fixpoint slots (m r c : nat) (p q : reader) (x : form) (total : option form) (first : Z)
    : list line * form :=
  match m with
  | O => ([], match total with Some t => t | None => nothing end)
  | S m =>
      let '(ls, p, q, kept, f1) :=
        read_steps (Nat.max r c) r c (m * r) (m * c) p q (x :: listed total) first in
      let x := first_of kept in
      let waiting := match m with O => tl kept | S _ => rest p :: rest q :: kept end in
      let fs1 := compared x p q waiting in
      let f2 := f1 + size fs1 in
      let fs2 := equal_or_not (units_of f1 fs1) in
      let f3 := f2 + size fs2 in
      let fs3 := gated c (units_of f2 fs2) in
      let us := units_of f3 fs3 in
      let before := ls ++ map line_of fs1 ++ map line_of fs2 ++ map line_of fs3 in
      match m with
      | O => (before, added (maybe_of (tl us)) (first_of us))
      | S _ =>
          match tl us with
          | a :: b :: y :: t =>
              let '(more, out) := slots m r c (Reader a None) (Reader b None) y
                (Some (added (maybe_of t) (first_of us))) (f3 + size fs3) in
              (before ++ more, out)
          | _ => (before, nothing)
          end
      end
  end.

(** The words of the last group whose first key is at most x. *)
Definition group := list (Z * Z).
Definition low (g : group) : Z := match g with (k, _) :: _ => k | [] => 0 end.
Definition key_word (r : nat) (g : group) : Z := word r (map fst g).
Definition label_word (c : nat) (g : group) : Z := word c (map snd g).
Fixpoint steps_of (x : form) (gs : list group) : list form :=
  match gs with
  | [] => [x]
  | g :: gs => shift x (1 - low g) :: shift x (- low g) :: steps_of x gs
  end.
Fixpoint risen (us : list form) (last : Z) (words : list Z) : form :=
  match us, words with
  | a :: b :: us, w :: words => plus (risen us w words) (times (w - last) (minus a b))
  | _, _ => nothing
  end.
Definition memorizer (n r c : nat) (gs : list group) : list line * form :=
  let fs := steps_of (unit_of 0) gs in
  let us := units_of 1 fs in
  let '(ls, out) := slots n r c (Reader (risen us 0 (map (key_word r) gs)) None)
    (Reader (risen us 0 (map (label_word c) gs)) None) (List.last us nothing) None (1 + size fs) in
  (map line_of fs ++ ls, out).
Definition memorizer_network (n r c : nat) (gs : list group) : network :=
  let '(ls, out) := memorizer n r c gs in network_of 1 ls [line_of out].

(** Groups of n keys; the last one is filled up with a key of its own and the label 0. *)
Definition filled_up (n : nat) (g : group) : group := g ++ repeat (fst (List.last g (0, 0)), 0) (n - length g).
Fixpoint groups_of {A} (fuel : list A) (n : nat) (keys : group) : list group :=
  match fuel, keys with
  | _, [] => []
  | [], _ => []
  | _ :: fuel, _ => filled_up n (firstn n keys) :: groups_of fuel n (skipn n keys)
  end.

(** ** What it is worth *)

Lemma power_positive e : 0 < power e.
Proof. apply Z.pow_pos_nonneg; lia. Qed.
Lemma power_add a b : power (a + b) = power a * power b.
Proof. unfold power. rewrite Nat2Z.inj_add. apply Z.pow_add_r; lia. Qed.
Lemma power_next e : power (S e) = 2 * power e.
Proof. unfold power. rewrite Nat2Z.inj_succ. apply Z.pow_succ_r. lia. Qed.
Lemma bit_is R e : 0 <= R < power (S e) -> Z.max 0 (R + (1 - power e)) - Z.max 0 (R + - power e) = R / power e.
Proof.
  intro B. rewrite power_next in B. pose proof (power_positive e) as P.
  destruct (Z_lt_le_dec R (power e)) as [L | L].
  - rewrite Z.div_small by lia. lia.
  - replace (R / power e) with 1; [lia |]. apply Z.div_unique with (R - power e); lia.
Qed.
Lemma div_step R a k : R / power a = R / power (a + k) * power k + (R mod power (a + k)) / power a.
Proof.
  pose proof (power_positive a). pose proof (power_positive (a + k)) as P.
  rewrite (Z.div_mod R (power (a + k))) at 1 by lia.
  rewrite power_add at 1. replace (power a * power k * (R / power (a + k)))
    with (R / power (a + k) * power k * power a) by ring.
  apply Z.div_add_l. lia.
Qed.
Lemma mod_step R a k : (R mod power (a + k)) mod power a = R mod power a.
Proof.
  pose proof (power_positive a). pose proof (power_positive k). rewrite power_add.
  rewrite Z.rem_mul_r by lia. rewrite Z.add_mod, Z.mul_comm, Z.mod_mul, Z.add_0_r, !Z.mod_mod by lia. reflexivity.
Qed.

Section Worth.
Variables (z : Z -> R) (H : Prop).
(** Reads below b, and is worth v if H. *)
Definition good (b : Z) (f : form) (v : Z) : Prop := within b f /\ (H -> holds z f v).
Lemma good_plus b f g v w : good b f v -> good b g w -> good b (plus f g) (v + w).
Proof. intros [F1 F2] [G1 G2]. split; [apply plus_within; assumption | intro h; apply holds_plus; auto]. Qed.
Lemma good_times b k f v : good b f v -> good b (times k f) (k * v).
Proof. intros [F1 F2]. split; [apply times_within; assumption | intro h; apply holds_times; auto]. Qed.
Lemma good_minus b f g v w : good b f v -> good b g w -> good b (minus f g) (v - w).
Proof. intros [F1 F2] [G1 G2]. split; [apply minus_within; assumption | intro h; apply holds_minus; auto]. Qed.
Lemma good_shift b f v c : good b f v -> good b (shift f c) (v + c).
Proof. intros [F1 F2]. split; [exact F1 | intro h; apply holds_shift; auto]. Qed.
Lemma good_nothing b : good b nothing 0.
Proof. split; [apply nothing_within | intros _; apply holds_nothing]. Qed.
Lemma good_more b c f v : good b f v -> b <= c -> good c f v.
Proof. intros [F1 F2] L. split; [eapply within_more; eassumption | exact F2]. Qed.
Lemma good_is b f v w : good b f v -> v = w -> good b f w.
Proof. intros G <-. exact G. Qed.

Definition all_good (b : Z) : list form -> list Z -> Prop := Forall2 (good b).
Lemma all_more b c fs vs : all_good b fs vs -> b <= c -> all_good c fs vs.
Proof. intros F L. induction F; constructor; [eapply good_more; eassumption | assumption]. Qed.
Lemma layer_good fs vs first : 0 <= first -> all_good first fs vs -> (H -> solves first (map line_of fs) z) ->
  all_good (first + size fs) (units_of first fs) (rectified vs) /\ ordered first (map line_of fs).
Proof.
  intros P F S. split.
  - assert (W : Forall (within (first + size fs)) (units_of first fs)) by (apply units_within, P).
    assert (V : H -> Forall2 (holds z) (units_of first fs) (rectified vs)).
    { intro h. apply layer_holds; [| apply S, h]. clear - F h. induction F as [| f v fs vs G F IH]; constructor; [apply G, h | exact IH]. }
    assert (L : length (units_of first fs) = length (rectified vs)).
    { unfold units_of, rectified. rewrite !map_length, numbers_length. clear - F. induction F; simpl; congruence. }
    revert W V L. generalize (units_of first fs) (rectified vs). intros us ws. revert ws.
    induction us as [| u us IH]; intros [| w ws] W V L; try discriminate; constructor.
    + inversion W; subst. split; [assumption | intro h; specialize (V h); inversion V; assumption].
    + inversion W; subst. apply IH; [assumption | intro h; specialize (V h); inversion V; assumption |].
      simpl in L. congruence.
  - apply layer_ordered. clear - F. induction F as [| f v fs vs G F IH]; constructor; [apply G | exact IH].
Qed.

Definition good_reader (b : Z) (rd : reader) (R n : Z) : Prop :=
  good b (rest rd) R /\ match number rd with None => n = 0 | Some f => good b f n end.
Definition state_values (rd : reader) (R n : Z) : list Z := R :: match number rd with Some _ => [n] | None => [] end.
Definition part_values (reads : bool) (e : nat) (rd : reader) (R n : Z) : list Z :=
  if reads then R + (1 - power e) :: R + - power e :: state_values rd R n else state_values rd R n.
Lemma part_good b (reads : bool) e rd R n : good_reader b rd R n -> all_good b (part reads e rd) (part_values reads e rd R n).
Proof.
  intros [G1 G2]. assert (S : all_good b (state rd) (state_values rd R n)).
  { unfold state, state_values, listed. constructor; [exact G1 |]. destruct (number rd); repeat constructor; apply G2. }
  unfold part, part_values. destruct reads; [| exact S].
  constructor; [apply good_shift, G1 | constructor; [apply good_shift, G1 | exact S]].
Qed.
Lemma put_state_good b rd us R n vs : 0 <= R -> 0 <= n -> (number rd = None -> n = 0) ->
  all_good b us (rectified (state_values rd R n) ++ vs) ->
  let '(rd', us') := put_state rd us in
  good_reader b rd' R n /\ all_good b us' vs.
Proof.
  intros PR PN Z0 A. unfold put_state, state_values, rectified in *. destruct (number rd) as [f |]; cbn [map app] in A.
  - inversion A as [| u ? us1 ? U A1]; subst. inversion A1 as [| u2 ? us2 ? U2 A2]; subst.
    rewrite Z.max_r in U, U2 by assumption. split; [split; assumption | exact A2].
  - inversion A as [| u ? us1 ? U A1]; subst. rewrite Z.max_r in U by assumption.
    split; [split; [exact U | apply Z0; reflexivity] | exact A1].
Qed.
Lemma taken_good b (reads : bool) e rd us R n vs : (if reads then 0 <= R < power (S e) else 0 <= R) -> 0 <= n ->
  (number rd = None -> n = 0) ->
  all_good b us (rectified (part_values reads e rd R n) ++ vs) ->
  let '(rd', us') := taken reads e rd us in
  all_good b us' vs
  /\ if reads then good_reader b rd' (R mod power e) (2 * n + R / power e) else good_reader b rd' R n.
Proof.
  intros B PN Z0 A. unfold taken, part_values in *. destruct reads.
  - unfold rectified in A. cbn [map app] in A. inversion A as [| u ? us1 ? U A1]; subst.
    inversion A1 as [| u2 ? us2 ? U2 A2]; subst.
    pose proof (put_state_good b rd us2 R n vs ltac:(lia) PN Z0 A2) as Q.
    destruct (put_state rd us2) as [rd' us']. destruct Q as [[Q1 Q2] Q3]. split; [exact Q3 |].
    pose proof (good_is _ _ _ _ (good_minus _ _ _ _ _ U U2) (bit_is R e B)) as bit.
    split; cbn [rest number].
    + apply (good_is _ _ _ _ (good_minus _ _ _ _ _ Q1 (good_times _ (power e) _ _ bit))).
      pose proof (power_positive e). rewrite Z.mod_eq by lia. reflexivity.
    + destruct (number rd') as [f |].
      * exact (good_plus _ _ _ _ _ (good_times _ 2 _ _ Q2) bit).
      * rewrite Q2. exact bit.
  - pose proof (put_state_good b rd us R n vs B PN Z0 A) as Q. destruct (put_state rd us). tauto.
Qed.
Lemma reader_none b rd R n : good_reader b rd R n -> number rd = None -> n = 0.
Proof. intros [_ G] E. rewrite E in G. exact G. Qed.
Lemma rectified_nonneg vs : Forall (Z.le 0) vs -> rectified vs = vs.
Proof. induction 1 as [| v vs V F IH]; [reflexivity |]. cbn [rectified map]. rewrite Z.max_r by exact V. f_equal. exact IH. Qed.
Lemma rectified_app a b : rectified (a ++ b) = rectified a ++ rectified b.
Proof. apply map_app. Qed.
Lemma map_size {A B} (f : A -> B) l : size (map f l) = size l.
Proof. rewrite !size_length, map_length. reflexivity. Qed.

(** After the layers: what is next, that lines read what is before them. *)
Definition stands_at (first : Z) (ls : list line) (next : Z) : Prop := next = first + size ls /\ ordered first ls.
Lemma stands_app a b c ls ms : stands_at a ls b -> stands_at b ms c -> stands_at a (ls ++ ms) c.
Proof.
  intros [E1 O1] [E2 O2]. split; [rewrite size_app; lia |]. apply ordered_app. split; [exact O1 |]. rewrite <- E1. exact O2.
Qed.
Lemma read_steps_good : forall n k1 k2 a1 a2 rd1 rd2 kept first R1 n1 R2 n2 vs ls p q kept' next,
  read_steps n k1 k2 a1 a2 rd1 rd2 kept first = (ls, p, q, kept', next) ->
  (k1 <= n)%nat -> (k2 <= n)%nat -> 0 <= first ->
  good_reader first rd1 R1 n1 -> 0 <= R1 < power (a1 + k1) -> 0 <= n1 ->
  good_reader first rd2 R2 n2 -> 0 <= R2 < power (a2 + k2) -> 0 <= n2 ->
  all_good first kept vs -> Forall (Z.le 0) vs -> (H -> solves first ls z) ->
  stands_at first ls next
  /\ good_reader next p (R1 mod power a1) (n1 * power k1 + R1 / power a1)
  /\ good_reader next q (R2 mod power a2) (n2 * power k2 + R2 / power a2)
  /\ all_good next kept' vs.
Proof.
  induction n as [| n IH]; intros k1 k2 a1 a2 rd1 rd2 kept first R1 n1 R2 n2 vs ls p q kept' next E K1 K2 P G1 B1 N1 G2 B2 N2 A V S.
  - cbn [read_steps] in E. injection E as <- <- <- <- <-.
    assert (k1 = O) as -> by lia. assert (k2 = O) as -> by lia. rewrite !Nat.add_0_r in *.
    change (power 0) with 1. rewrite !Z.mod_small, !Z.div_small, !Z.mul_1_r, !Z.add_0_r by assumption.
    split; [split; [rewrite size_nil; lia | exact I] |]. tauto.
  - cbn [read_steps] in E.
    set (go1 := negb (Nat.eqb k1 0)) in *. set (go2 := negb (Nat.eqb k2 0)) in *.
    set (e1 := (a1 + pred k1)%nat) in *. set (e2 := (a2 + pred k2)%nat) in *.
    set (fs := part go1 e1 rd1 ++ part go2 e2 rd2 ++ kept) in *.
    destruct (taken go1 e1 rd1 (units_of first fs)) as [rd1' us1] eqn:T1.
    destruct (taken go2 e2 rd2 us1) as [rd2' us2] eqn:T2.
    destruct (read_steps n (pred k1) (pred k2) a1 a2 rd1' rd2' us2 (first + size fs)) as [[[[ls' p'] q'] kept2] next'] eqn:E'.
    injection E as <- <- <- <- <-.
    assert (Sp : H -> solves first (map line_of fs) z /\ solves (first + size fs) ls' z).
    { intro h. specialize (S h). apply solves_app in S. rewrite map_size in S. exact S. }
    assert (F : all_good first fs (part_values go1 e1 rd1 R1 n1 ++ part_values go2 e2 rd2 R2 n2 ++ vs)).
    { unfold fs, all_good. apply Forall2_app; [apply part_good, G1 |]. apply Forall2_app; [apply part_good, G2 | exact A]. }
    destruct (layer_good fs _ first P F (fun h => proj1 (Sp h))) as [U O].
    rewrite !rectified_app in U. rewrite (rectified_nonneg vs V) in U.
    assert (C1 : if go1 then 0 <= R1 < power (Datatypes.S e1) else 0 <= R1).
    { unfold go1, e1. destruct k1 as [| k1]; cbn [Nat.eqb negb pred]; [lia |].
      replace (Datatypes.S (a1 + k1)) with (a1 + Datatypes.S k1)%nat by lia. exact B1. }
    assert (C2 : if go2 then 0 <= R2 < power (Datatypes.S e2) else 0 <= R2).
    { unfold go2, e2. destruct k2 as [| k2]; cbn [Nat.eqb negb pred]; [lia |].
      replace (Datatypes.S (a2 + k2)) with (a2 + Datatypes.S k2)%nat by lia. exact B2. }
    pose proof (taken_good _ go1 e1 rd1 _ R1 n1 _ C1 N1 (reader_none _ _ _ _ G1) U) as Q1. rewrite T1 in Q1.
    destruct Q1 as [U1 Q1].
    pose proof (taken_good _ go2 e2 rd2 _ R2 n2 _ C2 N2 (reader_none _ _ _ _ G2) U1) as Q2. rewrite T2 in Q2.
    destruct Q2 as [U2 Q2].
    assert (step : forall go k a R m e rd, go = negb (Nat.eqb k 0) -> e = (a + pred k)%nat -> 0 <= R < power (a + k) -> 0 <= m ->
      (if go then good_reader (first + size fs) rd (R mod power e) (2 * m + R / power e) else good_reader (first + size fs) rd R m) ->
      exists R' m', good_reader (first + size fs) rd R' m' /\ 0 <= R' < power (a + pred k) /\ 0 <= m'
        /\ R' mod power a = R mod power a /\ m' * power (pred k) + R' / power a = m * power k + R / power a).
    { intros go k a R m e rd -> -> B M Gr. destruct k as [| k]; cbn [Nat.eqb negb pred] in *.
      - exists R, m. auto.
      - exists (R mod power (a + k)), (2 * m + R / power (a + k)).
        pose proof (power_positive (a + k)) as Pw. pose proof (Z.mod_pos_bound R _ Pw).
        pose proof (Z.div_pos R _ (proj1 B) Pw).
        split; [exact Gr | split; [assumption | split; [lia | split; [apply mod_step |]]]].
        rewrite (div_step R a k), power_next. ring. }
    destruct (step go1 k1 a1 R1 n1 e1 rd1' eq_refl eq_refl B1 N1 Q1) as [R1' [m1 [X1 [Y1 [Z1 [V1 W1]]]]]].
    destruct (step go2 k2 a2 R2 n2 e2 rd2' eq_refl eq_refl B2 N2 Q2) as [R2' [m2 [X2 [Y2 [Z2 [V2 W2]]]]]].
    pose proof (size_nonneg fs) as Pf.
    destruct (IH _ _ _ _ _ _ _ _ R1' m1 R2' m2 vs _ _ _ _ _ E' ltac:(lia) ltac:(lia) ltac:(lia) X1 Y1 Z1 X2 Y2 Z2 U2 V
      (fun h => proj2 (Sp h))) as [D1 [D2 [D3 D4]]].
    rewrite V1, W1 in D2. rewrite V2, W2 in D3.
    split; [| tauto]. apply (stands_app _ (first + size fs)); [| exact D1].
    split; [rewrite map_size; reflexivity | exact O].
Qed.

Lemma popped_good b rd R n : good_reader b rd R n -> good b (popped rd) n.
Proof.
  intros [_ G]. unfold popped. destruct (number rd); [exact G |]. rewrite G. apply good_nothing.
Qed.
Lemma all_good_cons b f fs v vs : all_good b (f :: fs) (v :: vs) -> good b f v /\ all_good b fs vs.
Proof. intro A. inversion A; subst. split; assumption. Qed.
(** The three layers behind a slot: the label if x is the key, and what is carried. *)
Lemma slot_layers first x p q tail X k l c ws : 0 <= first ->
  good first x X -> good first (popped p) k -> good first (popped q) l -> 0 <= l < power c ->
  all_good first tail ws -> Forall (Z.le 0) ws ->
  let fs1 := compared x p q tail in
  let f2 := first + size fs1 in
  let fs2 := equal_or_not (units_of first fs1) in
  let f3 := f2 + size fs2 in
  let fs3 := gated c (units_of f2 fs2) in
  let lines := map line_of fs1 ++ map line_of fs2 ++ map line_of fs3 in
  (H -> solves first lines z) ->
  stands_at first lines (f3 + size fs3)
  /\ all_good (f3 + size fs3) (units_of f3 fs3) ((if X =? k then l else 0) :: ws).
Proof.
  intros P GX GK GL BL A W fs1 f2 fs2 f3 fs3 lines S.
  assert (S' : H -> solves first (map line_of fs1) z /\ solves f2 (map line_of fs2) z /\ solves f3 (map line_of fs3) z).
  { intro h. specialize (S h). unfold lines in S. rewrite !solves_app, !map_size in S. exact S. }
  pose proof (size_nonneg fs1). pose proof (size_nonneg fs2).
  assert (A1 : all_good first fs1 (X - k :: k - X :: l :: ws)).
  { unfold fs1, compared. constructor; [apply good_minus; assumption |].
    constructor; [apply good_minus; assumption |]. constructor; assumption. }
  destruct (layer_good fs1 _ first P A1 (fun h => proj1 (S' h))) as [U1 O1]. fold f2 in U1.
  cbn [rectified map] in U1. fold (rectified ws) in U1. rewrite (rectified_nonneg ws W) in U1.
  rewrite (Z.max_r 0 l) in U1 by lia.
  assert (A2 : all_good f2 fs2 (-1 * (Z.max 0 (X - k) + Z.max 0 (k - X)) + 1 :: l :: ws)).
  { unfold fs2. destruct (units_of first fs1) as [| a [| b [| d us]]];
      try (inversion U1; fail); try (apply all_good_cons in U1 as [_ U1]; inversion U1; fail);
      try (apply all_good_cons in U1 as [_ U1]; apply all_good_cons in U1 as [_ U1]; inversion U1; fail).
    apply all_good_cons in U1 as [Ga U1]. apply all_good_cons in U1 as [Gb U1]. cbn [equal_or_not].
    constructor; [| exact U1]. apply good_shift, good_times, good_plus; assumption. }
  destruct (layer_good fs2 _ f2 ltac:(lia) A2 (fun h => proj1 (proj2 (S' h)))) as [U2 O2]. fold f3 in U2.
  cbn [rectified map] in U2. fold (rectified ws) in U2. rewrite (rectified_nonneg ws W) in U2.
  rewrite (Z.max_r 0 l) in U2 by lia.
  set (i := Z.max 0 (-1 * (Z.max 0 (X - k) + Z.max 0 (k - X)) + 1)) in *.
  assert (A3 : all_good f3 fs3 (l + power c * (i + -1) :: ws)).
  { unfold fs3. destruct (units_of f2 fs2) as [| a [| b us]]; try (inversion U2; fail);
      try (apply all_good_cons in U2 as [_ U2]; inversion U2; fail).
    apply all_good_cons in U2 as [Ga U2]. apply all_good_cons in U2 as [Gb U2]. cbn [gated].
    constructor; [| exact U2]. apply good_plus; [exact Gb | apply good_times, good_shift, Ga]. }
  destruct (layer_good fs3 _ f3 ltac:(lia) A3 (fun h => proj2 (proj2 (S' h)))) as [U3 O3].
  cbn [rectified map] in U3. fold (rectified ws) in U3. rewrite (rectified_nonneg ws W) in U3.
  assert (V : Z.max 0 (l + power c * (i + -1)) = if X =? k then l else 0).
  { pose proof (power_positive c). unfold i. destruct (Z.eqb_spec X k) as [-> | N].
    - rewrite Z.sub_diag. cbn. lia.
    - replace (Z.max 0 (-1 * (Z.max 0 (X - k) + Z.max 0 (k - X)) + 1)) with 0 by lia. lia. }
  rewrite V in U3. split; [| exact U3].
  assert (E1 : stands_at first (map line_of fs1) f2) by (split; [rewrite map_size; reflexivity | exact O1]).
  assert (E2 : stands_at f2 (map line_of fs2) f3) by (split; [rewrite map_size; reflexivity | exact O2]).
  assert (E3 : stands_at f3 (map line_of fs3) (f3 + size fs3)) by (split; [rewrite map_size; reflexivity | exact O3]).
  unfold lines. eapply stands_app; [exact E1 |]. eapply stands_app; [exact E2 | exact E3].
Qed.

(** What pairs of keys and labels say of x, all added up. *)
Fixpoint look (X : Z) (pairs : group) : Z :=
  match pairs with
  | [] => 0
  | (k, l) :: pairs => (if X =? k then l else 0) + look X pairs
  end.
Definition fits (r c : nat) (pairs : group) : Prop :=
  Forall (fun kl => 0 <= fst kl < power r /\ 0 <= snd kl < power c) pairs.
Lemma word_bound r : forall ks, Forall (fun k => 0 <= k < power r) ks -> 0 <= word r ks < power (length ks * r).
Proof.
  induction ks as [| k ks IH]; intro F; cbn [word length Nat.mul]; [cbn; lia |].
  inversion F as [| ? ? F1 F2]; subst. specialize (IH F2). fold (power (length ks * r)). rewrite power_add.
  pose proof (power_positive (length ks * r)). pose proof (power_positive r). nia.
Qed.
Lemma word_first r k ks : Forall (fun k => 0 <= k < power r) (k :: ks) ->
  word r (k :: ks) / power (length ks * r) = k /\ word r (k :: ks) mod power (length ks * r) = word r ks.
Proof.
  intro F. inversion F as [| ? ? F1 F2]; subst. pose proof (word_bound r ks F2) as B. cbn [word].
  fold (power (length ks * r)). pose proof (power_positive (length ks * r)) as P. split.
  - rewrite Z.div_add_l, Z.div_small by lia. lia.
  - rewrite Z.add_comm, Z.mod_add, Z.mod_small by lia. reflexivity.
Qed.
Lemma look_nonneg r c X pairs : fits r c pairs -> 0 <= look X pairs.
Proof.
  induction pairs as [| [k l] pairs IH]; intro F; cbn [look]; [lia |]. inversion F as [| ? ? F1 F2]; subst.
  specialize (IH F2). cbn [fst snd] in F1. destruct (X =? k); lia.
Qed.
Definition total_good (b : Z) (total : option form) (T : Z) : Prop :=
  match total with Some t => good b t T | None => T = 0 end.
Definition total_values (total : option form) (T : Z) : list Z := match total with Some _ => [T] | None => [] end.

Lemma slots_good r c : forall pairs p q x total first X T ls out, fits r c pairs ->
  slots (length pairs) r c p q x total first = (ls, out) -> 0 <= first -> 0 <= X -> 0 <= T ->
  good_reader first p (word r (map fst pairs)) 0 -> good_reader first q (word c (map snd pairs)) 0 ->
  good first x X -> total_good first total T -> (H -> solves first ls z) ->
  ordered first ls /\ good (first + size ls) out (T + look X pairs).
Proof.
  induction pairs as [| [k l] pairs IH]; intros p q x total first X T ls out F E P PX PT Gp Gq Gx Gt S.
  { cbn [length slots] in E. injection E as <- <-. split; [exact I |]. rewrite size_nil, Z.add_0_r. cbn [look].
    rewrite Z.add_0_r. destruct total; [exact Gt |]. cbn in Gt. rewrite Gt. apply good_nothing. }
  destruct (Forall_inv F) as [Fk Fl]. pose proof (Forall_inv_tail F) as F2. cbn [fst snd] in Fk, Fl.
  assert (Fks : Forall (fun k => 0 <= k < power r) (map fst ((k, l) :: pairs))).
  { apply Forall_map. eapply Forall_impl; [| exact F]. intros kl Q. apply Q. }
  assert (Fls : Forall (fun k => 0 <= k < power c) (map snd ((k, l) :: pairs))).
  { apply Forall_map. eapply Forall_impl; [| exact F]. intros kl Q. apply Q. }
  cbn [map fst snd] in Gp, Gq, Fks, Fls.
  pose proof (word_bound _ _ Fks) as Bk. pose proof (word_bound _ _ Fls) as Bl.
  destruct (word_first _ _ _ Fks) as [Dk Mk]. destruct (word_first _ _ _ Fls) as [Dl Ml].
  cbn [length] in Bk, Bl. rewrite map_length in Bk, Bl, Dk, Mk, Dl, Ml.
  replace (Datatypes.S (length pairs) * r)%nat with (length pairs * r + r)%nat in Bk by lia.
  replace (Datatypes.S (length pairs) * c)%nat with (length pairs * c + c)%nat in Bl by lia.
  cbn [length slots] in E.
  destruct (read_steps (Nat.max r c) r c (length pairs * r) (length pairs * c) p q (x :: listed total) first)
    as [[[[ls0 p'] q'] kept] f1] eqn:R.
  assert (S0 : forall before more, ls = (ls0 ++ before) ++ more -> H -> solves first ls0 z).
  { intros before more Q h. specialize (S h). rewrite Q, !solves_app in S. apply S. }
  assert (Kept : all_good first (x :: listed total) (X :: total_values total T)).
  { constructor; [exact Gx |]. destruct total; repeat constructor; apply Gt. }
  assert (KeptN : Forall (Z.le 0) (X :: total_values total T)).
  { constructor; [exact PX |]. destruct total; repeat constructor; exact PT. }
  set (fs1 := compared (first_of kept) p' q'
    (match pairs with [] => tl kept | _ :: _ => rest p' :: rest q' :: kept end)) in *.
  assert (E' : exists tail before,
    tail = (match length pairs with O => tl kept | Datatypes.S _ => rest p' :: rest q' :: kept end)
    /\ before = (let fs1 := compared (first_of kept) p' q' tail in
        let f2 := f1 + size fs1 in
        let fs2 := equal_or_not (units_of f1 fs1) in
        let fs3 := gated c (units_of f2 fs2) in
        map line_of fs1 ++ map line_of fs2 ++ map line_of fs3)
    /\ (exists more, ls = (ls0 ++ before) ++ more)) .
  { eexists. eexists. split; [reflexivity | split; [reflexivity |]]. cbv zeta.
    destruct pairs as [| kl pairs]; cbn [length] in *.
    - injection E as <- <-. exists []. rewrite app_nil_r. reflexivity.
    - match type of E with context [match tl ?u with _ => _ end] => set (us := u) in * end.
      destruct (tl us) as [| a [| b [| y t]]];
        try (injection E as <- <-; exists []; rewrite app_nil_r; reflexivity).
      match type of E with (let '(_, _) := ?s in _) = _ => destruct s as [more out'] eqn:M end.
      injection E as <- <-. exists more. reflexivity. }
  clear fs1. destruct E' as [tail [before [Tail [Before [more0 Q0]]]]].
  destruct (read_steps_good _ _ _ _ _ _ _ _ _ _ 0 _ 0 _ _ _ _ _ _ R ltac:(lia) ltac:(lia) P Gp Bk (Z.le_refl 0) Gq Bl (Z.le_refl 0)
    Kept KeptN (S0 _ _ Q0)) as [St [Gp' [Gq' Gk]]].
  rewrite Mk, Dk, Z.mul_0_l, Z.add_0_l in Gp'. rewrite Ml, Dl, Z.mul_0_l, Z.add_0_l in Gq'.
  destruct kept as [| x' tot]; [inversion Gk |]. apply all_good_cons in Gk as [Gx' Gtot].
  assert (P1 : 0 <= f1) by (destruct St as [-> _]; pose proof (size_nonneg ls0); lia).
  cbn [first_of tl] in *.
  pose proof (Forall_inv_tail Fks) as Fks2. pose proof (Forall_inv_tail Fls) as Fls2.
  subst tail before. cbv zeta in Q0.
  pose proof (word_bound _ _ Fks2) as [Wk _]. pose proof (word_bound _ _ Fls2) as [Wl _].
  set (ws := match length pairs with O => total_values total T
    | Datatypes.S _ => word r (map fst pairs) :: word c (map snd pairs) :: X :: total_values total T end).
  set (tail := match length pairs with O => tot | Datatypes.S _ => rest p' :: rest q' :: x' :: tot end) in *.
  assert (Gtail : all_good f1 tail ws).
  { unfold tail, ws. destruct (length pairs); [exact Gtot |].
    constructor; [apply Gp' | constructor; [apply Gq' | constructor; [exact Gx' | exact Gtot]]]. }
  assert (Pws : Forall (Z.le 0) ws).
  { unfold ws. destruct (length pairs); [inversion KeptN; assumption |]. constructor; [exact Wk |].
    constructor; [exact Wl | exact KeptN]. }
  rewrite Q0 in S.
  destruct (slot_layers f1 x' p' q' tail X k l c ws P1 Gx' (popped_good _ _ _ _ Gp') (popped_good _ _ _ _ Gq') Fl Gtail Pws)
    as [St2 Gus].
  { intro h. specialize (S h). rewrite !solves_app in S. destruct S as [[_ S2] _].
    destruct St as [-> _]. cbv zeta. rewrite !solves_app. exact S2. }
  set (fs1 := compared x' p' q' tail) in *. set (f2 := f1 + size fs1) in *.
  set (fs2 := equal_or_not (units_of f1 fs1)) in *. set (f3 := f2 + size fs2) in *.
  set (fs3 := gated c (units_of f2 fs2)) in *.
  set (lines3 := map line_of fs1 ++ map line_of fs2 ++ map line_of fs3) in *.
  pose proof (stands_app _ _ _ _ _ St St2) as St3.
  set (v := if X =? k then l else 0) in *.
  assert (Pv : 0 <= v) by (unfold v; destruct (X =? k); lia).
  cbn [look]. fold v.
  destruct (units_of f3 fs3) as [| u us] eqn:Us; [inversion Gus |]. apply all_good_cons in Gus as [Gu Gus].
  assert (Add : forall t, all_good (f3 + size fs3) t (total_values total T) ->
    good (f3 + size fs3) (added (maybe_of t) u) (T + v)).
  { intros t G. destruct total as [t0 |]; cbn [total_values] in G.
    - destruct t as [| t1 [| t2 t]]; try (inversion G; fail).
      + apply all_good_cons in G as [G _]. cbn [maybe_of added]. apply good_plus; assumption.
      + apply all_good_cons in G as [_ G]. inversion G.
    - destruct t as [| t1 t]; [| inversion G]. cbn [maybe_of added]. cbn in Gt. rewrite Gt. exact Gu. }
  destruct St3 as [Next Ord].
  destruct pairs as [| kl pairs].
  - cbn [length] in *. injection E as <- <-. cbn [tl first_of]. split; [exact Ord |].
    rewrite <- Next. cbn [look]. rewrite Z.add_0_r. apply Add. exact Gus.
  - cbn [length] in E. unfold ws in Gus. cbn [length] in Gus. cbn [tl first_of] in E.
    destruct us as [| a [| b [| y t]]]; try (inversion Gus; fail);
      try (apply all_good_cons in Gus as [_ Gus]; inversion Gus; fail);
      try (apply all_good_cons in Gus as [_ Gus]; apply all_good_cons in Gus as [_ Gus]; inversion Gus; fail).
    apply all_good_cons in Gus as [Ga Gus]. apply all_good_cons in Gus as [Gb Gus]. apply all_good_cons in Gus as [Gy Gus].
    match type of E with (let '(_, _) := ?s in _) = _ => destruct s as [more out'] eqn:M end.
    injection E as E1 <-. subst ls.
    assert (More : (ls0 ++ lines3) ++ more = (ls0 ++ lines3) ++ more0) by congruence.
    apply app_inv_head in More. subst more0.
    destruct (IH (Reader a None) (Reader b None) y (Some (added (maybe_of t) u)) (f3 + size fs3) X (T + v) more out' F2 M)
      as [O G]; try lia.
    + destruct St2 as [N2 _]. pose proof (size_nonneg lines3). lia.
    + split; [exact Ga | reflexivity].
    + split; [exact Gb | reflexivity].
    + exact Gy.
    + apply Add, Gus.
    + intro h. specialize (S h). rewrite solves_app in S. destruct S as [_ S]. rewrite <- Next in S. exact S.
    + split.
      * apply ordered_app. split; [exact Ord |]. rewrite <- Next. exact O.
      * rewrite size_app, Z.add_assoc, <- Next. apply (good_is _ _ _ _ G). lia.
Qed.

(** ** The selection of the words *)

Fixpoint selected (X : Z) (current : group) (gs : list group) : group :=
  match gs with
  | [] => current
  | g :: gs => if low g <=? X then selected X g gs else current
  end.
Fixpoint lows_from (b : Z) (gs : list group) : Prop :=
  match gs with
  | [] => True
  | g :: gs => b <= low g /\ lows_from (low g) gs
  end.
Fixpoint step_values (X : Z) (gs : list group) : list Z :=
  match gs with
  | [] => [X]
  | g :: gs => X + (1 - low g) :: X + - low g :: step_values X gs
  end.
Lemma steps_good b x X gs : good b x X -> all_good b (steps_of x gs) (step_values X gs).
Proof.
  intro G. induction gs as [| g gs IH]; cbn [steps_of step_values]; [constructor; [exact G | constructor] |].
  constructor; [apply good_shift, G | constructor; [apply good_shift, G | exact IH]].
Qed.
Lemma last_good b X : 0 <= X -> forall gs us, all_good b us (rectified (step_values X gs)) ->
  good b (List.last us nothing) X.
Proof.
  intro P. induction gs as [| g gs IH]; intros us A; cbn [step_values rectified map] in A.
  - destruct us as [| u [| u' us]]; try (inversion A; fail).
    + apply all_good_cons in A as [G _]. rewrite Z.max_r in G by exact P. exact G.
    + apply all_good_cons in A as [_ A]. inversion A.
  - destruct us as [| u [| u' us]]; try (inversion A; fail);
      try (apply all_good_cons in A as [_ A]; inversion A; fail).
    apply all_good_cons in A as [_ A]. apply all_good_cons in A as [_ A]. specialize (IH us A).
    destruct us as [| u2 us]; [destruct gs; inversion A |]. exact IH.
Qed.
Lemma risen_good b X (W : group -> Z) : forall gs us current b0,
  all_good b us (rectified (step_values X gs)) -> lows_from b0 gs ->
  good b (risen us (W current) (map W gs)) (W (selected X current gs) - W current)
  /\ (X < b0 -> selected X current gs = current).
Proof.
  induction gs as [| g gs IH]; intros us current b0 A L; cbn [map selected lows_from] in *.
  - split; [| reflexivity]. assert (N : risen us (W current) [] = nothing) by (destruct us as [| ? [| ? ?]]; reflexivity).
    rewrite N, Z.sub_diag. apply good_nothing.
  - destruct L as [L1 L2]. cbn [step_values rectified map] in A.
    destruct us as [| u [| u' us]]; try (inversion A; fail);
      try (apply all_good_cons in A as [_ A]; inversion A; fail).
    apply all_good_cons in A as [G1 A]. apply all_good_cons in A as [G2 A]. cbn [risen].
    destruct (IH us g (low g) A L2) as [G N].
    pose proof (good_plus _ _ _ _ _ G (good_times _ (W g - W current) _ _ (good_minus _ _ _ _ _ G1 G2))) as Sum.
    destruct (Z.leb_spec (low g) X) as [Le | Gt].
    + split; [| lia]. apply (good_is _ _ _ _ Sum).
      replace (Z.max 0 (X + (1 - low g)) - Z.max 0 (X + - low g)) with 1 by lia. lia.
    + split; [| reflexivity]. apply (good_is _ _ _ _ Sum). rewrite (N Gt).
      replace (Z.max 0 (X + (1 - low g)) - Z.max 0 (X + - low g)) with 0 by lia. lia.
Qed.
Definition zeros (n : nat) : group := repeat (0, 0) n.
Lemma word_zeros r : forall n, word r (repeat 0 n) = 0.
Proof. induction n as [| n IH]; cbn [repeat word]; [reflexivity |]. rewrite IH. lia. Qed.
Lemma map_repeated {A B} (f : A -> B) a n : map f (repeat a n) = repeat (f a) n.
Proof. induction n as [| n IH]; cbn [repeat map]; [reflexivity | rewrite IH; reflexivity]. Qed.
Definition groups_fit (n r c : nat) (gs : list group) : Prop := Forall (fun g => length g = n /\ fits r c g) gs.
Lemma selected_fits n r c X : forall gs current, groups_fit n r c gs -> length current = n /\ fits r c current ->
  length (selected X current gs) = n /\ fits r c (selected X current gs).
Proof.
  induction gs as [| g gs IH]; intros current F C; cbn [selected]; [exact C |].
  destruct (low g <=? X); [| exact C]. apply IH; [exact (Forall_inv_tail F) | exact (Forall_inv F)].
Qed.
Lemma zeros_fit n r c : length (zeros n) = n /\ fits r c (zeros n).
Proof.
  split; [apply repeat_length |]. unfold fits, zeros. apply Forall_forall. intros kl I. apply repeat_spec in I as ->.
  cbn [fst snd]. pose proof (power_positive r). pose proof (power_positive c). lia.
Qed.

Lemma memorizer_good n r c gs X ls out : groups_fit n r c gs -> lows_from 0 gs -> 0 <= X ->
  (H -> z 0 = IZR X) -> memorizer n r c gs = (ls, out) -> (H -> solves 1 ls z) ->
  ordered 1 ls /\ good (1 + size ls) out (look X (selected X (zeros n) gs)).
Proof.
  intros F L P ZX E S. unfold memorizer in E.
  set (fs := steps_of (unit_of 0) gs) in *. set (us := units_of 1 fs) in *.
  set (p := Reader (risen us 0 (map (key_word r) gs)) None) in *.
  set (q := Reader (risen us 0 (map (label_word c) gs)) None) in *.
  destruct (slots n r c p q (List.last us nothing) None (1 + size fs)) as [ls' out'] eqn:M. injection E as <- <-.
  assert (Sp : H -> solves 1 (map line_of fs) z /\ solves (1 + size fs) ls' z).
  { intro h. specialize (S h). rewrite solves_app, map_size in S. exact S. }
  assert (G0 : good 1 (unit_of 0) X).
  { split; [unfold within, unit_of; cbn [parts]; constructor; [cbn [fst]; lia | constructor] |].
    intro h. unfold holds, worth, unit_of. cbn [parts constant]. rewrite valued_cons, valued_nil, (ZX h). lra. }
  destruct (layer_good fs _ 1 ltac:(lia) (steps_good 1 _ X gs G0) (fun h => proj1 (Sp h))) as [U O]. fold us in U.
  pose proof (size_nonneg fs) as Pf. pose proof (zeros_fit n r c) as Zf.
  destruct (selected_fits n r c X gs (zeros n) F Zf) as [Len Fit].
  destruct (risen_good _ X (key_word r) gs us (zeros n) 0 U L) as [Gk _].
  destruct (risen_good _ X (label_word c) gs us (zeros n) 0 U L) as [Gl _].
  assert (Zk : key_word r (zeros n) = 0) by (unfold key_word, zeros; rewrite map_repeated; apply word_zeros).
  assert (Zl : label_word c (zeros n) = 0) by (unfold label_word, zeros; rewrite map_repeated; apply word_zeros).
  rewrite Zk, Z.sub_0_r in Gk. rewrite Zl, Z.sub_0_r in Gl.
  rewrite <- Len in M at 1.
  destruct (slots_good r c _ p q _ None _ X 0 ls' out' Fit M ltac:(lia) P (Z.le_refl 0)) as [Os Gs].
  - split; [exact Gk | reflexivity].
  - split; [exact Gl | reflexivity].
  - exact (last_good _ X P gs us U).
  - reflexivity.
  - intro h. apply Sp, h.
  - split.
    + apply ordered_app. split; [exact O |]. rewrite map_size. exact Os.
    + rewrite size_app, map_size, Z.add_assoc. exact Gs.
Qed.
End Worth.

(** For all groups of n keys, of which the first ones increase: what the group that is selected says. *)
Theorem memorizer_answers n r c gs X (x : valuation) : groups_fit n r c gs -> lows_from 0 gs -> 0 <= X ->
  x (name_of 0) = IZR X ->
  well_formed (memorizer_network n r c gs)
  /\ output (memorizer_network n r c gs) x 0 = IZR (look X (selected X (zeros n) gs)).
Proof.
  intros F L P E. unfold memorizer_network. destruct (memorizer n r c gs) as [ls out] eqn:M.
  destruct (memorizer_good (fun _ => 0%R) False n r c gs X ls out F L P ltac:(tauto) M ltac:(tauto)) as [O [W _]].
  split.
  - apply network_well_formed; [exact O |]. constructor; [exact W | constructor].
  - apply output_solved; [exact O |]. intros z K S.
    destruct (memorizer_good z True n r c gs X ls out F L P (fun _ => eq_trans (K 0 ltac:(lia)) E) M (fun _ => S)) as [_ [_ G]].
    apply holds_line, G. exact I.
Qed.

(** ** Keys in increasing order, cut into groups *)

Fixpoint increasing (b : Z) (keys : group) : Prop :=
  match keys with
  | [] => True
  | (k, _) :: keys => b < k /\ increasing k keys
  end.
(** The label of a key; 0 of what is none. *)
Fixpoint label_of (X : Z) (keys : group) : Z :=
  match keys with
  | [] => 0
  | (k, l) :: keys => if X =? k then l else label_of X keys
  end.
Lemma look_app X : forall a b, look X (a ++ b) = look X a + look X b.
Proof. induction a as [| [k l] a IH]; intro b; cbn [app look]; [reflexivity |]. rewrite IH. lia. Qed.
Lemma look_repeated X k : forall m, look X (repeat (k, 0) m) = 0.
Proof. induction m as [| m IH]; cbn [repeat look]; [reflexivity |]. rewrite IH. destruct (X =? k); reflexivity. Qed.
Lemma look_filled X n g : look X (filled_up n g) = look X g.
Proof. unfold filled_up. rewrite look_app, look_repeated. lia. Qed.
Lemma look_before X : forall keys b, increasing b keys -> X <= b -> look X keys = 0.
Proof.
  induction keys as [| [k l] keys IH]; intros b Inc L; cbn [look]; [reflexivity |].
  destruct Inc as [B R]. destruct (Z.eqb_spec X k); [lia |]. rewrite (IH k R) by lia. reflexivity.
Qed.
Lemma look_label X : forall keys b, increasing b keys -> look X keys = label_of X keys.
Proof.
  induction keys as [| [k l] keys IH]; intros b I; [reflexivity |]. destruct I as [B R]. cbn [look label_of].
  rewrite (IH k R). destruct (Z.eqb_spec X k) as [-> |]; [| reflexivity].
  rewrite <- (IH k R), (look_before k keys k R) by lia. lia.
Qed.
Lemma increasing_app : forall a b c, increasing b (a ++ c) ->
  increasing b a /\ (exists d, increasing d c)
  /\ forall k l c', c = (k, l) :: c' -> Forall (fun kl => fst kl < k) a /\ b < k.
Proof.
  induction a as [| [k0 l0] a IH]; intros b c I; cbn [app increasing] in *.
  - split; [exact Logic.I | split; [exists b; exact I |]]. intros k l c' ->. destruct I as [B _]. split; [constructor | exact B].
  - destruct I as [B R]. destruct (IH k0 c R) as [H1 [H2 H3]]. split; [split; assumption | split; [exact H2 |]].
    intros k l c' E. destruct (H3 k l c' E) as [H4 H5]. split; [constructor; [exact H5 | exact H4] | lia].
Qed.
Lemma look_after X : forall keys, Forall (fun kl => fst kl < X) keys -> look X keys = 0.
Proof.
  induction keys as [| [k l] keys IH]; intro F; cbn [look]; [reflexivity |].
  pose proof (Forall_inv F) as K. cbn [fst] in K. rewrite (IH (Forall_inv_tail F)).
  destruct (Z.eqb_spec X k); [lia | reflexivity].
Qed.
Lemma low_filled n k l keys : (1 <= n)%nat -> low (filled_up n (firstn n ((k, l) :: keys))) = k.
Proof. destruct n; [lia |]. reflexivity. Qed.

Lemma selected_says {A} X n : (1 <= n)%nat -> forall (fuel : list A) keys b current,
  (length keys <= length fuel)%nat -> increasing b keys ->
  look X (selected X current (groups_of fuel n keys)) = match keys with
    | [] => look X current
    | (k, _) :: _ => if k <=? X then look X keys else look X current
    end.
Proof.
  intro N. induction fuel as [| a fuel IH]; intros [| [k l] keys] b current Len Inc; cbn [groups_of selected];
    try reflexivity; [simpl in Len; lia |].
  rewrite low_filled by exact N. set (all := (k, l) :: keys) in *.
  destruct (Z.leb_spec k X) as [Le | Gt]; [| reflexivity].
  pose proof (firstn_skipn n all) as Cut. rewrite <- Cut in Inc.
  destruct (increasing_app _ _ _ Inc) as [I1 [[d I2] I3]].
  assert (Shorter : (length (skipn n all) <= length fuel)%nat).
  { rewrite skipn_length. change (length all) with (Datatypes.S (length keys)) in *.
    change (length (a :: fuel)) with (Datatypes.S (length fuel)) in Len. lia. }
  rewrite (IH (skipn n all) d _ Shorter I2), look_filled.
  assert (Whole : look X all = look X (firstn n all) + look X (skipn n all)) by (rewrite <- look_app, Cut; reflexivity).
  rewrite Whole.
  destruct (skipn n all) as [| [k1 l1] others] eqn:E.
  - cbn [look]. lia.
  - destruct (I3 k1 l1 others eq_refl) as [Below _]. destruct (Z.leb_spec k1 X) as [Le1 | Gt1].
    + rewrite (look_after X (firstn n all)); [lia |]. eapply Forall_impl; [| exact Below]. cbv beta. intros kl Q. lia.
    + assert (Nothing : look X ((k1, l1) :: others) = 0); [| rewrite Nothing; lia].
      cbn [look]. destruct (Z.eqb_spec X k1); [lia |]. destruct I2 as [_ I2]. rewrite (look_before X others k1 I2) by lia. lia.
Qed.
Lemma filled_fits n r c g : (length g <= n)%nat -> fits r c g -> g <> [] ->
  length (filled_up n g) = n /\ fits r c (filled_up n g).
Proof.
  intros Len F NE. unfold filled_up. split; [rewrite app_length, repeat_length; lia |].
  apply Forall_app. split; [exact F |]. apply Forall_forall. intros kl I. apply repeat_spec in I as ->. cbn [fst snd].
  pose proof (power_positive c). split; [| lia].
  destruct (exists_last NE) as [g' [a ->]]. rewrite last_last.
  apply Forall_app in F as [_ F]. exact (proj1 (Forall_inv F)).
Qed.
Lemma groups_right {A} n r c : (1 <= n)%nat -> forall (fuel : list A) keys b, increasing b keys -> fits r c keys ->
  groups_fit n r c (groups_of fuel n keys) /\ forall b', b' <= b + 1 -> lows_from b' (groups_of fuel n keys).
Proof.
  intro N. induction fuel as [| a fuel IH]; intros [| [k l] keys] b Inc F; cbn [groups_of];
    try (split; [constructor | intros; exact I]).
  set (all := (k, l) :: keys) in *. pose proof (firstn_skipn n all) as Cut.
  assert (Fa : fits r c (firstn n all) /\ fits r c (skipn n all)).
  { apply Forall_app. rewrite Cut. exact F. }
  pose proof Inc as Inc'. rewrite <- Cut in Inc'. destruct (increasing_app _ _ _ Inc') as [I1 [[d I2] I3]].
  assert (NE : firstn n all <> []) by (destruct n; [lia | discriminate]).
  assert (I2' : increasing k (skipn n all)).
  { destruct n as [| m]; [lia |]. cbn [skipn all]. destruct Inc as [_ R].
    clear - R. revert k keys R. induction m as [| m IH]; intros k keys R; [exact R |].
    destruct keys as [| [k' l'] keys]; [exact Logic.I |]. destruct R as [B R]. cbn [skipn].
    specialize (IH k' keys R). destruct (skipn m keys) as [| [k2 l2] rest']; [exact Logic.I |].
    destruct IH as [B2 R2]. split; [lia | exact R2]. }
  destruct (IH (skipn n all) k I2' (proj2 Fa)) as [G L]. split.
  - constructor; [| exact G]. apply filled_fits; [rewrite firstn_length; lia | apply Fa | exact NE].
  - intros b' B. cbn [lows_from]. unfold all. rewrite low_filled by exact N. destruct Inc as [B1 _].
    split; [lia | apply L; lia].
Qed.

(** Lemma B.10: for every table of keys below 2^r in increasing order and labels below 2^c, cut into groups
    of n, the network answers the label on every key and 0 on every other integer that is not negative. *)
Theorem lemma_B_10 n r c keys X (x : valuation) : (1 <= n)%nat -> increasing (-1) keys -> fits r c keys -> 0 <= X ->
  x (name_of 0) = IZR X ->
  well_formed (memorizer_network n r c (groups_of keys n keys))
  /\ output (memorizer_network n r c (groups_of keys n keys)) x 0 = IZR (label_of X keys).
Proof.
  intros N Inc F P E. destruct (groups_right n r c N keys keys (-1) Inc F) as [G L].
  destruct (memorizer_answers n r c _ X x G (L 0 ltac:(lia)) P E) as [W O]. split; [exact W |]. rewrite O. f_equal.
  rewrite (selected_says X n N keys keys (-1) (zeros n) (le_n _) Inc), <- (look_label X keys (-1) Inc).
  assert (Z0 : look X (zeros n) = 0) by apply look_repeated. rewrite Z0.
  destruct keys as [| [k l] keys]; [reflexivity |]. destruct (Z.leb_spec k X) as [Le | Gt]; [reflexivity |].
  destruct Inc as [_ Inc]. cbn [look]. destruct (Z.eqb_spec X k); [lia |]. rewrite (look_before X keys k Inc) by lia. reflexivity.
Qed.
