"""What was frozen stays frozen in a file, and training goes on where it stopped."""

import copy
import pickle
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo.backend import tfd


def build():
    """A flow of a family, whose layers follow from its arguments, on bases with weights."""
    ground = zoo.Flow(
        [zoo.layers.ActNorm((2,))],
        base=tfd.MultivariateNormalDiag(tf.Variable([0.1, 0.2])),
        jit_compile=False,
    )
    base = zoo.NICE((2,), num_layers=1, hidden_units=(4,), base=ground, jit_compile=False)
    noise = zoo.VariationalDequantizer((2,), 4, steps=1, width=4)
    settings = {"levels": 4, "dequantization": noise, "base": base, "jit_compile": False}
    return zoo.MAF((2,), num_layers=2, hidden_units=(4,), **settings)


def frozen(flow):
    """Whether each weight is, and whether each layer says so."""
    return [not part.trainable for part in (*flow.weights, *flow._flatten_layers())]


class Each:
    """Layers that are frozen one by one, which the model does not say of itself."""

    def __init__(self, flow):
        self.__dict__["parts"] = [*flow.stack.layers, flow.base, flow.dequantizer]

    def __setattr__(self, name, value):
        for part in self.parts:
            setattr(part, name, value)

    @property
    def trainable(self):
        return any(part.trainable for part in self.parts)


PARTS = {
    "layer": lambda flow: flow.stack.layers[2],
    "network": lambda flow: flow.stack.layers[-1].network,
    "weight": lambda flow: flow.stack.layers[-1].weights[0],
    "stack": lambda flow: flow.stack,
    "base": lambda flow: flow.base,
    "layer of a base": lambda flow: flow.base.stack.layers[0],
    "distribution": lambda flow: flow.base.base.base,
    "noise": lambda flow: flow.dequantizer,
    "all": lambda flow: flow,
    "each": Each,
    "nothing": None,
}
WAYS = {
    "save": lambda flow, path: zoo.load(zoo.save(flow, path / "entry")),
    "keras": helpers.saved_and_loaded,
    "pickle": lambda flow, path: pickle.loads(pickle.dumps(flow)),
    "copy": lambda flow, path: copy.deepcopy(flow),
}


@pytest.mark.parametrize("part", PARTS)
def test_what_was_frozen_stays_frozen(part, tmp_path):
    flow, fresh = build(), frozen(build())
    find = PARTS[part]
    if find is not None:
        find(flow).trainable = False
    assert (frozen(flow) != fresh) == (find is not None)
    way = list(WAYS.values())[list(PARTS).index(part) % len(WAYS)]
    loaded = way(flow, tmp_path)
    assert frozen(loaded) == frozen(flow)
    assert len(loaded.trainable_variables) == len(flow.trainable_variables)
    if find is not None:
        assert not find(loaded).trainable
        find(loaded).trainable = True
        assert frozen(loaded) == fresh


def test_a_part_of_what_is_frozen_may_be_trained(tmp_path):
    flow = build()
    flow.stack.trainable = False
    flow.stack.layers[1].trainable = True
    flow.stack.layers[2].weights[0].trainable = True
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    assert frozen(loaded) == frozen(flow) and any(frozen(flow))


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_copy_a_flow_keeps_it_frozen(way, tmp_path):
    flow = zoo.NICE((2,), num_layers=2, hidden_units=(4,), jit_compile=False)
    flow.stack.layers[0].trainable = False
    loaded = WAYS[way](flow, tmp_path)
    assert not loaded.stack.layers[0].trainable and loaded.stack.layers[1].trainable
    assert frozen(loaded) == frozen(flow)


@pytest.mark.parametrize("when", ["before fit", "after fit", "then compiled anew"])
def test_an_optimizer_goes_on(when, tmp_path):
    """One step of a loaded flow is that of the flow itself, bit by bit."""
    flow = zoo.NICE((2,), num_layers=1, hidden_units=(4,), seed=0, jit_compile=False)
    x = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    fit = {"x": x, "batch_size": 8, "verbose": 0}
    if when == "before fit":
        flow.stack.layers[0].trainable = False
    flow.compile("adam", run_eagerly=True)
    flow.fit(**fit, epochs=2)
    flow.stack.layers[0].trainable = False
    if when == "then compiled anew":
        flow.compile("adam", run_eagerly=True)
        flow.fit(**fit)
    before = flow.stack.layers[0].get_weights()
    flow.save(tmp_path / "flow.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Keras warns of a state that it does not read.
        loaded = keras.saving.load_model(tmp_path / "flow.keras")
    assert int(loaded.optimizer.iterations) == int(flow.optimizer.iterations) > 0
    loaded.run_eagerly = True
    for model in (flow, loaded):
        model.fit(**fit)
        for a, b in zip(model.stack.layers[0].get_weights(), before, strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(loaded.get_weights(), flow.get_weights(), strict=True):
        helpers.assert_same(a, b)
    for a, b in zip(loaded.optimizer.variables, flow.optimizer.variables, strict=True):
        helpers.assert_same(a, b)


@pytest.mark.parametrize("places", [None, 3, [10**6], [-1], ["a"], [[0]], {"a": 1}])
def test_places_that_are_none(places):
    flow = zoo.NICE((2,), num_layers=1, hidden_units=(4,), jit_compile=False)
    with helpers.raises_one_line("frozen must hold places among the weights"):
        zoo.NICE.from_config(flow.get_config() | {"frozen": {"layers": [], "weights": places}})
    with helpers.raises_one_line("frozen must hold places among the layers"):
        zoo.NICE.from_config(flow.get_config() | {"frozen": places or [1]})
