(** A network that is read line by line is compared with one that is written line by line.

    Neither is ever held whole: [step] takes one line that was read, and what it remembers is the
    rest of the block that is written at the time. *)
From Coq Require Import List ZArith Reals Lia Bool.
From Robmem Require Import Statement.
From Theorems Require Import Lines Layouts.
Import ListNotations.

Record state := State { pending : list line; blocks : list block }.
Fixpoint pull (bs : list block) : option (line * state) :=
  match bs with
  | [] => None
  | b :: bs => match b tt with [] => pull bs | l :: ls => Some (l, State ls bs) end
  end.
(** The line that is due. *)
Definition due (s : state) : option (line * state) :=
  match pending s with
  | l :: ls => Some (l, State ls (blocks s))
  | [] => pull (blocks s)
  end.
Definition step (s : state) (l : line) : option state :=
  match due s with
  | Some (e, s') => if same e l then Some s' else None
  | None => None
  end.
Definition start (ls : list layer) : state := State [] (concat ls).

Fixpoint steps (s : state) (ls : list line) : option state :=
  match ls with
  | [] => Some s
  | l :: ls => match step s l with Some s' => steps s' ls | None => None end
  end.
Definition remaining (s : state) : list line := pending s ++ lines (blocks s).
Definition alike (a b : list line) : Prop := Forall2 (fun l m => same l m = true) a b.

Lemma pull_remaining : forall bs,
  match pull bs with
  | Some (l, s) => lines bs = l :: remaining s
  | None => lines bs = []
  end.
Proof.
  induction bs as [| b bs IH]; simpl; [reflexivity |]. destruct (b tt) as [| l ls] eqn:E.
  - destruct (pull bs) as [[l s] |]; rewrite lines_cons, E; exact IH.
  - rewrite lines_cons, E. reflexivity.
Qed.
Lemma due_remaining s : match due s with
  | Some (l, s') => remaining s = l :: remaining s'
  | None => remaining s = []
  end.
Proof.
  unfold due, remaining. destruct (pending s) as [| l ls]; simpl; [| reflexivity].
  exact (pull_remaining (blocks s)).
Qed.
Lemma steps_alike : forall ls s s', steps s ls = Some s' -> due s' = None -> alike (remaining s) ls.
Proof.
  induction ls as [| l ls IH]; intros s s' H N; simpl in H.
  - injection H as <-. pose proof (due_remaining s) as D. rewrite N in D. rewrite D. constructor.
  - unfold step in H. pose proof (due_remaining s) as D. destruct (due s) as [[e s1] |]; [| discriminate].
    destruct (same e l) eqn:E; [| discriminate]. rewrite D. constructor; [exact E |].
    apply (IH s1 s'); assumption.
Qed.
Lemma start_remaining ls : remaining (start ls) = all_lines ls.
Proof.
  unfold remaining, start, all_lines, lines. simpl. induction ls as [| l ls IH]; simpl; [reflexivity |].
  rewrite map_app, concat_app, IH. reflexivity.
Qed.

(** Networks that are alike line by line have the same outputs. *)
Lemma alike_run : forall a b first x, alike a b -> run (named first a) x = run (named first b) x.
Proof.
  induction a as [| l a IH]; intros b first x A; inversion A as [| ? m ? b' E A']; subst; [reflexivity |].
  simpl. rewrite !named_value. rewrite (proj2 (same_sound _ _ E)). apply IH, A'.
Qed.
Lemma alike_outputs n a b os ps x : alike a b -> alike os ps -> forall j,
  output (network_of n a os) x j = output (network_of n b ps) x j.
Proof.
  intros A O. unfold output, network_of. cbn [outputs units]. rewrite (alike_run _ _ _ _ A).
  induction O as [| o p os ps E O IH]; intros [| j]; cbn [map nth_error]; try reflexivity; [| apply IH].
  rewrite !named_value. apply same_sound, E.
Qed.
Lemma alike_size a b : alike a b -> size a = size b.
Proof. intro A. rewrite !size_length. f_equal. induction A; simpl; congruence. Qed.

(** Every line reads what stands before it, and so does what is read in its place. *)
Definition proper (n : nat) (ls outs : list line) : Prop :=
  ordered (Z.of_nat n) ls /\ Forall (fun o => between 0 (Z.of_nat n + size ls) (entries o)) outs.
Lemma proper_well_formed n ls outs : proper n ls outs -> well_formed (network_of n ls outs).
Proof. intros [R B]. apply network_well_formed; assumption. Qed.
Lemma alike_proper n a b os ps : alike a b -> alike os ps -> proper n a os -> proper n b ps.
Proof.
  intros A O [R B]. split; [apply (same_ordered _ _ _ A R) |]. rewrite <- (alike_size _ _ A).
  induction O as [| o p os ps E O IH]; inversion B; subst; constructor; [| apply IH; assumption].
  apply (between_fst _ _ (entries o)); [apply same_sound, E | assumption].
Qed.
