"""config/datasets.yaml: a data set's archives, split, augmentation, segmenters and metrics."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from grd.config.parsing import Closed, Extent, Positive, Probability, Range
from grd.config.segmenters import Segmenter


class Archive(Closed):
    """One official file of a data set, and how it is known: by a regular expression for names inside it (members of a zip,
    paths in an HDF5 file), by one for its own name, or by both.

    `mirrors` are other addresses, tried in their order after `url`. `example` is a name that `members` matches: users are
    told of it, not of the expression.
    """

    url: str | None = None
    mirrors: list[str] = []
    sha256: str | None = None
    members: str | None = None
    example: str | None = None
    named: str | None = None
    ask: str | None = None

    @property
    def addresses(self) -> list[str]:
        """Where it can be downloaded from, the first to try first."""
        return [*([self.url] if self.url else []), *self.mirrors]


class Augment(Closed):
    """Training augmentation; lengths in pixels, intensities as fractions of the full range.

    `crop` is what the network is given. A volume (sections, rows, columns) is turned, mirrored and deformed within its
    sections, all of them alike, and mirrored across them; `grayscale` takes all sections alike or each by itself.
    """

    crop: Extent
    scale: Range | None = None
    aspect: Range = (0.75, 4 / 3)
    flip: Probability = 0.5
    transpose: Probability = 0
    rotate: Probability = 0
    elastic: Probability = 0
    elastic_alpha: float = 16
    elastic_sigma: float = 4
    grayscale: Probability = 0
    noise: Probability = 0
    noise_std: float = 0.05
    blur: Probability = 0
    intensity: Probability = 0
    cutout: Probability = 0
    cutout_squares: int = 20
    cutout_side: int = 20

    @model_validator(mode="after")
    def _for_images(self) -> Self:
        if len(self.crop) == 3 and (self.scale or self.cutout):
            raise ValueError("scale and cutout are for images; leave them out for volumes")
        return self


class Source(Closed):
    """What decides a data set's samples: its archives, and its split (a file, or lists in an archive).

    `alternatives` are complete sets of other files that can stand in for the archives.
    """

    archives: dict[str, Archive]
    alternatives: list[dict[str, Archive]] = []
    split: Path | Literal["archive"]

    def content(self, addresses: bool = False) -> dict[str, Any]:
        """It as plain values; only with `addresses` with where archives come from, which decides no sample."""
        left_out = set() if addresses else {"url", "mirrors", "ask", "example"}
        excluded: Any = {"archives": {"__all__": left_out}, "alternatives": {"__all__": {"__all__": left_out}}}
        return self.model_dump(mode="json", include=set(Source.model_fields), exclude=excluded)


class Dataset(Source):
    """One data set of config/datasets.yaml.

    `canvas` is what the network is given at evaluation: images are padded to it, volumes cut into tiles of it. `shifts`
    lists, axis by axis, the distances in pixels at which the supervised loss compares embeddings; distillation and
    inference take those up to `reach` (the paper's N). `resolution` is the size of a voxel in nm, for drawing volumes.
    `shape` is that of a sample's image as its archive has it, (H, W), (H, W, 3) or (Z, Y, X), and `counts` says how many
    samples the lists in an archive name, split by split: from these time and space are estimated before the data are there.
    """

    title: str
    cite: str
    licence: str
    page: str
    normalisation: Literal["imagenet", "unit"]
    resolution: tuple[float, float, float] | None = None
    shape: Extent
    counts: dict[Literal["training", "validation", "test"], Positive] = {}
    canvas: Extent
    padding: Literal["reflect", "zero"]
    shifts: tuple[tuple[Positive, ...], ...]
    reach: Positive
    augment: Augment
    segmenters: dict[str, Segmenter] = Field(min_length=1)
    metrics: list[Literal["sbd", "dic", "aji", "f1", "pq", "dice", "voi", "arand"]] = Field(min_length=1)

    @property
    def rank(self) -> int:
        """Spatial axes: 2 for images, 3 for volumes."""
        return len(self.canvas)

    @property
    def predicted_splits(self) -> list[str]:
        """The test split; before it the validation split, where a segmenter takes its threshold from that."""
        tuned = any(getattr(segmenter, "threshold", None) == "validation" for segmenter in self.segmenters.values())
        return ["validation", "test"] if tuned else ["test"]

    @model_validator(mode="after")
    def _one_rank(self) -> Self:
        if not len(self.canvas) == len(self.augment.crop) == len(self.shifts):
            raise ValueError("canvas, augment.crop and shifts need one entry per axis: 2 for images, 3 for volumes")
        if len(self.shape) < self.rank:
            raise ValueError("shape needs one entry per axis: (H, W) or (H, W, 3) for images, (Z, Y, X) for volumes")
        return self

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.split == "archive" and len(self.counts) < 3:
            raise ValueError("`split: archive` needs `counts` of training, validation and test")
        return self
