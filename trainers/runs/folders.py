"""The folder of a training run: its flags, metrics, checkpoints and best weights.

flags.txt        the flags of the run, an absl flagfile
metrics.jsonl    one line an epoch
checkpoints/     epoch-00012.npz (or epoch-00012-batch-0000034.npz, within the next epoch) and the
                 one before it, best.npz
pictures/        samples on the way
tensorboard/     scalars and pictures for TensorBoard
model.keras      the best weights on validation data, with manifest.json beside it
result.json      the test figure
history.json     of --init_from: what that flow was trained by
"""

import json
import math
import os
from pathlib import Path
from typing import Any

from trainers.runs import checkpoints, common, files, flagfiles

FLAGS_FILE, METRICS_FILE, RESULT_FILE = "flags.txt", "metrics.jsonl", "result.json"
BEST = "checkpoints/best.npz"
_COUNTS = ("parameters", "epochs", "best_epoch", "examples", "draws")
_RESULT: dict[str, Any] = {
    **dict.fromkeys(_COUNTS, files.count),
    **dict.fromkeys(("nats", "bits_per_dim"), files.figure),
    **{"dataset": str, "training_seconds": files.number},
}
_LINE = {"epoch": files.count, "step": files.count, "seconds": files.number}


class Run:
    """One training run on disk.

    Args:
        folder: Its folder; made if missing.
        flag_values: Parsed flags of the run.
        writes: Whether this process writes; workers other than the chief only read.

    A folder without a checkpoint or finished weights, of a start that was refused or diverged, may
    be started over with any flags. While it writes, a run holds a lock on its folder.

    Raises:
        ValueError: If the folder holds something else, or a run with other flags, or another
            process trains in it.
    """

    def __init__(self, folder, flag_values, writes=True):
        self.folder, self.writes = files.path(str(folder)), writes
        self.checkpoints = checkpoints.Checkpoints(self.folder / "checkpoints")
        self._lock = None
        if writes:
            self._require_run()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._check(flag_values)
            common.remove_leftovers(self.folder)
            flagfiles.write_flagfile(
                self.folder / FLAGS_FILE, flag_values, leave_out=("model_dir",)
            )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __del__(self):
        self.close()

    def close(self):
        """Gives the lock back; the end of the process does too."""
        descriptor, self._lock = getattr(self, "_lock", None), None
        if descriptor is not None:
            os.close(descriptor)

    def _require_run(self):
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"--model_dir={self.folder} is a file; expected a folder")
        if self.folder.is_dir() and not (self.folder / FLAGS_FILE).is_file():
            if any(p.name[0] != "." for p in self.folder.iterdir()):
                raise ValueError(
                    f"--model_dir={self.folder} holds something that is no training run (it has "
                    f"no {FLAGS_FILE}); give a new or empty folder"
                )

    def _take_lock(self):
        try:
            self._lock = files.locked(self.folder)
        except BlockingIOError:
            raise ValueError(
                f"--model_dir={self.folder}: another process trains there; wait for its end, or "
                "give another folder"
            ) from None

    def _check(self, flag_values):
        saved = self.folder / FLAGS_FILE
        if not self.checkpoints.paths() and not (self.folder / "model.keras").exists():
            # An epoch that ended with its best weights written, and not its checkpoint.
            (self.folder / BEST).unlink(missing_ok=True)
        elif differing := flagfiles.differing_flags(saved, flag_values):
            raise ValueError(
                f"--model_dir={self.folder} holds a run with other flags: {', '.join(differing)}; "
                "use the same flags to continue it, or another folder"
            )

    def start_over_at(self, epoch):
        """Drops what metrics.jsonl says of epochs after `epoch`, and lines cut short."""
        path = self.folder / METRICS_FILE
        if not self.writes or not path.is_file():
            return
        # A run that starts over has no use for records of an earlier one, whatever they hold.
        lines = read_metrics(self.folder) if epoch else []
        kept = [line for line in lines if line["epoch"] <= epoch]
        common.write_text(path, "".join(json.dumps(line) + "\n" for line in kept))

    def log(self, line):
        """Appends one line to metrics.jsonl."""
        with open(self.folder / METRICS_FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def save_best(self, arrays, meta):
        """Keeps the best weights so far, with {"epoch", "loss"}."""
        if self.writes:
            checkpoints.write(self.folder / BEST, arrays, meta)

    def load_best(self, say=print, fits=None):
        """Reads the best weights.

        Args:
            say: Called with a text if they are broken.
            fits: Called with (arrays, meta); raises ValueError if the model is another one.

        Returns:
            (arrays, {"epoch", "loss"}), or (None, worst) without any.
        """

        def check(arrays, meta):
            files.require_forms(meta, {"epoch": files.count, "loss": (int, float)})
            if not math.isfinite(meta["loss"]):
                raise ValueError(f"its loss is {meta['loss']}")
            if fits:
                fits(arrays, meta)

        path = self.folder / BEST
        if path.is_file():
            try:
                return checkpoints.read(path, check)
            except checkpoints.BrokenCheckpoint as error:
                say(f"{error}; looking for the best weights anew")
        return None, {"epoch": 0, "loss": math.inf}


def read_metrics(folder):
    """Returns the lines of a run's metrics.jsonl as dictionaries, but for those cut at its end.

    Raises:
        ValueError: If a line before the last good one cannot be read.
    """
    path = Path(folder) / METRICS_FILE
    lines, cut = [], None
    texts = path.read_bytes().decode(errors="replace").splitlines() if path.is_file() else []
    for number, text in enumerate(texts, start=1):
        try:
            line = json.loads(text)
            files.require_forms(line, _LINE)
        except (ValueError, RecursionError) as error:
            cut = cut or f"{path} cannot be read: line {number}: {common.one_line(error)}"
            continue
        if cut:
            raise ValueError(cut)
        lines.append(line)
    return lines


def read_result(folder):
    """Returns a run's result.json.

    Raises:
        ValueError: If it is missing, cut, or holds something else; one line that names it.
    """
    return files.read_json(Path(folder) / RESULT_FILE, **_RESULT)
