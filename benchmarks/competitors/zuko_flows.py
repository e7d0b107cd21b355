"""Zuko, on PyTorch."""

import zuko

from benchmarks.competitors.torch_common import TorchModel
from benchmarks.tasks import cyclic_units


def _model(task, steps, make, units):
    flow = make(task.size, transforms=task.layers, hidden_features=units)
    return TorchModel(
        task, steps, flow, lambda x: flow().log_prob(x), lambda n: flow().sample((n,))
    )


def real_nvp(task, steps):
    return _model(task, steps, zuko.flows.RealNVP, task.hidden_units)


def maf(task, steps):
    return _model(task, steps, zuko.flows.MAF, cyclic_units(task))
