
val negb : bool -> bool

type nat =
| O
| S of nat

val fst : ('a1 * 'a2) -> 'a1

val snd : ('a1 * 'a2) -> 'a2

val app : 'a1 list -> 'a1 list -> 'a1 list

type comparison =
| Eq
| Lt
| Gt

val compOpp : comparison -> comparison

module Pos :
 sig
  val succ : Whole.t -> Whole.t

  val add : Whole.t -> Whole.t -> Whole.t

  val add_carry : Whole.t -> Whole.t -> Whole.t

  val pred_double : Whole.t -> Whole.t

  val compare_cont : comparison -> Whole.t -> Whole.t -> comparison

  val compare : Whole.t -> Whole.t -> comparison
 end

module Z :
 sig
  val double : Whole.t -> Whole.t

  val succ_double : Whole.t -> Whole.t

  val pred_double : Whole.t -> Whole.t

  val pos_sub : Whole.t -> Whole.t -> Whole.t

  val compare : Whole.t -> Whole.t -> comparison

  val pos_div_eucl : Whole.t -> Whole.t -> Whole.t * Whole.t

  val div_eucl : Whole.t -> Whole.t -> Whole.t * Whole.t
 end

val concat : 'a1 list list -> 'a1 list

val map : ('a1 -> 'a2) -> 'a1 list -> 'a2 list

val fold_right : ('a2 -> 'a1 -> 'a1) -> 'a1 -> 'a2 list -> 'a1

val existsb : ('a1 -> bool) -> 'a1 list -> bool

val forallb : ('a1 -> bool) -> 'a1 list -> bool

val filter : ('a1 -> bool) -> 'a1 list -> 'a1 list

val combine : 'a1 list -> 'a2 list -> ('a1 * 'a2) list

type q = { qnum : Whole.t; qden : Whole.t }

type norm =
| Linf
| L1
| L2

type line = { entries : (Whole.t * Whole.t) list; bias : Whole.t;
              below : Whole.t }

val numbers : Whole.t -> nat -> Whole.t list

val whole_of : nat -> Whole.t

val size : 'a1 list -> Whole.t

val same_entries :
  bool -> Whole.t -> Whole.t -> (Whole.t * Whole.t) list ->
  (Whole.t * Whole.t) list -> bool

val same : line -> line -> bool

type test = { breadth : Whole.t; entering : (bool -> Whole.t -> line list);
              score : (Whole.t -> (Whole.t * Whole.t) list); height : 
              Whole.t }

type setting = { later : (Whole.t * (Whole.t -> line list)) list;
                 dimension : Whole.t list; lift : Whole.t;
                 lift_over : Whole.t; budget_at : Whole.t; bottom : Whole.t;
                 tilt : Whole.t }

val term_of : Whole.t -> Whole.t -> (Whole.t * Whole.t) list

val budget_term : setting -> Whole.t -> (Whole.t * Whole.t) list

val weigh : Whole.t -> Whole.t list -> (Whole.t * Whole.t) list

val rise : setting -> test -> Whole.t -> Whole.t list -> line

val sum_line : Whole.t list -> line

val result : setting -> Whole.t list -> line

val lifted : setting -> Whole.t -> Whole.t list -> line list

val copied : Whole.t -> Whole.t list -> line list

type place = { fresh : bool; inputs_at : Whole.t; tops : Whole.t list;
               next : Whole.t }

val is_empty : 'a1 list -> bool

val carry_block : setting -> place -> unit -> line list

val stage_part :
  (Whole.t * (unit -> line list)) option -> (unit -> line list) list

val carry_part : setting -> bool -> place -> (unit -> line list) list

val rise_part :
  setting -> (test * Whole.t) option -> place -> (unit -> line list) list

val sum_part : bool -> place -> (unit -> line list) list

val put_layer :
  setting -> (Whole.t * (unit -> line list)) option -> bool ->
  (test * Whole.t) option -> place -> (unit -> line list) list * place

val put_later :
  setting -> (Whole.t * (Whole.t -> line list)) list -> bool -> Whole.t ->
  place -> ((unit -> line list) list list * Whole.t) * place

val put_test :
  setting -> test -> bool -> (test * Whole.t) option -> place -> ((unit ->
  line list) list list * Whole.t) * place

val running :
  setting -> test list -> place -> (unit -> line list) list list * place

val overlapped :
  setting -> test list -> (test * Whole.t) option -> place -> (unit -> line
  list) list list * place

val enter_all :
  test list -> Whole.t -> ((unit -> line list) list * (test * Whole.t)
  list) * Whole.t

val advance_all :
  Whole.t -> (Whole.t -> line list) -> (test * Whole.t) list -> Whole.t ->
  ((unit -> line list) list * (test * Whole.t) list) * Whole.t

val later_all :
  (Whole.t * (Whole.t -> line list)) list -> (test * Whole.t) list -> Whole.t
  -> ((unit -> line list) list list * (test * Whole.t) list) * Whole.t

val difference : Whole.t list -> Whole.t list -> line

val level : Whole.t list list -> line list

val level_terms : Whole.t list list -> Whole.t -> Whole.t list list

val tree :
  'a1 list -> Whole.t list list -> Whole.t -> (unit -> line list) list
  list * Whole.t list

val one_each : 'a1 list -> Whole.t -> Whole.t list list

val tested :
  setting -> test list -> Whole.t -> (unit -> line list) list list * Whole.t

val beside :
  setting -> test list -> Whole.t -> (unit -> line list) list list * Whole.t
  list

type layout =
| Running
| Overlapped
| Beside

val lay :
  layout -> setting -> test list -> Whole.t -> (unit -> line list) list
  list * Whole.t list

type state = { pending : line list; blocks : (unit -> line list) list }

val pull : (unit -> line list) list -> (line * state) option

val due : state -> (line * state) option

val step : state -> line -> state option

val start : (unit -> line list) list list -> state

val leq : q -> q -> bool

type data = { columns : nat; over : Whole.t;
              samples : (Whole.t list * Whole.t) list }

val has_length : nat -> Whole.t list -> bool

val smaller_of : Whole.t -> Whole.t -> Whole.t

val larger_of : Whole.t -> Whole.t -> Whole.t

val least_entry : data -> Whole.t

val highest_label : data -> Whole.t

val inputs_of : bool -> data -> nat

val laid :
  bool -> layout -> data -> setting -> ('a1 -> test) -> 'a1 list -> (unit ->
  line list) list list * Whole.t list

val carried : layout -> bool

val lift_of : layout -> data -> q -> Whole.t

val budget_input_of : bool -> data -> Whole.t

val setting_of :
  (Whole.t * (Whole.t -> line list)) list -> bool -> layout -> data -> q -> q
  -> setting

val steep_of : data -> q -> q -> Whole.t

type cube = { common : Whole.t; factor : Whole.t; rad : Whole.t;
              rad_slope : Whole.t; shift : Whole.t; budget_input : Whole.t;
              steep : Whole.t }

val reads_one : cube -> bool -> Whole.t -> Whole.t -> (Whole.t * Whole.t) list

val above : cube -> bool -> Whole.t -> Whole.t list -> line list

val under : cube -> bool -> Whole.t -> Whole.t list -> line list

val span : Whole.t -> 'a1 list -> Whole.t -> (Whole.t * Whole.t) list

val cube_test : cube -> (Whole.t list * Whole.t) -> test

val cube_of : bool -> layout -> data -> q -> q -> cube

val cube_layers :
  bool -> layout -> data -> q -> q -> (unit -> line list) list list * Whole.t
  list

val cross_test : cube -> (Whole.t list * Whole.t) -> test

val over_radius : bool -> data -> q -> Whole.t -> line

val cross_of : layout -> data -> q -> q -> cube

val cross_setting : bool -> layout -> data -> q -> q -> setting

val cross_layers :
  bool -> layout -> data -> q -> q -> (unit -> line list) list list * Whole.t
  list

val inner : Whole.t list -> Whole.t list -> Whole.t

type item = (Whole.t list * Whole.t) * Whole.t list list

val weighted : Whole.t -> Whole.t -> Whole.t list -> (Whole.t * Whole.t) list

val plane :
  norm -> bool -> data -> q -> Whole.t list -> Whole.t list -> Whole.t -> line

val plane_test : norm -> bool -> data -> Whole.t -> q -> item -> test

val plane_setting : norm -> bool -> data -> q -> q -> setting

val plane_steep : data -> q -> q -> Whole.t

val plane_layers :
  norm -> bool -> data -> q -> q -> item list -> (unit -> line list) list
  list * Whole.t list

val far_enough : norm -> data -> q -> Whole.t list -> Whole.t -> bool

val absolute : Whole.t -> Whole.t

val fit_vector : norm -> data -> q -> Whole.t list -> bool

val covers :
  norm -> data -> q -> (Whole.t list * Whole.t) list -> Whole.t list -> bool

val ball_of : norm -> q -> q -> q

val first_left :
  norm -> data -> q -> Whole.t -> (Whole.t list * Whole.t) list -> Whole.t ->
  (Whole.t list * Whole.t) list -> Whole.t option

val uncovered : norm -> data -> q -> item -> Whole.t option

val uncovered_pair :
  norm -> data -> q -> Whole.t -> Whole.t -> Whole.t -> item list ->
  (Whole.t * Whole.t) option

val insert :
  (Whole.t * Whole.t) -> (Whole.t * Whole.t) list -> (Whole.t * Whole.t) list

val ordered_difference : Whole.t list -> Whole.t list -> line

val maxima : Whole.t list list -> line list

val moved : Whole.t -> Whole.t list list -> Whole.t list list

val levels :
  'a1 list -> Whole.t list list -> (Whole.t * (Whole.t -> line list))
  list * Whole.t list

val opposite : 'a1 list -> Whole.t -> Whole.t -> Whole.t list list

val cone_levels :
  nat -> (Whole.t * (Whole.t -> line list)) list * Whole.t list

val cone_test :
  layout -> data -> q -> Whole.t list -> (Whole.t list * Whole.t) -> test

val cone_setting : layout -> data -> q -> setting

val chosen : Whole.t -> data -> (Whole.t list * Whole.t) list

val cone_layers :
  bool -> layout -> data -> q -> Whole.t -> (unit -> line list) list
  list * Whole.t list

val sign_of : Whole.t -> Whole.t

val signed : Whole.t -> Whole.t list -> line

val labels_from : 'a1 list -> Whole.t -> Whole.t -> Whole.t list

val labels_of : data -> Whole.t list

val units_of : ('a1 -> bool) -> 'a1 list -> Whole.t -> Whole.t list list

val done0 : Whole.t list list -> bool

val top_of : Whole.t list list -> Whole.t list

val next_groups : Whole.t list list list -> Whole.t -> Whole.t list list list

val all_terms : Whole.t list list list -> Whole.t

val levels_of : Whole.t list list list -> (unit -> line list) list

val trees :
  'a1 list -> Whole.t list list list -> Whole.t -> (unit -> line list) list
  list * Whole.t list list

val class_layers :
  bool -> data -> q -> (unit -> line list) list list * Whole.t list list

val far_somewhere : Whole.t -> Whole.t list -> Whole.t list -> bool

val distance : Whole.t -> Whole.t -> Whole.t

val far_in_sum : bool -> Whole.t -> Whole.t list -> Whole.t list -> bool

val far : norm -> Whole.t -> Whole.t list -> Whole.t list -> bool

val threshold : norm -> data -> q -> Whole.t

val picked : bool list -> Whole.t list -> Whole.t list

type seen = Whole.t list * (Whole.t list * Whole.t)

val looked_at : bool list -> (Whole.t list * Whole.t) -> seen

val clear_of : norm -> Whole.t -> seen -> seen -> bool

val first_near :
  norm -> Whole.t -> seen -> Whole.t -> seen list -> Whole.t option

val near_pair :
  norm -> Whole.t -> Whole.t -> Whole.t -> Whole.t -> seen list ->
  (Whole.t * Whole.t) option

val too_near :
  norm -> data -> q -> bool list -> Whole.t -> Whole.t -> (Whole.t * Whole.t)
  option

type family =
| CubeTests of layout
| CrossTests of layout
| PlaneTests of norm
| ConeTests of layout
| ClassTests

type question = { tests : family; every : bool; power : q; parameter : 
                  q; ball : q }

val norm_of : question -> norm

val inputs_due : question -> data -> nat

val outputs_due : question -> data -> Whole.t

val rarer : data -> Whole.t

val network_due :
  question -> data -> Whole.t list list list -> (unit -> line list) list
  list * line list

val shaped_data : data -> bool

val is_square : question -> bool

val budget_fits : question -> bool

val same_length : 'a1 list -> 'a2 list -> bool

val of_two_labels : data -> bool

val sound_question : question -> data -> Whole.t list list list -> bool

val trouble :
  question -> data -> Whole.t list list list -> bool list -> Whole.t ->
  Whole.t -> (Whole.t * Whole.t) option
