"""`grd …`: the pipeline's parts for use by hand."""

import argparse
import csv
import io
import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from grd.apply.options import add_options, named_path, not_negative, positive
from grd.system.logs import log_to

if TYPE_CHECKING:
    from grd.project.paths import Layout
    from grd.project.project import Project

INTERRUPTED = 130  # what shells make of Ctrl-C


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; a GrdError is one sentence on the screen and exit code 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be Unicode
    chosen, unknown = parser().parse_known_args(arguments)
    options = re.findall(r"--[a-z-]+", chosen.command.format_help())
    if short := next((word for word in arguments if f"-{word}" in options), None):  # -overlay, which would mean -o verlay
        chosen.command.error(f"unrecognized argument: {short}; did you mean -{short}?")
    if unknown:
        chosen.command.error(f"unrecognized arguments: {' '.join(unknown)}{_nearest(unknown, options)}")
    with log_to():
        try:
            chosen.action(chosen)
            sys.stdout.flush()
        except BrokenPipeError:
            _mute()
        except KeyboardInterrupt:
            resumes = "; the same call with --skip-existing does what is left" if hasattr(chosen, "skip_existing") else ""
            sys.stderr.write(f"interrupted{resumes}\n")
            sys.exit(INTERRUPTED)


def _say(line: str) -> None:
    """Print a line at once; whoever reads may have enough, but the work goes on."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _mute()


def _mute() -> None:
    """Print nothing more: whoever read, like `head`, has enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nearest(words: Sequence[str], options: Sequence[str]) -> str:
    """A question for the options that look like these words, or nothing."""
    near = [option for word in words for option in get_close_matches(word.partition("=")[0], options, n=1)]
    return f"; did you mean {', '.join(near)}?" if near else ""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="grd", description="Graph relation distillation: the pipeline's parts by hand.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    _add_images(commands)
    _add_pipeline(commands)
    for command in commands.choices.values():
        command.set_defaults(command=command)
    return top


def _add_images(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands for users' own images."""
    predict = commands.add_parser("predict", help="segment images or volumes with a trained model")
    predict.add_argument(
        "images", nargs="+", type=named_path, metavar="IMAGE", help="files, folders, patterns; file.h5:name for an array in it"
    )
    predict.add_argument("--model", required=True, help="a run's model.pt, or the name of a model that ships")
    predict.add_argument("-o", "--out", type=named_path, required=True, help="folder for the label images")
    add_options(predict)
    predict.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    predict.set_defaults(action=_predict)

    score = commands.add_parser("score", help="every metric of the paper for segmentations and their ground truths")
    score.add_argument("prediction", type=named_path, help="label image or volume, or a folder of them")
    score.add_argument("truth", type=named_path, help="the same of the ground truth; files of folders pair by name")
    score.add_argument("--table", type=named_path, metavar="CSV", help="also write the scores of each image to this file")
    stacks = score.add_mutually_exclusive_group()
    stacks.add_argument("--images", dest="rank", action="store_const", const=2, help="stacks are separate images")
    stacks.add_argument("--volume", dest="rank", action="store_const", const=3, help="stacks are volumes")
    score.add_argument("--axes", metavar="LETTERS", help="axes of all files, such as ZYX (T, Z, C, Y, X; S for colours)")
    score.add_argument("--ignore", type=int, nargs="+", default=[], metavar="ID", help="true labels that do not count")
    score.add_argument("--pairs-only", action="store_true", help="of folders, leave out files that only one of them has")
    score.set_defaults(action=_score)

    own = commands.add_parser("import", help="make a data set of your own images and masks, to train on")
    own.add_argument("name", help="of the data set: small letters, digits and _")
    own.add_argument("images", type=named_path, help="folder of images or volumes")
    own.add_argument(
        "masks", type=named_path, help="folder of label images of the same names, or the same folder with masks/ in it"
    )
    own.add_argument("--volumes", action="store_true", help="files are volumes (Z, Y, X)")
    own.add_argument("--seed", type=not_negative, default=0, help="of the split into training, validation and test (default 0)")
    own.add_argument("--axes", metavar="LETTERS", help="axes of images (and masks of as many axes), where files leave them open")
    own.add_argument("--channel", type=not_negative, metavar="N", help="the channel to train on, from 0")
    own.set_defaults(action=_import)

    export = commands.add_parser("export", help="a model for other software: ONNX, or a package for bioimage.io")
    export.add_argument("model", help="a run's model.pt, or the name of a model that ships")
    export.add_argument("-o", "--out", type=named_path, required=True, help="a file .onnx, or a package .zip")
    export.add_argument("--sample", type=named_path, metavar="IMAGE", help="packages: an image such as the model is for")
    export.add_argument("--author", nargs="+", default=[], metavar="NAME", help="packages: who trained the model")
    export.set_defaults(action=_export)


def _add_pipeline(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that prepare the pipeline, and check what it made."""
    fetch = commands.add_parser("fetch", help="obtain the official archives of data sets, verified")
    fetch.add_argument("datasets", nargs="+", metavar="DATASET", help="names in config/datasets.yaml")
    fetch.set_defaults(action=_fetch)

    complexity = commands.add_parser("complexity", help="parameters and MACs of the paper's networks")
    complexity.add_argument("--csv", action="store_true", help="as csv, unrounded")
    complexity.set_defaults(action=_complexity)

    plan = commands.add_parser("plan", help="what a table or figure asks for: runs, jobs, hours, memory, disk space")
    plan.add_argument("targets", nargs="+", metavar="TARGET", help=TARGETS)
    plan.add_argument("--scale", help="a file of config/scales (default: that of config/config.yaml)")
    plan.add_argument("--devices", type=positive, help="also the least hours on so many devices")
    plan.add_argument("--csv", action="store_true", help="one line per training job")
    plan.set_defaults(action=_plan)

    benchmark = commands.add_parser("benchmark", help="measure training steps on this machine, for `grd plan`; needs no data")
    benchmark.add_argument("targets", nargs="*", default=["all"], metavar="TARGET", help=f"{TARGETS} (default: all)")
    benchmark.add_argument("--scale", help="a file of config/scales (default: that of config/config.yaml)")
    benchmark.add_argument("--steps", type=positive, default=3, help="steps to time after the first (default 3)")
    benchmark.add_argument("--device", help="auto, cpu, cuda, cuda:N or mps (default: that of config/config.yaml)")
    benchmark.set_defaults(action=_benchmark)

    verify = commands.add_parser("verify", help="hash all files again, and name those that are not what was written")
    verify.add_argument("paths", nargs="*", type=named_path, metavar="PATH", help="files or folders (default: all of the scale)")
    verify.add_argument("--scale", help="a file of config/scales (default: that of config/config.yaml)")
    verify.set_defaults(action=_verify)

    explain = commands.add_parser("explain", help="where a file came from: jobs, settings and inputs, back to the archives")
    explain.add_argument("file", type=named_path, metavar="FILE", help="a file of results/, there or gone")
    explain.add_argument("--only", nargs="+", default=[], metavar="WORD", help="branches whose path has all of these words")
    explain.set_defaults(action=_explain)


TARGETS = "a table or figure of config/experiments.yaml, tables, figures, all, trial, laptop, or a path in results/SCALE/runs"


def _project(scale: str | None, targets: Sequence[str] = ()) -> "tuple[Project, Layout]":
    """The project at a scale, and where its results lie; without a scale that which a target names, or config/config.yaml's."""
    from grd.config.command_line import named_scale
    from grd.config.parsing import read_yaml
    from grd.config.scales import scale_names
    from grd.project.paths import Layout
    from grd.project.project import Project

    scale = named_scale(targets, [f"scale={scale}"] if scale else [], scale_names()) or scale
    project = Project.load(config=read_yaml(Path("config/config.yaml")) | ({"scale": scale} if scale else {}))
    return project, Layout.of(project)


def _fetch(chosen: argparse.Namespace) -> None:
    from grd.data.archives.acquisition import obtain
    from grd.project.paths import Layout
    from grd.project.project import Project

    project = Project.load()
    layout = Layout.of(project)
    for name in chosen.datasets:
        found = obtain(name, project.dataset(name), layout.archives(name, twin=False), layout.inbox, sys.stderr.isatty())
        for path in found.values():
            _say(str(path))


def _complexity(chosen: argparse.Namespace) -> None:
    from grd.networks.complexity import all_complexities

    counts = all_complexities()
    if chosen.csv:
        table = csv.writer(sys.stdout)
        table.writerow(["network", "parameters", "macs", "convolution_macs"])
        table.writerows([name, c.parameters, c.macs, c.convolution_macs] for name, c in counts.items())
        return
    sys.stdout.write(f"{'network':42}{'parameters':>14}{'GMAC':>12}{'conv. only':>12}\n")
    for name, c in counts.items():
        sys.stdout.write(f"{name:42}{c.parameters:14,}{c.macs / 1e9:12.3f}{c.convolution_macs / 1e9:12.3f}\n")


def _score(chosen: argparse.Namespace) -> None:
    from grd.apply.measure import write_csv
    from grd.apply.score import check_complete, check_table, format_scores, score_files

    if chosen.table:
        check_table(chosen.table)
    scores, bad = score_files(chosen.prediction, chosen.truth, chosen.rank, chosen.ignore, chosen.axes, chosen.pairs_only)
    if chosen.table and not scores.empty:
        write_csv(chosen.table, scores)
    sys.stdout.write(format_scores(scores))
    check_complete(bad)


def _predict(chosen: argparse.Namespace) -> None:
    from grd.apply.options import outputs_of, settings_of
    from grd.apply.segment import segment_files
    from grd.apply.shipped import find_model
    from grd.reading.paths import expand
    from grd.system.gpu_turns import claim_device

    files, model = expand(chosen.images), find_model(chosen.model)
    with claim_device(f"segmenting with {chosen.model}", chosen.device) as device:
        for line in segment_files(files, model, outputs_of(chosen, chosen.out), device, settings_of(chosen)):
            _say(line)


def _import(chosen: argparse.Namespace) -> None:
    from grd.apply.own_dataset import import_folders

    folders = (chosen.images, chosen.masks, chosen.volumes, chosen.seed, chosen.axes, chosen.channel)
    sys.stdout.write(import_folders(chosen.name, *folders))


def _export(chosen: argparse.Namespace) -> None:
    from grd.apply.export import export_onnx
    from grd.apply.model_zoo import export_bioimageio
    from grd.apply.shipped import find_model
    from grd.errors import GrdError

    model, kind = find_model(chosen.model), chosen.out.suffix
    if kind not in (".onnx", ".zip"):
        raise GrdError(f"{chosen.out}: expected a file that ends with .onnx or .zip, found '{kind}'; choose one of them")
    if kind == ".zip" and not chosen.sample:
        raise GrdError(f"{chosen.out}: expected an image to show with the package, found none; name one with --sample")
    written = (
        export_onnx(model, chosen.out) if kind == ".onnx" else export_bioimageio(model, chosen.out, chosen.sample, chosen.author)
    )
    sys.stdout.write(f"{written}\n")


def _plan(chosen: argparse.Namespace) -> None:
    from grd.planning.plan import Plan
    from grd.planning.report import report, table

    plan = Plan.of(*_project(chosen.scale, chosen.targets), chosen.targets)
    sys.stdout.write(table(plan) if chosen.csv else report(plan, chosen.devices))
    if chosen.csv and plan.missing:
        sys.stderr.write(f"hours, memory: {plan.missing}\n")


def _benchmark(chosen: argparse.Namespace) -> None:
    from grd.distillation import check_methods
    from grd.planning.benchmark import measure_all
    from grd.planning.plan import runs_of
    from grd.project.groups import with_companions
    from grd.system.gpu_turns import claim_device

    project, layout = _project(chosen.scale, chosen.targets)
    check_methods(project)
    runs = with_companions(project, runs_of(project, layout, chosen.targets))
    with claim_device("measuring", chosen.device or project.config.device, project.scale.threads) as device:
        measure_all(project, runs, chosen.steps, device, layout.benchmark)
    sys.stdout.write(f"{layout.benchmark}\n")


def _verify(chosen: argparse.Namespace) -> None:
    from grd.errors import GrdError
    from grd.provenance.verify import places, survey
    from grd.system.files import size

    found = survey(chosen.paths or places(*_project(chosen.scale)))
    faults = found.hash_again()
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    if found.gone:
        sys.stdout.write(f"gone, though they were written: {len(found.gone)} file(s), such as {min(found.gone)}\n")
    if found.unknown:
        first = min(found.unknown)
        sys.stdout.write(f"not verified, since nothing tells what was written: {len(found.unknown)} file(s), such as {first}\n")
    if faults:
        raise GrdError(f"expected {len(found.expected)} file(s) as they were written, found the above; do as it says")
    if not found.expected:
        raise GrdError("expected files that a passport or an account knows, found none; name files of results/ or data/")
    which = "the others as they were written" if found.unknown or found.gone else "all as they were written"
    sys.stdout.write(f"{len(found.expected)} file(s), {size(found.bytes)}: {which}\n")


def _explain(chosen: argparse.Namespace) -> None:
    from grd.provenance.explain import explain

    sys.stdout.writelines(f"{line}\n" for line in explain(chosen.file, chosen.only))
