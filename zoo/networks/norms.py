"""Spectral norms of a flow's Lipschitz networks: whether they are those of today's weights."""

import numpy as np
from keras import ops

from zoo.networks.lipschitz import LipschitzNetwork
from zoo.networks.spectral import fingerprints


class SpectralNorms:
    """Tells where weights have changed since their norms were found, at little cost a call.

    Sums over all kernels are compared with those of the last time. Only where they differ are the
    norms looked at, which takes some iterations of each.

    Args:
      parts: The layers of a flow, of which some may have a `LipschitzNetwork`.
      calls: The flow's `backend.CompiledCalls`.
    """

    def __init__(self, parts, calls):
        networks = [(part, getattr(part, "network", None)) for part in parts]
        self._found = [pair for pair in networks if isinstance(pair[1], LipschitzNetwork)]
        self._calls, self._seen = calls, None

    def _sums(self):
        return ops.convert_to_numpy(self._calls.function(self._of_kernels, jit=False)())

    def _of_kernels(self, model):
        return fingerprints([layer for _, network in self._found for layer in network.linear])

    def see(self):
        """Takes today's norms for found."""
        if self._found:
            self._seen = self._sums()

    def stale(self):
        """The name of a layer whose norms are not those of its weights, or `None`."""
        if not self._found:
            return None
        sums = self._sums()
        if self._seen is None or not np.allclose(sums, self._seen, 1e-5, 0.0):
            for part, network in self._found:
                if not all(layer.is_settled() for layer in network.linear):
                    return part.name
            self._seen = sums
        return None
