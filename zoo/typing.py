"""Types of arguments and results, for annotations: TensorFlow, JAX and Keras have none to name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy.typing as npt

Tensor: TypeAlias = Any  # Of the Keras backend.
ArrayLike: TypeAlias = npt.ArrayLike | Tensor  # Also lists, and tables of pandas.
Shape: TypeAlias = Sequence[int]
Seed: TypeAlias = int | Sequence[int] | Tensor | None
DType: TypeAlias = Any  # Name of a type, a type, or a dtype policy of Keras'.
PathLike: TypeAlias = str | os.PathLike[str]
Bijector: TypeAlias = Any  # A `tfb.Bijector`, of TFP on the backend.
Distribution: TypeAlias = Any  # A `tfd.Distribution`, likewise.
