"""Here because PyTorch scripts import it: cuDNN's switches, on which nothing depends."""

enabled = False
benchmark = False
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    return False


def version() -> None:
    return None
