(* UNVERIFIED. Writes a question in the tokens it was read from, from what the program holds. *)
open Kernel

let integer n = if Whole.numbits n < 10_000 then Whole.to_string n else Whole.format "%#x" n
let rational q = if Whole.equal q.qden Whole.one then integer q.qnum else integer q.qnum ^ "/" ^ integer q.qden
let index name =
  let digit = function D0 -> 0 | D1 -> 1 | D2 -> 2 | D3 -> 3 in
  List.fold_left (fun n d -> 4 * n + digit d) 0 name
let rec count = function O -> 0 | S n -> 1 + count n
let list show items = String.concat " " (string_of_int (List.length items) :: List.map show items)
let row r =
  let term (v, n) = Printf.sprintf "%d %s" (index v) (integer n) in
  Printf.sprintf "%s %s %s\n" (list term r.terms) (integer r.constant) (integer r.denominator)
let norm = function
  | Of Linf -> "inf" | Of L1 -> "1" | Of L2 -> "2" | Power n -> string_of_int (count n + 2)

let network write net =
  write (Printf.sprintf "robmem-kernel 1 %d %d %d\n" (List.length net.inputs)
    (List.length net.units) (List.length net.outputs));
  List.iter (fun (_, r) -> write (row r)) net.units;
  List.iter (fun r -> write (row r)) net.outputs

let decoder = function
  | Value -> "value" | Nearest -> "nearest" | Sign -> "sign" | Argmax -> "argmax"
let task write t reach =
  let clip = match t.clip with
    | None -> "whole" | Some (a, b) -> Printf.sprintf "clip %s %s" (rational a) (rational b) in
  write (Printf.sprintf "task %s %d %s %s %s %s\n" (decoder t.read) (count t.classes) (norm t.metric)
    (rational t.budget) (rational reach) clip)

let sample write i (c, label) =
  write (String.concat " " ("sample" :: i :: string_of_int (count label) :: List.map rational c) ^ "\n")

let growing k reach = Printf.sprintf "%s %s %s %s %s %s" (norm k.growth) (rational k.rate)
  (rational reach) (rational k.first) (rational k.last) (if k.open_end then "open" else "closed")
let family write f reach =
  write (Printf.sprintf "family %s %d %s %s %s\n" (decoder f.reader) (count f.labels)
    (growing f.balls reach) (rational f.d0) (rational f.d1))

let goals write aims =
  let x (v, q) = Printf.sprintf "%d %s" (index v) (rational q) in
  let y (j, q) = Printf.sprintf "%d %s" (count j) (rational q) in
  let atom a = Printf.sprintf "%s %s %s %s" (list x a.xs) (list y a.ys) (rational a.offset)
    (if a.strict then "strict" else "weak") in
  write (" " ^ list (list atom) aims ^ "\n")
let question write g aims =
  let shape = match g.ball with
    | Box -> "box"
    | Ball (n, size, opened) ->
      Printf.sprintf "ball %s %s %s" (norm n) (rational size) (if opened then "open" else "closed") in
  let side s = Printf.sprintf "%s %s %s" (rational s.low) (rational s.high) (rational s.center) in
  write (String.concat " " ("question" :: shape :: List.map side g.sides));
  goals write aims
let cone write k reach c aims =
  write (String.concat " " ("cone" :: growing k reach :: List.map rational c));
  goals write aims
