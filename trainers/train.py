"""Trains a flow: `python -m trainers.train --model=maf --dataset=digits --model_dir=runs/maf`.

Started again on the same --model_dir, it continues from the last complete checkpoint there. The
weights that were best on validation data end up in model.keras, their test figure in result.json.
Recipes: `python -m trainers.train --flagfile=trainers/recipes/maf-digits.flags --model_dir=...`.
A pretrained flow is trained further with `--init_from=maf-digits` in the place of --model.
"""

from trainers.runs import common, options


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    options.family_flags(fv)
    options.data_flags(fv)
    options.optimizer_flags(fv)
    options.training_flags(fv)
    options.noise_flags(fv)


def main(args):
    """Trains as the flags say; returns nothing."""
    common.require(args, *([] if args.init_from else ["model"]), "dataset", "model_dir")
    common.start_tensorflow()
    from trainers.runs import training

    training.train(args, define_flags)


if __name__ == "__main__":
    common.run(define_flags, main)
