(** The program: [make extract] writes program/theorem.ml and theorem.mli from this file. *)
From Robmem Require Import Mappings.
From Coq Require Import ZArith.
From Theorems Require Import Stream Recognise.
Require Coq.extraction.Extraction.
Extract Inlined Constant Z.sub => "Whole.sub".
Extraction "theorem.ml" sound_question trouble network_due inputs_due outputs_due start step due.
