"""3-way tensors as people write them: nested lists, matrices one below the other, or a line an entry."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import INT64_SAFE

MOST_BYTES = 1 << 30
BYTES_A_BYTE = 40
"""Memory that a byte of text takes until it is an array: a digit and a comma become a Python integer in a list."""
COLUMNS = ["i", "j", "k", "value"]
SHAPE = re.compile(r"#\s*shape\s*[:=]?\s*(.*)")
SEPARATORS = re.compile(r"[\s,;]+")
NEED = "matrices of integers with an empty line between them, or lines i,j,k,value, are needed"


class Entries(NamedTuple):
    """The nonzero entries of a tensor.

    Attributes:
        indices: Shape (nonzeros, 3), counted from 0.
        values: Shape (nonzeros,).
        shape: (left, right, out).
    """

    indices: NDArray[np.int64]
    values: NDArray[np.int64]
    shape: tuple[int, ...]


Line = tuple[int, list[str]]
"""Its number and its fields."""


def read(name: str, path: Path) -> NDArray[np.int64] | Entries:
    """The tensor that a text holds.

    A text that begins with a bracket is a nested list, T[i][j][k]. Otherwise numbers stand between commas, semicolons
    or spaces. With empty lines in between, the blocks are the matrices T[i], a row j in each line; without, each line
    is an entry i, j, k, T[i,j,k], counted from 0, under a line of names if there is one. `# shape 4 4 3` says how many
    coordinates there are; without it as many as are named. Other lines that begin with # are left out.

    Raises:
        TargetError: If it is none of these; the line is named.
        OSError: If the file cannot be read.
        TooLargeError: If it would not fit into memory.
    """
    text = memory.contents(path, MOST_BYTES, BYTES_A_BYTE).decode("utf-8-sig")
    if text.lstrip().startswith("["):
        return _nested(name, json.loads(text))
    blocks, shape = _blocks(name, text)
    if not blocks:
        raise TargetError(f"{name}: an empty text; {NEED}")
    if len(blocks) > 1:
        return _dense(name, blocks)
    if [field.strip("\"'").lower() for field in blocks[0][0][1]] == COLUMNS:
        del blocks[0][0]
    return _entries(name, blocks[0], shape)


def _nested(name: str, value: Any) -> NDArray[np.int64]:
    """Lists in lists, three deep, as an array."""
    sides: list[int] = []
    inner = value
    while isinstance(inner, list):
        sides.append(len(inner))
        inner = inner[0] if inner else None
    if len(sides) != 3:
        raise TargetError(f"{name}: lists nested {len(sides)} deep; three are needed: T[i][j][k]")
    left, right, out = sides
    for i, matrix in enumerate(value):
        if not isinstance(matrix, list) or len(matrix) != right:
            raise TargetError(f"{name}: T[{i}] is not a list of {right} rows, as T[0] is")
        for j, row in enumerate(matrix):
            if not isinstance(row, list) or len(row) != out:
                raise TargetError(f"{name}: T[{i}][{j}] is not a list of {out} numbers, as T[0][0] is")
    numbers = [
        _integer(name, f"T[{i}][{j}][{k}]", x)
        for i, matrix in enumerate(value)
        for j, row in enumerate(matrix)
        for k, x in enumerate(row)
    ]
    return np.array(numbers, dtype=np.int64).reshape(left, right, out)


def _blocks(name: str, text: str) -> tuple[list[list[Line]], tuple[int, ...] | None]:
    """Lines with numbers, split where empty lines stand; and the shape if a comment says it."""
    blocks: list[list[Line]] = [[]]
    shape = None
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words:
            blocks.append([])
        elif not words.startswith("#"):
            blocks[-1].append((number, SEPARATORS.split(words.strip(",; \t"))))
        elif found := SHAPE.fullmatch(words.lower()):
            shape = tuple(_integer(name, f"line {number}", x) for x in SEPARATORS.split(found[1].strip("()[] ")))
    return [block for block in blocks if block], shape


def _dense(name: str, blocks: Sequence[Sequence[Line]]) -> NDArray[np.int64]:
    """Matrices one below the other as an array."""
    rows, columns = len(blocks[0]), len(blocks[0][0][1])
    for block in blocks:
        if len(block) != rows:
            raise TargetError(f"{name} line {block[0][0]}: a matrix of {len(block)} rows, the first has {rows}; {NEED}")
    return np.array([[_numbers(name, line, columns) for line in block] for block in blocks], dtype=np.int64)


def _entries(name: str, lines: Sequence[Line], shape: tuple[int, ...] | None) -> Entries:
    """One entry a line; zeros are left out."""
    table = np.array([_numbers(name, line, 4) for line in lines], dtype=np.int64).reshape(-1, 4)
    if shape is None:
        shape = tuple(int(side) + 1 for side in table[:, :3].max(axis=0, initial=-1))
    table = table[table[:, 3] != 0]
    return Entries(table[:, :3], table[:, 3], shape)


def _numbers(name: str, line: Line, count: int) -> list[int]:
    number, fields = line
    if len(fields) != count:
        raise TargetError(f"{name} line {number}: {len(fields)} numbers where {count} should stand; {NEED}")
    return [_integer(name, f"line {number}", field) for field in fields]


def _integer(name: str, place: str, value: Any) -> int:
    """A number of a text or of JSON, integral and below 2^62.

    Raises:
        TargetError: If it is none.
    """
    number = value
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            try:
                number = float(value)
            except ValueError:
                number = None
    if isinstance(number, float) and number.is_integer() and abs(number) < 1 << 53:
        number = int(number)
    if not isinstance(number, int) or abs(number) >= INT64_SAFE:
        fact = "a value beyond 2^62" if isinstance(number, int) else repr(value)[:40]
        raise TargetError(f"{name} {place}: {fact}; an integer is needed, as schemes are exact")
    return int(number)
