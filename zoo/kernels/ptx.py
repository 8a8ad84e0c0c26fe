"""Text that GPUs of NVIDIA's run, out of LLVM IR. Nothing of CUDA is needed for it, and no GPU."""

import llvmlite.binding as llvm

from zoo.kernels.machine import LOCK

TRIPLE = "nvptx64-nvidia-cuda"
CAPABILITIES = (75, 80, 86, 89, 90)
"""GPUs for which there is text of their own, ten times their compute capability; a later one takes the last."""


def target_of(capability: tuple[int, int]) -> int:
    """The best of `CAPABILITIES` for a GPU.

    Raises:
        RuntimeError: if it is older than all of them.
    """
    known = [c for c in CAPABILITIES if c <= 10 * capability[0] + capability[1]]
    if not known:
        raise RuntimeError(f"compute capability {capability[0]}.{capability[1]} is below {CAPABILITIES[0] / 10}")
    return known[-1]


def ptx(ir: str, capability: int) -> bytes:
    """PTX of an LLVM module, ending in a zero byte as the driver expects.

    Args:
        ir: the module.
        capability: one of `CAPABILITIES`.
    """
    with LOCK:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        module = llvm.parse_assembly(ir)
        target = llvm.Target.from_triple(TRIPLE).create_target_machine(cpu=f"sm_{capability}", opt=3)
        module.triple, module.data_layout = TRIPLE, str(target.target_data)
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization = options.slp_vectorization = False
        builder = llvm.create_pass_builder(target, options)
        builder.getModulePassManager().run(module, builder)
        return target.emit_assembly(module).encode() + b"\0"
