"""Passes: a program goes in, the same program comes out, better. Each is a file with a function of its own name."""

from __future__ import annotations

from typing import Any

from ..program import Program

PASSES: list[str] = []


def run_passes(program: Program, options: dict[str, Any] | None) -> Program:
    return program
