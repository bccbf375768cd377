"""The idx format: there and back, and every way a file can be damaged."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from tinygrad_cnn.data import idx, read_idx, write_idx

HEADER = bytes([0, 0, 8, 2]) + struct.pack(">II", 2, 3)
GOOD = HEADER + bytes(range(6))


@pytest.mark.parametrize("name", ["x", "x.gz"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64", ">i4", "<f8"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3, 4), (3, 0, 2)])
def test_there_and_back(tmp_path, name, dtype, shape):
    a = (np.arange(np.prod(shape, dtype=int)) * 7 - 3).reshape(shape).astype("int64").astype(dtype)
    write_idx(tmp_path / name, a)
    b = read_idx(tmp_path / name)
    np.testing.assert_array_equal(a, b)
    assert b.dtype == np.dtype(dtype).newbyteorder("=")
    assert b.flags.writeable


def test_the_bytes_are_the_formats(tmp_path):
    write_idx(tmp_path / "x", np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert (tmp_path / "x").read_bytes() == GOOD
    write_idx(tmp_path / "y", np.array([258, -1], np.int16))
    assert (tmp_path / "y").read_bytes() == bytes([0, 0, 0x0B, 1, 0, 0, 0, 2, 1, 2, 0xFF, 0xFF])


def test_a_view_is_written_in_its_own_order(tmp_path):
    a = np.arange(6, dtype=np.int32).reshape(2, 3).T
    write_idx(tmp_path / "x", a)
    np.testing.assert_array_equal(read_idx(tmp_path / "x"), a)


def test_the_same_array_makes_the_same_gz(tmp_path):
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, np.arange(9, dtype=np.int32))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_gzip_is_told_by_its_content(tmp_path):
    (tmp_path / "plain-name").write_bytes(gzip.compress(GOOD))
    (tmp_path / "x.gz").write_bytes(GOOD)
    for name in ("plain-name", "x.gz"):
        assert read_idx(tmp_path / name).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"found the first bytes \(none\)"),
        (b"\0\0\x08", "found the first bytes 00 00 08, expected"),
        (b"\x89PNG\r\n", "found the first bytes 89 50 4e 47, expected those of an idx file"),
        (b"\0\0\x0a\x01\0\0\0\0", "found the first bytes 00 00 0a 01, expected.*0b int16"),
        (HEADER[:9], "found 5 bytes of sizes, expected 4 for each of 2 dimensions"),
        (GOOD[:-1], r"only 5 bytes of elements, expected 6 for shape \(2, 3\) of uint8; the file is cut off"),
        (GOOD + b"\0", "more than 6 bytes of elements, expected 6 .*followed by something else"),
        (HEADER, "only 0 bytes"),
        (b"\0\0\x0e\x03" + b"\xff" * 12 + b"\0" * 16, "only 16 bytes of elements, expected 633825"),
    ],
)
@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_damage_is_named(tmp_path, content, message, wrap):
    (tmp_path / "x").write_bytes(wrap(content))
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(tmp_path / "x")
    assert str(tmp_path / "x") in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [lambda z: z[:-9], lambda z: z[:12], lambda z: z[:15] + b"\xff\xff" + z[17:], lambda z: z[:-8] + b"\0" * 8],
)
def test_a_damaged_wrapper_is_named(tmp_path, damage):
    (tmp_path / "x.gz").write_bytes(damage(gzip.compress(GOOD)))
    with pytest.raises(ValueError, match=r"x\.gz: .*gzip data is damaged"):
        read_idx(tmp_path / "x.gz")


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing")


@pytest.mark.parametrize("dtype", ["int64", "uint16", "bool", "complex64", "U1"])
def test_dtypes_that_idx_has_not(tmp_path, dtype):
    with pytest.raises(ValueError, match=r"found dtype .*, expected one of uint8, int8"):
        write_idx(tmp_path / "x", np.zeros(2, dtype))
    assert not (tmp_path / "x").exists()


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    """However much a gzipped file says to hold, and holds: only so much of it is read."""
    monkeypatch.setattr(idx, "LARGEST", 10**6)
    content = bytes([0, 0, 8, 1]) + (10**7).to_bytes(4, "big") + bytes(10**7)
    (tmp_path / "x.gz").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=r"x\.gz: found more than 1,000,000 bytes in a gzipped file of \d,\d+"):
        read_idx(tmp_path / "x.gz")
    (tmp_path / "x").write_bytes(content)
    assert read_idx(tmp_path / "x").shape == (10**7,)
