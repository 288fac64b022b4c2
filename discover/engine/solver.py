"""The solver protocol, and how a solver is made from its name and options."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from bilinear.decompositions.errors import BilinearError, PluginError
from bilinear.decompositions.registry import Registry
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.engine.problem import Problem


class OptionError(BilinearError):
    """A solver option that does not exist or has another type."""


class State(Protocol):
    """A search in between two slices: a dataclass of arrays, numbers, texts and the problem, nothing else.

    Attributes:
        problem: What is searched for.
        steps: Steps done so far.
        exhausted: Whether no move is left.
    """

    problem: Problem
    steps: int
    exhausted: bool

    def metrics(self) -> dict[str, float | int | str]:
        """Figures for the progress line."""
        ...


class Solver(Protocol):
    """A search method: a frozen dataclass of its hyperparameters.

    Attributes:
        state_type: The dataclass of its states, for checkpoints.
    """

    state_type: ClassVar[type[Any]]

    def start(self, problem: Problem, rng: np.random.Generator, starts: Sequence[Scheme | Approximation] = ()) -> Any:
        """The state before the first step.

        Raises:
            ProblemError: If this method cannot take the problem; the text says why.
        """
        ...

    def advance(self, state: Any) -> Any:
        """One slice: a number of steps fixed by the problem, about a second of work."""
        ...

    def candidates(self, state: Any) -> Iterator[Scheme | Approximation]:
        """What the state holds now, each with the target that it claims."""
        ...


@runtime_checkable
class Checking(Protocol):
    """What a solver has besides, so that it goes on from no state of a file that it cannot have left itself.

    Before it is asked, every field is of the type that the state's dataclass states, and the problem is the one asked.
    """

    def check(self, state: Any) -> None:
        """Look at the sizes of arrays, the bounds of numbers, and whether schemes are of what they claim.

        Raises:
            ValueError: If the state cannot be of this solver; the text says why.
        """
        ...


@runtime_checkable
class Sharing(Protocol):
    """What a solver has besides, if several jobs of it help one another; the others search each for itself.

    Both functions depend on their arguments alone, so that the same jobs come to the same result again.

    Attributes:
        barrier_steps: Steps of each job between two exchanges.
    """

    barrier_steps: ClassVar[int]

    def share(self, state: Any) -> Sequence[Scheme]:
        """What others may go on from: a few schemes over the ring walked on, each with the target that it claims."""
        ...

    def accept(self, state: Any, schemes: Sequence[Scheme], rng: np.random.Generator) -> Any:
        """The state with those schemes of others taken in that this search has a use for."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """What a state has besides, if there is more to say at the end of the search than its figures."""

    def remarks(self) -> list[str]:
        """What the user should know, one sentence each."""
        ...


SOLVERS = Registry(
    "solver",
    {
        "als": "bilinear.discover.solvers.als:AlternatingLeastSquares",
        "composition": "bilinear.discover.solvers.composition:Composition",
        "construction": "bilinear.discover.solvers.construction:Construction",
        "evaluation": "bilinear.discover.solvers.evaluation:Evaluation",
        "flip-graph": "bilinear.discover.solvers.flip_graph.growing:FlipGraph",
        "flip-pool": "bilinear.discover.solvers.flip_graph.descent:FlipPool",
        "meta": "bilinear.discover.solvers.flip_graph.meta:Meta",
        "portfolio": "bilinear.discover.solvers.flip_graph.portfolio:Portfolio",
        "symmetric": "bilinear.discover.solvers.flip_graph.symmetric:Symmetric",
        "ternary-sgd": "bilinear.discover.solvers.ternary_sgd:TernarySgd",
    },
    group="bilinear.solvers",
    is_open=True,
)


LARGEST_OPTION: dict[type, float] = {bool: 1, int: 10**18, float: 1e30}
"""Of a hyperparameter, in magnitude: float32 ends at 3e38, int64 at 9e18."""


def solver_type(name: str) -> type[Any]:
    """The class of a solver.

    Raises:
        UnknownNameError: If there is no such solver.
        PluginError: If it is another package's, and cannot be loaded or has not what a solver needs.
    """
    kind: Any = SOLVERS.load(name)
    fault = ""
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        fault = f"{kind!r:.60} is no dataclass"
    elif missing := [part for part in ("state_type", "start", "advance", "candidates") if not hasattr(kind, part)]:
        fault = f"no {missing[0]}"
    elif bare := [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]:
        fault = f"option {bare[0]} has no default"
    if fault:
        need = "a frozen dataclass is needed, with start, advance, candidates, state_type, and defaults for all options"
        raise PluginError(f"solver {SOLVERS.name_of(name)!r}: {fault}; {need}")
    return typing.cast("type[Any]", kind)


def make_solver(name: str, options: Mapping[str, object] | None = None) -> Solver:
    """The registered solver with the options given, the rest at their defaults.

    Args:
        name: A name of the registry, or "module:Class".
        options: Values by hyperparameter; texts are read as the hyperparameter's type.

    Raises:
        UnknownNameError: If there is no such solver.
        PluginError: As `solver_type`.
        OptionError: If it has no such hyperparameter, or the value does not fit.
    """
    kind = solver_type(name)
    hints = typing.get_type_hints(kind)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    values = {}
    for key, value in (options or {}).items():
        option = key.strip().replace("-", "_")
        if option not in fields:
            known = ", ".join(fields) or "none"
            raise OptionError(f"solver {name!r} has no option {key[:40]!r}; known options: {known}")
        values[option] = _converted(name, option, value, fields[option])
    try:
        return typing.cast("Solver", kind(**values))
    except ValueError as error:
        raise OptionError(f"solver {name!r}: {error}") from error


def takes_any_format(solver: Solver) -> bool:
    """Whether starts of other formats go to the solver as they are, instead of being extended or cut to the target."""
    return bool(getattr(solver, "any_format", False))


def approximates(solver: Solver) -> bool:
    """Whether the solver searches the nearest approximations, for which no rank is too low."""
    return bool(getattr(solver, "approximate", False))


def parameters(solver: Solver) -> dict[str, Any]:
    """The hyperparameters that differ from their defaults, by name."""
    fields = dataclasses.fields(typing.cast("Any", solver))
    values = {field.name: getattr(solver, field.name) for field in fields}
    return {field.name: values[field.name] for field in fields if values[field.name] != field.default}


def _converted(solver: str, option: str, value: object, hint: Any) -> object:
    """A value of the hyperparameter's type, numbers within bounds that no arithmetic of a solver overflows at."""
    found = _typed(solver, option, value, hint)
    if isinstance(found, int | float) and not abs(found) <= LARGEST_OPTION[type(found)]:
        most = LARGEST_OPTION[type(found)]
        raise OptionError(f"solver {solver!r}: option {option} is {str(value)[:40]!r}; at most {most:.0e} is held")
    return found


def _typed(solver: str, option: str, value: object, hint: Any) -> object:
    """A value of the hyperparameter's type; texts are parsed."""
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        if type(None) in allowed:
            return None
    elif isinstance(value, str):
        for kind in allowed:
            if kind in _PARSERS:
                try:
                    return _PARSERS[kind](value)
                except ValueError:
                    continue
    elif any(isinstance(value, kind) and isinstance(value, bool) == (kind is bool) for kind in allowed):
        return value
    elif float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    names = " or ".join(getattr(kind, "__name__", str(kind)) for kind in allowed)
    raise OptionError(f"solver {solver!r}: option {option} is {str(value)[:40]!r}; {names} is needed")


def _truth(text: str) -> bool:
    if text.lower() in ("true", "yes", "1"):
        return True
    if text.lower() in ("false", "no", "0"):
        return False
    raise ValueError(text)


_PARSERS: dict[Any, Any] = {bool: _truth, int: int, float: float, str: str}
