
(* Laws of integer multiples. *)

Section Laws.
Context {R : Ring}.
Local Open Scope ring_scope.
Implicit Types x y z : R.

Lemma zero_add x : zero + x = x.
Proof. rewrite add_comm. apply add_zero. Qed.

Lemma add_swap x y z : x + (y + z) = y + (x + z).
Proof. rewrite !add_assoc, (add_comm _ x y). reflexivity. Qed.

Lemma add_four x y z (t : R) : (x + y) + (z + t) = (x + z) + (y + t).
Proof. rewrite <- !add_assoc, (add_swap y z t). reflexivity. Qed.

Lemma cancel x y z : x + y = x + z -> y = z.
Proof.
  intro H. rewrite <- (zero_add y), <- (zero_add z), <- (add_opp _ x), (add_comm _ x), <- !add_assoc, H. reflexivity.
Qed.

Lemma opp_unique x y : x + y = zero -> y = opp x.
Proof. intro H. apply (cancel x). rewrite H, add_opp. reflexivity. Qed.

Lemma opp_zero : opp zero = zero :> R.
Proof. symmetry. apply opp_unique, add_zero. Qed.

Lemma opp_add x y : opp (x + y) = opp x + opp y.
Proof. symmetry. apply opp_unique. rewrite add_four, !add_opp. apply add_zero. Qed.

Lemma copies_add m n x : copies (m + n) x = copies m x + copies n x.
Proof.
  induction m as [|m IH]; simpl; [now rewrite zero_add | now rewrite IH, add_assoc].
Qed.

Lemma times_copies n x : Z.of_nat n .* x = copies n x.
Proof. destruct n as [|n]; simpl; [reflexivity | now rewrite SuccNat2Pos.id_succ]. Qed.

Lemma times_minus_copies n x : (- Z.of_nat n)%Z .* x = opp (copies n x).
Proof. destruct n as [|n]; simpl; [now rewrite opp_zero | now rewrite SuccNat2Pos.id_succ]. Qed.

Lemma times_difference m n x : (Z.of_nat m - Z.of_nat n)%Z .* x = copies m x + opp (copies n x).
Proof.
  destruct (Nat.le_ge_cases n m) as [H | H].
  - replace m with ((m - n) + n)%nat at 2 by lia.
    rewrite copies_add, <- add_assoc, add_opp, add_zero, <- times_copies. f_equal. lia.
  - replace n with (m + (n - m))%nat at 2 by lia.
    rewrite copies_add, opp_add, add_assoc, add_opp, zero_add, <- times_minus_copies. f_equal. lia.
Qed.

Lemma times_add (c d : Z) x : (c + d)%Z .* x = c .* x + d .* x.
Proof.
  replace c with (Z.of_nat (Z.to_nat c) - Z.of_nat (Z.to_nat (- c)))%Z by lia.
  replace d with (Z.of_nat (Z.to_nat d) - Z.of_nat (Z.to_nat (- d)))%Z by lia.
  set (a := Z.to_nat c). set (a' := Z.to_nat (- c)). set (b := Z.to_nat d). set (b' := Z.to_nat (- d)).
  replace (Z.of_nat a - Z.of_nat a' + (Z.of_nat b - Z.of_nat b'))%Z
    with (Z.of_nat (a + b) - Z.of_nat (a' + b'))%Z by lia.
  rewrite !times_difference, !copies_add, opp_add. apply add_four.
Qed.

Lemma times_one x : 1 .* x = x.
Proof. apply add_zero. Qed.

Lemma times_succ (c : Z) x : Z.succ c .* x = x + c .* x.
Proof. rewrite <- Z.add_1_l, times_add, times_one. reflexivity. Qed.

Lemma times_pred (c : Z) x : x + Z.pred c .* x = c .* x.
Proof. rewrite <- times_succ, Z.succ_pred. reflexivity. Qed.

Lemma times_opp (c : Z) x : (- c)%Z .* x = opp (c .* x).
Proof. apply opp_unique. rewrite <- times_add, Z.add_opp_diag_r. reflexivity. Qed.

Lemma times_times (c d : Z) x : (c * d)%Z .* x = c .* (d .* x).
Proof.
  induction c as [|c IH|c IH] using Z.peano_ind; [reflexivity | |].
  - rewrite Z.mul_succ_l, <- Z.add_1_r, !times_add, IH, times_one. reflexivity.
  - rewrite Z.mul_pred_l, <- Z.sub_1_r, <- !Z.add_opp_r, !times_add, IH, !times_opp, times_one. reflexivity.
Qed.

Section Additive.
Variable f : R -> R.
Hypothesis f_add : forall x y, f (x + y) = f x + f y.

Lemma additive_zero : f zero = zero.
Proof. apply (cancel (f zero)). rewrite <- f_add, !add_zero. reflexivity. Qed.

Lemma additive_times (c : Z) x : f (c .* x) = c .* f x.
Proof.
  induction c as [|c IH|c IH] using Z.peano_ind; [apply additive_zero | |].
  - rewrite !times_succ, f_add, IH. reflexivity.
  - apply (cancel (f x)). rewrite <- f_add, !times_pred. apply IH.
Qed.
End Additive.

Lemma times_sum (c : Z) x y : c .* (x + y) = c .* x + c .* y.
Proof.
  induction c as [|c IH|c IH] using Z.peano_ind; [symmetry; apply add_zero | |].
  - rewrite !times_succ, IH. apply add_four.
  - apply (cancel (x + y)). rewrite add_four, !times_pred. apply IH.
Qed.

Lemma times_zero (c : Z) : c .* zero = zero :> R.
Proof. exact (additive_zero (times c) (times_sum c)). Qed.

Lemma mul_times (c : Z) x y : x * (c .* y) = c .* (x * y).
Proof. exact (additive_times (mul x) (mul_add _ x) c y). Qed.

Lemma times_mul (c : Z) x y : (c .* x) * y = c .* (x * y).
Proof. exact (additive_times (fun x => x * y) (fun x z => add_mul _ x z y) c x). Qed.

Lemma mul_zero x : x * zero = zero.
Proof. exact (additive_zero (mul x) (mul_add _ x)). Qed.

Lemma zero_mul x : zero * x = zero.
Proof. exact (additive_zero (fun z => z * x) (fun z t => add_mul _ z t x)). Qed.

Lemma form_same (x y : nat -> R) v : (forall i, x i = y i) -> form x v = form y v.
Proof. intro H. induction v as [|[i c] v IH]; simpl; [reflexivity | now rewrite H, IH]. Qed.

Lemma mul_form x (y : nat -> R) v : form (fun j => x * y j) v = x * form y v.
Proof. induction v as [|[j b] v IH]; simpl; [now rewrite mul_zero | now rewrite IH, mul_add, mul_times]. Qed.

Lemma divided (one inverse : R) (c : Z) x : (forall z, one * z = z) -> c .* inverse = one -> inverse * (c .* x) = x.
Proof. intros one_mul unit. now rewrite mul_times, <- times_mul, unit. Qed.
End Laws.
