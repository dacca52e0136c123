"""Snakemake's command line, checked before Snakemake parses it: workflow/profiles call `check_command_line`."""

import shlex
import sys

PAIRS = ("--config", "-C", "--resources", "--res", "--default-resources", "--default-res", "--set-resources", "--set-threads")
"""Options that take every word up to the next option as a pair NAME=VALUE."""


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
