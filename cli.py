"""The command `bilinear`: the list of its commands, which live in `commands`.

Data goes to stdout, words go to stderr. Exit codes: 0 done, 1 not found or not valid, 2 wrong usage or input,
130 interrupted.
"""

import click

from commands.catalog import catalog_group
from commands.common import CommandLine
from commands.export import export
from commands.search import plot, search
from commands.show import show, verify


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bilinear", prog_name="bilinear")
def main() -> None:
    """Discover fast bilinear algorithms, prove them, keep them and put them to work."""


for command in (search, plot, verify, show, catalog_group, export):
    main.add_command(command)


if __name__ == "__main__":
    main()
