"""Other programs' files: told by their content, read into our conventions, and written in theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bilinear.decompositions.errors import PluginError
from bilinear.decompositions.registry import Registry

if TYPE_CHECKING:
    from bilinear.decompositions.formats.border import Border
    from bilinear.decompositions.formats.draft import Draft, Fault
    from bilinear.decompositions.formats.source import Format, Source
    from bilinear.decompositions.scheme import Scheme

FORMATS = Registry(
    "format",
    {
        "alphaevolve": "bilinear.decompositions.formats.alphaevolve:FORMAT",
        "alphatensor": "bilinear.decompositions.formats.alphatensor:FORMAT",
        "fast-matmul": "bilinear.decompositions.formats.fast_matmul:FORMAT",
        "flip-cpd": "bilinear.decompositions.formats.flip_cpd:FORMAT",
        "flip-cpd-text": "bilinear.decompositions.formats.flip_cpd_text:FORMAT",
        "linear-forms": "bilinear.decompositions.formats.linear_forms:FORMAT",
        "lita": "bilinear.decompositions.formats.lita:FORMAT",
        "maple": "bilinear.decompositions.formats.maple:FORMAT",
        "mathematica": "bilinear.decompositions.formats.mathematica:FORMAT",
        "mmc": "bilinear.decompositions.formats.mmc:FORMAT",
        "npz": "bilinear.decompositions.formats.npz:FORMAT",
        "perminov-json": "bilinear.decompositions.formats.perminov_json:FORMAT",
        "perminov-reduced": "bilinear.decompositions.formats.perminov_reduced:FORMAT",
        "perminov-text": "bilinear.decompositions.formats.perminov_text:FORMAT",
        "plinopt-slp": "bilinear.decompositions.formats.plinopt_slp:FORMAT",
        "plinopt-sms": "bilinear.decompositions.formats.plinopt_sms:FORMAT",
    },
    group="bilinear.formats",
)


LARGEST_MODULUS = 3
"""Of residues that files of other programs hold."""


def format_named(name: str) -> Format:
    """The registered format of that name.

    Raises:
        UnknownNameError: If there is none.
        PluginError: If it is another package's, and is no format.
    """
    from bilinear.decompositions.formats.source import Format

    found = FORMATS.load(name)
    if not isinstance(found, Format):
        raise PluginError(f"format {name!r}: {found!r:.60}; a Format is needed, its package is at fault")
    return found


def detect(source: Source) -> str:
    """The name of the format that a file is of, told from its content.

    Raises:
        FormatError: If it is of none.
    """
    from bilinear.decompositions.formats.numbers import FormatError

    found = next((name for name, one in FORMATS.each(format_named) if one.matches(source)), None)
    if found is None:
        raise FormatError(f"of no known format; known are {', '.join(FORMATS)}")
    return found


def read(source: Source, name: str | None = None) -> Iterator[Draft | Border | Fault]:
    """The schemes of a file, one after another, not proved yet.

    Args:
        source: The file.
        name: Of its format; told from its content if None.

    Raises:
        UnknownNameError: If there is no such format.
        FormatError: If it is of no known format, or cannot be read.
    """
    yield from format_named(name or detect(source)).read(source)


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
    if scheme.ring.characteristic > LARGEST_MODULUS:
        from bilinear.decompositions.formats.numbers import FormatError

        raise FormatError(f"{scheme.target.short} over {scheme.ring}: these files hold residues modulo 2 and 3 only")
    return format_named(name).write(scheme, extra or {})
