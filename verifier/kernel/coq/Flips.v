(** Flips, by exact evaluation at a rational point; and exact radii. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers Powers Tries Leaf Tree Root Balls Verify.
Import ListNotations.
Open Scope R_scope.

Definition points_at (t : trie Q) : valuation :=
  fun v => match get v t with Some q => Q2R q | None => 0 end.
Definition look (t : trie Q) (v : name) : Q := match get v t with Some q => q | None => zero end.
Lemma look_real t v : Q2R (look t v) = points_at t v.
Proof. unfold look, points_at. destruct (get v t); [reflexivity | apply zero_real]. Qed.

Fixpoint row_sum (t : trie Q) (ts : list (name * Z)) (q : Q) : Q :=
  match ts with
  | [] => q
  | (v, n) :: ts => row_sum t ts (add q (scale n (look t v)))
  end.
Definition row_at (t : trie Q) (r : row) : Q :=
  over (row_sum t (terms r) (whole (constant r))) (denominator r).
Fixpoint run_at (us : list (name * row)) (t : trie Q) : trie Q :=
  match us with
  | [] => t
  | (v, r) :: us => run_at us (put v (positive_part (row_at t r)) t)
  end.

Lemma row_at_real t r : Q2R (row_at t r) = value r (points_at t).
Proof.
  unfold row_at, value. rewrite over_real. f_equal.
  assert (H : forall ts q, Q2R (row_sum t ts q)
    = total (map (fun s => IZR (snd s) * points_at t (fst s)) ts) + Q2R q).
  { induction ts as [| [v n] ts IH]; intro q; simpl; [lra |].
    rewrite IH, add_real, scale_real, look_real. lra. }
  rewrite H, whole_real. reflexivity.
Qed.

Lemma run_ext : forall us z z', (forall v, z v = z' v) -> forall v, run us z v = run us z' v.
Proof.
  induction us as [| [w r] us IH]; intros z z' H v; [apply H |]. simpl. apply IH. intro u.
  unfold set. destruct (name_dec u w); [| apply H].
  f_equal. apply value_ext. intros t _. apply H.
Qed.
Lemma run_at_real : forall us t v, points_at (run_at us t) v = run us (points_at t) v.
Proof.
  induction us as [| [w r] us IH]; intros t v; [reflexivity |]. cbn [run_at]. rewrite IH.
  simpl. apply run_ext. intro u. unfold points_at at 1. rewrite get_put. unfold set.
  destruct (name_dec u w); [| reflexivity].
  rewrite positive_part_real, row_at_real. reflexivity.
Qed.

Fixpoint point_of (ss : list side) (p : list Q) (t : trie Q) : option (trie Q) :=
  match ss, p with
  | [], [] => Some t
  | s :: ss, q :: p => point_of ss p (put (variable s) q t)
  | _, _ => None
  end.

Definition under (opened : bool) (a b : Q) : bool := if opened then lt a b else leq a b.
Lemma under_true opened a b : under opened a b = true -> below opened (Q2R a) (Q2R b).
Proof. unfold under, below. destruct opened; [apply lt_true | apply leq_true]. Qed.
Definition gap_at (t : trie Q) (s : side) : Q := sub (look t (variable s)) (center s).
Definition total_q (qs : list Q) : Q := fold_right add zero qs.
Definition near_at (ss : list side) (b : shape) (t : trie Q) : bool :=
  match b with
  | Box => true
  | Ball (Of Linf) size opened => forallb (fun s => under opened (magnitude (gap_at t s)) size) ss
  | Ball (Of L1) size opened => under opened (total_q (map (fun s => magnitude (gap_at t s)) ss)) size
  | Ball (Of L2) size opened =>
      under opened (total_q (map (fun s => mul (gap_at t s) (gap_at t s)) ss)) size
  | Ball (Power n) size opened =>
      under opened (total_q (map (fun s => power (magnitude (gap_at t s)) (S (S n))) ss)) size
  end.
Definition inside_at (g : region) (t : trie Q) : bool :=
  forallb (fun s => leq (low s) (look t (variable s)) && leq (look t (variable s)) (high s)) (sides g)
  && near_at (sides g) (ball g) t.

Lemma gap_at_real t s : Q2R (gap_at t s) = gap (points_at t) s.
Proof. unfold gap_at, gap. rewrite sub_real, look_real. reflexivity. Qed.
Lemma total_q_real {A} (f : A -> Q) (h : A -> R) : (forall a, Q2R (f a) = h a) ->
  forall l, Q2R (total_q (map f l)) = total (map h l).
Proof.
  intros H l. unfold total_q. induction l as [| a l IH]; simpl; [apply zero_real |].
  rewrite add_real, IH, H. reflexivity.
Qed.
Lemma near_at_sound ss b t : near_at ss b t = true -> near ss b (points_at t).
Proof.
  destruct b as [| [[| |] | n] size opened]; simpl; intro H; [exact I | | | |].
  - rewrite forallb_forall in H. apply Forall_forall. intros s Hs.
    specialize (H s Hs). apply under_true in H. rewrite magnitude_real, gap_at_real in H. exact H.
  - apply under_true in H. erewrite total_q_real in H; [exact H |].
    intro s. simpl. rewrite magnitude_real, gap_at_real. reflexivity.
  - apply under_true in H. erewrite total_q_real in H; [exact H |].
    intro s. simpl. rewrite mul_real, gap_at_real. reflexivity.
  - apply under_true in H. rewrite two_more. erewrite total_q_real in H; [exact H |].
    intro s. cbv beta. rewrite power_real, magnitude_real, gap_at_real. reflexivity.
Qed.
Lemma inside_at_sound g t : inside_at g t = true -> inside g (points_at t).
Proof.
  unfold inside_at. intro H. apply andb_true_iff in H as [B N]. split; [| apply near_at_sound, N].
  rewrite forallb_forall in B. apply Forall_forall. intros s Hs. specialize (B s Hs).
  apply andb_true_iff in B as [l h]. apply leq_true in l. apply leq_true in h.
  rewrite look_real in l, h. split; assumption.
Qed.

Definition atom_at (net : network) (x z : trie Q) (a : atom) : bool :=
  let inputs := total_q (map (fun t => mul (snd t) (look x (fst t))) (xs a)) in
  let out j := match nth_error (outputs net) j with Some r => row_at z r | None => zero end in
  let outs := total_q (map (fun t => mul (snd t) (out (fst t))) (ys a)) in
  under (strict a) zero (add (add inputs outs) (offset a)).
Lemma atom_at_sound net x a :
  atom_at net x (run_at (units net) x) a = true -> holds net (points_at x) a.
Proof.
  unfold atom_at, holds, holds_of. intro H. apply under_true in H.
  rewrite !add_real, zero_real in H.
  erewrite total_q_real in H; [erewrite total_q_real in H; [exact H |] |].
  - intro t. cbv beta. rewrite mul_real. f_equal. unfold output.
    destruct (nth_error (outputs net) (fst t)) as [r |]; [| apply zero_real].
    rewrite row_at_real. apply value_ext. intros s _. apply run_at_real.
  - intro t. cbv beta. rewrite mul_real, look_real. reflexivity.
Qed.

(** Whether the point lies in the region and satisfies all atoms of goal number [k]. *)
Definition flip_at (net : network) (g : region) (goals : list (list atom)) (k : nat) (p : list Q)
    : bool :=
  match point_of (sides g) p Nil, nth_error goals k with
  | Some x, Some goal =>
      inside_at g x &&
      (let z := run_at (units net) x in forallb (atom_at net x z) goal)
  | _, _ => false
  end.
Lemma flip_at_sound net g goals k p : flip_at net g goals k p = true -> flipped net g goals.
Proof.
  unfold flip_at. destruct (point_of (sides g) p Nil) as [x |]; [| discriminate].
  destruct (nth_error goals k) as [goal |] eqn:N; [| discriminate].
  intro H. apply andb_true_iff in H as [I A].
  exists (points_at x). split; [apply inside_at_sound, I |].
  exists goal. split; [exact (nth_error_In _ _ N) |].
  rewrite forallb_forall in A. apply Forall_forall. intros a Ha. apply atom_at_sound, A, Ha.
Qed.

(** What does not exist is 0 in an evaluation; so that it exists is asked as well: inputs in their
    order, a layered network, atoms about what there is. *)
Definition asks_well (net : network) (box : list (name * (Q * Q))) (goals : list (list atom)) : bool :=
  match root row_interval net box with
  | Some e =>
      outputs_exist e (outputs net)
      && match all (all (atom_rows numbers e (outputs net))) goals with Some _ => true | None => false end
  | None => false
  end.
Lemma asks_well_true net box goals : asks_well net box goals = true ->
  well_formed net /\ map fst box = inputs net /\ Forall (Forall (names_exist net)) goals.
Proof.
  unfold asks_well. destruct (root row_interval net box) as [e |] eqn:R; [| discriminate]. intro H.
  apply andb_true_iff in H as [O H].
  destruct (root_known _ row_interval_reads _ _ _ R) as [same [D [Y [K J]]]].
  destruct (all (all (atom_rows numbers e (outputs net))) goals) as [aims |] eqn:A; [| discriminate].
  split; [split; [exact D | split; [exact Y |]] | split; [exact same |]].
  - apply Forall_forall. intros r Hr t Ht. apply K.
    unfold outputs_exist in O. rewrite forallb_forall in O. specialize (O r Hr).
    rewrite forallb_forall in O. specialize (O t Ht). intro bad. rewrite bad in O. discriminate.
  - apply all_forall in A. revert A. apply Forall_impl. intros goal [aim A].
    apply all_forall in A. revert A. apply Forall_impl. intros a [s A]. unfold atom_rows in A.
    destruct (forallb (fun t => is_input e (fst t)) (xs a)) eqn:X; [| discriminate].
    destruct (output_rows (outputs net) (ys a)) as [ps |] eqn:P; [| discriminate].
    split; [| exact (output_rows_exist _ _ _ P)].
    apply Forall_forall. intros t Ht. apply J. rewrite forallb_forall in X. apply X, Ht.
Qed.

Definition flip (net : network) (g : region) (goals : list (list atom)) (k : nat) (p : list Q)
    : bool := asks_well net (box_of g) goals && flip_at net g goals k p.
Theorem flip_sound net g goals k p : flip net g goals k p = true ->
  asked_well net g goals /\ flipped net g goals.
Proof.
  unfold flip. intro H. apply andb_true_iff in H as [W F]. split; [| exact (flip_at_sound _ _ _ _ _ F)].
  destruct (asks_well_true _ _ _ W) as [W1 [W2 W3]]. split; [exact W1 | split; [| exact W3]].
  rewrite <- W2. unfold box_of. rewrite map_map. reflexivity.
Qed.

Definition is_opened (g : region) : bool := match ball g with Ball _ _ true => true | _ => false end.
Definition radius (fuel : list name) (ls : trie direction) (net : network) (g : region)
    (goals : list (list atom)) (pr : proof Q) (k : nat) (p : list Q) : bool :=
  is_opened g && flip_at net (with_sphere g) goals k p && verify fuel ls net g goals pr.
Theorem radius_sound fuel ls net g goals pr k p :
  radius fuel ls net g goals pr k p = true ->
  asked_well net g goals /\ exact_radius net g goals.
Proof.
  unfold radius. intro H. apply andb_true_iff in H as [H V]. apply andb_true_iff in H as [O F].
  apply verify_sound in V as [W N]. split; [exact W |]. split; [| split].
  - unfold is_opened in O. unfold opened_ball. destruct (ball g) as [| n size [|]]; easy.
  - exact N.
  - exact (flip_at_sound _ _ _ _ _ F).
Qed.
