"""Here because PyTorch scripts import it: the version, and those of what this library does without."""

from .. import __version__ as __version__

cuda = hip = xpu = git_version = None
debug = False
