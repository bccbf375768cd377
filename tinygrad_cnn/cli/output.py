"""What is printed comes out under every encoding: characters that it lacks are spelled with those of ASCII.

‖∂x‖ ≤ √α     as ASCII     ||dx|| <= sqrt alpha
"""

from __future__ import annotations

import codecs
import contextlib
import io
import sys
import unicodedata
from collections.abc import Iterator

SPELLED = {
    "·": "*", "×": "x", "−": "-", "–": "-", "—": "-", "±": "+-", "√": "sqrt ", "Σ": "sum ", "Π": "prod ", "∫": "int ",
    "∂": "d", "∇": "grad ", "‖": "||", "⟨": "<", "⟩": ">", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "≤": "<=",
    "≥": ">=", "≠": "!=", "≈": "~", "∈": " in ", "∞": "inf", "¬": "not ", "→": "->", "←": "<-", "◂": "<", "⊙": "*",
    "⋆": "*", "µ": "u", "°": " deg", "²": "^2", "³": "^3", "ⁿ": "^n", "ᵀ": "^T", "½": "1/2", "‘": "'", "’": "'",
    "“": '"', "”": '"',
}  # fmt: skip


def spelled(character: str) -> str:
    """A character in ASCII.

    >>> [spelled(c) for c in "‖·αΔ₂…é\\u4e2d"]
    ['||', '*', 'alpha', 'Delta', '2', '...', 'e', '\\\\u4e2d']
    """
    if character in SPELLED:
        return SPELLED[character]
    name = unicodedata.name(character, "")
    if name.startswith("GREEK ") and " LETTER " in name:
        letter = name.split(" LETTER ")[1].split()[0].lower()
        return letter.capitalize() if "CAPITAL" in name else letter
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or character.encode("ascii", "backslashreplace").decode()


def _spell(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":  # a byte of a file name that is no text: as it is
        return bytes([ord(character) - 0xDC00]), error.start + 1
    return spelled(character), error.start + 1


codecs.register_error("tinygrad_cnn.spelled", _spell)


@contextlib.contextmanager
def for_any_encoding() -> Iterator[None]:
    """Let standard output and standard error spell in this block what they would refuse or write as numbers."""
    before = []
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a notebook's takes every character
                before.append((stream, stream.errors))
                stream.reconfigure(errors="tinygrad_cnn.spelled")
        yield
    finally:
        for stream, errors in before:
            with contextlib.suppress(ValueError, OSError):  # closed meanwhile, or nobody takes what is left
                stream.reconfigure(errors=errors)


def harmless(text: str) -> str:
    """The text with what no terminal should be sent replaced: control characters, and those that turn letters round.

    Bytes of a file name that are no text stay, so that a name which is read from a pipe is that of the file.

    >>> harmless("a\\x1b[2J\\u202eb") == "a\\ufffd[2J\\ufffdb"
    True
    """
    return "".join(c if c.isprintable() or c == "\n" or "\udca0" <= c <= "\udcff" else "\ufffd" for c in text)


def flush() -> None:
    """Write what was printed, now; what a full disk does not take is not tried again at the end of the process."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        with contextlib.suppress(OSError):
            sys.stdout.close()
        raise
