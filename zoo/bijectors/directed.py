"""Bijectors with a formula in one direction and an equation to solve in the other."""

from zoo.bijectors.one_pass import OnePassBijector


class Directed(OnePassBijector):
    """A map `v = f(u)` that is written down, and whose inverse is solved for.

    With `fast="log_prob"` it is the inverse direction, data to latent, that is `f`: densities cost
    one evaluation. With `fast="sample"` it is the forward direction, latent to data.

    Subclasses implement

    ```python
    def explicit(self, u): ...   # u -> (v, log|det dv/du|)
    def solved(self, v): ...     # v -> (u, log|det dv/du|), of f again
    ```

    Args:
      fast: `"log_prob"` or `"sample"`: the direction that is `f`.
      **kwargs: As in `OnePassBijector`.
    """

    def __init__(self, fast="log_prob", **kwargs):
        self._fast = fast
        super().__init__(event_ndims=1, **kwargs)

    def explicit(self, u):
        """`u -> (f(u), log|det df/du|)`."""
        raise NotImplementedError

    def solved(self, v):
        """`v -> (u, log|det df/du|)` with `f(u) = v`."""
        raise NotImplementedError

    def forward_and_log_det(self, x):
        return self.explicit(x) if self._fast == "sample" else self._inverse_of(x)

    def inverse_and_log_det(self, y):
        return self.explicit(y) if self._fast == "log_prob" else self._inverse_of(y)

    def _inverse_of(self, v):
        u, log_det = self.solved(v)
        return u, -log_det
