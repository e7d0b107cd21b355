import numpy as np
import pytest
import tensorflow as tf

from zoo.bijectors.householder import orthonormal

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("count", "size", "columns"), [(1, 1, 1), (3, 4, 2), (6, 4, 4)])
def test_is_the_product_of_the_reflections(count, size, columns):
    vectors = RNG.normal(size=(2, count, size))
    found = orthonormal(tf.constant(vectors), columns)
    for rows, q in zip(vectors, found.numpy(), strict=True):
        product = np.eye(size)
        for v in rows:
            product = product @ (np.eye(size) - 2 * np.outer(v, v) / (v @ v))
        np.testing.assert_allclose(q, product[:, :columns], atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_is_orthonormal_at_any_vectors(dtype, tolerance):
    vectors = RNG.normal(size=(32, 40)).astype(dtype)
    vectors[3] = 0.0  # Reflects nothing.
    vectors[5:9] = vectors[4]  # Each undoes the one before.
    vectors[10] *= 1e6
    vectors[11] *= 1e-6
    vectors[20:] = vectors[20] + 1e-4 * vectors[20:]
    q = orthonormal(tf.constant(vectors), 32).numpy()
    np.testing.assert_allclose(q.T @ q, np.eye(32), rtol=0, atol=tolerance)


def test_zero_vectors_have_finite_gradients():
    vectors = tf.constant([[0.0, 0.0], [1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        total = tf.reduce_sum(orthonormal(vectors, 2) * [[1.0, 2.0], [3.0, 4.0]])
    assert np.isfinite(tape.gradient(total, vectors)).all()
