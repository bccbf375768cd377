"""The files of ops that are opened when they are asked for, and their names by place.

Written by `python -m tinygrad_cnn.testing.stubs`.
"""

NAMES: dict[str, dict[str, str]] = {
    "asking": {
        "Tensor": """
            angle conj conj_physical conj_physical_ is_conj is_neg isreal narrow_copy new_empty_strided
            resolve_conj resolve_neg unsafe_chunk unsafe_split
        """,
        "tinygrad_cnn": """
            angle conj conj_physical conj_physical_ empty_strided imag is_conj is_neg isreal narrow_copy
            real resolve_conj resolve_neg result_type scalar_tensor unsafe_chunk unsafe_split
        """,
    },
    "attention": {
        "tinygrad_cnn.nn.functional": """
            scaled_dot_product_attention
        """,
    },
    "bags": {
        "tinygrad_cnn.nn.functional": """
            embedding_bag
        """,
    },
    "calculus": {
        "Tensor": """
            diff
        """,
        "tinygrad_cnn": """
            cumulative_trapezoid diff gradient trapezoid trapz
        """,
    },
    "chance": {
        "Tensor": """
            apply_ cauchy_ geometric_ log_normal_ map_
        """,
        "tinygrad_cnn": """
            binomial poisson
        """,
    },
    "ctc": {
        "tinygrad_cnn": """
            ctc_loss
        """,
        "tinygrad_cnn.nn.functional": """
            ctc_loss
        """,
    },
    "distance": {
        "Tensor": """
            dist renorm renorm_
        """,
        "tinygrad_cnn": """
            cdist cosine_embedding_loss cosine_similarity dist margin_ranking_loss pairwise_distance pdist
            renorm triplet_margin_loss
        """,
        "tinygrad_cnn.nn.functional": """
            cosine_embedding_loss cosine_similarity margin_ranking_loss pairwise_distance pdist
            triplet_margin_loss triplet_margin_with_distance_loss
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
    "gamma": {
        "Tensor": """
            digamma digamma_ lgamma lgamma_ mvlgamma mvlgamma_ polygamma polygamma_
        """,
        "tinygrad_cnn": """
            digamma lgamma mvlgamma polygamma
        """,
    },
    "grid": {
        "tinygrad_cnn.nn.functional": """
            affine_grid grid_sample
        """,
    },
    "heads": {
        "tinygrad_cnn.nn.functional": """
            multi_head_attention_forward
        """,
    },
    "histogram": {
        "Tensor": """
            histogram unique_consecutive
        """,
        "tinygrad_cnn": """
            bucketize histogram isin searchsorted unique_consecutive
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
    "logarithms": {
        "Tensor": """
            logaddexp2 logcumsumexp
        """,
        "tinygrad_cnn": """
            logaddexp2 logcumsumexp
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
    "multilabel": {
        "tinygrad_cnn.nn.functional": """
            multilabel_margin_loss
        """,
    },
    "numbers": {
        "Tensor": """
            copysign copysign_ deg2rad deg2rad_ float_power float_power_ frexp gcd gcd_ heaviside heaviside_
            lcm lcm_ ldexp ldexp_ nextafter nextafter_ positive rad2deg rad2deg_
        """,
        "tinygrad_cnn": """
            copysign deg2rad deg2rad_ float_power frexp gcd gcd_ heaviside lcm lcm_ ldexp ldexp_ nextafter
            positive rad2deg rad2deg_
        """,
    },
    "patches": {
        "tinygrad_cnn.nn.functional": """
            fold unfold
        """,
    },
    "positions": {
        "Tensor": """
            argwhere nonzero_static sum_to_size
        """,
        "tinygrad_cnn": """
            argwhere nonzero_static tril_indices triu_indices unravel_index
        """,
    },
    "products": {
        "Tensor": """
            addbmm addbmm_ addr addr_ kron
        """,
        "tinygrad_cnn": """
            addbmm addr block_diag cartesian_prod combinations kron vander
        """,
    },
    "resize": {
        "tinygrad_cnn": """
            channel_shuffle pixel_shuffle pixel_unshuffle
        """,
        "tinygrad_cnn.nn.functional": """
            channel_shuffle interpolate pixel_shuffle pixel_unshuffle upsample upsample_bilinear
            upsample_nearest
        """,
    },
    "scatter": {
        "Tensor": """
            diagonal_scatter fill_diagonal_ index_reduce index_reduce_ masked_scatter masked_scatter_ put
            put_ scatter_reduce scatter_reduce_ select_scatter slice_scatter
        """,
        "tinygrad_cnn": """
            as_strided_scatter diagonal_scatter index_reduce masked_scatter put scatter_reduce
            select_scatter slice_scatter
        """,
    },
    "sequences": {
        "tinygrad_cnn": """
            gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell
        """,
    },
    "solve": {
        "tinygrad_cnn.linalg": """
            det inv inv_ex slogdet solve solve_ex solve_triangular tensorinv tensorsolve
        """,
    },
    "special": {
        "Tensor": """
            erfinv erfinv_ i0 i0_ logit logit_
        """,
        "tinygrad_cnn": """
            erfinv i0 i0_ logit logit_
        """,
    },
    "spectrum": {
        "tinygrad_cnn.linalg": """
            eig eigh eigvals eigvalsh lstsq matrix_rank pinv svd svdvals
        """,
    },
    "stacks": {
        "Tensor": """
            diag_embed diagflat dsplit hsplit vsplit
        """,
        "tinygrad_cnn": """
            atleast_3d column_stack diag_embed diagflat dsplit dstack hsplit vsplit
        """,
    },
    "statistics": {
        "Tensor": """
            corrcoef cov mode nanmedian nanquantile quantile
        """,
        "tinygrad_cnn": """
            corrcoef cov mode nanmedian nanquantile quantile
        """,
    },
    "strided": {
        "Tensor": """
            as_strided as_strided_
        """,
        "tinygrad_cnn": """
            as_strided as_strided_
        """,
    },
    "tapers": {
        "tinygrad_cnn": """
            bartlett_window blackman_window hamming_window hann_window kaiser_window
        """,
    },
    "unpool": {
        "tinygrad_cnn.nn.functional": """
            max_unpool1d max_unpool2d max_unpool3d
        """,
    },
    "volumes": {
        "tinygrad_cnn": """
            conv3d conv_transpose3d max_pool3d
        """,
        "tinygrad_cnn.nn.functional": """
            adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d conv3d conv_transpose3d lp_pool3d max_pool3d
        """,
    },
}
