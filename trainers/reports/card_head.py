"""The head of a model card: what Hugging Face's pages read, in YAML between two lines `---`."""

import json
import re

_PLAIN = re.compile(r"[A-Za-z][\w ./+-]*\Z")  # No number, no mark of YAML's.
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def head(name, model, metadata):
    """Writes the head.

    Args:
        name: Name of the entry.
        model: What its manifest says of the flow.
        metadata: Its metadata: "dataset" and "metrics".

    Returns:
        YAML, between its two lines.
    """
    image = len(model["event_shape"]) == 3
    dataset, family = metadata["dataset"], model["family"]
    tags = ["normalizing-flow", "density-estimation", "keras", "tensorflow-probability"]
    metrics = {
        "bits_per_dim": "bits per dimension",
        "nats": "log-likelihood of an event, nats",
    }
    wanted = metrics if model["levels"] else ["nats"]
    task = "unconditional-image-generation" if image else "tabular-density-estimation"
    measured = [
        {
            "type": key,
            "name": metrics[key],
            "value": round(metadata["metrics"][key]["mean"], 4),
            "error": round(metadata["metrics"][key]["error"], 4),
        }
        for key in wanted
    ]
    data = {"type": dataset, "name": dataset, "split": "test"}
    result = {"task": {"type": task}, "dataset": data, "metrics": measured}
    fields = {
        "license": "apache-2.0",
        "library_name": "flow-zoo",
        **({"pipeline_tag": task} if image else {}),
        "tags": [*tags, family.lower(), *(["class-conditional"] if model["num_classes"] else [])],
        "datasets": [dataset],
        "metrics": list(wanted),
        "model-index": [{"name": name, "results": [result]}],
    }
    return "\n".join(["---", *yaml(fields), "---"])


def yaml(value, indent=0):
    """Lines of YAML of dictionaries, lists, texts and numbers."""
    space, lines = " " * indent, []
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                lines += [f"{space}{key}:", *yaml(inner, indent + 2)]
            else:
                lines.append(f"{space}{key}: {_scalar(inner)}")
        return lines
    for item in value:
        if isinstance(item, dict | list):
            first, *rest = yaml(item, indent + 2)
            lines += [f"{space}- {first.lstrip()}", *rest]
        else:
            lines.append(f"{space}- {_scalar(item)}")
    return lines


def _scalar(value):
    plain = isinstance(value, str) and _PLAIN.match(value) and value.lower() not in _WORDS
    return value if plain else json.dumps(value, ensure_ascii=False)
