(* UNVERIFIED. Tokens of a stream: words, counts, rationals, names of variables, rows. *)
open Kernel

exception Refused of string
let refuse reason = raise (Refused reason)
let source = ref stdin and text = Buffer.create 80
let token () =
  let rec collect () = match input_char !source with
    | ' ' | '\n' when Buffer.length text = 0 -> collect ()
    | exception End_of_file when Buffer.length text = 0 -> refuse "the stream ends early"
    | ' ' | '\n' | exception End_of_file -> Buffer.contents text
    | c -> Buffer.add_char text c; collect () in
  Buffer.clear text;
  collect ()

let made_of digits t = t <> "" && String.for_all (String.contains digits) t
let natural t = if made_of "0123456789" t && String.length t < 10 then int_of_string t
  else refuse ("not a count: " ^ t)
let after n t = String.sub t n (String.length t - n)
let whole_number t =
  let body = if String.starts_with ~prefix:"-" t then after 1 t else t in
  let hex = String.starts_with ~prefix:"0x" body in
  if if hex then made_of "0123456789abcdef" (after 2 body) else made_of "0123456789" body
  then Whole.of_string t else refuse ("not an integer: " ^ t)
let whole () = whole_number (token ()) and positive t =
  let d = whole_number t in if Whole.sign d > 0 then d else refuse "a denominator is not positive"
let number () = let t = token () in match String.index_opt t '/' with
  | None -> { qnum = whole_number t; qden = Whole.one }
  | Some i -> { qnum = whole_number (String.sub t 0 i); qden = positive (after (i + 1) t) }
let most_variables = 1 lsl 24 and most_indices = 1 lsl 16 and largest_norm = 64 (* of memory, of time *)
let nat n =
  let rec count found n = if n = 0 then found else count (S found) (n - 1) in
  if n > most_indices then refuse "an index is out of range" else count O n
let several read = let rec go n l = if n = 0 then List.rev l else go (n - 1) (read () :: l) in
  fun n -> go n []
let listed read () = several read (natural (token ()))
let pair first second () = let a = first () in (a, second ())
let rec rises = function (a, _) :: ((b, _) :: _ as l) -> compare a b < 0 && rises l | _ -> true
let rising first second () = let l = listed (pair first second) () in
  if rises l then l else refuse "variables that do not increase"
let choice options = let t = token () in
  try List.assoc t options with Not_found -> refuse ("unexpected token: " ^ t)

(* Names: the digits of an index to base 4, as many for all; tails are shared. *)
let make_names total =
  if total > most_variables then refuse "too many variables";
  let rec grow tails = let size = Array.length tails in
    if size >= total then Array.sub tails 0 total
    else grow (Array.init (min (4 * size) total) (fun k ->
      List.nth [D0; D1; D2; D3] (k / size) :: tails.(k mod size))) in
  grow [| [] |]
let names = ref [||] and inputs = ref 0
let name first past () = let k = first + natural (token ()) in
  if k < past then !names.(k) else refuse "an index is out of range"
let input_name () = name 0 !inputs () and unit_name () = name !inputs (Array.length !names) ()
let index () = nat (natural (token ()))
let row () = let terms = rising (name 0 (Array.length !names)) whole () in
  let constant = whole () in { terms; constant; denominator = positive (token ()) }
