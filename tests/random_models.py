"""Files of untrained models, whose batch norms have seen a few images."""

import torch
from projects import WIDTHS

from grd.networks import build
from grd.networks.model_file import Background, ModelCard, Use, save_model

OFFSETS = {2: [(-1, 0), (0, -1), (-3, 0), (0, -3)], 3: [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, -3, 0), (0, 0, -3)]}
SEGMENTERS = {2: {"algorithm": "mutex", "foreground": "learned", "strides": (2, 2)}, 3: {"algorithm": "multicut"}}
DATA = {"title": "Dots & co.", "cite": "A. Nobody (2020)", "licence": "CC BY 4.0", "page": "https://example.org"}


def write_random_model(path, name, rgb=False, data=DATA, percentiles=None, **changes):
    """Write the model.pt of a narrow network; `changes` are fields of its card."""
    torch.manual_seed(0)
    network = build(name, **WIDTHS[name]).train()
    rank = network.rank
    size = (64, 64) if rank == 2 else network.nearest_size((12, 40, 40))
    for _ in range(20):
        network(torch.rand(2, network.channels, *size))
    background = Background([1.0] + 15 * [0.0], 0.9) if rank == 2 else None
    shape, scores = (*size, 3) if rgb else size, {"usual": {"dic": 1.5}}
    versions = {"torch": str(torch.__version__)}
    use = Use(size, shape, 30.0, background, {"usual": SEGMENTERS[rank]}, scores, data, versions, percentiles)
    fields = {"normalisation": "unit", "padding": "zero", "use": use} | changes
    card = ModelCard("dots", f"{name}-s0", name, WIDTHS[name], offsets=OFFSETS[rank], **fields)
    save_model(path, card, network.state_dict())
    return path
