"""Access to the two blocks of a walk through plain addresses, for Numba kernels.

Numba counts references whenever an array is handed from one compiled function to another; in the walk that made each
flip 15 times slower. An address is an integer and costs nothing. The caller keeps the arrays alive. Each accessor is an
intrinsic: a few instructions put straight into its caller, with nothing to compile, cache or inline.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc"
from typing import Any, NamedTuple

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from bilinear.discover.solvers.flip_graph import blocks as at


class Memory(NamedTuple):
    """One walk as the kernel sees it.

    Attributes:
        ints: Address of the integer block.
        words: Address of the word block.
        ring: Code of the coefficient set.
        width: Words of a bit plane.
        stride: Words of a value.
        heads: Index in `ints` of the bucket heads.
        active: Index in `ints` of the list of active entries.
        shift: 64 minus the binary logarithm of the number of buckets.
        orbit: Products that a row stands for; above 1 a factor of any column may meet one of any other.
    """

    ints: int
    words: int
    ring: int
    width: int
    stride: int
    heads: int
    active: int
    shift: int
    orbit: int


INTS, WORDS, STRIDE = 0, 1, 4  # positions in Memory
LONG = ir.IntType(64)
SHORT = ir.IntType(32)


def _place(builder: Any, m: Any, block: int, element: ir.Type, index: Any) -> Any:
    address = builder.extract_value(m, block)
    return builder.gep(builder.inttoptr(address, element.as_pointer()), [index])


def _plain_index(builder, m, indices):
    return indices[0]


def _field_index(builder, m, indices):
    return builder.add(builder.mul(indices[0], LONG(at.FIELDS)), indices[1])


def _value_index(builder, m, indices):
    start = builder.mul(indices[0], builder.extract_value(m, STRIDE))
    return builder.add(builder.add(start, LONG(at.HEADER)), indices[1])


def _accessors(block: int, index_of: Any, arity: int, kind: types.Type) -> tuple[Any, Any]:
    """Return the intrinsics `load(m, *indices)` and `store(m, *indices, value)`."""
    element = SHORT if block == INTS else LONG
    numbers = (types.int64,) * arity

    def generate_load(context, builder, signature, arguments):
        m, *indices = arguments
        value = builder.load(_place(builder, m, block, element, index_of(builder, m, indices)))
        return builder.sext(value, LONG) if block == INTS else value

    def generate_store(context, builder, signature, arguments):
        m, *indices, value = arguments
        place = _place(builder, m, block, element, index_of(builder, m, indices))
        builder.store(builder.trunc(value, SHORT) if block == INTS else value, place)
        return context.get_dummy_value()

    if arity == 1:

        def load(typing_context, m, i):
            return kind(m, *numbers), generate_load

        def store(typing_context, m, i, value):
            return types.void(m, *numbers, kind), generate_store

        return intrinsic(load), intrinsic(store)

    def load_second(typing_context, m, i, j):
        return kind(m, *numbers), generate_load

    def store_second(typing_context, m, i, j, value):
        return types.void(m, *numbers, kind), generate_store

    return intrinsic(load_second), intrinsic(store_second)


get, put = _accessors(WORDS, _plain_index, 1, types.int64)  # header words as signed integers
load_word, store_word = _accessors(WORDS, _plain_index, 1, types.uint64)
load_int, store_int = _accessors(INTS, _plain_index, 1, types.int64)
field, set_field = _accessors(INTS, _field_index, 2, types.int64)  # (entry, field)
word, set_word = _accessors(WORDS, _value_index, 2, types.uint64)  # (entry, word of its value)


def _call_burst(typing_context, address, ints, words, until):
    """Call the compiled burst at an address with the addresses of the two blocks; return how it ended."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(LONG, [LONG, LONG, LONG])
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])

    return types.int64(types.int64, types.int64, types.int64, types.int64), generate


def _stay_apart(typing_context):
    """Keep the function that calls this out of its callers: its body is compiled once instead of once a call."""

    def generate(context, builder, signature, arguments):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


call_burst: Any = intrinsic(_call_burst)
stay_apart: Any = intrinsic(_stay_apart)
