import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import images

KINDS = {
    "independent": {},
    "autoregressive": {"within": "autoregressive", "hidden_units": (9,), "activation": "elu"},
    "reversed": {"order": "reversed", "transformer": "spline"},
}


def layer(kind, shape=(3, 2), **settings):
    settings = {"width": 6, "blocks": 2, "heads": 2, "dtype": "float64"} | KINDS[kind] | settings
    return helpers.randomize(zoo.layers.TokenAutoregressive(shape, **settings), seed=1, scale=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_log_det_and_round_trip(kind):
    images.check(layer(kind, context_shape=(2,)), images.normal(2, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_depends_on_those_before_alone(kind):
    """Exactly: what a mask leaves over would be small, not zero."""
    found, tokens, size = layer(kind), 3, 2

    def flat(rows, copies):
        z = found.bijector().inverse(tf.reshape(rows, (-1, tokens, size)))
        return tf.reshape(z, (-1, tokens * size))

    jacobian = helpers.jacobian(flat, images.normal(2, tokens * size))
    if kind == "reversed":
        jacobian = jacobian[:, ::-1, ::-1]
    assert (np.triu(jacobian, 1) == 0).all()
    below = np.tril(np.ones((tokens * size, tokens * size), bool), -1)
    if kind != "autoregressive":
        within = np.kron(np.eye(tokens), np.ones((size, size))).astype(bool)
        assert (jacobian[:, within & below] == 0).all()
        below &= ~within
    assert (np.abs(jacobian[:, below]) > 1e-12).all()


def test_leading_shapes():
    images.check_leading_shapes(layer("autoregressive", context_shape=(2,)), images.normal(1, 2))


def test_tokens_one_by_one_are_the_uncached_inverse():
    """Each token from the whole network again, of the tokens found so far."""
    found, z = layer("independent"), images.normal(2, 3, 2)
    x = np.zeros_like(z)
    for i in range(3):
        params = found._parameters(x)
        x[:, i] = found.transformer.forward_and_log_det(z, params)[0][:, i]
    np.testing.assert_allclose(found.bijector().forward(z), x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_what_one_far_entry_decides_is_what_a_large_one_does(kind):
    bijector, x = layer(kind).bijector(), images.normal(2, 3, 2)
    first = (slice(None), -1, -1) if kind == "reversed" else (slice(None), 0, 0)
    x[first] = 10.0
    large = bijector.inverse(x).numpy()
    x[first] = 1e6
    far = bijector.inverse(x).numpy()
    np.testing.assert_allclose(bijector.forward(far), x, rtol=1e-9, atol=1e-9)
    large[first] = far[first]
    assert (large == far).all()


@pytest.mark.parametrize("kind", ["autoregressive", "reversed"])
def test_gradients_through_samples(kind):
    """Those of weights, against differences; those of latents stand in `test_log_det`."""
    found, z = layer(kind, width=4, blocks=1), tf.constant(images.normal(2, 3, 2))
    variable = found.trainable_variables[0].value
    along = tf.constant(images.normal(*variable.shape, seed=3))

    def loss():
        return tf.reduce_sum(tf.sin(found.bijector().forward(z)))

    with tf.GradientTape() as tape:
        value = loss()
    claimed = tf.reduce_sum(tape.gradient(value, variable) * along)
    start, values = tf.identity(variable), []
    for step in (1e-5, -1e-5):
        variable.assign(start + step * along)
        values.append(loss())
    np.testing.assert_allclose(claimed, (values[0] - values[1]) / 2e-5, rtol=1e-6)


def test_guidance_moves_parameters_away_from_those_without_a_context():
    found = layer("independent", (1, 2), context_shape=(2,))
    z, context = images.normal(3, 1, 2), images.normal(3, 2, seed=1)
    given, without = (found._parameters(z, c) for c in (context, 0.0 * context))
    for weight in (0.0, 1.5):
        params = given + weight * (given - without)
        expected = found.transformer.forward_and_log_det(z, params)[0]
        np.testing.assert_allclose(found.guided(z, context, weight), expected, atol=1e-12)


def test_dropout_is_for_training_alone():
    found = layer("independent", dropout=0.5)
    x, seed = images.normal(2, 3, 2), zoo.backend.make_seed(0)
    z = [
        np.asarray(found.bijector(None, zoo.backend.Randomness(seed, training)).inverse(x))
        for training in (False, True, True)
    ]
    np.testing.assert_array_equal(z[0], found.bijector().inverse(x))
    np.testing.assert_array_equal(z[1], z[2])
    assert np.abs(z[0] - z[1]).max() > 1e-3 and not found.repeatable and found.draws == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((6,),), ["sequences", "(6,)"]),
        (((3, 2), "affine", 6, 1, 4), ["width", "heads", "6", "4"]),
        (((3, 2), "affine", 6, 0), []),
    ],
)
def test_what_does_not_do_is_refused(arguments, words):
    if not words:
        zoo.layers.TokenAutoregressive(*arguments)
        return
    with helpers.raises_one_line(*words):
        zoo.layers.TokenAutoregressive(*arguments)
