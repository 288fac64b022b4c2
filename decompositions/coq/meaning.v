From Coq Require Import ZArith List Lia.
Import ListNotations.

(* A ring, as far as it is needed: addition makes a commutative group, and multiplication distributes from both sides.
   Every ring is one, whether its multiplication is commutative or not, and whether it has a unit or not. *)

Record Ring := {
  carrier :> Type;
  zero : carrier;
  add : carrier -> carrier -> carrier;
  opp : carrier -> carrier;
  mul : carrier -> carrier -> carrier;
  add_assoc : forall x y z, add x (add y z) = add (add x y) z;
  add_comm : forall x y, add x y = add y x;
  add_zero : forall x, add x zero = x;
  add_opp : forall x, add x (opp x) = zero;
  mul_add : forall x y z, mul x (add y z) = add (mul x y) (mul x z);
  add_mul : forall x y z, mul (add x y) z = add (mul x z) (mul y z)
}.
Arguments zero {r}.
Arguments add {r}.
Arguments opp {r}.
Arguments mul {r}.
Declare Scope ring_scope.
Delimit Scope ring_scope with ring.
Infix "+" := add : ring_scope.
Infix "*" := mul : ring_scope.

(* c .* x: an integer times an element, which is x + ... + x or its negative *)

Fixpoint copies {R : Ring} (n : nat) (x : R) : R :=
  match n with O => zero | S n => (x + copies n x)%ring end.

Definition times {R : Ring} (c : Z) (x : R) : R :=
  match c with
  | Z0 => zero
  | Zpos n => copies (Pos.to_nat n) x
  | Zneg n => opp (copies (Pos.to_nat n) x)
  end.
Infix ".*" := times (at level 39, right associativity) : ring_scope.

(* f 0 + ... + f (n - 1) *)

Fixpoint sum {R : Ring} (n : nat) (f : nat -> R) : R :=
  match n with O => zero | S n => (sum n f + f n)%ring end.

(* A matrix, flattened row by row. *)

Definition row_by_row {R : Ring} (width : nat) (A : nat -> nat -> R) : nat -> R :=
  fun t => A (t / width) (t mod width).

(* A linear form is a list of terms c # i, and means the sum of all c .* x i. *)

Notation "c # i" := (i%nat, c%Z) (at level 40).

Fixpoint form {R : Ring} (x : nat -> R) (terms : list (nat * Z)) : R :=
  match terms with [] => zero | (i, c) :: rest => (c .* x i + form x rest)%ring end.

(* A bilinear form is a list of entries (i, j, c), and means the sum of all c .* (x i * y j). *)

Fixpoint bilinear {R : Ring} (x y : nat -> R) (entries : list (nat * nat * Z)) : R :=
  match entries with [] => zero | (i, j, c) :: rest => (c .* (x i * y j) + bilinear x y rest)%ring end.

(* Product q of a scheme is a form of x times a form of y; output k is a form of the products. *)

Definition product {R : Ring} (products : list (list (nat * Z) * list (nat * Z))) (x y : nat -> R) (q : nat) : R :=
  let (u, v) := nth q products ([], []) in (form x u * form y v)%ring.

Definition output {R : Ring} (products : list (list (nat * Z) * list (nat * Z))) (outputs : list (list (nat * Z)))
  (x y : nat -> R) (k : nat) : R := form (product products x y) (nth k outputs []).
