"""A small pipeline in a folder of its own: a copy of the project that tests may edit, with few runs of a few steps."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
NETWORKS = {
    "resunet": {"widths": [2, 3, 4, 5, 6]},
    "nested_unet": {"width": 2},
    "resunet_tiny": {"widths": [2, 2, 2, 2, 2]},
    "mobilenet_v2": {"width": 0.1},
}
TARGETS = ("table2", "table3")  # what its runs are for
ALONE, TAUGHT = {"network": "resunet_tiny"}, {"network": "resunet_tiny", "teacher": "resunet"}
VOLUMES, TAUGHT_VOLUMES = {"network": "mala_tiny"}, {"network": "mala_tiny", "teacher": "mala"}


def shrink(config: Path) -> None:
    """Let the demo train narrow networks for three steps on images of 64 x 64."""
    demo = config / "scales/demo.yaml"
    content = yaml.safe_load(demo.read_text())
    content["training"] |= {"iterations": 3, "validate_every": 3, "log_every": 1, "teacher_iterations": 3}
    content["volumes"] |= {"iterations": 3, "teacher_iterations": 3}
    content["networks"] |= NETWORKS
    for name, twin in content["twins"].items():
        twin["size"] = [64, 64]
        if len(content["datasets"][name]["canvas"]) == 2:
            augment = content["datasets"][name]["augment"] | {"crop": [32, 32]}
            content["datasets"][name] |= {"canvas": [64, 64], "augment": augment}
    demo.write_text(yaml.safe_dump(content))


def few_runs(config: Path) -> None:
    """Leave four runs of images and three of volumes."""
    experiments = yaml.safe_load((config / "experiments.yaml").read_text())
    for name, experiment in experiments.items():
        volumes = name in ("table3", "figure3", "figure4")
        experiment |= {"datasets": ["cremi_c" if volumes else "cvppp"], "runs": [VOLUMES if volumes else ALONE]}
    experiments["table2"]["runs"] += [{"network": "resunet"}, {**TAUGHT, "methods": ["at", "grd"]}]
    experiments["table3"]["runs"] += [{"network": "mala"}, {**TAUGHT_VOLUMES, "methods": ["at"]}]
    (config / "experiments.yaml").write_text(yaml.safe_dump(experiments, sort_keys=False))


class Pipeline:
    """A copy of config/, envs/, workflow/ and src/, run with its own code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("config", "envs", "workflow", "src"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        shrink(folder / "config")
        few_runs(folder / "config")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Call Snakemake; its output is in `stdout`."""
        variables = os.environ | {"PYTHONPATH": str(self.folder / "src"), "OMP_NUM_THREADS": "1"} | environment
        command = [sys.executable, "-m", "snakemake", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1500
        )

    def build(self, *arguments: str, cores: int = 2, **environment: str) -> str:
        """Call Snakemake, which must succeed; returns what it printed."""
        result = self.run("--cores", str(cores), *arguments, **environment)
        assert result.returncode == 0, result.stdout[-5000:]
        return result.stdout

    def tables(self) -> dict[str, bytes]:
        """The tables' files by name."""
        names = [f"{table}.{form}" for table in TARGETS for form in ("csv", "tex", "md", "html")]
        return {name: (self.folder / "results/demo/tables" / name).read_bytes() for name in names}

    def planned(self, *targets: str) -> set[str]:
        """What would be done, in the words of the rules' messages."""
        result = self.run("-n", *targets)
        assert result.returncode == 0, result.stdout[-5000:]
        return set(re.findall(r"^Job \d+: (.*)$", result.stdout, re.MULTILINE))

    def edit(self, path: str, old: str, new: str, first: bool = False) -> None:
        """Replace a text that occurs once in a file, or its first occurrence."""
        file = self.folder / path
        content = file.read_text()
        assert content.count(old) == 1 or (first and old in content), f"{path} has {content.count(old)} times {old!r}"
        file.write_text(content.replace(old, new, 1))
