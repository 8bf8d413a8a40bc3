(* UNVERIFIED, and not to be believed either: whatever proof is read, an accepted one is a proof. *)
open Kernel
open Tokens

let ridges = ref false
let rec tree bound () =
  let rec steps found = match token () with
    | ("lower" | "upper") as side -> steps (step bound (side = "upper") :: found)
    | kind -> (found, kind) in
  let (found, kind) = steps [] in
  List.fold_left (fun rest (((v, up), q), proof) -> Lemma_ (v, up, q, proof, rest)) (body bound kind) found
and step bound up = let v = unit_name () in let q = bound () in (((v, up), q), tree bound ())
and body bound = function
  | "leaf" -> Close (leaf { atoms = []; slopes = []; bounds = []; cuts = []; box = []; usual = false;
                              ridge = None })
  | "conflict" -> Conflict (unit_name ())
  | "unit" -> let v = unit_name () in let low = tree bound () in SplitUnit (v, low, tree bound ())
  | "input" -> let k = input_name () in let t = number () in
    let low = tree bound () in SplitInput (k, t, low, tree bound ())
  | "plane" -> let g = listed (pair input_name number) () in let t = number () in
    let low = tree bound () in SplitPlane (g, t, low, tree bound ())
  | other -> refuse ("unexpected token: " ^ other)
and leaf l = match token () with
  | "." -> l
  | "atoms" -> leaf { l with atoms = listed (pair index number) () }
  | "slopes" -> leaf { l with slopes = listed (pair unit_name number) () }
  | "bounds" -> leaf { l with bounds = listed (pair unit_name number) () }
  | "cuts" -> leaf { l with cuts = listed (pair index number) () }
  | "box" -> leaf { l with box = listed (pair input_name number) () }
  | "usual" -> leaf { l with usual = true }
  | "ball" -> ridges := true; let t = number () in let i = token () in
    leaf { l with ridge = Some (t, if i = "-" then None else Some (nat (natural i))) }
  | other -> refuse ("unexpected token: " ^ other)

let weighted () = let ray = listed (pair input_name number) () in
  let share = number () in { ray; share; selberg = number () }
let proof bound () =
  let weights = listed (listed weighted) () in
  let rec lemmas found = match token () with
    | ("lower" | "upper") as side -> lemmas (step bound (side = "upper") :: found)
    | "goals" -> List.rev found
    | other -> refuse ("unexpected token: " ^ other) in
  let lemmas = lemmas [] in { weights; lemmas; trees = listed (tree bound) () }
