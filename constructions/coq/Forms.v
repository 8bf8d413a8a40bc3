(** Networks written as formulas: affine forms of units with integer weights, gathered layer by
    layer, as constructions/rows.py does; and what they are worth where every value is an integer. *)
From Coq Require Import List ZArith Reals Lra Lia Bool.
From Robmem Require Import Statement.
From Theorems Require Import Lines Layouts Reading.
Import ListNotations.
Open Scope Z_scope.

(** ** Forms *)

(** Terms by increasing variables, none of them twice, no weight zero. *)
Fixpoint put (j w : Z) (es : list (Z * Z)) : list (Z * Z) :=
  match es with
  | [] => if w =? 0 then [] else [(j, w)]
  | (k, v) :: rest =>
      if j <? k then (if w =? 0 then es else (j, w) :: es)
      else if j =? k then (if w + v =? 0 then rest else (j, w + v) :: rest)
      else (k, v) :: put j w rest
  end.
Record form := Form { parts : list (Z * Z); constant : Z }.
Definition nothing : form := Form [] 0.
Definition unit_of (j : Z) : form := Form [(j, 1)] 0.
Definition plus (f g : form) : form :=
  Form (fold_right (fun e es => put (fst e) (snd e) es) (parts f) (parts g)) (constant f + constant g).
Definition times (k : Z) (f : form) : form :=
  Form (map (fun e => (fst e, k * snd e)) (parts f)) (k * constant f).
Definition shift (f : form) (c : Z) : form := Form (parts f) (constant f + c).
Definition minus (f g : form) : form := plus f (times (-1) g).
Definition line_of (f : form) : line := Line (parts f) (constant f) 1.
Definition worth (z : Z -> R) (f : form) : R := (valued z (parts f) + IZR (constant f))%R.
Definition within (bound : Z) (f : form) : Prop := between 0 bound (parts f).

Lemma put_value z j w : forall es, valued z (put j w es) = (IZR w * z j + valued z es)%R.
Proof.
  induction es as [| [k v] es IH]; cbn [put].
  - destruct (Z.eqb_spec w 0) as [-> |]; rewrite ?valued_cons, ?valued_nil; lra.
  - destruct (Z.ltb_spec j k).
    + destruct (Z.eqb_spec w 0) as [-> |]; rewrite ?valued_cons; lra.
    + destruct (Z.eqb_spec j k) as [-> |].
      * destruct (Z.eqb_spec (w + v) 0) as [e |]; rewrite ?valued_cons.
        -- apply (f_equal IZR) in e. rewrite plus_IZR in e.
           replace (IZR v) with (- IZR w)%R by lra. lra.
        -- rewrite plus_IZR. lra.
      * rewrite !valued_cons, IH. lra.
Qed.
Lemma put_between low high j w : (low <= j < high) -> forall es, between low high es ->
  between low high (put j w es).
Proof.
  intros J. induction es as [| [k v] es IH]; intro B; cbn [put].
  - destruct (w =? 0); repeat constructor; simpl; lia.
  - pose proof B as B'. inversion B' as [| ? ? K B1]; subst. simpl in K.
    destruct (j <? k); [destruct (w =? 0); [exact B | constructor; [exact J | exact B]] |].
    destruct (j =? k); [destruct (w + v =? 0); [exact B1 | constructor; [exact J | exact B1]] |].
    constructor; [exact K | apply IH, B1].
Qed.
Lemma plus_worth z f g : worth z (plus f g) = (worth z f + worth z g)%R.
Proof.
  unfold worth, plus. cbn [parts constant]. rewrite plus_IZR.
  assert (H : valued z (fold_right (fun e es => put (fst e) (snd e) es) (parts f) (parts g))
    = (valued z (parts f) + valued z (parts g))%R); [| rewrite H; lra].
  induction (parts g) as [| [j w] es IH]; cbn [fold_right]; [rewrite valued_nil; lra |].
  rewrite put_value, IH, valued_cons. cbn [fst snd]. lra.
Qed.
Lemma times_worth z k f : worth z (times k f) = (IZR k * worth z f)%R.
Proof.
  unfold worth, times. cbn [parts constant]. rewrite mult_IZR.
  assert (H : valued z (map (fun e => (fst e, k * snd e)) (parts f)) = (IZR k * valued z (parts f))%R);
    [| rewrite H; lra].
  induction (parts f) as [| [j w] es IH]; cbn [map]; [rewrite !valued_nil; lra |].
  rewrite !valued_cons, IH. cbn [fst snd]. rewrite mult_IZR. lra.
Qed.
Lemma plus_within b f g : within b f -> within b g -> within b (plus f g).
Proof.
  unfold within, plus. cbn [parts]. intros F G. induction (parts g) as [| e es IH]; cbn [fold_right]; [exact F |].
  inversion G; subst. apply put_between; [assumption | apply IH; assumption].
Qed.
Lemma times_within b k f : within b f -> within b (times k f).
Proof.
  unfold within, times, between. cbn [parts]. intro F. apply Forall_map. eapply Forall_impl; [| exact F].
  intros e E. exact E.
Qed.
Lemma minus_within b f g : within b f -> within b g -> within b (minus f g).
Proof. intros F G. apply plus_within, times_within; assumption. Qed.
Lemma shift_within b f c : within b f -> within b (shift f c).
Proof. intro F. exact F. Qed.
Lemma within_more b c f : within b f -> b <= c -> within c f.
Proof. intros F L. eapply between_wider; [exact F | lia | lia]. Qed.
Lemma nothing_within b : within b nothing.
Proof. constructor. Qed.

(** ** Values that are integers *)

Definition holds (z : Z -> R) (f : form) (v : Z) : Prop := worth z f = IZR v.
Lemma holds_plus z f g v w : holds z f v -> holds z g w -> holds z (plus f g) (v + w).
Proof. unfold holds. intros F G. rewrite plus_worth, F, G, plus_IZR. reflexivity. Qed.
Lemma holds_times z k f v : holds z f v -> holds z (times k f) (k * v).
Proof. unfold holds. intro F. rewrite times_worth, F, mult_IZR. reflexivity. Qed.
Lemma holds_minus z f g v w : holds z f v -> holds z g w -> holds z (minus f g) (v - w).
Proof.
  intros F G. unfold minus. replace (v - w) with (v + -1 * w) by lia. apply holds_plus, holds_times; assumption.
Qed.
Lemma holds_shift z f v c : holds z f v -> holds z (shift f c) (v + c).
Proof.
  unfold holds, worth, shift. cbn [parts constant]. intro F. rewrite !plus_IZR. lra.
Qed.
Lemma holds_nothing z : holds z nothing 0.
Proof. unfold holds, worth, nothing. cbn [parts constant]. rewrite valued_nil. lra. Qed.
Lemma holds_line z f v : holds z f v -> line_value (line_of f) z = IZR v.
Proof. unfold holds, worth, line_value, line_of. cbn [entries bias below]. intro F. rewrite F. field. Qed.

(** ** A layer: one unit for each form *)

Definition units_of (first : Z) (fs : list form) : list form := map unit_of (numbers first (length fs)).
Definition rectified (vs : list Z) : list Z := map (Z.max 0) vs.
Lemma max_real v : Rmax 0 (IZR v) = IZR (Z.max 0 v).
Proof.
  destruct (Z.max_spec 0 v) as [[L ->] | [L ->]].
  - apply Rmax_right, IZR_le. lia.
  - apply Rmax_left, IZR_le. exact L.
Qed.
Lemma layer_holds z : forall fs vs first, Forall2 (holds z) fs vs -> solves first (map line_of fs) z ->
  Forall2 (holds z) (units_of first fs) (rectified vs).
Proof.
  unfold units_of, rectified. induction fs as [| f fs IH]; intros vs first F S; inversion F as [| ? v ? vs' F1 F2]; subst;
    [constructor |]. cbn [map solves] in S. destruct S as [S1 S2].
  cbn [length numbers map]. constructor; [| apply IH; assumption].
  unfold holds, worth, unit_of. cbn [parts constant]. rewrite valued_cons, valued_nil, S1, (holds_line z f v F1), max_real. lra.
Qed.
Lemma units_within fs : forall first, 0 <= first -> Forall (within (first + size fs)) (units_of first fs).
Proof.
  unfold units_of. induction fs as [| f fs IH]; intros first F; cbn [length numbers map]; [constructor |].
  rewrite size_cons. pose proof (size_nonneg fs). constructor.
  - unfold within, unit_of. cbn [parts]. constructor; [cbn [fst]; lia | constructor].
  - specialize (IH (first + 1) ltac:(lia)). eapply Forall_impl; [| exact IH]. intros g G.
    eapply within_more; [exact G | lia].
Qed.
Lemma layer_ordered fs first : Forall (within first) fs -> ordered first (map line_of fs).
Proof.
  intro W. apply (reads_below_ordered _ first); [| lia]. unfold reads_below. apply Forall_map.
  eapply Forall_impl; [| exact W]. intros f F. exact F.
Qed.
