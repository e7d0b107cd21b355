"""Zuko, on PyTorch."""

import zuko

from benchmarks.competitors.torch_common import TorchModel, masked_entries
from benchmarks.tasks import cyclic_units


def _model(task, steps, flow):
    return TorchModel(
        task,
        steps,
        flow,
        log_prob=lambda x: flow().log_prob(x),
        sample=lambda n: flow().sample((n,)),
        masked=masked_entries(flow),
    )


def _real_nvp(task, steps):
    flow = zuko.flows.RealNVP(task.size, transforms=task.layers, hidden_features=task.hidden_units)
    return _model(task, steps, flow)


def _maf(task, steps):
    flow = zuko.flows.MAF(task.size, transforms=task.layers, hidden_features=cyclic_units(task))
    return _model(task, steps, flow)


FAMILIES = {"real_nvp": _real_nvp, "maf": _maf}
LEFT_OUT = {
    "glow": "has no convolutional or multi-scale flow",
    "residual": "has no residual flow",
}
