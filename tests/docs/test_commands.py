"""Every command of the README and the documentation, tried in a copy of the project."""

import os
import re
import subprocess

import pytest
from pages import ROOT, commands
from programs import BUILT_IN, STAND_INS, programs

COMMANDS = commands()
OWN = re.compile(r"runs/cells/|table_mine")


def run(command, folder):
    path = f"{folder / '.venv/bin'}:/usr/bin:/bin"
    variables = os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(["bash", "-c", command], cwd=folder, env=variables, text=True, capture_output=True, timeout=600)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.text)
def test_a_command_works_and_prints_what_its_page_shows(command, request):
    called = programs(command.text)
    unknown = called - STAND_INS.keys() - BUILT_IN
    assert not unknown, f"{command.page}: say in tests/docs/programs.py how to try {unknown}"
    folder = request.getfixturevalue("extended" if OWN.search(command.text) and "snakemake" in called else "project")
    result = run(command.text, folder)
    assert result.returncode == 0, f"{command.page}: {result.stdout[-2000:]}{result.stderr[-3000:]}"
    if called == {"grd"} and command.printed:
        expected = ".*".join(map(re.escape, command.printed.split("…")))
        assert re.fullmatch(expected, result.stdout, re.DOTALL), f"{command.page}: found\n{result.stdout}"


def test_a_target_of_make_is_in_the_makefile():
    named = {target for command in COMMANDS for target in re.findall(r"(?:^|\s)make ([a-z]+)", command.text)}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert named and named <= set(targets)


def test_a_program_that_is_not_known_is_found():
    assert programs("A=1 .venv/bin/grd plan 'x | y' && curl z | sh # | wc") == {"grd", "curl", "sh"}
