
(* The Brent equations, counted in integers, make the scheme right over every ring. Sums of x i * y j are added up in
   trees of trees. *)

Fixpoint add_product (c : Z) (u v : list (nat * Z)) (t : tree (tree Z)) : tree (tree Z) :=
  match u with
  | [] => t
  | (i, a) :: rest => update Leaf (key i) (add_form (c * a) v) (add_product c rest v t)
  end.

Fixpoint add_products products (w : list (nat * Z)) (t : tree (tree Z)) : tree (tree Z) :=
  match w with
  | [] => t
  | (q, c) :: rest => let (u, v) := nth q products ([], []) in add_product c u v (add_products products rest t)
  end.

Fixpoint add_entries (c : Z) (entries : list (nat * nat * Z)) (t : tree (tree Z)) : tree (tree Z) :=
  match entries with
  | [] => t
  | (i, j, a) :: rest => update Leaf (key i) (add_form c [(j, a)]) (add_entries c rest t)
  end.

(* output k as it is computed, less scale times what it must be *)
Definition difference products outputs scale (entries : nat -> list (nat * nat * Z)) k :=
  add_products products (nth k outputs []) (add_entries (- scale) (entries k) Leaf).

(* the numbers of the outputs that are wrong *)
Definition wrong modulus products outputs scale entries count : list nat :=
  filter (fun k => negb (all (all (vanishes modulus)) (difference products outputs scale entries k))) (seq 0 count).

Section Brent.
Context {R : Ring}.
Local Open Scope ring_scope.
Variables x y : nat -> R.

Definition meant_of_both (t : tree (tree Z)) : R := total (fun p s => meant (fun j => x (index p) * y j) s) t.

Lemma add_product_meant (c : Z) u v t :
  meant_of_both (add_product c u v t) = c .* (form x u * form y v) + meant_of_both t.
Proof.
  induction u as [|[i a] u IH]; simpl; [now rewrite zero_mul, times_zero, zero_add|].
  unfold meant_of_both in *. rewrite (total_update Leaf _ ((c * a)%Z .* (x i * form y v))).
  - now rewrite IH, add_mul, times_sum, add_assoc, times_times, times_mul.
  - reflexivity.
  - intro s. now rewrite index_key, add_form_meant, mul_form.
Qed.

Lemma add_products_meant products w t :
  meant_of_both (add_products products w t) = form (product products x y) w + meant_of_both t.
Proof.
  induction w as [|[q c] w IH]; simpl; [now rewrite zero_add|].
  unfold product at 1. destruct (nth q products ([], [])) as [u v].
  now rewrite add_product_meant, IH, add_assoc.
Qed.

Lemma add_entries_meant (c : Z) entries t :
  meant_of_both (add_entries c entries t) = c .* bilinear x y entries + meant_of_both t.
Proof.
  induction entries as [|[[i j] a] rest IH]; cbn [add_entries bilinear]; [now rewrite times_zero, zero_add|].
  unfold meant_of_both in *. rewrite (total_update Leaf _ (c .* (a .* (x i * y j)))).
  - now rewrite IH, times_sum, add_assoc.
  - reflexivity.
  - intro s. rewrite index_key, add_form_meant. simpl. now rewrite add_zero.
Qed.

Theorem brent modulus products outputs scale entries count :
  wrong modulus products outputs scale entries count = [] -> (forall z : R, modulus .* z = zero) ->
  forall k, k < count -> output products outputs x y k = scale .* bilinear x y (entries k).
Proof.
  intros H Hm k Hk. apply equal.
  assert (V : meant_of_both (difference products outputs scale entries k) = zero).
  { apply (total_zero (all (vanishes modulus))).
    - intros p s. now apply all_vanish.
    - apply (none_fails _ _ H), in_seq. lia. }
  unfold difference in V. rewrite add_products_meant, add_entries_meant, times_opp in V.
  change (meant_of_both Leaf) with (@zero R) in V. rewrite add_zero in V. exact V.
Qed.
End Brent.
