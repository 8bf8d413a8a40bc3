(** Sizes of networks that are built, computed: what the theorems promise is what there is. *)
From Coq Require Import List ZArith QArith.
From Robmem Require Import Statement.
From Theorems Require Import Lines Layouts Data Memorizers Cubes Crosses Sizes HalfSpaces Parallel Cones Classes ConeSizes.
Import ListNotations.
Open Scope Z_scope.

Definition three : data := Data 1 1 [([0], 0); ([4], 1); ([1], 0)].
Definition measured (s : setting) (b : list layer * list Z) : Z * list Z * Z :=
  (depth b, map (fun l => size (lines l)) (fst b), parameters s b).

(** A unit with a bias has a parameter more than one without. *)
Example a_bias_counts : filled (Line [(0, 2)] 1 1) = 2 /\ filled (Line [(0, 2)] 0 1) = 1.
Proof. split; reflexivity. Qed.
Example as_wide_as_its_widest_layer :
  let b := cube_layers false Beside three 3 1 in narrow 6 (fst b) /\ ~ narrow 5 (fst b).
Proof.
  split; [repeat constructor; discriminate |]. intro H. apply Forall_inv in H. revert H. intro H.
  apply H. reflexivity.
Qed.

(** N = 3, n = 1: depth 2N + 1 = 7, width 3n + 1 = 4, and all of the 8nN + 5N - 3 = 36 parameters. *)
Example three_sequential :
  measured (setting_of [] false Running three 3 1) (cube_layers false Running three 3 1)
  = (7, [3; 2; 4; 3; 3; 2], 36).
Proof. reflexivity. Qed.
Example three_pipelined :
  measured (setting_of [] false Overlapped three 3 1) (cube_layers false Overlapped three 3 1)
  = (5, [3; 4; 4; 2], 33).
Proof. reflexivity. Qed.
(** For every budget: at most (8 + 2)nN + 6N - 2 = 46, (7 + 2)nN + 7N + n = 49 and 8nN + 10N + n = 55. *)
Example three_sequential_every :
  measured (setting_of [] true Running three 3 0) (cube_layers true Running three 3 0)
  = (7, [3; 2; 4; 3; 3; 2], 44).
Proof. reflexivity. Qed.
Example three_pipelined_every :
  measured (setting_of [] true Overlapped three 3 0) (cube_layers true Overlapped three 3 0)
  = (5, [3; 4; 4; 2], 41).
Proof. reflexivity. Qed.
Example three_l1_every :
  measured (cross_setting true Overlapped three 3 0) (cross_layers true Overlapped three 3 0)
  = (8, [3; 2; 4; 3; 4; 2; 2], 44).
Proof. reflexivity. Qed.
(** Depth 3 + 2, width 2nN = 6; of 6nN + 7N = 39 parameters 31, for every budget of 48 40. *)
Example three_parallel :
  measured (setting_of [] false Beside three 3 1) (cube_layers false Beside three 3 1)
  = (5, [6; 3; 3; 2], 31).
Proof. reflexivity. Qed.
Example three_parallel_every :
  measured (setting_of [] true Beside three 3 0) (cube_layers true Beside three 3 0)
  = (5, [6; 3; 3; 2], 40).
Proof. reflexivity. Qed.
Example three_l1_parallel :
  measured (cross_setting false Beside three 3 1) (cross_layers false Beside three 3 1)
  = (6, [6; 3; 3; 3; 2], 36).
Proof. reflexivity. Qed.

(** Each sample has one rival, or two on one side: three half-spaces, of which the theorem speaks. *)
Definition items : list item := [(([0], 0), [[-1]]); (([4], 1), [[1]]); (([1], 0), [[-1]])].
Example three_covered : covered Linf three 3 items.
Proof.
  split; [reflexivity |]. intros i I. repeat (destruct I as [<- | I]; [reflexivity |]). destruct I.
Qed.
Example three_half_spaces :
  measured (plane_setting Linf false three 3 1) (plane_layers Linf false three 3 1 items)
  = (5, [3; 3; 3; 2], 23).
Proof. reflexivity. Qed.

(** Of the Lipschitz networks: one sample of label 1, depth 3 + 0 + 0 and all of the 13 - 4 parameters; three
    coordinates, two levels more: 29 of 39 - 4. One output for each of three labels: depth 3 + 0 + 1. *)
Definition sized (b : list layer * list (list Z)) : Z * list Z * Z :=
  (Z.of_nat (length (fst b)) + 1, map (fun l => size (lines l)) (fst b),
   params (all_lines (fst b)) + params (map (signed 1) (snd b))).
Example one_cone : sized (let '(ls, top) := cone_layers false Beside three 3 1 in (ls, [top])) = (3, [2; 1], 9).
Proof. reflexivity. Qed.
Definition deep : data := Data 3 1 [([0; 0; 0], 0); ([4; 4; 4], 1)].
Example one_deep_cone : sized (let '(ls, top) := cone_layers false Beside deep 4 1 in (ls, [top])) = (5, [6; 3; 2; 1], 29).
Proof. reflexivity. Qed.
Definition four : data := Data 1 1 [([0], 0); ([4], 2); ([1], 0); ([9], 1)].
(** Layer after layer, two samples: depth 2 (0 + 2) + 1, width 3n + 1 = 4 at most, 21 of 13 * 2 + 1 + 3. *)
Example two_cones : sized (let '(ls, top) := cone_layers false Running four 3 0 in (ls, [top])) = (5, [3; 2; 3; 2], 21).
Proof. reflexivity. Qed.
Example three_labels : sized (class_layers false four 3) = (4, [8; 4; 4], 38) /\ most_samples four = 2.
Proof. split; reflexivity. Qed.
