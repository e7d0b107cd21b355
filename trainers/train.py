"""Trains a flow: `python -m trainers.train --model=maf --dataset=digits --model_dir=runs/maf`.

Started again on the same --model_dir, it continues from the last complete checkpoint there, one at
the end of each epoch, every --checkpoint_minutes, and after SIGINT and SIGTERM. The
weights that were best on validation data end up in model.keras, their test figure in result.json.
Recipes: `python -m trainers.train --flagfile=trainers/recipes/maf-digits.flags --model_dir=...`.
A pretrained flow is trained further with `--init_from=maf-digits` in the place of --model.
"""

from trainers.runs import arguments, common, files, options

define_flags = options.train_flags


def main(args):
    """Trains as the flags say; returns nothing."""
    common.require(args, *([] if args.init_from else ["model"]), "dataset", "model_dir")
    files.writable(args, "model_dir")
    arguments.check_training(args)
    common.start_tensorflow()
    train(args)


def train(args):
    """Trains as `trainers.runs.training` does, with pictures on the way; returns the result."""
    from trainers.reports import progress
    from trainers.runs import training

    folder = files.path(args.model_dir)
    draw = progress.Pictures(folder, args.picture_interval, args.tensorboard, args.seed)
    watch = progress.Watch(args.epochs, args.max_steps, args.max_minutes, args.progress)
    return training.train(args, [draw, watch])


if __name__ == "__main__":
    common.run(define_flags, main)
