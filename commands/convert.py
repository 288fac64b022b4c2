"""The command `bilinear convert`: a file of weights whose linear layers and convolutions become STL layers."""

from __future__ import annotations

from pathlib import Path

import click

from bilinear.commands.common import as_json, print_json, print_lines, say


@click.command()
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.safetensors")
@click.option("--config", type=click.Path(path_type=Path), required=True, metavar="FILE", help="JSON of an STLConfig.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR")
@as_json
def convert(model: Path, config: Path, out: Path, as_json: bool) -> None:
    """Convert the matrices and kernels of a file of weights to STL layers."""
    from dataclasses import asdict

    from bilinear.layers.convert import convert_file, read_config

    written = convert_file(model, read_config(config), out)
    if as_json:
        print_json({"folder": str(written.folder), **asdict(written.report)})
    else:
        print_lines(list(written.report.lines()))
        say(f"written to {written.folder}; load it with layers.load_model_")
