"""How exact gradients are: ours, the NumPy kernels' and PyTorch's, beside the same in double precision.

A run is one step of a network with weights, images and labels of its own. Its error is the largest over the
parameters of ‖g - g64‖ / ‖g64‖, of those whose gradient is not zero but for rounding, as that of a bias before batch
norm is. Rounding alone makes about 1e-6. An error above LARGE means that a ReLU or a maximum near a tie went the other
way: every library has such runs, and the more of them the less exact its convolutions are.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from contextlib import ExitStack

import numpy as np

from .. import UserError
from .networks import ACCURACY, Workload
from .table import Table
from .turns import Settings, Worker

LARGE = 1e-4
NOTHING = 1e-6  # of the largest gradient: what is smaller has cancelled
NUMPY = "tinygrad_cnn-numpy"
HEADINGS = {"tinygrad_cnn": "ours", NUMPY: "NumPy", "torch": "torch"}


def accuracy(settings: Settings, workloads: dict[str, Workload]) -> list[dict]:
    """A row for each of the networks: median and worst error of each library, and in how many runs it is large."""
    libraries = [*HEADINGS] if settings.against else [*HEADINGS][:2]
    chosen = [ACCURACY[name] for name in dict.fromkeys(w.network for w in workloads.values()) if name in ACCURACY]
    if not chosen:
        raise UserError(f"accuracy looks at the gradients of {', '.join(ACCURACY)}; none of them was asked for")
    columns = {heading: spec for library in libraries for heading, spec in _columns(library).items()}
    table = Table("gradients", columns, settings.out, name=16)
    rows = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        workers = {library: stack.enter_context(Worker(library, settings.threads)) for library in libraries}
        for workload in chosen:
            runs = [_errors(workers, workload, seed, folder) for seed in range(settings.seeds)]
            row: dict = {"workload": f"{workload.network}_b{workload.batch}", "seeds": settings.seeds}
            row |= {library: _summary([run[library] for run in runs]) for library in libraries}
            rows.append(row)
            figures = [row[library][key] for library in libraries for key in ("median", "worst", "large")]
            table.row(row["workload"], dict(zip(columns, figures, strict=True)))
    return rows


def _columns(library: str) -> dict[str, str]:
    name = HEADINGS[library]
    return {f"{name} median": "14.1e", f"{name} worst": "13.1e", f"{name} >1e-4": "13.0f"}


def _errors(workers: dict[str, Worker], workload: Workload, seed: int, folder: str) -> dict[str, float]:
    def gradients(worker: Worker, dtype: str) -> dict[str, np.ndarray]:
        path = os.path.join(folder, "gradients.npz")
        described = {"library": worker.library, "workload": workload.described(), "threads": worker.threads}
        worker.make("in_torch.gradients", "gradients", **described, seed=seed, dtype=dtype, path=path)
        with np.load(path) as file:
            return dict(file)

    exact = gradients(workers[NUMPY], "float64")
    return {library: error(gradients(worker, "float32"), exact) for library, worker in workers.items()}


def error(found: dict[str, np.ndarray], exact: dict[str, np.ndarray]) -> float:
    """The largest ‖g - g64‖ / ‖g64‖ of all parameters.

    >>> exact = {"weight": np.array([3.0, 4.0]), "bias": np.array([1e-17])}
    >>> error({"weight": np.array([3.0, 4.5]), "bias": np.array([1e-8])}, exact)
    0.1
    """
    norms = {name: float(np.linalg.norm(g)) for name, g in exact.items()}
    seen = [name for name, norm in norms.items() if norm > NOTHING * max(norms.values())]
    return max(float(np.linalg.norm(found[name] - exact[name])) / norms[name] for name in seen)


def _summary(errors: list[float]) -> dict:
    large = sum(not e <= LARGE for e in errors)
    return {"median": statistics.median(errors), "worst": max(errors), "large": large, "errors": errors}
