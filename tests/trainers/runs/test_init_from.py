"""Training that starts from a finished flow, as it is or over a new base."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import zoo
from trainers import train
from trainers.reports import card_recipe
from trainers.runs import families, flagfiles, options, results
from zoo.saving import entries

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
        return train.train(options), zoo.load(folder)

    return run


def test_it_starts_from_the_weights_it_is_given(again, digits_run, tmp_path):
    result, flow = again(tmp_path / "run", "--learning_rate=0")
    before = json.loads((digits_run / "result.json").read_text())
    assert result["nats"]["mean"] == pytest.approx(before["nats"]["mean"], rel=1e-5)
    for a, b in zip(flow.get_weights(), zoo.load(digits_run).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    (piece,) = result["history"]
    assert piece["of"] == str(digits_run) and piece["epochs"] == 1
    assert "--class_conditional" in piece["recipe"] and "model_dir" not in piece["recipe"]


@pytest.mark.slow
def test_it_goes_on_training(again, digits_run, tmp_path):
    result, _ = again(tmp_path / "run", "--learning_rate=1e-2")
    before = json.loads((digits_run / "result.json").read_text())
    assert result["nats"]["mean"] > before["nats"]["mean"] + 1


# What is frozen has no gradient: that is tested without a training, below.
@pytest.mark.slow
@pytest.mark.parametrize("freeze", ["--freeze", "--nofreeze"])
def test_a_new_base_alone_or_jointly(again, digits_run, tmp_path, freeze):
    _, flow = again(tmp_path / "run", BASE, freeze, "--learning_rate=1e-2")
    assert isinstance(flow.base, zoo.MADE) and flow.num_classes == 10
    start = zoo.load(digits_run)
    pairs = [
        (a, b)
        for one, other in zip(flow.stack.layers, start.stack.layers, strict=True)
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
        (["--loss=flow_matching"], "loss='flow_matching' trains one velocity"),
        (["--init_from=nowhere"], "nowhere"),
        (["--init_from=", "--freeze", "--model=maf"], "--freeze needs --init_from"),
    ],
)
def test_what_does_not_fit_is_refused(again, tmp_path, argv, message):
    with pytest.raises(ValueError, match=message):
        again(tmp_path / "run", *argv)
    assert not (tmp_path / "run").exists()


def built(start, *argv):
    data = SimpleNamespace(name="digits", event_shape=(8, 8, 1), levels=17, num_classes=10)
    flags = [f"--init_from={start}", *argv]
    return families.build(flagfiles.new_options(train.define_flags, flags), data)


def small(**settings):
    settings = {"levels": 17, "num_layers": 1, "hidden_units": (4,)} | settings
    return zoo.NICE((8, 8, 1), jit_compile=False, **settings)


def test_bounds_are_those_of_the_flow(tmp_path):
    with pytest.raises(ValueError, match="omit --bounds"):
        built(tmp_path, "--bounds=x=0..")


def test_freezing_holds_for_learned_noise_and_can_be_undone(tmp_path):
    flow = small(dequantization=zoo.VariationalDequantizer((8, 8, 1), 17, steps=1, width=4))
    zoo.save(flow, tmp_path / "flow")
    frozen = built(tmp_path / "flow", BASE, "--freeze")
    trained, of_base = frozen.trainable_variables, frozen.base.trainable_variables
    assert {id(v) for v in trained} == {id(v) for v in of_base}
    zoo.save(frozen, tmp_path / "frozen")
    assert len(zoo.load(tmp_path / "frozen").trainable_variables) == len(of_base)
    again = built(tmp_path / "frozen")
    assert len(again.trainable_variables) == len(flow.trainable_variables) + len(of_base)


def test_a_new_base_has_the_precision_of_the_flow(tmp_path):
    zoo.save(small(dtype="float64"), tmp_path / "flow")
    flow = built(tmp_path / "flow", BASE)
    assert flow.base.variable_dtype == flow.variable_dtype == "float64" and not flow.jit
    assert flow.log_prob(np.zeros((2, 8, 8, 1), "uint8"), seed=0).dtype == "float64"


def test_the_pieces_that_an_entry_was_trained_in_are_remembered_and_told(tmp_path, monkeypatch):
    first = {"epochs": 3, "training_seconds": 12.3, "recipe": "--model=nice\n--dataset=digits"}
    zoo.save(small(), tmp_path / "zoo" / "one", {"training": first})
    entries.update_index(tmp_path / "zoo")
    monkeypatch.setenv("FLOW_ZOO_DIR", str(tmp_path / "zoo"))
    results.note_start(tmp_path / "run", results.pieces("one"))
    pieces = results.history(tmp_path / "run")
    assert pieces == [{"of": "one", **first}] and results.history(tmp_path) == []
    second = {"epochs": 1, "training_seconds": 2.0, "recipe": "--init_from=one", "history": pieces}
    zoo.save(small(), tmp_path / "zoo" / "two", {"training": second})
    pieces = results.pieces(str(tmp_path / "zoo" / "two"))
    assert [piece.get("recipe") for piece in pieces] == [first["recipe"], "--init_from=one"]
    third = second | {"best_epoch": 1, "history": pieces}
    told = card_recipe.recipe("three", third, {})
    assert "1. `one`: 3 epochs, 12 seconds, `--model=nice --dataset=digits`\n2. `two`: 1" in told
    assert "Trained in pieces" not in card_recipe.recipe("one", first | {"best_epoch": 1}, {})
    assert "1. `x`\n" in card_recipe.recipe("y", third | {"history": [{"of": "x"}]}, {})


def test_a_run_from_a_run_names_the_pieces_of_both(again, digits_run, tmp_path):
    again(tmp_path / "one", "--learning_rate=1e-4")
    first, second = results.pieces(str(tmp_path / "one"))
    assert first["of"] == str(digits_run) and second["of"] == str(tmp_path / "one")
    assert "--learning_rate=0.0001" in second["recipe"] and "history" not in second


def test_what_a_shipped_flow_was_trained_by_is_its_recipe():
    (piece,) = results.pieces("maf-digits")
    assert piece["of"] == "maf-digits" and piece["epochs"] == 60
    recipe = [f"--flagfile={results.RECIPES / 'maf-digits.flags'}"]
    ran, written = (
        flagfiles.values(flagfiles.new_options(options.train_flags, argv))
        for argv in (piece["recipe"].splitlines(), recipe)
    )
    passing = flagfiles.FREE_TO_CHANGE - {"epochs"}
    assert {k: v for k, v in ran.items() if k not in passing} == {
        k: v for k, v in written.items() if k not in passing
    }
    assert results.pieces("nowhere") == [{"of": "nowhere"}]
