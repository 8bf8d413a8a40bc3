(** Sums of ridge functions: units that depend on one direction d . x alone are kept, and what is
    left, a sum of functions of one direction each, is bounded with a share of the ball.

    Which units lie on which direction need not be believed: each is a line in u = d . x on an
    interval, by what it reads, and its interval is cut where it changes its sign. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Psatz.
From Robmem Require Import Statement Numbers Powers Tries Leaf Tree Balls.
Import ListNotations.
Open Scope R_scope.

Definition along (d : direction) (x : valuation) : R :=
  total (map (fun p => Q2R (snd p) * x (fst p)) d).
Definition same_q (a b : Q) : bool := leq a b && leq b a.
Lemma same_q_true a b : same_q a b = true -> Q2R a = Q2R b.
Proof.
  unfold same_q. intro H. apply andb_true_iff in H as [h l]. apply leq_true in h.
  apply leq_true in l. lra.
Qed.
Definition same_name (a b : name) : bool := if name_dec a b then true else false.
Fixpoint same_direction (d d' : direction) : bool :=
  match d, d' with
  | [], [] => true
  | (k, g) :: d, (k', g') :: d' => same_name k k' && same_q g g' && same_direction d d'
  | _, _ => false
  end.
Lemma same_direction_true x : forall d d', same_direction d d' = true -> along d x = along d' x.
Proof.
  unfold along. induction d as [| [k g] d IH]; intros [| [k' g'] d']; simpl; try discriminate;
    [reflexivity |].
  intro H. apply andb_true_iff in H as [H T]. apply andb_true_iff in H as [N G].
  unfold same_name in N. destruct (name_dec k k') as [-> |]; [| discriminate].
  rewrite (same_q_true _ _ G), (IH _ T). reflexivity.
Qed.

(** Lines in u: slope and constant. *)
Definition line := (Q * Q)%type.
Definition line_at (l : line) (u : R) : R := Q2R (fst l) * u + Q2R (snd l).
Definition agree (forms : name -> option line) (z : valuation) (u : R) : Prop :=
  forall v l, forms v = Some l -> z v = line_at l u.

Fixpoint line_terms (forms : name -> option line) (ts : list (name * Z)) (l : line) : option line :=
  match ts with
  | [] => Some l
  | (v, n) :: ts =>
      match forms v with
      | Some p => line_terms forms ts (add (fst l) (scale n (fst p)), add (snd l) (scale n (snd p)))
      | None => None
      end
  end.
Fixpoint multiple (q : Q) (d : direction) (ts : list (name * Z)) : bool :=
  match d, ts with
  | [], [] => true
  | (k, g) :: d, (v, n) :: ts => same_name k v && same_q (whole n) (mul q g) && multiple q d ts
  | _, _ => false
  end.
Definition line_of_row (forms : name -> option line) (d : direction) (r : row) : option line :=
  match line_terms forms (terms r) (zero, whole (constant r)) with
  | Some l => Some (over (fst l) (denominator r), over (snd l) (denominator r))
  | None =>
      match terms r with
      | (_, n) :: _ =>
          if multiple (whole n) d (terms r)
          then Some (over (whole n) (denominator r), over (whole (constant r)) (denominator r))
          else None
      | [] => None
      end
  end.

Lemma line_terms_sound forms z u : agree forms z u -> forall ts l l',
  line_terms forms ts l = Some l' ->
  line_at l' u = line_at l u + total (map (fun t => IZR (snd t) * z (fst t)) ts).
Proof.
  intro A. induction ts as [| [v n] ts IH]; intros l l'; simpl.
  - intro E; injection E as <-. lra.
  - destruct (forms v) as [p |] eqn:G; [| discriminate].
    intro E. apply IH in E. rewrite E, (A _ _ G). unfold line_at; simpl.
    rewrite !add_real, !scale_real. lra.
Qed.
Lemma multiple_sound q x : forall d ts, multiple q d ts = true ->
  total (map (fun t => IZR (snd t) * x (fst t)) ts) = Q2R q * along d x.
Proof.
  unfold along. induction d as [| [k g] d IH]; intros [| [v n] ts]; simpl; try discriminate; [lra |].
  intro H. apply andb_true_iff in H as [H T]. apply andb_true_iff in H as [N G].
  unfold same_name in N. destruct (name_dec k v) as [-> |]; [| discriminate].
  apply same_q_true in G. rewrite whole_real, mul_real in G. rewrite G, (IH _ T). lra.
Qed.
Lemma line_of_row_sound forms d r l z u : agree forms z u -> u = along d z ->
  line_of_row forms d r = Some l -> value r z = line_at l u.
Proof.
  unfold line_of_row, value. intros A U.
  destruct (line_terms forms (terms r) (zero, whole (constant r))) as [p |] eqn:T.
  - intro E; injection E as <-. apply (line_terms_sound _ _ _ A) in T. unfold line_at in *.
    simpl in *. rewrite zero_real, whole_real in T. rewrite !over_real.
    replace (total (map (fun t => IZR (snd t) * z (fst t)) (terms r)) + IZR (constant r))
      with (Q2R (fst p) * u + Q2R (snd p)) by lra. field. auto.
  - destruct (terms r) as [| [v n] ts]; [discriminate |].
    destruct (multiple (whole n) d ((v, n) :: ts)) eqn:M; [| discriminate].
    intro E; injection E as <-. rewrite (multiple_sound _ z _ _ M), <- U. unfold line_at. simpl.
    rewrite !over_real, !whole_real. field. auto.
Qed.

(** Variables that are lines in u wherever the root's bounds hold: inputs, units that are on (copies
    of carried inputs among them), and zeros. They are found once, and not walked through again. *)
Definition placed := trie (direction * line).
Definition placed_ok (base : placed) (z : valuation) : Prop :=
  forall v d l, get v base = Some (d, l) -> z v = line_at l (along d z).
Definition known_line (base : placed) (d : direction) (v : name) : option line :=
  match get v base with
  | Some (d', l) => if same_direction d d' then Some l else None
  | None => None
  end.
Definition flat : line := (zero, zero).
Section Place.
Context {B : Type} (on off : B -> bool).
Definition place_unit (e : env B) (lines : trie direction) (base : placed) (v : name) : placed :=
  match get v lines, get v e with
  | Some d, Some (Unit r lo hi) =>
      if on lo then
        match line_of_row (known_line base d) d r with Some l => put v (d, l) base | None => base end
      else if off hi then put v (d, flat) base else base
  | _, _ => base
  end.
Definition place (e : env B) (lines : trie direction) (net : network) : placed :=
  fold_left (fun base (u : name * row) => place_unit e lines base (fst u)) (units net)
    (fold_left (fun base k => put k ([(k, one)], (one, zero)) base) (inputs net) Nil).

Lemma known_line_agrees base z d : placed_ok base z -> agree (known_line base d) z (along d z).
Proof.
  intros P v l. unfold known_line. destruct (get v base) as [[d' l'] |] eqn:G; [| discriminate].
  destruct (same_direction d d') eqn:S; [| discriminate]. intro E; injection E as <-.
  rewrite (same_direction_true z _ _ S). exact (P _ _ _ G).
Qed.
Lemma placed_put base z v d l : placed_ok base z -> z v = line_at l (along d z) ->
  placed_ok (put v (d, l) base) z.
Proof.
  intros P H w d' l'. rewrite get_put. destruct (name_dec w v) as [-> |]; [| apply P].
  intro E; injection E as <- <-. exact H.
Qed.
Variable real : B -> R.
Hypothesis on_true : forall b, on b = true -> 0 <= real b.
Hypothesis off_true : forall b, off b = true -> real b <= 0.
Lemma place_unit_ok e lines base v z : valid real e z -> placed_ok base z ->
  placed_ok (place_unit e lines base v) z.
Proof.
  intros V P. unfold place_unit. destruct (get v lines) as [d |]; [| exact P].
  destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try exact P. destruct (V _ _ G) as [Z Bounds].
  destruct (on lo) eqn:On.
  - apply on_true in On. destruct (line_of_row (known_line base d) d r) as [l |] eqn:L; [| exact P].
    apply placed_put; [exact P |]. rewrite Z, Rmax_right by lra.
    exact (line_of_row_sound _ d r l z _ (known_line_agrees base z d P) eq_refl L).
  - destruct (off hi) eqn:Off; [| exact P]. apply off_true in Off.
    apply placed_put; [exact P |]. rewrite Z, Rmax_left by lra. unfold line_at, flat. simpl.
    rewrite zero_real. lra.
Qed.
Lemma place_ok e lines net z : valid real e z -> placed_ok (place e lines net) z.
Proof.
  intro V. unfold place.
  assert (I : forall ks base, placed_ok base z ->
    placed_ok (fold_left (fun base k => put k ([(k, one)], (one, zero)) base) ks base) z).
  { induction ks as [| k ks IH]; intros base P; [exact P |]. apply IH, placed_put; [exact P |].
    unfold line_at, along. simpl. rewrite one_real, zero_real. lra. }
  assert (J : forall us base, placed_ok base z ->
    placed_ok (fold_left (fun base (u : name * row) => place_unit e lines base (fst u)) us base) z).
  { induction us as [| v us IH]; intros base P; [exact P |]. apply IH, place_unit_ok; assumption. }
  apply J, I. intros v d l F. discriminate F.
Qed.
End Place.

(** What is decided about an affine function at both ends holds between them. *)
Lemma affine_nonneg s c a b u : 0 <= s * a + c -> 0 <= s * b + c -> a <= u <= b -> 0 <= s * u + c.
Proof.
  intros A B [H1 H2]. destruct (Rle_lt_dec 0 s) as [up | down].
  - assert (s * a <= s * u) by (apply Rmult_le_compat_l; lra). lra.
  - assert (- s * u <= - s * b) by (apply Rmult_le_compat_l; lra). lra.
Qed.
Lemma affine_positive s c a b u : 0 < s * a + c -> 0 <= s * b + c -> a <= u <= b ->
  0 < s * b + c \/ u < b -> 0 < s * u + c.
Proof.
  intros A B [H1 H2] C. destruct (Rle_lt_dec 0 s) as [up | down].
  - assert (s * a <= s * u) by (apply Rmult_le_compat_l; lra). lra.
  - destruct C as [C | C].
    + assert (- s * u <= - s * b) by (apply Rmult_le_compat_l; lra). lra.
    + assert (- s * u < - s * b) by (apply Rmult_lt_compat_l; lra). lra.
Qed.
Lemma line_nonneg l a b u : 0 <= line_at l a -> 0 <= line_at l b -> a <= u <= b -> 0 <= line_at l u.
Proof. apply affine_nonneg. Qed.
Lemma line_nonpos l a b u : line_at l a <= 0 -> line_at l b <= 0 -> a <= u <= b -> line_at l u <= 0.
Proof.
  unfold line_at. intros A B H.
  pose proof (affine_nonneg (- Q2R (fst l)) (- Q2R (snd l)) a b u). lra.
Qed.

Definition eval (l : line) (u : Q) : Q := add (mul (fst l) u) (snd l).
Lemma eval_real l u : Q2R (eval l u) = line_at l (Q2R u).
Proof. unfold eval, line_at. rewrite add_real, mul_real. reflexivity. Qed.
(** a / b; believed only where it is tried out. *)
Definition divide (a b : Q) : Q :=
  if positive_q b
  then reduce (Qmake (Z.mul (Qnum a) (Zpos (Qden b))) (Pos.mul (Qden a) (Z.to_pos (Qnum b))))
  else neg (reduce (Qmake (Z.mul (Qnum a) (Zpos (Qden b)))
    (Pos.mul (Qden a) (Z.to_pos (Z.opp (Qnum b)))))).

Section Walk.
Context {B : Type}.
Variables (e : env B) (base : placed) (d : direction).
Variable last : (name -> option line) -> Q -> Q -> option Q.
Definition form_of (forms : trie line) (v : name) : option line :=
  match get v forms with Some l => Some l | None => known_line base d v end.

(** Unit after unit, each a line on [a, b], which is cut where one changes its sign. *)
Fixpoint walk (us : list name) (forms : trie line) (a b : Q) : option Q :=
  match us with
  | [] => last (form_of forms) a b
  | v :: us =>
      match get v e with
      | Some (Unit r _ _) =>
          match line_of_row (form_of forms) d r with
          | None => None
          | Some l =>
              let at_a := eval l a in
              let at_b := eval l b in
              if nonneg at_a && nonneg at_b then walk us (put v l forms) a b
              else if nonneg (neg at_a) && nonneg (neg at_b) then walk us (put v flat forms) a b
              else
                let root := divide (neg (snd l)) (fst l) in
                if is_zero (eval l root) then
                  match walk us (put v (if nonneg at_a then l else flat) forms) a root,
                        walk us (put v (if nonneg at_a then flat else l) forms) root b with
                  | Some p, Some q => Some (smaller p q)
                  | _, _ => None
                  end
                else None
          end
      | _ => None
      end
  end.

Variables (real : B -> R) (z : valuation) (u goal_ : R).
Hypothesis at_last : forall forms a b m, agree forms z u -> Q2R a <= u <= Q2R b ->
  last forms a b = Some m -> Q2R m <= goal_.

Lemma agree_put forms v l : agree (form_of forms) z u -> z v = line_at l u ->
  agree (form_of (put v l forms)) z u.
Proof.
  intros A H w p. unfold form_of. rewrite get_put. destruct (name_dec w v) as [-> |]; [| apply A].
  intro E; injection E as <-. exact H.
Qed.
Lemma walk_sound : valid real e z -> u = along d z -> forall us forms a b m,
  walk us forms a b = Some m -> agree (form_of forms) z u -> Q2R a <= u <= Q2R b ->
  Q2R m <= goal_.
Proof.
  intros V U. induction us as [| v us IH]; intros forms a b m; cbn [walk].
  - intros E A H. eapply at_last; eauto.
  - destruct (get v e) as [[lo hi | r lo hi] |] eqn:G; try discriminate.
    destruct (line_of_row (form_of forms) d r) as [l |] eqn:L; [| discriminate].
    destruct (V _ _ G) as [Hz _].
    intros E A H. pose proof (line_of_row_sound _ _ _ _ _ _ A U L) as R. rewrite R in Hz.
    assert (up : 0 <= line_at l u -> z v = line_at l u)
      by (intro P; rewrite Hz; apply Rmax_right; exact P).
    assert (down : line_at l u <= 0 -> z v = line_at flat u).
    { intro P. rewrite Hz, Rmax_left by exact P. unfold line_at, flat. simpl.
      rewrite zero_real. lra. }
    revert E.
    destruct (nonneg (eval l a) && nonneg (eval l b)) eqn:S1.
    { apply andb_true_iff in S1 as [a1 b1]. apply nonneg_true in a1. apply nonneg_true in b1.
      rewrite eval_real in a1, b1. intro E. refine (IH _ _ _ _ E _ H).
      apply agree_put; [exact A |]. apply up. apply (line_nonneg l _ _ _ a1 b1 H). }
    destruct (nonneg (neg (eval l a)) && nonneg (neg (eval l b))) eqn:S2.
    { apply andb_true_iff in S2 as [a1 b1]. apply nonneg_true in a1. apply nonneg_true in b1.
      rewrite neg_real, eval_real in a1, b1. intro E. refine (IH _ _ _ _ E _ H).
      apply agree_put; [exact A |]. apply down. apply (line_nonpos l (Q2R a) (Q2R b)); lra. }
    set (root := divide (neg (snd l)) (fst l)).
    destruct (is_zero (eval l root)) eqn:Z0; [| discriminate].
    apply is_zero_real in Z0. rewrite eval_real in Z0.
    destruct (walk us (put v (if nonneg (eval l a) then l else flat) forms) a root)
      as [p |] eqn:W1; [| discriminate].
    destruct (walk us (put v (if nonneg (eval l a) then flat else l) forms) root b)
      as [q |] eqn:W2; [| discriminate].
    intro E; injection E as <-. rewrite smaller_real.
    destruct (nonneg (eval l a)) eqn:Sa.
    + apply nonneg_true in Sa. rewrite eval_real in Sa.
      assert (Sb : line_at l (Q2R b) < 0).
      { simpl in S1. apply nonneg_false in S1. rewrite eval_real in S1. exact S1. }
      destruct (Rle_lt_dec u (Q2R root)) as [left | right].
      * apply Rle_trans with (1 := Rmin_l _ _). refine (IH _ _ _ _ W1 _ (conj (proj1 H) left)).
        apply agree_put; [exact A |]. apply up. apply (line_nonneg l (Q2R a) (Q2R root)); lra.
      * apply Rle_trans with (1 := Rmin_r _ _).
        refine (IH _ _ _ _ W2 _ (conj (Rlt_le _ _ right) (proj2 H))).
        apply agree_put; [exact A |]. apply down. apply (line_nonpos l (Q2R root) (Q2R b)); lra.
    + apply nonneg_false in Sa. rewrite eval_real in Sa.
      assert (Sb : 0 < line_at l (Q2R b)).
      { assert (Na : nonneg (neg (eval l a)) = true).
        { destruct (nonneg (neg (eval l a))) eqn:Na; [reflexivity |].
          apply nonneg_false in Na. rewrite neg_real, eval_real in Na. lra. }
        rewrite Na in S2. simpl in S2. apply nonneg_false in S2.
        rewrite neg_real, eval_real in S2. lra. }
      destruct (Rle_lt_dec u (Q2R root)) as [left | right].
      * apply Rle_trans with (1 := Rmin_l _ _). refine (IH _ _ _ _ W1 _ (conj (proj1 H) left)).
        apply agree_put; [exact A |]. apply down. apply (line_nonpos l (Q2R a) (Q2R root)); lra.
      * apply Rle_trans with (1 := Rmin_r _ _).
        refine (IH _ _ _ _ W2 _ (conj (Rlt_le _ _ right) (proj2 H))).
        apply agree_put; [exact A |]. apply up. apply (line_nonneg l (Q2R root) (Q2R b)); lra.
Qed.
End Walk.

(** A line plus tau |u - c|^p on [a, b]; without a ball tau is 0. *)
Definition gauge_of (b : shape) : gauge := match b with Ball n _ _ => n | Box => Linf end.
Definition distance (n : gauge) (w : R) : R :=
  match n with Of L2 => w * w | Power n => Rabs w ^ S (S n) | _ => Rabs w end.
Definition distance_q (n : gauge) (w : Q) : Q :=
  match n with Of L2 => mul w w | Power n => power (magnitude w) (S (S n)) | _ => magnitude w end.
Definition lifted (n : gauge) (tau c : Q) (l : line) (u : Q) : Q :=
  add (eval l u) (mul tau (distance_q n (sub u c))).
Definition two : Q := whole 2.
(** For p = n + 2 > 2: the slope at u, and a number w with p tau w^(p - 1) >= |slope of the line|. *)
Definition rise_q (n : nat) (w : Q) : Q := if nonneg w then power w n else neg (power (neg w) n).
Definition slope_at (n : nat) (tau c : Q) (l : line) (u : Q) : Q :=
  add (fst l) (mul (mul (count (S (S n))) tau) (rise_q (S n) (sub u c))).
Definition far (n : nat) (tau : Q) (l : line) : Q :=
  root_above 80 (S n) (divide (magnitude (fst l)) (mul (count (S (S n))) tau)).
Definition least (n : gauge) (tau c : Q) (l : line) (a b : Q) : Q :=
  match n with
  | Of L2 =>
    if nonneg (add (fst l) (mul (mul two tau) (sub a c))) then lifted n tau c l a
    else if nonneg (neg (add (fst l) (mul (mul two tau) (sub b c)))) then lifted n tau c l b
    else sub (eval l c) (divide (mul (fst l) (fst l)) (mul (whole 4) tau))
  | Power k =>
    if nonneg (slope_at k tau c l a) then lifted n tau c l a
    else if nonneg (neg (slope_at k tau c l b)) then lifted n tau c l b
    else sub (eval l c) (mul (mul (count (S k)) tau) (power (far k tau l) (S (S k))))
  | _ =>
    let ends := smaller (lifted n tau c l a) (lifted n tau c l b) in
    if leq a c && leq c b then smaller ends (lifted n tau c l c) else ends
  end.
(** The vertex is believed only if it is one. *)
Definition vertex_ok (n : gauge) (tau c : Q) (l : line) : bool :=
  match n with
  | Of L2 => negb (positive_q tau)
      || same_q (mul (divide (mul (fst l) (fst l)) (mul (whole 4) tau)) (mul (whole 4) tau))
           (mul (fst l) (fst l))
  | Power k => negb (positive_q tau)
      || leq (magnitude (fst l)) (mul (mul (count (S (S k))) tau) (power (far k tau l) (S k)))
  | _ => true
  end.

Lemma distance_q_real n w : Q2R (distance_q n w) = distance n (Q2R w).
Proof.
  destruct n as [[| |] | n]; unfold distance_q, distance; rewrite ?power_real, ?mul_real, ?magnitude_real;
    reflexivity.
Qed.
Lemma rise_q_real n w : Q2R (rise_q n w) = rise n (Q2R w).
Proof.
  unfold rise_q, rise. destruct (nonneg w) eqn:W, (Rle_lt_dec 0 (Q2R w)) as [N | N].
  - apply power_real.
  - apply nonneg_true in W. lra.
  - apply nonneg_false in W. lra.
  - rewrite neg_real, power_real, neg_real. reflexivity.
Qed.
Lemma slope_at_real n tau c l u : Q2R (slope_at n tau c l u)
  = Q2R (fst l) + INR (S (S n)) * Q2R tau * rise (S n) (Q2R u - Q2R c).
Proof. unfold slope_at. rewrite add_real, !mul_real, count_real, rise_q_real, sub_real. reflexivity. Qed.
Lemma lifted_real n tau c l u :
  Q2R (lifted n tau c l u) = line_at l (Q2R u) + Q2R tau * distance n (Q2R u - Q2R c).
Proof. unfold lifted. rewrite add_real, eval_real, mul_real, distance_q_real, sub_real. reflexivity. Qed.

Lemma between f a b u : a <= u <= b -> (forall x y t, f (t * x + (1 - t) * y) = t * f x + (1 - t) * f y) ->
  Rmin (f a) (f b) <= f u.
Proof.
  intros [H1 H2] L. destruct (Req_dec a b) as [-> | ne].
  - replace u with b by lra. apply Rmin_r.
  - set (t := (b - u) / (b - a)).
    assert (T : 0 <= t <= 1).
    { unfold t. split; [apply Rmult_le_pos; [lra | apply Rlt_le, Rinv_0_lt_compat; lra] |].
      apply Rmult_le_reg_r with (b - a); [lra |]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
    assert (U : u = t * a + (1 - t) * b) by (unfold t; field; lra).
    rewrite U, L. pose proof (Rmin_l (f a) (f b)). pose proof (Rmin_r (f a) (f b)).
    assert (t * Rmin (f a) (f b) <= t * f a) by (apply Rmult_le_compat_l; lra).
    assert ((1 - t) * Rmin (f a) (f b) <= (1 - t) * f b) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(** Of the norms with a corner at the center, and of higher ones. *)
Lemma least_corner n tau c l a b u :
  0 <= Q2R tau -> (forall w, distance n w = Rabs w) -> Q2R a <= u <= Q2R b ->
  Q2R (let ends := smaller (lifted n tau c l a) (lifted n tau c l b) in
       if leq a c && leq c b then smaller ends (lifted n tau c l c) else ends)
  <= line_at l u + Q2R tau * distance n (u - Q2R c).
Proof.
  intros T D H. cbv zeta.
  assert (lin : forall x y t, line_at l (t * x + (1 - t) * y) = t * line_at l x + (1 - t) * line_at l y)
    by (intros; unfold line_at; ring).
  set (F := fun x => line_at l x + Q2R tau * distance n (x - Q2R c)).
  change (line_at l u + Q2R tau * distance n (u - Q2R c)) with (F u).
  assert (E : forall x, Q2R (lifted n tau c l x) = F (Q2R x)) by (intro x; apply lifted_real).
  assert (right : forall x y, Q2R c <= x -> x <= u <= y -> Rmin (F x) (F y) <= F u).
  { intros x y cx xy. unfold F. rewrite !D, !Rabs_right by lra.
    apply (between (fun v => line_at l v + Q2R tau * (v - Q2R c)) x y u xy).
    intros; rewrite lin; ring. }
  assert (left : forall x y, y <= Q2R c -> x <= u <= y -> Rmin (F x) (F y) <= F u).
  { intros x y cy xy. unfold F. rewrite !D, !Rabs_left1 by lra.
    apply (between (fun v => line_at l v + Q2R tau * - (v - Q2R c)) x y u xy).
    intros; rewrite lin; ring. }
  destruct (leq a c && leq c b) eqn:C; rewrite !smaller_real, !E.
  + apply andb_true_iff in C as [ac cb]. apply leq_true in ac. apply leq_true in cb.
    destruct (Rle_lt_dec u (Q2R c)) as [lo | hi].
    * specialize (left (Q2R a) (Q2R c)). unfold Rmin in *.
      destruct (Rle_dec _ _), (Rle_dec _ _), (Rle_dec _ _); lra.
    * specialize (right (Q2R c) (Q2R b)). unfold Rmin in *.
      destruct (Rle_dec _ _), (Rle_dec _ _), (Rle_dec _ _); lra.
  + apply andb_false_iff in C as [C | C]; apply leq_false in C.
    * apply right; lra.
    * apply left; lra.
Qed.
Lemma least_power n tau c l a b u :
  0 <= Q2R tau -> vertex_ok (Power n) tau c l = true -> Q2R a <= u <= Q2R b ->
  Q2R (least (Power n) tau c l a b) <= line_at l u + Q2R tau * distance (Power n) (u - Q2R c).
Proof.
  intros T K H. unfold least. set (F := fun x => Q2R tau * (Rabs x ^ S (S n))).
  assert (G : forall w, Q2R tau * Rabs (Q2R w - Q2R c) ^ S (S n)
    + INR (S (S n)) * Q2R tau * rise (S n) (Q2R w - Q2R c) * (u - Q2R w)
    <= Q2R tau * Rabs (u - Q2R c) ^ S (S n)).
  { intro w. pose proof (tangent_signed (S n) (Q2R w - Q2R c) (u - Q2R c)) as A.
    apply (Rmult_le_compat_l _ _ _ T) in A.
    replace (u - Q2R c - (Q2R w - Q2R c)) with (u - Q2R w) in A by ring. lra. }
  destruct (nonneg (slope_at n tau c l a)) eqn:Sa;
    [| destruct (nonneg (neg (slope_at n tau c l b))) eqn:Sb].
  - apply nonneg_true in Sa. rewrite slope_at_real in Sa. rewrite lifted_real.
    unfold line_at, distance. specialize (G a).
    set (e := INR (S (S n)) * Q2R tau * rise (S n) (Q2R a - Q2R c)) in *.
    assert (0 <= (Q2R (fst l) + e) * (u - Q2R a)) by (apply Rmult_le_pos; lra). lra.
  - apply nonneg_true in Sb. rewrite neg_real, slope_at_real in Sb. rewrite lifted_real.
    unfold line_at, distance. specialize (G b).
    set (e := INR (S (S n)) * Q2R tau * rise (S n) (Q2R b - Q2R c)) in *.
    assert (0 <= - (Q2R (fst l) + e) * (Q2R b - u)) by (apply Rmult_le_pos; lra). lra.
  - apply nonneg_false in Sa. apply nonneg_false in Sb.
    rewrite neg_real, slope_at_real in Sb. rewrite slope_at_real in Sa.
    rewrite sub_real, eval_real, !mul_real, count_real, power_real. unfold line_at, distance.
    unfold vertex_ok in K. destruct (positive_q tau) eqn:P; cbn [negb orb] in K.
    + apply leq_true in K. rewrite !mul_real, count_real, power_real, magnitude_real in K.
      set (w := Q2R (far n tau l)) in *. set (x := u - Q2R c).
      assert (W : 0 <= w) by apply root_above_sound.
      pose proof (tangent (S n) w (Rabs x) W (Rabs_pos x)) as A.
      apply (Rmult_le_compat_l _ _ _ T) in A.
      apply (Rmult_le_compat_r (Rabs x) _ _ (Rabs_pos x)) in K.
      pose proof (Rle_abs (- (Q2R (fst l) * x))) as B. rewrite Rabs_Ropp, Rabs_mult in B.
      assert (E : Q2R (fst l) * u = Q2R (fst l) * Q2R c + Q2R (fst l) * x) by (unfold x; ring). lra.
    + apply positive_false in P. assert (T0 : Q2R tau = 0) by lra. rewrite T0 in *. lra.
Qed.

Lemma least_sound n tau c l a b u :
  0 <= Q2R tau -> vertex_ok n tau c l = true -> Q2R a <= u <= Q2R b ->
  Q2R (least n tau c l a b) <= line_at l u + Q2R tau * distance n (u - Q2R c).
Proof.
  intros T K H. destruct n as [[| |] | n].
  - apply least_corner; auto.
  - apply least_corner; auto.
  - unfold least. destruct (nonneg (add (fst l) (mul (mul two tau) (sub a c)))) eqn:Sa;
      [| destruct (nonneg (neg (add (fst l) (mul (mul two tau) (sub b c))))) eqn:Sb].
    + apply nonneg_true in Sa. unfold two in Sa. autorewrite with num in Sa.
      rewrite lifted_real. unfold line_at, distance.
      assert (0 <= (u - Q2R a) * (Q2R (fst l) + 2 * Q2R tau * (Q2R a - Q2R c)))
        by (apply Rmult_le_pos; lra).
      assert (0 <= Q2R tau * ((u - Q2R a) * (u - Q2R a)))
        by (apply Rmult_le_pos; [lra | apply Rle_0_sqr]). nra.
    + apply nonneg_true in Sb. unfold two in Sb. autorewrite with num in Sb.
      rewrite lifted_real. unfold line_at, distance.
      assert (0 <= (Q2R b - u) * - (Q2R (fst l) + 2 * Q2R tau * (Q2R b - Q2R c)))
        by (apply Rmult_le_pos; lra).
      assert (0 <= Q2R tau * ((u - Q2R b) * (u - Q2R b)))
        by (apply Rmult_le_pos; [lra | apply Rle_0_sqr]). nra.
    + apply nonneg_false in Sa. apply nonneg_false in Sb. unfold two in Sa, Sb.
      autorewrite with num in Sa, Sb.
      rewrite sub_real, eval_real. unfold line_at, distance.
      set (w := divide (mul (fst l) (fst l)) (mul (whole 4) tau)) in *.
      unfold vertex_ok in K. simpl in K. fold w in K.
      destruct (positive_q tau) eqn:P; simpl in K.
      * apply positive_true in P. apply same_q_true in K. rewrite !mul_real, whole_real in K.
        assert (S : 0 <= (2 * Q2R tau * (u - Q2R c) + Q2R (fst l))
          * (2 * Q2R tau * (u - Q2R c) + Q2R (fst l))) by apply Rle_0_sqr.
        assert (G : 0 <= 4 * Q2R tau * (Q2R (fst l) * (u - Q2R c)
          + Q2R tau * ((u - Q2R c) * (u - Q2R c)) + Q2R w)) by nra.
        assert (0 <= Q2R (fst l) * (u - Q2R c) + Q2R tau * ((u - Q2R c) * (u - Q2R c)) + Q2R w).
        { apply Rmult_le_reg_l with (4 * Q2R tau); lra. }
        lra.
      * apply positive_false in P. assert (T0 : Q2R tau = 0) by lra. rewrite T0 in *. lra.
  - apply least_power; auto.
Qed.

(** The functions of one direction that a form has, and their minimum with a share of the ball. *)
Fixpoint line_sum (forms : name -> option line) (ts : list (name * Q)) (l : line) : option line :=
  match ts with
  | [] => Some l
  | (v, q) :: ts =>
      match forms v with
      | Some p => line_sum forms ts (add (fst l) (mul q (fst p)), add (snd l) (mul q (snd p)))
      | None => None
      end
  end.
Definition weighted (ts : list (name * Q)) (z : valuation) : R :=
  total (map (fun t => Q2R (snd t) * z (fst t)) ts).
Lemma line_sum_sound forms z u : agree forms z u -> forall ts l l',
  line_sum forms ts l = Some l' -> line_at l' u = line_at l u + weighted ts z.
Proof.
  intro A. unfold weighted. induction ts as [| [v q] ts IH]; intros l l'; simpl.
  - intro E; injection E as <-. lra.
  - destruct (forms v) as [p |] eqn:G; [| discriminate].
    intro E. apply IH in E. rewrite E, (A _ _ G). unfold line_at; simpl.
    rewrite !add_real, !mul_real. lra.
Qed.

(** The units below, in their order, down to what is known; any list would be sound. *)
Definition to_walk {B} (e : env B) (base : placed) (d : direction) (waiting : trie Q) (v : name) : trie Q :=
  match get v e with
  | Some (Unit _ _ _) => match known_line base d v with Some _ => waiting | None => put v zero waiting end
  | _ => waiting
  end.
Fixpoint needed {B} (fuel : list name) (e : env B) (base : placed) (d : direction) (waiting : trie Q)
    (found : list name) : list name :=
  match fuel, pop waiting with
  | _ :: fuel, Some (v, _, waiting) =>
      match get v e with
      | Some (Unit r _ _) =>
          needed fuel e base d
            (fold_left (fun t s => to_walk e base d t (fst s)) (terms r) waiting) (v :: found)
      | _ => needed fuel e base d waiting found
      end
  | _, _ => found
  end.
Definition group_least {B} (fuel : list name) (e : env B) (base : placed) (n : gauge) (d : direction)
    (ts : list (name * Q)) (tau c lo hi : Q) : option Q :=
  let us := needed fuel e base d (fold_left (fun t s => to_walk e base d t (fst s)) ts Nil) [] in
  walk e base d
    (fun forms a b =>
      match line_sum forms ts flat with
      | Some l => if vertex_ok n tau c l then Some (least n tau c l a b) else None
      | None => None
      end) us Nil lo hi.

Lemma group_least_sound {B} (real : B -> R) fuel e base n d ts tau c lo hi m z :
  group_least fuel e base n d ts tau c lo hi = Some m -> valid real e z -> placed_ok base z ->
  0 <= Q2R tau -> Q2R lo <= along d z <= Q2R hi ->
  Q2R m <= weighted ts z + Q2R tau * distance n (along d z - Q2R c).
Proof.
  unfold group_least. intros W V P T H.
  refine (walk_sound e base d _ real z (along d z) _ _ V eq_refl _ _ _ _ _ W _ H).
  - intros forms a b m' A H'. destruct (line_sum forms ts flat) as [l |] eqn:L; [| discriminate].
    destruct (vertex_ok n tau c l) eqn:K; [| discriminate].
    intro E; injection E as <-. apply (line_sum_sound _ _ _ A) in L.
    pose proof (least_sound n tau c l a b (along d z) T K H') as M. rewrite L in M.
    unfold line_at, flat in M. simpl in M. rewrite zero_real in M. lra.
  - intros v l. unfold form_of. simpl. apply known_line_agrees, P.
Qed.
