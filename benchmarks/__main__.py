"""Measures this library beside its peers; `make bench` runs it in an environment with all of them.

Example:

```sh
python -m benchmarks --tasks=T1,T2 --rounds=10 --output=results.json
python -m benchmarks --tasks= --output=benchmarks/results.json --page=docs/benchmarks.md
```
"""

import sys

from absl import app, flags

from benchmarks import run

FLAGS = flags.FLAGS

for _name, _known in run.KNOWN.items():
    flags.DEFINE_list(_name, _known, f"Among {', '.join(_known)}; all by default.")
flags.DEFINE_integer("rounds", 10, "Turns of each competitor.", lower_bound=1)
flags.DEFINE_integer("steps", 50, "Training steps of one call of fit.", lower_bound=1)
flags.DEFINE_float("seconds", 60.0, "Time after which a competitor's operation has no more turns.")
flags.DEFINE_integer("threads", 2, "Threads of every competitor.", lower_bound=1)
flags.DEFINE_string("output", None, "JSON file for the results; those of other tasks stay in it.")
flags.DEFINE_string("page", None, "Page to fill with them, such as docs/benchmarks.md.")
flags.DEFINE_string("pictures", "docs/images/benchmarks", "Folder for the pictures.")


def main(argv):
    """Runs; wrong flags and failures end with one line."""
    if len(argv) > 1:
        sys.exit(f"expected flags only, got {' '.join(argv[1:])}")
    try:
        run.check(FLAGS)
        record = run.measure(FLAGS)
        if FLAGS.page:
            run.write(FLAGS.page, record)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
