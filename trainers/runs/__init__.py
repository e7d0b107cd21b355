"""A training run: its flags, its folder, its weights, and the figures of what came of it.

Other rooms import these modules from here; nothing is imported ahead. `common`, `options`,
`files`, `flagfiles`, `folders` and `metrics` do without TensorFlow: `--help` is answered at once.
"""

__all__ = [
    *("common", "families", "files", "flagfiles", "folders", "metrics", "options", "training"),
]
