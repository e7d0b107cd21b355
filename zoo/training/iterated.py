"""What a flow offers where its layers estimate log-determinants or iterate for an inverse."""

import keras
import numpy as np
from keras import ops

from zoo import checks
from zoo.numerics import root_finding


class Iterated:
    """What `Flow` says of layers without closed forms.

    A layer's `stochastic` says that its log-determinant may be random, and its `estimates` whether
    it is outside of training too (taken to be the same where it is missing); its `series_terms` is
    where it cuts off a series, or `None`; its `implicit` holds the directions in which it iterates,
    `"decode"` or `"encode"`; its `settle()` brings to convergence what it keeps of its weights.
    Each may be missing.
    """

    def _parts(self):
        """All layers, those within layers and within a base too, but no flow."""
        # Looked for once: each public call asks.
        parts = self.__dict__.get("_found_parts")
        if parts is None:
            parts = self._flatten_layers(include_self=False)
            parts = [layer for layer in parts if not isinstance(layer, Iterated)]
            if self.built:
                self.__dict__["_found_parts"] = parts
        return parts

    @property
    def stochastic(self):
        """Whether log-determinants are estimates that depend on a seed, in training at least."""
        return any(getattr(layer, "stochastic", False) for layer in self._parts())

    @property
    def estimates(self):
        """Whether `log_prob` is an estimate: another one for each seed."""
        return any(
            getattr(layer, "estimates", getattr(layer, "stochastic", False))
            for layer in self._parts()
        )

    @property
    def series_terms(self):
        """Terms after which `log_prob` cuts off series of log-determinants; `None` where none is.

        What is cut off is a bias, bounded by `d sum_{k > terms} L^k / k` for each residual map of
        Lipschitz constant `L` on `d` dimensions (Behrmann et al., 2019, theorem 3).
        """
        found = [getattr(layer, "series_terms", None) for layer in self._parts()]
        return min((terms for terms in found if terms is not None), default=None)

    def _check_recompute(self):
        """Refuses to compute activations again where that would not give the same ones."""
        if self.recompute is None:
            return
        # A base that is a flow decides on its own.
        parts = [part for layer in self.flow_layers for part in layer._flatten_layers()]
        for layer in parts:
            if getattr(layer, "stochastic", False) or callable(getattr(layer, "settle", None)):
                raise ValueError(
                    f"recompute={self.recompute!r} needs layers that give the same twice; "
                    f"{type(layer).__name__} draws or updates numbers of its own: use "
                    "recompute=None."
                )
        for layer in parts:
            if self.recompute == "inverse" and "decode" in (getattr(layer, "implicit", None) or ()):
                raise ValueError(
                    "recompute='inverse' needs exact inverses, and that of "
                    f"{type(layer).__name__} is iterated: use recompute='checkpoint', or None."
                )

    def settle(self):
        """Brings what layers keep of their weights (power iterations) to convergence.

        `fit` and `evaluate` call it before they measure, `fit` and `adapt` at their end; who trains
        in another way calls it before using the flow.
        """
        for layer in self._parts():
            if callable(getattr(layer, "settle", None)):
                layer.settle()

    def inverse_report(self, rows, context=None, direction="decode"):
        """How the iterations of the layers went, one by one; takes no compiled function.

        Args:
          rows: Latents `[batch, *latent_shape]`, or data where the direction is `"encode"`.
          context: As in `decode`.
          direction: `"decode"` or `"encode"`.

        Returns:
          List of `(layer name, root_finding.Report)`, in the order of evaluation; empty where
          no layer iterates in this direction.

        Raises:
          ValueError: An argument is not as described.
        """
        if direction not in ("decode", "encode"):
            raise ValueError(f"direction must be 'decode' or 'encode', got {direction!r}.")
        shape = self.latent_shape if direction == "decode" else self.event_shape
        rows = checks.tensor(rows, "rows")
        checks.shape(rows, shape, "rows")
        context = self._check_context(context, ops.shape(rows)[0])
        with root_finding.recording() as found:
            (self._decode if direction == "decode" else self._encode)(rows, context)
        return found

    def _check_converged(self, name, y, rows):
        """Raises `NotConverged` where iterating layers gave NaN for some of the rows.

        Args:
          name: The method that was called, such as `"_decode"`.
          y: What it gave.
          rows: Its arguments, padded perhaps.
        """
        direction = "decode" if name == "_decode" else "encode"
        layers = [p for p in self._parts() if direction in (getattr(p, "implicit", None) or ())]
        if not layers:
            return
        found = np.reshape(ops.convert_to_numpy(y), (y.shape[0], -1))
        (bad,) = np.isnan(found).any(axis=1).nonzero()
        if len(bad):
            names = ", ".join(sorted({type(layer).__name__ for layer in layers}))
            raise root_finding.NotConverged(
                f"{self.name}: the iterated {direction} did not converge for {len(bad)} of "
                f"{len(found)} events (layers: {names}): {self._why(name, bad, *rows)}; "
                "flow.inverse_report tells more."
            )

    def _why(self, name, bad, x, context=None, noise=None):
        """What the first layer that failed on these rows has to say, and what to do."""
        found = []
        if not self.conditional or context is not None:  # Else a mixture: any of its classes.
            x, context, noise = (
                None if r is None else ops.take(r, bad, 0) for r in (x, context, noise)
            )
            with root_finding.recording() as found:
                if name == "_log_prob":
                    self._inverse(self._float(x, noise)[0], context)
                else:
                    getattr(self, name)(x, context)
        said = (f"{layer}: {failure}" for layer, r in found if (failure := r.failure()))
        return next(
            said,
            "raise their max_iterations or max_steps, loosen their tolerance, or keep away from "
            "far outliers",
        )


class Settle(keras.callbacks.Callback):
    """Settles a flow before each validation; the last callback, after those that swap weights."""

    def on_test_begin(self, logs=None):
        self.model.settle()
