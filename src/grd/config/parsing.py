"""Closed models of config/*.yaml: a key that is not a field is refused, with the nearest field that exists."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from grd.errors import GrdError


def _no_truth_value(value: Any) -> Any:
    """Anything but `yes` and `no`, which would count as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"expected a whole number, found {'yes' if value else 'no'}")
    return value


Natural = Annotated[int, Field(ge=0), BeforeValidator(_no_truth_value)]
Positive = Annotated[int, Field(gt=0), BeforeValidator(_no_truth_value)]
Probability = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]
Size = tuple[Positive, Positive]


def _differ(seeds: list[int]) -> list[int]:
    """A seed named twice would count one training as two."""
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"expected seeds that differ, since a training counts once, found {seeds}; name each seed once")
    return seeds


Seeds = Annotated[list[Natural], Field(min_length=1), AfterValidator(_differ)]
Extent = Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)]
"""Rows and columns, or sections, rows and columns."""

FASTEST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C, ten times as fast, where PyYAML has it."""

SIMILAR = 0.5
"""Least similarity, from 0 to 1, of a typo to the name that it may mean."""

LONGEST = 60
"""Number of characters of a value that messages show."""


TEXT = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")
"""Kinds of keys: text, and the sign that merges a mapping."""


class Loader(FASTEST):  # type: ignore[misc, valid-type]
    """The loader, for which a key that stands twice in a mapping is a fault: the last one would win without a word."""

    def flatten_mapping(self, node: Any) -> None:
        """Follow the merge keys of a mapping, whose own keys are checked before."""
        if not hasattr(node, "own_keys"):  # merging adds keys to a node, which may be met again
            node.own_keys = set()
            for key, _ in node.value:
                if key.tag not in TEXT:
                    fault = f"key {key.value} is no text; write it in quotation marks, or another"
                    raise yaml.MarkedYAMLError(problem=fault, problem_mark=key.start_mark)
                if (name := str(key.value)) in node.own_keys:
                    raise yaml.MarkedYAMLError(problem=f"key '{name}' stands twice; drop one", problem_mark=key.start_mark)
                node.own_keys.add(name)
        super().flatten_mapping(node)


class Closed(BaseModel):
    """A mapping with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)


Model = TypeVar("Model", bound=Closed)


def suggestion(word: str, valid: Iterable[str]) -> str:
    """End of the sentence about a wrong word: the nearest valid word, or all of them."""
    names = sorted(valid)
    close = nearest(word, names)
    return f"did you mean '{close}'?" if close else f"choose one of {', '.join(names) or '(none)'}"


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that is most like `word`; None if none is similar."""
    return next(iter(difflib.get_close_matches(word, sorted(valid), n=1, cutoff=SIMILAR)), None)


def check_name(word: str, valid: Iterable[str], what: str, where: str) -> str:
    """`word` itself if it is among the valid names; otherwise a GrdError that names the nearest."""
    names = list(valid)
    if word not in names:
        raise GrdError(f"{where}: unknown {what} '{word}'; {suggestion(str(word), names)}")
    return word


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise GrdError(
            f"{path}: expected a configuration file, found none; call from the project's folder, or restore the file"
        ) from None
    try:
        content = yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that no calendar has
        raise GrdError(f"{path}{_syntax_fault(error, text)}") from None
    if not isinstance(content, dict):
        raise GrdError(f"{path}: expected a mapping at the top, found {type(content).__name__}")
    return content


def _syntax_fault(error: Exception, text: bytes) -> str:
    """`, line N: not valid YAML (why)`; a context that begins in another line, such as an open bracket, with that line."""
    if isinstance(error, yaml.reader.ReaderError):
        line = len(text[: error.position + 1].splitlines())
        return f", line {line}: not valid YAML ({error.reason})"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f": not valid YAML ({error})"
    line, began = error.problem_mark.line + 1, error.context_mark and error.context_mark.line + 1
    since = f" that begins in line {began}" if began and began != line else ""
    return f", line {line}: not valid YAML ({f'{error.context}{since}: ' if error.context else ''}{error.problem})"


def parse(model: type[Model], content: Mapping[str, Any], file: Path | str, under: str = "") -> Model:
    """`content` as a closed model; its first fault as a GrdError naming file, key, value and the nearest valid key."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise GrdError(f"{file}: {_fault(model, error.errors(), under)}") from None


def parse_all(model: type[Model], content: Mapping[str, Any], file: Path | str) -> dict[str, Model]:
    """A mapping from names to closed models."""
    return {name: parse(model, check_mapping(value, file, name), file, name) for name, value in content.items()}


def check_mapping(value: Any, file: Path | str, key: str) -> Mapping[str, Any]:
    """`value` itself if it is a mapping; otherwise a GrdError that names its key."""
    if not isinstance(value, dict):
        raise GrdError(f"{file}: '{key}' expects a mapping, found {_shown(value)}")
    return value


def _fault(model: type[BaseModel], errors: Sequence[Any], under: str) -> str:
    """The first of pydantic's errors in words, or before it an unknown key that is a mistyped required one."""
    error = next((error for error in errors if _is_mistyped(model, error, errors)), errors[0])
    location = _location(error)
    key, value = ".".join([*filter(None, [under]), *location]), error["input"]
    match error["type"]:
        case "extra_forbidden":
            return f"unknown key '{key}' (value {_shown(value)}); {suggestion(location[-1], _fields(model, location))}"
        case "missing":
            return f"key '{key}' is missing"
        case "union_tag_not_found":
            return _missing_tag(error, key)
        case "union_tag_invalid":
            tag, valid = error["ctx"]["discriminator"].strip("'"), error["ctx"]["expected_tags"].replace("'", "").split(", ")
            return f"'{key}.{tag}' has value {_shown(value[tag])}; {suggestion(str(value[tag]), valid)}"
        case "value_error":
            return f"'{key}': {error['ctx']['error']}"
    return f"'{key}' has value {_shown(value)}; {error['msg'][0].lower()}{error['msg'][1:]}"


def _location(error: Any) -> list[str]:
    """The keys down to a fault, without the kinds of value that pydantic puts among them."""
    return [part for part in map(str, error["loc"]) if not part.startswith(("constrained-", "literal["))]


def _is_mistyped(model: type[BaseModel], error: Any, errors: Sequence[Any]) -> bool:
    """True for an unknown key that is most like the required key that is reported as missing beside it."""
    if (error["type"], errors[0]["type"]) != ("extra_forbidden", "missing"):
        return False
    *parent, name = location = _location(error)
    return [*parent, nearest(name, _fields(model, location))] == _location(errors[0])


def _missing_tag(error: Any, key: str) -> str:
    """A mapping without the key that says which model it is, such as `algorithm`, or with that key mistyped."""
    tag, content = error["ctx"]["discriminator"].strip("'"), error["input"]
    typo = nearest(tag, map(str, content)) if isinstance(content, dict) else None
    if typo is None:
        return f"key '{key}.{tag}' is missing"
    return f"unknown key '{key}.{typo}' (value {_shown(content[typo])}); did you mean '{tag}'?"


def _shown(value: Any) -> str:
    """A value as Python writes it, its end left out if it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


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
