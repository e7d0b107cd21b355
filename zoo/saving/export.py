"""Flows as SavedModels: written for places where only TensorFlow is, read as a `tfd.Distribution`.

The functions of an exported flow, each also a named signature (`serving_default` is `log_prob`):

    log_prob(x, context)                      [batch, *event_shape] -> [batch], nats, data units
    log_prob_int(x, seed, context)            integers 0..levels-1, dequantized; discrete data only
    log_prob_seeded(x, seed, context)         where log-determinants are estimated: another estimate
                                              for each seed; `log_prob` is that of seed 0
    sample(n, seed, temperature, context)     -> [n, *event_shape]
    encode(x, context)                        [batch, *event_shape] -> [batch, *latent_shape]
    decode(z, context)                        [batch, *latent_shape] -> [batch, *event_shape]

`context` is there where the flow has one: labels `[batch]`, int32, or vectors `[batch,
*context_shape]`. Called by name rather than by signature, `log_prob` and `sample` of a
class-conditional flow go without it too: the uniform mixture over the classes. `assets.extra/
flow_zoo.json` in the folder tells shapes, types and levels, and the SHA-256 of every file.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import backend
from zoo.backend import tfd
from zoo.layers import Stack, compacted
from zoo.saving import entries, storage
from zoo.saving.exported import ExportedFlow
from zoo.training import LikelihoodModel
from zoo.typing import PathLike

if backend.NAME == "tensorflow":
    import tensorflow as tf
if TYPE_CHECKING:
    from zoo.flow import Flow

INFO = "assets.extra/flow_zoo.json"
NULL_OR_COUNT = storage.any_of(None, int)
MODEL = {
    "name": str,
    "event_shape": [int],
    "latent_shape": [int],
    "context_shape": storage.any_of(None, [int]),
    "num_classes": NULL_OR_COUNT,
    "levels": NULL_OR_COUNT,
    "dtype": str,
    "reparameterized?": bool,
    "limits?": storage.any_of(None, [[storage.any_of(None, float)]]),
    "digest?": storage.sha256_form,
}


def export(flow: Flow, folder: PathLike, overwrite: bool = False) -> Path:
    """Writes a flow as a SavedModel that loads with nothing but TensorFlow installed.

    The batch size is free. `log_prob` takes floats as they are: for data of grey levels give it
    `x + u` with uniform noise `u` in `[0, 1)`, or give integers to `log_prob_int`.

    Args:
      flow: The `Flow`.
      folder: Where to; made if missing. It is written beside it and moved there at the end.
      overwrite: Whether to replace an earlier export.

    Returns:
      The folder, a `Path`.

    Raises:
      ValueError: The folder holds something (with `overwrite`: other than an export of this
        library), the disk refuses, or the Keras backend is not TensorFlow.

    Example:
      >>> flow = zoo.NICE((2,), num_classes=3, num_layers=1, hidden_units=(8,), seed=0)
      >>> folder = zoo.export(flow, "served/nice")
      >>> model = tf.saved_model.load("served/nice")  # In a process without Flow Zoo.
      >>> x = model.sample(16, seed=0, temperature=0.7, context=tf.fill([16], 2))
    """
    _check_backend()
    if not isinstance(flow, LikelihoodModel):
        raise ValueError(f"flow must be a zoo Flow, got {type(flow).__name__}.")
    folder = storage.path(folder, "folder").resolve()
    if storage.check_free(folder, overwrite) and not (folder / INFO).is_file():
        raise ValueError(
            f"{folder} holds something that is no export of Flow Zoo; it is not overwritten."
        )
    with storage.staging_beside(folder) as staging:
        calls = _calls(flow)
        # A copy: its variables are plain ones, whatever strategy the flow was trained under.
        with backend.without_xla():  # It would compile anew for every batch size.
            module = _module(entries.plain_copy(flow), calls)
            tf.saved_model.save(module, str(staging), signatures=_signatures(module, calls))
        files = storage.list_files(staging)
        info = {**entries.describe(flow), "name": flow.name}
        info["reparameterized"] = _reparameterized(flow)
        info["limits"] = _limits(flow.event)
        (staging / INFO).parent.mkdir()
        info["digest"] = storage.digest(info)
        storage.write_json(staging / INFO, model=info, files=files)
        storage.replace_folder(staging, folder)
    return folder


def load_exported(folder: PathLike) -> ExportedFlow:
    """Reads a SavedModel that `export` wrote.

    A SavedModel is a program: TensorFlow runs what it says, which may read and write files. The
    hashes beside it tell a damaged one, not an ill-meant one. Load those that you trust; a flow
    from others is safe to load as the data of `zoo.load`.

    Args:
      folder: The folder of the SavedModel.

    Returns:
      An `ExportedFlow`, a `tfd.Distribution`.

    Raises:
      ValueError: The folder is missing, no export of this library, truncated, altered, written by
        a newer version, or the Keras backend is not TensorFlow.

    Example:
      >>> digits = zoo.load_exported("exported_models/maf-digits/saved_model")
      >>> digits.condition(3).sample([2, 4], seed=0).shape
      TensorShape([2, 4, 8, 8, 1])
    """
    _check_backend()
    folder = storage.path(folder, "folder")
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; expected a SavedModel that zoo.export wrote.")
    if not (folder / INFO).is_file():
        raise ValueError(f"{folder} is not an export of Flow Zoo: it has no {INFO}.")
    manifest = storage.read_json(
        folder / INFO, model=MODEL, files=storage.files_form("saved_model.pb")
    )
    info = manifest["model"]
    # Those written before there was a digest have none.
    if info.pop("digest", None) not in (None, storage.digest(info)):
        raise ValueError(f"{folder / INFO} is altered: what it says of the flow; {storage.REMEDY}")
    for name, recorded in manifest["files"].items():
        storage.check_file(storage.inside(folder, name), recorded)
    return ExportedFlow(tf.saved_model.load(str(folder)), manifest["model"])


def _reparameterized(flow):
    """Whether samples are differentiable functions of the weights and noise: as the base's are."""
    if not hasattr(flow, "base"):  # A model of levels.
        return False
    if isinstance(flow.base, LikelihoodModel):
        return _reparameterized(flow.base)
    return flow.base.distribution().reparameterization_type == tfd.FULLY_REPARAMETERIZED


def _limits(event):
    """What events lie between, a list for each of both ends, open ones `None`; or `None`."""
    if event.limits is None:
        return None
    return [[x if math.isfinite(x) else None for x in end.tolist()] for end in event.limits]


def _check_backend():
    if backend.NAME != "tensorflow":
        raise ValueError(
            f"A SavedModel needs KERAS_BACKEND=tensorflow, got {backend.NAME!r}; save the flow "
            "with zoo.save and export it in a process with that backend."
        )


def _calls(flow):
    """What the exported functions take: `{name: [arguments of each way to call it, ...]}`.

    The first way is that of the named signature.
    """
    real, whole = tf.as_dtype(flow.variable_dtype), tf.int32
    x = tf.TensorSpec([None, *flow.event_shape], real, "x")
    integers = tf.TensorSpec([None, *flow.event_shape], whole, "x")
    z = tf.TensorSpec([None, *flow.latent_shape], real, "z")
    n, seed = tf.TensorSpec([], whole, "n"), tf.TensorSpec([], whole, "seed")
    pair = tf.TensorSpec([2], whole, "seed")  # A stateless seed, as TFP hands it on.
    temperature = tf.TensorSpec([], real, "temperature")
    given = [()]
    if flow.conditional:
        kind = whole if flow.num_classes else real
        given = [(tf.TensorSpec([None, *flow.context_shape], kind, "context"),)]
    optional = given + [()] * bool(flow.num_classes)
    calls = {
        "log_prob": [(x, *c) for c in optional],
        "encode": [(x, *c) for c in given],
        "decode": [(z, *c) for c in given],
        "sample": [(n, s, temperature, *c) for c in optional for s in (seed, pair)],
    }
    if flow.levels is not None:
        calls["log_prob_int"] = [(integers, seed, *c) for c in optional]
    if flow.estimates:
        calls["log_prob_seeded"] = [(x, seed, *c) for c in optional]
    return calls


def _module(flow, calls):
    """The flow's computations as functions of a `tf.Module` that holds its variables."""
    weights = _compact(flow)
    seeded = _seeded_log_prob(flow, calls)
    computations = flow.computations
    encode = _traced_once(functools.partial(computations.encode, flow), calls["encode"])
    decode = _traced_once(functools.partial(computations.decode, flow), calls["decode"])

    def log_prob_int(x, seed, context=None):
        noise = computations.draw_noise(flow, x, backend.make_seed(seed))
        x, log_q = computations.to_floats(flow, x, noise)
        return seeded(x, seed, context) - log_q

    def sample(n, seed, temperature=1.0, context=None):
        # What flow.sample does, with one graph of `decode` for all ways to call it.
        seed, context = backend.make_seed(seed), _not_empty(context)
        z, context = computations.draw(flow, tf.maximum(n, 1), context, seed, temperature)
        return computations.emit(flow, z, context, seed, decode)[:n]

    module = tf.Module(name=flow.name)
    # tf.Module does not look inside Keras variables, and what it does not find is not saved.
    module.weights = [backend.raw(v) for v in weights]
    module.log_prob = _function(lambda x, context=None: seeded(x, 0, context))
    module.encode = _function(lambda x, context=None: encode(x, context))
    module.decode = _function(lambda z, context=None: decode(z, context))
    module.sample = _function(sample)
    if flow.levels is not None:
        module.log_prob_int = _function(log_prob_int)
    if flow.estimates:
        module.log_prob_seeded = _function(lambda x, seed, context=None: seeded(x, seed, context))
    for name, ways in calls.items():
        for arguments in ways:
            getattr(module, name).get_concrete_function(*arguments)
    return module


def _compact(flow):
    """Has repeated layers traced once; returns the variables that the flow then computes with."""
    gone = set()
    for model in _flows(flow):
        before = model.stack
        before.recompute = None  # For gradients, which need activations again.
        layers = compacted(before.layers)
        model.stack = Stack(layers, before.event_shape, dtype=before.dtype_policy)
        gone |= {id(v) for v in before.variables} - {id(v) for v in model.stack.variables}
    return [v for v in flow.weights if id(v) not in gone]


def _flows(model):
    """The flows in a model, itself included where it is one: bases, and those within a VAE."""
    if not isinstance(model, LikelihoodModel):
        return []
    parts = [getattr(model, name, None) for name in ("base", "posterior", "prior")]
    return [*[model] * hasattr(model, "stack"), *(f for part in parts for f in _flows(part))]


def _seeded_log_prob(flow, calls):
    """`(x, seed, context) -> log_prob`; the seed is that of the estimate, if it is one."""
    computations = flow.computations
    if not flow.estimates:
        exact = _traced_once(functools.partial(computations.density, flow), calls["log_prob"])
        return lambda x, seed, context: exact(x, context)
    pair = tf.TensorSpec([2], tf.int32)
    ways = [(way[0], pair, *way[1:]) for way in calls["log_prob"]]
    estimate = _traced_once(
        lambda x, s, context=None: computations.density(flow, x, context, seed=s), ways
    )
    return lambda x, seed, context: estimate(x, backend.make_seed(seed), context)


def _not_empty(x):
    """A batch, or an empty one with a row: loops over dimensions cannot write into no rows."""
    if x is None or x.shape.rank == 0 or x.shape[0] is not None:
        return x
    missing = tf.maximum(1 - tf.shape(x)[0], 0)
    return tf.pad(x, [[0, missing], *[[0, 0]] * (x.shape.rank - 1)])


def _signatures(module, calls):
    def named(name, arguments):
        function = getattr(module, name)
        return tf.function(
            lambda *given: {name: function(*given)}, input_signature=arguments, autograph=False
        )

    signatures = {name: named(name, ways[0]) for name, ways in calls.items()}
    return {"serving_default": signatures["log_prob"], **signatures}


def _function(function):
    return tf.function(function, autograph=False)


def _traced_once(function, ways):
    """`function(*tensors)`, for the arguments in `ways`; `None` among tensors is passed over.

    While it saves, TensorFlow traces every `tf.function` anew, and all it calls. What is called
    here is concrete already, so it is there once.
    """
    graph = _function(lambda x, *given: function(*map(_not_empty, (x, *given)))[: tf.shape(x)[0]])
    traces = {len(way): graph.get_concrete_function(*way) for way in ways}

    def call(*arguments):
        given = [a for a in arguments if a is not None]
        return traces[len(given)](*given)

    return call
