
(* The bilinear forms of a matrix product, and that they are the sums that the claim speaks of. *)

Definition matmul_entries m p k : list (nat * nat * Z) :=
  map (fun j => (k / p * m + j, j * p + k mod p, 1%Z)) (seq 0 m).

Section Matmul.
Context {R : Ring}.
Local Open Scope ring_scope.

Lemma sum_entries (x y : nat -> R) m f g : 
  bilinear x y (map (fun j => (f j, g j, 1%Z)) (seq 0 m)) = sum m (fun j => x (f j) * y (g j)).
Proof.
  assert (A : forall e e', bilinear x y (e ++ e') = bilinear x y e + bilinear x y e').
  { induction e as [|[[i j] c] e IH]; intro e'; simpl; [now rewrite zero_add | now rewrite IH, add_assoc]. }
  induction m as [|m IH]; [reflexivity|].
  rewrite seq_S, map_app, A, IH. cbn [map bilinear sum Nat.add]. now rewrite times_one, add_zero.
Qed.
End Matmul.

Lemma matmul_sum (R : Ring) (A B : nat -> nat -> R) m p i k : k < p ->
  bilinear (row_by_row m A) (row_by_row p B) (matmul_entries m p (i * p + k))
  = sum m (fun j => (A i j * B j k)%ring).
Proof.
  intro Hk. unfold matmul_entries.
  replace ((i * p + k) / p) with i by (apply (Nat.div_unique _ _ _ k); lia).
  replace ((i * p + k) mod p) with k by (apply (Nat.mod_unique _ _ i); lia).
  rewrite sum_entries.
  assert (E : forall s, s <= m -> sum s (fun j => (row_by_row m A (i * m + j) * row_by_row p B (j * p + k))%ring)
                       = sum s (fun j => (A i j * B j k)%ring)).
  { induction s as [|s IH]; intro Hs; [reflexivity|]. simpl. rewrite IH by lia. f_equal. unfold row_by_row.
    replace ((i * m + s) / m) with i by (apply (Nat.div_unique _ _ _ s); lia).
    replace ((i * m + s) mod m) with s by (apply (Nat.mod_unique _ _ i); lia).
    replace ((s * p + k) / p) with s by (apply (Nat.div_unique _ _ _ k); lia).
    replace ((s * p + k) mod p) with k by (apply (Nat.mod_unique _ _ s); lia).
    reflexivity. }
  apply E. lia.
Qed.
