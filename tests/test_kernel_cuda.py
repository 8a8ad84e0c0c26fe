"""PTX without a GPU, and the handler that launches it with a driver of our own in place of CUDA's."""

import ctypes
import functools
import importlib.util
import shutil
import subprocess
from pathlib import Path

import jax
import pytest
from test_kernel_episodes import Pendulum

from zoo.kernels import blocks, cuda, ffi, llvm
from zoo.kernels.cuda import LAUNCH, launcher
from zoo.kernels.grid import Gpu, Layout
from zoo.kernels.machine import Library, host, object_code
from zoo.kernels.networks import Shape
from zoo.kernels.programs import specialised, trace_step, with_fault
from zoo.kernels.ptx import CAPABILITIES, ptx, target_of


@functools.cache
def pendulum_ptx(capability, own=("k", "height", "r")):
    task = Pendulum()
    state, _ = jax.eval_shape(task.reset, jax.random.key(0), 0)
    program = with_fault(specialised(trace_step(task.step, state, task.action_size), {}))
    layout = Layout(Shape(3, 9, 2, frozenset(own)), len(program.carried), Gpu())
    text, declarations = llvm.step_function(program, "step", 1, layout.width)
    module = blocks.module("\n".join([*sorted(declarations), text]), "step", layout, "episodes")
    return layout, ptx(module, capability)


def ptxas():
    """NVIDIA's assembler, on the path or of the Python package nvidia-cuda-nvcc."""
    found = importlib.util.find_spec("nvidia")
    folders = [Path(place) for place in found.submodule_search_locations] if found else []
    packaged = [str(path) for folder in folders for path in folder.glob("*/bin/ptxas")]
    return shutil.which("ptxas") or next(iter(packaged), None)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_ptx_is_for_the_gpu_asked_for(capability):
    layout, text = pendulum_ptx(capability)
    assert text.endswith(b"\0")
    lines = text[:-1].decode().splitlines()
    assert f".target sm_{capability}" in lines
    assert ".visible .entry episodes(" in lines
    assert f".maxntid {layout.threads.count}" in lines
    shared = next(line for line in lines if line.strip().startswith(".shared"))
    assert f"[{4 * sum(layout.shared().values())}]" in shared
    arithmetic = "\n".join(lines)
    assert "div.rn.f32" in arithmetic  # No approximations, and denormal numbers as on a processor.
    assert ".ftz" not in arithmetic
    assert ".approx" not in arithmetic


@pytest.mark.skipif(ptxas() is None, reason="needs ptxas: pip install nvidia-cuda-nvcc-cu12")
@pytest.mark.parametrize("own", [("k", "height", "r"), ("w_in", "w_out")])
@pytest.mark.parametrize("capability", [80, 90])
def test_ptx_assembles(capability, own, tmp_path):
    (tmp_path / "a.ptx").write_bytes(pendulum_ptx(capability, own)[1][:-1])
    command = [ptxas(), "-v", "--warn-on-spills", f"-arch=sm_{capability}", "a.ptx", "-o", "a.cubin"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "0 bytes spill stores, 0 bytes spill loads" in done.stderr
    print(done.stderr)


def test_the_best_text_for_a_gpu():
    assert [target_of(c) for c in ((7, 5), (8, 0), (8, 7), (9, 0), (12, 0))] == [75, 80, 86, 90, 90]
    with pytest.raises(RuntimeError, match=r"7\.0 is below 7\.5"):
        target_of((7, 0))


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_structures_are_laid_out_as_xlas_header_says(tmp_path):
    places = {
        "offsetof(XLA_FFI_CallFrame, extension_start)": ffi._FRAME["extension"],
        "offsetof(XLA_FFI_CallFrame, api)": ffi._FRAME["api"],
        "offsetof(XLA_FFI_CallFrame, ctx)": ffi._FRAME["context"],
        "offsetof(XLA_FFI_CallFrame, args) + offsetof(XLA_FFI_Args, args)": ffi._FRAME["arguments"],
        "offsetof(XLA_FFI_CallFrame, rets) + offsetof(XLA_FFI_Rets, rets)": ffi._FRAME["results"],
        "offsetof(XLA_FFI_Buffer, data)": ffi._BUFFER_DATA,
        "offsetof(XLA_FFI_Api, api_version) + offsetof(XLA_FFI_Api_Version, major_version)": ffi._API_VERSION,
        "offsetof(XLA_FFI_Api, XLA_FFI_Error_Create)": ffi._API["error"],
        "offsetof(XLA_FFI_Api, XLA_FFI_Stream_Get)": ffi._API["stream"],
        "XLA_FFI_Stream_Get_Args_STRUCT_SIZE": ffi._STREAM["size"],
        "offsetof(XLA_FFI_Stream_Get_Args, ctx)": ffi._STREAM["context"],
        "offsetof(XLA_FFI_Stream_Get_Args, stream)": ffi._STREAM["stream"],
        "XLA_FFI_Error_Create_Args_STRUCT_SIZE": ffi._ERROR["size"],
        "offsetof(XLA_FFI_Error_Create_Args, message)": ffi._ERROR["message"],
        "offsetof(XLA_FFI_Error_Create_Args, errc)": ffi._ERROR["code"],
        "XLA_FFI_Error_Code_INTERNAL": ffi._INTERNAL,
    }
    checks = "\n".join(f'_Static_assert({place} == {known}, "{place}");' for place, known in places.items())
    (tmp_path / "layout.c").write_text(f'#include <stddef.h>\n#include "xla/ffi/api/c_api.h"\n{checks}\n')
    command = ["cc", "-std=c11", "-fsyntax-only", "-I", jax.ffi.include_dir(), "layout.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Call:
    """A call as XLA makes it, of one handler, and a driver that notes what it is asked.

    Args:
        refused: the function of the driver that answers with an error.
        streamless: whether XLA has no stream.
    """

    GRID, KERNEL, STREAM, CONTEXT, XLA_ERROR, MADE = (7, 128), 0xABC0, 0x5000, 0xC000, 0xE000, 0xE110

    def __init__(self, refused=None, streamless=False):
        self.heard, self._refused, self._streamless = [], refused, streamless
        self.pointers = range(0x1000, 0x1000 + 8 * 32, 8)
        word, number = ctypes.c_size_t, ctypes.c_uint
        self._functions = {
            "cuStreamGetCtx": ctypes.CFUNCTYPE(ctypes.c_int, word, ctypes.POINTER(word))(self.context),
            "cuCtxPushCurrent_v2": ctypes.CFUNCTYPE(ctypes.c_int, word)(self.push),
            "cuCtxPopCurrent_v2": ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(word))(self.pop),
            "cuLaunchKernel": ctypes.CFUNCTYPE(
                ctypes.c_int, word, *[number] * 7, word, ctypes.POINTER(ctypes.POINTER(word)), word
            )(self.launch),
            "cuGetErrorString": ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(word))(self.describe),
            "stream": ctypes.CFUNCTYPE(word, ctypes.POINTER(word))(self.stream),
            "error": ctypes.CFUNCTYPE(word, ctypes.POINTER(word))(self.error),
        }
        self.text = ctypes.create_string_buffer(b"out of luck")

    def answer(self, name, *rest):
        self.heard.append((name, *rest))
        return 700 if name == self._refused else 0

    def stream(self, asked):
        assert asked[0] == 32
        assert asked[2] == 0x77  # The execution context.
        if self._streamless:
            return self.XLA_ERROR
        asked[3] = self.STREAM
        return 0

    def context(self, stream, place):
        place[0] = self.CONTEXT
        return self.answer("cuStreamGetCtx", stream)

    def push(self, context):
        return self.answer("cuCtxPushCurrent_v2", context)

    def pop(self, place):
        return self.answer("cuCtxPopCurrent_v2")

    def launch(self, kernel, x, y, z, tx, ty, tz, memory, stream, parameters, extra):
        assert (y, z, ty, tz, memory, extra) == (1, 1, 1, 1, 0, 0)
        count = len(blocks.ARGUMENTS) + len(blocks.RESULTS)
        return self.answer("cuLaunchKernel", kernel, x, tx, stream, [parameters[i][0] for i in range(count)])

    def describe(self, code, place):
        assert code == 700
        place[0] = ctypes.addressof(self.text)
        return 0

    def error(self, told):
        assert told[0] == 28
        self.message, self.code = ctypes.string_at(told[2]), told[3] & 0xFFFFFFFF
        return self.MADE

    def __call__(self):
        """What the handler returns."""
        addresses = {name: ctypes.cast(f, ctypes.c_void_p).value for name, f in self._functions.items()}
        text = launcher("handler", self.KERNEL, {f: addresses[f] for f in LAUNCH}, self.GRID)
        machine = host()
        library = Library([object_code(text, machine)], machine)
        buffers = [(ctypes.c_size_t * 6)(48, 0, 0, at, 0, 0) for at in self.pointers]
        places = (ctypes.c_size_t * 32)(*(ctypes.addressof(b) for b in buffers))
        api = (ctypes.c_size_t * 22)()
        api[6], api[10] = addresses["error"], addresses["stream"]
        frame = (ctypes.c_size_t * 20)(160, 0, ctypes.addressof(api), 0x77)
        frame[9] = ctypes.addressof(places)
        frame[14] = ctypes.addressof(places) + 8 * len(blocks.ARGUMENTS)
        return library.function("handler", ctypes.c_void_p, result=ctypes.c_size_t)(ctypes.addressof(frame))


def test_the_handler_launches_the_kernel_on_xlas_stream():
    call = Call()
    assert call() == 0
    arrays = list(call.pointers)[: len(blocks.ARGUMENTS) + len(blocks.RESULTS)]
    assert call.heard == [
        ("cuStreamGetCtx", call.STREAM),
        ("cuCtxPushCurrent_v2", call.CONTEXT),
        ("cuLaunchKernel", call.KERNEL, *call.GRID, call.STREAM, arrays),
        ("cuCtxPopCurrent_v2",),
    ]


@pytest.mark.parametrize("refused", ["cuStreamGetCtx", "cuCtxPushCurrent_v2", "cuLaunchKernel"])
def test_what_the_driver_refuses_is_an_error_of_xlas(refused):
    call = Call(refused)
    assert call() == call.MADE
    assert (call.message, call.code) == (b"out of luck", 13)
    heard = [name for name, *_ in call.heard]
    assert heard.count("cuCtxPushCurrent_v2") == heard.count("cuCtxPopCurrent_v2") + (
        refused == "cuCtxPushCurrent_v2"
    )


def test_without_a_stream_xlas_error_is_passed_on():
    call = Call(streamless=True)
    assert call() == call.XLA_ERROR
    assert not call.heard


def test_without_a_driver_it_says_so(monkeypatch):
    from zoo.tasks import compiled

    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(cuda.ctypes, "CDLL", missing)
    monkeypatch.setattr(compiled, "_platform", lambda: "cuda")
    assert f"{compiled.GPU_KERNEL}=1 uses it" in compiled.find_kernel.__wrapped__(Pendulum()).reason
    monkeypatch.setenv(compiled.GPU_KERNEL, "1")
    cuda.driver.cache_clear()
    found = compiled.find_kernel.__wrapped__(Pendulum())
    assert found.step is None
    assert "CUDA's driver cannot be used (libcuda.so.1" in found.reason


def test_other_accelerators_have_no_kernel(monkeypatch):
    from zoo.tasks import compiled

    monkeypatch.setattr(compiled, "_platform", lambda: "rocm")
    assert "NVIDIA" in compiled.find_kernel.__wrapped__(Pendulum()).reason
