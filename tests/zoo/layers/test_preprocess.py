import numpy as np
import pytest

from tests import helpers
from zoo.layers import Logit, Rescale, Reshape
from zoo.layers.preprocess import to_vector


@pytest.mark.parametrize(
    ("levels", "preprocessing", "low", "high"),
    [(4, None, -4.6, 4.6), (4, "logit", -4.6, 4.6), (4, "center", -1, 1), (4, "none", 0, 4)],
)
def test_to_vector_brings_grey_levels_to_unit_range(levels, preprocessing, low, high):
    layers, shape = to_vector((2, 2, 1), levels, preprocessing)
    x = np.array([0.0, 4.0, 0.0, 4.0], "float32").reshape(1, 2, 2, 1)
    for layer in layers:
        x = layer(x)[0]
    assert shape == (4,)
    np.testing.assert_allclose(x, [[low, high, low, high]], atol=0.01)


def test_to_vector_leaves_continuous_vectors_alone():
    assert to_vector((5,)) == ([], (5,))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: to_vector((4,), 4, "logits"), ["preprocessing", "'logit'", "'logits'"]),
        (lambda: to_vector((4,), None, "logit"), ["preprocessing='logit'", "levels"]),
        (lambda: Logit((4,), 4, alpha=0.5), ["alpha", "between 0 and 0.5", "0.5"]),
        (lambda: Logit((4,), 4, alpha=0.0), ["alpha", "between 0 and 0.5", "0.0"]),
        (lambda: Rescale((4,), scale=0.0), ["scale", "positive", "0.0"]),
        (lambda: Reshape((4,), (2, 3)), ["Reshape", "(4,)", "(2, 3)"]),
    ],
)
def test_refuses(make, words):
    with helpers.raises_one_line(*words):
        make()
