"""A network in training. (A teacher, too, is first a student: of the labels alone.)"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from grd.data.batches import Batch, DeviceSplit
from grd.data.randomness import initialisation
from grd.distillation import SUPERVISED, TOTAL, method_class, weights_and_options
from grd.distillation.method import Context, Method, Moment, View
from grd.errors import GrdError, error_location
from grd.losses.affinity import affinities, affinity_loss
from grd.networks import build
from grd.networks.base import EmbeddingNetwork, output_shapes
from grd.networks.model_file import ModelCard, save_model
from grd.project.run import RunSettings
from grd.system.devices import device_name
from grd.system.hardware import versions
from grd.training.checkpoint import Checkpoints
from grd.training.folder import TrainingFolder, link_file
from grd.training.history import History
from grd.training.schedule import learning_rate
from grd.training.selection import MEASURES, Measures, describe, selection_value
from grd.training.view import Supervision, geometry_of, in_memory_format, view

log = logging.getLogger(__name__)


class Student:
    """A network with its method, optimiser, history and checkpoints; it knows nothing of others that train beside it."""

    def __init__(
        self,
        settings: RunSettings,
        teacher: EmbeddingNetwork | None,
        instances: int,
        folder: TrainingFolder,
        device: torch.device,
    ) -> None:
        self.settings, self.device, self.instances = settings, device, instances
        self.folder, self.checkpoints = folder, Checkpoints(folder.path)
        with initialisation(settings.seed, "network", settings.network):
            self.network = in_memory_format(build(settings.network, **settings.arguments).to(device), settings)
        self.method = None if teacher is None else self._method(teacher).to(device)
        self.optimiser = self._optimiser()
        self.step, self.best = 0, (float("-inf"), 0, self._weights())
        self.history = History(settings.run, [])
        self.sessions, self.seconds = 0, 0.0
        self._resume()
        self.sessions, self._began = self.sessions + 1, time.monotonic()

    def _method(self, teacher: EmbeddingNetwork) -> Method:
        fidelity, crop, kind = self.settings.fidelity, self.settings.augment.crop, method_class(self.settings.method)
        levels = common_levels(self.network, teacher, kind.wanted_levels(fidelity, self.network.rank))
        mine, features = output_shapes(self.network, levels, crop)
        theirs, teacher_features = output_shapes(teacher, levels, crop)
        if mine != theirs:
            raise GrdError(
                f"{self.settings.run}: expected embeddings of one shape from student and teacher, found {mine} and {theirs} (D, "
                f"then pixels per axis) for a crop of {crop}; give them the same `embedding`, pooling factors and kernels"
            )
        weights, options = weights_and_options(self.settings)
        context = Context(
            fidelity,
            features,
            teacher_features,
            {level: self.network.scale(level) for level in levels},
            self.settings.near,
            self.instances,
            mine[0],
            changes={**weights, **options},
            inter_affinity_factor=self.settings.inter_affinity_factor,
        )
        with initialisation(self.settings.seed, "method", self.settings.method):
            return kind(context)

    def _optimiser(self) -> torch.optim.Optimizer:
        training = self.settings.training
        parameters = [*self.network.parameters(), *(self.method.parameters() if self.method else ())]
        return torch.optim.Adam(
            parameters,
            lr=training.learning_rate,
            betas=training.betas,
            eps=training.eps,
            weight_decay=training.weight_decay,
            amsgrad=training.amsgrad,
            fused=True,
        )

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels of the features that the method takes."""
        return self.method.used_levels if self.method else ()

    @property
    def finished(self) -> bool:
        """True once all iterations are done."""
        return self.step >= self.settings.training.iterations

    def terms(self, batch: Batch, supervision: Supervision, teacher: View | None) -> dict[str, Tensor]:
        """Loss terms of this step by name, and under `loss` their weighted sum (Eq. 8)."""
        mine = view(self.network, batch, self.levels, self.settings, self.instances)
        reading, offsets = self.settings.fidelity.supervised, self.settings.offsets
        affinity = mine.affinities if offsets == mine.offsets else affinities(mine.unit_vectors, offsets)
        supervised = affinity_loss(affinity, supervision.targets, supervision.exist, reading)
        if self.method is None or teacher is None:
            return {SUPERVISED: supervised, TOTAL: supervised}
        moment = Moment(self.settings.seed, self.step, self.settings.training.iterations)
        terms, weights = self.method.terms(mine, teacher, moment), self.method.weights
        if terms.keys() != weights.keys():
            raise GrdError(
                f"method {self.settings.method}: expected a loss term for each weight ({', '.join(weights)}), found "
                f"{', '.join(terms) or 'none'}; let `terms` and `weights` have the same names"
            )
        if wrong := [name for name, term in terms.items() if not isinstance(term, Tensor) or term.dim()]:
            raise GrdError(
                f"method {self.settings.method}: expected scalar tensors from `terms`, found {', '.join(wrong)} to be other "
                "values; take a mean or a sum"
            )
        total = supervised + sum(weights[name] * term for name, term in terms.items() if weights[name])
        return {SUPERVISED: supervised, **terms, TOTAL: total}

    def advance(self, batch: Batch, supervision: Supervision, teacher: View | None) -> None:
        """One optimiser step."""
        rate = learning_rate(self.settings.training, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        terms = self.terms(batch, supervision, teacher)
        self.optimiser.zero_grad(set_to_none=True)
        terms[TOTAL].backward()
        self.optimiser.step()
        self.history.add(self.step, terms)
        self.step += 1
        if self.step % self.settings.training.log_every == 0 or self.finished:
            self.history.flush(rate)

    @property
    def validation_due(self) -> bool:
        """True if a validation belongs after the present step and has not been made."""
        due = self.step % self.settings.training.validate_every == 0 or self.finished
        return due and self.step > self.history.last_validation

    @torch.no_grad()
    def validate(self, validation: DeviceSplit, pause: Callable[[], None] = lambda: None) -> Measures:
        """Mean L_aff over the validation images, whole, and the score if it selects; keeps the weights if they are the best.

        `pause` is called between batches; an exception from it leaves the student as if this had not begun.
        """
        self.history.flush(learning_rate(self.settings.training, self.step - 1))
        self.network.eval()
        geometry = geometry_of(self.network, self.settings)
        with error_location(self.settings.dataset):
            found = MEASURES[self.settings.training.select](self.network, validation, self.settings, geometry, pause)
        self.history.add_validation(self.step, found)
        if (value := selection_value(found, self.settings, self.step)) > self.best[0]:
            self.best = (value, self.step, self._weights())
        return found

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def save(self) -> None:
        """Write a checkpoint; GrdError if a loss of this training is not finite.

        Schedule and randomness are functions of the step, and no precision here needs a scaler: none of them has a state.
        """
        self.history.check()
        state = {
            "device": device_name(self.device),
            "step": self.step,
            "network": self.network.state_dict(),
            "method": self.method.state_dict() if self.method else {},
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "history": self.history.state(),
            "sessions": self.sessions,
            "seconds": self._seconds_spent(),
        }
        self.checkpoints.save(self.step, state)

    def _seconds_spent(self) -> float:
        return self.seconds + time.monotonic() - self._began

    def _resume(self) -> None:
        state = self.checkpoints.load(self.device)
        if state is None:
            return
        if state["device"] != (here := device_name(self.device)):
            log.warning("%s is resumed on %s, was begun on %s: its bits will differ", self.settings.run, here, state["device"])
        self.network.load_state_dict(state["network"])
        if self.method:
            self.method.load_state_dict(state["method"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best = state["step"], state["best"]
        self.history = History.of(self.settings.run, state["history"])
        self.sessions, self.seconds = state["sessions"], state["seconds"]

    def finish(self, inputs: Mapping[str, str]) -> None:
        """Write selected and last weights, the history and the account, `inputs` (digests by name) included, into the training's
        folder, and remove its checkpoints."""
        account = {
            "inputs": dict(inputs),
            "selected": describe(self.settings, self.best[1]),
            "device": device_name(self.device),
            "seconds": round(self._seconds_spent(), 1),
            "sessions": self.sessions,
            "versions": versions(),
        }
        self.history.write(self.folder.history)
        self._write_weights(self.folder.weights, self.best[1], self.best[2])
        if self.best[1] == self.step:
            link_file(self.folder.weights, self.folder.last)
        else:
            self._write_weights(self.folder.last, self.step, self._weights())
        self.folder.close(account)
        self.checkpoints.clear()

    def _write_weights(self, path: Path, step: int, weights: Mapping[str, Tensor]) -> None:
        card = ModelCard(
            self.settings.dataset,
            self.settings.run,
            self.settings.network,
            self.settings.arguments,
            self.settings.normalisation,
            self.settings.padding,
            self.settings.near,
            describe(self.settings, step) if path == self.folder.weights else f"step {step}: the last",
        )
        save_model(path, card, {name: tensor.cpu().contiguous() for name, tensor in weights.items()})


def common_levels(student: EmbeddingNetwork, teacher: EmbeddingNetwork, wanted: Sequence[int]) -> list[int]:
    """The wanted levels of features that both networks have; GrdError if there is none."""
    levels = [level for level in wanted if level in student.taps and level in teacher.taps]
    if wanted and not levels:
        raise GrdError(
            f"{type(student).__name__}: expected features at one of the levels {', '.join(map(str, wanted))} of it and its "
            f"teacher, found {', '.join(map(str, student.taps))} and {', '.join(map(str, teacher.taps))}; choose another method"
        )
    return levels
