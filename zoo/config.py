"""Constructor arguments as the configuration that Keras saves."""

import inspect

import keras


class ArgumentsAsConfig:
    """Records what the constructor was given, of any type that Keras serializes.

    Keras by itself records plain values only: no layers, no transformers, no arrays.
    """

    def __new__(cls, *args, **kwargs):
        instance = super().__new__(cls)
        try:
            bound = inspect.signature(cls.__init__).bind(None, *args, **kwargs)
        except TypeError:
            return instance  # __init__ is about to say what is wrong.
        arguments = dict(list(bound.arguments.items())[1:])
        arguments |= arguments.pop("kwargs", {})
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
