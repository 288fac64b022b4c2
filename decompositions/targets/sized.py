"""Families whose members are told apart by sizes, with their Kronecker products: `cyclic:8`, `correlation:4x3^2`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.targets.target import Target

MAX_FACTORS = 8
MAX_DIGITS = 12

Sizes = tuple[int, ...]
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Entries:
    """The nonzero entries of a tensor, in any order.

    Attributes:
        indices: Positions, shape (nonzeros, 3), no position twice.
        values: Shape (nonzeros,).
        shape: (left, right, out).
    """

    indices: NDArray[np.int64]
    values: NDArray[np.int64]
    shape: Shape


@dataclass(frozen=True)
class Sized:
    """How a family is built from its sizes.

    Attributes:
        family: `polymul`.
        sizes: How they are written, `MxN`.
        shape: From sizes to (left, right, out).
        entries: From sizes to the tensor; at most `first * last` nonzeros, those of the sizes.
        smallest: The least size that makes sense.
    """

    family: str
    sizes: str
    shape: Callable[..., Shape]
    entries: Callable[..., Entries]
    smallest: int = 1

    @property
    def usage(self) -> str:
        """`polymul:MxN`."""
        return f"{self.family}:{self.sizes}"

    def build(self, spec: str) -> Target:
        """From "4x3", "4x3^2" or "4x3,2x5": one member, or the Kronecker product of several.

        Raises:
            TargetError: If these are not sizes of the family.
            TooLargeError: If the tensor would not fit into memory.
        """
        factors = self._factors(spec.strip().lower())
        name = f"{self.family}:{spelled(factors)}"
        nonzeros = math.prod(factor[0] * factor[-1] for factor in factors)
        shape = [math.prod(sides) for sides in zip(*(self.shape(*factor) for factor in factors), strict=True)]
        memory.require_tensor(name, shape, nonzeros)
        parts = [self.entries(*factor) for factor in factors]
        lengths = [self.shape(*factor) for factor in factors]
        names = [
            coordinate_names(letter, sides) for letter, sides in zip("abc", zip(*lengths, strict=True), strict=True)
        ]
        return target_of(
            name, tuple(itertools.chain(*factors)), reduce(kronecker, parts), (names[0], names[1], names[2])
        )

    def _factors(self, spec: str) -> list[Sizes]:
        """The sizes of each factor of the Kronecker product."""
        found: list[Sizes] = []
        for text in spec.split(","):
            base, power, times = text.partition("^")
            count = whole_number(times, self.family, spec, "a power is written ^2") if power else 1
            found += [self._sizes(base, spec)] * min(count, MAX_FACTORS + 1)
            if count < 1 or len(found) > MAX_FACTORS:
                raise TargetError(f"{self.family}:{spec[:60]}: 1 to {MAX_FACTORS} factors can be multiplied")
        return found

    def _sizes(self, text: str, spec: str) -> Sizes:
        parts, needed = text.split("x"), self.sizes.count("x") + 1
        if len(parts) != needed:
            given = f"{len(parts)} size{'s' * (len(parts) != 1)} given"
            raise TargetError(f"{self.family}:{spec[:60]}: {given}, {needed} needed: {self.usage}")
        sizes = tuple(whole_number(part, self.family, spec, f"sizes are written {self.usage}") for part in parts)
        require_sizes(f"{self.family}:{spec[:60]}", sizes, self.smallest)
        return sizes


def whole_number(part: str, family: str, spec: str, written: str) -> int:
    """A size as it is written.

    Args:
        part: The digits.
        family: For the message.
        spec: The text after the colon, for the message.
        written: How it ought to be written, for the message.

    Raises:
        TargetError: If it is no whole number, or one of too many digits.
    """
    if not (part.isascii() and part.isdigit()):
        raise TargetError(f"{family}:{spec[:60]}: {part[:20]!r} is not a whole number; {written}")
    if len(part) > MAX_DIGITS:
        raise TargetError(f"{family}:{spec[:60]}: a size of {len(part)} digits; choose a smaller size")
    return int(part)


def require_sizes(name: str, sizes: Iterable[int], smallest: int = 1) -> None:
    """Refuse sizes below the smallest that makes sense.

    Raises:
        TargetError: If one is.
    """
    if min(sizes) < smallest:
        raise TargetError(f"{name}: a size is below {smallest}; every size must be at least {smallest}")


def spelled(factors: Iterable[Sizes]) -> str:
    """`4x3^2` for the same sizes twice in a row, `4x3,2x5` for others."""
    texts = []
    for sizes, group in itertools.groupby(factors):
        count = len(list(group))
        texts.append("x".join(map(str, sizes)) + (f"^{count}" if count > 1 else ""))
    return ",".join(texts)


def chunks(sizes: Sizes, arity: int) -> list[Sizes]:
    """The sizes of each factor of a Kronecker product."""
    return [sizes[start : start + arity] for start in range(0, len(sizes), arity)]


def kronecker(first: Entries, second: Entries) -> Entries:
    """The tensor product: coordinate (i, j) of the two stands at place i * side + j."""
    sides = np.array(second.shape, dtype=np.int64)
    indices = (first.indices[:, None, :] * sides + second.indices[None, :, :]).reshape(-1, 3)
    values = (first.values[:, None] * second.values[None, :]).ravel()
    left, right, out = (a * b for a, b in zip(first.shape, second.shape, strict=True))
    return Entries(indices, values, (left, right, out))


def coordinate_names(letter: str, sides: Sizes) -> tuple[str, ...]:
    """`a0`, `a1`, ... by power of the variable; `a0_1` with one index for each factor of a Kronecker product."""
    return tuple(letter + "_".join(map(str, place)) for place in np.ndindex(*sides))


def target_of(name: str, sizes: Sizes, entries: Entries, names: tuple[tuple[str, ...], ...]) -> Target:
    """The target of these entries, sorted."""
    order = np.lexsort(entries.indices.T[::-1])
    indices = np.ascontiguousarray(entries.indices[order], dtype=np.int64)
    return Target(name, sizes, entries.shape, indices, entries.values[order], (names[0], names[1], names[2]))


def ones(indices: Iterable[NDArray[np.int64]], shape: Shape) -> Entries:
    """Entries that are all 1, at the positions given by axis."""
    stacked = np.stack([axis.ravel() for axis in indices], axis=1)
    return Entries(stacked, np.ones(len(stacked), np.int64), shape)
