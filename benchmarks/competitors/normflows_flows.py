"""normflows, on PyTorch."""

import normflows as nf
import torch

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


class ResidualModel(TorchModel):
    """A residual flow, whose power iterations its user runs after each step."""

    def train(self):
        self._module.train()
        for batch in self._batches:
            self._optimizer.zero_grad()
            loss = -self._log_prob(batch).mean()
            loss.backward()
            self._optimizer.step()
            # As many as ours does in a step.
            nf.utils.update_lipschitz(self._module, 5)
        return loss.item()

    def log_prob(self):
        self._module.eval()
        with torch.no_grad():  # Its log-determinant asks for gradients all the same.
            return self._log_prob(self._x).detach().numpy()


def _residual(task, steps):
    # The same estimator as ours, which is its own default: one probe, Russian roulette with 2 exact
    # terms in training and 20 in `log_prob`, gradients by a Neumann series within the forward pass;
    # exact in `log_prob` in 2 dimensions, and there in training too (`brute_force`), as ours is.
    layers = []
    for _ in range(task.layers):
        network = nf.nets.LipschitzMLP(
            [task.size, *task.hidden_units, task.size],
            lipschitz_const=0.97,
            max_lipschitz_iter=5,
            init_zeros=True,
        )
        exact = task.size == 2
        layers += [nf.flows.Residual(network, brute_force=exact), nf.flows.ActNorm(task.size)]
    base = nf.distributions.DiagGaussian(task.size, trainable=False)
    flow = nf.NormalizingFlow(base, layers)

    def sample(n):
        # `flow.sample` would also find the log-determinants, which take most of its time.
        z = flow.q0.sample(n)
        for layer in flow.flows:
            block = getattr(layer, "iresblock", None)
            z = layer(z)[0] if block is None else block.inverse(z)
        return z

    return ResidualModel(task, steps, flow, flow.log_prob, sample)


FAMILIES = {"real_nvp": _real_nvp, "maf": _maf, "glow": _glow, "residual": _residual}
LEFT_OUT = {}
