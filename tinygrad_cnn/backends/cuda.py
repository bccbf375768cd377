"""Here because PyTorch scripts import it: CUDA's switches, on which nothing depends."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

matmul = SimpleNamespace(
    allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True
)


def is_built() -> bool:
    return False


def _switch() -> tuple[Callable[[bool], None], Callable[[], bool]]:
    """What sets one of attention's kernels on or off, and what tells what was set."""
    state = [True]

    def enable(enabled: bool) -> None:
        state[0] = bool(enabled)

    return enable, lambda: state[0]


enable_flash_sdp, flash_sdp_enabled = _switch()
enable_mem_efficient_sdp, mem_efficient_sdp_enabled = _switch()
enable_math_sdp, math_sdp_enabled = _switch()
enable_cudnn_sdp, cudnn_sdp_enabled = _switch()


def sdp_kernel(*args: Any, **kwargs: Any) -> AbstractContextManager:
    """Which of CUDA's kernels compute attention within this context: none here."""
    return nullcontext()
