
(* Linear forms are added up in binary trees: the coefficient of x i lies at the place key i. *)

Inductive tree (A : Type) := Leaf | Node (l : tree A) (a : A) (r : tree A).
Arguments Leaf {A}.
Arguments Node {A} l a r.

Fixpoint update {A} (empty : A) (p : positive) (f : A -> A) (t : tree A) : tree A :=
  match p, t with
  | xH, Leaf => Node Leaf (f empty) Leaf
  | xH, Node l a r => Node l (f a) r
  | xO p, Leaf => Node (update empty p f Leaf) empty Leaf
  | xO p, Node l a r => Node (update empty p f l) a r
  | xI p, Leaf => Node Leaf empty (update empty p f Leaf)
  | xI p, Node l a r => Node l a (update empty p f r)
  end.

Fixpoint all {A} (test : A -> bool) (t : tree A) : bool :=
  match t with Leaf => true | Node l a r => all test l && test a && all test r end.

Fixpoint total {A} {R : Ring} (value : positive -> A -> R) (t : tree A) : R :=
  match t with
  | Leaf => zero
  | Node l a r => (total (fun p => value (xO p)) l + (value xH a + total (fun p => value (xI p)) r))%ring
  end.

Definition key := Pos.of_succ_nat.
Definition index (p : positive) := pred (Pos.to_nat p).
Definition vanishes (modulus c : Z) := Z.eqb c (c / modulus * modulus).

(* the form t means *)
Definition meant {R : Ring} (x : nat -> R) (t : tree Z) : R := total (fun p c => (c .* x (index p))%ring) t.

Fixpoint add_form (c : Z) (v : list (nat * Z)) (t : tree Z) : tree Z :=
  match v with
  | [] => t
  | (j, b) :: rest => update 0%Z (key j) (Z.add (c * b)) (add_form c rest t)
  end.

Section Trees.
Context {R : Ring}.
Local Open Scope ring_scope.

Lemma index_key i : index (key i) = i.
Proof. unfold index, key. now rewrite SuccNat2Pos.id_succ. Qed.

Lemma total_update {A} (empty : A) f (c : R) p : forall (value : positive -> A -> R) t,
  (forall q, value q empty = zero) -> (forall a, value p (f a) = c + value p a) ->
  total value (update empty p f t) = c + total value t.
Proof.
  induction p as [p IH|p IH|]; intros value [|l a r] H0 Hf; simpl.
  - rewrite (IH (fun q => value (xI q))), H0; auto. simpl. now rewrite add_zero, !zero_add.
  - rewrite (IH (fun q => value (xI q))); auto. now rewrite (add_swap (value xH a)), (add_swap _ c).
  - rewrite (IH (fun q => value (xO q))), H0; auto. simpl. now rewrite !add_zero.
  - rewrite (IH (fun q => value (xO q))); auto. now rewrite <- add_assoc.
  - now rewrite Hf, H0, add_zero, zero_add, !add_zero.
  - rewrite Hf, <- (add_assoc _ c). now rewrite (add_swap _ c).
Qed.

Lemma total_zero {A} test t : forall value : positive -> A -> R,
  (forall p a, test a = true -> value p a = zero) -> all test t = true -> total value t = zero.
Proof.
  induction t as [|l IHl a r IHr]; intros value H; simpl; [reflexivity|].
  intro Ht. apply andb_prop in Ht as [Ht Hr]. apply andb_prop in Ht as [Hl Ha].
  rewrite IHl, IHr, H by auto. now rewrite !add_zero.
Qed.

Lemma add_form_meant (x : nat -> R) (c : Z) v t : meant x (add_form c v t) = c .* form x v + meant x t.
Proof.
  induction v as [|[j b] v IH]; simpl; [now rewrite times_zero, zero_add|].
  unfold meant in *. rewrite (total_update 0%Z _ ((c * b)%Z .* x j)).
  - now rewrite IH, times_sum, add_assoc, times_times.
  - reflexivity.
  - intro a. rewrite index_key. apply times_add.
Qed.

Lemma vanishes_zero modulus (c : Z) (z : R) :
  (forall t : R, modulus .* t = zero) -> vanishes modulus c = true -> c .* z = zero.
Proof. intros H Hc. apply Z.eqb_eq in Hc. rewrite Hc, times_times, H. apply times_zero. Qed.

Lemma all_vanish modulus (x : nat -> R) t :
  (forall z : R, modulus .* z = zero) -> all (vanishes modulus) t = true -> meant x t = zero.
Proof. intro H. apply total_zero. intros p c. now apply vanishes_zero. Qed.

Lemma equal (x y : R) : x + opp y = zero -> x = y.
Proof. intro H. apply (cancel (opp y)). now rewrite add_comm, H, (add_comm _ _ y), add_opp. Qed.
End Trees.

Lemma none_fails {A} (test : A -> bool) l : filter (fun k => negb (test k)) l = [] -> forall k, In k l -> test k = true.
Proof.
  intros H k Hk. destruct (test k) eqn:E; [reflexivity|exfalso].
  assert (I : In k (filter (fun k => negb (test k)) l)) by (apply filter_In; rewrite E; auto).
  rewrite H in I. exact I.
Qed.
