"""Transformers: scalar bijections whose parameters a network predicts.

Coupling, autoregressive and elementwise layers take any of them; NICE, RealNVP, MAF, IAF and the
spline flows differ only in which they ask for. Their forward direction is latent to data. Scales
are bounded, so that no inverse divides by a number near zero.
"""

import functools

import keras

from zoo.transformers.affine import Additive, Affine, Gated, Scale, ScaledTanh, Sigmoid
from zoo.transformers.base import Transformer
from zoo.transformers.mixture import LogisticMixture
from zoo.transformers.sigmoidal import DeepSigmoidal
from zoo.transformers.spline import Spline

TRANSFORMERS = {
    "additive": Additive,
    "affine": Affine,
    "deep_sigmoidal": DeepSigmoidal,
    "gated": Gated,
    "mixture": LogisticMixture,
    "scale": Scale,
    "scaled_tanh": ScaledTanh,
    "sigmoid": Sigmoid,
    "spline": Spline,
    "tanh": functools.partial(Affine, max_log_scale=2.0),
}


def get(transformer):
    """The transformer that `transformer` names, describes, or already is.

    Args:
      transformer: A name of `TRANSFORMERS`, a dictionary of a `"name"` and arguments, a
        `Transformer`, or its serialized Keras config.

    Raises:
      ValueError: The name is unknown, or the type is none of these.
    """
    if isinstance(transformer, Transformer):
        return transformer
    if isinstance(transformer, dict) and transformer.get("name") in TRANSFORMERS:
        arguments = dict(transformer)
        return TRANSFORMERS[arguments.pop("name")](**arguments)
    if isinstance(transformer, dict) and "class_name" in transformer:
        return keras.saving.deserialize_keras_object(transformer)
    if isinstance(transformer, str) and transformer in TRANSFORMERS:
        return TRANSFORMERS[transformer]()
    raise ValueError(
        f"transformer must be one of {sorted(TRANSFORMERS)} or a zoo.transformers.Transformer, "
        f"got {transformer!r:.80}."
    )


__all__ = [
    "Additive",
    "Affine",
    "DeepSigmoidal",
    "Gated",
    "LogisticMixture",
    "Scale",
    "ScaledTanh",
    "Sigmoid",
    "Spline",
    "TRANSFORMERS",
    "Transformer",
    "get",
]
