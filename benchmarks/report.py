"""Medians, ratios, and aligned tables."""

import statistics


def summary(seconds):
    """Median and quartiles of the times of several rounds, in milliseconds.

    Args:
      seconds: Seconds, one a round, at least one.
    """
    if len(seconds) > 1:
        low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    else:
        low = high = seconds[0]
    return {
        "median_ms": 1e3 * statistics.median(seconds),
        "low_ms": 1e3 * low,
        "high_ms": 1e3 * high,
        "rounds": len(seconds),
    }


def compare(entries, peers, limit_ms):
    """Adds to each entry its ratio to the fastest peer, and to the limit of the machine.

    Args:
      entries: Dictionary from names to what `summary` returns; changed in place.
      peers: Names that count as peers.
      limit_ms: The least time that the task's products take at the machine's rate.

    Returns:
      Name of the fastest peer, or `None` where there is none.
    """
    there = [name for name in peers if name in entries]
    best = min(there, key=lambda name: entries[name]["median_ms"], default=None)
    for entry in entries.values():
        entry["to_limit"] = entry["median_ms"] / limit_ms
        entry["to_best_peer"] = entry["median_ms"] / entries[best]["median_ms"] if best else None
    return best


def table(header, rows):
    """Rows of text in aligned columns: the first column to the left, the others to the right.

    Args:
      header: Names of the columns.
      rows: Lists of strings, one a column.
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]

    def text(line):
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        return "  ".join(cells).rstrip()

    return "\n".join([text(lines[0]), "  ".join("-" * w for w in widths), *map(text, lines[1:])])


def number(x, digits=2):
    """`x` as text; a dash where there is none."""
    if x is None:
        return "-"
    return f"{x:.{digits}f}" if x < 100 else f"{x:.0f}"


HEADER = ("competitor", "x best peer", "x limit", "ms", "quartiles", "rounds", "parameters")


def operation_table(entries):
    """The table of one operation of one task, the fastest first.

    Args:
      entries: As `compare` leaves them, each with `parameters` too.
    """
    rows = []
    for name in sorted(entries, key=lambda name: entries[name]["median_ms"]):
        entry = entries[name]
        rows.append(
            [
                name,
                number(entry["to_best_peer"], 3),
                number(entry["to_limit"]),
                number(entry["median_ms"]),
                f"{number(entry['low_ms'])}..{number(entry['high_ms'])}",
                str(entry["rounds"]),
                f"{entry['parameters']:,}",
            ]
        )
    return table(HEADER, rows)


def verdicts(results, ours, aims):
    """A table of the ratios that this library aims at, and those it reached.

    Args:
      results: Dictionary from tasks to operations to `{"entries", "best_peer"}`.
      ours: Name of this library among the competitors.
      aims: Dictionary from tasks to operations to ratios.
    """
    rows = []
    for task, operations in results.items():
        for operation, result in operations.items():
            entry = result["entries"].get(ours)
            aim = aims.get(task, {}).get(operation)
            if entry is None or aim is None or entry["to_best_peer"] is None:
                continue
            ratio = entry["to_best_peer"]
            rows.append(
                [
                    f"{task} {operation}",
                    number(ratio, 3),
                    number(aim),
                    "met" if ratio <= aim else "missed",
                    result["best_peer"],
                    number(entry["to_limit"]),
                ]
            )
    header = ("task", "ours / best peer", "aim", "", "best peer", "ours / limit")
    return table(header, rows) if rows else ""
