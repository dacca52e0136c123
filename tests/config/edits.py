"""The shipped configuration, and edits of a copy."""

from pathlib import Path

import yaml

CONFIG = Path(__file__).parents[2] / "config"


def edit(path, *keys, value):
    """Set the value at these keys of a YAML file."""
    content = yaml.safe_load(path.read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(yaml.safe_dump(content))
