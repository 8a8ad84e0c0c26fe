"""The GPU at hand, through CUDA's driver (libcuda): loads PTX, and gives XLA a handler that launches it.

No toolkit is needed: the driver compiles PTX for its GPU, and keeps what it compiled (~/.nv/ComputeCache). Libraries
of kernels belong to no context, so that one serves all GPUs of the process.
"""

import ctypes
import functools
import threading
from collections.abc import Sequence

import jax

from zoo.kernels import cache, ffi
from zoo.kernels.blocks import ARGUMENTS, RESULTS
from zoo.kernels.grid import Gpu
from zoo.kernels.ir import Code
from zoo.kernels.machine import Library, compiler, host, object_code
from zoo.kernels.ptx import ptx, target_of

_LEAST_DRIVER = 12000
_MAJOR, _MINOR, _PROCESSORS = 75, 76, 16
"""Numbers of attributes in cuda.h: compute capability, streaming multiprocessors."""
LAUNCH = ("cuStreamGetCtx", "cuCtxPushCurrent_v2", "cuCtxPopCurrent_v2", "cuLaunchKernel", "cuGetErrorString")
"""What the handler calls."""
_LOCK = threading.Lock()
"""XLA takes a name once: threads that need the same handler look for it one after another."""


class Driver:
    """CUDA's driver and its GPUs.

    Attributes:
        capability: for which PTX is written (`zoo.kernels.ptx.CAPABILITIES`).
        processors: streaming multiprocessors of the GPU that has fewest.
        threads: of a block.

    Raises:
        OSError: without a driver.
        RuntimeError: with one that is too old or has no GPU, and whenever it refuses.
    """

    threads = Gpu()

    def __init__(self):
        self._cuda = ctypes.CDLL("libcuda.so.1")
        self._ask("cuInit", 0)
        version, count = ctypes.c_int(), ctypes.c_int()
        self._ask("cuDriverGetVersion", ctypes.byref(version))
        if version.value < _LEAST_DRIVER:
            raise RuntimeError(f"CUDA's driver is of version {version.value}; {_LEAST_DRIVER} or later is needed")
        self._ask("cuDeviceGetCount", ctypes.byref(count))
        if not count.value:
            raise RuntimeError("CUDA's driver has no GPU")
        devices = [self._device(i) for i in range(count.value)]
        self.capability = target_of(min(device[:2] for device in devices))
        self.processors = min(device[2] for device in devices)
        self._kept = {}

    def _ask(self, name: str, *arguments) -> None:
        result = getattr(self._cuda, name)(*arguments)
        if result:
            text = ctypes.c_char_p()
            self._cuda.cuGetErrorString(result, ctypes.byref(text))
            raise RuntimeError(f"{name}: {(text.value or b'unknown error').decode()} ({result})")

    def _device(self, number: int) -> tuple[int, int, int]:
        device, value, found = ctypes.c_int(), ctypes.c_int(), []
        self._ask("cuDeviceGet", ctypes.byref(device), number)
        for attribute in (_MAJOR, _MINOR, _PROCESSORS):
            self._ask("cuDeviceGetAttribute", ctypes.byref(value), attribute, device)
            found.append(value.value)
        return tuple(found)

    def call(self, text: str, name: str, blocks: int, results: Sequence[jax.ShapeDtypeStruct]):
        """A function of JAX arrays that launches a program.

        Args:
            text: LLVM IR of a module (`zoo.kernels.blocks.module`).
            name: of the program in it.
            blocks: to launch.
            results: shapes of `RESULTS`.
        """
        target = f"zoo_{name}_" + cache.digest([text, str(blocks), str(self.capability)])[:24]
        with _LOCK:
            if target not in self._kept:
                addresses = {f: ctypes.cast(getattr(self._cuda, f), ctypes.c_void_p).value for f in LAUNCH}
                handler = launcher(target, self._kernel(text, name), addresses, (blocks, self.threads.count))
                machine = host()
                library = Library([object_code(handler, machine)], machine)
                function = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(library.address(target))
                jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(function), platform="CUDA", api_version=1)
                self._kept[target] = library
        return jax.ffi.ffi_call(target, results, vmap_method="sequential")

    def _kernel(self, text: str, name: str) -> int:
        """Handle (CUkernel) of a program; it is never unloaded."""
        key = cache.digest([text, str(self.capability), compiler()])
        code = cache.kept(key, lambda: ptx(text, self.capability))
        library, kernel, none = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        self._ask("cuLibraryLoadData", ctypes.byref(library), code, none, none, 0, none, none, 0)
        self._ask("cuLibraryGetKernel", ctypes.byref(kernel), library, name.encode())
        return kernel.value


@functools.cache
def driver() -> Driver:
    """The one of this process."""
    return Driver()


def launcher(name: str, kernel: int, addresses: dict[str, int], grid: tuple[int, int]) -> str:
    """LLVM IR of a handler that launches a kernel on XLA's stream, given the addresses of its arrays.

    Args:
        name: of the handler.
        kernel: handle of the kernel, CUkernel or CUfunction.
        addresses: of the driver's functions in `LAUNCH`.
        grid: blocks, and threads of a block.
    """
    stream_context, push, pop, launch, describe = (f"inttoptr (i64 {addresses[f]} to ptr)" for f in LAUNCH)

    def body(code: Code, arrays: dict[str, str]) -> None:
        stream = ffi.stream(code, "%frame")
        values, places = (code.emit(f"alloca [{len(arrays)} x ptr], align 8") for _ in range(2))
        for i, array in enumerate(arrays.values()):
            place = code.at(values, i, 8)
            code.line(f"store ptr {array}, ptr {place}, align 8")
            code.line(f"store ptr {place}, ptr {code.at(places, i, 8)}, align 8")
        context = code.emit("alloca ptr, align 8")
        result = code.emit("alloca i32, align 4")
        _checked(code, result, f"call i32 {stream_context}(ptr {stream}, ptr {context})", "found")
        current = code.emit(f"load ptr, ptr {context}, align 8")
        _checked(code, result, f"call i32 {push}(ptr {current})", "pushed")
        sizes = f"i32 {grid[0]}, i32 1, i32 1, i32 {grid[1]}, i32 1, i32 1, i32 0"
        kernel_at = f"ptr inttoptr (i64 {kernel} to ptr)"
        launched = code.emit(f"call i32 {launch}({kernel_at}, {sizes}, ptr {stream}, ptr {places}, ptr null)")
        code.emit(f"call i32 {pop}(ptr {context})")
        _checked(code, result, f"add i32 {launched}, 0", "launched")
        code.line("br label %end")
        code.label("refused")
        message = code.emit("alloca ptr, align 8")
        code.line(f"store ptr @unknown, ptr {message}, align 8")
        number = code.emit(f"load i32, ptr {result}, align 4")
        code.emit(f"call i32 {describe}(i32 {number}, ptr {message})")
        said = code.emit(f"load ptr, ptr {message}, align 8")
        nothing = code.emit(f"icmp eq ptr {said}, null")
        ffi.fail(code, "%frame", code.emit(f"select i1 {nothing}, ptr @unknown, ptr {said}"))
        code.label("end")

    unknown = b"CUDA's driver refused to launch a kernel\0"
    literal = "".join(f"\\{byte:02X}" for byte in unknown)
    constant = f'@unknown = private constant [{len(unknown)} x i8] c"{literal}"'
    return f"{constant}\n{ffi.handler(name, ARGUMENTS, RESULTS, body)}"


def _checked(code: Code, result: str, call: str, following: str) -> None:
    """Goes on in the block `following` if the driver's answer is 0, else in ``refused``."""
    answer = code.emit(call)
    code.line(f"store i32 {answer}, ptr {result}, align 4")
    code.line(f"br i1 {code.emit(f'icmp eq i32 {answer}, 0')}, label %{following}, label %refused")
    code.label(following)
