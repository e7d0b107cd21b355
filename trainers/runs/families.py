"""From flags to an untrained flow of one of the families of `zoo.MODELS`, or a VAE of them."""

import inspect
import math
import operator
import os

import zoo
from trainers.datasets import catalogue
from trainers.runs import common, metrics, vaes
from trainers.runs.arguments import GIVEN, model_arguments, require_accepted
from trainers.runs.options import MOST_LAYERS, MOST_UNITS


def family(name, flag="--model"):
    """Returns the class of `zoo.MODELS` called `name`, or what makes a VAE for "vae".

    `flag` is what the error calls it.

    Raises:
        ValueError: If there is none.
    """
    known = zoo.MODELS | ({"vae": vaes.vae} if flag == "--model" else {})
    if not isinstance(name, str) or name not in known:
        hint = catalogue.did_you_mean(name, known)
        raise ValueError(f"{flag} must be one of {', '.join(sorted(known))}; got {name!r}{hint}")
    return known[name]


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
    vae = options.model == "vae"
    latent = chosen.get("latent", vaes.LATENT) if vae else math.prod(data.event_shape)
    if isinstance(chosen.get("base"), dict):
        chosen["base"] = _base(chosen["base"], given, (latent,))
    if vae:
        units = chosen.get("hidden_units") or vaes.HIDDEN_UNITS
        chosen["posterior"] = _posterior(chosen.get("posterior"), given, latent, units[-1])
    given["event_shape"] = data.event_shape
    if not vae:  # Which is for grey levels.
        given |= {n: v for n in ("bounds", "standardize") if (v := getattr(data, n)) is not None}
    return _construct(options.model, "--model", given, chosen)


def _base(arguments, given, latent_shape):
    """Builds the flow that --base describes, over latents of this shape."""
    arguments = dict(arguments)
    name = arguments.pop("model", None)
    latent = {"event_shape": tuple(latent_shape), "levels": None}
    return _construct(name, "the model of --base", given | latent, arguments)


def _posterior(described, given, size, code):
    """Builds the posterior that --posterior names or describes, over a diagonal Gaussian.

    Both are conditional on the encoder's output.
    """
    arguments = dict(described) if isinstance(described, dict) else {"model": described or "iaf"}
    name, dtype = arguments.pop("model", None), given.get("dtype")
    diagonal = vaes.diagonal(size, code, given["seed"], dtype)
    if name == "diagonal" and not arguments:
        return diagonal
    taken = accepted_arguments(family(name, "--posterior"))
    own = {"fast": "sample"} if "fast" in taken else {}
    if name not in vaes.WITH_A_GAUSSIAN:
        own["base"] = diagonal
    latent = {"event_shape": (size,), "context_shape": (code,), "levels": None}
    latent = {key: value for key, value in (given | latent).items() if key != "num_classes"}
    return _construct(name, "--posterior", latent, own | arguments)


def _pretrained(options, data):
    """The flow of --init_from, as it is or over a new base."""
    chosen = model_arguments(options)
    base, loss = chosen.pop("base", None), chosen.pop("loss", None)
    brought = ["model"] * bool(options.model) + sorted(chosen)
    brought += ["bounds"] * bool(options.bounds)  # Those of its first layer stay.
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
    layers = flow.stack.layers if hasattr(flow, "stack") else []
    for layer in filter(None, [*layers, flow.dequantizer]):
        layer.trainable = not options.freeze
    if base is None:
        return flow
    if not layers:
        raise ValueError(f"{options.init_from} is no flow, and keeps its prior: omit --base")
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
    choice = accepted_arguments(cls) - GIVEN
    require_accepted(name, flag, chosen, choice)
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
