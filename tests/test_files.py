"""The place that a file is written to: many writers, killed ones, devices, links, full disks, folders that are gone."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import data, files, nn, vision, viz
from tinygrad_cnn.checkpoint import load, save

SAVER = """
import sys, tinygrad_cnn as tg
n = int(sys.argv[2])
while True:
    tg.save({"n": n, "w": tg.full((200_000,), float(n))}, sys.argv[1])
    print("saved", flush=True)
"""


def _whole(path):
    held = load(path)
    return set(held["w"].tolist()) == {float(held["n"])}


def test_threads_that_save_to_one_path(tmp_path):
    path = tmp_path / "x.pt"
    errors = []

    def saves(n):
        try:
            for _ in range(8):
                save({"n": n, "w": tg.full((50_000,), float(n))}, path)
                assert _whole(path)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=saves, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["x.pt"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills processes")
def test_processes_that_save_to_one_path_and_are_killed(tmp_path):
    path = tmp_path / "x.pt"
    workers = [
        subprocess.Popen([sys.executable, "-c", SAVER, str(path), str(n)], stdout=subprocess.PIPE) for n in range(2)
    ]
    for process in workers:
        process.stdout.readline()
    time.sleep(0.1)
    for process in workers:
        process.kill()
        process.communicate()
    assert _whole(path)
    save({"n": 7, "w": tg.full((3,), 7.0)}, path)
    assert _whole(path)
    assert os.listdir(tmp_path) == ["x.pt"]


def test_parts_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path):
    path = tmp_path / "x.pt"
    host = files._host()
    living, dead = os.getppid(), 2**22 + 12345
    for name in (f".x.pt.{host}.{living}.0.part", f".x.pt.elsewhere.{dead}.0.part", f".y.pt.{host}.{dead}.0.part"):
        (tmp_path / name).touch()
    kept = sorted(os.listdir(tmp_path))
    for name in (f".x.pt.{host}.{dead}.0.part", f".x.pt.{host}.{os.getpid()}.99999.part"):
        (tmp_path / name).touch()
    save([1], path)
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "x.pt"])


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs the devices of Unix")
@pytest.mark.parametrize("name", ["x", "x.safetensors"])
def test_what_is_no_file_is_written_to(tmp_path, name):
    if name.endswith(".safetensors"):
        pytest.importorskip("safetensors")
    save({"w": tg.ones(1)}, "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left"):
        save({"w": tg.ones(1)}, "/dev/full")
    (tmp_path / f"full{name}").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        save({"w": tg.ones(1)}, tmp_path / f"full{name}")
    pipe, got = tmp_path / name, []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    save({"w": tg.ones(2)}, pipe)
    reader.join()
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)
    (tmp_path / f"again{name}").write_bytes(got[0])
    assert load(tmp_path / f"again{name}")["w"].tolist() == [1.0, 1.0]
    with pytest.raises(IsADirectoryError):
        save({}, tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs the modes of Unix")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755])
def test_the_mode_stays(tmp_path, mode):
    path, link = tmp_path / "x", tmp_path / "link"
    save([1], path)
    new = stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    assert new == 0o666 & ~umask
    path.chmod(mode)
    link.symlink_to(path)
    for place in (path, link):
        save([2], place)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert link.is_symlink()


def test_links_that_lead_nowhere(tmp_path):
    (tmp_path / "new").symlink_to(tmp_path / "made")
    save([1], tmp_path / "new")
    assert load(tmp_path / "made") == [1]
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(OSError, match="symbolic links"):
        save([1], tmp_path / "circle")
    assert (tmp_path / "circle").is_symlink()


def test_a_long_name(tmp_path):
    path = tmp_path / ("ß" * 127)
    save([1], path)
    assert load(path) == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_full_disk_leaves_what_was_there(tmp_path):
    path = tmp_path / "x"
    save([1], path)
    program = (
        "import resource, sys, tinygrad_cnn as tg\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: tg.save(tg.zeros(10_000), sys.argv[1])\n"
        "except OSError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    said = f"[Errno 27] File too large; what was there before is as it was: {str(path)!r}\n"
    assert (done.stdout, done.stderr) == (said, "")
    assert load(path) == [1]
    assert os.listdir(tmp_path) == ["x"]


def test_a_small_disk(tmp_path):
    """A file system of 64 kB; where the system lets us mount none, the test above has to do."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True)
    if not done or done.returncode:
        pytest.skip("no file system can be mounted")
    try:
        path = disk / "x"
        save({"w": tg.ones(2_000)}, path)
        old = path.read_bytes()
        for size in (15_000, 1_000_000):
            with pytest.raises(OSError, match=r"No space left on device; what was there before is as it was: '.*x'"):
                save({"w": tg.ones(size)}, path)
            assert path.read_bytes() == old
            assert os.listdir(disk) == ["x"]
        subprocess.run([mount, "-o", "remount,ro", disk], check=True)
        for place in (path, disk / "new"):
            with pytest.raises(OSError, match=r"Read-only file system|not to be written to") as caught:
                save([1], place)
            assert str(place) in str(caught.value)
        assert path.read_bytes() == old
    finally:
        subprocess.run(["umount", disk], check=True)


# The first writes a half and is killed, the second is interrupted, the third fails.
HALVES = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "interrupted": "os.kill(os.getpid(), signal.SIGINT)",
    "failed": "1 / 0",
}


@pytest.mark.skipif(os.name != "posix", reason="kills processes")
@pytest.mark.parametrize("how", HALVES)
def test_a_writer_that_ends_in_the_middle(tmp_path, how):
    path = tmp_path / "x"
    files.write(path, "old")
    program = (
        "import os, signal, sys; from tinygrad_cnn import files\n"
        f"with files.whole(sys.argv[1]) as file: file.write(b'n' * 100_000); file.flush(); {HALVES[how]}\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], stderr=subprocess.DEVNULL)
    assert done.returncode != 0
    assert path.read_text() == "old"
    assert len(os.listdir(tmp_path)) == (2 if how == "killed" else 1)
    files.write(path, "new")
    assert os.listdir(tmp_path) == ["x"]
    assert path.read_text() == "new"


def test_a_folder_that_is_gone(tmp_path):
    folder = tmp_path / "folder"
    with pytest.raises(FileNotFoundError, match=f"the folder '{folder}' does not exist; make it first"):
        files.write(folder / "x", "")
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match="does not exist"), files.whole(folder / "x") as file:  # noqa: PT012
        file.write(b"x")
        shutil.rmtree(folder)
    assert not folder.exists()
    files.write(folder.with_name("file"), "")
    with pytest.raises(NotADirectoryError, match="file/x"):
        files.write(tmp_path / "file" / "x", "")


@pytest.mark.skipif(os.name != "posix", reason="leaves a folder that is gone")
def test_a_program_whose_folder_is_gone(tmp_path):
    program = "import os, sys; from tinygrad_cnn import files; os.rmdir(os.getcwd()); files.write('x', '')"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert "FileNotFoundError: [Errno 2] the folder that the program works in is gone: 'x'" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs the modes of Unix")
def test_what_is_not_to_be_written_to(tmp_path):
    """Root may write everywhere; the child is nobody."""
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "x").write_text("old")
    (tmp_path / "fixed").write_text("old")
    (tmp_path / "fixed").chmod(0o444)
    (closed / "x").chmod(0o666)
    for place in (tmp_path, *tmp_path.parents):
        place.chmod(place.stat().st_mode | 0o555) if place.owner() == tmp_path.owner() else None
    closed.chmod(0o555)
    program = (
        "import os, sys; from tinygrad_cnn import files\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "for path in sys.argv[1:]:\n"
        "    try: files.write(path, 'new')\n"
        "    except PermissionError as error: print(error)\n"
    )
    places = [tmp_path / "fixed", closed / "x", closed / "new"]
    done = subprocess.run([sys.executable, "-c", program, *map(str, places)], capture_output=True, text=True)
    into = f"nothing can be written into the folder '{closed}' (Permission denied); what was there before is as it was"
    assert done.stdout.splitlines() == [
        f"[Errno 13] the file is not to be written to: its mode is -r--r--r--: '{places[0]}'",
        f"[Errno 13] {into}: '{places[1]}'",
        f"[Errno 13] {into}: '{places[2]}'",
    ], done.stderr
    assert [(closed / "x").read_text(), (tmp_path / "fixed").read_text()] == ["old", "old"]
    assert os.listdir(closed) == ["x"]


def test_the_disk_is_waited_for(tmp_path, monkeypatch):
    """The file before it is moved, then the folder; and not where nobody asks for it."""
    done = []
    monkeypatch.setattr(files.os, "fsync", lambda handle: done.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    replace = os.replace
    monkeypatch.setattr(files.os, "replace", lambda a, b: (done.append("moved"), replace(a, b)))
    files.write(tmp_path / "x", "")
    assert done == [False, "moved", True][: 3 if os.name == "posix" else 2]
    done.clear()
    files.write(tmp_path / "x", "", durable=False)
    assert done == ["moved"]


# every writer

T = tg.ones(2, requires_grad=True)
WRITERS = {
    "save": ("x.pt", lambda path: save({"w": tg.ones(2)}, path)),
    "safetensors": ("x.safetensors", lambda path: save({"w": tg.ones(2)}, path)),
    "checkpoint": ("x.pt", lambda path: tg.checkpoint.save_checkpoint(path, nn.Linear(1, 1))),
    "idx": ("x", lambda path: data.write_idx(path, tg.zeros(2, dtype=tg.uint8))),
    "idx.gz": ("x.gz", lambda path: data.write_idx(path, tg.zeros(2, dtype=tg.uint8))),
    "picture": ("x.png", lambda path: vision.utils.save_image(tg.zeros(3, 4, 4), path)),
    "document": ("x.json", lambda path: viz.save(viz.snapshot(T * 2), path)),
    "report": ("x.html", lambda path: viz.report(path=path)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_leaves_the_old_file_or_a_whole_new_one(tmp_path, monkeypatch, name):
    if name == "safetensors":
        pytest.importorskip("safetensors")
    file, writes = WRITERS[name]
    path = tmp_path / file
    path.write_text("old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", full)
        with pytest.raises(OSError, match="No space left on device; what was there before is as it was"):
            writes(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [file]
    writes(path)
    assert path.read_bytes() != b"old"
    assert os.listdir(tmp_path) == [file]


# What is no result of anybody: locks, boards and marks of processes that know each other by files, and pipes. What is
# a log is written as it comes; what is unpacked, in a folder that is then moved.
OTHERS = {
    "files.py", "kernels/place.py", "kernels/background.py", "distributed/agent.py", "cli/launch.py",
    "cli/bench/steps.py", "cli/bench/worker.py", "utils/tensorboard.py", "data/archive.py",
}  # fmt: skip
WRITES = re.compile(r"""\.write_(text|bytes)\(|(?<![\w.])open\([^)]*["'][wx]|\.open\(["'][wx]""")


def test_nobody_writes_files_by_himself():
    package = Path(tg.__file__).parent
    viz_too = [*package.rglob("*.py"), *(package.parent / "viz").glob("*.py")]
    for path in viz_too:
        if path.as_posix().removeprefix(f"{package.as_posix()}/") not in OTHERS:
            lines = [line for line in path.read_text("utf-8").splitlines() if not re.match(r" *(>>>|\.\.\.)", line)]
            assert [line for line in lines if WRITES.search(line)] == [], path
