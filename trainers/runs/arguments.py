"""Arguments of a family, from flags; what is wrong with them is told without TensorFlow."""

import json
import math

from trainers.datasets import catalogue
from trainers.runs import entries
from trainers.runs.options import data_arguments, model_argument_flags, names

# What the data set and flags of their own decide.
GIVEN = set("layers event_shape context_shape num_classes levels seed dtype name".split())
GIVEN |= {"bounds", "standardize"}


def require_accepted(name, flag, chosen, choice):
    """Raises ValueError where arguments were chosen that a family does not take."""
    if unknown := sorted(set(chosen) - set(choice)):
        hint = catalogue.did_you_mean(unknown[0], choice)
        raise ValueError(
            f"{flag} {name} has no argument {unknown[0]!r}{hint}; it takes "
            f"{', '.join(sorted(choice))}"
        )


def check_training(options):
    """Raises ValueError, at once, for what a training run could not do anything with."""
    chosen = model_arguments(options)
    if options.init_from:
        entries.folder(options.init_from)
    else:
        entries.require_family(options.model)
        choice = entries.families()[options.model] - GIVEN
        require_accepted(options.model, "--model", chosen, choice)
    check_data(options, options.init_from)


def check_data(options, model=None):
    """Raises ValueError, at once, where a data set is not there or not as asked for."""
    catalogue.check(options.dataset, **arguments_of_data(options, model))


def arguments_of_data(options, model=None):
    """Arguments of `datasets.load`: flags, and of a user's own data what was kept with a flow.

    Args:
        options: Parsed flags.
        model: Name or path of the flow, or None.
    """
    found = data_arguments(options)
    if model and catalogue.source(options.dataset):
        found["known"] = entries.about_data(model)
    return found


def model_arguments(options):
    """Returns the constructor arguments that the family flags set, as a dictionary.

    A base that is another flow stays a dictionary, to be built when the latent is known.

    Raises:
        ValueError: If --hidden_units are no positive integers, --model_args or a flag in braces
            is no JSON object, or --model_args repeats a flag.
    """
    flags = {name: options[name].value for name in names(model_argument_flags)}
    arguments = {name: value for name, value in flags.items() if value is not None}
    if "hidden_units" in arguments:
        units = arguments["hidden_units"]
        if not all(unit.strip().isdecimal() and len(unit) < 12 and int(unit) > 0 for unit in units):
            raise ValueError(
                "--hidden_units must be positive integers such as 512,512; got "
                f"{','.join(units)[:60]}"
            )
        arguments["hidden_units"] = tuple(int(unit) for unit in units)
    for name in ("base", "coupling", "posterior", "transformer"):
        if arguments.get(name, "").startswith("{"):
            arguments[name] = _json_object(name, arguments[name])
    if options.model_args:
        further = _json_object("model_args", options.model_args)
        if twice := sorted(set(further) & set(arguments)):
            raise ValueError(f"--model_args repeats --{twice[0]}; give it once")
        arguments |= further
    return arguments


def _json_object(name, text):
    """Reads the value of a flag as a JSON object; its lists become tuples."""
    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"--{name} must be a JSON object: {error}; got {text[:80]}") from None
    if not isinstance(value, dict):
        raise ValueError(f"--{name} must be a JSON object; got {text[:80]}")
    return {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}


def _finite(text):
    if not math.isfinite(value := float(text)):
        raise ValueError(f"expected finite numbers, got {text[:20]}")
    return value
