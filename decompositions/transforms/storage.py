"""Float fast transforms as files: one .npz without pickles, its sizes checked before it is read."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.files import write_atomic
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.factors import ButterflyFactor, Factor, FastTransform, Selection

MAX_FACTORS = 1000
NEED = "factors as `bilinear transform learn --out` writes them are needed"


def write_fast(path: Path, fast: FastTransform, about: dict[str, Any]) -> None:
    """Write factors and a description that JSON can hold.

    Raises:
        OSError: If the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {"about": np.array(json.dumps(about, sort_keys=True))}
    for k, factor in enumerate(fast.factors):
        if isinstance(factor, Selection):
            arrays[f"selection-{k}"] = np.array([factor.inputs, *factor.indices], dtype=np.int64)
        else:
            arrays[f"blocks-{k}"] = np.ascontiguousarray(factor.blocks)
    data = io.BytesIO()
    np.savez(data, **arrays)  # type: ignore[arg-type]  # the stub takes the names for other arguments
    write_atomic(path, data.getvalue())


def read_fast(path: Path) -> tuple[FastTransform, dict[str, Any]]:
    """What `write_fast` wrote.

    Raises:
        TransformError: If the file cannot be read or holds anything else.
        TooLargeError: If it would not fit into memory.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            memory.require(3 * sum(member.file_size for member in archive.infolist()), f"the factors of {path}")
        with np.load(path, allow_pickle=False) as data:
            about = json.loads(str(data["about"]))
            named = sorted((int(name.partition("-")[2]), name) for name in set(data.files) - {"about"})
            if not isinstance(about, dict) or not 0 < len(named) <= MAX_FACTORS:
                raise TransformError(f"{path}: {len(named)} factors; {NEED}")
            return FastTransform(tuple(_factor(name, data[name]) for _, name in named)), about
    except BilinearError:
        raise
    except Exception as error:  # damaged files make NumPy, zipfile, zlib and json raise what they document nowhere
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TransformError(f"{path}: {reason}; {NEED}") from error


def _factor(name: str, array: NDArray[Any]) -> Factor:
    if name.startswith("selection-") and array.ndim == 1 and array.dtype.kind == "i" and len(array) > 1:
        return Selection(array[1:].astype(np.int64), int(array[0]))
    if name.startswith("blocks-") and array.dtype.kind in "fc" and np.isfinite(array).all():
        return ButterflyFactor(array)
    raise TransformError(f"factor {name[:40]!r}: neither finite blocks nor a selection; {NEED}")
