"""Python source: one function on numbers, and for matrices one on lists of lists that recurs by blocks."""

from __future__ import annotations

from bilinear.decompositions.codegen.code import Code, Forms, Sum, bracketed, python_scaled, written
from bilinear.decompositions.rings import Ring


def generate(code: Code) -> str:
    """A module with `bilinear(x, y)`, and `multiply(a, b)` where the target is a matrix product."""
    parts = [_head(code), _bilinear(code)]
    if code.is_matmul:
        parts.append(_recursion(code))
    return "\n\n".join(parts)


def _head(code: Code) -> str:
    lines = code.header()
    text = "\n".join(lines)
    uses = "\nfrom itertools import chain\n" if code.is_matmul else ""
    return f'"""{text}\n"""\n{uses}'


def lines_of(code: Code, form: Forms, targets: tuple[str, ...] | None = None) -> list[str]:
    """Assignments of the shared sums, and of the outputs where they have names."""
    lines = [f"{name} = {sum_of(code, value)}" for name, value in form.shared]
    return lines + [f"{name} = {sum_of(code, value)}" for name, value in zip(targets or (), form.outputs, strict=False)]


def sum_of(code: Code, value: Sum) -> str:
    """A sum in Python's notation."""
    return written(value, python_scaled, code.is_binary)


def product_lines(code: Code) -> list[str]:
    """Assignments of the products of numbers, or of whatever has the operations."""
    times = "&" if code.is_binary else "*"
    return [f"{name} = {bracketed(x)} {times} {bracketed(y)}" for name, x, y in factors(code)]


def factors(code: Code) -> list[tuple[str, str, str]]:
    """Every product's name and its two factors."""
    pairs = zip(code.products, code.left.outputs, code.right.outputs, strict=True)
    return [(name, sum_of(code, x), sum_of(code, y)) for name, x, y in pairs]


def _bilinear(code: Code) -> str:
    left, right, out = code.names
    lines = [f"{', '.join(left)}{',' * (len(left) == 1)} = x", f"{', '.join(right)}{',' * (len(right) == 1)} = y"]
    lines += [*lines_of(code, code.left), *lines_of(code, code.right)]
    lines += product_lines(code)
    lines += lines_of(code, code.output, out)
    modulus = " % 3" if code.scheme.ring is Ring.F3 else ""
    lines.append(f"return [{', '.join(name + modulus for name in out)}]")
    body = "\n".join(f"    {line}" for line in lines)
    return f'def bilinear(x, y):\n    """f(x, y) for sequences of {len(left)} and {len(right)} numbers."""\n{body}\n'


def _recursion(code: Code) -> str:
    n, m, p = code.scheme.target.sizes
    return _RECURSION.format(
        n=n,
        m=m,
        p=p,
        levels=code.levels,
        total=_XOR if code.is_binary else "sum(u * v for u, v in zip(row, column))",
    )


_XOR = "sum(u & v for u, v in zip(row, column)) % 2"

_RECURSION = '''class Block:
    """A matrix, a list of rows, with the operations that `bilinear` needs."""

    def __init__(self, rows, levels):
        self.rows, self.levels = rows, levels

    def _with(self, other, operation):
        pairs = zip(self.rows, other.rows)
        return Block([[operation(u, v) for u, v in zip(x, y)] for x, y in pairs], self.levels)

    def _each(self, operation):
        return Block([[operation(u) for u in row] for row in self.rows], self.levels)

    def __add__(self, other):
        return self._with(other, lambda u, v: u + v)

    def __sub__(self, other):
        return self._with(other, lambda u, v: u - v)

    def __xor__(self, other):
        return self._with(other, lambda u, v: u ^ v)

    def __neg__(self):
        return self._each(lambda u: -u)

    def __rmul__(self, constant):
        return self._each(lambda u: constant * u)

    def __truediv__(self, constant):
        return self._each(lambda u: u / constant)

    def __mod__(self, modulus):
        return self._each(lambda u: u % modulus)

    def __mul__(self, other):
        return Block(multiply(self.rows, other.rows, self.levels), self.levels)

    __and__ = __mul__


def multiply(a, b, levels={levels}):
    """The product of two matrices, lists of rows, whose sizes {n}, {m} and {p} to the power of `levels` divide."""
    if levels == 0:
        columns = list(zip(*b))
        return [[{total} for column in columns] for row in a]
    left, right = split(a, {n}, {m}, levels - 1), split(b, {m}, {p}, levels - 1)
    blocks = [block.rows for block in bilinear(left, right)]
    grid = [blocks[{p} * i : {p} * i + {p}] for i in range({n})]
    return [list(chain(*parts)) for line in grid for parts in zip(*line)]


def split(matrix, rows, columns, levels):
    """The blocks of a matrix, row by row."""
    height, width = len(matrix) // rows, len(matrix[0]) // columns
    places = [(i * height, j * width) for i in range(rows) for j in range(columns)]
    return [Block([row[j : j + width] for row in matrix[i : i + height]], levels) for i, j in places]
'''
