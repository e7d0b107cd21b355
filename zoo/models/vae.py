"""Variational autoencoder (Kingma and Welling, 2014, arXiv:1312.6114) with flows inside."""

from __future__ import annotations

import contextlib
import pathlib

import keras
from keras import ops

from zoo import backend, config, distributions, saving, specs, variational
from zoo.backend import tfd
from zoo.config import ModelConfig, choice, count, register
from zoo.display import Shown
from zoo.distributions import OBSERVATIONS
from zoo.flow import Flow
from zoo.saving import untrusted
from zoo.training import ELBO, LikelihoodModel
from zoo.typing import ArrayLike, Distribution, DType, PathLike, Seed, Tensor


@register("zoo")
class VAE(Shown, ModelConfig, LikelihoodModel):
    """A latent-variable model of grey levels, trained by a bound of its likelihood.

    `z ~ p(z)`, the prior, any flow; `x ~ p(x | z)`, independent entries whose parameters the
    decoder gives; and as approximate posterior `q(z | x)` any flow whose context is what the
    encoder says of `x` (Rezende and Mohamed, 2015, arXiv:1505.05770; Kingma et al., 2016,
    arXiv:1606.04934). It is trained on the evidence lower bound `E_q[log p(x | z) - log q(z | x) +
    log p(z)]`, by `fit`.

    Its `log_prob` is the importance-weighted bound (Burda et al., 2016, arXiv:1509.00519) of
    `samples` latents, on average below `log P(x)` and above the evidence lower bound. Integers need
    no noise; floats, as samples of other models, are read as the level below them.

    Args:
      encoder: Keras layer or model from `[n, *event_shape]`, levels scaled to `(-1, 1)`, to
        `[n, *context_shape]` of the posterior.
      decoder: Keras layer or model from `[n, *latent_shape]` to what `likelihood` takes. Both are
        saved as what they are; `zoo.load` admits `keras.Sequential` models of Keras' plain layers
        and classes registered with `keras.saving`.
      posterior: `zoo.Flow` over the latent with a `context_shape`. One whose samples take one pass
        is fast: `zoo.IAF`, or `zoo.Planar` and `zoo.Sylvester` with `fast="sample"`.
      prior: `"normal"`, `"logistic"`, or a `tfd.Distribution` or a `zoo.Flow` over the latent.
      likelihood: `"bernoulli"`, whose decoder gives logits `[n, *event_shape]`, or
        `"discretized_logistic"` (Kingma et al., 2016, appendix), whose decoder gives locations and
        log-scales, `[n, *event_shape]` with twice the entries in the last axis, first the
        locations; 0 is the middle of the range, -1 and 1 are its ends.
      levels: Number of grey levels; 2, and no other, for `"bernoulli"`.
      free_bits: Nats of each latent dimension that the loss does not charge; see
        `zoo.training.ELBO`.
      kl_warmup_steps: Training steps in which the weight of the KL divergence grows to 1.
      samples: Latents of an event in `log_prob`.
      jit_compile: Whether training steps are compiled with XLA: `True`, `False` or `"auto"`, which
        asks the flows, and does not where there are convolutions.
      dtype: Type or dtype policy of a Keras model; that of the posterior by default.
      name: Name of a Keras model.

    Example:

    ```python
    from keras import layers

    encoder = keras.Sequential([layers.Flatten(), layers.Dense(32, "relu")])
    decoder = keras.Sequential([layers.Dense(64), layers.Reshape((8, 8, 1))])
    posterior = zoo.IAF((4,), context_shape=(32,), num_layers=2, hidden_units=(32,))
    vae = zoo.VAE(encoder, decoder, posterior, prior="normal")
    vae.importance_bound(np.zeros((1, 8, 8, 1), int), samples=16)
    ```

    Raises:
      ValueError: The parts do not fit together, or an argument is not as described.
    """

    def __init__(
        self,
        encoder: keras.Layer,
        decoder: keras.Layer,
        posterior: Flow,
        prior: str | Distribution | Flow = "normal",
        *,
        likelihood: str = "bernoulli",
        levels: int = 2,
        free_bits: float = 0.0,
        kl_warmup_steps: int = 0,
        samples: int = 128,
        jit_compile: bool | str = "auto",
        dtype: DType = None,
        name: str | None = None,
    ) -> None:
        _check_posterior(posterior)
        super().__init__(dtype=posterior.dtype_policy if dtype is None else dtype, name=name)
        self.observed = OBSERVATIONS[choice("likelihood", likelihood, tuple(OBSERVATIONS))]
        levels = count("levels", levels, least=2)
        if likelihood == "bernoulli" and levels != 2:
            raise ValueError(
                f"likelihood='bernoulli' is of 2 levels, got levels={levels}: use "
                "likelihood='discretized_logistic', or binarize the data."
            )
        if not config.is_number(free_bits) or free_bits < 0:
            raise ValueError(f"free_bits must be a number of at least 0, got {free_bits!r}.")
        self.free_bits = float(free_bits)
        self.kl_warmup_steps = count("kl_warmup_steps", kl_warmup_steps, least=0)
        self.samples = count("samples", samples)
        self.jit = choice("jit_compile", jit_compile, (True, False, "auto"))
        self.posterior = posterior
        self.prior = distributions.base(prior, posterior.event_shape, self.dtype_policy)
        if getattr(self.prior, "conditional", False):
            raise ValueError("prior must be a flow without a context, got one that takes one.")
        for what, network in (("encoder", encoder), ("decoder", decoder)):
            if not isinstance(network, keras.Layer):
                raise ValueError(f"{what} must be a Keras layer or model, got {network!r:.60}.")
        self.encoder, self.decoder = encoder, decoder
        self.event = specs.EventSpec(self._event_shape(), levels)
        self._check_encoder()
        self._step = None
        if self.kl_warmup_steps:
            self._step = self.add_weight(
                name="step", initializer="zeros", trainable=False, aggregation="only_first_replica"
            )
        self.training_loss = ELBO()
        self._calls = backend.CompiledCalls(self)
        self.__dict__["metadata"] = {}  # As a flow's: past the tracking of attributes.
        self.built = True

    def _event_shape(self):
        """The shape of an event, as the decoder has it; builds the decoder."""
        z = ops.zeros((1, *self.latent_shape), dtype=self.variable_dtype)
        with _told_in_one_line("decoder", "latents", self.latent_shape):
            shape = tuple(self.decoder(z).shape[1:])
        times = self.observed.num_params
        if not shape or shape[-1] % times:
            raise ValueError(
                f"decoder must give {times} numbers for each entry of an event along its last axis"
                f", got events of shape {shape}."
            )
        return (*shape[:-1], shape[-1] // times)

    def _check_encoder(self):
        """Builds the encoder, and compares it with the posterior."""
        with _told_in_one_line("encoder", "events", self.event_shape):
            got = tuple(variational.code(self, ops.zeros((1, *self.event_shape))).shape[1:])
        if got != self.posterior.context_shape:
            raise ValueError(
                f"encoder must give what the posterior takes, a context of shape "
                f"{self.posterior.context_shape}, got {got}."
            )

    # What the model is, in the words of a flow.

    def _summary_parts(self):
        yield "encoder", self.encoder, self.event_shape, self.posterior.context_shape
        yield "posterior", self.posterior, self.latent_shape, self.posterior.latent_shape
        yield "prior", self.prior, self.latent_shape, self.latent_shape
        yield "decoder", self.decoder, self.event_shape, self.latent_shape

    # The functions that are exported.
    computations = variational
    series_terms = dequantizer = None
    estimates = True

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        return self.posterior.event_shape

    @property
    def uses_xla(self) -> bool:
        """Whether training steps are compiled with XLA."""
        if self.jit != "auto":
            return self.jit
        weights = [*self.encoder.weights, *self.decoder.weights]
        convolutions = any(len(weight.shape) > 2 for weight in weights)
        return (
            not convolutions and self.posterior.uses_xla and getattr(self.prior, "uses_xla", True)
        )

    # Distributions.

    def posterior_of(self, x: ArrayLike) -> Distribution:
        """`q(z | x)` of events `[n, *event_shape]`, a `tfd.Distribution` over latents."""
        x = variational.to_levels(self, self.event.check(x))
        return self.posterior.distribution(variational.code(self, x))

    def observation(self, z: ArrayLike) -> Distribution:
        """`p(x | z)` of latents `[*batch, *latent_shape]`, a `tfd.Distribution` over levels."""
        z = specs.tensor(z, "z")
        if tuple(z.shape)[-len(self.latent_shape) :] != self.latent_shape:
            raise ValueError(f"z must have shape [..., {self.latent_shape}], got {tuple(z.shape)}.")
        return variational.observation(self, ops.cast(z, self.variable_dtype))

    # Public calls.

    def elbo(self, x: ArrayLike, seed: Seed = None) -> Tensor:
        """The evidence lower bound, of one latent an event, nats `[n]`; see `importance_bound`."""
        return self._run(variational.elbo, self.event.check(x), backend.make_seed(seed))

    def importance_bound(self, x: ArrayLike, samples: int = 128, seed: Seed = None) -> Tensor:
        """`log 1/K sum_k p(x, z_k) / q(z_k | x)` with `K` latents of the posterior, nats `[n]`.

        On average at most `log P(x)`, and the closer to it the more samples; with one it is the
        evidence lower bound (Burda et al., 2016, theorem 1). Memory does not grow with `samples`.

        Args:
          x: Events `[n, *event_shape]`: integers `0..levels-1`, or floats, read as the level below.
          samples: `K`.
          seed: Integer that fixes the latents; fresh ones without it.

        Raises:
          ValueError: An argument is not as described.
        """
        x = self.event.check(x)
        samples = ops.convert_to_tensor(count("samples", samples), dtype="int32")
        return self._run(variational.importance_bound, x, backend.make_seed(seed), samples)

    def log_prob(self, x: ArrayLike, context: None = None, seed: Seed = None) -> Tensor:
        """The importance-weighted bound with the model's `samples`, nats `[n]`.

        Args:
          x, seed: As in `importance_bound`.
          context: None is taken.

        Raises:
          ValueError: An argument is not as described.
        """
        self._refuse(context)
        return self.importance_bound(x, self.samples, seed)

    def bits_per_dim(self, x: ArrayLike, context: None = None, seed: Seed = None) -> Tensor:
        """`-log_prob / (d log 2)`, `[n]`, on average an upper bound; arguments as in `log_prob`."""
        return self.to_bits(self.log_prob(x, context, seed))

    def encode(self, x: ArrayLike) -> Tensor:
        """The middle of the posterior, where its base's mean is taken, `[n, *latent_shape]`."""
        return self._run(variational.encode, self.event.check(x))

    def decode(self, z: ArrayLike) -> Tensor:
        """The middle of `p(x | z)` for latents `[n, *latent_shape]`: floats `[n, *event_shape]`.

        Means of a Bernoulli; of a discretized logistic its locations, within the levels.
        """
        return self._run(variational.decode, specs.check_latent(z, self.latent_shape))

    def sample(
        self,
        n: int | Tensor,
        context: None = None,
        seed: Seed = None,
        temperature: float | Tensor = 1.0,
    ) -> Tensor:
        """Draws events `[n, *event_shape]`: levels, whole numbers as floats.

        Args:
          n: Number of samples.
          context: None is taken.
          seed: Integer: the same one gives the same samples, in every process.
          temperature: Factor on the latent's deviation from the prior's mean.

        Raises:
          ValueError: An argument is not as described.
        """
        self._refuse(context)
        n = specs.check_count(n, "n", self.event.size)
        temperature, seed = specs.check_temperature(temperature), backend.make_seed(seed)
        if not isinstance(n, int) or backend.has_tracers([seed]) or backend.NAME != "tensorflow":
            return variational.sample(self, n, seed, temperature)
        factor = 1.0
        if temperature != 1:
            factor = ops.convert_to_tensor(temperature, dtype=self.variable_dtype)
        drawn = self._calls.function(variational.sample, jit=False)
        return drawn(ops.convert_to_tensor(max(n, 1)), seed, factor)[:n]

    to_levels = Flow.to_levels

    def export(self, folder: PathLike, overwrite: bool = False) -> pathlib.Path:
        """Writes a SavedModel; see `zoo.export`. Its `log_prob` is that of seed 0."""
        return saving.export(self, folder, overwrite)

    from_preset = classmethod(saving.from_preset)

    def save_to_preset(self, folder: PathLike, overwrite: bool = False) -> pathlib.Path:
        """Writes the model as a preset, keras-hub's three files; see `zoo.save`."""
        return saving.save(self, folder, overwrite=overwrite, unpacked=True)

    def _refuse(self, context):
        if context is not None:
            raise ValueError("This model takes no context, got one.")

    def _run(self, function, x, *rest):
        """Runs a computation over rows, compiled; inside a user's own function, inlined."""
        if backend.has_tracers([x, *rest]):
            return function(self, x, *rest)
        # Not by XLA, whose random numbers are others.
        return self._calls(function, (x,), rest, jit=False)

    # What training and saving ask.

    def log_likelihood(self, x, context=None, seed=None, training=False):
        log_likelihood, kl = self.elbo_terms(x, seed, training)
        return log_likelihood - kl

    def elbo_terms(self, x, seed=None, training=False):
        """`log p(x | z)` and `log q(z | x) - log p(z)`, nats `[n]`, for losses."""
        x = variational.to_levels(self, self.event.check(x))
        if isinstance(seed, keras.random.SeedGenerator):
            seed = backend.draw_seed(seed)
        context = variational.code(self, x, training)
        return variational.terms(self, x, context, seed, training)

    def warmup(self, training=False):
        """Weight of the KL divergence in this step, counted where weights are trained."""
        if self._step is None:
            return 1.0
        step = backend.value(self._step)
        if training:
            self._step.assign(step + 1.0)
        return ops.minimum((step + 1.0) / self.kl_warmup_steps, 1.0)

    def adapt(self, x: ArrayLike, context: None = None) -> None:
        """Checks one batch of data, as flows do; there is nothing to initialise from it."""
        self._refuse(context)
        self.event.check(x)

    def update_spectral_norms(self) -> None:
        """As of flows, of the posterior and the prior."""
        for part in (self.posterior, self.prior):
            if isinstance(part, LikelihoodModel):
                part.update_spectral_norms()

    def set_weights(self, weights):
        """As in Keras; norms of Lipschitz networks that do not come with the weights are found."""
        super().set_weights(weights)
        self.update_spectral_norms()

    def get_config(self):
        """The constructor's arguments, and the places of layers and weights that are frozen."""
        if isinstance(self._arguments.get("prior"), tfd.Distribution):
            self._arguments["prior"] = self.prior  # The layer around it, which Keras can serialize.
        return super().get_config()


@contextlib.contextmanager
def _told_in_one_line(network, what, shape):
    """Says which network fails for which shapes; Keras tells it in many lines, of many kinds."""
    try:
        yield
    except Exception as error:
        cause = untrusted.one_line(error)
        raise ValueError(f"{network} cannot take {what} of shape {shape}: {cause}") from error


def _check_posterior(posterior):
    """Refuses what cannot be a posterior."""
    fits = isinstance(posterior, Flow) and posterior.levels is None
    if not fits or posterior.context_shape is None or posterior.num_classes:
        got = repr(posterior) if isinstance(posterior, str) else type(posterior).__name__
        raise ValueError(
            "posterior must be a zoo.Flow over continuous latents with a context_shape, that of "
            f"the encoder's output; got {got}."
        )
