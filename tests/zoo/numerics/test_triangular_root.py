import numpy as np
import pytest
import tensorflow as tf

from zoo.numerics import triangular_root

RNG = np.random.default_rng(0)


def system(n, size, batched, scale=1.0):
    """Random `(target, left, right, bias)`; diagonals within (-1, 1)."""
    lead = (n,) if batched else ()

    def triangular():
        matrix = np.triu(RNG.normal(size=(*lead, size, size)), 1) * scale
        return matrix + np.eye(size) * RNG.uniform(-0.99, 0.99, size=(*lead, size, 1))

    target, bias = RNG.normal(size=(n, size)) * 3, RNG.normal(size=(*lead, size))
    return [tf.constant(x) for x in (target, triangular(), triangular(), bias)]


def left_side(v, left, right, bias):
    product = triangular_root.matvec
    return v + product(left, tf.tanh(product(right, v) + bias))


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("batched", [False, True])
def test_solves_the_system(size, batched):
    target, *rest = system(4, size, batched, scale=3.0)
    v, report = triangular_root.find(target, *rest, 1e-12, 100)
    np.testing.assert_allclose(left_side(v, *rest), target, rtol=0, atol=1e-11)
    assert report.converged.shape == report.residual.shape == (4,)
    assert np.all(report.converged)
    assert 1 <= report.iterations <= 100


@pytest.mark.parametrize("batched", [False, True])
def test_gradients_are_those_of_the_solution(batched):
    args = system(3, 3, batched)
    weights = tf.constant(RNG.normal(size=(3, 3)))
    solve = triangular_root.solver(1e-12, 100)

    def total(*args):
        return tf.reduce_sum(weights * solve(*args)[0] ** 2)

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(args)
        value = total(*args)
        gradients = tape.gradient(value, args)
        # Of the length of the first gradient: the second derivatives.
        length = tf.add_n([tf.reduce_sum(g**2) for g in gradients])
    second = tape.gradient(length, args)
    step = 1e-6
    for which, (gradient, further) in enumerate(zip(gradients, second, strict=True)):
        direction = RNG.normal(size=gradient.shape)
        if which in (1, 2):
            direction = np.triu(direction)
        ends = []
        for sign in (-1, 1):
            moved = list(args)
            moved[which] = moved[which] + sign * step * direction
            with tf.GradientTape() as inner:
                inner.watch(moved)
                value = total(*moved)
            there = inner.gradient(value, moved)
            ends.append((value, tf.add_n([tf.reduce_sum(g**2) for g in there])))
        for order, found in enumerate((gradient, further)):
            slope = (ends[1][order] - ends[0][order]) / (2 * step)
            np.testing.assert_allclose(tf.reduce_sum(found * direction), slope, rtol=1e-5)


def test_an_event_that_fails_is_nan_and_no_other():
    target, *rest = system(3, 4, True)
    expected = triangular_root.find(target, *rest, 1e-12, 100)[0].numpy()
    broken = target.numpy()
    broken[1, 2] = np.nan
    v, report = triangular_root.find(tf.constant(broken), *rest, 1e-12, 100)
    assert report.converged.numpy().tolist() == [True, False, True]
    assert np.isnan(v[1]).all()
    np.testing.assert_allclose(v.numpy()[[0, 2]], expected[[0, 2]], atol=1e-12)
