"""Memory bank of teacher images for inter-image distillation (Sec. III-A 2)."""

import torch
from torch import Tensor, nn


class MemoryBank(nn.Module):
    """First-in, first-out queue of K teacher images; it keeps their nodes (M, D) and second moment (D, D), not their maps.

    Eq. 4 and 7 need no more of a map. At 544 x 544, D = 16 and 200 instances: 14 KB, of which the moment has 1, in place of
    19 MB. Sample before you enqueue, so that relations are those to *other* images, as in Sec. III-A 2. (The released code
    enqueues first, and when the queue is full, overwrites slot K - 1 and counts from 0 again, so that fewer than L are drawn for
    some steps; this one does not.)
    """

    nodes: Tensor
    present: Tensor
    grams: Tensor

    def __init__(self, size: int, instances: int, dimension: int) -> None:
        super().__init__()
        self.register_buffer("nodes", torch.zeros(size, instances, dimension))
        self.register_buffer("present", torch.zeros(size, instances, dtype=torch.bool))
        self.register_buffer("grams", torch.zeros(size, dimension, dimension))
        self.enqueued = 0  # a Python number, so that reading it does not wait for the device

    def __len__(self) -> int:
        """Number of images in the bank."""
        return min(self.enqueued, self.nodes.shape[0])

    def get_extra_state(self) -> int:
        """Number of images enqueued so far, for `state_dict`."""
        return self.enqueued

    def set_extra_state(self, state: int) -> None:
        """Restore the number from `get_extra_state`."""
        self.enqueued = state

    def enqueue(self, nodes: Tensor, present: Tensor, grams: Tensor) -> None:
        """Append a batch of nodes (B, M, D), present (B, M) and grams (B, D, D); a full bank drops its oldest images."""
        size, last = self.nodes.shape[0], self.enqueued + len(nodes)
        slots = [place % size for place in range(max(self.enqueued, last - size), last)]
        kept = slice(len(nodes) - len(slots), None)
        self.nodes[slots], self.present[slots], self.grams[slots] = nodes[kept], present[kept], grams[kept]
        self.enqueued = last

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes, present and grams of `count` images drawn uniformly without replacement, or of all if there are fewer."""
        chosen = torch.randperm(len(self), generator=generator)[:count].to(self.nodes.device)
        return self.nodes[chosen], self.present[chosen], self.grams[chosen]
