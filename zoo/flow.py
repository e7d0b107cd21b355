"""The flow: a stack of layers and a base distribution, as a Keras model and a TFP distribution."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

import numpy as np
from keras import ops

from zoo import adaptation, backend, computations, distributions, latents, saving, specs, views
from zoo.backend import tfd
from zoo.calls import Calls
from zoo.config import ModelConfig, choice, register
from zoo.display import Shown
from zoo.layers import FlowLayer, Stack
from zoo.training import LikelihoodModel
from zoo.typing import ArrayLike, Distribution, DType, PathLike, Seed, Shape, Tensor


@register("zoo")
class Flow(Shown, ModelConfig, LikelihoodModel):
    """A normalizing flow: `x = f(z)`, with `f` a stack of invertible layers and `z` from a base.

    `log p(x) = log p(z) + log|det dz/dx|` with `z = f^-1(x)`, in nats and in data units. Integer
    input means discrete data: uniform noise is added to it (dequantization, Theis et al., 2016,
    arXiv:1511.01844), and the density of the sum bounds the log-probability of the integers from
    below. Float input is taken as it is.

    The families of the zoo (`zoo.MAF`, `zoo.RealNVP`, ...) are flows with their layers given.

    Args:
      layers: `zoo.layers.FlowLayer`s from the data to the latent.
      event_shape: Shape of one event; read off the first layer where there is one.
      context_shape: Shape of one context vector that the layers are conditioned on, or `None`. The
        layers see it flattened.
      num_classes: Number of classes where the context is an integer label; the layers see it as a
        one-hot vector. Asked without a label, the flow is the uniform mixture over its classes.
      levels: Number of grey levels of discrete data; `None` for continuous data.
      base: `"normal"`, `"logistic"`, a `tfd.Distribution` over the latent, or a `Flow` over it.
      dequantization: Noise for integer data: `"uniform"`, `"variational"` (drawn from a flow given
        the data and trained with this one) or a `zoo.VariationalDequantizer`. Either way the
        density of the sum bounds that of the integers from below, and bits per dimension are an
        upper bound, the tighter one with trained noise.
      jit_compile: Whether to compile with XLA: `True`, `False`, or `"auto"`, which does so unless a
        layer says that it runs slower there.
      recompute: Where the gradient finds activations: `None` keeps them all, `"checkpoint"` what
        goes between layers, `"inverse"`, where inverses are exact, none; the rest is computed again
        (`layers.recompute`).
      dtype: Type or dtype policy of a Keras model.
      name: Name of a Keras model.

    Attributes:
      stack: The `zoo.layers.Stack` of the layers.
      event, context: What an event and a context are (`zoo.specs`).
      base: The base distribution as a Keras layer, or a `Flow`.
      metadata: Of a flow that `zoo.load` read, what the card of its entry says: its name, data set,
        figures, training and the figures that papers report; of another, empty. Further training
        does not change it.

    Raises:
      ValueError: The layers or the base do not fit together.

    Example:

    ```python
    layers = [zoo.layers.ActNorm((2,)), zoo.layers.Autoregressive((2,))]
    flow = zoo.Flow(layers)
    flow.log_prob([[0.1, -0.3]])
    ```
    """

    def __init__(
        self,
        layers: Iterable[FlowLayer],
        *,
        event_shape: Shape | None = None,
        context_shape: Shape | None = None,
        num_classes: int | None = None,
        levels: int | None = None,
        base: str | Distribution | Flow = "normal",
        dequantization: str | distributions.VariationalDequantizer = "uniform",
        jit_compile: bool | str = "auto",
        recompute: str | None = None,
        dtype: DType = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, name=name)
        self.stack = Stack(layers, event_shape, recompute, dtype=dtype)
        first = self.stack.layers[0] if self.stack.layers else None
        reach = {name: getattr(first, name, None) for name in ("margin", "limits")}
        if reach["limits"] is not None:  # As what is computed with has them.
            dtype = "float64" if self.variable_dtype == "float64" else "float32"
            reach["limits"] = tuple(np.asarray(end, dtype) for end in reach["limits"])
        self.event = specs.EventSpec(self.stack.event_shape, levels, **reach)
        self.context = specs.ContextSpec(context_shape, num_classes)
        self.jit = choice("jit_compile", jit_compile, (True, False, "auto"))
        self.base = distributions.base(base, self.latent_shape, self.dtype_policy)
        self.dequantizer = distributions.dequantizer(
            dequantization, self.event_shape, levels, self.dtype_policy
        )
        self._calls = Calls(self)
        self.__dict__["metadata"] = {}  # Past the tracking of attributes: facts.
        self.built = True

    # What the flow is, and the functions that are exported.

    computations = computations

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        return self.stack.latent_shape

    @property
    def recompute(self) -> str | None:
        """How activations are found for the gradient."""
        return self.stack.recompute

    @property
    def uses_xla(self) -> bool:
        """Whether calls and training steps are compiled with XLA."""
        if self.jit != "auto":
            return self.jit
        return self.stack.prefers_xla and getattr(self.dequantizer, "prefers_xla", True)

    @property
    def stacks(self) -> list[Stack]:
        """The stack, and those of flows below it."""
        return [self.stack, *(self.base.stacks if isinstance(self.base, Flow) else [])]

    @property
    def estimates(self) -> bool:
        """Whether `log_prob` is an estimate: another one for each seed."""
        return any(stack.estimates for stack in self.stacks)

    @property
    def series_terms(self) -> int | None:
        """Terms after which `log_prob` cuts off series of log-determinants; `None` where none is.

        What is cut off is a bias, bounded by `d sum_{k > terms} L^k / k` for each residual map of
        Lipschitz constant `L` on `d` dimensions (Behrmann et al., 2019, theorem 3).
        """
        found = (stack.series_terms for stack in self.stacks)
        return min((terms for terms in found if terms is not None), default=None)

    def update_spectral_norms(self) -> None:
        """Brings the power iterations of Lipschitz networks to convergence with today's weights.

        `fit`, `evaluate` and `adapt` call it; who trains in another way calls it before using the
        flow. Flows without such networks are not changed.
        """
        for stack in self.stacks:
            stack.update_spectral_norms()
        self._calls.norms.see()

    def set_weights(self, weights):
        """As in Keras; norms of Lipschitz networks that do not come with the weights are found."""
        super().set_weights(weights)
        if self._calls.norms.stale():
            self.update_spectral_norms()

    # Public calls: checked, compiled on first use, inlined within a user's own function.

    def log_prob(self, x: ArrayLike, context: ArrayLike | None = None, seed: Seed = None) -> Tensor:
        """Log-likelihood in nats, in data units (one grey level has length 1).

        Args:
          x: `[batch, *event_shape]`. Integers are dequantized (uniform noise, or the flow's own),
            and the result is then a lower bound of their log-probability, on average; floats are
            taken as they are.
          context: `[batch, *context_shape]` or one `[*context_shape]` for all; class labels for a
            class-conditional flow, which without them is the uniform mixture over its classes.
          seed: Integer that fixes the noise, and the estimate where log-determinants are
            estimated (`estimates`); fresh ones without it. The mixture over classes of estimated
            densities is biased upwards: by up to half their variance where many classes are
            alike, and hardly where one dominates.

        Returns:
          Tensor `[batch]`.

        Raises:
          ValueError: A shape, a type or a value is not as described.
          zoo.NotConverged: A layer that iterates did not reach its tolerance. So do `encode`,
            `decode`, `sample` and what is made of them.
        """
        x = self.event.check(x)
        context = self.context.check(context, backend.length(x), optional=self.context.labels)
        # A fresh seed that nothing needs would only cost time; one that is given is checked.
        if seed is not None or specs.is_integer(x) or self.estimates:
            seed = backend.make_seed(seed)
        # Noise is drawn here, for XLA has random numbers of its own.
        noise = computations.draw_noise(self, x, seed)
        rest = (seed if self.estimates else None,)
        return self._calls(computations.density, x, context, noise, rest=rest)

    def bits_per_dim(
        self, x: ArrayLike, context: ArrayLike | None = None, seed: Seed = None
    ) -> Tensor:
        """`-log2 p(x) / d`, bits per dimension, `[batch]`; arguments as in `log_prob`.

        Of integers it is on average an upper bound.
        """
        return self.to_bits(self.log_prob(x, context, seed))

    def encode(self, x: ArrayLike, context: ArrayLike | None = None) -> Tensor:
        """Data `[batch, *event_shape]` to latents `[batch, *latent_shape]`.

        Integers are encoded at the middle of their level. Arguments as in `log_prob`; a
        class-conditional flow needs labels here. Floats may leave the levels where the flow's own
        samples do.
        """
        x = self.event.check(x, bounded=False)
        return self._calls(computations.encode, x, self.context.check(context, backend.length(x)))

    def decode(self, z: ArrayLike, context: ArrayLike | None = None) -> Tensor:
        """Latents `[batch, *latent_shape]` to data `[batch, *event_shape]`; inverts `encode`."""
        z = specs.check_latent(z, self.latent_shape)
        return self._calls(computations.decode, z, self.context.check(context, backend.length(z)))

    def sample(
        self,
        n: int | Tensor,
        context: ArrayLike | None = None,
        seed: Seed = None,
        temperature: float | Tensor = 1.0,
    ) -> Tensor:
        """Draws events `[n, *event_shape]`, floats in data units.

        Args:
          n: Number of samples.
          context: `[n, *context_shape]` or one `[*context_shape]` for all; class labels for a
            class-conditional flow, which without them draws them uniformly.
          seed: Integer: the same one gives the same samples, in every process.
          temperature: Factor on the latent's deviation from the base's mean (Kingma and Dhariwal,
            2018, section 6): below 1 samples are more typical, 1 samples the flow itself.

        Raises:
          ValueError: An argument is not as described.
        """
        return self._sampled(n, context, seed, temperature, computations.decode)

    def _sampled(self, n, context, seed, temperature, decode, rest=()):
        """Samples by a function of `zoo.computations`, of which `rest` are further arguments."""
        n = specs.check_count(n, "n", self.event.size)
        temperature = specs.check_temperature(temperature)
        context = self.context.check(context, n, optional=self.context.labels)
        seed = backend.make_seed(seed)
        drawn = self._calls.draw(n, context, seed, temperature)
        return self._calls(decode, *drawn, rest=rest)

    def to_levels(self, x: ArrayLike) -> Tensor:
        """Samples as grey levels: `floor`, within `0..levels-1`, integers `[batch, *event_shape]`.

        Raises:
          ValueError: The flow is over continuous data.
        """
        return self.event.to_levels(x)

    bijector = views.bijector
    distribution = views.distribution
    adapt = adaptation.adapt
    interpolate = latents.interpolate
    attribute_direction = latents.attribute_direction
    manipulate = latents.manipulate
    inverse_report = latents.inverse_report

    export = saving.export
    from_preset = classmethod(saving.from_preset)

    def save_to_preset(self, folder: PathLike, overwrite: bool = False) -> pathlib.Path:
        """Writes the flow as a preset, keras-hub's three files; see `zoo.save`."""
        return saving.save(self, folder, overwrite=overwrite, unpacked=True)

    # What training and saving ask of a flow.

    def log_likelihood(self, x, context=None, seed=None, training=False):
        x = self.event.check(x)
        context = self.context.check(context, ops.shape(x)[0], optional=self.context.labels)
        noise = computations.draw_noise(self, x, seed)
        return computations.density(self, x, context, noise, seed, training)

    def prepare(self, x, context, seed):
        """Events as floats and their checked context, for losses that need no density."""
        x = self.event.check(x)
        context = self.context.check(context, ops.shape(x)[0])
        return computations.to_floats(self, x, computations.draw_noise(self, x, seed))[0], context

    def draw(self, n, context, seed):
        """Latents `[n, *latent_shape]` of the base, for losses that need no density."""
        return computations.draw(self, n, context, seed, 1.0)[0]

    def sample_latent(self, n, context, seed, temperature):
        """`n` events `[n, *event_shape]` for a flow that has this one as its base."""
        context = context if self.conditional else None
        return computations.decode(self, *computations.draw(self, n, context, seed, temperature))

    def get_config(self):
        """The constructor's arguments, and the places of layers and weights that are frozen."""
        if isinstance(self._arguments.get("base"), tfd.Distribution):
            self._arguments["base"] = self.base  # The layer around it, which Keras can serialize.
        return super().get_config()
