"""A block of hidden neurons over many steps, forth and back, as LLVM IR.

One network, B sequences of T steps. Lanes are neurons. A block of neurons goes through one sequence after another
from its first step to its last, with its potentials in registers; on the way back it goes through each once more,
keeps what it computes in the processor's first cache, and returns. So nothing of the size [T, B, hidden] is ever
written.

With l = dL/dv[t], c = dL/ds[t] and g' the surrogate's slope, as in `zoo.models.episode_scan`:

    I[t] = x[t] W_in,   u[t] = keep v[t-1] + drive I[t],   s[t] = H(u[t] - height),   v[t] = u[t] (1 - s[t])
    dL/du[t] = l (1 - s) + (c - l u) g'     (Eq. 9; without "- l u" by Eq. 11)
"""

import dataclasses
import math

from zoo.kernels.ir import Code, Count, float_literal

PARTS = ("keep", "drive", "height", "w_in", "w_out")
"""Of a network, rows of hidden neurons: ``1 - k``, ``k r``, threshold above rest, and weights as in `Packed`."""
ARGUMENTS = ("counts", "seen", "begins", "v", *PARTS)
"""[3] int32, steps, sequences, and how many of these at a time; [T, B, I]; [T, B], 1 where an episode begins; [B, H];
and the network."""
RESULTS = ("currents", "last", "scratch")
"""[T, B, O], what spikes give the readout; [B, H], potentials after the last step; working memory."""
BACK_ARGUMENTS = (*ARGUMENTS, "towards", "alpha")
"""And [T, B, O], the gradient of the currents; [1], the surrogate's steepness."""
BACK_RESULTS = (*(f"by_{part}" for part in PARTS), "scratch")
"""Gradients by the network's parts; working memory."""

_TILE_NUMBERS = 2**13
"""32 KiB of sums."""
_AT_ONCE = 4
"""Inputs or outputs whose weights' gradients are summed together, in registers."""


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """What the code depends on.

    Attributes:
        inputs, hidden, outputs: sizes; the hidden neurons are whole blocks.
        lanes: of a vector.
    """

    inputs: int
    hidden: int
    outputs: int
    lanes: int

    @property
    def vectors(self) -> int:
        """Of a block: what the step of a weight costs is shared by them, as long as there are registers."""
        return vectors(self.lanes)

    def tile(self, steps: int) -> int:
        """Sequences at a time on the way forth, whose sums for the readout stay in the first cache."""
        return max(1, _TILE_NUMBERS // (steps * self.outputs * self.lanes))

    def scratch(self, steps: int, sequences: int) -> int:
        """Numbers of working memory on the way forth."""
        return steps * sequences * self.outputs * self.lanes

    def back_scratch(self, steps: int) -> int:
        """And on the way back."""
        return 2 * steps * self.vectors * self.lanes


def vectors(lanes: int) -> int:
    """Of a block, by the lanes of one."""
    return 4 if lanes >= 16 else 2


def load(code: Code, address: str) -> str:
    """A vector that may begin anywhere."""
    return code.emit(f"load {code.type_of()}, ptr {address}, align 4")


def store(code: Code, value: str, address: str) -> None:
    """Writes one that may begin anywhere."""
    code.line(f"store {code.type_of()} {value}, ptr {address}, align 4")


class Block:
    """Writes the function that takes a block of neurons through all sequences."""

    def __init__(self, layer: Layer):
        self.code = Code(layer.lanes)
        self._layer, self._all = layer, range(layer.vectors)
        self._zero = self.code.number(0.0)

    def _function(self, name: str, arguments) -> str:
        """What has been written, as a function; divisions may be estimates that are improved once."""
        parameters = ", ".join(f"ptr noalias %{p}" for p in arguments)
        estimates = '"reciprocal-estimates"="vec-divf:1"'
        parameters += ", i64 %first, i64 %start, i64 %stop"
        head = f"define internal void @{name}({parameters}) nounwind noinline {estimates} {{"
        return "\n".join([head, *self.code.lines, "  ret void", "}", ""])

    def _begin(self) -> None:
        code = self.code
        code.label("entry")
        for place, name in enumerate(("steps", "sequences")):
            number = code.emit(f"load i32, ptr {code.at('%counts', place)}, align 4")
            code.emit(f"sext i32 {number} to i64", f"%{name}")

    def _own(self, part: str, row: int = 0) -> list[str]:
        """The block's numbers of a row of a part; read again at each use: there are more than registers."""
        return [load(self.code, address) for address in self._places(part, row)]

    def _places(self, part: str, row: int | str = 0) -> list[str]:
        code = self.code
        base = code.at(f"%{part}", row, 4 * self._layer.hidden)
        return [code.at(code.at(base, "%first"), j * code.lanes) for j in self._all]

    def _row(self, step: str, sequence: str) -> str:
        """Which row of [T, B] a step of a sequence is."""
        return self.code.emit(f"add i64 {self.code.emit(f'mul i64 {step}, %sequences')}, {sequence}")

    def _scalars(self, array: str, row: str, width: int) -> list[str]:
        """A row of [T, B, width], each number in all lanes, as functions of when they are needed."""
        base = self.code.at(f"%{array}", row, 4 * width)
        return [self.code.at(base, i) for i in range(width)]

    def _begins(self, row: str) -> str:
        """Whether an episode begins (i1)."""
        value = self.code.emit(f"load float, ptr {self.code.at('%begins', row)}, align 4")
        return self.code.emit(f"fcmp une float {value}, {float_literal(0.0)}")

    def _zeroed(self, when: str, values: list[str]) -> list[str]:
        """Zeros if a plain truth value holds."""
        kind = self.code.type_of()
        return [self.code.emit(f"select i1 {when}, {kind} {self._zero}, {kind} {value}") for value in values]

    def _products(self, addresses: list[str], part: str, sums: list[str] | None = None) -> list[str]:
        """Sums over rows of a part, each times a number."""
        code = self.code
        for i, address in enumerate(addresses):
            value, weights = code.load_spread(address), self._own(part, i)
            if sums is None:
                sums = [code.binary("fmul", value, w) for w in weights]
            else:
                sums = [code.multiply_add(value, w, s) for w, s in zip(weights, sums, strict=True)]
        assert sums is not None
        return sums

    def _membranes(self, row: str, v: list[str]) -> tuple[list[str], list[str]]:
        """Input currents, and potentials before the reset."""
        code = self.code
        currents = self._products(self._scalars("seen", row, self._layer.inputs), "w_in")
        before = self._zeroed(self._begins(row), v)
        driven = [code.binary("fmul", d, i) for d, i in zip(self._own("drive"), currents, strict=True)]
        return currents, [
            code.multiply_add(k, b, d) for k, b, d in zip(self._own("keep"), before, driven, strict=True)
        ]

    def _fired(self, u: list[str]) -> list[str]:
        return [self.code.compare("oge", x, h) for x, h in zip(u, self._own("height"), strict=True)]

    def _select(self, which: list[str], true: list[str] | str, false: list[str] | str) -> list[str]:
        a, b = (x if isinstance(x, list) else [x] * len(which) for x in (true, false))
        return [self.code.select(*three) for three in zip(which, a, b, strict=True)]

    def forward(self) -> str:
        """Potentials and spikes, and the latter's sums of the readout's weights, lane by lane."""
        code, kind, layer = self.code, self.code.type_of(), self._layer
        self._begin()
        sequence = Count(code, "entry", "sequence", "%start", "%stop")
        begun = [load(code, place) for place in self._places("v", sequence.counter)]
        step = Count(code, "sequence", "step", 0, "%steps", carry=[(kind, v) for v in begun])
        row = self._row(step.counter, sequence.counter)
        _, u = self._membranes(row, step.values)
        fired = self._fired(u)
        spikes = self._select(fired, code.number(1.0), self._zero)
        for o in range(layer.outputs):
            place = code.emit(f"add i64 {code.emit(f'mul i64 {row}, {layer.outputs}')}, {o}")
            address = code.at("%scratch", place, 4 * layer.lanes)
            total = load(code, address)
            for spike, weight in zip(spikes, self._own("w_out", o), strict=True):
                total = code.multiply_add(spike, weight, total)
            store(code, total, address)
        last = step.end(self._select(fired, self._zero, u))
        for value, place in zip(last, self._places("last", sequence.counter), strict=True):
            store(code, value, place)
        sequence.end(block=step.after)
        return self._function("forward", (*ARGUMENTS, *RESULTS))

    def _kept(self, step: str, half: int) -> list[str]:
        """Where a step's potentials (0), or its currents and then its gradients (1), are."""
        code, layer = self.code, self._layer
        base = code.at("%scratch", step, 8 * layer.vectors * layer.lanes)
        return [code.at(base, half * layer.vectors + j, 4 * layer.lanes) for j in self._all]

    def backward(self, kind: str, detach_reset: bool, weights: bool) -> str:
        """Forth again, keeping what is needed, and back."""
        code, vector = self.code, self.code.type_of()
        self._begin()
        self._alpha = code.load_spread("%alpha")
        sequence = Count(code, "entry", "sequence", "%start", "%stop")
        begun = [load(code, place) for place in self._places("v", sequence.counter)]
        step = Count(code, "sequence", "forth", 0, "%steps", carry=[(vector, v) for v in begun])
        currents, u = self._membranes(self._row(step.counter, sequence.counter), step.values)
        for half, values in enumerate((u, currents)):
            for value, place in zip(values, self._kept(step.counter, half), strict=True):
                store(code, value, place)
        step.end(self._select(self._fired(u), self._zero, u))
        self._back(step.after, sequence.counter, begun, kind, detach_reset)
        block = "back.after"
        if weights:
            block = self._weights(block, sequence.counter)
        sequence.end(block=block)
        return self._function("backward", (*BACK_ARGUMENTS, *BACK_RESULTS))

    def _back(self, before: str, sequence: str, begun: list[str], kind: str, detach_reset: bool) -> None:
        """From the last step to the first, with the gradients' sums in registers."""
        code, vector, zero, count = self.code, self.code.type_of(), self._zero, self._layer.vectors
        back = Count(code, before, "back", 0, "%steps", carry=[(vector, zero)] * (4 * count))
        later, by_keep, by_drive, by_height = (back.values[i * count : (i + 1) * count] for i in range(4))
        step = code.emit(f"sub i64 {code.emit('sub i64 %steps, 1')}, {back.counter}")
        row = self._row(step, sequence)
        u, currents = ([load(code, place) for place in self._kept(step, half)] for half in range(2))
        towards = self._products(self._scalars("towards", row, self._layer.outputs), "w_out")
        fired, heights = self._fired(u), self._own("height")
        onward = [code.binary("fmul", k, d) for k, d in zip(self._own("keep"), later, strict=True)]
        if not detach_reset:
            resets = [code.binary("fmul", o, x) for o, x in zip(onward, u, strict=True)]
            towards = [code.binary("fsub", c, x) for c, x in zip(towards, resets, strict=True)]
        onward = self._select(fired, zero, onward)
        slopes = [self._slope(kind, code.binary("fsub", x, h), h) for x, h in zip(u, heights, strict=True)]
        d_u = [code.multiply_add(c, g, o) for c, g, o in zip(towards, slopes, onward, strict=True)]
        for value, place in zip(d_u, self._kept(step, 1), strict=True):
            store(code, value, place)
        after_reset = self._select(fired, zero, u)
        by_keep = [code.multiply_add(v, d, s) for v, d, s in zip(after_reset, later, by_keep, strict=True)]
        by_drive = [code.multiply_add(i, d, s) for i, d, s in zip(currents, d_u, by_drive, strict=True)]
        lost = [code.binary("fsub", o, d) for o, d in zip(onward, d_u, strict=True)]
        by_height = [code.binary("fadd", s, x) for s, x in zip(by_height, lost, strict=True)]
        following = self._zeroed(self._begins(row), d_u)
        ends = back.end([*following, *by_keep, *by_drive, *by_height])
        first, by_keep, by_drive, by_height = (ends[i * count : (i + 1) * count] for i in range(4))
        by_keep = [code.multiply_add(v, d, s) for v, d, s in zip(begun, first, by_keep, strict=True)]
        for part, values in (("keep", by_keep), ("drive", by_drive), ("height", by_height)):
            self._add(self._places(f"by_{part}"), values)

    def _slope(self, kind: str, x: str, height: str) -> str:
        """`zoo.models.surrogate`, of ``x = u - height``."""
        code, one = self.code, self.code.number(1.0)
        if kind == "arctan":
            scaled = code.binary("fmul", code.binary("fmul", code.number(math.pi / 2), self._alpha), x)
            half = code.binary("fmul", code.number(0.5), self._alpha)
            return self._quotient(half, code.multiply_add(scaled, scaled, one))
        if kind == "log-sign":
            size = code.emit(code.intrinsic("fabs", code.binary("fmul", self._alpha, x)))
            return self._quotient(self._alpha, code.binary("fadd", size, one))
        positive = code.compare("ogt", height, self._zero)
        width = code.select(positive, height, one)
        rest = code.binary("fsub", width, code.emit(code.intrinsic("fabs", x)))
        inside = code.select(code.compare("ogt", rest, self._zero), rest, self._zero)
        slope = self._quotient(inside, code.binary("fmul", width, width))
        return code.select(positive, slope, self._zero)

    def _quotient(self, a: str, b: str) -> str:
        return self.code.emit(f"fdiv arcp contract {self.code.type_of()} {a}, {b}")

    def _add(self, places: list[str], values: list[str]) -> None:
        code = self.code
        for place, value in zip(places, values, strict=True):
            store(code, code.binary("fadd", load(code, place), value), place)

    def _weights(self, block: str, sequence: str) -> str:
        """Products of inputs with gradients, and of the currents' gradients with spikes, summed over steps."""
        for name, part, rows in (("seen", "w_in", self._layer.inputs), ("towards", "w_out", self._layer.outputs)):
            for start in range(0, rows, _AT_ONCE):
                block = self._some_weights(block, sequence, name, part, range(start, min(start + _AT_ONCE, rows)))
        return block

    def _some_weights(self, block: str, sequence: str, name: str, part: str, rows: range) -> str:
        code, zero, count = self.code, self._zero, self._layer.vectors
        carry = [(code.type_of(), zero)] * (len(rows) * count)
        steps = Count(code, block, f"{part}.{rows.start}", 0, "%steps", carry=carry)
        width = self._layer.inputs if part == "w_in" else self._layer.outputs
        addresses = self._scalars(name, self._row(steps.counter, sequence), width)
        if part == "w_in":
            factors = [load(code, place) for place in self._kept(steps.counter, 1)]
        else:
            u = [load(code, place) for place in self._kept(steps.counter, 0)]
            factors = self._select(self._fired(u), code.number(1.0), zero)
        sums = []
        for i, row in enumerate(rows):
            value = code.load_spread(addresses[row])
            own = steps.values[i * count : (i + 1) * count]
            sums += [code.multiply_add(value, f, s) for f, s in zip(factors, own, strict=True)]
        sums = steps.end(sums)
        for i, row in enumerate(rows):
            values = sums[i * count : (i + 1) * count]
            if part == "w_in":
                values = [code.binary("fmul", d, v) for d, v in zip(self._own("drive"), values, strict=True)]
            self._add(self._places(f"by_{part}", row), values)
        return steps.after
