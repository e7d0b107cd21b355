"""What a training step minimises, as objects: `loss(model, x, context, seed, training)`."""

import keras
from keras import ops

from zoo import backend


class MaximumLikelihood:
    """Minus the log-likelihood of each event, nats."""

    name = "likelihood"

    def check_model(self, model):
        """Raises ValueError where the loss cannot train a model."""

    def check_data(self, model, described, context):
        """Raises ValueError where data are known not to be enough."""

    def logs(self, logs):
        """What of a training step's results means something."""
        return logs

    def __call__(self, model, x, context, seed, training=True):
        """The loss of each event.

        Args:
          model: A `LikelihoodModel`.
          x: Events `[n, *event_shape]`.
          context: Their contexts, or `None`.
          seed: A `keras.random.SeedGenerator`, or a stateless seed.
          training: Whether weights are trained.

        Returns:
          `[n]`.
        """
        return -model.log_likelihood(x, context, seed, training)


class FlowMatching(MaximumLikelihood):
    """Trains a flow whose last layer is a `zoo.layers.Continuous`, without solving its equation.

    Training steps regress the velocity at `x_t = (1 - t) x_0 + t x_1` to `x_1 - x_0`, with `x_0`
    from the base, `x_1` an event as the layers before the last one give it, and `t` uniform: Lipman
    et al. (2023, arXiv:2210.02747), section 4.1, example II (paths of optimal transport) with
    `sigma_min = 0`; of each event the squared error, mean over entries. Its expectation has the
    gradient of the mean squared error of the velocity (theorem 2), but is not zero where that is.
    No equation is solved, and no divergence computed. The layers before the last one stay as
    `adapt` left them: what they do to `x_1` would change what is to be matched. Evaluation and
    validation measure the likelihood all the same, by the equation.
    """

    name = "flow_matching"

    def check_model(self, model):
        if getattr(model, "dequantizer", None) is not None:
            raise ValueError(
                "loss='flow_matching' does not train the noise of dequantization='variational': "
                "use dequantization='uniform', or loss='likelihood'."
            )
        layers = model.stack.layers if hasattr(model, "stack") else []
        equations = sum(hasattr(layer, "velocity") for layer in layers)
        if equations != 1 or not hasattr(layers[-1], "velocity"):
            raise ValueError(
                "loss='flow_matching' trains one velocity from data to latent, that of a "
                "zoo.layers.Continuous at the end: use a zoo.ContinuousFlow with num_layers=1, or "
                f"loss='likelihood'; this model has {equations} equations."
            )

    def check_data(self, model, described, context):
        if model.conditional and described and context is None:
            raise ValueError(
                "flow matching needs the context of each event, even where it is a label: fit on "
                "batches of (x, context)."
            )

    def logs(self, logs):
        return _loss_alone(logs)

    def __call__(self, model, x, context, seed, training=True):
        if isinstance(seed, keras.random.SeedGenerator):
            seed = backend.draw_seed(seed)
        of_noise, of_base, of_time = backend.split_seed(seed, 3)
        x, context = model.prepare(x, context, of_noise)
        layers, vector = model.stack.layers, model.context.embed(context, model.variable_dtype)
        for layer in layers[:-1]:
            x = layer(x, vector if layer.context_shape is not None else None)[0]
        # Not `stop_gradient`: the weights before would have none, of which Keras warns at each fit.
        x = ops.stop_gradient(x) + 0.0 * x
        start = ops.stop_gradient(model.draw(ops.shape(x)[0], context, of_base))
        t = _times(ops.shape(x)[0], x.dtype, of_time)
        at = t[:, None]
        velocity = layers[-1].velocity(t, (1.0 - at) * start + at * x, vector)
        return ops.mean(ops.square(velocity - (x - start)), axis=-1)


def _times(n, dtype, seed):
    """Times `[n]`, each uniform in `[0, 1)`, and evenly spread: the mean varies less."""
    first = backend.uniform((), dtype, seed)
    t = ops.cast(ops.arange(n), first.dtype) / ops.cast(n, first.dtype) + first
    return t - ops.floor(t)


class ELBO(MaximumLikelihood):
    """Minus the evidence lower bound of a `zoo.VAE`, with free bits and a warm-up, nats.

    `max(lambda, KL) beta - log p(x | z)` of each event, one `z` drawn from its posterior, and `KL =
    log q(z | x) - log p(z)`. Free bits (Kingma et al., 2016, arXiv:1606.04934, eq. 15) press the
    KL, averaged over the batch, down to `lambda = free_bits * dimensions` and no further; the
    latent is one group, for the density of a flow has no parts by dimension. In the warm-up `beta`
    grows from 0 to 1 (Bowman et al., 2016, arXiv:1511.06349): `min(1, (t + 1) / kl_warmup_steps)`
    at step `t = 0, 1, ...`. The numbers are the model's. Validation measures the bound itself.
    """

    name = "elbo"

    def check_model(self, model):
        if not hasattr(model, "elbo_terms"):
            raise ValueError(
                "loss='elbo' trains a zoo.VAE, which has a posterior: use loss='likelihood'; got a "
                f"{type(model).__name__}."
            )

    def logs(self, logs):
        return _loss_alone(logs)

    def __call__(self, model, x, context, seed, training=True):
        log_likelihood, kl = model.elbo_terms(x, seed, training)
        floor = ops.cast(model.free_bits * model.posterior.event.size, kl.dtype)
        # Constant where the average is below: no gradient presses it further down.
        kl = ops.where(ops.mean(kl) > floor, kl, floor)
        return model.warmup(training) * kl - log_likelihood


def _loss_alone(logs):
    """Results of a training step without nats and bits, which a likelihood alone has."""
    logs, *state = logs if isinstance(logs, tuple) else (logs,)
    logs = {name: value for name, value in logs.items() if name == "loss"}
    return (logs, *state) if state else logs


LOSSES = {"likelihood": MaximumLikelihood, "flow_matching": FlowMatching, "elbo": ELBO}


def get(loss, model):
    """The loss that `loss` names or is.

    Raises:
      ValueError: There is none of this name, or it cannot train the model.
    """
    if isinstance(loss, str) and loss in LOSSES:
        loss = LOSSES[loss]()
    if not isinstance(loss, MaximumLikelihood):
        raise ValueError(
            f"A {type(model).__name__} is trained by its likelihood: loss must be one of "
            f"{tuple(LOSSES)} or a loss of zoo.training, got {loss!r:.160}."
        )
    loss.check_model(model)
    return loss
