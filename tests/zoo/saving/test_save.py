"""What `zoo.save` leaves out, and what it refuses to write."""

import keras
import numpy as np
import pytest

import zoo
from tests.helpers import raises_one_line
from tests.zoo import table

METADATA = {"dataset": "toys", "metrics": {"bits_per_dim": {"mean": 2.5, "error": 0.1}}}


def test_save_leaves_out_what_training_needs(tmp_path):
    flow = table.build("nice")
    flow.save(tmp_path / "plain.keras")
    flow.compile("adam")
    flow.optimizer.build(flow.trainable_variables)
    zoo.save(flow, tmp_path / "entry")
    sizes = [p.stat().st_size for p in (tmp_path / "entry/model.keras", tmp_path / "plain.keras")]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)
    assert flow.compiled and flow.optimizer.built


def test_save_refuses_a_folder_that_holds_something(tmp_path):
    flow, notes = table.shared("nice"), tmp_path / "notes.txt"
    notes.write_text("notes")
    with raises_one_line(str(tmp_path), "already holds something"):
        zoo.save(flow, tmp_path)
    with raises_one_line("notes.txt", "is a file"):
        zoo.save(flow, notes, overwrite=True)
    assert list(tmp_path.iterdir()) == [notes]
    with raises_one_line("Flow", "Sequential"):
        zoo.save(keras.Sequential(), tmp_path / "new")


def test_metadata_that_json_cannot_hold(tmp_path):
    with raises_one_line("metadata", "nan"):
        zoo.save(
            table.shared("nice"),
            tmp_path / "new",
            METADATA | {"metrics": {"nats": {"mean": float("nan")}}},
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", ["a", 5, [], ["a"]])
def test_metadata_that_is_no_dictionary(tmp_path, wrong):
    with raises_one_line("metadata must be a dictionary"):
        zoo.save(table.shared("nice"), tmp_path / "entry", wrong)
    assert not any(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    flow = table.build("nice")
    variable = flow.trainable_variables[0]
    variable.assign(np.full(variable.shape, np.nan))
    with raises_one_line("NaN or infinite"):
        zoo.save(flow, tmp_path / "entry")
    assert not any(tmp_path.iterdir())
