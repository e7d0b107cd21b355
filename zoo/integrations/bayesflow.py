"""Flows as inference networks of BayesFlow 2 (Radev et al., 2023); needs the extra bayesflow."""

from __future__ import annotations

import inspect
import os
from typing import Any

import keras
from keras import ops

from zoo import backend, config
from zoo.models import MODELS, Family
from zoo.typing import Shape, Tensor

# BayesFlow picks a backend where none is named, for processes started later too: that in use.
os.environ.setdefault("KERAS_BACKEND", keras.backend.backend())
try:
    from bayesflow.networks import InferenceNetwork
    from bayesflow.utils import layer_kwargs, weighted_mean
    from bayesflow.utils.decorators import allow_batch_size
    from bayesflow.utils.serialization import serialize
except ImportError as error:
    raise ImportError(
        "zoo.integrations.bayesflow needs BayesFlow 2, on Python 3.11 or later: "
        f"pip install 'flow-zoo[bayesflow]' ({error})."
    ) from error

# What the network knows of its variables and conditions when it is built.
_FOUND = ("event_shape", "context_shape", "num_classes", "levels")


@config.register("zoo.integrations")
class FlowNetwork(InferenceNetwork):
    """A family of the zoo as a `bayesflow.networks.InferenceNetwork`, trained by its likelihood.

    The flow is made when the network is built: its events are the inference variables, vectors of
    `d` numbers, its context the conditions, vectors of `c` (with summaries among them, where there
    is a summary network). BayesFlow standardizes the variables by default and adds that Jacobian
    itself; splines, which bend an interval about zero, ask for it.

    Tensors may have axes between batch and vector, as sets and series have: each vector is an
    event of its own.

    ```python
    network = FlowNetwork("nsf", kind="autoregressive", num_layers=5, hidden_units=(64, 64))
    workflow = bayesflow.BasicWorkflow(
        simulator=simulator,
        inference_network=network,
        inference_variables=["theta"],
        inference_conditions=["x"],
    )
    ```

    Args:
      family: A family, such as `zoo.MAF`, or the name of one, such as `"maf"`.
      name, dtype, trainable: As of a Keras layer; `dtype` is the flow's too.
      **arguments: Arguments of the family, but for those that the data decide (`event_shape`,
        `context_shape`) and those of integers (`levels`, `num_classes`).

    Attributes:
      flow: The `zoo.Flow`, once built; it can be evaluated, saved and exported by itself, in the
        units that the network sees.

    Raises:
      ValueError: There is no such family, or it has no such argument.
    """

    def __init__(
        self,
        family: str | type[Family],
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        **arguments: Any,
    ) -> None:
        # Samples start from the flow's own base.
        super().__init__(base_distribution=None, name=name, dtype=dtype, trainable=trainable)
        self.family = _family(family)
        self.arguments = arguments
        _check(self.family, arguments)
        self.flow = None
        # What Keras asks whether to compile a training with XLA; asked before the flow is there.
        self.supports_jit = arguments.get("jit_compile", "auto") is not False

    def build(self, xz_shape: Shape, conditions_shape: Shape | None = None) -> None:
        """Makes the flow, over vectors of `xz_shape[-1]` given ones of `conditions_shape[-1]`."""
        if self.built:  # Keras builds again what it loads.
            return
        context_shape = None if conditions_shape is None else (conditions_shape[-1],)
        self.flow = self.family(
            (xz_shape[-1],),
            context_shape=context_shape,
            dtype=self.dtype_policy,
            **self.arguments,
        )

    def log_prob(
        self, samples: Tensor, conditions: Tensor | None = None, seed: Any = None, **kwargs: Any
    ) -> Tensor:
        """Log-density `[...]`, nats, of `samples [..., d]` given `conditions [..., c]`.

        `seed` fixes the estimate of a flow that estimates its density, as in `zoo.Flow.log_prob`.
        """
        x, context = self._rows(samples), self._rows(conditions)
        log_prob = self._settled(x).log_prob(x, context, _seed(seed))
        return ops.reshape(log_prob, ops.shape(samples)[:-1])

    @allow_batch_size
    def sample(
        self,
        batch_shape: Shape,
        conditions: Tensor | None = None,
        seed: Any = None,
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> Tensor:
        """Draws `[*batch_shape, d]`, one for each of `conditions [*batch_shape, c]`.

        Args:
          batch_shape: Shape of the draws, or their number.
          conditions: What they are conditioned on.
          seed: An integer, a `keras.random.SeedGenerator`, or `None` for fresh ones.
          temperature: As in `zoo.Flow.sample`.
        """
        context, n = self._rows(conditions), 1
        for size in batch_shape:
            n = n * size
        flow = self._settled(context)
        drawn = flow.sample(n, context, _seed(seed), temperature)
        return ops.reshape(drawn, (*batch_shape, flow.event.size))

    def compute_metrics(
        self,
        x: Tensor,
        conditions: Tensor | None = None,
        sample_weight: Tensor | None = None,
        stage: str = "training",
        **kwargs: Any,
    ) -> dict[str, Tensor]:
        """Minus the mean log-density, nats, weighted where weights are given."""
        log_density = self._log_density(x, conditions, stage == "training")
        return {"loss": weighted_mean(-log_density, sample_weight)}

    def _forward(self, x, conditions=None, density=False, training=False, seed=None, **kwargs):
        rows, context = self._rows(x), self._rows(conditions)
        z = ops.reshape(self._settled(rows).encode(rows, context), ops.shape(x))
        if not density:
            return z
        if training:
            return z, self._log_density(x, conditions, training)
        return z, self.log_prob(x, conditions, seed)

    def _inverse(self, z, conditions=None, density=False, training=False, seed=None, **kwargs):
        rows, context = self._rows(z), self._rows(conditions)
        x = ops.reshape(self._settled(rows).decode(rows, context), ops.shape(z))
        if not density:
            return x
        if training:
            return x, self._log_density(x, conditions, training)
        return x, self.log_prob(x, conditions, seed)

    def _log_density(self, x, conditions, training):
        """As a training step of the flow's own has it: noise of estimates is drawn anew."""
        flow = self.flow
        rows, context = self._rows(x), self._rows(conditions)
        log_density = flow.log_likelihood(rows, context, flow.seed_generator, training)
        return ops.reshape(log_density, ops.shape(x)[:-1])

    def _settled(self, x):
        """The flow, its norms those of today's weights: BayesFlow's training does not find them."""
        if not backend.has_tracers([x]) and self.flow._calls.norms.stale():
            self.flow.update_spectral_norms()
        return self.flow

    def _rows(self, x):
        """Vectors `[..., d]` as rows `[n, d]`."""
        return None if x is None else ops.reshape(x, (-1, x.shape[-1]))

    def get_config(self):
        """The family and its arguments, as BayesFlow serializes them."""
        config = layer_kwargs(super().get_config()) | serialize({"family": self.family})
        # The flow knows how to write down distributions, which Keras does not.
        given = serialize(self.arguments) if self.flow is None else self.flow.get_config()
        return config | {key: given[key] for key in self.arguments}


def _family(family):
    """The family that `family` is or names."""
    found = MODELS.get(family) if isinstance(family, str) else family
    if not (isinstance(found, type) and issubclass(found, Family)):
        raise ValueError(
            f"family must be a family of the zoo, such as zoo.MAF, or the name of one, of "
            f"{', '.join(MODELS)}; got {family!r:.80}."
        )
    return found


def _check(family, arguments):
    """Refuses arguments that a family does not have, or that the data decide."""
    known = [n for n in inspect.signature(family).parameters if n not in (*_FOUND, "name", "dtype")]
    for name in arguments:
        if name not in known:
            why = "follows from the data" if name in _FOUND[:2] else "is not taken here"
            raise ValueError(
                f"{name} {why}; arguments of {family.__name__} are {', '.join(known)}."
            )


def _seed(seed):
    """A seed as flows take it: BayesFlow hands generators around."""
    return backend.draw_seed(seed) if isinstance(seed, keras.random.SeedGenerator) else seed
