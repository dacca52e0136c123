"""One network in training. (A teacher, too, is first a student: of the labels alone.)"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from grd.data.batches import Batch, DeviceSplit
from grd.distillation import build_method, method_class
from grd.distillation.method import Context, Method, Moment, View
from grd.errors import GrdError
from grd.losses.affinity import Offset, affinities, affinity_loss, affinity_targets, inside, offsets_2d, unit
from grd.networks import build
from grd.networks.base import EmbeddingNetwork, tap_shapes, tapped
from grd.networks.model_file import ModelCard, save_model
from grd.randomness import initialisation
from grd.runs import RunSettings
from grd.training.checkpoint import load_checkpoint, save_checkpoint
from grd.training.history import History
from grd.training.schedule import learning_rate


@dataclass(frozen=True)
class Supervision:
    """Targets of a batch, computed once for all students: bool (B, C, *spatial), and pairs that exist (C, *spatial)."""

    targets: Tensor
    exist: Tensor

    @classmethod
    def of(cls, batch: Batch, offsets: Sequence[Offset]) -> "Supervision":
        """The affinity targets of a batch."""
        labels = batch.labels
        return cls(affinity_targets(labels, offsets), inside(offsets, labels.shape[1:], labels.device))


def arranged(network: EmbeddingNetwork, settings: RunSettings) -> EmbeddingNetwork:
    """The network in the run's memory layout."""
    layout = torch.channels_last if settings.training.channels_last else torch.contiguous_format
    return network.to(memory_format=layout)  # type: ignore[call-overload]


def view(
    network: EmbeddingNetwork,
    batch: Batch,
    strides: Sequence[int],
    settings: RunSettings,
    instances: int,
) -> View:
    """A network's outputs for a batch, in the run's precision."""
    precision = settings.training.precision
    layout = torch.channels_last if settings.training.channels_last else torch.contiguous_format
    images = batch.images.contiguous(memory_format=layout)
    with (
        tapped(network, strides) as taps,
        torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"),
    ):
        embedding = network(images)
    return View(embedding, taps, batch.labels, offsets_2d(settings.shifts), instances)


class Student:
    """A network with its method, optimiser, history and checkpoint; knows nothing of others that train beside it."""

    def __init__(
        self, settings: RunSettings, teacher: EmbeddingNetwork | None, instances: int, state_file: Path, device: torch.device
    ) -> None:
        self.settings, self.device, self.instances = settings, device, instances
        self.state_file = state_file
        with initialisation(settings.seed, "network", settings.network):
            self.network = arranged(build(settings.network, **settings.arguments).to(device), settings)
        self.method = None if teacher is None else self._method(teacher).to(device)
        self.optimiser = self._optimiser()
        self.step, self.best = 0, (float("inf"), self._weights())
        self.history = History(settings.run, [])
        self._resume()

    def _method(self, teacher: EmbeddingNetwork) -> Method:
        strides, crop = method_class(self.settings.method).strides, self.settings.augment.crop
        context = Context(
            self.settings.fidelity,
            tap_shapes(self.network, strides, crop),
            tap_shapes(teacher, strides, crop),
            self.instances,
        )
        with initialisation(self.settings.seed, "method", self.settings.method):
            return build_method(self.settings.method, context)

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
    def strides(self) -> tuple[int, ...]:
        """Strides of the features that the method wants."""
        return self.method.strides if self.method else ()

    @property
    def finished(self) -> bool:
        """Whether all iterations are done."""
        return self.step >= self.settings.training.iterations

    def terms(self, batch: Batch, supervision: Supervision, teacher: View | None) -> dict[str, Tensor]:
        """Loss terms of this step by name, and under `loss` their weighted sum (Eq. 8)."""
        mine = view(self.network, batch, self.strides, self.settings, self.instances)
        reading = self.settings.fidelity.supervised
        supervised = affinity_loss(mine.affinities, supervision.targets, supervision.exist, reading)
        if self.method is None or teacher is None:
            return {"affinity": supervised, "loss": supervised}
        moment = Moment(self.settings.seed, self.step, self.settings.training.iterations)
        terms = self.method.terms(mine, teacher, moment)
        total = supervised + sum(self.method.weights[name] * term for name, term in terms.items())
        return {"affinity": supervised, **terms, "loss": total}

    def advance(self, batch: Batch, supervision: Supervision, teacher: View | None) -> None:
        """One optimiser step."""
        rate = learning_rate(self.settings.training, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        terms = self.terms(batch, supervision, teacher)
        self.optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        self.optimiser.step()
        self.history.add(self.step, terms)
        self.step += 1
        if self.step % self.settings.training.log_every == 0 or self.finished:
            self.history.flush(rate)

    def validation_due(self) -> bool:
        """Whether a validation belongs after the present step."""
        return self.step % self.settings.training.validate_every == 0 or self.finished

    @torch.no_grad()
    def validate(self, validation: DeviceSplit) -> float:
        """Mean L_aff over the validation images, whole; keeps the weights if they are to be selected, and checkpoints."""
        self.network.eval()
        loss = validation_loss(self.network, validation, self.settings)
        self.history.flush(learning_rate(self.settings.training, self.step - 1))
        self.history.validated(self.step, loss)
        if loss < self.best[0] or self.settings.training.select == "last":
            self.best = (loss, self._weights())
        self._save()
        return loss

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def _save(self) -> None:
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "method": self.method.state_dict() if self.method else {},
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "records": self.history.records,
        }
        save_checkpoint(self.state_file, state)

    def _resume(self) -> None:
        state = load_checkpoint(self.state_file, self.device)
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        if self.method:
            self.method.load_state_dict(state["method"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best = state["step"], state["best"]
        self.history = History(self.settings.run, state["records"])

    def write(self, folder: Path) -> None:
        """Write `model.pt` (the selected weights) and `history.jsonl` of a finished training."""
        card = ModelCard(
            self.settings.dataset,
            self.settings.run,
            self.settings.network,
            self.settings.arguments,
            self.settings.normalisation,
            self.settings.padding,
            self.settings.shifts,
        )
        weights = {name: tensor.cpu().contiguous() for name, tensor in self.best[1].items()}
        self.history.write(folder / "history.jsonl")
        save_model(folder / "model.pt", card, weights)


def validation_loss(network: EmbeddingNetwork, validation: DeviceSplit, settings: RunSettings) -> float:
    """Mean over whole images of L_aff (Eq. 6), as the run reads it."""
    if len(validation) == 0:
        raise GrdError(f"{settings.dataset}: expected validation images, found none; name some in its split")
    offsets, reading = offsets_2d(settings.shifts), settings.fidelity.supervised
    size = settings.training.batch_size
    losses = []
    for start in range(0, len(validation), size):
        batch = validation.whole(slice(start, start + size), settings.canvas, settings.padding)
        affinity = affinities(unit(view(network, batch, (), settings, 1).embedding), offsets)
        supervision = Supervision.of(batch, offsets)
        loss = affinity_loss(affinity, supervision.targets, supervision.exist, reading)
        losses.append(loss * len(batch.labels))
    return float(torch.stack(losses).sum() / len(validation))
