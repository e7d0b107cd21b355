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

from benchmarks.competitors import RATE
from benchmarks.competitors.jax_common import JaxModel
from benchmarks.tasks import cyclic_units


def _model(task, steps, make, units):
    if len(set(units)) > 1:
        raise ValueError(f"flowjax has networks of one width, got {units}.")
    flow = make(
        jax.random.key(0),
        base_dist=Normal(jnp.zeros(task.size)),
        flow_layers=task.layers,
        nn_width=units[0],
        nn_depth=len(units),
    )
    params, static = eqx.partition(
        flow, eqx.is_inexact_array, is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable)
    )
    optimizer, loss = optax.adam(RATE), MaximumLikelihoodLoss()

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

    state = params, optimizer.init(params)
    return JaxModel(task, steps, log_prob, sample, step, state, _masked(flow))


def _masked(flow):
    """How many weights the masks take out; a mask is the condition of a `jnp.where`."""
    leaves = jax.tree.leaves(flow, is_leaf=lambda x: isinstance(x, paramax.Parameterize))
    wrapped = (leaf for leaf in leaves if isinstance(leaf, paramax.Parameterize))
    return sum(int((~leaf.args[0]).sum()) for leaf in wrapped if leaf.fn is jnp.where)


def real_nvp(task, steps):
    return _model(task, steps, flows.coupling_flow, task.hidden_units)


def maf(task, steps):
    return _model(task, steps, flows.masked_autoregressive_flow, cyclic_units(task))
