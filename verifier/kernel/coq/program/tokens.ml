(* UNVERIFIED. Tokens of a stream: words, counts, rationals, names of variables, rows. *)
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
let most_variables = 1 lsl 24 and most_indices = 1 lsl 16 (* of memory *)
let nat n =
  let rec count found n = if n = 0 then found else count (S found) (n - 1) in
  if n > most_indices then refuse "an index is out of range" else count O n
let several read = let rec go n l = if n = 0 then List.rev l else go (n - 1) (read () :: l) in
  fun n -> go n []
let listed read () = several read (natural (token ()))
let choice options = let t = token () in
  try List.assoc t options with Not_found -> refuse ("unexpected token: " ^ t)

(* Names: the digits of an index to base 4, as many for all; tails are shared. *)
let make_names total =
  if total > most_variables then refuse "too many variables";
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
