"""How a composed scheme is made, as people read it."""

from __future__ import annotations

from bilinear.decompositions.rules.recipe import LEAF, Recipe, Step


def recipe_as_lines(recipe: Recipe) -> list[str]:
    """The last step first, then the steps that it stands on; each by its number, which the others name it by."""
    last = len(recipe.steps) - 1
    lines = [f"{'composed' if place == last else '':<16} {_told(recipe, place)}" for place in range(last, -1, -1)]
    return lines[:1] + ([f"{'in steps':<16} {_told(recipe, last - 1)}", *lines[2:]] if last else [])


def _told(recipe: Recipe, place: int) -> str:
    step = recipe.steps[place]
    if step.rule == LEAF:
        return f"[{place}] {_format(step)}, entry {step.hash[:16]}"
    parts = ", ".join(f"[{part}] {_format(recipe.steps[part])}" for part in step.parts)
    return f"[{place}] {_format(step)}, {step.rule}{' of ' if parts else ''}{parts}"


def _format(step: Step) -> str:
    return f"{'x'.join(map(str, step.sizes))}:{step.rank}"
