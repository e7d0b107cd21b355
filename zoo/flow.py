"""The flow: a stack of layers and a base distribution, as a Keras model and a TFP distribution."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from keras import ops

from zoo import backend, computations, distributions, latents, saving, specs, values
from zoo.backend import tfd
from zoo.config import ModelConfig, choice, register
from zoo.layers import FlowLayer, Stack
from zoo.networks import SpectralNorms
from zoo.training import LikelihoodModel
from zoo.typing import ArrayLike, Bijector, Distribution, DType, PathLike, Seed, Shape, Tensor


@register("zoo")
class Flow(ModelConfig, LikelihoodModel):
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
        self.event = specs.EventSpec(self.stack.event_shape, levels, **reach)
        self.context = specs.ContextSpec(context_shape, num_classes)
        self.jit = choice("jit_compile", jit_compile, (True, False, "auto"))
        self.base = distributions.base(base, self.latent_shape, self.dtype_policy)
        self.dequantizer = distributions.dequantizer(
            dequantization, self.event_shape, levels, self.dtype_policy
        )
        self._calls = backend.CompiledCalls(self)
        # Past the tracking of attributes: facts, and what is a part of the stacks.
        self.__dict__["metadata"] = {}
        parts = [part for stack in self._stacks() for part in stack.parts()]
        self.__dict__["_norms"] = SpectralNorms(parts)
        self.built = True

    # What the flow is, and the functions that are exported.

    computations = computations

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event."""
        return self.event.shape

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        return self.stack.latent_shape

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of one context: `()` for labels, `None` where the flow takes none."""
        return self.context.shape

    @property
    def num_classes(self) -> int | None:
        """Number of classes of an integer context, or `None`."""
        return self.context.num_classes

    @property
    def conditional(self) -> bool:
        """Whether the flow takes a context."""
        return self.context.exists

    @property
    def levels(self) -> int | None:
        """Number of grey levels of discrete data, or `None`."""
        return self.event.levels

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

    def _stacks(self):
        """The stack, and those of flows below it."""
        return [self.stack, *(self.base._stacks() if isinstance(self.base, Flow) else [])]

    @property
    def estimates(self) -> bool:
        """Whether `log_prob` is an estimate: another one for each seed."""
        return any(stack.estimates for stack in self._stacks())

    @property
    def series_terms(self) -> int | None:
        """Terms after which `log_prob` cuts off series of log-determinants; `None` where none is.

        What is cut off is a bias, bounded by `d sum_{k > terms} L^k / k` for each residual map of
        Lipschitz constant `L` on `d` dimensions (Behrmann et al., 2019, theorem 3).
        """
        found = (stack.series_terms for stack in self._stacks())
        return min((terms for terms in found if terms is not None), default=None)

    def update_spectral_norms(self) -> None:
        """Brings the power iterations of Lipschitz networks to convergence with today's weights.

        `fit`, `evaluate` and `adapt` call it; who trains in another way calls it before using the
        flow. Flows without such networks are not changed.
        """
        for stack in self._stacks():
            stack.update_spectral_norms()
        self._norms.see(self._calls)

    def set_weights(self, weights):
        """As in Keras; norms of Lipschitz networks that do not come with the weights are found."""
        super().set_weights(weights)
        if self._norms.stale(self._calls):
            self.update_spectral_norms()

    # The flow as TFP sees it.

    def bijector(self, context: ArrayLike | None = None, training: bool = False) -> Bijector:
        """The flow as a `tfb.Bijector`, latent to data, that follows the flow's weights.

        Args:
          context: `[*batch, *context_shape]`, or class labels `[*batch]`; `None` where the flow
            takes none.
          training: Whether weights are trained through it. What layers keep of their weights then
            follows them and estimates draw anew, as in `fit`; call `update_spectral_norms()` when
            that is done.

        Raises:
          ValueError: A context is missing, or given where none is taken.
        """
        seed = self.seed_generator if training else None
        return computations.bijector(self, self.context.check(context), seed, training)

    def distribution(
        self, context: ArrayLike | None = None, training: bool = False
    ) -> Distribution:
        """The flow as a `tfd.Distribution` over events, in data units.

        It follows the flow's weights, and its `trainable_variables` are the flow's.

        Args:
          context: `[*batch, *context_shape]`, or class labels `[*batch]`, the distribution's batch.
            A class-conditional flow without labels is the uniform mixture over its classes.
          training: As in `bijector`, for training loops of your own and of TFP's.

        Raises:
          ValueError: A context is missing, or given where none is taken.
        """
        if self.num_classes and context is None:
            return tfd.MixtureSameFamily(
                tfd.Categorical(logits=ops.zeros(self.num_classes, dtype=self.variable_dtype)),
                self.distribution(ops.arange(self.num_classes, dtype="int32"), training),
                **self._named(),
            )
        base = computations.base_distribution(self, self.context.check(context), training)
        bijector = self.bijector(context, training)
        return tfd.TransformedDistribution(base, bijector, **self._named())

    def _named(self):
        """The name that the user gave, which `tfd.JointDistribution`s hold against their own."""
        made_by_keras = re.sub(r"_\d+$|_", "", self.name) == type(self).__name__.lower()
        return {} if made_by_keras else {"name": self.name}

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
        context = self.context.check(context, backend.length(x), optional=bool(self.num_classes))
        # A fresh seed that nothing needs would only cost time; one that is given is checked.
        if seed is not None or specs.is_integer(x) or self.estimates:
            seed = backend.make_seed(seed)
        # Noise is drawn here, for XLA has random numbers of its own.
        noise = computations.draw_noise(self, x, seed)
        rest = (seed if self.estimates else None,)
        return self._run(computations.density, x, context, noise, rest=rest)

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
        return self._run(computations.encode, x, self.context.check(context, backend.length(x)))

    def decode(self, z: ArrayLike, context: ArrayLike | None = None) -> Tensor:
        """Latents `[batch, *latent_shape]` to data `[batch, *event_shape]`; inverts `encode`."""
        z = specs.described(z, "z")
        specs.check_shape(z, self.latent_shape, "z")
        values.check(z, "z")
        z = ops.convert_to_tensor(z)
        return self._run(computations.decode, z, self.context.check(context, backend.length(z)))

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
        return self._sampled(n, context, seed, temperature)

    def _sampled(self, n, context, seed, temperature, rest=()):
        """Samples; `rest` are further arguments of `computations.decode`."""
        n = specs.check_count(n, "n", self.event.size)
        temperature = specs.check_temperature(temperature)
        context = self.context.check(context, n, optional=bool(self.num_classes))
        seed = backend.make_seed(seed)
        if not isinstance(n, int) or backend.has_tracers([context, seed]):
            drawn = computations.draw(self, n, context, seed, temperature)
            return computations.decode(self, *drawn, *rest)
        if backend.NAME == "tensorflow":
            # As a number, 1 needs no mean of the base, which it may not have.
            factor = 1.0
            if temperature != 1:
                factor = ops.convert_to_tensor(temperature, dtype=self.variable_dtype)
            n = ops.convert_to_tensor(n)
            drawn = self._calls.function(computations.draw, jit=False)
            z, context = drawn(n, context, seed, factor)
        else:  # Shapes are static there, and nothing below runs op by op.
            z, context = computations.draw(self, n, context, seed, temperature)
        return self._run(computations.decode, z, context, rest=rest)

    def to_levels(self, x: ArrayLike) -> Tensor:
        """Samples as grey levels: `floor`, within `0..levels-1`, integers `[batch, *event_shape]`.

        Raises:
          ValueError: The flow is over continuous data.
        """
        if self.levels is None:
            raise ValueError(f"{self.name} is a flow over continuous data: it has no levels.")
        kind = "uint8" if self.levels <= 256 else "int32"
        return ops.cast(ops.clip(ops.floor(x), 0, self.levels - 1), kind)

    interpolate = latents.interpolate
    attribute_direction = latents.attribute_direction
    manipulate = latents.manipulate
    inverse_report = latents.inverse_report

    def export(self, folder: PathLike, overwrite: bool = False) -> pathlib.Path:
        """Writes the flow as a SavedModel; see `zoo.export`."""
        return saving.export(self, folder, overwrite)

    def save_to_preset(self, folder: PathLike, overwrite: bool = False) -> pathlib.Path:
        """Writes the flow as a preset, keras-hub's three files; see `zoo.save`."""
        return saving.save(self, folder, overwrite=overwrite, unpacked=True)

    @classmethod
    def from_preset(cls, preset: PathLike, **arguments: Any) -> Flow:
        """Loads a flow of this class, a name, folder or hub's address as in `zoo.load`.

        Args:
          preset: "maf-digits", "./folder", "hf://user/repo", "kaggle://user/model/keras/name".
          **arguments: Constructor arguments in place of the recorded ones; the weights must fit.

        Raises:
          ValueError: As in `zoo.load`, or the flow is of another class, or its weights do not fit.
        """
        return saving.load_as(cls, preset, arguments)

    def _run(self, function, *rows, rest=()):
        """Runs a computation over rows, compiled; inside a user's own function, inlined."""
        if backend.has_tracers([*rows, *rest]):
            return function(self, *rows, *rest)
        stale = self._norms.stale(self._calls)
        if stale:
            raise ValueError(
                f"Weights of {stale} were changed, and its norms are those of before: call "
                "update_spectral_norms() of the flow."
            )
        y = self._calls(function, rows, rest, self.uses_xla)
        direction = "decode" if function is computations.decode else "encode"
        if any(direction in stack.implicit for stack in self._stacks()):
            latents.check_converged(self, function, y, rows)
        return y

    # What training and saving ask of a flow.

    def check_data(self, x, context=None, n=None):
        self.event.check_described(x)
        if n is not None:
            self.context.check(context, n, optional=bool(self.num_classes))

    def bounds(self, x, context=None):
        found = [(x, self.event.bounds(x))]
        if context is not None:
            found.append((context, self.context.bounds(context)))
        return [(values, least) for values, least in found if least is not None]

    def log_likelihood(self, x, context=None, seed=None, training=False):
        x = self.event.check(x)
        context = self.context.check(context, ops.shape(x)[0], optional=bool(self.num_classes))
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

    def adapt(self, x: ArrayLike, context: ArrayLike | None = None) -> None:
        """Initialises every layer from one batch of data, in order (for `ActNorm`).

        Args:
          x: `[batch, *event_shape]`; a few hundred events do.
          context: `[batch, *context_shape]`, or class labels; a class-conditional flow is adapted
            to labels drawn at random where none are given.

        Raises:
          ValueError: There are fewer than two events, or what a layer makes of them is not finite;
            the weights are then as they were.
        """
        x, seed = self.event.check(x), backend.make_seed(0)
        if x.shape[0] < 2:
            raise ValueError(f"adapt measures how events spread: give two or more, got {len(x)}.")
        before = self.get_weights()
        try:
            self._adapt(x, context, seed)
        except ValueError:
            self.set_weights(before)
            raise

    def _adapt(self, x, context, seed):
        if self.num_classes and context is None:
            context = computations.draw_labels(self, ops.shape(x)[0], seed)
        context = self.context.check(context, batch=ops.shape(x)[0])
        noise = computations.draw_noise(self, x, seed)
        if self.dequantizer is not None and noise is not None:
            self.dequantizer.adapt(noise, x)
        x = computations.to_floats(self, x, noise)[0]
        z = self.stack.adapt(x, self.context.embed(context, self.variable_dtype))
        self.update_spectral_norms()
        if not np.isfinite(ops.convert_to_numpy(z)).all():
            raise ValueError(
                "adapt needs events that the layers make finite latents of: some in x are NaN, too "
                "large, or out of the range that the preprocessing takes."
            )
        if isinstance(self.base, Flow):
            self.base.adapt(z, context if self.base.conditional else None)

    def sample_latent(self, n, context, seed, temperature):
        """`n` events `[n, *event_shape]` for a flow that has this one as its base."""
        context = context if self.conditional else None
        return computations.decode(self, *computations.draw(self, n, context, seed, temperature))

    def get_config(self):
        """The constructor's arguments, and the places of layers and weights that are frozen."""
        if isinstance(self._arguments.get("base"), tfd.Distribution):
            self._arguments["base"] = self.base  # The layer around it, which Keras can serialize.
        return super().get_config()
