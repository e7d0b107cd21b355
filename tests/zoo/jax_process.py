"""Checks on JAX, in a process of their own, which `test_jax.py` starts: each takes seconds to.

Arguments are `smoke/MODEL`, `derivatives/MODEL` (models of the table) or `convolution`. Prints one
line of each: its argument, and "ok" or what went wrong.
"""

import os
import sys
import traceback

os.environ["KERAS_BACKEND"] = "jax"

import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

from tests.zoo import jax_derivatives, jax_smoke  # noqa: E402
from zoo.networks.convolve import convolve  # noqa: E402


def convolution(name):
    """Convolutions keep forward mode."""
    x, kernel = np.ones((2, 6, 5, 8), "float32"), np.ones((3, 3, 8, 1), "float32")
    value, tangent = jax.jvp(lambda x: convolve(x, kernel), (x,), (x,))
    np.testing.assert_allclose(value, tangent, rtol=1e-5)


CHECKS = {
    "smoke": jax_smoke.check,
    "derivatives": jax_derivatives.check,
    "convolution": convolution,
}


def main(words):
    assert keras.backend.backend() == "jax"
    failed = 0
    for word in words:
        check, _, name = word.partition("/")
        try:
            CHECKS[check](name)
            print(word, "ok", flush=True)
        except Exception as error:
            failed += 1
            traceback.print_exc()
            said = str(error)[:300].replace("\n", " ")
            print(word, "failed:", type(error).__name__, said, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
