"""Handlers of XLA's foreign function interface, written in LLVM IR: no compiler and no headers are needed."""

from collections.abc import Callable, Sequence

from zoo.kernels.ir import Code

_FRAME = {"extension": 8, "api": 16, "context": 24, "arguments": 72, "results": 112}
"""Offsets in XLA_FFI_CallFrame (xla/ffi/api/c_api.h), of a 64-bit system."""
_API = {"error": 48, "stream": 80}
"""Offsets in XLA_FFI_Api of the functions that make an error and give the stream."""
_STREAM = {"size": 32, "context": 16, "stream": 24}
"""Size of XLA_FFI_Stream_Get_Args, and offsets in it."""
_ERROR = {"size": 28, "message": 16, "code": 24}
"""Size of XLA_FFI_Error_Create_Args, and offsets in it."""
_INTERNAL = 13
"""XLA_FFI_Error_Code_INTERNAL."""
_BUFFER_DATA = 24
_EXTENSION_METADATA = 24
_API_VERSION, _METADATA_VERSION = 32, 24


def field(code: Code, base: str, offset: int, kind: str = "ptr") -> str:
    """A field of a structure, at an offset in bytes."""
    return code.emit(f"load {kind}, ptr {code.at(base, offset, 1)}, align 4")


def handler(
    name: str, arguments: Sequence[str], results: Sequence[str], body: Callable[[Code, dict[str, str]], None]
) -> str:
    """LLVM IR of a handler.

    Asked for the version of the interface that it was written for, it names the one that asks: the fields that it
    reads have stood where they are since version 0.1.

    Args:
        name: of the function.
        arguments: names of the arrays that the call takes.
        results: names of those that it gives.
        body: writes what is done, given code in a block called ``run`` and the arrays' addresses by name.
    """
    code = Code(1)
    code.label("entry")
    extension = field(code, "%frame", _FRAME["extension"])
    code.line(f"br i1 {code.emit(f'icmp eq ptr {extension}, null')}, label %run, label %asked")
    code.label("asked")
    metadata = field(code, extension, _EXTENSION_METADATA)
    version = field(code, field(code, "%frame", _FRAME["api"]), _API_VERSION, "i64")
    code.line(f"store i64 {version}, ptr {code.at(metadata, _METADATA_VERSION, 1)}, align 4")
    code.line("ret ptr null")
    code.label("run")
    addresses = {}
    for names, offset in ((arguments, _FRAME["arguments"]), (results, _FRAME["results"])):
        table = field(code, "%frame", offset)
        for i, array in enumerate(names):
            addresses[array] = field(code, field(code, table, 8 * i), _BUFFER_DATA)
    body(code, addresses)
    code.line("ret ptr null")
    return "\n".join([f"define ptr @{name}(ptr %frame) nounwind {{", *code.lines, "}", ""])


def count(code: Code, counts: str, place: int) -> str:
    """An int32 of an array, as the 64-bit integer that counters are."""
    return code.emit(f"sext i32 {field(code, counts, 4 * place, 'i32')} to i64")


def stream(code: Code, frame: str) -> str:
    """The stream of a call on an accelerator; without one the handler returns XLA's error."""
    asked = _structure(code, _STREAM["size"])
    context = field(code, frame, _FRAME["context"])
    code.line(f"store ptr {context}, ptr {code.at(asked, _STREAM['context'], 1)}, align 8")
    give = field(code, field(code, frame, _FRAME["api"]), _API["stream"])
    error = code.emit(f"call ptr {give}(ptr {asked})")
    code.line(f"br i1 {code.emit(f'icmp eq ptr {error}, null')}, label %streamed, label %streamless")
    code.label("streamless")
    code.line(f"ret ptr {error}")
    code.label("streamed")
    return field(code, asked, _STREAM["stream"])


def fail(code: Code, frame: str, message: str) -> None:
    """Returns an error with a message (the address of its text)."""
    told = _structure(code, _ERROR["size"])
    code.line(f"store ptr {message}, ptr {code.at(told, _ERROR['message'], 1)}, align 8")
    code.line(f"store i32 {_INTERNAL}, ptr {code.at(told, _ERROR['code'], 1)}, align 4")
    make = field(code, field(code, frame, _FRAME["api"]), _API["error"])
    code.line(f"ret ptr {code.emit(f'call ptr {make}(ptr {told})')}")


def _structure(code: Code, size: int) -> str:
    """A structure of XLA's: its size, and zeros."""
    words = -(-size // 8)
    structure = code.emit(f"alloca [{words} x i64], align 8")
    code.line(f"store [{words} x i64] zeroinitializer, ptr {structure}, align 8")
    code.line(f"store i64 {size}, ptr {structure}, align 8")
    return structure
