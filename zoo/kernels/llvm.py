"""A program as LLVM IR: one vector lane an environment.

Sums of products may be fused (one rounding instead of two); nothing else may change the arithmetic, so that NaN and
infinities come through as they would in JAX.
"""

from collections.abc import Iterable

import numpy as np

from zoo.kernels.ir import Code, Count, float_literal
from zoo.kernels.programs import Program, loop_of
from zoo.kernels.scalars import BOOL, FLOAT, INT, Graph, Node

_COMPARISONS = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))
_INTEGER = {"add": "add", "sub": "sub", "mul": "mul", "div": "sdiv", "rem": "srem", "and": "and", "or": "or"}
_INTEGER |= {"xor": "xor", "shl": "shl", "shr": "ashr"}
_FLOAT = {"add": "fadd contract", "sub": "fsub contract", "mul": "fmul contract", "div": "fdiv", "rem": "frem"}
_INTRINSICS = {"sqrt": "sqrt", "abs": "fabs", "floor": "floor", "rint": "rint"}


class Emitter(Code):
    """Writes a program's operations as instructions.

    Args:
        graph: whose nodes are written.
        lanes: elements of a vector; 1 for plain numbers.
    """

    def __init__(self, graph: Graph, lanes: int):
        super().__init__(lanes)
        self.graph = graph
        self._names: dict[Node, str] = {}

    def name(self, node: Node) -> str:
        """How a node is written as an operand."""
        graph = self.graph
        if graph.ops[node] == "const":
            value, dtype = graph.values[node], graph.dtypes[node]
            literal = float_literal(value) if dtype == FLOAT else str(int(value))
            return self.splat(literal if dtype != BOOL else ("true" if value else "false"), dtype)
        return self._names[node]

    def bind(self, node: Node, name: str) -> None:
        """Gives an input its value."""
        self._names[node] = name

    def write(self, node: Node) -> None:
        """Writes a node that is no leaf."""
        self._names[node] = self.emit(self._instruction(node))

    def _instruction(self, node: Node) -> str:
        graph, op = self.graph, self.graph.ops[node]
        args = graph.args[node]
        names = [self.name(a) for a in args]
        dtype = graph.dtypes[args[0]]
        kind = self.type_of(dtype)
        if op == "select":
            kind = self.type_of(graph.dtypes[node])
            return f"select {self.type_of(BOOL)} {names[0]}, {kind} {names[1]}, {kind} {names[2]}"
        if op == "taint":
            product = self.emit(f"fmul contract {kind} {names[1]}, {self.splat('0.0')}")
            return f"fadd contract {kind} {names[0]}, {product}"
        if op in _COMPARISONS:
            return self._comparison(op, dtype, kind, names)
        if op in ("min", "max"):
            return self._extreme(op, args, dtype, kind, names)
        if op == "is_finite":
            size = self.emit(self.intrinsic("fabs", names[0]))
            return f"fcmp one {kind} {size}, {self.splat(float_literal(np.inf))}"
        if op in ("to_float", "to_int", "float_bits", "bits_float"):
            return self._conversion(op, kind, names[0])
        if op == "not":
            return f"xor {kind} {names[0]}, {self.splat('true' if dtype == BOOL else '-1', dtype)}"
        if dtype == FLOAT:
            if op == "neg":
                return f"fneg {kind} {names[0]}"
            if op in _INTRINSICS:
                return self.intrinsic(_INTRINSICS[op], names[0])
            return f"{_FLOAT[op]} {kind} {', '.join(names)}"
        if op == "neg":
            return f"sub {kind} {self.splat('0', INT)}, {names[0]}"
        if op == "abs":
            negative = self.emit(f"icmp slt {kind} {names[0]}, {self.splat('0', INT)}")
            minus = self.emit(f"sub {kind} {self.splat('0', INT)}, {names[0]}")
            return f"select {self.type_of(BOOL)} {negative}, {kind} {minus}, {kind} {names[0]}"
        if op in ("div", "rem"):
            return self._whole_division(op, args, kind, names)
        return f"{_INTEGER[op]} {kind} {', '.join(names)}"

    def _whole_division(self, op, args, kind, names):
        """As XLA divides: by 0 the quotient is -1 and the rest the dividend. Processors stop at it, and at -1."""
        dividend, divisor = names
        known = self.graph.value(args[1])
        if known is not None and known not in (0, -1):
            return f"{_INTEGER[op]} {kind} {dividend}, {divisor}"
        truth, zero, minus = self.type_of(BOOL), self.splat("0", INT), self.splat("-1", INT)
        by_zero = self.emit(f"icmp eq {kind} {divisor}, {zero}")
        by_minus = self.emit(f"icmp eq {kind} {divisor}, {minus}")
        odd = self.emit(f"or {truth} {by_zero}, {by_minus}")
        safe = self.emit(f"select {truth} {odd}, {kind} {self.splat('1', INT)}, {kind} {divisor}")
        result = self.emit(f"{_INTEGER[op]} {kind} {dividend}, {safe}")
        if op == "rem":
            return f"select {truth} {by_zero}, {kind} {dividend}, {kind} {result}"
        opposite = self.emit(f"sub {kind} {zero}, {dividend}")
        result = self.emit(f"select {truth} {by_minus}, {kind} {opposite}, {kind} {result}")
        return f"select {truth} {by_zero}, {kind} {minus}, {kind} {result}"

    def _comparison(self, op, dtype, kind, names):
        if dtype == FLOAT:
            return f"fcmp {'une' if op == 'ne' else 'o' + op} {kind} {names[0]}, {names[1]}"
        ordered = op if op in ("eq", "ne") else ("u" if dtype == BOOL else "s") + op  # As a signed bit, true is -1.
        return f"icmp {ordered} {kind} {names[0]}, {names[1]}"

    def _extreme(self, op, args, dtype, kind, names):
        """Processors give the second operand where one is NaN: the first is looked at apart, unless it is known."""
        which = self.type_of(BOOL)
        relation = "lt" if op == "min" else "gt"
        if dtype != FLOAT:
            chosen = self.emit(f"icmp s{relation} {kind} {names[0]}, {names[1]}")
            return f"select {which} {chosen}, {kind} {names[0]}, {kind} {names[1]}"
        if self.graph.ops[args[1]] == "const":
            names, args = names[::-1], args[::-1]
        chosen = self.emit(f"fcmp o{relation} {kind} {names[0]}, {names[1]}")
        result = f"select {which} {chosen}, {kind} {names[0]}, {kind} {names[1]}"
        if self.graph.ops[args[0]] == "const":
            return result
        result = self.emit(result)
        odd = self.emit(f"fcmp uno {kind} {names[0]}, {names[0]}")
        return f"select {which} {odd}, {kind} {names[0]}, {kind} {result}"

    def _conversion(self, op, kind, name):
        target = self.type_of(FLOAT if op in ("to_float", "bits_float") else INT)
        verb = {"to_float": "sitofp", "to_int": "call"}.get(op, "bitcast")
        if op == "to_int":  # A plain conversion of what fits no integer would be undefined.
            suffix = ("f32", "i32") if self.lanes == 1 else (f"v{self.lanes}f32", f"v{self.lanes}i32")
            function = f"@llvm.fptosi.sat.{suffix[1]}.{suffix[0]}"
            self.declarations.add(f"declare {target} {function}({kind})")
            return f"call {target} {function}({kind} {name})"
        return f"{verb} {kind} {name} to {target}"


def step_function(program: Program, name: str, lanes: int, row: int | None = None) -> tuple[str, set[str]]:
    """LLVM IR of a function that steps as many environments as there are lanes.

        void name(ptr state, ptr action, ptr result)

    State, action and result are rows of `lanes` numbers of 4 bytes, aligned to a row: the carried numbers in
    their order, overwritten by the next ones; the action; and then the outputs in the order of `result_rows`.
    Truth values are 0.0 or 1.0.

    Args:
        program: of the step, with its fault.
        name: of the function.
        lanes: environments.
        row: numbers from one row to the next; by default as many as there are lanes.

    Returns:
        The definition, and the declarations that it needs.
    """
    graph, width = program.graph, 4 * (row or lanes)
    emitter = Emitter(graph, lanes)
    live, inside = program.live(), loop_of(program.graph, program.loops)
    labels = {graph.values[node]: node for node in live if graph.ops[node] == "input"}
    rows = {place: row for row, place in enumerate(program.carried)}

    for label, node in sorted(labels.items(), key=lambda item: str(item[0])):
        if label[0] in ("state", "action"):
            base, row = ("%state", rows[label[1]]) if label[0] == "state" else ("%action", label[1])
            emitter.bind(node, _load(emitter, emitter.at(base, row, width), graph.dtypes[node]))
    _body(emitter, program, live, inside, labels)
    for place, row in rows.items():
        _store(emitter, emitter.at("%state", row, width), program.state[place])
    for row, node in enumerate(result_nodes(program)):
        _store(emitter, emitter.at("%result", row, width), node)
    parameters = ", ".join(f"ptr noalias nocapture align {lanes * 4} %{p}" for p in ("state", "action", "result"))
    lines = [f"define void @{name}({parameters}) nounwind {{", "entry:", *emitter.lines, "  ret void", "}", ""]
    return "\n".join(lines), emitter.declarations


def result_nodes(program: Program) -> list[Node]:
    """Rows of a step's result: observation, reward, whether the episode has ended, expected reward, fault."""
    names = ("observation", "reward", "done", "expected")
    return [*(node for name in names for node in program.outputs[name]), program.fault]


def _load(emitter: Emitter, address: str, dtype: str) -> str:
    value = emitter.load(address)
    if dtype == BOOL:
        return emitter.compare("une", value, emitter.number(0.0))
    return value if dtype == FLOAT else emitter.emit(f"bitcast {emitter.type_of()} {value} to {emitter.type_of(INT)}")


def _store(emitter: Emitter, address: str, node: Node) -> None:
    value, dtype = emitter.name(node), emitter.graph.dtypes[node]
    if dtype == BOOL:
        value = emitter.select(value, emitter.number(1.0), emitter.number(0.0))
    elif dtype == INT:
        value = emitter.emit(f"bitcast {emitter.type_of(INT)} {value} to {emitter.type_of()}")
    emitter.store(value, address)


def _body(emitter: Emitter, program: Program, live, inside, labels) -> None:
    """All operations: those before the first loop, the loop, those after it, and so on."""
    stage, block = _stages(program), "entry"
    for number in range(len(program.loops) + 1):
        _write(emitter, (n for n in sorted(live) if inside[n] is None and stage[n] == number))
        if any(label[:2] == ("out", number) for label in labels):
            own = [node for node in sorted(live) if inside[node] == number]
            block = _loop(emitter, program, number, own, labels, block)


def _write(emitter: Emitter, nodes: Iterable[Node]) -> None:
    for node in nodes:
        if emitter.graph.ops[node] not in ("const", "input"):
            emitter.write(node)


def _stages(program: Program) -> list[int]:
    """After how many loops each node can be computed."""
    graph, stage = program.graph, []
    for node, args in enumerate(graph.args):
        if graph.ops[node] == "input" and graph.values[node][0] == "out":
            stage.append(graph.values[node][1] + 1)
        else:
            stage.append(max((stage[a] for a in args), default=0))
    return stage


def _loop(emitter: Emitter, program: Program, number: int, own, labels, before: str) -> str:
    """A counted loop over a carry. Gives the block after it."""
    graph, loop = program.graph, program.loops[number]
    elements = sorted({label[2] for label in labels if label[0] in ("carry", "out") and label[1] == number})
    carry = [(emitter.type_of(graph.dtypes[loop.init[e]]), emitter.name(loop.init[e])) for e in elements]
    count = Count(emitter, before, f"loop{number}", 0, loop.length, carry=carry)
    for e, name in zip(elements, count.values, strict=True):
        if ("carry", number, e) in labels:
            emitter.bind(labels["carry", number, e], name)
    _write(emitter, own)
    last = count.end([emitter.name(loop.body[e]) for e in elements])
    for e, name in zip(elements, last, strict=True):
        if ("out", number, e) in labels:
            emitter.bind(labels["out", number, e], name)
    return count.after
