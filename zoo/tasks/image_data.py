"""MNIST and Fashion-MNIST as arrays: found in a folder of the user's, or downloaded once and checked.

Each set is four gzip files in the IDX format: a header (magic number, sizes), then bytes. Since a file must have the
published hash, nothing of the header is read.
"""

import dataclasses
import functools
import gzip
import hashlib
import math
import os
import zlib
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

from zoo.core.errors import DataNotFoundError, ZooError

SIDE = 28
PIXELS = SIDE * SIDE
CLASSES = 10
_TIMEOUT_S = 60

Split = Literal["train", "test"]


class DamagedDataError(ZooError):
    """A file of a data set is not what was published."""


@dataclasses.dataclass(frozen=True, slots=True)
class IdxFile:
    """One file of a data set.

    Attributes:
        name: as published.
        count: of its images or labels.
        gz_md5: of the file as published, for downloads.
        sha256: of the content without compression, which copies compressed anew share.
    """

    name: str
    count: int
    gz_md5: str
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True)
class DataSet:
    """Where a data set is, and how it is recognised.

    Attributes:
        title: for people.
        folder: under ``$ZOO_DATA_DIR`` and in the cache.
        mirrors: URLs of folders, asked in this order.
        images, labels: files by split.
        classes: what the labels stand for.
    """

    title: str
    folder: str
    mirrors: tuple[str, ...]
    images: dict[Split, IdxFile]
    labels: dict[Split, IdxFile]
    classes: tuple[str, ...] = tuple(map(str, range(CLASSES)))


_CLOTHES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
SETS = {
    "mnist": DataSet(
        "MNIST",
        "mnist",
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        {
            "train": IdxFile("train-images-idx3-ubyte.gz", 60000, "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                             "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            "test": IdxFile("t10k-images-idx3-ubyte.gz", 10000, "9fb629c4189551a2d022fa330f9573f3",
                            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        },
        {
            "train": IdxFile("train-labels-idx1-ubyte.gz", 60000, "d53e105ee54ea40749a09fcbcd1e9432",
                             "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            "test": IdxFile("t10k-labels-idx1-ubyte.gz", 10000, "ec29112dd5afa0611ce80d1b7f02629c",
                            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        },
    ),
    "fmnist": DataSet(
        "Fashion-MNIST",
        "fashion-mnist",
        ("https://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
         "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
        {
            "train": IdxFile("train-images-idx3-ubyte.gz", 60000, "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                             "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            "test": IdxFile("t10k-images-idx3-ubyte.gz", 10000, "bef4ecab320f06d8554ea6380940ec79",
                            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        },
        {
            "train": IdxFile("train-labels-idx1-ubyte.gz", 60000, "25c81989df183df01b3e8a0aad5dffbe",
                             "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            "test": IdxFile("t10k-labels-idx1-ubyte.gz", 10000, "bb300cfdad3c16e7a12a480ee83cd310",
                            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        },
        _CLOTHES,
    ),
}  # fmt: skip
"""The data sets by task name."""


class Images(NamedTuple):
    """A split of a data set: pixels 0 … 255 and classes 0 … 9."""

    pixels: UInt8[np.ndarray, "N 784"]
    labels: Int32[np.ndarray, " N"]


def load_images(name: str, split: Split) -> Images:
    """One split of a data set, checked; kept in memory.

    Files are looked for in ``$ZOO_DATA_DIR/{mnist,fashion-mnist}/``, then in the user's cache, to which
    they are downloaded where they are missing.

    Args:
        name: ``mnist`` or ``fmnist``.
        split: ``train`` (60,000 images) or ``test`` (10,000).

    Raises:
        DataNotFoundError: if a file is nowhere and cannot be downloaded.
        DamagedDataError: if a file is not the published one.
    """
    data = SETS[name]
    return read_images(name, data.images[split], data.labels[split])


@functools.lru_cache(maxsize=8)
def read_images(name: str, images: IdxFile, labels: IdxFile) -> Images:
    """Two files of a data set; kept in memory under their hashes, since those say what the arrays are."""
    data = SETS[name]
    return Images(*(_read(find_file(data, file), file, data.title) for file in (images, labels)))


def find_file(data: DataSet, file: IdxFile) -> Path:
    """Path of a file, downloaded where it is missing.

    Raises:
        DataNotFoundError: if it is nowhere and cannot be downloaded.
    """
    named = os.environ.get("ZOO_DATA_DIR")
    if named and (path := Path(named) / data.folder / file.name).is_file():
        return path
    return _download(data, file)


def _download(data: DataSet, file: IdxFile) -> Path:
    """The file in the user's cache: an intact one, or a new one that came whole."""
    import pooch

    folder, problems = pooch.os_cache("hetsnn-zoo") / data.folder, []
    pooch.get_logger().setLevel("ERROR")
    for mirror in data.mirrors:
        try:
            # A download goes to a temporary file and moves into the cache only if its hash is right.
            return Path(
                pooch.retrieve(
                    mirror + file.name,
                    known_hash=f"md5:{file.gz_md5}",
                    fname=file.name,
                    path=folder,
                    downloader=pooch.HTTPDownloader(timeout=_TIMEOUT_S),
                )
            )
        except (OSError, ValueError) as error:  # The network's errors are OSErrors, a wrong hash a ValueError.
            problems.append(f"{mirror}: {str(error).splitlines()[0]}")
    raise DataNotFoundError(
        f"{data.title}'s {file.name} is not on this machine and cannot be downloaded ({'; '.join(problems)}). "
        f"Put the four files of {data.title} into $ZOO_DATA_DIR/{data.folder}/ "
        f"(ZOO_DATA_DIR is {os.environ.get('ZOO_DATA_DIR') or 'not set'}) or into {folder}/"
    )


def _read(path: Path, file: IdxFile, title: str) -> np.ndarray:
    """Pixels [N, 784] or labels [N] out of a compressed file.

    Raises:
        DamagedDataError: if it is not this file of this set, bit by bit.
    """
    images = "idx3" in file.name
    header, shape = (16, (file.count, PIXELS)) if images else (8, (file.count,))
    size = header + math.prod(shape)
    try:
        with gzip.open(path) as stream:
            content = stream.read(size + 1)  # Not the whole of whatever a file may unpack to.
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedDataError(f"{path} cannot be unpacked ({error}); delete it or replace it") from error
    if len(content) != size:
        found = f"{len(content):,}" if len(content) < size else "more"
        raise DamagedDataError(f"{path} unpacks to {found} bytes; {title}'s {file.name} has {size:,}")
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DamagedDataError(
            f"{path} is not {title}'s {file.name}: its content has SHA-256 {found}, the published one {file.sha256}. "
            "Are the files of two sets swapped?"
        )
    array = np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    array = array if images else array.astype(np.int32)
    array.flags.writeable = False  # They are kept for the next call.
    return array


def as_pixels(images: np.ndarray) -> tuple[np.ndarray, bool]:
    """Images as [N, 784] on the scale of 0 to 255, and whether there was one image without N.

    Args:
        images: [28, 28], [784], [N, 28, 28] or [N, 784]; integers from 0 to 255, or floats from 0 to 1.

    Raises:
        ValueError: for any other shape, type or range.
    """
    images = np.asarray(images)
    single = images.shape in ((SIDE, SIDE), (PIXELS,))
    batch = images[None] if single else images
    if batch.shape[1:] not in ((SIDE, SIDE), (PIXELS,)) or batch.shape[0] == 0:
        raise ValueError(
            f"images have shape {list(images.shape)}; it must be [N, {SIDE}, {SIDE}] or [N, {PIXELS}] with N at "
            f"least 1, or one image of [{SIDE}, {SIDE}] or [{PIXELS}]"
        )
    kind = batch.dtype.kind
    if kind not in "uif":
        raise ValueError(
            f"images are of type {batch.dtype}; they must be integers from 0 to 255 or floats from 0 to 1"
        )
    low, high, top = batch.min(), batch.max(), 1 if kind == "f" else 255
    if not (low >= 0 and high <= top):  # Also refuses NaN.
        raise ValueError(f"images go from {low:g} to {high:g}; {batch.dtype} pixels must lie between 0 and {top}")
    pixels = batch.reshape(len(batch), PIXELS)
    return (pixels * 255.0 if kind == "f" else pixels), single
