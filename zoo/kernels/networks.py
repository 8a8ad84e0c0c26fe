"""One step of the networks that act in a vector of environments, as LLVM IR.

What is computed is `zoo.models.population_step`: hidden neurons one after another, each for all lanes at once;
current, membrane, spike and readout in one pass over memory. Numbers of a neuron that all members share are read
as one number; those of a member's own lie in the lanes of a row.
"""

import dataclasses

import numpy as np

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
        self._row = 4 * code.lanes

    def _record(self, neuron: str, *, own: bool, width: int) -> str:
        """Address of a neuron's record (a counter's name)."""
        base, size = (self._own, self._row) if own else (self._shared, 4)
        return self._code.at(base, neuron, size * width)

    def _read(self, records: dict[bool, str], part: str, element: int = 0) -> str:
        own = part in self._shape.own or part == "v"
        place = self._shape.places(own=own)[part] + element
        address = self._code.at(records[own], place, self._row if own else 4)
        return self._code.load(address) if own else self._code.load_spread(address)

    def step(self, before: str, name: str, inputs: list[str]) -> tuple[str, list[str]]:
        """All hidden neurons by one step.

        Args:
            before: block that leads here.
            name: of the loop.
            inputs: currents of the inputs.

        Returns:
            The block after it, and the sums of the readout's weights over the neurons that fired.
        """
        code, shape = self._code, self._shape
        kind, zero = code.type_of(), code.number(0.0)
        count = Count(code, before, name, 0, shape.padded, _AT_ONCE, [(kind, zero)] * shape.outputs)
        widths = {own: shape.record(own=own) for own in (True, False)}
        first = {own: self._record(count.counter, own=own, width=widths[own]) for own in (True, False)}
        records = [
            {own: code.at(first[own], i * widths[own], self._row if own else 4) for own in (True, False)}
            for i in range(_AT_ONCE)
        ]
        currents = [zero] * _AT_ONCE
        for i, value in enumerate(inputs):
            for n, record in enumerate(records):
                product = code.binary("fmul", value, self._read(record, "w_in", i))
                currents[n] = product if i == 0 else code.binary("fadd", currents[n], product)
        sums = list(count.values)
        for current, record in zip(currents, records, strict=True):
            spike = self._membrane(current, record)
            for o in range(shape.outputs):
                sums[o] = code.multiply_add(spike, self._read(record, "w_out", o), sums[o])
        return count.after, count.end(sums)

    def _membrane(self, current: str, record: dict[bool, str]) -> str:
        """Eq. 2 with potentials counted from rest, ``u = v + k (r I - v)``: spikes, 0 or 1 (H(0) = 1)."""
        code = self._code
        v = self._read(record, "v")
        drive = code.binary("fsub", code.binary("fmul", self._read(record, "r"), current), v)
        u = code.multiply_add(self._read(record, "k"), drive, v)
        fired = code.compare("oge", u, self._read(record, "height"))
        rest = code.select(fired, code.number(0.0), u)
        code.store(rest, code.at(record[True], self._shape.places(own=True)["v"], self._row))
        return code.select(fired, code.number(1.0), code.number(0.0))

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


def scratch_bytes(shape: Shape, lanes: int) -> int:
    """Bytes of working memory of a block of environments."""
    return int(np.float32().nbytes) * shape.scratch(lanes)
