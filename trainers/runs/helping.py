"""What `--help` prints: the flags that matter first, by topic; `--helpfull` prints all."""

import textwrap

# Topic -> flags, of all programs; those of a program that stand nowhere are its own.
TOPICS = {
    "what": "model dataset model_dir input output export_dir output_dir name init_from freeze",
    "data": (
        "columns label bounds splits split_seed drop_missing image_size resize levels binarize "
        "flips fresh data_dir manual_dir split outside"
    ),
    "family": (
        "num_layers hidden_units class_conditional activation transformer base model_args precision"
    ),
    "images": (
        "scales steps width blocks patch_size within dropout label_dropout coupling attention conv "
        "preprocessing alpha dequantization"
    ),
    "VAEs": "posterior latent likelihood free_bits kl_warmup_steps",
    "residual and continuous flows": "loss coefficient log_det",
    "optimizer": (
        "learning_rate beta_2 schedule warmup_steps clip_norm ema_momentum optimizer "
        "final_learning_rate weight_decay"
    ),
    "length": "epochs batch_size max_minutes max_steps patience validation_interval",
    "samples": "num context temperature guidance seed what given_label",
    "hardware": "strategy num_devices steps_per_execution jit",
    "output": (
        "progress tensorboard picture_interval checkpoint_minutes noise_draws overwrite debug"
    ),
}
# Of a program with more flags than a screen has lines, those to see first.
FIRST = set(
    "model dataset model_dir init_from columns label bounds image_size num_layers hidden_units "
    "class_conditional learning_rate schedule clip_norm ema_momentum epochs batch_size max_minutes "
    "patience seed".split()
)
MANY = 30


def page(program, about, flags, full=False):
    """The page that a program's `--help` prints.

    Args:
        program: How it is called.
        about: Its docstring.
        flags: name -> absl flag, those of the program.
        full: Whether to show all flags of a program that has many.
    """
    first = about.strip().partition("\n\n")
    lines = [f"{program}: {' '.join(first[0].split())}", "", *first[2].strip().splitlines()]
    few = full or len(flags) <= MANY
    rest = {}
    for topic, names in _by_topic(flags).items():
        shown = [n for n in names if few or n in FIRST]
        if hidden := [n for n in names if n not in shown]:
            rest[topic] = hidden
        if shown:
            lines += ["", f"{topic}:"]
            lines += [line for name in shown for line in _flag(flags[name])]
    if rest:
        lines += ["", "Further flags; --helpfull explains all:"]
        for topic, names in rest.items():
            text = f"{topic}: {' '.join('--' + name for name in names)}"
            lines += textwrap.wrap(text, 96, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def _by_topic(flags):
    found = {topic: [n for n in names.split() if n in flags] for topic, names in TOPICS.items()}
    placed = {name for names in found.values() for name in names}
    found["of this program"] = [name for name in flags if name not in placed]
    return {topic: names for topic, names in found.items() if names}


def _flag(flag):
    """Lines of one flag: its name, its default, and what it is for."""
    default = None if flag.default in (None, False) else flag.default_as_str.strip("'")
    head = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    head += f" (default {default})" if default else ""
    text = f"{head}: {flag.help}"
    return textwrap.wrap(text, 96, initial_indent="  ", subsequent_indent="      ")
