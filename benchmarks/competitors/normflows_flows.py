"""normflows, on PyTorch."""

import normflows as nf

from benchmarks.competitors.torch_common import TorchModel
from benchmarks.tasks import cyclic_units


def _flow(task, layers):
    base = nf.distributions.DiagGaussian(task.size, trainable=False)
    return nf.NormalizingFlow(base, layers)


def real_nvp(task, steps):
    layers, widths = [], [task.size // 2, *task.hidden_units, task.size]
    for _ in range(task.layers):
        network = nf.nets.MLP(widths, init_zeros=True)
        layers += [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(task.size, mode="swap")]
    flow = _flow(task, layers)
    return TorchModel(task, steps, flow, sample=lambda n: flow.sample(n)[0])


def maf(task, steps):
    units, layers = cyclic_units(task), []
    for _ in range(task.layers):
        layer = nf.flows.MaskedAffineAutoregressive(
            task.size, units[0], num_blocks=len(units) - 1, use_residual_blocks=False
        )
        # As it stands the layer is quick to sample from; reversed it is quick in density. Without
        # residual blocks it has no rectifier after the first matrix: work that it is spared.
        layers += [nf.flows.Reverse(layer), nf.flows.Permute(task.size, mode="swap")]
    flow = _flow(task, layers)
    return TorchModel(task, steps, flow, sample=lambda n: flow.sample(n)[0])


def glow(task, steps):
    height, width, channels = task.event_shape
    bases, flows, merges, masked = [], [], [], 0
    for scale in range(task.scales):
        height, width, channels = height // 2, width // 2, 4 * channels
        blocks = [nf.flows.GlowBlock(channels, task.hidden_units[0]) for _ in range(task.layers)]
        # Both triangular factors are stored as squares.
        masked += task.layers * channels * (channels + 1)
        flows.append([*blocks, nf.flows.Squeeze()])
        if scale < task.scales - 1:
            merges.append(nf.flows.Merge())
            channels //= 2
        bases.append(nf.distributions.GlowBase((channels, height, width)))
    # Its lists start at the latent.
    flow = nf.MultiscaleFlow(bases[::-1], flows[::-1], merges[::-1], class_cond=False)
    return TorchModel(
        task,
        steps,
        flow,
        log_prob=lambda x: flow.log_prob(x, None),
        sample=lambda n: flow.sample(n)[0],
        masked=masked,
    )


def residual(task, steps):
    # The same estimator as ours, which is its own default: one probe, Russian roulette with 2 exact
    # terms in training and 20 in `log_prob`, gradients by a Neumann series within the forward pass;
    # exact in `log_prob` in 2 dimensions, and there in training too (`brute_force`), as ours is.
    layers, widths = [], [task.size, *task.hidden_units, task.size]
    for _ in range(task.layers):
        network = nf.nets.LipschitzMLP(
            widths, lipschitz_const=0.97, max_lipschitz_iter=5, init_zeros=True
        )
        exact = task.size == 2
        layers += [nf.flows.Residual(network, brute_force=exact), nf.flows.ActNorm(task.size)]
    flow = _flow(task, layers)

    def sample(n):
        # `flow.sample` would also find the log-determinants, which take most of its time.
        z = flow.q0.sample(n)
        for layer in flow.flows:
            block = getattr(layer, "iresblock", None)
            z = layer(z)[0] if block is None else block.inverse(z)
        return z

    def after_step():
        # As many power iterations as ours does in a step.
        nf.utils.update_lipschitz(flow, 5)

    return TorchModel(task, steps, flow, sample=sample, after_step=after_step)
