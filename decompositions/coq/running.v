
(* A straight-line program knows its inputs 0, 1, ... at first. Each step adds one more value: a form of those before it.
   Its results are forms of all values. *)

Record Program := { inputs : nat; steps : list (list (nat * Z)); results : list (list (nat * Z)) }.

Fixpoint values {R : Ring} (steps : list (list (nat * Z))) (known : list R) : list R :=
  match steps with
  | [] => known
  | step :: rest => values rest (known ++ [form (fun i => nth i known zero) step])
  end.

Definition run {R : Ring} (P : Program) (x : nat -> R) (k : nat) : R :=
  let known := values (steps P) (map x (seq 0 (inputs P))) in
  form (fun i => nth i known zero) (nth k (results P) []).
