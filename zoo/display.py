"""What a model shows of itself: its line, its summary, and what tab completion offers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras

# Of Keras' names those that one uses with a model of likelihoods; the rest is machinery.
KERAS = frozenset(
    "compile compute_dtype count_params dtype dtype_policy evaluate export fit from_config "
    "get_config get_weights history layers load_weights metrics name non_trainable_variables "
    "non_trainable_weights optimizer predict save save_weights set_weights summary test_on_batch "
    "train_on_batch trainable trainable_variables trainable_weights variable_dtype variables "
    "weights".split()
)
# What Keras keeps in each instance, and what of the library's training and saving call a model by.
MACHINERY = frozenset(
    "activity_regularizer autocast built call_signature_parameters compiled computations "
    "defaults draw elbo_terms input_spec jit log_likelihood loss observed one_form "
    "predict_function prepare sample_latent seed_generator shared stacks steps_per_execution "
    "stop_training supports_jit supports_masking test_function train_function training_loss "
    "unrolled_steps_per_execution warmup".split()
)


class Shown:
    """A model that tells what it is; mixed into `zoo.Flow` and `zoo.VAE`."""

    def _summary_parts(self):
        """What the model is made of, from the data on: `(name, layer, data and latent shape)`."""
        if getattr(self.dequantizer, "weights", None):
            yield "dequantizer", self.dequantizer, self.event_shape, self.event_shape
        for layer in self.stack.layers:
            yield layer.name, layer, layer.event_shape, layer.latent_shape
        yield "base", self.base, self.latent_shape, self.latent_shape

    def __repr__(self):
        if not getattr(self, "built", False):
            return super().__repr__()
        told = {"event_shape": self.event_shape}
        for name in ("levels", "num_classes", "context_shape"):
            if getattr(self, name):  # The shape of a label is ().
                told[name] = getattr(self, name)
        told["parameters"] = f"{self.count_params():_}"
        for name in ("base", "posterior", "prior"):
            if hasattr(self, name):
                told[name] = _kind(getattr(self, name))
        if entry := getattr(self, "metadata", {}).get("name"):
            told["entry"] = entry
        return f"<{type(self).__name__} {', '.join(f'{k}={v}' for k, v in told.items())}>"

    def summary(
        self: Any,
        *,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = True,
        show_trainable: bool = False,
    ) -> None:
        """Prints the layers, from the data to the latent, with their shapes and parameters.

        Args:
          print_fn: What is called with each line; `print` by default.
          expand_nested: Whether to show the layers within layers and of a base that is a flow.
          show_trainable: Whether to show which layers are trained.
        """
        rows: list[tuple[str, ...]] = [
            ("Layer (type)", "Data", "Latent", "Parameters", "Trainable")
        ]
        for depth, name, layer, *shapes in _rows(self, expand_nested):
            count = layer.count_params()
            trained = ("yes" if layer.trainable else "no") if count else "-"
            title = f"{'  ' * depth}{name} ({_kind(layer)})"
            rows.append((title, *map(str, shapes), f"{count:,}", trained))
        total = self.count_params()
        trained = sum(math.prod(weight.shape) for weight in self.trainable_weights)
        columns = []
        for i, column in enumerate(zip(*rows, strict=True)):
            width = max(map(len, column))
            columns.append([text.rjust(width) if i == 3 else text.ljust(width) for text in column])
        if not show_trainable:
            del columns[-1]
        show = print if print_fn is None else print_fn
        show(repr(self))
        for row in zip(*columns, strict=True):
            show("  ".join(row).rstrip())
        show(f"Parameters: {total:,} of {self.variable_dtype}, {trained:,} of them trained")

    def __dir__(self):
        """What a user needs. Names with an underscore stay: Keras finds there what it saves."""
        hidden = {name for name in dir(keras.Model) if name[0] != "_"} - KERAS | MACHINERY
        return sorted(set(super().__dir__()) - hidden)


def _kind(part):
    """What a layer, a base or a model is, in a word or two."""
    return getattr(part, "described", type(part).__name__)


def _rows(model, nested, depth=0):
    """Each part of a model or layer: depth, name, the layer, and its shapes."""
    if isinstance(model, Shown):
        parts = model._summary_parts()
    else:
        layers = getattr(model, "members", ())
        parts = ((x.name, x, x.event_shape, x.latent_shape) for x in layers)
    for name, layer, *shapes in parts:
        yield depth, name, layer, *shapes
        if nested:
            yield from _rows(layer, nested, depth + 1)
