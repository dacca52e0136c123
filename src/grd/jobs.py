"""The Snakemake side of a script; no other module knows Snakemake's job object.

with record_job(snakemake) as facts:              logs messages, checks inputs and code, writes the outputs' passport
with compute_job(snakemake) as (device, facts):   the same, on the configured device
project, layout = planned_project(snakemake)    config/ as this call was planned with
check_latest(snakemake)                         before a long job writes: no later call has made its files
"""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from grd.errors import GrdError
from grd.project.paths import Layout
from grd.project.project import Project
from grd.provenance.fingerprint import Code, EditedError
from grd.provenance.job_keys import JOBS
from grd.provenance.passport import FORMAT, FORMAT_VERSION, Passport, as_json, digest, find, remove_passports, write_passports
from grd.system.digests import sha256
from grd.system.hardware import processor, versions
from grd.system.logs import log_to

if TYPE_CHECKING:
    import torch

PLANNED = "GRD_PLANNED"
"""The environment variable that holds when the workflow was planned, in seconds; absent outside of one."""
PLANNED_CODE = "GRD_PLANNED_CODE"
"""That of the code of all planned jobs, a line for each, as passports describe it: a job on a cluster plans itself anew."""
PLANNED_CONFIG = "GRD_PLANNED_CONFIG"
"""That of the files of config/ and their digests (JSON)."""

IDENTITY = frozenset(["code", "made_of", *(name for kind in JOBS.values() for name in kind.settings)])
"""Names of all parameters that decide a job; the others of its rule follow from these, or say where things lie."""


class Named(Protocol):
    """Values by name."""

    def items(self) -> Iterable[tuple[str, Any]]:
        """Pairs of name and value."""


class SnakemakeJob(Protocol):
    """Snakemake's job, as a script sees it."""

    rule: str
    input: Iterable[str]
    output: Iterable[str]
    params: Named
    wildcards: Named
    threads: int
    log: Sequence[str]
    config: Mapping[str, Any]
    scriptdir: str


@contextmanager
def record_job(job: SnakemakeJob) -> Iterator[dict[str, Any]]:
    """Send messages to the job's log, as `log_to` does, and write the passport of its outputs when it ends well.

    Yields facts for the passport, which the script may add to or change: `device` where it is no CPU, `seed`, and others.
    GrdError, before the script does anything, if an input is not what its own passport says, or if the job's code was edited
    since the workflow was planned; before and after, if a later call has made the outputs otherwise. (Snakemake then removes
    them, and the next call makes them again.)
    """
    outputs, settings = [Path(path) for path in job.output], dict(job.params.items())
    with log_to(job.log[0]):
        _check_code(codes_of(settings), Path(job.scriptdir))
        check_latest(job)
        inputs = {os.path.relpath(path): digest(Path(path)) if os.path.isfile(path) else None for path in job.input}
        remove_passports(outputs)
        facts: dict[str, Any] = {"device": "CPU", "precision": _precision(settings)} | _seed(settings)
        began, clock = datetime.now(UTC), time.monotonic()
        yield facts
        check_latest(job)
        when = {"began": began.isoformat(timespec="seconds"), "seconds": round(time.monotonic() - clock, 3)}
        write_passports(outputs, _description(job) | {"inputs": inputs} | when | facts)


@contextmanager
def compute_job(job: SnakemakeJob) -> "Iterator[tuple[torch.device, dict[str, Any]]]":
    """`record_job` for a job that computes on the configured device, with its threads; yields device and facts."""
    from grd.system.devices import device_name
    from grd.system.gpu_turns import claim_device

    what, config = " ".join([job.rule, *(str(value) for _, value in job.wildcards.items())]), job.config
    with record_job(job) as facts, claim_device(what, config["device"], job.threads, config["jobs_per_gpu"]) as device:
        facts["device"] = device_name(device)
        yield device, facts


def planned_project(job: SnakemakeJob) -> tuple[Project, Layout]:
    """The project and its paths; GrdError if config/ was edited since the workflow was planned."""
    check_config()
    project = Project.load(config=job.config)
    return project, Layout.of(project)


def codes_of(settings: Mapping[str, Any]) -> list[str]:
    """The descriptions of code among a job's parameters."""
    codes = settings.get("code", [])
    return [codes] if isinstance(codes, str) else list(codes)


def _check_code(codes: Sequence[str], scripts: Path) -> None:
    """GrdError if code was edited since the workflow was planned: before this job was planned anew, or after."""
    planned = os.environ.get(PLANNED_CODE)
    if planned is not None and (edited := [code for code in codes if code not in planned.splitlines()]):
        raise EditedError(edited[0].split(" ")[1])
    Code().check_unchanged(codes, scripts, _planned(inf))


def check_latest(job: SnakemakeJob) -> None:
    """GrdError if a later call has made these files with other settings or code: this job was left over from an earlier one."""
    for path in map(Path, job.output):
        passport = _passport(path)
        if passport and passport.content.get("planned", 0.0) > _planned(inf) and not is_as_planned(job, passport):
            raise GrdError(
                f"{path}: expected no later call at work on it, found it made by one with other settings or code; call again "
                f"(if there was none and the clock was put back, delete {passport.path} first)"
            )


def _passport(path: Path) -> Passport | None:
    """The passport of a file; None without one that can be read."""
    with suppress(GrdError):
        return find(path)
    return None


def is_as_planned(job: SnakemakeJob, passport: Passport) -> bool:
    """True if what a passport tells of was made with the settings and code that this job was planned with."""
    made, now = passport.content["settings"] | {"code": passport.content["code"]}, dict(job.params.items())
    return all(made.get(name) == json.loads(as_json(now.get(name))) for name in IDENTITY)


def config_digests() -> dict[str, str]:
    """The digests of the files of config/ by path, without those that editors hide there."""
    files = (path for path in sorted(Path("config").rglob("*.yaml")) if path.is_file())
    return {path.as_posix(): sha256(path) for path in files if not any(part.startswith(".") for part in path.parts)}


def check_config() -> None:
    """GrdError if config/ was edited since the workflow was planned."""
    if (planned := os.environ.get(PLANNED_CONFIG)) is None:
        return
    then, now = json.loads(planned), config_digests()
    if edited := [path for path in then | now if then.get(path) != now.get(path)]:
        raise GrdError(f"{edited[0]}: expected the file that this call was planned with, found it edited since; call again")


def _planned(otherwise: float) -> float:
    """When the workflow was planned, in seconds."""
    return float(os.environ.get(PLANNED, otherwise))


def _description(job: SnakemakeJob) -> dict[str, Any]:
    """The part of a passport that is known before the job runs."""
    settings = dict(job.params.items())
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "planned": _planned(0.0),
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "code": settings.pop("code", None),
        "settings": settings,
        "versions": versions(),
        "processor": processor(),
        "threads": job.threads,
    }


def _seed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The seed, or the seeds, that settings hold at any depth."""
    seeds = sorted(set(_values(settings, "seed")))
    return {"seed": seeds[0] if len(seeds) == 1 else seeds} if seeds else {}


def _precision(settings: Mapping[str, Any]) -> str:
    """The precision of the trainings that settings hold; all else computes in float32."""
    return next(_values(settings, "precision"), "float32")


def _values(tree: Any, wanted: str) -> Iterator[Any]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from [value] if name == wanted else _values(value, wanted)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _values(value, wanted)
