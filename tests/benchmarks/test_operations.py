"""Shares of operations."""

import pytest

from benchmarks import operations
from benchmarks.tasks import Task
from tests.benchmarks import fakes


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("MatMul", operations.PRODUCTS),
        ("MatMul_12.1", operations.PRODUCTS),
        ("multi_scale/conv_net_1/Relu:_MklNativeFusedConv2D", operations.PRODUCTS),
        ("gradients/Conv2DBackpropFilter:Conv2DBackpropFilter", operations.PRODUCTS),
        ("add_maximum_fusion.12", operations.OTHERS),
        ("slice_bitcast_fusion", "copies"),
        ("slice_tanh_fusion", operations.OTHERS),
        ("wrapped_convert.2", operations.OTHERS),
        ("layer/Exp_3:Exp", operations.OTHERS),
        ("multiply_reduce_fusion.1", "reductions"),
        ("layer/BiasAddGrad:BiasAddGrad", "reductions"),
        ("layer/split:SplitV", "copies"),
        ("copy.3", "copies"),
    ],
)
def test_operations_have_a_group(event, found):
    assert operations.group(operations.operation(event)) == found


@pytest.mark.parametrize(
    "event",
    [
        "ThunkExecutor::Execute",
        "EagerLocalExecute: Shape",
        "end: MatMul",
        "step:PartitionedCall",
        "__inference__log_prob_7:__inference__log_prob_7",
        "BlockUntilReady",
    ],
)
def test_what_runs_operations_is_none(event):
    assert operations.operation(event) is None


def test_shares_are_told(monkeypatch):
    groups = dict(zip(operations.GROUPS, (6.0, 1.0, 0.0, 2.0), strict=True))

    def answer(task, name):
        return {"error": "out of memory"} if task == "T2" else {"call_ms": 10.0, "groups": groups}

    fakes.answers(monkeypatch, answer)
    lines = []
    found = operations.run(fakes.OPTIONS, lines.append)
    assert "T1 train" in found and "T2 train" not in found
    assert "operations T2 train: left out, out of memory" in lines
    assert "| T1 train | 67% | 11% | 0% | 22% | 90% |" in operations.section(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train", "log_prob"])
def test_the_products_of_a_wide_flow_take_most_of_its_time(name):
    task = Task("wide", "real_nvp", (16,), 512, 2, (512, 512))
    found = operations.measure(task, name, steps=3, calls=3)
    assert 0.5 * found["call_ms"] < found["groups"][operations.PRODUCTS] < 2 * found["call_ms"]
