"""What a VAE computes, as `zoo.computations` has it of flows: compiled, trained and exported.

Events are grey levels; floats stand for the level below them, so that the probability of a level is
the density of all floats `[level, level + 1)`. Seeds are stateless.
"""

from keras import ops

from zoo import backend, computations, distributions, specs
from zoo.training import LikelihoodModel

AT_ONCE = 8  # importance samples of an event


def to_levels(vae, x):
    """Events as whole numbers, floats."""
    discrete = specs.is_integer(x)
    x = ops.cast(x, vae.variable_dtype)
    return x if discrete else ops.clip(ops.floor(x), 0.0, vae.levels - 1.0)


def code(vae, x, training=False):
    """What the encoder says of levels `x [n, *event_shape]`: the posterior's context."""
    seen = (2.0 * x + 1.0) / vae.levels - 1.0
    return ops.cast(vae.encoder(seen, training=training), vae.variable_dtype)


def prior(vae, training=False):
    """The prior, a `tfd.Distribution` over latents."""
    if isinstance(vae.prior, LikelihoodModel):
        return vae.prior.distribution(training=training)
    return vae.prior.distribution()


def params(vae, z, training=False):
    """The decoder's output for latents `[*batch, *latent_shape]`, `[*batch, ...]`."""
    latent = vae.latent_shape
    lead = ops.shape(z)[: len(z.shape) - len(latent)]
    y = vae.decoder(ops.reshape(z, (-1, *latent)), training=training)
    return ops.reshape(ops.cast(y, vae.variable_dtype), (*lead, *y.shape[1:]))


def observation(vae, z, training=False):
    """`p(x | z)` of latents `[*batch, *latent_shape]`, a `tfd.Distribution` over levels."""
    y = params(vae, z, training)
    return vae.observed.distribution(y, vae.levels, len(vae.event_shape))


def terms(vae, x, context, seed, training=False, draws=()):
    """`log p(x | z)` and `log q(z | x) - log p(z)`, nats `[*draws, n]`, `z` from the posterior."""
    posterior = vae.posterior.distribution(context, training)
    z, log_q = posterior.experimental_sample_and_log_prob(draws, seed=seed)
    log_likelihood = observation(vae, z, training).log_prob(x)
    return log_likelihood, log_q - prior(vae, training).log_prob(z)


def elbo(vae, x, seed):
    """The evidence lower bound `[n]`, of one latent each."""
    x = to_levels(vae, x)
    log_likelihood, kl = terms(vae, x, code(vae, x), seed)
    return log_likelihood - kl


def importance_bound(vae, x, seed, samples):
    """`log 1/K sum_k p(x, z_k) / q(z_k | x)`, `[n]`, in a loop that holds `AT_ONCE` of them."""
    x = to_levels(vae, x)
    context = code(vae, x)

    def more(i, state):
        of_these = backend.samplers.fold_in(seed, i)
        log_likelihood, kl = terms(vae, x, context, of_these, draws=(AT_ONCE,))
        counted = ops.cast(i * AT_ONCE, "int32") + ops.arange(AT_ONCE, dtype="int32") < samples
        log_weights = ops.where(counted[:, None], log_likelihood - kl, lowest)
        return (ops.logaddexp(state[0], ops.logsumexp(log_weights, axis=0)),)

    # Not infinite, for the gradient's sake.
    lowest = ops.cast(-1e30, x.dtype)
    start = ops.zeros_like(ops.reshape(x, (ops.shape(x)[0], -1))[:, 0]) + lowest
    (total,) = backend.loop((samples + AT_ONCE - 1) // AT_ONCE, more, (start,))
    return total - ops.log(ops.cast(samples, total.dtype))


# The same names and arguments as those of `zoo.computations`.


def density(vae, x, context=None, noise=None, seed=None, training=False):
    """The bound with the model's number of samples, nats `[n]`."""
    return importance_bound(vae, x, seed, vae.samples)


def to_floats(vae, x, noise=None):
    """Integers as floats of their level, without noise."""
    return to_levels(vae, x), 0.0


def draw_noise(vae, x, seed):
    """Levels have probabilities here, and need no noise."""
    return None


def encode(vae, x, context=None):
    """The posterior's image of its base's middle, `[n, *latent_shape]`."""
    context = code(vae, to_levels(vae, x))
    seed = backend.make_seed(0)
    middle, _ = computations.draw(vae.posterior, ops.shape(x)[0], context, seed, 0.0)
    return computations.decode(vae.posterior, middle, context)


def decode(vae, z, context=None):
    """The middles of `p(x | z)`, `[n, *event_shape]`, of latents."""
    return vae.observed.middle(params(vae, ops.cast(z, vae.variable_dtype)), vae.levels)


def draw(vae, n, context, seed, temperature):
    """Latents `[n, *latent_shape]` of the prior."""
    of_latents = backend.split_seed(seed)[0]
    return distributions.sample_base(vae.prior, n, None, of_latents, temperature), None


def emit(vae, z, context, seed, decode=None):
    """Events drawn given latents; the seed is that of `draw`."""
    return observation(vae, z).sample(seed=backend.split_seed(seed)[1])


def sample(vae, n, seed, temperature):
    """Events `[n, *event_shape]`, floats that are whole numbers."""
    return emit(vae, *draw(vae, n, None, seed, temperature), seed)
