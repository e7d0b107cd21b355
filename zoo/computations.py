"""What a flow computes: what is compiled, trained and exported.

Tensors in, tensors out, any leading shape, nothing checked but what `zoo.Flow` has checked before.
`context` is not embedded yet; `seed` is a stateless seed, a `keras.random.SeedGenerator` where a
seed may be drawn when it is needed, or `None` for fixed ones.
"""

import math

from keras import ops

from zoo import backend, distributions, specs
from zoo.training import LikelihoodModel


def density(flow, x, context=None, noise=None, seed=None, training=False):
    """`log p(x | context)`, nats `[*batch]`, of `x [*batch, *event_shape]`.

    `noise`, uniform and of the shape of `x`, is for integers. A class-conditional flow without
    labels is the uniform mixture over its classes.
    """
    x, log_q = to_floats(flow, x, noise)
    mixture = flow.context.num_classes and context is None
    if mixture:
        x = ops.expand_dims(x, -len(flow.event.shape) - 1)
        context = ops.arange(flow.context.num_classes, dtype="int32")
    z, log_det = bijector(flow, context, seed, training).inverse_and_log_det(x)
    log_prob = base_distribution(flow, context, training).log_prob(z) + log_det
    if mixture:
        # Where no layer looks at the context there is one column, not one a class.
        log_prob = log_prob + ops.zeros(flow.context.num_classes, dtype=log_prob.dtype)
        log_prob = ops.logsumexp(log_prob, axis=-1) - math.log(flow.context.num_classes)
    return log_prob - log_q


def encode(flow, x, context=None):
    """`x [*batch, *event_shape]` to latents `[*batch, *latent_shape]`; integers at their middle."""
    return bijector(flow, context).inverse_value(to_floats(flow, x)[0])


def decode(flow, z, context=None):
    """`z [*batch, *latent_shape]` to events `[*batch, *event_shape]`."""
    return bijector(flow, context).forward_value(ops.cast(z, flow.variable_dtype))


def decode_guided(flow, z, context, guidance):
    """As `decode`, of one batch axis, by layers that are guided; see `layers.Stack.guided`."""
    context = flow.context.embed(context, flow.variable_dtype)
    return flow.stack.guided(ops.cast(z, flow.variable_dtype), context, guidance)


def draw(flow, n, context, seed, temperature):
    """Latents `[n, *latent_shape]` from the base, and their contexts: labels are drawn too."""
    of_labels, of_base = backend.split_seed(seed)
    if flow.context.num_classes and context is None:
        context = draw_labels(flow, n, of_labels)
    given = _of_base(flow, context)
    return distributions.sample_base(flow.base, n, given, of_base, temperature), context


def emit(flow, z, context=None, seed=None, decode=None):
    """Events of the latents that `draw` gave: what decodes them, a compiled `decode` say."""
    return decode(z, context)


def bijector(flow, context=None, seed=None, training=False):
    """The stack given a context, latent to data."""
    context = flow.context.embed(context, flow.variable_dtype)
    return flow.stack.bijector(context, backend.Randomness(seed, training))


def base_distribution(flow, context=None, training=False):
    """The base given a context, a `tfd.Distribution` over latents."""
    if isinstance(flow.base, LikelihoodModel):
        return flow.base.distribution(_of_base(flow, context), training)
    return flow.base.distribution(_of_base(flow, context))


def _of_base(flow, context):
    # A base that is a flow embeds its context itself.
    if isinstance(flow.base, LikelihoodModel):
        return context if flow.base.conditional else None
    return flow.context.embed(context, flow.variable_dtype)


def to_floats(flow, x, noise=None):
    """Data as floats, and `log q` of the noise, nats; integers without noise at their middle."""
    discrete = specs.is_integer(x)
    x = ops.cast(x, flow.variable_dtype)
    if not discrete:
        return x, 0.0
    if noise is None:
        return x + 0.5, 0.0
    if flow.dequantizer is None:
        return x + noise, 0.0
    noise, minus_log_q = flow.dequantizer(noise, x)
    return x + noise, -minus_log_q


def draw_noise(flow, x, seed):
    """Noise in `[0, 1)` of the shape of integers `x`; `None` for floats."""
    if not specs.is_integer(x):
        return None
    return backend.uniform(ops.shape(x), flow.variable_dtype, seed)


def draw_labels(flow, n, seed):
    """Class labels `[n]`, uniform."""
    shape = backend.ps.reshape(n, [1])
    return backend.samplers.uniform(
        shape, maxval=flow.context.num_classes, dtype="int32", seed=seed
    )
