"""Flow matching: training a continuous flow without solving its equation."""

import contextvars

import keras
from keras import ops

from zoo import backend, checks, estimation
from zoo.layers.continuous import Continuous
from zoo.layers.recompute import to_latent

LOSSES = ("likelihood", "flow_matching")
# Whether a step is one of flow matching: replicas are traced side by side, each in its thread.
_matching_step = contextvars.ContextVar("matching_step", default=False)


def check_loss(loss):
    """`loss`, one of `LOSSES`.

    Raises:
      ValueError: It is not.
    """
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {LOSSES}, got {loss!r}.")
    return loss


class Matching:
    """What a flow whose last layer is a `zoo.layers.Continuous` adds to `Fitting`.

    With `loss="flow_matching"` training steps regress the velocity at `x_t = (1 - t) x_0 + t x_1`
    to `x_1 - x_0`, with `x_0` from the base, `x_1` an event as the layers before the last one give
    it, and `t` uniform: Lipman et al. (2023, arXiv:2210.02747), section 4.1, example II (paths of
    optimal transport) with `sigma_min = 0`. No equation is solved, and no divergence computed. The
    layers before the last one stay as `adapt` left them: what they do to `x_1` would change what is
    to be matched. Evaluation and validation measure the likelihood all the same, by the equation.
    """

    def compile(self, optimizer="adam", jit_compile=None, loss=None, **kwargs):
        """Configures training.

        Args:
          optimizer: A Keras optimizer, or its name.
          jit_compile: Overrides the flow's own choice of compiling with XLA.
          loss: `"likelihood"` or `"flow_matching"`; overrides the constructor's.
          **kwargs: Further arguments of `keras.Model.compile`, for example `run_eagerly`.

        Raises:
          ValueError: The loss is neither, or cannot train this flow.
        """
        if loss is not None:
            self.set_loss(loss)
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

    def set_loss(self, loss):
        """Chooses what training goes by; arguments and errors as in `compile`."""
        if check_loss(loss) == "flow_matching" and self.dequantizer is not None:
            raise ValueError(
                "loss='flow_matching' does not train the noise of dequantization='variational': "
                "use dequantization='uniform', or loss='likelihood'."
            )
        equations = sum(isinstance(layer, Continuous) for layer in self.flow_layers)
        if loss == "flow_matching" and equations > 1:
            raise ValueError(
                "loss='flow_matching' trains one velocity from data to latent: use num_layers=1, "
                f"or loss='likelihood'; this flow has {equations} equations."
            )
        self.training_loss = loss
        # Functions of an earlier loss are of no use.
        self._forget_functions()

    def fit(self, x=None, y=None, *args, **kwargs):
        """Trains, as `zoo.Flow.fit`; flow matching needs the context where the flow takes one."""
        spec = getattr(x, "element_spec", None)
        known = hasattr(x, "shape") or hasattr(x, "element_spec")
        alone = y is None and not (isinstance(spec, tuple) and len(spec) > 1)
        if self.training_loss == "flow_matching" and self.conditional and known and alone:
            raise ValueError(
                "flow matching needs the context of each event, even where it is a label: fit on "
                "batches of (x, context)."
            )
        return super().fit(x, y, *args, **kwargs)

    def get_compile_config(self):
        """What `compile` was given, so that a saved flow goes on training as it did."""
        config = super().get_compile_config()
        return config and config | {"loss": self.training_loss}

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` describes."""
        self.set_loss(config["loss"])
        super().compile_from_config(config)

    def call(self, inputs, training=False):
        """Log-likelihood in nats `[batch]`; in a step of flow matching, minus its loss."""
        if not (training and self.training_loss == "flow_matching"):
            return super().call(inputs, training)
        x, context = inputs if isinstance(inputs, list | tuple) else (inputs, None)
        x = self._check_data(x)
        context = self._check_context(context, ops.shape(x)[0])
        noise = None
        if checks.is_integer(x):
            noise = keras.random.uniform(ops.shape(x), dtype=self.variable_dtype, seed=self._noise)
        seed = backend.draw_seed(self._noise)
        with estimation.scope(seed, training):
            return -self._matching_loss(self._float(x, noise)[0], context, seed)

    def matching_loss(self, x, context=None, seed=None):
        """The loss of flow matching of each event, `[batch]`: squared error, mean over entries.

        Its expectation has the gradient of the mean squared error of the velocity (Lipman et al.,
        theorem 2), but is not zero where that is.

        Args:
          x: `[batch, *event_shape]`.
          context: As in `encode`.
          seed: Integer that fixes times, latents and noise; fresh ones without it.

        Raises:
          ValueError: An argument is not as described.
        """
        x = self._check_data(x)
        context = self._check_context(context, ops.shape(x)[0])
        first, second = backend.split_seed(backend.make_seed(seed))
        x = self._float(x, self._uniform(x, first) if checks.is_integer(x) else None)[0]
        return self._matching_loss(x, context, second)

    def _matching_loss(self, x, context, seed):
        of_base, of_time = backend.split_seed(seed)
        vector = self._embed(context)
        x = to_latent(self.flow_layers[:-1], x, vector, None)[0]
        # Not `stop_gradient`: the weights before would have none, of which Keras warns at each fit.
        x = ops.stop_gradient(x) + 0.0 * x
        n = ops.shape(x)[0]
        start = ops.stop_gradient(self._draw(n, context, of_base, 1.0)[0])
        t = self._times(n, of_time)
        at = t[:, None]
        velocity = self.flow_layers[-1].velocity(t, (1.0 - at) * start + at * x, vector)
        return ops.mean(ops.square(velocity - (x - start)), axis=-1)

    def _times(self, n, seed):
        """Times `[n]`, each uniform in `[0, 1)`, and evenly spread: the mean varies less."""
        first = backend.samplers.uniform((), dtype=self.variable_dtype, seed=seed)
        steps = ops.cast(ops.arange(n), self.variable_dtype) / ops.cast(n, self.variable_dtype)
        t = steps + first
        return t - ops.floor(t)

    def train_step(self, *args):
        token = _matching_step.set(self.training_loss == "flow_matching")
        try:
            return super().train_step(*args)
        finally:
            _matching_step.reset(token)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Nats and bits per dimension; the loss alone in a step of flow matching."""
        if not _matching_step.get():
            return super().compute_metrics(x, y, y_pred, sample_weight)
        return {"loss": self._loss_tracker.result()}
