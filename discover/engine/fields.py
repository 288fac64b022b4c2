"""States of solvers as a JSON header and arrays, and back: every field is of the type that its dataclass states."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.targets import Target
from bilinear.discover.engine.problem import Problem

KEPT = "kept"
MOST = 1 << 63
"""No number of a state is as large."""
MOST_COUNTED = 1 << 62
"""Nor is anything that is counted: one more must not overflow."""


class OtherProblemError(Exception):
    """A state of another problem; the text names that problem."""


class Kept(typing.NamedTuple):
    """The form in which a checkpoint holds a field.

    Attributes:
        form: A dataclass of arrays, numbers and texts.
        to_form: From the field's value.
        from_form: Back; it raises a ValueError for what no search can have left.
    """

    form: type[Any]
    to_form: Callable[[Any], Any]
    from_form: Callable[[Any], Any]


def kept_as(form: type[Any], to_form: Callable[[Any], Any], from_form: Callable[[Any], Any]) -> Mapping[str, Kept]:
    """Metadata of a field that a checkpoint holds in another form."""
    return {KEPT: Kept(form, to_form, from_form)}


def sound(condition: object, text: str) -> None:
    """Refuse what no search can have left.

    Raises:
        ValueError: With that text, if the condition is false.
    """
    if not condition:
        raise ValueError(text)


def packed(state: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The fields of a state: arrays go to `arrays`, numbers too large for them as texts; the rest is returned."""
    header: dict[str, Any] = {}
    for field in dataclasses.fields(state):
        value, name = getattr(state, field.name), f"{prefix}.{field.name}"
        if KEPT in field.metadata:
            value = field.metadata[KEPT].to_form(value)
        if isinstance(value, np.ndarray):
            arrays[name] = value.astype(str) if value.dtype == object else value
        elif isinstance(value, Problem):
            header[field.name] = packed_problem(value)
        elif dataclasses.is_dataclass(value):
            header[field.name] = packed(value, name, arrays)
        else:
            header[field.name] = value.item() if isinstance(value, np.generic) else value
    return header


def unpacked(kind: type[Any], header: object, prefix: str, arrays: Mapping[str, NDArray[Any]], problem: Problem) -> Any:
    """Undo `packed`.

    Args:
        kind: Dataclass of the state.
        header: What `packed` returned.
        prefix: As given to `packed`.
        arrays: That it filled.
        problem: What is searched for; a state of another problem is refused.

    Raises:
        KeyError: If a field is missing.
        ValueError: If one is of another type.
        OtherProblemError: If the state is of another problem.
    """
    sound(isinstance(header, dict), f"{prefix} is no object")
    held, values = typing.cast("dict[str, Any]", header), {}
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        name, kept = f"{prefix}.{field.name}", field.metadata.get(KEPT)
        hint = hints[field.name] if kept is None else kept.form
        if np.ndarray in (hint, typing.get_origin(hint)):
            value: Any = _array(hint, name, arrays)
        elif hint is Problem:
            _require_problem(held[field.name], problem)
            value = problem
        else:
            value = _value(hint, held[field.name], name, arrays, problem)
        values[field.name] = value if kept is None else kept.from_form(value)
    return kind(**values)


def integers(texts: NDArray[Any]) -> NDArray[Any]:
    """Numbers of any size that were written as texts.

    Raises:
        ValueError: If one is no number.
    """
    numbers = np.empty(texts.size, dtype=object)
    numbers[:] = [int(text) for text in texts.ravel().tolist()]
    return numbers.reshape(texts.shape)


def packed_target(target: Target) -> dict[str, Any]:
    """The name; for a file's tensor also its entries, since the file may be gone."""
    if target.family != "file":
        return {"target": target.name}
    return {
        "target": target.name,
        "shape": list(target.shape),
        "indices": target.indices.tolist(),
        "values": target.values.tolist(),
    }


def packed_problem(problem: Problem) -> dict[str, Any]:
    """A problem for the header."""
    return {"rank": problem.rank, "ring": str(problem.ring), **packed_target(problem.target)}


def is_target(header: Mapping[str, Any], target: Target) -> bool:
    """Whether a header is that of `packed_target`, of this target; a file's tensor may have had another name."""
    asked = packed_target(target)
    skipped = {"target"} if "shape" in asked else set()
    return all(key in header and header[key] == value for key, value in asked.items() if key not in skipped)


def _require_problem(header: object, problem: Problem) -> None:
    sound(isinstance(header, dict), "its problem is no object")
    held = typing.cast("dict[str, Any]", header)
    if not is_target(held, problem.target) or (held["rank"], held["ring"]) != (problem.rank, str(problem.ring)):
        rank = "" if held["rank"] is None else f":{held['rank']}"
        raise OtherProblemError(f"{str(held['target']).removeprefix('matmul:')}{rank} over {held['ring']}")


def _array(hint: Any, name: str, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """An array of the numbers that a hint states; of any numbers if it is `np.ndarray` alone."""
    value = arrays[name]
    scalar = Any if hint is np.ndarray else typing.get_args(typing.get_args(hint)[1])[0]
    if scalar is Any and value.dtype.kind == "U":
        return integers(value)
    sound(value.dtype.kind in "biufc" if scalar is Any else value.dtype == scalar, f"{name} is of {value.dtype}")
    return value


def _value(hint: Any, value: Any, name: str, arrays: Mapping[str, NDArray[Any]], problem: Problem) -> Any:
    """A number, a text, or a state within the state; none of them where the hint allows it."""
    allowed = typing.get_args(hint) or (hint,)
    if value is None and type(None) in allowed:
        return None
    inner = next((one for one in allowed if dataclasses.is_dataclass(one)), None)
    if inner is not None:
        return unpacked(typing.cast("type[Any]", inner), value, name, arrays, problem)
    if float in allowed and type(value) in (int, float):
        sound((value == value and abs(value) < MOST) or value == float("inf"), f"{name} is {value}")
        return float(value)
    sound(type(value) in allowed, f"{name} is {str(value)[:40]!r}")
    sound(type(value) is not int or -MOST <= value < MOST, f"{name} is too large")
    return value
