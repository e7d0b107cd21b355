"""The sizes of the tasks."""

import dataclasses

import numpy as np
import pytest

from benchmarks import tasks
from benchmarks.tasks import AIMS, OPERATIONS, TASKS, Task

SMALL = Task("small", "maf", (3,), 2, 2, (4,))


def test_parameters_of_a_coupling_flow_are_those_of_its_networks():
    task = Task("t", "real_nvp", (4,), 1, 3, (5, 6))
    one = (2 * 5 + 5) + (5 * 6 + 6) + (6 * 4 + 4)
    assert task.parameters() == 3 * one
    assert task.multiply_adds() == 3 * (2 * 5 + 5 * 6 + 6 * 4)


def test_masked_weights_count_where_the_mask_is_one():
    # Degrees 1, 1, 2, 2 of the hidden units: they see 1, 1, 2, 2 inputs; the outputs, two a
    # dimension, see 0, 0, 2, 2, 4, 4 hidden units.
    assert tasks.masked_weights(SMALL) == 6 + 12
    assert SMALL.parameters() == 2 * (18 + 4 + 6)


@pytest.mark.parametrize("cyclic", [False, True])
def test_masks_are_autoregressive(cyclic):
    task = Task("t", "maf", (5,), 1, 1, (7, 9))
    first, second, last = (m.astype(int) for m in tasks.masks(task, cyclic=cyclic))
    reaches = (first @ second @ last)[:, ::2] > 0
    assert np.array_equal(reaches, np.triu(np.ones((5, 5), bool), 1))


def test_glow_counts_positions():
    task = Task("t", "glow", (4, 4, 1), 1, 1, (8,), 1)
    weights = 9 * 2 * 8 + 8 * 8 + 9 * 8 * 4 + 4 * 4
    assert task.multiply_adds() == 4 * weights
    assert task.parameters() == weights + (8 + 8 + 4) + 2 * 4


def test_a_residual_branch_goes_from_events_to_events():
    task = Task("t", "residual", (3,), 1, 2, (5,))
    assert task.parameters() == 2 * (3 * 5 + 5 + 5 * 3 + 3)


def test_training_costs_three_passes():
    task = TASKS["T1"]
    assert task.flops("log_prob") == 2 * 1024 * task.multiply_adds() == task.flops("sample")
    assert task.flops("train") == 3 * task.flops("log_prob")


def test_cyclic_widths_have_as_many_weights():
    assert tasks.cyclic_units(TASKS["T2"]) == (512, 512)
    units = tasks.cyclic_units(TASKS["T3"])
    count = tasks.masked_weights(TASKS["T3"], units, cyclic=True)
    assert units != (1024,)
    assert count == pytest.approx(tasks.masked_weights(TASKS["T3"]), rel=0.01)


def test_data_is_float32_and_the_same_each_time():
    task = dataclasses.replace(SMALL, batch=5)
    assert task.data(3).shape == (15, 3)
    assert task.data().dtype == np.float32
    assert np.array_equal(task.data(), task.data())


def test_every_row_has_an_aim():
    assert {name: set(aims) for name, aims in AIMS.items()} == dict.fromkeys(TASKS, set(OPERATIONS))
