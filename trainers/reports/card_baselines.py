"""What a model card says of the baselines that a flow was compared with."""

from trainers.reports import markdown
from trainers.runs import metrics


def section(baselines):
    """Writes the section of a card.

    Args:
        baselines: What `baselines.compare` found.

    Returns:
        Its heading, table and what is to be known of it.
    """
    table = "nats" in baselines[0]
    unit, figure = ("nats an event", "nats") if table else ("bits per dimension", "bits_per_dim")
    rows = [
        [
            _name(b),
            metrics.shown(b[figure]),
            metrics.shown(b["margin"]),
            f"{b.get('floor', b.get('bandwidth')):.2g}"
            + ", of logarithms" * b.get("logarithms", False)
            + ", decorrelated" * b.get("whitened", False),
        ]
        for b in baselines
    ]
    chosen = "variance floor" + " or bandwidth" * table
    text = markdown.table(rows, ["", unit, "this flow is better by", chosen])
    how = "to the same dequantized training data (several draws of the noise), the floor of the "
    how += "variances chosen on the validation split"
    if table:
        how = (
            "to the same training data, as it is or in logarithms, decorrelated or not; number of "
        )
        how += "components, floor of the variances and bandwidth chosen on the validation split"
    return (
        f"## Baselines\n\n{text}\n\nFitted by scikit-learn {how}, and measured "
        "as the flow was. Margins are means over test examples, in pairs, ± two standard errors."
    )


def _name(baseline):
    count = baseline.get("components")
    if count is None:
        return "kernel density estimate"
    return f"{count} full-covariance Gaussian{'s' * (count > 1)}"
