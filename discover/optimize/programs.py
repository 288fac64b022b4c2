"""Straight-line programs kept with the entries whose schemes they compute, as attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.programs.scheme_program import SchemeProgram, short_program
from bilinear.decompositions.programs.text import ATTACHMENT, BASIS_ATTACHMENT, dumps, loads
from bilinear.decompositions.scheme import Scheme

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


def read_program(catalog: Catalog, scheme: Scheme, name: str = ATTACHMENT) -> SchemeProgram | None:
    """The program kept for a scheme, verified on its symbols; None if there is none.

    Args:
        catalog: Where attachments lie.
        scheme: In the order of products, and of sizes, that its entry has.
        name: `program.json`, or `program-basis.json` for the one in an alternative basis.

    Raises:
        ProgramError: If the file there is damaged, or of another order of products.
    """
    key = content_hash(scheme)
    if name not in catalog.attachments(key):
        return None
    return loads(catalog.read_attachment(key, name), f"attachment {name} of {key[:8]}", scheme)


def program_of(catalog: Catalog, scheme: Scheme) -> SchemeProgram:
    """The program kept for a scheme; where there is none, or one of another order of products, one made now.

    Raises:
        SchemeError: If the scheme is over `qi`.
    """
    known = known_program(catalog, scheme)
    return short_program(scheme) if known is None else known


def known_program(catalog: Catalog, scheme: Scheme, name: str = ATTACHMENT) -> SchemeProgram | None:
    """The program kept, if it can be read and is one of the scheme in this order of products."""
    try:
        return read_program(catalog, scheme, name)
    except BilinearError:
        return None


def attach(catalog: Catalog, scheme: Scheme, program: SchemeProgram) -> bool:
    """Keep a program with its entry, unless the one there has as few additions; whether it was written.

    Raises:
        ProgramError: If it does not compute the scheme.
        StoreError: If the catalog cannot be written.
    """
    name, key = (ATTACHMENT if program.basis is None else BASIS_ATTACHMENT), content_hash(scheme)
    data = dumps(program)
    loads(data, f"program of {key[:8]}", scheme)
    known = known_program(catalog, scheme, name)
    if known is not None and _merit(known) <= _merit(program):
        return False
    catalog.attach(key, name, data)
    return True


def _merit(program: SchemeProgram) -> tuple[int, int, int]:
    """Additions of a level, then those of the changes of basis, then multiplications by constants and negations."""
    cost, basis = program.operations, program.basis_operations
    return cost.additions, basis.additions, sum(cost[1:]) + sum(basis[1:])
