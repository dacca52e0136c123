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


def scale_of_targets(targets: Iterable[str], scales: Collection[str]) -> str | None:
    """The scale that a call's target names, or that of the call which started this process; None without.

    GrdError if other targets are named beside it, since all would be made at that scale.
    """
    wanted = list(targets)
    if named := [target for target in wanted if target in scales]:
        if len(wanted) > 1:
            raise GrdError(
                f"snakemake: expected {named[0]}, which is made at a scale of its own, alone, found {' '.join(wanted)}"
            )
        os.environ[SCALE] = named[0]
    return os.environ.get(SCALE)


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
