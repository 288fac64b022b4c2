"""Text blocks of Benson and Ballard, and of Martensson and Wagner: U, V, W split by `#`, a row an entry of them.

Source: github.com/arbenson/fast-matmul (`codegen/algorithms`), github.com/werekorren/fmm_add_reduction. Columns are
products, C is not transposed. After `# Substitution information` stand sums that were taken out: a block each for U and
V, whose further rows they are, and for W, whose further columns they are. Approximate algorithms are written in a
symbol, any letter but i: x, xi = 1/x, x2 = x^2, x2i = 1/x^2, -2x2 = -2 x^2, 1/50x = x/50.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from bilinear.decompositions.formats.border import Border
from bilinear.decompositions.formats.draft import Draft, shaped
from bilinear.decompositions.formats.expressions import NUMBER, Laurent, constant, evaluate
from bilinear.decompositions.formats.numbers import (
    FormatError,
    Gaussian,
    from_tokens,
    narrowed,
    number,
    require_rectangular,
)
from bilinear.decompositions.formats.programs import Budget, Form, as_factor, combined, transposed_forms
from bilinear.decompositions.formats.source import Format, Source, fractions, sizes
from bilinear.decompositions.scheme import Scheme

SUBSTITUTIONS = "substitution information"
MAX_POWER = 99
NAME = "fast-matmul"
MAX_ENTRY = 400
"""Characters of the longest polynomial; one of as many needs milliseconds."""

_ATOM = re.compile(rf"[a-hj-z](?:i?[0-9]{{0,2}}|[0-9]{{1,2}}i)(?![a-z0-9])|{NUMBER}")
_LINE = re.compile(r"[-+0-9a-z.^/()*\s]+")
_SYMBOL = re.compile(r"(?<![0-9.])[a-hj-z]|(?<=[0-9.])[a-df-hj-z]")
"""A letter that is no power of ten: `e` alone, `x` after a number; 2e5 is a number where e stands nowhere alone."""

_PLAIN = re.compile(r"[-+]?(?:[0-9]+(?:/[-+]?[0-9]+)?|(?:[0-9]+\.?[0-9]{0,400}|\.[0-9]+)(?:e[-+]?[0-9]+)?)")
_MONOMIAL = re.compile(r"([-+]?)([0-9]{1,18}(?:/[1-9][0-9]{0,17})?)?(?:\*?([a-hj-z](?:i?[0-9]{0,2}|[0-9]{1,2}i)))?")
_LETTERS = frozenset("abcdefghjklmnopqrstuvwxyz")

Block = list[list[str]]


def matches(source: Source) -> bool:
    """Lines of numbers, and a line with nothing but `#`."""
    if "#" not in source.head:
        return False
    lines = [line.strip() for line in source.head.split("\n")][:-1] or [source.head.strip()]
    told = [line for line in lines if line and not line.startswith("#")]
    if "#" not in lines or not told or not all(map(_LINE.fullmatch, told)):
        return False
    letters = set("".join(told)) & _LETTERS
    numbers = len(letters - {"e"}) <= 1 and any(c.isalnum() for c in told[0])
    return numbers and (lines.count("#") > 1 or len(told[0].split()) > 1)


def read(source: Source) -> Iterator[Draft | Border]:
    """The one scheme of the file, its substitutions written out; a border one if the symbol occurs.

    Raises:
        FormatError: Also for an approximate algorithm with substitutions.
    """
    blocks, taken_out = _blocks(source)
    texts = {text for block in (*blocks, *taken_out) for row in block for text in row}
    symbol = _symbol(texts)
    if not taken_out and not symbol and all(map(_PLAIN.fullmatch, texts)):
        yield _plain(source, blocks)
        return
    known = _Entries(symbol)
    tables = [_table(block, name, known) for block, name in zip(blocks, "UVW", strict=True)]
    if symbol:
        yield _border(tables, bool(taken_out))
        return
    budget = Budget()
    u, v, w = ([[x.constant or Fraction(0) for x in row] for row in table] for table in tables)
    sums = [_sums(block, name, known) for block, name in zip([*taken_out, [], [], []], "UVW", strict=False)]
    rank = len(u[0])
    left, right = (_products(rows, part, budget) for rows, part in ((u, sums[0]), (v, sums[1])))
    outputs = _outputs(w, sums[2], rank, budget)
    shape = len(u) - len(sums[0]), len(v) - len(sums[1]), len(w)
    if len(v[0]) != rank or len(w[0]) != rank + len(sums[2]):
        raise FormatError(f"{rank}, {len(v[0])} and {len(w[0])} columns; equally many products are needed")
    third = as_factor(transposed_forms(outputs, rank), len(w))
    factors = as_factor(left, shape[0]), as_factor(right, shape[1]), third
    yield Draft(shaped(*shape), *factors, source.whole, claimed_rank=source.named_rank)


def _plain(source: Source, blocks: list[Block]) -> Draft:
    """Three tables of numbers."""
    factors = []
    for block, name in zip(blocks, "UVW", strict=True):
        try:
            require_rectangular(block)
            factors.append(from_tokens([text for column in zip(*block, strict=True) for text in column], len(block[0])))
        except FormatError as error:
            raise FormatError(f"block {name}: {error}") from None
    u, v, w = factors
    return Draft(shaped(u.width, v.width, w.width), u, v, w, source.whole, claimed_rank=source.named_rank)


def _blocks(source: Source) -> tuple[list[Block], list[Block]]:
    """The three blocks, and those of the substitutions, which may be empty."""
    blocks: list[Block] = [[]]
    taken_out: list[Block] = []
    current = blocks
    for _, line in source.lines():
        if not line.startswith("#"):
            current[-1].append(line.split())
        elif SUBSTITUTIONS in line.lower():
            current = taken_out
            current.append([])
        elif current is taken_out or current[-1]:
            current.append([])
    blocks = [block for block in blocks if block]
    if len(blocks) != 3:
        raise FormatError(f"{len(blocks)} blocks of numbers; three, split by #, are needed")
    if len(taken_out) > 3:
        raise FormatError(f"{len(taken_out)} blocks of substitutions; at most three are needed")
    return blocks, taken_out


def _symbol(texts: Iterable[str]) -> str:
    """The letter in which an approximate algorithm is written; empty if there is none.

    Raises:
        FormatError: If there are several.
    """
    found = {match for text in texts if not text.isdecimal() for match in _SYMBOL.findall(text)}
    if len(found) > 1:
        raise FormatError(f"the symbols {', '.join(sorted(found)[:5])}; an approximate algorithm has one")
    return "".join(found)


class _Entries:
    """Entries evaluated, each text once."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._known: dict[str, Laurent] = {}

    def row(self, texts: list[str], name: str) -> list[Laurent]:
        """The values of some entries; `name` is the block's.

        Raises:
            FormatError: If one is neither a number nor a polynomial in the symbol and its inverse.
        """
        for text in texts:
            if text not in self._known:
                try:
                    self._known[text] = self._value(text)
                except FormatError as error:
                    raise FormatError(f"block {name}: {text[:40]!r}: {error}") from None
        return [self._known[text] for text in texts]

    def _value(self, text: str) -> Laurent:
        monomial = _MONOMIAL.fullmatch(text)
        if monomial is not None and (monomial[2] or monomial[3]) and "*" not in (text[:1], text[-1:]):
            size = Fraction(monomial[1] + (monomial[2] or "1"))
            return Laurent({_power(monomial[3]) if monomial[3] else 0: size})
        if not self._symbol and _PLAIN.fullmatch(text):
            value = number(text)
            assert not isinstance(value, Gaussian), "the pattern has no imaginary part"
            return Laurent({0: Fraction(value)})
        if len(text) > MAX_ENTRY:
            raise FormatError(f"a polynomial of {len(text)} characters; at most {MAX_ENTRY} are read")
        found = evaluate(text, _ATOM, _leaf, implicit=True)
        assert isinstance(found, Laurent)
        return found


def _leaf(text: str) -> Laurent:
    return Laurent({_power(text): Fraction(1)}) if text[0].isalpha() else Laurent({0: constant(text)})


def _power(text: str) -> int:
    """The exponent in `x`, `xi`, `x2`, `xi2` and `x2i`."""
    power = int(text[1:].strip("i") or 1)
    return -power if "i" in text else power


def _table(block: Block, name: str, known: _Entries) -> list[list[Laurent]]:
    """The entries of a block."""
    try:
        require_rectangular(block)
    except FormatError as error:
        raise FormatError(f"block {name}: {error}") from None
    return [known.row(row, name) for row in block]


def _sums(block: Block, name: str, known: _Entries) -> list[list[Fraction]]:
    """Rows of a substitution block, which may grow with the sums that are known."""
    rows = []
    for row in block:
        values = [x.constant for x in known.row(row, f"{name}'s substitutions")]
        if None in values:
            raise FormatError(f"{name}'s substitutions: a symbol; numbers are needed")
        rows.append([x for x in values if x is not None])
    return rows


def _known(sums: list[list[Fraction]], inputs: int, budget: Budget) -> list[Form]:
    """Forms of the inputs and, after them, of the sums that were taken out."""
    forms: list[Form] = [{i: 1} for i in range(inputs)]
    for t, row in enumerate(sums):
        if len(row) > len(forms):
            raise FormatError(f"substitution {t + 1} has {len(row)} coefficients; {len(forms)} are possible")
        forms.append(combined([(narrowed(x), forms[i]) for i, x in enumerate(row) if x], budget))
    return forms


def _products(rows: list[list[Fraction]], sums: list[list[Fraction]], budget: Budget) -> list[Form]:
    """Forms of the products from a table whose last rows are sums."""
    if len(sums) >= len(rows):
        raise FormatError(f"{len(rows)} rows with {len(sums)} substitutions among them; entries are missing")
    forms = _known(sums, len(rows) - len(sums), budget)
    return [
        combined([(narrowed(rows[i][q]), forms[i]) for i in range(len(rows)) if rows[i][q]], budget)
        for q in range(len(rows[0]))
    ]


def _outputs(rows: list[list[Fraction]], sums: list[list[Fraction]], rank: int, budget: Budget) -> list[Form]:
    """Forms of the outputs from a table whose last columns are sums of products."""
    forms = _known(sums, rank, budget)
    if len(rows[0]) > len(forms):
        raise FormatError(f"{len(rows[0])} columns in W for {rank} products; equally many are needed")
    return [combined([(narrowed(x), forms[q]) for q, x in enumerate(row) if x], budget) for row in rows]


def _border(tables: list[list[list[Laurent]]], substituted: bool) -> Border:
    """An approximate algorithm, not proved yet; its degree is the least power of x in its sum."""
    if substituted:
        raise FormatError("an approximate algorithm in the symbol x, with substitutions; they must be written out")
    u, v, w = tables
    rank = len(u[0])
    if (len(v[0]), len(w[0])) != (rank, rank):
        raise FormatError(f"{rank}, {len(v[0])} and {len(w[0])} columns; equally many products are needed")
    columns = [[{i: row[q] for i, row in enumerate(t) if row[q].terms} for q in range(rank)] for t in tables]
    return Border(shaped(len(u), len(v), len(w)), columns[0], columns[1], columns[2]).leading()


def write(scheme: Scheme, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """Three blocks.

    Raises:
        FormatError: If it is no real matrix multiplication.
    """
    sizes(scheme, "fast-matmul")
    blocks = ["\n".join(" ".join(map(str, column)) for column in zip(*rows, strict=True)) for rows in fractions(scheme)]
    return {"": ("\n#\n".join(blocks) + "\n").encode()}


def write_border(border: Border) -> dict[str, bytes]:
    """Three blocks in the symbol x; W is divided by x^degree, as files of this format sum to T + O(x).

    Raises:
        FormatError: If it is no matrix multiplication, or a power of x is beyond 99.
    """
    if border.target.family != "matmul":
        raise FormatError(f"{border.target.short}: fast-matmul holds matrix multiplication only")
    shift = Laurent({-border.degree: Fraction(1)})
    outputs = [{k: value * shift for k, value in row.items()} for row in border.w]
    blocks = [
        "\n".join(" ".join(_written(row.get(i, Laurent({}))) for row in rows) for i in range(width))
        for rows, width in zip((border.u, border.v, outputs), border.target.shape, strict=True)
    ]
    return {"": ("\n#\n".join(blocks) + "\n").encode()}


def _written(value: Laurent) -> str:
    """A polynomial as one token, powers rising: `1/2*xi+-1`."""
    parts = []
    for power, factor in sorted(value.terms.items()):
        if abs(power) > MAX_POWER:
            raise FormatError(f"x^{power}: fast-matmul holds powers up to {MAX_POWER}")
        symbol = "" if not power else f"x{'i' if power < 0 else ''}{abs(power) if abs(power) > 1 else ''}"
        parts.append(f"{factor}*{symbol}" if symbol and factor != 1 else symbol or str(factor))
    return "0" if not parts else parts[0] if len(parts) == 1 else f"({'+'.join(parts)})"


FORMAT = Format("Benson-Ballard and Martensson-Wagner text: blocks split by #, C not transposed", matches, read, write)
