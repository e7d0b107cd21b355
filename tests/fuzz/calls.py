"""Odd calls of the library: arguments that the documentation takes, excludes, or leaves open."""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import zoo
from tests.fuzz.oracle import finite, require

OK, BAD, OPEN = "ok", "bad", "open"
NAN = float("nan")


def draw(random, folder, made):
    """`(what it is, a function that runs it)`."""
    if random.random() < 0.3:
        return _construct(random)
    name = random.choice(list(CALLS))
    which = random.choice(list(made.flows))
    flow, weights = made.flows[which]
    arguments, oddities = {}, random.choice([0, 1, 1, 1, 2])
    takes = CALLS[name][0](flow)
    odd = random.sample(list(takes), min(oddities, len(takes)))
    verdicts = []
    for argument, choices in takes.items():
        make, verdict, words = choices(random, argument in odd)
        arguments[argument] = (make, words)
        verdicts.append(verdict)
    what = f"{name} of {which}: {', '.join(f'{k}={w}' for k, (_, w) in arguments.items())}"

    def case():
        flow.set_weights(weights)
        given = {k: make() for k, (make, _) in arguments.items()}
        try:
            CALLS[name][1](flow, folder, made, **given)
        except Exception as error:
            documented = set(verdicts) == {OK}
            if documented:
                raise RuntimeError(f"refused what it promises to take: {error}") from error
            raise
        finally:
            changed = [w for w in flow.get_weights() if not np.isfinite(w).all()]
            flow.set_weights(weights)
            require(not changed, "weights are not finite")
        require(BAD not in verdicts, "an argument was taken that is excluded")

    return what, case


# Arguments: functions of (random, whether it is to be odd) -> (function that makes it, verdict,
# words).


def _of(good, odd):
    """Choices between good values and odd ones, `(value, verdict)`; a callable makes its value."""
    if not odd:
        odd = [(value, OK) for value in good]

    def choose(random, is_odd):
        value, verdict = random.choice(odd) if is_odd else (random.choice(good), OK)
        return (value if callable(value) else lambda: value), verdict, _words(value)

    return choose


def _never(choose):
    """The same values, all of them excluded."""

    def never(random, is_odd):
        make, _, words = choose(random, is_odd)
        return make, BAD, words

    return never


def _words(value):
    return value.__name__ if callable(value) else repr(value)[:60]


def _named(name, function):
    function.__name__ = name
    return function


def _events(flow, shape=None, n=4, floats=False, least=0):
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
        return _named(words, function)

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
    return _of(good, odd)


def _contexts(flow, n=4, needed=True, one=True, leading=False):
    def make(words, function):
        return _named(words, function)

    if not flow.conditional:
        odd = [(make("unwanted", lambda: np.zeros((n, 2), "float32")), BAD), (0, BAD)]
        return _of([None], odd)
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
        return _of(good, odd + missing)
    good = [make("vectors", lambda: np.ones((n, 2), "float32"))]
    good += [make("one", lambda: np.ones(2))] * one
    odd = [
        (make("nan", lambda: np.full((n, 2), NAN)), BAD),
        (make("wrong length", lambda: np.ones((n + 1, 2))), any_shape),
        (make("wrong size", lambda: np.ones((n, 3))), BAD),
        (make("labels", lambda: np.zeros(n, int)), BAD),
        ("a", BAD),
    ]
    return _of(good, odd + missing)


def _seeds():
    odd = [
        (-1, BAD),
        (1.5, BAD),
        (2**31, BAD),
        ("a", BAD),
        ([1, 2, 3], BAD),
        (NAN, BAD),
        (True, BAD),
    ]
    return _of(
        [0, 7, None, np.int64(3), 2**31 - 1], [*odd, ([1, 2], OPEN), ({}, BAD), (2**70, BAD)]
    )


def _counts(least=0, most=2**31):
    odd = [(-1, BAD), (2.5, BAD), ("3", BAD), (None, BAD), (True, BAD), (NAN, BAD), ([3], BAD)]
    odd += [(most, BAD), (2**40, BAD), (2**32 + 3, BAD), (3.0, OPEN), (1e300, BAD), ({}, BAD)]
    odd += [(0, OK if least == 0 else BAD), (1, OK if least < 2 else BAD)]
    return _of([2, 5, np.int32(3)], odd)


def _numbers(zero=True):
    odd = [(-1.0, BAD), (NAN, BAD), (np.inf, BAD), ("a", BAD), (1j, BAD), (None, BAD), ([], BAD)]
    return _of([1.0, 0.5, 2], [*odd, (0, OK if zero else BAD), (1e30, OPEN), ([1.0, 2.0], BAD)])


def _paths(kind):
    odd = [("~nouser/x", BAD), ("a\0b", BAD), ("", BAD), (5, BAD), (None, BAD), ("file", BAD)]
    odd += [("file/x", BAD), ("nowhere/" + "a" * 300, BAD), (b"bytes", BAD), ([], BAD)]
    if kind == "load":
        odd += [("nowhere", BAD), (".", BAD), ("/dev/null", BAD), ("..", BAD), ("maf digits", BAD)]
    return _of(["good"], odd)


def _weights(n=4):
    odd = [
        (_named("wrong length", lambda: np.ones(n + 1)), BAD),
        (_named("square", lambda: np.ones((n, n))), BAD),
        (_named("nan", lambda: np.full(n, NAN)), BAD),
        ("a", BAD),
        (3.0, BAD),
        (_named("column", lambda: np.ones((n, 1))), OK),
        (_named("integers", lambda: np.arange(1, n + 1)), OK),
        (_named("series", lambda: pd.Series(np.ones(n))), OK),
    ]
    return _of([None, _named("ones", lambda: np.ones(n, "float32"))], odd)


# Calls: (arguments of a flow, function that runs them and looks at what comes).


def _sample(flow, folder, made, n, context, seed, temperature):
    x = flow.sample(n, context=context, seed=seed, temperature=temperature)
    finite(x, (n, *flow.event_shape), "sample")


def _density(method):
    def run(flow, folder, made, x, context, seed):
        y = np.asarray(getattr(flow, method)(x, context, seed))
        require(y.shape == (len(x),), f"{method} has shape {y.shape}")
        # A density may underflow.
        least = np.isneginf(y) if method == "log_prob" else np.isposinf(y)
        require((np.isfinite(y) | least).all(), f"{method} is {y}")

    return run


def _coding(method, tail):
    def run(flow, folder, made, x, context):
        y = getattr(flow, method)(x, context)
        finite(y, (len(x), *getattr(flow, tail)), method)

    return run


def _trained(method):
    def run(flow, folder, made, x, y, sample_weight=None, **more):
        flow.compile("sgd", run_eagerly=True)
        if x is None:
            getattr(flow, method)(x)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if method in ("fit", "evaluate"):
            more["verbose"] = 0
        found = getattr(flow, method)(x, y, **weights, **more)
        numbers = found.history.values() if method == "fit" else found
        require(np.isfinite(np.asarray(list(numbers))).all(), f"{method} gives {list(numbers)}")

    return run


def _predict(flow, folder, made, x, batch_size):
    y = flow.predict(x, batch_size=batch_size, verbose=0)
    finite(y, (len(x),), "predict")


def _adapt(flow, folder, made, x, context):
    flow.adapt(x, context)


def _interpolate(flow, folder, made, a, b, steps, context):
    y = flow.interpolate(a, b, steps, context)
    finite(y, (steps, len(a), *flow.event_shape), "interpolate")


def _attribute(flow, folder, made, positive, negative, batch_size):
    contexts = (1, 1) if flow.num_classes else (None, None)
    if flow.context_shape:
        contexts = np.ones(2), np.ones(2)
    y = flow.attribute_direction(positive, negative, contexts, batch_size)
    finite(y, flow.latent_shape, "direction")


def _manipulate(flow, folder, made, x, direction, strengths):
    context = {(): 1, (2,): np.ones(2)}.get(flow.context_shape)
    y = flow.manipulate(x, direction, strengths, context)
    finite(y, (len(strengths), len(x), *flow.event_shape), "manipulate")


def _save(flow, folder, made, path, metadata):
    (folder / "file").write_text("x")
    path = zoo.save(flow, path, metadata)
    back = zoo.load(path)
    x = np.zeros((2, *flow.event_shape), "float32")
    context = {(): [0, 1], (2,): np.ones((2, 2))}.get(flow.context_shape)
    require(np.allclose(flow.log_prob(x, context), back.log_prob(x, context)), "another density")


def _load(flow, folder, made, path, verify):
    (folder / "file").write_text("x")
    zoo.load(made.entry if path == "good" else path, verify=verify)


def _export(flow, folder, made, path):
    (folder / "file").write_text("x")
    if path != "good":
        zoo.export(flow, path)


def _list(flow, folder, made, path):
    (folder / "file").write_text("x")
    zoo.list_models(made.entry.parent if path == "good" else path)


def _load_exported(flow, folder, made, path):
    (folder / "file").write_text("x")
    if path != "good":
        zoo.load_exported(path)


def _exported_sample(flow, folder, made, n, seed, temperature, context):
    given = made.loaded if context is None else made.loaded.condition(context)
    x = given.sample(n, seed=seed, temperature=temperature)
    lead = (n,) if np.ndim(context) == 0 else (n, len(context))
    finite(x, (*lead, 2, 2, 1), "sample")


def _exported_density(flow, folder, made, x, seed):
    y = made.loaded.condition(1).log_prob(x, seed=seed)
    require(np.isfinite(y).all() and y.shape == (len(x),), f"log_prob is {y}")


def _distribution(flow, folder, made, context, shape, seed):
    given = flow.distribution(context)
    x = given.sample(shape, seed=seed)
    require(np.isfinite(x).all(), "sample is not finite")
    require(np.isfinite(given.log_prob(x)).all(), "log_prob is not finite")


def _compile(flow, folder, made, optimizer, loss, jit_compile, steps_per_execution):
    flow.compile(optimizer, loss, jit_compile=jit_compile, steps_per_execution=steps_per_execution)


def _any(good, bad):
    return _of(good, [(value, BAD) for value in bad])


IMAGES = "images"
CALLS = {
    "sample": (
        lambda f: (
            {
                "n": _counts(most=2**31),
                "context": _any([None], ["a", [5]]),
                "seed": _seeds(),
                "temperature": _numbers(),
            }
            if not f.context_shape
            else {
                "n": _any([4], [-1, 2.5, 2**31, "a"]),
                "context": _contexts(f),
                "seed": _seeds(),
                "temperature": _numbers(),
            }
        ),
        _sample,
    ),
    "log_prob": (
        lambda f: {"x": _events(f), "context": _contexts(f, needed=False), "seed": _seeds()},
        _density("log_prob"),
    ),
    "bits_per_dim": (
        lambda f: {"x": _events(f), "context": _contexts(f, needed=False), "seed": _seeds()},
        _density("bits_per_dim"),
    ),
    "encode": (
        lambda f: {"x": _events(f), "context": _contexts(f)},
        _coding("encode", "latent_shape"),
    ),
    "decode": (
        lambda f: {"x": _events(f, f.latent_shape, floats=True), "context": _contexts(f)},
        _coding("decode", "event_shape"),
    ),
    "fit": (
        lambda f: {
            "x": _events(f, least=1),
            "y": _contexts(f, one=False, needed=False),
            "sample_weight": _weights(),
            "batch_size": _any([2, None], [0, -1, "a", 2.5]),
            "epochs": _any([1, 2], ["a", -1, 1.5, None]),
            "validation_split": _any([0.0, 0.5], [-1.0, 2.0, "a", NAN]),
        },
        _trained("fit"),
    ),
    "evaluate": (
        lambda f: {
            "x": _events(f, least=1),
            "y": _contexts(f, one=False, needed=False),
            "sample_weight": _weights(),
            "batch_size": _any([2, None], [0, -1, "a"]),
        },
        _trained("evaluate"),
    ),
    "train_on_batch": (
        lambda f: {
            "x": _events(f, least=1),
            "y": _contexts(f, one=False, needed=False),
            "sample_weight": _weights(),
        },
        _trained("train_on_batch"),
    ),
    "test_on_batch": (
        lambda f: {
            "x": _events(f, least=1),
            "y": _contexts(f, one=False, needed=False),
            "sample_weight": _weights(),
        },
        _trained("test_on_batch"),
    ),
    "predict": (
        lambda f: {
            "x": _never(_events(f)) if f.context_shape else _events(f, least=1),
            "batch_size": _any([2, None], [0, -1, "a"]),
        },
        _predict,
    ),
    "adapt": (
        lambda f: {"x": _events(f, least=2), "context": _contexts(f, needed=False)},
        _adapt,
    ),
    "interpolate": (
        lambda f: {
            "a": _events(f, least=1),
            "b": _events(f, least=1),
            "steps": _any([2, 3], [1, 0, -1, 2.5, "a", None, NAN, True]),
            "context": _contexts(f),
        },
        _interpolate,
    ),
    "attribute_direction": (
        lambda f: {
            "positive": _events(f, least=1),
            "negative": _events(f, least=1),
            "batch_size": _any([2, 256], [0, -1, "a", 2.5, None, NAN]),
        },
        _attribute,
    ),
    "manipulate": (
        lambda f: {
            "x": _events(f, least=1),
            "direction": _any(
                [np.zeros(f.latent_shape, "float32")],
                [np.zeros(99), "a", None, np.full(f.latent_shape, NAN), 3.0],
            ),
            "strengths": _any([(0.0, 1.0)], [(NAN,), "a", None, 1.0, ("a",), [[1.0]]]),
        },
        _manipulate,
    ),
    "save": (
        lambda f: {
            "path": _paths("save"),
            "metadata": _any([None, {}], [{1j: 1}, {"a": NAN}, "a", 5, {"a": object}, []]),
        },
        _save,
    ),
    "load": (
        lambda f: {"path": _paths("load"), "verify": _of([True, False], [(None, OPEN)])},
        _load,
    ),
    "export": (lambda f: {"path": _paths("export")}, _export),
    "list_models": (lambda f: {"path": _paths("load")}, _list),
    "load_exported": (lambda f: {"path": _paths("load")}, _load_exported),
    "exported sample": (
        lambda f: {
            "n": _counts(),
            "seed": _seeds(),
            "temperature": _numbers(),
            "context": _any([None, 2, [0, 1]], [3, -1, 1.5, "a", NAN, True]),
        },
        _exported_sample,
    ),
    "distribution": (
        lambda f: {
            "context": _contexts(f, needed=False, leading=True),
            "shape": _any([(), 3, (2, 2)], []),  # Arguments of TFP's own are TFP's to check.
            "seed": _any([0, 3], []),
        },
        _distribution,
    ),
    "compile": (
        lambda f: {
            "optimizer": _any(["adam", keras.optimizers.SGD(0.1)], ["x", 5, []]),
            "loss": _any([None, "likelihood"], ["mse", 5, "flow_matching", []]),
            "jit_compile": _any([None, True, "auto"], ["x", 5, [], NAN]),
            "steps_per_execution": _any([1, 8], [0, -1, "a", 1.5, None, NAN, True]),
        },
        _compile,
    ),
}


# Constructors: what all families and some layers take, each argument odd in its own way.

COUNTS = [0, -1, 1.5, "3", NAN, True, [], np.inf, 1j]
ODD = {
    "event_shape": [(), (0,), (-1,), "ab", None, 3.5, (2.5,), (NAN,), {}, (True,), (2**40, -1)],
    "context_shape": [(), (0,), (-1,), "a", 3.5, (2.5,), {}, (None,)],
    "num_classes": COUNTS,
    "levels": [*COUNTS, 1],
    "base": ["x", 5, [], {}, True, float, NAN],
    "dequantization": ["x", 5, [], {}, None],
    "jit_compile": ["x", 5, [], None, NAN],
    "recompute": ["x", 5, [], {}, True],
    "seed": [-1, 1.5, "a", NAN, True, [1], 2**31, 2**32 + 1, {}],
    "dtype": ["int32", "x", 5, [], "complex64", "string", bool],
    "name": [5, [], {}, "a/b", True],
    "num_layers": COUNTS,
    "hidden_units": [(0,), (-1,), "a", 8.5, (8.5,), (NAN,), {}, ("8",), (True,), [[8]], None],
    "activation": ["x", 5, [], {}, NAN],
    "transformer": ["x", 5, [], {}, NAN, "additive "],
    "order": ["x", 5, [9], [0, 0, 0], {}, NAN, [NAN, 1, 2], (0.5, 1, 2)],
    "preprocessing": ["x", 5, [], {}],
    "alpha": [0, 0.5, -1, NAN, "a", [], np.inf, 1j],
    "residual": ["x", 5, [], NAN],
    "num_bins": COUNTS,
    "permutation": ["x", 5, [], {}, NAN],
    "scales": COUNTS, "steps": COUNTS, "width": COUNTS, "blocks": [-1, 1.5, "3", NAN, [], 1j],
    "coefficient": [0, 1, -1, NAN, "a", [], 1j], "log_det": ["x", 5, [], {}],
    "coupling": ["x", 5, [], {}], "conv": ["x", 5, [], {}], "components": COUNTS,
    "solver": ["x", 5, []], "num_steps": COUNTS, "rtol": [-1, NAN, "a", []],
    "atol": [-1, NAN, "a", []], "margin": [NAN, "a", -1], "bound": [0, -1, NAN, "a", []],
    "kind": ["x", 5, [], {}], "fast": ["x", 5, [], {}, True], "mask": ["x", 5, [], {}],
    "nonsense": [1],
}  # fmt: skip
LAYERS = "ActNorm Permutation Reverse LULinear Elementwise Coupling Autoregressive Logit Planar"


def _construct(random):
    if random.random() < 0.7:
        name = random.choice(sorted(zoo.MODELS))
        cls, base = zoo.MODELS[name], {"event_shape": (3,), "jit_compile": False, "seed": 0}
        if name in ("glow",):
            base |= {"event_shape": (2, 2, 1), "scales": 1, "steps": 1, "width": 4}
    else:
        cls, base = getattr(zoo.layers, random.choice(LAYERS.split())), {"event_shape": (3,)}
    takes = set(cls.__signature__.parameters)
    for argument, value in (("num_layers", 1), ("hidden_units", (4,))):
        if argument in takes:
            base[argument] = value
    known = sorted((takes | {"nonsense"}) & set(ODD) - {"layers"})
    values = {
        name: random.choice(ODD[name]) for name in random.sample(known, random.choice([1, 1, 2]))
    }
    given = base | values

    def case():
        made = cls(**given)
        fine = {
            key
            for key, value in values.items()
            if value is None and cls.__signature__.parameters[key].default is None
        }
        require(fine == set(values), "an argument was taken that is excluded")
        if isinstance(made, zoo.Flow):
            finite(made.sample(2, seed=0), (2, *made.event_shape), "sample")

    return f"{cls.__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})", case
