(** What the theorems rest on: [make check] compares it with the two axioms that are allowed. *)
From Robmem Require Import Statement Verify Flips Labels Cones.
Print Assumptions verify_sound.
Print Assumptions flip_sound.
Print Assumptions radius_sound.
Print Assumptions verify_sample_sound.
Print Assumptions flip_sample_sound.
Print Assumptions verify_cone_sound.
Print Assumptions verify_family_sound.
