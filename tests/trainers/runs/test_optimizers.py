"""Schedules and optimizers."""

import keras
import numpy as np
import pytest

from trainers import train
from trainers.runs import flagfiles, optimizers


def rates(schedule, *steps):
    return [float(schedule(step)) for step in steps]


def test_cosine_with_warm_up():
    schedule = optimizers.Schedule("cosine", 1.0, 0.2, warmup=4, steps=104)
    np.testing.assert_allclose(rates(schedule, 0, 1, 3), [0.25, 0.5, 1.0], rtol=1e-6)
    np.testing.assert_allclose(rates(schedule, 4, 54, 104, 200), [1.0, 0.6, 0.2, 0.2], rtol=1e-5)


def test_exponential_and_constant():
    schedule = optimizers.Schedule("exponential", 1e-2, steps=10)
    np.testing.assert_allclose(rates(schedule, 0, 5, 10, 99), [1e-2, 1e-3, 1e-4, 1e-4], rtol=1e-4)
    assert rates(optimizers.Schedule("constant", 0.5, warmup=2), 0, 1, 2, 99) == [
        0.25,
        0.5,
        0.5,
        0.5,
    ]
    with pytest.raises(ValueError, match="above 0"):
        optimizers.Schedule("exponential", 1e-2, 0.0)


def test_a_schedule_survives_its_config():
    schedule = optimizers.Schedule("cosine", 1.0, None, warmup=4, steps=104)
    again = optimizers.Schedule.from_config(schedule.get_config())
    assert rates(again, 1, 54, 103) == rates(schedule, 1, 54, 103)


def model():
    dense = keras.layers.Dense(3)
    dense.build((None, 2))
    dense.event_shape = (2,)  # As a flow has one.
    return dense


def make(*argv, replicas=1, weights=None, event_shape=(2,), **kwargs):
    options = flagfiles.new_options(train.define_flags, argv)
    kwargs = {"steps": 10} | kwargs
    weights = weights or model()
    weights.event_shape = event_shape
    return optimizers.make(options, weights, replicas=replicas, **kwargs)


@pytest.mark.parametrize("name", ["adam", "adamw", "adamax", "sgd", "rmsprop"])
def test_every_optimizer_decays_kernels_alone(name):
    weights = model()
    weights.bias.assign(np.ones(3))
    kernel = weights.kernel.numpy()
    made = make(f"--optimizer={name}", "--weight_decay=0.5", "--learning_rate=0.1", weights=weights)
    assert type(made).__name__.lower() == name
    made.apply([np.zeros((2, 3)), np.zeros(3)])
    np.testing.assert_allclose(weights.kernel, kernel * (1 - 0.5 * 0.1), rtol=1e-5)
    np.testing.assert_array_equal(weights.bias, np.ones(3))


def test_clipping_is_of_the_whole_gradient_over_all_replicas():
    assert make("--clip_norm=3").global_clipnorm == 3
    assert make("--clip_norm=3", replicas=2).global_clipnorm == 1.5
    assert make("--clip_norm=0").global_clipnorm is None
    assert make("--optimizer=adamw").weight_decay == 0


@pytest.mark.parametrize(("event_shape", "most"), [((2,), 5), ((8, 8, 1), 64)])
def test_clipping_that_is_not_given_goes_by_the_dimension(event_shape, most):
    assert make(event_shape=event_shape).global_clipnorm == most


@pytest.mark.parametrize(
    ("argv", "kwargs", "steps"),
    [
        ((), {"steps": 2000}, 100),
        (("--warmup_steps=0",), {"steps": 2000}, 0),
        (("--warmup_steps=0",), {"steps": 2000, "continued": True}, 100),
        ((), {"steps": 2000, "continued": True}, 100),
        ((), {"steps": 10**6, "continued": True}, 500),
        (("--warmup_steps=7",), {"steps": 2000, "continued": True}, 7),
    ],
)
def test_warm_up_that_is_not_given_goes_by_the_steps(argv, kwargs, steps):
    made = make("--learning_rate=0.5", *argv, **kwargs)
    assert float(made.learning_rate) == pytest.approx(0.5 / max(steps, 1))
    made.iterations.assign(steps)
    assert float(made.learning_rate) == pytest.approx(0.5)


COSINE = "--learning_rate=1e-2\n--schedule=cosine\n--final_learning_rate=1e-4"


@pytest.mark.parametrize(
    ("recipe", "argv", "rates"),
    [
        (COSINE, (), (1e-2, 1e-4)),
        (COSINE, ("--learning_rate=1e-3",), (1e-3, 1e-4)),
        (COSINE, ("--learning_rate=1e-5",), (1e-5, 1e-5)),
        (COSINE, ("--schedule=constant",), (1e-2, 1e-2)),
        (COSINE, ("--final_learning_rate=0",), (1e-2, 0)),
        ("--schedule=exponential", ("--learning_rate=1e-4",), (1e-4, 1e-5)),
        ("--learning_rate=3e-3", (), (3e-3, 3e-3)),
        ("--learning_rate=3e-3", ("--schedule=cosine",), (3e-3, 0)),
        (COSINE, ('--base={"model": "made"}',), (1e-3, 1e-3)),
        ("--of_another_version=1", (), (1e-3, 1e-3)),
    ],
)
def test_what_continues_ends_at_the_rate_where_its_flow_did(recipe, argv, rates):
    options = flagfiles.new_options(train.define_flags, ["--warmup_steps=5", *argv])
    said = optimizers.keep_end(
        options, [{"of": "a", "recipe": "--x"}, {"of": "b", "recipe": recipe}]
    )
    made = optimizers.make(options, model(), steps=100, continued=True)
    schedule = made.get_config()["learning_rate"]["config"]
    schedule = optimizers.Schedule.from_config(schedule)
    np.testing.assert_allclose([float(schedule(5)), float(schedule(100))], rates, rtol=1e-5)
    assert float(schedule(0)) == pytest.approx(rates[0] / 5) and ("as b was" in said) == (
        "base" not in str(argv) and "another" not in recipe
    )
    # Told again, as a run that is continued is: nothing changes.
    assert optimizers.keep_end(options, []) == ""


def test_average_of_the_weights():
    made = make("--ema_momentum=0.9", steps=100)
    assert made.use_ema and made.ema_momentum == 0.9 and not make().use_ema
    # The first weights are forgotten at the end of a short training too.
    assert make("--ema_momentum=0.999", steps=1000).ema_momentum == pytest.approx(0.99)
    assert make("--ema_momentum=0.999").ema_momentum == 0


def test_jit():
    def jit(value, distribution=None):
        options = flagfiles.new_options(train.define_flags, [f"--jit={value}"])
        return optimizers.jit_compile(options, distribution)

    assert [jit("true"), jit("false"), jit("auto")] == [True, False, "auto"]
    assert [jit("true", "mirrored"), jit("auto", "mirrored")] == [True, False]
