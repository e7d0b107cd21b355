"""The one place that knows which Keras backend is in use, and picks what goes with it.

TensorFlow is first-class: it is what the zoo ships and exports. Under `KERAS_BACKEND=jax` the same
files run on TensorFlow Probability's JAX substrate. Everything else in `zoo/` says `keras.ops` and
the names below, never `tf.` or `jax.`.
"""

from zoo.backend.arrays import (
    add_bias,
    dtype,
    has_tracers,
    is_concrete,
    is_dense,
    is_on_host,
    largest,
    length,
    raw,
    read,
    together,
    transposed_product,
    value,
    wide_dtype,
)
from zoo.backend.compiled import (
    CompiledCalls,
    compiled,
    result_shapes,
    shape_invariant_jit,
    traced,
    without_xla,
)
from zoo.backend.datasets import checker, refused, rows
from zoo.backend.gradients import (
    faster_gradients,
    jvp,
    linear_solve,
    registered_here,
    vjp,
    with_gradient,
)
from zoo.backend.loops import loop, put, put_rows, while_loop
from zoo.backend.memory import keep_freed
from zoo.backend.names import names_in_common
from zoo.backend.randomness import Randomness, draw_seed, make_seed, split_seed, uniform
from zoo.backend.strategies import of_replica, step_logs
from zoo.backend.updates import fused_updates
from zoo.backend.which import NAME, cache_util, ps, samplers, tfb, tfd, tfp

if NAME == "tensorflow":
    # Sets TF_CPU_ALLOCATOR_USE_BFC, which TensorFlow reads at its first operation.
    keep_freed()

__all__ = [
    "NAME",
    "CompiledCalls",
    "Randomness",
    "add_bias",
    "cache_util",
    "checker",
    "compiled",
    "draw_seed",
    "dtype",
    "faster_gradients",
    "fused_updates",
    "has_tracers",
    "is_concrete",
    "is_dense",
    "is_on_host",
    "jvp",
    "largest",
    "length",
    "linear_solve",
    "loop",
    "make_seed",
    "names_in_common",
    "of_replica",
    "ps",
    "put",
    "put_rows",
    "raw",
    "read",
    "refused",
    "registered_here",
    "result_shapes",
    "rows",
    "samplers",
    "shape_invariant_jit",
    "split_seed",
    "step_logs",
    "tfb",
    "tfd",
    "tfp",
    "together",
    "traced",
    "transposed_product",
    "uniform",
    "value",
    "vjp",
    "while_loop",
    "wide_dtype",
    "with_gradient",
    "without_xla",
]
