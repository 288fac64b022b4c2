"""The commands of `bilinear export`: layers and proofs made from an entry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bilinear.commands import values
from bilinear.commands.common import say, tell, with_catalog

if TYPE_CHECKING:
    from bilinear.catalog.serving import Library

MODULE = re.compile(r"[A-Za-z][A-Za-z0-9_]*\.v")
"""What `coqc` takes as the name of a file."""


@click.group()
def export() -> None:
    """Write layers and proofs made from an entry."""


@export.command("layer")
@click.argument("query", metavar="ID|FILE|FORMAT", shell_complete=values.entries)
@click.option("--in-features", type=int, required=True)
@click.option("--out-features", type=int, required=True)
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Dense weight: .safetensors or .npy.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR")
@with_catalog
def export_layer(query: str, catalog: Library, out: Path, **sizes: Any) -> None:
    """Write an STL layer made from an entry as safetensors and config.json."""
    from bilinear.commands.screen import composing

    with composing(catalog):
        served = catalog.factors(query)
    write_layer(served.value, out, served.id, **sizes)


def write_layer(
    scheme: Any,
    out: Path,
    entry: str | None,
    in_features: int = 64,
    out_features: int = 64,
    weights: Path | None = None,
) -> None:
    """Write an STL layer of `scheme` into `out`, and print how close it is to the dense layer."""
    from bilinear.layers import compare_with_linear
    from bilinear.layers import export_layer as exported

    written = exported(scheme, in_features, out_features, out, weights, entry)
    tell(f"STL layer {in_features} -> {out_features} in {out}: {compare_with_linear(written.layer, written.linear)}")


@export.command()
@click.argument("query", metavar="ID|FILE|FORMAT", shell_complete=values.entries)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Instead of standard output.")
@with_catalog
def checker(query: str, out: Path | None, catalog: Library) -> None:
    """Write one Python file, standard library only, that holds a scheme and proves it."""
    from bilinear.commands.screen import composing
    from bilinear.decompositions.checker import checker_source
    from bilinear.decompositions.files import write_atomic

    with composing(catalog):
        source = checker_source(catalog.scheme(query).value)
    if out is None:
        click.echo(source, nl=False)
    else:
        write_atomic(out, source.encode())
        tell(f"{out}: run it with python3 {out}", err=True)


@export.command()
@click.argument("query", metavar="ID|FILE|FORMAT", shell_complete=values.entries)
@click.option("--program", "of_program", is_flag=True, help="Prove the steps of its straight-line program.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Instead of standard output.")
@with_catalog
def coq(query: str, of_program: bool, out: Path | None, catalog: Library) -> None:
    """Write a file that states a scheme's identity over every ring and proves it, for Coq to check."""
    from bilinear.commands.export_code import sharing
    from bilinear.commands.screen import composing
    from bilinear.decompositions.coq import coq_source
    from bilinear.decompositions.files import write_atomic

    if out is not None and not MODULE.fullmatch(out.name):
        raise click.BadParameter(
            f"{out.name}: coqc takes letters, digits and _ before .v; try proof.v", param_hint="--out"
        )
    with composing(catalog):
        served = catalog.scheme(query)
    say(served.note)
    source = coq_source(served.value, sharing(catalog, served.value) if of_program else None)
    if out is None:
        click.echo(source, nl=False)
    else:
        write_atomic(out, source.encode())
        tell(f"{out}: check it with coqc {out}", err=True)
