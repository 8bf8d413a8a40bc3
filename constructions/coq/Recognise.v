(** A data set is certified by recognising its network.

    The program asks four things: [sound_question] (the data have the shape that the theorems want,
    the budget is below half the separation), [trouble], for all turns (no two samples of different
    labels are too near; for half-spaces, every rival is covered), [step] for every line of the
    network and of its outputs, [due] that no line is missing. If all answers are right then every
    ball keeps its label: [recognised]. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool.
From Robmem Require Import Statement Numbers.
From Theorems Require Import Lines Layouts Reading Data Memorizers Cubes Crosses HalfSpaces Cones Lipschitz
  Classes Stream Separation.
Import ListNotations.
Open Scope R_scope.

(** What is claimed to have been built: [power] is the separation lambda, for half-spaces in L2 its
    square; [parameter] is mu, for half-spaces in L2 rho = 2 mu / lambda. If [every], the network
    has the parameter as an input; else [ball] is the radius that is asked about, for L2 its square.
    [ConeTests] are those of the samples of the rarer one of two labels, [ClassTests] those of all
    samples, with one output for each label; no weight depends on mu. *)
Inductive family :=
  CubeTests (l : layout) | CrossTests (l : layout) | PlaneTests (m : norm) | ConeTests (l : layout)
  | ClassTests.
Record question := Question
  { tests : family; every : bool; power : Q; parameter : Q; ball : Q }.

Definition norm_of (q : question) : norm :=
  match tests q with CubeTests _ | ConeTests _ | ClassTests => Linf | CrossTests _ => L1 | PlaneTests m => m end.
Definition inputs_due (q : question) (D : data) : nat := inputs_of (every q) D.
Definition outputs_due (q : question) (D : data) : Z :=
  match tests q with ClassTests => highest_label D | _ => 1 end.
Definition rarer (D : data) : Z := if Z.leb (2 * size (chosen 1 D)) (size (samples D)) then 1 else 0.
(** [vectors]: the half-spaces of every sample; of the other networks there are none. *)
Definition network_due (q : question) (D : data) (vectors : list (list (list Z))) : list layer * list line :=
  match tests q with
  | CubeTests l =>
      let '(ls, top) := cube_layers (every q) l D (power q) (parameter q) in
      (ls, [result (setting_of [] (every q) l D (power q) (parameter q)) top])
  | CrossTests l =>
      let '(ls, top) := cross_layers (every q) l D (power q) (parameter q) in
      (ls, [result (cross_setting (every q) l D (power q) (parameter q)) top])
  | PlaneTests m =>
      let '(ls, top) := plane_layers m (every q) D (power q) (parameter q) (combine (samples D) vectors) in
      (ls, [result (plane_setting m (every q) D (power q) (parameter q)) top])
  | ConeTests l =>
      let '(ls, top) := cone_layers (every q) l D (power q) (rarer D) in (ls, [signed (rarer D) top])
  | ClassTests =>
      let '(ls, tops) := class_layers (every q) D (power q) in (ls, map (signed 1) tops)
  end.

Definition shaped_data (D : data) : bool :=
  match columns D with O => false | S _ => true end
  && forallb (fun s => has_length (columns D) (fst s) && Z.leb 0 (snd s)) (samples D).
Definition is_square (q : question) : bool := match tests q with PlaneTests L2 => true | _ => false end.
Definition budget_fits (q : question) : bool :=
  let a := parameter q in let b := power q in
  Z.leb 0 (Qnum a) && Z.ltb 0 (Qnum b)
  && (if is_square q then Z.ltb (Qnum a) (Zpos (Qden a))
      else Z.ltb (2 * Qnum a * Zpos (Qden b)) (Qnum b * Zpos (Qden a)))
  && (if every q then Z.eqb (Qnum a) 0 && Pos.eqb (Qden a) 1
      else leq (ball q) (if is_square q then ball_of L2 b a else a)).
Fixpoint same_length {A B} (a : list A) (b : list B) : bool :=
  match a, b with
  | [], [] => true
  | _ :: a, _ :: b => same_length a b
  | _, _ => false
  end.
Definition of_two_labels (D : data) : bool :=
  forallb (fun s => Z.eqb (snd s) 0 || Z.eqb (snd s) 1) (samples D) && negb (is_empty (chosen (rarer D) D)).
Definition sound_question (q : question) (D : data) (vectors : list (list (list Z))) : bool :=
  shaped_data D && budget_fits q
  && match tests q with
     | PlaneTests _ => same_length (samples D) vectors
     | ConeTests _ => of_two_labels D
     | ClassTests => Z.leb (highest_label D) (size (samples D))
     | _ => true
     end.
(** Two samples too near to each other, or a sample and a rival that it does not cover. *)
Definition trouble (q : question) (D : data) (vectors : list (list (list Z))) (mask : list bool)
    (turns turn : Z) : option (Z * Z) :=
  match tests q with
  | PlaneTests m => uncovered_pair m D (power q) turns turn 0 (combine (samples D) vectors)
  | _ => too_near (norm_of q) D (power q) mask turns turn
  end.

(** The claim about a network, in the words of the statement: [keeps_label] of every sample, or
    [keeps_label_for_every]; the decoder is [Value], of cones [Sign], of classes [Argmax]. *)
Definition cone_of (q : question) : cone :=
  match tests q with PlaneTests m => plane_cone m (power q) | _ => half_cone (norm_of q) (power q) end.
Definition slope_of (q : question) : Q :=
  match tests q with PlaneTests m => plane_slope m (power q) | _ => half_slope (power q) end.
Definition claim (q : question) (D : data) (net : network) : Prop :=
  match tests q with
  | ConeTests _ =>
      if every q then every_budget_signed (half_cone Linf (power q)) D net
      else one_budget_signed Linf (ball q) D net
  | ClassTests =>
      if every q then every_budget_greatest (half_cone Linf (power q)) D net
      else one_budget_greatest Linf (ball q) D net
  | _ =>
      if every q then every_budget (cone_of q) (slope_of q) D net
      else one_budget (norm_of q) (ball q) D net
  end.

Lemma shaped_data_sound D : shaped_data D = true -> shaped D.
Proof.
  unfold shaped_data, shaped. intro H. apply andb_true_iff in H as [N F]. split.
  - destruct (columns D); [discriminate | lia].
  - rewrite forallb_forall in F. apply Forall_forall. intros s S. specialize (F s S).
    apply andb_true_iff in F as [L Y]. split; [apply has_length_is, L | apply Z.leb_le, Y].
Qed.
Lemma positive_number q : Z.ltb 0 (Qnum q) = true -> 0 < Q2R q.
Proof.
  intro H. apply Z.ltb_lt, IZR_lt in H. rewrite eta_real. unfold Rdiv.
  apply Rmult_lt_0_compat; [exact H | apply Rinv_0_lt_compat; auto].
Qed.
Lemma budget_fits_sound q : budget_fits q = true ->
  0 <= Q2R (parameter q) /\ 0 < Q2R (power q)
  /\ (if is_square q then Q2R (parameter q) < 1 else 2 * Q2R (parameter q) < Q2R (power q))
  /\ (if every q then parameter q = Qmake 0 1
      else Q2R (ball q) <= Q2R (if is_square q then ball_of L2 (power q) (parameter q) else parameter q)).
Proof.
  unfold budget_fits. intro H. apply andb_true_iff in H as [H E]. apply andb_true_iff in H as [H B].
  apply andb_true_iff in H as [P W]. apply Z.leb_le in P. apply positive_number in W.
  split; [apply sign_le, P |]. split; [exact W |]. split.
  - destruct (is_square q); apply Z.ltb_lt, IZR_lt in B.
    + rewrite eta_real. apply Rmult_lt_reg_r with (IZR (Zpos (Qden (parameter q)))); [auto |].
      replace (IZR (Qnum (parameter q)) / IZR (Zpos (Qden (parameter q))) * IZR (Zpos (Qden (parameter q))))
        with (IZR (Qnum (parameter q))) by (field; auto). lra.
    + rewrite !eta_real. rewrite !mult_IZR in B.
      set (d := IZR (Zpos (Qden (parameter q)))) in *. set (e := IZR (Zpos (Qden (power q)))) in *.
      assert (0 < d) by (unfold d; auto). assert (0 < e) by (unfold e; auto).
      apply Rmult_lt_reg_r with (d * e); [apply Rmult_lt_0_compat; assumption |].
      replace (2 * (IZR (Qnum (parameter q)) / d) * (d * e)) with (2 * IZR (Qnum (parameter q)) * e) by (field; lra).
      replace (IZR (Qnum (power q)) / e * (d * e)) with (IZR (Qnum (power q)) * d) by (field; lra).
      exact B.
  - destruct (every q).
    + apply andb_true_iff in E as [A C]. apply Z.eqb_eq in A. apply Pos.eqb_eq in C.
      destruct (parameter q) as [a b]. simpl in *. congruence.
    + apply leq_true, E.
Qed.
Lemma same_length_is {A B} : forall (a : list A) (b : list B), same_length a b = true -> length a = length b.
Proof.
  induction a as [| x a IH]; intros [| y b] H; simpl in *; try discriminate; [reflexivity |].
  f_equal. apply IH, H.
Qed.
Lemma combine_firsts {A B} : forall (a : list A) (b : list B), length a = length b -> map fst (combine a b) = a.
Proof.
  induction a as [| x a IH]; intros [| y b] L; simpl in *; try discriminate; [reflexivity |].
  f_equal. apply IH. congruence.
Qed.

(** What is due is right. *)
Definition no_trouble (q : question) (D : data) (vectors : list (list (list Z))) : Prop :=
  match tests q with
  | PlaneTests m => covered m D (power q) (combine (samples D) vectors)
  | _ => separated (norm_of q) D (Q2R (power q))
  end.
Lemma laid_due {A} ev l D st (f : A -> test) items ls top : in_order ev D st f items ->
  laid ev l D st f items = (ls, top) ->
  proper (inputs_of ev D) (all_lines ls) [result st top]
  /\ built ev l D st f items = network_of (inputs_of ev D) (all_lines ls) [result st top].
Proof.
  intros O E. split; [| unfold built; rewrite E; reflexivity].
  destruct (laid_proper ev l D st f items O ls top E) as [R B]. split; [exact R |].
  constructor; [exact B | constructor].
Qed.
Lemma of_two_labels_sound D : of_two_labels D = true -> two_labels D /\ chosen (rarer D) D <> [].
Proof.
  intro H. apply andb_true_iff in H as [F N]. split.
  - unfold two_labels. apply Forall_forall. intros s S. rewrite forallb_forall in F. specialize (F s S).
    apply orb_true_iff in F as [F | F]; apply Z.eqb_eq in F; [left | right]; exact F.
  - destruct (chosen (rarer D) D); [discriminate | congruence].
Qed.
Lemma rarer_label D : rarer D = 0%Z \/ rarer D = 1%Z.
Proof. unfold rarer. destruct (Z.leb _ _); [right | left]; reflexivity. Qed.
(** Of every decoder: on a smaller ball too. *)
Lemma keeps_label_smaller d k a b net s : Q2R a <= Q2R b ->
  keeps_label (Task d k Linf b None) net s -> keeps_label (Task d k Linf a None) net s.
Proof.
  intros L [W [N K]]. split; [exact W |]. split; [exact N |].
  intros x X. apply K. destruct X as [X C]. split; [| exact C]. revert X. cbn [metric budget].
  unfold within, Statement.below. intro X. eapply Forall_impl; [| exact X]. intros g G.
  apply Rle_trans with (1 := G), L.
Qed.
Lemma due_right q D vectors ls os : network_due q D vectors = (ls, os) -> sound_question q D vectors = true ->
  no_trouble q D vectors ->
  proper (inputs_due q D) (all_lines ls) os /\ claim q D (network_of (inputs_due q D) (all_lines ls) os).
Proof.
  intros E H A. apply andb_true_iff in H as [H Two]. apply andb_true_iff in H as [S B].
  apply shaped_data_sound in S. apply budget_fits_sound in B as [P [W [B Z]]].
  unfold network_due, no_trouble, claim, cone_of, slope_of, inputs_due, is_square, norm_of in *.
  destruct (tests q) as [l | l | m | l |].
  - destruct (cube_layers _ _ _ _ _) as [ls' top] eqn:C. injection E as <- <-.
    destruct (laid_due _ _ _ _ _ _ _ _ (cubes_in_order (every q) l D (power q) (parameter q) S) C) as [R G].
    split; [exact R |]. rewrite <- G. destruct (every q).
    + rewrite Z. apply theorem_4_8_every; assumption.
    + apply (one_budget_smaller _ _ _ _ _ Z), theorem_4_8; assumption.
  - destruct (cross_layers _ _ _ _ _) as [ls' top] eqn:C. injection E as <- <-.
    destruct (laid_due _ _ _ _ _ _ _ _ (crosses_in_order (every q) l D (power q) (parameter q) S) C) as [R G].
    split; [exact R |]. rewrite <- G. destruct (every q).
    + rewrite Z. apply theorem_B_2_every; assumption.
    + apply (one_budget_smaller _ _ _ _ _ Z), theorem_B_2; assumption.
  - destruct (plane_layers _ _ _ _ _ _) as [ls' top] eqn:C. injection E as <- <-.
    destruct (laid_due _ _ _ _ _ _ _ _ (planes_in_order m (every q) D (power q) (parameter q) _ S A) C) as [R G].
    split; [exact R |]. rewrite <- G. destruct (every q).
    + rewrite Z. exact (half_spaces_every m D (power q) _ S A W).
    + apply (one_budget_smaller m _ (ball_of m (power q) (parameter q))); [destruct m; exact Z |].
      apply half_spaces; try assumption. destruct m; exact B.
  - apply of_two_labels_sound in Two as [Two Some].
    destruct (cone_layers _ _ _ _ _) as [ls' top] eqn:C. injection E as <- <-.
    pose proof (rarer_label D) as Lab.
    split.
    { destruct (cones_proper (every q) l D (power q) (rarer D) S _ _ C) as [R G].
      split; [exact R |]. constructor; [exact G | constructor]. }
    assert (G : cones (every q) l D (power q) (rarer D)
      = network_of (inputs_of (every q) D) (all_lines ls') [signed (rarer D) top])
      by (unfold cones; rewrite C; reflexivity).
    rewrite <- G. destruct (every q).
    + apply theorem_5_2_every; assumption.
    + intros s I. apply (keeps_label_smaller _ _ _ _ _ _ Z). apply theorem_5_2; assumption.
  - apply Z.leb_le in Two. destruct (class_layers _ _ _) as [ls' tops] eqn:C. injection E as <- <-.
    split; [exact (classes_proper (every q) D (power q) S _ _ C) |].
    assert (G : against_rest (every q) D (power q)
      = network_of (inputs_of (every q) D) (all_lines ls') (map (signed 1) tops))
      by (unfold against_rest; rewrite C; reflexivity).
    rewrite <- G. destruct (every q).
    + apply one_against_rest_every; assumption.
    + intros s I. apply (keeps_label_smaller _ _ _ _ _ _ Z). apply one_against_rest; assumption.
Qed.

Lemma keeps_ext d k n out out' label : (forall j, out j = out' j) -> keeps d k n out label -> keeps d k n out' label.
Proof.
  intros E K. unfold keeps in *. destruct d.
  - rewrite <- E. exact K.
  - intros other O N. rewrite <- E. exact (K other O N).
  - destruct label; rewrite <- E; exact K.
  - intros other O N. rewrite <- !E. exact (K other O N).
Qed.
Lemma claim_of_alike q D ls ls' os os' : alike ls ls' -> alike os os' -> proper (inputs_due q D) ls os ->
  claim q D (network_of (inputs_due q D) ls os) -> claim q D (network_of (inputs_due q D) ls' os').
Proof.
  intros A S R C. pose proof (proper_well_formed _ _ _ (alike_proper _ _ _ _ _ A S R)) as W.
  assert (L : length (outputs (network_of (inputs_due q D) ls os)) = length (outputs (network_of (inputs_due q D) ls' os'))).
  { cbn [network_of outputs]. rewrite !map_length. clear - S. induction S; simpl; congruence. }
  unfold claim in *. destruct (tests q); (destruct (every q); intros s J;
  [ destruct (C s J) as [ns [p [[_ [I [N K]]] B]]]; exists ns, p;
    (split; [split; [exact W | split; [exact I | split; assumption]] |]);
    intros m' M; destruct (B m' M) as [P G]; (split; [exact P |]); intros x X Y; specialize (G x X Y);
    rewrite L in G; revert G; apply keeps_ext; intro j; rewrite (alike_outputs _ _ _ _ _ x A S); reflexivity
  | destruct (C s J) as [_ [N K]]; (split; [exact W |]); (split; [exact N |]);
    intros x X; specialize (K x X); unfold reads_label in *; rewrite L in K;
    revert K; apply keeps_ext; intro j; apply (alike_outputs _ _ _ _ _ x A S) ]).
Qed.
Theorem recognised q D vectors mask turns layers os ls outs last last' :
  sound_question q D vectors = true ->
  (0 < turns)%Z ->
  (forall k, (0 <= k < turns)%Z -> trouble q D vectors mask turns k = None) ->
  network_due q D vectors = (layers, os) ->
  steps (start layers) ls = Some last -> due last = None ->
  steps (State os []) outs = Some last' -> due last' = None ->
  claim q D (network_of (inputs_due q D) ls outs).
Proof.
  intros Q T N E S F O G. pose proof (steps_alike _ _ _ S F) as A. rewrite start_remaining in A.
  pose proof (steps_alike _ _ _ O G) as B. unfold remaining in B. cbn [pending blocks lines map concat] in B.
  rewrite app_nil_r in B.
  assert (P : no_trouble q D vectors).
  { pose proof Q as U. apply andb_true_iff in U as [_ U].
    unfold no_trouble, trouble in *. destruct (tests q) as [l | l | m | l |];
      try apply (separated_by_turns _ _ _ mask turns T N).
    split; [apply combine_firsts, same_length_is, U |].
    apply (covered_by_turns m D (power q) _ turns T). intros k K. exists 0%Z. apply N, K. }
  destruct (due_right q D vectors layers os E Q P) as [R C].
  exact (claim_of_alike q D _ _ _ _ A B R C).
Qed.
