(** A data set is certified by recognising its network.

    The program asks four things: [sound_question] (the data have the shape that the theorems want,
    the budget is below half the separation), [too_near] (no two samples of different labels are too
    near, all turns), [step] for every line of the network, [same] for its output. If all four
    answers are right then every ball keeps its label: [recognised]. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data Cubes Stream Separation.
Import ListNotations.
Open Scope R_scope.

(** What is claimed to have been built, and for which budget: [separation] is lambda, and
    [parameter] is mu; if [every], the network has the budget as an input. *)
Inductive family := CubeTests.
Record question := Question
  { tests : family; shape_of : layout; every : bool; separation : Q; parameter : Q }.

Definition norm_of (q : question) : norm := match tests q with CubeTests => Linf end.
Definition inputs_due (q : question) (D : data) : nat := inputs_of (every q) D.
Definition network_due (q : question) (D : data) : list layer * line :=
  match tests q with
  | CubeTests =>
      let '(ls, top) := cube_layers (every q) (shape_of q) D (separation q) (parameter q) in
      (ls, result (setting_of (every q) (shape_of q) D (separation q) (parameter q)) top)
  end.

Fixpoint has_length (n : nat) (p : list Z) : bool :=
  match n, p with
  | O, [] => true
  | S n, _ :: p => has_length n p
  | _, _ => false
  end.
Definition shaped_data (D : data) : bool :=
  match columns D with O => false | S _ => true end
  && forallb (fun s => has_length (columns D) (fst s) && Z.leb 0 (snd s)) (samples D).
Definition budget_fits (q : question) : bool :=
  let a := parameter q in let b := separation q in
  Z.leb 0 (Qnum a) && Z.ltb (2 * Qnum a * Zpos (Qden b)) (Qnum b * Zpos (Qden a))
  && (if every q then Z.eqb (Qnum a) 0 && Pos.eqb (Qden a) 1 else true).
Definition sound_question (q : question) (D : data) : bool := shaped_data D && budget_fits q.

(** The claim about a network: of one budget, every ball of every sample keeps its label; of all,
    on the ball of m the output is the label times 1 - 2 m / lambda, which is positive. *)
Definition one_budget (m : norm) (size : Q) (D : data) (net : network) : Prop :=
  forall s, In s (samples D) -> keeps_label (Task Value 0 m size None) net (sample_of D s).
Definition every_budget (m : norm) (lambda : Q) (D : data) (net : network) : Prop :=
  well_formed net /\ inputs net = map name_of (numbers 0 (S (columns D)))
  /\ forall s, In s (samples D) -> forall (x : valuation) (mu : R),
  x (name_of (Z.of_nat (columns D))) = mu -> 0 <= mu -> 2 * mu < Q2R lambda ->
  within m mu (reading (map name_of (numbers 0 (columns D))) x) (point D (fst s)) ->
  output net x 0 = (1 - 2 * mu / Q2R lambda) * IZR (snd s).
Definition claim (q : question) (D : data) (net : network) : Prop :=
  if every q then every_budget (norm_of q) (separation q) D net
  else one_budget (norm_of q) (parameter q) D net.

Lemma has_length_is : forall n p, has_length n p = true -> length p = n.
Proof.
  induction n as [| n IH]; intros [| c p] H; simpl in *; try discriminate; [reflexivity |].
  f_equal. apply IH, H.
Qed.
Lemma shaped_data_sound D : shaped_data D = true -> shaped D.
Proof.
  unfold shaped_data, shaped. intro H. apply andb_true_iff in H as [N F]. split.
  - destruct (columns D); [discriminate | lia].
  - rewrite forallb_forall in F. apply Forall_forall. intros s S. specialize (F s S).
    apply andb_true_iff in F as [L Y]. split; [apply has_length_is, L | apply Z.leb_le, Y].
Qed.
Lemma budget_fits_sound q : budget_fits q = true ->
  0 <= Q2R (parameter q) /\ 2 * Q2R (parameter q) < Q2R (separation q)
  /\ (every q = true -> parameter q = Qmake 0 1).
Proof.
  unfold budget_fits. intro H. apply andb_true_iff in H as [H E]. apply andb_true_iff in H as [P B].
  apply Z.leb_le in P. apply Z.ltb_lt in B. split; [apply sign_le, P |]. split.
  - rewrite !eta_real. apply IZR_lt in B. rewrite !mult_IZR in B.
    set (d := IZR (Zpos (Qden (parameter q)))) in *. set (e := IZR (Zpos (Qden (separation q)))) in *.
    assert (0 < d) by (unfold d; auto). assert (0 < e) by (unfold e; auto).
    apply Rmult_lt_reg_r with (d * e); [apply Rmult_lt_0_compat; assumption |].
    replace (2 * (IZR (Qnum (parameter q)) / d) * (d * e)) with (2 * IZR (Qnum (parameter q)) * e) by (field; lra).
    replace (IZR (Qnum (separation q)) / e * (d * e)) with (IZR (Qnum (separation q)) * d) by (field; lra).
    exact B.
  - intro V. rewrite V in E. apply andb_true_iff in E as [A C]. apply Z.eqb_eq in A. apply Pos.eqb_eq in C.
    destruct (parameter q) as [a b]. simpl in *. congruence.
Qed.

(** What is due is right. *)
Lemma due_right q D ls o : network_due q D = (ls, o) -> sound_question q D = true ->
  separated (norm_of q) D (Q2R (separation q)) ->
  proper (inputs_due q D) (all_lines ls) o /\ claim q D (network_of (inputs_due q D) (all_lines ls) [o]).
Proof.
  intros E H A. apply andb_true_iff in H as [S B]. apply shaped_data_sound in S.
  apply budget_fits_sound in B as [P [B Z]].
  unfold network_due, claim, inputs_due in *. destruct (tests q) eqn:T.
  - assert (M : norm_of q = Linf) by (unfold norm_of; rewrite T; reflexivity). rewrite M in *. clear M.
    destruct (cube_layers _ _ _ _ _) as [ls' top] eqn:C. injection E as <- <-.
    assert (G : cubes_of (every q) (shape_of q) D (separation q) (parameter q)
      = network_of (inputs_of (every q) D) (all_lines ls')
          [result (setting_of (every q) (shape_of q) D (separation q) (parameter q)) top])
      by (unfold cubes_of; rewrite C; reflexivity).
    split.
    + destruct (cube_layers_read _ _ _ _ _ _ _ S C) as [R U]. split; [apply earlier_ordered, R |].
      apply result_reads; [| exact U]. destruct S as [N _]. unfold setting_of, inputs_of. cbn [budget_at].
      rewrite whole_of_nat. pose proof (size_nonneg (all_lines ls')). destruct (every q); lia.
    + rewrite <- G. destruct (every q) eqn:V.
      * rewrite (Z eq_refl) in *. split; [apply cubes_well_formed, S |]. split.
        { rewrite G. reflexivity. }
        intros s I x mu M N L W. apply (cubes_every_answer (shape_of q) D (separation q) S A s I x mu M N L W).
      * intros s I. apply theorem_4_8; assumption.
Qed.

Lemma claim_of_alike q D ls ls' o o' : alike ls ls' -> same o o' = true -> proper (inputs_due q D) ls o ->
  claim q D (network_of (inputs_due q D) ls [o]) -> claim q D (network_of (inputs_due q D) ls' [o']).
Proof.
  intros A S R C. pose proof (proper_well_formed _ _ _ (alike_proper _ _ _ _ _ A S R)) as W.
  unfold claim in *. destruct (every q).
  - destruct C as [_ [I C]]. split; [exact W |]. split; [exact I |]. intros s J x mu M N L X.
    rewrite <- (alike_output _ _ _ _ _ x A S). apply C; assumption.
  - intros s J. destruct (C s J) as [_ [L K]]. split; [exact W |]. split; [exact L |].
    intros x X. specialize (K x X). unfold keeps in *. cbn [read] in *.
    rewrite <- (alike_output _ _ _ _ _ x A S). exact K.
Qed.

Theorem recognised q D mask turns layers o ls out last :
  sound_question q D = true ->
  (0 < turns)%Z ->
  (forall k, (0 <= k < turns)%Z -> too_near (norm_of q) D (separation q) mask turns k = None) ->
  network_due q D = (layers, o) ->
  steps (start layers) ls = Some last -> due last = None -> same o out = true ->
  claim q D (network_of (inputs_due q D) ls [out]).
Proof.
  intros Q T N E S F O. pose proof (steps_alike _ _ _ S F) as A. rewrite start_remaining in A.
  assert (P : separated (norm_of q) D (Q2R (separation q))) by (apply (separated_by_turns _ _ _ mask turns T N)).
  destruct (due_right q D layers o E Q P) as [R C].
  exact (claim_of_alike q D _ _ _ _ A O R C).
Qed.
