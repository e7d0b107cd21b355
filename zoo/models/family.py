"""What the families share: the arguments that all of them take, and what is made of these."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo import config, specs
from zoo.distributions import VariationalDequantizer
from zoo.flow import Flow
from zoo.layers import Columns, FlowLayer
from zoo.layers.fixed import check_bounds
from zoo.layers.images import image_shape
from zoo.layers.preprocess import to_unit_range, to_vector
from zoo.typing import Distribution, DType, Shape


class Shared:
    """The arguments that every family takes, checked, and what its layers need of them.

    Args:
      event_shape: Shape of one event.
      context_shape: Shape of one context vector that the flow is conditioned on, or `None`.
      num_classes: Number of classes where the context is an integer label, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      preprocessing: Of integer data: `"logit"`, `"center"` (to `[-1, 1]`) or `"none"`; `None` for
        the family's own.
      alpha: Margin of the logit, in `(0, 0.5)`.
      bounds: Of columns of continuous data `(d,)`, one each: `None`, `(low, high)` with `None` for
        an open end, or `"log"`: see `zoo.layers.Columns`. Samples stay inside.
      standardize: `(shift, scale)`, a number a column each, such as means and standard deviations;
        densities and samples stay in the data's units.
      base: `"normal"`, `"logistic"`, a `tfd.Distribution` over the latent, or a `zoo.Flow` over it.
      dequantization, jit_compile, recompute: As in `zoo.Flow`.
      seed: Seed of the initial weights, an integer; fresh ones without it.
      dtype: Type or dtype policy of a Keras model. With `"mixed_bfloat16"` the networks compute in
        bfloat16, all else in float32.
      name: Name of a Keras model.

    Attributes:
      family: Name of the family, for messages.
      plain: Keyword arguments of a layer that takes no context.
      conditional: Keyword arguments of a layer that takes the context, as a vector.

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        context_shape: Shape | None = None,
        num_classes: int | None = None,
        levels: int | None = None,
        preprocessing: str | None = None,
        alpha: float = 1e-2,
        bounds: Sequence[Any] | None = None,
        standardize: Sequence[Any] | None = None,
        base: str | Distribution | Flow = "normal",
        dequantization: str | VariationalDequantizer = "uniform",
        jit_compile: bool | str = "auto",
        recompute: str | None = None,
        seed: int | None = None,
        dtype: DType = None,
        name: str | None = None,
    ) -> None:
        self.family = "Family"
        self.event_shape = config.shape("event_shape", event_shape)
        self.seed = config.seed("seed", seed)
        self.plain = {"dtype": dtype}
        vector_shape = specs.ContextSpec(context_shape, num_classes).vector_shape
        self.conditional = self.plain | {"context_shape": vector_shape}
        levels = None if levels is None else config.count("levels", levels, least=2)
        self._units = {"levels": levels, "preprocessing": preprocessing, "alpha": alpha}
        self.columns = self._of_columns(bounds, standardize, levels)
        self.flow = {
            "event_shape": self.event_shape,
            "context_shape": context_shape,
            "num_classes": num_classes,
            "levels": levels,
            "base": base,
            "dequantization": dequantization,
            "jit_compile": jit_compile,
            "recompute": recompute,
            "dtype": dtype,
            "name": name,
        }

    def vector(self):
        """The layers that take data to vectors of roughly unit range, and their shape `(d,)`."""
        layers, shape = to_vector(self.event_shape, **self._units, **self.plain)
        if any(value is not None for value in self.columns.values()):
            bounds, (shift, scale) = (
                self.columns["bounds"],
                self.columns["standardize"] or (None,) * 2,
            )
            layers = [Columns(shape, bounds, shift, scale, **self.plain), *layers]
        return layers, shape

    def _of_columns(self, bounds, standardize, levels):
        """What is known of columns, as plain numbers, for layers and configuration."""
        if bounds is None and standardize is None:
            return {"bounds": None, "standardize": None}
        if levels is not None:
            raise ValueError("bounds and standardize are for continuous data: omit levels.")
        if bounds is not None:
            bounds = check_bounds(bounds, self.event_shape)
        if standardize is not None:
            try:
                shift, scale = (np.asarray(part, np.float64).tolist() for part in standardize)
            except (TypeError, ValueError):
                raise ValueError(
                    "standardize must be (shift, scale), a number a column each, got "
                    f"{standardize!r}."
                ) from None
            standardize = (shift, scale)
        return {"bounds": bounds, "standardize": standardize}

    def image(self, halvings, default="logit"):
        """The layers that take images to roughly unit range, and their shape.

        Args:
          halvings: How often height and width are halved.
          default: The preprocessing where none is given.

        Raises:
          ValueError: Events are no images, or cannot be halved so often.
        """
        height, width, _ = image_shape(self.event_shape, self.family)
        if any(value is not None for value in self.columns.values()):
            raise ValueError("bounds and standardize are for columns of tables, not for images.")
        if height % 2**halvings or width % 2**halvings:
            raise ValueError(
                f"{self.family} halves the image {halvings} times here: height and width must be "
                f"divisible by {2**halvings}, got event_shape={self.event_shape}; use fewer "
                "scales, or pad or crop the images."
            )
        layers = to_unit_range(self.event_shape, **self._units, **self.plain, default=default)
        return layers, self.event_shape

    def seeds(self, step=1, start=None):
        """Seeds of layers, `step` apart, from `start` times the flow's seed; `None`s without one.

        They are taken modulo 2**31, what a seed may be.
        A network takes consecutive seeds for its layers: leave it as many as it has.
        """
        start = 1000 * step if start is None else start
        i = 0
        while True:
            yield None if self.seed is None else (start * self.seed + step * i) % config.SEEDS
            i += 1

    def order(self, order, i):
        """The order of the dimensions in the autoregressive layer `i`.

        `"sequential"` is reversed from layer to layer, `"random"` drawn anew for each from the
        seed, or from 0 where there is none: a flow rebuilt from its configuration must have the
        same orders.
        """
        if order == "random":
            size = math.prod(self.event_shape)
            return np.random.default_rng(1000 * (self.seed or 0) + i).permutation(size)
        return "reversed" if order == "sequential" and i % 2 else order


_PARAMETERS = tuple(inspect.signature(Shared).parameters.values())[1:]


class Family(Flow):
    """A flow whose layers follow from a few arguments; base class of the families of the zoo.

    A subclass names its own arguments behind `event_shape`, keyword-only, and leaves those that all
    families take to `**shared`, which signature, help and configuration show one by one:

    ```python
    @register("zoo")
    class Mine(Family):
        def __init__(self, event_shape, *, num_layers=2, **shared):
            shared = self.shared(event_shape, shared)
            layers, shape = shared.vector()
            layers += [ActNorm(shape, **shared.plain) for _ in range(num_layers)]
            super().__init__(layers, shared)
    ```

    A line `**shared: ...` of its docstring is replaced by what `Shared` says of them.

    Args:
      layers: `zoo.layers.FlowLayer`s from the data to the latent.
      shared: The `Shared` arguments.
      **changes: Arguments of `zoo.Flow` that the family decides.
    """

    # Defaults of shared arguments that are the family's own.
    defaults: dict[str, Any] = {}
    _further_parameters = _PARAMETERS

    def __init__(self, layers: list[FlowLayer], shared: Shared, **changes: Any) -> None:
        super().__init__(layers, **(shared.flow | changes))

    def __init_subclass__(cls, **kwargs):
        own = cls.defaults
        cls._further_parameters = tuple(
            p.replace(default=own.get(p.name, p.default)) for p in cls._further_parameters
        )
        super().__init_subclass__(**kwargs)
        # What `**kwargs` of a class derived from this one stand for.
        parameters = cls.__signature__.parameters.values()
        cls._further_parameters = tuple(p for p in parameters if p.kind is p.KEYWORD_ONLY)
        if cls.__doc__ and Shared.__doc__:
            cls.__doc__ = _with_shared(cls.__doc__)

    def shared(self, event_shape: Shape, given: dict[str, Any]) -> Shared:
        """The arguments that all families take, with the defaults of this one."""
        found = Shared(event_shape, **(self.defaults | given))
        found.family = type(self).__name__
        # As plain floats: what a file holds is JSON.
        self._arguments.update(found.columns)
        return found

    def one_form(self, scales, dense, images):
        """The options of a family that has a form for vectors and one, with scales, for images.

        What is not given has the form's default, and the configuration records it.

        Args:
          scales: Number of scales, or `None` for the form for vectors.
          dense: Name of each option of the form for vectors, with `(what is given, default)`.
          images: The same of the form for images.

        Returns:
          Dictionary of the options of the form that is asked for.

        Raises:
          ValueError: One of the other form's options is given.
        """
        used, others, why = images, dense, "is for flows without scales; with them it is "
        if scales is None:
            used, others, why = dense, images, "needs scales, the number of scales; without it is "
        for name, (value, _) in others.items():
            if value is not None:
                raise ValueError(f"{name} {why}{' and '.join(used)}; got {name}={value!r}.")
        options = {k: default if value is None else value for k, (value, default) in used.items()}
        self._arguments.update(options)
        return options


def _with_shared(text):
    """A docstring with the arguments of all families in place of `**shared`."""
    arguments = inspect.cleandoc(Shared.__doc__).split("\nArgs:\n")[1].split("\n\n")[0]
    _, _, arguments = arguments.partition("\n")  # Of its event, each family speaks itself.
    lines = re.escape("  **shared:") + r".*"
    return re.sub(lines, lambda _: arguments, inspect.cleandoc(text))
