"""What the competitors on PyTorch share."""

import os

import torch

from benchmarks.competitors import RATE

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "0")) or torch.get_num_threads())


def matmul(size):
    """A function that multiplies two float32 matrices of this size."""
    a, b = torch.randn(2, size, size)
    return lambda: torch.mm(a, b)


class TorchModel:
    """A flow of a PyTorch library, called and trained as its users do, op by op.

    Args:
      task, steps: As the builders have them.
      module: The `torch.nn.Module`.
      log_prob: `x [batch, ...] -> [batch]`; the module's own unless told.
      sample: `n -> [n, ...]`; the module's own unless told.
      masked: Number of parameters that no buffer called `mask` takes out, but something else.
      after_step: What its user calls after each step.
    """

    def __init__(
        self, task, steps, module, log_prob=None, sample=None, masked=0, after_step=lambda: None
    ):
        self._module, self._batch, self._after_step = module, task.batch, after_step
        self._log_prob, self._sample = log_prob or module.log_prob, sample or module.sample
        trainable = (p for p in module.parameters() if p.requires_grad)
        self.parameters = sum(p.numel() for p in trainable) - _masked(module) - masked
        self._x = _channels_first(task.data())
        self._batches = _channels_first(task.data(steps, seed=1)).split(task.batch)
        self._optimizer = torch.optim.Adam(module.parameters(), lr=RATE)
        module.train()
        with torch.no_grad():  # Some normalisations initialise themselves here.
            self._log_prob(self._x)

    def log_prob(self):
        self._module.eval()
        with torch.no_grad():  # Some log-determinants ask for gradients all the same.
            return self._log_prob(self._x).detach().numpy()

    def sample(self):
        self._module.eval()
        with torch.no_grad():
            return self._sample(self._batch).numpy()

    def train(self):
        self._module.train()
        for batch in self._batches:
            self._optimizer.zero_grad()
            loss = -self._log_prob(batch).mean()
            loss.backward()
            self._optimizer.step()
            self._after_step()
        return loss.item()


def _channels_first(x):
    x = torch.from_numpy(x)
    return x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x


def _masked(module):
    """How many weights the buffers called `mask` take out, in layers that have one."""
    layers = [m for m in module.modules() if hasattr(m, "mask") and hasattr(m, "weight")]
    return sum(int((layer.mask == 0).sum()) for layer in layers)
