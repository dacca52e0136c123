import pytest
import torch

from grd.config.catalogue import NETWORKS
from grd.errors import GrdError
from grd.networks import build, embedding_size
from grd.networks.base import feature_taps, output_shapes
from grd.networks.model_file import ModelCard, load_model, save_model


def test_sizes_that_cannot_be_halved_are_refused_with_the_size_that_fits():
    with pytest.raises(GrdError, match=r"multiples of 16, found 40 x 64; pad to 48 x 64"):
        build("resunet_tiny")(torch.rand(1, 3, 40, 64))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_table_of_networks_and_the_classes_agree_on_images_or_volumes(name):
    with torch.device("meta"):
        assert build(name).rank == NETWORKS[name].rank


def test_an_unknown_network_is_answered_with_the_nearest():
    with pytest.raises(GrdError, match="unknown network 'resnet_tiny'; did you mean 'resunet_tiny'"):
        build("resnet_tiny")


@pytest.mark.parametrize("arguments", [{"widths": [-8, 16, 32, 64, 128]}, {"widths": [8, 16]}, {"depth": 3}])
def test_arguments_of_which_no_network_can_be_made_are_one_sentence(arguments):
    with pytest.raises(
        GrdError, match=r"network resunet: expected arguments that it can be built with, found .*; see `networks`"
    ):
        build("resunet", **arguments)


def test_taps_of_the_teacher_have_the_released_shapes():
    shapes = output_shapes(build("resunet"), (4, 3, 2, 1), (544, 544))[1]
    assert shapes == {4: (680, 34, 34), 3: (680, 68, 68), 2: (349, 136, 136), 1: (179, 272, 272)}


@pytest.mark.parametrize("name", ["resunet_tiny", "mobilenet_v2", "nested_unet"])
def test_all_networks_of_images_can_be_tapped_below_three_two_and_one_poolings_with_equal_sizes(name):
    shapes = output_shapes(build(name), (3, 2, 1), (64, 96))[1]
    assert {level: shape[1:] for level, shape in shapes.items()} == {3: (8, 12), 2: (16, 24), 1: (32, 48)}


def test_hooks_of_taps_go_when_the_context_ends():
    network = build("resunet_tiny")
    with feature_taps(network, (3,)) as features:
        network(torch.rand(1, 3, 32, 32))
    assert features[3].shape == (1, 64, 4, 4)
    assert not any(module._forward_hooks for module in network.modules())


def card(**changes):
    fields = {"dataset": "cvppp", "run": "r-s0", "network": "resunet_tiny", "arguments": {"widths": [2, 4, 4, 8, 8]}}
    return ModelCard(**{**fields, "normalisation": "unit", "padding": "zero", "offsets": [(-1, 0), (0, -1)], **changes})


def test_a_model_file_gives_back_the_same_embeddings(tmp_path):
    network = build("resunet_tiny", widths=[2, 4, 4, 8, 8]).eval()
    save_model(tmp_path / "model.pt", card(), network.state_dict())
    loaded, found = load_model(tmp_path / "model.pt", torch.device("cpu"))
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded(images), network(images))
    assert found == card()


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"not a model")
    with pytest.raises(GrdError, match=r"model\.pt: expected a file of format 'grd model'"):
        load_model(tmp_path / "model.pt", torch.device("cpu"))
    with pytest.raises(GrdError, match="found no file"):
        load_model(tmp_path / "none.pt", torch.device("cpu"))


def test_the_size_of_embeddings_is_that_of_the_network_that_is_built():
    assert embedding_size("resunet") == embedding_size("mala") == 16
    assert embedding_size("mobilenet_v2", width=0.5, embedding=8) == 8
