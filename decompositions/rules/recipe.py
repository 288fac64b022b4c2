"""Recipes: how a matrix product is composed, step by step, of leaves that are known by their hashes.

A recipe is some lines of JSON. It proves nothing: whoever needs the scheme builds it, and verifies what was built.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bilinear.decompositions.composition import LARGEST, Sizes, ordered
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.identity import HASH_DIGITS
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.rules import FREE, RULES
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul

Resolve = Callable[[str], Scheme]

LEAF = "leaf"
MOST_STEPS = 4096
MOST_NUMBERS = 1 << 16
"""In the parameters of a step."""

_HASH = re.compile(rf"[0-9a-f]{{{HASH_DIGITS}}}")
_STEP_KEYS = {"rule", "sizes", "rank", "hash", "parts", "parameters"}


class RecipeError(BilinearError):
    """A recipe that is not well formed, or does not make what it says."""


@dataclass(frozen=True)
class Step:
    """One scheme on the way.

    Attributes:
        rule: `leaf`, or a name of `RULES` or `FREE`.
        sizes: The format that it makes.
        rank: Its products; a build that ends with another number is refused.
        parts: Earlier steps that it takes, by position.
        parameters: Of the rule: names to numbers, words, and lists of them.
        hash: Of a leaf, the content hash of the scheme.
    """

    rule: str
    sizes: Sizes
    rank: int
    parts: tuple[int, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    hash: str = ""


@dataclass(frozen=True)
class Recipe:
    """How a scheme is composed; the last step makes it.

    Attributes:
        ring: The coefficient set of every step.
        steps: Each takes parts that stand before it.

    Raises:
        RecipeError: If a rule is unknown, a part missing or cyclic, or a number out of bounds.
    """

    ring: Ring
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.steps) <= MOST_STEPS:
            raise RecipeError(f"a recipe of {len(self.steps)} steps: 1 to {MOST_STEPS} are held")
        for place, step in enumerate(self.steps):
            _check(place, step, len(self.steps))

    @property
    def sizes(self) -> Sizes:
        """The format that it makes."""
        return self.steps[-1].sizes

    @property
    def rank(self) -> int:
        """Products of what it makes."""
        return self.steps[-1].rank

    @property
    def leaves(self) -> tuple[str, ...]:
        """Hashes of the schemes that it takes, each once, in the order of steps."""
        return tuple(dict.fromkeys(step.hash for step in self.steps if step.rule == LEAF))


def _check(place: int, step: Step, count: int) -> None:
    where = f"step {place}"
    if step.rule != LEAF and step.rule not in RULES and step.rule not in FREE:
        raise RecipeError(f"{where}: unknown rule {step.rule[:40]!r}; known rules: {', '.join(rules())}")
    if len(step.sizes) != 3 or not all(1 <= size <= LARGEST for size in step.sizes):
        shown = "x".join(map(str, step.sizes[:4]))
        raise RecipeError(f"{where}: sizes {shown}; three of 1 to {LARGEST} are needed")
    n, m, p = step.sizes
    if not 1 <= step.rank <= n * m * p:
        raise RecipeError(f"{where}: {step.rank} products for {n}x{m}x{p}; 1 to {n * m * p} are needed")
    if (step.rule == LEAF) != bool(step.hash):
        raise RecipeError(f"{where}: {'a leaf without' if step.rule == LEAF else 'no leaf, but with'} a hash")
    if step.hash and not _HASH.fullmatch(step.hash):
        raise RecipeError(f"{where}: hash {step.hash[:20]!r}; {HASH_DIGITS} hexadecimal digits are needed")
    if (step.rule in RULES) != bool(step.parts):
        raise RecipeError(f"{where}: {step.rule} {'needs parts' if step.rule in RULES else 'takes no parts'}")
    for part in step.parts:
        if not 0 <= part < count:
            raise RecipeError(f"{where}: part {part} is missing; there are {count} steps")
        if part >= place:
            raise RecipeError(f"{where}: part {part} is not made before it: the recipe is cyclic")


def rules() -> list[str]:
    """Names that a step may bear, sorted."""
    return sorted([LEAF, *RULES, *FREE])


def to_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a dictionary of JSON, without what is empty."""
    steps = []
    for step in recipe.steps:
        row: dict[str, Any] = {"rule": step.rule, "sizes": list(step.sizes), "rank": step.rank}
        row |= {"hash": step.hash} if step.hash else {}
        row |= {"parts": list(step.parts)} if step.parts else {}
        row |= {"parameters": dict(step.parameters)} if step.parameters else {}
        steps.append(row)
    return {"ring": recipe.ring.value, "steps": steps}


def from_json(document: object) -> Recipe:
    """The recipe of a dictionary of JSON.

    Raises:
        RecipeError: If it is none: keys, types, rules, parts or numbers are not those of a recipe.
        RingError: If its ring is unknown.
    """
    if not isinstance(document, dict) or set(document) != {"ring", "steps"} or not isinstance(document["steps"], list):
        raise RecipeError("a recipe has a ring and a list of steps, and no other key")
    if not isinstance(document["ring"], str):
        raise RecipeError("ring: no word; one such as 'q' is needed")
    if len(document["steps"]) > MOST_STEPS:
        raise RecipeError(f"a recipe of {len(document['steps'])} steps: 1 to {MOST_STEPS} are held")
    steps = tuple(_step(place, row) for place, row in enumerate(document["steps"]))
    return Recipe(parse_ring(document["ring"]), steps)


def _step(place: int, row: object) -> Step:
    where = f"step {place}"
    if not isinstance(row, dict) or not {"rule", "sizes", "rank"} <= set(row) <= _STEP_KEYS:
        raise RecipeError(f"{where}: a step has rule, sizes, rank, and may have hash, parts, parameters; no other key")
    rule, content, parameters = row["rule"], row.get("hash", ""), row.get("parameters", {})
    if not isinstance(rule, str) or not isinstance(content, str):
        raise RecipeError(f"{where}: rule and hash are words")
    sizes, parts = _whole(where, "sizes", row["sizes"]), _whole(where, "parts", row.get("parts", []))
    (rank,) = _whole(where, "rank", [row["rank"]])
    if not isinstance(parameters, dict) or not all(isinstance(name, str) for name in parameters):
        raise RecipeError(f"{where}: parameters are names with values")
    if len(sizes) != 3:
        raise RecipeError(f"{where}: {len(sizes)} sizes; three of 1 to {LARGEST} are needed")
    numbers = sum(1 for value in parameters.values() for _ in _numbers(where, value, 4))
    if numbers > MOST_NUMBERS:
        raise RecipeError(f"{where}: {numbers} numbers in its parameters; at most {MOST_NUMBERS} are held")
    return Step(rule, (sizes[0], sizes[1], sizes[2]), rank, parts, parameters, content)


def _whole(where: str, what: str, values: object) -> tuple[int, ...]:
    if not isinstance(values, list) or any(isinstance(x, bool) or not isinstance(x, int) for x in values):
        raise RecipeError(f"{where}: {what}: whole numbers are needed")
    return tuple(values)


def _numbers(where: str, value: object, depth: int) -> Iterator[object]:
    """The numbers and words of a parameter, one by one."""
    if isinstance(value, list) and depth:
        for part in value:
            yield from _numbers(where, part, depth - 1)
    elif isinstance(value, bool) or not isinstance(value, int | str):
        raise RecipeError(
            f"{where}: a parameter holds {str(value)[:40]!r}; integers, words and lists of them are needed"
        )
    else:
        yield value


def build(recipe: Recipe, resolve: Resolve) -> Scheme:
    """The scheme of a recipe, not verified as a whole: each step keeps right what is right.

    Args:
        recipe: What to make.
        resolve: The scheme of a leaf by its content hash; it raises a BilinearError where there is none.

    Raises:
        RecipeError: If a leaf or a step is of another format or rank than the recipe says, or a parameter is wrong.
        RingError: If a leaf cannot be read over the ring, or a rule does not keep to it.
        TooLargeError: If a scheme on the way would not fit into memory.
    """
    settled_recipe, scheme = settled(recipe, resolve)
    for place, (step, made) in enumerate(zip(recipe.steps, settled_recipe.steps, strict=True)):
        if step.rank != made.rank:
            raise RecipeError(f"{_told(place, step, made.rank)}; a part or the rule has changed")
    return scheme


def settled(recipe: Recipe, resolve: Resolve) -> tuple[Recipe, Scheme]:
    """The recipe with the ranks that its steps truly have, and its scheme: some products may vanish, unknown to tables.

    A product of a block composition vanishes where a factor lies only in the corner between blocks of unequal size.

    Raises:
        RecipeError: As for `build`, but a step may have fewer products than the recipe says.
        RingError: As for `build`.
        TooLargeError: As for `build`.
    """
    last = {part: place for place, step in enumerate(recipe.steps) for part in step.parts}
    made: dict[int, Scheme] = {}
    steps = []
    for place, step in enumerate(recipe.steps):
        scheme = _made(place, step, recipe.ring, made, resolve)
        if (
            scheme.target.sizes != step.sizes
            or scheme.rank > step.rank
            or (step.rule == LEAF and scheme.rank != step.rank)
        ):
            changed = "the leaf has changed" if step.rule == LEAF else "a part or the rule has changed"
            raise RecipeError(f"{_told(place, step, scheme.rank, scheme.target.short)}; {changed}")
        made[place] = scheme
        steps.append(replace(step, rank=scheme.rank))
        for part in set(step.parts):
            if last[part] == place:
                del made[part]
    return Recipe(recipe.ring, tuple(steps)), made[len(recipe.steps) - 1]


def _told(place: int, step: Step, rank: int, made: str = "") -> str:
    short = matmul(*step.sizes).short
    return f"step {place}: {step.rule} makes {made or short}:{rank}, not {short}:{step.rank}"


def _made(place: int, step: Step, ring: Ring, made: Mapping[int, Scheme], resolve: Resolve) -> Scheme:
    try:
        if step.rule == LEAF:
            return of_sizes([resolve(step.hash).to(ring)], step.sizes)
        if step.rule in FREE:
            free: Callable[..., Scheme] = FREE.load(step.rule)  # type: ignore[assignment]
            return free(*step.sizes, ring)
        rule: Callable[..., Scheme] = RULES.load(step.rule)  # type: ignore[assignment]
        parts = [made[part] for part in step.parts]
        try:
            inspect.signature(rule).bind(step.sizes, ring, parts, **step.parameters)
        except TypeError as error:
            raise RecipeError(str(error)) from None
        return rule(step.sizes, ring, parts, **step.parameters)
    except RecipeError as error:
        raise RecipeError(f"step {place}: {step.rule}: {error}") from None


def of_sizes(parts: Sequence[Scheme], sizes: Sequence[int]) -> Scheme:
    """The part of that format, in any order of the sizes, turned into the order asked for.

    Raises:
        RecipeError: If no part is of that format.
    """
    for part in parts:
        if sorted(part.target.sizes) == sorted(sizes):
            return ordered(part, sizes)
    held = ", ".join(part.target.short for part in parts)
    raise RecipeError(f"no part of {'x'.join(map(str, sizes))}: parts are {held}")
