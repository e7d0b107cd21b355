"""Flows of the plane put to the test: densities integrate to one, samples follow the density.

Both tests stand on one quadrature of the density over nearly all of the plane, `Board`. The cells
of the board are small where the data are and grow with the distance, so that far tails are seen.

Example:
    >>> board = plane.board(flow)
    >>> board.integral                                      # 1.0002
    >>> plane.goodness_of_fit(board, flow.sample(20_000, seed=0))["p_value"]
"""

import numpy as np

from trainers.runs import metrics

CENTRE, REACH = 4.0, 20.0  # data units: where cells begin to grow, and where the board ends
CELLS = (300, 600)  # a side: the second where the first gives the integral no better than to ENOUGH
ENOUGH = 1e-3
BINS = 128
SAMPLES = 20_000
PROPOSALS = 100_000
# Shares of the points, from the lowest density up, between the bins by height.
HEIGHTS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_DRAW = 1000  # samples at a time


class Board:
    """The mass that a density puts into each cell of a board over [-reach, reach]^2.

    The midpoint rule after the substitution x = centre sinh(u), with equal steps in u.

    Args:
        log_prob: Function from points float64 [n, 2] to log-densities [n], nats.
        cells: Cells a side, an even number.
        centre: Cells have about the same width up to here, and grow in proportion beyond.
        reach: Half the width of the board.

    Attributes:
        log_prob: The function.
        masses: float64 [cells, cells], the first axis that of x[0].
        integral: Their sum.
        error: How far the integral is known: the largest difference to it of those of the four
            boards of every other cell. Too large for a smooth density, and no guide where one
            has edges.

    Raises:
        ValueError: A log-density is not a number, or infinite.
    """

    def __init__(self, log_prob, cells=CELLS[-1], centre=CENTRE, reach=REACH):
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
        self.log_prob = log_prob
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

    def draw(self, n, seed=0):
        """Draws from the density, by rejection of points in the cells.

        Exact but where the density is more than 8 times that of the proposals.

        Args:
            n: Number of proposals; at least an eighth of them is kept, most where the density is
                smooth.
            seed: Of the random numbers.

        Returns:
            Points [m, 2] and their log-densities [m].
        """
        rng = np.random.default_rng(seed)
        cells, step = len(self.masses), 2 * self._end / len(self.masses)
        # Neighbours have a share in each cell: its middle may miss what is in it.
        padded = np.pad(self.masses, 1)
        blocks = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
        chances = self.masses / 2 + blocks.mean(axis=(-2, -1)) / 2
        chances = np.cumsum(chances.ravel())
        which = np.searchsorted(chances, chances[-1] * rng.random(n))
        chance = np.diff(chances, prepend=0.0)[which] / chances[-1]
        place = np.stack(np.unravel_index(which, self.masses.shape), axis=1) + rng.random((n, 2))
        u = -self._end + step * np.minimum(place, cells)
        x = self._centre * np.sinh(u)
        values = np.asarray(self.log_prob(x), np.float64)
        weights = np.exp(values) * np.prod(self._centre * np.cosh(u) * step, axis=1) / chance
        kept = rng.random(n) * min(weights.max(), 8.0) < weights
        return x[kept], values[kept]

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
        cells: Cells a side; of several numbers the first whose integral is known to `ENOUGH`, and
            1 to that, else the last. Densities that an equation is solved for are slow, and most
            are smooth.
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

    for count in (cells,) if isinstance(cells, int) else cells:
        found = Board(log_prob, count)
        # What lies between the middles of cells is missed by all boards alike.
        if max(found.error, abs(found.integral - 1)) <= ENOUGH:
            break
    return found


def samples(flow, n=SAMPLES, seed=0):
    """Draws `n` events of a flow, a thousand at a time; float64 [n, *event_shape]."""
    parts = [
        np.asarray(flow.sample(min(n, _DRAW), seed=seed * n + begin), np.float64)
        for begin in range(0, n, _DRAW)
    ]
    return np.concatenate(parts)[:n]


def goodness_of_fit(board, points, bins=BINS, seed=0):
    """Tests whether points are drawn from the density of a board, by two chi-squares of Pearson's.

    One counts the points by place, in rectangles of nearly equal mass. The other is a two-sample
    test: it counts them by height, the density at each, against points that `Board.draw` draws from
    the density; it sees points that leak to where there should be next to none. Either p-value is
    uniform if the points follow the density, up to its quadrature. The p-value of both is twice the
    smaller one, at most 1: it is below a level no more often than that level says.

    Args:
        board: A `Board`; its masses are scaled to sum to one.
        points: [n, 2], at least 5 a bin.
        bins: Number of bins by place, a power of 2.
        seed: Of the points drawn from the density.

    Returns:
        {"p_value", "places", "heights"}: of both, and each test's own.

    Raises:
        ValueError: Points too few for the bins, or not finite, or no mass on the board.
    """
    points = np.asarray(points)
    if not np.isfinite(points).all():
        raise ValueError("some of the points are not finite")
    if len(points) < 5 * bins:
        raise ValueError(f"{bins} bins need at least {5 * bins} points, got {len(points)}")
    if not board.integral > 0:
        raise ValueError("the density has no mass on the board")
    labels = board.bins(bins)
    places = _chi_square(labels, board.masses, labels[tuple(board.locate(points))])
    # Where the density is not a number no point should be.
    found = np.nan_to_num(np.asarray(board.log_prob(points), np.float64), nan=-np.inf)
    heights = _same_heights(found, board.draw(max(PROPOSALS, 2 * len(points)), seed)[1])
    return {"p_value": min(1.0, 2 * min(places, heights)), "places": places, "heights": heights}


def _same_heights(found, expected):
    """The p-value of Pearson's chi-square of two samples of log-densities, [n] and [m]."""
    from scipy import stats  # takes a second

    both = np.concatenate([found, expected])
    shares = [s for s in HEIGHTS if s * min(len(found), len(expected)) >= 5]
    edges = np.unique(np.quantile(both, shares, method="lower"))
    places = [np.searchsorted(edges, values) for values in (found, expected)]
    table = np.stack([np.bincount(p, minlength=len(edges) + 1) for p in places])
    table = table[:, table.any(axis=0)]
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _chi_square(labels, masses, found):
    """The p-value of the bins that points were found in, given the bin and the mass of each cell.

    Args:
        labels: int, the bin of each cell.
        masses: The mass of each cell.
        found: int [n], the bin of each point.
    """
    from scipy import stats

    bins = 1 + max(labels.max(), found.max())
    expected = np.bincount(labels.ravel(), masses.ravel(), bins)
    expected *= len(found) / expected.sum()
    counts = np.bincount(found, minlength=bins)
    used = expected > 0  # Halves and levels without mass are no bins.
    if counts[~used].any():
        return 0.0
    return float(stats.chisquare(counts[used], expected[used]).pvalue) if used.sum() > 1 else 1.0
