(** Integer memorizers that are run, in integers: labels on keys, 0 elsewhere. [make check] compiles it. *)
From Coq Require Import List ZArith Lia.
From Theorems Require Import Lines Forms Integers.
Import ListNotations.
Open Scope Z_scope.

Definition at_ (vs : list Z) (es : list (Z * Z)) : Z :=
  fold_right (fun e s => snd e * nth (Z.to_nat (fst e)) vs 0 + s) 0 es.
Definition run_all (ls : list line) (vs : list Z) : list Z :=
  fold_left (fun vs l => vs ++ [Z.max 0 (at_ vs (entries l) + bias l)]) ls vs.
Definition answer (m : list line * form) (X : Z) : Z := at_ (run_all (fst m) [X]) (parts (snd m)) + constant (snd m).
Definition answers (n r c : nat) (keys : group) : list Z :=
  map (answer (memorizer n r c (groups_of keys n keys))) [0; 1; 2; 3; 4; 5; 6; 7; 8; 100].

Definition keys : group := [(1, 2); (3, 1); (4, 3); (5, 2); (7, 1)].
Example of_one : answers 1 3 2 keys = [0; 2; 0; 1; 3; 2; 0; 1; 0; 0]. Proof. vm_compute. reflexivity. Qed.
Example of_two : answers 2 3 2 keys = [0; 2; 0; 1; 3; 2; 0; 1; 0; 0]. Proof. vm_compute. reflexivity. Qed.
Example of_seven : answers 7 3 2 keys = [0; 2; 0; 1; 3; 2; 0; 1; 0; 0]. Proof. vm_compute. reflexivity. Qed.
(** More bits than are needed do no harm, fewer are refused by the hypotheses, and rightly so. *)
Example of_more_bits : answers 2 5 4 keys = [0; 2; 0; 1; 3; 2; 0; 1; 0; 0]. Proof. vm_compute. reflexivity. Qed.
Example of_fewer_bits : answers 2 2 2 keys <> [0; 2; 0; 1; 3; 2; 0; 1; 0; 0].
Proof. vm_compute. discriminate. Qed.
Example they_fit : fits 3 2 keys /\ ~ fits 2 2 keys /\ ~ fits 3 1 keys.
Proof.
  split; [| split].
  - repeat constructor; cbn; lia.
  - intro F. do 2 apply Forall_inv_tail in F. apply Forall_inv in F. revert F. cbn. lia.
  - intro F. apply Forall_inv in F. revert F. cbn. lia.
Qed.
Example they_increase : increasing (-1) keys /\ ~ increasing (-1) [(3, 1); (3, 2)] /\ ~ increasing (-1) [(-1, 1)].
Proof. unfold keys. cbn. lia. Qed.
Example labels : map (fun X => label_of X keys) [0; 1; 3; 7; 8] = [0; 2; 1; 1; 0]. Proof. reflexivity. Qed.
(** The last group is filled up with its own key, and the label 0. *)
Example filled : groups_of keys 2 keys = [[(1, 2); (3, 1)]; [(4, 3); (5, 2)]; [(7, 1); (7, 0)]].
Proof. reflexivity. Qed.
Example the_word : word 3 [1; 7; 2] = 1 * 64 + 7 * 8 + 2. Proof. reflexivity. Qed.
