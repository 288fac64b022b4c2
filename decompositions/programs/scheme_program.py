"""The three programs of a scheme: `W^T ((U x) * (V y))` step by step, also in an alternative basis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.programs.coefficients import Matrix
from bilinear.decompositions.programs.eliminate import MIXED, Strategy, plain, shorten
from bilinear.decompositions.programs.program import Operations, Program, ProgramError
from bilinear.decompositions.programs.signs import flipped, positive
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import FACTORS, Scheme

Programs = tuple[Program, Program, Program]


@dataclass(frozen=True)
class SchemeProgram:
    """Programs for `U x`, `V y` and `W^T z`, the denominators of the products in the last.

    Attributes:
        u: From left inputs to rank forms.
        v: From right inputs to rank forms.
        w: From rank products to outputs.
        basis: In an alternative basis: what x and y go through before `u` and `v`, and the outputs after `w`. Recursion
            does it once for the whole matrices, not at every level. None in the basis of the scheme.

    Raises:
        ProgramError: If the programs do not fit together.
    """

    u: Program
    v: Program
    w: Program
    basis: Programs | None = None

    def __post_init__(self) -> None:
        if not len(self.u.outputs) == len(self.v.outputs) == self.w.inputs:
            raise ProgramError(
                f"programs of {len(self.u.outputs)} and {len(self.v.outputs)} forms for {self.w.inputs} products"
            )
        if self.basis is not None:
            x, y, z = self.basis
            if (len(x.outputs), len(y.outputs), len(self.w.outputs)) != (self.u.inputs, self.v.inputs, z.inputs):
                raise ProgramError("changes of basis that do not fit the programs between them")

    @property
    def programs(self) -> Programs:
        """(u, v, w)."""
        return self.u, self.v, self.w

    @cached_property
    def operations(self) -> Operations:
        """The cost of one level, without the changes of basis and the products."""
        return self.u.operations + self.v.operations + self.w.operations

    @cached_property
    def basis_operations(self) -> Operations:
        """The cost of the changes of basis of one level."""
        changes = self.basis or ()
        return sum((change.operations for change in changes), Operations(0, 0, 0, 0))

    def __call__(self, x: ArrayLike, y: ArrayLike) -> NDArray[Any]:
        """The map's value f(x, y) by the steps; x, y and the result have their coordinates along the first axis."""
        left, right = np.asarray(x), np.asarray(y)
        if self.basis is not None:
            left, right = self.basis[0](left), self.basis[1](right)
        found = self.w(self.u(left) * self.v(right))
        return found if self.basis is None else self.basis[2](found)

    def matrices(self) -> tuple[Matrix, Matrix, Matrix]:
        """U, V and W over their denominators, by running the programs on symbols: exact."""
        u, v, w = (program.matrix() for program in self.programs)
        if self.basis is not None:
            x, y, z = (change.matrix() for change in self.basis)
            u, v, w = u.dot(x), v.dot(y), z.dot(w)
            if self.u.characteristic:
                u, v, w = (matrix % self.u.characteristic for matrix in (u, v, w))
        return u, v, w.T


def matrices(scheme: Scheme) -> tuple[Matrix, Matrix, Matrix]:
    """U, V and W over their denominators; signed residues over `f3`.

    Raises:
        SchemeError: If the scheme is over `qi`, whose coefficients the programs do not hold.
    """
    if scheme.imag is not None or scheme.ring is Ring.QI:
        raise SchemeError(f"{scheme.target.short} over qi: programs hold real coefficients; a scheme over q is needed")
    u, v, w = (factor.astype(object) for factor in scheme.factors)
    if scheme.ring is Ring.F3:
        return _signed(u), _signed(v), _signed(w)
    if any(d != 1 for d in scheme.denominators.tolist()):
        w = w * np.array([Fraction(1, d) for d in scheme.denominators.tolist()], dtype=object)[:, None]
    return u, v, w


def settled(u: Program, v: Program, w: Program, basis: Programs | None = None) -> SchemeProgram:
    """The programs of a scheme with signs pushed from one to the next, where they cost nothing."""
    changes = basis
    if basis is not None:
        (x, signs_x), (y, signs_y) = positive(basis[0]), positive(basis[1])
        u, v, changes = flipped(u, signs_x), flipped(v, signs_y), (x, y, basis[2])
    (u, signs_u), (v, signs_v) = positive(u), positive(v)
    w = flipped(w, [s * t for s, t in zip(signs_u, signs_v, strict=True)])
    if changes is not None:
        w, signs_w = positive(w)
        changes = (*changes[:2], flipped(changes[2], signs_w))
    return SchemeProgram(u, v, w, changes)


def _signed(residues: Matrix) -> Matrix:
    return np.where(residues == 2, -1, residues)


def plain_program(scheme: Scheme) -> SchemeProgram:
    """The program that shares nothing."""
    return _programs(scheme, plain)


def short_program(scheme: Scheme, strategy: Strategy = MIXED, seed: int = 0) -> SchemeProgram:
    """A program with few additions; same seed, same program.

    Raises:
        SchemeError: If the scheme is over `qi`.
        TooLargeError: If the search would not fit into memory.
    """
    return _programs(scheme, lambda matrix, characteristic: shorten(matrix, characteristic, strategy, seed))


def _programs(scheme: Scheme, make: Callable[[Matrix, int], Program]) -> SchemeProgram:
    u, v, w = matrices(scheme)
    characteristic = scheme.ring.characteristic
    return settled(make(u, characteristic), make(v, characteristic), make(w.T, characteristic))


def require_program(program: SchemeProgram, scheme: Scheme) -> None:
    """Run a program on symbols and compare every form with the scheme's, exactly.

    The factors of a product may come out with other signs, if those cancel.

    Raises:
        ProgramError: If it is a program of something else; the first wrong form is named.
    """
    characteristic = scheme.ring.characteristic
    if program.u.characteristic != characteristic:
        raise ProgramError(
            f"program in characteristic {program.u.characteristic} for {scheme.target.short} over {scheme.ring}"
        )
    signs, dead = np.ones(scheme.rank, np.int64), np.zeros(scheme.rank, np.bool_)
    for name, found, wanted in zip(FACTORS, program.matrices(), matrices(scheme), strict=True):
        if found.shape != wanted.shape:
            raise ProgramError(
                f"program of {scheme.target.short}: {name} has shape {found.shape}, must be {wanted.shape}"
            )
        same, opposite = (~_differ(found, s * wanted, characteristic).any(axis=1) for s in (1, -1))
        if not (same | opposite).all():
            q = int(np.flatnonzero(~(same | opposite))[0])
            k = int(np.flatnonzero(_differ(found[q], wanted[q], characteristic))[0])
            raise ProgramError(
                f"program of {scheme.target.short}: {name}[{q},{k}] comes out as {found[q, k]}, must be {wanted[q, k]}"
            )
        signs *= np.where(same, 1, -1)
        dead |= same & opposite
    if ((signs < 0) & ~dead).any():
        q = int(np.flatnonzero((signs < 0) & ~dead)[0])
        raise ProgramError(f"program of {scheme.target.short}: product {q} comes out with the wrong sign")


def _differ(found: Matrix, wanted: Matrix, characteristic: int) -> NDArray[np.bool_]:
    difference = found - wanted
    return np.asarray((difference % characteristic if characteristic else difference) != 0)
