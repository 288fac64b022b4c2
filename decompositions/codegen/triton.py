"""Triton source: one level of block multiplication in one kernel, or a bilinear map of many vectors."""

from __future__ import annotations

from bilinear.decompositions.codegen.code import Code, CodeError
from bilinear.decompositions.codegen.python import factors, lines_of, product_lines
from bilinear.decompositions.rings import Ring


def generate(code: Code) -> str:
    """A module with a kernel and the function that starts it.

    Raises:
        CodeError: Over `f2` and `f3`, which its products of floats do not hold.
    """
    if code.scheme.ring in (Ring.F2, Ring.F3):
        raise CodeError(f"{code.scheme.target.short} over {code.scheme.ring}: triton multiplies floats; choose c")
    head = "\n".join(code.header())
    body = _matmul(code) if code.is_matmul else _bilinear(code)
    return f'"""{head}\n"""\n\nimport torch\nimport triton\nimport triton.language as tl\n\n\n{body}'


def _indented(lines: list[str], depth: int) -> str:
    return "\n".join("    " * depth + line for line in lines)


def _matmul(code: Code) -> str:
    n, m, p = code.scheme.target.sizes
    left, right, out = code.names
    loads = [f"{name} = tl.load(a + {_offset(k, m, 'a', 'height', 'inner')})" for k, name in enumerate(left)]
    loads += [f"{name} = tl.load(b + {_offset(k, p, 'b', 'inner', 'width')})" for k, name in enumerate(right)]
    loads += [*lines_of(code, code.left), *lines_of(code, code.right)]
    loads += [f"{name} = tl.dot({x}, {y}, acc={name}, input_precision=PRECISION)" for name, x, y in factors(code)]
    stores = [f"tl.store(c + {_offset(k, p, 'c', 'height', 'width')}, {name})" for k, name in enumerate(out)]
    return _MATMUL.format(
        n=n,
        m=m,
        p=p,
        starts=_indented([f"{name} = tl.zeros((ROWS, COLUMNS), tl.float32)" for name in code.products], 1),
        loop=_indented(loads, 2),
        ends=_indented([*lines_of(code, code.output, out), *stores], 1),
    )


def _offset(k: int, across: int, letter: str, height: str, width: str) -> str:
    i, j = divmod(k, across)
    return f"{letter}_tile + {i} * {height} * {letter}_row + {j} * {width}"


_MATMUL = '''@triton.jit
def kernel(
    a, b, c, height, inner, width, a_row, b_row, c_row,
    ROWS: tl.constexpr, INNER: tl.constexpr, COLUMNS: tl.constexpr, PRECISION: tl.constexpr,
):
    """One tile of every block of C: the products are summed up over the inner axis, then combined."""
    i = tl.program_id(0) * ROWS + tl.arange(0, ROWS)[:, None]
    j = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
{starts}
    for start in range(0, inner, INNER):
        a_tile = i * a_row + start + tl.arange(0, INNER)[None, :]
        b_tile = (start + tl.arange(0, INNER)[:, None]) * b_row + j
{loop}
    c_tile = i * c_row + j
{ends}


def multiply(a, b, tile=16, precision="ieee"):
    """The product of two float32 matrices; {n}, {m}, {p} times `tile` divide rows, inner and columns."""
    rows, columns = a.shape[0], b.shape[1]
    height, inner, width = rows // {n}, a.shape[1] // {m}, columns // {p}
    if height % tile or inner % tile or width % tile or (height * {n}, inner * {m}, width * {p}) != (
        rows, b.shape[0], columns
    ):
        raise ValueError(f"{{tuple(a.shape)}} times {{tuple(b.shape)}} does not divide into tiles of {{tile}}")
    a, b = a.contiguous(), b.contiguous()
    c = torch.empty((rows, columns), dtype=torch.float32, device=a.device)
    grid = (height // tile, width // tile)
    kernel[grid](a, b, c, height, inner, width, a.stride(0), b.stride(0), c.stride(0), tile, tile, tile, precision)
    return c
'''


def _bilinear(code: Code) -> str:
    left, right, out = code.names
    lines = [f"{name} = tl.load(x + {k} * count + at, mask=inside)" for k, name in enumerate(left)]
    lines += [f"{name} = tl.load(y + {k} * count + at, mask=inside)" for k, name in enumerate(right)]
    lines += [*lines_of(code, code.left), *lines_of(code, code.right), *product_lines(code)]
    lines += lines_of(code, code.output, out)
    lines += [f"tl.store(z + {k} * count + at, {name}, mask=inside)" for k, name in enumerate(out)]
    return _BILINEAR.format(left=len(left), right=len(right), out=len(out), body=_indented(lines, 1))


_BILINEAR = '''@triton.jit
def kernel(x, y, z, count, BLOCK: tl.constexpr):
    """f of BLOCK pairs of vectors, held coordinate by coordinate."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
{body}


def bilinear(x, y, block=256):
    """f(x, y) for tensors of shape ({left}, count) and ({right}, count), of shape ({out}, count)."""
    x, y = x.contiguous(), y.contiguous()
    z = torch.empty(({out}, x.shape[1]), dtype=x.dtype, device=x.device)
    kernel[(triton.cdiv(x.shape[1], block),)](x, y, z, x.shape[1], block)
    return z
'''
