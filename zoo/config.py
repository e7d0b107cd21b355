"""Constructor arguments: checked, recorded as the configuration that Keras saves, registered."""

import inspect
import math
import numbers
from collections.abc import Iterable

import keras
import numpy as np

from zoo.backend.names import names_in_common

MAX_EVENT = 1 << 24  # numbers in one event, or in anything else with a shape
MAX_INTEGER = 1 << 24  # of any other size or count
# Integers that make nothing larger: names of random numbers and of objects, ends of loops, data.
FREE = {"seed", "shared_object_id", "levels", "decay_steps", "first_decay_steps", "warmup_steps"}
FREE |= {"boundaries", "max_steps", "num_steps", "array", "bounds", "standardize", "shift", "scale"}
FREE |= {"kl_warmup_steps"}
SEEDS = 2**31  # Seeds are integers below: two of int32, as TFP and TensorFlow take them.


def register(package):
    """Registers a class with Keras as `package>Name`, a name that is part of every saved file.

    Raises:
      ValueError: Another class has the name.
    """

    def decorate(cls):
        known = keras.saving.get_registered_object(f"{package}>{cls.__name__}")
        where = (cls.__module__, cls.__qualname__)
        if known is not None and (known.__module__, known.__qualname__) != where:
            raise ValueError(
                f"{package}>{cls.__name__} is {known.__module__}.{known.__qualname__} in saved "
                f"files already; give {'.'.join(where)} another name."
            )
        return keras.saving.register_keras_serializable(package)(cls)

    return decorate


class ArgumentsAsConfig:
    """Records the arguments of the constructor, defaults included, of any type Keras serializes.

    Keras by itself records plain values only: no layers, no transformers, no arrays. A default that
    a later version changes is no matter to files: each holds all that its object was made with.
    `inspect.signature` of a class is that of its constructor.
    """

    # Parameters that `**kwargs` of a constructor stand for, where they are to be seen and recorded.
    _further_parameters: tuple[inspect.Parameter, ...] = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = list(inspect.signature(cls.__init__).parameters.values())[1:]
        named = [p for p in own if p.kind is not p.VAR_KEYWORD]
        taken = {p.name for p in named}
        further = [p for p in cls._further_parameters if p.name not in taken]
        rest = [p for p in own if p.kind is p.VAR_KEYWORD and not further]
        if "__init__" in vars(cls):
            cls.__init__ = names_in_common()(cls.__init__)
        cls.__signature__ = inspect.Signature([*named, *further, *rest])

    def __new__(cls, *args, **kwargs):
        instance = super().__new__(cls)
        try:
            bound = cls.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            names = ", ".join(cls.__signature__.parameters)
            raise TypeError(f"{cls.__name__}: {error}; its arguments are {names}.") from None
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        arguments |= arguments.pop("kwargs", {})
        seed("seed", arguments.get("seed"))
        name = arguments.get("name")
        if name is not None and not (isinstance(name, str) and "/" not in name):
            raise ValueError(f"name must be text without '/', got {name!r:.80}.")
        for name, parameter in cls.__signature__.parameters.items():
            if isinstance(parameter.default, bool):
                flag(name, arguments[name])
        for name, value in arguments.items():
            check_size(name, value)
        floating("dtype", arguments.get("dtype"))
        # Past the tracking of attributes: these are no parts of the instance.
        instance.__dict__["_arguments"] = arguments
        return instance

    def get_config(self):
        """The constructor's arguments, as Keras serializes them."""
        config = {"name": self.name, "dtype": keras.dtype_policies.serialize(self.dtype_policy)}
        given = {k: v for k, v in self._arguments.items() if k not in config}
        return config | {k: keras.saving.serialize_keras_object(v) for k, v in given.items()}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """One like that which `config` was read from, with fresh weights."""
        return cls(**{k: _deserialize(v, custom_objects) for k, v in config.items()})


class ModelConfig(ArgumentsAsConfig):
    """The same of a model, with what of it is frozen, by place: layers and weights.

    What follows from arguments is made anew when a file is read, and would be trained again where
    it was frozen: layers of a family, networks within layers, single weights.
    """

    def get_config(self):
        """The constructor's arguments, and the places of layers and weights that are frozen."""
        layers = [i for i, x in enumerate(self._flatten_layers()) if not x.trainable]
        weights = [i for i, x in enumerate(self.weights) if not x.trainable]
        return super().get_config() | {"frozen": {"layers": layers, "weights": weights}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A model like that which `config` was read from, with fresh weights."""
        config = dict(config)
        frozen = config.pop("frozen", None)
        model = super().from_config(config, custom_objects)
        if frozen is not None:
            # From the whole to its parts: a layer tells what is within it, a weight itself alone.
            _freeze(list(model._flatten_layers()), frozen, "layers")
            _freeze(model.weights, frozen, "weights")
        return model


def _freeze(parts, frozen, what):
    places = frozen.get(what) if isinstance(frozen, dict) else None
    if not (isinstance(places, list) and all(i in range(len(parts)) for i in places)):
        raise ValueError(f"frozen must hold places among the {what} of the model.")
    for i, part in enumerate(parts):
        part.trainable = i not in places


class LayerConfig(ArgumentsAsConfig):
    """The same of a layer, with whether it is frozen."""

    def get_config(self):
        """The constructor's arguments, and whether the layer is frozen."""
        return super().get_config() | {"trainable": self.trainable}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A layer like that which `config` was read from, with fresh weights."""
        config = dict(config)
        trainable = config.pop("trainable", True)
        layer = super().from_config(config, custom_objects)
        if not trainable:
            # Told to the constructor, it would not reach the weights, which are made there.
            layer.trainable = False
        return layer


def _deserialize(value, custom_objects):
    if isinstance(value, list):
        return [_deserialize(v, custom_objects) for v in value]
    if isinstance(value, dict):
        return keras.saving.deserialize_keras_object(value, custom_objects)
    return value


def shown(value):
    """`value` for a message: its `repr` on one line, cut; that of an array has several."""
    return " ".join(repr(value).split())[:80]


def is_number(value):
    """Whether `value` is one finite real number, and no boolean."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # An integer beyond all floats.
        return False


def positive(name, value):
    """`value`, a positive number, as a float.

    Raises:
      ValueError: It is not.
    """
    if not (is_number(value) and value > 0):
        raise ValueError(f"{name} must be a positive number, got {shown(value)}.")
    return float(value)


def check_size(name, value):
    """Checks sizes and counts, alone or in lists, before anything of that size is made.

    Raises:
      ValueError: An integer, or the product of a shape, is beyond all use.
    """
    if isinstance(value, list | tuple):
        whole = [n for n in value if isinstance(n, numbers.Integral)]
        is_shape = name.endswith("shape") and len(whole) == len(value)
        if is_shape and math.prod(abs(int(n)) for n in whole) > MAX_EVENT:
            raise ValueError(
                f"{name} must have at most {MAX_EVENT} numbers, got {shown(list(map(int, whole)))}."
            )
        for part in value:
            check_size(name, part)
    elif isinstance(value, numbers.Integral) and name not in FREE and abs(int(value)) > MAX_INTEGER:
        raise ValueError(f"{name} must be an integer of at most {MAX_INTEGER}, got {shown(value)}.")


def count(name, value, least=1, most=None):
    """`value`, an integer of at least `least`, and at most `most`, by default what sizes may be.

    Raises:
      ValueError: It is not.
    """
    if not (is_number(value) and value >= least and value == int(value)):
        raise ValueError(f"{name} must be an integer of at least {least}, got {shown(value)}.")
    if most is None:
        most = math.inf if name in FREE else MAX_INTEGER
    if value > most:
        raise ValueError(f"{name} must be an integer of at most {most}, got {shown(value)}.")
    return int(value)


def floating(name, value):
    """`value`, a floating type or a dtype policy of Keras' whose weights have one, or `None`.

    Raises:
      ValueError: It is not.
    """
    try:
        policy = None if value is None else keras.dtype_policies.get(value)
    except (TypeError, ValueError):
        policy = value
    if policy is not None and "float" not in getattr(policy, "variable_dtype", ""):
        raise ValueError(
            f'{name} must be a floating type or policy such as "float64" or "mixed_bfloat16", got '
            f"{shown(value)}."
        )
    return value


def flag(name, value):
    """`value`, true or false.

    Raises:
      ValueError: It is neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {shown(value)}.")
    return bool(value)


def seed(name, value):
    """`value`, an integer from 0 to `2**31 - 1`, or `None`.

    Raises:
      ValueError: It is not.
    """
    if value is None:
        return None
    if not (is_number(value) and 0 <= value < SEEDS and value == int(value)):
        raise ValueError(f"{name} must be an integer from 0 to 2**31 - 1, got {shown(value)}.")
    return int(value)


def share(name, value):
    """`value`, a number between 0 and 1, as a float.

    Raises:
      ValueError: It is not.
    """
    if not (is_number(value) and 0 < value < 1):
        raise ValueError(f"{name} must lie between 0 and 1, got {shown(value)}.")
    return float(value)


def choice(name, value, known):
    """`value`, one of `known`.

    Raises:
      ValueError: It is not.
    """
    if value not in known:
        raise ValueError(f"{name} must be one of {known}, got {shown(value)}.")
    return value


def shape(name, value, least=1):
    """`value` as a tuple of positive integers, so many at least.

    Raises:
      ValueError: It is not.
    """
    several = isinstance(value, Iterable) and not isinstance(value, dict | set | str)
    found = tuple(value) if several else (None,)
    whole = (isinstance(n, numbers.Integral) and not isinstance(n, bool) and n > 0 for n in found)
    if not all(whole) or len(found) < least:
        raise ValueError(
            f"{name} must be a tuple of positive integers such as (64,) or (8, 8, 1), got "
            f"{shown(value)}."
        )
    return tuple(int(n) for n in found)
