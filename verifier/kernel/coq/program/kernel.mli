
val negb : bool -> bool

type nat =
| O
| S of nat

val fst : ('a1 * 'a2) -> 'a1

val snd : ('a1 * 'a2) -> 'a2

val length : 'a1 list -> nat

val app : 'a1 list -> 'a1 list -> 'a1 list

type comparison =
| Eq
| Lt
| Gt

val compOpp : comparison -> comparison

val add : nat -> nat -> nat

module Nat :
 sig
  val eqb : nat -> nat -> bool

  val leb : nat -> nat -> bool

  val ltb : nat -> nat -> bool
 end

module Pos :
 sig
  type mask =
  | IsNul
  | IsPos of Whole.t
  | IsNeg
 end

module Coq_Pos :
 sig
  val succ : Whole.t -> Whole.t

  val add : Whole.t -> Whole.t -> Whole.t

  val add_carry : Whole.t -> Whole.t -> Whole.t

  val pred_double : Whole.t -> Whole.t

  type mask = Pos.mask =
  | IsNul
  | IsPos of Whole.t
  | IsNeg

  val succ_double_mask : mask -> mask

  val double_mask : mask -> mask

  val double_pred_mask : Whole.t -> mask

  val sub_mask : Whole.t -> Whole.t -> mask

  val sub_mask_carry : Whole.t -> Whole.t -> mask

  val sub : Whole.t -> Whole.t -> Whole.t

  val iter : ('a1 -> 'a1) -> 'a1 -> Whole.t -> 'a1

  val div2 : Whole.t -> Whole.t

  val div2_up : Whole.t -> Whole.t

  val size_nat : Whole.t -> nat

  val size : Whole.t -> Whole.t

  val compare_cont : comparison -> Whole.t -> Whole.t -> comparison

  val compare : Whole.t -> Whole.t -> comparison

  val leb : Whole.t -> Whole.t -> bool

  val sqrtrem_step :
    (Whole.t -> Whole.t) -> (Whole.t -> Whole.t) -> (Whole.t * mask) ->
    Whole.t * mask

  val sqrtrem : Whole.t -> Whole.t * mask

  val sqrt : Whole.t -> Whole.t

  val gcdn : nat -> Whole.t -> Whole.t -> Whole.t

  val gcd : Whole.t -> Whole.t -> Whole.t
 end

module Z :
 sig
  val double : Whole.t -> Whole.t

  val succ_double : Whole.t -> Whole.t

  val pred_double : Whole.t -> Whole.t

  val pos_sub : Whole.t -> Whole.t -> Whole.t

  val sub : Whole.t -> Whole.t -> Whole.t

  val compare : Whole.t -> Whole.t -> comparison

  val abs : Whole.t -> Whole.t

  val pos_div_eucl : Whole.t -> Whole.t -> Whole.t * Whole.t

  val div_eucl : Whole.t -> Whole.t -> Whole.t * Whole.t

  val div2 : Whole.t -> Whole.t
 end

val nth_error : 'a1 list -> nat -> 'a1 option

val rev : 'a1 list -> 'a1 list

val list_eq_dec : ('a1 -> 'a1 -> bool) -> 'a1 list -> 'a1 list -> bool

val map : ('a1 -> 'a2) -> 'a1 list -> 'a2 list

val fold_left : ('a1 -> 'a2 -> 'a1) -> 'a2 list -> 'a1 -> 'a1

val fold_right : ('a2 -> 'a1 -> 'a1) -> 'a1 -> 'a2 list -> 'a1

val forallb : ('a1 -> bool) -> 'a1 list -> bool

val filter : ('a1 -> bool) -> 'a1 list -> 'a1 list

val combine : 'a1 list -> 'a2 list -> ('a1 * 'a2) list

val seq : nat -> nat -> nat list

type q = { qnum : Whole.t; qden : Whole.t }

type digit =
| D0
| D1
| D2
| D3

type name = digit list

val name_dec : name -> name -> bool

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

val with_sphere : region -> region

type decoder =
| Value
| Nearest
| Sign
| Argmax

type task = { read : decoder; classes : nat; metric : gauge; budget : 
              q; clip : (q * q) option }

val at_center : name list -> q list -> side list

type cone = { growth : gauge; rate : q; first : q; last : q; open_end : bool }

type family = { reader : decoder; labels : nat; balls : cone; d0 : q; d1 : q }

val zero : q

val one : q

val whole : Whole.t -> q

val is_zero : q -> bool

val positive_q : q -> bool

val nonneg : q -> bool

val neg : q -> q

val reduce : q -> q

val add0 : q -> q -> q

val sub0 : q -> q -> q

val mul : q -> q -> q

val scale : Whole.t -> q -> q

val over : q -> Whole.t -> q

val gain : Whole.t -> q -> q -> q

val align : Whole.t -> q -> q

val leq : q -> q -> bool

val lt : q -> q -> bool

val larger : q -> q -> q

val smaller : q -> q -> q

val magnitude : q -> q

val positive_part : q -> q

val two24 : Whole.t

val floor24 : q -> q -> q

val power : q -> nat -> q

val count_z : nat -> Whole.t

val count : nat -> q

val chord_slope : q -> q -> nat -> q

val larger_z : Whole.t -> Whole.t -> Whole.t

val power_z : Whole.t -> nat -> Whole.t

val root_z : nat -> nat -> Whole.t -> Whole.t -> Whole.t -> Whole.t

val root_guess : nat -> nat -> q -> q

val root_above : nat -> nat -> q -> q

type 'a trie =
| Nil
| Val of 'a
| Fork of 'a option * 'a trie * 'a trie * 'a trie * 'a trie

val get : name -> 'a1 trie -> 'a1 option

val alter : ('a1 option -> 'a1) -> name -> 'a1 trie -> 'a1 trie

val put : name -> 'a1 -> 'a1 trie -> 'a1 trie

val fork :
  'a1 option -> 'a1 trie -> 'a1 trie -> 'a1 trie -> 'a1 trie -> 'a1 trie

val pop : 'a1 trie -> ((name * 'a1) * 'a1 trie) option

val take : name -> 'a1 trie -> 'a1 option * 'a1 trie

val plus : q -> name -> q trie -> q trie

val plus_times : Whole.t -> q -> name -> q trie -> q trie

val gained : Whole.t option -> q -> q option -> q option

val plus_row : q -> Whole.t trie -> q trie -> q trie

val at_key : Whole.t -> name -> Whole.t trie -> Whole.t trie

type kept = { as_row : row; spread : Whole.t trie option }

val spread_terms : (name * Whole.t) list -> Whole.t trie

val is_long : (name * Whole.t) list -> bool

val spread_row : row -> Whole.t trie option

val keep_row : row -> kept

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

val in_unit : q -> bool

val add_terms : q -> (name * Whole.t) list -> q trie -> q trie

val alike : q -> row -> q trie -> q

type 'b goal = ('b sum * bool) list

type direction = (name * q) list

type weighted_direction = { ray : direction; share : q; selberg : q }

type leaf = { atoms : (nat * q) list; slopes : (name * q) list;
              bounds : (name * q) list; cuts : (nat * q) list;
              box : (name * q) list; usual : bool;
              ridge : (q * nat option) option }

val name_slopes : (name * q) list -> q trie option

val add_row : ('a1, 'a2, 'a3) rules -> q -> row -> 'a1 form -> 'a1 form

val add_kept : ('a1, 'a2, 'a3) rules -> q -> kept -> 'a1 form -> 'a1 form

val add_rows :
  ('a1, 'a2, 'a3) rules -> q -> (q * row) list -> 'a1 form -> 'a1 form

val add_sum : ('a1, 'a2, 'a3) rules -> q -> 'a1 sum -> 'a1 form -> 'a1 form

val take_atoms :
  ('a1, 'a2, 'a3) rules -> 'a1 goal -> (nat * q) list -> 'a1 form -> bool ->
  ('a1 form * bool) option

val take_cuts :
  ('a1, 'a2, 'a3) rules -> 'a1 sum list -> (nat * q) list -> 'a1 form -> 'a1
  form option

val take_bounds :
  ('a1, 'a2, 'a3) rules -> 'a1 env -> (name * q) list -> 'a1 form -> 'a1 form
  option

val take_box :
  ('a1, 'a2, 'a3) rules -> 'a1 env -> (name * q) list -> 'a1 form -> 'a1 form
  option

val clear :
  ('a1, 'a2, 'a3) rules -> (name -> bool) -> name list -> 'a2 -> 'a1 env -> q
  trie -> bool -> q trie -> 'a1 -> q trie -> 'a1 form option

type 'l tree =
| Lemma_ of name * bool * 'l * 'l tree * 'l tree
| Close of leaf
| Conflict of name
| SplitUnit of name * 'l tree * 'l tree
| SplitInput of name * q * 'l tree * 'l tree
| SplitPlane of (name * q) list * q * 'l tree * 'l tree

val one_input : (name * q) -> q * row

val is_input : 'a1 env -> name -> bool

type ('b, 'v) ending = { boxed : bool;
                         keeps_in : ((q * nat option) option -> name -> bool);
                         finishes : ((q * nat option) option -> 'v -> 'b env
                                    -> 'b sum list -> bool -> 'b form -> bool) }

val close :
  ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a2 -> 'a1 env
  -> 'a1 sum list -> 'a1 goal -> leaf -> bool

val lemma_goal : ('a1, 'a2, 'a3) rules -> row -> bool -> 'a1 -> 'a1 goal

val tighten :
  ('a1, 'a2, 'a3) rules -> 'a2 -> name -> kept -> 'a1 -> 'a1 -> bool -> 'a1
  -> 'a1 env -> 'a1 env

val narrow :
  ('a1, 'a2, 'a3) rules -> 'a2 -> name -> 'a1 -> 'a1 -> bool -> 'a1 -> 'a1
  env -> 'a1 env

val plane : ('a1, 'a2, 'a3) rules -> (name * q) list -> q -> 'a1 sum

val opposite : ('a1, 'a2, 'a3) rules -> (name * q) list -> q -> 'a1 sum

val check :
  ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a1 env -> 'a1
  sum list -> 'a1 goal -> 'a3 tree -> bool

val all : ('a1 -> 'a2 option) -> 'a1 list -> 'a2 list option

val output_rows : row list -> (nat * q) list -> (q * row) list option

type 'l proof = { weights : weighted_direction list list;
                  lemmas : (((name * bool) * 'l) * 'l tree) list;
                  trees : 'l tree list }

val plant : (name * ('a1 * 'a1)) list -> 'a1 env -> 'a1 env option

val grow :
  ('a1 env -> row -> ('a1 * 'a1) option) -> (name * row) list -> 'a1 env ->
  'a1 env option

val root :
  ('a1 env -> row -> ('a1 * 'a1) option) -> network -> (name * ('a1 * 'a1))
  list -> 'a1 env option

val outputs_exist : 'a1 env -> row list -> bool

val atom_rows :
  ('a1, 'a2, 'a3) rules -> 'a1 env -> row list -> atom -> ('a1 sum * bool)
  option

val lemmas_hold :
  ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a1 env ->
  (((name * bool) * 'a3) * 'a3 tree) list -> 'a1 env option

val trees_hold :
  ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a1 env -> 'a1
  goal list -> 'a3 tree list -> bool

val proves_at :
  ('a1, 'a2, 'a3) rules -> ('a1, 'a2) ending -> name list -> 'a1 env ->
  network -> atom list list -> 'a3 proof -> bool

val low_line : q -> q -> q -> q

val high_line : q -> q -> q -> q

val slope : unit -> bool -> bool -> q -> q -> q

val line_rest : unit -> q -> q -> q -> q -> q

val numbers : (q, unit, q) rules

val on_box :
  q env -> q option -> side list -> q trie -> q -> bool -> (q * bool) option

val around : side list -> q trie -> q -> (q * q list) option

val largest : q list -> q

val squares : q list -> q

val rooted : nat -> q -> q

val powers : nat -> q list -> q

val ample : bool -> q -> q -> bool

val finish : q env -> region -> bool -> q form -> bool

val reaches : gauge -> q -> q -> bool

val same_q : q -> q -> bool

val same_name : name -> name -> bool

val same_direction : direction -> direction -> bool

type line = q * q

val line_terms :
  (name -> line option) -> (name * Whole.t) list -> line -> line option

val multiple : q -> direction -> (name * Whole.t) list -> bool

val line_of_row : (name -> line option) -> direction -> row -> line option

type placed = (direction * line) trie

val known_line : placed -> direction -> name -> line option

val flat : line

val place_unit :
  ('a1 -> bool) -> ('a1 -> bool) -> 'a1 env -> direction trie -> placed ->
  name -> placed

val place :
  ('a1 -> bool) -> ('a1 -> bool) -> 'a1 env -> direction trie -> network ->
  placed

val eval : line -> q -> q

val divide : q -> q -> q

val form_of : placed -> direction -> line trie -> name -> line option

val walk :
  'a1 env -> placed -> direction -> ((name -> line option) -> q -> q -> q
  option) -> name list -> line trie -> q -> q -> q option

val gauge_of : shape -> gauge

val distance_q : gauge -> q -> q

val lifted : gauge -> q -> q -> line -> q -> q

val two : q

val rise_q : nat -> q -> q

val slope_at : nat -> q -> q -> line -> q -> q

val far : nat -> q -> line -> q

val least : gauge -> q -> q -> line -> q -> q -> q

val vertex_ok : gauge -> q -> q -> line -> bool

val line_sum : (name -> line option) -> (name * q) list -> line -> line option

val to_walk : 'a1 env -> placed -> direction -> q trie -> name -> q trie

val needed :
  name list -> 'a1 env -> placed -> direction -> q trie -> name list -> name
  list

val group_least :
  name list -> 'a1 env -> placed -> gauge -> direction -> (name * q) list ->
  q -> q -> q -> q -> q option

type dense = (weighted_direction * q) * q list

val inner_q : q list -> q list -> q

val sum_q : ('a1 -> q) -> 'a1 list -> q

val selberg_ok : dense list -> bool

val vplus_q : q list -> q list -> q list

val columns : (dense -> q) -> dense list -> q list

val columns_ok : (dense -> q) -> dense list -> bool

val length_1 : q list -> q

val share_of : dense -> q

val grown_share : nat -> dense -> q

val weights_ok : gauge -> dense list -> bool

val to_dense : side list -> weighted_direction -> dense option

val table_of :
  gauge -> side list -> weighted_direction list -> dense list option

val box_range :
  (name -> (q * q) option) -> direction -> q -> q -> (q * q) option

val root_upper : q -> q

val ball_reach : shape -> q list -> q option

val all_zero : q trie -> bool

val cut_range : direction -> q sum -> (q * q) -> q * q

val range :
  (name -> (q * q) option) -> region -> q sum list -> dense -> (q * q) option

type group = direction * (name * q) list

val insert : direction -> (name * q) -> group list -> group list

val gather :
  name list -> direction trie -> q trie -> group list -> group list option

val take_group : direction -> group list -> (name * q) list * group list

val group_bound :
  name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
  sum list -> gauge -> dense -> (name * q) list -> q -> q option option

val named_groups :
  name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
  sum list -> gauge -> q -> dense list -> group list -> q -> (group list * q)
  option option

val other_groups :
  name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
  sum list -> gauge -> group list -> q -> q option option

val sum_least :
  name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
  sum list -> gauge -> direction trie -> dense list -> q -> q trie -> q
  option option

val finish_ridge :
  name list -> 'a1 env -> (name -> (q * q) option) -> placed -> region -> q
  sum list -> gauge -> direction trie -> dense list -> bool -> q -> q form ->
  bool

val line_of : direction trie -> row -> direction option

val find_lines : name list -> network -> direction trie

val ends : q env -> name -> (q * q) option

val interval : q env -> (name * Whole.t) list -> q -> q -> (q * q) option

val row_interval : q env -> row -> (q * q) option

type hints = { lines : direction trie; lined : placed;
               tables : dense list list }

val on_line : hints -> name -> bool

val table_number : hints -> nat option -> dense list

val borne : region -> bool

val input_ends : q env -> name -> (q * q) option

val on_region : name list -> region -> hints -> (q, unit) ending

val box_of : region -> (name * (q * q)) list

val verify :
  name list -> direction trie -> network -> region -> atom list list -> q
  proof -> bool

val look : q trie -> name -> q

val row_sum : q trie -> (name * Whole.t) list -> q -> q

val row_at : q trie -> row -> q

val run_at : (name * row) list -> q trie -> q trie

val point_of : side list -> q list -> q trie -> q trie option

val under : bool -> q -> q -> bool

val gap_at : q trie -> side -> q

val total_q : q list -> q

val near_at : side list -> shape -> q trie -> bool

val inside_at : region -> q trie -> bool

val atom_at : network -> q trie -> q trie -> atom -> bool

val flip_at : network -> region -> atom list list -> nat -> q list -> bool

val asks_well : network -> (name * (q * q)) list -> atom list list -> bool

val flip : network -> region -> atom list list -> nat -> q list -> bool

val is_opened : region -> bool

val radius :
  name list -> direction trie -> network -> region -> atom list list -> q
  proof -> nat -> q list -> bool

val number : nat -> Whole.t

val half : Whole.t -> q

val on_output : q -> q -> bool -> atom

val beats : nat -> nat -> atom

val label_goals : decoder -> nat -> nat -> nat -> atom list list option

val clipped : task -> q -> q -> q * q

val side_at : task -> q -> (name * q) -> side

val region_of : task -> q -> name list -> q list -> region

val verify_sample :
  name list -> direction trie -> network -> task -> q -> (q list * nat) -> q
  proof -> bool

val in_ball_at : task -> name list -> q list -> q trie -> bool

val flip_sample : network -> task -> (q list * nat) -> nat -> q list -> bool

val fixed : q -> line

val line_join : line -> line -> line

val line_times : q -> line -> line

val line_scale : Whole.t -> line -> line

val line_over : line -> Whole.t -> line

type span = q * q

val at_ends : span -> line -> q * q

val both : (q -> bool) -> (q * q) -> bool

val paired : (q -> q -> q) -> (q * q) -> (q * q) -> q * q

val nonpos : q -> bool

val chord : span -> (q * q) -> line

val relu_low : span -> line -> line

val relu_high : span -> line -> line

val line_ends : name -> span -> line env -> name -> (line * line) option

val line_interval :
  name -> span -> line env -> (name * Whole.t) list -> line -> line ->
  (line * line) option

val row_lines : name -> span -> line env -> row -> (line * line) option

val middle_slope : span -> bool -> bool -> line -> line -> q

val rest_at_ends : span -> q -> q -> line -> line -> line

val tighter_at_ends : span -> bool -> line -> line -> line

val apart_at_ends : span -> line -> line -> bool

val affine : name -> (line, span, q * q) rules

val on_sides : line env -> side list -> q trie -> line -> line option

val positive_at :
  cone -> span -> bool -> (bool -> q -> q -> bool) -> line -> bool

val plainly : bool -> q -> q -> bool

val by_squares : q -> bool -> q -> q -> bool

val by_powers : nat -> q -> bool -> q -> q -> bool

val finish_cone :
  cone -> name -> side list -> span -> line env -> bool -> line form -> bool

val largest_ball : cone -> side list -> span -> region

val least_end : span -> line -> q

val largest_end : span -> line -> q

val inputs_of : span -> line env -> name -> (q * q) option

val weakest : span -> line sum -> q sum

val taken_away : cone -> span -> q -> line

val finish_sums :
  name list -> hints -> cone -> name -> side list -> span -> line env -> line
  sum list -> bool -> q -> nat option -> line form -> bool

val on_cone :
  name list -> hints -> cone -> name -> side list -> (line, span) ending

val cone_box :
  cone -> q -> name list -> q list -> name -> (name * (line * line)) list

val hints_of :
  direction trie -> network -> cone -> line env -> dense list list -> hints

val verify_cone :
  name list -> direction trie -> network -> cone -> q -> q list -> atom list
  list -> (q * q) proof -> bool

val family_atom : name -> family -> atom -> atom

val on_outputs : atom -> bool

val guarded : family -> bool

val verify_family :
  name list -> direction trie -> network -> family -> q -> (q list * nat) ->
  (q * q) proof -> bool
