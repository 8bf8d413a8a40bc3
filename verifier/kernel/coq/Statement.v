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

(** A region: each input in its interval and, if there is a ball, near enough to the center; an
    open ball is without its sphere. Norms are Linf, L1, L2, and [Power n] the norm p = n + 2: the
    size of a ball is the radius, for L2 its square, of the norm p its p-th power. *)
Record side := Side { variable : name; low : Q; high : Q; center : Q }.
Inductive norm := Linf | L1 | L2.
Inductive gauge := Of (n : norm) | Power (n : nat).
Coercion Of : norm >-> gauge.
Inductive shape := Box | Ball (n : gauge) (size : Q) (opened : bool).
Record region := Region { sides : list side; ball : shape }.
Definition below (opened : bool) (a b : R) : Prop := if opened then a < b else a <= b.
Definition gap (x : valuation) (s : side) : R := x (variable s) - Q2R (center s).
Definition within (n : gauge) (opened : bool) (size : R) (ss : list side) (x : valuation) : Prop :=
  match n with
  | Of Linf => Forall (fun s => below opened (Rabs (gap x s)) size) ss
  | Of L1 => below opened (total (map (fun s => Rabs (gap x s)) ss)) size
  | Of L2 => below opened (total (map (fun s => gap x s * gap x s) ss)) size
  | Power n => below opened (total (map (fun s => Rabs (gap x s) ^ (n + 2)) ss)) size
  end.
Definition near (ss : list side) (b : shape) (x : valuation) : Prop :=
  match b with Box => True | Ball n size opened => within n opened (Q2R size) ss x end.
Definition inside (g : region) (x : valuation) : Prop :=
  Forall (fun s => Q2R (low s) <= x (variable s) <= Q2R (high s)) (sides g)
  /\ near (sides g) (ball g) x.

(** An atom: xs . x + ys . output + offset >= 0, or > 0 if strict. A goal: some atoms. *)
Record atom := Atom
  { xs : list (name * Q); ys : list (nat * Q); offset : Q; strict : bool }.
Definition holds_of (x : valuation) (out : nat -> R) (a : atom) : Prop :=
  below (strict a) 0
    (total (map (fun t => Q2R (snd t) * x (fst t)) (xs a))
     + total (map (fun t => Q2R (snd t) * out (fst t)) (ys a)) + Q2R (offset a)).
Definition holds (net : network) (x : valuation) : atom -> Prop := holds_of x (output net x).
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
Definition keeps (d : decoder) (classes outs : nat) (out : nat -> R) (label : nat) : Prop :=
  match d with
  | Value => out O = INR label
  | Nearest => forall other, (other < classes)%nat -> other <> label ->
      Rabs (out O - INR label) < Rabs (out O - INR other)
  | Sign => match label with O => out O < 0 | S _ => 0 < out O end
  | Argmax => forall other, (other < outs)%nat -> other <> label -> out other < out label
  end.

(** The closed ball of a budget (its power, as above) around a sample, within a box if it is clipped. *)
Record task := Task
  { read : decoder; classes : nat; metric : gauge; budget : Q; clip : option (Q * Q) }.
Definition at_center (ns : list name) (c : list Q) : list side :=
  map (fun p => Side (fst p) 0 0 (snd p)) (combine ns c).
Definition in_ball (t : task) (ns : list name) (c : list Q) (x : valuation) : Prop :=
  within (metric t) false (Q2R (budget t)) (at_center ns c) x
  /\ match clip t with
     | None => True
     | Some (a, b) => Forall (fun k => Q2R a <= x k <= Q2R b) ns
     end.
Definition reads_label (t : task) (net : network) (x : valuation) (label : nat) : Prop :=
  keeps (read t) (classes t) (length (outputs net)) (output net x) label.
Definition keeps_label (t : task) (net : network) (s : list Q * nat) : Prop :=
  well_formed net /\ length (fst s) = length (inputs net)
  /\ forall x, in_ball t (inputs net) (fst s) x -> reads_label t net x (snd s).
Definition loses_label (t : task) (net : network) (s : list Q * nat) : Prop :=
  exists x, in_ball t (inputs net) (fst s) x /\ ~ reads_label t net x (snd s).

(** A family: m is the last input of the network; the ball of m has the radius m * rate (of the norm
    p >= 2 its p-th power is m^p * rate), for every real m from [first] to [last], without it if the
    end is open. *)
Record cone := Cone { growth : gauge; rate : Q; first : Q; last : Q; open_end : bool }.
Definition spans (k : cone) (m : R) : Prop :=
  Q2R (first k) <= m /\ below (open_end k) m (Q2R (last k)).
Definition size_at (k : cone) (m : R) : R :=
  match growth k with
  | Of L2 => m * m * Q2R (rate k)
  | Power n => m ^ (n + 2) * Q2R (rate k)
  | _ => m * Q2R (rate k)
  end.
Definition in_cone (k : cone) (ns : list name) (c : list Q) (m : R) (x : valuation) : Prop :=
  within (growth k) false (size_at k m) (at_center ns c) x.
Definition cone_well (k : cone) (net : network) (c : list Q) (ns : list name) (p : name) : Prop :=
  well_formed net /\ inputs net = ns ++ [p] /\ length c = length ns
  /\ 0 <= Q2R (first k) < Q2R (last k) /\ 0 < Q2R (rate k).

(** Its question, about x, m and the outputs: no goal holds in any of the balls. *)
Definition never_in_cone (net : network) (k : cone) (c : list Q) (goals : list (list atom)) : Prop :=
  exists ns p, cone_well k net c ns p /\ Forall (Forall (names_exist net)) goals
  /\ forall m x, spans k m -> x p = m -> in_cone k ns c m x ->
      forall goal, In goal goals -> ~ Forall (holds net x) goal.

(** A member of the family divides the outputs by D(m) = d0 + d1 m: each keeps the label. *)
Record family := Family { reader : decoder; labels : nat; balls : cone; d0 : Q; d1 : Q }.
Definition below_at (f : family) (m : R) : R := Q2R (d0 f) + Q2R (d1 f) * m.
Definition keeps_label_for_every (f : family) (net : network) (s : list Q * nat) : Prop :=
  exists ns p, cone_well (balls f) net (fst s) ns p
  /\ forall m, spans (balls f) m -> 0 < below_at f m
  /\ forall x, x p = m -> in_cone (balls f) ns (fst s) m x ->
      keeps (reader f) (labels f) (length (outputs net))
        (fun j => output net x j / below_at f m) (snd s).
