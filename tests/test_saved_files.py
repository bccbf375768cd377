"""The place that a file is written to: many savers, killed ones, devices, links, full disks."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import checkpoint
from tinygrad_cnn.checkpoint import load, save

SAVER = """
import sys, tinygrad_cnn as tg
print("ready", flush=True)
n = int(sys.argv[2])
while True:
    tg.save({"n": n, "w": tg.full((200_000,), float(n))}, sys.argv[1])
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
    for _ in range(2):
        workers = [
            subprocess.Popen([sys.executable, "-c", SAVER, str(path), str(n)], stdout=subprocess.PIPE) for n in range(2)
        ]
        for process in workers:
            process.stdout.readline()
        time.sleep(0.3)
        for process in workers:
            process.kill()
            process.communicate()
    if path.exists():
        assert _whole(path)
    save({"n": 7, "w": tg.full((3,), 7.0)}, path)
    assert _whole(path)
    assert os.listdir(tmp_path) == ["x.pt"]


def test_parts_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path):
    path = tmp_path / "x.pt"
    host = checkpoint._host()
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
        "except OSError as error: print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("OSError\n", "")
    assert load(path) == [1]
    assert os.listdir(tmp_path) == ["x"]
