"""The command that tells how a scheme amplifies rounding errors, and finds a basis in which it does so less."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import click

from bilinear.commands import values
from bilinear.commands.common import as_json, print_json, print_lines, say, tell, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog
    from bilinear.decompositions import Scheme
    from bilinear.layers.fast_matmul.table import MeasuredError


@click.command()
@click.argument("query", metavar="ID|FILE", shell_complete=values.entries)
@click.option("--levels", type=click.IntRange(1, 6), default=2, show_default=True, help="Most levels of recursion.")
@click.option("--size", type=click.IntRange(1, 16384), default=512, show_default=True, help="Of the square factors.")
@click.option("--calm", is_flag=True, help="Search a change of basis with a lower growth factor.")
@click.option(
    "--largest", type=click.IntRange(1, 1 << 40), default=1 << 11, show_default=True, help="Coefficient, with --calm."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--save/--no-save", default=True, show_default=True, help="Keep the scheme in the new basis.")
@as_json
@with_catalog
def accuracy(
    query: str, levels: int, size: int, calm: bool, largest: int, seed: int, save: bool, as_json: bool, catalog: Catalog
) -> None:
    """Growth factors of a scheme, and its measured errors in four formats of floats.

    Of a filter (correlation:MxR) those of a convolution, along a line and along both axes of an image.
    """
    from bilinear.commands.words.accuracy import accuracy_as_lines
    from bilinear.decompositions.stability import growth, lower_growth
    from bilinear.discover.growth import STARTS, keep_lower

    served = catalog.scheme(query)
    say(served.note)
    scheme, added, infimum = served.value, None, None
    if calm:
        began = time.process_time()
        found = lower_growth(scheme, STARTS, seed, largest)
        added = keep_lower(catalog, scheme, found, seed, largest, time.process_time() - began) if save else None
        scheme, infimum = found.scheme, found.infimum
    before, after = growth(served.value), growth(scheme)
    errors = _measured(scheme, levels, size, seed)
    if as_json:
        found_again = {"target": scheme.target.name, "rank": scheme.rank, "ring": str(scheme.ring)}
        growths = {"growth": dataclasses.asdict(after), "growth_before": dataclasses.asdict(before)}
        rows = [dataclasses.asdict(row) for row in errors]
        print_json(found_again | growths | {"infimum": infimum, "id": added.id if added else None, "errors": rows})
        return
    print_lines(accuracy_as_lines(scheme, before, after, infimum, errors))
    if added is not None:
        tell(f"{added.status}: {added.id} ({catalog.root})")


def _measured(scheme: Scheme, levels: int, size: int, seed: int) -> list[MeasuredError]:
    """Of products of matrices, or of convolutions where the scheme is a filter's."""
    from bilinear.decompositions.evaluation.filtering import FAMILY
    from bilinear.layers.fast_matmul import table as of_products
    from bilinear.layers.winograd import table as of_filters

    if scheme.target.family == FAMILY:
        return of_filters.measured_errors(scheme, levels, size, seed)
    return of_products.measured_errors(scheme, levels, size, seed)
