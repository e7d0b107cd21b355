"""Six two-dimensional toy distributions with their true log-densities, in numpy.

Each toy is defined by a generative process whose density is known, so that a flow can be judged
against the truth: mean log p(x) - log q(x) over samples is the KL divergence in nats. The processes
resemble the usual pictures of the literature (e.g. Grathwohl et al. 2019, arXiv:1810.01367), moved
and scaled to lie within about [-4, 4] with a standard deviation between 0.9 and 2 per axis. Where
the usual process has no tractable density, a near twin that has one is used; the class says which.

Example:
    >>> toy = TOYS["rings"]
    >>> x = toy.sample(1000, np.random.default_rng(0))     # [1000, 2]
    >>> toy.log_prob(x).shape, toy.exact
    ((1000,), 'closed form')
"""

import functools

import numpy as np


class Toy:
    """A density on the plane that can be sampled and evaluated.

    Attributes:
        exact: "closed form", or "quadrature" where `log_prob` is a one-dimensional integral done
            numerically, to better than 1e-6 nats.
    """

    exact = "closed form"

    def sample(self, n, rng):
        """Draws `n` points with a `numpy.random.Generator`. Returns: [n, 2] float64."""
        raise NotImplementedError

    def log_prob(self, x):
        """The true log-density in nats (-inf outside the support).

        Args:
            x: [n, 2] points.

        Returns:
            [n] float64.

        Raises:
            ValueError: `x` is not a table of two columns.
        """
        x = np.asarray(x, np.float64)
        if x.ndim != 2 or x.shape[1] != 2:
            raise ValueError(f"expected points of shape [n, 2], got {list(x.shape)}")
        return self._log_prob(x)

    def entropy(self):
        """The differential entropy in nats: exact, or by quadrature, to better than 1e-5 nats.

        No flow can have an expected log-likelihood above -entropy.
        """
        # The midpoint rule: for densities as smooth as these against its step, the error falls
        # faster than any power of the step.
        step, half_width = 0.04, 6.0
        axis = np.arange(step / 2 - half_width, half_width, step)
        log_prob = self.log_prob(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
        return float(-(np.exp(log_prob) * log_prob).sum() * step**2)

    def _log_prob(self, x):
        raise NotImplementedError


class EightGaussians(Toy):
    """Equal mixture of eight round Gaussians on a circle.

    p(x) = 1/8 sum_k N(x; R (cos k pi/4, sin k pi/4), s^2 I), with R = 2.5 and s = 0.25.
    """

    radius, stddev = 2.5, 0.25

    def __init__(self):
        angles = np.arange(8) * np.pi / 4
        self.means = self.radius * _polar(angles)

    def sample(self, n, rng):
        return self.means[rng.integers(8, size=n)] + self.stddev * rng.standard_normal((n, 2))

    def _log_prob(self, x):
        log_weights = np.full(8, -np.log(8))
        return _log_gaussian_mixture(x, self.means, log_weights, self.stddev)


class Checkerboard(Toy):
    """Uniform on the eight dark squares of a 4 x 4 board that covers [-3, 3]^2.

    p(x) = 1/18 on a dark square (the one at the lower left is dark), 0 elsewhere.
    """

    half_width, squares = 3.0, 4
    side = 2 * half_width / squares
    area = 2 * half_width**2

    def sample(self, n, rng):
        column = rng.integers(self.squares, size=n)
        row = 2 * rng.integers(self.squares // 2, size=n) + column % 2
        corner = np.stack([column, row], axis=1)
        return (corner + rng.random((n, 2))) * self.side - self.half_width

    def _log_prob(self, x):
        square = np.floor((x + self.half_width) / self.side)
        on_board = np.all((square >= 0) & (square < self.squares), axis=1)
        return np.where(on_board & (square.sum(axis=1) % 2 == 0), -np.log(self.area), -np.inf)

    def entropy(self):
        """The entropy in nats: log 18, the logarithm of the dark area."""
        return float(np.log(self.area))


class Rings(Toy):
    """Three concentric rings: a Gaussian radius around 1, 2 or 3 and a uniform angle.

    p(x) = 1/3 sum_k [N(r; r_k, s^2) + N(-r; r_k, s^2)] / (2 pi r), with r = |x| and s = 0.1. The
    second term is the Gaussian's negative side, which lands on the far side of the origin.
    """

    radii, stddev = np.array([1.0, 2.0, 3.0]), 0.1

    def sample(self, n, rng):
        radius = self.radii[rng.integers(3, size=n)] + self.stddev * rng.standard_normal(n)
        return radius[:, None] * _polar(rng.uniform(0, 2 * np.pi, n))

    def _log_prob(self, x):
        # The density has a pole of negligible mass (about 1e-24) at the origin; stay finite there.
        r = np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        z = np.concatenate([r - self.radii, r + self.radii], axis=1) / self.stddev
        log_normaliser = np.log(3 * self.stddev * np.sqrt(2 * np.pi) * 2 * np.pi * r[:, 0])
        return _logsumexp(-0.5 * z**2) - log_normaliser


class Pinwheel(Toy):
    """Five curved arms: a Gaussian blob off the origin, turned by an angle that grows with radius.

    f ~ N((1, 0), diag(0.3^2, 0.1^2)), x = 2 R(2 pi k/5 + exp(|f|)/4) f, k uniform. The usual
    pinwheel turns by exp(f_1)/4; turning by a function of |f| instead keeps the look, preserves
    area and is inverted at once: f = R(-2 pi k/5 - exp(|x|/2)/4) x/2, so
    p(x) = 1/4 * 1/5 sum_k N(f_k(x); (1, 0), diag(0.3^2, 0.1^2)).
    """

    arms, twist, scale = 5, 0.25, 2.0
    mean, stddev = np.array([1.0, 0.0]), np.array([0.3, 0.1])

    def sample(self, n, rng):
        f = self.mean + self.stddev * rng.standard_normal((n, 2))
        angle = 2 * np.pi / self.arms * rng.integers(self.arms, size=n)
        return self.scale * _rotate(f, angle + self._turn(f))

    def _log_prob(self, x):
        f = x / self.scale
        untwisted = _rotate(f, -self._turn(f))
        arms = [_rotate(untwisted, -2 * np.pi / self.arms * k) for k in range(self.arms)]
        z = (np.stack(arms, axis=1) - self.mean) / self.stddev
        log_normaliser = np.log(self.arms * 2 * np.pi * np.prod(self.stddev) * self.scale**2)
        return _logsumexp(-0.5 * (z**2).sum(axis=-1)) - log_normaliser

    def _turn(self, f):
        return self.twist * np.exp(np.linalg.norm(f, axis=1))


class NoisyCurves(Toy):
    """Points on an equal mixture of two curves, blurred by round Gaussian noise.

    p(x) = 1/2 sum_j int w(t) N(x; c_j(t), s^2 I) dt, a one-dimensional integral with no closed form
    for arcs and spirals: done by composite Gauss-Legendre quadrature in panels of 16 nodes.
    """

    exact = "quadrature"
    stddev: float  # of the noise
    end: float  # the curve's parameter t runs from 0 to here
    panels: int

    def curves(self, t):
        """The two curves at parameters [n]. Returns: a pair of [n, 2]."""
        raise NotImplementedError

    def quantile(self, u):
        """Parameters t whose cumulative probabilities are `u`."""
        raise NotImplementedError

    def weight(self, t):
        """The density w(t) of the parameter."""
        raise NotImplementedError

    def sample(self, n, rng):
        first, second = self.curves(self.quantile(rng.random(n)))
        points = np.where(rng.integers(2, size=(n, 1)) == 0, first, second)
        return points + self.stddev * rng.standard_normal((n, 2))

    @functools.cached_property
    def _quadrature(self):
        t, dt = _gauss_legendre(self.end, self.panels, order=16)
        log_weights = np.log(self.weight(t) * dt / 2)
        return np.concatenate(self.curves(t)), np.tile(log_weights, 2)

    def _log_prob(self, x):
        return _log_gaussian_mixture(x, *self._quadrature, self.stddev)


class TwoMoons(NoisyCurves):
    """Two interleaved half circles of radius 2 with noise of standard deviation 0.2.

    The moons of scikit-learn's `make_moons(noise=0.1)`, centred and doubled.
    """

    stddev, end, panels = 0.2, np.pi, 16

    def curves(self, t):
        upper = 2 * _polar(t) - [1.0, 0.5]
        return upper, -upper

    def quantile(self, u):
        return np.pi * u

    def weight(self, t):
        return np.full_like(t, 1 / np.pi)


class TwoSpirals(NoisyCurves):
    """Two arms of a spiral, one and a half turns each, with noise of standard deviation 0.1.

    c(t) = +-t (-cos t, sin t)/3 with t = 3 pi sqrt(u), u uniform, which spaces the points almost
    evenly along the arms.
    """

    stddev, end, panels = 0.1, 3 * np.pi, 64

    def curves(self, t):
        arm = t[:, None] / 3 * np.stack([-np.cos(t), np.sin(t)], axis=1)
        return arm, -arm

    def quantile(self, u):
        return self.end * np.sqrt(u)

    def weight(self, t):
        return 2 * t / self.end**2


def _polar(angle):
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _rotate(x, angle):
    """Turns points [n, 2] by angles, counter-clockwise."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1]], axis=1)


def _logsumexp(a):
    """log sum exp over the last axis, safe where every term is tiny."""
    top = a.max(axis=-1, keepdims=True)
    return np.log(np.exp(a - top).sum(axis=-1)) + top[..., 0]


def _log_gaussian_mixture(x, means, log_weights, stddev):
    """log sum_k exp(log_weights_k) N(x; means_k, stddev^2 I) in two dimensions."""
    parts, rows = [], max(1, 2**15 // len(means))  # keeps the tables below in the cache
    for begin in range(0, len(x), rows):
        some = x[begin : begin + rows]
        squares = (some**2).sum(1)[:, None] - 2 * some @ means.T + (means**2).sum(1)
        parts.append(_logsumexp(log_weights - squares / (2 * stddev**2)))
    return np.concatenate(parts or [np.zeros(0)]) - np.log(2 * np.pi * stddev**2)


def _gauss_legendre(end, panels, order):
    """Nodes and weights of the composite rule on [0, end], each [panels * order]."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    width = end / panels
    starts = width * np.arange(panels)
    return (starts[:, None] + width * (nodes + 1) / 2).ravel(), np.tile(weights * width / 2, panels)


TOYS = {
    "two_moons": TwoMoons(),
    "eight_gaussians": EightGaussians(),
    "checkerboard": Checkerboard(),
    "two_spirals": TwoSpirals(),
    "rings": Rings(),
    "pinwheel": Pinwheel(),
}
