"""`linalg` and the older names beside PyTorch: values, gradients, named results, errors. Signs are made one."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.testing import gradgradcheck

draw = np.random.default_rng(0)


def definite(*shape):
    a = draw.standard_normal(shape)
    return a @ a.mT + np.eye(shape[-1])


A, BATCH, TALL, WIDE = (draw.standard_normal(s) for s in [(3, 3), (2, 3, 3), (4, 2), (2, 2, 4)])
ROWS, VECTOR, PD = draw.standard_normal((3, 2)), draw.standard_normal(3), definite(2, 3, 3)
SYMMETRIC = A + A.T


def signed(m, columns):
    """The columns with their largest numbers made positive."""
    a = columns.detach().numpy()
    i = np.abs(a).argmax(-2)
    return columns * m.tensor(np.sign(np.take_along_axis(a, i[..., None, :], -2)))


def svd(m, A, **more):
    U, S, Vh = m.linalg.svd(A, **more)
    k = S.shape[-1]
    return m.cat([signed(m, U[..., :k]), S[..., None, :], signed(m, Vh[..., :k, :].mT)], -2)


CALLS = {
    "inv": (lambda m, A: m.linalg.inv(A), BATCH),
    "inverse": (lambda m, A: A.inverse(), A),
    "inv_ex": (lambda m, A: m.linalg.inv_ex(A).inverse, A),
    "det": (lambda m, A: m.linalg.det(A) + m.det(A), BATCH),
    "slogdet": (lambda m, A: m.linalg.slogdet(A).logabsdet * A.slogdet()[0], BATCH),
    "logdet": (lambda m, A: m.logdet(A), PD),
    "solve": (lambda m, A, B: m.linalg.solve(A, B), BATCH, ROWS),
    "solve of a vector": (lambda m, A, B: m.linalg.solve(A, B), A, VECTOR),
    "solve from the right": (lambda m, A, B: m.linalg.solve(A, B.mT, left=False), A, ROWS),
    "solve_triangular": (lambda m, A, B: m.linalg.solve_triangular(A, B, upper=True), A, ROWS),
    "solve_triangular, unit": (
        lambda m, A, B: m.linalg.solve_triangular(A, B.mT, upper=False, left=False, unitriangular=True), A, ROWS,
    ),
    "cholesky": (lambda m, A: m.linalg.cholesky(A), PD),
    "cholesky, upper": (lambda m, A: m.linalg.cholesky(A, upper=True), PD),
    "cholesky_solve": (lambda m, B, A: m.cholesky_solve(B, m.linalg.cholesky(A)), ROWS, PD),
    "cholesky_inverse": (lambda m, A: m.cholesky_inverse(m.linalg.cholesky(A)), PD),
    "qr": (lambda m, A: m.cat(tuple(m.linalg.qr(A)), -2), TALL),
    "qr of a wide matrix": (lambda m, A: m.cat(tuple(m.linalg.qr(A)), -1), WIDE),
    "lu": (lambda m, A: m.cat(tuple(m.linalg.lu(A)[1:]), -2), TALL),
    "lu of a wide matrix": (lambda m, A: m.cat(tuple(m.linalg.lu(A)), -1), WIDE),
    "lu_solve": (lambda m, A, B: m.linalg.lu_solve(*m.linalg.lu_factor(A), B), A, ROWS),
    "svd": (lambda m, A: svd(m, A, full_matrices=False), TALL),
    "svd, full": (lambda m, A: svd(m, A), WIDE),
    "svd before linalg": (lambda m, A: A.svd().V.abs(), TALL),
    "svdvals": (lambda m, A: m.linalg.svdvals(A), WIDE),
    "eigh": (lambda m, A: (lambda e, Q: m.cat([e[None], signed(m, Q)]))(*m.linalg.eigh(A)), SYMMETRIC),
    "eigh of the upper triangle": (lambda m, A: m.linalg.eigh(A, "U")[1].abs(), A),
    "eigvalsh": (lambda m, A: m.linalg.eigvalsh(A), SYMMETRIC),
    "pinv": (lambda m, A: m.linalg.pinv(A), WIDE),
    "lstsq": (lambda m, A, B: m.linalg.lstsq(A, B).solution, TALL, draw.standard_normal((4, 3))),
    "matrix_power": (lambda m, A: m.linalg.matrix_power(A, 5) + m.matrix_power(A, -2), A),
    "matrix_exp": (lambda m, A: m.linalg.matrix_exp(A), BATCH),
    "multi_dot": (lambda m, *chain: m.linalg.multi_dot(chain), VECTOR, A, ROWS),
    "cross": (lambda m, a, b: m.linalg.cross(a, b) + m.cross(a, b, dim=0), A, BATCH[0]),
    "vecdot": (lambda m, a, b: m.linalg.vecdot(a, b, dim=-2), A, BATCH),
    "vander": (lambda m, x: m.linalg.vander(x, N=4), VECTOR),
    "diagonal": (lambda m, A: m.linalg.diagonal(A, offset=1), BATCH),
    "tensorinv": (lambda m, A: m.linalg.tensorinv(A.reshape(3, 3, 1), 1), A),
    "tensorsolve": (lambda m, A, B: m.linalg.tensorsolve(A.reshape(3, 1, 3), B[:, None]), A, VECTOR),
    **{
        f"matrix_norm {ord}": (lambda m, A, ord=ord: m.linalg.matrix_norm(A, ord, (0, -1), keepdim=True), BATCH)
        for ord in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf"))
    },
    **{f"cond {p}": (lambda m, A, p=p: m.linalg.cond(A, p), BATCH) for p in (None, -2)},
    "norm": (lambda m, A: m.linalg.norm(A) + m.linalg.norm(A, 1) + m.linalg.norm(A, 3, dim=1).sum(), A),
    "vector_norm": (lambda m, A: m.linalg.vector_norm(A, 3, dim=(0, 2)), BATCH),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_pytorch_gives_the_same(pytorch, name):
    f, *arrays = CALLS[name]
    pytorch.agrees_with_gradients(f, *arrays, rtol=1e-8, atol=1e-9)


RESULTS = [
    lambda m: m.linalg.matrix_rank(m.tensor([[1.0, 2.0], [2.0, 4.0]])),
    lambda m: list(m.linalg.lu_factor(m.tensor(BATCH))),
    lambda m: list(m.linalg.lu_factor_ex(m.zeros(2, 3))),
    lambda m: list(m.lu_unpack(*m.linalg.lu_factor(m.tensor(A)))),
    lambda m: list(m.linalg.lstsq(m.tensor(TALL), m.tensor(TALL), driver="gelsd")),
    lambda m: list(m.linalg.lstsq(m.tensor(WIDE), m.tensor(WIDE), driver="gels")),
    lambda m: [m.linalg.inv_ex(m.tensor([[1.0, 2.0], [2.0, 4.0]])).info, m.linalg.cholesky_ex(-m.eye(2)).info],
    lambda m: m.linalg.solve_ex(m.zeros(2, 1, 1), m.ones(2, 1, 1)).info,
    lambda m: [sorted(n for n in dir(r) if n[0] != "_" and "n_" not in n and n not in ("count", "index"))
               for r in (m.linalg.svd(m.eye(2)), m.linalg.eigh(m.eye(2)), m.linalg.qr(m.eye(2)), m.svd(m.eye(2)),
                         m.linalg.lu(m.eye(2)), m.slogdet(m.eye(2)), m.linalg.lstsq(m.eye(2), m.eye(2)))],
    lambda m: [m.linalg.det(m.zeros(0, 0)), m.linalg.inv(m.zeros(2, 0, 0)), *m.linalg.svd(m.zeros(0, 3)),
               *m.linalg.qr(m.zeros(0, 3)),
               m.linalg.solve(m.zeros(0, 2, 2), m.zeros(0, 2)), m.linalg.pinv(m.zeros(0, 2))],
    lambda m: [m.linalg.qr(m.tensor(TALL), "complete")[0].shape[1], m.linalg.qr(m.tensor(TALL), "r")[0].shape[0]],
    lambda m: m.linalg.norm(m.tensor(A).float(), dtype=m.float64),
    lambda m: [m.linalg.cond(m.tensor(BATCH), p) for p in (1, -1, float("inf"), "fro", "nuc")],
]  # fmt: skip


@pytest.mark.parametrize("question", RESULTS)
def test_results(pytorch, question):
    pytorch.agrees(question, rtol=1e-7, atol=1e-7)


def ones(m, *shape):
    return m.ones(shape)


REFUSED = [
    lambda m: m.linalg.inv(m.zeros(2, 2)),
    lambda m: m.linalg.inv(ones(m, 2, 3)),
    lambda m: m.linalg.inv(ones(m, 2)),
    lambda m: m.linalg.inv(m.eye(2).long()),
    lambda m: m.linalg.inv(m.eye(2).half()),
    lambda m: m.linalg.inv(2),
    lambda m: m.linalg.inv_ex(m.zeros(2, 2), check_errors=True),
    lambda m: m.linalg.det(ones(m, 3, 2)),
    lambda m: m.linalg.norm(m.eye(2).double(), dtype=m.float32),
    lambda m: m.linalg.solve(m.zeros(1, 2, 2), ones(m, 1, 2)),
    lambda m: m.linalg.solve(m.eye(2), ones(m, 3)),
    lambda m: m.linalg.solve(m.eye(2), ones(m, 2).double()),
    lambda m: m.linalg.solve(m.eye(2), ones(m, 2), left=False),
    lambda m: m.linalg.solve_triangular(m.eye(2), ones(m, 2), upper=True),
    lambda m: m.linalg.cholesky(-m.eye(2)),
    lambda m: m.linalg.qr(ones(m, 2)),
    lambda m: m.linalg.qr(m.eye(2), mode="full"),
    lambda m: m.linalg.qr(m.eye(2).requires_grad_(), mode="r")[1].sum().backward(),
    lambda m: m.linalg.qr(ones(m, 3, 2).requires_grad_(), mode="complete")[0].sum().backward(),
    lambda m: m.linalg.svd(m.full((2, 2), float("nan"))),
    lambda m: m.linalg.svd(m.eye(2), driver="gesvd"),
    lambda m: m.linalg.eigh(m.eye(2), "X"),
    lambda m: m.linalg.lstsq(m.eye(2), ones(m, 3)),
    lambda m: m.linalg.lstsq(m.eye(2), ones(m, 2), driver="qr"),
    lambda m: m.linalg.lu_factor(m.zeros(2, 2)),
    lambda m: m.linalg.lu_solve(m.eye(2), m.tensor([1, 2]), ones(m, 2, 1)),
    lambda m: m.linalg.matrix_power(m.zeros(2, 2), -1),
    lambda m: m.linalg.matrix_norm(ones(m, 2)),
    lambda m: m.linalg.matrix_norm(m.eye(2), "x"),
    lambda m: m.linalg.matrix_norm(m.eye(2).long()),
    lambda m: m.linalg.norm(ones(m, 2, 2, 2), 2),
    lambda m: m.linalg.cond(ones(m, 2, 3), 1),
    lambda m: m.linalg.multi_dot([m.eye(2)]),
    lambda m: m.linalg.multi_dot([m.eye(2), ones(m, 2), m.eye(2)]),
    lambda m: m.linalg.cross(ones(m, 2), ones(m, 2)),
    lambda m: m.linalg.cross(ones(m, 3), ones(m, 2, 3)),
    lambda m: m.linalg.vander(ones(m, 1)),
    lambda m: m.linalg.tensorinv(ones(m, 2, 3)),
    lambda m: m.linalg.tensorsolve(ones(m, 2, 3), ones(m, 2)),
    lambda m: m.cross(ones(m, 2), ones(m, 2), dim=0),
    lambda m: m.cholesky_inverse(m.zeros(2, 2)),
    lambda m: m.symeig(m.eye(2)),
    lambda m: m.eye(2).eig(),
    lambda m: m.lstsq(m.eye(2), m.eye(2)),
    lambda m: m.solve(m.eye(2), m.eye(2)),
    lambda m: m.matrix_rank(m.eye(2)),
    lambda m: m.vdot(ones(m, 2), ones(m, 3)),
]


def test_what_pytorch_refuses_is_refused(pytorch):
    def refusals(m):
        return [pytorch.attempt(f, m).strip("_") for f in REFUSED]

    assert refusals(tg) == pytorch(refusals)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tg.linalg.inv(tg.stack([tg.eye(2), tg.zeros(2, 2)])), r"\(batch element 1\).* pivot 1 is zero"),
        (lambda: tg.linalg.cholesky(tg.diag(tg.tensor([1.0, -1.0]))), "leading minor of order 2"),
        (lambda: tg.linalg.eig(tg.eye(2, requires_grad=True)), "complex.*eigh"),
        (lambda: tg.linalg.solve(tg.eye(2), tg.ones(3, 1)), r"\(2, 2\) and \(3, 1\) do not fit into A X = B"),
    ],
)
def test_errors_say_what_is_wrong(call, words):
    with pytest.raises(RuntimeError, match=words):
        call()


DEPRECATED = [
    lambda m: m.cholesky(m.eye(2)),
    lambda m: m.qr(m.eye(2)),
    lambda m: m.chain_matmul(m.eye(2), m.eye(2)),
    lambda m: m.cross(m.eye(3), m.eye(3)),
    lambda m: m.triangular_solve(m.eye(2), m.eye(2)),
    lambda m: m.lu(m.eye(2)),
]


@pytest.mark.parametrize("call", DEPRECATED)
def test_older_names_warn(call):
    with pytest.warns(UserWarning, match="deprecated"):
        call(tg)


@pytest.mark.parametrize(
    "A", [[[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]
)
def test_the_determinant_of_a_singular_matrix_has_derivatives(A):
    assert gradgradcheck(tg.linalg.det, tg.tensor(A, dtype=tg.float64, requires_grad=True))


def test_a_batch_with_a_singular_matrix():
    A = tg.stack([tg.eye(2), tg.zeros(2, 2)]).requires_grad_()
    inverse, info = tg.linalg.inv_ex(A)
    assert info.tolist() == [0, 1]
    assert inverse[0].tolist() == [[1, 0], [0, 1]]
    assert inverse[1].isnan().all()
    assert tg.linalg.cond(A.detach(), 1).tolist() == [1, float("inf")]


def test_equal_singular_values_have_no_derivative_of_vectors_but_of_values():
    A = tg.eye(2, requires_grad=True)
    U, S, _ = tg.linalg.svd(A)
    S.sum().backward(retain_graph=True)
    assert A.grad.tolist() == [[1, 0], [0, 1]]
    U.sum().backward()
    assert not A.grad.isfinite().all()


def test_results_go_to_out():
    A = tg.tensor(A_ := [[2.0, 0.0], [0.0, 4.0]])
    U, S, Vh = tg.empty(0), tg.empty(0), tg.empty(0)
    assert tg.linalg.svd(A, out=(U, S, Vh)).S is S
    assert S.tolist() == [4, 2]
    assert tg.linalg.inv(A, out=(X := tg.empty(2, 2))) is X
    assert X.tolist() == [[0.5, 0], [0, 0.25]]
    assert A.tolist() == A_
