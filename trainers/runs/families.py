"""From flags to an untrained flow of one of the families of `zoo.MODELS`."""

import inspect
import json
import math
import operator
import os

import zoo
from trainers.runs import common, metrics
from trainers.runs.options import MOST_LAYERS, MOST_UNITS, model_argument_flags, names

# What the data set and flags of their own decide.
_GIVEN = set("layers event_shape context_shape num_classes levels seed dtype name".split())


def family(name, flag="--model"):
    """Returns the class of `zoo.MODELS` called `name`; `flag` is what the error calls it.

    Raises:
        ValueError: If there is none.
    """
    if not isinstance(name, str) or name not in zoo.MODELS:
        raise ValueError(f"{flag} must be one of {', '.join(sorted(zoo.MODELS))}; got {name!r}")
    return zoo.MODELS[name]


def of_events(event_shape):
    """Parts the families by whether they take events of this shape.

    Returns:
        Two dictionaries by the keys of `zoo.MODELS`: those that do, with their classes, and what
        the others say.
    """
    taken, refused = {}, {}
    for name, cls in zoo.MODELS.items():
        try:
            cls(event_shape=tuple(event_shape))
            taken[name] = cls
        except ValueError as error:
            refused[name] = common.one_line(error)
    return taken, refused


def accepted_arguments(cls):
    """Returns the names of the constructor arguments of a family."""
    return set(inspect.signature(cls).parameters)


def model_arguments(options):
    """Returns the constructor arguments that the family flags set, as a dictionary.

    A base that is another flow stays a dictionary, to be built when the latent is known.

    Raises:
        ValueError: If --hidden_units are no positive integers, --model_args or a --base in braces
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
    if arguments.get("base", "").startswith("{"):
        arguments["base"] = _json_object("base", arguments["base"])
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


def build(options, data):
    """Builds the flow that training starts from: a new one of --model, or that of --init_from.

    Args:
        options: Parsed flags of the family.
        data: The data set: its event_shape, levels and num_classes.

    Raises:
        ValueError: If the family does not exist or does not take one of the arguments,
            --class_conditional is given for data without labels, or the flow of --init_from is
            not there or one for other data.
    """
    if options.init_from:
        return _pretrained(options, data)
    if options.freeze:
        raise ValueError("--freeze needs --init_from, the flow whose layers stay as they are")
    given = {"levels": data.levels, "seed": options.seed}
    if options.class_conditional:
        if not data.num_classes:
            raise ValueError(f"--class_conditional needs labels, and {data.name} has none")
        given["num_classes"] = data.num_classes
    if options.precision != "float32":
        given["dtype"] = options.precision
    chosen = model_arguments(options)
    if isinstance(chosen.get("base"), dict):
        chosen["base"] = _base(chosen["base"], given, (math.prod(data.event_shape),))
    given["event_shape"] = data.event_shape
    return _construct(options.model, "--model", given, chosen)


def _base(arguments, given, latent_shape):
    """Builds the flow that --base describes, over latents of this shape."""
    arguments = dict(arguments)
    name = arguments.pop("model", None)
    latent = {"event_shape": tuple(latent_shape), "levels": None}
    return _construct(name, "the model of --base", given | latent, arguments)


def _pretrained(options, data):
    """The flow of --init_from, as it is or over a new base."""
    chosen = model_arguments(options)
    base, loss = chosen.pop("base", None), chosen.pop("loss", None)
    brought = ["model"] * bool(options.model) + sorted(chosen)
    brought += ["class_conditional"] * options.class_conditional
    brought += ["precision"] * (options.precision != "float32")
    if brought:
        raise ValueError(f"--init_from brings the flow with all it is made of: omit --{brought[0]}")
    flow = zoo.load(options.init_from)
    metrics.check_fit(flow, data)
    if loss is not None:
        if base is not None:
            raise ValueError("with another --base a flow is trained by its likelihood: omit --loss")
        flow.set_loss(loss)
    if base is None and options.freeze:
        raise ValueError("--freeze needs --base: with all layers frozen nothing is trained")
    # Both ways: a flow that was trained with --freeze remembers it.
    for layer in filter(None, [*flow.stack.layers, flow.dequantizer]):
        layer.trainable = not options.freeze
    if base is None:
        return flow
    shared = {"num_classes": flow.num_classes, "dtype": flow.dtype_policy}
    if isinstance(base, dict):
        base = _base(base, shared | {"seed": options.seed}, flow.latent_shape)
    return zoo.Flow(
        flow.stack.layers,
        levels=flow.levels,
        base=base,
        dequantization=flow.dequantizer or "uniform",
        jit_compile=flow.jit,
        recompute=flow.recompute,
        **shared,
    )


def _construct(name, flag, given, chosen):
    """Calls the constructor of a family with arguments given by the data and chosen by the user."""
    cls = family(name, flag)
    choice = accepted_arguments(cls) - _GIVEN
    if unknown := sorted(set(chosen) - choice):
        raise ValueError(
            f"{flag} {name} has no argument {unknown[0]!r}; it takes {', '.join(sorted(choice))}"
        )
    _require_room(flag, name, chosen)
    try:
        return cls(**given, **chosen)
    except ValueError:
        raise
    except Exception as error:  # arguments of wrong types fail wherever they are first used
        raise ValueError(
            f"{flag} {name} refused its arguments: {common.one_line(error)[:200]}"
        ) from error


def _require_room(flag, name, chosen):
    """Refuses a flow that takes more memory than there is, before any of it is allocated."""
    limits = dict.fromkeys(("num_layers", "scales", "steps", "blocks"), MOST_LAYERS)
    limits["components"] = MOST_UNITS
    counts = {key: chosen[key] for key in limits if isinstance(chosen.get(key), int)}
    units = chosen.get("hidden_units") or [chosen.get("width")] * 2
    units = [n for n in (units if isinstance(units, list | tuple) else ()) if isinstance(n, int)]
    for what, number, most in (
        *((key, count, limits[key]) for key, count in counts.items()),
        ("hidden_units or width", max(units, default=0), MOST_UNITS),
        ("hidden layers", len(units), MOST_LAYERS),
    ):
        if number > most:
            raise ValueError(f"{flag} {name}: expected {what} of at most {most}, got {number}")
    # At the least: masked networks hold half of their matrices.
    matrices = sum(map(operator.mul, units, units[1:])) // 2
    weights = matrices * math.prod(counts.get(key, 1) for key in ("num_layers", "scales", "steps"))
    needed = 16 * weights  # bytes, with gradient and two moments
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > memory:
        raise ValueError(
            f"{flag} {name} would take over {needed / 2**30:.0f} GiB in training, and this machine "
            f"has {memory / 2**30:.0f}; give fewer layers or units"
        )
