"""Flows of the plane put to the test: densities integrate to one, samples follow the density.

Both tests stand on one quadrature of the density over nearly all of the plane, `Board`. The cells
of the board are small where the data are and grow with the distance, so that far tails are seen.

Example:
    >>> board = plane.board(flow)
    >>> board.integral                                      # 1.0002
    >>> plane.goodness_of_fit(board, flow.sample(20_000, seed=0))["p_value"]
"""

import numpy as np

from trainers import metrics

CENTRE, REACH = 4.0, 20.0  # data units: where cells begin to grow, and where the board ends
CELLS = 600  # a side
BINS = 128
SAMPLES = 20_000
_DRAW = 5000  # samples at a time


class Board:
    """The mass that a density puts into each cell of a board over [-reach, reach]^2.

    The midpoint rule after the substitution x = centre sinh(u), with equal steps in u.

    Args:
        log_prob: Function from points float64 [n, 2] to log-densities [n], nats.
        cells: Cells a side, an even number.
        centre: Cells have about the same width up to here, and grow in proportion beyond.
        reach: Half the width of the board.

    Attributes:
        masses: float64 [cells, cells], the first axis that of x[0].
        integral: Their sum.
        error: How far the integral is known: the largest difference to it of those of the four
            boards of every other cell. Too large for a smooth density, and no guide where one
            has edges.

    Raises:
        ValueError: A log-density is not a number, or infinite.
    """

    def __init__(self, log_prob, cells=CELLS, centre=CENTRE, reach=REACH):
        if cells < 2 or cells % 2:
            raise ValueError(f"expected an even number of cells a side, got {cells}")
        self._centre, self._end = centre, np.arcsinh(reach / centre)
        step = 2 * self._end / cells
        u = -self._end + step * (np.arange(cells) + 0.5)
        axis, width = centre * np.sinh(u), centre * np.cosh(u) * step
        points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        values = np.asarray(log_prob(points), np.float64).reshape(cells, cells)
        if bad := int(np.sum(np.isnan(values) | (values == np.inf))):
            raise ValueError(
                f"the log-density is not a finite number at {bad} of {cells**2} points within "
                f"{reach:g} of the origin"
            )
        self.masses = np.exp(values) * np.multiply.outer(width, width)
        self.integral = float(self.masses.sum())
        coarse = [4 * self.masses[i::2, j::2].sum() for i in (0, 1) for j in (0, 1)]
        self.error = float(np.abs(np.array(coarse) - self.integral).max())

    def locate(self, points):
        """The cells that hold points [n, 2]; those off the board go to its border.

        Returns:
            Row and column, int [2, n].
        """
        cells = len(self.masses)
        u = np.arcsinh(np.asarray(points, np.float64).T / self._centre)
        return np.clip(np.floor((u / self._end + 1) * cells / 2), 0, cells - 1).astype(int)

    def bins(self, count=BINS):
        """Parts the board into rectangles of nearly equal mass, by halving again and again.

        Args:
            count: Number of rectangles, a power of 2.

        Returns:
            The number of its rectangle for each cell, int [cells, cells].
        """
        if count < 2 or count & (count - 1):
            raise ValueError(f"the number of bins must be a power of 2, got {count}")
        rectangles = [(0, len(self.masses), 0, len(self.masses))]
        while len(rectangles) < count:
            rectangles = [half for whole in rectangles for half in self._halves(*whole)]
        labels = np.zeros(self.masses.shape, int)
        for label, (top, bottom, left, right) in enumerate(rectangles):
            labels[top:bottom, left:right] = label
        return labels

    def _halves(self, top, bottom, left, right):
        """Two rectangles of about half the mass of one, cut across where the mass is widest."""
        part = self.masses[top:bottom, left:right]
        rows, columns = part.sum(axis=1), part.sum(axis=0)
        if _spread(rows) >= _spread(columns):
            cut = top + _middle(rows)
            return (top, cut, left, right), (cut, bottom, left, right)
        cut = left + _middle(columns)
        return (top, bottom, left, cut), (top, bottom, cut, right)


def _spread(weights):
    """Variance of the position, in cells; none where there is but one cell, or no mass."""
    total = weights.sum()
    if len(weights) < 2 or not total:
        return -1.0
    place = np.arange(len(weights))
    mean = (weights * place).sum() / total
    return (weights * (place - mean) ** 2).sum() / total


def _middle(weights):
    """Where to cut for two halves: after how many cells, at least one and not all of them."""
    before = np.cumsum(weights)
    cut = 1 + int(np.argmin(np.abs(before - before[-1] / 2)))
    return min(cut, max(1, len(weights) - 1))


def board(flow, cells=CELLS, batch_size=10_000):
    """The `Board` of a flow of the plane.

    Args:
        flow: The flow, event_shape (2,), without a context.
        cells: Cells a side.
        batch_size: Points at a time.

    Raises:
        ValueError: The flow is none of the plane, or its density not a number somewhere.
    """
    if tuple(flow.event_shape) != (2,) or flow.conditional:
        raise ValueError(
            "expected a flow of the plane, event_shape (2,), without a context; got events of "
            f"shape {tuple(flow.event_shape)}{' and a context' if flow.conditional else ''}"
        )

    def log_prob(points):
        points = points.astype(flow.variable_dtype)
        return metrics.log_likelihoods(flow, points, batch_size=batch_size)

    return Board(log_prob, cells)


def samples(flow, n=SAMPLES, seed=0):
    """Draws `n` events of a flow, a few thousand at a time; float64 [n, *event_shape]."""
    parts = [
        np.asarray(flow.sample(min(n, _DRAW), seed=seed * n + begin), np.float64)
        for begin in range(0, n, _DRAW)
    ]
    return np.concatenate(parts)[:n]


def goodness_of_fit(board, points, bins=BINS):
    """Tests whether points are drawn from the density of a board (Pearson's chi-square).

    The board is parted into bins of nearly equal mass, which the points have no part in choosing,
    and the counts of points are compared with the masses. So the p-value is uniform if the points
    follow the density, up to its quadrature; it is small if they do not.

    Args:
        board: A `Board`; its masses are scaled to sum to one.
        points: [n, 2], at least 5 a bin.
        bins: Number of bins, a power of 2.

    Returns:
        {"p_value", "statistic", "degrees"}.

    Raises:
        ValueError: Points too few for the bins, or not finite, or no mass on the board.
    """
    from scipy import special

    points = np.asarray(points)
    if not np.isfinite(points).all():
        raise ValueError("some of the points are not finite")
    if len(points) < 5 * bins:
        raise ValueError(f"{bins} bins need at least {5 * bins} points, got {len(points)}")
    if not board.integral > 0:
        raise ValueError("the density has no mass on the board")
    labels = board.bins(bins)
    expected = np.bincount(labels.ravel(), board.masses.ravel(), bins)
    expected *= len(points) / expected.sum()
    counts = np.bincount(labels[tuple(board.locate(points))], minlength=bins)
    used = expected > 0  # Where a bin could not be halved, its other half is empty.
    if counts[~used].any():
        return {"p_value": 0.0, "statistic": np.inf, "degrees": int(used.sum()) - 1}
    statistic = float(((counts - expected)[used] ** 2 / expected[used]).sum())
    degrees = int(used.sum()) - 1
    return {
        "p_value": float(special.chdtrc(degrees, statistic)),
        "statistic": statistic,
        "degrees": degrees,
    }
