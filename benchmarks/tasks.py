"""What is timed: models of given sizes, what they cost, and the aims of this library."""

import dataclasses
import math

import numpy as np

OPERATIONS = ("train", "log_prob", "sample")
# A backward pass has two products for every one of a forward pass.
PASSES = {"log_prob": 1, "sample": 1, "train": 3}


@dataclasses.dataclass(frozen=True)
class Task:
    """One model and the batch it works on, in float32.

    Attributes:
      name: Name in the tables.
      family: `"real_nvp"`, `"maf"`, `"glow"` or `"residual"`.
      event_shape: Shape of one event; images are `(height, width, channels)`.
      batch: Events a call, and a training step.
      layers: Number of couplings, autoregressive layers or residual blocks; of steps a scale for
        Glow.
      hidden_units: Width of each hidden layer of a network; for Glow the number of maps alone.
      scales: Of Glow.
    """

    name: str
    family: str
    event_shape: tuple
    batch: int
    layers: int
    hidden_units: tuple
    scales: int = 0

    @property
    def size(self):
        """Number of dimensions of an event."""
        return math.prod(self.event_shape)

    def parameters(self):
        """Number of unmasked parameters, without those of activation normalisations.

        Masked weights count where the mask is one.
        """
        if self.family == "glow":
            return sum(parameters for _, _, parameters in glow_layers(self))
        weights = self.multiply_adds()
        outputs = 2 * self.size if self.family == "maf" else self.size
        return weights + self.layers * (sum(self.hidden_units) + outputs)

    def multiply_adds(self):
        """Multiply-adds of one pass over one event: of the matrix products and convolutions.

        Of a residual flow this is the value alone: what its log-determinant takes depends on the
        estimator.
        """
        if self.family == "glow":
            return sum(positions * weights for positions, weights, _ in glow_layers(self))
        if self.family == "maf":
            return self.layers * masked_weights(self)
        inputs = self.size if self.family == "residual" else self.size // 2
        widths = (inputs, *self.hidden_units, self.size)
        return self.layers * sum(a * b for a, b in zip(widths[:-1], widths[1:], strict=True))

    def flops(self, operation):
        """Floating-point operations that one call of this operation needs at least."""
        return 2 * PASSES[operation] * self.batch * self.multiply_adds()

    def data(self, steps=1, seed=0):
        """`steps` batches of normal noise, float32 `[steps * batch, *event_shape]`."""
        shape = (steps * self.batch, *self.event_shape)
        return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def glow_layers(task):
    """The steps of a Glow, each with a 3x3, a 1x1 and a 3x3 convolution, and its priors, one 3x3.

    Returns:
      `(positions, weights, parameters)` of each: its weights are applied at so many positions;
      its biases and the like are among the parameters alone.
    """
    height, width, channels = task.event_shape
    maps, layers = task.hidden_units[0], []
    for scale in range(task.scales):
        height, width, channels = height // 2, width // 2, 4 * channels
        positions, half = height * width, channels // 2
        weights = 9 * half * maps + maps * maps + 9 * maps * channels + channels**2
        layers += task.layers * [(positions, weights, weights + 2 * maps + 3 * channels)]
        if scale < task.scales - 1:
            prior = 9 * half * channels
            layers.append((positions, prior, prior + channels))
            channels = half
    return layers


def masks(task, units=None, cyclic=False):
    """The masks of a MADE with two parameters a dimension, boolean `[inputs, outputs]` each.

    Args:
      task: For its size and hidden units.
      units: Width of each hidden layer; the task's unless told.
      cyclic: Whether the degrees of hidden units go round, `1, 2, ..., d - 1, 1, 2, ...`, as in
        most libraries; otherwise they are spread evenly, and sorted.
    """
    size, most = task.size, max(task.size - 1, 1)
    # How many leading inputs each unit sees: inputs, hidden layers, outputs.
    degrees = [np.arange(1, size + 1)]
    for n in units or task.hidden_units:
        degrees.append(1 + (np.arange(n) % most if cyclic else np.arange(n) * most // n))
    degrees.append(np.repeat(np.arange(size), 2))
    pairs = zip(degrees[:-1], degrees[1:], strict=True)
    return [before[:, None] <= after[None, :] for before, after in pairs]


def masked_weights(task, units=None, cyclic=False):
    """How many weights the masks let through; arguments as in `masks`."""
    return sum(int(mask.sum()) for mask in masks(task, units, cyclic))


def cyclic_units(task):
    """Widths that give a MADE with cyclic degrees as many unmasked weights as the task has.

    They are the task's own where those are within 1 %. Where the dimensions are about as many as
    the hidden units, cyclic degrees crowd at the low end and let more through: then the widths are
    multiples of 16, somewhat smaller, and the peer has less to multiply.
    """
    target, layers = masked_weights(task), len(task.hidden_units)

    def excess(units):
        return abs(masked_weights(task, units, cyclic=True) - target)

    if excess(task.hidden_units) <= 0.01 * target:
        return task.hidden_units
    widths = range(16, 2 * max(task.hidden_units) + 1, 16)
    return min(((width,) * layers for width in widths), key=excess)


TASKS = {
    task.name: task
    for task in (
        Task("T1", "real_nvp", (64,), 1024, 8, (256, 256)),
        Task("T2", "maf", (64,), 256, 5, (512, 512)),
        Task("T3", "maf", (784,), 64, 5, (1024,)),
        Task("T4", "glow", (32, 32, 3), 32, 8, (128,), 3),
        Task("T5", "residual", (64,), 256, 8, (128, 128, 128)),
        Task("T5-D2", "residual", (2,), 256, 8, (128, 128, 128)),
    )
}
# Time of this library over that of its fastest peer, at most.
AIMS = {
    "T1": {"train": 0.80, "log_prob": 1.0, "sample": 1.0},
    "T2": {"train": 0.65, "log_prob": 0.85, "sample": 0.15},
    "T3": {"train": 0.55, "log_prob": 0.75, "sample": 0.02},
    "T4": {"train": 0.65, "log_prob": 0.80, "sample": 0.75},
    "T5": {"train": 0.60, "log_prob": 0.30, "sample": 0.80},
    "T5-D2": {"train": 0.60, "log_prob": 0.30, "sample": 0.80},
}
