"""normflows, on PyTorch."""

import normflows as nf

from benchmarks.competitors.torch_common import TorchModel, masked_entries
from benchmarks.tasks import cyclic_units


def _model(task, steps, flow, masked=0):
    return TorchModel(
        task, steps, flow, flow.log_prob, lambda n: flow.sample(n)[0], masked_entries(flow) + masked
    )


def _real_nvp(task, steps):
    layers, half = [], task.size // 2
    for _ in range(task.layers):
        network = nf.nets.MLP([half, *task.hidden_units, task.size], init_zeros=True)
        layers += [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(task.size, mode="swap")]
    base = nf.distributions.DiagGaussian(task.size, trainable=False)
    return _model(task, steps, nf.NormalizingFlow(base, layers))


def _maf(task, steps):
    units, layers = cyclic_units(task), []
    for _ in range(task.layers):
        layer = nf.flows.MaskedAffineAutoregressive(
            task.size,
            units[0],
            num_blocks=len(units) - 1,
            use_residual_blocks=False,
        )
        # As it stands the layer is quick to sample from; reversed it is quick in density. Without
        # residual blocks it has no rectifier after the first matrix: work that it is spared.
        layers += [nf.flows.Reverse(layer), nf.flows.Permute(task.size, mode="swap")]
    base = nf.distributions.DiagGaussian(task.size, trainable=False)
    return _model(task, steps, nf.NormalizingFlow(base, layers))


def _glow(task, steps):
    height, width, channels = task.event_shape
    bases, flows, merges, masked = [], [], [], 0
    for scale in range(task.scales):
        last = scale == task.scales - 1
        height, width, channels = height // 2, width // 2, 4 * channels
        blocks = [nf.flows.GlowBlock(channels, task.hidden_units[0]) for _ in range(task.layers)]
        # Both triangular factors are stored as squares.
        masked += task.layers * channels * (channels + 1)
        flows.append([*blocks, nf.flows.Squeeze()])
        if not last:
            merges.append(nf.flows.Merge())
            channels //= 2
        bases.append(nf.distributions.GlowBase((channels, height, width)))
    # Its lists start at the latent.
    model = nf.MultiscaleFlow(bases[::-1], flows[::-1], merges[::-1], class_cond=False)
    return TorchModel(
        task,
        steps,
        model,
        log_prob=lambda x: model.log_prob(x, None),
        sample=lambda n: model.sample(n)[0],
        masked=masked,
    )


FAMILIES = {"real_nvp": _real_nvp, "maf": _maf, "glow": _glow}
LEFT_OUT = {}
