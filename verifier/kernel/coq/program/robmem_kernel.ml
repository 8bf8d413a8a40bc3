(* UNVERIFIED. Reads a stream of tokens, asks the proved functions of kernel.ml, prints answers.
   robmem-kernel STREAM [--print FILE]: what was asked is written to FILE as it was understood.
   Exit code 0: everything is as claimed; 4: something is refused. *)
open Kernel

exception Refused of string
let refuse reason = raise (Refused reason)
let source = ref stdin and chunk = Bytes.create 65536 and length = ref 0 and place = ref 0

let next () =
  if !place >= !length then begin
    length := input !source chunk 0 65536;
    place := 0
  end;
  if !length = 0 then '\000' else (incr place; Bytes.unsafe_get chunk (!place - 1))

let text = Buffer.create 80
let token () =
  let rec skip () = match next () with ' ' | '\n' -> skip () | c -> c in
  let rec collect c =
    if c = '\000' || c = ' ' || c = '\n' then Buffer.contents text
    else (Buffer.add_char text c; collect (next ())) in
  Buffer.clear text;
  match collect (skip ()) with "" -> refuse "the stream ends early" | t -> t

let digits = String.for_all (function '0' .. '9' -> true | _ -> false)
let natural t =
  if digits t && String.length t < 10 then int_of_string t else refuse ("not a count: " ^ t)
let whole_number t =
  let start = if t <> "" && t.[0] = '-' then 1 else 0 in
  let body = String.sub t start (String.length t - start) in
  let hex = String.length body > 2 && String.sub body 0 2 = "0x" in
  let known = String.for_all (function '0' .. '9' -> true | 'a' .. 'f' -> hex | _ -> false) in
  if known (if hex then String.sub body 2 (String.length body - 2) else body) && body <> ""
  then Whole.of_string t else refuse ("not an integer: " ^ t)
let positive t =
  let d = whole_number t in if Whole.sign d > 0 then d else refuse "a denominator is not positive"
let rational t = match String.index_opt t '/' with
  | None -> { qnum = whole_number t; qden = Whole.one }
  | Some i ->
    let d = positive (String.sub t (i + 1) (String.length t - i - 1)) in
    { qnum = whole_number (String.sub t 0 i); qden = d }
let number () = rational (token ())
let rec nat n = if n = 0 then O else S (nat (n - 1))
let several read = let rec go n l = if n = 0 then List.rev l else go (n - 1) (read () :: l) in
  fun n -> go n []
let listed read () = several read (natural (token ()))
let choice options = let t = token () in
  try List.assoc t options with Not_found -> refuse ("unexpected token: " ^ t)

(* Names: the digits of an index to base 4, as many for all; tails are shared. *)
let make_names total =
  let rec grow tails = if Array.length tails >= total then tails else
    let size = Array.length tails in
    let digit k = List.nth [D0; D1; D2; D3] (k / size) in
    grow (Array.init (min (4 * size) (max total size)) (fun k -> digit k :: tails.(k mod size))) in
  grow [| [] |]
let names = ref [||] and inputs_ = ref 0
let name first past () = let k = first + natural (token ()) in
  if k < past then !names.(k) else refuse "an index is out of range"
let anything () = name 0 (Array.length !names) ()
let input_name () = name 0 !inputs_ ()
let unit_name () = name !inputs_ (Array.length !names) ()
let pair first second () = let a = first () in (a, second ())
let index () = nat (natural (token ()))
let whole_token () = whole_number (token ())
let row () =
  let terms = listed (pair anything whole_token) () in
  let constant = whole_token () in
  { terms; constant; denominator = positive (token ()) }

let ridges = ref false
let rec tree () =
  let rec steps found = match token () with
    | ("lower" | "upper") as side -> steps (step (side = "upper") :: found)
    | kind -> (found, kind) in
  let (found, kind) = steps [] in
  List.fold_left (fun rest (((v, up), q), proof) -> Lemma_ (v, up, q, proof, rest)) (body kind) found
and step up = let v = unit_name () in let q = number () in (((v, up), q), tree ())
and body = function
  | "leaf" -> Close (leaf { atoms = []; slopes = []; bounds = []; cuts = []; box = []; usual = false;
                              ridge = None })
  | "conflict" -> Conflict (unit_name ())
  | "unit" -> let v = unit_name () in let low = tree () in SplitUnit (v, low, tree ())
  | "input" -> let k = input_name () in let t = number () in
    let low = tree () in SplitInput (k, t, low, tree ())
  | "plane" -> let g = listed (pair input_name number) () in let t = number () in
    let low = tree () in SplitPlane (g, t, low, tree ())
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
let proof () =
  let weights = listed (listed weighted) () in
  let rec lemmas found = match token () with
    | ("lower" | "upper") as side -> lemmas (step (side = "upper") :: found)
    | "goals" -> List.rev found
    | other -> refuse ("unexpected token: " ^ other) in
  let lemmas = lemmas [] in { weights; lemmas; trees = listed tree () }
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
  | Stack_overflow | Out_of_memory -> print_string "refused: a proof is too deep\n"; exit 4
  | Sys_error reason -> Printf.printf "refused: %s\n" reason; exit 4
