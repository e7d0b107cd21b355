"""What a competitor's model offers to the worker that times it."""

import abc


class Model(abc.ABC):
    """A built model, its batch of data, and its optimizer (Adam, learning rate 1e-3).

    Every call returns when its work is done: results are arrays, and no promise of them.

    Args:
      task: The `benchmarks.tasks.Task`.
      steps: Training steps of one call of `train`.
    """

    rate = 1e-3

    def __init__(self, task, steps):
        self.task, self.steps = task, steps

    @abc.abstractmethod
    def num_params(self):
        """Number of trainable parameters; masked weights count where the mask is one."""

    @abc.abstractmethod
    def log_prob(self):
        """Log-densities of one batch, `[batch]`."""

    @abc.abstractmethod
    def sample(self):
        """`batch` samples."""

    @abc.abstractmethod
    def train(self):
        """`steps` training steps by maximum likelihood, each on a batch of its own.

        Returns:
          The loss of the last step, or of all on average.
        """
