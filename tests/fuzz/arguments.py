"""Arguments of calls: those that the documentation takes, excludes, or leaves open.

Each function returns a choice: `(random, whether it is to be odd) -> (make, verdict, words)`, where
`make()` gives the value.
"""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

OK, BAD, OPEN = "ok", "bad", "open"
NAN = float("nan")


def choices(good, odd):
    """Choices between good values and odd ones, `(value, verdict)`; a callable makes its value."""
    if not odd:
        odd = [(value, OK) for value in good]

    def choose(random, is_odd):
        value, verdict = random.choice(odd) if is_odd else (random.choice(good), OK)
        return (value if callable(value) else lambda: value), verdict, words_of(value)

    return choose


def never(choose):
    """The same values, all of them excluded."""

    def never(random, is_odd):
        make, _, words = choose(random, is_odd)
        return make, BAD, words

    return never


def words_of(value):
    return value.__name__ if callable(value) else repr(value)[:60]


def named(name, function):
    function.__name__ = name
    return function


def events(flow, shape=None, n=4, floats=False, least=0):
    """Events of a flow, or latents of another shape."""
    shape = tuple(flow.event_shape if shape is None else shape)
    levels = None if floats else flow.levels

    def array(kind="float32", n=n, shape=shape):
        rng = np.random.default_rng(0)
        if levels:
            return rng.integers(0, levels, (n, *shape)).astype("int32")
        return rng.normal(size=(n, *shape)).astype(kind)

    def holed(value):
        x = array("float32").astype("float32")
        x.ravel()[1] = value
        return x

    def make(words, function):
        return named(words, function)

    good = [
        make("array", array),
        make("list", lambda: array().tolist()),
        make("tensor", lambda: tf.constant(array())),
        make("variable", lambda: keras.ops.convert_to_tensor(array())),
    ]
    if levels is None:
        good.append(make("float64", lambda: array("float64")))
        good.append(make("float16", lambda: array("float16")))
    if len(shape) == 1:
        good.append(make("frame", lambda: pd.DataFrame(array())))
    masked = make("masked", lambda: np.ma.masked_array(array(), array() > -0.1))
    odd = [
        (make("nan", lambda: holed(NAN)), BAD),
        (make("inf", lambda: holed(-np.inf)), BAD),
        (make("nan tensor", lambda: tf.constant(holed(NAN))), BAD),
        (make("nan frame", lambda: pd.DataFrame(holed(NAN).reshape(n, -1))), BAD),
        (make("huge", lambda: holed(1e30)), OPEN),
        (make("wrong last", lambda: array(shape=(*shape[:-1], shape[-1] + 1))), BAD),
        (make("one event", lambda: array()[0]), BAD),
        (make("scalar", lambda: 3.0), BAD),
        (make("more dimensions", lambda: array()[None]), BAD),
        (make("empty", lambda: array(n=0)), OK if least == 0 else BAD),
        (make("single", lambda: array(n=1)), OK if least < 2 else BAD),
        (make("ragged list", lambda: [[1.0], [1.0, 2.0]]), BAD),
        (make("ragged", lambda: tf.ragged.constant([[1.0], [1.0, 2.0]])), BAD),
        (make("sparse", lambda: tf.sparse.from_dense(array().reshape(n, -1))), BAD),
        (make("strings", lambda: np.full((n, *shape), "a")), BAD),
        (make("objects", lambda: np.full((n, *shape), None)), BAD),
        (make("complex", lambda: array().astype("complex64")), BAD),
        (make("booleans", lambda: np.ones((n, *shape), bool)), BAD),
        (make("dates", lambda: np.zeros((n, *shape), "datetime64[s]")), BAD),
        ("abc", BAD),
        (None, BAD),
        ({}, BAD),
        (make("dictionary", lambda: {"x": array()}), BAD),
        (make("set", lambda: {1, 2}), BAD),
        (make("type", lambda: float), BAD),
        (make("other integers", lambda: np.full((n, *shape), 99)), BAD),
        (make("negative integers", lambda: np.full((n, *shape), -1, "int8")), BAD),
    ]
    if not levels or n < 3:
        odd.append((masked, BAD))
    return choices(good, odd)


def contexts(flow, n=4, needed=True, one=True, leading=False):
    def make(words, function):
        return named(words, function)

    if not flow.conditional:
        odd = [(make("unwanted", lambda: np.zeros((n, 2), "float32")), BAD), (0, BAD)]
        return choices([None], odd)
    any_shape = OK if leading else BAD
    missing = [(None, BAD if needed or not flow.num_classes else OK)]
    if flow.num_classes:
        good = [make("labels", lambda: np.arange(n) % 3), make("list", lambda: [0] * n)]
        good += [2] * one
        odd = [
            (make("out of range", lambda: np.full(n, 3)), BAD),
            (make("negative", lambda: np.full(n, -1)), BAD),
            (make("floats", lambda: np.zeros(n, "float32")), BAD),
            (make("one-hot", lambda: np.eye(3, dtype="int32")[np.zeros(n, int)]), any_shape),
            (make("wrong length", lambda: np.zeros(n + 1, int)), any_shape),
            ("a", BAD),
            (make("nan", lambda: np.full(n, NAN)), BAD),
            (True, BAD),
            (2**40, BAD),
        ]
        return choices(good, odd + missing)
    good = [make("vectors", lambda: np.ones((n, 2), "float32"))]
    good += [make("one", lambda: np.ones(2))] * one
    odd = [
        (make("nan", lambda: np.full((n, 2), NAN)), BAD),
        (make("wrong length", lambda: np.ones((n + 1, 2))), any_shape),
        (make("wrong size", lambda: np.ones((n, 3))), BAD),
        (make("labels", lambda: np.zeros(n, int)), BAD),
        ("a", BAD),
    ]
    return choices(good, odd + missing)


def seeds():
    odd = [
        (-1, BAD),
        (1.5, BAD),
        (2**31, BAD),
        ("a", BAD),
        ([1, 2, 3], BAD),
        (NAN, BAD),
        (True, BAD),
    ]
    return choices(
        [0, 7, None, np.int64(3), 2**31 - 1], [*odd, ([1, 2], OPEN), ({}, BAD), (2**70, BAD)]
    )


def counts(least=0, most=2**31):
    odd = [(-1, BAD), (2.5, BAD), ("3", BAD), (None, BAD), (True, BAD), (NAN, BAD), ([3], BAD)]
    odd += [(most, BAD), (2**40, BAD), (2**32 + 3, BAD), (3.0, OPEN), (1e300, BAD), ({}, BAD)]
    odd += [(0, OK if least == 0 else BAD), (1, OK if least < 2 else BAD)]
    return choices([2, 5, np.int32(3)], odd)


def numbers(zero=True):
    odd = [(-1.0, BAD), (NAN, BAD), (np.inf, BAD), ("a", BAD), (1j, BAD), (None, BAD), ([], BAD)]
    return choices([1.0, 0.5, 2], [*odd, (0, OK if zero else BAD), (1e30, OPEN), ([1.0, 2.0], BAD)])


def paths(kind):
    odd = [("~nouser/x", BAD), ("a\0b", BAD), ("", BAD), (5, BAD), (None, BAD), ("file", BAD)]
    odd += [("file/x", BAD), ("nowhere/" + "a" * 300, BAD), (b"bytes", BAD), ([], BAD)]
    if kind == "load":
        odd += [("nowhere", BAD), (".", BAD), ("/dev/null", BAD), ("..", BAD), ("maf digits", BAD)]
    return choices(["good"], odd)


def weights(n=4):
    odd = [
        (named("wrong length", lambda: np.ones(n + 1)), BAD),
        (named("square", lambda: np.ones((n, n))), BAD),
        (named("nan", lambda: np.full(n, NAN)), BAD),
        ("a", BAD),
        (3.0, BAD),
        (named("column", lambda: np.ones((n, 1))), OK),
        (named("integers", lambda: np.arange(1, n + 1)), OK),
        (named("series", lambda: pd.Series(np.ones(n))), OK),
    ]
    return choices([None, named("ones", lambda: np.ones(n, "float32"))], odd)


def among(good, bad):
    return choices(good, [(value, BAD) for value in bad])


# All arguments of a call.


def scored(flow):
    """Arguments of a density."""
    return {"x": events(flow), "context": contexts(flow, needed=False), "seed": seeds()}


def drawn(flow):
    """Arguments of `sample`."""
    n, context = counts(), among([None], ["a", [5]])
    if flow.context_shape:
        n, context = among([4], [-1, 2.5, 2**31, "a"]), contexts(flow)
    return {"n": n, "context": context, "seed": seeds(), "temperature": numbers()}


def data(flow, **more):
    """Arguments of what trains or measures, and more of them."""
    y = contexts(flow, one=False, needed=False)
    return {"x": events(flow, least=1), "y": y, "sample_weight": weights(), **more}
