"""The flow as TFP sees it: a bijector and a distribution over today's weights.

Functions of a flow, and its methods.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keras import ops

from zoo import computations
from zoo.backend import tfd
from zoo.typing import ArrayLike, Bijector, Distribution

if TYPE_CHECKING:
    from zoo.flow import Flow


def bijector(flow: Flow, context: ArrayLike | None = None, training: bool = False) -> Bijector:
    """The flow as a `tfb.Bijector`, latent to data, that follows the flow's weights.

    Args:
      context: `[*batch, *context_shape]`, or class labels `[*batch]`; `None` where the flow takes
        none.
      training: Whether weights are trained through it. What layers keep of their weights then
        follows them and estimates draw anew, as in `fit`; call `update_spectral_norms()` when that
        is done.

    Raises:
      ValueError: A context is missing, or given where none is taken.
    """
    seed = flow.seed_generator if training else None
    return computations.bijector(flow, flow.context.check(context), seed, training)


def distribution(
    flow: Flow, context: ArrayLike | None = None, training: bool = False
) -> Distribution:
    """The flow as a `tfd.Distribution` over events, in data units.

    It follows the flow's weights, and its `trainable_variables` are the flow's.

    Args:
      context: `[*batch, *context_shape]`, or class labels `[*batch]`, the distribution's batch. A
        class-conditional flow without labels is the uniform mixture over its classes.
      training: As in `bijector`, for training loops of your own and of TFP's.

    Raises:
      ValueError: A context is missing, or given where none is taken.
    """
    # `tfd.JointDistribution`s hold a name that the user gave against their own.
    made_by_keras = re.sub(r"_\d+$|_", "", flow.name) == type(flow).__name__.lower()
    named = {} if made_by_keras else {"name": flow.name}
    if flow.num_classes and context is None:
        return tfd.MixtureSameFamily(
            tfd.Categorical(logits=ops.zeros(flow.num_classes, dtype=flow.variable_dtype)),
            distribution(flow, ops.arange(flow.num_classes, dtype="int32"), training),
            **named,
        )
    base = computations.base_distribution(flow, flow.context.check(context), training)
    return tfd.TransformedDistribution(base, bijector(flow, context, training), **named)
