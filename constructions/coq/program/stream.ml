(* UNVERIFIED. Integers of a stream, read and written: eight bytes each, little endian, two's
   complement; the least number of eight bytes announces a longer one, by its number of bytes. *)
exception Refused of string
let refuse reason = raise (Refused reason)
let source = ref stdin and chunk = Bytes.create 65536 and length = ref 0 and place = ref 0

(* Makes n <= 65536 bytes stand at [!place]. *)
let rec need n =
  if !length - !place < n then begin
    Bytes.blit chunk !place chunk 0 (!length - !place);
    length := !length - !place;
    place := 0;
    let got = input !source chunk !length (65536 - !length) in
    if got = 0 then refuse "the stream ends early";
    length := !length + got;
    need n
  end

let word () =
  need 8;
  let v = Bytes.get_int64_le chunk !place in
  place := !place + 8;
  v
let most_bytes = 1 lsl 24
let long () =
  let size = Int64.to_int (word ()) in
  if size < 8 || size > most_bytes then refuse "a number is too long";
  let bits = Bytes.create size in
  for k = 0 to size - 1 do
    need 1;
    Bytes.set bits k (Bytes.get chunk !place);
    incr place
  done;
  let v = Whole.of_bits (Bytes.unsafe_to_string bits) in
  if Char.code (Bytes.get bits (size - 1)) < 128 then v
  else Whole.sub v (Whole.shift_left Whole.one (8 * size))
let integer () =
  let v = word () in
  if Int64.equal v Int64.min_int then long ()
  else
    let i = Int64.to_int v in
    if Int64.equal (Int64.of_int i) v then Whole.of_int i else Whole.of_int64 v
let positive () =
  let d = integer () in
  if Whole.sign d > 0 then d else refuse "a denominator is not positive"
let count most =
  let n = Int64.to_int (word ()) in
  if n < 0 || n > most then refuse "a count is out of range" else n

(* A line of words. *)
let words () =
  let text = Buffer.create 80 in
  let rec collect () =
    need 1;
    let c = Bytes.get chunk !place in
    incr place;
    if c <> '\n' then begin
      if Buffer.length text > most_bytes then refuse "a line is too long";
      Buffer.add_char text c;
      collect ()
    end in
  collect ();
  String.split_on_char ' ' (Buffer.contents text)
let ended () =
  match need 1 with
  | () -> refuse "the stream goes on after its end"
  | exception Refused _ -> ()

(* What is printed back. *)
let sink = ref None
let text s = match !sink with None -> () | Some out -> output_string out s
let eight = Bytes.create 8
let put_word out v =
  Bytes.set_int64_le eight 0 v;
  output out eight 0 8
let put_whole out v =
  if Whole.fits_int v then put_word out (Int64.of_int (Whole.to_int v))
  else if Whole.fits_int64 v && not (Int64.equal (Whole.to_int64 v) Int64.min_int) then
    put_word out (Whole.to_int64 v)
  else begin
    let size = Whole.numbits v / 8 + 1 in
    put_word out Int64.min_int;
    put_word out (Int64.of_int size);
    let v = if Whole.sign v < 0 then Whole.add v (Whole.shift_left Whole.one (8 * size)) else v in
    let bits = Whole.to_bits v in
    for k = 0 to size - 1 do
      output_char out (if k < String.length bits then bits.[k] else '\000')
    done
  end
let put v = match !sink with None -> () | Some out -> put_whole out v
let put_count n = match !sink with None -> () | Some out -> put_word out (Int64.of_int n)
