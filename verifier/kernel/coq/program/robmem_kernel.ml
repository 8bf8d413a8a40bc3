(* UNVERIFIED. Reads a stream of tokens, asks the proved functions of kernel.ml, prints answers.
   robmem-kernel STREAM|- [--print FILE]: what was asked is written to FILE as it was understood.
   Exit code 0: everything is as claimed; 4: something is refused. *)
open Kernel
open Tokens
open Proofs

let norm () = match token () with "inf" -> Of Linf | "1" -> Of L1 | "2" -> Of L2 | t ->
  let p = natural t in if 2 < p && p <= largest_norm then Power (nat (p - 2)) else refuse ("no norm: " ^ t)
let opened () = choice ["open", true; "closed", false]
let decoder () = choice ["value", Value; "nearest", Nearest; "sign", Sign; "argmax", Argmax]
let shape () = if choice ["box", true; "ball", false] then Box else
  let n = norm () in let size = number () in Ball (n, size, opened ())
let cone () = let growth = norm () in let rate = number () in let reach = number () in
  let first = number () in let last = number () in
  ({ growth; rate; first; last; open_end = opened () }, reach)
let atom () =
  let xs = rising input_name number () in let ys = rising index number () in
  let offset = number () in { xs; ys; offset; strict = choice ["strict", true; "weak", false] }
let goals () = let aims = listed (listed atom) () in if aims = [] then refuse "no goal" else aims
let side k = let low = number () in let high = number () in
  { variable = !names.(k); low; high; center = number () }
let numbers less () = several number (max 0 (!inputs - less)) and bounds = pair number number

let refused = ref 0
let answer what options = let (holds, claim) = choice options () in if not holds then incr refused;
  Printf.printf "%s %s\n%!" what (if holds then claim else "refused")
let robust bound check = ("robust", fun () -> let p = proof bound () in (check p, "robust"))
let flips check = ("flip", fun () -> let k = index () in (check k (numbers 0 ()), "flip"))

let run print =
  if token () <> "robmem-kernel" || token () <> "1" then refuse "not a stream of version 1";
  inputs := natural (token ());
  let units = natural (token ()) in let outputs = natural (token ()) in
  names := make_names (!inputs + units); let fuel = Array.to_list !names in
  let unit_ = let v = ref (!inputs - 1) in fun () -> incr v; (!names.(!v), row ()) in
  let units = several unit_ units in
  let net = { inputs = Array.to_list (Array.sub !names 0 !inputs); units;
              outputs = several row outputs } in
  let lines_but less = let axes = List.filteri (fun k _ -> k < !inputs - less) net.inputs in
    let found = lazy (find_lines axes net) in fun () -> if !ridges then Lazy.force found else Nil in
  let lines = lines_but 0 and lines_of_x = lines_but 1 in print (fun write -> Show.network write net);
  let rec parts center sample = match token () with
    | "task" ->
      let read = decoder () in let classes = index () in let metric = norm () in
      let budget = number () in let reach = number () in
      let clip = if choice ["clip", true; "whole", false] then Some (bounds ()) else None in
      let t = { read; classes; metric; budget; clip } in
      print (fun write -> Show.task write t reach);
      parts (numbers 0) (fun s -> [flips (flip_sample net t s);
        robust number (fun p -> verify_sample fuel (lines ()) net t reach s p)])
    | "family" ->
      let reader = decoder () in let labels = index () in let (balls, reach) = cone () in
      let d0 = number () in let f = { reader; labels; balls; d0; d1 = number () } in
      print (fun write -> Show.family write f reach);
      parts (numbers 1) (fun s -> [robust bounds (fun p -> verify_family fuel (lines_of_x ()) net f reach s p)])
    | "sample" ->
      let i = token () in let label = index () in let s = (center (), label) in
      print (fun write -> Show.sample write i s);
      answer ("sample " ^ i) (sample s);
      parts center sample
    | "question" ->
      let ball = shape () in let g = { sides = List.init !inputs side; ball } in let aims = goals () in
      print (fun write -> Show.question write g aims);
      answer "question" [flips (flip net g aims);
        robust number (fun p -> verify fuel (lines ()) net g aims p);
        "radius", fun () -> let p = proof number () in let k = index () in let x = numbers 0 () in
          (radius fuel (lines ()) net g aims p k x, "exact radius")];
      parts center sample
    | "cone" ->
      let (k, reach) = cone () in let c = numbers 1 () in let aims = goals () in
      print (fun write -> Show.cone write k reach c aims);
      answer "question" [robust bounds (fun p -> verify_cone fuel (lines_of_x ()) net k reach c aims p)];
      parts center sample
    | "end" -> ()
    | other -> refuse ("unexpected token: " ^ other) in
  parts (fun () -> refuse "a sample before its task") (fun _ -> [])

let () =
  Gc.set { (Gc.get ()) with Gc.minor_heap_size = 1 lsl 18; space_overhead = 150 };
  try
    let (path, print) = match Sys.argv with
      | [| _; path |] -> (path, fun _ -> ())
      | [| _; path; "--print"; shown |] -> let out = open_out shown in
        (path, fun show -> show (output_string out); flush out)
      | _ -> refuse "usage: robmem-kernel STREAM|- [--print FILE]" in
    if path <> "-" then source := open_in_bin path;
    run print; exit (if !refused > 0 then 4 else 0)
  with
  | Refused reason | Sys_error reason -> Printf.printf "refused: %s\n" reason; exit 4
  | _ -> print_string "refused: it is too large or too deep\n"; exit 4
