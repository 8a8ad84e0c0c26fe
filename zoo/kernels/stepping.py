"""Single steps of many environments by a compiled step, for loops that act in another way than `episodes` does."""

from zoo.kernels import ffi
from zoo.kernels.ir import Code, Count

ARGUMENTS = ("counts", "state", "action")
"""[1] int32: environments N; [S, N] carried numbers; [A, N]."""
RESULTS = ("next", "result", "scratch")
"""[S, N]; [I + 4, N] as of `zoo.kernels.llvm.result_nodes`; working memory (`scratch_size`)."""


def scratch_size(state: int, actions: int, results: int, lanes: int) -> int:
    """Numbers of working memory."""
    return lanes * (state + actions + results)


def module(step_name: str, state: int, actions: int, results: int, name: str, lanes: int) -> str:
    """LLVM IR of a handler that steps N environments once; N is a multiple of the lanes.

    Args:
        step_name: of the step's function (`zoo.kernels.llvm.step_function`), declared here.
        state: rows of its first array, the carried numbers.
        actions: rows of its second.
        results: rows of its third.
        name: of the handler.
        lanes: environments that advance together.
    """
    row = 4 * lanes

    def body(code: Code, addresses: dict[str, str]) -> None:
        environments = ffi.count(code, addresses["counts"], 0)
        code.emit(f"add i64 {environments}, 0", "%environments")
        places, at = {}, 0
        for array, rows in (("state", state), ("action", actions), ("result", results)):
            places[array] = code.at(addresses["scratch"], at, row)
            at += rows
        blocks = Count(code, "run", "blocks", 0, environments, lanes)
        block = "blocks"
        for array, rows in (("state", state), ("action", actions)):
            block = copy(code, block, f"in.{array}", addresses[array], places[array], rows, blocks.counter, True)
        code.line(f"call void @{step_name}(ptr {places['state']}, ptr {places['action']}, ptr {places['result']})")
        for array, inner, rows in (("next", "state", state), ("result", "result", results)):
            block = copy(code, block, f"out.{array}", addresses[array], places[inner], rows, blocks.counter, False)
        blocks.end(block=block)

    def copy(code, block, label, wide, narrow, rows, first, inwards) -> str:
        """Rows of a block between an array [rows, N] and working memory [rows, lanes]."""
        if not rows:
            return block
        loop = Count(code, block, label, 0, rows)
        start = code.emit(f"add i64 {code.emit(f'mul i64 {loop.counter}, %environments')}, {first}")
        outer, inner = code.at(wide, start), code.at(narrow, loop.counter, row)
        kind = f"<{lanes} x float>"
        source, target, sizes = (outer, inner, (4, row)) if inwards else (inner, outer, (row, 4))
        value = code.emit(f"load {kind}, ptr {source}, align {sizes[0]}")
        code.line(f"store {kind} {value}, ptr {target}, align {sizes[1]}")
        loop.end()
        return loop.after

    text = ffi.handler(name, ARGUMENTS, RESULTS, body)
    return f"declare void @{step_name}(ptr, ptr, ptr)\n{text}"
