"""A SavedModel read back as a distribution of TensorFlow Probability."""

import json
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.helpers import raises_one_line
from tests.zoo import exports, table
from zoo.backend import tfd, tfp
from zoo.saving.exported import ExportedFlow

NAMES = exports.NAMES


@pytest.fixture(scope="module")
def loaded():
    """The exported flows, by name."""

    class Loaded(dict):
        def __missing__(self, name):
            self[name] = zoo.load_exported(exports.folder(name))
            return self[name]

    return Loaded()


def conditioned(loaded, name, context):
    return loaded[name] if context is None else loaded[name].condition(context)


def close(found, expected, tolerance=1e-5):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_is_the_flow(loaded, name):
    flow, asked = table.shared(name), exports.asked(name)
    context = None if "context" not in asked else asked["context"][0]
    distribution = conditioned(loaded, name, context)
    assert isinstance(distribution, tfd.Distribution)
    assert tuple(distribution.event_shape) == flow.event_shape
    assert distribution.dtype == tf.float32 and distribution.batch_shape.rank == 0
    close(distribution.log_prob(asked["x"]), flow.log_prob(asked["x"], context))
    latent = distribution.encode(asked["x"])
    close(latent, flow.encode(asked["x"], context))
    close(distribution.decode(latent), asked["x"])
    close(distribution.sample(3, seed=3), flow.sample(3, context, seed=3))
    cold = distribution.sample(3, seed=3, temperature=0.5)
    close(cold, flow.sample(3, context, seed=3, temperature=0.5))


@pytest.mark.parametrize("name", NAMES)
def test_any_leading_shape(loaded, name):
    flow = table.shared(name)
    context = helpers.context(flow, 1)
    distribution = conditioned(loaded, name, None if context is None else context[0])
    assert tuple(distribution.sample().shape) == flow.event_shape
    x = distribution.sample([2, 3], seed=1)
    log_prob = distribution.log_prob(x)
    assert tuple(x.shape) == (2, 3, *flow.event_shape) and tuple(log_prob.shape) == (2, 3)
    close(log_prob[1, 2], distribution.log_prob(x[1, 2]))
    assert tuple(distribution.encode(x).shape) == (2, 3, *flow.latent_shape)


@pytest.mark.parametrize("name", ["maf_image", pytest.param("iaf_context", marks=pytest.mark.slow)])
def test_contexts_are_its_batch(loaded, name):
    flow, asked = table.shared(name), exports.asked(name)
    distribution = loaded[name].condition(asked["context"])
    assert tuple(distribution.batch_shape) == tuple(distribution.batch_shape_tensor()) == (3,)
    close(distribution.log_prob(asked["x"]), flow.log_prob(asked["x"], asked["context"]))
    close(distribution.sample(seed=3), flow.sample(3, asked["context"], seed=3))
    x = distribution.sample(5, seed=1)
    log_prob = distribution.log_prob(x)
    assert tuple(x.shape) == (5, 3, *flow.event_shape) and tuple(log_prob.shape) == (5, 3)
    broadcast = distribution.log_prob(x[0, 0])
    each = [loaded[name].condition(c).log_prob(x[0, 0]) for c in asked["context"]]
    close(broadcast, each)


def test_no_label_is_the_mixture(loaded):
    flow, x = table.shared("maf_image"), exports.asked("maf_image")["x"]
    close(loaded["maf_image"].sample(3, seed=3), flow.sample(3, seed=3))
    close(loaded["maf_image"].log_prob(x), helpers.mixture_log_prob(flow, x))


@pytest.mark.parametrize("name", exports.ONE)
def test_inside_a_function(loaded, name):
    """Of unknown batch size; without a seed each call draws anew."""
    flow = table.shared(name)
    context = helpers.context(flow, 1)
    distribution = conditioned(loaded, name, None if context is None else context[0])

    @tf.function
    def run(n):
        x = distribution.sample(n, seed=2)
        return x, distribution.log_prob(x), distribution.sample(n)

    (x, log_prob, fresh), again = run(tf.constant(3)), run(tf.constant(3))
    close(x, distribution.sample(3, seed=2))
    close(log_prob, distribution.log_prob(x))
    close(x, again[0], 0.0)
    assert np.abs(fresh - again[2]).max() > 1e-3


GRADIENTS = [name for name in NAMES if name != "maf_image"]
GRADIENTS += [pytest.param("maf_image", marks=pytest.mark.slow)]


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_in_every_way_and_one_after_another(loaded, name):
    """TensorFlow rewrites a loaded graph at each new kind of differentiation."""
    asked, expected = exports.asked(name), exports.gradient(name)
    distribution, x = conditioned(loaded, name, asked.get("context")), tf.constant(asked["x"])

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            log_prob = distribution.log_prob(x)
        return tape.gradient(log_prob, x)

    close(gradient(x), expected, 1e-4)
    close(tf.function(gradient)(x), expected, 1e-4)
    symbolic = tf.function(lambda x: tf.gradients(distribution.log_prob(x), x)[0])
    close(symbolic(x), expected, 1e-4)


def test_a_batch_may_be_empty(loaded):
    """Whose sweep writes into rows."""
    x, maf = np.zeros((0, 2, 2, 1), "float32"), loaded["maf_image"]
    some, none = maf.condition(1), maf.condition(np.zeros(0, "int32"))
    for flow in (maf, some, none):
        assert flow.log_prob(x).shape == flow.log_prob(x.astype("int32"), seed=5).shape == (0,)
    assert maf.sample(0).shape == some.sample(0).shape == none.sample().shape == x.shape
    for flow in (some, none):
        assert flow.encode(x).shape == (0, 4)
        assert flow.decode(np.zeros((0, 4), "float32")).shape == x.shape


def test_inside_tfp(loaded):
    distribution = loaded["real_nvp"]
    joint = tfd.JointDistributionSequential([distribution, lambda x: tfd.Normal(x[..., 0], 1.0)])
    x, y = joint.sample(3, seed=1)
    close(joint.log_prob([x, y]), distribution.log_prob(x) + tfd.Normal(x[:, 0], 1.0).log_prob(y))
    kernel = tfp.mcmc.HamiltonianMonteCarlo(distribution.log_prob, 0.1, num_leapfrog_steps=2)
    chain = tf.function(
        lambda: tfp.mcmc.sample_chain(4, kernel=kernel, current_state=x, seed=2, trace_fn=None)
    )()
    assert tuple(chain.shape) == (4, 3, 3) and np.isfinite(chain).all()
    assert np.abs(chain[-1] - x).max() > 1e-3


def test_its_variables_can_be_trained(loaded):
    distribution = loaded["real_nvp"]
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(distribution.log_prob(np.ones((2, 3), "float32")))
    found = tape.gradient(loss, distribution.trainable_variables)
    assert len(found) == len(table.shared("real_nvp").trainable_variables)
    assert all(g is not None for g in found)


def test_bad_input(loaded):
    maf, plain = loaded["maf_image"], loaded["real_nvp"]
    with raises_one_line("x must have shape [..., 2, 2, 1]", "got [3, 4]"):
        maf.log_prob(np.zeros((3, 4), "float32"))
    with raises_one_line("z must have shape [..., 4]", "got [2, 3]"):
        maf.condition(0).decode(np.zeros((2, 3), "float32"))
    with raises_one_line("labels 0..2", "got values from 3 to 3"):
        maf.condition(3)
    with raises_one_line("labels 0..2", "float64"):
        maf.condition(1.0)
    with raises_one_line("takes no context"):
        plain.condition(0)
    for call in (maf.encode, maf.decode):
        with raises_one_line("needs a context", "labels 0..2"):
            call(np.zeros((1, 2, 2, 1), "float32"))
    with raises_one_line("estimates nothing"):
        plain.log_prob(np.zeros((1, 3), "float32"), seed=1)


def test_vectors_as_a_context():
    """Their checks need no graph."""
    info = {"name": "a", "event_shape": [3], "latent_shape": [3], "context_shape": [2]}
    info |= {"num_classes": None, "levels": None, "dtype": "float32"}
    flow = ExportedFlow(types.SimpleNamespace(weights=[]), info)
    assert tuple(flow.condition(np.zeros((5, 2))).batch_shape) == (5,)
    with raises_one_line("context must hold vectors of shape (2,)", "got shape [3]"):
        flow.condition(np.zeros(3, "float32"))
    with raises_one_line("context must be finite", "2 NaN"):
        flow.condition(np.full(2, np.nan))
    with raises_one_line("needs a context", "vectors of shape (2,)"):
        flow.log_prob(np.zeros((1, 3), "float32"))
    with raises_one_line("needs a context", "vectors of shape (2,)"):
        flow.sample(2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sample_shape": 2.5}, ["sample_shape must be an integer", "2.5"]),
        ({"sample_shape": [2, 1.5]}, ["sample_shape must be an integer", "1.5"]),
        ({"sample_shape": -1}, ["sample_shape must not be negative", "-1"]),
        ({"sample_shape": 2**31}, ["sample_shape must be at most", "2147483648"]),
        ({"sample_shape": [2**20, 2**20]}, ["sample_shape must be at most", "1099511627776"]),
        ({"temperature": -1}, ["temperature", "not negative", "-1"]),
        ({"temperature": np.nan}, ["temperature", "finite", "nan"]),
        ({"temperature": "cold"}, ["temperature must be a number", "cold"]),
        ({"seed": 1.5}, ["seed must be an integer", "1.5"]),
    ],
)
def test_samples_that_a_flow_would_refuse(loaded, given, words):
    """The same words as those of the flow's own call."""
    with raises_one_line(*words):
        loaded["real_nvp"].sample(**given)
    own = {"n" if key == "sample_shape" else key: value for key, value in given.items()}
    if not isinstance(given.get("sample_shape"), list):
        with raises_one_line(*(word.replace("sample_shape", "n") for word in words)):
            table.shared("real_nvp").sample(**({"n": 2} | own))


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((1, 3), "complex64"), ["x must hold real numbers", "complex64"]),
        (np.zeros((1, 3), "int32"), ["x holds integers", "continuous data"]),
        ([[1, 2, 3]], ["x holds integers", "continuous data"]),
        (np.zeros((1, 3), bool), ["x must hold real numbers", "bool"]),
    ],
)
def test_events_that_a_flow_would_refuse(loaded, x, words):
    for log_prob in (loaded["real_nvp"].log_prob, table.shared("real_nvp").log_prob):
        with raises_one_line(*words):
            log_prob(x)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([[0.0, 1.0]], ["between the bounds of its columns", "row 0, feature 1", "(0, 1)"]),
        ([[0.0, 0.5], [5.0, 0.5]], ["between the bounds of its columns", "row 1, feature 0"]),
        ([[-1.0, np.nan]], ["finite", "row 0, feature 1"]),
        ([[-1.0]], ["shape", "2]", "[1, 1]"]),
    ],
)
def test_events_beyond_the_bounds_are_refused_as_a_flow_does(loaded, tmp_path_factory, x, words):
    if "bounded" not in loaded:
        flow = zoo.NICE((2,), bounds=[(None, 5), (0, 1)], num_layers=1, hidden_units=(2,))
        folder = flow.export(tmp_path_factory.mktemp("bounded") / "flow")
        loaded["bounded"] = flow, zoo.load_exported(folder)
    flow, exported = loaded["bounded"]
    close(exported.log_prob([[-1.0, 0.5]]), flow.log_prob([[-1.0, 0.5]]))
    for call in (flow.log_prob, exported.log_prob, exported.encode):
        with raises_one_line(*words):
            call(x)
    if len(x[0]) == 2:
        with raises_one_line(words[0]):
            exported.log_prob([x])  # Of any leading shape.


def test_integers_are_dequantized(loaded):
    flow, asked = table.shared("maf_image"), exports.asked("maf_image")
    x, labels = asked["integers"], asked["context"]
    distribution = loaded["maf_image"].condition(labels)
    for given in (x, x.tolist(), x.astype("uint8")):
        close(distribution.log_prob(given, seed=5), flow.log_prob(x, labels, seed=5))
    close(distribution.encode(x), flow.encode(x, labels))
    assert np.abs(distribution.log_prob(x) - distribution.log_prob(x)).max() > 1e-4
    with raises_one_line("grey levels 0..4", "from 5 to 5"):
        distribution.log_prob(np.full((1, 2, 2, 1), 5))


@pytest.fixture
def copy(tmp_path):
    """An export that may be damaged."""
    return shutil.copytree(exports.folder("real_nvp"), tmp_path / "export")


@pytest.mark.parametrize(
    "name",
    ["variables/variables.data-00000-of-00001", "variables/variables.index", "saved_model.pb"],
)
@pytest.mark.parametrize("how", ["truncated", "altered", "missing"])
def test_damaged_file(copy, name, how):
    path = copy / name
    damaged = bytearray(path.read_bytes())
    if how == "truncated":
        del damaged[len(damaged) // 2 :]
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    if how == "missing":
        path.unlink()
    words = ["missing"] if how == "missing" else ["truncated or altered", "expected SHA-256"]
    with raises_one_line(str(path), *words):
        zoo.load_exported(copy)


def test_not_an_export(copy, tmp_path):
    with raises_one_line("nowhere", "no such folder"):
        zoo.load_exported(tmp_path / "nowhere")
    info = copy / "assets.extra" / "flow_zoo.json"
    newer = json.loads(info.read_text())
    newer["format"] += 1
    info.write_text(json.dumps(newer))
    with raises_one_line("newer Flow Zoo"):
        zoo.load_exported(copy)
    info.unlink()
    with raises_one_line(str(copy), "not an export of Flow Zoo"):
        zoo.load_exported(copy)


def test_a_mixture_is_not_reparameterized(loaded, tmp_path):
    mixture = zoo.MADE((2,), components=2, hidden_units=(4,), jit_compile=False)
    flow = zoo.Flow([zoo.layers.ActNorm((2,))], base=mixture, jit_compile=False)
    kind = zoo.load_exported(zoo.export(flow, tmp_path / "export")).reparameterization_type
    assert kind == tfd.NOT_REPARAMETERIZED
    assert loaded["real_nvp"].reparameterization_type == tfd.FULLY_REPARAMETERIZED
