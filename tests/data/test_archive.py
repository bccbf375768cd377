"""Archives of anyone: what is not a plain file below one folder is not unpacked, and leaves nothing."""

from __future__ import annotations

import gzip
import io
import os
import tarfile

import pytest

from tinygrad_cnn.data.archive import unpack


def tar(*members, mode="w:gz", **options):
    """A tar archive of (name, content) and of (name, type, what it links to)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, **options) as made:
        for name, *rest in members:
            info = tarfile.TarInfo(name)
            content = rest[0] if rest and isinstance(rest[0], bytes) and len(rest) == 1 else b""
            if content or not rest:
                info.size = len(content)
            elif len(rest) == 2:
                info.type, info.linkname = rest
            made.addfile(info, io.BytesIO(content))
    return file.getvalue()


def sparse(name, size):
    """The header of a file that says to be mostly holes, with so many bytes behind it."""
    info = tarfile.TarInfo(name)
    info.type, info.size = tarfile.GNUTYPE_SPARSE, size
    return info.tobuf(tarfile.GNU_FORMAT)


DIRECTORY = (tarfile.DIRTYPE, "")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_unpacked(tmp_path, mode, format):
    members = [("d", *DIRECTORY), ("d/a", b"a" * 3000), ("d/deep/b", b"b"), ("d/empty", b""), ("d/" + 9 * "x/" + "ü",)]
    (tmp_path / "x.tar").write_bytes(tar(*members, mode=mode, format=format))
    unpack(tmp_path / "x.tar", tmp_path, "d")
    assert (tmp_path / "d" / "a").read_bytes() == b"a" * 3000
    assert (tmp_path / "d" / "deep" / "b").read_bytes() == b"b"
    assert sorted(os.listdir(tmp_path)) == ["d", "x.tar"]
    (tmp_path / "d" / "a").write_text("mine")
    unpack(tmp_path / "x.tar", tmp_path, "d")
    assert (tmp_path / "d" / "a").read_text() == "mine"


GOOD = ("d/a", b"a")
BAD = {
    "a path that goes up": (tar(GOOD, ("d/../../x", b"x")), "'d/../../x', which is not in its folder d"),
    "a path from the root": (tar(GOOD, ("/tmp/x", b"x")), "'/tmp/x', which is not in its folder"),
    "a path of Windows": (tar(GOOD, ("d\\..\\x", b"x")), "which is not in its folder"),
    "another folder": (tar(GOOD, ("e/x", b"x")), "'e/x', which is not in its folder"),
    "a link": (tar(GOOD, ("d/l", tarfile.SYMTYPE, "/etc/passwd")), "'d/l', which is neither a file nor a folder"),
    "a hard link": (tar(GOOD, ("d/l", tarfile.LNKTYPE, "d/a")), "neither a file nor a folder"),
    "a device": (tar(GOOD, ("d/dev", tarfile.CHRTYPE, "")), "neither a file nor a folder"),
    "a pipe": (tar(GOOD, ("d/pipe", tarfile.FIFOTYPE, "")), "neither a file nor a folder"),
    "a file twice": (tar(GOOD, GOOD), "'d/a' twice"),
    "a file as a folder": (tar(GOOD, ("d/a/b", b"x")), "'d/a/b', where one of its names is a file and a folder"),
    "a file, then a folder": (tar(GOOD, ("d/a", *DIRECTORY)), "'d/a', where one of its names is a file and a folder"),
    "a folder, then a file": (tar(("d/a", *DIRECTORY), GOOD), "'d/a'"),
    "a file as the folder": (tar(("d", b"x"), GOOD), "'d/a', where one"),
    "too much": (tar(GOOD, ("d/b", bytes(10**6))), r"more than 100,000 bytes"),
    "too much in sum": (tar(*((f"d/{i}", bytes(30_000)) for i in range(4))), "more than 100,000 bytes"),
    "no gzip": (b"\x1f\x8b\0\0", "no whole tar archive"),
    "no tar": (gzip.compress(b"hello"), "no whole tar archive"),
    "no archive": (b"hello", "no whole tar archive"),
    "nothing": (b"", "no whole tar archive"),
    "cut off": (tar(("d/a", os.urandom(50_000)))[:-1000], "no whole tar archive"),
    "damaged": (tar(("d/a", os.urandom(50_000)), mode="w")[:20_000], "no whole tar archive"),
    "no folder": (tar(("d", b"a file")), " holds no folder d"),
    "a file without end": (sparse("d/x", 2**60) + bytes(20_000), "no whole tar archive"),
    "a header of many digits": (
        tar(GOOD, format=tarfile.PAX_FORMAT, pax_headers={"x": "1" * 99_000}),
        "more than 16,384",
    ),
    "a header that says to be long": (
        tar(GOOD, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"x": "1" * 40}).replace(
            b"46 x=" + b"1" * 30, b"9" * 30 + b" x=11"
        ),
        "no whole tar archive",
    ),
    "a bomb of a header": (
        gzip.compress(tarfile.TarInfo("d/x").tobuf()[:156] + b"x" + bytes(355) + bytes(10**8)),
        "no whole tar archive|more than",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(tmp_path, name):
    content, message = BAD[name]
    (tmp_path / "x.tar.gz").write_bytes(content)
    (tmp_path / "in").mkdir()
    with pytest.raises(ValueError, match=rf"x\.tar\.gz: it.*{message}"):
        unpack(tmp_path / "x.tar.gz", tmp_path / "in", "d", largest=100_000)
    assert os.listdir(tmp_path / "in") == []
    assert sorted(os.listdir(tmp_path)) == ["in", "x.tar.gz"]


def test_too_many_files(tmp_path):
    (tmp_path / "x.tar").write_bytes(tar(*((f"d/{i}", b"x") for i in range(4))))
    with pytest.raises(ValueError, match="or 3 files"):
        unpack(tmp_path / "x.tar", tmp_path, "d", most=3)
    assert os.listdir(tmp_path) == ["x.tar"]
