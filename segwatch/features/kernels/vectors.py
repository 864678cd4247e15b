"""64 values at once, which numba has no word for: what LLVM makes of it, every processor has in some form.

Looking at each voxel by itself takes longer than fetching it from memory; 64 to an operation does not.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numba
from llvmlite import ir
from numba.core.base import BaseContext
from numba.core.types import Array, Type
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic
from numba.np.numpy_support import as_dtype

LANES = 64
"""Values that are looked at together: as bytes a line of the processor's cache, as bits a word."""

Code = Callable[[BaseContext, ir.IRBuilder, Signature, Sequence[ir.Value]], ir.Value]

_intrinsic: Callable[..., Callable[..., Any]] = intrinsic
"""Of the types in a call, such a function says what the call gives, and how its code is built."""


@_intrinsic
def filled_lanes(_: Context, values: Array, _at: Type) -> tuple[Signature, Code]:
    """A bit for each of 64 bytes from a flat array's place `at` on, the first the lowest: is it not 0?

    As with `sum_of_lanes`, the caller knows that 64 values are there: nobody looks again.
    """

    def build(
        context: BaseContext, builder: ir.IRBuilder, call: Signature, given: Sequence[ir.Value]
    ) -> ir.Value:
        lanes = _load(context, builder, call, given)
        filled = builder.icmp_unsigned("!=", lanes, ir.Constant(lanes.type, None))
        return builder.bitcast(filled, ir.IntType(LANES))

    return numba.uint64(values, numba.intp), build


@_intrinsic
def sum_of_lanes(_: Context, values: Array, _at: Type, _bits: Type) -> tuple[Signature, Code]:
    """The sum of those of 64 values from a flat array's place `at` on whose bit in a word is set.

    Whole numbers of up to 32 bits are added exactly, floats as float64, always in the same order.
    """
    number = as_dtype(values.dtype)
    found = numba.float64 if number.kind == "f" else numba.int64

    def build(
        context: BaseContext, builder: ir.IRBuilder, call: Signature, given: Sequence[ir.Value]
    ) -> ir.Value:
        lanes = _load(context, builder, call, given)
        wanted = builder.bitcast(given[2], ir.VectorType(ir.IntType(1), LANES))
        lanes = builder.select(wanted, lanes, ir.Constant(lanes.type, None))
        if number.kind == "f":
            wide, extend, add = ir.DoubleType(), builder.fpext, builder.fadd
        else:
            wide = ir.IntType(64 if number.itemsize > 2 else 32)  # which holds 64 times 16 bits
            extend, add = (builder.sext if number.kind == "i" else builder.zext), builder.add
        total = _folded(builder, extend(lanes, ir.VectorType(wide, LANES)), add)
        return total if number.kind == "f" else builder.sext(total, ir.IntType(64))

    return found(values, numba.intp, numba.uint64), build


@_intrinsic
def lowest_bit(_: Context, _word: Type) -> tuple[Signature, Code]:
    """The place of the lowest bit that is set in a word that is not 0."""

    def build(_: BaseContext, builder: ir.IRBuilder, _call: Signature, given: Sequence[ir.Value]) -> ir.Value:
        return builder.cttz(given[0], ir.Constant(ir.IntType(1), 1))

    return numba.int64(numba.uint64), build


@_intrinsic
def bits_set(_: Context, _word: Type) -> tuple[Signature, Code]:
    """How many bits of a word are set."""

    def build(_: BaseContext, builder: ir.IRBuilder, _call: Signature, given: Sequence[ir.Value]) -> ir.Value:
        return builder.ctpop(given[0])

    return numba.int64(numba.uint64), build


def _load(
    context: BaseContext, builder: ir.IRBuilder, call: Signature, given: Sequence[ir.Value]
) -> ir.Value:
    """64 values of the array, which is the first that is given, from the place that is the second."""
    array = context.make_array(call.args[0])(context, builder, given[0])
    first = builder.gep(array.data, [given[1]])
    lanes = ir.VectorType(first.type.pointee, LANES)
    return builder.load(builder.bitcast(first, lanes.as_pointer()), align=1)


def _folded(builder: ir.IRBuilder, lanes: ir.Value, add: Callable[..., ir.Value]) -> ir.Value:
    """The sum of all lanes: the upper half is added to the lower until there is one."""
    while (half := lanes.type.count // 2) > 0:
        lower, upper = (_taken(builder, lanes, range(at, at + half)) for at in (0, half))
        lanes = add(lower, upper)
    return builder.extract_element(lanes, ir.IntType(32)(0))


def _taken(builder: ir.IRBuilder, lanes: ir.Value, places: Sequence[int]) -> ir.Value:
    return builder.shuffle_vector(
        lanes, lanes, ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))
    )
