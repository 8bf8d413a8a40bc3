(* UNVERIFIED. Reads a stream of tokens, asks the proved functions of kernel.ml, prints answers.
   robmem-kernel STREAM|- [--print FILE]: what was asked is written to FILE as it was understood.
   Exit code 0: everything is as claimed; 4: something is refused. *)
open Kernel
open Tokens
open Proofs

let norm () = choice ["inf", Linf; "1", L1; "2", L2]
let shape () = if choice ["box", true; "ball", false] then Box else
  let n = norm () in let size = number () in Ball (n, size, choice ["open", true; "closed", false])
let atom () =
  let xs = listed (pair input_name number) () in
  let ys = listed (pair index number) () in
  let offset = number () in { xs; ys; offset; strict = choice ["strict", true; "weak", false] }
let side k = let low = number () in let high = number () in
  { variable = !names.(k); low; high; center = number () }

let refused = ref 0
let answer what holds claim =
  if not holds then incr refused;
  Printf.printf "%s %s\n%!" what (if holds then claim else "refused")

let run print =
  if token () <> "robmem-kernel" || token () <> "1" then refuse "not a stream of version 1";
  let inputs = natural (token ()) in let units = natural (token ()) in
  let outputs = natural (token ()) in
  names := Array.sub (make_names (inputs + units)) 0 (inputs + units);
  inputs_ := inputs;
  let unit_ = let v = ref (inputs - 1) in fun () -> incr v; (!names.(!v), row ()) in
  let units = several unit_ units in
  let net = { inputs = Array.to_list (Array.sub !names 0 inputs); units;
              outputs = several row outputs } in
  let fuel = Array.to_list !names in
  let found = lazy (find_lines net) in
  let lines _ = if !ridges then Lazy.force found else Nil in
  print (fun write -> Show.network write net);
  let centers () = several number inputs in
  let sample t reach =
    let i = token () in let label = index () in let c = centers () in
    print (fun write -> Show.sample write i (c, label));
    match token () with
    | "robust" -> let p = proof () in
      answer ("sample " ^ i) (verify_sample fuel (lines p) net t reach (c, label) p) "robust"
    | "flip" -> let k = index () in
      answer ("sample " ^ i) (flip_sample net t (c, label) k (centers ())) "flip"
    | other -> refuse ("unexpected token: " ^ other) in
  let question () =
    let ball = shape () in
    let g = { sides = List.init inputs side; ball } in
    let goals = listed (listed atom) () in
    print (fun write -> Show.question write g goals);
    match token () with
    | "robust" -> let p = proof () in
      answer "question" (goals <> [] && verify fuel (lines p) net g goals p) "robust"
    | "radius" -> let p = proof () in let k = index () in
      answer "question" (radius fuel (lines p) net g goals p k (centers ())) "exact radius"
    | "flip" -> let k = index () in answer "question" (flip net g goals k (centers ())) "flip"
    | other -> refuse ("unexpected token: " ^ other) in
  let rec loop t = match token () with
    | "task" ->
      let read = choice ["value", Value; "nearest", Nearest; "sign", Sign; "argmax", Argmax] in
      let classes = index () in let metric = norm () in
      let budget = number () in let reach = number () in
      let clip = if choice ["clip", true; "whole", false] then Some (pair number number ()) else None in
      let task = { read; classes; metric; budget; clip } in
      print (fun write -> Show.task write task reach);
      loop (Some (task, reach))
    | "sample" -> (match t with Some (task, reach) -> sample task reach; loop t
                              | None -> refuse "a sample before its task")
    | "question" -> question (); loop t
    | "end" -> ()
    | other -> refuse ("unexpected token: " ^ other) in
  loop None

let () =
  Gc.set { (Gc.get ()) with Gc.minor_heap_size = 1 lsl 20; space_overhead = 150 };
  try
    let (path, print) = match Sys.argv with
      | [| _; path |] -> (path, fun _ -> ())
      | [| _; path; "--print"; shown |] -> let out = open_out shown in
        (path, fun show -> show (output_string out); flush out)
      | _ -> refuse "usage: robmem-kernel STREAM|- [--print FILE]" in
    if path <> "-" then source := open_in_bin path;
    run print;
    exit (if !refused > 0 then 4 else 0)
  with
  | Refused reason -> Printf.printf "refused: %s\n" reason; exit 4
  | Stack_overflow | Out_of_memory | Failure _ | Invalid_argument _ -> print_string "refused: it is too large or too deep\n"; exit 4
  | Sys_error reason -> Printf.printf "refused: %s\n" reason; exit 4
