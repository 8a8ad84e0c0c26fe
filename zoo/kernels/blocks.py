"""Whole episodes on a GPU: a block of threads plays some environments from their first step to their last.

The program is that of `zoo.kernels.episodes` in another order. All threads of a block compute hidden neurons, each
one every T-th, for four environments at a time, so that weights that members share are read once for four; then
each thread is one environment: readout, physics, sums. Between the two are barriers, and no launch.

An environment's numbers depend on nothing but itself and T: not on the GPU, nor on who shares its block. Sums over
neurons are made in a fixed order, by halves within a warp and then warp after warp.
"""

from zoo.kernels.grid import ABREAST, SUMS, Layout
from zoo.kernels.hidden import HiddenLayer
from zoo.kernels.ir import Count
from zoo.kernels.networks import PARTS
from zoo.models.spiking_mlp import READOUT_K

ARGUMENTS = ("counts", "scales", "state", "observation", *PARTS, "mean", "std")
"""Arrays that the call takes, of R runs of N environments each; B = R N.

    counts       [6] int32 (`Grid.counts`)
    scales       [2]: factor on readouts, bound of normalised observations
    state        [S, B] the carried numbers
    observation  [I, B]
    k … w_out    as of `zoo.models.Packed`; [R P, …] of members' own, [R, …] shared ones
    mean, std    [R, I]: what observations are normalised by
"""
RESULTS = ("returns", "expected", "lengths", "deviation", "squared", "scratch")
"""Arrays that it gives.

    returns, expected, lengths  [B]
    deviation, squared          [I, B]: sums of the observations acted on, about the mean
    scratch                     working memory (`Grid.scratch`)
"""

_COUNTS = ("runs", "own", "padded", "episodes", "limit", "slots")


def module(step: str, step_name: str, layout: Layout, name: str) -> str:
    """LLVM IR of the program that each thread runs.

    Args:
        step: definition of the step's function for one environment, and what it declares; its rows are
            `Layout.width` numbers long (`zoo.kernels.llvm.step_function`).
        step_name: its name.
        layout: of memory.
        name: of the program; its parameters are the addresses of `ARGUMENTS` and `RESULTS`.
    """
    block = _Block(layout, step_name)
    body = block.function(name)
    declared = set(step.splitlines())
    return "\n".join([*sorted(d for d in block.code.declarations if d not in declared), step, body])


class _Block(HiddenLayer):
    """Writes the program of a thread."""

    def __init__(self, layout: Layout, step_name: str):
        super().__init__(layout)
        self._step_name = step_name

    def function(self, name: str) -> str:
        code = self.code
        parameters = [f"ptr noalias readonly %{p}" for p in ARGUMENTS] + [f"ptr noalias %{p}" for p in RESULTS]
        code.label("entry")
        head = self._threads.head(code, name, parameters, sum(self._layout.shared().values()))
        self._addresses()
        self._place()
        self._begin()
        self._episodes()
        self._when("%live", self._finish)
        return "\n".join([head, *code.lines, "  ret void", "}", ""])

    def _addresses(self) -> None:
        """What the call counts, and where a block's arrays stand."""
        code, layout = self.code, self._layout
        for i, name in enumerate(_COUNTS):
            number = code.emit(f"load i32, ptr {code.at('%counts', i)}, align 4")
            code.emit(f"sext i32 {number} to i64", f"%{name}")
        code.emit("mul i64 %runs, %own", "%environments")
        code.emit("mul i64 %runs, %padded", "%places")
        at = 0
        for name, size in layout.shared().items():
            code.emit(f"getelementptr inbounds i8, ptr %shared, i64 {4 * at}", f"%at.{name}")
            at += size
        base, at = code.at("%scratch", "%block", 4 * layout.scratch()), 0
        for name, rows in layout.rows().items():
            code.emit(f"getelementptr inbounds i8, ptr {base}, i64 {at * self._row}", f"%rows.{name}")
            at += rows
        code.emit(f"getelementptr inbounds i8, ptr {base}, i64 {at * self._row}", "%potentials")
        self._gain, self._clip = (code.load(code.at("%scales", i)) for i in range(2))

    def _place(self) -> None:
        """Which environment is this thread's: `%environment`, `%slot` of the block; `%live` if there is one.

        Others stand in for the last one of their block or run, and what they do is not seen.
        """
        code = self.code

        def least(a, b):
            return code.emit(f"select i1 {code.emit(f'icmp slt i64 {a}, {b}')}, i64 {a}, i64 {b}")

        code.emit(f"add i64 {least('%thread', code.emit('sub i64 %slots, 1'))}, 0", "%slot")
        place = code.emit(f"add i64 {code.emit('mul i64 %block, %slots')}, %slot")
        known = least(place, code.emit("sub i64 %places, 1"))
        run = code.emit(f"sdiv i64 {known}, %padded")
        number = code.emit(f"srem i64 {known}, %padded")
        within = least(number, code.emit("sub i64 %own, 1"))
        code.emit(f"add i64 {code.emit(f'mul i64 {run}, %own')}, {within}", "%environment")
        truths = ["slt i64 %thread, %slots", f"slt i64 {place}, %places", f"slt i64 {number}, %own"]
        first, second, third = (code.emit(f"icmp {truth}") for truth in truths)
        code.emit(f"and i1 {code.emit(f'and i1 {first}, {second}')}, {third}", "%live")
        values = {"alive": code.emit("zext i1 %live to i32")}
        for name, value in (("member", code.emit("sdiv i64 %environment, %episodes")), ("run", run)):
            values[name] = code.emit(f"trunc i64 {value} to i32")
        for name, value in values.items():
            code.line(f"store i32 {value}, ptr {code.at(f'%at.{name}', '%thread')}, align 4")
        code.emit(f"mul i64 {run}, {4 * self._shape.inputs}", "%statistics")

    def _own(self, name: str, row: int | str = 0) -> str:
        """Address of this thread's number in a row of working memory or of the inputs."""
        base = "%at.input" if name == "input" else f"%rows.{name}"
        return self.code.at(self.code.at(base, row, self._row), "%slot")

    def _column(self, array: str, row: int | str) -> str:
        """Address of this thread's environment in a row of an array [rows, B]."""
        start = self.code.emit(f"mul i64 %environments, {row}")
        return self.code.at(f"%{array}", self.code.emit(f"add i64 {start}, %environment"))

    def _begin(self) -> None:
        """States and observations of the block's environments; all else at 0."""
        code, shape, threads = self.code, self._shape, self._threads

        def fill():
            for name, rows, target in (
                ("state", self._layout.state, "state"),
                ("observation", shape.inputs, "result"),
            ):
                if rows:
                    row = Count(code, self._now, f"copy.{name}", 0, rows)
                    code.store(code.load(self._column(name, row.counter)), self._own(target, row.counter))
                    row.end()
                    self._now = row.after
            for name in ("readout", "deviation", "squared", *SUMS):
                for row in range(self._layout.rows()[name]):
                    code.store(code.number(0.0), self._own(name, row))

        self._when("%live", fill)
        stop = code.emit(f"mul i64 %slots, {self._layout.rounds * threads.count}")
        rest = Count(code, self._now, "rest", "%thread", stop, threads.count)
        code.store(code.number(0.0), code.at("%potentials", rest.counter))
        rest.end()
        self._now = rest.after

    def _episodes(self) -> None:
        """The loop over steps, until no episode of the block goes on."""
        code = self.code
        loop = Count(code, self._now, "time", 0, "%limit")
        self._now = "time"
        alive = code.emit(f"load i32, ptr {code.at('%at.alive', '%thread')}, align 4")
        acts = code.emit(f"icmp ne i32 {alive}, 0")
        self._when(acts, self._normalise)
        self._threads.barrier(code)
        going = self._networks()
        self._threads.barrier(code)
        self._when(acts, self._act)
        loop.end(block=self._now, also=code.emit(f"icmp ne i32 {going}, 0"))
        self._now = loop.after

    def _normalise(self) -> None:
        """This environment's normalised observation; the sums of its moments about the mean grow."""
        code = self.code
        for i in range(self._shape.inputs):
            mean, std = (code.load(code.at(code.at(f"%{a}", "%statistics", 1), i)) for a in ("mean", "std"))
            deviation = code.binary("fsub", code.load(self._own("result", i)), mean)
            at = self._own("deviation", i)
            code.store(code.binary("fadd", code.load(at), deviation), at)
            at = self._own("squared", i)
            code.store(code.multiply_add(deviation, deviation, code.load(at)), at)
            scaled = code.binary("fdiv", deviation, std)
            scaled = code.select(code.compare("ogt", scaled, self._clip), self._clip, scaled)
            low = code.emit(f"fneg float {self._clip}")
            code.store(code.select(code.compare("olt", scaled, low), low, scaled), self._own("input", i))

    def _networks(self) -> str:
        """Hidden neurons of all environments whose episodes go on. Gives 0 (i32) if there are none."""
        code = self.code
        stop = code.emit(f"sdiv i64 %slots, {ABREAST}")
        group = Count(code, self._now, "group", 0, stop, carry=[("i32", "0")])
        self._now = "group"
        first = code.emit(f"mul i64 {group.counter}, {ABREAST}")
        flags = code.emit(f"load <{ABREAST} x i32>, ptr {code.at('%at.alive', first)}, align 16")
        function = f"@llvm.vector.reduce.or.v{ABREAST}i32"
        code.declarations.add(f"declare i32 {function}(<{ABREAST} x i32>)")
        some = code.emit(f"call i32 {function}(<{ABREAST} x i32> {flags})")
        going = code.emit(f"or i32 {group.values[0]}, {some}")
        self._when(code.emit(f"icmp ne i32 {some}, 0"), lambda: self._hidden(first))
        (going,) = group.end([going], block=self._now)
        self._now = group.after
        return going

    def _act(self) -> None:
        """Readout, physics and sums of this thread's environment."""
        code, shape, warps = self.code, self._shape, self._threads.count // self._threads.warp
        partial = code.at("%at.partial", "%slot", 4 * shape.outputs * warps)
        for o in range(shape.outputs):
            total = code.load(code.at(partial, o * warps))
            for warp in range(1, warps):
                total = code.emit(f"fadd float {total}, {code.load(code.at(partial, o * warps + warp))}")
            at = self._own("readout", o)
            v = code.load(at)
            potential = code.multiply_add(code.number(READOUT_K), code.binary("fsub", total, v), v)
            code.store(potential, at)
            code.store(code.binary("fmul", self._gain, potential), self._own("action", o))
        rows = ", ".join(f"ptr {self._own(name)}" for name in ("state", "action", "result"))
        code.line(f"call void @{self._step_name}({rows})")
        reward, done, hope, fault = (code.load(self._own("result", shape.inputs + i)) for i in range(4))
        values = code.binary("fadd", reward, fault), code.binary("fadd", hope, fault), code.number(1.0)
        for name, value in zip(SUMS, values, strict=True):
            at = self._own(name)
            code.store(code.binary("fadd", code.load(at), value), at)
        goes_on = code.emit(f"zext i1 {code.emit(f'fcmp oeq float {done}, 0.0')} to i32")
        code.line(f"store i32 {goes_on}, ptr {code.at('%at.alive', '%thread')}, align 4")

    def _finish(self) -> None:
        """This environment's sums."""
        for name in SUMS:
            self.code.store(self.code.load(self._own(name)), self._column(name, 0))
        for name in ("deviation", "squared"):
            for i in range(self._shape.inputs):
                self.code.store(self.code.load(self._own(name, i)), self._column(name, i))
