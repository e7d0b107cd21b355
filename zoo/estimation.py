"""Randomness and the training flag for layers whose log-determinant is an estimate.

They reach the layers without passing through TFP's calls: a flow opens a scope around its layers,
and a layer that estimates asks it. A layer says so by an attribute `stochastic`, true where its
log-determinant may be random; only then does a seed enter the flow's compiled functions.
"""

import contextlib
import contextvars

from zoo import backend

_scope = contextvars.ContextVar("estimation", default=None)


class _Scope:
    def __init__(self, seed, training):
        self.seed, self.training, self.count = seed, training, 0


@contextlib.contextmanager
def scope(seed=None, training=False):
    """What is computed inside draws from this seed.

    Args:
      seed: A stateless seed, or `None` for a fixed one.
      training: Whether this is a training step: layers may then update what they keep of their
        weights, such as the vectors of a power iteration, and use the estimator meant for it.
    """
    token = _scope.set(_Scope(seed, training))
    try:
        yield
    finally:
        _scope.reset(token)


def within():
    """The scope there is; where there is none, one with a fixed seed.

    Composed bijectors open it, so that their parts draw different numbers and the whole stays a
    deterministic function to users of TFP.
    """
    return contextlib.nullcontext() if _scope.get() is not None else scope()


def is_training():
    """Whether this is a training step; never outside of a scope."""
    current = _scope.get()
    return current is not None and bool(current.training)


def next_seed():
    """A stateless seed, another one at each call; outside of a scope always the same one."""
    current = _scope.get()
    if current is None:
        return backend.make_seed(0)
    current.count += 1
    # Counted rather than split off: nothing computed in a loop's body is kept beyond it.
    seed = backend.make_seed(0) if current.seed is None else current.seed
    return backend.samplers.fold_in(seed, current.count)
