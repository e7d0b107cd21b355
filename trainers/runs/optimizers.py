"""How the weights are moved: learning-rate schedule and optimizer."""

import math

import keras
from keras import ops

from trainers.runs import flagfiles
from trainers.runs.options import train_flags


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up to `peak`, then constant, or down to `final` by cosine or exponentially.

    Args:
        kind: "constant", "cosine" or "exponential".
        peak: Highest learning rate.
        final: Learning rate at `steps`; None: 0 for cosine, a hundredth of `peak` else.
        warmup: Steps of warm-up; step i of them has the rate peak (i + 1) / warmup.
        steps: Steps altogether, the warm-up included.
    """

    def __init__(self, kind, peak, final=None, warmup=0, steps=1):
        if final is None:
            final = 0.0 if kind == "cosine" else peak / 100
        if kind == "exponential" and not (peak > 0 and final > 0):
            raise ValueError(
                "--schedule=exponential needs --learning_rate and --final_learning_rate above 0, "
                f"got {peak} and {final}"
            )
        self.kind, self.peak, self.final = kind, float(peak), float(final)
        self.warmup, self.steps = int(warmup), int(steps)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        progress = ops.clip((step - self.warmup) / max(self.steps - self.warmup, 1), 0.0, 1.0)
        if self.kind == "cosine":
            share = 0.5 * (1.0 + ops.cos(math.pi * progress))
            rate = self.final + (self.peak - self.final) * share
        elif self.kind == "exponential":
            rate = self.peak * ops.exp(progress * math.log(self.final / self.peak))
        else:
            rate = ops.full_like(step, self.peak)
        return ops.where(step < self.warmup, self.peak * (step + 1) / max(self.warmup, 1), rate)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "kind": self.kind,
            "peak": self.peak,
            "final": self.final,
            "warmup": self.warmup,
            "steps": self.steps,
        }


def keep_end(options, pieces):
    """Has a run go on as its flow's training ended, in what its own flags leave unset.

    Learning rate and schedule are those of the recipe, and the rate at the end is the one that the
    recipe's schedule ended with, unless the run never goes above it. A new --base is trained anew.

    Args:
        options: Parsed flags of the optimizer, which are changed.
        pieces: What the flow was trained by, as `results.pieces` has it.

    Returns:
        What to tell of it; "" where nothing was changed, or no recipe can be read.
    """
    recipes = [text for piece in pieces if isinstance(text := piece.get("recipe"), str)]
    if not recipes or options.base:
        return ""
    lines = [line for line in recipes[-1].splitlines() if line.startswith("--")]
    try:
        before = flagfiles.new_options(train_flags, [x for x in lines if "flagfile" not in x])
    except ValueError:  # Of another version.
        return ""
    rates = before.learning_rate, before.final_learning_rate
    kept = {"learning_rate": before.learning_rate, "schedule": before.schedule}
    kept = {name: value for name, value in kept.items() if not options[name].present}
    peak = kept.get("learning_rate", options.learning_rate)
    if kept.get("schedule", options.schedule) != "constant":
        if before.schedule != "constant" and not options["final_learning_rate"].present:
            kept["final_learning_rate"] = min(Schedule(before.schedule, *rates).final, peak)
    for name, value in kept.items():
        options[name].value = value
    told = " ".join(f"--{name}={value}" for name, value in kept.items())
    return f"as {pieces[-1]['of']} was trained: {told}" if kept else ""


def make(options, model, steps, replicas=1, continued=False):
    """Makes the optimizer for a flow's weights, its state built.

    Args:
        options: Parsed flags of the optimizer.
        model: The flow.
        steps: Steps of the whole training, for the schedule.
        replicas: Replicas in sync. Keras clips the gradient of each, which is a share of the whole.
        continued: Whether the weights are a trained flow's, that came without their moments; a
            first step at the full rate would throw them off, so there is always a warm-up.
    """
    warmup, clip = options.warmup_steps, options.clip_norm
    if warmup is None or (continued and not warmup):
        warmup = min(500, steps // 20)
    if clip is None:
        # A log-likelihood and its gradient grow with the dimension. That is the order of what the
        # recipes take: one event far from all others does not throw the weights off.
        clip = max(5.0, math.prod(model.event_shape))
    schedule = Schedule(
        options.schedule,
        options.learning_rate,
        options.final_learning_rate,
        warmup,
        steps,
    )
    beta = {} if options.beta_2 is None else {"beta_2": options.beta_2}
    if beta and not options.optimizer.startswith("adam"):
        raise ValueError(f"--beta_2 is for adam, adamw and adamax, not for {options.optimizer}")
    made = type(keras.optimizers.get(options.optimizer))(
        learning_rate=schedule,
        # AdamW refuses None; the others skip the decay for it.
        weight_decay=options.weight_decay or (0.0 if options.optimizer == "adamw" else None),
        global_clipnorm=clip / replicas or None,
        use_ema=options.ema_momentum > 0,
        # The average starts from the first weights, which a span of a tenth of the steps forgets.
        ema_momentum=min(options.ema_momentum, max(0.0, 1.0 - 10.0 / steps)),
        **beta,
    )
    # Decay is for kernels: pulling biases, scales and log-scales to zero changes the model's units.
    if small := [v for v in model.trainable_variables if len(v.shape) < 2]:
        made.exclude_from_weight_decay(var_list=small)
    made.build(model.trainable_variables)
    return made


def jit_compile(options, distribution):
    """Whether `fit` compiles its steps with XLA; "auto", on one device: the flow's own choice."""
    if options.jit == "auto":
        return "auto" if distribution is None else False
    return options.jit == "true"
