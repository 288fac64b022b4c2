"""Recipes: what they make is what they say; and recipes that must be refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bilinear.decompositions import content_hash, parse_target, strassen
from bilinear.decompositions.errors import BilinearError, RingError
from bilinear.decompositions.operations import permute, sandwich
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules import FREE, RANKS, RULES
from bilinear.decompositions.rules.recipe import Recipe, RecipeError, Step, build, from_json, rules, settled, to_json
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import verify

HALVES = sandwich(strassen(), [[2, 0], [0, 1]], [[1, 0], [0, 1]], [[1, 1], [0, 1]])
HELD = {content_hash(scheme): scheme for scheme in (strassen(), HALVES, permute(strassen().to(Ring.F2), (1, 2, 0)))}
LEAF = {"rule": "leaf", "sizes": [2, 2, 2], "rank": 7, "hash": content_hash(strassen())}


def resolve(content: str) -> Scheme:
    if content not in HELD:
        raise BilinearError(f"no entry of hash {content[:8]}")
    return HELD[content]


def document(*steps: dict[str, Any], ring: str = "zt") -> dict[str, Any]:
    return {"ring": ring, "steps": list(steps)}


def made(*steps: dict[str, Any], ring: str = "zt") -> Scheme:
    scheme = build(from_json(document(*steps, ring=ring)), resolve)
    assert verify(scheme).ok
    return scheme


SQUARE = {"rule": "kronecker", "sizes": [4, 4, 4], "rank": 49, "parts": [0, 0], "parameters": {"outer": [2, 2, 2]}}
SLICE = {"rule": "standard", "sizes": [1, 4, 4], "rank": 16}
JOINED = {"rule": "split", "sizes": [4, 4, 5], "rank": 65, "parts": [1, 2], "parameters": {"axis": "p"}}
TURNED = {"rule": "permutation", "sizes": [5, 4, 4], "rank": 65, "parts": [3], "parameters": {"order": [2, 0, 1]}}


def test_a_recipe_is_built_step_by_step_and_is_the_same_in_json() -> None:
    assert made(LEAF, SQUARE, SLICE, JOINED, TURNED).target == parse_target("5x4x4")
    recipe = from_json(document(LEAF, SQUARE, SLICE, JOINED, TURNED))
    assert (recipe.sizes, recipe.rank, recipe.leaves) == ((5, 4, 4), 65, (content_hash(strassen()),))
    assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe
    assert to_json(recipe) == document(LEAF, SQUARE, SLICE, JOINED, TURNED)


@pytest.mark.parametrize("ring", ["zt", "z", "q", "qi", "f2", "f3"])
def test_every_ring_keeps_a_recipe(ring: str) -> None:
    assert made(LEAF, SQUARE, SLICE, JOINED, ring=ring).ring is Ring(ring)


def test_a_change_of_basis_keeps_to_the_ring() -> None:
    ones = {"left": [[1, 1], [0, 1]], "middle": [[1, 0], [0, 1]], "right": [[1, 0], [0, 1]]}
    step = {"rule": "basis", "sizes": [2, 2, 2], "rank": 7, "parts": [0], "parameters": ones}
    assert made(LEAF, step).ring is Ring.ZT
    twos = {**step, "parameters": {**ones, "left": [[2, 0], [0, 1]]}}
    assert made(LEAF, twos, ring="q").ring is Ring.Q
    with pytest.raises(RingError):
        made(LEAF, twos)
    singular = {**step, "parameters": {**ones, "left": [[1, 1], [1, 1]]}}
    with pytest.raises(RecipeError, match="step 1: basis: a change of basis that is not invertible over q"):
        made(LEAF, singular)


def test_every_rule_can_be_loaded() -> None:
    assert all(callable(RULES.load(name)) for name in RULES)
    assert RANKS.names() == FREE.names()
    for name in FREE:
        rank: Callable[..., int | None] = RANKS.load(name)  # type: ignore[assignment]
        assert callable(FREE.load(name))
        assert rank(2, 3, 4, Ring.Q) in (None, *range(1, 25))
    assert len(set(rules())) == len(RULES.names()) + len(FREE.names()) + 1


def changed(step: dict[str, Any], **by: Any) -> dict[str, Any]:
    return {key: value for key, value in (step | by).items() if value is not None}


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([changed(LEAF, rule="braid")], "step 0: unknown rule 'braid'; known rules: basis, "),
        ([changed(LEAF, hash="12")], "step 0: hash '12'; 64 hexadecimal digits are needed"),
        ([changed(LEAF, hash=None)], "step 0: a leaf without a hash"),
        ([changed(SLICE, hash="0" * 64)], "step 0: no leaf, but with a hash"),
        ([changed(LEAF, rank=6)], "step 0: leaf makes 2x2x2:7, not 2x2x2:6; the leaf has changed"),
        ([changed(LEAF, sizes=[2, 2, 3])], "step 0: leaf: no part of 2x2x3: parts are 2x2x2"),
        ([LEAF, changed(SQUARE, rank=48)], "step 1: kronecker makes 4x4x4:49, not 4x4x4:48"),
        ([LEAF, changed(SQUARE, parts=[0, 7])], "step 1: part 7 is missing; there are 2 steps"),
        ([LEAF, changed(SQUARE, parts=[0, 1])], "step 1: part 1 is not made before it: the recipe is cyclic"),
        ([LEAF, changed(SQUARE, parts=[0])], "step 1: kronecker: 1 parts given; 2 are needed"),
        ([LEAF, changed(SQUARE, parts=None)], "step 1: kronecker needs parts"),
        ([LEAF, changed(SLICE, parts=[0])], "step 1: standard takes no parts"),
        ([LEAF, changed(SQUARE, parameters={})], "step 1: kronecker: missing a required argument: 'outer'"),
        ([LEAF, changed(SQUARE, parameters={"outer": [2, 2]})], "step 1: kronecker: 2x2x2 and 2x2x2 do not make"),
        ([LEAF, changed(SQUARE, parameters={"outer": [2, 2, 2], "x": 1})], "got an unexpected keyword argument 'x'"),
        ([LEAF, changed(SQUARE, parameters={"outer": {}})], "a parameter holds '{}'"),
        ([LEAF, changed(SQUARE, parameters={"outer": [0.5]})], "a parameter holds '0.5'"),
        ([LEAF, changed(SQUARE, parameters={"outer": [2] * 70_000})], "70000 numbers in its parameters; at most 65536"),
        ([LEAF, changed(JOINED, parts=[0, 0])], "step 1: split: 2x2x2 and 2x2x2 do not join to 4x4x5 along p"),
        ([LEAF, changed(JOINED, parts=[0, 0], parameters={"axis": "k"})], "axis 'k'; n, m or p is needed"),
        ([LEAF, changed(TURNED, parts=[0], parameters={"order": [0, 0, 1]})], "a permutation of"),
        ([changed(SLICE, sizes=[1, 4, 40])], "step 0: sizes 1x4x40; three of 1 to 32 are needed"),
        ([changed(SLICE, sizes=[1, 4])], "step 0: 2 sizes; three of 1 to 32"),
        ([changed(SLICE, rank=17)], "step 0: 17 products for 1x4x4; 1 to 16 are needed"),
        ([changed(SLICE, rank=True)], "step 0: rank: whole numbers are needed"),
        ([changed(SLICE, more=1)], "step 0: a step has rule, sizes, rank"),
        ([7], "step 0: a step has rule, sizes, rank"),
        ([changed(SLICE, rule=["standard"])], "step 0: rule and hash are words"),
        ([changed(SLICE, parameters=[1])], "step 0: parameters are names with values"),
        ([], "a recipe of 0 steps: 1 to 4096 are held"),
    ],
)
def test_a_wrong_recipe_is_refused(steps: list[Any], text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        made(*steps)
    assert text in str(caught.value)


@pytest.mark.parametrize("wrong", [None, [], {}, {"ring": "q"}, {"ring": 1, "steps": []}, {"ring": "q", "steps": 1}])
def test_what_is_no_recipe_at_all_is_refused(wrong: object) -> None:
    with pytest.raises(RecipeError):
        from_json(wrong)


def test_unknown_rings_and_leaves_are_refused() -> None:
    with pytest.raises(RingError, match="unknown ring 'f4'"):
        from_json(document(LEAF, ring="f4"))
    with pytest.raises(BilinearError, match="no entry of hash 00000000"):
        made(changed(LEAF, hash="0" * 64))


def test_parts_of_other_rings_are_refused() -> None:
    with pytest.raises(RingError, match="is too small"):
        made(changed(LEAF, hash=content_hash(HALVES)))
    with pytest.raises(RingError, match="lift it instead"):
        made(changed(LEAF, hash=content_hash(strassen().to(Ring.F2))), ring="q")


def test_too_many_steps_are_refused() -> None:
    with pytest.raises(RecipeError, match="a recipe of 4097 steps"):
        Recipe(Ring.Q, (Step("standard", (1, 1, 1), 1),) * 4097)


def test_a_step_may_settle_at_fewer_products_but_never_at_more() -> None:
    told = from_json(document(LEAF, changed(SQUARE, rank=50)))
    recipe, scheme = settled(told, resolve)
    assert (recipe.rank, scheme.rank, recipe.steps[0]) == (49, 49, told.steps[0])
    assert build(recipe, resolve).rank == 49
    with pytest.raises(RecipeError, match="step 1: kronecker makes 4x4x4:49, not 4x4x4:50"):
        build(told, resolve)
    with pytest.raises(RecipeError, match="4x4x4:49, not 4x4x4:48"):
        settled(from_json(document(LEAF, changed(SQUARE, rank=48))), resolve)
    with pytest.raises(RecipeError, match="the leaf has changed"):
        settled(from_json(document(changed(LEAF, rank=8))), resolve)
