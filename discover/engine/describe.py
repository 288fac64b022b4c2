"""What a solver is for, its options and its source, read from its own text: the docstring is the only description."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from dataclasses import dataclass
from typing import Any

from bilinear.discover.engine.solver import SOLVERS, solver_type

SECTION = re.compile(r"^(Attributes|Source|Args|Returns|Raises):$", re.MULTILINE)
ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Option:
    """A hyperparameter.

    Attributes:
        name: As `--option` takes it.
        kind: Its type, in words of Python.
        default: As it is written.
        purpose: What it does.
    """

    name: str
    kind: str
    default: str
    purpose: str


@dataclass(frozen=True)
class Description:
    """A solver as its own text describes it.

    Attributes:
        name: In the registry.
        purpose: One sentence.
        details: What else is said, empty if nothing.
        source: Whence the method comes; empty if that is not said.
        options: In the order in which they are declared.
    """

    name: str
    purpose: str
    details: str
    source: str
    options: tuple[Option, ...]


def describe(name: str) -> Description:
    """The description of a registered solver.

    Raises:
        UnknownNameError: If there is no such solver.
        PluginError: If it is another package's, and cannot be loaded or has not what a solver needs.
    """
    kind = solver_type(name)
    about, hints, purposes = _sections(kind), typing.get_type_hints(kind), _purposes(kind)
    purpose, _, details = about[""].partition("\n\n")
    options = tuple(
        Option(field.name, _kind(hints[field.name]), _written(field), purposes.get(field.name, ""))
        for field in dataclasses.fields(kind)
    )
    return Description(
        SOLVERS.name_of(name), _one_line(purpose), _one_line(details), _one_line(about.get("Source", "")), options
    )


def _sections(kind: type) -> dict[str, str]:
    """A docstring by its sections; what stands before the first has no name."""
    first, *rest = SECTION.split(inspect.cleandoc(kind.__doc__ or ""))
    return {"": first} | dict(zip(rest[::2], rest[1::2], strict=True))


def _purposes(kind: type) -> dict[str, str]:
    """What every attribute is said to do; a class's own words go before those of its bases."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        text = _sections(base).get("Attributes", "") if dataclasses.is_dataclass(base) else ""
        found |= {name: _one_line(words) for name, words in ATTRIBUTE.findall(text)}
    return found


def _kind(hint: Any) -> str:
    """`int`, `float or None`."""
    parts = typing.get_args(hint) or (hint,)
    return " or ".join("none" if part is type(None) else getattr(part, "__name__", str(part)) for part in parts)


def _written(field: dataclasses.Field[Any]) -> str:
    default = field.default
    if isinstance(default, bool) or default is None:
        return str(default).lower()
    return str(default) or "(empty)"


def _one_line(text: str) -> str:
    return " ".join(text.split())
