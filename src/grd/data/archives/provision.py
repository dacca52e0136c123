"""Archives of a data set, official or twin, and the pipeline's copy of their manifest."""

import json
import sys
from pathlib import Path

from grd.config.datasets import Source
from grd.config.scales import Twin
from grd.data.archives.acquisition import obtain
from grd.data.twins import write_twin
from grd.errors import GrdError
from grd.provenance.manifest import MANIFEST
from grd.system.digests import sha256
from grd.system.files import write_text


def provide(dataset: str, source: Source, folder: Path, inbox: Path, twin: Twin | None, record: Path) -> None:
    """Bring a data set's archives into `folder`, and copy its manifest (file, sha256, bytes, source) to `record`.

    With a `twin` the archives are drawn; otherwise they come from the inbox or the net. A verified archive in `folder` is
    never fetched again, and the pipeline never deletes the folder.
    """
    if twin is not None:
        write_twin(dataset, source, twin, folder)
    else:
        obtain(dataset, source, folder, inbox, progress=sys.stderr.isatty())
    write_text(record, (folder / MANIFEST).read_text())


def read_record(record: Path, folder: Path) -> dict[str, Path]:
    """Paths of the archives that a record lists, by official name; GrdError for one that is absent or has other bytes."""
    entries = json.loads(record.read_text())
    for name, entry in entries.items():
        if not (folder / name).exists() or sha256(folder / name) != entry["sha256"]:
            raise GrdError(
                f"{folder / name}: expected the archive that {record} lists, found another or none; delete both and rerun"
            )
    return {name: folder / name for name in entries}
