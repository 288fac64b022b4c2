"""The sentences of a Coq file: its head, the claim and the steps of its proof."""

from __future__ import annotations

from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.target import plain

CHARACTERISTIC = "    (characteristic : forall z : R, {p} .* z = zero)\n"
INVERSE = "    (one inverse : R) (one_mul : forall z : R, one * z = z) (unit : {scale} .* inverse = one)\n"

MATMUL = """
(* The claim: so many products; and for all matrices A and B over every ring, every entry of A B comes out. *)

Local Open Scope ring_scope.
Definition claim : Prop :=
  {rank} /\\
  forall (R : Ring)
{conditions}    (A B : nat -> nat -> R) (i k : nat), (i < {n})%nat -> (k < {p})%nat ->
  {found} (i * {p} + k)%nat
  = sum {m} (fun j => A i j * B j k).
Local Close Scope ring_scope.
"""

TENSOR = """
(* The map: for each output the entries (i, j, c) of a bilinear form. *)

Definition tensor : list (list (nat * nat * Z)) := {tensor}.

(* The claim: so many products; and for all x and y over every ring, every output comes out. *)

Local Open Scope ring_scope.
Definition claim : Prop :=
  {rank} /\\
  forall (R : Ring)
{conditions}    (x y : nat -> R) (k : nat), (k < {count})%nat ->
  {found} k = bilinear x y (nth k tensor []).
Local Close Scope ring_scope.
"""

HEAD = """(* A proof of one bilinear algorithm. Check it: coqc THIS_FILE (Coq 8.16 and its standard library).

   {name} with {rank} products over {ring}.

   {what}
   What has to be read and believed stands from here to the claim: what a ring is, what forms, products and outputs
   mean, the algorithm, the claim. The rest is the proof, which Coq checks: the Brent equations are counted in integers,
   and a theorem, proved here for every ring, says that this is enough. The last line prints that no axiom was used. *)

"""

SCHEME = """The algorithm multiplies forms of x by forms of y, and each output is a form of the products.
{conditions}"""
PROGRAM = """The algorithm is a straight-line program: one computes the left factors of the products, one the right
   ones, and one the outputs from the products.
{conditions}"""
SHARE = """   Every output is divided by {scale} at the end: the ring must have a unit, and in it an inverse of {scale}.
"""
MODULUS = """   The coefficients are residues: {p} times every element of the ring must be 0.
"""


def head(scheme: Scheme, scale: int, of_program: bool) -> str:
    """What stands at the top: which algorithm, over which rings, what to read."""
    p = scheme.ring.characteristic
    conditions = (SHARE.format(scale=scale) if scale > 1 else "") + (MODULUS.format(p=p) if p else "")
    name = plain(scheme.target.name).replace("*", "<U+002A>")
    what = (PROGRAM if of_program else SCHEME).format(conditions=conditions)
    return HEAD.format(name=name, rank=scheme.rank, ring=scheme.ring, what=what)


def proof(scheme: Scheme, scale: int, of_program: bool) -> str:
    """The computation, and the claim from it."""
    target, p = scheme.target, scheme.ring.characteristic
    if target.family == "matmul":
        n, m, width = target.sizes
        entries, count = f"(matmul_entries {m} {width})", n * width
        names, last = "A B i k Hi Hk", "apply matmul_sum; lia"
    else:
        entries, count = "(fun k => nth k tensor [])", target.shape[2]
        names, last = "x y k Hk", "reflexivity"
    intros = f"R{' characteristic' if p else ''}{' one inverse one_mul unit' if scale > 1 else ''} {names}"
    modulus = "characteristic" if p else "(fun z => eq_refl)"
    checks = _check("checked", f"wrong {p} products outputs {scale} {entries} {count}")
    steps = ["split; [reflexivity|]", f"intros {intros}"]
    if of_program:
        for side, forms in (("left", "(map fst products)"), ("right", "(map snd products)"), ("output", "outputs")):
            checks += _check(f"{side}_checked", f"strays {p} {side}_program {forms}")
        lemmas = "left_checked right_checked output_checked"
        steps.append(f"rewrite (whole_right {p} products outputs _ _ _ _ _ {lemmas} {modulus})")
    steps.append(f"rewrite (brent _ _ {p} products outputs {scale} _ {count} checked {modulus}) by lia")
    steps.append("rewrite times_one" if scale == 1 else f"rewrite (divided one inverse {scale} _ one_mul unit)")
    body = "\n".join(f"  {step}." for step in (*steps, last))
    return f"{checks}\nTheorem proved : claim.\nProof.\n{body}\nQed.\n\nPrint Assumptions proved.\n"


def _check(name: str, numbers: str) -> str:
    """That a computed list is empty; where it is not, Coq's error shows the numbers in it."""
    return f"\nLemma {name} : {numbers} = [].\nProof. vm_compute. reflexivity. Qed.\n"
