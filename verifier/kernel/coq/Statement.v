(** What is proved, alone: networks, regions, goals, and what "no point satisfies a goal" means.

    Nothing in this file computes for the program; it is the text that a reader must agree with. *)
From Coq Require Import List ZArith QArith Reals Qreals.
Import ListNotations.
Open Scope R_scope.

(** A variable has a name, a word of digits; which word is of no importance. *)
Inductive digit := D0 | D1 | D2 | D3.
Definition name := list digit.
Definition name_dec (a b : name) : {a = b} + {a <> b}.
Proof. decide equality; decide equality. Defined.

(** A row is (sum of integer weights times variables, plus a constant) over a denominator. *)
Definition valuation := name -> R.
Record row := Row { terms : list (name * Z); constant : Z; denominator : positive }.
Definition total (rs : list R) : R := fold_right Rplus 0 rs.
Definition value (r : row) (z : valuation) : R :=
  (total (map (fun t => IZR (snd t) * z (fst t)) (terms r)) + IZR (constant r))
  / IZR (Zpos (denominator r)).

(** A network: unit after unit, z_v = max(0, a_v), where a_v is the value of the row of v. *)
Record network := Network
  { inputs : list name; units : list (name * row); outputs : list row }.
Definition set (z : valuation) (v : name) (t : R) : valuation :=
  fun w => if name_dec w v then t else z w.
Definition run (us : list (name * row)) (x : valuation) : valuation :=
  fold_left (fun z u => set z (fst u) (Rmax 0 (value (snd u) z))) us x.
Definition output (net : network) (x : valuation) (j : nat) : R :=
  match nth_error (outputs net) j with
  | Some r => value r (run (units net) x)
  | None => 0
  end.

(** Inputs are distinct, a unit is new and reads what stands before it, an output what exists. *)
Definition reads (known : list name) (r : row) : Prop :=
  forall t, In t (terms r) -> In (fst t) known.
Fixpoint layered (known : list name) (us : list (name * row)) : Prop :=
  match us with
  | [] => True
  | u :: rest => ~ In (fst u) known /\ reads known (snd u) /\ layered (fst u :: known) rest
  end.
Definition well_formed (net : network) : Prop :=
  NoDup (inputs net) /\ layered (inputs net) (units net)
  /\ Forall (reads (inputs net ++ map fst (units net))) (outputs net).

(** A region: each input in its interval and, if there is a ball, near enough to the center:
    the size is the radius, for L2 its square; an open ball is without its sphere. *)
Record side := Side { variable : name; low : Q; high : Q; center : Q }.
Inductive norm := Linf | L1 | L2.
Inductive shape := Box | Ball (n : norm) (size : Q) (opened : bool).
Record region := Region { sides : list side; ball : shape }.
Definition below (opened : bool) (a b : R) : Prop := if opened then a < b else a <= b.
Definition gap (x : valuation) (s : side) : R := x (variable s) - Q2R (center s).
Definition near (ss : list side) (b : shape) (x : valuation) : Prop :=
  match b with
  | Box => True
  | Ball Linf size opened => Forall (fun s => below opened (Rabs (gap x s)) (Q2R size)) ss
  | Ball L1 size opened => below opened (total (map (fun s => Rabs (gap x s)) ss)) (Q2R size)
  | Ball L2 size opened => below opened (total (map (fun s => gap x s * gap x s) ss)) (Q2R size)
  end.
Definition inside (g : region) (x : valuation) : Prop :=
  Forall (fun s => Q2R (low s) <= x (variable s) <= Q2R (high s)) (sides g)
  /\ near (sides g) (ball g) x.

(** An atom: xs . x + ys . output + offset >= 0, or > 0 if strict. A goal: some atoms. *)
Record atom := Atom
  { xs : list (name * Q); ys : list (nat * Q); offset : Q; strict : bool }.
Definition holds (net : network) (x : valuation) (a : atom) : Prop :=
  below (strict a) 0
    (total (map (fun t => Q2R (snd t) * x (fst t)) (xs a))
     + total (map (fun t => Q2R (snd t) * output net x (fst t)) (ys a)) + Q2R (offset a)).
Definition names_exist (net : network) (a : atom) : Prop :=
  Forall (fun t => In (fst t) (inputs net)) (xs a)
  /\ Forall (fun t => (fst t < length (outputs net))%nat) (ys a).

(** The question and its answer: no point of the region satisfies all atoms of a goal. *)
Definition asked_well (net : network) (g : region) (goals : list (list atom)) : Prop :=
  well_formed net /\ map variable (sides g) = inputs net
  /\ Forall (Forall (names_exist net)) goals.
Definition never (net : network) (g : region) (goals : list (list atom)) : Prop :=
  forall x, inside g x -> forall goal, In goal goals -> ~ Forall (holds net x) goal.

(** A flip: a point of the region at which a goal holds. An exact radius: no such point in the
    open ball, and one in the closed ball. *)
Definition flipped (net : network) (g : region) (goals : list (list atom)) : Prop :=
  exists x, inside g x /\ exists goal, In goal goals /\ Forall (holds net x) goal.
Definition opened_ball (g : region) : Prop :=
  match ball g with Ball _ _ true => True | _ => False end.
Definition with_sphere (g : region) : region :=
  Region (sides g) match ball g with Box => Box | Ball n size _ => Ball n size false end.
Definition exact_radius (net : network) (g : region) (goals : list (list atom)) : Prop :=
  opened_ball g /\ never net g goals /\ flipped net (with_sphere g) goals.

(** Samples: the labels are 0, 1, .. classes - 1; the decoder [Sign] reads 0 as -1 and 1 as +1.
    A tie is a flip. *)
Inductive decoder := Value | Nearest | Sign | Argmax.
Definition keeps (d : decoder) (classes : nat) (net : network) (x : valuation) (label : nat) : Prop :=
  let out := output net x in
  match d with
  | Value => out O = INR label
  | Nearest => forall other, (other < classes)%nat -> other <> label ->
      Rabs (out O - INR label) < Rabs (out O - INR other)
  | Sign => match label with O => out O < 0 | S _ => 0 < out O end
  | Argmax => forall other, (other < length (outputs net))%nat -> other <> label ->
      out other < out label
  end.

(** The closed ball of a budget (for L2 its square) around a sample, within a box if it is clipped. *)
Record task := Task
  { read : decoder; classes : nat; metric : norm; budget : Q; clip : option (Q * Q) }.
Definition at_center (ns : list name) (c : list Q) : list side :=
  map (fun p => Side (fst p) 0 0 (snd p)) (combine ns c).
Definition in_ball (t : task) (ns : list name) (c : list Q) (x : valuation) : Prop :=
  near (at_center ns c) (Ball (metric t) (budget t) false) x
  /\ match clip t with
     | None => True
     | Some (a, b) => Forall (fun k => Q2R a <= x k <= Q2R b) ns
     end.
Definition keeps_label (t : task) (net : network) (s : list Q * nat) : Prop :=
  well_formed net /\ length (fst s) = length (inputs net)
  /\ forall x, in_ball t (inputs net) (fst s) x -> keeps (read t) (classes t) net x (snd s).
Definition loses_label (t : task) (net : network) (s : list Q * nat) : Prop :=
  exists x, in_ball t (inputs net) (fst s) x /\ ~ keeps (read t) (classes t) net x (snd s).
