"""Hidden neurons over many steps and the gradient through them, as LLVM IR: `zoo.models.episode_scan` in one pass.

`zoo.kernels.sequence_blocks` has the arithmetic; here are the handlers around it.
"""

from zoo.kernels import ffi
from zoo.kernels.ir import Code, Count
from zoo.kernels.sequence_blocks import ARGUMENTS, BACK_ARGUMENTS, BACK_RESULTS, PARTS, RESULTS, Block, Layer, load

_MEMSET = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"


def forward_module(layer: Layer, name: str) -> str:
    """LLVM IR of a handler of XLA's foreign function interface, which goes forth."""
    block = Block(layer)
    function = block.forward()

    def body(code: Code, at: dict[str, str]) -> None:
        steps, sequences, tile = (ffi.count(code, at["counts"], i) for i in range(3))
        size = code.emit(f"mul i64 {code.emit(f'mul i64 {steps}, {sequences}')}, {layer.outputs}")
        length = code.emit(f"mul i64 {size}, {4 * layer.lanes}")
        code.line(f"call void @llvm.memset.p0.i64(ptr {at['scratch']}, i8 0, i64 {length}, i1 false)")
        tiles = Count(code, "run", "tiles", 0, sequences, tile)
        rest = code.emit(f"sub i64 {sequences}, {tiles.counter}")
        whole = code.emit(f"icmp slt i64 {tile}, {rest}")
        stop = code.emit(f"add i64 {tiles.counter}, {code.emit(f'select i1 {whole}, i64 {tile}, i64 {rest}')}")
        blocks = Count(code, "tiles", "blocks", 0, layer.hidden, layer.lanes * layer.vectors)
        bounds = f"i64 {blocks.counter}, i64 {tiles.counter}, i64 {stop}"
        code.line(f"call void @forward({_pointers(at.values())}, {bounds})")
        blocks.end()
        tiles.end(block=blocks.after)
        code.line(f"call void @total(ptr {at['scratch']}, ptr {at['currents']}, i64 {size})")

    text = ffi.handler(name, ARGUMENTS, RESULTS, body)
    total, needed = _total(layer.lanes)
    return "\n".join([*sorted({*block.code.declarations, *needed, _MEMSET}), function, total, text])


def backward_module(layer: Layer, name: str, *, kind: str, detach_reset: bool, weights: bool) -> str:
    """LLVM IR of the handler that comes back.

    Args:
        layer: sizes.
        name: of the handler.
        kind: of the surrogate.
        detach_reset: whether the gradient leaves the reset out.
        weights: whether gradients of weights are wanted, too; without, theirs are zeros.
    """
    block = Block(layer)
    function = block.backward(kind, detach_reset, weights)
    sizes = (1, 1, 1, layer.inputs, layer.outputs)

    def body(code: Code, at: dict[str, str]) -> None:
        for part, rows in zip(PARTS, sizes, strict=True):
            length = 4 * rows * layer.hidden
            code.line(f"call void @llvm.memset.p0.i64(ptr {at[f'by_{part}']}, i8 0, i64 {length}, i1 false)")
        blocks = Count(code, "run", "blocks", 0, layer.hidden, layer.lanes * layer.vectors)
        sequences = ffi.count(code, at["counts"], 1)
        bounds = f"i64 {blocks.counter}, i64 0, i64 {sequences}"
        code.line(f"call void @backward({_pointers(at.values())}, {bounds})")
        blocks.end()

    text = ffi.handler(name, BACK_ARGUMENTS, BACK_RESULTS, body)
    return "\n".join([*sorted({*block.code.declarations, _MEMSET}), function, text])


def _pointers(names) -> str:
    return ", ".join(f"ptr {name}" for name in names)


def _total(lanes: int) -> tuple[str, set[str]]:
    """LLVM IR of a function that sums the lanes of rows, and what it needs."""
    code = Code(lanes)
    code.label("entry")
    rows = Count(code, "entry", "rows", 0, "%size")
    value = load(code, code.at("%from", rows.counter, 4 * lanes))
    function = f"@llvm.vector.reduce.fadd.v{lanes}f32"
    total = code.emit(f"call reassoc float {function}(float 0.0, {code.type_of()} {value})")
    code.line(f"store float {total}, ptr {code.at('%to', rows.counter)}, align 4")
    rows.end()
    lines = ["define internal void @total(ptr %from, ptr %to, i64 %size) nounwind {", *code.lines, "  ret void", "}"]
    return "\n".join([*lines, ""]), {f"declare float {function}(float, {code.type_of()})"}
