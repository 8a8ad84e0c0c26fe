"""The hidden neurons of a GPU's block, as a part of the program of each of its threads."""

from collections.abc import Callable

from zoo.kernels.grid import ABREAST, Layout
from zoo.kernels.ir import Code, Count


class HiddenLayer:
    """Writes one step of hidden neurons; four environments of a run at a time, each T-th neuron by each thread.

    Args:
        layout: of the block's memory.
    """

    def __init__(self, layout: Layout):
        self.code = Code(1)
        self._layout, self._shape, self._threads = layout, layout.shape, layout.threads
        self._row = 4 * layout.width
        self._now = "entry"
        self._names = 0

    def _when(self, truth: str, body: Callable[[], None]) -> None:
        """What `body` writes is done where `truth` (i1); nothing that it names may be used after it."""
        code = self.code
        self._names += 1
        inside, after = f"when{self._names}", f"when{self._names}.after"
        code.line(f"br i1 {truth}, label %{inside}, label %{after}")
        code.label(inside)
        self._now = inside
        body()
        code.line(f"br label %{after}")
        code.label(after)
        self._now = after

    def _hidden(self, first: str) -> None:
        """One step of the hidden neurons of four environments, and this warp's sums of the readout's weights."""
        code, shape, threads = self.code, self._shape, self._threads
        slots = [code.emit(f"add i64 {first}, {e}") for e in range(ABREAST)]
        parts = self._networks_of(slots)
        padded = 4 * self._layout.rounds * threads.count
        potentials = [code.at("%potentials", slot, padded) for slot in slots]
        zero = code.number(0.0)
        carry = [("float", zero)] * (ABREAST * shape.outputs)
        loop = Count(code, self._now, "neurons", 0, self._layout.rounds, carry=carry)
        neuron = code.emit(f"add i64 {code.emit(f'mul i64 {loop.counter}, {threads.count}')}, %thread")
        real = code.emit(f"icmp slt i64 {neuron}, {shape.hidden}")
        read = code.emit(f"select i1 {real}, i64 {neuron}, i64 {shape.hidden - 1}")
        currents = self._currents(first, parts, read)
        sums = list(loop.values)
        for e in range(ABREAST):
            fired = self._membrane(e, parts, read, currents[e], code.at(potentials[e], neuron))
            spike = code.select(code.emit(f"and i1 {fired}, {real}"), code.number(1.0), zero)
            for o in range(shape.outputs):
                at = e * shape.outputs + o
                sums[at] = code.multiply_add(spike, self._read(parts, "w_out", e, read, o), sums[at])
        totals = loop.end(sums)
        self._now = loop.after
        distance = threads.warp // 2
        while distance:
            totals = [code.emit(f"fadd float {t}, {threads.exchange(code, t, distance)}") for t in totals]
            distance //= 2
        lane = code.emit(f"and i64 %thread, {threads.warp - 1}")
        self._when(code.emit(f"icmp eq i64 {lane}, 0"), lambda: self._keep(first, totals))

    def _keep(self, first: str, totals: list[str]) -> None:
        """A warp's sums: partial [W, O, warps]."""
        code, warps = self.code, self._threads.count // self._threads.warp
        base = code.at("%at.partial", first, 4 * self._shape.outputs * warps)
        base = code.at(base, code.emit(f"sdiv i64 %thread, {self._threads.warp}"))
        for i, total in enumerate(totals):
            code.store(total, code.at(base, i * warps))

    def _networks_of(self, slots: list[str]) -> dict[str, list[str]]:
        """Where the parts of four environments' networks begin."""
        code, shape = self.code, self._shape

        def number(name, slot):
            loaded = code.emit(f"load i32, ptr {code.at(f'%at.{name}', slot)}, align 4")
            return code.emit(f"zext i32 {loaded} to i64")

        run, members = number("run", slots[0]), [number("member", slot) for slot in slots]
        parts = {}
        for part, size in shape.sizes().items():
            whose = members if part in shape.own else [run]
            begins = [code.at(f"%{part}", who, 4 * size * shape.hidden) for who in whose]
            parts[part] = begins if part in shape.own else begins * ABREAST
        return parts

    def _read(self, parts, part: str, e: int, neuron: str, element: int = 0) -> str:
        """A neuron's number; rows of a part are neurons, one an input or an output."""
        code = self.code
        return code.load(code.at(code.at(parts[part][e], neuron), element * self._shape.hidden))

    def _each(self, parts, part: str, neuron: str, element: int = 0) -> list[str]:
        """The same of four environments, read once where they share it."""
        if part not in self._shape.own:
            return [self._read(parts, part, 0, neuron, element)] * ABREAST
        return [self._read(parts, part, e, neuron, element) for e in range(ABREAST)]

    def _currents(self, first: str, parts, neuron: str) -> list[str]:
        """Sums over inputs in their order."""
        code = self.code
        currents: list[str] = []
        for i in range(self._shape.inputs):
            at = code.at(code.at("%at.input", first), i, self._row)
            row = code.emit(f"load <{ABREAST} x float>, ptr {at}, align 16")
            values = [code.emit(f"extractelement <{ABREAST} x float> {row}, i32 {e}") for e in range(ABREAST)]
            weights = self._each(parts, "w_in", neuron, i)
            products = [code.binary("fmul", x, w) for x, w in zip(values, weights, strict=True)]
            sums = [code.binary("fadd", *two) for two in zip(currents, products, strict=False)]
            currents = sums if i else products
        return currents

    def _membrane(self, e: int, parts, neuron: str, current: str, at: str) -> str:
        """Eq. 2 as in `zoo.kernels.networks`; gives whether it fires."""
        code = self.code
        v = code.load(at)
        k, height, r = (self._read(parts, part, e, neuron) for part in ("k", "height", "r"))
        u = code.multiply_add(k, code.binary("fsub", code.binary("fmul", r, current), v), v)
        fired = code.compare("oge", u, height)
        code.store(code.select(fired, code.number(0.0), u), at)
        return fired
