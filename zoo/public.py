"""The public calls of a flow: checked, compiled on first use, usable in a user's own function."""

import numpy as np
from keras import ops

from zoo import backend, checks
from zoo.backend import batching


class PublicCalls:
    """What `Flow` offers its users; the mathematics is in the methods it calls."""

    def __new__(cls, *args, **kwargs):
        flow = super().__new__(cls, *args, **kwargs)
        # Keras hides the `quantize` of a class behind a check of its own, which is for weights.
        flow.__dict__.pop("quantize", None)
        return flow

    def log_prob(self, x, context=None, seed=None):
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
        x = self._check_data(x)
        context = self._check_context(context, backend.length(x), optional=bool(self.num_classes))
        noise, discrete = None, checks.is_integer(x)
        # A fresh seed that nothing needs would only cost time; one that is given is checked.
        if seed is not None or discrete or self.stochastic:
            seed = backend.make_seed(seed)
        if discrete:
            # Drawn here, for XLA has random numbers of its own.
            noise = self._uniform(x, seed)
        return self._batched("_log_prob", x, context, noise, seed=seed if self.stochastic else None)

    def bits_per_dim(self, x, context=None, seed=None):
        """`-log2 p(x) / d`, bits per dimension, `[batch]`; arguments as in `log_prob`.

        Of integers it is on average an upper bound.
        """
        return self._to_bits(self.log_prob(x, context, seed))

    def encode(self, x, context=None):
        """Data `[batch, *event_shape]` to latents `[batch, *latent_shape]`.

        Integers are encoded at the middle of their level. Arguments as in `log_prob`; a
        class-conditional flow needs labels here. Floats may leave the levels where the flow's own
        samples do.
        """
        x = self._check_data(x, bounded=False)
        return self._batched("_encode", x, self._check_context(context, backend.length(x)))

    def decode(self, z, context=None):
        """Latents `[batch, *latent_shape]` to data `[batch, *event_shape]`; inverts `encode`."""
        z = checks.tensor(z, "z")
        checks.shape(z, self.latent_shape, "z")
        checks.values(z, "z")
        return self._batched("_decode", z, self._check_context(context, backend.length(z)))

    def sample(self, n, context=None, seed=None, temperature=1.0):
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
        n = checks.count(n, "n")
        temperature = checks.temperature(temperature)
        context = self._check_context(context, n, optional=bool(self.num_classes))
        seed = backend.make_seed(seed)
        if not isinstance(n, int) or backend.has_tracers([context, seed]):
            return self._sample(n, context, seed, temperature)
        if backend.NAME == "tensorflow":
            draw = self._function("_draw", jit=False)
            # As a number, 1 needs no mean of the base, which it may not have.
            factor = 1.0
            if temperature != 1:
                factor = ops.convert_to_tensor(temperature, dtype=self.variable_dtype)
            z, context = draw(ops.convert_to_tensor(n), context, seed, factor)
        else:  # Shapes are static there, and nothing below runs op by op.
            z, context = self._draw(n, context, seed, temperature)
        return self._batched("_decode", z, context)

    def quantize(self, x):
        """Samples as grey levels: `floor`, within `0..levels-1`, integers `[batch, *event_shape]`.

        Raises:
          ValueError: The flow is over continuous data.
        """
        if self.levels is None:
            raise ValueError(f"{self.name} is a flow over continuous data: it has no levels.")
        kind = "uint8" if self.levels <= 256 else "int32"
        return ops.cast(ops.clip(ops.floor(x), 0, self.levels - 1), kind)

    def interpolate(self, a, b, steps=8, context=None):
        """Events on the straight line in the latent between `a` and `b`, ends included.

        Args:
          a, b: One event each, `[*event_shape]`, or batches `[batch, *event_shape]`.
          steps: Number of events on the way, at least 2.
          context: As in `encode`, the same for both ends.

        Returns:
          `[steps, *event_shape]`, or `[steps, batch, *event_shape]`.

        Raises:
          ValueError: An argument is not as described.
        """
        if not (isinstance(steps, int) and steps >= 2):
            raise ValueError(f"steps must be an integer of at least 2, got {steps!r}.")
        a, b = checks.tensor(a, "a"), checks.tensor(b, "b")
        if tuple(a.shape) != tuple(b.shape):
            raise ValueError(
                f"a and b must have one shape, got {list(a.shape)} and {list(b.shape)}."
            )
        single = len(a.shape) == len(self.event_shape)
        if single:
            a, b = ops.expand_dims(a, 0), ops.expand_dims(b, 0)
        ends = [self.encode(x, context) for x in (a, b)]
        path = [self.decode(ends[0] * (1 - t) + ends[1] * t, context) for t in _line(steps)]
        return ops.stack([x[0] for x in path] if single else path)

    def attribute_direction(self, positive, negative, contexts=(None, None), batch_size=256):
        """The latent of an attribute: the mean where it is there minus the mean where it is not.

        (Kingma and Dhariwal, 2018, section 6, semantic manipulation.)

        Args:
          positive: Events that have the attribute, `[n, *event_shape]`.
          negative: Events that do not, `[m, *event_shape]`.
          contexts: Contexts of the two, each as in `encode`.
          batch_size: How many events are encoded at a time.

        Returns:
          Tensor `[*latent_shape]`, for `manipulate`.

        Raises:
          ValueError: An argument is not as described, or there is no event on one side.
        """
        means = []
        for x, context, what in zip(
            (positive, negative), contexts, ("positive", "negative"), strict=True
        ):
            x = self._check_data(x, bounded=False)
            n = x.shape[0]
            if n == 0:
                raise ValueError(f"{what} must hold at least one event, got none.")
            context = self._check_context(context, n)
            total = 0.0
            for i in range(0, n, batch_size):
                given = None if context is None else context[i : i + batch_size]
                total += ops.sum(self.encode(x[i : i + batch_size], given), axis=0)
            means.append(total / n)
        return means[0] - means[1]

    def manipulate(self, x, direction, strengths=(-1.0, -0.5, 0.0, 0.5, 1.0), context=None):
        """Events moved along a direction in the latent: `decode(encode(x) + strength * direction)`.

        Args:
          x: One event `[*event_shape]`, or a batch `[batch, *event_shape]`.
          direction: `[*latent_shape]`, such as `attribute_direction` gives.
          strengths: Numbers; 0 gives `x` back.
          context: As in `encode`.

        Returns:
          `[len(strengths), *event_shape]`, or `[len(strengths), batch, *event_shape]`.

        Raises:
          ValueError: An argument is not as described.
        """
        x, direction = checks.tensor(x, "x"), checks.tensor(direction, "direction")
        if tuple(direction.shape) != tuple(self.latent_shape):
            raise ValueError(
                f"direction must have the latent's shape {tuple(self.latent_shape)}, got "
                f"{tuple(direction.shape)}."
            )
        strengths = np.asarray(strengths, "float64")
        if strengths.ndim != 1 or not np.isfinite(strengths).all():
            raise ValueError(f"strengths must be a list of finite numbers, got {strengths}.")
        single = len(x.shape) == len(self.event_shape)
        z = self.encode(ops.expand_dims(x, 0) if single else x, context)
        direction = ops.cast(direction, z.dtype)
        moved = [self.decode(z + float(s) * direction, context) for s in strengths]
        return ops.stack([y[0] for y in moved] if single else moved)

    # Checking and compiling.

    def _check_data(self, x, bounded=True):
        """Data as a tensor, checked."""
        x = checks.tensor(x, "x")
        self._check_events(x, bounded)
        return x

    def _check_events(self, x, bounded=True):
        """Checks data that has a shape and a type, tensor or not.

        Raises:
          ValueError: A shape, a type or a value is not that of the flow's events; of floats outside
            of the levels only where they are to be bounded.
        """
        checks.shape(x, self.event_shape, "x")
        if checks.is_integer(x) and self.levels is None:
            raise ValueError(
                f"{self.name} is a flow over continuous data and x holds integers: cast them to "
                "float, or build the flow with levels, the number of grey levels."
            )
        # The density of a logit flow ends a little beyond the levels, and so do its samples.
        first = self.flow_layers[0] if self.flow_layers else None
        margin = getattr(first, "margin", 0.0 if bounded else np.inf)
        checks.values(x, "x", self.levels, margin)

    def _check_context(self, context, batch, optional=False):
        """The context as a tensor, repeated over the batch where one is given for all."""
        if not self.conditional:
            if context is not None:
                raise ValueError(f"{self.name} takes no context, got one.")
            return None
        wanted = (
            f"class labels 0..{self.num_classes - 1}"
            if self.num_classes
            else f"vectors of shape {self.context_shape}"
        )
        if context is None:
            if optional:
                return None
            raise ValueError(f"{self.name} needs a context: {wanted}.")
        context = checks.tensor(context, "context")
        if self.num_classes:
            checks.labels(context, self.num_classes)
        else:
            checks.values(context, "context")
        tail, rank = self.context_shape, len(self.context_shape)
        have = tuple(context.shape)
        lead = have[: len(have) - rank]
        single = len(lead) == 0
        if len(have) < rank or have[len(have) - rank :] != tail:
            raise ValueError(f"context must hold {wanted}, got shape {list(have)}.")
        if batch is None or (len(lead) == 1 and (lead[0] is None or not isinstance(batch, int))):
            return context
        if single:
            return ops.broadcast_to(context, (batch, *tail))
        if len(lead) != 1 or lead[0] != batch:
            raise ValueError(
                f"context must hold {wanted}, one a row ({batch}) or one for all, got shape "
                f"{list(have)}."
            )
        return context

    def _function(self, name, jit):
        cache = self.__dict__.setdefault("_functions", {})
        key = (name, bool(jit))
        if key not in cache:
            cache[key] = backend.compiled(getattr(self, name), self, jit)
        return cache[key]

    def _batched(self, name, *rows, seed=None):
        """Runs a computation over rows, compiled; inside a user's own function, inlined."""
        seeds = () if seed is None else (seed,)
        if backend.has_tracers([*rows, *seeds]):
            return getattr(self, name)(*rows, *seeds)
        jit = self.uses_xla
        n = rows[0].shape[0]
        # TensorFlow's convolutions on a CPU give no rows of the wrong shape for no rows.
        padding = batching.bucket(n) - n if jit or n == 0 else 0
        if padding:
            rows = [batching.pad(x, padding) for x in rows]
        y = self._function(name, jit)(*rows, *seeds)
        y = y[:n] if padding else y
        self._check_converged(name, y, rows)
        return y


def _line(steps):
    return [float(t) for t in np.linspace(0.0, 1.0, steps)]
