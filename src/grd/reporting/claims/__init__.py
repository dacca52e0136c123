"""What the paper's prose claims, and how a claim is checked: on the published numbers and on ours, by the same code.

A kind of claim is a class in `numbers` or `others` and a line in KINDS: its fields are the keys of an entry of
config/claims.yaml, `check` says what the evidence gives, and whether the sentence holds by it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grd.config.parsing import check_name, parse
from grd.errors import GrdError
from grd.reporting.claims.base import Claim, Key
from grd.reporting.claims.numbers import Gap, Improvement, Ratio, Width
from grd.reporting.claims.orders import Better, Gains, Order, Sensitivity, Significant
from grd.reporting.claims.others import Count, Curve, Errors, Samples, Setting, Untested

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
"""The kinds of claims by the names that config/claims.yaml has for them."""


def load_claims(content: Mapping[str, Any], where: Path | str = "config/claims.yaml") -> dict[str, list[Claim]]:
    """All claims by the section of the paper, from what config/claims.yaml holds; the first fault is a GrdError."""
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
