"""The scripts here are data: they import torch, and `tests/test_pytorch_scripts.py` runs them after changing that."""

collect_ignore_glob = ["*.py"]
