"""flowjax, on JAX."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import paramax
from flowjax import flows
from flowjax.distributions import Normal
from flowjax.train import step as flowjax_step
from flowjax.train.losses import MaximumLikelihoodLoss

from benchmarks.competitors.jax_common import JaxModel
from benchmarks.tasks import cyclic_units


def _model(task, steps, flow):
    params, static = eqx.partition(
        flow, eqx.is_inexact_array, is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable)
    )
    optimizer, loss = optax.adam(JaxModel.rate), MaximumLikelihoodLoss()

    def step(state, x):
        # The step of its own `fit_to_data`, without the overhead of that loop.
        params, opt_state, value = flowjax_step(
            state[0], static, x, optimizer=optimizer, opt_state=state[1], loss_fn=loss
        )
        return (params, opt_state), value

    @eqx.filter_jit
    def log_prob(state, x):
        return eqx.combine(state[0], static).log_prob(x)

    @eqx.filter_jit
    def sample(state, key):
        return eqx.combine(state[0], static).sample(key, (task.batch,))

    count = sum(leaf.size for leaf in jax.tree.leaves(params)) - _masked(flow)
    return JaxModel(task, steps, log_prob, sample, step, (params, optimizer.init(params)), count)


def _masked(flow):
    """How many weights the masks take out; a mask is the condition of a `jnp.where`."""
    wrapped = [
        leaf
        for leaf in jax.tree.leaves(flow, is_leaf=lambda x: isinstance(x, paramax.Parameterize))
        if isinstance(leaf, paramax.Parameterize) and leaf.fn is jnp.where
    ]
    return sum(int((~leaf.args[0]).sum()) for leaf in wrapped)


def _arguments(task, units):
    if len(set(units)) > 1:
        raise ValueError("flowjax has networks of one width.")
    return {
        "base_dist": Normal(jnp.zeros(task.size)),
        "flow_layers": task.layers,
        "nn_width": units[0],
        "nn_depth": len(units),
    }


def _real_nvp(task, steps):
    flow = flows.coupling_flow(jax.random.key(0), **_arguments(task, task.hidden_units))
    return _model(task, steps, flow)


def _maf(task, steps):
    arguments = _arguments(task, cyclic_units(task))
    flow = flows.masked_autoregressive_flow(jax.random.key(0), **arguments)
    return _model(task, steps, flow)


FAMILIES = {"real_nvp": _real_nvp, "maf": _maf}
LEFT_OUT = {
    "glow": "has no convolutional or multi-scale flow",
    "residual": "has no residual flow",
}
