"""Loss terms of a training, step by step; read from the device a window at a time, so that no step waits for them."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grd.distillation import VALIDATION
from grd.errors import GrdError
from grd.system.files import write_text

Record = dict[str, Any]


class History:
    """Means of every loss term over windows of steps, and validation losses."""

    def __init__(self, run: str, records: list[Record]) -> None:
        self.run, self.records = run, records
        self._steps: list[int] = []
        self._window: list[Tensor] = []
        self._names: list[str] = []

    def add(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Keep the terms of a step, on their device."""
        self._names = list(terms)
        self._steps.append(step)
        self._window.append(torch.stack([term.detach().float() for term in terms.values()]))

    def flush(self, rate: float) -> None:
        """Average the window into a record; GrdError if a term is not finite, as in `check`."""
        if not self._window:
            return
        means = dict(zip(self._names, self.check().double().mean(0).tolist(), strict=True))
        self.records.append({"step": self._steps[-1] + 1, "learning_rate": rate, **means})
        self._steps, self._window = [], []

    def check(self) -> Tensor:
        """The window's terms (steps, terms); GrdError at the first that is not finite, with its step."""
        values = torch.stack(self._window).cpu() if self._window else torch.zeros(0, 0)
        bad = (~values.isfinite()).nonzero()
        if len(bad):
            step, term = self._steps[int(bad[0, 0])], self._names[int(bad[0, 1])]
            raise GrdError(
                f"{self.run}: loss term '{term}' became {values[tuple(bad[0])].item()} at step {step}; "
                "lower training.learning_rate or that term's weight"
            )
        return values

    def state(self) -> dict[str, Any]:
        """The history as tensors and plain values, the window that is not averaged yet included."""
        return {"records": self.records, "steps": self._steps, "names": self._names, "window": self._window}

    @classmethod
    def of(cls, run: str, state: Mapping[str, Any]) -> "History":
        """The history that `state` describes."""
        history = cls(run, state["records"])
        history._steps, history._names, history._window = state["steps"], state["names"], state["window"]
        return history

    @property
    def last_validation(self) -> int:
        """The step after which the last validation was made; 0 if there was none."""
        return next((record["step"] for record in reversed(self.records) if VALIDATION in record), 0)

    def add_validation(self, step: int, measures: Mapping[str, float]) -> None:
        """Record the measures of a validation, its loss under `validation`; GrdError if one is not finite."""
        for name, value in measures.items():
            if not math.isfinite(value):
                raise GrdError(f"{self.run}: {name} became {value} after step {step}; lower training.learning_rate")
        self.records.append({"step": step, **measures})

    def write(self, path: Path) -> None:
        """Write history.jsonl: one JSON object a line."""
        write_text(path, "".join(json.dumps(record) + "\n" for record in self.records))


def read_history(path: Path) -> list[Record]:
    """The records of a history.jsonl."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
