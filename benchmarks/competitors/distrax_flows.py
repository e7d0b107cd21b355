"""distrax, on JAX."""

import distrax
import jax
import jax.numpy as jnp
import optax

from benchmarks.competitors import RATE
from benchmarks.competitors.jax_common import JaxModel


def _network(params, x):
    for kernel, bias in params[:-1]:
        x = jax.nn.relu(x @ kernel + bias)
    kernel, bias = params[-1]
    return x @ kernel + bias


def _start(key, widths):
    initializer = jax.nn.initializers.glorot_uniform()
    pairs = list(zip(widths[:-1], widths[1:], strict=True))
    keys = jax.random.split(key, len(pairs))
    return [(initializer(k, pair), jnp.zeros(pair[1])) for k, pair in zip(keys, pairs, strict=True)]


def _affine(params):
    shift, log_scale = jnp.split(params, 2, axis=-1)
    return distrax.ScalarAffine(shift, log_scale=jnp.tanh(log_scale))


def real_nvp(task, steps):
    half, optimizer = task.size // 2, optax.adam(RATE)
    keys = jax.random.split(jax.random.key(0), task.layers)
    params = [_start(key, (half, *task.hidden_units, task.size)) for key in keys]

    def distribution(params):
        layers = [
            distrax.SplitCoupling(
                half,
                event_ndims=1,
                conditioner=lambda x, own=own: _network(own, x),
                bijector=_affine,
                swap=bool(i % 2),
            )
            for i, own in enumerate(params)
        ]
        base = distrax.MultivariateNormalDiag(jnp.zeros(task.size), jnp.ones(task.size))
        return distrax.Transformed(base, distrax.Chain(layers))

    @jax.jit
    def log_prob(state, x):
        return distribution(state[0]).log_prob(x)

    @jax.jit
    def sample(state, key):
        return distribution(state[0]).sample(seed=key, sample_shape=task.batch)

    @jax.jit
    def step(state, x):
        params, opt_state = state
        value, gradients = jax.value_and_grad(lambda p: -distribution(p).log_prob(x).mean())(params)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value

    return JaxModel(task, steps, log_prob, sample, step, (params, optimizer.init(params)))
