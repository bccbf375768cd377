"""What `surface.py` finds, told: as text for a terminal, as data for a program, as the page in this folder."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from . import sentences
from .names import versions
from .surface import ABSENT, DIFFERS, HERE, Entry, entries

PAGE = Path(__file__).with_name("README.md")
WIDTH = 120


def chosen(words: Iterable[str]) -> list[Entry]:
    """The entries in whose dotted name or sentence one of these words is; all, where there are none."""
    lower = [word.lower() for word in words] or [""]
    return [e for e in entries() if any(word in f"{e.space}.{e.name} {e.sentence}".lower() for word in lower)]


def counts(found: list[Entry]) -> dict[str, Counter]:
    """How many names of each namespace have which status."""
    table: dict[str, Counter] = {}
    for e in found:
        table.setdefault(e.space, Counter())[e.status] += 1
    return table


def data(found: list[Entry]) -> dict:
    """All of it as plain data."""
    spaces: dict[str, dict] = {}
    for e in found:
        one = spaces.setdefault(e.space, {HERE: [], DIFFERS: {}, ABSENT: {}})
        if e.status == HERE:
            one[HERE].append(e.name)
        else:
            one[e.status][e.name] = e.sentence
    return {"of": versions(), "names": len(found), **Counter(e.status for e in found), "spaces": spaces}


def table(found: list[Entry]) -> list[list[str]]:
    """Rows of cells: a heading, a row for each namespace, and the sum."""
    rows = [["namespace", "names", *(HERE, DIFFERS, ABSENT)]]
    each = counts(found)
    for name, count in [*each.items(), ("all", sum(each.values(), Counter()))]:
        rows.append([name, str(count.total()), *(str(count[status]) for status in (HERE, DIFFERS, ABSENT))])
    return rows


def by_sentence(found: list[Entry], status: str) -> dict[str, list[Entry]]:
    """The entries of a status, those together of which the same is said, in the order of the sentences."""
    order = sentences.NOT_HERE if status == ABSENT else sentences.DIFFERENT
    groups: dict[str, list[Entry]] = {sentence: [] for _, sentence in order}
    for e in found:
        if e.status == status:
            groups[e.sentence].append(e)
    return {sentence: group for sentence, group in groups.items() if group}


def text(found: list[Entry]) -> str:
    """For a terminal: the counts, and then the names of each namespace."""
    rows = table(found)
    wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [f"Of {versions()}:", ""]
    for row in rows:
        lines.append("  ".join([row[0].ljust(wide[0]), *(cell.rjust(w) for cell, w in zip(row[1:], wide[1:]))]))
    for space in counts(found):
        of_space = [e for e in found if e.space == space]
        lines += ["", space]
        lines += _wrapped([e.name for e in of_space if e.status == HERE], "  ")
        for status in (DIFFERS, ABSENT):
            for sentence, group in by_sentence(of_space, status).items():
                lines += textwrap.wrap(f"{status}: {sentence}", WIDTH, initial_indent="  ", subsequent_indent="  ")
                lines += _wrapped([e.name for e in group], "    ")
    return "\n".join(lines)


def _wrapped(names: list[str], indent: str) -> list[str]:
    return _filled(" ".join(names), indent, indent).splitlines()


# The page.

TITLE = """# What of PyTorch is here, and what is not

The public names of {versions}, as their documentation has them, looked up in this library:
of {all} names {here} are here, {differs} of them with a difference that is said below, and {absent} are not, for a
reason that is said as well. What is here takes the arguments of PyTorch, and gives its values, shapes, dtypes,
gradients and kinds of errors.

The library is for small convolutional networks on a CPU, and for what people learn on them. So there are no GPUs, no
complex numbers, no sparse tensors, no networks of 8 bits, and nothing is downloaded but small data sets. A name that is
not here says so when it is used, with the sentence below; `tinygrad-cnn info --surface WORD` looks one up.
"""

STANDINS = """
Names with a † can be imported all the same, for many files import what they never call: decorators of `jit` change
nothing, `torch.jit.is_scripting()` is False, and what cannot be done raises a `NotImplementedError` when it is called.
"""


def page(found: list[Entry]) -> str:
    """The page, in Markdown: the counts, what differs, what is not here, and what is."""
    from .standins import ROOMS

    rows = table(found)
    total = dict(zip(["all", "here", "differs", "absent"], map(int, rows[-1][1:])))
    total["here"] += total["differs"]
    blocks = [TITLE.format(versions=versions(), **total)]
    cells = [[f"`{row[0]}`" if "." in row[0] or "torch" in row[0] else row[0], *row[1:]] for row in rows]
    lines = [" | ".join(["", *row, ""]).strip() for row in cells]
    blocks.append("\n".join([lines[0], "| --- | --: | --: | --: | --: |", *lines[1:], ""]))

    def told(status: str) -> str:
        parts = []
        for sentence, group in by_sentence(found, status).items():
            spaces: dict[str, list[str]] = {}
            for e in group:
                spaces.setdefault(e.space, []).append(f"`{e.name}`" + "†" * (f"{e.space}.{e.name}" in ROOMS))
            names = "; ".join(f"{space}: {' '.join(names)}" for space, names in spaces.items())
            parts.append(_filled(f"- **{_begun(sentence)}.** {names}", "  "))
        return "\n".join(parts) + "\n"

    blocks += ["## Here, with a difference\n", told(DIFFERS), "## Not here\n" + STANDINS, told(ABSENT), "## Here\n"]
    for space in counts(found):
        here = [f"`{e.name}`" for e in found if e.space == space and e.status != ABSENT]
        if here:
            blocks.append(_filled(f"**{space}**: {' '.join(here)}") + "\n")
    blocks.append("Written by `python -m tinygrad_cnn.testing.stubs`; `sentences.py` has the sentences.")
    return "\n".join(blocks) + "\n"


def _begun(sentence: str) -> str:
    """A sentence with a capital, unless it begins with a name."""
    word = sentence.partition(" ")[0]
    return sentence[0].upper() + sentence[1:] if word.isalpha() else sentence


def _filled(paragraph: str, indent: str = "", first: str = "") -> str:
    """Lines that are full, with no name broken."""
    filler = textwrap.TextWrapper(
        WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return filler.fill(paragraph)
