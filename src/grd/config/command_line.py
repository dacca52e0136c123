"""Snakemake's command line, checked before Snakemake parses it: workflow/profiles call `check_command_line`."""

import os
import shlex
import sys
from collections.abc import Collection, Iterable

from grd.errors import GrdError

PAIRS = ("--config", "-C", "--resources", "--res", "--default-resources", "--default-res", "--set-resources", "--set-threads")
"""Options that take every word up to the next option as a pair NAME=VALUE."""


SCALE = "GRD_SCALE"
"""The environment variable with the scale that a call's target names, for the processes of its jobs."""


def scale_of_targets(targets: Collection[str], config: Iterable[str] | None, scales: Collection[str]) -> str | None:
    """The scale that a call's target names, or that of the call which started this process; None without."""
    if scale := named_scale(targets, config or (), scales):
        os.environ[SCALE] = scale
    return os.environ.get(SCALE)


def named_scale(targets: Collection[str], config: Iterable[str], scales: Collection[str]) -> str | None:
    """The scale that a target names; None without.

    `config` are pairs NAME=VALUE. GrdError if other targets stand beside it, since all would be made at that scale, and if
    `config` has another scale.
    """
    for target in (target for target in targets if target in scales):
        others = [word for word in config if word.startswith("scale=") and word != f"scale={target}"]
        if found := " ".join([*(word for word in targets if word != target), *others]):
            raise GrdError(f"{target}: expected this target, which is made at its own scale, alone, found {found} beside it")
        return target
    return None


def check_command_line() -> None:
    """End this call with one sentence if a target follows such an option without `--` between them."""
    option, words = "", sys.argv[1:]
    for number, word in enumerate(words):
        if word == "--":
            return
        if word.startswith("-"):
            option = word
        elif option in PAIRS and "=" not in word:
            mended = shlex.join([*words[:number], "--", *words[number:]])
            sys.exit(f"error: expected NAME=VALUE after {option}, found '{word}'; put -- before targets: snakemake {mended}")
