"""NumPy and PyTorch source: batches of vectors, and matrices by blocks."""

from __future__ import annotations

from bilinear.decompositions.codegen.code import Code
from bilinear.decompositions.codegen.python import factors, lines_of, product_lines
from bilinear.decompositions.rings import Ring


def numpy_source(code: Code) -> str:
    """A module for NumPy arrays."""
    return _source(code, "import numpy as np", "np.concatenate({}, axis={})", "np.stack({})")


def torch_source(code: Code) -> str:
    """A module for PyTorch tensors."""
    return _source(code, "import torch", "torch.cat({}, dim={})", "torch.stack({})")


def _source(code: Code, imports: str, join: str, stack: str) -> str:
    head = "\n".join(code.header())
    body = _matmul(code, join) if code.is_matmul else _bilinear(code, stack)
    return f'"""{head}\n"""\n\n{imports}\n\n\n{body}'


def _matmul(code: Code, join: str) -> str:
    n, m, p = code.scheme.target.sizes
    modulus = code.scheme.ring.characteristic
    rows = ["[" + ", ".join(code.names[2][i * p : i * p + p]) + "]" for i in range(n)]
    lines = [
        f"rows, inner, columns = a.shape[-2] // {n}, a.shape[-1] // {m}, b.shape[-1] // {p}",
        *_blocks("a", code.names[0], m, "rows", "inner"),
        *_blocks("b", code.names[1], p, "inner", "columns"),
        *lines_of(code, code.left),
        *lines_of(code, code.right),
        *(f"{name} = multiply({x}, {y}, levels - 1)" for name, x, y in factors(code)),
        *lines_of(code, code.output, code.names[2]),
        "lines = [",
        *(f"    {join.format(row, -1)}," for row in rows),
        "]",
        f"return {join.format('lines', -2)}" + (" % 3" if code.scheme.ring is Ring.F3 else ""),
    ]
    body = "\n".join(f"    {line}" for line in lines)
    return f'''def multiply(a, b, levels={code.levels}):
    """The product of matrices of shape (..., rows, inner) and (..., inner, columns).

    {n}, {m} and {p} to the power of `levels` must divide rows, inner and columns.
    """
    if levels == 0:
        return a @ b{f" % {modulus}" if modulus else ""}
{body}
'''


def _blocks(letter: str, names: tuple[str, ...], across: int, height: str, width: str) -> list[str]:
    """Assignments of the blocks of a matrix."""
    places = [(k // across, k % across) for k in range(len(names))]
    return [
        f"{name} = {letter}[..., {_slice(i, height)}, {_slice(j, width)}]"
        for name, (i, j) in zip(names, places, strict=True)
    ]


def _slice(k: int, size: str) -> str:
    """The k-th part of an axis."""
    return f":{size}" if k == 0 else f"{size if k == 1 else f'{k} * {size}'} : {k + 1} * {size}"


def _bilinear(code: Code, stack: str) -> str:
    left, right, out = code.names
    modulus = " % 3" if code.scheme.ring is Ring.F3 else ""
    lines = [
        f"{', '.join(left)}{',' * (len(left) == 1)} = x",
        f"{', '.join(right)}{',' * (len(right) == 1)} = y",
        *lines_of(code, code.left),
        *lines_of(code, code.right),
        *product_lines(code),
        *lines_of(code, code.output, out),
        f"return {stack.format('[' + ', '.join(out) + ']')}{modulus}",
    ]
    body = "\n".join(f"    {line}" for line in lines)
    return f'''def bilinear(x, y):
    """f(x, y) for arrays of shape ({len(left)}, ...) and ({len(right)}, ...), of shape ({len(out)}, ...)."""
{body}
'''
