"""The program of the page segments a grey image as `grd predict` does."""

import numpy as np
import pytest
import tifffile
import torch
from pages import block_titled
from projects import settings, squares, train_into, write_squares

from grd.apply.export import export_onnx
from grd.apply.outputs import Outputs
from grd.apply.segment import segment_files
from grd.config.segmenters import as_segmenter
from grd.project.run import Run
from grd.segmentation.run_files import Evaluation, segment_run

CPU = torch.device("cpu")
LEARNED = {
    "algorithm": "mutex",
    "foreground": "learned",
    "strides": (2, 2),
    "merge_passes": ((5, 5), (20, 7)),
    "min_size": 9,
}


@pytest.mark.parametrize(("size", "percentiles"), [(64, None), (60, None), (64, (0, 99))])
def test_the_program_for_elsewhere_gives_the_labels_of_predict(tmp_path, monkeypatch, size, percentiles):
    samples = write_squares(tmp_path / "samples.h5")
    train_into([settings(Run("bbbc039", "resunet_tiny"), iterations=60)], samples, [tmp_path], tmp_path / "state")
    segmenters = {"learned": as_segmenter(LEARNED)}
    evaluation = Evaluation(canvas=(48, 48), segmenters=segmenters, metric="pq", data={}, percentiles=percentiles)
    segment_run(tmp_path / "weights.pt", samples, evaluation, tmp_path / "labels.h5", tmp_path / "model.pt", CPU)
    monkeypatch.chdir(tmp_path)
    image = squares(1, 9, size).images[0].astype(np.uint16)
    if percentiles:
        image.flat[::500] = 60000  # specks that would darken all else
    tifffile.imwrite("nuclei.tif", image)
    outputs = Outputs(tmp_path)
    list(segment_files([tmp_path / "nuclei.tif"], tmp_path / "model.pt", outputs, CPU))
    export_onnx(tmp_path / "model.pt", tmp_path / "nuclei.onnx")
    exec(compile(block_titled("elsewhere.py"), "elsewhere.py", "exec"), {})
    found, expected = tifffile.imread("labels.tif"), tifffile.imread(outputs.labels(tmp_path / "nuclei.tif"))
    numbers = np.unique(found, return_inverse=True)[1].reshape(found.shape)
    np.testing.assert_array_equal(numbers, expected)
    assert expected.max() > 1
