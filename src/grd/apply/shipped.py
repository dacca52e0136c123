"""The models that ship with this software, by name."""

from pathlib import Path

from grd.config.parsing import check_name
from grd.errors import GrdError

FOLDER = Path(__file__).parents[1] / "models"
"""A folder of files NAME.pt, each beside its card NAME.md."""


def shipped_models() -> dict[str, Path]:
    """Files of the models by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.pt"))}


def find_model(model: str) -> Path:
    """The file that a path or the name of a shipped model means; GrdError for a name that no model has."""
    path, shipped = Path(model), shipped_models()
    if path.suffix or path.is_file() or len(path.parts) > 1:
        return path
    if not shipped:
        raise GrdError(f"model '{model}': expected a file, found none, and no models in {FOLDER}; name the model.pt of a run")
    return shipped[check_name(model, shipped, "model", "the models that ship")]
