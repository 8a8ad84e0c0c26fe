"""JSON files of bounded size, and frozen dataclasses in them, field by field."""

import dataclasses
import json
import os
import typing
from pathlib import Path

from zoo.core.errors import DamagedCheckpointError

_MAX_JSON_BYTES = 64 * 2**20


def read_json(path: Path, max_bytes: int = _MAX_JSON_BYTES) -> dict:
    """A JSON object from a file of bounded size.

    Args:
        path: of the file.
        max_bytes: a longer file is refused before it is read.

    Raises:
        DamagedCheckpointError: if it is too large or not a JSON object.
    """
    if (size := path.stat().st_size) > max_bytes:
        raise DamagedCheckpointError(f"{path} has {size:,} bytes; at most {max_bytes:,} are allowed")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise DamagedCheckpointError(f"{path} holds a {type(value).__name__}; it must hold an object")
    return value


def write_json(path: Path, value: dict) -> None:
    """Writes a JSON object, replacing the file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def from_json(cls: type, value: dict, where: str):
    """A frozen dataclass from a JSON object; names and types must be the fields'.

    Raises:
        DamagedCheckpointError: naming the field.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    if not isinstance(value, dict) or set(value) - set(fields):
        raise DamagedCheckpointError(f"{where} must be an object with the fields {sorted(fields)}, got {value!r}")
    try:
        types = typing.get_type_hints(cls)
        return cls(**{name: coerce(types[name], item, f"{where}.{name}") for name, item in value.items()})
    except (TypeError, ValueError) as error:
        raise DamagedCheckpointError(f"{where}: {error}") from error


def coerce(kind, value, where: str):
    """A JSON value as a field's type: int, float, str, bool, X | None, or tuple[X, ...].

    Raises:
        ValueError: if it is of another type.
    """
    options = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        if isinstance(value, list | tuple):
            return tuple(coerce(options[0], item, where) for item in value)
    elif type(None) in options:
        return None if value is None else coerce(options[0], value, where)
    elif kind is float and type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{where} is an integer of {value.bit_length()} bits; it must be a float") from None
    elif type(value) is kind:
        return value
    raise ValueError(f"{where} (={value!r}) must be of type {getattr(kind, '__name__', kind)}")
