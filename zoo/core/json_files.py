"""JSON files of bounded size, depth and number of values, and frozen dataclasses in them, field by field."""

import dataclasses
import json
import numbers
import operator
import os
import reprlib
import typing
from collections import Counter
from pathlib import Path

from zoo.core.errors import DamagedCheckpointError

_MAX_JSON_BYTES = 16 * 2**20
_MAX_VALUES = 2**20
_MAX_DEPTH = 20
_MAX_TEXT = 10_000


def read_json(path: Path, max_bytes: int = _MAX_JSON_BYTES) -> dict:
    """A JSON object from a file of bounded size.

    Stricter than the standard: no key stands twice in an object, numbers are finite, and text has no control
    characters.

    Args:
        path: of the file.
        max_bytes: a longer file is refused before it is read.

    Raises:
        DamagedCheckpointError: if it is too large, too deep, or not such a JSON object.
    """
    if (size := path.stat().st_size) > max_bytes:
        raise DamagedCheckpointError(f"{path} has {size:,} bytes; at most {max_bytes:,} are allowed")
    return read_object(path.read_bytes(), str(path))


def read_object(data: bytes, where: str) -> dict:
    """A JSON object from bytes, as `read_json`."""
    try:
        value = _decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpointError(f"{where} is not JSON that the zoo reads: {error}") from error
    if not isinstance(value, dict):
        raise DamagedCheckpointError(f"{where} holds a {type(value).__name__}; it must hold an object")
    return value


def _decode(text: str):
    """The value of a JSON text within bounds; each comma or bracket begins at most one value, 60 bytes or more."""
    if (count := sum(map(text.count, ",[{"))) > _MAX_VALUES:
        raise ValueError(f"it has about {count:,} values; at most {_MAX_VALUES:,} are allowed")
    value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    level = [value]
    for _ in range(_MAX_DEPTH):
        inner = [v.values() for v in level if isinstance(v, dict)] + [v for v in level if isinstance(v, list)]
        for item in [*level, *(key for v in level if isinstance(v, dict) for key in v)]:
            if isinstance(item, str) and not (item.isprintable() and len(item) <= _MAX_TEXT):
                raise ValueError(
                    f"text must be printable, in one line, and at most {_MAX_TEXT:,} characters long, "
                    f"got {reprlib.repr(item)}"
                )
        level = [v for values in inner for v in values]
        if not level:
            return value
    raise ValueError(f"it is more than {_MAX_DEPTH} levels deep")


def _unique(pairs: list[tuple]) -> dict:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {reprlib.repr(twice)} stands twice in an object")
    return value


def _refuse(constant: str):
    raise ValueError(f"{constant} is no finite number")


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
        raise DamagedCheckpointError(
            f"{where} must be an object with the fields {sorted(fields)}, got {reprlib.repr(value)}"
        )
    try:
        types = typing.get_type_hints(cls)
        return cls(**{name: coerce(types[name], item, f"{where}.{name}") for name, item in value.items()})
    except (TypeError, ValueError) as error:
        raise DamagedCheckpointError(f"{where}: {error}") from error


def coerce(kind, value, where: str):
    """A value as a field's type: int, float, str, bool, X | None, or tuple[X, ...]; numbers may be NumPy's.

    Raises:
        ValueError: if it is of another type.
    """
    options = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        if isinstance(value, list | tuple):
            return tuple(coerce(options[0], item, where) for item in value)
        if not isinstance(value, str):
            raise ValueError(f"{where} (={reprlib.repr(value)}) must be of type tuple, of one value or more")
    elif type(None) in options:
        return None if value is None else coerce(options[0], value, where)
    elif kind is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{where} is larger than a float can be") from None
    elif kind is int and isinstance(value, typing.SupportsIndex) and not isinstance(value, bool):
        return operator.index(value)
    elif type(value) is kind:
        return value
    raise ValueError(f"{where} (={reprlib.repr(value)}) must be of type {getattr(kind, '__name__', kind)}")
