"""Here because PyTorch scripts import it: CUDA's switches, on which nothing depends."""

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False)


def is_built() -> bool:
    return False
