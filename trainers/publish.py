"""Makes a finished run an entry of the zoo: `python -m trainers.publish --model_dir=runs/maf
--name=maf-digits`.

Writes model.keras, saved_model/ where it is small, samples.png and the model card, all or nothing,
and the index of the zoo anew. With --cards it writes the cards alone, of all entries or of --name,
from what their manifests say, with --exports the SavedModels too: nothing is evaluated.
"""

import os
import re
import shutil

from trainers import evaluate, explore
from trainers.reports import baselines, cards, outside, pictures
from trainers.runs import arguments, common, files, flagfiles, folders, metrics, options

# Bytes of a SavedModel that goes with an entry; of a larger one, the card tells how to make it.
MAX_SAVED_MODEL = 3_000_000


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    define.path("model_dir", None, "Folder of the finished run.")
    define.string("name", None, "Name of the entry, as in maf-digits.")
    define.path("zoo_dir", "exported_models", "Folder of the entries, with their index.")
    define.boolean("overwrite", False, "Replace an entry of that name.")
    define.boolean("cards", False, "Only write the cards anew, from the manifests.")
    define.boolean("exports", False, "Only write saved_model/ anew, where small, and the cards.")
    define.multi_string(
        "note", [], "Paragraph for the card, kept in the manifest; with --cards in place of those."
    )
    define.path("data_dir", None, "Folder of prepared TFDS data sets (that of the run).")
    define.path("manual_dir", None, "Folder of archives fetched by hand (that of the run).")
    options.noise_flags(fv)


def main(args):
    """Publishes as the flags say; returns nothing."""
    if args.cards or args.exports:
        common.require(args, "zoo_dir")
        return refresh(files.path(args.zoo_dir), args.name, args.note, args.exports)
    common.require(args, "model_dir", "name", "zoo_dir")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", args.name):
        raise ValueError(
            f"--name must be small letters, digits, '-', '_' and '.', got {args.name!r}"
        )
    run, root = files.path(args.model_dir), files.writable(args, "zoo_dir")
    result, run_flags = read_run(run)
    common.start_tensorflow()
    from trainers import datasets

    given = arguments.arguments_of_data(run_flags, run)
    given |= {n: args[n].value for n in ("data_dir", "manual_dir") if args[n].value}
    data = datasets.load(run_flags.dataset, **given)
    folder = publish(
        *(run, root / args.name, result, data, args.noise_draws, args.overwrite),
        *(given["data_dir"], args.note),
    )
    from zoo.saving import entries

    entries.update_index(root)
    print(f"{args.name}: {folder}")
    for path in sorted(folder.iterdir()):
        print(f"  {path.name}{os.sep if path.is_dir() else ''}")


def refresh(root, name=None, notes=(), exports=False):
    """Writes the cards of the entries in a folder anew, or of one of them.

    Args:
        root: Folder of the entries, a `pathlib.Path`.
        name: Name of the one entry, or None.
        notes: Paragraphs to keep in its manifest, in place of those there; () keeps those.
        exports: Whether to write their SavedModels anew, too.
    """
    common.start_tensorflow()
    from zoo.saving import entries

    if notes and not name:
        raise ValueError("--note is for the entry that --name says")
    names = [name] if name else sorted(p.parent.name for p in root.glob("[!.]*/manifest.json"))
    for each in names:
        if exports:
            _export(root / each)
        if exports or notes:
            entries.seal(root / each, {"notes": list(notes)} if notes else {})
        manifest = entries.read_manifest(root / each)
        common.write_text(root / each / "README.md", cards.card(each, manifest))
        print(f"written: {root / each / 'README.md'}", flush=True)
    if exports or notes:
        entries.update_index(root)


def _export(folder, flow=None):
    """Writes saved_model/ of an entry, where it is small enough to go with it."""
    import zoo

    shutil.rmtree(folder / "saved_model", ignore_errors=True)
    exported = zoo.export(flow or zoo.load(folder), folder / "saved_model")
    if sum(f.stat().st_size for f in exported.rglob("*") if f.is_file()) > MAX_SAVED_MODEL:
        shutil.rmtree(exported)


def read_run(run):
    """Reads (result.json, flags) of a finished run.

    Raises:
        ValueError: If it is not there or not finished.
    """
    for name in ("flags.txt", "model.keras", "result.json"):
        if not (run / name).is_file():
            raise ValueError(
                f"--model_dir={run} is no finished run of trainers.train: it has no {name}"
            )
    run_flags = flagfiles.of_run(run / folders.FLAGS_FILE)
    return folders.read_result(run), run_flags


def publish(run, folder, result, data, draws=10, overwrite=False, data_dir=None, notes=()):
    """Writes the entry of a run, all or nothing.

    Args:
        run: Folder of the run.
        folder: Folder of the entry, a `pathlib.Path`; its last part is the name.
        result: What the run wrote to result.json.
        data: Its data set.
        draws: Draws of the dequantization noise, for the figures of the card.
        overwrite: Whether to replace an entry that is there.
        data_dir: Folder of prepared data sets, for those that images are compared with.
        notes: Paragraphs for the card.

    Returns:
        `folder`.

    Raises:
        ValueError: If there is an entry and `overwrite` is false, or something is no longer as the
            run left it.
    """
    import zoo
    from trainers.runs import results
    from zoo.saving import entries, storage

    storage.check_free(folder, overwrite)
    flow = zoo.load(run)
    evaluation = _evaluate(flow, data, draws, data_dir)
    compared = baselines.compare(flow, data, draws) if baselines.within_reach(flow, data) else []
    facts = _metadata(result | {"recipe": results.recipe(run)}, evaluation, compared, data)
    with storage.staging_beside(folder) as staging:
        zoo.save(flow, staging)
        _export(staging, flow)
        if pictures.drawable(flow.event_shape):
            evaluate.draw(staging / "samples.png", flow, data)
        shown = _explore(flow, data, staging, data_dir) if evaluation["outside"] else []
        draw_curve(run, staging / "training.png", "bits_per_dim" if flow.levels else "nats")
        entries.seal(staging, facts | {"pictures": shown, "notes": list(notes)})
        text = cards.card(folder.name, entries.read_manifest(staging))
        common.write_text(staging / "README.md", text)
        storage.replace_folder(staging, folder)
    return folder


def _evaluate(flow, data, draws, data_dir):
    """All figures: round trips over the whole test split, of images over other data too."""
    count, foreign = data.num_examples("test"), {}
    if flow.levels and pictures.is_image(flow.event_shape) and not metrics.is_bound(flow):
        names, limit = outside.default_names(data), min(count, 1000)
        foreign = evaluate.foreign(flow, names, data_dir, limit)
    found = evaluate.evaluate(flow, data, draws=draws, round_trip_examples=count, foreign=foreign)
    return found | {"estimates": flow.estimates, "series_terms": flow.series_terms}


def _explore(flow, data, folder, data_dir):
    """Draws what `trainers.explore` draws; returns [(name of the file, what it shows)]."""
    argv = [f"--output_dir={folder}", *([f"--data_dir={data_dir}"] if data_dir else [])]
    args = flagfiles.new_options(explore.define_flags, argv)
    explorer = explore.Explorer(flow, data, args)
    explorer.draw()
    return [[path.name, text] for path, text in explorer.rows]


def draw_curve(run, path, figure_name):
    """Draws the course of a run's training to a PNG."""
    pictures.save_png(pictures.curve_picture(folders.read_metrics(run), figure_name), path)


def _metadata(result, evaluation, compared, data):
    return {
        "dataset": data.name,
        "data": {split: data.num_examples(split) for split in ("train", "validation", "test")},
        **({"own_data": data.about, "words": list(data.words)} if data.about else {}),
        **({"columns": list(data.input_names)} if data.standardize and not data.about else {}),
        "metrics": {name: evaluation[name] for name in ("nats", "bits_per_dim")},
        "evaluation": common.finite(evaluation),
        "training": result,
        "baselines": compared,
    }


if __name__ == "__main__":
    common.run(define_flags, main)
