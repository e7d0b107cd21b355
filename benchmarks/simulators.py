"""Three tasks of simulation-based inference whose posteriors can be drawn from exactly.

They are those of Lueckmann et al. (2021, arXiv:2101.04653). A task has `size` parameters and data
of `data_size` numbers, and

- `prior(rng, n)`: parameters `[n, size]`;
- `simulate(rng, theta)`: one data set each, `[n, data_size]`;
- `posterior(rng, x, n)`: exact draws `[n, size]` given one data set;
- `log_posterior(rng, theta, x)`: their log-density `[n]`, nats; `None` where it is not known.
"""

import numpy as np

# Draws at a time, where some are rejected.
CHUNK = 100_000


class GaussianLinear:
    """`theta ~ N(0, 0.1 I)`, `x ~ N(theta, 0.1 I)`, ten of each; 0.1 is the variance."""

    name, size, data_size = "Gaussian linear", 10, 10
    variance = 0.1

    def prior(self, rng, n):
        return rng.normal(0.0, np.sqrt(self.variance), (n, self.size))

    def simulate(self, rng, theta):
        return rng.normal(theta, np.sqrt(self.variance))

    def posterior(self, rng, x, n):
        """Draws of `N(x / 2, 0.05 I)`."""
        return rng.normal(x / 2, np.sqrt(self.variance / 2), (n, self.size))

    def log_posterior(self, rng, theta, x):
        squares = np.square(theta - x / 2).sum(axis=-1) / (self.variance / 2)
        return -0.5 * (squares + self.size * np.log(np.pi * self.variance))


class TwoMoons:
    """A crescent of data, moved by `theta` in a box, so that two crescents of `theta` explain it.

    `theta ~ U[-1, 1]^2`, `x = p - (|theta_1 + theta_2|, theta_1 - theta_2) / sqrt(2)` with `p = (r
    cos a + 0.25, r sin a)`, `a ~ U(-pi/2, pi/2)`, `r ~ N(0.1, 0.01)`, a standard deviation.
    """

    name, size, data_size = "two moons", 2, 2
    mean, deviation = 0.1, 0.01

    def prior(self, rng, n):
        return rng.uniform(-1.0, 1.0, (n, self.size))

    def simulate(self, rng, theta):
        return self._crescent(rng, len(theta)) - self._moves(theta)

    def posterior(self, rng, x, n):
        """Draws by solving for `theta` what moves a draw of the crescent to `x`."""
        return _collect(lambda: self._proposals(rng, x), n)

    def log_posterior(self, rng, theta, x):
        """The likelihood over its integral: 2, one for each crescent, but for what the box cuts."""
        p = x + self._moves(theta) - [0.25, 0.0]
        r = np.hypot(*p.T)
        log_r = -0.5 * np.square((r - self.mean) / self.deviation)
        log_r -= np.log(self.deviation * np.sqrt(2 * np.pi))
        evidence = 2 * len(self._proposals(rng, x)) / CHUNK
        inside = (p[:, 0] > 0) & (np.abs(theta) <= 1).all(axis=-1)
        # Of the angle the density is 1 / pi, and polar coordinates have the Jacobian r.
        return np.where(inside, log_r - np.log(np.pi * np.maximum(r, 1e-9) * evidence), -np.inf)

    def _crescent(self, rng, n):
        a, r = rng.uniform(-np.pi / 2, np.pi / 2, n), rng.normal(self.mean, self.deviation, n)
        return np.stack([r * np.cos(a) + 0.25, r * np.sin(a)], axis=-1)

    @staticmethod
    def _moves(theta):
        sums, differences = theta.sum(axis=-1), theta[:, 0] - theta[:, 1]
        return np.stack([np.abs(sums), differences], axis=-1) / np.sqrt(2)

    def _proposals(self, rng, x):
        """Those of `CHUNK` draws that have a solution in the box; the sign of its sum is a coin."""
        moves = self._crescent(rng, CHUNK) - x
        sums = rng.choice([-1.0, 1.0], CHUNK) * moves[:, 0]
        theta = np.stack([sums + moves[:, 1], sums - moves[:, 1]], axis=-1) / np.sqrt(2)
        return theta[(moves[:, 0] >= 0) & (np.abs(theta) <= 1).all(axis=-1)]


class SLCP:
    """Simple likelihood, complex posterior (Papamakarios et al., 2019, arXiv:1805.07226).

    `theta ~ U[-3, 3]^5`; `x` are four points of `N((theta_1, theta_2), S)`, with deviations
    `theta_3^2` and `theta_4^2` and correlation `tanh theta_5`. The posterior has four modes.
    """

    name, size, data_size = "SLCP", 5, 8
    log_posterior = None
    points = 4

    def prior(self, rng, n):
        return rng.uniform(-3.0, 3.0, (n, self.size))

    def simulate(self, rng, theta):
        noise = rng.normal(size=(len(theta), self.points, 2))
        points = theta[:, None, :2] + _correlated(noise, *_scales(theta[:, 2:]))
        return points.reshape(len(theta), self.data_size)

    def posterior(self, rng, x, n):
        """Draws by rejection.

        Given `S`, the mean of the points is normal about their average: with it integrated out,
        what is left of the likelihood is `|S|^(-3/2) exp(-tr(S^-1 C) / 2)`, `C` the scatter of the
        points, whose largest value is at `S = C / 3`.
        """
        points = x.reshape(self.points, 2)
        scatter = (points - points.mean(axis=0)).T @ (points - points.mean(axis=0))
        most = -0.5 * (self.points - 1) * (np.linalg.slogdet(scatter / (self.points - 1))[1] + 2)
        return _collect(lambda: self._proposals(rng, points.mean(axis=0), scatter, most), n)

    def _proposals(self, rng, mean, scatter, most):
        spread = rng.uniform(-3.0, 3.0, (CHUNK, 3))
        first, second, correlation = _scales(spread)
        rest = 1 - correlation**2
        # tr(S^-1 C) and log |S| of two dimensions.
        trace = scatter[0, 0] / first**2 + scatter[1, 1] / second**2
        trace = (trace - 2 * correlation * scatter[0, 1] / (first * second)) / rest
        log_det = 2 * np.log(first * second) + np.log(rest)
        log_p = -0.5 * ((self.points - 1) * log_det + trace)
        spread = spread[np.log(rng.uniform(size=CHUNK)) < log_p - most]
        noise = rng.normal(size=(len(spread), 1, 2)) / np.sqrt(self.points)
        means = mean + _correlated(noise, *_scales(spread))[:, 0]
        theta = np.concatenate([means, spread], axis=-1)
        return theta[(np.abs(means) <= 3).all(axis=-1)]


def _scales(spread):
    """Deviations and correlation of `(theta_3, theta_4, theta_5)`, which must not vanish."""
    first, second = np.square(spread[:, 0]) + 1e-6, np.square(spread[:, 1]) + 1e-6
    return first, second, np.clip(np.tanh(spread[:, 2]), -1 + 1e-6, 1 - 1e-6)


def _correlated(noise, first, second, correlation):
    """Standard normal `noise [n, points, 2]` with these deviations and correlations `[n]`."""
    c = correlation[:, None]
    pairs = [noise[..., 0], c * noise[..., 0] + np.sqrt(1 - c**2) * noise[..., 1]]
    return np.stack(pairs, axis=-1) * np.stack([first, second], axis=-1)[:, None]


def _collect(draw, n, most=10_000):
    """The first `n` of what calls of `draw` give.

    Raises:
        ValueError: Hardly any proposal was accepted.
    """
    found, count = [], 0
    for _ in range(most):
        found.append(draw())
        count += len(found[-1])
        if count >= n:
            return np.concatenate(found)[:n]
    raise ValueError(f"{count} of {most * CHUNK} proposals were accepted, {n} are wanted")


TASKS = {"gaussian_linear": GaussianLinear(), "two_moons": TwoMoons(), "slcp": SLCP()}
