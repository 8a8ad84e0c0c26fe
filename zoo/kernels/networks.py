"""One step of the networks that act in a vector of environments, as LLVM IR.

What is computed is `zoo.models.population_step`: hidden neurons one after another, each for all lanes at once;
current, membrane, spike and readout in one pass over memory. Numbers of a neuron that all members share are read
as one number; those of a member's own lie in the lanes of a row.
"""

import dataclasses
import itertools

from zoo.kernels.ir import Code, Count, float_literal
from zoo.models.spiking_mlp import READOUT_K

_AT_ONCE = 4
"""Neurons of a round: their sums do not wait for each other."""


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """What the code of a network depends on.

    Attributes:
        inputs, hidden, outputs: sizes of the layers.
        own: which of `PARTS` each member has for itself; all others are shared.
    """

    inputs: int
    hidden: int
    outputs: int
    own: frozenset[str]

    @property
    def padded(self) -> int:
        """Hidden neurons, and silent ones up to a multiple of those computed at once."""
        return -(-self.hidden // _AT_ONCE) * _AT_ONCE

    def sizes(self) -> dict[str, int]:
        """Numbers of a hidden neuron in each part."""
        return dict(zip(PARTS, (1, 1, 1, self.inputs, self.outputs), strict=True))

    def places(self, *, own: bool) -> dict[str, int]:
        """Where each part begins in a neuron's record, of members' own parts (the potential last) or shared ones."""
        places, at = {}, 0
        for part, size in self.sizes().items():
            if (part in self.own) == own:
                places[part], at = at, at + size
        if own:
            places["v"], at = at, at + 1
        return places | {"": at}

    def record(self, *, own: bool) -> int:
        """Length of a neuron's record, in rows of lanes or in numbers."""
        return self.places(own=own)[""]

    def scratch(self, lanes: int) -> int:
        """Numbers of working memory: first the records of members' own parts, then the shared ones."""
        return self.padded * (lanes * self.record(own=True) + -(-self.record(own=False) // lanes) * lanes)


PARTS = ("k", "height", "r", "w_in", "w_out")
"""Parts of `zoo.models.Packed`."""

_SILENT = {"height": float("inf")}
"""What a neuron that only fills up has; all else is 0."""


def vectors(shape: Shape, lanes: int) -> int:
    """How many vectors of members advance together.

    Two, so that a shared weight that is spread over a register serves both; one where registers are as long as two
    short ones, or weights are members' own.
    """
    return 2 if lanes <= 8 and "w_in" not in shape.own else 1


class Networks:
    """Writes the code of a network's shape.

    Args:
        code: to write into.
        shape: of the networks.
        own: address of the records of members' own parts.
        shared: address of the shared ones.
    """

    def __init__(self, code: Code, shape: Shape, own: str, shared: str):
        self._code, self._shape, self._own, self._shared = code, shape, own, shared
        self._vectors, self._row = vectors(shape, code.lanes), 4 * code.lanes

    def _record(self, neuron: str, *, own: bool, width: int) -> str:
        """Address of a neuron's record (a counter's name)."""
        base, size = (self._own, self._row * self._vectors) if own else (self._shared, 4)
        return self._code.at(base, neuron, size * width)

    def _read(self, records: dict[bool, str], part: str, element: int = 0) -> list[str]:
        """A number of a neuron, for each vector of members."""
        own = part in self._shape.own or part == "v"
        place = self._shape.places(own=own)[part] + element
        if not own:
            return [self._code.load_spread(self._code.at(records[own], place))] * self._vectors
        first = place * self._vectors
        return [self._code.load(self._code.at(records[own], first + i, self._row)) for i in range(self._vectors)]

    def step(self, before: str, name: str, inputs: list[str], sums: list[str]) -> str:
        """All hidden neurons by one step.

        Args:
            before: block that leads here.
            name: of the loop.
            inputs: for each vector of members the address of the inputs' currents, a row each. They are read again
                for each round of neurons: there are more of them than registers, and what a compiler keeps and
                spills costs more than that.
            sums: addresses of rows, for the sums of the readout's weights over the neurons that fired.

        Returns:
            The block after it.
        """
        code, shape = self._code, self._shape
        kind, zero = code.type_of(), code.number(0.0)
        kept = self._vectors == 1  # In registers, from round to round.
        if not kept:
            for base, o in itertools.product(sums, range(shape.outputs)):
                code.store(zero, code.at(base, o, self._row))
        carry = [(kind, zero)] * shape.outputs if kept else []
        count = Count(code, before, name, 0, shape.padded, _AT_ONCE, carry)
        records = self._records(count.counter)
        currents = self._currents(records, inputs)
        spikes = [self._membranes(current, record) for current, record in zip(currents, records, strict=True)]
        totals = []
        for o in range(shape.outputs):
            total = [count.values[o]] if kept else [code.load(code.at(base, o, self._row)) for base in sums]
            for fired, record in zip(spikes, records, strict=True):
                weights = self._read(record, "w_out", o)
                total = [code.multiply_add(*pair, t) for *pair, t in zip(fired, weights, total, strict=True)]
            if kept:
                totals += total
            else:
                for value, base in zip(total, sums, strict=True):
                    code.store(value, code.at(base, o, self._row))
        for o, total in enumerate(count.end(totals)):
            code.store(total, code.at(sums[0], o, self._row))
        return count.after

    def _records(self, neuron: str) -> list[dict[bool, str]]:
        """Addresses of the records of a round's neurons: own and shared."""
        widths = {own: self._shape.record(own=own) for own in (True, False)}
        first = {own: self._record(neuron, own=own, width=widths[own]) for own in (True, False)}
        sizes = {True: self._row * self._vectors, False: 4}
        return [
            {own: self._code.at(first[own], i * widths[own], sizes[own]) for own in (True, False)}
            for i in range(_AT_ONCE)
        ]

    def _currents(self, records: list[dict[bool, str]], inputs: list[str]) -> list[list[str]]:
        """Input currents of a round's neurons, for each vector of members."""
        code = self._code
        currents = [[code.number(0.0)] * self._vectors for _ in records]
        for i in range(self._shape.inputs):
            values = [code.load(code.at(base, i, self._row)) for base in inputs]
            for n, record in enumerate(records):
                products = [
                    code.binary("fmul", *pair) for pair in zip(values, self._read(record, "w_in", i), strict=True)
                ]
                if i:
                    products = [code.binary("fadd", *pair) for pair in zip(currents[n], products, strict=True)]
                currents[n] = products
        return currents

    def _membranes(self, currents: list[str], record: dict[bool, str]) -> list[str]:
        """Eq. 2 with potentials counted from rest, ``u = v + k (r I - v)``: spikes, 0 or 1 (H(0) = 1)."""
        code, spikes = self._code, []
        parts = [self._read(record, part) for part in ("v", "k", "r", "height")]
        place = self._shape.places(own=True)["v"] * self._vectors
        for i, (current, v, k, r, height) in enumerate(zip(currents, *parts, strict=True)):
            drive = code.binary("fsub", code.binary("fmul", r, current), v)
            u = code.multiply_add(k, drive, v)
            fired = code.compare("oge", u, height)
            code.store(code.select(fired, code.number(0.0), u), code.at(record[True], place + i, self._row))
            spikes.append(code.select(fired, code.number(1.0), code.number(0.0)))
        return spikes

    def readout(self, potential: str, total: str) -> str:
        """The readout's membrane, which never fires: ``v + k (I - v)`` with Table 4's constants."""
        code = self._code
        return code.multiply_add(code.number(READOUT_K), code.binary("fsub", total, potential), potential)


def fill_function(shape: Shape, name: str, lanes: int) -> str:
    """LLVM IR of a function that puts networks into records.

        void name(ptr k, ptr height, ptr r, ptr w_in, ptr w_out, ptr own, ptr shared, i64 first, i64 last,
                  i64 episodes)

    Parts are arrays [P, …] of members' own, or […] shared, in the order of `zoo.models.Packed`. Lane i has the member
    of episode ``min(first + i, last)``, of which a member has `episodes`. Potentials begin at rest.
    """
    code = Code(1)
    code.label("entry")
    block = "entry"
    for own in (False, True):
        places, width = shape.places(own=own), shape.record(own=own)
        lane = None
        if own:
            lane = Count(code, block, "lane", 0, lanes)
            block = "lane"
            member = _member(code, lane.counter)
        base, step = ("%own", lanes) if own else ("%shared", 1)
        neuron = Count(code, block, f"neuron{own:d}", 0, shape.padded)
        record = code.at(base, neuron.counter, 4 * width * step)
        if own:
            record = code.at(record, lane.counter)
        real = code.emit(f"icmp slt i64 {neuron.counter}, {shape.hidden}")
        for part, place in places.items():
            for element in range(shape.sizes().get(part, 1 if part == "v" else 0)):
                value = "0.0"
                if part != "v":
                    index = _index(code, shape, part, element, neuron.counter)
                    if own:
                        size = shape.hidden * shape.sizes()[part]
                        index = code.emit(f"add i64 {index}, {code.emit(f'mul i64 {member}, {size}')}")
                    index = code.emit(f"select i1 {real}, i64 {index}, i64 0")
                    loaded = code.emit(f"load float, ptr {code.at('%' + part, index)}, align 4")
                    silent = float_literal(_SILENT.get(part, 0.0))
                    value = code.emit(f"select i1 {real}, float {loaded}, float {silent}")
                code.line(f"store float {value}, ptr {code.at(record, (place + element) * step)}, align 4")
        neuron.end()
        block = neuron.after
        if own:
            lane.end(block=block)
    parameters = ", ".join([*(f"ptr %{part}" for part in PARTS), "ptr %own", "ptr %shared"])
    head = f"define internal void @{name}({parameters}, i64 %first, i64 %last, i64 %episodes) nounwind noinline {{"
    return "\n".join([head, *code.lines, "  ret void", "}", ""])


def _member(code: Code, lane: str) -> str:
    """The member that plays in a lane."""
    episode = code.emit(f"add i64 %first, {lane}")
    inside = code.emit(f"icmp slt i64 {episode}, %last")
    episode = code.emit(f"select i1 {inside}, i64 {episode}, i64 %last")
    return code.emit(f"sdiv i64 {episode}, %episodes")


def _index(code: Code, shape: Shape, part: str, element: int, neuron: str) -> str:
    """Where a neuron's number stands in a network's part: rows of neurons, one an input or an output."""
    return code.emit(f"add i64 {neuron}, {element * shape.hidden}") if element else neuron
