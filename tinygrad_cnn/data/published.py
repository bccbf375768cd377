"""Where the files of data sets come from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class DownloadError(OSError):
    """Why no mirror has given a file: what each of them did."""


class Published(NamedTuple):
    """Where the files of a data set are published, and the checksum of each.

    mirrors: addresses of the folder that holds them. resources: (name of a file or an address of its own, checksum).
    """

    mirrors: Sequence[str]
    resources: Sequence[tuple[str, str]]

    def fetch(self, name: str, folder: str | os.PathLike) -> None:
        """Put the file of this name into a folder. DownloadError where that cannot be, as for a name not known."""
        from .download import download  # which opens Python's network modules: only where something is fetched

        for resource, checksum in self.resources:
            if resource.rsplit("/", 1)[-1] == name:
                here = [f"{mirror.rstrip('/')}/{resource}" for mirror in self.mirrors]
                download([resource] if "://" in resource else here, Path(folder, name), checksum)
                return
        raise DownloadError(f"{name} was not downloaded: it is none of the known files")
