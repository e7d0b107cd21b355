"""What the competitors on PyTorch share."""

import os

import torch

from benchmarks.competitors.model import Model

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "0")) or torch.get_num_threads())


def matmul(size):
    """A function that multiplies two float32 matrices of this size."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    return lambda: torch.mm(a, b)


class TorchModel(Model):
    """A flow of a PyTorch library, called and trained as its users do, op by op.

    Args:
      task, steps: As in `Model`.
      module: The `torch.nn.Module`.
      log_prob: `x [batch, ...] -> [batch]`.
      sample: `n -> [n, ...]`.
      masked: Number of parameters of the module that a mask takes out.
    """

    def __init__(self, task, steps, module, log_prob, sample, masked=0):
        super().__init__(task, steps)
        self._module, self._log_prob, self._sample = module, log_prob, sample
        self._masked = masked
        self._x, data = _channels_first(task.data()), _channels_first(task.data(steps, seed=1))
        self._batches = data.split(task.batch)
        self._optimizer = torch.optim.Adam(module.parameters(), lr=self.rate)
        module.train()
        with torch.no_grad():  # Some normalisations initialise themselves here.
            log_prob(self._x)

    def num_params(self):
        parameters = (p for p in self._module.parameters() if p.requires_grad)
        return sum(p.numel() for p in parameters) - self._masked

    def log_prob(self):
        self._module.eval()
        with torch.no_grad():
            return self._log_prob(self._x).numpy()

    def sample(self):
        self._module.eval()
        with torch.no_grad():
            return self._sample(self.task.batch).numpy()

    def train(self):
        self._module.train()
        for batch in self._batches:
            self._optimizer.zero_grad()
            loss = -self._log_prob(batch).mean()
            loss.backward()
            self._optimizer.step()
        return loss.item()


def _channels_first(x):
    x = torch.from_numpy(x)
    return x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x


def masked_entries(module):
    """How many weights the buffers called `mask` take out, in layers that have one."""
    layers = [m for m in module.modules() if hasattr(m, "mask") and hasattr(m, "weight")]
    return sum(int((layer.mask == 0).sum()) for layer in layers)
