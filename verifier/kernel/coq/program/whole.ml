(* Integers of the program. Not proved: that Zarith computes as Coq's Z and positive do. *)
include Z

(* Coq's division rounds down; by zero it gives zero. *)
let floor_div a b = if sign b = 0 then zero else fdiv a b

(* Coq's Z.to_pos gives 1 for what is not positive. *)
let to_pos a = if sign a <= 0 then one else a
