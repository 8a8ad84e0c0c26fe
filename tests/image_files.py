"""Tiny data sets in the files' format, in the place of the real ones."""

import dataclasses
import gzip
import hashlib
import struct

import numpy as np

from zoo.tasks import image_data

COUNTS = {"train": 60, "test": 30}


def idx(array: np.ndarray) -> bytes:
    """Images [N, 784] or labels [N] as the content of an IDX file."""
    if array.ndim == 1:
        return struct.pack(">II", 0x0801, len(array)) + array.astype(np.uint8).tobytes()
    return struct.pack(">IIII", 0x0803, len(array), 28, 28) + array.astype(np.uint8).tobytes()


def patterns(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of ten patterns, and which they show."""
    shapes = np.random.default_rng(0).integers(0, 200, (10, 784))
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    return shapes[labels] + rng.integers(0, 56, (count, 784)), labels


def describe(file: image_data.IdxFile, count: int, content: bytes, packed: bytes) -> image_data.IdxFile:
    """The record of a tiny file."""
    md5, sha256 = hashlib.md5(packed).hexdigest(), hashlib.sha256(content).hexdigest()
    return dataclasses.replace(file, count=count, gz_md5=md5, sha256=sha256)


def tiny_sets(monkeypatch, folder, *, mirrors=()):
    """Writes both sets below `folder`, makes them the zoo's, and sets ``$ZOO_DATA_DIR``."""
    image_data.read_images.cache_clear()
    monkeypatch.setenv("ZOO_DATA_DIR", str(folder))
    for seed, (name, data) in enumerate(list(image_data.SETS.items())):
        place = folder / data.folder
        place.mkdir(parents=True)
        records = {"images": {}, "labels": {}}
        for split, count in COUNTS.items():
            arrays = dict(zip(records, patterns(count, 10 * seed + count), strict=True))
            for kind, array in arrays.items():
                file, content = getattr(data, kind)[split], idx(array)
                packed = gzip.compress(content, mtime=0)
                (place / file.name).write_bytes(packed)
                records[kind][split] = describe(file, count, content, packed)
        monkeypatch.setitem(image_data.SETS, name, dataclasses.replace(data, mirrors=tuple(mirrors), **records))
    return folder
