"""nflows, on PyTorch."""

import torch
from nflows import transforms
from nflows.distributions.normal import StandardNormal
from nflows.flows import Flow, MaskedAutoregressiveFlow
from nflows.nn import nets

from benchmarks.competitors.torch_common import TorchModel
from benchmarks.tasks import cyclic_units


class _Dense(nets.MLP):
    """Its MLP, in the form that its couplings call."""

    def forward(self, inputs, context=None):
        return super().forward(inputs)


class _Convolutions(torch.nn.Sequential):
    """Glow's network, which nflows leaves to its users."""

    def __init__(self, channels, outputs, width):
        super().__init__(
            torch.nn.Conv2d(channels, width, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.Conv2d(width, width, 1),
            torch.nn.ReLU(),
            torch.nn.Conv2d(width, outputs, 3, padding=1),
        )

    def forward(self, inputs, context=None):
        return super().forward(inputs)


def real_nvp(task, steps):
    # Its SimpleRealNVP has residual networks, with other counts of parameters.
    def network(inputs, outputs):
        return _Dense((inputs,), (outputs,), list(task.hidden_units))

    even = (-1) ** (1 + torch.arange(task.size))  # An entry above zero is changed.
    layers = [
        transforms.AffineCouplingTransform(even * (-1) ** i, network) for i in range(task.layers)
    ]
    flow = Flow(transforms.CompositeTransform(layers), StandardNormal([task.size]))
    return TorchModel(task, steps, flow)


def maf(task, steps):
    units = cyclic_units(task)
    flow = MaskedAutoregressiveFlow(
        task.size,
        units[0],
        num_layers=task.layers,
        num_blocks_per_layer=len(units) - 1,
        use_residual_blocks=False,
    )
    return TorchModel(task, steps, flow)


def glow(task, steps):
    height, width, channels = task.event_shape

    def network(inputs, outputs):
        return _Convolutions(inputs, outputs, task.hidden_units[0])

    multi_scale = transforms.MultiscaleCompositeTransform(task.scales)
    for _ in range(task.scales):
        height, width, channels = height // 2, width // 2, 4 * channels
        layers = [transforms.SqueezeTransform()]
        for _ in range(task.layers):
            layers += [
                transforms.ActNorm(channels),
                transforms.OneByOneConvolution(channels, using_cache=True),
                transforms.AffineCouplingTransform(
                    (torch.arange(channels) >= channels // 2).int(), network
                ),
            ]
        shape = multi_scale.add_transform(
            transforms.CompositeTransform(layers), (channels, height, width)
        )
        channels = shape[0] if shape else channels
    return TorchModel(task, steps, Flow(multi_scale, StandardNormal([task.size])))
