"""The processor at hand, and machine code for it."""

import ctypes
import dataclasses
import functools
import os
import threading

import llvmlite
import llvmlite.binding as llvm

LOCK = threading.Lock()
"""LLVM is entered by one thread at a time."""
VECTOR_BITS = "HETSNN_ZOO_VECTOR_BITS"


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """A processor as LLVM knows it.

    Attributes:
        cpu: its name.
        features: its features, as LLVM lists them (``+avx2,-avx512f,…``).
        lanes: float32 numbers in its widest registers.
        triple: architecture and system.
    """

    cpu: str
    features: str
    lanes: int
    triple: str


@functools.cache
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@functools.cache
def host(widest: int | None = None) -> Machine:
    """The processor that runs this.

    Args:
        widest: bits of the widest registers to use; those that it lacks are not used in any case. By default what
            the variable HETSNN_ZOO_VECTOR_BITS says, to measure as an older processor would, or all.
    """
    if widest is None and VECTOR_BITS in os.environ:
        widest = int(os.environ[VECTOR_BITS])
    features = own = dict(llvm.get_host_cpu_features())
    if widest is not None and widest < 512:
        features = {name: on and not name.startswith("avx512") for name, on in features.items()}
        features = {name: on and not name.startswith("avx10") for name, on in features.items()}
    if widest is not None and widest < 256:
        features = {name: on and name not in ("avx", "avx2", "fma", "f16c") for name, on in features.items()}
    bits = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
    listed = ",".join(("+" if on else "-") + name for name, on in sorted(features.items()))
    # Last, since what comes later counts, and features in the list bring back those that they are built on.
    listed = ",".join([listed, *(f"-{name}" for name, on in sorted(own.items()) if on and not features[name])])
    if bits == 512:
        listed += ",-prefer-256-bit"
    return Machine(llvm.get_host_cpu_name(), listed, bits // 32, llvm.get_process_triple())


def object_code(ir: str, machine: Machine, *, level: int = 3) -> bytes:
    """Machine code of an LLVM module."""
    _initialise()
    with LOCK:
        module = llvm.parse_assembly(ir)
        module.verify()
        target = _target(machine)
        module.triple, module.data_layout = machine.triple, str(target.target_data)
        options = llvm.create_pipeline_tuning_options(speed_level=level)
        options.loop_vectorization = options.slp_vectorization = False
        builder = llvm.create_pass_builder(target, options)
        builder.getModulePassManager().run(module, builder)
        return target.emit_object(module)


def _target(machine: Machine):
    target = llvm.Target.from_triple(machine.triple)
    return target.create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=3, reloc="pic", codemodel="jitdefault", jit=True
    )


class Library:
    """Machine code in this process; its functions live as long as it does."""

    def __init__(self, codes: list[bytes], machine: Machine):
        _initialise()
        with LOCK:
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target(machine))
            for code in codes:
                self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function begins."""
        return self._engine.get_function_address(name)

    def function(self, name: str, *types, result=None):
        """A function for Python."""
        return ctypes.CFUNCTYPE(result, *types)(self.address(name))


def compiler() -> str:
    """Name and version of what makes the machine code."""
    return f"llvmlite {llvmlite.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}"
