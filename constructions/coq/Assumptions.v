(** What the theorems rest on: [make check] compares it with the two axioms that are allowed. *)
From Theorems Require Import Layouts Data Cubes Crosses Sizes HalfSpaces Parallel Lipschitz Classes ConeSizes Separation Recognise Integers Floors
  SmallRatio.
Print Assumptions running_maximum.
Print Assumptions theorem_4_8.
Print Assumptions theorem_4_8_every.
Print Assumptions theorem_B_2.
Print Assumptions theorem_B_2_every.
Print Assumptions half_spaces.
Print Assumptions half_spaces_every.
Print Assumptions theorem_5_2.
Print Assumptions theorem_5_2_every.
Print Assumptions lipschitz_values.
Print Assumptions lipschitz_constant.
Print Assumptions least_constant.
Print Assumptions one_against_rest.
Print Assumptions one_against_rest_every.
Print Assumptions against_rest_constant.
Print Assumptions lemma_B_10.
Print Assumptions lemma_B_16.
Print Assumptions theorem_4_2_i.
Print Assumptions half_the_separation_is_the_limit.
Print Assumptions separated_by_turns.
Print Assumptions recognised.
Print Assumptions sizes_sequential.
Print Assumptions sizes_pipelined.
Print Assumptions sizes_l1.
Print Assumptions sizes_parallel.
Print Assumptions sizes_l1_parallel.
Print Assumptions sizes_half_spaces.
Print Assumptions sizes_lipschitz.
Print Assumptions sizes_lipschitz_parallel.
Print Assumptions sizes_one_against_rest.
