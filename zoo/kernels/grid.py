"""Threads of a GPU, what they share, and how environments are spread over them."""

import dataclasses
from typing import Protocol

import jax
import jax.numpy as jnp

from zoo.kernels.ir import Code
from zoo.kernels.networks import Shape

ABREAST = 4
"""Environments for which a thread computes a neuron at once: as many as one load from shared memory brings."""
SUMS = ("returns", "expected", "lengths")
"""Of an episode."""


class Threads(Protocol):
    """How the threads of a block know, await and reach each other.

    Attributes:
        count: of a block.
        warp: of those that exchange numbers.
    """

    count: int
    warp: int

    def head(self, code: Code, name: str, parameters: list[str], shared: int) -> str:
        """What stands before the body, up to its brace; writes ``%thread``, ``%block`` (i64) and ``%shared``."""

    def barrier(self, code: Code) -> None:
        """All threads of a block come here before one goes on."""

    def exchange(self, code: Code, value: str, distance: int) -> str:
        """The value of the thread of the same warp whose number differs in the bit `distance`."""


class Gpu:
    """Threads of a GPU."""

    count, warp = 128, 32

    def head(self, code: Code, name: str, parameters: list[str], shared: int) -> str:
        """An entry of a PTX module."""
        code.declarations |= {
            f"@memory = internal addrspace(3) global [{shared} x float] undef, align 16",
            f'!nvvm.annotations = !{{!0}}\n!0 = !{{ptr @{name}, !"maxntidx", i32 {self.count}}}',
        }
        code.emit("addrspacecast ptr addrspace(3) @memory to ptr", "%shared")
        for register, place in (("tid", "thread"), ("ctaid", "block")):
            function = f"@llvm.nvvm.read.ptx.sreg.{register}.x()"
            code.declarations.add(f"declare i32 {function}")
            code.emit(f"zext i32 {code.emit(f'call i32 {function}')} to i64", f"%{place}")
        return f"define ptx_kernel void @{name}({', '.join(parameters)}) convergent nounwind {{"

    def barrier(self, code: Code) -> None:
        """PTX's barrier 0."""
        code.declarations.add("declare void @llvm.nvvm.barrier0() convergent nounwind")
        code.line("call void @llvm.nvvm.barrier0()")

    def exchange(self, code: Code, value: str, distance: int) -> str:
        """PTX's shuffle."""
        function = "@llvm.nvvm.shfl.sync.bfly.f32"
        code.declarations.add(f"declare float {function}(i32, float, i32, i32) convergent nounwind")
        return code.emit(f"call float {function}(i32 -1, float {value}, i32 {distance}, i32 {self.warp - 1})")


class TooLargeError(ValueError):
    """A step that a GPU's block cannot hold."""


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Memory of a block.

    Attributes:
        shape: of the networks.
        state: how many numbers of the state are carried.
        threads: of the block.
    """

    shape: Shape
    state: int
    threads: Threads

    @property
    def width(self) -> int:
        """Most environments of a block: as many as shared memory holds (48 KiB without asking), or 64."""
        room = 48 * 1024 // 4 - 3 * self.threads.count
        width = min(64, self.threads.count, room // (self.shape.inputs + self._partials) // ABREAST * ABREAST)
        if not width:
            inputs, outputs = self.shape.inputs, self.shape.outputs
            raise TooLargeError(f"{inputs} observations and {outputs} actions are more than a GPU's block can hold")
        return width

    @property
    def _partials(self) -> int:
        return self.shape.outputs * (self.threads.count // self.threads.warp)

    @property
    def rounds(self) -> int:
        """Hidden neurons of a thread."""
        return -(-self.shape.hidden // self.threads.count)

    def shared(self) -> dict[str, int]:
        """Numbers of each array in shared memory; the first is aligned for loads of four, as all are."""
        per_thread = {name: self.threads.count for name in ("alive", "member", "run")}
        return {"input": self.width * self.shape.inputs, "partial": self.width * self._partials} | per_thread

    def rows(self) -> dict[str, int]:
        """Rows, one number an environment, of each array of working memory."""
        inputs, outputs = self.shape.inputs, self.shape.outputs
        rows = {"state": self.state, "action": outputs, "result": inputs + 4, "readout": outputs}
        return rows | {"deviation": inputs, "squared": inputs} | dict.fromkeys(SUMS, 1)

    def scratch(self) -> int:
        """Numbers of working memory of a block: the rows, and the potentials of each environment."""
        return self.width * (sum(self.rows().values()) + self.rounds * self.threads.count)


@dataclasses.dataclass(frozen=True, slots=True)
class Grid:
    """How environments are spread over blocks. A run's begin at a multiple of four, so that weights are one run's.

    Attributes:
        runs, members, episodes: of the call; episodes are a member's.
        slots: environments of a block, a multiple of four.
    """

    runs: int
    members: int
    episodes: int
    slots: int

    @classmethod
    def of(cls, layout: Layout, processors: int, sizes: tuple[int, int, int]) -> "Grid":
        """As few environments in a block as fill each processor with the two blocks that its registers hold.

        Args:
            layout: of a block.
            processors: of the GPU.
            sizes: runs, members, episodes.
        """
        whole = cls(*sizes, layout.width)
        share = -(-whole.runs * whole.padded // (2 * processors))
        return cls(*sizes, min(-(-share // ABREAST) * ABREAST, layout.width))

    @property
    def padded(self) -> int:
        """Places for the environments of a run."""
        return -(-self.members * self.episodes // ABREAST) * ABREAST

    @property
    def blocks(self) -> int:
        """Blocks of the launch."""
        return -(-self.runs * self.padded // self.slots)

    def counts(self, limit: jax.Array) -> jax.Array:
        """The first argument, given the most steps of an episode."""
        own = self.members * self.episodes
        return jnp.stack([jnp.int32(n) for n in (self.runs, own, self.padded, self.episodes, limit, self.slots)])
