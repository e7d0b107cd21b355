"""What the tests of the library share: random weights, random data, Jacobians, and counters."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo


def randomize(model, seed=0, scale=0.5):
    """Gives every trainable variable random values; a fresh flow is an identity and proves nothing.

    Kernels are normal with standard deviation `scale / sqrt(inputs)`, so that `scale` means the
    same at every width; everything else is normal with deviation `0.5 * scale`. Weights that `Scan`
    stacks are drawn as those of one layer.

    Returns:
      `model`.
    """
    generator = np.random.default_rng(seed)
    layers = model._flatten_layers()
    stacked = {id(v) for p in layers if isinstance(p, zoo.layers.Scan) for v in p.variables}
    for variable in model.trainable_variables:
        shape = tuple(variable.shape)
        own = shape[1:] if id(variable) in stacked else shape
        is_kernel = len(own) in (2, 4)  # Dense, or convolutional.
        deviation = scale / np.sqrt(np.prod(own[:-1])) if is_kernel else 0.5 * scale
        variable.assign(generator.normal(0.0, deviation, shape))
    update_spectral_norms(model)
    return model


def update_spectral_norms(model):
    """Brings what a flow or a layer keeps of its weights to convergence, where it keeps any."""
    for part in [model, *model._flatten_layers(include_self=False)]:
        for name in ("update_spectral_norms", "update_spectral_norm"):
            if callable(getattr(part, name, None)):
                getattr(part, name)()


def assert_same(actual, desired):
    """Asserts that two runs of one computation agree, up to rounding.

    The last bits of a compiled function may depend on where its arrays lie in memory.
    """
    tolerance = 1e-12 if np.asarray(desired).dtype == np.float64 else 1e-5
    np.testing.assert_allclose(actual, desired, rtol=tolerance, atol=tolerance)


def data(flow, n, seed=0):
    """`n` events that `flow` takes: grey levels where it is discrete, otherwise normal."""
    generator = np.random.default_rng(seed)
    if flow.levels is not None:
        return generator.integers(0, flow.levels, (n, *flow.event_shape)).astype("int32")
    return generator.normal(size=(n, *flow.event_shape)).astype(flow.variable_dtype)


def floats(flow, n, seed=0):
    """`n` events as floats, in data units."""
    x = data(flow, n, seed)
    if flow.levels is not None:
        x = x + np.random.default_rng(seed).uniform(size=x.shape)
    return x.astype(flow.variable_dtype)


def context(flow, n, seed=0):
    """`n` contexts that `flow` takes, or `None` where it takes none."""
    generator = np.random.default_rng(1000 + seed)
    if not flow.conditional:
        return None
    if flow.num_classes:
        return generator.integers(0, flow.num_classes, n).astype("int32")
    return generator.normal(size=(n, *flow.context_shape)).astype(flow.variable_dtype)


def jacobian(function, x):
    """The Jacobians `[n, d_out, d_in]` of `function`, which treats the rows of `x [n, d_in]` alike.

    Row `i` of every Jacobian comes from its own copy of the event, so that one gradient gives all
    of them.

    Args:
      function: `(x [n * d_out, d_in], copies) -> y [n * d_out, d_out]`; `copies` says how often
        each row of `x` was repeated, for whatever goes with the rows.
      x: Array `[n, d_in]`; the output has as many dimensions.
    """
    n, size = x.shape
    rows, pick = copied(x)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        y = tf.reduce_sum(function(rows, size) * pick)
    return tape.gradient(y, rows).numpy().reshape(n, size, size)


def copied(x):
    """`x [n, d]` with each row `d` times, and the mask that picks another entry of each copy."""
    n, size = x.shape
    rows = tf.repeat(tf.convert_to_tensor(x), size, axis=0)
    return rows, tf.tile(tf.eye(size, dtype=rows.dtype), [n, 1])


def repeated(given, copies):
    """A context (or `None`) repeated row by row, to go with the rows of `copied`."""
    return None if given is None else np.repeat(given, copies, axis=0)


def operations(function, *args, kind="MatMul"):
    """How many operations of a kind a `tf.function` holds, those of nested functions included."""
    graph = function.get_concrete_function(*args).graph.as_graph_def()
    library = {f.signature.name: f.node_def for f in graph.library.function}

    def count(nodes):
        total = 0
        for node in nodes:
            total += node.op == kind or node.op == f"Batch{kind}V2"
            for value in node.attr.values():
                if value.HasField("func"):
                    total += count(library[value.func.name])
        return total

    return count(graph.node)


def raises_one_line(*words):
    """`pytest.raises` of a `ValueError` that says all of `words` in one line."""
    pattern = "".join(f"(?=.*{re.escape(word)})" for word in words)
    # No "." matches a line break, and \Z is the end: a second line fails the test.
    return pytest.raises(ValueError, match=rf"\A{pattern}[^\n]+\Z")


def mixture_log_prob(flow, x):
    """Log-density of a class-conditional flow's mixture over classes, by its definition."""
    each = [flow.log_prob(x, context=label).numpy() for label in range(flow.num_classes)]
    return np.logaddexp.reduce(each, axis=0) - np.log(flow.num_classes)


def saved_and_loaded(flow, folder):
    """`flow` after a way through a .keras file, loaded without trust in it."""
    path = folder / "flow.keras"
    flow.save(path)
    return keras.saving.load_model(path, safe_mode=True)
