"""A training run: its flags, its folder, its weights, and the figures of what came of it.

Other rooms import these modules from here; nothing is imported ahead. `arguments`, `common`,
`entries`, `files`, `flagfiles`, `folders`, `helping`, `metrics` and `options` do without
TensorFlow: `--help` is answered at once, and so is what is wrong with a command line.
"""

__all__ = [
    *("arguments", "common", "entries", "families", "files", "flagfiles", "folders", "helping"),
    *("metrics", "options", "results", "training"),
]
