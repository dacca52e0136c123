"""Lock, package and conda environments say the same."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def lock():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(
        (canonical(name), version) for name, version in (line.split("==") for line in lines if "==" in line and line[0] != "#")
    )


@pytest.mark.parametrize("file", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_conda_environment_pins_what_the_lock_pins(file):
    dependencies = yaml.safe_load(file.read_text())["dependencies"]
    conda = [entry.split("=") for entry in dependencies if isinstance(entry, str) and "=" in entry]
    pip = [entry.split("==") for entry in dependencies if isinstance(entry, dict) for entry in entry["pip"]]
    pins = {canonical(CONDA_NAMES.get(name, name)): version for name, version in [*conda, *pip] if name != "python"}
    assert pins and pins == {name: lock()[name] for name in pins}


def test_the_lock_holds_every_dependency_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(entry for extra in project["optional-dependencies"].values() for entry in extra)]
    names = {canonical(re.match(r"[\w.-]+", entry)[0]) for entry in wanted}
    assert names <= set(lock())


def test_the_lock_brings_no_second_torch():
    assert not {"torchvision", "timm", "elf", "nifty", "affogato"} & set(lock())
    assert not any(name.startswith("nvidia") for name in lock())


def test_environments_together_hold_what_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {canonical(re.match(r"[\w.-]+", entry)[0]) for entry in project["dependencies"]}
    for file, wanted in (("torch", names), ("base", names - {"torch"})):
        content = (ROOT / f"envs/{file}.yaml").read_text()
        assert wanted <= {canonical(CONDA_NAMES.get(name, name)) for name in re.findall(r"- ([\w.-]+)=", content)}, file


def scripts_of_the_base_environment():
    for rules in [*(ROOT / "workflow/rules").glob("*.smk"), ROOT / "workflow/apply.smk"]:
        for rule in re.split(r"^ *rule .*:$", rules.read_text(), flags=re.M):
            if "envs/base.yaml" in rule:
                yield rules.parent / re.search(r'script:\s+"(.+)"', rule)[1]


@pytest.mark.parametrize("script", list(scripts_of_the_base_environment()), ids=lambda path: path.stem)
def test_what_runs_in_the_base_environment_imports_no_torch(script):
    imports = re.findall(r"^(?:from|import) .*", script.read_text(), flags=re.M)
    code = "\n".join([*imports, "import sys", "sys.exit('torch' in sys.modules)"])
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
