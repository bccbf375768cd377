"""cuDNN's switches: scripts may set them, nothing depends on them."""

enabled = False
benchmark = False
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    return False


def version() -> None:
    return None
