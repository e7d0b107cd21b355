"""Derivatives forwards, backwards and twice, of models of the table; run by `jax_process.py`."""

import jax
import keras
import numpy as np

from tests.zoo import jax_smoke, table

# Keras computes in float32 there, whatever the types. Gradients bend more than values do.
STEPS = 1e-2, 1e-3


def agree(function, at, generator):
    """Checks derivatives of a function of an array `at` along a direction, against differences."""
    along = generator.normal(size=at.shape).astype("float32")
    function, slope = jax.jit(function), jax.jit(jax.grad(function))
    ends, near = ([at + np.float32(sign * h) * along for sign in (1, -1)] for h in STEPS)
    forwards = jax.jit(lambda at: jax.jvp(function, (at,), (along,))[1])(at)
    np.testing.assert_allclose(np.vdot(slope(at), along), forwards, rtol=1e-3, atol=1e-3)
    expected = (function(ends[0]) - function(ends[1])) / (2 * STEPS[0])
    np.testing.assert_allclose(forwards, expected, rtol=1e-2, atol=1e-2)
    hessian = np.reshape(jax.jit(jax.hessian(function))(at), (at.size, at.size))
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-3, atol=1e-3)
    expected = np.ravel(slope(near[0]) - slope(near[1])) / (2 * STEPS[1])
    np.testing.assert_allclose(hessian @ along.ravel(), expected, rtol=1e-2, atol=1e-2)
    assert np.abs(forwards) > 1e-3


def check(name):
    """Derivatives of densities and samples, by data and by weights, of the model called `name`."""
    flow = table.MODELS[name](**{} if name == "layers" else {"num_layers": 1})
    jax_smoke.weights_at_random(flow)
    generator = np.random.default_rng(2)
    x, context = jax_smoke.data_for(flow, 2)

    def score(x):
        return flow.distribution(context).log_prob(x).sum()

    def draw(z):
        return keras.ops.sum(keras.ops.sin(flow.bijector(context).forward(z)))

    agree(score, x, generator)
    agree(draw, generator.normal(size=x.shape).astype("float32"), generator)
    # The same of weights, of which the last of a layer will do.
    variable = flow.stack.layers[min(1, len(flow.stack.layers) - 1)].trainable_variables[-1]
    for function, at in ((score, x), (draw, x)):

        def of_weights(value, function=function, at=at):
            with keras.StatelessScope(state_mapping=[(variable, value)]):
                return function(at)

        agree(of_weights, np.asarray(variable.value), generator)
