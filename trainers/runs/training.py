"""The training run behind `trainers.train`: from flags to best weights and their test figure."""

import contextlib
import functools
import math

import keras
import tensorflow as tf

import zoo
from trainers import datasets
from trainers.runs import (
    arguments,
    callbacks,
    families,
    folders,
    interruptions,
    metrics,
    optimizers,
    results,
    strategies,
)


def train(flags, more_callbacks=()):
    """Trains the flow that the flags describe, or trains it on.

    Args:
        flags: Parsed flags of `trainers.train`.
        more_callbacks: Keras callbacks of the process that writes, before those that keep weights.

    Returns:
        The result as written to result.json; None in workers other than the chief.

    Raises:
        ValueError: On a flag, data set or folder that does not do, when the loss stops being a
            finite number, or where the test figure needs an iteration that does not converge; the
            best weights so far are then in model.keras.
        Interrupted: After SIGINT or SIGTERM, with a checkpoint written.
    """
    if not flags.init_from:
        families.family(flags.model)
    distribution = strategies.make(flags)
    chief = flags.strategy != "multi_worker_mirrored" or strategies.is_chief()
    data = datasets.load(flags.dataset, **arguments.arguments_of_data(flags, flags.init_from))
    for line in data.words if chief else ():
        print(line, flush=True)
    keras.utils.set_random_seed(flags.seed % 2**32)
    trainer = _Trainer(flags, data, distribution, chief)
    with distribution.scope() if distribution else contextlib.nullcontext():
        trainer.build()
    with folders.Run(flags.model_dir, flags, writes=chief) as run:
        trainer.open(run)
        try:
            trainer.fit(more_callbacks)
        except callbacks.Diverged as error:
            raise ValueError(f"training stopped: {error}. {trainer.keep_last_good()}") from error
        return trainer.finish() if chief else None


class _Trainer:
    """One start of a run."""

    def __init__(self, flags, data, distribution, chief):
        self.flags, self.data, self.chief = flags, data, chief
        self.distribution = distribution
        self.replicas = distribution.num_replicas_in_sync if distribution else 1
        counts = {split: data.num_examples(split) for split in ("train", "validation", "test")}
        if empty := [split for split, count in counts.items() if not count]:
            raise ValueError(f"{data.name} has no example for {empty[0]!r}, which training needs")
        examples = counts["train"]
        if not self.replicas <= flags.batch_size <= examples:
            raise ValueError(
                f"--batch_size must lie between {self.replicas} (replicas) and {examples} "
                f"(training examples of {data.name}), got {flags.batch_size}"
            )
        self.steps = examples // flags.batch_size
        if self.steps % flags.steps_per_execution:
            raise ValueError(
                f"--steps_per_execution must divide the {self.steps} steps of an epoch, got "
                f"{flags.steps_per_execution}"
            )
        self.input_ms, self.pieces = None, results.before(flags)
        self.say(optimizers.keep_end(flags, self.pieces))

    def build(self):
        """Makes the flow and its optimizer; under the strategy's scope."""
        self.flow = families.build(self.flags, self.data)
        self.flow.compile(
            optimizer=optimizers.make(
                *(self.flags, self.flow, self.steps * self.flags.epochs, self.replicas),
                continued=bool(self.flags.init_from),
            ),
            jit_compile=optimizers.jit_compile(self.flags, self.distribution),
            steps_per_execution=self.flags.steps_per_execution,
        )

    def batches(self, split, batch_size, **kwargs):
        """Batches of x, or of (x, label) for a class-conditional flow."""
        labels = bool(self.flow.num_classes)
        batches = self.data.batches(split, batch_size, labels=labels, **kwargs)
        if self.flags.strategy == "multi_worker_mirrored" and self.flow.levels:
            # Keras reduces a first batch over the workers, for which TensorFlow has no uint8.
            return batches.map(_widened)
        return batches

    def train_batches(self):
        """The training batches; two pipelines made here give the same passes, each by itself."""
        return self.batches(
            "train",
            self.flags.batch_size,
            shuffle=True,
            seed=self.flags.seed,
            drop_remainder=True,
            flips=self.flags.flips,
            fresh=self.flags.fresh,
        )

    def open(self, run):
        """Takes up the run where its folder left it, or initialises the flow from one batch."""
        self.run = run
        arrays, meta = run.checkpoints.latest(self.say, self.require_fitting)
        # Every pass over the data is another order, given by the seed and the number of the pass.
        self.train_data = self.train_batches()
        self.epoch, self.batch, self.seconds = 0, 0, 0.0
        self.best = {"epoch": 0, "loss": math.inf}
        if arrays is None:
            if run.checkpoints.paths():
                raise ValueError(
                    f"no checkpoint of {run.folder} is whole, so there is nothing to continue "
                    "from; train into another --model_dir, or remove this one"
                )
            self.adapt()
            if self.chief and self.pieces:
                results.note_start(run.folder, self.pieces)
        else:
            self.go_on(arrays, meta)

    def require_fitting(self, arrays, meta):
        """Raises ValueError unless a checkpoint is one of this model."""
        metrics_too = callbacks.metric_variables(self.flow) if meta["batch"] else []
        callbacks.require_fitting(arrays, [*callbacks.state(self.flow), *metrics_too])
        if not 0 <= meta["batch"] < self.steps:
            raise ValueError(f"it was written after batch {meta['batch']} of {self.steps}")

    def go_on(self, arrays, meta):
        """Takes up a checkpoint."""
        count = len(callbacks.state(self.flow))
        callbacks.restore(self.flow, arrays[:count])
        self.epoch, self.batch, self.metrics = meta["epoch"], meta["batch"], arrays[count:]
        self.seconds = meta["seconds"]
        if self.batch % self.flags.steps_per_execution:
            raise ValueError(
                f"--steps_per_execution must divide the {self.batch} steps done of this epoch, got "
                f"{self.flags.steps_per_execution}"
            )
        self.best = self.run.load_best(self.say)[1]
        if not math.isfinite(self.best["loss"]):
            self.best["epoch"] = self.epoch  # Lost: patience counts from here.
        for _ in range(self.epoch):
            iter(self.train_data)  # draws the order of a pass that has been made
        more = f", {self.batch} of {self.steps} steps into the next" * bool(self.batch)
        self.say(f"continuing {self.run.folder} after epoch {self.epoch}{more}")

    def adapt(self):
        """Initialises the flow from one batch, in an order of its own."""
        size, seed = self.flags.batch_size, self.flags.seed
        batch = next(iter(self.batches("train", size, shuffle=True, seed=seed)))
        batch = batch if self.flow.num_classes else (batch,)
        if not self.flags.init_from:
            self.flow.adapt(*batch)
        elif self.flags.base and isinstance(self.flow.base, zoo.Flow):
            # The layers have been trained; what is new is the base.
            context = batch[1:] if self.flow.base.conditional else ()
            self.flow.base.adapt(self.flow.encode(*batch), *context)

    def fit(self, more_callbacks):
        """Trains up to --epochs, --max_steps or --max_minutes, or until patience ends."""
        keep = callbacks.KeepBest(self.run, self.best, self.flags.patience)
        validated = self.validated()
        limit = callbacks.Limit(self.flags.max_steps, self.flags.max_minutes, validated)
        at_limit = limit.reached(self.epoch * self.steps + self.batch, self.seconds)
        whole = self.epoch >= self.flags.epochs or keep.exhausted(self.epoch)
        if whole or (at_limit and self.best["epoch"]):
            return
        self.run.start_over_at(self.epoch)
        self.measure_input()
        self.say(f"input: {self.input_ms:.2f} ms a step")
        start = self.epoch, self.batch
        first = [callbacks.StopWhenNotFinite(start)]
        if self.batch:
            first.append(callbacks.FinishEpoch(self.steps - self.batch, self.metrics))
        size = self.validation_batch_size()
        with interruptions.signals_noted() as signals:
            how_often = self.flags.checkpoint_minutes, signals, limit
            save = callbacks.SaveCheckpoints(self.run, self.steps, start, self.seconds, *how_often)
            self.flow.fit(
                # Endless, for Keras starts two passes over finite data an epoch, and the order of
                # the passes has to be the same after a restart.
                self.train_data.repeat().skip(self.batch),
                steps_per_epoch=self.steps,
                epochs=self.flags.epochs,
                initial_epoch=self.epoch,
                validation_data=self.batches("validation", size),
                validation_freq=validated,
                callbacks=[*first, *self.writers(more_callbacks), keep, save],
                shuffle=False,  # Keras need not warn that it leaves the data's own order alone.
                verbose=0,  # `reports.progress` tells.
            )

    def validated(self):
        """The epochs with a validation."""
        last, interval = self.flags.epochs, self.flags.validation_interval
        return sorted({*range(interval, last + 1, interval), last})

    def writers(self, more_callbacks):
        """The callbacks that draw and write; only the chief has any."""
        if not self.chief:
            return []
        for callback in more_callbacks:
            if hasattr(callback, "continue_from"):
                callback.continue_from(self.best)
        folder = self.run.folder / "tensorboard"
        scalars = [keras.callbacks.TensorBoard(folder, write_graph=False)]
        return [*scalars * self.flags.tensorboard, *more_callbacks]

    def validation_batch_size(self):
        """The largest batch size up to --batch_size that leaves no replica without an example."""
        examples = self.data.num_examples("validation")
        enough = self.replicas * (self.replicas - 1)
        for size in range(min(self.flags.batch_size, examples), 0, -1):
            if examples % size == 0 or examples % size > enough:
                return size
        return examples

    def say(self, text):
        """Prints, if this is the chief and there is something to say."""
        if self.chief and text:
            print(text, flush=True)

    def best_flow(self):
        """Returns (flow, meta) with the best weights, apart from the one that trains; or Nones."""
        flow = families.build(self.flags, self.data)
        fits = functools.partial(_require_weights, flow)
        arrays, meta = self.run.load_best(self.say, fits)
        if arrays is None:
            return None, None
        flow.set_weights(arrays)
        return flow, meta

    def keep_last_good(self):
        """Saves the best weights after a failure; returns what to tell of it."""
        if not self.chief:
            return ""
        flow, best = self.best_flow()
        if flow is not None:
            return results.keep(self.run.folder, flow, best, self.flags.dataset, self.data.about)
        self.run.checkpoints.clear()  # It would diverge from there again.
        return "No epoch was completed, so there are no weights to keep"

    def finish(self):
        """Saves the best flow, takes its test figure, and prints and writes both."""
        flow, best = self.best_flow()
        if flow is None:
            raise ValueError(
                f"no epoch of {self.run.folder} had a finite validation loss, so there are no "
                "weights to keep; train into another --model_dir with a lower --learning_rate"
            )
        about = {
            "model": self.flags.model or self.flags.init_from,
            "dataset": self.flags.dataset,
            "parameters": int(flow.count_params()),
            "best_epoch": best["epoch"],
            **results.course(self.run.folder),
            "input_ms_per_step": self.input_time(),
        }
        try:
            about |= metrics.test_figure(flow, self.data, draws=self.flags.noise_draws)
        except (zoo.NotConverged, ValueError) as error:
            kept = results.keep(self.run.folder, flow, best, self.flags.dataset, self.data.about)
            raise ValueError(f"no test figure: {error} {kept}") from error
        results.write(self.run.folder, flow, about, self.data.about)
        self.say(results.report(about))
        self.say(results.where(self.run.folder, flow, self.flags.dataset))
        return about

    def input_time(self):
        """Milliseconds of input a step; that of an earlier start, if this one did not train."""
        self.input_ms = self.input_ms or results.earlier(self.run.folder).get("input_ms_per_step")
        if self.input_ms is None:
            self.measure_input()
        return self.input_ms

    def measure_input(self):
        # A pipeline of its own: `train_data` must not lose a pass.
        self.input_ms = round(datasets.milliseconds_a_batch(self.train_batches()), 3)


def _require_weights(flow, arrays, meta):
    callbacks.require_fitting(arrays, flow.weights)


def _widened(x, *label):
    return (tf.cast(x, tf.int32), *label) if label else tf.cast(x, tf.int32)
