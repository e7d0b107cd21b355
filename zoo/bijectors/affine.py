"""Scalar affine maps, of which additive, scaled and gated transformers are made."""

from keras import ops

from zoo.bijectors.one_pass import OnePassBijector


class Affine(OnePassBijector):
    """Scalar map `y = x * exp(log_scale) + shift` with log-determinant `log_scale`.

    Args:
      shift: Tensor that broadcasts with the values.
      log_scale: Tensor that broadcasts with the values; the caller bounds it.
    """

    increases = True
    parameter_ndims = {"shift": 0, "log_scale": 0}

    def __init__(self, shift, log_scale, name=None):
        self.shift = shift
        self.log_scale = log_scale
        super().__init__(event_ndims=0, name=name)

    def forward_and_log_det(self, x):
        y = x * ops.exp(self.log_scale) + self.shift
        return y, _broadcast(self.log_scale, y)

    def inverse_and_log_det(self, y):
        x = (y - self.shift) * ops.exp(-self.log_scale)
        return x, _broadcast(-self.log_scale, x)


class Gate(OnePassBijector):
    """Scalar map `y = x / gate - shift`, whose inverse is `x = (y + shift) * gate`.

    Glow's affine coupling law (Kingma and Dhariwal, 2018, table 1). Its log-determinant is
    `-log(gate)`, nats; unlike `Affine` it takes the scale itself, which then needs no exponential.

    Args:
      shift: Tensor that broadcasts with the values.
      gate: Positive tensor that broadcasts with the values; the caller bounds it.
    """

    increases = True
    parameter_ndims = {"shift": 0, "gate": 0}

    def __init__(self, shift, gate, name=None):
        self.shift = shift
        self.gate = gate
        super().__init__(event_ndims=0, name=name)

    def forward_and_log_det(self, x):
        y = x / self.gate - self.shift
        return y, _broadcast(-ops.log(self.gate), y)

    def inverse_and_log_det(self, y):
        x = (y + self.shift) * self.gate
        return x, _broadcast(ops.log(self.gate), x)


class Shift(OnePassBijector):
    """Scalar map `y = x + shift`; its log-determinant is zero.

    Args:
      shift: Tensor that broadcasts with the values.
    """

    increases = True
    parameter_ndims = {"shift": 0}

    def __init__(self, shift, name=None):
        self.shift = shift
        super().__init__(event_ndims=0, name=name)

    def forward_and_log_det(self, x):
        y = x + self.shift
        return y, ops.zeros_like(y)

    def inverse_and_log_det(self, y):
        x = y - self.shift
        return x, ops.zeros_like(x)


def _broadcast(log_det, like):
    """`log_det` in the shape of `like`; what has it already is left alone."""
    if tuple(log_det.shape) == tuple(like.shape):
        return log_det
    return ops.broadcast_to(log_det, ops.shape(like))
