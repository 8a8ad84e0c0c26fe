"""Whole episodes of a population in one call from XLA: physics, networks and the loop over steps in one program.

Environments are taken a vector at a time. A block of as many as a register has lanes plays from its first step to
the end of its last episode; its networks stay in the processor's cache meanwhile.
"""

import jax
import jax.numpy as jnp

from zoo.kernels import ffi
from zoo.kernels.ir import Code, Count
from zoo.kernels.networks import PARTS, Networks, Shape, fill_function

ARGUMENTS = ("counts", "scales", "state", "observation", *PARTS, "mean", "std")
"""Arrays that the call takes.

    counts       [5] int32 (`counts`)
    scales       [2]: factor on readouts, bound of normalised observations
    state        [S, N] the carried numbers
    observation  [I, N]
    k … w_out    as of `zoo.models.Packed`
    mean, std    [I]: what observations are normalised by
"""
RESULTS = ("returns", "expected", "lengths", "count", "deviation", "squared", "scratch")
"""Arrays that it gives.

    returns, expected, lengths  [N]
    count, deviation, squared   [1], [I], [I]: `zoo.tasks.observations.Moments`
    scratch                     working memory (`scratch_size`)
"""


_MEMSET = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"


def scratch_size(shape: Shape, state: int, lanes: int) -> int:
    """Numbers of working memory."""
    rows = state + _rows(shape)
    return shape.scratch(lanes) + lanes * rows


def _rows(shape: Shape) -> int:
    """Rows of lanes besides the state: action, result, readout, two sums of moments."""
    return shape.outputs + (shape.inputs + 4) + shape.outputs + 2 * shape.inputs


def module(step: str, step_name: str, shape: Shape, state: int, name: str, lanes: int) -> str:
    """LLVM IR of a handler of XLA's foreign function interface, which plays episodes.

    Args:
        step: declaration of the step's function.
        step_name: its name (`zoo.kernels.llvm.step_function`).
        shape: of the networks.
        state: how many numbers of the state are carried.
        name: of the handler.
        lanes: environments that advance together.
    """
    block = _Block(shape, state, step_name, lanes)
    handler = ffi.handler(name, ARGUMENTS, RESULTS, _play_all)
    text = [step, fill_function(shape, "fill", lanes), block.function(), _MEMSET, handler]
    return "\n".join([*sorted(block.code.declarations), *text])


class _Block:
    """The function that plays one block; its parameters are addresses of all arrays."""

    def __init__(self, shape: Shape, state: int, step_name: str, lanes: int):
        self.code = Code(lanes)
        self._shape, self._state, self._step_name = shape, state, step_name
        self._row = 4 * lanes

    def function(self) -> str:
        """Void block(all arrays, i64 first)."""
        code = self.code
        code.label("entry")
        self._addresses()
        self._begin()
        self._episode()
        parameters = ", ".join(f"ptr noalias %{p}" for p in (*ARGUMENTS, *RESULTS))
        head = f"define internal void @block({parameters}, i64 %first) nounwind noinline {{"
        return "\n".join([head, *code.lines, "  ret void", "}", ""])

    def _addresses(self):
        """Divides the working memory, and reads what all blocks have in common."""
        code, shape = self.code, self._shape
        at = 0
        for name, rows in (
            ("own", shape.padded * shape.record(own=True)),
            ("rows.state", self._state),
            ("rows.action", shape.outputs),
            ("rows.result", shape.inputs + 4),
            ("rows.readout", shape.outputs),
            ("rows.deviation", shape.inputs),
            ("rows.squared", shape.inputs),
            ("shared", 0),
        ):
            code.emit(f"getelementptr inbounds i8, ptr %scratch, i64 {at}", f"%{name}")
            at += rows * self._row
        for i, name in enumerate(("environments", "limit", "episodes")):
            number = code.emit(f"load i32, ptr {code.at('%counts', i)}, align 4")
            code.emit(f"sext i32 {number} to i64", f"%{name}")
        code.emit("sub i64 %environments, 1", "%last")
        pointers = ", ".join(f"ptr %{p}" for p in (*PARTS, "own", "shared"))
        code.line(f"call void @fill({pointers}, i64 %first, i64 %last, i64 %episodes)")

    def _begin(self):
        """Rows of the block: its environments' states and observations; readouts and sums at 0."""
        code, shape = self.code, self._shape
        block = "entry"
        for name, rows, target in (
            ("state", self._state, "rows.state"),
            ("observation", shape.inputs, "rows.result"),
        ):
            if rows:
                block = self._gather(block, name, rows, target)
        zero = code.number(0.0)
        for name, rows in (("readout", shape.outputs), ("deviation", shape.inputs), ("squared", shape.inputs)):
            for row in range(rows):
                code.store(zero, code.at(f"%rows.{name}", row, self._row))
        self._before = block

    def _gather(self, block, name, rows, target) -> str:
        """Copies the lanes' columns of an array [rows, N]; lanes beyond the last environment repeat it."""
        code = self.code
        row = Count(code, block, f"{name}.row", 0, rows)
        lane = Count(code, f"{name}.row", f"{name}.lane", 0, code.lanes)
        column = code.emit(f"add i64 %first, {lane.counter}")
        inside = code.emit(f"icmp slt i64 {column}, %last")
        column = code.emit(f"select i1 {inside}, i64 {column}, i64 %last")
        start = code.emit(f"mul i64 {row.counter}, %environments")
        value = code.emit(f"load float, ptr {code.at(f'%{name}', code.emit(f'add i64 {start}, {column}'))}, align 4")
        place = code.emit(f"add i64 {code.emit(f'mul i64 {row.counter}, {code.lanes}')}, {lane.counter}")
        code.line(f"store float {value}, ptr {code.at(f'%{target}', place)}, align 4")
        lane.end()
        row.end(block=lane.after)
        return row.after

    def _episode(self):
        """The loop over steps, until no lane's episode goes on."""
        code, shape = self.code, self._shape
        kind, truth, zero = code.type_of(), code.type_of("b"), code.number(0.0)
        self._gain, self._clip = (code.load_spread(code.at("%scales", i)) for i in range(2))
        carry = [(kind, zero), (kind, zero), (kind, zero), (truth, self._living())]
        loop = Count(code, self._before, "time", 0, "%limit", carry=carry)
        returns, expected, lengths, alive = loop.values
        networks = Networks(code, shape, "%own", "%shared")
        after, sums = networks.step("time", "neurons", self._inputs(alive))
        for o, total in enumerate(sums):
            at = code.at("%rows.readout", o, self._row)
            potential = networks.readout(code.load(at), total)
            code.store(potential, at)
            code.store(code.binary("fmul", self._gain, potential), code.at("%rows.action", o, self._row))
        code.line(f"call void @{self._step_name}(ptr %rows.state, ptr %rows.action, ptr %rows.result)")
        reward, done, hope, fault = (
            code.load(code.at("%rows.result", shape.inputs + i, self._row)) for i in range(4)
        )
        reward, hope = code.binary("fadd", reward, fault), code.binary("fadd", hope, fault)
        returns = code.binary("fadd", returns, code.select(alive, reward, zero))
        expected = code.binary("fadd", expected, code.select(alive, hope, zero))
        lengths = code.binary("fadd", lengths, code.select(alive, code.number(1.0), zero))
        ended = code.compare("une", done, zero)
        alive = code.select(ended, self._never(), alive, "b")
        loop.end([returns, expected, lengths, alive], block=after, also=self._any(alive))
        self._finish({"returns": returns, "expected": expected, "lengths": lengths}, loop.after)

    def _never(self) -> str:
        return self.code.splat("false", "b")

    def _living(self) -> str:
        """Lanes that have an environment."""
        code = self.code
        left = code.emit("sub i64 %environments, %first")
        wide = f"<{code.lanes} x i64>"
        start = code.emit(f"insertelement {wide} poison, i64 {left}, i32 0")
        left = code.emit(f"shufflevector {wide} {start}, {wide} poison, <{code.lanes} x i32> zeroinitializer")
        lanes = "<" + ", ".join(f"i64 {i}" for i in range(code.lanes)) + ">"
        return code.emit(f"icmp slt {wide} {lanes}, {left}")

    def _any(self, alive: str) -> str:
        """Whether a lane is still alive (i1)."""
        code = self.code
        bits = code.emit(f"bitcast {code.type_of('b')} {alive} to i{code.lanes}")
        return code.emit(f"icmp ne i{code.lanes} {bits}, 0")

    def _inputs(self, alive: str) -> list[str]:
        """Normalised observations; the sums of their moments about the mean grow where episodes go on."""
        code = self.code
        inputs = []
        for i in range(self._shape.inputs):
            observation = code.load(code.at("%rows.result", i, self._row))
            deviation = code.binary("fsub", observation, code.load_spread(code.at("%mean", i)))
            counted = code.select(alive, deviation, code.number(0.0))
            at = code.at("%rows.deviation", i, self._row)
            code.store(code.binary("fadd", code.load(at), counted), at)
            at = code.at("%rows.squared", i, self._row)
            code.store(code.multiply_add(counted, counted, code.load(at)), at)
            scaled = code.binary("fdiv", deviation, code.load_spread(code.at("%std", i)))
            high = code.compare("ogt", scaled, self._clip)
            scaled = code.select(high, self._clip, scaled)
            low = code.emit(f"fneg {code.type_of()} {self._clip}")
            inputs.append(code.select(code.compare("olt", scaled, low), low, scaled))
        return inputs

    def _finish(self, sums: dict[str, str], block: str):
        """Writes each environment's sums, and adds the block's moments to those of all."""
        code, shape = self.code, self._shape
        for name, value in sums.items():
            code.store(value, code.at("%rows.action", 0, 0))  # A row that can be read lane by lane.
            block = self._scatter(block, name)
        for name in ("deviation", "squared"):
            for i in range(shape.inputs):
                total = self._sum(code.load(code.at(f"%rows.{name}", i, self._row)))
                self._add(code.at(f"%{name}", i), total)
        self._add("%count", self._sum(sums["lengths"]))

    def _scatter(self, block: str, name: str) -> str:
        code = self.code
        lane = Count(code, block, f"{name}.out", 0, code.lanes)
        place = code.emit(f"add i64 %first, {lane.counter}")
        inside = code.emit(f"icmp slt i64 {place}, %last")
        place = code.emit(f"select i1 {inside}, i64 {place}, i64 %last")
        value = code.emit(f"load float, ptr {code.at('%rows.action', lane.counter)}, align 4")
        at = code.at(f"%{name}", place)
        # Lanes beyond the last environment would overwrite its sums.
        own = code.emit(f"icmp sle i64 {code.emit(f'add i64 %first, {lane.counter}')}, %last")
        before = code.emit(f"load float, ptr {at}, align 4")
        code.line(f"store float {code.emit(f'select i1 {own}, float {value}, float {before}')}, ptr {at}, align 4")
        lane.end()
        return lane.after

    def _sum(self, vector: str) -> str:
        """Sum over lanes, in their order."""
        code = self.code
        kind = code.type_of()
        function = f"@llvm.vector.reduce.fadd.v{code.lanes}f32"
        code.declarations.add(f"declare float {function}(float, {kind})")
        return code.emit(f"call float {function}(float 0.0, {kind} {vector})")

    def _add(self, address: str, value: str) -> None:
        code = self.code
        before = code.emit(f"load float, ptr {address}, align 4")
        code.line(f"store float {code.emit(f'fadd float {before}, {value}')}, ptr {address}, align 4")


def _play_all(code: Code, addresses: dict[str, str]) -> None:
    """All blocks one after another."""
    environments, inputs, lanes = (ffi.count(code, addresses["counts"], i) for i in (0, 3, 4))
    size = code.emit(f"mul i64 {inputs}, 4")
    for result, length in (("count", "4"), ("deviation", size), ("squared", size)):
        code.line(f"call void @llvm.memset.p0.i64(ptr {addresses[result]}, i8 0, i64 {length}, i1 false)")
    blocks = Count(code, "run", "blocks", 0, environments, lanes)
    code.line(f"call void @block({', '.join(f'ptr {p}' for p in addresses.values())}, i64 {blocks.counter})")
    blocks.end()


def counts(environments: int, limit: jax.Array, episodes: int, shape: Shape, lanes: int) -> jax.Array:
    """The first argument: environments N, most steps, episodes of a member, inputs, lanes."""
    return jnp.stack([jnp.int32(n) for n in (environments, limit, episodes, shape.inputs, lanes)])
