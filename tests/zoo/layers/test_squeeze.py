import numpy as np
import pytest

import zoo
from tests import helpers
from tests.zoo import images


def test_blocks_become_channels_in_reading_order():
    x = np.arange(2 * 4 * 2.0).reshape(1, 2, 4, 2)
    z, log_det = zoo.layers.Squeeze((2, 4, 2))(x)
    expected = [[0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]]
    np.testing.assert_array_equal(z[0, 0], expected)
    assert float(log_det[0]) == 0.0


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_log_det_and_round_trip(channels):
    layer = zoo.layers.Squeeze((4, 4, channels), dtype="float64")
    images.check(layer, volume_preserving=True)
    images.check_leading_shapes(layer)


@pytest.mark.parametrize(
    ("shape", "words"), [((3, 4, 1), ["even", "(3, 4, 1)"]), ((64,), ["images", "(64,)"])]
)
def test_other_shapes_are_refused(shape, words):
    with helpers.raises_one_line(*words):
        zoo.layers.Squeeze(shape)
