"""Claims of the paper's prose, checked on the published and on the reproduced numbers by the same code.

A kind of claim is a class of this package and a line in KINDS: its fields are the keys of an entry of config/claims.yaml, and
`check` returns what the evidence gives and whether the sentence holds by it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grd.config.parsing import check_name, parse
from grd.errors import GrdError
from grd.reporting.claims.base import Claim, Key, Untested
from grd.reporting.claims.design import Count, Samples, Setting
from grd.reporting.claims.figures import Curve, Errors
from grd.reporting.claims.numbers import Gap, Improvement, Ratio, Width
from grd.reporting.claims.orders import Better, Gains, Order, Sensitivity, Significant

KINDS: dict[str, type[Claim]] = {
    "improvement": Improvement,
    "gap": Gap,
    "ratio": Ratio,
    "better": Better,
    "significant": Significant,
    "order": Order,
    "gains": Gains,
    "sensitivity": Sensitivity,
    "width": Width,
    "count": Count,
    "setting": Setting,
    "samples": Samples,
    "curve": Curve,
    "errors": Errors,
    "untested": Untested,
}
"""The kinds of claims by their names in config/claims.yaml."""


def load_claims(content: Mapping[str, Any], where: Path | str = "config/claims.yaml") -> dict[str, list[Claim]]:
    """The claims of each section of the paper, from the content of config/claims.yaml; the first fault is a GrdError."""
    for section, entries in content.items():
        if not isinstance(entries, list):
            raise GrdError(f"{where}, {section}: expected a list of claims, found {entries!r}")
    return {section: [_claim(entry, f"{where}, {section}") for entry in entries] for section, entries in content.items()}


def _claim(entry: Any, where: str) -> Claim:
    if not isinstance(entry, dict):
        raise GrdError(f"{where}: expected a claim, a mapping with kind, place and says, found {entry!r}")
    where = f"{where}, '{entry.get('says', '')}'"
    return parse(KINDS[check_name(str(entry.get("kind")), KINDS, "kind", where)], entry, where)


def check_names(claims: Mapping[str, Sequence[Claim]], published: Mapping[Key, float | None]) -> None:
    """GrdError for a claim about a row or a cell that no table of the paper has."""
    valid = {" ".join(filter(None, key[:length])) for key in published for length in (2, 5)}
    for claim in (claim for section in claims.values() for claim in section):
        for cell in claim.cells():
            check_name(
                " ".join(filter(None, cell)), valid, "cell of config/published.yaml", f"config/claims.yaml, '{claim.says}'"
            )
