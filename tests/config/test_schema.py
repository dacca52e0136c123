"""config/schema is what the models say, and every configuration file names its schema and agrees with it."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from grd.config.schema import schemas, write_schemas

CONFIG = Path(__file__).parents[2] / "config"
MODELINE = "# yaml-language-server: $schema="
WITHOUT_SCHEMA = {"claims.yaml", "published.yaml"}
FILES = [path for path in sorted(CONFIG.rglob("*.yaml")) if path.name not in WITHOUT_SCHEMA]


def schema_of(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith(MODELINE)
    return json.loads((path.parent / first.removeprefix(MODELINE)).read_text())


def test_the_schemas_are_in_step_with_the_models():
    written = {path.name: path.read_text() for path in (CONFIG / "schema").iterdir()}
    assert written == schemas(), "config/schema differs from the models in src/grd/config: run `make schema`"


def test_schemas_can_be_written_again(tmp_path):
    write_schemas(tmp_path / "schema")
    assert {path.name: path.read_text() for path in (tmp_path / "schema").iterdir()} == schemas()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_agrees_with_the_schema_that_it_names(path):
    jsonschema.Draft202012Validator(schema_of(path)).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    ("file", "keys", "value"),
    [
        ("config.yaml", ("sed",), 1),
        ("config.yaml", ("fidelity", "edges"), "papr"),
        ("datasets.yaml", ("cvppp", "augment", "flp"), 1),
        ("datasets.yaml", ("ac34", "segmenters", "waterz", "algorithm"), "watrz"),
        ("experiments.yaml", ("table1", "needs"), ["scors"]),
        ("scales/demo.yaml", ("training", "schedule"), "cosine"),
        ("scales/demo.yaml", ("volumes", "iteratons"), 3),
        ("scales/demo.yaml", ("datasets", "cvppp", "augment", "flp"), 1),
        ("splits/ac34.yaml", ("checks",), ["AC4"]),
    ],
)
def test_a_schema_refuses_a_typo(file, keys, value):
    content = yaml.safe_load((CONFIG / file).read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema_of(CONFIG / file)).validate(content)
