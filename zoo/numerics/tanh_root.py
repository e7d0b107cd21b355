"""The scalar equation behind planar and Sylvester flows, `a + (gain - 1) tanh(a) = target`.

With `gain > 0` the left side increases in `a`, from a slope of `gain` at 0 to a slope of 1 far
away, so there is exactly one solution. It has the sign of the target, and lies between
`target / gain` and `target`, and within `|gain - 1|` of the target.
"""

from keras import ops

from zoo.numerics import root_finding


def slope(a, gain):
    """The derivative of the left side, `1 + (gain - 1) sech(a)^2`, without cancellation."""
    decay = ops.exp(-2.0 * ops.abs(a))
    # sech^2 and tanh^2 each to full precision, where 1 - tanh^2 would lose the small one.
    return 4.0 * gain * decay / (1.0 + decay) ** 2 + ops.tanh(a) ** 2


def find(target, gain, tolerance, max_iterations):
    """Solves each of the equations, without a gradient.

    Args:
      target: Tensor `[n]`.
      gain: Tensor `[n]`, positive.
      tolerance: Largest error of the solution, as a fraction of it where that is above one.
      max_iterations: Evaluations before giving up.

    Returns:
      `a [n]`, NaN where it was not found, and the `Report`.
    """
    size, reach = ops.abs(target), ops.abs(gain - 1.0)
    low = ops.maximum(size / ops.maximum(gain, 1.0), size - reach)
    high = ops.minimum(size / ops.minimum(gain, 1.0), size + ops.where(gain < 1.0, reach, 0.0))
    # By a little, for the ends may be the solution, and rounded to the wrong side of it.
    margin = 0.5 * tolerance * ops.maximum(1.0, high)
    sign = ops.where(target < 0, -ops.ones_like(target), ops.ones_like(target))

    def left(a):
        return a + (gain - 1.0) * ops.tanh(a)

    a, report = root_finding.bracketed_root(
        lambda a: left(a) - size, low - margin, high + margin, tolerance, max_iterations
    )
    # A bracket says where the solution is, and one step of Newton's more where in it.
    a = a - (left(a) - size) / slope(a, gain)
    return root_finding.or_nan(sign * a, report.converged), report


def solver(tolerance, max_iterations):
    """`(target, gain) -> (a, Report)`: `find`, with its implicit gradient, of any order."""

    def gradient(args, outputs, upstream):
        of_target = upstream[0] / slope(outputs[0], args[1])
        return of_target, -of_target * ops.tanh(outputs[0])

    def tangent(args, outputs, along):
        return ((along[0] - ops.tanh(outputs[0]) * along[1]) / slope(outputs[0], args[1]),)

    return root_finding.with_implicit_gradient(
        lambda *args: find(*args, tolerance, max_iterations), gradient, tangent
    )
