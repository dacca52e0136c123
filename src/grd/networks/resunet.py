"""ResUNet, teacher and tiny students (Sec. III-D; Anas et al. 2017), after the released code."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grd.networks.base import EmbeddingNetwork


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with a 3 x 3 shortcut: (B, I, H, W) → (B, O, H, W).

    The shortcut is a convolution even if I = O, and the last ReLU is a function call, as the counts of Table I show.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs))

    def forward(self, features: Tensor) -> Tensor:
        """(B, I, H, W) → (B, O, H, W)."""
        return F.relu(self.main(features) + self.shortcut(features))


def up_block(inputs: int, outputs: int) -> nn.Sequential:
    """Bilinear upsampling by 2, then a residual block: (B, I, H, W) → (B, O, 2H, 2W)."""
    upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
    return nn.Sequential(upsample, ResidualBlock(inputs, outputs))


class ResUNet(EmbeddingNetwork):
    """Encoder of widths f0…f4, each stage with a pooling at its end; decoder of four residual up-blocks with skips.

    Skips start after the poolings; the full-resolution f0 map is no skip. `mask` is a head of two outputs that gets no loss
    in the paper and never changes an embedding; it exists because Table I counts it.
    """

    taps: Mapping[int, str] = {4: "encoder.3", 3: "decoder.0", 2: "decoder.1", 1: "decoder.2", 0: "decoder.3"}

    def __init__(self, widths: Sequence[int], embedding: int = 16) -> None:
        super().__init__()
        f0, f1, f2, f3, f4 = widths
        self.stem = ResidualBlock(3, f0)
        self.encoder = nn.ModuleList(
            nn.Sequential(ResidualBlock(inputs, outputs), nn.MaxPool2d(2))
            for inputs, outputs in ((f0, f1), (f1, f2), (f2, f3), (f3, f4))
        )
        self.decoder = nn.ModuleList(
            up_block(inputs, outputs) for inputs, outputs in ((f4, f4), (f4 + f3, f3), (f3 + f2, f2), (f2 + f1, f1))
        )
        self.embedding = nn.Conv2d(f1, embedding, 1)
        self.mask = nn.Sequential(nn.Conv2d(f1, f1, 1), nn.BatchNorm2d(f1), nn.ReLU(), nn.Conv2d(f1, 2, 1))

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → features of the decoder (B, f1, H, W)."""
        self.output_size(images.shape[-2:])
        skips, features = [], self.stem(images)
        for stage in self.encoder:
            features = stage(features)
            skips.append(features)
        features = self.decoder[0](skips.pop())
        for up in self.decoder[1:]:
            features = up(torch.cat([features, skips.pop()], dim=1))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → embeddings (B, D, H, W)."""
        return self.embedding(self.features(images))

    def all_outputs(self, images: Tensor) -> tuple[Tensor, ...]:
        """Embeddings (B, D, H, W) and mask logits (B, 2, H, W), which the released network computes in every pass."""
        features = self.features(images)
        return self.embedding(features), self.mask(features)
