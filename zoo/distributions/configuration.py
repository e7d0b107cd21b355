"""TFP distributions as plain data, so that a flow with such a base can be saved."""

import inspect

import keras
import numpy as np

from zoo import backend
from zoo.backend import NAME, tfb, tfd, tfp


def serialize(value):
    """A distribution, and whatever its parameters hold, as a structure of plain values.

    Raises:
      ValueError: A parameter is neither a number, a tensor, a variable, nor another distribution
        or bijector of TFP.
    """
    if isinstance(value, tfd.Distribution | tfb.Bijector):
        module = "distributions" if isinstance(value, tfd.Distribution) else "bijectors"
        kind = type(value).__name__.lstrip("_")
        if not hasattr(getattr(tfp, module), kind):
            raise ValueError(
                f"{type(value).__name__} is no class of tfp.{module} and cannot be saved with a "
                "flow; build the base from TFP's own distributions, or from a zoo.Flow."
            )
        defaults = inspect.signature(type(value).__init__).parameters
        given = {
            k: v
            for k, v in value.parameters.items()
            if v is not None and not (k in defaults and v is defaults[k].default)
        }
        return {
            "tfp": f"{module}.{kind}",
            "parameters": {k: serialize(v) for k, v in given.items()},
        }
    if isinstance(value, str | bool | int | float | type(None)):
        return {"value": value}
    if isinstance(value, type(backend.dtype("float32"))):
        return {"dtype_name": keras.backend.standardize_dtype(value)}
    if isinstance(value, list | tuple):
        return {"items": [serialize(v) for v in value]}
    try:
        array = np.asarray(keras.ops.convert_to_numpy(value))
    except (TypeError, ValueError) as error:
        raise ValueError(f"A base with a parameter of {type(value)} cannot be saved.") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"A base with a parameter of {type(value)} cannot be saved.")
    is_variable = hasattr(value, "assign")
    return {
        "array": array.tolist(),
        "dtype": array.dtype.name,
        "variable": is_variable,
        "trainable": bool(getattr(value, "trainable", False)),
    }


def deserialize(config):
    """What `serialize` was given.

    Raises:
      ValueError: It needs variables, and the Keras backend is not TensorFlow.
    """
    if "tfp" in config:
        module, kind = config["tfp"].split(".")
        parameters = {k: deserialize(v) for k, v in config["parameters"].items()}
        return getattr(getattr(tfp, module), kind)(**parameters)
    if "value" in config:
        return config["value"]
    if "dtype_name" in config:
        return backend.dtype(config["dtype_name"])
    if "items" in config:
        return [deserialize(v) for v in config["items"]]
    array = np.asarray(config["array"], config["dtype"])
    if not config["variable"]:
        return keras.ops.convert_to_tensor(array)
    if NAME != "tensorflow":
        raise ValueError("A base with tf.Variables needs KERAS_BACKEND=tensorflow.")
    weight = keras.Variable(array, dtype=config["dtype"], trainable=config["trainable"])
    return weight.value
