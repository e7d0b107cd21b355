"""A cell of the gallery: one family trained on one toy, measured, and kept for the pictures.

The folder of a cell:

run/             the training run (`trainers.runs.folders`) with the weights
training.log     what the training had to say
figures.json     once measured: its figures, and the flags it was trained with
drawn.npz        density, samples and grid, as `trainers.reports.gallery_pages` draws them
failure.txt      in place of these two: why it failed, one line
"""

import contextlib
import json
import math
import statistics
import time
import traceback
import zipfile
from pathlib import Path

import numpy as np

from trainers.reports import iterations, plane
from trainers.runs import common, flagfiles, metrics, options

RECIPES = Path(__file__).parents[1] / "recipes"
RUN = "run"
FIGURES, ARRAYS, LOG, FAILURE = "figures.json", "drawn.npz", "training.log", "failure.txt"
WINDOW = 4.0  # pictures show [-WINDOW, WINDOW]^2, data units
POINTS = 100_000  # of the test, drawn for it alone
_LATER = {"round_trip", "lipschitz", "evaluations"}  # Figures that were not always taken.
LINES, RESOLUTION, SHOWN = 17, 256, 5000  # grid lines each way, pixels a side, samples kept
# For a family that has no recipe for a toy yet.
_PLAIN = (
    *("--learning_rate=1e-3", "--schedule=cosine", "--warmup_steps=200", "--batch_size=500"),
    *("--epochs=40", "--ema_momentum=0.999", "--clip_norm=5"),
)
# New points at each pass: what is left of the divergence is the family's, not the sample's.
_ALL = ("--fresh", "--progress=line", "--notensorboard", "--picture_interval=0")


def recipe(family):
    """Flags of a family for all toys: those of its recipe for toy2d, or for any of the toys.

    Args:
        family: A key of `zoo.MODELS`.

    Returns:
        Flags of `trainers.train`.
    """
    short = family.replace("_", "")
    # "-toy2d" itself goes first.
    for path in sorted(RECIPES.glob(f"{short}-*.flags"), key=lambda p: p.stem != f"{short}-toy2d"):
        argv = [f"--flagfile={path}"]
        found = flagfiles.new_options(options.train_flags, argv)
        if (found.dataset or "").startswith("toy2d") and found.model == family:
            return argv
    return [f"--model={family}", *_PLAIN]


class Cell:
    """One family on one toy.

    Args:
        root: Folder of all cells.
        family: A key of `zoo.MODELS`.
        toy: A key of `trainers.datasets.toy_densities.TOYS`.
        steps: Steps of the training, up to a whole epoch; None: as many as the recipe says.
        data_dir: Folder of prepared TFDS data sets.
        points: Points of the test.
    """

    def __init__(self, root, family, toy, steps=None, data_dir=None, points=POINTS):
        self.family, self.toy, self.points = family, toy, points
        self.name = f"{family.replace('_', '')}-{toy}"
        self.folder = Path(root) / self.name
        argv = [
            *recipe(family),
            *_ALL,
            f"--dataset=toy2d/{toy}",
            f"--model_dir={self.folder / RUN}",
        ]
        if data_dir:
            argv.append(f"--data_dir={data_dir}")
        if steps:
            argv.append(f"--epochs={self._epochs(argv, steps)}")
        self.options = flagfiles.new_options(options.train_flags, argv)

    @staticmethod
    def _epochs(argv, steps):
        from trainers.datasets import Toy2d

        batch_size = flagfiles.new_options(options.train_flags, argv).batch_size
        return math.ceil(steps / max(1, Toy2d.SIZES["train"] // batch_size))

    def figures(self):
        """The figures of a finished cell; None unless it is there, and of these very flags."""
        if not zipfile.is_zipfile(self.folder / ARRAYS):  # Not there, or not all of it.
            return None
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((self.folder / FIGURES).read_text(encoding="utf-8"))
            # Of an earlier version some figures are missing.
            if found["flags"] == self._flags() and found["points"] == self.points:
                return found if _LATER <= found.keys() else None
        return None

    def arrays(self):
        """What there is to draw of a finished cell: name -> array."""
        with np.load(self.folder / ARRAYS) as file:
            return dict(file)

    def failure(self):
        """Why the cell failed, one line; None if it did not."""
        with contextlib.suppress(OSError):
            return (self.folder / FAILURE).read_text(encoding="utf-8").strip()
        return None

    def forget(self):
        """Drops figures and failure of earlier; the training stays."""
        for name in (FIGURES, FAILURE):
            (self.folder / name).unlink(missing_ok=True)

    def run(self):
        """Trains, measures and keeps the cell; what goes wrong ends up in failure.txt."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.forget()
        try:
            self._run()
        except Exception as error:  # Whatever it is, the other cells go on.
            with open(self.folder / LOG, "a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
            (self.folder / FAILURE).write_text(common.one_line(error) + "\n", encoding="utf-8")

    def _run(self):
        import zoo
        from trainers.datasets import TOYS
        from trainers.runs import training

        with open(self.folder / LOG, "a", encoding="utf-8") as log:
            with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
                result = training.train(self.options)
        flow = zoo.load(self.folder / RUN)
        figures = {"family": self.family, "class": type(flow).__name__, "toy": self.toy}
        figures |= {name: result[name] for name in ("parameters", "training_seconds", "epochs")}
        figures |= measure(flow, TOYS[self.toy], self.points)
        figures["flags"] = self._flags()
        with common.written_whole(self.folder / ARRAYS) as part, open(part, "wb") as file:
            np.savez_compressed(file, **drawn(flow, TOYS[self.toy]))
        common.write_json(self.folder / FIGURES, figures)

    def retime(self):
        """Takes the times of calls of a finished cell anew, with nothing else under way."""
        import zoo
        from trainers.datasets import TOYS

        figures, flow = self.figures(), zoo.load(self.folder / RUN)
        x = TOYS[self.toy].sample(1000, np.random.default_rng([self.points, 2024]))
        figures |= times(flow, x.astype(flow.variable_dtype)) | {"timed_alone": True}
        common.write_json(self.folder / FIGURES, figures)

    def _flags(self):
        """The flags that decide what the cell is."""
        values = flagfiles.values(self.options)
        passing = flagfiles.FREE_TO_CHANGE - {"epochs", "patience"}
        return {k: v for k, v in sorted(values.items()) if k not in passing and v is not None}


def measure(flow, toy, points=POINTS):
    """Takes the figures of a flow of the plane, trained on a toy.

    Args:
        flow: The flow.
        toy: Of `trainers.datasets.toy_densities`.
        points: Points of the test, drawn for it from a seed that no split has.

    Returns:
        A dictionary: "nats", mean log q, and "kl", mean log p - log q, each {"mean", "error"} with
        two standard errors, over "points" of them; "integral" of the density and "integral_error";
        "p_value" of the samples against the density; of 1000 points "round_trip", the largest
        |x - decode(encode(x))|, "lipschitz" and "evaluations" as in `reports.iterations`, and the
        times "log_prob_ms" and "sample_ms".

    Raises:
        ValueError: The density is not a number somewhere.
    """
    x = toy.sample(points, np.random.default_rng([points, 2024]))
    narrow = x.astype(flow.variable_dtype)
    nats = metrics.log_likelihoods(flow, narrow, batch_size=10_000)
    if np.isnan(nats).any():
        raise ValueError(f"log_prob is not a number at {np.isnan(nats).sum()} test points")
    board = plane.board(flow)
    return {
        "points": points,
        "nats": metrics.mean_and_error(nats),
        "kl": metrics.mean_and_error(toy.log_prob(x) - nats),
        "integral": board.integral,
        "integral_error": board.error,
        "p_value": plane.goodness_of_fit(board, plane.samples(flow))["p_value"],
        "round_trip": metrics.round_trip_error(flow, narrow[:1000]),
        "lipschitz": iterations.lipschitz(flow, narrow[:1000]),
        "evaluations": iterations.evaluations(flow, narrow[:1000]),
        **times(flow, narrow[:1000]),
    }


def times(flow, x):
    """Milliseconds of a call, "log_prob_ms" of events `x` and "sample_ms" of as many samples."""
    return {
        "log_prob_ms": _milliseconds(lambda: np.asarray(flow.log_prob(x))),
        "sample_ms": _milliseconds(lambda: np.asarray(flow.sample(len(x), seed=0))),
    }


def _milliseconds(call, most=20, seconds=2.0):
    """The median time of a call, after one to compile."""
    call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < most and (not times or time.perf_counter() < end):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def drawn(flow, toy):
    """What the pictures show of a flow.

    Returns:
        "density" [RESOLUTION, RESOLUTION] at the pixels' middles, rows from bottom to top;
        "samples" [SHOWN, 2]; "grid" [2, LINES, m, 2]: lines of equal z[0], then of equal z[1], of a
        regular grid of the latent that holds the middle 98 % of the data, decoded. It is NaN where
        the flow cannot decode it. All float16: finer than a pixel or a shade, and finished cells
        are kept with the gallery.
    """
    nats = metrics.log_likelihoods(flow, _pixels().astype(flow.variable_dtype), batch_size=10_000)
    nats = np.minimum(nats, 11.0)  # float16 ends there, and pictures are white long before.
    grid = np.full((2, LINES, 200, 2), np.nan)
    with contextlib.suppress(RuntimeError):  # An iterated inverse may not get that far out.
        grid = _grid(flow, toy.sample(SHOWN, np.random.default_rng(0)))
    return {
        "density": np.exp(nats).reshape(RESOLUTION, RESOLUTION).astype(np.float16),
        "samples": plane.samples(flow, SHOWN, seed=1).astype(np.float16),
        "grid": grid.astype(np.float16),
    }


def _pixels():
    step = 2 * WINDOW / RESOLUTION
    axis = -WINDOW + step * (np.arange(RESOLUTION) + 0.5)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def _grid(flow, x, steps=200):
    z = _mapped(flow.encode, x.astype(flow.variable_dtype))
    low, high = np.quantile(z, [0.01, 0.99], axis=0)
    place, along = np.linspace(0, 1, LINES), np.linspace(0, 1, steps)
    first, second = np.meshgrid(place, along, indexing="ij")
    lines = np.stack([np.stack([first, second], -1), np.stack([second, first], -1)])
    z = (low + (high - low) * lines).reshape(-1, 2)
    return _mapped(flow.decode, z.astype(flow.variable_dtype)).reshape(lines.shape)


def _mapped(function, x, batch_size=256):
    """A flow's map over points, as many at a time as `round_trip_error` has compiled it for."""
    parts = [
        np.asarray(function(b))[:size] for _, b, _, size in metrics.batches(x, None, batch_size)
    ]
    return np.concatenate(parts)


def true_density(toy):
    """What the pictures show of a toy itself: "density" and "samples", as `drawn` has them."""
    density = np.exp(toy.log_prob(_pixels())).reshape(RESOLUTION, RESOLUTION)
    return {"density": density, "samples": toy.sample(SHOWN, np.random.default_rng(1))}
