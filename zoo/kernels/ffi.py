"""Handlers of XLA's foreign function interface, written in LLVM IR: no compiler and no headers are needed."""

from collections.abc import Callable, Sequence

from zoo.kernels.ir import Code

_FRAME = {"extension": 8, "api": 16, "arguments": 72, "results": 112}
"""Offsets in XLA_FFI_CallFrame (xla/ffi/api/c_api.h), of a 64-bit system."""
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
