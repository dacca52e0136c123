"""Volumes: every method on MALA and MALA-tiny, from samples to scores."""

import numpy as np
import pytest
import torch
from projects import train_into, volume_settings, write_tubes

from grd.config.catalogue import METHODS
from grd.config.general import Fidelity
from grd.config.segmenters import MulticutSegmenter, WaterzSegmenter
from grd.data.store import chosen_numbers, read_labels, read_split
from grd.distillation.biskd import align_labels
from grd.errors import GrdError
from grd.metrics.score_file import read_scores, write_score_file
from grd.networks import build
from grd.networks.model_file import load_model
from grd.project.run import Run
from grd.segmentation.run_files import Evaluation, segment_run
from grd.segmentation.timing import write_timing_file
from grd.training.history import read_history
from grd.training.student import Student

CPU = torch.device("cpu")
TEACHER = Run("ac34", "mala")
STUDENTS = [Run("ac34", "mala_tiny", method, "mala") for method in METHODS[1:]]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("volumes")
    write_tubes(folder / "samples.h5")
    options = {"iterations": 40, "validate_every": 40, "learning_rate": 0.005}
    train_into([volume_settings(TEACHER, **options)], folder / "samples.h5", [folder / "teacher"], folder / "state")
    return folder


@pytest.mark.parametrize("levels", ["paper", "released"])
def test_every_method_teaches_mala_tiny(world, tmp_path, levels):
    fidelity = Fidelity(levels=levels)
    folders = [tmp_path / run.name for run in STUDENTS]
    settings = [volume_settings(run, fidelity, channels_last=levels == "released") for run in STUDENTS]
    train_into(settings, world / "samples.h5", folders, tmp_path / "state", world / "teacher/weights.pt")
    for folder in folders:
        losses = [record["loss"] for record in read_history(folder / "history.jsonl") if "loss" in record]
        assert np.isfinite(losses).all()


def test_levels_of_the_released_code_add_terms_and_train_their_projections(world, tmp_path, monkeypatch):
    first, fresh, trained, begin, finish = {}, [], [], Student.__init__, Student.finish

    def begin_and_keep(self, *arguments):
        begin(self, *arguments)
        fresh.append([weight.detach().clone() for weight in self.method.parameters()])

    def finish_and_keep(self, inputs):
        finish(self, inputs)
        trained.append([*self.method.parameters()])

    monkeypatch.setattr(Student, "__init__", begin_and_keep)
    monkeypatch.setattr(Student, "finish", finish_and_keep)
    for levels in ("paper", "released"):
        folder = tmp_path / levels
        run = volume_settings(STUDENTS[METHODS[1:].index("biskd")], Fidelity(levels=levels), log_every=1)
        train_into([run], world / "samples.h5", [folder], folder / "state", world / "teacher/weights.pt")
        first[levels] = read_history(folder / "history.jsonl")[0]
        before, after = fresh.pop(), trained.pop()
        assert len(after) == {"paper": 0, "released": 2}[levels]
        assert not any(map(torch.equal, before, after))
    assert first["released"]["affinity"] == pytest.approx(first["paper"]["affinity"])
    assert first["released"]["node"] > first["paper"]["node"]


def test_weights_of_the_settings_replace_a_method_s_own(world, tmp_path):
    run = volume_settings(STUDENTS[METHODS[1:].index("biskd")], log_every=1, weights={"affinity_graph": 2.0, "review": 9.0})
    train_into([run], world / "samples.h5", [tmp_path], tmp_path / "state", world / "teacher/weights.pt")
    first = read_history(tmp_path / "history.jsonl")[0]
    expected = first["affinity"] + 0.1 * first["node"] + 0.1 * first["edge"] + 2 * first["affinity_graph"]
    assert first["loss"] == pytest.approx(expected, rel=1e-5)


def test_labels_are_taken_under_the_centres_of_features():
    labels = torch.arange(6).view(1, 1, 1, 6)  # six pixels, concentric with four features of three pixels each: 12 pixels
    features = torch.arange(4.0).view(1, 1, 1, 1, 4)
    kept, found = align_labels(features, labels, (1, 1, 3))
    # feature n covers the label pixels 3n - 3 to 3n - 1; its centre is 3n - 2
    assert kept.flatten().tolist() == [1, 2] and found.flatten().tolist() == [1, 4]


def test_from_volume_to_scores_and_times(world, tmp_path):
    samples, labels, model = world / "samples.h5", tmp_path / "l.h5", tmp_path / "model.pt"
    segmenters = {"waterz": WaterzSegmenter(algorithm="waterz"), "multicut": MulticutSegmenter(algorithm="multicut")}
    evaluation = Evaluation(canvas=(8, 24, 28), segmenters=segmenters, metric="voi", data={})
    segment_run(world / "teacher/weights.pt", samples, evaluation, labels, model, CPU)
    write_score_file(labels, samples, tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text().startswith("segmenter,image,voi,voi_split,voi_merge,arand\n")
    for name in segmenters:
        assert read_labels(labels, name)[1].shape == read_split(samples, "test").labels.shape
        assert read_scores(tmp_path / "s.csv", name).to_numpy().max() < 10
    use = load_model(model, CPU)[1].use
    assert use.background is None and use.segmenter() == use.segmenter("waterz")
    assert use.segmenter().threshold == chosen_numbers(labels, "waterz")["threshold"]
    write_timing_file(model, samples, "waterz", tmp_path / "t.csv", CPU)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert 2 <= len(lines) <= 4 and all(float(seconds) > 0 for line in lines[1:] for seconds in line.split(",")[:2])


def test_volumes_thinner_than_the_context_are_refused_with_file_and_shape(tmp_path):
    samples = write_tubes(tmp_path / "thin.h5", (2, 40, 40))
    with pytest.raises(GrdError, match=r"thin\.h5: training/images: expected a volume of at least 3 x .* \(2, 40, 40\)"):
        train_into([volume_settings(TEACHER)], samples, [tmp_path], tmp_path / "state")


def test_shifts_that_no_two_voxels_of_the_output_have_are_refused(world, tmp_path):
    run = volume_settings(TEACHER)
    side = build(run.network, **run.arguments).output_size(run.augment.crop)[0]
    far = run.model_copy(update={"shifts": ((1, side), (1,), (1,))})
    with pytest.raises(GrdError, match=rf"below the sides of the network's output for a crop, {side} x .* found {side}; leave"):
        train_into([far], world / "samples.h5", [tmp_path / "run"], tmp_path / "state")


@pytest.mark.parametrize(
    "arguments",
    [{"encoder": [2, 3], "decoder": [2], "pooling": [[1, 2, 2]], "kernels": [[1, 3, 3], [1, 3, 3]]}, {"embedding": 8}],
    ids=["pixels", "channels"],
)
def test_a_teacher_whose_embeddings_have_another_shape_is_refused(world, tmp_path, arguments):
    student = volume_settings(STUDENTS[0])
    other = student.model_copy(update={"arguments": {**student.arguments, **arguments}})
    [trained] = train_into([other], world / "samples.h5", [tmp_path], tmp_path / "state", world / "teacher/weights.pt")
    with pytest.raises(GrdError, match="expected embeddings of one shape from student and teacher"):
        trained.folder(tmp_path / "state")
