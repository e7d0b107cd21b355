"""The VAE: its bounds against numbers integrated, its parts, its loss, its files."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import zoo
from tests import helpers
from zoo import backend, training, variational
from zoo.backend import tfd

CODE, LATENT, EVENT = 6, 2, 5


def diagonal(size=LATENT, **settings):
    """An amortized diagonal Gaussian, the base line."""
    layer = zoo.layers.Elementwise((size,), context_shape=(CODE,), hidden_units=(), **settings)
    return zoo.Flow([layer], context_shape=(CODE,), jit_compile=False, **settings)


SMALL = {"num_layers": 2, "jit_compile": False, "seed": 0}
POSTERIORS = {
    "diagonal": diagonal,
    "planar": functools.partial(zoo.Planar, fast="sample", **SMALL),
    "sylvester": functools.partial(zoo.Sylvester, fast="sample", **SMALL),
    "iaf": functools.partial(zoo.IAF, hidden_units=(8,), **SMALL),
}


def networks(event_shape=(EVENT,), times=1, **settings):
    size = int(np.prod(event_shape))
    encoder = [layers.Flatten(**settings), layers.Dense(CODE, "tanh", **settings)]
    out = (*event_shape[:-1], times * event_shape[-1])
    decoder = [
        layers.Dense(8, "tanh", **settings),
        layers.Dense(times * size, **settings),
        layers.Reshape(out, **settings),
    ]
    return keras.Sequential(encoder), keras.Sequential(decoder)


def build(posterior="iaf", event_shape=(EVENT,), fresh=False, scale=0.3, **settings):
    """A VAE with random weights, its posterior wide enough for the weights of its samples."""
    likelihood = settings.get("likelihood", "bernoulli")
    times = 2 if likelihood == "discretized_logistic" else 1
    dtype = {"dtype": settings["dtype"]} if "dtype" in settings else {}
    if isinstance(posterior, str):
        make, given = POSTERIORS[posterior], {"context_shape": (CODE,)} | dtype
        posterior = make(**dtype) if make is diagonal else make((LATENT,), **given)
    vae = zoo.VAE(*networks(event_shape, times, **dtype), posterior, **settings)
    for part, size in ((vae.encoder, 1.0), (vae.decoder, 1.5), (vae.posterior, scale)):
        if not fresh:
            helpers.randomize(part, seed=1, scale=size)
    return vae


def every_event():
    """All events of `EVENT` bits."""
    return (np.arange(2**EVENT)[:, None] >> np.arange(EVENT) & 1).astype("int32")


def integrated(vae, x):
    """`log P(x)` by the trapezoidal rule over the latent plane."""
    line = np.linspace(-9.0, 9.0, 181)
    z = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2).astype(vae.variable_dtype)
    prior = vae.prior.distribution()
    log_p = vae.observation(z[:, None]).log_prob(x) + prior.log_prob(z)[:, None]
    return tf.reduce_logsumexp(log_p, axis=0).numpy() + 2 * np.log(line[1] - line[0])


@pytest.mark.parametrize(
    "posterior",
    [
        p if p in ("diagonal", "iaf") else pytest.param(p, marks=pytest.mark.slow)
        for p in POSTERIORS
    ],
)
def test_the_bounds_are_in_order_and_below_the_likelihood(posterior):
    """ELBO <= bound of 128 samples <= log P(x), which thousands of samples reach."""
    vae, x, draws = build(posterior), every_event(), 64
    log_p = integrated(vae, x)
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-4)
    elbo, bound = (
        np.reshape(f(np.repeat(x, draws, 0), seed=3), (len(x), draws))
        for f in (vae.elbo, vae.importance_bound)
    )
    error = 4 * np.sqrt((elbo.var(1) + bound.var(1)) / draws)
    assert (elbo.mean(1) <= bound.mean(1) + error).all()
    assert (elbo.mean(1) < bound.mean(1) - error).any()  # Weights are random.
    assert (bound.mean(1) <= log_p + 4 * bound.std(1) / np.sqrt(draws)).all()
    near = vae.importance_bound(x, 8000, seed=1) - log_p
    assert np.abs(near).max() < 0.5 and np.abs(np.mean(near)) < 0.05


@pytest.mark.parametrize("samples", [1, 8, 11])
def test_a_bound_counts_as_many_samples_as_it_is_told_to(samples, eagerly):
    vae, x, seed = build(), every_event()[:3], backend.make_seed(4)
    code = variational.code(vae, x.astype("float32"))
    drawn = [
        variational.terms(vae, x, code, backend.samplers.fold_in(seed, i), draws=(8,))
        for i in tf.range(2)
    ]
    weights = np.concatenate([log_likelihood - kl for log_likelihood, kl in drawn])[:samples]
    expected = np.logaddexp.reduce(weights, axis=0) - np.log(samples)
    np.testing.assert_allclose(vae.importance_bound(x, samples, seed=4), expected, atol=1e-5)


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_the_density_that_comes_with_a_sample_is_the_posteriors(posterior, eagerly):
    vae, x = build(posterior, scale=1.0), every_event()[:6]
    q = vae.posterior_of(x)
    z, log_q = q.experimental_sample_and_log_prob((3,), seed=(1, 2))
    assert z.shape == (3, 6, LATENT)
    code = vae.encoder((2.0 * x + 1.0) / 2.0 - 1.0)
    fresh = vae.posterior.distribution(code).log_prob(z.numpy())
    np.testing.assert_allclose(log_q, fresh, atol=2e-4)
    assert np.abs(log_q - vae.posterior.distribution(code[::-1]).log_prob(z)).max() > 0.02


LOGISTIC = {"likelihood": "discretized_logistic", "levels": 7}


@pytest.mark.parametrize("settings", [{}, LOGISTIC], ids=["bernoulli", "discretized_logistic"])
def test_observations_are_distributions_over_levels(settings, eagerly):
    vae = build(event_shape=(2, 2, 1), **settings)
    z = np.random.default_rng(0).normal(size=(3, LATENT)).astype("float32")
    levels = np.arange(vae.levels, dtype="float32")
    each = np.broadcast_to(levels[:, None, None, None, None], (vae.levels, 3, 2, 2, 1))
    single = vae.observation(z).distribution
    probabilities = np.exp(single.log_prob(each))
    np.testing.assert_allclose(probabilities.sum(0), 1.0, atol=1e-5)
    total = vae.observation(z).log_prob(each)
    np.testing.assert_allclose(np.log(probabilities).sum((2, 3, 4)), total, rtol=1e-4)
    drawn = vae.observation(z).sample(20000, seed=(1, 2)).numpy()
    assert set(np.unique(np.abs(drawn))) <= set(levels)
    share = (drawn[None] == levels[:, None, None, None, None, None]).mean(1)
    np.testing.assert_allclose(share, probabilities, atol=0.02)
    if not settings:
        np.testing.assert_allclose(vae.decode(z), probabilities[1], atol=1e-6)


def test_floats_are_read_as_the_level_below(eagerly):
    vae = build(**LOGISTIC)
    x = helpers.data(vae, 4)
    expected = vae.elbo(x, seed=1)
    helpers.assert_same(vae.elbo(x + np.float32(0.7), seed=1), expected)
    helpers.assert_same(vae.elbo(x.astype("float32"), seed=1), expected)
    with helpers.raises_one_line("0..6"):
        vae.log_prob(x + 7)


def test_public_calls(eagerly):
    vae = build(samples=16)
    x = every_event()[:4]
    helpers.assert_same(vae.log_prob(x, seed=1), vae.importance_bound(x, 16, seed=1))
    bits = -np.asarray(vae.log_prob(x, seed=1)) / (EVENT * np.log(2))
    np.testing.assert_allclose(vae.bits_per_dim(x, seed=1), bits, rtol=1e-6)
    assert np.abs(vae.log_prob(x, seed=1) - vae.log_prob(x, seed=2)).max() > 1e-4
    samples = vae.sample(6, seed=3)
    assert samples.shape == (6, EVENT) and set(np.unique(samples)) <= {0.0, 1.0}
    helpers.assert_same(samples, vae.sample(6, seed=3))
    helpers.assert_same(vae.to_levels(samples), samples)
    middle = vae.encode(x)
    same = vae.posterior.decode(np.zeros((4, LATENT), "float32"), vae.encoder(x - 0.5))
    np.testing.assert_allclose(middle, same, atol=1e-5)
    with helpers.raises_one_line("takes no context"):
        vae.log_prob(x, context=1)


def test_compiled_calls_equal_eager_ones_and_take_no_rows():
    from tests import net

    vae, x = build(samples=16), every_event()[:4]
    compiled = vae.log_prob(x, seed=1), vae.sample(5, seed=2), vae.elbo(x, seed=1)
    assert vae.log_prob(x[:0]).shape == (0,) and vae.sample(0).shape == (0, EVENT)
    with net.eagerly():
        eager = vae.log_prob(x, seed=1), vae.sample(5, seed=2), vae.elbo(x, seed=1)
    for a, b in zip(compiled, eager, strict=True):
        helpers.assert_same(a, b)


def test_samples_have_the_likelihood_that_is_integrated():
    vae, x, n = build(), every_event(), 40000
    drawn = np.asarray(vae.sample(n, seed=1)) @ 2 ** np.arange(EVENT)
    share = np.bincount(drawn.astype(int), minlength=2**EVENT) / n
    p = np.exp(integrated(vae, x))
    assert (n * (share - p) ** 2 / p).sum() < 31 + 5 * np.sqrt(2 * 31)  # chi-square


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_every_weight_has_a_gradient_the_encoders_too(posterior, eagerly):
    vae, x = build(posterior), every_event()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(training.ELBO()(vae, x, None, (1, 2)))
    gradients = tape.gradient(loss, vae.trainable_weights)
    assert len(vae.encoder.trainable_weights) == 2
    for weight, gradient in zip(vae.trainable_weights, gradients, strict=True):
        assert gradient is not None and np.abs(gradient).max() > 0, weight.path


def test_free_bits_are_not_charged_and_not_pressed_down(eagerly):
    vae, x = build(), every_event()
    log_likelihood, kl = vae.elbo_terms(x, (1, 2))
    average = float(np.mean(kl))
    helpers.assert_same(training.ELBO()(vae, x, None, (1, 2)), kl - log_likelihood)
    for free, charged in ((0.9 * average, kl), (1.1 * average, np.full(len(x), 1.1 * average))):
        vae.free_bits = free / LATENT
        np.testing.assert_allclose(
            training.ELBO()(vae, x, None, (1, 2)), charged - log_likelihood, rtol=1e-5
        )
    with tf.GradientTape() as tape:
        kl = training.ELBO()(vae, x, None, (1, 2)) + vae.elbo_terms(x, (1, 2))[0]
        loss = tf.reduce_mean(kl)
    assert all(np.abs(g).max() < 1e-6 for g in tape.gradient(loss, vae.trainable_weights))


def test_the_warm_up_is_a_line_over_the_steps_of_training_alone(eagerly):
    vae, x = build(kl_warmup_steps=4), every_event()
    log_likelihood, kl = vae.elbo_terms(x, (1, 2))
    for weight in (0.25, 0.5, 0.75, 1.0, 1.0):
        before = training.ELBO()(vae, x, None, (1, 2), False)
        loss = training.ELBO()(vae, x, None, (1, 2))
        helpers.assert_same(loss, before)
        np.testing.assert_allclose(loss, weight * kl - log_likelihood, rtol=1e-5)
    helpers.assert_same(vae.log_likelihood(x, None, (1, 2)), log_likelihood - kl)


def test_fit_saves_and_goes_on(tmp_path):
    prior = zoo.MAF((LATENT,), num_layers=1, hidden_units=(8,), seed=0, jit_compile=False)
    vae = build(prior=prior, fresh=True, free_bits=0.01, kl_warmup_steps=20, samples=32)
    x = np.repeat(every_event()[[3, 28]], 64, 0)
    vae.compile(keras.optimizers.Adam(3e-2), jit_compile=False)
    before = vae.evaluate(x, verbose=0)[0]
    history = vae.fit(x, batch_size=32, epochs=30, verbose=0, validation_data=x).history
    assert set(history) == {"loss", "val_loss", "val_nats", "val_bits_per_dim"}
    assert history["val_loss"][-1] < before - 1.5
    assert np.mean(vae.log_prob(x)) > -1.2  # Two events, log 1/2 each, is the best.
    assert float(vae.warmup()) == 1.0

    vae.save(tmp_path / "vae.keras")
    again = zoo.load(tmp_path / "vae.keras")
    assert type(again) is zoo.VAE and isinstance(again.prior, zoo.MAF)
    assert json.dumps(again.get_config()) == json.dumps(vae.get_config())
    for name in ("log_prob", "elbo"):
        helpers.assert_same(getattr(again, name)(x[:4], seed=1), getattr(vae, name)(x[:4], seed=1))
    helpers.assert_same(again.sample(5, seed=2), vae.sample(5, seed=2))
    compiled = keras.saving.load_model(tmp_path / "vae.keras")
    assert compiled.training_loss.name == "elbo"
    assert int(compiled.optimizer.iterations) == 120


def test_an_entry_and_its_saved_model_say_the_same(tmp_path):
    vae = build(likelihood="discretized_logistic", levels=4, event_shape=(2, 2, 1), samples=16)
    zoo.save(vae, tmp_path / "entry")
    vae = zoo.load(tmp_path / "entry")
    exported = zoo.load_exported(vae.export(tmp_path / "saved"))
    x = helpers.data(vae, 3)
    helpers.assert_same(exported.log_prob(x.astype("float32")), vae.log_prob(x, seed=0))
    helpers.assert_same(exported.log_prob(x, seed=5), vae.log_prob(x, seed=5))
    helpers.assert_same(exported.sample(4, seed=1), vae.sample(4, seed=1))
    cool = exported.sample(4, seed=1, temperature=0.0)
    helpers.assert_same(cool, vae.sample(4, seed=1, temperature=0.0))
    helpers.assert_same(exported.encode(x), vae.encode(x))
    z = np.ones((2, LATENT), "float32")
    helpers.assert_same(exported.decode(z), vae.decode(z))


def test_a_vae_has_the_doors_of_presets(tmp_path):
    vae = build()
    vae.save_to_preset(tmp_path / "preset")
    assert not (tmp_path / "preset" / "model.keras").exists()
    again = zoo.VAE.from_preset(tmp_path / "preset", samples=3)
    x = helpers.data(vae, 2)
    helpers.assert_same(again.elbo(x, seed=1), vae.elbo(x, seed=1))
    assert again.samples == 3 and again.metadata == {}
    assert zoo.VAE.from_preset(tmp_path / "preset").metadata["family"] == "VAE"
    with helpers.raises_one_line("is a VAE, expected a MAF"):
        zoo.MAF.from_preset(tmp_path / "preset")


def test_a_file_with_a_layer_that_runs_code_is_refused(tmp_path):
    encoder, decoder = networks()
    encoder.add(layers.Lambda(lambda h: h))
    vae = zoo.VAE(encoder, decoder, diagonal())
    vae.save(tmp_path / "vae.keras")
    with helpers.raises_one_line("keras.layers.Lambda"):
        zoo.load(tmp_path / "vae.keras")


def test_what_could_not_be_loaded_again_is_not_saved(tmp_path):
    encoder, decoder = networks()
    seen = keras.Input((EVENT,))
    code = keras.Sequential([*encoder.layers, layers.Lambda(lambda h: h)])
    for given, cause in ((keras.Model(seen, encoder(seen)), "Functional"), (code, "")):
        vae = zoo.VAE(given, decoder, diagonal())
        with helpers.raises_one_line("could not be loaded again", cause):
            zoo.save(vae, tmp_path / "vae")
        assert not list(tmp_path.iterdir())


def test_a_prior_may_be_a_distribution_and_all_of_it_float64(tmp_path):
    loc = np.array([0.5, -0.5])
    prior = tfd.MultivariateNormalDiag(loc, np.array([1.0, 2.0]))
    vae = build("diagonal", prior=prior, dtype="float64")
    x = every_event()[:4]
    assert vae.log_prob(x, seed=1).dtype == "float64"
    again = helpers.saved_and_loaded(vae, tmp_path)
    helpers.assert_same(again.log_prob(x, seed=1), vae.log_prob(x, seed=1))


REFUSED = {
    "posterior_name": ({"posterior": None}, "posterior must be a zoo.Flow"),
    "posterior_without_context": ({"posterior": zoo.MAF((2,))}, "context_shape"),
    "context": ({"posterior": zoo.IAF((2,), context_shape=(3,))}, "shape (3,), got (6,)"),
    "prior": ({"prior": "uniform"}, "base must be one of"),
    "prior_shape": ({"prior": zoo.MAF((3,))}, "shape (2,)"),
    "prior_context": ({"prior": zoo.MAF((2,), num_classes=3)}, "without a context"),
    "likelihood": ({"likelihood": "gaussian"}, "likelihood must be one of"),
    "levels": ({"levels": 7}, "is of 2 levels, got levels=7"),
    "free_bits": ({"free_bits": -1}, "free_bits must be a number of at least 0, got -1"),
    "samples": ({"samples": 0}, "samples must be an integer of at least 1"),
    "many_samples": ({"samples": 2**25}, "samples must be an integer of at most 16777216"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_in_one_line(case):
    given, words = REFUSED[case]
    with helpers.raises_one_line(words):
        build(**({"posterior": diagonal()} | given))


def test_networks_and_latents_that_do_not_fit_are_told_by_name():
    encoder, decoder = networks()
    other = networks((3,))[0]
    other(np.zeros((1, 3)))
    for pair, words in [
        ((None, decoder), "encoder must be a Keras layer or model, got None"),
        ((encoder, lambda z: z), "decoder must be a Keras layer or model"),
        ((other, decoder), "encoder cannot take events of shape (5,)"),
        ((encoder, keras.Sequential([layers.Reshape((7,))])), "decoder cannot take latents"),
    ]:
        with helpers.raises_one_line(words):
            zoo.VAE(*pair, diagonal())
    vae = build("diagonal")
    with helpers.raises_one_line("z must have shape [..., (2,)], got (3, 5)"):
        vae.observation(np.zeros((3, 5)))
    with helpers.raises_one_line("samples must be an integer of at most 16777216"):
        vae.importance_bound(every_event()[:1], samples=2**40)


def test_a_decoder_of_odd_entries_gives_no_logistics():
    encoder, decoder = networks()
    with helpers.raises_one_line("2 numbers for each entry", "(5,)"):
        zoo.VAE(encoder, decoder, diagonal(), **LOGISTIC)
    with helpers.raises_one_line("loss='elbo'", "MAF"):
        zoo.MAF((2,)).compile(loss="elbo")
