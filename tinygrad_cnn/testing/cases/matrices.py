"""Cases of the files of ops/ for `linalg`: matrices.py says what they have in common."""

from __future__ import annotations

import itertools
import math

import numpy as np

from . import Case, Draw


class Definite(Draw):
    """Symmetric matrices whose eigenvalues are positive, and apart."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        q = np.linalg.qr(rng.standard_normal(self.shape))[0]
        return (q * np.arange(1.0, self.shape[-1] + 1)) @ q.mT


class Apart(Draw):
    """Matrices whose singular values are apart, and not 0."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        u, s, v = np.linalg.svd(rng.standard_normal(self.shape), full_matrices=False)
        return (u * np.arange(1.0, s.shape[-1] + 1)) @ v


def np_det(A):
    """Leibniz' sum over permutations."""
    n = A.shape[-1]
    total = 0.0
    for p in itertools.permutations(range(n)):
        sign = np.linalg.det(np.eye(n)[list(p)])
        total = total + sign * math.prod((A[..., i, p[i]] for i in range(n)), start=1.0)
    return total


def np_cholesky(A):
    """Row by row, by its definition."""
    L = np.zeros_like(A)
    for i, j in np.ndindex(A.shape):
        if j <= i:
            rest = A[i, j] - L[i, :j] @ L[j, :j]
            L[i, j] = math.sqrt(rest) if i == j else rest / L[j, j]
    return L


def np_exp(A):
    """Its series, of a matrix that is halved ten times."""
    small, term, total = A / 1024, np.eye(A.shape[-1]), np.eye(A.shape[-1])
    for k in range(1, 12):
        term = term @ small / k
        total = total + term
    for _ in range(10):
        total = total @ total
    return total


SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
TWICE = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [-1.0, -2.0, -3.0]])  # of rank 1

CASES = [
    Case("inv", [Apart(3, 3)], expected=lambda A: np.linalg.solve(A, np.eye(3))),
    Case("inv", [Apart(2, 2, 2)], expected=lambda A: np.linalg.solve(A, np.broadcast_to(np.eye(2), A.shape))),
    Case("solve_matrices", [Apart(3, 3), (3, 2)], expected=lambda A, B: np.linalg.inv(A) @ B),
    Case("solve_matrices", [Apart(2, 2, 2), (2, 1)], expected=lambda A, B: np.linalg.inv(A) @ B),
    Case("_substituted", [Apart(3, 3), (3, 2)], dict(upper=True, unitriangular=False),
         expected=lambda A, B, upper, unitriangular: np.linalg.solve(np.triu(A), B)),
    Case("_substituted", [Apart(2, 3, 3), (3, 1)], dict(upper=False, unitriangular=True),
         expected=lambda A, B, upper, unitriangular: np.linalg.solve(np.tril(A, -1) + np.eye(3), np.stack([B] * 2))),
    Case("det", [Apart(3, 3)], expected=np_det),
    Case("det", [Apart(2, 2, 2)], expected=np_det),
    Case("det", [SINGULAR], expected=np_det, orders=1),
    Case("det", [TWICE], expected=np_det, orders=1),
    Case("_slogdet", [Apart(3, 3)], expected=lambda A: (np.sign(np_det(A)), np.log(np.abs(np_det(A))))),
    Case("_cholesky", [Definite(3, 3)], expected=np_cholesky),
    Case("_cholesky", [Definite(2, 2, 2)], expected=lambda A: np.stack([np_cholesky(a) for a in A])),
    Case("_qr", [Apart(4, 2)], expected=np.linalg.qr),
    Case("_eliminated", [np.array([[4.0, 1.0, 2.0], [1.0, 5.0, 1.0], [2.0, 1.0, 6.0]])],
         expected=lambda A: np.array([[4, 1, 2], [0.25, 4.75, 0.5], [0.5, 2 / 19, 94 / 19]])),
    Case("_svd", [Apart(3, 2)], expected=lambda A: np.linalg.svd(A, full_matrices=False)),
    Case("_svd", [Apart(2, 2, 3)], expected=lambda A: np.linalg.svd(A, full_matrices=False)),
    Case("_svdvals", [Apart(3, 2)], expected=lambda A: np.sqrt(np.linalg.eigvalsh(A.T @ A)[::-1])),
    Case("_eigh", [Definite(3, 3)], expected=np.linalg.eigh),
    Case("_eigvalsh", [Definite(2, 3, 3)], expected=lambda A: np.broadcast_to(np.arange(1.0, 4), (2, 3))),
    Case("_pinv", [Apart(3, 2)], expected=lambda A: np.linalg.inv(A.T @ A) @ A.T),
    Case("_pinv", [Apart(2, 2, 3)], expected=lambda A: A.mT @ np.linalg.inv(A @ A.mT)),
    Case("_cross", [(2, 3), (2, 3)], dict(dim=-1), expected=lambda a, b, dim: np.cross(a, b)),
    Case("_cross", [(3, 1), (3, 2)], dict(dim=-2), expected=lambda a, b, dim: np.cross(a, b, axis=0)),
    Case("matrix_exp", [Apart(3, 3)], expected=np_exp),
    Case("matrix_exp", [np.array([[[0.0, 1.0], [-1.0, 0.0]], [[9.0, 4.0], [1.0, -7.0]]])], expected=np_exp),
]  # fmt: skip
