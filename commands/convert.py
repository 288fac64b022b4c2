"""The command `bilinear convert`: a file or folder of weights, whose dense layers become STL layers."""

from __future__ import annotations

import time
from pathlib import Path

import click

from bilinear.commands.common import as_json, print_json, print_lines, say

PAUSE = 2.0
"""Seconds between two words on how far it is."""


@click.command()
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.safetensors|DIR")
@click.option("--config", type=click.Path(path_type=Path), required=True, metavar="FILE", help="JSON of an STLConfig.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR")
@as_json
def convert(model: Path, config: Path, out: Path, as_json: bool) -> None:
    """Convert the matrices and kernels of a file of weights, or of a folder of transformers, to STL layers."""
    from dataclasses import asdict

    from bilinear.layers.convert import convert_file, convert_folder, read_config

    asked, is_folder = read_config(config), model.is_dir()
    written = convert_folder(model, asked, out, on_progress=_Told()) if is_folder else convert_file(model, asked, out)
    if as_json:
        print_json({"folder": str(written.folder), **asdict(written.report)})
        return
    print_lines(list(written.report.lines()))
    how = "import bilinear.layers.huggingface, then from_pretrained" if is_folder else "load it with layers.load_model_"
    say(f"written to {written.folder}; {how}")


class _Told:
    """Says how far it is, every two seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._last > PAUSE:
            self._last = time.monotonic()
            say(f"{done} of {total} tensors")
