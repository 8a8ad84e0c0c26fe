"""A step of an environment as a program on single numbers: traced, specialised, reduced to what it needs.

The state of an environment is the flat list of all numbers in its arrays. Three things make its step small:

- What only later steps of another kind would read (or none) is not computed: the program keeps the *carried* numbers,
  the fewest that the next step and the outputs need.
- Numbers that every reset makes the same are assumed to be constant, and it is proved that the step leaves them so
  (`specialised`): the greatest set for which, if its members have their values before a step, each of them
  simplifies to its value after it. A robot that moves in a plane loses a third of its numbers that way.
- The carry of a loop is treated alike.

Simplifications presume that some numbers are finite (`Graph.presumed_finite`). The program has a further output for
that, `Program.fault`: 0, or NaN as soon as one of them, or any carried number, is infinite or NaN.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.kernels.primitives import Loop, Trace, kind
from zoo.kernels.scalars import DTYPES, FLOAT, Graph, Node

_NUMBERS = ("observation", "reward", "expected")
"""Outputs of a step, besides whether the episode has ended."""
_PASS_ON = frozenset(("add", "sub", "mul", "neg", "abs", "taint"))
"""Operations whose result is not finite as soon as an operand is not (an overflow of finite ones apart)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """A step. Its inputs are labelled ("state", i) and ("action", i).

    Attributes:
        graph: of all nodes.
        loops: in the order in which they run.
        state: the next state's numbers by their place in the flat state; those that are missing never change, or
            nobody needs them.
        constants: values that some numbers of the state are presumed to have, by their place.
        outputs: other results by name.
        fault: 0, or NaN if a number that must be finite is not.
    """

    graph: Graph
    loops: tuple[Loop, ...]
    state: dict[int, Node]
    constants: dict[int, float]
    outputs: dict[str, tuple[Node, ...]]
    fault: Node | None = None

    @property
    def carried(self) -> tuple[int, ...]:
        """Places of the numbers that a step reads, of which it writes the next ones."""
        return tuple(sorted(self.state))

    def roots(self) -> list[Node]:
        """All results."""
        nodes = [*self.state.values(), *(node for nodes in self.outputs.values() for node in nodes)]
        return nodes if self.fault is None else [*nodes, self.fault]

    def live(self) -> set[Node]:
        """Nodes that the results need, those in loops included."""
        return reachable(self.graph, self.loops, self.roots())

    def count(self) -> int:
        """Operations of a step."""
        graph, inside = self.graph, loop_of(self.graph, self.loops)
        live = [node for node in self.live() if graph.ops[node] not in ("const", "input")]
        return sum(1 if inside[node] is None else self.loops[inside[node]].length for node in live)


def reachable(graph: Graph, loops, roots: Iterable[Node]) -> set[Node]:
    """Nodes on which roots depend, through loops as well."""
    seen, waiting = set(), list(roots)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        waiting.extend(graph.args[node])
        if graph.ops[node] == "input" and graph.values[node][0] in ("carry", "out"):
            _, number, element = graph.values[node]
            waiting += [loops[number].init[element], loops[number].body[element]]
    return seen


def loop_of(graph: Graph, loops) -> list[int | None]:
    """Number of the loop in which each node is computed, None for those outside."""
    inside: list[int | None] = []
    for node, args in enumerate(graph.args):
        if graph.ops[node] == "input" and graph.values[node][0] == "carry":
            inside.append(graph.values[node][1])
        else:
            inside.append(next((inside[a] for a in args if inside[a] is not None), None))
    return inside


def trace_step(step: Callable, state: Any, actions: int) -> Program:
    """The program of a step, as it comes.

    Args:
        step: ``step(state, readout)`` gives an object with fields `state`, `observation`, `reward`, `done` and
            `expected` (`zoo.tasks.base.Step`).
        state: tree of arrays or of their shapes.
        actions: length of the readout.

    Raises:
        UnsupportedStepError: if the step has something in it that has no rule.
    """
    leaves, tree = jax.tree.flatten(state)

    shapes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves]

    def flat_step(leaves, readout):
        result = step(jax.tree.unflatten(tree, leaves), readout)
        outputs = {name: jnp.asarray(getattr(result, name), jnp.float32) for name in _NUMBERS}
        outputs["done"] = jnp.asarray(result.done, bool)
        after, structure = jax.tree.flatten(jax.tree.map(jnp.asarray, result.state))
        if structure != tree or [(x.shape, x.dtype) for x in shapes] != [(x.shape, x.dtype) for x in after]:
            raise TypeError("a step must give a state of the structure, shapes and dtypes that it was given")
        return after, outputs

    readout = jax.ShapeDtypeStruct((actions,), np.float32)
    closed, result = jax.make_jaxpr(flat_step, return_shape=True)(shapes, readout)
    trace = Trace()
    before, place = [], 0
    for x in shapes:
        labels = np.arange(place, place + x.size).reshape(x.shape)
        before.append(trace.map(lambda i, x=x: trace.graph.input(("state", i), kind(x.dtype)), labels))
        place += x.size
    action = trace.map(lambda i: trace.graph.input(("action", i)), np.arange(actions))
    values = trace.evaluate(closed.jaxpr, closed.consts, [*before, action])
    flat = [tuple(x.ravel().tolist()) for x in values]
    count = len(shapes)
    names = [str(path[0].key) for path, _ in jax.tree_util.tree_leaves_with_path(result[1])]
    after = [node for nodes in flat[:count] for node in nodes]
    outputs = dict(zip(names, flat[count:], strict=True))
    return _pruned(Program(trace.graph, tuple(trace.loops), dict(enumerate(after)), {}, outputs))


def reset_constants(reset: Callable) -> dict[int, float]:
    """Numbers of the state that every reset makes the same, by their place: whatever depends on no random number.

    Args:
        reset: ``reset(key, episode)`` gives a state and an observation.
    """
    closed = jax.make_jaxpr(lambda key, episode: reset(key, episode)[0])(jax.random.key(0), jnp.int32(0))
    trace = Trace(opaque=True)
    values = trace.evaluate(closed.jaxpr, closed.consts, [None, trace.unknown(closed.in_avals[1])])
    shapes = [v.aval.shape for v in closed.jaxpr.outvars]
    flat = [
        node
        for x, shape in zip(values, shapes, strict=True)
        for node in ([None] * math.prod(shape) if x is None else x.ravel().tolist())
    ]
    constants = {place: None if node is None else trace.graph.value(node) for place, node in enumerate(flat)}
    return {place: float(value) for place, value in constants.items() if value is not None}


def specialised(program: Program, assumed: Mapping[int, float]) -> Program:
    """The same step for states in which some numbers have given values, which the step provably leaves as they are.

    Args:
        program: of the step.
        assumed: values by place; those that a step would change are left out of the result's `constants`.
    """
    assumed = {place: value for place, value in assumed.items() if place in program.state}
    while True:
        new = _rewritten(program, assumed)
        kept = {place: value for place, value in assumed.items() if _is(new.graph, new.state[place], value)}
        if len(kept) == len(assumed):
            state = {place: node for place, node in new.state.items() if place not in assumed}
            return _pruned(dataclasses.replace(new, state=state, constants=dict(assumed)))
        assumed = kept


def _is(graph: Graph, node: Node, value: float) -> bool:
    return graph.is_constant(node) and graph.value(node) == DTYPES[graph.dtypes[node]](value)


def _pruned(program: Program) -> Program:
    """Keeps the numbers of the state that outputs, kept numbers or presumptions depend on."""
    graph, loops = program.graph, program.loops
    outputs = [node for nodes in program.outputs.values() for node in nodes] + sorted(graph.presumed_finite)
    kept: set[int] = set()
    while True:
        seen = reachable(graph, loops, [*outputs, *(program.state[place] for place in kept)])
        labels = [graph.values[node] for node in seen if graph.ops[node] == "input"]
        needed = {label[1] for label in labels if label[0] == "state"}
        if needed == kept:
            state = {place: program.state[place] for place in sorted(kept)}
            return dataclasses.replace(program, state=state)
        kept = needed


def with_fault(program: Program) -> Program:
    """The program with its `fault`: whether a number was not finite on which a simplification, or the state, relies.

    A number that was only simplified away is traced back to what made it: sums and products are finite if their
    operands are, and the state is checked after every step, so that mostly quotients, roots and selections remain.
    Of these, none needs a check of its own from which the state is not finite either.
    """
    graph, loops = program.graph, list(program.loops)
    told = _told_by_state(program)
    inside = loop_of(graph, loops)
    total = graph.constant(0.0)
    checked = sorted(_presumed(program) - told)
    for number, loop in enumerate(loops):
        own = [node for node in checked if inside[node] == number]
        if own:
            place = len(loop.init)
            after = graph.input(("carry", number, place))
            for node in own:
                after = graph.taint(after, node)
            loops[number] = Loop(loop.length, (*loop.init, graph.constant(0.0)), (*loop.body, after))
            total = graph.taint(total, graph.input(("out", number, place)))
    outside = {node for node in checked if inside[node] is None}
    for node in sorted(outside | {n for n in program.state.values() if graph.dtypes[n] == FLOAT}):
        total = graph.taint(total, node)
    return dataclasses.replace(program, loops=tuple(loops), fault=total)


def _presumed(program: Program) -> set[Node]:
    """Nodes that must be finite for the program's simplifications to hold."""
    graph, live = program.graph, program.live()
    found, seen, waiting = set(), set(), list(graph.presumed_finite)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        made_of = None if node in live else _finite_with(program, node)
        if made_of is None:
            found.add(node)
        else:
            waiting.extend(made_of)
    return {node for node in found if graph.dtypes[node] == FLOAT and not graph.is_constant(node)}


def _finite_with(program: Program, node: Node) -> Sequence[Node] | None:
    """Nodes by which this one is finite if they all are (overflows apart); None if there are no such nodes."""
    graph = program.graph
    if graph.ops[node] in _PASS_ON:
        return graph.args[node]
    if node in graph.finite_with:
        return graph.finite_with[node]
    if graph.ops[node] == "input" and graph.values[node][0] in ("carry", "out"):
        label, number, element = graph.values[node]
        loop = program.loops[number]
        return (loop.body[element],) if label == "out" else (loop.init[element], loop.body[element])
    return None


def _told_by_state(program: Program) -> set[Node]:
    """Nodes from which the next state is not finite if they are not.

    These are the state itself, and operands of sums and products among them. Around a loop, an element of its carry
    is one if it is one after the loop and, when the body makes it what it is next time, inside: the greatest set for
    which that holds.
    """
    graph, loops = program.graph, program.loops
    roots = {node for node in program.state.values() if graph.dtypes[node] == FLOAT}
    trusted = {label for label in graph.values if isinstance(label, tuple) and label[0] == "carry"}
    while True:
        told = set(roots)
        for node in range(len(graph) - 1, -1, -1):
            label = graph.values[node] if graph.ops[node] == "input" else None
            if node in told and label is not None and label[0] == "out":
                carry = ("carry", *label[1:])
                if carry in trusted:  # Its last value is the body's.
                    told.add(loops[label[1]].body[label[2]])
            if node in told and graph.ops[node] in _PASS_ON:
                told.update(graph.args[node])
        lasting = {
            label for label in trusted if graph.input(("out", *label[1:])) in told and graph.input(label) in told
        }
        if lasting == trusted:
            return told
        trusted = lasting


def _rewritten(program: Program, assumed: Mapping[int, float]) -> Program:
    """The program written again with some inputs known, and with what its loops provably leave as it is."""
    unchanged = _Rewriting(program, assumed, None).invariants()
    return _Rewriting(program, assumed, unchanged).program()


class _Rewriting:
    """A program's live nodes asked for again, on a new graph, in their order.

    Args:
        program: to be rewritten.
        assumed: values of numbers of the state.
        unchanged: elements of each loop's carry that are what they were before it; None to find them out.
    """

    def __init__(self, program: Program, assumed: Mapping[int, float], unchanged: list[set[int]] | None):
        self._old, self._assumed = program, assumed
        self._live = program.live()
        self._inside = loop_of(program.graph, program.loops)
        self._search = unchanged is None
        self._unchanged = [set() for _ in program.loops] if unchanged is None else unchanged
        self._loops: list[Loop] = []
        self._graph = Graph()
        self._new: dict[Node, Node] = {}
        self._done: set[int] = set()
        for node in sorted(self._live):
            if self._inside[node] is None:
                self._copy(node, self._new)

    def invariants(self) -> list[set[int]]:
        """Elements of each loop's carry that it leaves as they are."""
        return self._unchanged

    def program(self) -> Program:
        """The new program."""
        old = self._old
        state = {place: self._new[node] for place, node in old.state.items()}
        outputs = {name: tuple(self._new[node] for node in nodes) for name, nodes in old.outputs.items()}
        return Program(self._graph, tuple(self._loops), state, dict(self._assumed), outputs)

    def _copy(self, node: Node, new: dict[Node, Node]) -> None:
        old, graph = self._old.graph, self._graph
        op, dtype, value = old.ops[node], old.dtypes[node], old.values[node]
        if op == "const":
            new[node] = graph.constant(value, dtype)
        elif op != "input":
            new[node] = graph.op(op, *(new[a] if a in new else self._new[a] for a in old.args[node]))
            arguments = tuple(new.get(a, self._new.get(a)) for a in old.finite_with.get(node, ()))
            if arguments and None not in arguments:
                graph.finite_with.setdefault(new[node], arguments)
        elif value[0] == "state" and value[1] in self._assumed:
            new[node] = graph.constant(self._assumed[value[1]], dtype)
        elif value[0] == "out":
            new[node] = self._result(*value[1:], dtype)
        else:
            new[node] = graph.input(value, dtype)

    def _result(self, number: int, element: int, dtype: str) -> Node:
        if number not in self._done:
            self._done.add(number)
            self._loop(number)
        if element in self._unchanged[number]:
            return self._new[self._old.loops[number].init[element]]
        return self._graph.input(("out", number, element), dtype)

    def _loop(self, number: int) -> None:
        """Finds what a loop leaves as it is, and writes its body."""
        loop, graph = self._old.loops[number], self._old.graph
        inputs = [graph.values[node] for node in self._live if graph.ops[node] == "input"]
        elements = sorted({v[2] for v in inputs if v[0] in ("carry", "out") and v[1] == number})
        if self._search:
            self._unchanged[number] = set(elements)
        body = [node for node in sorted(self._live) if self._inside[node] == number]
        while True:
            new: dict[Node, Node] = {}
            for node in body:
                label = graph.values[node]
                if graph.ops[node] == "input" and label[2] in self._unchanged[number]:
                    new[node] = self._new[loop.init[label[2]]]
                else:
                    self._copy(node, new)
            after = {e: new.get(loop.body[e], self._new.get(loop.body[e])) for e in elements}
            changed = {e for e in self._unchanged[number] if after[e] != self._new[loop.init[e]]}
            if not changed:
                break
            self._unchanged[number] -= changed
        while len(self._loops) <= number:
            self._loops.append(Loop(0, (), ()))
        # Elements that are not carried keep their places, as constants: labels name elements by place.
        nothing = self._graph.constant(0.0)
        carried = [e in after and e not in self._unchanged[number] for e in range(len(loop.body))]
        init = tuple(self._new[node] if own else nothing for node, own in zip(loop.init, carried, strict=True))
        after = tuple(after[e] if own else nothing for e, own in enumerate(carried))
        self._loops[number] = Loop(loop.length, init, after)
