"""Models of the table once through on JAX; run by `jax_process.py`."""

import pathlib
import tempfile

import jax
import keras
import numpy as np

from tests.zoo import table

WEIGHTED = (
    "real_nvp",
    "maf_classes",
)  # Without a context, where Keras would drop weights, and with.


def weights_at_random(flow):
    generator = np.random.default_rng(1)
    for variable in flow.trainable_variables:
        value = generator.normal(0.0, 0.3, tuple(variable.shape)).astype("float32")
        value = keras.ops.convert_to_tensor(value)
        variable.assign(value if variable.constraint is None else variable.constraint(value))
    flow.update_spectral_norms()


def data_for(flow, n):
    generator = np.random.default_rng(0)
    if flow.levels is None:
        x = generator.normal(size=(n, *flow.event_shape)).astype("float32")
    else:
        x = generator.integers(0, flow.levels, (n, *flow.event_shape)).astype("int32")
    if not flow.conditional:
        return x, None
    if flow.num_classes:
        return x, generator.integers(0, flow.num_classes, n).astype("int32")
    return x, generator.normal(size=(n, *flow.context_shape)).astype("float32")


def check(name):
    """Densities, samples, a step of training, and a file, of the model called `name`."""
    flow = table.MODELS[name]()
    weights_at_random(flow)
    x, context = data_for(flow, 8)
    log_prob = np.asarray(flow.log_prob(x, context, seed=1))
    assert log_prob.shape == (8,) and np.isfinite(log_prob).all(), "log_prob"
    samples = np.asarray(flow.sample(8, context, seed=1))
    assert samples.shape == (8, *flow.event_shape), "sample"
    assert np.allclose(samples, flow.sample(8, context, seed=1), rtol=1e-5, atol=1e-5), "seed"
    floats = x.astype("float32") + (0.5 if flow.levels else 0.0)
    of_distribution = jax.jit(lambda x: flow.distribution(context).log_prob(x))(floats)
    by_flow = flow.log_prob(floats, context, seed=0)  # The seed of an estimate there.
    assert np.allclose(of_distribution, by_flow, atol=1e-4), "distribution"
    if name != "made_mixture":  # A density without a latent.
        back = flow.decode(flow.encode(floats, context), context)
        assert np.allclose(back, floats, atol=1e-4), "decode(encode)"
    matched = {"loss": "flow_matching"} if name == "continuous_context" else {}
    flow.compile(keras.optimizers.Adam(1e-3), **matched)
    if name in WEIGHTED:
        weights = np.arange(8) % 3
        given = {"batch_size": 4, "sample_weight": weights, "verbose": 0, "return_dict": True}
        found = flow.evaluate(x, context, **given)
        assert np.allclose(found["nats"], np.average(log_prob, weights=weights), rtol=1e-4), "nats"
        assert np.allclose(found["loss"], -np.mean(log_prob * weights), rtol=1e-4), "weights"
    before = flow.get_weights()
    history = flow.fit(x, context, batch_size=4, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all(), "fit"
    assert any(np.any(a != b) for a, b in zip(flow.get_weights(), before, strict=True)), "fit"
    with tempfile.TemporaryDirectory() as folder:
        flow.save(pathlib.Path(folder) / "flow.keras")
        loaded = keras.saving.load_model(pathlib.Path(folder) / "flow.keras", safe_mode=True)
    a, b = (f.log_prob(x, context, seed=1) for f in (flow, loaded))
    assert np.allclose(a, b, atol=1e-6), "save and load"
