"""Deciding whether stored factors are the transform that they claim to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.transforms.factors import relative_error
from bilinear.decompositions.transforms.parse import parse_transform
from bilinear.decompositions.transforms.storage import read_fast
from bilinear.decompositions.transforms.transform import Transform
from bilinear.discover.transforms.found import RECOVERED_ERROR

if TYPE_CHECKING:
    from bilinear.catalog.store import Catalog


@dataclass(frozen=True)
class Verdict:
    """The answer.

    Attributes:
        ok: Whether the factors are the transform.
        claims: The transform, `dft:16`.
        detail: What was compared.
    """

    ok: bool
    claims: str
    detail: str


def verify_query(catalog: Catalog, query: str, target: str | None = None) -> Verdict:
    """Check the entry or the file of float factors that a query means.

    Args:
        catalog: Where entries are looked for.
        query: An id, a JSON entry, or an .npz file of factors.
        target: Of an .npz file, instead of the transform that it names.

    Raises:
        BilinearError: If there is none, or it is damaged.
    """
    if query.endswith(".npz"):
        return _check_floats(Path(query), target)
    if target is not None:
        raise BilinearError(f"{query}: an entry names its transform itself; leave --target out")
    from bilinear.catalog.text import read
    from bilinear.catalog.verifiers import check, name_of

    path = Path(query) if Path(query).is_file() else catalog.find(query).path
    entry = read(path)
    if entry.kind != "transform":
        raise BilinearError(f"{query}: a {entry.kind}; bilinear verify checks it")
    found = check(entry)
    return Verdict(found.ok, name_of(entry), f"{found.detail}, over {found.field}")


def _check_floats(path: Path, given: str | None) -> Verdict:
    fast, about = read_fast(path)
    target = _claimed(path, about) if given is None else parse_transform(given, None if ":" in given else fast.size)
    if fast.size != target.size:
        raise BilinearError(f"{path}: factors of size {fast.size}; {target.name} has size {target.size}")
    dense = fast.dense()
    error = relative_error(target.matrix, dense if target.is_complex else dense.real)
    detail = f"relative error {error:.1e}, at most {RECOVERED_ERROR:.0e} is needed; floats prove nothing exactly"
    return Verdict(error <= RECOVERED_ERROR, f"{target.name}:{target.size}", detail)


def _claimed(path: Path, about: dict[str, object]) -> Transform:
    """The transform that a file names."""
    name, size, seed = (about.get(key) for key in ("target", "size", "seed"))
    if not isinstance(name, str) or type(size) is not int or type(seed) is not int or seed < 0:
        raise BilinearError(f"{path}: names no target; name it with --target")
    if name.startswith("file:"):
        raise BilinearError(f"{path}: factors of {name}; give the matrix with --target file:PATH.npy")
    return parse_transform(name, size, seed)
