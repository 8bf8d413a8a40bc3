(** For files of `robmem export --to coq`: networks and proofs written with numbers for names. *)
From Coq Require Import List ZArith QArith.
From Robmem Require Import Statement Tree Root Shares Verify Cones.
Import ListNotations.

Definition digit_of (n : Z) : digit :=
  match n with 0%Z => D0 | 1%Z => D1 | 2%Z => D2 | _ => D3 end.
Fixpoint name_of (depth : nat) (n : Z) : name :=
  match depth with
  | O => []
  | S d => name_of d (n / 4) ++ [digit_of (n mod 4)]
  end.

(** Rows as (terms, constant, denominator); units are numbered after the inputs. *)
Definition plain := (list (Z * Z) * Z * positive)%type.
Definition row_of (depth : nat) (r : plain) : row :=
  let '(ts, c, d) := r in Row (map (fun t => (name_of depth (fst t), snd t)) ts) c d.
Fixpoint numbered (depth : nat) (first : Z) (rs : list plain) : list (name * row) :=
  match rs with
  | [] => []
  | r :: rs => (name_of depth first, row_of depth r) :: numbered depth (first + 1) rs
  end.
Fixpoint names_from (depth : nat) (first : Z) (count : nat) : list name :=
  match count with
  | O => []
  | S n => name_of depth first :: names_from depth (first + 1) n
  end.
Definition network_of (depth inputs : nat) (units outputs : list plain) : network :=
  Network (names_from depth 0 inputs) (numbered depth (Z.of_nat inputs) units)
    (map (row_of depth) outputs).
Definition fuel_of (net : network) : list name := inputs net ++ map fst (units net).
Definition proves (net : network) (g : region) (goals : list (list atom)) (p : proof Q) : bool :=
  verify (fuel_of net) (find_lines (inputs net) net) net g goals p.
Theorem proves_sound net g goals p :
  proves net g goals p = true -> asked_well net g goals /\ never net g goals.
Proof. apply verify_sound. Qed.

(** Of a family; bounds of its lemmas have two numbers. *)
Definition proves_cone (net : network) (k : cone) (reach : Q) (c : list Q) (goals : list (list atom))
    (p : proof (Q * Q)) : bool :=
  verify_cone (fuel_of net) (find_lines (removelast (inputs net)) net) net k reach c goals p.
Theorem proves_cone_sound net k reach c goals p :
  proves_cone net k reach c goals p = true -> never_in_cone net k c goals.
Proof. apply verify_cone_sound. Qed.
