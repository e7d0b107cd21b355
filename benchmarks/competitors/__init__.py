"""The competitors: each offers the tasks it can do through its own public calls.

A competitor's module has `FAMILIES`, a dictionary from the family of a task to a function `(task,
steps) -> Model`, and `LEFT_OUT`, from the other families to the reason why it has no such model.
"""

import dataclasses
import importlib
import importlib.metadata

OURS = "zoo"


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where a competitor is found.

    Attributes:
      module: Of this package.
      framework: Module of the framework, which is imported first: `tensorflow`, `torch`, `jax`.
      packages: Installed distributions whose versions go into the record.
      options: Arguments of the module's builders.
      peer: Whether it is a library that ours is compared with.
      flow: Whether what it computes is a flow.
    """

    module: str
    framework: str
    packages: tuple
    options: dict = dataclasses.field(default_factory=dict)
    peer: bool = True
    flow: bool = True


COMPETITORS = {
    OURS: Entry("ours", "tensorflow", ("tensorflow", "keras"), peer=False),
    "zuko": Entry("zuko_flows", "torch", ("torch", "zuko")),
    "nflows": Entry("nflows_flows", "torch", ("torch", "nflows")),
    "normflows": Entry("normflows_flows", "torch", ("torch", "normflows")),
    "flowjax": Entry("flowjax_flows", "jax", ("jax", "flowjax")),
    "distrax": Entry("distrax_flows", "jax", ("jax", "distrax")),
    "tfp": Entry("tfp_flows", "tensorflow", ("tensorflow", "tensorflow-probability")),
    "tfp-xla": Entry(
        "tfp_flows", "tensorflow", ("tensorflow", "tensorflow-probability"), {"jit": True}
    ),
    # What a user would write without any library; a bar, and no peer.
    "by-hand": Entry("by_hand", "tensorflow", ("tensorflow",), peer=False),
    # Ours, at the tolerance of a peer's inverses.
    "coarse": Entry("coarse", "tensorflow", ("tensorflow", "keras"), peer=False),
    # Our networks without a flow around them: what is left to gain.
    "networks": Entry("networks", "tensorflow", ("tensorflow", "keras"), peer=False, flow=False),
}


class Competitor:
    """A competitor whose modules are imported.

    Args:
      name: One of `COMPETITORS`.

    Raises:
      ImportError: A package is not installed.
    """

    def __init__(self, name):
        entry = COMPETITORS[name]
        self._module = importlib.import_module(f"benchmarks.competitors.{entry.module}")
        self._framework = importlib.import_module(
            f"benchmarks.competitors.{entry.framework}_common"
        )
        self._options = entry.options

    def left_out(self, task):
        """Why this competitor has no model for a task, or `None`."""
        if task.family in self._module.FAMILIES:
            return None
        return self._module.LEFT_OUT[task.family]

    def build(self, task, steps):
        """The `Model` of a task, whose training runs `steps` steps a call."""
        return self._module.FAMILIES[task.family](task, steps, **self._options)

    def matmul(self, size):
        """A function that multiplies two float32 matrices of this size."""
        return self._framework.matmul(size)


def flows(names):
    """Those of these names that compute flows."""
    return [name for name in names if COMPETITORS[name].flow]


def load(name):
    """The competitor of this name; raises `ImportError` where a package is missing."""
    return Competitor(name)


def versions(name):
    """The versions of a competitor's packages."""
    return {package: importlib.metadata.version(package) for package in COMPETITORS[name].packages}


def names(given):
    """The names of all competitors, or those in a list.

    Raises:
      ValueError: One is unknown.
    """
    unknown = [name for name in given or () if name not in COMPETITORS]
    if unknown:
        raise ValueError(
            f"competitors must be among {', '.join(COMPETITORS)}, got {', '.join(unknown)}."
        )
    return [name for name in COMPETITORS if not given or name in given]
