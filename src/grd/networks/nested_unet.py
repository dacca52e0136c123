"""NestedUNet, the second teacher (Sec. III-D; Zhou et al. 2018, UNet++), without deep supervision."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from grd.networks.base import EmbeddingNetwork


def double_convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3 x 3 convolutions, each with batch norm and ReLU: (B, I, H, W) → (B, O, H, W)."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class NestedUNet(EmbeddingNetwork):
    """Grid of nodes X(i, j) with `width`·2^i channels and the input cat(X(i, 0…j-1), up(X(i+1, j-1))); head on X(0, 4)."""

    taps: Mapping[int, str] = {4: "nodes.4_0", 3: "nodes.3_1", 2: "nodes.2_2", 1: "nodes.1_3", 0: "nodes.0_4"}

    def __init__(self, width: int = 64, embedding: int = 16) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        self.nodes = nn.ModuleDict()
        for j in range(5):
            for i in range(5 - j):
                inputs = j * widths[i] + widths[i + 1] if j else (widths[i - 1] if i else 3)
                self.nodes[f"{i}_{j}"] = double_convolution(inputs, widths[i])
        self.pool = nn.MaxPool2d(2)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.embedding = nn.Conv2d(width, embedding, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → embeddings (B, D, H, W)."""
        self.output_size(images.shape[-2:])
        rows: list[list[Tensor]] = [[] for _ in range(5)]
        for i in range(5):
            rows[i].append(self.nodes[f"{i}_0"](self.pool(rows[i - 1][0]) if i else images))
        for j in range(1, 5):
            for i in range(5 - j):
                rows[i].append(self.nodes[f"{i}_{j}"](torch.cat([*rows[i], self.up(rows[i + 1][j - 1])], dim=1)))
        return self.embedding(rows[0][4])
