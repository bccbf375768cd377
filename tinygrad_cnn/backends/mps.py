"""Here because PyTorch scripts import it: Apple's GPU, which is not used."""


def is_available() -> bool:
    return False


def is_built() -> bool:
    return False
