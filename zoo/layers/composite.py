"""Layers that are made of layers."""

from zoo.layers.flow_layer import FlowLayer


class Composite(FlowLayer):
    """A layer made of layers, `members`, from the data to the latent: what it is follows theirs."""

    @property
    def members(self):
        """The layers that this one is made of."""
        raise NotImplementedError

    def parts(self):
        return [part for layer in self.members for part in layer.parts()]

    @property
    def prefers_xla(self):
        """Whether every layer runs faster under XLA."""
        return all(layer.prefers_xla for layer in self.members)

    @property
    def draws(self):
        """Number of seeds that one evaluation takes."""
        return sum(layer.draws for layer in self.members)

    @property
    def estimates(self):
        """Whether a log-determinant is estimated outside of training too."""
        return any(layer.estimates for layer in self.members)

    @property
    def repeatable(self):
        """Whether a second evaluation in a training step gives the same."""
        return all(layer.repeatable for layer in self.members)

    @property
    def series_terms(self):
        """The fewest terms after which a layer cuts off a series; `None` where none does."""
        found = (layer.series_terms for layer in self.members)
        return min((terms for terms in found if terms is not None), default=None)

    @property
    def implicit(self):
        """The directions in which a layer iterates."""
        return tuple({direction for layer in self.members for direction in layer.implicit})

    def update_spectral_norms(self):
        for layer in self.members:
            layer.update_spectral_norms()


def shared_context_shape(layers):
    """Shape of the context that layers take; `None` where none takes one."""
    return next((x.context_shape for x in layers if x.context_shape), None)
