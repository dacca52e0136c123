"""The memory bank of inter-image distillation (Sec. III-A 2)."""

import torch
from torch import Tensor, nn


class MemoryBank(nn.Module):
    """First in, first out, K teacher images; of each the nodes and one D x D second moment, not the map.

    That is all that Eq. 4 and 7 need of a map: 1 KB for its 19 MB at 544 x 544, D = 16. Sample before you enqueue, and
    relations are those to *other* images, as Sec. III-A 2 wants. (The released code enqueues first, overwrites slot K - 1
    when full, and then draws from the first slots only: described here, not imitated.)
    """

    nodes: Tensor
    present: Tensor
    grams: Tensor

    def __init__(self, size: int, instances: int, dimension: int) -> None:
        super().__init__()
        self.register_buffer("nodes", torch.zeros(size, instances, dimension))
        self.register_buffer("present", torch.zeros(size, instances, dtype=torch.bool))
        self.register_buffer("grams", torch.zeros(size, dimension, dimension))
        self.enqueued = 0  # a number of the host: asking for it does not wait for the device

    def __len__(self) -> int:
        """How many images the bank holds."""
        return min(self.enqueued, self.nodes.shape[0])

    def get_extra_state(self) -> int:
        """How many images have come so far, for `state_dict`."""
        return self.enqueued

    def set_extra_state(self, state: int) -> None:
        """Take up `get_extra_state`."""
        self.enqueued = state

    def enqueue(self, nodes: Tensor, present: Tensor, grams: Tensor) -> None:
        """Append a batch: nodes (B, M, D), present (B, M), grams (B, D, D); the oldest leave when K are held."""
        size, last = self.nodes.shape[0], self.enqueued + len(nodes)
        slots = [place % size for place in range(max(self.enqueued, last - size), last)]
        kept = slice(len(nodes) - len(slots), None)
        self.nodes[slots], self.present[slots], self.grams[slots] = nodes[kept], present[kept], grams[kept]
        self.enqueued = last

    def sample(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes, present and grams of `count` images drawn uniformly without replacement (all, if it holds fewer)."""
        chosen = torch.randperm(len(self), generator=generator)[:count].to(self.nodes.device)
        return self.nodes[chosen], self.present[chosen], self.grams[chosen]
