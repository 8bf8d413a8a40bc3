(* UNVERIFIED. Reads a question, data and a network, asks the proved functions of theorem.ml, prints
   their answers. robmem-theorem STREAM|- [--print FILE]: what was asked is written to FILE as it was
   understood. Exit code 0: all answers are as they should be; 4: something is refused.

     robmem-theorem 1
     question NAME one|every POWER PARAMETER BALL
     data SAMPLES COLUMNS DENOMINATOR
     mask 0101..                   coordinates that are tried first; of no importance
     turns EVERY TURN              samples TURN, TURN + EVERY, .. are compared with those behind them
     network INPUTS UNITS OUTPUTS  or: network none

   then integers (see stream.ml): of each sample label and coordinates; for half-spaces, of each
   sample their number and the coordinates of each; of each unit, and of each output, the number of
   terms, variable and weight of each, bias, denominator. *)
open Theorem
open Stream

let most_columns = 1 lsl 20 and most_samples = 1 lsl 26 and most_terms = 1 lsl 26 (* of memory *)
let digits s = s <> "" && String.for_all (function '0' .. '9' -> true | _ -> false) s
let natural most s =
  if digits s && String.length s < 17 && int_of_string s <= most then int_of_string s
  else refuse ("not a count: " ^ s)
let whole s =
  let body = if s <> "" && s.[0] = '-' then String.sub s 1 (String.length s - 1) else s in
  if digits body then Whole.of_string s else refuse ("not an integer: " ^ s)
let over s = let d = whole s in if Whole.sign d > 0 then d else refuse "a denominator is not positive"
let rational s = match String.index_opt s '/' with
  | None -> { qnum = whole s; qden = Whole.one }
  | Some i -> { qnum = whole (String.sub s 0 i); qden = over (String.sub s (i + 1) (String.length s - i - 1)) }
let show q = if Whole.equal q.qden Whole.one then Whole.to_string q.qnum
  else Whole.to_string q.qnum ^ "/" ^ Whole.to_string q.qden
let nat n = let rec go found n = if n = 0 then found else go (S found) (n - 1) in go O n
let rec count_of = function O -> 0 | S n -> 1 + count_of n

let several n read = let rec go n l = if n = 0 then List.rev l else go (n - 1) (read () :: l) in go n []
let line () =
  let k = count most_terms in
  let term () = let j = integer () in (j, integer ()) in
  let entries = several k term in
  let bias = integer () in
  { entries; bias; below = positive () }
let put_line l =
  put_count (List.length l.entries);
  List.iter (fun (j, w) -> put j; put w) l.entries;
  put l.bias;
  put l.below
let shown l =
  let term (j, w) = Whole.to_string j ^ " " ^ Whole.to_string w in
  String.concat " " (string_of_int (List.length l.entries) :: List.map term l.entries
    @ [Whole.to_string l.bias; Whole.to_string l.below])

let names = ["linf", CubeTests Running; "linf-pipelined", CubeTests Overlapped; "linf-parallel", CubeTests Beside;
  "l1", CrossTests Overlapped; "l1-parallel", CrossTests Beside; "linf-halfspaces", PlaneTests Linf;
  "l1-halfspaces", PlaneTests L1; "l2-halfspaces", PlaneTests L2;
  "lipschitz", ConeTests Running; "lipschitz-parallel", ConeTests Beside;
  "lipschitz-ovr", ClassTests]
let one_of options s = try List.assoc s options with Not_found -> refuse ("unexpected word: " ^ s)
let name_of options v = fst (List.find (fun (_, w) -> w = v) options)
let budgets = ["one", false; "every", true]

let run () =
  if words () <> ["robmem-theorem"; "1"] then refuse "not a stream of version 1";
  let q = match words () with
    | ["question"; name; budget; power; parameter; ball] ->
      { tests = one_of names name; every = one_of budgets budget; power = rational power;
        parameter = rational parameter; ball = rational ball }
    | _ -> refuse "no question" in
  let (size, columns, over) = match words () with
    | ["data"; size; columns; d] -> (natural most_samples size, natural most_columns columns, over d)
    | _ -> refuse "no data" in
  let mask = match words () with
    | ["mask"; bits] -> List.init (String.length bits) (fun k -> bits.[k] = '1')
    | _ -> refuse "no mask" in
  let (turns, turn) = match words () with
    | ["turns"; turns; turn] -> (natural most_samples turns, natural most_samples turn)
    | _ -> refuse "no turns" in
  if turn >= turns then refuse "there is no such turn";
  let network = match words () with
    | ["network"; "none"] -> None
    | ["network"; inputs; units; outputs] ->
      Some (natural most_columns inputs, natural max_int units, natural most_columns outputs)
    | _ -> refuse "no network" in
  text "robmem-theorem 1\n";
  text (Printf.sprintf "question %s %s %s %s %s\n" (name_of names q.tests) (name_of budgets q.every)
    (show q.power) (show q.parameter) (show q.ball));
  text (Printf.sprintf "data %d %d %s\n" size columns (Whole.to_string over));
  text (Printf.sprintf "turns %d %d\n" turns turn);
  text (match network with
    | None -> "network none\n"
    | Some (inputs, units, outputs) -> Printf.sprintf "network %d %d %d\n" inputs units outputs);
  let sample () = let label = integer () in (several columns integer, label) in
  let data = { columns = nat columns; over; samples = several size sample } in
  let vector () = several columns integer in
  let vectors = match q.tests with
    | PlaneTests _ -> several size (fun () -> several (count most_terms) vector)
    | _ -> [] in
  List.iter (fun (p, label) -> put label; List.iter put p) data.samples;
  if not (sound_question q data vectors) then refuse "the question is not sound";
  print_string "the question is sound\n";
  (match trouble q data vectors mask (Whole.of_int turns) (Whole.of_int turn) with
   | Some (i, j) -> refuse (Printf.sprintf "samples %s %s" (Whole.to_string i) (Whole.to_string j))
   | None -> Printf.printf "the samples are apart: turn %d of %d\n%!" turn turns);
  match network with
   | None -> ended ()
   | Some (inputs, units, outputs) ->
     let inputs_right = count_of (inputs_due q data) and outputs_right = outputs_due q data in
     if inputs <> inputs_right || not (Whole.equal (Whole.of_int outputs) outputs_right) then
       refuse (Printf.sprintf "%d inputs and %d outputs; due: %d and %s" inputs outputs inputs_right
         (Whole.to_string outputs_right));
     let (layers, results) = network_due q data vectors in
     let differs number state found =
       let expected = match due state with Some (e, _) -> shown e | None -> "no unit" in
       refuse (Printf.sprintf "row %d; due: %s; found: %s" number expected found) in
     let compare first count state =
       let state = ref state in
       for number = first to first + count - 1 do
         let l = line () in
         put_line l;
         match step !state l with
         | Some next -> state := next
         | None -> differs number !state (shown l)
       done;
       match due !state with Some _ -> differs (first + count) !state "no unit" | None -> () in
     compare 0 units (start layers);
     compare units outputs { pending = results; blocks = [] };
     ended ();
     Printf.printf "the network is as it is due: %d units\n" units

let () =
  Gc.set { (Gc.get ()) with Gc.minor_heap_size = 1 lsl 20; space_overhead = 100 };
  let stop reason = Printf.printf "refused: %s\n" reason; exit 4 in
  try
    (match Sys.argv with
     | [| _; path |] -> if path <> "-" then source := open_in_bin path
     | [| _; path; "--print"; shown |] ->
       if path <> "-" then source := open_in_bin path;
       sink := Some (open_out_bin shown)
     | _ -> refuse "usage: robmem-theorem STREAM|- [--print FILE]");
    set_binary_mode_in !source true;
    run ();
    Option.iter close_out !sink
  with
  | Refused reason -> Option.iter close_out !sink; stop reason
  | Stack_overflow | Out_of_memory | Failure _ | Invalid_argument _ -> stop "it is too large or too deep"
  | Sys_error reason -> stop reason
