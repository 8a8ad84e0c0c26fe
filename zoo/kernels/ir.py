"""Text of LLVM IR for numbers in vector lanes."""

import struct

import numpy as np

from zoo.kernels.scalars import BOOL, FLOAT, INT

_SCALARS = {FLOAT: "float", INT: "i32", BOOL: "i1"}


def float_literal(value: float) -> str:
    """A float32 as LLVM writes it: the bits of the double that equals it."""
    return "0x" + struct.pack(">d", float(np.float32(value))).hex().upper()


class Code:
    """Lines of a function's body.

    Attributes:
        lanes: elements of a vector; 1 for plain numbers.
        lines: what has been written.
        declarations: of the functions that it calls.
    """

    def __init__(self, lanes: int):
        self.lanes, self.lines, self.declarations = lanes, [], set()
        self._count = 0

    def fresh(self) -> str:
        """A name that is not in use."""
        self._count += 1
        return f"%t{self._count}"

    def line(self, text: str) -> None:
        """Writes an instruction without a result."""
        self.lines.append(f"  {text}")

    def label(self, name: str) -> None:
        """Begins a block."""
        self.lines.append(f"{name}:")

    def emit(self, text: str, name: str | None = None) -> str:
        """Writes an instruction and gives the name of its result."""
        name = name or self.fresh()
        self.lines.append(f"  {name} = {text}")
        return name

    def type_of(self, dtype: str = FLOAT) -> str:
        """Vector type of a kind of number."""
        scalar = _SCALARS[dtype]
        return scalar if self.lanes == 1 else f"<{self.lanes} x {scalar}>"

    def splat(self, literal: str, dtype: str = FLOAT) -> str:
        """A constant in all lanes."""
        return literal if self.lanes == 1 else f"splat ({_SCALARS[dtype]} {literal})"

    def number(self, value: float) -> str:
        """A float in all lanes."""
        return self.splat(float_literal(value))

    def spread(self, scalar: str) -> str:
        """A plain float in all lanes."""
        if self.lanes == 1:
            return scalar
        kind = self.type_of()
        first = self.emit(f"insertelement {kind} poison, float {scalar}, i32 0")
        return self.emit(f"shufflevector {kind} {first}, {kind} poison, <{self.lanes} x i32> zeroinitializer")

    def at(self, base: str, offset: int | str, size: int = 4) -> str:
        """Address of an element: a known number of elements, or a counter (i64), behind a base."""
        if isinstance(offset, int):
            return self.emit(f"getelementptr inbounds i8, ptr {base}, i64 {offset * size}")
        scaled = self.emit(f"mul i64 {offset}, {size}")
        return self.emit(f"getelementptr inbounds i8, ptr {base}, i64 {scaled}")

    def load(self, address: str) -> str:
        """A row of floats, one a lane, aligned."""
        return self.emit(f"load {self.type_of()}, ptr {address}, align {4 * self.lanes}")

    def store(self, value: str, address: str) -> None:
        """Writes a row of floats."""
        self.line(f"store {self.type_of()} {value}, ptr {address}, align {4 * self.lanes}")

    def load_spread(self, address: str) -> str:
        """One float from memory, in all lanes."""
        return self.spread(self.emit(f"load float, ptr {address}, align 4"))

    def binary(self, op: str, a: str, b: str) -> str:
        """`fadd`, `fsub` and `fmul` may be fused."""
        flags = " contract" if op in ("fadd", "fsub", "fmul") else ""
        return self.emit(f"{op}{flags} {self.type_of()} {a}, {b}")

    def multiply_add(self, a: str, b: str, c: str) -> str:
        """The number a b + c, in one rounding where there is an instruction for that."""
        return self.binary("fadd", self.binary("fmul", a, b), c)

    def compare(self, relation: str, a: str, b: str) -> str:
        """A truth value a lane, of floats."""
        return self.emit(f"fcmp {relation} {self.type_of()} {a}, {b}")

    def select(self, which: str, true: str, false: str, dtype: str = FLOAT) -> str:
        """`true` in the lanes where `which`, `false` elsewhere."""
        kind = self.type_of(dtype)
        return self.emit(f"select {self.type_of(BOOL)} {which}, {kind} {true}, {kind} {false}")

    def intrinsic(self, name: str, *operands: str) -> str:
        """Text of a call of one of LLVM's functions on floats."""
        kind = self.type_of()
        function = f"@llvm.{name}.{'f32' if self.lanes == 1 else f'v{self.lanes}f32'}"
        self.declarations.add(f"declare {kind} {function}({', '.join([kind] * len(operands))})")
        return f"call {kind} {function}({', '.join(f'{kind} {o}' for o in operands)})"


class Count:
    """``for counter in range(start, stop, step)``, of 64-bit integers; values that go round are named at its head.

    Args:
        code: to write into.
        before: block that leads to the loop.
        name: of its blocks, not in use elsewhere.
        start, stop: numbers, or names of them; at least one round is made.
        step: added after each round.
        carry: what goes round: for each its type and its value before.
    """

    def __init__(self, code: Code, before: str, name: str, start, stop, step: int = 1, carry=()):
        self._code, self._name, self._stop, self._step = code, name, stop, step
        self.counter, self._next = f"%{name}.i", f"%{name}.next"
        self.values = [f"%{name}.v{i}" for i in range(len(carry))]
        self.after = f"{name}.after"
        code.line(f"br label %{name}")
        code.label(name)
        self._phis = len(code.lines)
        self._heads = [(self.counter, "i64", str(start), before)]
        self._heads += [(v, kind, first, before) for v, (kind, first) in zip(self.values, carry, strict=True)]

    def end(self, following=(), *, block: str | None = None, also: str | None = None) -> list[str]:
        """Closes the loop.

        Args:
            following: the next round's values.
            block: in which the round ends, where that is not the one in which it begins.
            also: a truth value (i1) without which no further round is made.

        Returns:
            The values of the last round.
        """
        code, last = self._code, block or self._name
        code.emit(f"add i64 {self.counter}, {self._step}", self._next)
        going = code.emit(f"icmp slt i64 {self._next}, {self._stop}")
        if also is not None:
            going = code.emit(f"and i1 {going}, {also}")
        code.line(f"br i1 {going}, label %{self._name}, label %{self.after}")
        code.label(self.after)
        values = [self._next, *following]
        heads = [
            f"  {name} = phi {kind} [ {first}, %{before} ], [ {value}, %{last} ]"
            for (name, kind, first, before), value in zip(self._heads, values, strict=True)
        ]
        code.lines[self._phis : self._phis] = heads
        return list(following)
