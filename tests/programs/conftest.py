"""What the tests of this folder share, `play.py` and those that make programs, is found as scripts find it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
collect_ignore = ["maker.py"]  # it needs torch
