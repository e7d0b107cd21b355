"""The competitors: each offers the tasks it can do through its own public calls.

A competitor's module has a function `(task, steps, **options) -> model` for each family of tasks
that it can do, named after the family. Of a model the harness uses

- `parameters`: number of trainable parameters; masked weights count where the mask is one;
- `log_prob()`: log-densities of one batch, `[batch]`;
- `sample()`: one batch of samples;
- `train()`: `steps` steps of Adam by maximum likelihood, each on a batch of its own; returns the
  loss of the last step, or the mean of all.

Every call returns when its work is done: results are NumPy arrays, not promises.
"""

import contextlib
import dataclasses
import importlib
import importlib.metadata

OURS = "zoo"
RATE = 1e-3  # Adam's learning rate, the same for all.


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where a competitor is found.

    Attributes:
      module: Of this package.
      framework: The framework's module, imported first: `tensorflow`, `torch` or `jax`.
      options: Further arguments of the module's functions.
      families: Those it is asked for; all if empty.
      peer: Whether it is a library that ours is compared with.
      flow: Whether what it computes is a flow.
    """

    module: str
    framework: str
    options: dict = dataclasses.field(default_factory=dict)
    families: tuple = ()
    peer: bool = True
    flow: bool = True


# Distributions whose versions go into the record.
PACKAGES = ("tensorflow", "keras", "torch", "zuko", "nflows", "normflows", "jax", "flowjax")
PACKAGES += ("distrax", "tensorflow-probability")
COMPETITORS = {
    OURS: Entry("ours", "tensorflow", peer=False),
    "zuko": Entry("zuko_flows", "torch"),
    "nflows": Entry("nflows_flows", "torch"),
    "normflows": Entry("normflows_flows", "torch"),
    "flowjax": Entry("flowjax_flows", "jax"),
    "distrax": Entry("distrax_flows", "jax"),
    "tfp": Entry("tfp_flows", "tensorflow"),
    "tfp-xla": Entry("tfp_flows", "tensorflow", {"jit": True}),
    # What a user would write without any library: a bar, not a peer.
    "by-hand": Entry("by_hand", "tensorflow", peer=False),
    # Ours at the tolerance at which normflows inverts: it ends a fixed point where the squares of
    # its steps are below 1e-5 (1 + |y|), which is about 3e-3; ours goes on to 1e-6.
    "coarse": Entry("ours", "tensorflow", {"tolerance": 3e-3}, ("residual",), peer=False),
    # Our networks without a flow around them: what is left to gain.
    "networks": Entry("networks", "tensorflow", peer=False, flow=False),
}


def builder(name, family):
    """The function `(task, steps) -> model` of a competitor, or `None` where it has no such model.

    Raises:
      ImportError: A package is not installed.
    """
    entry = COMPETITORS[name]
    module = importlib.import_module(f"{__name__}.{entry.module}")
    function = getattr(module, family, None)
    if function is None or (entry.families and family not in entry.families):
        return None
    return lambda task, steps: function(task, steps, **entry.options)


def matmul(name, size):
    """A function that multiplies two float32 matrices of this size by a competitor's framework."""
    framework = COMPETITORS[name].framework
    return importlib.import_module(f"{__name__}.{framework}_common").matmul(size)


def versions():
    """The versions of those of `PACKAGES` that are installed."""
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
