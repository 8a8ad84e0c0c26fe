"""Whole episodes of a population in one call from XLA: physics, networks and the loop over steps in one program.

Environments are taken a vector at a time. A block of as many as a register has lanes plays from its first step to
the end of its last episode; its networks stay in the processor's cache meanwhile.
"""

import jax
import jax.numpy as jnp

from zoo.kernels import ffi
from zoo.kernels.ir import Code, Count
from zoo.kernels.networks import PARTS, Networks, Shape, fill_function, vectors

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
    together = lanes * vectors(shape, lanes)
    return shape.scratch(together) + together * sum(rows for _, rows in _rows(shape, state))


def _rows(shape: Shape, state: int) -> list[tuple[str, int]]:
    """Rows of lanes that each vector of environments has."""
    return [
        ("state", state),
        ("action", shape.outputs),
        ("result", shape.inputs + 4),
        ("readout", shape.outputs),
        ("sums", shape.outputs),
        ("deviation", shape.inputs),
        ("squared", shape.inputs),
        ("inputs", shape.inputs),
    ]


def module(step: str, step_name: str, shape: Shape, state: int, name: str, lanes: int) -> str:
    """LLVM IR of a handler of XLA's foreign function interface, which plays episodes.

    Args:
        step: declaration of the step's function.
        step_name: its name (`zoo.kernels.llvm.step_function`).
        shape: of the networks.
        state: how many numbers of the state are carried.
        name: of the handler.
        lanes: of a vector.
    """
    block = _Block(shape, state, step_name, lanes)
    handler = ffi.handler(name, ARGUMENTS, RESULTS, _play_all)
    fill = fill_function(shape, "fill", lanes * vectors(shape, lanes))
    text = [step, fill, block.function(), _MEMSET, handler]
    return "\n".join([*sorted(block.code.declarations), *text])


class _Block:
    """The function that plays one block; its parameters are addresses of all arrays."""

    def __init__(self, shape: Shape, state: int, step_name: str, lanes: int):
        self.code = Code(lanes)
        self._shape, self._state, self._step_name = shape, state, step_name
        self._row, self._vectors = 4 * lanes, range(vectors(shape, lanes))

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

    def _at(self, name: str, vector: int, row: int) -> str:
        """Address of a row of a vector's."""
        return self.code.at(f"%{name}.{vector}", row, self._row)

    def _addresses(self):
        """Divides the working memory, and reads what all blocks have in common."""
        code, shape = self.code, self._shape
        code.emit("getelementptr inbounds i8, ptr %scratch, i64 0", "%own")
        at = len(self._vectors) * shape.padded * shape.record(own=True) * self._row
        for vector in self._vectors:
            code.emit(f"add i64 %first, {vector * code.lanes}", f"%first.{vector}")
            for name, rows in _rows(shape, self._state):
                code.emit(f"getelementptr inbounds i8, ptr %scratch, i64 {at}", f"%{name}.{vector}")
                at += rows * self._row
        code.emit(f"getelementptr inbounds i8, ptr %scratch, i64 {at}", "%shared")
        for i, name in enumerate(("environments", "limit", "episodes")):
            number = code.emit(f"load i32, ptr {code.at('%counts', i)}, align 4")
            code.emit(f"sext i32 {number} to i64", f"%{name}")
        code.emit("sub i64 %environments, 1", "%last")
        pointers = ", ".join(f"ptr %{p}" for p in (*PARTS, "own", "shared"))
        code.line(f"call void @fill({pointers}, i64 %first, i64 %last, i64 %episodes)")

    def _begin(self):
        """Rows of the block: its environments' states and observations; readouts and sums at 0."""
        code, shape = self.code, self._shape
        block, zero = "entry", code.number(0.0)
        for vector in self._vectors:
            for name, rows, target in (("state", self._state, "state"), ("observation", shape.inputs, "result")):
                if rows:
                    block = self._gather(block, name, rows, target, vector)
            for name, rows in (("readout", shape.outputs), ("deviation", shape.inputs), ("squared", shape.inputs)):
                for row in range(rows):
                    code.store(zero, self._at(name, vector, row))
        self._before = block

    def _column(self, lane: str, vector: int) -> tuple[str, str]:
        """The environment of a lane, the last one for lanes beyond it; and whether it is the lane's own (i1)."""
        code = self.code
        column = code.emit(f"add i64 %first.{vector}, {lane}")
        inside = code.emit(f"icmp sle i64 {column}, %last")
        return code.emit(f"select i1 {inside}, i64 {column}, i64 %last"), inside

    def _gather(self, block, name, rows, target, vector) -> str:
        """Copies the lanes' columns of an array [rows, N]."""
        code = self.code
        row = Count(code, block, f"{name}.row.{vector}", 0, rows)
        lane = Count(code, f"{name}.row.{vector}", f"{name}.lane.{vector}", 0, code.lanes)
        column, _ = self._column(lane.counter, vector)
        start = code.emit(f"mul i64 {row.counter}, %environments")
        value = code.emit(f"load float, ptr {code.at(f'%{name}', code.emit(f'add i64 {start}, {column}'))}, align 4")
        place = code.emit(f"add i64 {code.emit(f'mul i64 {row.counter}, {code.lanes}')}, {lane.counter}")
        code.line(f"store float {value}, ptr {code.at(f'%{target}.{vector}', place)}, align 4")
        lane.end()
        row.end(block=lane.after)
        return row.after

    def _episode(self):
        """The loop over steps, until no lane's episode goes on."""
        code = self.code
        kind, truth, zero = code.type_of(), code.type_of("b"), code.number(0.0)
        self._gain, self._clip = (code.load_spread(code.at("%scales", i)) for i in range(2))
        carry = [
            value
            for v in self._vectors
            for value in ((kind, zero), (kind, zero), (kind, zero), (truth, self._living(v)))
        ]
        loop = Count(code, self._before, "time", 0, "%limit", carry=carry)
        sums = [loop.values[4 * v : 4 * v + 4] for v in self._vectors]
        for vector in self._vectors:
            self._inputs(vector, sums[vector][3])
        networks = Networks(code, self._shape, "%own", "%shared")
        after = networks.step(
            "time", "neurons", [f"%inputs.{v}" for v in self._vectors], [f"%sums.{v}" for v in self._vectors]
        )
        following = [self._step(networks, vector, *sums[vector]) for vector in self._vectors]
        going = [self._any(alive) for *_, alive in following]
        also = going[0] if len(going) == 1 else code.emit(f"or i1 {going[0]}, {going[1]}")
        loop.end([value for values in following for value in values], block=after, also=also)
        block = loop.after
        for vector, values in enumerate(following):
            block = self._finish(vector, dict(zip(("returns", "expected", "lengths"), values, strict=False)), block)

    def _step(self, networks, vector, returns, expected, lengths, alive) -> list[str]:
        """Readouts, physics and sums of a vector of environments."""
        code, shape, zero = self.code, self._shape, self.code.number(0.0)
        for o in range(shape.outputs):
            at = self._at("readout", vector, o)
            potential = networks.readout(code.load(at), code.load(self._at("sums", vector, o)))
            code.store(potential, at)
            code.store(code.binary("fmul", self._gain, potential), self._at("action", vector, o))
        rows = ", ".join(f"ptr %{name}.{vector}" for name in ("state", "action", "result"))
        code.line(f"call void @{self._step_name}({rows})")
        reward, done, hope, fault = (code.load(self._at("result", vector, shape.inputs + i)) for i in range(4))
        reward, hope = code.binary("fadd", reward, fault), code.binary("fadd", hope, fault)
        returns = code.binary("fadd", returns, code.select(alive, reward, zero))
        expected = code.binary("fadd", expected, code.select(alive, hope, zero))
        lengths = code.binary("fadd", lengths, code.select(alive, code.number(1.0), zero))
        ended = code.compare("une", done, zero)
        return [returns, expected, lengths, code.select(ended, code.splat("false", "b"), alive, "b")]

    def _living(self, vector: int) -> str:
        """Lanes that have an environment."""
        code = self.code
        left = code.emit(f"sub i64 %environments, %first.{vector}")
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

    def _inputs(self, vector: int, alive: str) -> None:
        """Normalised observations; the sums of their moments about the mean grow where episodes go on."""
        code = self.code
        for i in range(self._shape.inputs):
            observation = code.load(self._at("result", vector, i))
            deviation = code.binary("fsub", observation, code.load_spread(code.at("%mean", i)))
            counted = code.select(alive, deviation, code.number(0.0))
            at = self._at("deviation", vector, i)
            code.store(code.binary("fadd", code.load(at), counted), at)
            at = self._at("squared", vector, i)
            code.store(code.multiply_add(counted, counted, code.load(at)), at)
            scaled = code.binary("fdiv", deviation, code.load_spread(code.at("%std", i)))
            high = code.compare("ogt", scaled, self._clip)
            scaled = code.select(high, self._clip, scaled)
            low = code.emit(f"fneg {code.type_of()} {self._clip}")
            scaled = code.select(code.compare("olt", scaled, low), low, scaled)
            code.store(scaled, self._at("inputs", vector, i))

    def _finish(self, vector: int, sums: dict[str, str], block: str) -> str:
        """Writes each environment's sums, and adds the vector's moments to those of all."""
        code, shape = self.code, self._shape
        for name, value in sums.items():
            code.store(value, self._at("action", vector, 0))  # A row that can be read lane by lane.
            block = self._scatter(block, name, vector)
        for name in ("deviation", "squared"):
            for i in range(shape.inputs):
                self._add(code.at(f"%{name}", i), self._sum(code.load(self._at(name, vector, i))))
        self._add("%count", self._sum(sums["lengths"]))
        return block

    def _scatter(self, block: str, name: str, vector: int) -> str:
        """Each lane's number to its environment; lanes beyond the last one write again what is there."""
        code = self.code
        lane = Count(code, block, f"{name}.out.{vector}", 0, code.lanes)
        column, own = self._column(lane.counter, vector)
        value = code.emit(f"load float, ptr {code.at(f'%action.{vector}', lane.counter)}, align 4")
        at = code.at(f"%{name}", column)
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
    """The first argument: environments N, most steps, episodes of a member, inputs, environments of a block."""
    together = lanes * vectors(shape, lanes)
    return jnp.stack([jnp.int32(n) for n in (environments, limit, episodes, shape.inputs, together)])
