"""Closed models of config/*.yaml: a key that is not a field is refused, with the nearest field that exists."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grd.errors import GrdError

Probability = Annotated[float, Field(ge=0, le=1)]


Positive = Annotated[int, Field(gt=0)]


Size = tuple[Positive, Positive]


Extent = Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)]  # rows, columns, before them sections


Range = tuple[float, float]


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C, ten times as fast, where PyYAML has it


class Closed(BaseModel):
    """A mapping with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


Model = TypeVar("Model", bound=Closed)


def nearest(word: str, valid: Iterable[str]) -> str:
    """The sentence's end for a wrong word: the closest valid one, or all of them."""
    names = sorted(valid)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"choose one of {', '.join(names) or '(none)'}"


def known(word: str, valid: Iterable[str], what: str, where: str) -> str:
    """`word` itself if it is among the valid names; otherwise a GrdError that names the nearest."""
    names = list(valid)
    if word not in names:
        raise GrdError(f"{where}: unknown {what} '{word}'; {nearest(word, names)}")
    return word


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds."""
    try:
        content = yaml.load(path.read_text(), Loader=LOADER)
    except FileNotFoundError:
        raise GrdError(f"{path}: expected a configuration file, found none; restore it from the repository") from None
    except yaml.YAMLError as error:
        raise GrdError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise GrdError(f"{path}: expected a mapping at the top, found {type(content).__name__}")
    return content


def parse(model: type[Model], content: Mapping[str, Any], file: Path | str, under: str = "") -> Model:
    """`content` as a closed model; its first fault as a GrdError naming file, key, value and the nearest valid key."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise GrdError(_fault(model, error.errors()[0], file, under)) from None


def parse_all(model: type[Model], content: Mapping[str, Any], file: Path | str) -> dict[str, Model]:
    """A mapping from names to closed models."""
    return {name: parse(model, _mapping(value, file, name), file, name) for name, value in content.items()}


def _mapping(value: Any, file: Path | str, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise GrdError(f"{file}: '{key}' expects a mapping, found {value!r}")
    return value


def _fault(model: type[BaseModel], error: Any, file: Path | str, under: str) -> str:
    location = [part for part in map(str, error["loc"]) if not part.startswith(("constrained-", "literal["))]  # kinds of value
    key = ".".join(([under] if under else []) + location)
    if error["type"] == "extra_forbidden":
        return f"{file}: unknown key '{key}' (value {error['input']!r}); {nearest(location[-1], _fields(model, location))}"
    if error["type"] == "missing":
        return f"{file}: key '{key}' is missing"
    return f"{file}: '{key}' has value {error['input']!r}; {error['msg'][0].lower()}{error['msg'][1:]}"


def _fields(model: type[BaseModel], location: list[str]) -> list[str]:
    """The fields of the innermost model on the way to a faulty key."""
    candidates = [model]
    for part in location[:-1]:
        fields = [field for kind in candidates for name, field in kind.model_fields.items() if name == part]
        if fields:
            candidates = _models(fields[0].annotation) or candidates
        else:  # a name in a mapping, or the tag that says which model of a union is meant
            candidates = [kind for kind in candidates if part in _tags(kind)] or candidates
    return list(candidates[0].model_fields)


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("algorithm")
    return get_args(field.annotation) if field else ()


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models(part)]


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: nested mappings are merged, anything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged
