(** Labels: the ball of a sample, the goals of its label, and what their refutation means. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra Lia Bool Arith.
From Robmem Require Import Statement Numbers Powers Tries Leaf Tree Root Balls Verify Flips.
Import ListNotations.
Open Scope R_scope.

Fixpoint number (n : nat) : Z := match n with O => 0%Z | S m => Z.add 1 (number m) end.
Lemma number_real n : IZR (number n) = INR n.
Proof. induction n as [| n IH]; [reflexivity |]. cbn [number]. rewrite plus_IZR, IH, S_INR. lra. Qed.
Definition half (n : Z) : Q := Qmake n 2.
Lemma half_real n : Q2R (half n) = IZR n / 2.
Proof. reflexivity. Qed.

Definition on_output (q c : Q) (strict : bool) : atom := Atom [] [(O, q)] c strict.
Definition beats (rival label : nat) : atom := Atom [] [(rival, one); (label, neg one)] zero false.
Definition label_goals (d : decoder) (classes outs label : nat) : option (list (list atom)) :=
  if negb (Nat.ltb label classes && Nat.leb 2 classes) then None else
  match d with
  | Argmax =>
      if Nat.eqb outs classes
      then Some (map (fun rival => [beats rival label])
                  (filter (fun rival => negb (Nat.eqb rival label)) (seq 0 outs)))
      else None
  | _ =>
      if negb (Nat.eqb outs 1) then None else
      let own := number label in
      match d with
      | Value => Some [[on_output (neg one) (whole own) true]; [on_output one (neg (whole own)) true]]
      | Sign =>
          if Nat.eqb classes 2
          then Some [[on_output match label with O => one | S _ => neg one end zero false]]
          else None
      | _ =>
          Some ((if Nat.eqb label 0 then []
                 else [[on_output (neg one) (half (Z.add (Z.add own own) (-1))) false]])
                ++ (if Nat.ltb (S label) classes
                    then [[on_output one (neg (half (Z.add (Z.add own own) 1))) false]] else []))
      end
  end.

Lemma on_output_holds x out q c st :
  holds_of x out (on_output q c st) <-> below st 0 (Q2R q * out O + Q2R c).
Proof.
  unfold holds_of, on_output; simpl.
  replace (0 + (Q2R q * out O + 0) + Q2R c) with (Q2R q * out O + Q2R c) by lra. reflexivity.
Qed.
Lemma beats_holds x out rival label :
  holds_of x out (beats rival label) <-> out label <= out rival.
Proof. unfold holds_of, beats; simpl. autorewrite with num. split; intro; lra. Qed.

Lemma own_real label : IZR (number label + number label) = 2 * INR label.
Proof. rewrite plus_IZR, number_real; lra. Qed.

Lemma apart a b : (a < b)%nat -> INR a + 1 <= INR b.
Proof. intro H. rewrite <- S_INR. apply le_INR. lia. Qed.

(** At one point: no goal holds if and only if the label is kept. *)
Lemma label_goals_mean d cs outs out label goals x :
  label_goals d cs outs label = Some goals ->
  ((forall goal, In goal goals -> ~ Forall (holds_of x out) goal) <-> keeps d cs outs out label).
Proof.
  unfold label_goals. destruct (Nat.ltb label cs && Nat.leb 2 cs) eqn:Hl; [| discriminate]. simpl.
  apply andb_true_iff in Hl as [Hl S2]. apply Nat.ltb_lt in Hl. apply Nat.leb_le in S2.
  assert (single : forall a, ~ Forall (holds_of x out) [a] <-> ~ holds_of x out a).
  { intro a. split; intros H B; apply H; [constructor; auto | inversion B; assumption]. }
  destruct d.
  - destruct (negb (Nat.eqb outs 1)); [discriminate |].
    intro E; injection E as <-. simpl. split.
    + intro H. pose proof (H _ (or_introl eq_refl)) as A.
      pose proof (H _ (or_intror (or_introl eq_refl))) as B.
      rewrite single, on_output_holds in A, B. unfold below in A, B.
      autorewrite with num in A, B. rewrite number_real in A, B. lra.
    + intros K goal [<- | [<- | []]]; rewrite single, on_output_holds; unfold below;
        autorewrite with num; rewrite number_real; lra.
  - destruct (negb (Nat.eqb outs 1)); [discriminate |].
    intro E; injection E as <-. simpl. split.
    + intros H other O D.
      assert (lower : (0 < label)%nat -> INR label - / 2 < out 0%nat).
      { intro P. assert (E0 : Nat.eqb label 0 = false) by (apply Nat.eqb_neq; lia).
        rewrite E0 in H. pose proof (H _ (or_introl eq_refl)) as A.
        rewrite single, on_output_holds in A. unfold below in A.
        rewrite half_real, plus_IZR, own_real in A. autorewrite with num in A. lra. }
      assert (upper : (S label < cs)%nat -> out 0%nat < INR label + / 2).
      { intro P. apply Nat.ltb_lt in P.
        assert (A : In [on_output one (neg (half (number label + number label + 1))) false]
          ((if Nat.eqb label 0 then []
            else [[on_output (neg one) (half (number label + number label + -1)) false]])
           ++ (if Nat.ltb (S label) cs
               then [[on_output one (neg (half (number label + number label + 1))) false]]
               else []))) by (rewrite P; apply in_app_iff; right; left; reflexivity).
        apply H in A. rewrite single, on_output_holds in A. unfold below in A.
        rewrite neg_real, half_real, plus_IZR, own_real in A. autorewrite with num in A. lra. }
      destruct (Nat.lt_ge_cases other label) as [less | more].
      * pose proof (apart _ _ less). assert (0 < label)%nat as P by lia. specialize (lower P).
        rewrite (Rabs_right (out 0%nat - INR other)) by lra.
        apply Rabs_def1; lra.
      * assert (label < other)%nat as L by lia. pose proof (apart _ _ L).
        assert (S label < cs)%nat as P by lia. specialize (upper P).
        rewrite (Rabs_left1 (out 0%nat - INR other)) by lra.
        apply Rabs_def1; lra.
    + intros K goal I. apply in_app_iff in I as [I | I].
      * destruct (Nat.eqb_spec label 0) as [| P]; [contradiction |].
        destruct I as [<- | []]. rewrite single, on_output_holds. unfold below.
        rewrite half_real, plus_IZR, own_real. autorewrite with num. intro bad.
        specialize (K (pred label)). assert (pred label < cs)%nat as A by lia.
        specialize (K A). assert (pred label <> label) as B by lia. specialize (K B).
        assert (C : INR label = INR (pred label) + 1)
          by (rewrite <- S_INR; f_equal; lia). rewrite C in *.
        revert K. unfold Rabs. destruct (Rcase_abs _), (Rcase_abs _); lra.
      * destruct (Nat.ltb_spec (S label) cs) as [P |]; [| contradiction].
        destruct I as [<- | []]. rewrite single, on_output_holds. unfold below.
        rewrite neg_real, half_real, plus_IZR, own_real. autorewrite with num. intro bad.
        specialize (K (S label) P). assert (S label <> label) as B by lia. specialize (K B).
        rewrite S_INR in K. revert K. unfold Rabs. destruct (Rcase_abs _), (Rcase_abs _); lra.
  - destruct (negb (Nat.eqb outs 1)); [discriminate |].
    destruct (Nat.eqb cs 2); [| discriminate].
    intro E; injection E as <-. simpl. split.
    + intro H. pose proof (H _ (or_introl eq_refl)) as A.
      rewrite single, on_output_holds in A. unfold below in A.
      destruct label; autorewrite with num in A; lra.
    + intros K goal [<- | []]. rewrite single, on_output_holds. unfold below.
      destruct label; autorewrite with num; lra.
  - destruct (Nat.eqb_spec outs cs) as [same |]; [| discriminate].
    intro E; injection E as <-. simpl. split.
    + intros H other O D.
      assert (A : In [beats other label] (map (fun rival => [beats rival label])
        (filter (fun rival => negb (Nat.eqb rival label)) (seq 0 outs)))).
      { apply in_map_iff. exists other. split; [reflexivity |]. apply filter_In. split.
        - apply in_seq. lia.
        - apply negb_true_iff, Nat.eqb_neq, D. }
      apply H in A. rewrite single, beats_holds in A. lra.
    + intros K goal I. apply in_map_iff in I as [rival [<- I]].
      apply filter_In in I as [I D]. apply in_seq in I. apply negb_true_iff, Nat.eqb_neq in D.
      rewrite single, beats_holds. specialize (K rival). assert (rival < outs)%nat by lia.
      specialize (K H D). lra.
Qed.

(** The region of a sample. *)
Definition clipped (t : task) (lo hi : Q) : Q * Q :=
  match clip t with Some (a, b) => (larger a lo, smaller b hi) | None => (lo, hi) end.
Definition side_at (t : task) (reach : Q) (p : name * Q) : side :=
  let (lo, hi) := clipped t (sub (snd p) reach) (add (snd p) reach) in
  Side (fst p) lo hi (snd p).
Definition region_of (t : task) (reach : Q) (ns : list name) (c : list Q) : region :=
  Region (map (side_at t reach) (combine ns c))
    match metric t with Of Linf => Box | n => Ball n (budget t) false end.

Lemma in_ball_inside t reach ns c x : reaches (metric t) (budget t) reach = true -> in_ball t ns c x ->
  inside (region_of t reach ns c) x.
Proof.
  intros Hr [N C]. split.
  - apply Forall_forall. intros s I. unfold region_of in I. simpl in I.
    apply in_map_iff in I as [p [<- I]].
    assert (G : Rabs (gap x (Side (fst p) 0 0 (snd p))) <= Q2R reach).
    { apply (within_gap _ _ _ _ _ _ (reaches_true _ _ _ Hr) N). unfold at_center.
      apply in_map_iff. eauto. }
    unfold gap in G. simpl in G.
    assert (- Q2R reach <= x (fst p) - Q2R (snd p) <= Q2R reach) as B.
    { split; [| apply Rle_trans with (1 := Rle_abs _); exact G].
      pose proof (Rle_abs (- (x (fst p) - Q2R (snd p)))) as H. rewrite Rabs_Ropp in H. lra. }
    unfold side_at, clipped. destruct (clip t) as [[a b] |]; simpl; autorewrite with num; [| lra].
    rewrite Forall_forall in C. specialize (C (fst p)).
    assert (In (fst p) ns) as J by (destruct p; apply in_combine_l in I; exact I).
    specialize (C J). split; [apply Rmax_lub | apply Rmin_glb]; lra.
  - unfold region_of. simpl. revert N. unfold near, within.
    assert (E : forall (h : R -> R),
      map (fun s => h (gap x s)) (map (side_at t reach) (combine ns c))
      = map (fun s => h (gap x s)) (at_center ns c)).
    { intro h. unfold at_center. rewrite !map_map. apply map_ext. intro p.
      unfold side_at, gap. destruct (clipped t _ _). reflexivity. }
    destruct (metric t) as [[| |] | n]; [trivial | | |].
    + rewrite (E Rabs). trivial.
    + rewrite (E (fun r => r * r)). trivial.
    + rewrite (E (fun r => Rabs r ^ (n + 2))). trivial.
Qed.

(** What the program answers for a sample. *)
Definition verify_sample (fuel : list name) (ls : trie direction) (net : network) (t : task)
    (reach : Q) (s : list Q * nat) (p : proof Q) : bool :=
  match label_goals (read t) (classes t) (length (outputs net)) (snd s) with
  | Some goals =>
      reaches (metric t) (budget t) reach && Nat.eqb (length (fst s)) (length (inputs net))
      && verify fuel ls net (region_of t reach (inputs net) (fst s)) goals p
  | None => false
  end.
Theorem verify_sample_sound fuel ls net t reach s p :
  verify_sample fuel ls net t reach s p = true -> keeps_label t net s.
Proof.
  unfold verify_sample.
  destruct (label_goals (read t) (classes t) (length (outputs net)) (snd s)) as [goals |] eqn:L;
    [| discriminate].
  intro H. apply andb_true_iff in H as [H V]. apply andb_true_iff in H as [R N].
  apply verify_sound in V as [[W _] V]. split; [exact W |]. split; [apply Nat.eqb_eq, N |].
  intros x B. apply (label_goals_mean _ _ _ _ _ _ x L). apply V.
  apply in_ball_inside; assumption.
Qed.
Corollary data_set_sound net t (samples : list (list Q * nat)) :
  Forall (fun s => exists fuel ls reach p, verify_sample fuel ls net t reach s p = true) samples ->
  Forall (keeps_label t net) samples.
Proof. apply Forall_impl. intros s [f [ls [r [p H]]]]. exact (verify_sample_sound _ _ _ _ _ _ _ H). Qed.

Definition in_ball_at (t : task) (ns : list name) (c : list Q) (x : trie Q) : bool :=
  near_at (at_center ns c) (Ball (metric t) (budget t) false) x
  && match clip t with
     | None => true
     | Some (a, b) => forallb (fun k => leq a (look x k) && leq (look x k) b) ns
     end.
Definition flip_sample (net : network) (t : task) (s : list Q * nat) (k : nat) (p : list Q) : bool :=
  match label_goals (read t) (classes t) (length (outputs net)) (snd s) with
  | Some goals =>
      match point_of (at_center (inputs net) (fst s)) p Nil, nth_error goals k with
      | Some x, Some goal =>
          asks_well net (map (fun s => (variable s, (center s, center s)))
            (at_center (inputs net) (fst s))) []
          && in_ball_at t (inputs net) (fst s) x
          && (let z := run_at (units net) x in forallb (atom_at net x z) goal)
      | _, _ => false
      end
  | None => false
  end.
Theorem flip_sample_sound net t s k p : flip_sample net t s k p = true ->
  well_formed net /\ loses_label t net s.
Proof.
  unfold flip_sample.
  destruct (label_goals (read t) (classes t) (length (outputs net)) (snd s)) as [goals |] eqn:L;
    [| discriminate].
  destruct (point_of (at_center (inputs net) (fst s)) p Nil) as [x |]; [| discriminate].
  destruct (nth_error goals k) as [goal |] eqn:N; [| discriminate].
  intro H. apply andb_true_iff in H as [B A]. apply andb_true_iff in B as [W B].
  split; [apply (asks_well_true _ _ _ W) |]. unfold in_ball_at in B.
  apply andb_true_iff in B as [B C].
  exists (points_at x). split; [split |].
  - exact (near_at_sound _ (Ball (metric t) (budget t) false) _ B).
  - destruct (clip t) as [[a b] |]; [| exact I].
    rewrite forallb_forall in C. apply Forall_forall. intros k' Hk. specialize (C k' Hk).
    apply andb_true_iff in C as [l h]. apply leq_true in l. apply leq_true in h.
    rewrite look_real in l, h. split; assumption.
  - unfold reads_label. rewrite <- (label_goals_mean _ _ _ _ _ _ (points_at x) L). intro H.
    apply (H goal (nth_error_In _ _ N)). rewrite forallb_forall in A. apply Forall_forall.
    intros a Ha. apply atom_at_sound, A, Ha.
Qed.
