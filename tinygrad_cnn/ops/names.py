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
    "likelihood": {
        "tinygrad_cnn": """
            poisson_nll_loss
        """,
        "tinygrad_cnn.nn.functional": """
            gaussian_nll_loss poisson_nll_loss
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
}
