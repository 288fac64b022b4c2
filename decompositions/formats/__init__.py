"""Other programs' files: told by their content, read into our conventions, and written in theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from decompositions.registry import Registry

if TYPE_CHECKING:
    from decompositions.formats.border import Border
    from decompositions.formats.draft import Draft, Fault
    from decompositions.formats.source import Format, Source
    from decompositions.scheme import Scheme

FORMATS = Registry(
    "format",
    {
        "alphaevolve": "decompositions.formats.alphaevolve:FORMAT",
        "alphatensor": "decompositions.formats.alphatensor:FORMAT",
        "fast-matmul": "decompositions.formats.fast_matmul:FORMAT",
        "flip-cpd": "decompositions.formats.flip_cpd:FORMAT",
        "flip-cpd-text": "decompositions.formats.flip_cpd_text:FORMAT",
        "linear-forms": "decompositions.formats.linear_forms:FORMAT",
        "lita": "decompositions.formats.lita:FORMAT",
        "maple": "decompositions.formats.maple:FORMAT",
        "mathematica": "decompositions.formats.mathematica:FORMAT",
        "mmc": "decompositions.formats.mmc:FORMAT",
        "perminov-json": "decompositions.formats.perminov_json:FORMAT",
        "perminov-reduced": "decompositions.formats.perminov_reduced:FORMAT",
        "perminov-text": "decompositions.formats.perminov_text:FORMAT",
        "plinopt-slp": "decompositions.formats.plinopt_slp:FORMAT",
        "plinopt-sms": "decompositions.formats.plinopt_sms:FORMAT",
    },
)


def format_named(name: str) -> Format:
    """The registered format of that name.

    Raises:
        UnknownNameError: If there is none.
    """
    return cast("Format", FORMATS.load(name))


def detect(source: Source) -> str:
    """The name of the format that a file is of, told from its content.

    Raises:
        FormatError: If it is of none.
    """
    from decompositions.formats.numbers import FormatError

    found = next((name for name in FORMATS if format_named(name).matches(source)), None)
    if found is None:
        raise FormatError(f"of no known format; known are {', '.join(FORMATS)}")
    return found


def read(source: Source) -> Iterator[Draft | Border | Fault]:
    """The schemes of a file, one after another, not proved yet.

    Raises:
        FormatError: If it is of no known format, or cannot be read.
    """
    yield from format_named(detect(source)).read(source)


def write(scheme: Scheme, name: str, extra: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """The files of a scheme in a format, by what is appended to the name of the first.

    Args:
        scheme: What is written.
        name: Of the format.
        extra: What else is known of it, as the format's own reader gave it.

    Raises:
        UnknownNameError: If there is no such format.
        FormatError: If the format cannot hold the scheme.
    """
    return format_named(name).write(scheme, extra or {})
