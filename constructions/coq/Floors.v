(** The floor of a number by doublings modulo 1 (Kim, Moon, Yun, Lemma B.16, as constructions/floor.py
    displays it): exact wherever x exceeds its floor by gamma or more.

    What is proved is about the real function that n layers compute, Delta n times; [between_layers] is what
    one of them computes from its five units. *)
From Coq Require Import ZArith Reals Lra Lia.
Open Scope R_scope.

Definition relu (t : R) : R := Rmax 0 t.
Definition delta (g z : R) : R :=
  2 * relu z - (relu (z - 1 / 2 + g) - relu (z - 1 / 2) + relu (z - 1 + g)) / g.
Fixpoint iterated (n : nat) (g z : R) : R :=
  match n with
  | O => z
  | S n => iterated n g (delta g z)
  end.
Definition two (n : nat) : R := IZR (2 ^ Z.of_nat n).
Definition floor_network (n : nat) (gamma x : R) : R := x - 1 + iterated n (gamma / two n) (1 - x / two n).

Lemma relu_off t : t <= 0 -> relu t = 0.
Proof. intro H. apply Rmax_left, H. Qed.
Lemma relu_on t : 0 <= t -> relu t = t.
Proof. intro H. apply Rmax_right, H. Qed.
Lemma two_positive n : 0 < two n.
Proof. apply IZR_lt, Z.pow_pos_nonneg; lia. Qed.
Lemma two_next n : two (S n) = 2 * two n.
Proof. unfold two. rewrite Nat2Z.inj_succ, Z.pow_succ_r, mult_IZR by lia. reflexivity. Qed.

(** Off the ramps it doubles modulo 1. *)
Lemma delta_low g z : 0 < g -> 0 <= z <= 1 / 2 - g -> delta g z = 2 * z.
Proof.
  intros G Z0. unfold delta. rewrite (relu_on z), (relu_off (z - 1 / 2 + g)), (relu_off (z - 1 / 2)), (relu_off (z - 1 + g)) by lra.
  field. lra.
Qed.
Lemma delta_high g z : 0 < g -> 1 / 2 <= z <= 1 - g -> delta g z = 2 * z - 1.
Proof.
  intros G Z0. unfold delta. rewrite (relu_on z), (relu_on (z - 1 / 2 + g)), (relu_on (z - 1 / 2)), (relu_off (z - 1 + g)) by lra.
  field. lra.
Qed.

(** From (j + t) / 2^m, m doublings leave t. *)
Lemma doublings g gamma t : 0 < g -> 0 <= t <= 1 - gamma -> forall m j,
  (0 <= j < 2 ^ Z.of_nat m)%Z -> g * two m <= gamma -> iterated m g ((IZR j + t) / two m) = t.
Proof.
  intros G T. induction m as [| m IH]; intros j J B.
  - assert (j = 0%Z) as -> by (change (2 ^ Z.of_nat 0)%Z with 1%Z in J; lia).
    cbn [iterated]. unfold two. change (2 ^ Z.of_nat 0)%Z with 1%Z. field.
  - cbn [iterated]. rewrite two_next in *. pose proof (two_positive m) as P.
    rewrite Nat2Z.inj_succ, Z.pow_succ_r in J by lia.
    set (h := (2 ^ Z.of_nat m)%Z) in *.
    assert (E : IZR h = two m) by reflexivity.
    assert (share : g <= gamma / (2 * two m)).
    { apply Rmult_le_reg_r with (2 * two m); [lra |].
      replace (gamma / (2 * two m) * (2 * two m)) with gamma by (field; lra). lra. }
    assert (inverse : 0 < / (2 * two m)) by (apply Rinv_0_lt_compat; lra).
    assert (G2 : g * two m <= gamma).
    { assert (0 <= g * two m) by (apply Rmult_le_pos; lra). lra. }
    destruct (Z_lt_le_dec j h) as [L | L].
    + assert (L' : IZR j + 1 <= two m) by (rewrite <- E, <- plus_IZR; apply IZR_le; lia).
      assert (J0 : 0 <= IZR j) by (apply IZR_le; lia).
      rewrite delta_low.
      * replace (2 * ((IZR j + t) / (2 * two m))) with ((IZR j + t) / two m) by (field; lra).
        apply IH; [lia | exact G2].
      * exact G.
      * split; [apply Rmult_le_pos; lra |].
        apply Rle_trans with (1 / 2 - gamma / (2 * two m)); [| lra].
        apply Rmult_le_reg_r with (2 * two m); [lra |].
        replace ((IZR j + t) / (2 * two m) * (2 * two m)) with (IZR j + t) by (field; lra).
        replace ((1 / 2 - gamma / (2 * two m)) * (2 * two m)) with (two m - gamma) by (field; lra). lra.
    + assert (L' : two m <= IZR j) by (rewrite <- E; apply IZR_le; lia).
      assert (L2 : IZR j + 1 <= 2 * two m).
      { rewrite <- E, <- plus_IZR, <- mult_IZR. apply IZR_le. lia. }
      rewrite delta_high.
      * replace (2 * ((IZR j + t) / (2 * two m)) - 1) with ((IZR (j - h) + t) / two m)
          by (rewrite minus_IZR, E; field; lra).
        apply IH; [lia | exact G2].
      * exact G.
      * split.
        -- apply Rmult_le_reg_r with (2 * two m); [lra |].
           replace ((IZR j + t) / (2 * two m) * (2 * two m)) with (IZR j + t) by (field; lra).
           replace (1 / 2 * (2 * two m)) with (two m) by field. lra.
        -- apply Rle_trans with (1 - gamma / (2 * two m)); [| lra].
           apply Rmult_le_reg_r with (2 * two m); [lra |].
           replace ((IZR j + t) / (2 * two m) * (2 * two m)) with (IZR j + t) by (field; lra).
           replace ((1 - gamma / (2 * two m)) * (2 * two m)) with (2 * two m - gamma) by (field; lra). lra.
Qed.

(** Lemma B.16: the floor of x, for 0 <= x < 2^n and x at least gamma above its floor. *)
Theorem lemma_B_16 n gamma x k : 0 < gamma -> (0 <= k < 2 ^ Z.of_nat n)%Z ->
  IZR k + gamma <= x < IZR k + 1 -> floor_network n gamma x = IZR k.
Proof.
  intros G K X. unfold floor_network. pose proof (two_positive n) as P.
  replace (1 - x / two n) with ((IZR (2 ^ Z.of_nat n - 1 - k) + (IZR k + 1 - x)) / two n).
  2: { rewrite !minus_IZR. fold (two n). field. lra. }
  rewrite (doublings (gamma / two n) gamma (IZR k + 1 - x)).
  - lra.
  - apply Rdiv_lt_0_compat; assumption.
  - lra.
  - lia.
  - right. field. lra.
Qed.
(** What one layer hands on, over its units relu(z), relu(z - 1/2 + g), relu(z - 1/2), relu(z - 1 + g). *)
Lemma between_layers g z u0 u1 u2 u3 : u0 = relu z -> u1 = relu (z - 1 / 2 + g) -> u2 = relu (z - 1 / 2) ->
  u3 = relu (z - (1 - g)) -> 2 * u0 - (u1 - u2 + u3) * (1 / g) = delta g z.
Proof.
  intros -> -> -> ->. unfold delta. replace (z - (1 - g)) with (z - 1 + g) by ring. unfold Rdiv. rewrite !Rmult_1_l. reflexivity.
Qed.
(** On a ramp it is no floor: at 1/8 with gamma = 1/2 and one layer. *)
Example on_a_ramp : floor_network 1 (1 / 2) (1 / 8) <> 0.
Proof.
  unfold floor_network, iterated, delta, two. cbn -[relu].
  change (IZR 2) with 2. replace (1 - 1 / 8 / 2) with (15 / 16) by field. replace (1 / 2 / 2) with (1 / 4) by field.
  rewrite !relu_on by lra. lra.
Qed.
