(** The program: [make extract] writes program/kernel.ml and kernel.mli from this file. *)
From Robmem Require Import Mappings Statement Numbers Verify Flips Labels.
Require Coq.extraction.Extraction.
Extraction "kernel.ml" verify flip radius verify_sample flip_sample.
