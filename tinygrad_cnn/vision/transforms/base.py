"""What every transform has: it is a callable that shows its arguments."""

from __future__ import annotations

import enum
from typing import Any


class Transform:
    """Subclasses keep their arguments as attributes, which the repr shows, and write `__call__(img)`."""

    def __call__(self, img: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: a transform must define __call__(img)")

    def __repr__(self) -> str:
        shown = (f"{k}={v.value if isinstance(v, enum.Enum) else v}" for k, v in vars(self).items())
        return f"{type(self).__name__}({', '.join(shown)})"
