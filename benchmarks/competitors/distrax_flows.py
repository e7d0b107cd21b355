"""distrax, on JAX."""

import distrax
import jax
import jax.numpy as jnp
import optax

from benchmarks.competitors.jax_common import JaxModel


def _network(params, x):
    for kernel, bias in params[:-1]:
        x = jax.nn.relu(x @ kernel + bias)
    kernel, bias = params[-1]
    return x @ kernel + bias


def _start(key, widths):
    initializer, layers = jax.nn.initializers.glorot_uniform(), []
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        key, kernel = jax.random.split(key)
        layers.append((initializer(kernel, (inputs, outputs)), jnp.zeros(outputs)))
    return layers


def _affine(params):
    shift, log_scale = jnp.split(params, 2, axis=-1)
    return distrax.ScalarAffine(shift, log_scale=jnp.tanh(log_scale))


def _real_nvp(task, steps):
    half, optimizer = task.size // 2, optax.adam(JaxModel.rate)
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
    def step(state, x):
        params, opt_state = state
        value, gradients = jax.value_and_grad(lambda p: -distribution(p).log_prob(x).mean())(params)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value

    return JaxModel(
        task,
        steps,
        jax.jit(lambda state, x: distribution(state[0]).log_prob(x)),
        jax.jit(
            lambda state, key: distribution(state[0]).sample(seed=key, sample_shape=task.batch)
        ),
        step,
        (params, optimizer.init(params)),
        sum(leaf.size for leaf in jax.tree.leaves(params)),
    )


FAMILIES = {"real_nvp": _real_nvp}
LEFT_OUT = {
    "maf": "has no autoregressive bijector",
    "glow": "has no squeeze and no multi-scale bijector",
    "residual": "has no residual flow",
}
