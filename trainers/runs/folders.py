"""The folder of a training run: its flags, metrics, checkpoints and best weights.

flags.txt        the flags of the run, an absl flagfile
metrics.jsonl    one line an epoch
checkpoints/     epoch-00012.npz and the one before it, best.npz
pictures/        samples on the way
tensorboard/     scalars and pictures for TensorBoard
model.keras      the best weights on validation data, with manifest.json beside it
result.json      the test figure
"""

import json
import math
from pathlib import Path

from trainers.runs import checkpoints, common, flagfiles

FLAGS_FILE, METRICS_FILE, RESULT_FILE = "flags.txt", "metrics.jsonl", "result.json"


class Run:
    """One training run on disk.

    Args:
        folder: Its folder; made if missing.
        flag_values: Parsed flags of the run.
        writes: Whether this process writes; workers other than the chief only read.

    Raises:
        ValueError: If the folder holds something else, or a run with other flags.
    """

    def __init__(self, folder, flag_values, writes=True):
        self.folder, self.writes = Path(folder).expanduser(), writes
        self.checkpoints = checkpoints.Checkpoints(self.folder / "checkpoints")
        if writes:
            self._check(flag_values)
            self.folder.mkdir(parents=True, exist_ok=True)
            flagfiles.write_flagfile(
                self.folder / FLAGS_FILE, flag_values, leave_out=("model_dir",)
            )

    def _check(self, flag_values):
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"--model_dir={self.folder} is a file; expected a folder")
        saved = self.folder / FLAGS_FILE
        if not saved.is_file():
            if self.folder.is_dir() and any(p.name[0] != "." for p in self.folder.iterdir()):
                raise ValueError(
                    f"--model_dir={self.folder} holds something that is no training run (it has "
                    f"no {FLAGS_FILE}); give a new or empty folder"
                )
            return
        if differing := flagfiles.differing_flags(saved, flag_values):
            raise ValueError(
                f"--model_dir={self.folder} holds a run with other flags: {', '.join(differing)}; "
                "use the same flags to continue it, or another folder"
            )

    def start_over_at(self, epoch):
        """Drops what metrics.jsonl says of epochs after `epoch`, and lines cut short."""
        path = self.folder / METRICS_FILE
        if not self.writes or not path.is_file():
            return
        kept = [line for line in read_metrics(self.folder) if line["epoch"] <= epoch]
        common.write_text(path, "".join(json.dumps(line) + "\n" for line in kept))

    def log(self, line):
        """Appends one line to metrics.jsonl."""
        with open(self.folder / METRICS_FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def save_best(self, arrays, meta):
        """Keeps the best weights so far, with {"epoch", "loss"}."""
        if self.writes:
            checkpoints.write(self.folder / "checkpoints" / "best.npz", arrays, meta)

    def load_best(self, say=print):
        """Returns (arrays, {"epoch", "loss"}) of the best weights, or (None, worst) without any."""
        path = self.folder / "checkpoints" / "best.npz"
        if path.is_file():
            try:
                return checkpoints.read(path)
            except checkpoints.BrokenCheckpoint as error:
                say(f"{error}; looking for the best weights anew")
        return None, {"epoch": 0, "loss": math.inf}


def read_metrics(folder):
    """Returns the lines of a run's metrics.jsonl as dictionaries, but for lines cut short."""
    path = Path(folder) / METRICS_FILE
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines
