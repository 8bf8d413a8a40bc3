(* Integers of the program. Not proved: that Zarith computes as Coq's Z and positive do. *)
include Z

(* Coq's division rounds down; by zero it gives zero. *)
let floor_div a b = if sign b = 0 then zero else fdiv a b

(* Coq's Z.to_pos gives 1 for what is not positive; Z.sqrt and Z.log2 give 0. *)
let to_pos a = if sign a <= 0 then one else a
let floor_sqrt a = if sign a <= 0 then zero else sqrt a
let floor_log2 a = if sign a <= 0 then zero else of_int (Stdlib.pred (numbits a))

(* A shift to the left; one by a negative number is to the right, and rounds down. *)
let shift a b = let n = to_int b in if n >= 0 then shift_left a n else shift_right a (Stdlib.abs n)
