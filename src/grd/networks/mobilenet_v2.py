"""MobileNetV2, the second student (Sec. III-D; Sandler et al. 2018), as the authors adapted it for dense embeddings."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from grd.networks.base import EmbeddingNetwork

# expansion, channels, repeats, stride of the first repeat; two strides are 1 in place of the original's 2
STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 1), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm and ReLU6: (B, I, H, W) → (B, O, H / stride, W / stride)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """Expansion 1 x 1, depth-wise convolution 3 x 3, projection 1 x 1, and a skip if input and output shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [convolution(inputs, hidden, kernel=1)] if expansion != 1 else []
        self.skip = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            *expand,
            convolution(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, I, H, W) → (B, O, H / stride, W / stride)."""
        return features + self.layers(features) if self.skip else self.layers(features)


class MobileNetV2(EmbeddingNetwork):
    """Backbone of stride 8, a 1 x 1 convolution and a bilinear resize to the input's size, without decoder and skips.

    It is trained from scratch, without ImageNet weights. `classifier` is never called; it exists because Table I counts its
    parameters. The 4.79 M / 25.82 G of Table I are those of `embedding=1000`, the number of classes in the original code; the
    paper's student has 16 outputs. `width` scales every channel count.
    """

    taps: Mapping[int, str] = {1: "stages.1", 2: "stages.4", 3: "stages.6"}

    def __init__(self, width: float = 1.0, embedding: int = 16) -> None:
        super().__init__()
        channels = _channel_count(32, width)
        last = _channel_count(1280, width)
        self.stem = convolution(3, channels, stride=2)
        stages = []
        for expansion, outputs, repeats, stride in STAGES:
            blocks = []
            for repeat in range(repeats):
                wide = _channel_count(outputs, width)
                blocks.append(InvertedResidual(channels, wide, stride if repeat == 0 else 1, expansion))
                channels = wide
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.last = convolution(channels, last, kernel=1)
        self.embedding = nn.Conv2d(last, embedding, 1)
        self.classifier = nn.Linear(last, embedding)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) → embeddings (B, D, H, W)."""
        self.output_size(images.shape[-2:])
        embedding = self.embedding(self.last(self.stages(self.stem(images))))
        return F.interpolate(embedding, size=images.shape[-2:], mode="bilinear", align_corners=True)


def _channel_count(channels: int, width: float) -> int:
    """`channels * width` rounded to a multiple of 8, never by more than 10 % down (the original's rule)."""
    scaled = max(8, int(channels * width + 4) // 8 * 8)
    return scaled + 8 if scaled < 0.9 * channels * width else scaled


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
        nn.init.zeros_(module.bias)
