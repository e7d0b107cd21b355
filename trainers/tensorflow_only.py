"""Runs an exported flow where nothing but TensorFlow can be imported.

Started as a file, not as a module: `python -I tensorflow_only.py EXPORT_DIR INPUTS.npz OUTPUT.npy`.
INPUTS.npz holds "x" and, for a flow with a context, "context"; log_prob goes to OUTPUT.npy.
"""

import sys

REFUSED = ("zoo", "trainers", "keras", "tf_keras", "tensorflow_probability", "tensorflow_datasets")


class Without:
    """A finder of modules for which the refused packages are not installed.

    Args:
        finder: An entry of `sys.meta_path`.
    """

    def __init__(self, finder):
        self._finder = finder

    def __getattr__(self, name):
        return getattr(self._finder, name)

    def find_spec(self, fullname, path=None, target=None):
        """The module's spec; None for a refused package and what is in it."""
        if fullname.partition(".")[0] in REFUSED:
            return None
        return self._finder.find_spec(fullname, path, target)


def main(export_dir, inputs, output):
    """Loads the SavedModel and writes log_prob of the inputs."""
    sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
    import numpy as np
    import tensorflow as tf

    model = tf.saved_model.load(export_dir)
    with np.load(inputs) as arrays:
        log_prob = model.log_prob(**{name: tf.constant(arrays[name]) for name in arrays.files})
    imported = sorted({name.partition(".")[0] for name in sys.modules} & set(REFUSED))
    if imported:
        raise SystemExit(f"these were imported all the same: {', '.join(imported)}")
    np.save(output, log_prob.numpy())


if __name__ == "__main__":
    main(*sys.argv[1:])
