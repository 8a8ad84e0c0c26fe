"""Files of the image sets: found, downloaded, refused."""

import gzip
import struct

import numpy as np
import pytest
from image_files import COUNTS, idx, patterns, tiny_sets
from loopback import serving

from zoo.core.errors import DataNotFoundError
from zoo.tasks.image_data import SETS, DamagedDataError, load_images, read_images


@pytest.fixture
def data(monkeypatch, tmp_path):
    return tiny_sets(monkeypatch, tmp_path / "data")


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    """A server of the tiny MNIST files, an empty cache, and no ``$ZOO_DATA_DIR``; yields (its folder, cache)."""
    folder = tmp_path / "data"
    with serving(folder / "mnist") as url:
        tiny_sets(monkeypatch, folder, mirrors=[url])
        monkeypatch.delenv("ZOO_DATA_DIR")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
        yield folder / "mnist", tmp_path / "cache" / "hetsnn-zoo" / "mnist"


@pytest.mark.parametrize("split", ["train", "test"])
def test_reads_what_was_written(data, split):
    pixels, labels = load_images("mnist", split)
    expected = patterns(COUNTS[split], COUNTS[split])
    np.testing.assert_array_equal(pixels, expected[0])
    np.testing.assert_array_equal(labels, expected[1])
    assert pixels.dtype == np.uint8 and labels.dtype == np.int32


def test_other_files_of_the_name_are_read_anew(monkeypatch, data):
    before = load_images("mnist", "test")
    assert load_images("mnist", "test") is before
    monkeypatch.setitem(SETS, "mnist", SETS["fmnist"])
    assert (load_images("mnist", "test").pixels != before.pixels).any()


def test_downloads_once(mirror):
    folder, cache = mirror
    assert len(load_images("mnist", "test").labels) == COUNTS["test"]
    assert sorted(path.name for path in cache.iterdir()) == ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    for path in folder.iterdir():
        path.unlink()
    read_images.cache_clear()
    assert len(load_images("mnist", "test").labels) == COUNTS["test"]


def test_half_a_download_is_not_cached(mirror):
    folder, cache = mirror
    whole = (folder / "t10k-images-idx3-ubyte.gz").read_bytes()
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataNotFoundError, match=r"cannot be downloaded.*ZOO_DATA_DIR is not set"):
        load_images("mnist", "test")
    assert not cache.exists() or not list(cache.iterdir())


def test_no_mirror_answers(mirror):
    folder, _ = mirror
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(DataNotFoundError, match=r"Put the four files of MNIST into \$ZOO_DATA_DIR/mnist/"):
        load_images("mnist", "train")


def test_damaged_cache_is_fetched_again(mirror):
    _, cache = mirror
    load_images("mnist", "test")
    (cache / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    read_images.cache_clear()
    assert len(load_images("mnist", "test").labels) == COUNTS["test"]


def test_truncated_file(data):
    path = data / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedDataError, match=r"train-images-idx3-ubyte.gz cannot be unpacked"):
        load_images("mnist", "train")


def test_content_cut_short_but_packed_well(data):
    path = data / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))
    with pytest.raises(
        DamagedDataError, match=r"unpacks to 47,055 bytes; MNIST's train-images-idx3-ubyte.gz has 47,056"
    ):
        load_images("mnist", "train")


def test_file_of_another_split(data):
    folder = data / "mnist"
    (folder / "train-labels-idx1-ubyte.gz").write_bytes((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    with pytest.raises(DamagedDataError, match=r"unpacks to 38 bytes; MNIST's train-labels-idx1-ubyte.gz has 68"):
        load_images("mnist", "train")


def test_sets_swapped(data):
    name = "t10k-images-idx3-ubyte.gz"
    (data / "mnist" / name).write_bytes((data / "fashion-mnist" / name).read_bytes())
    with pytest.raises(DamagedDataError, match="files of two sets swapped"):
        load_images("mnist", "test")


def test_images_in_the_place_of_labels(data):
    folder = data / "mnist"
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    with pytest.raises(DamagedDataError, match="unpacks to more bytes"):
        load_images("mnist", "test")


IMAGES, LABELS = patterns(COUNTS["test"], COUNTS["test"])


@pytest.mark.parametrize(
    "content",
    [
        struct.pack(">IIII", 0x0D03, 30, 28, 28) + idx(IMAGES)[16:],
        struct.pack(">IIII", 0x0803, 15, 56, 28) + idx(IMAGES)[16:],
    ],
    ids=["magic number", "image size"],
)
def test_another_header(data, content):
    (data / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DamagedDataError, match=r"is not MNIST's t10k-images-idx3-ubyte.gz: its content has SHA-256"):
        load_images("mnist", "test")


@pytest.mark.parametrize("content", [b"", b"\0\0\x08\x03", struct.pack(">II", 0x0803, 1)])
def test_header_cut_short(data, content):
    (data / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DamagedDataError, match=f"unpacks to {len(content)} bytes"):
        load_images("mnist", "test")


def test_label_that_is_no_class(data):
    (data / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.append(LABELS[:-1], 10))))
    with pytest.raises(DamagedDataError, match=r"is not MNIST's t10k-labels-idx1-ubyte.gz"):
        load_images("mnist", "test")


PUBLISHED_MD5 = {
    "mnist": {  # torchvision.datasets.MNIST.resources
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fmnist": {  # README.md of zalandoresearch/fashion-mnist
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}


@pytest.mark.parametrize("name", SETS)
def test_hashes_are_those_that_the_sets_publishers_state(name):
    data = SETS[name]
    files = [*data.images.values(), *data.labels.values()]
    assert {file.name: file.gz_md5 for file in files} == PUBLISHED_MD5[name]
    assert len({file.sha256 for file in files}) == 4 and all(len(file.sha256) == 64 for file in files)
    assert all(file.count == (60000 if file.name.startswith("train") else 10000) for file in files)
