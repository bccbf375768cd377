"""What is seen of a training: a bar that fits the terminal, and a line of each epoch that stays."""

from __future__ import annotations

import os
import struct
import sys
import threading

import pytest

from tinygrad_cnn.cli.train.progress import Progress

LINES = [f"epoch {k}/3: training loss 0.5000, accuracy 75.00%, 1.0 s" for k in (1, 2, 3)]


def train(until=(3, 40), between=lambda: None):
    """A training of three epochs of 40 steps, or as much of it."""
    progress = Progress(3, 40)
    for epoch in (1, 2, 3):
        for step in range(1, 41):
            progress.step(epoch, step, 0.5, 12345.6)
            if progress.bar is not None:
                progress.bar.refresh()  # it is quick, but is to be seen
            if (epoch, step) == until:
                break
        if step < 40:
            break
        progress.epoch(epoch, 0.5, 0.75, 1.0)
        between()
    progress.close(keep=True)


class Terminal:
    """Standard error becomes a terminal of some width."""

    def __init__(self, monkeypatch, width, encoding="utf-8"):
        self.master, slave = os.openpty()
        self.stream = os.fdopen(slave, "w", encoding=encoding)
        self.encoding, self.written = encoding, b""
        monkeypatch.setattr(sys, "stderr", self.stream)
        monkeypatch.setenv("TERM", "xterm")
        self.resize(width)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        try:
            while part := os.read(self.master, 1 << 16):
                self.written += part
        except OSError:  # closed
            pass

    def resize(self, width):
        import fcntl
        import termios

        self.stream.flush()
        fcntl.ioctl(self.stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))

    def shown(self):
        """The lines that it shows in the end, and of each line all that ever stood there."""
        self.stream.close()
        self.thread.join()
        os.close(self.master)
        states = [line.split("\r") for line in self.written.decode(self.encoding).replace("\r\n", "\n").split("\n")]
        assert "".join(map("".join, states)).isprintable(), "nothing that a simple terminal would not know"
        lines = []
        for line in states:
            text = ""
            for part in line:
                text = part + text[len(part) :]
            lines.append(text.rstrip())
        return [line for line in lines if line], states


pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes a terminal of POSIX")


@pytest.mark.parametrize("width", [0, 1, 5, 20, 40, 80, 250])
def test_the_bar_fits_and_the_lines_stay(monkeypatch, width):
    pytest.importorskip("tqdm")
    terminal = Terminal(monkeypatch, width)
    train()
    lines, states = terminal.shown()
    assert lines == LINES
    bars = [part for line in states for part in line[:-1] if part.strip()]
    assert len(bars) >= 120
    assert all(len(part) <= (width or 80) for part in bars)
    if width in (0, 80, 250):
        missing = [part for part in bars if "loss 0.5000, 12,346 images/s" not in part or " left" not in part]
        assert [part for part in missing if "   0%" not in part] == []


def test_it_fits_when_the_width_changes(monkeypatch):
    pytest.importorskip("tqdm")
    terminal, widths = Terminal(monkeypatch, 120), iter((30, 60, 60))
    train(between=lambda: terminal.resize(next(widths)))
    lines, states = terminal.shown()
    assert lines == LINES
    longest = [max(len(part) for part in line[:-1]) for line in states[:3]]
    assert longest[0] > longest[2] > longest[1]
    assert longest[1] <= 30


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_it_is_drawn_with_what_the_encoding_has(monkeypatch, encoding):
    pytest.importorskip("tqdm")
    terminal = Terminal(monkeypatch, 80, encoding)
    train()
    assert terminal.shown()[0] == LINES


def test_a_bar_that_is_interrupted_stays(monkeypatch):
    pytest.importorskip("tqdm")
    terminal = Terminal(monkeypatch, 80)
    train(until=(2, 20))
    first, second = terminal.shown()[0]
    assert first == LINES[0]
    assert second.startswith("epoch 2/3  50%|")


def test_on_a_dumb_terminal_lines_are_plain(monkeypatch):
    terminal = Terminal(monkeypatch, 80)
    monkeypatch.setenv("TERM", "dumb")
    train()
    assert terminal.shown()[1] == [*([line] for line in LINES), [""]]


def test_elsewhere_lines_are_plain(capsys):
    train()
    assert capsys.readouterr().err.splitlines() == LINES


def test_without_tqdm_lines_are_plain(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.std", None)
    terminal = Terminal(monkeypatch, 80)
    train()
    assert terminal.shown()[1] == [*([line] for line in LINES), [""]]


def test_a_terminal_that_is_gone_does_not_end_the_training(monkeypatch):
    terminal = Terminal(monkeypatch, 80)
    os.close(terminal.master)
    train()
    terminal.thread.join()
    with pytest.raises(OSError):
        terminal.stream.close()
