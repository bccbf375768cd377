"""Here because PyTorch scripts import it: cuDNN's switches, on which nothing depends."""

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    return False


def version() -> None:
    return None
