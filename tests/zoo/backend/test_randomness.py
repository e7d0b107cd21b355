"""Seeds and the training flag of what estimates, and how a flow hands them on."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo import backend, bijectors
from zoo.backend import samplers


def numbers(randomness, count=3):
    return [tuple(np.asarray(randomness.seed(i)).tolist()) for i in range(count)]


def test_seeds_differ_and_are_the_same_again():
    first = numbers(backend.Randomness((0, 3)))
    assert numbers(backend.Randomness((0, 3))) == first
    assert len(set(first)) == 3
    assert not set(numbers(backend.Randomness((0, 4)))) & set(first)


def test_without_a_seed_all_is_fixed():
    assert numbers(backend.Randomness()) == numbers(backend.Randomness())
    assert not backend.Randomness().training
    assert backend.Randomness(training=True).training


def test_what_comes_after_has_other_seeds():
    randomness = backend.Randomness((0, 1), training=True)
    assert numbers(randomness.after(1), 2) == numbers(randomness)[1:]
    assert randomness.after(1).training


def test_a_generator_draws_anew():
    randomness = backend.Randomness(keras.random.SeedGenerator(0))
    assert numbers(randomness, 1) != numbers(randomness, 1)


class _Noisy(bijectors.OnePassBijector):
    """The identity, whose log-determinant is noise around zero."""

    def __init__(self, randomness, **options):
        self._randomness = randomness
        super().__init__(1, **options)

    def _noise(self, x):
        return samplers.normal(tf.shape(x)[:-1], seed=self._randomness.seed())

    def inverse_and_log_det(self, y):
        return y + 0.0, self._noise(y)

    def forward_and_log_det(self, x):
        return x + 0.0, self._noise(x)


@keras.saving.register_keras_serializable("tests")
class Noisy(zoo.layers.FlowLayer):
    """See `_Noisy`; `updates` counts, `steps` is updated by training steps alone."""

    estimates, repeatable, draws = True, False, 1

    def __init__(self, event_shape, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.updates = 0
        self.steps = self.add_weight(name="steps", shape=(), initializer="zeros", trainable=False)

    def update_spectral_norms(self):
        self.updates += 1

    def bijector(self, context=None, randomness=None):
        randomness = randomness or backend.Randomness()
        if randomness.training:
            self.steps.assign_add(1.0)
        return _Noisy(randomness, **self._options())


def noisy(count=2, **settings):
    layers = [*[Noisy((2,)) for _ in range(count)], zoo.layers.ActNorm((2,))]
    return zoo.Flow(layers, **{"jit_compile": False} | settings)


X = np.zeros((6, 2), "float32")


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_seed_decides_the_estimate(jit_compile):
    flow = noisy(jit_compile=jit_compile)
    assert flow.estimates
    helpers.assert_same(flow.log_prob(X, seed=1), flow.log_prob(X, seed=1))
    assert np.abs(flow.log_prob(X, seed=1) - flow.log_prob(X, seed=2)).max() > 1e-2
    assert np.abs(flow.log_prob(X) - flow.log_prob(X)).max() > 1e-2


def test_layers_draw_different_numbers_and_tfp_a_fixed_one():
    one, two = (noisy(n) for n in (1, 2))
    log_det = [f.bijector().inverse_log_det_jacobian(X, 1) for f in (one, two)]
    assert np.abs(log_det[1] - 2 * log_det[0]).max() > 1e-2
    first = two.distribution().log_prob(X)
    helpers.assert_same(first, two.distribution().log_prob(X))


def test_training_steps_draw_anew_and_update_what_layers_keep():
    flow = noisy()
    flow.compile(keras.optimizers.SGD(0.0))
    losses = [flow.evaluate(X, verbose=0, return_dict=True)["loss"] for _ in range(2)]
    assert losses[0] != losses[1]
    assert float(flow.stack.layers[0].steps) == 0
    flow.fit(X, batch_size=2, epochs=2, verbose=0)
    assert float(flow.stack.layers[0].steps) == 6
    flow.log_prob(X)
    assert float(flow.stack.layers[0].steps) == 6


def test_spectral_norms_are_updated_before_measuring_and_after_training():
    flow = noisy()
    flow.compile(keras.optimizers.SGD(0.0))
    layer = flow.stack.layers[0]
    flow.evaluate(X, verbose=0)
    assert layer.updates == 1
    flow.fit(X, validation_data=(X,), epochs=2, verbose=0)
    assert layer.updates == 1 + 2 + 1
    flow.adapt(X)
    assert layer.updates == 5


def test_the_update_comes_after_callbacks_that_change_weights():
    flow, order = noisy(1), []

    class Swap(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            order.append(self.model.stack.layers[0].updates)

    flow.compile(keras.optimizers.SGD(0.0))
    flow.fit(X, validation_data=(X,), callbacks=[Swap()], verbose=0)
    assert order == [0]


def test_parts_of_parts_and_of_a_base_are_found():
    base = noisy(1)
    stack = zoo.layers.Stack([zoo.layers.ActNorm((2,)), Noisy((2,))])
    flow = zoo.Flow([stack], base=base, jit_compile=False)
    flow.update_spectral_norms()
    assert base.stack.layers[0].updates == stack.layers[1].updates == 1
    assert zoo.Flow([zoo.layers.ActNorm((2,))], base=base).estimates
    assert not zoo.Flow([zoo.layers.ActNorm((2,))]).estimates


def test_estimates_are_not_recomputed():
    for mode in ("inverse", "checkpoint"):
        with helpers.raises_one_line(mode, "Noisy", "recompute=None"):
            noisy(recompute=mode)
