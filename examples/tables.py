"""What both commands share: a table that grows line by line, and how a command ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import write
from bilinear.decompositions.errors import BilinearError

WRONG_USAGE, INTERRUPTED = 2, 130


@dataclass
class Table:
    """Rows under fixed columns, printed as they come.

    Attributes:
        columns: Name of each column, and how its figures are written, as in a format string.
        rows: By name of the column; a column that a row lacks stays empty.
    """

    columns: dict[str, str]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def head(self) -> None:
        """Print the names of the columns."""
        print("  ".join(self._placed(name, name) for name in self.columns), flush=True)

    def add(self, **row: Any) -> None:
        """Keep a row and print it."""
        self.rows.append(row)
        cells = (
            self._placed(name, format(row[name], how) if name in row else "") for name, how in self.columns.items()
        )
        print("  ".join(cells).rstrip(), flush=True)

    def _placed(self, name: str, text: str) -> str:
        """Text to the left, figures to the right, in a column as wide as its format says and at least as its name."""
        how = self.columns[name]
        digits = "".join(c for c in how.split(".")[0] if c.isdigit())
        width = max(len(name), int(digits or 0))
        return text.ljust(width) if how.endswith("s") else text.rjust(width)


def finished(run: Callable[[], None], results: Callable[[], Any], path: Path | None) -> int:
    """Run an experiment; write what it found, also if it is interrupted, and return the exit code.

    Args:
        run: Prints as it goes.
        results: What there is to write, when it is over.
        path: A JSON file, or None.
    """
    code = 0
    try:
        run()
    except KeyboardInterrupt:
        print("interrupted; the table holds what was done before", file=sys.stderr)
        code = INTERRUPTED
    except BilinearError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USAGE
    try:
        write(path, results())
    except OSError as error:
        print(f"error: {path}: {error.strerror or error}; choose another file", file=sys.stderr)
        return WRONG_USAGE
    return code
