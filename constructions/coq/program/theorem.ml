
(** val negb : bool -> bool **)

let negb = function
| true -> false
| false -> true

type nat =
| O
| S of nat

(** val fst : ('a1 * 'a2) -> 'a1 **)

let fst = function
| (x, _) -> x

(** val snd : ('a1 * 'a2) -> 'a2 **)

let snd = function
| (_, y) -> y

(** val app : 'a1 list -> 'a1 list -> 'a1 list **)

let rec app l m =
  match l with
  | [] -> m
  | a :: l1 -> a :: (app l1 m)

type comparison =
| Eq
| Lt
| Gt

(** val compOpp : comparison -> comparison **)

let compOpp = function
| Eq -> Eq
| Lt -> Gt
| Gt -> Lt

module Pos =
 struct
  (** val succ : Whole.t -> Whole.t **)

  let rec succ x =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p -> (fun p -> Whole.shift_left p 1) (succ p))
      (fun p -> (fun p -> Whole.succ (Whole.shift_left p 1)) p)
      (fun _ -> (fun p -> Whole.shift_left p 1) Whole.one)
      x

  (** val add : Whole.t -> Whole.t -> Whole.t **)

  let rec add x y =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> (fun p -> Whole.shift_left p 1)
        (add_carry p q0))
        (fun q0 -> (fun p -> Whole.succ (Whole.shift_left p 1))
        (add p q0))
        (fun _ -> (fun p -> Whole.shift_left p 1) (succ p))
        y)
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> (fun p -> Whole.succ (Whole.shift_left p 1))
        (add p q0))
        (fun q0 -> (fun p -> Whole.shift_left p 1) (add p q0))
        (fun _ -> (fun p -> Whole.succ (Whole.shift_left p 1)) p)
        y)
      (fun _ ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> (fun p -> Whole.shift_left p 1) (succ q0))
        (fun q0 -> (fun p -> Whole.succ (Whole.shift_left p 1)) q0)
        (fun _ -> (fun p -> Whole.shift_left p 1) Whole.one)
        y)
      x

  (** val add_carry : Whole.t -> Whole.t -> Whole.t **)

  and add_carry x y =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> (fun p -> Whole.succ (Whole.shift_left p 1))
        (add_carry p q0))
        (fun q0 -> (fun p -> Whole.shift_left p 1) (add_carry p q0))
        (fun _ -> (fun p -> Whole.succ (Whole.shift_left p 1)) (succ p))
        y)
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> (fun p -> Whole.shift_left p 1)
        (add_carry p q0))
        (fun q0 -> (fun p -> Whole.succ (Whole.shift_left p 1))
        (add p q0))
        (fun _ -> (fun p -> Whole.shift_left p 1) (succ p))
        y)
      (fun _ ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> (fun p -> Whole.succ (Whole.shift_left p 1))
        (succ q0))
        (fun q0 -> (fun p -> Whole.shift_left p 1) (succ q0))
        (fun _ -> (fun p -> Whole.succ (Whole.shift_left p 1)) Whole.one)
        y)
      x

  (** val pred_double : Whole.t -> Whole.t **)

  let rec pred_double x =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p -> (fun p -> Whole.succ (Whole.shift_left p 1))
      ((fun p -> Whole.shift_left p 1) p))
      (fun p -> (fun p -> Whole.succ (Whole.shift_left p 1))
      (pred_double p))
      (fun _ -> Whole.one)
      x

  (** val compare_cont : comparison -> Whole.t -> Whole.t -> comparison **)

  let rec compare_cont r x y =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> compare_cont r p q0)
        (fun q0 -> compare_cont Gt p q0)
        (fun _ -> Gt)
        y)
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> compare_cont Lt p q0)
        (fun q0 -> compare_cont r p q0)
        (fun _ -> Gt)
        y)
      (fun _ ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun _ -> Lt)
        (fun _ -> Lt)
        (fun _ -> r)
        y)
      x

  (** val compare : Whole.t -> Whole.t -> comparison **)

  let compare =
    compare_cont Eq
 end

module Z =
 struct
  (** val double : Whole.t -> Whole.t **)

  let double x =
    (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
      (fun _ -> Whole.zero)
      (fun p -> ((fun p -> Whole.shift_left p 1) p))
      (fun p -> Whole.neg ((fun p -> Whole.shift_left p 1) p))
      x

  (** val succ_double : Whole.t -> Whole.t **)

  let succ_double x =
    (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
      (fun _ -> Whole.one)
      (fun p -> ((fun p -> Whole.succ (Whole.shift_left p 1)) p))
      (fun p -> Whole.neg (Pos.pred_double p))
      x

  (** val pred_double : Whole.t -> Whole.t **)

  let pred_double x =
    (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
      (fun _ -> Whole.neg Whole.one)
      (fun p -> (Pos.pred_double p))
      (fun p -> Whole.neg ((fun p -> Whole.succ (Whole.shift_left p 1)) p))
      x

  (** val pos_sub : Whole.t -> Whole.t -> Whole.t **)

  let rec pos_sub x y =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> double (pos_sub p q0))
        (fun q0 -> succ_double (pos_sub p q0))
        (fun _ -> ((fun p -> Whole.shift_left p 1) p))
        y)
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> pred_double (pos_sub p q0))
        (fun q0 -> double (pos_sub p q0))
        (fun _ -> (Pos.pred_double p))
        y)
      (fun _ ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> Whole.neg ((fun p -> Whole.shift_left p 1) q0))
        (fun q0 -> Whole.neg (Pos.pred_double q0))
        (fun _ -> Whole.zero)
        y)
      x

  (** val compare : Whole.t -> Whole.t -> comparison **)

  let compare x y =
    (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
      (fun _ ->
      (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
        (fun _ -> Eq)
        (fun _ -> Lt)
        (fun _ -> Gt)
        y)
      (fun x' ->
      (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
        (fun _ -> Gt)
        (fun y' -> Pos.compare x' y')
        (fun _ -> Gt)
        y)
      (fun x' ->
      (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
        (fun _ -> Lt)
        (fun _ -> Lt)
        (fun y' -> compOpp (Pos.compare x' y'))
        y)
      x

  (** val pos_div_eucl : Whole.t -> Whole.t -> Whole.t * Whole.t **)

  let rec pos_div_eucl a b =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun a' ->
      let (q0, r) = pos_div_eucl a' b in
      let r' =
        Whole.add (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) r)
          Whole.one
      in
      if Whole.lt r' b
      then ((Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) q0), r')
      else ((Whole.add
              (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) q0)
              Whole.one), (Whole.sub r' b)))
      (fun a' ->
      let (q0, r) = pos_div_eucl a' b in
      let r' = Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) r in
      if Whole.lt r' b
      then ((Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) q0), r')
      else ((Whole.add
              (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) q0)
              Whole.one), (Whole.sub r' b)))
      (fun _ ->
      if Whole.leq ((fun p -> Whole.shift_left p 1) Whole.one) b
      then (Whole.zero, Whole.one)
      else (Whole.one, Whole.zero))
      a

  (** val div_eucl : Whole.t -> Whole.t -> Whole.t * Whole.t **)

  let div_eucl a b =
    (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
      (fun _ -> (Whole.zero, Whole.zero))
      (fun a' ->
      (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
        (fun _ -> (Whole.zero, a))
        (fun _ -> pos_div_eucl a' b)
        (fun b' ->
        let (q0, r) = pos_div_eucl a' b' in
        ((fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
           (fun _ -> ((Whole.neg q0), Whole.zero))
           (fun _ -> ((Whole.neg (Whole.add q0 Whole.one)),
           (Whole.add b r)))
           (fun _ -> ((Whole.neg (Whole.add q0 Whole.one)), (Whole.add b r)))
           r))
        b)
      (fun a' ->
      (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
        (fun _ -> (Whole.zero, a))
        (fun _ ->
        let (q0, r) = pos_div_eucl a' b in
        ((fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
           (fun _ -> ((Whole.neg q0), Whole.zero))
           (fun _ -> ((Whole.neg (Whole.add q0 Whole.one)),
           (Whole.sub b r)))
           (fun _ -> ((Whole.neg (Whole.add q0 Whole.one)), (Whole.sub b r)))
           r))
        (fun b' -> let (q0, r) = pos_div_eucl a' b' in (q0, (Whole.neg r)))
        b)
      a
 end

(** val concat : 'a1 list list -> 'a1 list **)

let rec concat = function
| [] -> []
| x :: l0 -> app x (concat l0)

(** val map : ('a1 -> 'a2) -> 'a1 list -> 'a2 list **)

let rec map f = function
| [] -> []
| a :: t -> (f a) :: (map f t)

(** val fold_right : ('a2 -> 'a1 -> 'a1) -> 'a1 -> 'a2 list -> 'a1 **)

let rec fold_right f a0 = function
| [] -> a0
| b :: t -> f b (fold_right f a0 t)

(** val existsb : ('a1 -> bool) -> 'a1 list -> bool **)

let rec existsb f = function
| [] -> false
| a :: l0 -> (||) (f a) (existsb f l0)

(** val forallb : ('a1 -> bool) -> 'a1 list -> bool **)

let rec forallb f = function
| [] -> true
| a :: l0 -> (&&) (f a) (forallb f l0)

(** val filter : ('a1 -> bool) -> 'a1 list -> 'a1 list **)

let rec filter f = function
| [] -> []
| x :: l0 -> if f x then x :: (filter f l0) else filter f l0

(** val combine : 'a1 list -> 'a2 list -> ('a1 * 'a2) list **)

let rec combine l l' =
  match l with
  | [] -> []
  | x :: tl ->
    (match l' with
     | [] -> []
     | y :: tl' -> (x, y) :: (combine tl tl'))

type q = { qnum : Whole.t; qden : Whole.t }

type norm =
| Linf
| L1
| L2

type line = { entries : (Whole.t * Whole.t) list; bias : Whole.t;
              below : Whole.t }

(** val numbers : Whole.t -> nat -> Whole.t list **)

let rec numbers first = function
| O -> []
| S count0 -> first :: (numbers (Whole.add first Whole.one) count0)

(** val whole_of : nat -> Whole.t **)

let rec whole_of = function
| O -> Whole.zero
| S n0 -> Whole.add Whole.one (whole_of n0)

(** val size : 'a1 list -> Whole.t **)

let rec size = function
| [] -> Whole.zero
| _ :: l0 -> Whole.add Whole.one (size l0)

(** val same_entries :
    bool -> Whole.t -> Whole.t -> (Whole.t * Whole.t) list ->
    (Whole.t * Whole.t) list -> bool **)

let rec same_entries equal d e a b =
  match a with
  | [] -> (match b with
           | [] -> true
           | _ :: _ -> false)
  | p :: a0 ->
    let (j, v) = p in
    (match b with
     | [] -> false
     | p0 :: b0 ->
       let (k, w) = p0 in
       (&&)
         ((&&) (Whole.equal j k)
           (if equal
            then Whole.equal v w
            else Whole.equal (Whole.mul v e) (Whole.mul w d)))
         (same_entries equal d e a0 b0))

(** val same : line -> line -> bool **)

let same a b =
  let equal = Whole.equal a.below b.below in
  let d = a.below in
  let e = b.below in
  (&&)
    (if equal
     then Whole.equal a.bias b.bias
     else Whole.equal (Whole.mul a.bias e) (Whole.mul b.bias d))
    (same_entries equal d e a.entries b.entries)

type test = { breadth : Whole.t; entering : (bool -> Whole.t -> line list);
              score : (Whole.t -> (Whole.t * Whole.t) list); height : 
              Whole.t }

type setting = { later : (Whole.t * (Whole.t -> line list)) list;
                 dimension : Whole.t list; lift : Whole.t;
                 lift_over : Whole.t; budget_at : Whole.t; bottom : Whole.t;
                 tilt : Whole.t }

(** val term_of : Whole.t -> Whole.t -> (Whole.t * Whole.t) list **)

let term_of j w =
  if Whole.equal w Whole.zero then [] else (j, w) :: []

(** val budget_term : setting -> Whole.t -> (Whole.t * Whole.t) list **)

let budget_term s w =
  term_of s.budget_at w

(** val weigh : Whole.t -> Whole.t list -> (Whole.t * Whole.t) list **)

let weigh w js =
  map (fun j -> (j, w)) js

(** val rise : setting -> test -> Whole.t -> Whole.t list -> line **)

let rise s t a tops0 =
  { entries =
    (app (budget_term s (Whole.neg (Whole.mul t.height s.tilt)))
      (app (t.score a) (weigh (Whole.neg s.bottom) tops0))); bias =
    (Whole.mul s.bottom t.height); below = s.bottom }

(** val sum_line : Whole.t list -> line **)

let sum_line js =
  { entries = (weigh Whole.one js); bias = Whole.zero; below = Whole.one }

(** val result : setting -> Whole.t list -> line **)

let result s tops0 =
  { entries = (app (budget_term s s.tilt) (weigh s.bottom tops0)); bias =
    (Whole.neg s.bottom); below = s.bottom }

(** val lifted : setting -> Whole.t -> Whole.t list -> line list **)

let rec lifted s at_ = function
| [] -> []
| _ :: like0 ->
  { entries = ((at_, s.lift_over) :: []); bias = s.lift; below =
    s.lift_over } :: (lifted s (Whole.add at_ Whole.one) like0)

(** val copied : Whole.t -> Whole.t list -> line list **)

let rec copied at_ = function
| [] -> []
| _ :: like0 ->
  { entries = ((at_, Whole.one) :: []); bias = Whole.zero; below =
    Whole.one } :: (copied (Whole.add at_ Whole.one) like0)

type place = { fresh : bool; inputs_at : Whole.t; tops : Whole.t list;
               next : Whole.t }

(** val is_empty : 'a1 list -> bool **)

let is_empty = function
| [] -> true
| _ :: _ -> false

(** val carry_block : setting -> place -> unit -> line list **)

let carry_block s p _ =
  if p.fresh
  then lifted s p.inputs_at s.dimension
  else copied p.inputs_at s.dimension

(** val stage_part :
    (Whole.t * (unit -> line list)) option -> (unit -> line list) list **)

let stage_part = function
| Some p -> let (_, f) = p in f :: []
| None -> []

(** val carry_part : setting -> bool -> place -> (unit -> line list) list **)

let carry_part s carry p =
  if carry then (carry_block s p) :: [] else []

(** val rise_part :
    setting -> (test * Whole.t) option -> place -> (unit -> line list) list **)

let rise_part s riser p =
  match riser with
  | Some p0 -> let (t, a) = p0 in (fun _ -> (rise s t a p.tops) :: []) :: []
  | None -> []

(** val sum_part : bool -> place -> (unit -> line list) list **)

let sum_part kept p =
  if kept then (fun _ -> (sum_line p.tops) :: []) :: [] else []

(** val put_layer :
    setting -> (Whole.t * (unit -> line list)) option -> bool ->
    (test * Whole.t) option -> place -> (unit -> line list) list * place **)

let put_layer s stage carry riser p =
  let a = p.next in
  let b =
    match stage with
    | Some p0 -> let (k, _) = p0 in Whole.add a k
    | None -> a
  in
  let c = if carry then Whole.add b (size s.dimension) else b in
  let d = match riser with
          | Some _ -> Whole.add c Whole.one
          | None -> c in
  let kept = negb (is_empty p.tops) in
  ((app (stage_part stage)
     (app (carry_part s carry p)
       (app (rise_part s riser p) (sum_part kept p)))), { fresh = false;
  inputs_at = b; tops =
  (app (match riser with
        | Some _ -> c :: []
        | None -> []) (if kept then d :: [] else [])); next =
  (if kept then Whole.add d Whole.one else d) })

(** val put_later :
    setting -> (Whole.t * (Whole.t -> line list)) list -> bool -> Whole.t ->
    place -> ((unit -> line list) list list * Whole.t) * place **)

let rec put_later s fs carry before p =
  match fs with
  | [] -> (([], before), p)
  | p0 :: fs0 ->
    let (k, f) = p0 in
    let (l, p') = put_layer s (Some (k, (fun _ -> f before))) carry None p in
    let (p1, q0) = put_later s fs0 carry p.next p' in
    let (ls, before') = p1 in (((l :: ls), before'), q0)

(** val put_test :
    setting -> test -> bool -> (test * Whole.t) option -> place -> ((unit ->
    line list) list list * Whole.t) * place **)

let put_test s t carry riser p =
  let (l, p') =
    put_layer s (Some (t.breadth, (fun _ -> t.entering p.fresh p.inputs_at)))
      carry riser p
  in
  let (p0, q0) = put_later s s.later carry p.next p' in
  let (ls, a) = p0 in (((l :: ls), a), q0)

(** val running :
    setting -> test list -> place -> (unit -> line list) list list * place **)

let rec running s ts p =
  match ts with
  | [] -> ([], p)
  | t :: ts0 ->
    let carry = negb (is_empty ts0) in
    let (p0, p1) = put_test s t carry None p in
    let (ls, a) = p0 in
    let (l, p2) = put_layer s None carry (Some (t, a)) p1 in
    let (rest, q0) = running s ts0 p2 in ((app ls (l :: rest)), q0)

(** val overlapped :
    setting -> test list -> (test * Whole.t) option -> place -> (unit -> line
    list) list list * place **)

let rec overlapped s ts pending0 p =
  match ts with
  | [] ->
    (match pending0 with
     | Some _ ->
       let (l, q0) = put_layer s None false pending0 p in ((l :: []), q0)
     | None -> ([], p))
  | t :: ts0 ->
    let (p0, p1) = put_test s t (negb (is_empty ts0)) pending0 p in
    let (ls, a) = p0 in
    let (rest, q0) = overlapped s ts0 (Some (t, a)) p1 in ((app ls rest), q0)

(** val enter_all :
    test list -> Whole.t -> ((unit -> line list) list * (test * Whole.t)
    list) * Whole.t **)

let rec enter_all ts first =
  match ts with
  | [] -> (([], []), first)
  | t :: ts0 ->
    let (p, last) = enter_all ts0 (Whole.add first t.breadth) in
    let (l, at_) = p in
    ((((fun _ -> t.entering true Whole.zero) :: l), ((t, first) :: at_)),
    last)

(** val advance_all :
    Whole.t -> (Whole.t -> line list) -> (test * Whole.t) list -> Whole.t ->
    ((unit -> line list) list * (test * Whole.t) list) * Whole.t **)

let rec advance_all k f at_ first =
  match at_ with
  | [] -> (([], []), first)
  | p :: at_0 ->
    let (t, a) = p in
    let (p0, last) = advance_all k f at_0 (Whole.add first k) in
    let (l, at') = p0 in ((((fun _ -> f a) :: l), ((t, first) :: at')), last)

(** val later_all :
    (Whole.t * (Whole.t -> line list)) list -> (test * Whole.t) list ->
    Whole.t -> ((unit -> line list) list list * (test * Whole.t)
    list) * Whole.t **)

let rec later_all fs at_ first =
  match fs with
  | [] -> (([], at_), first)
  | p :: fs0 ->
    let (k, f) = p in
    let (p0, last) = advance_all k f at_ first in
    let (l, at') = p0 in
    let (p1, last') = later_all fs0 at' last in
    let (ls, at'') = p1 in (((l :: ls), at''), last')

(** val difference : Whole.t list -> Whole.t list -> line **)

let difference a b =
  { entries = (app (weigh Whole.one a) (weigh (Whole.neg Whole.one) b));
    bias = Whole.zero; below = Whole.one }

(** val level : Whole.t list list -> line list **)

let rec level = function
| [] -> []
| a :: l ->
  (match l with
   | [] -> (sum_line a) :: []
   | b :: terms0 -> (difference a b) :: ((sum_line b) :: (level terms0)))

(** val level_terms : Whole.t list list -> Whole.t -> Whole.t list list **)

let rec level_terms terms first =
  match terms with
  | [] -> []
  | _ :: l0 ->
    (match l0 with
     | [] -> (first :: []) :: []
     | _ :: terms0 ->
       (first :: ((Whole.add first Whole.one) :: [])) :: (level_terms terms0
                                                           (Whole.add first
                                                             ((fun p -> Whole.shift_left p 1)
                                                             Whole.one))))

(** val tree :
    'a1 list -> Whole.t list list -> Whole.t -> (unit -> line list) list
    list * Whole.t list **)

let rec tree fuel terms first =
  match terms with
  | [] -> ([], [])
  | a :: l ->
    (match l with
     | [] -> ([], a)
     | _ :: _ ->
       (match fuel with
        | [] -> ([], [])
        | _ :: fuel0 ->
          let (ls, top) =
            tree fuel0 (level_terms terms first)
              (Whole.add first (size terms))
          in
          ((((fun _ -> level terms) :: []) :: ls), top)))

(** val one_each : 'a1 list -> Whole.t -> Whole.t list list **)

let rec one_each l first =
  match l with
  | [] -> []
  | _ :: l0 -> (first :: []) :: (one_each l0 (Whole.add first Whole.one))

(** val tested :
    setting -> test list -> Whole.t -> (unit -> line list) list list * Whole.t **)

let tested s ts first =
  let (p, first1) = enter_all ts first in
  let (l, at_) = p in
  let (p0, first2) = later_all s.later at_ first1 in
  let (ls, at') = p0 in
  ((l :: (app ls
           ((map (fun ta _ -> (rise s (fst ta) (snd ta) []) :: []) at') :: []))),
  first2)

(** val beside :
    setting -> test list -> Whole.t -> (unit -> line list) list
    list * Whole.t list **)

let beside s ts first =
  let (ls, rises) = tested s ts first in
  let (rest, top) = tree ts (one_each ts rises) (Whole.add rises (size ts)) in
  ((app ls rest), top)

type layout =
| Running
| Overlapped
| Beside

(** val lay :
    layout -> setting -> test list -> Whole.t -> (unit -> line list) list
    list * Whole.t list **)

let lay l s ts first =
  let start0 = { fresh = true; inputs_at = Whole.zero; tops = []; next =
    first }
  in
  (match l with
   | Running -> let (ls, q0) = running s ts start0 in (ls, q0.tops)
   | Overlapped -> let (ls, q0) = overlapped s ts None start0 in (ls, q0.tops)
   | Beside -> beside s ts first)

type state = { pending : line list; blocks : (unit -> line list) list }

(** val pull : (unit -> line list) list -> (line * state) option **)

let rec pull = function
| [] -> None
| b :: bs0 ->
  (match b () with
   | [] -> pull bs0
   | l :: ls -> Some (l, { pending = ls; blocks = bs0 }))

(** val due : state -> (line * state) option **)

let due s =
  match s.pending with
  | [] -> pull s.blocks
  | l :: ls -> Some (l, { pending = ls; blocks = s.blocks })

(** val step : state -> line -> state option **)

let step s l =
  match due s with
  | Some p -> let (e, s') = p in if same e l then Some s' else None
  | None -> None

(** val start : (unit -> line list) list list -> state **)

let start ls =
  { pending = []; blocks = (concat ls) }

(** val leq : q -> q -> bool **)

let leq a b =
  if Whole.equal a.qden b.qden
  then Whole.leq a.qnum b.qnum
  else Whole.leq (Whole.mul a.qnum b.qden) (Whole.mul b.qnum a.qden)

type data = { columns : nat; over : Whole.t;
              samples : (Whole.t list * Whole.t) list }

(** val has_length : nat -> Whole.t list -> bool **)

let rec has_length n p =
  match n with
  | O -> (match p with
          | [] -> true
          | _ :: _ -> false)
  | S n0 -> (match p with
             | [] -> false
             | _ :: p0 -> has_length n0 p0)

(** val smaller_of : Whole.t -> Whole.t -> Whole.t **)

let smaller_of a b =
  if Whole.leq a b then a else b

(** val larger_of : Whole.t -> Whole.t -> Whole.t **)

let larger_of a b =
  if Whole.leq a b then b else a

(** val least_entry : data -> Whole.t **)

let least_entry d =
  let first =
    match d.samples with
    | [] -> Whole.zero
    | p :: _ ->
      let (l0, _) = p in (match l0 with
                          | [] -> Whole.zero
                          | c :: _ -> c)
  in
  fold_right (fun s m -> fold_right smaller_of m (fst s)) first d.samples

(** val highest_label : data -> Whole.t **)

let highest_label d =
  fold_right (fun s m -> larger_of (Whole.add (snd s) Whole.one) m) Whole.one
    d.samples

(** val inputs_of : bool -> data -> nat **)

let inputs_of every0 d =
  if every0 then S d.columns else d.columns

(** val laid :
    bool -> layout -> data -> setting -> ('a1 -> test) -> 'a1 list -> (unit
    -> line list) list list * Whole.t list **)

let laid every0 l d st f items =
  lay l st (map f items) (whole_of (inputs_of every0 d))

(** val carried : layout -> bool **)

let carried = function
| Beside -> false
| _ -> true

(** val lift_of : layout -> data -> q -> Whole.t **)

let lift_of l d lambda =
  if carried l
  then larger_of Whole.zero
         (Whole.sub (Whole.mul lambda.qnum d.over)
           (Whole.mul
             (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one)
               lambda.qden) (least_entry d)))
  else Whole.zero

(** val budget_input_of : bool -> data -> Whole.t **)

let budget_input_of every0 d =
  if every0 then whole_of d.columns else Whole.zero

(** val setting_of :
    (Whole.t * (Whole.t -> line list)) list -> bool -> layout -> data -> q ->
    q -> setting **)

let setting_of fs every0 l d lambda mu =
  { later = fs; dimension = (numbers Whole.zero d.columns); lift =
    (lift_of l d lambda); lift_over =
    (Whole.mul
      (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) lambda.qden)
      d.over); budget_at = (budget_input_of every0 d); bottom =
    (Whole.to_pos
      (Whole.sub (Whole.mul lambda.qnum mu.qden)
        (Whole.mul
          (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) mu.qnum)
          lambda.qden))); tilt =
    (if every0
     then Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) lambda.qden
     else Whole.zero) }

(** val steep_of : data -> q -> q -> Whole.t **)

let steep_of d lambda mu =
  Whole.mul (Whole.mul (highest_label d) lambda.qden) mu.qden

type cube = { common : Whole.t; factor : Whole.t; rad : Whole.t;
              rad_slope : Whole.t; shift : Whole.t; budget_input : Whole.t;
              steep : Whole.t }

(** val reads_one :
    cube -> bool -> Whole.t -> Whole.t -> (Whole.t * Whole.t) list **)

let reads_one c f a w =
  let b = term_of c.budget_input (Whole.neg c.rad_slope) in
  if f then (a, w) :: b else app b ((a, w) :: [])

(** val above : cube -> bool -> Whole.t -> Whole.t list -> line list **)

let rec above c f a = function
| [] -> []
| x :: p0 ->
  { entries = (reads_one c f a c.common); bias =
    (Whole.sub (Whole.sub (Whole.neg (Whole.mul x c.factor)) c.rad)
      (if f then Whole.zero else c.shift)); below =
    c.common } :: (above c f (Whole.add a Whole.one) p0)

(** val under : cube -> bool -> Whole.t -> Whole.t list -> line list **)

let rec under c f a = function
| [] -> []
| x :: p0 ->
  { entries = (reads_one c f a (Whole.neg c.common)); bias =
    (Whole.add (Whole.sub (Whole.mul x c.factor) c.rad)
      (if f then Whole.zero else c.shift)); below =
    c.common } :: (under c f (Whole.add a Whole.one) p0)

(** val span : Whole.t -> 'a1 list -> Whole.t -> (Whole.t * Whole.t) list **)

let rec span a p w =
  match p with
  | [] -> []
  | _ :: p0 -> (a, w) :: (span (Whole.add a Whole.one) p0 w)

(** val cube_test : cube -> (Whole.t list * Whole.t) -> test **)

let cube_test c s =
  let p = fst s in
  { breadth =
  (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) (size p));
  entering = (fun f a -> app (above c f a p) (under c f a p)); score =
  (fun a ->
  app (span a p (Whole.neg c.steep))
    (span (Whole.add a (size p)) p (Whole.neg c.steep))); height =
  (Whole.add (snd s) Whole.one) }

(** val cube_of : bool -> layout -> data -> q -> q -> cube **)

let cube_of every0 l d lambda mu =
  let d0 =
    Whole.mul
      (Whole.mul
        (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) lambda.qden)
        d.over) mu.qden
  in
  { common = d0; factor =
  (Whole.mul
    (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) lambda.qden)
    mu.qden); rad =
  (Whole.mul
    (Whole.mul
      (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) lambda.qden)
      d.over) mu.qnum); rad_slope = (if every0 then d0 else Whole.zero);
  shift = (Whole.mul (lift_of l d lambda) mu.qden); budget_input =
  (budget_input_of every0 d); steep = (steep_of d lambda mu) }

(** val cube_layers :
    bool -> layout -> data -> q -> q -> (unit -> line list) list
    list * Whole.t list **)

let cube_layers every0 l d lambda mu =
  laid every0 l d (setting_of [] every0 l d lambda mu)
    (cube_test (cube_of every0 l d lambda mu)) d.samples

(** val cross_test : cube -> (Whole.t list * Whole.t) -> test **)

let cross_test c s =
  { breadth =
    (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) (size (fst s)));
    entering = (cube_test c s).entering; score = (fun a -> (a,
    (Whole.neg c.steep)) :: []); height = (Whole.add (snd s) Whole.one) }

(** val over_radius : bool -> data -> q -> Whole.t -> line **)

let over_radius every0 d mu a =
  let like = numbers Whole.zero d.columns in
  { entries =
  (app
    (term_of (budget_input_of every0 d)
      (if every0 then Whole.neg mu.qden else Whole.zero))
    (app (span a like mu.qden) (span (Whole.add a (size like)) like mu.qden)));
  bias = (Whole.neg mu.qnum); below = mu.qden }

(** val cross_of : layout -> data -> q -> q -> cube **)

let cross_of l d lambda mu =
  { common =
    (Whole.mul
      (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) lambda.qden)
      d.over); factor =
    (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) lambda.qden);
    rad = Whole.zero; rad_slope = Whole.zero; shift = (lift_of l d lambda);
    budget_input = Whole.zero; steep = (steep_of d lambda mu) }

(** val cross_setting : bool -> layout -> data -> q -> q -> setting **)

let cross_setting every0 l d lambda mu =
  setting_of ((Whole.one, (fun a ->
    (over_radius every0 d mu a) :: [])) :: []) every0 l d lambda mu

(** val cross_layers :
    bool -> layout -> data -> q -> q -> (unit -> line list) list
    list * Whole.t list **)

let cross_layers every0 l d lambda mu =
  laid every0 l d (cross_setting every0 l d lambda mu)
    (cross_test (cross_of l d lambda mu)) d.samples

(** val inner : Whole.t list -> Whole.t list -> Whole.t **)

let rec inner u p =
  match u with
  | [] -> Whole.zero
  | a :: u0 ->
    (match p with
     | [] -> Whole.zero
     | b :: p0 -> Whole.add (Whole.mul a b) (inner u0 p0))

type item = (Whole.t list * Whole.t) * Whole.t list list

(** val weighted :
    Whole.t -> Whole.t -> Whole.t list -> (Whole.t * Whole.t) list **)

let rec weighted a w = function
| [] -> []
| c :: u0 ->
  if Whole.equal c Whole.zero
  then weighted (Whole.add a Whole.one) w u0
  else (a, (Whole.mul c w)) :: (weighted (Whole.add a Whole.one) w u0)

(** val plane :
    norm -> bool -> data -> q -> Whole.t list -> Whole.t list -> Whole.t ->
    line **)

let plane m every0 d t p u a =
  let d0 = d.over in
  (match m with
   | L2 ->
     { entries =
       (app
         (weighted a (Whole.neg
           (Whole.mul
             (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) t.qden)
             d0)) u)
         (term_of (budget_input_of every0 d)
           (if every0 then Whole.neg (inner u u) else Whole.zero))); bias =
       (Whole.sub
         (Whole.mul (inner u p)
           (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) t.qden))
         (Whole.mul t.qnum (inner u u))); below =
       (Whole.mul
         (Whole.mul
           (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) t.qden) d0)
         d0) }
   | _ ->
     { entries =
       (app (weighted a (Whole.neg (Whole.mul d0 t.qden)) u)
         (term_of (budget_input_of every0 d)
           (if every0 then Whole.neg d0 else Whole.zero))); bias =
       (Whole.sub (Whole.mul (inner u p) t.qden) (Whole.mul t.qnum d0));
       below = (Whole.mul d0 t.qden) })

(** val plane_test : norm -> bool -> data -> Whole.t -> q -> item -> test **)

let plane_test m every0 d steep0 t = function
| (s, us) ->
  { breadth = (size us); entering = (fun _ a ->
    map (fun u -> plane m every0 d t (fst s) u a) us); score = (fun a ->
    span a us (Whole.neg steep0)); height = (Whole.add (snd s) Whole.one) }

(** val plane_setting : norm -> bool -> data -> q -> q -> setting **)

let plane_setting m every0 d power0 t =
  match m with
  | L2 ->
    { later = []; dimension = (numbers Whole.zero d.columns); lift =
      Whole.zero; lift_over = Whole.one; budget_at =
      (budget_input_of every0 d); bottom =
      (Whole.to_pos (Whole.mul power0.qnum (Whole.sub t.qden t.qnum)));
      tilt = (if every0 then power0.qnum else Whole.zero) }
  | _ -> setting_of [] every0 Beside d power0 t

(** val plane_steep : data -> q -> q -> Whole.t **)

let plane_steep =
  steep_of

(** val plane_layers :
    norm -> bool -> data -> q -> q -> item list -> (unit -> line list) list
    list * Whole.t list **)

let plane_layers m every0 d power0 t items =
  laid every0 Beside d (plane_setting m every0 d power0 t)
    (plane_test m every0 d (plane_steep d power0 t) t) items

(** val far_enough : norm -> data -> q -> Whole.t list -> Whole.t -> bool **)

let far_enough m d power0 u reach =
  match m with
  | L2 ->
    let square = Whole.mul power0.qnum (Whole.mul d.over d.over) in
    let v =
      Whole.sub (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) reach)
        (inner u u)
    in
    (&&)
      ((&&) (Whole.leq square (Whole.mul reach power0.qden))
        (Whole.leq Whole.zero v))
      (Whole.leq (Whole.mul square (inner u u))
        (Whole.mul (Whole.mul v v) power0.qden))
  | _ ->
    Whole.leq (Whole.mul power0.qnum d.over) (Whole.mul reach power0.qden)

(** val absolute : Whole.t -> Whole.t **)

let absolute c =
  if Whole.leq Whole.zero c then c else Whole.neg c

(** val fit_vector : norm -> data -> q -> Whole.t list -> bool **)

let fit_vector m d power0 u =
  match m with
  | Linf ->
    Whole.leq (fold_right (fun c n -> Whole.add (absolute c) n) Whole.zero u)
      Whole.one
  | L1 -> forallb (fun c -> Whole.leq (absolute c) Whole.one) u
  | L2 ->
    Whole.leq (Whole.mul power0.qnum (Whole.mul d.over d.over))
      (Whole.mul (inner u u) power0.qden)

(** val covers :
    norm -> data -> q -> (Whole.t list * Whole.t) list -> Whole.t list -> bool **)

let covers m d power0 reached p =
  existsb (fun ur ->
    far_enough m d power0 (fst ur) (Whole.sub (snd ur) (inner (fst ur) p)))
    reached

(** val ball_of : norm -> q -> q -> q **)

let ball_of m power0 t =
  match m with
  | L2 ->
    { qnum = (Whole.mul (Whole.mul t.qnum t.qnum) power0.qnum); qden =
      (Whole.mul
        (Whole.mul
          (Whole.mul ((fun p -> Whole.shift_left p 1)
            ((fun p -> Whole.shift_left p 1) Whole.one)) t.qden) t.qden)
        power0.qden) }
  | _ -> t

(** val first_left :
    norm -> data -> q -> Whole.t -> (Whole.t list * Whole.t) list -> Whole.t
    -> (Whole.t list * Whole.t) list -> Whole.t option **)

let rec first_left m d power0 label reached j = function
| [] -> None
| t :: rest0 ->
  if if Whole.equal label (snd t)
     then true
     else covers m d power0 reached (fst t)
  then first_left m d power0 label reached (Whole.add j Whole.one) rest0
  else Some j

(** val uncovered : norm -> data -> q -> item -> Whole.t option **)

let uncovered m d power0 = function
| (s, us) ->
  if forallb (fun u ->
       (&&) (has_length d.columns u) (fit_vector m d power0 u)) us
  then first_left m d power0 (snd s)
         (map (fun u -> (u, (inner u (fst s)))) us) Whole.zero d.samples
  else Some (Whole.neg Whole.one)

(** val uncovered_pair :
    norm -> data -> q -> Whole.t -> Whole.t -> Whole.t -> item list ->
    (Whole.t * Whole.t) option **)

let rec uncovered_pair m d power0 every0 turn i = function
| [] -> None
| a :: items0 ->
  if Whole.equal turn Whole.zero
  then (match uncovered m d power0 a with
        | Some j -> Some (i, j)
        | None ->
          uncovered_pair m d power0 every0 (Whole.sub every0 Whole.one)
            (Whole.add i Whole.one) items0)
  else uncovered_pair m d power0 every0 (Whole.sub turn Whole.one)
         (Whole.add i Whole.one) items0

(** val insert :
    (Whole.t * Whole.t) -> (Whole.t * Whole.t) list -> (Whole.t * Whole.t)
    list **)

let rec insert e es = match es with
| [] -> e :: []
| d :: rest ->
  if Whole.leq (fst e) (fst d) then e :: es else d :: (insert e rest)

(** val ordered_difference : Whole.t list -> Whole.t list -> line **)

let ordered_difference a b =
  { entries =
    (fold_right insert []
      (app (weigh Whole.one a) (weigh (Whole.neg Whole.one) b))); bias =
    Whole.zero; below = Whole.one }

(** val maxima : Whole.t list list -> line list **)

let rec maxima = function
| [] -> []
| a :: l ->
  (match l with
   | [] -> (sum_line a) :: []
   | b :: terms0 ->
     (ordered_difference a b) :: ((sum_line b) :: (maxima terms0)))

(** val moved : Whole.t -> Whole.t list list -> Whole.t list list **)

let moved a terms =
  map (map (Whole.add a)) terms

(** val levels :
    'a1 list -> Whole.t list list -> (Whole.t * (Whole.t -> line list))
    list * Whole.t list **)

let rec levels fuel terms = match terms with
| [] -> ([], [])
| a :: l ->
  (match l with
   | [] -> ([], a)
   | _ :: _ ->
     (match fuel with
      | [] -> ([], [])
      | _ :: fuel0 ->
        let (fs, top) = levels fuel0 (level_terms terms Whole.zero) in
        ((((size terms), (fun a0 -> maxima (moved a0 terms))) :: fs), top)))

(** val opposite : 'a1 list -> Whole.t -> Whole.t -> Whole.t list list **)

let rec opposite like i j =
  match like with
  | [] -> []
  | _ :: like0 ->
    (i :: (j :: [])) :: (opposite like0 (Whole.add i Whole.one)
                          (Whole.add j Whole.one))

(** val cone_levels :
    nat -> (Whole.t * (Whole.t -> line list)) list * Whole.t list **)

let cone_levels n =
  levels (numbers Whole.zero n)
    (opposite (numbers Whole.zero n) Whole.zero (whole_of n))

(** val cone_test :
    layout -> data -> q -> Whole.t list -> (Whole.t list * Whole.t) -> test **)

let cone_test l d lambda top s =
  { breadth =
    (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) (size (fst s)));
    entering =
    (cube_test (cross_of l d lambda { qnum = Whole.zero; qden = Whole.one })
      s).entering; score = (fun a ->
    weigh
      (Whole.neg
        (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) lambda.qden))
      (map (Whole.add a) top)); height = ((fun p -> Whole.shift_left p 1)
    Whole.one) }

(** val cone_setting : layout -> data -> q -> setting **)

let cone_setting l d lambda =
  setting_of (fst (cone_levels d.columns)) false l d lambda { qnum =
    Whole.zero; qden = Whole.one }

(** val chosen : Whole.t -> data -> (Whole.t list * Whole.t) list **)

let chosen c d =
  filter (fun s -> Whole.equal (snd s) c) d.samples

(** val cone_layers :
    bool -> layout -> data -> q -> Whole.t -> (unit -> line list) list
    list * Whole.t list **)

let cone_layers every0 l d lambda c =
  laid every0 l d (cone_setting l d lambda)
    (cone_test l d lambda (snd (cone_levels d.columns))) (chosen c d)

(** val sign_of : Whole.t -> Whole.t **)

let sign_of c =
  if Whole.equal c Whole.zero then Whole.neg Whole.one else Whole.one

(** val signed : Whole.t -> Whole.t list -> line **)

let signed c top =
  { entries = (weigh (sign_of c) top); bias = (Whole.neg (sign_of c));
    below = Whole.one }

(** val labels_from : 'a1 list -> Whole.t -> Whole.t -> Whole.t list **)

let rec labels_from fuel c most =
  match fuel with
  | [] -> []
  | _ :: fuel0 ->
    if Whole.lt c most
    then c :: (labels_from fuel0 (Whole.add c Whole.one) most)
    else []

(** val labels_of : data -> Whole.t list **)

let labels_of d =
  labels_from d.samples Whole.zero (highest_label d)

(** val units_of :
    ('a1 -> bool) -> 'a1 list -> Whole.t -> Whole.t list list **)

let rec units_of mine l first =
  match l with
  | [] -> []
  | a :: l0 ->
    if mine a
    then (first :: []) :: (units_of mine l0 (Whole.add first Whole.one))
    else units_of mine l0 (Whole.add first Whole.one)

(** val done0 : Whole.t list list -> bool **)

let done0 = function
| [] -> true
| _ :: l0 -> (match l0 with
              | [] -> true
              | _ :: _ -> false)

(** val top_of : Whole.t list list -> Whole.t list **)

let top_of = function
| [] -> []
| a :: l -> (match l with
             | [] -> a
             | _ :: _ -> [])

(** val next_groups :
    Whole.t list list list -> Whole.t -> Whole.t list list list **)

let rec next_groups groups first =
  match groups with
  | [] -> []
  | g :: groups0 ->
    (level_terms g first) :: (next_groups groups0 (Whole.add first (size g)))

(** val all_terms : Whole.t list list list -> Whole.t **)

let all_terms groups =
  fold_right (fun g k -> Whole.add (size g) k) Whole.zero groups

(** val levels_of : Whole.t list list list -> (unit -> line list) list **)

let levels_of groups =
  map (fun g _ -> level g) groups

(** val trees :
    'a1 list -> Whole.t list list list -> Whole.t -> (unit -> line list) list
    list * Whole.t list list **)

let rec trees fuel groups first =
  if forallb done0 groups
  then ([], (map top_of groups))
  else (match fuel with
        | [] -> ([], (map top_of groups))
        | _ :: fuel0 ->
          let (ls, tops0) =
            trees fuel0 (next_groups groups first)
              (Whole.add first (all_terms groups))
          in
          (((levels_of groups) :: ls), tops0))

(** val class_layers :
    bool -> data -> q -> (unit -> line list) list list * Whole.t list list **)

let class_layers every0 d lambda =
  let ts =
    map (cone_test Beside d lambda (snd (cone_levels d.columns))) d.samples
  in
  let (ls, rises) =
    tested (cone_setting Beside d lambda) ts (whole_of (inputs_of every0 d))
  in
  let (rest, tops0) =
    trees d.samples
      (map (fun c ->
        units_of (fun s -> Whole.equal (snd s) c) d.samples rises)
        (labels_of d)) (Whole.add rises (size ts))
  in
  ((app ls rest), tops0)

(** val far_somewhere : Whole.t -> Whole.t list -> Whole.t list -> bool **)

let rec far_somewhere t p q0 =
  match p with
  | [] -> false
  | a :: p0 ->
    (match q0 with
     | [] -> false
     | b :: q1 ->
       if Whole.leq (Whole.add a t) b
       then true
       else if Whole.leq (Whole.add b t) a
            then true
            else far_somewhere t p0 q1)

(** val distance : Whole.t -> Whole.t -> Whole.t **)

let distance a b =
  if Whole.leq a b then Whole.sub b a else Whole.sub a b

(** val far_in_sum :
    bool -> Whole.t -> Whole.t list -> Whole.t list -> bool **)

let rec far_in_sum squared t p q0 =
  if Whole.leq t Whole.zero
  then true
  else (match p with
        | [] -> false
        | a :: p0 ->
          (match q0 with
           | [] -> false
           | b :: q1 ->
             let g = distance a b in
             far_in_sum squared
               (Whole.sub t (if squared then Whole.mul g g else g)) p0 q1))

(** val far : norm -> Whole.t -> Whole.t list -> Whole.t list -> bool **)

let far m t p q0 =
  match m with
  | Linf -> far_somewhere t p q0
  | L1 -> far_in_sum false t p q0
  | L2 -> far_in_sum true t p q0

(** val threshold : norm -> data -> q -> Whole.t **)

let threshold m d q0 =
  let d0 = match m with
           | L2 -> Whole.mul d.over d.over
           | _ -> d.over in
  Whole.floor_div
    (Whole.sub (Whole.add (Whole.mul q0.qnum d0) q0.qden) Whole.one) q0.qden

(** val picked : bool list -> Whole.t list -> Whole.t list **)

let rec picked mask p =
  match mask with
  | [] -> []
  | b :: mask0 ->
    (match p with
     | [] -> []
     | a :: p0 -> if b then a :: (picked mask0 p0) else picked mask0 p0)

type seen = Whole.t list * (Whole.t list * Whole.t)

(** val looked_at : bool list -> (Whole.t list * Whole.t) -> seen **)

let looked_at mask s =
  ((picked mask (fst s)), s)

(** val clear_of : norm -> Whole.t -> seen -> seen -> bool **)

let clear_of m t a b =
  let (pa, sa) = a in
  let (pb, sb) = b in
  if Whole.equal (snd sa) (snd sb)
  then true
  else if far m t pa pb then true else far m t (fst sa) (fst sb)

(** val first_near :
    norm -> Whole.t -> seen -> Whole.t -> seen list -> Whole.t option **)

let rec first_near m t a j = function
| [] -> None
| b :: rest0 ->
  if clear_of m t a b
  then first_near m t a (Whole.add j Whole.one) rest0
  else Some j

(** val near_pair :
    norm -> Whole.t -> Whole.t -> Whole.t -> Whole.t -> seen list ->
    (Whole.t * Whole.t) option **)

let rec near_pair m t every0 turn i = function
| [] -> None
| a :: l0 ->
  if Whole.equal turn Whole.zero
  then (match first_near m t a (Whole.add i Whole.one) l0 with
        | Some j -> Some (i, j)
        | None ->
          near_pair m t every0 (Whole.sub every0 Whole.one)
            (Whole.add i Whole.one) l0)
  else near_pair m t every0 (Whole.sub turn Whole.one)
         (Whole.add i Whole.one) l0

(** val too_near :
    norm -> data -> q -> bool list -> Whole.t -> Whole.t ->
    (Whole.t * Whole.t) option **)

let too_near m d q0 mask every0 turn =
  near_pair m (threshold m d q0) every0 turn Whole.zero
    (map (looked_at mask) d.samples)

type family =
| CubeTests of layout
| CrossTests of layout
| PlaneTests of norm
| ConeTests of layout
| ClassTests

type question = { tests : family; every : bool; power : q; parameter : 
                  q; ball : q }

(** val norm_of : question -> norm **)

let norm_of q0 =
  match q0.tests with
  | CrossTests _ -> L1
  | PlaneTests m -> m
  | _ -> Linf

(** val inputs_due : question -> data -> nat **)

let inputs_due q0 d =
  inputs_of q0.every d

(** val outputs_due : question -> data -> Whole.t **)

let outputs_due q0 d =
  match q0.tests with
  | ClassTests -> highest_label d
  | _ -> Whole.one

(** val rarer : data -> Whole.t **)

let rarer d =
  if Whole.leq
       (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one)
         (size (chosen Whole.one d))) (size d.samples)
  then Whole.one
  else Whole.zero

(** val network_due :
    question -> data -> Whole.t list list list -> (unit -> line list) list
    list * line list **)

let network_due q0 d vectors =
  match q0.tests with
  | CubeTests l ->
    let (ls, top) = cube_layers q0.every l d q0.power q0.parameter in
    (ls,
    ((result (setting_of [] q0.every l d q0.power q0.parameter) top) :: []))
  | CrossTests l ->
    let (ls, top) = cross_layers q0.every l d q0.power q0.parameter in
    (ls,
    ((result (cross_setting q0.every l d q0.power q0.parameter) top) :: []))
  | PlaneTests m ->
    let (ls, top) =
      plane_layers m q0.every d q0.power q0.parameter
        (combine d.samples vectors)
    in
    (ls,
    ((result (plane_setting m q0.every d q0.power q0.parameter) top) :: []))
  | ConeTests l ->
    let (ls, top) = cone_layers q0.every l d q0.power (rarer d) in
    (ls, ((signed (rarer d) top) :: []))
  | ClassTests ->
    let (ls, tops0) = class_layers q0.every d q0.power in
    (ls, (map (signed Whole.one) tops0))

(** val shaped_data : data -> bool **)

let shaped_data d =
  (&&) (match d.columns with
        | O -> false
        | S _ -> true)
    (forallb (fun s ->
      (&&) (has_length d.columns (fst s)) (Whole.leq Whole.zero (snd s)))
      d.samples)

(** val is_square : question -> bool **)

let is_square q0 =
  match q0.tests with
  | PlaneTests m -> (match m with
                     | L2 -> true
                     | _ -> false)
  | _ -> false

(** val budget_fits : question -> bool **)

let budget_fits q0 =
  let a = q0.parameter in
  let b = q0.power in
  (&&)
    ((&&) ((&&) (Whole.leq Whole.zero a.qnum) (Whole.lt Whole.zero b.qnum))
      (if is_square q0
       then Whole.lt a.qnum a.qden
       else Whole.lt
              (Whole.mul
                (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) a.qnum)
                b.qden) (Whole.mul b.qnum a.qden)))
    (if q0.every
     then (&&) (Whole.equal a.qnum Whole.zero) (Whole.equal a.qden Whole.one)
     else leq q0.ball (if is_square q0 then ball_of L2 b a else a))

(** val same_length : 'a1 list -> 'a2 list -> bool **)

let rec same_length a b =
  match a with
  | [] -> (match b with
           | [] -> true
           | _ :: _ -> false)
  | _ :: a0 -> (match b with
                | [] -> false
                | _ :: b0 -> same_length a0 b0)

(** val of_two_labels : data -> bool **)

let of_two_labels d =
  (&&)
    (forallb (fun s ->
      (||) (Whole.equal (snd s) Whole.zero) (Whole.equal (snd s) Whole.one))
      d.samples) (negb (is_empty (chosen (rarer d) d)))

(** val sound_question :
    question -> data -> Whole.t list list list -> bool **)

let sound_question q0 d vectors =
  (&&) ((&&) (shaped_data d) (budget_fits q0))
    (match q0.tests with
     | PlaneTests _ -> same_length d.samples vectors
     | ConeTests _ -> of_two_labels d
     | ClassTests -> Whole.leq (highest_label d) (size d.samples)
     | _ -> true)

(** val trouble :
    question -> data -> Whole.t list list list -> bool list -> Whole.t ->
    Whole.t -> (Whole.t * Whole.t) option **)

let trouble q0 d vectors mask turns turn =
  match q0.tests with
  | PlaneTests m ->
    uncovered_pair m d q0.power turns turn Whole.zero
      (combine d.samples vectors)
  | _ -> too_near (norm_of q0) d q0.power mask turns turn
