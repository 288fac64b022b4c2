
(* Programs are run on symbols: every value becomes a tree, and every result must be the form that is asked for. *)

Fixpoint add_tree (c : Z) (t s : tree Z) : tree Z :=
  match t, s with
  | Leaf, _ => s
  | Node l a r, Leaf => Node (add_tree c l Leaf) (c * a)%Z (add_tree c r Leaf)
  | Node l a r, Node l' b r' => Node (add_tree c l l') (c * a + b)%Z (add_tree c r r')
  end.

Fixpoint combined (known : list (tree Z)) (terms : list (nat * Z)) : tree Z :=
  match terms with [] => Leaf | (i, c) :: rest => add_tree c (nth i known Leaf) (combined known rest) end.

Fixpoint symbols (steps : list (list (nat * Z))) (known : list (tree Z)) : list (tree Z) :=
  match steps with [] => known | step :: rest => symbols rest (known ++ [combined known step]) end.

Definition symbols_of P := symbols (steps P) (map (fun i => add_form 1 [(i, 1%Z)] Leaf) (seq 0 (inputs P))).

(* the numbers of the results of P that are not the forms asked for *)
Definition strays modulus P forms : list nat :=
  let known := symbols_of P in
  filter
    (fun k => negb (all (vanishes modulus) (add_form (-1) (nth k forms []) (combined known (nth k (results P) [])))))
    (seq 0 (max (length (results P)) (length forms))).

Section Programs.
Context {R : Ring}.
Local Open Scope ring_scope.

Lemma add_tree_total (c : Z) t : forall s (x : positive -> R),
  total (fun p a => a .* x p) (add_tree c t s) = c .* total (fun p a => a .* x p) t + total (fun p a => a .* x p) s.
Proof.
  induction t as [|l IHl a r IHr]; intros [|l' b r'] x; simpl.
  - now rewrite times_zero, add_zero.
  - now rewrite times_zero, zero_add.
  - rewrite (IHl Leaf (fun p => x (xO p))), (IHr Leaf (fun p => x (xI p))), times_times, !times_sum. simpl.
    now rewrite !add_zero.
  - rewrite (IHl l' (fun p => x (xO p))), (IHr r' (fun p => x (xI p))), times_add, times_times, !times_sum.
    rewrite (add_four (c .* a .* x xH)). apply add_four.
Qed.

Variable x : nat -> R.

Lemma combined_meant known terms :
  meant x (combined known terms) = form (fun i => nth i (map (meant x) known) zero) terms.
Proof.
  induction terms as [|[i c] rest IH]; simpl; [reflexivity|].
  unfold meant at 1. rewrite (add_tree_total c _ _ (fun p => x (index p))).
  rewrite (map_nth (meant x) known Leaf i : nth i (map (meant x) known) zero = _). f_equal. exact IH.
Qed.

Lemma symbols_meant steps : forall known,
  map (meant x) (symbols steps known) = values steps (map (meant x) known).
Proof.
  induction steps as [|step steps IH]; intro known; simpl; [reflexivity|].
  rewrite IH, map_app. simpl. now rewrite combined_meant.
Qed.

Theorem program_right modulus P forms :
  strays modulus P forms = [] -> (forall z : R, modulus .* z = zero) ->
  forall k, run P x k = form x (nth k forms []).
Proof.
  intros H Hm k. unfold run.
  replace (map x (seq 0 (inputs P))) with (map (meant x) (map (fun i => add_form 1 [(i, 1%Z)] Leaf) (seq 0 (inputs P)))).
  2: { rewrite map_map. apply map_ext. intro i. rewrite add_form_meant. cbn [form]. now rewrite !times_one, !add_zero. }
  rewrite <- symbols_meant. change (symbols _ _) with (symbols_of P). rewrite <- combined_meant.
  destruct (Nat.lt_ge_cases k (max (length (results P)) (length forms))) as [Hk|Hk].
  - apply equal.
    assert (V : meant x (add_form (-1) (nth k forms []) (combined (symbols_of P) (nth k (results P) []))) = zero).
    { apply (all_vanish modulus); [exact Hm|].
      apply (none_fails (fun k => all (vanishes modulus)
        (add_form (-1) (nth k forms []) (combined (symbols_of P) (nth k (results P) [])))) _ H).
      apply in_seq. lia. }
    rewrite add_form_meant, add_comm in V. change (-1)%Z with (- (1))%Z in V. now rewrite times_opp, times_one in V.
  - rewrite !nth_overflow by lia. reflexivity.
Qed.
End Programs.

Section Whole.
Context {R : Ring}.
Local Open Scope ring_scope.

(* three programs that compute the forms of a scheme compute what it computes *)
Theorem whole_right modulus products outputs (x y : nat -> R) left_program right_program output_program :
  strays modulus left_program (map fst products) = [] -> strays modulus right_program (map snd products) = [] ->
  strays modulus output_program outputs = [] -> (forall z : R, modulus .* z = zero) ->
  forall k, run output_program (fun q => run left_program x q * run right_program y q) k
            = output products outputs x y k.
Proof.
  intros Hu Hv Hw Hm k. unfold output. rewrite (program_right _ modulus _ _ Hw Hm). apply form_same. intro q.
  rewrite (program_right _ modulus _ _ Hu Hm), (program_right _ modulus _ _ Hv Hm). unfold product.
  rewrite (map_nth fst products ([], []) q : nth q (map fst products) [] = _).
  rewrite (map_nth snd products ([], []) q : nth q (map snd products) [] = _).
  now destruct (nth q products ([], [])).
Qed.
End Whole.
