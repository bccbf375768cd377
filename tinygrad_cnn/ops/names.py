"""The files of ops that are opened when they are asked for, and their names by place.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

NAMES: dict[str, dict[str, str]] = {
    "distance": {
        "tinygrad_cnn": """
            cosine_embedding_loss cosine_similarity margin_ranking_loss pairwise_distance
            triplet_margin_loss
        """,
        "tinygrad_cnn.nn.functional": """
            cosine_embedding_loss cosine_similarity margin_ranking_loss pairwise_distance
            triplet_margin_loss
        """,
    },
    "factors": {
        "tinygrad_cnn.linalg": """
            cholesky cholesky_ex lu lu_factor lu_factor_ex lu_solve qr
        """,
    },
    "former": {
        "Tensor": """
            cholesky cholesky_inverse cholesky_solve cross det eig inverse logdet lstsq lu lu_solve
            matrix_exp matrix_power pinverse qr slogdet solve svd symeig triangular_solve vdot
        """,
        "tinygrad_cnn": """
            chain_matmul cholesky cholesky_inverse cholesky_solve cross det eig inverse logdet lstsq lu
            lu_solve lu_unpack matrix_exp matrix_power matrix_rank pinverse qr slogdet solve svd symeig
            triangular_solve vdot
        """,
    },
    "likelihood": {
        "tinygrad_cnn": """
            poisson_nll_loss
        """,
        "tinygrad_cnn.nn.functional": """
            gaussian_nll_loss poisson_nll_loss
        """,
    },
    "matrix_functions": {
        "tinygrad_cnn.linalg": """
            cross diagonal matrix_exp matrix_power multi_dot vander vecdot
        """,
    },
    "matrix_norm": {
        "tinygrad_cnn.linalg": """
            cond matrix_norm norm
        """,
    },
    "patches": {
        "tinygrad_cnn.nn.functional": """
            fold unfold
        """,
    },
    "resize": {
        "tinygrad_cnn": """
            channel_shuffle pixel_shuffle pixel_unshuffle
        """,
        "tinygrad_cnn.nn.functional": """
            channel_shuffle interpolate pixel_shuffle pixel_unshuffle upsample
        """,
    },
    "solve": {
        "tinygrad_cnn.linalg": """
            det inv inv_ex slogdet solve solve_ex solve_triangular tensorinv tensorsolve
        """,
    },
    "spectrum": {
        "tinygrad_cnn.linalg": """
            eig eigh eigvals eigvalsh lstsq matrix_rank pinv svd svdvals
        """,
    },
}
