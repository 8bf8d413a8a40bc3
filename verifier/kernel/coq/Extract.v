(** The program: [make extract] writes program/kernel.ml and kernel.mli from this file. *)
From Robmem Require Import Mappings Statement Shares Verify Flips Labels Cones.
Require Coq.extraction.Extraction.
Extraction "kernel.ml" verify find_lines flip radius verify_sample flip_sample
  verify_cone verify_family.
