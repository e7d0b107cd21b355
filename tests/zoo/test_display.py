"""What a flow shows of itself: its line, its summary, and what tab completion offers."""

import keras
import numpy as np
import pytest

import zoo
from tests import helpers
from tests.zoo import table
from zoo import display
from zoo.saving import entries

LINES = {
    "maf": "<MAF event_shape=(3,), parameters=224, base=normal>",
    "maf_distribution_base": "<MAF event_shape=(3,), parameters=224, base=MultivariateNormalTriL>",
    "glow_image": "<Glow event_shape=(4, 4, 1), levels=5, num_classes=3, parameters=1_112, "
    "base=normal>",
    "real_nvp_context": "<RealNVP event_shape=(3,), context_shape=(2, 2), parameters={}, "
    "base=normal>",
    "nice": "<NICE event_shape=(3,), parameters={}, base=logistic>",
}


@pytest.mark.parametrize("name", LINES)
def test_the_line_of_a_flow(name):
    flow = table.shared(name)
    assert repr(flow) == LINES[name].format(f"{flow.count_params():_}")


def test_the_line_names_the_entry(tmp_path):
    zoo.save(table.shared("maf"), tmp_path / "mine")
    assert repr(zoo.load(tmp_path / "mine")).endswith("base=normal, entry=mine>")
    assert entries.load(tmp_path / "mine" / "model.keras").metadata["name"] == "mine"


def test_lines_of_layers_are_short():
    layer, image = zoo.layers.ActNorm((2,)), zoo.layers.Squeeze((4, 4, 1))
    assert [repr(layer), repr(image)] == [
        "<ActNorm (2,), 4 parameters>",
        "<Squeeze (4, 4, 1) -> (2, 2, 4)>",
    ]
    scan = zoo.layers.Scan([layer, zoo.layers.ActNorm((2,))])
    assert repr(scan) == "<Scan of 2 x ActNorm (2,), 8 parameters>"
    assert repr(object.__new__(zoo.layers.ActNorm)) == "<ActNorm>"


def summary(flow, **options):
    lines = []
    assert flow.summary(print_fn=lines.append, **options) is None
    return lines


def test_summary_has_shapes_both_ways_and_parameters_of_each_layer():
    flow = table.shared("maf_image")
    first, header, *rows, last = summary(flow)
    assert first == repr(flow) and header.split() == "Layer (type) Data Latent Parameters".split()
    assert [row.split("(")[1].split(")")[0] for row in rows] == [
        *(type(layer).__name__ for layer in flow.stack.layers),
        "normal",
    ]
    assert rows[1].endswith("(2, 2, 1)  (4,)                0")
    counts = [int(row.split()[-1].replace(",", "")) for row in rows]
    assert sum(counts) == flow.count_params() == counts[2] + counts[3] + counts[4] + counts[5]
    assert last == "Parameters: 296 of float32, 296 of them trained"


@pytest.mark.parametrize("name", ["glow_image", "maf_flow_base"])
def test_summary_goes_within(name):
    flow = table.shared(name)
    whole, short = summary(flow), summary(flow, expand_nested=False)
    outer = [line.split(" (")[0] for line in whole if line[0] != " "]
    assert [line.split(" (")[0] for line in short] == outer and len(short) < len(whole)


def test_summary_shows_what_is_trained():
    flow = zoo.MAF((2,), num_layers=1, hidden_units=(4,))
    flow.stack.layers[0].trainable = False
    _, header, frozen, trained, base, last = summary(flow, show_trainable=True)
    ends = [line.split()[-1] for line in (header, frozen, trained, base)]
    assert ends == ["Trainable", "no", "yes", "-"]
    assert last.endswith(f"{flow.count_params() - 4} of them trained")


def test_summary_of_noise_that_is_trained():
    noise = zoo.VariationalDequantizer((2,), levels=4, width=4)
    flow = zoo.MAF((2,), levels=4, num_layers=1, hidden_units=(4,), dequantization=noise)
    lines = summary(flow)
    assert lines[2].startswith("dequantizer (VariationalDequantizer)  (2,)  (2,)")
    counts = [int(line.split()[-1].replace(",", "")) for line in lines[2:-1]]
    assert sum(counts) == flow.count_params()


def vae():
    encoder = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(5)])
    decoder = keras.Sequential([keras.layers.Dense(4), keras.layers.Reshape((2, 2, 1))])
    posterior = zoo.IAF((3,), context_shape=(5,), num_layers=1, hidden_units=(4,))
    return zoo.VAE(encoder, decoder, posterior)


def test_a_vae_shows_its_parts():
    model = vae()
    assert repr(model).endswith(", posterior=IAF, prior=normal>") and "base" not in repr(model)
    lines = summary(model, expand_nested=False)
    assert [line.split(" (")[0] for line in lines[2:-1]] == [
        "encoder",
        "posterior",
        "prior",
        "decoder",
    ]
    assert "(2, 2, 1)  (5,)" in lines[2] and "(2, 2, 1)  (3,)" in lines[5]


def used(flow):
    """The flow, after all that gives a Keras model attributes."""
    flow.compile(run_eagerly=True)
    x = helpers.data(flow, 2)
    flow.fit(x, batch_size=2, verbose=0)
    flow.evaluate(x, verbose=0)
    flow.mine = 1
    return flow


@pytest.mark.parametrize("build", [lambda: table.build("maf"), vae], ids=["maf", "vae"])
def test_completion_offers_what_a_user_needs(build):
    flow = used(build())
    offered = {name for name in dir(flow) if name[0] != "_"}
    assert all(hasattr(flow, name) for name in offered)
    needed = "fit compile evaluate log_prob sample encode decode bits_per_dim summary export save"
    assert {*needed.split(), "mine", "history", "optimizer"} <= offered
    plain = keras.Sequential([keras.layers.Dense(1)])
    plain.compile("adam", "mse", run_eagerly=True)
    plain.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
    of_keras = {*dir(keras.Model), *vars(plain)} & offered
    assert of_keras <= display.KERAS
    assert not {"call", "draw", "prepare", "stacks", "train_step", "warmup"} & offered
    assert len(offered) < 75


def test_what_keras_saves_is_offered(tmp_path, monkeypatch):
    """Keras goes through `dir` for what it saves: nothing with a state may be hidden."""
    h5py = pytest.importorskip("h5py")

    def layout(name):
        flow.save_weights(tmp_path / name)
        with h5py.File(tmp_path / name) as file:
            found = []
            file.visit(found.append)
        return found

    noise = zoo.VariationalDequantizer((2,), levels=4, width=4, steps=1)
    base = zoo.MAF((2,), num_layers=1, hidden_units=(4,))
    flow = zoo.MAF((2,), levels=4, num_layers=1, hidden_units=(4,), dequantization=noise, base=base)
    flow = used(flow)
    hidden = layout("hidden.weights.h5")
    monkeypatch.delattr(display.Shown, "__dir__")
    assert hidden == layout("whole.weights.h5") and len(hidden) > 10
