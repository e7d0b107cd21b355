"""Training that starts from a finished flow, as it is or over a new base."""

import json

import numpy as np
import pytest

import zoo
from trainers import flagfiles, train, training

BASE = '--base={"model": "made", "components": 2, "hidden_units": [6], "jit_compile": false}'


@pytest.fixture(scope="module")
def again(prepared, digits_run):
    """A function that trains on from the digits run, and returns the result and the new flow."""

    def run(folder, *argv, start=digits_run):
        flags = (
            f"--init_from={start}",
            *("--dataset=digits", f"--data_dir={prepared}", f"--model_dir={folder}"),
            *("--batch_size=100", "--jit=false", "--progress=none", "--notensorboard"),
            *("--picture_interval=0", "--noise_draws=2", "--epochs=1"),
        )
        options = flagfiles.new_options(train.define_flags, [*flags, *argv])
        return training.train(options, train.define_flags), zoo.load(folder)

    return run


def test_it_starts_from_the_weights_it_is_given(again, digits_run, tmp_path):
    result, flow = again(tmp_path / "run", "--learning_rate=0")
    before = json.loads((digits_run / "result.json").read_text())
    assert result["nats"]["mean"] == pytest.approx(before["nats"]["mean"], rel=1e-5)
    for a, b in zip(flow.get_weights(), zoo.load(digits_run).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_goes_on_training(again, digits_run, tmp_path):
    result, _ = again(tmp_path / "run", "--learning_rate=1e-2")
    before = json.loads((digits_run / "result.json").read_text())
    assert result["nats"]["mean"] > before["nats"]["mean"] + 1


@pytest.mark.parametrize("freeze", ["--freeze", "--nofreeze"])
def test_a_new_base_alone_or_jointly(again, digits_run, tmp_path, freeze):
    _, flow = again(tmp_path / "run", BASE, freeze, "--learning_rate=1e-2")
    assert isinstance(flow.base, zoo.MADE) and flow.num_classes == 10
    start = zoo.load(digits_run)
    pairs = [
        (a, b)
        for one, other in zip(flow.flow_layers, start.flow_layers, strict=True)
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True)
    ]
    moved = max(np.abs(a - b).max() for a, b in pairs)
    assert moved == 0 if freeze == "--freeze" else moved > 1e-3


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--model=maf"], "--init_from brings .* omit --model"),
        (["--num_layers=2"], "omit --num_layers"),
        (["--class_conditional"], "omit --class_conditional"),
        (["--freeze"], "--freeze needs --base"),
        (["--dataset=two_moons"], "the flow expects events of shape"),
        (["--init_from=nowhere"], "nowhere"),
        (["--init_from=", "--freeze", "--model=maf"], "--freeze needs --init_from"),
    ],
)
def test_what_does_not_fit_is_refused(again, tmp_path, argv, message):
    with pytest.raises(ValueError, match=message):
        again(tmp_path / "run", *argv)
    assert not (tmp_path / "run").exists()
