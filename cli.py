"""The command `bilinear`: the list of its commands, which live in `commands`.

Data goes to stdout, words go to stderr. Exit codes: 0 done, 1 not found or not valid, 2 wrong usage or input,
130 interrupted.
"""

import os

import click

from bilinear.commands.accuracy import accuracy
from bilinear.commands.approximate import approximate, seeds
from bilinear.commands.atlas import atlas
from bilinear.commands.bound import bound
from bilinear.commands.campaign import campaign
from bilinear.commands.catalog import catalog_group
from bilinear.commands.common import CommandLine
from bilinear.commands.completion import completion
from bilinear.commands.convert import convert
from bilinear.commands.export import export
from bilinear.commands.export_code import code
from bilinear.commands.importing import export_scheme, import_command
from bilinear.commands.lift import lift
from bilinear.commands.lists import formats, solvers, targets
from bilinear.commands.manual import help_command
from bilinear.commands.optimize import optimize
from bilinear.commands.page import page
from bilinear.commands.reduce import reduce
from bilinear.commands.refine import refine
from bilinear.commands.search import plot, search
from bilinear.commands.show import show, verify
from bilinear.commands.transform import transform

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices, and one search a process: threads only wait


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bilinear", prog_name="bilinear")
def main() -> None:
    """Discover fast bilinear algorithms, prove them, keep them and put them to work."""


for command in (
    search,
    plot,
    verify,
    show,
    campaign,
    optimize,
    bound,
    accuracy,
    atlas,
    catalog_group,
    import_command,
    export,
    convert,
    transform,
    page,
):
    main.add_command(command)
for command in (
    lift,
    refine,
    reduce,
    approximate,
    seeds,
    solvers,
    targets,
    formats,
    completion,
    help_command,
):
    main.add_command(command)
export.add_command(export_scheme)
export.add_command(code)


if __name__ == "__main__":
    main()
