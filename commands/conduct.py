"""What the commands that search share: their options as an order, and the search with its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from bilinear.commands.common import DONE, INTERRUPTED, NOT_FOUND, WRONG_USE, fail, print_json, print_lines, say

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.decompositions import Verification
    from bilinear.decompositions.scheme import Approximation, Scheme
    from bilinear.decompositions.targets import Target
    from bilinear.discover.engine.order import Order
    from bilinear.discover.search import Result
    from bilinear.discover.standing import Standing


Written = TypeVar("Written")


@dataclass(frozen=True)
class Asked:
    """The options of a command that searches, as texts and numbers.

    Attributes:
        rank: Products wanted.
        ring: The coefficient set; None for the command's own choice.
        solver: The search method.
        seed: Of all randomness.
        budget: Time or steps.
        options: Hyperparameters, each as NAME=VALUE.
        recipe: One of them.
        device: Another one.
        jobs: Processes.
        checkpoint: File for the state.
        resume: Whether to go on from it.
        cluster: Whose workers run the jobs; None for this machine.
    """

    rank: int | None
    ring: str | None
    solver: str
    seed: int
    budget: str
    options: Sequence[str]
    recipe: str | None = None
    device: str | None = None
    jobs: int = 1
    checkpoint: Path | None = None
    resume: bool = False
    cluster: str | None = None

    def order(self, target: Target, starts: Sequence[Scheme | Approximation]) -> Order:
        """The search that is asked for.

        Raises:
            UsageError: If a hyperparameter is not written NAME=VALUE.
            BilinearError: If ring or budget make no sense.
        """
        from bilinear.decompositions.rings import Ring, parse_ring
        from bilinear.discover.engine.budget import parse_budget
        from bilinear.discover.engine.order import Order
        from bilinear.discover.engine.problem import Problem

        ring = Ring.ZT if self.ring is None else parse_ring(self.ring)
        short = {"recipe": self.recipe, "device": self.device}
        return Order(
            Problem(target, self.rank, ring),
            self.solver,
            hyperparameters(self.options) | {name: value for name, value in short.items() if value is not None},
            self.seed,
            parse_budget(self.budget),
            tuple(starts),
            self.jobs,
            self.checkpoint,
            self.resume,
            self.cluster,
        )


def hyperparameters(texts: Sequence[str]) -> dict[str, object]:
    """Those given as NAME=VALUE.

    Raises:
        UsageError: If one is not written so.
    """
    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--option {text[:40]!r}: NAME=VALUE is needed")
        found[name.strip().replace("-", "_")] = value
    return found


@dataclass(frozen=True)
class Conducted:
    """A search that has ended.

    Attributes:
        result: How, and what was kept of it.
        choice: Which solver was chosen and why, as the user was told; empty if the order named it.
        order: With its solver.
        standing: What was known before.
    """

    result: Result
    choice: str
    order: Order
    standing: Standing

    @cached_property
    def proofs(self) -> tuple[Verification, ...]:
        """Both proofs of the scheme that was found, made now; nothing that happened before is believed."""
        from bilinear.decompositions.verify import second_method, verify

        scheme = self.result.scheme
        return () if scheme is None else tuple(verify(scheme, method) for method in ("exact", second_method(scheme)))

    @property
    def is_proved(self) -> bool:
        """Whether there is a scheme, and both proofs hold."""
        return bool(self.proofs) and all(proof.ok for proof in self.proofs)

    def print(self, root: Path, as_json: bool, quiet: bool = False) -> None:
        """The end of the search; `root` is the catalog's folder. Quietly, the entry's id alone, or what was found."""
        from bilinear.commands.words.search import (
            result_as_dict,
            result_as_lines,
            result_in_short,
            result_in_words,
            standing_in_words,
        )

        if as_json:
            print_json(result_as_dict(self.result, self.standing))
        elif quiet:
            print_lines(result_in_short(self.result))
        else:
            say(*result_in_words(self.result, told=self.choice), standing_in_words(self.result, self.standing))
            print_lines(result_as_lines(self.result, root, self.proofs))

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        from bilinear.discover.engine.outcome import Status

        if self.result.outcome.status is Status.INTERRUPTED:
            return INTERRUPTED
        return DONE if self.is_proved else NOT_FOUND

    def close(self, context: click.Context, unsaved: str = "") -> NoReturn:
        """End the command, saying what is wrong or could not be written, after what was found has been printed."""
        if self.result.scheme is not None and not self.is_proved:
            fail(context, "the scheme is wrong: a proof of it fails; it is neither kept nor exported", NOT_FOUND)
        if unsaved or self.result.unsaved:
            fail(context, unsaved or self.result.unsaved, WRONG_USE)
        context.exit(self.exit_code)


def attempted(write: Callable[[], Sequence[Written]]) -> tuple[Sequence[Written], str]:
    """What was written, and why something could not be; what was found is printed all the same."""
    from bilinear.decompositions import BilinearError

    try:
        return write(), ""
    except BilinearError as error:
        return [], str(error)
    except OSError as error:
        return [], f"{error.filename or 'system'}: cannot be written: {error.strerror or error}"


def conduct(
    order: Order,
    catalog: Catalog,
    kept: Catalog | None,
    doing: str,
    metrics: Path | None = None,
    keep_all: bool = False,
    quiet: bool = False,
) -> Conducted:
    """Say where a search begins, what is searched and by which solver, and search.

    Args:
        order: The search.
        catalog: What is known already.
        kept: The catalog that what is found goes to; None to keep nothing.
        doing: What the live table calls it.
        metrics: File for figures.
        keep_all: Keep what was found on the way to the best as well.
        quiet: Say nothing and show no table.

    Raises:
        BilinearError: As `execute`.
    """
    from bilinear.commands.screen import announcement, shown, status_line
    from bilinear.discover.auto import resolve
    from bilinear.discover.engine.run import Hooks
    from bilinear.discover.metrics import recorded
    from bilinear.discover.search import begin, execute
    from bilinear.discover.standing import standing

    with nullcontext() if quiet else status_line("looking at what is known"):
        known = standing(order.problem, catalog)
        begun = begin(order, catalog, kept)
    if not quiet:
        say(begun.words and f"{order.problem.target.short}: {begun.words}")
    if (first := begun.first) is not None and begun.order is None:
        return Conducted(recorded(metrics, order, Hooks(), lambda _: first), "", order, known)
    going_on = begun.order or order
    chosen, choice = resolve(going_on)
    if not quiet:
        say(f"{chosen.searched.short} by {chosen.solver}, seed {chosen.seed}", choice, announcement(chosen.solver))
    with nullcontext(Hooks()) if quiet else shown(doing, Hooks()) as hooks:
        result = recorded(metrics, chosen, hooks, lambda heard: execute(going_on, kept, heard, keep_all))
    return Conducted(begun.joined(result), choice, chosen, known)
