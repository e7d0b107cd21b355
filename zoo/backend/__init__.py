"""The one place that knows which Keras backend is in use, and picks what goes with it.

TensorFlow is first-class: it is what the zoo ships and exports. Under `KERAS_BACKEND=jax` the same
files run on TensorFlow Probability's JAX substrate. Everything else in `zoo/` says `keras.ops` and
the names below, never `tf.` or `jax.`.
"""

import contextlib
import contextvars
import functools
import secrets

import keras
import numpy as np

from zoo.backend import batching
from zoo.backend.gradients import faster_gradients, registered_here, vjp, with_gradient
from zoo.backend.randomness import Randomness, uniform

NAME = keras.backend.backend()

if NAME == "tensorflow":
    import tensorflow as tf
    import tensorflow_probability as tfp
    from tensorflow_probability.python.internal import cache_util, samplers
    from tensorflow_probability.python.internal import prefer_static as ps

    from zoo.backend import memory
    from zoo.backend.graphs import RememberedGraphs
    from zoo.backend.updates import fused_updates

    memory.keep_freed()
elif NAME == "jax":
    import jax
    from tensorflow_probability.substrates import jax as tfp
    from tensorflow_probability.substrates.jax.internal import cache_util, samplers
    from tensorflow_probability.substrates.jax.internal import prefer_static as ps

    fused_updates = contextlib.nullcontext
else:
    raise ImportError(
        f"Flow Zoo needs a Keras backend that TensorFlow Probability supports: 'tensorflow' or "
        f"'jax', and got {NAME!r}; set the environment variable KERAS_BACKEND."
    )

tfb, tfd = tfp.bijectors, tfp.distributions

__all__ = [
    "CompiledCalls",
    "NAME",
    "Randomness",
    "cache_util",
    "compiled",
    "constrain",
    "draw_seed",
    "dtype",
    "faster_gradients",
    "fused_updates",
    "has_tracers",
    "is_concrete",
    "is_on_host",
    "loop",
    "make_seed",
    "ps",
    "put_rows",
    "raw",
    "read",
    "registered_here",
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


def raw(variable):
    """The backend's own variable behind a `keras.Variable` (a `tf.Variable` under TensorFlow)."""
    return variable.value


def read(variable):
    """The value of a `keras.Variable` as a tensor, in the type that autocasting asks for."""
    if NAME == "tensorflow":
        return tf.convert_to_tensor(variable.value)
    return variable.value


def value(variable):
    """The value of a `keras.Variable` as a tensor, in its own type."""
    if NAME == "tensorflow":
        return tf.convert_to_tensor(raw(variable))
    return raw(variable)


def together(x, *others):
    """`x` and `others` as they are, none of which is there before all of them are."""
    if NAME == "jax":
        return jax.lax.optimization_barrier((x, *others))
    with tf.control_dependencies(others):
        return tf.identity(x), *others


def constrain(variable):
    """Makes a `keras.Variable`'s constraint known to optimizers that are handed the raw one."""
    if NAME == "tensorflow":
        variable.value._constraint = variable.constraint


def dtype(name):
    """The type called `name`, as TFP wants it."""
    return tf.as_dtype(name) if NAME == "tensorflow" else jax.numpy.dtype(name)


def wide_dtype():
    """The widest floating type there is: JAX has no float64 unless told to."""
    return "float64" if NAME == "tensorflow" else str(jax.dtypes.canonicalize_dtype("float64"))


def is_concrete(x):
    """Whether `x` holds numbers that can be looked at now (it is no tracer or graph tensor)."""
    if NAME == "tensorflow":
        return not tf.is_tensor(x) or hasattr(x, "numpy")
    return not isinstance(x, jax.core.Tracer)


def is_on_host(x):
    """Whether `x` holds numbers that can be looked at without copying them from a device."""
    if isinstance(x, np.ndarray):
        return True
    if not is_concrete(x) or not hasattr(x, "__array__"):
        return False
    if NAME == "tensorflow":
        return not hasattr(x, "device") or "CPU" in x.device
    return not hasattr(x, "devices") or all(d.platform == "cpu" for d in x.devices())


def has_tracers(tensors):
    """Whether any of `tensors` belongs to a function being traced by the user."""
    if NAME == "tensorflow" and not tf.executing_eagerly():
        return True
    return any(t is not None and not is_concrete(t) for t in tensors)


def length(x):
    """Number of rows of `x [n, ...]`: an integer where it is known, which costs nothing to ask."""
    n = x.shape[0]
    return keras.ops.shape(x)[0] if n is None else n


def make_seed(seed=None):
    """A stateless seed: the same integer gives the same numbers in every process.

    Args:
      seed: `None` (fresh randomness), an integer, or a stateless seed as TFP takes it (two int32
        numbers, or a JAX key), which is handed through.

    Raises:
      ValueError: It is none of these.
    """
    if seed is None:
        if NAME == "tensorflow" and not tf.executing_eagerly():
            return samplers.sanitize_seed(None)
        seed = secrets.randbits(31)
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        if NAME == "jax":
            return jax.random.PRNGKey(int(seed))
        return tf.constant([0, int(seed) & 0x7FFFFFFF], tf.int32)
    kind = str(getattr(seed, "dtype", "")) or "int" * isinstance(seed, list | tuple)
    if "int" not in kind and "key" not in kind:
        raise ValueError(f"seed must be an integer, or None for fresh randomness, got {seed!r}.")
    if NAME == "tensorflow":
        seed = tf.convert_to_tensor(seed)
        if seed.shape.rank == 0:
            seed = tf.stack([tf.zeros([], tf.int32), tf.cast(seed, tf.int32)])
    return seed


def draw_seed(generator):
    """The next stateless seed of a `keras.random.SeedGenerator`."""
    seed = generator.next()
    return tf.cast(seed, tf.int32) if NAME == "tensorflow" else seed


def split_seed(seed, n=2):
    """`n` independent stateless seeds out of one."""
    return samplers.split_seed(seed, n=n)


def compiled(function, model, jit):
    """`function(*tensors)` compiled on first use; reads the weights `model` has at each call.

    Args:
      function: Takes and returns tensors (or `None`); may read `model`'s variables.
      model: The Keras model whose variables `function` reads.
      jit: Whether to compile with XLA (under JAX everything is).
    """
    if NAME == "tensorflow":
        return _graph(function, RememberedGraphs, jit_compile=bool(jit), reduce_retracing=not jit)

    @jax.jit
    def stateless(values, *args):
        with keras.StatelessScope(state_mapping=zip(model.variables, values, strict=True)):
            return function(*args)

    return lambda *args: stateless([v.value for v in model.variables], *args)


class CompiledCalls:
    """A model's computations, each compiled on first use.

    Args:
      model: The Keras model whose weights are read at each call.
    """

    def __init__(self, model):
        self._model, self._functions = model, {}

    def function(self, function, jit):
        """`function(model, *tensors)`, compiled as a function of the tensors."""
        key = (function, bool(jit))
        if key not in self._functions:
            call = functools.partial(function, self._model)
            self._functions[key] = compiled(call, self._model, jit)
        return self._functions[key]

    def __call__(self, function, rows, rest=(), jit=False):
        """`function(model, *rows, *rest)` of `[n, ...]` rows, `[n, ...]`.

        Under XLA, which compiles for each shape, rows are padded to a few sizes.
        """
        n = rows[0].shape[0]
        # TensorFlow's convolutions on a CPU give no rows of the wrong shape for no rows.
        added = batching.bucket(n) - n if jit or n == 0 else 0
        if added:
            rows = [batching.pad(x, added) for x in rows]
        y = self.function(function, jit)(*rows, *rest)
        return y[:n] if added else y


def traced(function, apart=False):
    """`function` traced once for each shape of its arguments, wherever it is called from.

    Args:
      function: Takes and returns nested tensors.
      apart: Whether each call is run by itself, and not woven into the graph around it: what it
        needs on the way is gone when it is done, and TensorFlow optimises one graph for all the
        calls, not a copy for each. But nothing after a call starts before all of it is done, which
        takes time where gradients of weights could wait, and the gradient of a call keeps more.
    """
    if NAME == "jax":
        return jax.jit(function)
    attributes = {"_noinline": True} if apart else None
    graph = _graph(function, tf.function, reduce_retracing=True, experimental_attributes=attributes)
    # TensorFlow counts traces by source line: many flows would look like one traced often.
    graph._omit_frequent_tracing_warning = True
    return graph


def _graph(function, make, **options):
    """What `make` makes of `function`; its graphs own the gradients registered while traced."""

    @functools.wraps(function)
    def traced_function(*args):
        with registered_here():
            return function(*args)

    return make(traced_function, autograph=False, **options)


_uses_xla = contextvars.ContextVar("uses_xla", default=True)


@contextlib.contextmanager
def without_xla():
    """What TensorFlow traces inside holds no XLA: graphs for export, which take any batch size."""
    token = _uses_xla.set(False)
    try:
        yield
    finally:
        _uses_xla.reset(token)


def shape_invariant_jit(function):
    """XLA-compiles a loop-heavy function even where the caller runs op by op; gradients pass."""
    if NAME == "jax":
        return jax.jit(function)
    jitted = compiled(function, None, jit=True)
    return lambda *args: (jitted if _uses_xla.get() else function)(*args)


def transposed_product(a, b):
    """`a` transposed times `b`, of matrices `[n, c]` and `[n, d]`, without a transposed copy."""
    if NAME == "tensorflow":
        return tf.matmul(a, b, transpose_a=True)
    return keras.ops.matmul(keras.ops.transpose(a), b)


def add_bias(x, bias):
    """`x [..., c] + bias [c]`.

    TensorFlow's gradient of a plain sum keeps `x` for its shape, where the shape is not known
    before; and of convolution, this sum and a rectifier it makes one operation.
    """
    return tf.nn.bias_add(x, bias) if NAME == "tensorflow" else x + bias


def put_rows(x, start, rows):
    """`x` with `rows` in place of its own from row `start` on."""
    if NAME == "jax" or _uses_xla.get():
        return keras.ops.slice_update(x, (start, keras.ops.zeros_like(start)), rows)
    places = start + tf.range(tf.shape(rows)[0], dtype=start.dtype)
    return tf.tensor_scatter_nd_update(x, places[:, None], rows)


def step_logs(logs):
    """The metrics of a training or test step, in the shape that the strategy in use can reduce.

    Under `MultiWorkerMirroredStrategy` Keras averages them over axis 0, which scalars lack.
    """
    if NAME == "tensorflow" and isinstance(
        tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy
    ):
        return {name: tf.reshape(value, [1]) for name, value in logs.items()}
    return logs


def loop(count, body, state):
    """`state = body(i, state)` for `i = 0..count-1`, in one traced step; gradients pass."""
    if NAME == "tensorflow":

        def step(i, *state):
            return (i + 1, *body(i, state))

        return tf.while_loop(
            lambda i, *state: i < count,
            step,
            (tf.constant(0), *state),
            maximum_iterations=count,
        )[1:]
    return jax.lax.fori_loop(0, count, lambda i, state: tuple(body(i, state)), tuple(state))


def while_loop(condition, body, state, maximum):
    """`state = body(state)` while `condition(state)`, at most `maximum` times; no gradients."""
    if NAME == "tensorflow":
        return tf.while_loop(
            lambda *state: condition(state),
            lambda *state: tuple(body(state)),
            tuple(state),
            maximum_iterations=maximum,
        )
    return jax.lax.while_loop(
        lambda s: jax.numpy.logical_and(s[0] < maximum, condition(s[1])),
        lambda s: (s[0] + 1, tuple(body(s[1]))),
        (jax.numpy.int32(0), tuple(state)),
    )[1]
