import numpy as np
import pytest

from tests import helpers
from zoo.layers import Permutation, Reverse


def test_latent_is_the_permuted_data():
    x = np.array([[10.0, 20.0, 30.0]])
    np.testing.assert_array_equal(Permutation((3,), [2, 0, 1])(x)[0], [[30.0, 10.0, 20.0]])
    np.testing.assert_array_equal(Reverse((3,))(x)[0], [[30.0, 20.0, 10.0]])


def test_the_seed_decides_a_drawn_one():
    first, second, other = (Permutation((20,), seed=s).permutation for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("wrong", [[0, 1], [0, 1, 1], [1, 2, 3]])
def test_refuses(wrong):
    with helpers.raises_one_line("permutation", "0..2", str(wrong)):
        Permutation((3,), wrong)
