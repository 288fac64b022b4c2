"""Source of the kernels: the straight-line programs of both axes, written out for Numba and for Triton."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from bilinear.decompositions.codegen.code import forms, written
from bilinear.decompositions.programs import Program

Lines = list[str]


def program_lines(
    program: Program, inputs: Sequence[str], outputs: Sequence[str], letter: str, scaled: Callable[[str, Fraction], str]
) -> Lines:
    """Assignments that compute the forms of a program.

    Args:
        program: Of inputs.
        inputs: Their names.
        outputs: The names that the forms get.
        letter: Begins the names of shared sums.
        scaled: How a name times a positive constant is written.
    """
    made = forms(program, inputs, letter)
    pairs = [*made.shared, *zip(outputs, made.outputs, strict=True)]
    return [f"{name} = {written(value, scaled)}" for name, value in pairs]


def numba_source(first: Program, second: Program, lanes: int, number: str, driver: str) -> str:
    """A module for Numba with `apply`, both programs on `lanes` channels of one tile, and one of the drivers.

    Args:
        first: Of the vertical axis.
        second: Of the horizontal one.
        lanes: Channels at a time.
        number: `float32` or `float64`.
        driver: `INTO` or `OUT`.
    """

    def scaled(name: str, scale: Fraction) -> str:
        return f"NUMBER({float(scale)!r}) * {name}"

    def axis(program: Program) -> tuple[Sequence[str], Sequence[str], Lines]:
        inputs, outputs = _names("d", program.inputs), _names("o", len(program.outputs))
        return inputs, outputs, program_lines(program, inputs, outputs, "r", scaled)

    down_in, down_out, down = axis(first)
    across_in, across_out, across = axis(second)
    body = [
        f"for j in range({second.inputs}):",
        "    for c in range(LANES):",
        *(f"        {name} = source[row + {i}, column + j, block, c]" for i, name in enumerate(down_in)),
        *(f"        {line}" for line in down),
        *(f"        middle[{i}, j, c] = {name}" for i, name in enumerate(down_out)),
        f"for i in range({len(first.outputs)}):",
        "    for c in range(LANES):",
        *(f"        {name} = middle[i, {j}, c]" for j, name in enumerate(across_in)),
        *(f"        {line}" for line in across),
        *(f"        result[i, {j}, c] = {name}" for j, name in enumerate(across_out)),
    ]
    sizes = {"ROWS": first.inputs, "COLUMNS": second.inputs, "DOWN": len(first.outputs), "ACROSS": len(second.outputs)}
    constants = "\n".join(f"{name} = {size}" for name, size in ({"LANES": lanes} | sizes).items())
    lines = "\n".join(f"    {line}" for line in body)
    return f"{_HEAD.format(number=number, constants=constants)}{lines}\n{driver}"


def triton_source(into: tuple[Program, Program], out: tuple[Program, Program]) -> str:
    """A module with the kernels `into_kernel` and `out_kernel`, all forms of a tile in registers.

    Args:
        into: The programs of B^T of both axes.
        out: Those of A^T.
    """
    return _TRITON.format(into=_both(*into, _LOAD_IMAGE, _STORE_FORM), out=_both(*out, _LOAD_FORM, _STORE_IMAGE))


def _both(first: Program, second: Program, load: Sequence[str], store: Sequence[str]) -> str:
    def scaled(name: str, scale: Fraction) -> str:
        return f"{float(scale)!r} * {name}"

    lines: Lines = []
    for j in range(second.inputs):
        names = [f"d{i}_{j}" for i in range(first.inputs)]
        for i, name in enumerate(names):
            lines += [line.format(name=name, i=i, j=j, k=i * second.inputs + j) for line in load]
        lines += program_lines(first, names, [f"e{i}_{j}" for i in range(len(first.outputs))], "r", scaled)
    width = len(second.outputs)
    for i in range(len(first.outputs)):
        names = [f"e{i}_{j}" for j in range(second.inputs)]
        lines += program_lines(second, names, [f"f{i}_{j}" for j in range(width)], "s", scaled)
        for j in range(width):
            lines += [line.format(name=f"f{i}_{j}", i=i, j=j, k=i * width + j) for line in store]
    return "\n".join(f"    {line}" for line in lines)


def _names(letter: str, count: int) -> list[str]:
    return [f"{letter}{k}" for k in range(count)]


_HEAD = """import numba
import numpy as np

from bilinear.decompositions.jit import kept

NUMBER = np.{number}
{constants}

OPTIONS = {{"nogil": True, "error_model": "numpy", "fastmath": {{"contract", "nsz"}}}}


@kept(numba.njit, **OPTIONS)
def apply(source, row, column, block, middle, result):
"""

INTO = """

@kept(numba.njit, **OPTIONS)
def into(images, forms, begin, end, down, across, step_down, step_across, above, before):
    batch, height, width, blocks, lanes = images.shape
    for tile_row in range(begin, end):
        image, top = images[tile_row // down], (tile_row % down) * step_down - above
        middle, result = np.empty((DOWN, COLUMNS, LANES), NUMBER), np.empty((DOWN, ACROSS, LANES), NUMBER)
        patch = np.empty((ROWS, COLUMNS, 1, LANES), NUMBER)
        for place in range(across):
            left, found = place * step_across - before, forms[(tile_row - begin) * across + place]
            whole = top >= 0 and left >= 0 and top + ROWS <= height and left + COLUMNS <= width
            for block in range(blocks):
                if whole:
                    apply(image, top, left, block, middle, result)
                else:
                    for i in range(ROWS):
                        for j in range(COLUMNS):
                            y, x, held = top + i, left + j, patch[i, j, 0]
                            if 0 <= y < height and 0 <= x < width:
                                seen = image[y, x, block]
                                for c in range(LANES):
                                    held[c] = seen[c]
                            else:
                                for c in range(LANES):
                                    held[c] = 0
                    apply(patch, 0, 0, 0, middle, result)
                for i in range(DOWN):
                    for j in range(ACROSS):
                        given = found[i, j, block]
                        for c in range(LANES):
                            given[c] = result[i, j, c]
"""
"""The data of tiles, rows of them from `begin` to `end` over all images, into their forms."""

OUT = """

@kept(numba.njit, **OPTIONS)
def out(forms, images, bias, begin, end, down, across):
    batch, height, width, blocks, lanes = images.shape
    for tile_row in range(begin, end):
        image, top = images[tile_row // down], (tile_row % down) * DOWN
        middle, result = np.empty((DOWN, COLUMNS, LANES), NUMBER), np.empty((DOWN, ACROSS, LANES), NUMBER)
        for place in range(across):
            left, held = place * ACROSS, forms[(tile_row - begin) * across + place]
            for block in range(blocks):
                apply(held, 0, 0, block, middle, result)
                shift = bias[block]
                for i in range(min(DOWN, height - top)):
                    for j in range(min(ACROSS, width - left)):
                        given = image[top + i, left + j, block]
                        for c in range(LANES):
                            given[c] = result[i, j, c] + shift[c]
"""
"""The products of tiles to their outputs, with the bias; likewise."""

_LOAD_IMAGE = (
    "y, x = top + {i} + nothing, left + {j} + nothing",
    "inside = real & (y >= 0) & (y < height) & (x >= 0) & (x < width)",
    "{name} = tl.load(image + (y * width + x) * channels, mask=inside, other=0).to(NUMBER)",
)
_STORE_FORM = ("tl.store(forms + {k} * plane, {name}.to(forms.dtype.element_ty), mask=real)",)
_LOAD_FORM = ("{name} = tl.load(forms + {k} * plane, mask=real, other=0).to(NUMBER)",)
_STORE_IMAGE = (
    "y, x = top + {i} + nothing, left + {j} + nothing",
    "value = ({name} + shift).to(image.dtype.element_ty)",
    "tl.store(image + (y * width + x) * channels, value, mask=real & (y < height) & (x < width))",
)

_TRITON = '''import triton
import triton.language as tl


@triton.jit
def into_kernel(
    image, forms, height, width, channels, down, across, above, before, step_down, step_across, plane,
    NUMBER: tl.constexpr, BLOCK: tl.constexpr,
):
    """The forms of one tile, for BLOCK channels; the image (batch, height, width, channels)."""
    tile = tl.program_id(0).to(tl.int64)
    c = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    real, nothing = c < channels, tl.zeros_like(c)
    sample, place = tile // (down * across), tile % (down * across)
    top, left = (place // across) * step_down - above, (place % across) * step_across - before
    image += sample * height * width * channels + c
    forms += tile * channels + c
{into}


@triton.jit
def out_kernel(
    image, forms, bias, height, width, channels, down, across, step_down, step_across, plane,
    NUMBER: tl.constexpr, BLOCK: tl.constexpr, BIASED: tl.constexpr,
):
    """The outputs of one tile, for BLOCK channels."""
    tile = tl.program_id(0).to(tl.int64)
    c = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    real, nothing = c < channels, tl.zeros_like(c)
    sample, place = tile // (down * across), tile % (down * across)
    top, left = (place // across) * step_down, (place % across) * step_across
    image += sample * height * width * channels + c
    forms += tile * channels + c
    shift = tl.zeros((BLOCK,), NUMBER)
    if BIASED:
        shift += tl.load(bias + c, mask=real, other=0).to(NUMBER)
{out}
'''
