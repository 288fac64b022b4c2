"""Generated source as a module, kept as a file, so that compilers find it and keep what they make of it."""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from bilinear.decompositions.files import write_atomic


@lru_cache(maxsize=256)
def module_of(source: str) -> ModuleType:
    """The module of a source text.

    The file lies in the user's cache and is written whenever it does not hold just this text; where nothing can be
    written the module lives in memory, and is compiled again in each process.
    """
    name = f"winograd_{hashlib.sha256(source.encode()).hexdigest()[:32]}"
    path = _file(name, source)
    spec = importlib.util.spec_from_loader(name, None, origin=str(path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[name] = module
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    exec(compile(source, str(path), "exec"), module.__dict__)  # our own text, from numbers of verified schemes
    return module


def _file(name: str, source: str) -> Path:
    from platformdirs import user_cache_dir

    path = Path(user_cache_dir("bilinear")) / "kernels" / f"{name}.py"
    try:
        if not path.is_file() or path.read_text() != source:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, source.encode())
    except OSError:
        return Path(f"<{name}>")
    return path
