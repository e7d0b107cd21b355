"""Odd calls of the library: arguments that the documentation takes, excludes, or leaves open."""

import keras
import numpy as np

import zoo
from tests.fuzz import constructors
from tests.fuzz.arguments import (
    BAD,
    NAN,
    OK,
    OPEN,
    among,
    choices,
    contexts,
    counts,
    data,
    drawn,
    events,
    named,
    never,
    numbers,
    paths,
    scored,
    seeds,
)
from tests.fuzz.oracle import finite, require


def draw(random, folder, made):
    """`(what it is, a function that runs it)`."""
    if random.random() < 0.3:
        return constructors.draw(random)
    name = random.choice(list(CALLS))
    which = random.choice(list(made.flows))
    flow, before = made.flows[which]
    arguments, oddities = {}, random.choice([0, 1, 1, 1, 2])
    takes = CALLS[name][0](flow)
    odd = random.sample(list(takes), min(oddities, len(takes)))
    verdicts = []
    for argument, choose in takes.items():
        make, verdict, words = choose(random, argument in odd)
        arguments[argument] = (make, words)
        verdicts.append(verdict)
    what = f"{name} of {which}: {', '.join(f'{k}={w}' for k, (_, w) in arguments.items())}"

    def case():
        flow.set_weights(before)
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
            flow.set_weights(before)
            require(not changed, "weights are not finite")
        require(BAD not in verdicts, "an argument was taken that is excluded")

    return what, case


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


def _named(function, good=None):
    """A function of a path; what it does at a good one costs too much, unless there is one."""

    def run(flow, folder, made, path):
        (folder / "file").write_text("x")
        if path != "good":
            function(flow, path)
        elif good is not None:
            function(flow, good(made))

    return run


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


CALLS = {
    "sample": (drawn, _sample),
    "log_prob": (scored, _density("log_prob")),
    "bits_per_dim": (scored, _density("bits_per_dim")),
    "encode": (
        lambda f: {"x": events(f), "context": contexts(f)},
        _coding("encode", "latent_shape"),
    ),
    "decode": (
        lambda f: {"x": events(f, f.latent_shape, floats=True), "context": contexts(f)},
        _coding("decode", "event_shape"),
    ),
    "fit": (
        lambda f: data(
            f,
            batch_size=among([2, None], [0, -1, "a", 2.5]),
            epochs=among([1, 2], ["a", -1, 1.5, None]),
            validation_split=among([0.0, 0.5], [-1.0, 2.0, "a", NAN]),
        ),
        _trained("fit"),
    ),
    "evaluate": (
        lambda f: data(f, batch_size=among([2, None], [0, -1, "a"])),
        _trained("evaluate"),
    ),
    "train_on_batch": (data, _trained("train_on_batch")),
    "test_on_batch": (data, _trained("test_on_batch")),
    "predict": (
        lambda f: {
            "x": never(events(f)) if f.context_shape else events(f, least=1),
            "batch_size": among([2, None], [0, -1, "a"]),
        },
        _predict,
    ),
    "adapt": (
        lambda f: {"x": events(f, least=2), "context": contexts(f, needed=False)},
        _adapt,
    ),
    "interpolate": (
        lambda f: {
            "a": events(f, least=1),
            "b": events(f, least=1),
            "steps": among([2, 3], [1, 0, -1, 2.5, "a", None, NAN, True]),
            "context": contexts(f),
        },
        _interpolate,
    ),
    "attribute_direction": (
        lambda f: {
            "positive": events(f, least=1),
            "negative": events(f, least=1),
            "batch_size": among([2, 256], [0, -1, "a", 2.5, None, NAN]),
        },
        _attribute,
    ),
    "manipulate": (
        lambda f: {
            "x": events(f, least=1),
            "direction": among(
                [np.zeros(f.latent_shape, "float32")],
                [np.zeros(99), "a", None, np.full(f.latent_shape, NAN), 3.0],
            ),
            "strengths": among([(0.0, 1.0)], [(NAN,), "a", None, 1.0, ("a",), [[1.0]]]),
        },
        _manipulate,
    ),
    "save": (
        lambda f: {
            "path": paths("save"),
            "metadata": among([None, {}], [{1j: 1}, {"a": NAN}, "a", 5, {"a": object}, []]),
        },
        _save,
    ),
    "load": (
        lambda f: {"path": paths("load"), "verify": choices([True, False], [(None, OPEN)])},
        _load,
    ),
    "export": (lambda f: {"path": paths("export")}, _named(zoo.export)),
    "list_models": (
        lambda f: {"path": paths("load")},
        _named(lambda f, path: zoo.list_models(path), lambda made: made.entry.parent),
    ),
    "load_exported": (
        lambda f: {"path": paths("load")},
        _named(lambda f, path: zoo.load_exported(path), lambda made: made.exported),
    ),
    "exported sample": (
        lambda f: {
            "n": counts(),
            "seed": seeds(),
            "temperature": numbers(),
            "context": among([None, 2, [0, 1]], [3, -1, 1.5, "a", NAN, True]),
        },
        _exported_sample,
    ),
    "distribution": (
        lambda f: {
            "context": contexts(f, needed=False, leading=True),
            "shape": among([(), 3, (2, 2)], []),  # Arguments of TFP's own are TFP's to check.
            "seed": among([0, 3], []),
        },
        _distribution,
    ),
    "compile": (
        lambda f: {
            "optimizer": among(
                ["adam", named("SGD", lambda: keras.optimizers.SGD(0.1))], ["x", 5, []]
            ),
            "loss": among([None, "likelihood"], ["mse", 5, "flow_matching", []]),
            "jit_compile": among([None, True, "auto"], ["x", 5, [], NAN]),
            "steps_per_execution": among([1, 8], [0, -1, "a", 1.5, None, NAN, True]),
        },
        _compile,
    ),
}
