"""C source: a function on numbers, one for many pairs of vectors, and for matrices one that recurs by blocks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from bilinear.decompositions.codegen.code import (
    Code,
    CodeError,
    Forms,
    Named,
    Sum,
    bracketed,
    python_scaled,
    written,
)
from bilinear.decompositions.rings import Ring

NUMBERS = {Ring.F2: "unsigned char", Ring.F3: "int"}
"""Types that numbers have unless the compiler is told -DNUMBER=...; `double` over other rings."""

WIDEST = 64
"""Bits of the widest integers that every compiler has, the sign included."""


def generate(code: Code) -> str:
    """A file for C99, with `bilinear`, `bilinear_each`, and `multiply` where the target is a matrix product.

    Raises:
        CodeError: If a coefficient has more than 63 bits, which no integer of C holds.
    """
    _require_narrow(code, scales := _scales(code))
    divides = any(scale.denominator > 1 for scale in scales)
    parts = [_head(code) + _FLOATING * divides, _bilinear(code), _EACH.format(*map(len, code.names))]
    if code.is_matmul:
        parts += [_base(code), _multiply(code)]
    return "\n".join(parts)


def _head(code: Code) -> str:
    text = "\n".join(f" * {line}" for line in code.header())
    number = NUMBERS.get(code.scheme.ring, "double")
    includes = "#include <stddef.h>\n#include <stdlib.h>\n"
    return f"/*\n{text}\n */\n{includes}\n#ifndef NUMBER\n#define NUMBER {number}\n#endif\n"


_FLOATING = """
/* This scheme divides. Integers would drop what is left over, so the next line does not compile with -DNUMBER=long. */
void bilinear_numbers(const char this_scheme_divides_so_NUMBER_must_be_a_floating_type[(NUMBER)1 / 2 != 0 ? 1 : -1]);
"""
"""An array of negative size stops every compiler; in a prototype its size may hang on floats, as the standard says."""


def _scales(code: Code) -> set[Fraction]:
    """The constants that values are multiplied by."""
    forms = (code.left, code.right, code.output)
    values = [value for form in forms for value in (*(value for _, value in form.shared), *form.outputs)]
    return {part.scale for value in values for part in value}


def _require_narrow(code: Code, scales: set[Fraction]) -> None:
    wide = max((max(abs(scale.numerator), scale.denominator).bit_length() for scale in scales), default=0)
    if wide >= WIDEST:
        raise CodeError(
            f"{code.scheme.target.short}: a coefficient of {wide} bits; c holds {WIDEST - 1} at most, choose python"
        )


def _sum(code: Code, value: Sum) -> str:
    return written(value, python_scaled, code.is_binary)


def _reduced(code: Code, text: str) -> str:
    """A value as residue modulo 3; as it is over other rings."""
    return f"(({text}) % 3 + 3) % 3" if code.scheme.ring is Ring.F3 else text


def _bilinear(code: Code) -> str:
    times = "&" if code.is_binary else "*"
    values = [f"{name} = x[{k}]" for k, name in enumerate(code.names[0])]
    values += [f"{name} = y[{k}]" for k, name in enumerate(code.names[1])]
    values += [f"{name} = {_sum(code, value)}" for form in (code.left, code.right) for name, value in form.shared]
    for name, x, y in zip(code.products, code.left.outputs, code.right.outputs, strict=True):
        values.append(f"{name} = {bracketed(_sum(code, x))} {times} {bracketed(_sum(code, y))}")
    values += [f"{name} = {_sum(code, value)}" for name, value in code.output.shared]
    lines = [f"    const NUMBER {value};" for value in values]
    outputs = [_reduced(code, _sum(code, value)) for value in code.output.outputs]
    lines += [f"    z[{k}] = {value};" for k, value in enumerate(outputs)]
    body = "\n".join(lines)
    return f"/* z = f(x, y). */\nvoid bilinear(const NUMBER *x, const NUMBER *y, NUMBER *restrict z)\n{{\n{body}\n}}\n"


_EACH = """/* f of `count` pairs of vectors, one after the other. */
void bilinear_each(size_t count, const NUMBER *x, const NUMBER *y, NUMBER *restrict z)
{{
    for (size_t k = 0; k < count; k++)
        bilinear(x + {0} * k, y + {1} * k, z + {2} * k);
}}
"""


def _base(code: Code) -> str:
    """The product of blocks that are not divided further."""
    step = "c[i * ldc + j] ^= a[i * lda + k] & b[k * ldb + j];"
    if not code.is_binary:
        step = f"c[i * ldc + j] = {_reduced(code, 'c[i * ldc + j] + a[i * lda + k] * b[k * ldb + j]')};"
    return _BASE.replace("STEP", step)


_BASE = """/* C = A B, row by row; -DPRODUCT=... puts another function of these arguments in its place, a BLAS say. */
#ifndef PRODUCT
#define PRODUCT product
static void product(size_t rows, size_t inner, size_t columns, const NUMBER *a, size_t lda, const NUMBER *b, size_t ldb,
                    NUMBER *restrict c, size_t ldc)
{
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++)
            c[i * ldc + j] = 0;
        for (size_t k = 0; k < inner; k++)
            for (size_t j = 0; j < columns; j++)
                STEP
    }
}
#else
void PRODUCT(size_t, size_t, size_t, const NUMBER *, size_t, const NUMBER *, size_t, NUMBER *restrict, size_t);
#endif
"""


def _multiply(code: Code) -> str:
    n, m, p = code.scheme.target.sizes
    left, right, out = code.names
    body = [
        *_blocks("const NUMBER", "a", left, m, ("height", "inner"), "lda"),
        *_blocks("const NUMBER", "b", right, p, ("inner", "width"), "ldb"),
        *_blocks("NUMBER", "c", out, p, ("height", "width"), "ldc"),
        *_pool(code),
        *_shared(code.left, "height, inner", _places(code, left, "A", "L")),
        *_shared(code.right, "inner, width", _places(code, right, "B", "R")),
        *_products(code),
        *_shared(code.output, "height, width", _places(code, (), "", "P")),
        *_outputs(code),
    ]
    lines = "\n".join(f"    {line}" if line else "" for line in body)
    return _MULTIPLY.format(n=n, m=m, p=p, levels=code.levels, body=lines)


def _blocks(kind: str, letter: str, names: tuple[str, ...], across: int, sizes: tuple[str, str], ld: str) -> list[str]:
    """Pointers to the blocks of a matrix."""
    rows, columns = sizes
    return [
        f"{kind} *{name} = {letter} + {k // across} * {rows} * {ld} + {k % across} * {columns};"
        for k, name in enumerate(names)
    ]


def _pool(code: Code) -> list[str]:
    """Memory of one level: shared sums, the two factors of a product, the products."""
    groups = [
        ("left_size", [name for name, _ in code.left.shared] + ["x"] * any(map(_is_made, code.left.outputs))),
        ("right_size", [name for name, _ in code.right.shared] + ["y"] * any(map(_is_made, code.right.outputs))),
        ("out_size", [*code.products, *(name for name, _ in code.output.shared)]),
    ]
    lines = ["const size_t left_size = height * inner, right_size = inner * width, out_size = height * width;"]
    total = " + ".join(f"{len(names)} * {size}" for size, names in groups)
    lines += [
        f"NUMBER *pool = malloc(sizeof(NUMBER) * ({total}));",
        "if (!pool)",
        "    return -1;",
        "NUMBER *next = pool;",
    ]
    for size, names in groups:
        lines += [f"NUMBER *{name} = next; next += {size};" for name in names]
    return lines


def _places(code: Code, blocks: tuple[str, ...], outside: str, inside: str) -> Callable[[Sum], str]:
    """How a sum is written for one element: blocks of the matrices through one macro, own memory through another."""

    def place(value: Sum) -> str:
        return written(
            tuple(part._replace(name=f"{outside if part.name in blocks else inside}({part.name})") for part in value),
            python_scaled,
            code.is_binary,
        )

    return place


def _shared(form: Forms, sizes: str, place: Callable[[Sum], str]) -> list[str]:
    return [_each(Named(name, value), sizes, place) for name, value in form.shared]


def _each(line: Named, sizes: str, place: Callable[[Sum], str]) -> str:
    width = sizes.split(", ")[1]
    return f"EACH({sizes}, {line.name}, {width}, {place(line.value)});"


def _products(code: Code) -> list[str]:
    """A recursive call for every product, whose factors are blocks, shared sums, or sums made for it."""
    lines = []
    left, right = (
        _places(code, names, *macros) for names, macros in zip(code.names[:2], (("A", "L"), ("B", "R")), strict=True)
    )
    for name, x, y in zip(code.products, code.left.outputs, code.right.outputs, strict=True):
        before, a = _factor(x, code.names[0], "x", "height, inner", left, "lda")
        more, b = _factor(y, code.names[1], "y", "inner, width", right, "ldb")
        lines += [*before, *more, f"failed |= multiply(height, inner, width, {a}, {b}, {name}, width, levels - 1);"]
    return lines


def _is_made(value: Sum) -> bool:
    """Whether a factor is a sum of its own, and no block or shared sum."""
    return len(value) > 1 or value[0].scale != 1


def _factor(
    value: Sum, blocks: tuple[str, ...], buffer: str, sizes: str, place: Callable[[Sum], str], ld: str
) -> tuple[list[str], str]:
    """Lines that make a factor where it is a sum, and the pointer and row length it is handed over by."""
    width = sizes.split(", ")[1]
    if not _is_made(value):
        return [], f"{value[0].name}, {ld if value[0].name in blocks else width}"
    return [_each(Named(buffer, value), sizes, place)], f"{buffer}, {width}"


def _outputs(code: Code) -> list[str]:
    place = _places(code, (), "", "P")
    pairs = zip(code.names[2], code.output.outputs, strict=True)
    return [f"EACH(height, width, {name}, ldc, {_reduced(code, place(value))});" for name, value in pairs]


_MULTIPLY = """#define EACH(height, width, target, ld, value)       \\
    for (size_t i = 0; i < (height); i++)            \\
        for (size_t j = 0; j < (width); j++)         \\
            (target)[i * (ld) + j] = (value)
#define A(block) block[i * lda + j]
#define B(block) block[i * ldb + j]
#define L(sum) sum[i * inner + j]
#define R(sum) sum[i * width + j]
#define P(sum) sum[i * width + j]

/* C = A B, row by row, rows x inner times inner x columns, with `levels` levels of recursion ({levels} were asked for);
 * {n}, {m} and {p} to the power of `levels` divide the sizes. Returns 0, or -1 without memory or with other sizes. */
int multiply(size_t rows, size_t middle, size_t columns, const NUMBER *a, size_t lda, const NUMBER *b, size_t ldb,
             NUMBER *c, size_t ldc, int levels)
{{
    if (levels == 0) {{
        PRODUCT(rows, middle, columns, a, lda, b, ldb, c, ldc);
        return 0;
    }}
    if (rows % {n} || middle % {m} || columns % {p})
        return -1;
    const size_t height = rows / {n}, inner = middle / {m}, width = columns / {p};
    int failed = 0;
{body}
    free(pool);
    return failed;
}}
"""
