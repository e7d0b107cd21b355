"""Triangular matrices: numpy's own are the reference."""

import numpy as np

from zoo.layers.triangles import lower_and_upper


def test_entries_on_either_side_of_the_diagonal():
    entries = np.random.default_rng(0).normal(size=(3, 3))
    diagonal = np.array([2.0, 3.0, 5.0])
    lower, upper = lower_and_upper(entries, diagonal)
    np.testing.assert_array_equal(lower, np.tril(entries, -1) + np.eye(3))
    np.testing.assert_array_equal(upper, np.triu(entries, 1) + np.diag(diagonal))


def test_a_single_dimension_has_no_entries():
    lower, upper = lower_and_upper(0.0, np.array([2.0]))
    np.testing.assert_array_equal(lower, [[1.0]])
    np.testing.assert_array_equal(upper, [[2.0]])


def test_many_at_once():
    draws = np.random.default_rng(0)
    entries, diagonal = draws.normal(size=(2, 3, 3)), draws.normal(size=(2, 3))
    for many, each in zip(
        lower_and_upper(entries, diagonal),
        zip(*map(lower_and_upper, entries, diagonal), strict=True),
        strict=True,
    ):
        np.testing.assert_array_equal(many, np.stack(each))
