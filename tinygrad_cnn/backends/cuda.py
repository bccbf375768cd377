"""CUDA's switches: scripts may set them, nothing depends on them."""

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False)


def is_built() -> bool:
    return False
