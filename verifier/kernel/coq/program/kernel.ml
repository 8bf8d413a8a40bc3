
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

(** val length : 'a1 list -> nat **)

let rec length = function
| [] -> O
| _ :: l' -> S (length l')

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

module Coq__1 = struct
 (** val add : nat -> nat -> nat **)
 let rec add n m =
   match n with
   | O -> m
   | S p -> S (add p m)
end
include Coq__1

module Nat =
 struct
  (** val eqb : nat -> nat -> bool **)

  let rec eqb n m =
    match n with
    | O -> (match m with
            | O -> true
            | S _ -> false)
    | S n' -> (match m with
               | O -> false
               | S m' -> eqb n' m')

  (** val leb : nat -> nat -> bool **)

  let rec leb n m =
    match n with
    | O -> true
    | S n' -> (match m with
               | O -> false
               | S m' -> leb n' m')

  (** val ltb : nat -> nat -> bool **)

  let ltb n m =
    leb (S n) m
 end

module Pos =
 struct
  type mask =
  | IsNul
  | IsPos of Whole.t
  | IsNeg
 end

module Coq_Pos =
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

  type mask = Pos.mask =
  | IsNul
  | IsPos of Whole.t
  | IsNeg

  (** val succ_double_mask : mask -> mask **)

  let succ_double_mask = function
  | IsNul -> IsPos Whole.one
  | IsPos p -> IsPos ((fun p -> Whole.succ (Whole.shift_left p 1)) p)
  | IsNeg -> IsNeg

  (** val double_mask : mask -> mask **)

  let double_mask = function
  | IsPos p -> IsPos ((fun p -> Whole.shift_left p 1) p)
  | x0 -> x0

  (** val double_pred_mask : Whole.t -> mask **)

  let double_pred_mask x =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p -> IsPos ((fun p -> Whole.shift_left p 1)
      ((fun p -> Whole.shift_left p 1) p)))
      (fun p -> IsPos ((fun p -> Whole.shift_left p 1)
      (pred_double p)))
      (fun _ -> IsNul)
      x

  (** val sub_mask : Whole.t -> Whole.t -> mask **)

  let rec sub_mask x y =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> double_mask (sub_mask p q0))
        (fun q0 -> succ_double_mask (sub_mask p q0))
        (fun _ -> IsPos ((fun p -> Whole.shift_left p 1) p))
        y)
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> succ_double_mask (sub_mask_carry p q0))
        (fun q0 -> double_mask (sub_mask p q0))
        (fun _ -> IsPos (pred_double p))
        y)
      (fun _ ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun _ -> IsNeg)
        (fun _ -> IsNeg)
        (fun _ -> IsNul)
        y)
      x

  (** val sub_mask_carry : Whole.t -> Whole.t -> mask **)

  and sub_mask_carry x y =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> succ_double_mask (sub_mask_carry p q0))
        (fun q0 -> double_mask (sub_mask p q0))
        (fun _ -> IsPos (pred_double p))
        y)
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> double_mask (sub_mask_carry p q0))
        (fun q0 -> succ_double_mask (sub_mask_carry p q0))
        (fun _ -> double_pred_mask p)
        y)
      (fun _ -> IsNeg)
      x

  (** val sub : Whole.t -> Whole.t -> Whole.t **)

  let sub x y =
    match sub_mask x y with
    | IsPos z0 -> z0
    | _ -> Whole.one

  (** val iter : ('a1 -> 'a1) -> 'a1 -> Whole.t -> 'a1 **)

  let rec iter f x n =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun n' -> f (iter f (iter f x n') n'))
      (fun n' -> iter f (iter f x n') n')
      (fun _ -> f x)
      n

  (** val div2 : Whole.t -> Whole.t **)

  let div2 p =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p0 -> p0)
      (fun p0 -> p0)
      (fun _ -> Whole.one)
      p

  (** val div2_up : Whole.t -> Whole.t **)

  let div2_up p =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p0 -> succ p0)
      (fun p0 -> p0)
      (fun _ -> Whole.one)
      p

  (** val size_nat : Whole.t -> nat **)

  let rec size_nat p =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p0 -> S (size_nat p0))
      (fun p0 -> S (size_nat p0))
      (fun _ -> S O)
      p

  (** val size : Whole.t -> Whole.t **)

  let rec size p =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p0 -> succ (size p0))
      (fun p0 -> succ (size p0))
      (fun _ -> Whole.one)
      p

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

  (** val leb : Whole.t -> Whole.t -> bool **)

  let leb x y =
    match compare x y with
    | Gt -> false
    | _ -> true

  (** val sqrtrem_step :
      (Whole.t -> Whole.t) -> (Whole.t -> Whole.t) -> (Whole.t * mask) ->
      Whole.t * mask **)

  let sqrtrem_step f g = function
  | (s, y) ->
    (match y with
     | IsPos r ->
       let s' = (fun p -> Whole.succ (Whole.shift_left p 1))
         ((fun p -> Whole.shift_left p 1) s)
       in
       let r' = g (f r) in
       if leb s' r'
       then (((fun p -> Whole.succ (Whole.shift_left p 1)) s),
              (sub_mask r' s'))
       else (((fun p -> Whole.shift_left p 1) s), (IsPos r'))
     | _ ->
       (((fun p -> Whole.shift_left p 1) s),
         (sub_mask (g (f Whole.one)) ((fun p -> Whole.shift_left p 1)
           ((fun p -> Whole.shift_left p 1) Whole.one)))))

  (** val sqrtrem : Whole.t -> Whole.t * mask **)

  let rec sqrtrem p =
    (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
      (fun p0 ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun p1 ->
        sqrtrem_step (fun x -> (fun p -> Whole.succ (Whole.shift_left p 1))
          x) (fun x -> (fun p -> Whole.succ (Whole.shift_left p 1)) x)
          (sqrtrem p1))
        (fun p1 ->
        sqrtrem_step (fun x -> (fun p -> Whole.shift_left p 1) x) (fun x ->
          (fun p -> Whole.succ (Whole.shift_left p 1)) x) (sqrtrem p1))
        (fun _ -> (Whole.one, (IsPos ((fun p -> Whole.shift_left p 1)
        Whole.one))))
        p0)
      (fun p0 ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun p1 ->
        sqrtrem_step (fun x -> (fun p -> Whole.succ (Whole.shift_left p 1))
          x) (fun x -> (fun p -> Whole.shift_left p 1) x) (sqrtrem p1))
        (fun p1 ->
        sqrtrem_step (fun x -> (fun p -> Whole.shift_left p 1) x) (fun x ->
          (fun p -> Whole.shift_left p 1) x) (sqrtrem p1))
        (fun _ -> (Whole.one, (IsPos Whole.one)))
        p0)
      (fun _ -> (Whole.one, IsNul))
      p

  (** val sqrt : Whole.t -> Whole.t **)

  let sqrt p =
    fst (sqrtrem p)

  (** val gcdn : nat -> Whole.t -> Whole.t -> Whole.t **)

  let rec gcdn n a b =
    match n with
    | O -> Whole.one
    | S n0 ->
      ((fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
         (fun a' ->
         (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
           (fun b' ->
           match compare a' b' with
           | Eq -> a
           | Lt -> gcdn n0 (sub b' a') a
           | Gt -> gcdn n0 (sub a' b') b)
           (fun b0 -> gcdn n0 a b0)
           (fun _ -> Whole.one)
           b)
         (fun a0 ->
         (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
           (fun _ -> gcdn n0 a0 b)
           (fun b0 -> (fun p -> Whole.shift_left p 1)
           (gcdn n0 a0 b0))
           (fun _ -> Whole.one)
           b)
         (fun _ -> Whole.one)
         a)

  (** val gcd : Whole.t -> Whole.t -> Whole.t **)

  let gcd a b =
    gcdn (Coq__1.add (size_nat a) (size_nat b)) a b
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
      (fun p -> Whole.neg (Coq_Pos.pred_double p))
      x

  (** val pred_double : Whole.t -> Whole.t **)

  let pred_double x =
    (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
      (fun _ -> Whole.neg Whole.one)
      (fun p -> (Coq_Pos.pred_double p))
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
        (fun _ -> (Coq_Pos.pred_double p))
        y)
      (fun _ ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun q0 -> Whole.neg ((fun p -> Whole.shift_left p 1) q0))
        (fun q0 -> Whole.neg (Coq_Pos.pred_double q0))
        (fun _ -> Whole.zero)
        y)
      x

  (** val sub : Whole.t -> Whole.t -> Whole.t **)

  let sub m n =
    Whole.add m (Whole.neg n)

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
        (fun y' -> Coq_Pos.compare x' y')
        (fun _ -> Gt)
        y)
      (fun x' ->
      (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
        (fun _ -> Lt)
        (fun _ -> Lt)
        (fun y' -> compOpp (Coq_Pos.compare x' y'))
        y)
      x

  (** val abs : Whole.t -> Whole.t **)

  let abs z0 =
    (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
      (fun _ -> Whole.zero)
      (fun p -> p)
      (fun p -> p)
      z0

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
              Whole.one), (sub r' b)))
      (fun a' ->
      let (q0, r) = pos_div_eucl a' b in
      let r' = Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) r in
      if Whole.lt r' b
      then ((Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) q0), r')
      else ((Whole.add
              (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one) q0)
              Whole.one), (sub r' b)))
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
           (sub b r)))
           (fun _ -> ((Whole.neg (Whole.add q0 Whole.one)), (sub b r)))
           r))
        (fun b' -> let (q0, r) = pos_div_eucl a' b' in (q0, (Whole.neg r)))
        b)
      a

  (** val div2 : Whole.t -> Whole.t **)

  let div2 z0 =
    (fun zero pos neg z -> let s = Whole.sign z in
    if s = 0 then zero () else if s > 0 then pos z else neg (Whole.neg z))
      (fun _ -> Whole.zero)
      (fun p ->
      (fun odd even one p -> if Whole.equal p Whole.one then one ()
    else if Whole.is_odd p then odd (Whole.shift_right p 1) else even (Whole.shift_right p 1))
        (fun _ -> (Coq_Pos.div2 p))
        (fun _ -> (Coq_Pos.div2 p))
        (fun _ -> Whole.zero)
        p)
      (fun p -> Whole.neg (Coq_Pos.div2_up p))
      z0
 end

(** val nth_error : 'a1 list -> nat -> 'a1 option **)

let rec nth_error l = function
| O -> (match l with
        | [] -> None
        | x :: _ -> Some x)
| S n0 -> (match l with
           | [] -> None
           | _ :: l0 -> nth_error l0 n0)

(** val rev : 'a1 list -> 'a1 list **)

let rec rev = function
| [] -> []
| x :: l' -> app (rev l') (x :: [])

(** val list_eq_dec : ('a1 -> 'a1 -> bool) -> 'a1 list -> 'a1 list -> bool **)

let rec list_eq_dec eq_dec l l' =
  match l with
  | [] -> (match l' with
           | [] -> true
           | _ :: _ -> false)
  | y :: l0 ->
    (match l' with
     | [] -> false
     | a :: l1 -> if eq_dec y a then list_eq_dec eq_dec l0 l1 else false)

(** val map : ('a1 -> 'a2) -> 'a1 list -> 'a2 list **)

let rec map f = function
| [] -> []
| a :: t -> (f a) :: (map f t)

(** val fold_left : ('a1 -> 'a2 -> 'a1) -> 'a2 list -> 'a1 -> 'a1 **)

let rec fold_left f l a0 =
  match l with
  | [] -> a0
  | b :: t -> fold_left f t (f a0 b)

(** val fold_right : ('a2 -> 'a1 -> 'a1) -> 'a1 -> 'a2 list -> 'a1 **)

let rec fold_right f a0 = function
| [] -> a0
| b :: t -> f b (fold_right f a0 t)

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

(** val seq : nat -> nat -> nat list **)

let rec seq start = function
| O -> []
| S len0 -> start :: (seq (S start) len0)

type q = { qnum : Whole.t; qden : Whole.t }

type digit =
| D0
| D1
| D2
| D3

type name = digit list

(** val name_dec : name -> name -> bool **)

let rec name_dec l x =
  match l with
  | [] -> (match x with
           | [] -> true
           | _ :: _ -> false)
  | y :: l0 ->
    (match x with
     | [] -> false
     | a :: l1 ->
       (match y with
        | D0 -> (match a with
                 | D0 -> name_dec l0 l1
                 | _ -> false)
        | D1 -> (match a with
                 | D1 -> name_dec l0 l1
                 | _ -> false)
        | D2 -> (match a with
                 | D2 -> name_dec l0 l1
                 | _ -> false)
        | D3 -> (match a with
                 | D3 -> name_dec l0 l1
                 | _ -> false)))

type row = { terms : (name * Whole.t) list; constant : Whole.t;
             denominator : Whole.t }

type network = { inputs : name list; units : (name * row) list;
                 outputs : row list }

type side = { variable : name; low : q; high : q; center : q }

type norm =
| Linf
| L1
| L2

type gauge =
| Of of norm
| Power of nat

type shape =
| Box
| Ball of gauge * q * bool

type region = { sides : side list; ball : shape }

type atom = { xs : (name * q) list; ys : (nat * q) list; offset : q;
              strict : bool }

(** val with_sphere : region -> region **)

let with_sphere g =
  { sides = g.sides; ball =
    (match g.ball with
     | Box -> Box
     | Ball (n, size0, _) -> Ball (n, size0, false)) }

type decoder =
| Value
| Nearest
| Sign
| Argmax

type task = { read : decoder; classes : nat; metric : gauge; budget : 
              q; clip : (q * q) option }

(** val at_center : name list -> q list -> side list **)

let at_center ns c =
  map (fun p -> { variable = (fst p); low = { qnum = Whole.zero; qden =
    Whole.one }; high = { qnum = Whole.zero; qden = Whole.one }; center =
    (snd p) }) (combine ns c)

type cone = { growth : gauge; rate : q; first : q; last : q; open_end : bool }

type family = { reader : decoder; labels : nat; balls : cone; d0 : q; d1 : q }

(** val zero : q **)

let zero =
  { qnum = Whole.zero; qden = Whole.one }

(** val one : q **)

let one =
  { qnum = Whole.one; qden = Whole.one }

(** val whole : Whole.t -> q **)

let whole n =
  { qnum = n; qden = Whole.one }

(** val is_zero : q -> bool **)

let is_zero a =
  Whole.equal a.qnum Whole.zero

(** val positive_q : q -> bool **)

let positive_q a =
  Whole.lt Whole.zero a.qnum

(** val nonneg : q -> bool **)

let nonneg a =
  Whole.leq Whole.zero a.qnum

(** val neg : q -> q **)

let neg a =
  { qnum = (Whole.neg a.qnum); qden = a.qden }

(** val reduce : q -> q **)

let reduce a =
  let g = Whole.gcd a.qnum a.qden in
  if Whole.leq g Whole.one
  then a
  else { qnum = (Whole.floor_div a.qnum g); qden =
         (Whole.to_pos (Whole.floor_div a.qden g)) }

(** val add0 : q -> q -> q **)

let add0 a b =
  if is_zero a
  then b
  else if is_zero b
       then a
       else if Whole.equal a.qden b.qden
            then { qnum = (Whole.add a.qnum b.qnum); qden = a.qden }
            else let k = Whole.floor_div a.qden b.qden in
                 if Whole.equal (Whole.mul k b.qden) a.qden
                 then { qnum = (Whole.add a.qnum (Whole.mul b.qnum k));
                        qden = a.qden }
                 else let k0 = Whole.floor_div b.qden a.qden in
                      if Whole.equal (Whole.mul k0 a.qden) b.qden
                      then { qnum = (Whole.add (Whole.mul a.qnum k0) b.qnum);
                             qden = b.qden }
                      else let g = Whole.gcd a.qden b.qden in
                           let da = Whole.to_pos (Whole.floor_div a.qden g) in
                           let db = Whole.floor_div b.qden g in
                           { qnum =
                           (Whole.add (Whole.mul a.qnum db)
                             (Whole.mul b.qnum da)); qden =
                           (Whole.mul da b.qden) }

(** val sub0 : q -> q -> q **)

let sub0 a b =
  add0 a (neg b)

(** val mul : q -> q -> q **)

let mul a b =
  if Whole.equal b.qden Whole.one
  then { qnum = (Whole.mul a.qnum b.qnum); qden = a.qden }
  else if Whole.equal a.qden Whole.one
       then { qnum = (Whole.mul a.qnum b.qnum); qden = b.qden }
       else reduce { qnum = (Whole.mul a.qnum b.qnum); qden =
              (Whole.mul a.qden b.qden) }

(** val scale : Whole.t -> q -> q **)

let scale n a =
  { qnum = (Whole.mul n a.qnum); qden = a.qden }

(** val over : q -> Whole.t -> q **)

let over a d =
  if Whole.equal d Whole.one
  then a
  else reduce { qnum = a.qnum; qden = (Whole.mul a.qden d) }

(** val gain : Whole.t -> q -> q -> q **)

let gain n a p =
  if Whole.equal p.qden a.qden
  then { qnum = (Whole.add p.qnum (Whole.mul n a.qnum)); qden = p.qden }
  else add0 p (scale n a)

(** val align : Whole.t -> q -> q **)

let align d a =
  if Whole.equal a.qden d
  then a
  else let k = Whole.floor_div d a.qden in
       if Whole.equal (Whole.mul k a.qden) d
       then { qnum = (Whole.mul a.qnum k); qden = d }
       else a

(** val leq : q -> q -> bool **)

let leq a b =
  if Whole.equal a.qden b.qden
  then Whole.leq a.qnum b.qnum
  else Whole.leq (Whole.mul a.qnum b.qden) (Whole.mul b.qnum a.qden)

(** val lt : q -> q -> bool **)

let lt a b =
  negb (leq b a)

(** val larger : q -> q -> q **)

let larger a b =
  if leq a b then b else a

(** val smaller : q -> q -> q **)

let smaller a b =
  if leq a b then a else b

(** val magnitude : q -> q **)

let magnitude a =
  if nonneg a then a else neg a

(** val positive_part : q -> q **)

let positive_part a =
  if nonneg a then a else zero

(** val two24 : Whole.t **)

let two24 =
  (fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
    Whole.one)))))))))))))))))))))))

(** val floor24 : q -> q -> q **)

let floor24 h w =
  if positive_q w
  then { qnum =
         (Whole.floor_div (Whole.mul (Whole.mul two24 h.qnum) w.qden)
           (Whole.mul h.qden w.qnum)); qden = two24 }
  else zero

(** val power : q -> nat -> q **)

let rec power a = function
| O -> one
| S n0 -> mul a (power a n0)

(** val count_z : nat -> Whole.t **)

let rec count_z = function
| O -> Whole.zero
| S n0 -> Whole.add Whole.one (count_z n0)

(** val count : nat -> q **)

let count n =
  whole (count_z n)

(** val chord_slope : q -> q -> nat -> q **)

let rec chord_slope lo hi = function
| O -> zero
| S n0 -> add0 (power hi n0) (mul lo (chord_slope lo hi n0))

(** val larger_z : Whole.t -> Whole.t -> Whole.t **)

let larger_z a b =
  if Whole.leq a b then b else a

(** val power_z : Whole.t -> nat -> Whole.t **)

let rec power_z a = function
| O -> Whole.one
| S n0 -> Whole.mul a (power_z a n0)

(** val root_z : nat -> nat -> Whole.t -> Whole.t -> Whole.t -> Whole.t **)

let rec root_z fuel n bit r v =
  match fuel with
  | O -> r
  | S fuel0 ->
    let t = Whole.add r bit in
    root_z fuel0 n
      (Whole.floor_div bit ((fun p -> Whole.shift_left p 1) Whole.one))
      (if Whole.leq (power_z t n) v then t else r) v

(** val root_guess : nat -> nat -> q -> q **)

let root_guess bits n a =
  let k = count_z n in
  let size0 = fun n0 -> Whole.add (Whole.floor_log2 n0) Whole.one in
  let apart0 = Whole.add (size0 a.qnum) (Whole.neg (size0 a.qden)) in
  let shift = Whole.add (count_z bits) (Whole.neg (Whole.floor_div apart0 k))
  in
  let top = Whole.shift a.qnum (Whole.mul k (larger_z shift Whole.zero)) in
  let bottom =
    Whole.shift a.qden (Whole.mul k (larger_z (Whole.neg shift) Whole.zero))
  in
  let r =
    root_z (S bits) n (Whole.shift Whole.one (count_z bits)) Whole.zero
      (Whole.floor_div top bottom)
  in
  let r0 =
    if Whole.leq top (Whole.mul (power_z r n) bottom)
    then r
    else Whole.add r Whole.one
  in
  reduce { qnum = (Whole.shift r0 (larger_z (Whole.neg shift) Whole.zero));
    qden =
    (Whole.to_pos (Whole.shift Whole.one (larger_z shift Whole.zero))) }

(** val root_above : nat -> nat -> q -> q **)

let root_above bits n a =
  if positive_q a
  then let r = root_guess bits n (reduce a) in
       if (&&) (nonneg r) (leq a (power r n)) then r else add0 a one
  else zero

type 'a trie =
| Nil
| Val of 'a
| Fork of 'a option * 'a trie * 'a trie * 'a trie * 'a trie

(** val get : name -> 'a1 trie -> 'a1 option **)

let rec get k = function
| Nil -> None
| Val a -> (match k with
            | [] -> Some a
            | _ :: _ -> None)
| Fork (a, t0, t1, t2, t3) ->
  (match k with
   | [] -> a
   | d :: k' ->
     (match d with
      | D0 -> get k' t0
      | D1 -> get k' t1
      | D2 -> get k' t2
      | D3 -> get k' t3))

(** val alter : ('a1 option -> 'a1) -> name -> 'a1 trie -> 'a1 trie **)

let rec alter f k t =
  match k with
  | [] ->
    (match t with
     | Nil -> Val (f None)
     | Val a -> Val (f (Some a))
     | Fork (a, t0, t1, t2, t3) -> Fork ((Some (f a)), t0, t1, t2, t3))
  | d :: k' ->
    (match t with
     | Nil ->
       (match d with
        | D0 -> Fork (None, (alter f k' Nil), Nil, Nil, Nil)
        | D1 -> Fork (None, Nil, (alter f k' Nil), Nil, Nil)
        | D2 -> Fork (None, Nil, Nil, (alter f k' Nil), Nil)
        | D3 -> Fork (None, Nil, Nil, Nil, (alter f k' Nil)))
     | Val a ->
       (match d with
        | D0 -> Fork ((Some a), (alter f k' Nil), Nil, Nil, Nil)
        | D1 -> Fork ((Some a), Nil, (alter f k' Nil), Nil, Nil)
        | D2 -> Fork ((Some a), Nil, Nil, (alter f k' Nil), Nil)
        | D3 -> Fork ((Some a), Nil, Nil, Nil, (alter f k' Nil)))
     | Fork (a, t0, t1, t2, t3) ->
       (match d with
        | D0 -> Fork (a, (alter f k' t0), t1, t2, t3)
        | D1 -> Fork (a, t0, (alter f k' t1), t2, t3)
        | D2 -> Fork (a, t0, t1, (alter f k' t2), t3)
        | D3 -> Fork (a, t0, t1, t2, (alter f k' t3))))

(** val put : name -> 'a1 -> 'a1 trie -> 'a1 trie **)

let put k a t =
  alter (fun _ -> a) k t

(** val fork :
    'a1 option -> 'a1 trie -> 'a1 trie -> 'a1 trie -> 'a1 trie -> 'a1 trie **)

let fork a t0 t1 t2 t3 =
  match a with
  | Some _ -> Fork (a, t0, t1, t2, t3)
  | None ->
    (match t0 with
     | Nil ->
       (match t1 with
        | Nil ->
          (match t2 with
           | Nil -> (match t3 with
                     | Nil -> Nil
                     | _ -> Fork (a, t0, t1, t2, t3))
           | _ -> Fork (a, t0, t1, t2, t3))
        | _ -> Fork (a, t0, t1, t2, t3))
     | _ -> Fork (a, t0, t1, t2, t3))

(** val pop : 'a1 trie -> ((name * 'a1) * 'a1 trie) option **)

let rec pop = function
| Nil -> None
| Val a -> Some (([], a), Nil)
| Fork (a, t0, t1, t2, t3) ->
  (match pop t3 with
   | Some p ->
     let (p0, t4) = p in
     let (k, b) = p0 in Some (((D3 :: k), b), (fork a t0 t1 t2 t4))
   | None ->
     (match pop t2 with
      | Some p ->
        let (p0, t4) = p in
        let (k, b) = p0 in Some (((D2 :: k), b), (fork a t0 t1 t4 Nil))
      | None ->
        (match pop t1 with
         | Some p ->
           let (p0, t4) = p in
           let (k, b) = p0 in Some (((D1 :: k), b), (fork a t0 t4 Nil Nil))
         | None ->
           (match pop t0 with
            | Some p ->
              let (p0, t4) = p in
              let (k, b) = p0 in
              Some (((D0 :: k), b), (fork a t4 Nil Nil Nil))
            | None ->
              (match a with
               | Some b -> Some (([], b), Nil)
               | None -> None)))))

(** val take : name -> 'a1 trie -> 'a1 option * 'a1 trie **)

let rec take k t = match t with
| Nil -> (None, Nil)
| Val a -> (match k with
            | [] -> ((Some a), Nil)
            | _ :: _ -> (None, t))
| Fork (a, t0, t1, t2, t3) ->
  (match k with
   | [] -> (a, (fork None t0 t1 t2 t3))
   | d :: k' ->
     (match d with
      | D0 -> let (b, t4) = take k' t0 in (b, (fork a t4 t1 t2 t3))
      | D1 -> let (b, t4) = take k' t1 in (b, (fork a t0 t4 t2 t3))
      | D2 -> let (b, t4) = take k' t2 in (b, (fork a t0 t1 t4 t3))
      | D3 -> let (b, t4) = take k' t3 in (b, (fork a t0 t1 t2 t4))))

(** val plus : q -> name -> q trie -> q trie **)

let plus q0 k t =
  alter (fun a -> match a with
                  | Some p -> add0 p q0
                  | None -> q0) k t

(** val plus_times : Whole.t -> q -> name -> q trie -> q trie **)

let rec plus_times n q0 k t =
  match k with
  | [] ->
    (match t with
     | Nil -> Val (scale n q0)
     | Val p -> Val (gain n q0 p)
     | Fork (a, t0, t1, t2, t3) ->
       (match a with
        | Some p -> Fork ((Some (gain n q0 p)), t0, t1, t2, t3)
        | None -> Fork ((Some (scale n q0)), t0, t1, t2, t3)))
  | d :: k' ->
    (match t with
     | Fork (a, t0, t1, t2, t3) ->
       (match d with
        | D0 -> Fork (a, (plus_times n q0 k' t0), t1, t2, t3)
        | D1 -> Fork (a, t0, (plus_times n q0 k' t1), t2, t3)
        | D2 -> Fork (a, t0, t1, (plus_times n q0 k' t2), t3)
        | D3 -> Fork (a, t0, t1, t2, (plus_times n q0 k' t3)))
     | _ -> plus (scale n q0) k t)

(** val gained : Whole.t option -> q -> q option -> q option **)

let gained n q0 a =
  match n with
  | Some n0 ->
    Some (match a with
          | Some p -> gain n0 q0 p
          | None -> scale n0 q0)
  | None -> a

(** val plus_row : q -> Whole.t trie -> q trie -> q trie **)

let rec plus_row q0 t c =
  match t with
  | Nil -> c
  | Val n ->
    (match c with
     | Nil -> Val (scale n q0)
     | Val p -> Val (gain n q0 p)
     | Fork (a, c0, c1, c2, c3) ->
       Fork ((gained (Some n) q0 a), c0, c1, c2, c3))
  | Fork (n, t0, t1, t2, t3) ->
    (match c with
     | Nil ->
       Fork ((gained n q0 None), (plus_row q0 t0 Nil), (plus_row q0 t1 Nil),
         (plus_row q0 t2 Nil), (plus_row q0 t3 Nil))
     | Val p ->
       Fork ((gained n q0 (Some p)), (plus_row q0 t0 Nil),
         (plus_row q0 t1 Nil), (plus_row q0 t2 Nil), (plus_row q0 t3 Nil))
     | Fork (a, c0, c1, c2, c3) ->
       Fork ((gained n q0 a), (plus_row q0 t0 c0), (plus_row q0 t1 c1),
         (plus_row q0 t2 c2), (plus_row q0 t3 c3)))

(** val at_key : Whole.t -> name -> Whole.t trie -> Whole.t trie **)

let at_key n k t =
  alter (fun a -> match a with
                  | Some m -> Whole.add m n
                  | None -> n) k t

type kept = { as_row : row; spread : Whole.t trie option }

(** val spread_terms : (name * Whole.t) list -> Whole.t trie **)

let spread_terms ts =
  fold_right (fun t c -> at_key (snd t) (fst t) c) Nil ts

(** val is_long : (name * Whole.t) list -> bool **)

let is_long = function
| [] -> false
| _ :: l ->
  (match l with
   | [] -> false
   | _ :: l0 ->
     (match l0 with
      | [] -> false
      | _ :: l1 ->
        (match l1 with
         | [] -> false
         | _ :: l2 ->
           (match l2 with
            | [] -> false
            | _ :: l3 ->
              (match l3 with
               | [] -> false
               | _ :: l4 ->
                 (match l4 with
                  | [] -> false
                  | _ :: l5 -> (match l5 with
                                | [] -> false
                                | _ :: _ -> true)))))))

(** val spread_row : row -> Whole.t trie option **)

let spread_row r =
  if is_long r.terms then Some (spread_terms r.terms) else None

(** val keep_row : row -> kept **)

let keep_row r =
  { as_row = r; spread = (spread_row r) }

type 'b info =
| Input of 'b * 'b
| Unit of kept * 'b * 'b

type 'b env = 'b info trie

type 'b form = q trie * 'b

type 'b sum = (q * row) list * 'b

type ('b, 'v, 'l) rules = { always : (q -> 'b); join : ('b -> 'b -> 'b);
                            times : (q -> 'b -> 'b);
                            view : ('b env -> 'v option);
                            pick_slope : ('v -> bool -> bool -> 'b -> 'b -> q);
                            rest : ('v -> q -> q -> 'b -> 'b -> 'b);
                            tighter : ('v -> bool -> 'b -> 'b -> 'b);
                            apart : ('v -> 'b -> 'b -> bool);
                            stated : ('v -> 'l -> 'b);
                            divides : ('v -> name -> q -> bool) }

(** val in_unit : q -> bool **)

let in_unit s =
  (&&) (nonneg s) (leq s one)

(** val add_terms : q -> (name * Whole.t) list -> q trie -> q trie **)

let rec add_terms q0 ts c =
  match ts with
  | [] -> c
  | t :: rest0 -> add_terms q0 rest0 (plus_times (snd t) q0 (fst t) c)

(** val alike : q -> row -> q trie -> q **)

let alike q0 r c =
  match r.terms with
  | [] -> q0
  | t :: _ ->
    (match get (fst t) c with
     | Some p -> align p.qden q0
     | None -> q0)

type 'b goal = ('b sum * bool) list

type direction = (name * q) list

type weighted_direction = { ray : direction; share : q; selberg : q }

type leaf = { atoms : (nat * q) list; slopes : (name * q) list;
              bounds : (name * q) list; cuts : (nat * q) list;
              box : (name * q) list; usual : bool;
              ridge : (q * nat option) option }

(** val name_slopes : (name * q) list -> q trie option **)

let name_slopes ss =
  fold_left (fun t s ->
    match t with
    | Some t0 ->
      if in_unit (snd s) then Some (put (fst s) (snd s) t0) else None
    | None -> None) ss (Some Nil)

(** val add_row :
    ('a1, 'a2, 'a3) rules -> q -> row -> 'a1 form -> 'a1 form **)

let add_row o q0 r f =
  let q1 = alike (over q0 r.denominator) r (fst f) in
  ((add_terms q1 r.terms (fst f)),
  (o.join (snd f) (o.always (scale r.constant q1))))

(** val add_kept :
    ('a1, 'a2, 'a3) rules -> q -> kept -> 'a1 form -> 'a1 form **)

let add_kept o q0 r f =
  match r.spread with
  | Some t ->
    let q1 = alike (over q0 r.as_row.denominator) r.as_row (fst f) in
    ((plus_row q1 t (fst f)),
    (o.join (snd f) (o.always (scale r.as_row.constant q1))))
  | None -> add_row o q0 r.as_row f

(** val add_rows :
    ('a1, 'a2, 'a3) rules -> q -> (q * row) list -> 'a1 form -> 'a1 form **)

let rec add_rows o y ps f =
  match ps with
  | [] -> f
  | p :: rest0 -> add_rows o y rest0 (add_row o (mul y (fst p)) (snd p) f)

(** val add_sum :
    ('a1, 'a2, 'a3) rules -> q -> 'a1 sum -> 'a1 form -> 'a1 form **)

let add_sum o y s f =
  let f0 = add_rows o y (fst s) f in
  ((fst f0), (o.join (snd f0) (o.times y (snd s))))

(** val take_atoms :
    ('a1, 'a2, 'a3) rules -> 'a1 goal -> (nat * q) list -> 'a1 form -> bool
    -> ('a1 form * bool) option **)

let rec take_atoms o g ys0 f sharp =
  match ys0 with
  | [] -> Some (f, sharp)
  | p :: ys1 ->
    let (i, y) = p in
    (match nth_error g i with
     | Some p0 ->
       let (s, strict0) = p0 in
       if nonneg y
       then take_atoms o g ys1 (add_sum o (neg y) s f)
              ((||) sharp ((&&) strict0 (positive_q y)))
       else None
     | None -> None)

(** val take_cuts :
    ('a1, 'a2, 'a3) rules -> 'a1 sum list -> (nat * q) list -> 'a1 form ->
    'a1 form option **)

let rec take_cuts o known ys0 f =
  match ys0 with
  | [] -> Some f
  | p :: ys1 ->
    let (i, y) = p in
    (match nth_error known i with
     | Some s ->
       if nonneg y
       then take_cuts o known ys1 (add_sum o (neg y) s f)
       else None
     | None -> None)

(** val take_bounds :
    ('a1, 'a2, 'a3) rules -> 'a1 env -> (name * q) list -> 'a1 form -> 'a1
    form option **)

let rec take_bounds o e ys0 f =
  match ys0 with
  | [] -> Some f
  | p :: ys1 ->
    let (v, y) = p in
    (match get v e with
     | Some i ->
       (match i with
        | Input (_, _) -> None
        | Unit (r, lo, hi) ->
          let f0 = add_kept o (neg y) r f in
          take_bounds o e ys1 ((fst f0),
            (o.join (snd f0) (o.times y (if nonneg y then lo else hi)))))
     | None -> None)

(** val take_box :
    ('a1, 'a2, 'a3) rules -> 'a1 env -> (name * q) list -> 'a1 form -> 'a1
    form option **)

let rec take_box o e ys0 f =
  match ys0 with
  | [] -> Some f
  | p :: ys1 ->
    let (v, y) = p in
    (match get v e with
     | Some i ->
       (match i with
        | Input (lo, hi) ->
          take_box o e ys1 ((plus (neg y) v (fst f)),
            (o.join (snd f) (o.times y (if nonneg y then lo else hi))))
        | Unit (_, _, _) -> None)
     | None -> None)

(** val clear :
    ('a1, 'a2, 'a3) rules -> (name -> bool) -> name list -> 'a2 -> 'a1 env ->
    q trie -> bool -> q trie -> 'a1 -> q trie -> 'a1 form option **)

let rec clear o keep fuel w e named usual0 c k ins =
  match pop c with
  | Some p ->
    let (p0, c0) = p in
    let (v, q0) = p0 in
    (match fuel with
     | [] -> None
     | _ :: fuel0 ->
       if keep v
       then clear o keep fuel0 w e named usual0 c0 k (plus q0 v ins)
       else if is_zero q0
            then clear o keep fuel0 w e named usual0 c0 k ins
            else (match get v e with
                  | Some i ->
                    (match i with
                     | Input (_, _) ->
                       clear o keep fuel0 w e named usual0 c0 k
                         (plus q0 v ins)
                     | Unit (r, lo, hi) ->
                       let s =
                         match get v named with
                         | Some s -> s
                         | None -> o.pick_slope w usual0 (nonneg q0) lo hi
                       in
                       if in_unit s
                       then let k0 = o.join k (o.rest w q0 s lo hi) in
                            if is_zero s
                            then clear o keep fuel0 w e named usual0 c0 k0 ins
                            else let f = add_kept o (mul q0 s) r (c0, k0) in
                                 clear o keep fuel0 w e named usual0 
                                   (fst f) (snd f) ins
                       else None)
                  | None -> None))
  | None -> Some (ins, k)

type 'l tree =
| Lemma_ of name * bool * 'l * 'l tree * 'l tree
| Close of leaf
| Conflict of name
| SplitUnit of name * 'l tree * 'l tree
| SplitInput of name * q * 'l tree * 'l tree
| SplitPlane of (name * q) list * q * 'l tree * 'l tree

(** val one_input : (name * q) -> q * row **)

let one_input t =
  ((snd t), { terms = (((fst t), Whole.one) :: []); constant = Whole.zero;
    denominator = Whole.one })

(** val is_input : 'a1 env -> name -> bool **)

let is_input e k =
  match get k e with
  | Some i -> (match i with
               | Input (_, _) -> true
               | Unit (_, _, _) -> false)
  | None -> false

type ('b, 'v) ending = { boxed : bool;
                         keeps_in : ((q * nat option) option -> name -> bool);
                         finishes : ((q * nat option) option -> 'v -> 'b env
                                    -> 'b sum list -> bool -> 'b form -> bool) }

(** val close :
    ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a2 -> 'a1 env
    -> 'a1 sum list -> 'a1 goal -> leaf -> bool **)

let close o n fuel w e known aim l =
  let ys0 =
    match l.atoms with
    | [] ->
      let ys0 = [] in
      (match aim with
       | [] -> ys0
       | _ :: l0 -> (match l0 with
                     | [] -> (O, one) :: []
                     | _ :: _ -> ys0))
    | p :: l0 -> p :: l0
  in
  (match take_atoms o aim ys0 (Nil, (o.always zero)) false with
   | Some p ->
     let (f, sharp) = p in
     (match take_cuts o known l.cuts f with
      | Some f0 ->
        (match take_bounds o e l.bounds f0 with
         | Some f1 ->
           (match if n.boxed then take_box o e l.box f1 else Some f1 with
            | Some f2 ->
              (match name_slopes l.slopes with
               | Some named ->
                 (match clear o (n.keeps_in l.ridge) fuel w e named l.usual
                          (fst f2) (snd f2) Nil with
                  | Some f3 -> n.finishes l.ridge w e known sharp f3
                  | None -> false)
               | None -> false)
            | None -> false)
         | None -> false)
      | None -> false)
   | None -> false)

(** val lemma_goal :
    ('a1, 'a2, 'a3) rules -> row -> bool -> 'a1 -> 'a1 goal **)

let lemma_goal o r upper q0 =
  if upper
  then ((((one, r) :: []), (o.times (neg one) q0)), true) :: []
  else (((((neg one), r) :: []), q0), true) :: []

(** val tighten :
    ('a1, 'a2, 'a3) rules -> 'a2 -> name -> kept -> 'a1 -> 'a1 -> bool -> 'a1
    -> 'a1 env -> 'a1 env **)

let tighten o w v r lo hi upper q0 e =
  put v
    (if upper
     then Unit (r, lo, (o.tighter w true hi q0))
     else Unit (r, (o.tighter w false lo q0), hi)) e

(** val narrow :
    ('a1, 'a2, 'a3) rules -> 'a2 -> name -> 'a1 -> 'a1 -> bool -> 'a1 -> 'a1
    env -> 'a1 env **)

let narrow o w k lo hi upper q0 e =
  put k
    (if upper
     then Input (lo, (o.tighter w true hi q0))
     else Input ((o.tighter w false lo q0), hi)) e

(** val plane : ('a1, 'a2, 'a3) rules -> (name * q) list -> q -> 'a1 sum **)

let plane o normal t =
  ((map one_input normal), (o.always (neg t)))

(** val opposite :
    ('a1, 'a2, 'a3) rules -> (name * q) list -> q -> 'a1 sum **)

let opposite o normal t =
  ((map (fun s -> one_input ((fst s), (neg (snd s)))) normal), (o.always t))

(** val check :
    ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a1 env -> 'a1
    sum list -> 'a1 goal -> 'a3 tree -> bool **)

let rec check o n fuel e known aim t =
  match o.view e with
  | Some w ->
    (match t with
     | Lemma_ (v, upper, q0, proof0, rest0) ->
       (match get v e with
        | Some i ->
          (match i with
           | Input (_, _) -> false
           | Unit (r, lo, hi) ->
             let q1 = o.stated w q0 in
             if check o n fuel e known (lemma_goal o r.as_row upper q1) proof0
             then check o n fuel (tighten o w v r lo hi upper q1 e) known aim
                    rest0
             else false)
        | None -> false)
     | Close l -> close o n fuel w e known aim l
     | Conflict v ->
       (match get v e with
        | Some i ->
          (match i with
           | Input (_, _) -> false
           | Unit (_, lo, hi) -> o.apart w lo hi)
        | None -> false)
     | SplitUnit (v, lower, higher) ->
       (match get v e with
        | Some i ->
          (match i with
           | Input (_, _) -> false
           | Unit (r, lo, hi) ->
             if check o n fuel (tighten o w v r lo hi true (o.always zero) e)
                  known aim lower
             then check o n fuel
                    (tighten o w v r lo hi false (o.always zero) e) known aim
                    higher
             else false)
        | None -> false)
     | SplitInput (k, t0, lower, higher) ->
       (match get k e with
        | Some i ->
          (match i with
           | Input (lo, hi) ->
             if o.divides w k t0
             then if check o n fuel (narrow o w k lo hi true (o.always t0) e)
                       known aim lower
                  then check o n fuel
                         (narrow o w k lo hi false (o.always t0) e) known aim
                         higher
                  else false
             else false
           | Unit (_, _, _) -> false)
        | None -> false)
     | SplitPlane (normal, t0, lower, higher) ->
       if forallb (fun s -> is_input e (fst s)) normal
       then if check o n fuel e (app known ((opposite o normal t0) :: []))
                 aim lower
            then check o n fuel e (app known ((plane o normal t0) :: [])) aim
                   higher
            else false
       else false)
  | None -> false

(** val all : ('a1 -> 'a2 option) -> 'a1 list -> 'a2 list option **)

let rec all f = function
| [] -> Some []
| a :: l0 ->
  (match f a with
   | Some b -> (match all f l0 with
                | Some bs -> Some (b :: bs)
                | None -> None)
   | None -> None)

(** val output_rows : row list -> (nat * q) list -> (q * row) list option **)

let rec output_rows outs = function
| [] -> Some []
| p :: ys1 ->
  let (j, q0) = p in
  (match nth_error outs j with
   | Some r ->
     (match output_rows outs ys1 with
      | Some ps -> Some ((q0, r) :: ps)
      | None -> None)
   | None -> None)

type 'l proof = { weights : weighted_direction list list;
                  lemmas : (((name * bool) * 'l) * 'l tree) list;
                  trees : 'l tree list }

(** val plant : (name * ('a1 * 'a1)) list -> 'a1 env -> 'a1 env option **)

let rec plant ss e =
  match ss with
  | [] -> Some e
  | p :: ss0 ->
    let (k, p0) = p in
    let (lo, hi) = p0 in
    (match get k e with
     | Some _ -> None
     | None -> plant ss0 (put k (Input (lo, hi)) e))

(** val grow :
    ('a1 env -> row -> ('a1 * 'a1) option) -> (name * row) list -> 'a1 env ->
    'a1 env option **)

let rec grow interval0 us e =
  match us with
  | [] -> Some e
  | p :: us0 ->
    let (v, r) = p in
    (match get v e with
     | Some _ -> None
     | None ->
       (match interval0 e r with
        | Some p0 ->
          let (lo, hi) = p0 in
          grow interval0 us0 (put v (Unit ((keep_row r), lo, hi)) e)
        | None -> None))

(** val root :
    ('a1 env -> row -> ('a1 * 'a1) option) -> network -> (name * ('a1 * 'a1))
    list -> 'a1 env option **)

let root interval0 net ss =
  if list_eq_dec name_dec (map fst ss) net.inputs
  then (match plant ss Nil with
        | Some e -> grow interval0 net.units e
        | None -> None)
  else None

(** val outputs_exist : 'a1 env -> row list -> bool **)

let outputs_exist e outs =
  forallb (fun r ->
    forallb (fun t ->
      match get (fst t) e with
      | Some _ -> true
      | None -> false) r.terms) outs

(** val atom_rows :
    ('a1, 'a2, 'a3) rules -> 'a1 env -> row list -> atom -> ('a1 sum * bool)
    option **)

let atom_rows o e outs a =
  if forallb (fun t -> is_input e (fst t)) a.xs
  then (match output_rows outs a.ys with
        | Some ps ->
          Some (((app (map one_input a.xs) ps), (o.always a.offset)),
            a.strict)
        | None -> None)
  else None

(** val lemmas_hold :
    ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a1 env ->
    (((name * bool) * 'a3) * 'a3 tree) list -> 'a1 env option **)

let rec lemmas_hold o n fuel e = function
| [] -> Some e
| p :: ls0 ->
  let (p0, proof0) = p in
  let (p1, q0) = p0 in
  let (v, upper) = p1 in
  (match o.view e with
   | Some w ->
     (match get v e with
      | Some i ->
        (match i with
         | Input (_, _) -> None
         | Unit (r, lo, hi) ->
           let q1 = o.stated w q0 in
           if check o n fuel e [] (lemma_goal o r.as_row upper q1) proof0
           then lemmas_hold o n fuel (tighten o w v r lo hi upper q1 e) ls0
           else None)
      | None -> None)
   | None -> None)

(** val trees_hold :
    ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a1 env -> 'a1
    goal list -> 'a3 tree list -> bool **)

let rec trees_hold o n fuel e aims trees0 =
  match aims with
  | [] -> (match trees0 with
           | [] -> true
           | _ :: _ -> false)
  | aim :: aims0 ->
    (match trees0 with
     | [] -> false
     | t :: trees1 ->
       if check o n fuel e [] aim t
       then trees_hold o n fuel e aims0 trees1
       else false)

(** val proves_at :
    ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a1 env ->
    network -> atom list list -> 'a3 proof -> bool **)

let proves_at o n fuel e net goals p =
  if outputs_exist e net.outputs
  then (match all (all (atom_rows o e net.outputs)) goals with
        | Some aims ->
          (match lemmas_hold o n fuel e p.lemmas with
           | Some e0 -> trees_hold o n fuel e0 aims p.trees
           | None -> false)
        | None -> false)
  else false

(** val low_line : q -> q -> q -> q **)

let low_line s lo hi =
  add0 (mul (sub0 one s) (positive_part lo)) (mul s (positive_part (neg hi)))

(** val high_line : q -> q -> q -> q **)

let high_line s lo hi =
  larger (mul (sub0 one s) (positive_part hi))
    (mul s (positive_part (neg lo)))

(** val slope : unit -> bool -> bool -> q -> q -> q **)

let slope _ usual0 up lo hi =
  if nonneg lo
  then one
  else if nonneg (neg hi)
       then zero
       else if usual0
            then if up
                 then if leq (neg lo) hi then one else zero
                 else floor24 hi (sub0 hi lo)
            else zero

(** val line_rest : unit -> q -> q -> q -> q -> q **)

let line_rest _ q0 s lo hi =
  mul q0 (if nonneg q0 then low_line s lo hi else high_line s lo hi)

(** val numbers : (q, unit, q) rules **)

let numbers =
  { always = (fun q0 -> q0); join = add0; times = mul; view = (fun _ -> Some
    ()); pick_slope = slope; rest = line_rest; tighter = (fun _ upper a b ->
    if upper then smaller b a else larger b a); apart = (fun _ lo hi ->
    lt hi lo); stated = (fun _ q0 -> q0); divides = (fun _ _ _ -> true) }

(** val on_box :
    q env -> q option -> side list -> q trie -> q -> bool -> (q * bool) option **)

let rec on_box e edge ss ins k sharp =
  match ss with
  | [] -> (match pop ins with
           | Some _ -> None
           | None -> Some (k, sharp))
  | s :: ss0 ->
    let (o, ins0) = take s.variable ins in
    (match o with
     | Some g ->
       (match get s.variable e with
        | Some i ->
          (match i with
           | Input (lo, hi) ->
             let end_ = if nonneg g then lo else hi in
             let attained =
               match edge with
               | Some size0 ->
                 (||) (is_zero g) (lt (magnitude (sub0 end_ s.center)) size0)
               | None -> true
             in
             on_box e edge ss0 ins0 (add0 k (mul g end_))
               ((||) sharp (negb attained))
           | Unit (_, _, _) -> None)
        | None -> None)
     | None -> on_box e edge ss0 ins0 k sharp)

(** val around : side list -> q trie -> q -> (q * q list) option **)

let rec around ss ins k =
  match ss with
  | [] -> (match pop ins with
           | Some _ -> None
           | None -> Some (k, []))
  | s :: ss0 ->
    let (o, ins0) = take s.variable ins in
    (match o with
     | Some g ->
       (match around ss0 ins0 (add0 k (mul g s.center)) with
        | Some p -> let (k0, gs) = p in Some (k0, (g :: gs))
        | None -> None)
     | None ->
       (match around ss0 ins0 k with
        | Some p -> let (k0, gs) = p in Some (k0, (zero :: gs))
        | None -> None))

(** val largest : q list -> q **)

let largest gs =
  fold_right (fun g m -> larger (magnitude g) m) zero gs

(** val squares : q list -> q **)

let squares gs =
  fold_right (fun g m -> add0 (mul g g) m) zero gs

(** val rooted : nat -> q -> q **)

let rooted n g =
  root_above (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S
    (S (S (S O)))))))))))))))))))))))) (S n) (magnitude g)

(** val powers : nat -> q list -> q **)

let powers n gs =
  fold_right (fun g m -> add0 (mul (magnitude g) (rooted n g)) m) zero gs

(** val ample : bool -> q -> q -> bool **)

let ample enough k loss =
  if enough then leq loss k else lt loss k

(** val finish : q env -> region -> bool -> q form -> bool **)

let finish e g enough = function
| (ins, k) ->
  (match g.ball with
   | Box ->
     (match on_box e None g.sides ins k false with
      | Some p -> let (k0, _) = p in ample enough k0 zero
      | None -> false)
   | Ball (n0, size0, opened) ->
     (match n0 with
      | Of n ->
        (match n with
         | Linf ->
           (match on_box e (if opened then Some size0 else None) g.sides ins
                    k false with
            | Some p ->
              let (k0, sharp) = p in ample ((||) enough sharp) k0 zero
            | None -> false)
         | L1 ->
           (match around g.sides ins k with
            | Some p ->
              let (k0, gs) = p in
              let m = largest gs in
              ample ((||) enough ((&&) opened (negb (leq m zero)))) k0
                (mul size0 m)
            | None -> false)
         | L2 ->
           (match around g.sides ins k with
            | Some p ->
              let (k0, gs) = p in
              let m = squares gs in
              (&&)
                ((&&) (nonneg k0)
                  (ample ((||) enough ((&&) opened (negb (leq m zero))))
                    (mul k0 k0) (mul size0 m)))
                ((||) ((||) enough opened) (positive_q k0))
            | None -> false))
      | Power n ->
        (match around g.sides ins k with
         | Some p ->
           let (k0, gs) = p in
           let m = power (powers n gs) (S n) in
           (&&) (nonneg k0)
             (ample ((||) enough ((&&) opened (negb (leq m zero))))
               (power k0 (S (S n))) (mul size0 m))
         | None -> false)))

(** val reaches : gauge -> q -> q -> bool **)

let reaches n size0 reach =
  match n with
  | Of n0 ->
    (match n0 with
     | L2 -> (&&) (nonneg reach) (leq size0 (mul reach reach))
     | _ -> leq size0 reach)
  | Power n0 -> (&&) (nonneg reach) (leq size0 (power reach (S (S n0))))

(** val same_q : q -> q -> bool **)

let same_q a b =
  (&&) (leq a b) (leq b a)

(** val same_name : name -> name -> bool **)

let same_name a b =
  if name_dec a b then true else false

(** val same_direction : direction -> direction -> bool **)

let rec same_direction d d' =
  match d with
  | [] -> (match d' with
           | [] -> true
           | _ :: _ -> false)
  | p :: d2 ->
    let (k, g) = p in
    (match d' with
     | [] -> false
     | p0 :: d'0 ->
       let (k', g') = p0 in
       (&&) ((&&) (same_name k k') (same_q g g')) (same_direction d2 d'0))

type line = q * q

(** val line_terms :
    (name -> line option) -> (name * Whole.t) list -> line -> line option **)

let rec line_terms forms ts l =
  match ts with
  | [] -> Some l
  | p :: ts0 ->
    let (v, n) = p in
    (match forms v with
     | Some p0 ->
       line_terms forms ts0 ((add0 (fst l) (scale n (fst p0))),
         (add0 (snd l) (scale n (snd p0))))
     | None -> None)

(** val multiple : q -> direction -> (name * Whole.t) list -> bool **)

let rec multiple q0 d ts =
  match d with
  | [] -> (match ts with
           | [] -> true
           | _ :: _ -> false)
  | p :: d2 ->
    let (k, g) = p in
    (match ts with
     | [] -> false
     | p0 :: ts0 ->
       let (v, n) = p0 in
       (&&) ((&&) (same_name k v) (same_q (whole n) (mul q0 g)))
         (multiple q0 d2 ts0))

(** val line_of_row :
    (name -> line option) -> direction -> row -> line option **)

let line_of_row forms d r =
  match line_terms forms r.terms (zero, (whole r.constant)) with
  | Some l ->
    Some ((over (fst l) r.denominator), (over (snd l) r.denominator))
  | None ->
    (match r.terms with
     | [] -> None
     | p :: _ ->
       let (_, n) = p in
       if multiple (whole n) d r.terms
       then Some ((over (whole n) r.denominator),
              (over (whole r.constant) r.denominator))
       else None)

type placed = (direction * line) trie

(** val known_line : placed -> direction -> name -> line option **)

let known_line base d v =
  match get v base with
  | Some p -> let (d', l) = p in if same_direction d d' then Some l else None
  | None -> None

(** val flat : line **)

let flat =
  (zero, zero)

(** val place_unit :
    ('a1 -> bool) -> ('a1 -> bool) -> 'a1 env -> direction trie -> placed ->
    name -> placed **)

let place_unit on off e lines0 base v =
  match get v lines0 with
  | Some d ->
    (match get v e with
     | Some i ->
       (match i with
        | Input (_, _) -> base
        | Unit (r, lo, hi) ->
          if on lo
          then (match line_of_row (known_line base d) d r.as_row with
                | Some l -> put v (d, l) base
                | None -> base)
          else if off hi then put v (d, flat) base else base)
     | None -> base)
  | None -> base

(** val place :
    ('a1 -> bool) -> ('a1 -> bool) -> 'a1 env -> direction trie -> network ->
    placed **)

let place on off e lines0 net =
  fold_left (fun base u -> place_unit on off e lines0 base (fst u)) net.units
    (fold_left (fun base k -> put k (((k, one) :: []), (one, zero)) base)
      net.inputs Nil)

(** val eval : line -> q -> q **)

let eval l u =
  add0 (mul (fst l) u) (snd l)

(** val divide : q -> q -> q **)

let divide a b =
  if positive_q b
  then reduce { qnum = (Whole.mul a.qnum b.qden); qden =
         (Whole.mul a.qden (Whole.to_pos b.qnum)) }
  else neg
         (reduce { qnum = (Whole.mul a.qnum b.qden); qden =
           (Whole.mul a.qden (Whole.to_pos (Whole.neg b.qnum))) })

(** val form_of : placed -> direction -> line trie -> name -> line option **)

let form_of base d forms v =
  match get v forms with
  | Some l -> Some l
  | None -> known_line base d v

(** val walk :
    'a1 env -> placed -> direction -> ((name -> line option) -> q -> q -> q
    option) -> name list -> line trie -> q -> q -> q option **)

let rec walk e base d last0 us forms a b =
  match us with
  | [] -> last0 (form_of base d forms) a b
  | v :: us0 ->
    (match get v e with
     | Some i ->
       (match i with
        | Input (_, _) -> None
        | Unit (r, _, _) ->
          (match line_of_row (form_of base d forms) d r.as_row with
           | Some l ->
             let at_a = eval l a in
             let at_b = eval l b in
             if (&&) (nonneg at_a) (nonneg at_b)
             then walk e base d last0 us0 (put v l forms) a b
             else if (&&) (nonneg (neg at_a)) (nonneg (neg at_b))
                  then walk e base d last0 us0 (put v flat forms) a b
                  else let root0 = divide (neg (snd l)) (fst l) in
                       if is_zero (eval l root0)
                       then (match walk e base d last0 us0
                                     (put v (if nonneg at_a then l else flat)
                                       forms) a root0 with
                             | Some p ->
                               (match walk e base d last0 us0
                                        (put v
                                          (if nonneg at_a then flat else l)
                                          forms) root0 b with
                                | Some q0 -> Some (smaller p q0)
                                | None -> None)
                             | None -> None)
                       else None
           | None -> None))
     | None -> None)

(** val gauge_of : shape -> gauge **)

let gauge_of = function
| Box -> Of Linf
| Ball (n, _, _) -> n

(** val distance_q : gauge -> q -> q **)

let distance_q n w =
  match n with
  | Of n0 -> (match n0 with
              | L2 -> mul w w
              | _ -> magnitude w)
  | Power n0 -> power (magnitude w) (S (S n0))

(** val lifted : gauge -> q -> q -> line -> q -> q **)

let lifted n tau c l u =
  add0 (eval l u) (mul tau (distance_q n (sub0 u c)))

(** val two : q **)

let two =
  whole ((fun p -> Whole.shift_left p 1) Whole.one)

(** val rise_q : nat -> q -> q **)

let rise_q n w =
  if nonneg w then power w n else neg (power (neg w) n)

(** val slope_at : nat -> q -> q -> line -> q -> q **)

let slope_at n tau c l u =
  add0 (fst l) (mul (mul (count (S (S n))) tau) (rise_q (S n) (sub0 u c)))

(** val far : nat -> q -> line -> q **)

let far n tau l =
  root_above (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S
    (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S
    (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S
    (S (S (S (S (S (S (S (S (S (S (S
    O))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
    (S n) (divide (magnitude (fst l)) (mul (count (S (S n))) tau))

(** val least : gauge -> q -> q -> line -> q -> q -> q **)

let least n tau c l a b =
  match n with
  | Of n0 ->
    (match n0 with
     | L2 ->
       if nonneg (add0 (fst l) (mul (mul two tau) (sub0 a c)))
       then lifted n tau c l a
       else if nonneg (neg (add0 (fst l) (mul (mul two tau) (sub0 b c))))
            then lifted n tau c l b
            else sub0 (eval l c)
                   (divide (mul (fst l) (fst l))
                     (mul
                       (whole ((fun p -> Whole.shift_left p 1)
                         ((fun p -> Whole.shift_left p 1) Whole.one))) tau))
     | _ ->
       let ends0 = smaller (lifted n tau c l a) (lifted n tau c l b) in
       if (&&) (leq a c) (leq c b)
       then smaller ends0 (lifted n tau c l c)
       else ends0)
  | Power k ->
    if nonneg (slope_at k tau c l a)
    then lifted n tau c l a
    else if nonneg (neg (slope_at k tau c l b))
         then lifted n tau c l b
         else sub0 (eval l c)
                (mul (mul (count (S k)) tau) (power (far k tau l) (S (S k))))

(** val vertex_ok : gauge -> q -> q -> line -> bool **)

let vertex_ok n tau _ l =
  match n with
  | Of n0 ->
    (match n0 with
     | L2 ->
       (||) (negb (positive_q tau))
         (same_q
           (mul
             (divide (mul (fst l) (fst l))
               (mul
                 (whole ((fun p -> Whole.shift_left p 1)
                   ((fun p -> Whole.shift_left p 1) Whole.one))) tau))
             (mul
               (whole ((fun p -> Whole.shift_left p 1)
                 ((fun p -> Whole.shift_left p 1) Whole.one))) tau))
           (mul (fst l) (fst l)))
     | _ -> true)
  | Power k ->
    (||) (negb (positive_q tau))
      (leq (magnitude (fst l))
        (mul (mul (count (S (S k))) tau) (power (far k tau l) (S k))))

(** val line_sum :
    (name -> line option) -> (name * q) list -> line -> line option **)

let rec line_sum forms ts l =
  match ts with
  | [] -> Some l
  | p :: ts0 ->
    let (v, q0) = p in
    (match forms v with
     | Some p0 ->
       line_sum forms ts0 ((add0 (fst l) (mul q0 (fst p0))),
         (add0 (snd l) (mul q0 (snd p0))))
     | None -> None)

(** val to_walk :
    'a1 env -> placed -> direction -> q trie -> name -> q trie **)

let to_walk e base d waiting v =
  match get v e with
  | Some i ->
    (match i with
     | Input (_, _) -> waiting
     | Unit (_, _, _) ->
       (match known_line base d v with
        | Some _ -> waiting
        | None -> put v zero waiting))
  | None -> waiting

(** val needed :
    name list -> 'a1 env -> placed -> direction -> q trie -> name list ->
    name list **)

let rec needed fuel e base d waiting found =
  match fuel with
  | [] -> found
  | _ :: fuel0 ->
    (match pop waiting with
     | Some p ->
       let (p0, waiting0) = p in
       let (v, _) = p0 in
       (match get v e with
        | Some i ->
          (match i with
           | Input (_, _) -> needed fuel0 e base d waiting0 found
           | Unit (r, _, _) ->
             needed fuel0 e base d
               (fold_left (fun t s -> to_walk e base d t (fst s))
                 r.as_row.terms waiting0) (v :: found))
        | None -> needed fuel0 e base d waiting0 found)
     | None -> found)

(** val group_least :
    name list -> 'a1 env -> placed -> gauge -> direction -> (name * q) list
    -> q -> q -> q -> q -> q option **)

let group_least fuel e base n d ts tau c lo hi =
  let us =
    needed fuel e base d
      (fold_left (fun t s -> to_walk e base d t (fst s)) ts Nil) []
  in
  walk e base d (fun forms a b ->
    match line_sum forms ts flat with
    | Some l ->
      if vertex_ok n tau c l then Some (least n tau c l a b) else None
    | None -> None) us Nil lo hi

type dense = (weighted_direction * q) * q list

(** val inner_q : q list -> q list -> q **)

let rec inner_q a b =
  match a with
  | [] -> zero
  | x :: a0 ->
    (match b with
     | [] -> zero
     | y :: b0 ->
       if (||) (is_zero x) (is_zero y)
       then inner_q a0 b0
       else add0 (mul x y) (inner_q a0 b0))

(** val sum_q : ('a1 -> q) -> 'a1 list -> q **)

let rec sum_q f = function
| [] -> zero
| a :: l0 -> add0 (f a) (sum_q f l0)

(** val selberg_ok : dense list -> bool **)

let selberg_ok d =
  forallb (fun x ->
    (&&)
      ((&&) (nonneg (fst (fst x)).share) (positive_q (fst (fst x)).selberg))
      (leq
        (mul (fst (fst x)).share
          (sum_q (fun y ->
            mul (magnitude (inner_q (snd x) (snd y))) (fst (fst y)).selberg)
            d)) (fst (fst x)).selberg)) d

(** val vplus_q : q list -> q list -> q list **)

let rec vplus_q a b =
  match a with
  | [] -> b
  | x :: a0 ->
    (match b with
     | [] -> a
     | y :: b0 -> (add0 x y) :: (vplus_q a0 b0))

(** val columns : (dense -> q) -> dense list -> q list **)

let columns f d =
  fold_right (fun x c ->
    vplus_q (map (fun g -> mul (f x) (magnitude g)) (snd x)) c) [] d

(** val columns_ok : (dense -> q) -> dense list -> bool **)

let columns_ok f d =
  (&&) (forallb (fun x -> nonneg (fst (fst x)).share) d)
    (forallb (fun c -> leq c one) (columns f d))

(** val length_1 : q list -> q **)

let length_1 gs =
  sum_q magnitude gs

(** val share_of : dense -> q **)

let share_of x =
  (fst (fst x)).share

(** val grown_share : nat -> dense -> q **)

let grown_share n x =
  mul (share_of x) (power (length_1 (snd x)) (S n))

(** val weights_ok : gauge -> dense list -> bool **)

let weights_ok n d =
  match n with
  | Of n0 -> (match n0 with
              | L2 -> selberg_ok d
              | _ -> columns_ok share_of d)
  | Power n0 -> columns_ok (grown_share n0) d

(** val to_dense : side list -> weighted_direction -> dense option **)

let to_dense ss x =
  match around ss (fold_left (fun t p -> plus (snd p) (fst p) t) x.ray Nil)
          zero with
  | Some p -> let (c, gs) = p in Some ((x, c), gs)
  | None -> None

(** val table_of :
    gauge -> side list -> weighted_direction list -> dense list option **)

let table_of n ss ws =
  match all (to_dense ss) ws with
  | Some d -> if weights_ok n d then Some d else None
  | None -> None

(** val box_range :
    (name -> (q * q) option) -> direction -> q -> q -> (q * q) option **)

let rec box_range at_input d lo hi =
  match d with
  | [] -> Some (lo, hi)
  | p :: d2 ->
    let (k, q0) = p in
    (match at_input k with
     | Some p0 ->
       let (a, b) = p0 in
       if nonneg q0
       then box_range at_input d2 (add0 lo (mul q0 a)) (add0 hi (mul q0 b))
       else box_range at_input d2 (add0 lo (mul q0 b)) (add0 hi (mul q0 a))
     | None -> None)

(** val root_upper : q -> q **)

let root_upper a =
  if positive_q a
  then let a0 = reduce a in
       let bits = fun n -> Whole.add (Whole.floor_log2 n) Whole.one in
       let shift =
         Whole.add ((fun p -> Whole.shift_left p 1)
           ((fun p -> Whole.shift_left p 1) ((fun p -> Whole.shift_left p 1)
           ((fun p -> Whole.succ (Whole.shift_left p 1)) Whole.one))))
           (Whole.neg
             (Whole.floor_div
               (Whole.add (bits a0.qnum) (Whole.neg (bits a0.qden)))
               ((fun p -> Whole.shift_left p 1) Whole.one)))
       in
       let n =
         Whole.shift a0.qnum
           (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one)
             (larger_z shift Whole.zero))
       in
       let d =
         Whole.shift a0.qden
           (Whole.mul ((fun p -> Whole.shift_left p 1) Whole.one)
             (larger_z (Whole.neg shift) Whole.zero))
       in
       let r = Whole.floor_sqrt (Whole.floor_div n d) in
       let r0 =
         if Whole.leq n (Whole.mul (Whole.mul r r) d)
         then r
         else Whole.add r Whole.one
       in
       reduce { qnum =
         (Whole.shift r0 (larger_z (Whole.neg shift) Whole.zero)); qden =
         (Whole.to_pos (Whole.shift Whole.one (larger_z shift Whole.zero))) }
  else zero

(** val ball_reach : shape -> q list -> q option **)

let ball_reach b gs =
  match b with
  | Box -> None
  | Ball (n0, size0, _) ->
    (match n0 with
     | Of n ->
       (match n with
        | Linf -> None
        | L1 -> Some (mul (largest gs) size0)
        | L2 ->
          let bound = mul (squares gs) size0 in
          let r = root_upper bound in
          if (&&) (nonneg r) (leq bound (mul r r)) then Some r else None)
     | Power n ->
       Some
         (root_above (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S (S
           (S (S (S (S (S O)))))))))))))))))))))))) (S (S n))
           (mul (power (powers n gs) (S n)) size0)))

(** val all_zero : q trie -> bool **)

let rec all_zero = function
| Nil -> true
| Val q0 -> is_zero q0
| Fork (a, t0, t1, t2, t3) ->
  (&&)
    ((&&)
      ((&&)
        ((&&) (match a with
               | Some q0 -> is_zero q0
               | None -> true) (all_zero t0)) (all_zero t1)) (all_zero t2))
    (all_zero t3)

(** val cut_range : direction -> q sum -> (q * q) -> q * q **)

let cut_range d cut range0 =
  match d with
  | [] -> range0
  | p :: _ ->
    let (k, _) = p in
    let f = add_sum numbers one cut (Nil, zero) in
    (match get k (fst f) with
     | Some kappa ->
       if all_zero
            (fold_left (fun t p0 ->
              plus (neg (mul kappa (snd p0))) (fst p0) t) d (fst f))
       then let t = divide (neg (snd f)) kappa in
            if (&&) (negb (is_zero kappa))
                 (is_zero (add0 (mul kappa t) (snd f)))
            then if nonneg kappa
                 then ((larger t (fst range0)), (snd range0))
                 else ((fst range0), (smaller t (snd range0)))
            else range0
       else range0
     | None -> range0)

(** val range :
    (name -> (q * q) option) -> region -> q sum list -> dense -> (q * q)
    option **)

let range at_input g known x =
  let d = (fst (fst x)).ray in
  (match box_range at_input d zero zero with
   | Some p ->
     let (lo, hi) = p in
     let c = snd (fst x) in
     let ends0 =
       match ball_reach g.ball (snd x) with
       | Some r -> ((larger lo (sub0 c r)), (smaller hi (add0 c r)))
       | None -> (lo, hi)
     in
     Some (fold_left (fun ends1 cut -> cut_range d cut ends1) known ends0)
   | None -> None)

type group = direction * (name * q) list

(** val insert : direction -> (name * q) -> group list -> group list **)

let rec insert d t = function
| [] -> (d, (t :: [])) :: []
| g :: gs0 ->
  let (d', ts) = g in
  if same_direction d d'
  then (d', (t :: ts)) :: gs0
  else (d', ts) :: (insert d t gs0)

(** val gather :
    name list -> direction trie -> q trie -> group list -> group list option **)

let rec gather fuel lines0 ins gs =
  match pop ins with
  | Some p ->
    let (p0, ins0) = p in
    let (v, q0) = p0 in
    (match fuel with
     | [] -> None
     | _ :: fuel0 ->
       (match get v lines0 with
        | Some d -> gather fuel0 lines0 ins0 (insert d (v, q0) gs)
        | None -> None))
  | None -> Some gs

(** val take_group :
    direction -> group list -> (name * q) list * group list **)

let rec take_group d = function
| [] -> ([], [])
| g :: gs0 ->
  let (d', ts) = g in
  if same_direction d d'
  then (ts, gs0)
  else let (found, rest0) = take_group d gs0 in (found, ((d', ts) :: rest0))

(** val group_bound :
    name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
    sum list -> gauge -> dense -> (name * q) list -> q -> q option option **)

let group_bound fuel e at_input base g known q0 x ts tau =
  match range at_input g known x with
  | Some p ->
    let (lo, hi) = p in
    if lt hi lo
    then Some None
    else (match group_least fuel e base q0 (fst (fst x)).ray ts tau
                  (snd (fst x)) lo hi with
          | Some m -> Some (Some m)
          | None -> None)
  | None -> None

(** val named_groups :
    name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
    sum list -> gauge -> q -> dense list -> group list -> q -> (group
    list * q) option option **)

let rec named_groups fuel e at_input base g known q0 t d gs k =
  match d with
  | [] -> Some (Some (gs, k))
  | x :: d2 ->
    let (ts, gs0) = take_group (fst (fst x)).ray gs in
    (match ts with
     | [] -> named_groups fuel e at_input base g known q0 t d2 gs0 k
     | _ :: _ ->
       (match group_bound fuel e at_input base g known q0 x ts
                (mul t (fst (fst x)).share) with
        | Some o ->
          (match o with
           | Some m ->
             named_groups fuel e at_input base g known q0 t d2 gs0 (add0 k m)
           | None -> Some None)
        | None -> None))

(** val other_groups :
    name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
    sum list -> gauge -> group list -> q -> q option option **)

let rec other_groups fuel e at_input base g known q0 gs k =
  match gs with
  | [] -> Some (Some k)
  | g0 :: gs0 ->
    let (d, ts) = g0 in
    (match to_dense g.sides { ray = d; share = zero; selberg = zero } with
     | Some x ->
       (match group_bound fuel e at_input base g known q0 x ts zero with
        | Some o ->
          (match o with
           | Some m ->
             other_groups fuel e at_input base g known q0 gs0 (add0 k m)
           | None -> Some None)
        | None -> None)
     | None -> None)

(** val sum_least :
    name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
    sum list -> gauge -> direction trie -> dense list -> q -> q trie -> q
    option option **)

let sum_least fuel e at_input base g known q0 lines0 d t ins =
  let d2 =
    match g.ball with
    | Box -> []
    | Ball (n, _, _) ->
      (match n with
       | Of n0 -> (match n0 with
                   | Linf -> []
                   | _ -> d)
       | Power _ -> d)
  in
  (match gather fuel lines0 ins [] with
   | Some gs ->
     if nonneg t
     then (match named_groups fuel e at_input base g known q0 t d2 gs zero with
           | Some o ->
             (match o with
              | Some p ->
                let (gs0, k) = p in
                other_groups fuel e at_input base g known q0 gs0 k
              | None -> Some None)
           | None -> None)
     else None
   | None -> None)

(** val finish_ridge :
    name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
    sum list -> gauge -> direction trie -> dense list -> bool -> q -> q form
    -> bool **)

let finish_ridge fuel e at_input base g known q0 lines0 d enough t f =
  match sum_least fuel e at_input base g known q0 lines0 d t (fst f) with
  | Some o ->
    (match o with
     | Some k ->
       let k0 = add0 (snd f) k in
       (match g.ball with
        | Box -> (&&) (is_zero t) (ample enough k0 zero)
        | Ball (n, size0, opened) ->
          (match n with
           | Of n0 ->
             (match n0 with
              | Linf -> (&&) (is_zero t) (ample enough k0 zero)
              | _ ->
                ample ((||) enough ((&&) opened (positive_q t)))
                  (sub0 k0 (mul t size0)) zero)
           | Power _ ->
             ample ((||) enough ((&&) opened (positive_q t)))
               (sub0 k0 (mul t size0)) zero))
     | None -> true)
  | None -> false

(** val line_of : direction trie -> row -> direction option **)

let line_of lines0 r =
  match r.terms with
  | [] -> None
  | p :: rest0 ->
    let (v, n) = p in
    (match get v lines0 with
     | Some d ->
       if forallb (fun t ->
            match get (fst t) lines0 with
            | Some d' -> same_direction d d'
            | None -> false) rest0
       then Some d
       else if forallb (fun t ->
                 match get (fst t) lines0 with
                 | Some d2 ->
                   (match d2 with
                    | [] -> false
                    | p0 :: l ->
                      let (k, _) = p0 in
                      (match l with
                       | [] -> same_name k (fst t)
                       | _ :: _ -> false))
                 | None -> false) r.terms
            then Some
                   (map (fun t -> ((fst t),
                     (divide (whole (snd t)) (whole n)))) r.terms)
            else None
     | None -> None)

(** val find_lines : name list -> network -> direction trie **)

let find_lines axes net =
  fold_left (fun lines0 u ->
    match line_of lines0 (snd u) with
    | Some d -> put (fst u) d lines0
    | None -> lines0) net.units
    (fold_left (fun lines0 k -> put k ((k, one) :: []) lines0) axes Nil)

(** val ends : q env -> name -> (q * q) option **)

let ends e v =
  match get v e with
  | Some i ->
    (match i with
     | Input (lo, hi) -> Some (lo, hi)
     | Unit (_, lo, hi) -> Some ((positive_part lo), (positive_part hi)))
  | None -> None

(** val interval :
    q env -> (name * Whole.t) list -> q -> q -> (q * q) option **)

let rec interval e ts lo hi =
  match ts with
  | [] -> Some (lo, hi)
  | p :: ts0 ->
    let (v, n) = p in
    (match ends e v with
     | Some p0 ->
       let (a, b) = p0 in
       if Whole.leq Whole.zero n
       then interval e ts0 (add0 lo (scale n a)) (add0 hi (scale n b))
       else interval e ts0 (add0 lo (scale n b)) (add0 hi (scale n a))
     | None -> None)

(** val row_interval : q env -> row -> (q * q) option **)

let row_interval e r =
  match interval e r.terms (whole r.constant) (whole r.constant) with
  | Some p ->
    let (lo, hi) = p in
    Some ((over lo r.denominator), (over hi r.denominator))
  | None -> None

type hints = { lines : direction trie; lined : placed;
               tables : dense list list }

(** val on_line : hints -> name -> bool **)

let on_line h v =
  match get v h.lines with
  | Some _ -> true
  | None -> false

(** val table_number : hints -> nat option -> dense list **)

let table_number h = function
| Some i0 -> (match nth_error h.tables i0 with
              | Some d -> d
              | None -> [])
| None -> []

(** val borne : region -> bool **)

let borne g =
  match g.ball with
  | Box -> false
  | Ball (n, _, _) ->
    (match n with
     | Of n0 -> (match n0 with
                 | Linf -> false
                 | _ -> true)
     | Power _ -> true)

(** val input_ends : q env -> name -> (q * q) option **)

let input_ends e k =
  match get k e with
  | Some i ->
    (match i with
     | Input (lo, hi) -> Some (lo, hi)
     | Unit (_, _, _) -> None)
  | None -> None

(** val on_region : name list -> region -> hints -> (q, unit) ending **)

let on_region fuel g h =
  { boxed = (borne g); keeps_in = (fun r ->
    match r with
    | Some _ -> on_line h
    | None -> (fun _ -> false)); finishes = (fun r _ e known enough f ->
    match r with
    | Some p ->
      let (t, i) = p in
      finish_ridge fuel e (input_ends e) h.lined g known (gauge_of g.ball)
        h.lines (table_number h i) enough t f
    | None -> finish e g enough f) }

(** val box_of : region -> (name * (q * q)) list **)

let box_of g =
  map (fun s -> (s.variable, (s.low, s.high))) g.sides

(** val verify :
    name list -> direction trie -> network -> region -> atom list list -> q
    proof -> bool **)

let verify fuel ls net g goals p =
  match all (table_of (gauge_of g.ball) g.sides) p.weights with
  | Some ts ->
    (match root row_interval net (box_of g) with
     | Some e ->
       let base = place nonneg (fun q0 -> nonneg (neg q0)) e ls net in
       proves_at numbers
         (on_region fuel g { lines = ls; lined = base; tables = ts }) fuel e
         net goals p
     | None -> false)
  | None -> false

(** val look : q trie -> name -> q **)

let look t v =
  match get v t with
  | Some q0 -> q0
  | None -> zero

(** val row_sum : q trie -> (name * Whole.t) list -> q -> q **)

let rec row_sum t ts q0 =
  match ts with
  | [] -> q0
  | p :: ts0 -> let (v, n) = p in row_sum t ts0 (add0 q0 (scale n (look t v)))

(** val row_at : q trie -> row -> q **)

let row_at t r =
  over (row_sum t r.terms (whole r.constant)) r.denominator

(** val run_at : (name * row) list -> q trie -> q trie **)

let rec run_at us t =
  match us with
  | [] -> t
  | p :: us0 ->
    let (v, r) = p in run_at us0 (put v (positive_part (row_at t r)) t)

(** val point_of : side list -> q list -> q trie -> q trie option **)

let rec point_of ss p t =
  match ss with
  | [] -> (match p with
           | [] -> Some t
           | _ :: _ -> None)
  | s :: ss0 ->
    (match p with
     | [] -> None
     | q0 :: p0 -> point_of ss0 p0 (put s.variable q0 t))

(** val under : bool -> q -> q -> bool **)

let under opened a b =
  if opened then lt a b else leq a b

(** val gap_at : q trie -> side -> q **)

let gap_at t s =
  sub0 (look t s.variable) s.center

(** val total_q : q list -> q **)

let total_q qs =
  fold_right add0 zero qs

(** val near_at : side list -> shape -> q trie -> bool **)

let near_at ss b t =
  match b with
  | Box -> true
  | Ball (n0, size0, opened) ->
    (match n0 with
     | Of n ->
       (match n with
        | Linf ->
          forallb (fun s -> under opened (magnitude (gap_at t s)) size0) ss
        | L1 ->
          under opened (total_q (map (fun s -> magnitude (gap_at t s)) ss))
            size0
        | L2 ->
          under opened
            (total_q (map (fun s -> mul (gap_at t s) (gap_at t s)) ss)) size0)
     | Power n ->
       under opened
         (total_q
           (map (fun s -> power (magnitude (gap_at t s)) (S (S n))) ss)) size0)

(** val inside_at : region -> q trie -> bool **)

let inside_at g t =
  (&&)
    (forallb (fun s ->
      (&&) (leq s.low (look t s.variable)) (leq (look t s.variable) s.high))
      g.sides) (near_at g.sides g.ball t)

(** val atom_at : network -> q trie -> q trie -> atom -> bool **)

let atom_at net x z0 a =
  let inputs0 = total_q (map (fun t -> mul (snd t) (look x (fst t))) a.xs) in
  let out = fun j ->
    match nth_error net.outputs j with
    | Some r -> row_at z0 r
    | None -> zero
  in
  let outs = total_q (map (fun t -> mul (snd t) (out (fst t))) a.ys) in
  under a.strict zero (add0 (add0 inputs0 outs) a.offset)

(** val flip_at :
    network -> region -> atom list list -> nat -> q list -> bool **)

let flip_at net g goals k p =
  match point_of g.sides p Nil with
  | Some x ->
    (match nth_error goals k with
     | Some goal0 ->
       (&&) (inside_at g x)
         (let z0 = run_at net.units x in forallb (atom_at net x z0) goal0)
     | None -> false)
  | None -> false

(** val asks_well :
    network -> (name * (q * q)) list -> atom list list -> bool **)

let asks_well net box0 goals =
  match root row_interval net box0 with
  | Some e ->
    (&&) (outputs_exist e net.outputs)
      (match all (all (atom_rows numbers e net.outputs)) goals with
       | Some _ -> true
       | None -> false)
  | None -> false

(** val flip :
    network -> region -> atom list list -> nat -> q list -> bool **)

let flip net g goals k p =
  (&&) (asks_well net (box_of g) goals) (flip_at net g goals k p)

(** val is_opened : region -> bool **)

let is_opened g =
  match g.ball with
  | Box -> false
  | Ball (_, _, opened) -> opened

(** val radius :
    name list -> direction trie -> network -> region -> atom list list -> q
    proof -> nat -> q list -> bool **)

let radius fuel ls net g goals pr k p =
  (&&) ((&&) (is_opened g) (flip_at net (with_sphere g) goals k p))
    (verify fuel ls net g goals pr)

(** val number : nat -> Whole.t **)

let rec number = function
| O -> Whole.zero
| S m -> Whole.add Whole.one (number m)

(** val half : Whole.t -> q **)

let half n =
  { qnum = n; qden = ((fun p -> Whole.shift_left p 1) Whole.one) }

(** val on_output : q -> q -> bool -> atom **)

let on_output q0 c strict0 =
  { xs = []; ys = ((O, q0) :: []); offset = c; strict = strict0 }

(** val beats : nat -> nat -> atom **)

let beats rival label =
  { xs = []; ys = ((rival, one) :: ((label, (neg one)) :: [])); offset =
    zero; strict = false }

(** val label_goals :
    decoder -> nat -> nat -> nat -> atom list list option **)

let label_goals d classes0 outs label =
  if negb ((&&) (Nat.ltb label classes0) (Nat.leb (S (S O)) classes0))
  then None
  else (match d with
        | Argmax ->
          if Nat.eqb outs classes0
          then Some
                 (map (fun rival -> (beats rival label) :: [])
                   (filter (fun rival -> negb (Nat.eqb rival label))
                     (seq O outs)))
          else None
        | _ ->
          if negb (Nat.eqb outs (S O))
          then None
          else let own = number label in
               (match d with
                | Value ->
                  Some
                    (((on_output (neg one) (whole own) true) :: []) :: ((
                    (on_output one (neg (whole own)) true) :: []) :: []))
                | Sign ->
                  if Nat.eqb classes0 (S (S O))
                  then Some
                         (((on_output
                             (match label with
                              | O -> one
                              | S _ -> neg one) zero false) :: []) :: [])
                  else None
                | _ ->
                  Some
                    (app
                      (if Nat.eqb label O
                       then []
                       else ((on_output (neg one)
                               (half
                                 (Whole.add (Whole.add own own) (Whole.neg
                                   Whole.one))) false) :: []) :: [])
                      (if Nat.ltb (S label) classes0
                       then ((on_output one
                               (neg
                                 (half
                                   (Whole.add (Whole.add own own) Whole.one)))
                               false) :: []) :: []
                       else []))))

(** val clipped : task -> q -> q -> q * q **)

let clipped t lo hi =
  match t.clip with
  | Some p -> let (a, b) = p in ((larger a lo), (smaller b hi))
  | None -> (lo, hi)

(** val side_at : task -> q -> (name * q) -> side **)

let side_at t reach p =
  let (lo, hi) = clipped t (sub0 (snd p) reach) (add0 (snd p) reach) in
  { variable = (fst p); low = lo; high = hi; center = (snd p) }

(** val region_of : task -> q -> name list -> q list -> region **)

let region_of t reach ns c =
  { sides = (map (side_at t reach) (combine ns c)); ball =
    (match t.metric with
     | Of n0 ->
       (match n0 with
        | Linf -> Box
        | x -> Ball ((Of x), t.budget, false))
     | Power n0 -> Ball ((Power n0), t.budget, false)) }

(** val verify_sample :
    name list -> direction trie -> network -> task -> q -> (q list * nat) ->
    q proof -> bool **)

let verify_sample fuel ls net t reach s p =
  match label_goals t.read t.classes (length net.outputs) (snd s) with
  | Some goals ->
    (&&)
      ((&&) (reaches t.metric t.budget reach)
        (Nat.eqb (length (fst s)) (length net.inputs)))
      (verify fuel ls net (region_of t reach net.inputs (fst s)) goals p)
  | None -> false

(** val in_ball_at : task -> name list -> q list -> q trie -> bool **)

let in_ball_at t ns c x =
  (&&) (near_at (at_center ns c) (Ball (t.metric, t.budget, false)) x)
    (match t.clip with
     | Some p ->
       let (a, b) = p in
       forallb (fun k -> (&&) (leq a (look x k)) (leq (look x k) b)) ns
     | None -> true)

(** val flip_sample :
    network -> task -> (q list * nat) -> nat -> q list -> bool **)

let flip_sample net t s k p =
  match label_goals t.read t.classes (length net.outputs) (snd s) with
  | Some goals ->
    (match point_of (at_center net.inputs (fst s)) p Nil with
     | Some x ->
       (match nth_error goals k with
        | Some goal0 ->
          (&&)
            ((&&)
              (asks_well net
                (map (fun s0 -> (s0.variable, (s0.center, s0.center)))
                  (at_center net.inputs (fst s))) [])
              (in_ball_at t net.inputs (fst s) x))
            (let z0 = run_at net.units x in forallb (atom_at net x z0) goal0)
        | None -> false)
     | None -> false)
  | None -> false

(** val fixed : q -> line **)

let fixed q0 =
  (zero, q0)

(** val line_join : line -> line -> line **)

let line_join a b =
  ((add0 (fst a) (fst b)), (add0 (snd a) (snd b)))

(** val line_times : q -> line -> line **)

let line_times q0 a =
  ((mul q0 (fst a)), (mul q0 (snd a)))

(** val line_scale : Whole.t -> line -> line **)

let line_scale n a =
  ((scale n (fst a)), (scale n (snd a)))

(** val line_over : line -> Whole.t -> line **)

let line_over a d =
  ((over (fst a) d), (over (snd a) d))

type span = q * q

(** val at_ends : span -> line -> q * q **)

let at_ends w a =
  if is_zero (fst a)
  then ((snd a), (snd a))
  else ((eval a (fst w)), (eval a (snd w)))

(** val both : (q -> bool) -> (q * q) -> bool **)

let both test p =
  (&&) (test (fst p)) (test (snd p))

(** val paired : (q -> q -> q) -> (q * q) -> (q * q) -> q * q **)

let paired f p q0 =
  ((f (fst p) (fst q0)), (f (snd p) (snd q0)))

(** val nonpos : q -> bool **)

let nonpos q0 =
  nonneg (neg q0)

(** val chord : span -> (q * q) -> line **)

let chord w p =
  let rise = sub0 (snd p) (fst p) in
  let width = sub0 (snd w) (fst w) in
  let s = if is_zero rise then zero else divide rise width in
  if same_q (mul s width) rise
  then (s, (sub0 (fst p) (mul s (fst w))))
  else fixed (larger (fst p) (snd p))

(** val relu_low : span -> line -> line **)

let relu_low w lo =
  if both nonneg (at_ends w lo) then lo else fixed zero

(** val relu_high : span -> line -> line **)

let relu_high w hi =
  let p = at_ends w hi in
  if both nonneg p
  then hi
  else chord w ((positive_part (fst p)), (positive_part (snd p)))

(** val line_ends :
    name -> span -> line env -> name -> (line * line) option **)

let line_ends p w e v =
  match get v e with
  | Some i ->
    (match i with
     | Input (lo, hi) ->
       Some (if same_name v p then ((one, zero), (one, zero)) else (lo, hi))
     | Unit (_, lo, hi) -> Some ((relu_low w lo), (relu_high w hi)))
  | None -> None

(** val line_interval :
    name -> span -> line env -> (name * Whole.t) list -> line -> line ->
    (line * line) option **)

let rec line_interval p w e ts lo hi =
  match ts with
  | [] -> Some (lo, hi)
  | p0 :: ts0 ->
    let (v, n) = p0 in
    (match line_ends p w e v with
     | Some p1 ->
       let (a, b) = p1 in
       if Whole.leq Whole.zero n
       then line_interval p w e ts0 (line_join lo (line_scale n a))
              (line_join hi (line_scale n b))
       else line_interval p w e ts0 (line_join lo (line_scale n b))
              (line_join hi (line_scale n a))
     | None -> None)

(** val row_lines :
    name -> span -> line env -> row -> (line * line) option **)

let row_lines p w e r =
  let c = fixed (whole r.constant) in
  (match line_interval p w e r.terms c c with
   | Some p0 ->
     let (lo, hi) = p0 in
     Some ((line_over lo r.denominator), (line_over hi r.denominator))
   | None -> None)

(** val middle_slope : span -> bool -> bool -> line -> line -> q **)

let middle_slope w usual0 up lo hi =
  let l = at_ends w lo in
  let h = at_ends w hi in
  if both nonneg l
  then one
  else if both nonpos h
       then zero
       else if usual0
            then slope () true up (add0 (fst l) (snd l))
                   (add0 (fst h) (snd h))
            else zero

(** val rest_at_ends : span -> q -> q -> line -> line -> line **)

let rest_at_ends w q0 s lo hi =
  let l = at_ends w lo in
  let h = at_ends w hi in
  line_times q0
    (if nonneg q0
     then line_join
            (if both nonneg l then line_times (sub0 one s) lo else fixed zero)
            (if both nonpos h then line_times (neg s) hi else fixed zero)
     else chord w ((high_line s (fst l) (fst h)),
            (high_line s (snd l) (snd h))))

(** val tighter_at_ends : span -> bool -> line -> line -> line **)

let tighter_at_ends w upper a b =
  let p = at_ends w a in
  let q0 = at_ends w b in
  if if upper
     then (&&) (leq (fst p) (fst q0)) (leq (snd p) (snd q0))
     else (&&) (leq (fst q0) (fst p)) (leq (snd q0) (snd p))
  then a
  else b

(** val apart_at_ends : span -> line -> line -> bool **)

let apart_at_ends w lo hi =
  both positive_q (paired sub0 (at_ends w lo) (at_ends w hi))

(** val affine : name -> (line, span, q * q) rules **)

let affine p =
  { always = fixed; join = line_join; times = line_times; view = (fun e ->
    match get p e with
    | Some i ->
      (match i with
       | Input (lo, hi) ->
         if (&&) (is_zero (fst lo)) (is_zero (fst hi))
         then Some ((snd lo), (snd hi))
         else None
       | Unit (_, _, _) -> None)
    | None -> None); pick_slope = middle_slope; rest = rest_at_ends;
    tighter = tighter_at_ends; apart = apart_at_ends; stated = chord;
    divides = (fun w k t ->
    if same_name k p then (&&) (lt (fst w) t) (lt t (snd w)) else true) }

(** val on_sides : line env -> side list -> q trie -> line -> line option **)

let rec on_sides e ss ins c =
  match ss with
  | [] -> (match pop ins with
           | Some _ -> None
           | None -> Some c)
  | s :: ss0 ->
    let (o, ins0) = take s.variable ins in
    (match o with
     | Some g ->
       (match get s.variable e with
        | Some i ->
          (match i with
           | Input (lo, hi) ->
             on_sides e ss0 ins0
               (line_join c (line_times g (if nonneg g then lo else hi)))
           | Unit (_, _, _) -> None)
        | None -> None)
     | None -> on_sides e ss0 ins0 c)

(** val positive_at :
    cone -> span -> bool -> (bool -> q -> q -> bool) -> line -> bool **)

let positive_at k w enough test c =
  let loose = (&&) k.open_end (same_q (snd w) k.last) in
  let v = at_ends w c in
  (&&) (test enough (fst v) (fst w))
    (test ((||) enough loose) (snd v) (snd w))

(** val plainly : bool -> q -> q -> bool **)

let plainly enough v _ =
  ample enough v zero

(** val by_squares : q -> bool -> q -> q -> bool **)

let by_squares loss enough v m =
  (&&) ((&&) (nonneg v) (ample enough (mul v v) (mul (mul m m) loss)))
    ((||) enough (positive_q v))

(** val by_powers : nat -> q -> bool -> q -> q -> bool **)

let by_powers n loss enough v m =
  (&&) ((&&) (nonneg v) (ample enough (power v n) (mul (power m n) loss)))
    ((||) enough (positive_q v))

(** val finish_cone :
    cone -> name -> side list -> span -> line env -> bool -> line form -> bool **)

let finish_cone k p ss w e enough f =
  let (g, ins) = take p (fst f) in
  let c = match g with
          | Some g0 -> line_join (snd f) (g0, zero)
          | None -> snd f
  in
  (match k.growth with
   | Of n ->
     (match n with
      | Linf ->
        (match on_sides e ss ins c with
         | Some c0 -> positive_at k w enough plainly c0
         | None -> false)
      | L1 ->
        (match around ss ins zero with
         | Some p0 ->
           let (c0, gs) = p0 in
           positive_at k w enough plainly
             (line_join c ((neg (mul k.rate (largest gs))), c0))
         | None -> false)
      | L2 ->
        (match around ss ins zero with
         | Some p0 ->
           let (c0, gs) = p0 in
           positive_at k w enough (by_squares (mul k.rate (squares gs)))
             (line_join c (fixed c0))
         | None -> false))
   | Power n ->
     (match around ss ins zero with
      | Some p0 ->
        let (c0, gs) = p0 in
        positive_at k w enough
          (by_powers (S (S n)) (mul k.rate (power (powers n gs) (S n))))
          (line_join c (fixed c0))
      | None -> false))

(** val largest_ball : cone -> side list -> span -> region **)

let largest_ball k ss w =
  { sides = ss; ball = (Ball (k.growth,
    (match k.growth with
     | Of n ->
       (match n with
        | L2 -> mul (mul (snd w) (snd w)) k.rate
        | _ -> mul (snd w) k.rate)
     | Power n -> mul (power (snd w) (S (S n))) k.rate), false)) }

(** val least_end : span -> line -> q **)

let least_end w l =
  smaller (fst (at_ends w l)) (snd (at_ends w l))

(** val largest_end : span -> line -> q **)

let largest_end w l =
  larger (fst (at_ends w l)) (snd (at_ends w l))

(** val inputs_of : span -> line env -> name -> (q * q) option **)

let inputs_of w e v =
  match get v e with
  | Some i ->
    (match i with
     | Input (lo, hi) -> Some ((least_end w lo), (largest_end w hi))
     | Unit (_, _, _) -> None)
  | None -> None

(** val weakest : span -> line sum -> q sum **)

let weakest w s =
  ((fst s), (largest_end w (snd s)))

(** val taken_away : cone -> span -> q -> line **)

let taken_away k w t =
  match k.growth with
  | Of n ->
    (match n with
     | L2 ->
       line_times (mul t k.rate) ((add0 (fst w) (snd w)),
         (neg (mul (fst w) (snd w))))
     | _ -> ((mul t k.rate), zero))
  | Power n ->
    let lo = positive_part (fst w) in
    let s = chord_slope lo (snd w) (S (S n)) in
    line_times (mul t k.rate) (s, (sub0 (power lo (S (S n))) (mul s lo)))

(** val finish_sums :
    name list -> hints -> cone -> name -> side list -> span -> line env ->
    line sum list -> bool -> q -> nat option -> line form -> bool **)

let finish_sums fuel h k p ss w e known enough t i f =
  let (g, ins) = take p (fst f) in
  let c = match g with
          | Some g0 -> line_join (snd f) (g0, zero)
          | None -> snd f
  in
  (match sum_least fuel e (inputs_of w e) h.lined (largest_ball k ss w)
           (map (weakest w) known) k.growth h.lines (table_number h i) t ins with
   | Some o ->
     (match o with
      | Some q0 ->
        (&&)
          (match k.growth with
           | Of n -> (match n with
                      | Linf -> is_zero t
                      | _ -> true)
           | Power _ -> true)
          (positive_at k w enough plainly
            (line_join (line_join c (fixed q0))
              (line_times (neg one) (taken_away k w t))))
      | None -> true)
   | None -> false)

(** val on_cone :
    name list -> hints -> cone -> name -> side list -> (line, span) ending **)

let on_cone fuel h k p ss =
  { boxed =
    (match k.growth with
     | Of n -> (match n with
                | Linf -> false
                | _ -> true)
     | Power _ -> true); keeps_in = (fun r ->
    match r with
    | Some _ -> on_line h
    | None -> (fun _ -> false)); finishes = (fun r w e known enough f ->
    match r with
    | Some p0 ->
      let (t, i) = p0 in finish_sums fuel h k p ss w e known enough t i f
    | None -> finish_cone k p ss w e enough f) }

(** val cone_box :
    cone -> q -> name list -> q list -> name -> (name * (line * line)) list **)

let cone_box k reach ns c p =
  app
    (map (fun q0 -> ((fst q0), (((neg reach), (snd q0)), (reach, (snd q0)))))
      (combine ns c)) ((p, ((fixed k.first), (fixed k.last))) :: [])

(** val hints_of :
    direction trie -> network -> cone -> line env -> dense list list -> hints **)

let hints_of ls net k e ts =
  let w = (k.first, k.last) in
  { lines = ls; lined =
  (place (fun l -> both nonneg (at_ends w l)) (fun l ->
    both nonpos (at_ends w l)) e ls net); tables = ts }

(** val verify_cone :
    name list -> direction trie -> network -> cone -> q -> q list -> atom
    list list -> (q * q) proof -> bool **)

let verify_cone fuel ls net k reach c goals pr =
  match rev net.inputs with
  | [] -> false
  | p :: rns ->
    let ns = rev rns in
    (&&)
      ((&&)
        ((&&)
          ((&&) ((&&) (Nat.eqb (length c) (length ns)) (nonneg k.first))
            (lt k.first k.last)) (positive_q k.rate))
        (reaches k.growth k.rate reach))
      (match all (table_of k.growth (at_center ns c)) pr.weights with
       | Some ts ->
         (match root (row_lines p (k.first, k.last)) net
                  (cone_box k reach ns c p) with
          | Some e ->
            proves_at (affine p)
              (on_cone fuel (hints_of ls net k e ts) k p (at_center ns c))
              fuel e net goals pr
          | None -> false)
       | None -> false)

(** val family_atom : name -> family -> atom -> atom **)

let family_atom p f a =
  { xs = ((p, (mul f.d1 a.offset)) :: []); ys = a.ys; offset =
    (mul f.d0 a.offset); strict = a.strict }

(** val on_outputs : atom -> bool **)

let on_outputs a =
  match a.xs with
  | [] -> true
  | _ :: _ -> false

(** val guarded : family -> bool **)

let guarded f =
  let at_first = add0 f.d0 (mul f.d1 f.balls.first) in
  let at_last = add0 f.d0 (mul f.d1 f.balls.last) in
  (&&) (positive_q at_first)
    (if f.balls.open_end then nonneg at_last else positive_q at_last)

(** val verify_family :
    name list -> direction trie -> network -> family -> q -> (q list * nat)
    -> (q * q) proof -> bool **)

let verify_family fuel ls net f reach s pr =
  match label_goals f.reader f.labels (length net.outputs) (snd s) with
  | Some goals ->
    (match rev net.inputs with
     | [] -> false
     | p :: _ ->
       (&&) ((&&) (forallb (forallb on_outputs) goals) (guarded f))
         (verify_cone fuel ls net f.balls reach (fst s)
           (map (map (family_atom p f)) goals) pr))
  | None -> false
