"""JSON schemas of config/*.yaml, with which editors complete and check the files; `make schema` writes them."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from grd.config.datasets import Dataset
from grd.config.experiments import Experiment
from grd.config.general import Config
from grd.config.parsing import Closed
from grd.config.scales import Scale, Training
from grd.config.splits import Split

FOLDER = Path("config/schema")


def schemas() -> dict[str, str]:
    """The text of each schema by the name of its file."""
    found = {
        "config": TypeAdapter(Config).json_schema(),
        "scale": _scale_schema(),
        "datasets": TypeAdapter(dict[str, Dataset]).json_schema(),
        "experiments": TypeAdapter(dict[str, Experiment]).json_schema(),
        "split": TypeAdapter(Split).json_schema(),
    }
    return {f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in found.items()}


def write_schemas(folder: Path = FOLDER) -> None:
    """Write all schemas."""
    folder.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


def _scale_schema() -> dict[str, Any]:
    """The schema of a scale, whose `datasets` and `volumes` have keys of data sets and trainings, none of them required."""
    schema = TypeAdapter(Scale).json_schema()
    schema["properties"]["datasets"]["additionalProperties"] = {"$ref": "#/$defs/PartialDataset"}
    schema["properties"]["volumes"] = {"$ref": "#/$defs/PartialTraining", "default": {}}
    schema["$defs"] |= _partial_definitions(Dataset) | _partial_definitions(Training)
    return schema


def _partial_definitions(model: type[Closed]) -> dict[str, Any]:
    """The schema of `model`, as `Partial<its name>`, and those that it refers to, all without required keys."""
    schema = TypeAdapter(model).json_schema(ref_template="#/$defs/Partial{model}")
    definitions = {**schema.pop("$defs", {}), model.__name__: schema}
    return {f"Partial{name}": _without_required(definition) for name, definition in definitions.items()}


def _without_required(schema: Any) -> Any:
    """A schema without required keys, so that alternatives are no longer told apart by one of them."""
    if isinstance(schema, list):
        return [_without_required(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in ("required", "discriminator")}
    return {"anyOf" if key == "oneOf" else key: _without_required(value) for key, value in kept.items()}


if __name__ == "__main__":
    write_schemas()
