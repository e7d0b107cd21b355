"""Shows the whole way in a few minutes, offline: `python -m trainers.demo`, or `make demo`.

Loads a pretrained flow, evaluates it, draws samples, retrains it from its recipe for a few epochs,
exports it, and runs the export in a process that can import nothing but TensorFlow. Exits non-zero
if any of this does not hold what the model card promises.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from trainers import evaluate
from trainers.reports import pictures
from trainers.runs import common, entries, files, flagfiles, metrics, options

_MARK = ".flow-zoo-demo"
_AGREE = 1e-5  # largest relative difference of log_prob between the flow and its export


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    define.path("model", "maf-digits", "Name of the pretrained flow.")
    define.path("recipe", None, "Recipe to retrain (that of --model).")
    define.integer("epochs", 5, "Epochs of the retraining.", lower_bound=1)
    define.path("output_dir", "demo_output", "Folder for what it makes.")


def main(args):
    """Runs the demo; returns 0 if every check holds, 1 else."""
    recipe = Path(args.recipe or Path(__file__).parent / "recipes" / f"{args.model}.flags")
    if not recipe.is_file():
        raise ValueError(f"there is no recipe {recipe}; give one with --recipe")
    folder = fresh_folder(files.writable(args, "output_dir"))
    start = time.monotonic()
    common.start_tensorflow()
    import zoo

    print(zoo.list_models(), end="\n\n", flush=True)
    demo = Demo(args.model, recipe, folder)
    for step in (demo.load, demo.evaluate, demo.draw):
        step()
    demo.retrain(args.epochs)
    demo.export()
    demo.run_export()
    print("\n" + common.table(demo.rows, header=("step", "outcome", "where")))
    minutes, seconds = divmod(round(time.monotonic() - start), 60)
    failed = [step for step, outcome, _ in demo.rows if outcome.startswith("FAILED")]
    print(f"\n{minutes} min {seconds} s, {len(failed)} of {len(demo.rows)} steps failed")
    return 1 if failed else 0


def fresh_folder(folder):
    """Empties the folder of an earlier demo, or makes one; refuses any other that holds something.

    Raises:
        ValueError: If the folder holds something that no demo made.
    """
    if folder.exists() and not (folder / _MARK).is_file() and any(folder.iterdir()):
        raise ValueError(
            f"--output_dir={folder} holds something that is not of this demo; give a new folder"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()
    return folder


class Demo:
    """The steps of the demo, and in `rows` what came of them.

    Args:
        name: Name of the pretrained flow.
        recipe: Its flagfile.
        folder: Folder for what is made.
    """

    def __init__(self, name, recipe, folder):
        self.name, self.recipe, self.folder, self.rows = name, recipe, folder, []

    def _note(self, step, holds, outcome, where=""):
        self.rows.append((step, outcome if holds else f"FAILED: {outcome}", str(where)))
        print(f"{step}: {self.rows[-1][1]}", flush=True)

    def load(self):
        """Loads the pretrained flow, its hashes checked, and its data."""
        import zoo
        from trainers import datasets

        self.flow = zoo.load(self.name)
        recipe = flagfiles.new_options(options.train_flags, [f"--flagfile={self.recipe}"])
        self.data = datasets.load(recipe.dataset, **options.data_arguments(recipe))
        outcome = f"{type(self.flow).__name__}, {self.flow.count_params():,} parameters"
        self._note(f"load {self.name}", True, outcome)

    def evaluate(self):
        """Takes the test figure anew, and compares it with the one on record."""
        result = evaluate.evaluate(self.flow, self.data, round_trip_examples=300)
        result |= {"model": self.name, "dataset": self.data.name}
        evaluate.write(self.folder, result, self.flow, self.data)
        figure = result["bits_per_dim"]
        on_record = (entries.metadata(self.name).get("metrics") or {}).get("bits_per_dim")
        promised = on_record["mean"] if on_record else figure["mean"]
        self._note(
            "evaluate",
            abs(figure["mean"] - promised) <= 0.5 * figure["error"],
            f"{metrics.shown(figure)} bits/dim (on record: {promised:.4f})",
            self.folder / "evaluation.json",
        )
        if trips := result["round_trip"]:  # A VAE has none.
            worst = trips["data"]
            self._note("round trip", worst < 1e-2, f"largest error {worst:.1e} on test data")

    def draw(self):
        """Draws samples: to a PNG, or where no picture shows them to an array."""
        samples = np.asarray(self.flow.sample(64, seed=0))
        what, path = "a picture of samples", self.folder / "samples.png"
        if pictures.drawable(self.flow.event_shape):
            pictures.save_png(pictures.sample_picture(self.flow), path)
        else:
            what, path = "64 samples", path.with_suffix(".npy")
            np.save(path, samples)
        self._note("sample", bool(np.isfinite(samples).all()), what, path)

    def retrain(self, epochs):
        """Trains from the recipe, in a process of its own, for a few epochs."""
        run = self.folder / "run"
        command = [
            *(sys.executable, "-m", "trainers.train", f"--flagfile={self.recipe}"),
            *(f"--model_dir={run}", f"--epochs={epochs}", "--picture_interval=0"),
        ]
        status = subprocess.run(command, env=_environment(), check=False).returncode
        if status:
            return self._note("retrain", False, f"exit status {status}", run)
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        first, last = (json.loads(line)["val_bits_per_dim"] for line in (lines[0], lines[-1]))
        outcome = f"validation {first:.3f} -> {last:.3f} bits/dim in {len(lines)} epochs"
        return self._note("retrain", epochs == 1 or last < first, outcome, run)

    def export(self):
        """Exports the pretrained flow as a SavedModel."""
        import zoo

        path = self.folder / "saved_model"
        zoo.export(self.flow, path)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        self._note("export", True, f"SavedModel of {size / 1e6:.1f} MB", path)

    def run_export(self):
        """Loads the SavedModel where only TensorFlow can be imported, and compares log_prob."""
        x, labels = metrics.arrays(self.data, "test", bool(self.flow.num_classes), limit=100)
        x = x.astype("float32") + (0.5 if self.flow.levels else 0.0)
        inputs = {"x": x} | ({} if labels is None else {"context": labels.astype("int32")})
        inputs_path, output_path = self.folder / "inputs.npz", self.folder / "log_prob.npy"
        np.savez(inputs_path, **inputs)
        script = Path(__file__).with_name("tensorflow_only.py")
        paths = (script, self.folder / "saved_model", inputs_path, output_path)
        # -I leaves out the working folder and PYTHONPATH: what is refused cannot come from there.
        command = [sys.executable, "-I", *map(str, map(Path.absolute, paths))]
        step = "run it with tensorflow alone"
        # TensorFlow tells there of GPUs it has not found; that is of interest only if it fails.
        done = subprocess.run(
            command, env=_environment(), check=False, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            sys.stderr.write(done.stderr)
            return self._note(step, False, f"exit status {done.returncode}")
        expected = np.asarray(self.flow.log_prob(**inputs, seed=0))  # The export's, of estimates.
        found = np.load(output_path)
        worst = float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected))))
        outcome = f"log_prob agrees to {worst:.1e} of its size"
        return self._note(step, worst <= _AGREE, outcome, output_path)


def _environment():
    """The environment of a process that can import this package from any working folder."""
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


if __name__ == "__main__":
    common.run(define_flags, main)
