(** Maps from names, as tries: what was put under a name is found there, and the sum of a trie of
    coefficients changes by what is added, taken or popped. The largest name is popped first. *)
From Coq Require Import List ZArith QArith Reals Qreals Lra.
From Robmem Require Import Statement Numbers.
Import ListNotations.
Open Scope R_scope.

Section Trie.
Variable A : Type.

Inductive trie :=
| Nil
| Val (a : A)
| Fork (a : option A) (t0 t1 t2 t3 : trie).

Definition child (d : digit) (t0 t1 t2 t3 : trie) : trie :=
  match d with D0 => t0 | D1 => t1 | D2 => t2 | D3 => t3 end.

Fixpoint get (k : name) (t : trie) {struct t} : option A :=
  match t with
  | Nil => None
  | Val a => match k with [] => Some a | _ :: _ => None end
  | Fork a t0 t1 t2 t3 =>
      match k with
      | [] => a
      | D0 :: k' => get k' t0
      | D1 :: k' => get k' t1
      | D2 :: k' => get k' t2
      | D3 :: k' => get k' t3
      end
  end.

(** What is at [k] becomes [f] of what was there. *)
Fixpoint alter (f : option A -> A) (k : name) (t : trie) : trie :=
  match k with
  | [] =>
      match t with
      | Nil => Val (f None)
      | Val a => Val (f (Some a))
      | Fork a t0 t1 t2 t3 => Fork (Some (f a)) t0 t1 t2 t3
      end
  | d :: k' =>
      match t with
      | Nil =>
          match d with
          | D0 => Fork None (alter f k' Nil) Nil Nil Nil
          | D1 => Fork None Nil (alter f k' Nil) Nil Nil
          | D2 => Fork None Nil Nil (alter f k' Nil) Nil
          | D3 => Fork None Nil Nil Nil (alter f k' Nil)
          end
      | Val a =>
          match d with
          | D0 => Fork (Some a) (alter f k' Nil) Nil Nil Nil
          | D1 => Fork (Some a) Nil (alter f k' Nil) Nil Nil
          | D2 => Fork (Some a) Nil Nil (alter f k' Nil) Nil
          | D3 => Fork (Some a) Nil Nil Nil (alter f k' Nil)
          end
      | Fork a t0 t1 t2 t3 =>
          match d with
          | D0 => Fork a (alter f k' t0) t1 t2 t3
          | D1 => Fork a t0 (alter f k' t1) t2 t3
          | D2 => Fork a t0 t1 (alter f k' t2) t3
          | D3 => Fork a t0 t1 t2 (alter f k' t3)
          end
      end
  end.

Definition put (k : name) (a : A) (t : trie) : trie := alter (fun _ => a) k t.

Lemma get_alter_same f k : forall t, get k (alter f k t) = Some (f (get k t)).
Proof.
  induction k as [| d k IH]; intros [| a | a t0 t1 t2 t3]; simpl; try reflexivity;
    destruct d; simpl; rewrite IH; destruct k; reflexivity.
Qed.

Lemma get_alter_other f k : forall w t, w <> k -> get w (alter f k t) = get w t.
Proof.
  induction k as [| d k IH]; intros w t different.
  - destruct w as [| e w]; [congruence |]. destruct t; reflexivity.
  - destruct w as [| e w].
    + destruct t, d; reflexivity.
    + assert (E : forall t', d = e -> get w (alter f k t') = get w t')
        by (intros t' same; apply IH; congruence).
      destruct t as [| a | a t0 t1 t2 t3]; destruct d, e; simpl; try reflexivity;
        rewrite E by reflexivity; reflexivity.
Qed.

Lemma get_put k a w t : get w (put k a t) = if name_dec w k then Some a else get w t.
Proof.
  unfold put. destruct (name_dec w k) as [same | different].
  - subst. apply get_alter_same.
  - apply get_alter_other, different.
Qed.

Definition fork (a : option A) (t0 t1 t2 t3 : trie) : trie :=
  match a, t0, t1, t2, t3 with
  | None, Nil, Nil, Nil, Nil => Nil
  | _, _, _, _, _ => Fork a t0 t1 t2 t3
  end.

Arguments fork : simpl never.

Fixpoint pop (t : trie) : option (name * A * trie) :=
  match t with
  | Nil => None
  | Val a => Some ([], a, Nil)
  | Fork a t0 t1 t2 t3 =>
      match pop t3 with
      | Some (k, b, t) => Some (D3 :: k, b, fork a t0 t1 t2 t)
      | None =>
      match pop t2 with
      | Some (k, b, t) => Some (D2 :: k, b, fork a t0 t1 t Nil)
      | None =>
      match pop t1 with
      | Some (k, b, t) => Some (D1 :: k, b, fork a t0 t Nil Nil)
      | None =>
      match pop t0 with
      | Some (k, b, t) => Some (D0 :: k, b, fork a t Nil Nil Nil)
      | None => match a with Some b => Some ([], b, Nil) | None => None end
      end end end end
  end.

Fixpoint take (k : name) (t : trie) {struct t} : option A * trie :=
  match t with
  | Nil => (None, Nil)
  | Val a => match k with [] => (Some a, Nil) | _ :: _ => (None, t) end
  | Fork a t0 t1 t2 t3 =>
      match k with
      | [] => (a, fork None t0 t1 t2 t3)
      | D0 :: k' => let (b, t) := take k' t0 in (b, fork a t t1 t2 t3)
      | D1 :: k' => let (b, t) := take k' t1 in (b, fork a t0 t t2 t3)
      | D2 :: k' => let (b, t) := take k' t2 in (b, fork a t0 t1 t t3)
      | D3 :: k' => let (b, t) := take k' t3 in (b, fork a t0 t1 t2 t)
      end
  end.
End Trie.
Arguments Nil {A}. Arguments Val {A}. Arguments Fork {A}. Arguments get {A}.
Arguments alter {A}. Arguments put {A}. Arguments pop {A}. Arguments take {A}. Arguments fork {A}.
Arguments fork : simpl never.

(** The sum of coefficient times value. *)
Definition opt (a : option Q) : R := match a with Some q => Q2R q | None => 0 end.
Fixpoint dot (t : trie Q) (z : name -> R) : R :=
  match t with
  | Nil => 0
  | Val q => Q2R q * z []
  | Fork a t0 t1 t2 t3 =>
      opt a * z [] + dot t0 (fun k => z (D0 :: k)) + dot t1 (fun k => z (D1 :: k))
      + dot t2 (fun k => z (D2 :: k)) + dot t3 (fun k => z (D3 :: k))
  end.

Definition plus (q : Q) (k : name) (t : trie Q) : trie Q :=
  alter (fun a => match a with Some p => add p q | None => q end) k t.

Lemma dot_plus q k : forall t z, dot (plus q k t) z = dot t z + Q2R q * z k.
Proof.
  unfold plus.
  induction k as [| d k IH]; intros [| a | a t0 t1 t2 t3] z; simpl; try lra.
  - rewrite add_real; lra.
  - destruct a as [a |]; simpl; [rewrite add_real; lra | lra].
  - destruct d; simpl; rewrite IH; simpl; lra.
  - destruct d; simpl; rewrite IH; simpl; lra.
  - destruct d; simpl; rewrite IH; simpl; lra.
Qed.

(** n q at [k] more; [plus (scale n q) k t], but without a number or a function for it. *)
Fixpoint plus_times (n : Z) (q : Q) (k : name) (t : trie Q) : trie Q :=
  match k with
  | [] =>
      match t with
      | Nil => Val (scale n q)
      | Val p => Val (gain n q p)
      | Fork (Some p) t0 t1 t2 t3 => Fork (Some (gain n q p)) t0 t1 t2 t3
      | Fork None t0 t1 t2 t3 => Fork (Some (scale n q)) t0 t1 t2 t3
      end
  | d :: k' =>
      match t with
      | Fork a t0 t1 t2 t3 =>
          match d with
          | D0 => Fork a (plus_times n q k' t0) t1 t2 t3
          | D1 => Fork a t0 (plus_times n q k' t1) t2 t3
          | D2 => Fork a t0 t1 (plus_times n q k' t2) t3
          | D3 => Fork a t0 t1 t2 (plus_times n q k' t3)
          end
      | _ => plus (scale n q) k t
      end
  end.
Lemma dot_plus_times n q k : forall t z,
  dot (plus_times n q k t) z = dot t z + IZR n * Q2R q * z k.
Proof.
  assert (P : forall k t z, dot (plus (scale n q) k t) z = dot t z + IZR n * Q2R q * z k)
    by (intros; rewrite dot_plus, scale_real; reflexivity).
  induction k as [| d k IH]; intros [| a | a t0 t1 t2 t3] z; cbn [plus_times]; try apply P.
  - simpl. rewrite scale_real. lra.
  - simpl. rewrite gain_real. lra.
  - destruct a as [a |]; simpl; [rewrite gain_real | rewrite scale_real]; lra.
  - destruct d; simpl; rewrite IH; simpl; lra.
Qed.

(** The same for all coefficients of a row at once, its integers kept as a trie: what lies beside a
    path is not copied for each of them. *)
Definition integer (n : option Z) : R := match n with Some n => IZR n | None => 0 end.
Fixpoint dot_z (t : trie Z) (z : name -> R) : R :=
  match t with
  | Nil => 0
  | Val n => IZR n * z []
  | Fork n t0 t1 t2 t3 =>
      integer n * z [] + dot_z t0 (fun k => z (D0 :: k)) + dot_z t1 (fun k => z (D1 :: k))
      + dot_z t2 (fun k => z (D2 :: k)) + dot_z t3 (fun k => z (D3 :: k))
  end.
Definition gained (n : option Z) (q : Q) (a : option Q) : option Q :=
  match n with
  | None => a
  | Some n => Some match a with Some p => gain n q p | None => scale n q end
  end.
Fixpoint plus_row (q : Q) (t : trie Z) (c : trie Q) : trie Q :=
  match t with
  | Nil => c
  | Val n =>
      match c with
      | Nil => Val (scale n q)
      | Val p => Val (gain n q p)
      | Fork a c0 c1 c2 c3 => Fork (gained (Some n) q a) c0 c1 c2 c3
      end
  | Fork n t0 t1 t2 t3 =>
      match c with
      | Nil => Fork (gained n q None) (plus_row q t0 Nil) (plus_row q t1 Nil) (plus_row q t2 Nil)
          (plus_row q t3 Nil)
      | Val p => Fork (gained n q (Some p)) (plus_row q t0 Nil) (plus_row q t1 Nil)
          (plus_row q t2 Nil) (plus_row q t3 Nil)
      | Fork a c0 c1 c2 c3 => Fork (gained n q a) (plus_row q t0 c0) (plus_row q t1 c1)
          (plus_row q t2 c2) (plus_row q t3 c3)
      end
  end.
Lemma gained_real n q a : opt (gained n q a) = opt a + Q2R q * integer n.
Proof. destruct n as [n |], a as [p |]; simpl; rewrite ?gain_real, ?scale_real; lra. Qed.
Lemma dot_plus_row q : forall t c z, dot (plus_row q t c) z = dot c z + Q2R q * dot_z t z.
Proof.
  induction t as [| n | n t0 IH0 t1 IH1 t2 IH2 t3 IH3]; intros [| p | a c0 c1 c2 c3] z;
    cbn [plus_row dot dot_z]; rewrite ?gained_real, ?gain_real, ?scale_real, ?IH0, ?IH1, ?IH2, ?IH3;
    simpl; lra.
Qed.

Definition at_key (n : Z) (k : name) (t : trie Z) : trie Z :=
  alter (fun a => match a with Some m => Z.add m n | None => n end) k t.
Lemma dot_z_at_key n k : forall t z, dot_z (at_key n k t) z = dot_z t z + IZR n * z k.
Proof.
  unfold at_key.
  induction k as [| d k IH]; intros [| m | a t0 t1 t2 t3] z; simpl; try lra.
  - rewrite plus_IZR; lra.
  - destruct a as [m |]; simpl; [rewrite plus_IZR; lra | lra].
  - destruct d; simpl; rewrite IH; simpl; lra.
  - destruct d; simpl; rewrite IH; simpl; lra.
  - destruct d; simpl; rewrite IH; simpl; lra.
Qed.

Lemma dot_fork a t0 t1 t2 t3 z : dot (fork a t0 t1 t2 t3) z = dot (Fork a t0 t1 t2 t3) z.
Proof. destruct a, t0, t1, t2, t3; simpl; lra. Qed.

Lemma dot_pop : forall t z,
  match pop t with
  | Some (k, q, t') => dot t z = Q2R q * z k + dot t' z
  | None => dot t z = 0
  end.
Proof.
  induction t as [| a | a t0 IH0 t1 IH1 t2 IH2 t3 IH3]; intro z; simpl; try lra.
  specialize (IH0 (fun k => z (D0 :: k))). specialize (IH1 (fun k => z (D1 :: k))).
  specialize (IH2 (fun k => z (D2 :: k))). specialize (IH3 (fun k => z (D3 :: k))).
  destruct (pop t3) as [[[k q] t] |]; [rewrite dot_fork; simpl; lra |].
  destruct (pop t2) as [[[k q] t] |]; [rewrite dot_fork; simpl; lra |].
  destruct (pop t1) as [[[k q] t] |]; [rewrite dot_fork; simpl; lra |].
  destruct (pop t0) as [[[k q] t] |]; [rewrite dot_fork; simpl; lra |].
  destruct a as [q |]; simpl; lra.
Qed.

Lemma dot_take k : forall t z,
  dot t z = opt (fst (take k t)) * z k + dot (snd (take k t)) z.
Proof.
  induction k as [| d k IH]; intros [| a | a t0 t1 t2 t3] z; simpl; try lra.
  - rewrite dot_fork; simpl; lra.
  - destruct d.
    + specialize (IH t0 (fun w => z (D0 :: w))). destruct (take k t0) as [b t]; simpl in *.
      rewrite dot_fork; simpl; lra.
    + specialize (IH t1 (fun w => z (D1 :: w))). destruct (take k t1) as [b t]; simpl in *.
      rewrite dot_fork; simpl; lra.
    + specialize (IH t2 (fun w => z (D2 :: w))). destruct (take k t2) as [b t]; simpl in *.
      rewrite dot_fork; simpl; lra.
    + specialize (IH t3 (fun w => z (D3 :: w))). destruct (take k t3) as [b t]; simpl in *.
      rewrite dot_fork; simpl; lra.
Qed.
