(** Integers of the program are those of Zarith: what is believed of the extraction, without proof.

    Every operation on [Z] and [positive] that the program reaches is named here; [make extract]
    refuses a program that holds one that is not. *)
Require Coq.extraction.Extraction.
From Coq Require Import ZArith.
Require Import ExtrOcamlBasic.
Extraction Blacklist Z String List Nat.

Extract Inductive positive => "Whole.t"
  [ "(fun p -> Whole.succ (Whole.shift_left p 1))" "(fun p -> Whole.shift_left p 1)" "Whole.one" ]
  "(fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))".
Extract Inductive Z => "Whole.t" [ "Whole.zero" "" "Whole.neg" ]
  "(fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))".

Extract Inlined Constant Pos.eqb => "Whole.equal".
Extract Inlined Constant Pos.mul => "Whole.mul".
Extract Inlined Constant Z.eqb => "Whole.equal".
Extract Inlined Constant Z.leb => "Whole.leq".
Extract Inlined Constant Z.ltb => "Whole.lt".
Extract Inlined Constant Z.add => "Whole.add".
Extract Inlined Constant Z.mul => "Whole.mul".
Extract Inlined Constant Z.opp => "Whole.neg".
Extract Inlined Constant Z.gcd => "Whole.gcd".
Extract Inlined Constant Z.div => "Whole.floor_div".
Extract Inlined Constant Z.to_pos => "Whole.to_pos".
Extract Inlined Constant Z.sqrt => "Whole.floor_sqrt".
Extract Inlined Constant Z.log2 => "Whole.floor_log2".
Extract Inlined Constant Z.shiftl => "Whole.shift".
