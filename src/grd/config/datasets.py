"""config/datasets.yaml: a data set's archives or folders, split, augmentation, segmenters and metrics."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from grd.config.parsing import Closed, Extent, Natural, Positive, Probability, Range, parse_all
from grd.config.segmenters import Segmenter
from grd.errors import GrdError


class Archive(Closed):
    """An official file of a data set. It is recognised by a regular expression for the names inside it (`members`: members of
    a zip, paths in an HDF5 file), by one for its own name (`named`), or by both.

    `mirrors` are other addresses, tried in their order after `url`. `example` is a name that `members` matches; messages
    show it instead of the expression. `ask` says how to get a file that has no address.
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
        """Addresses to download it from, in the order to try them."""
        return [*([self.url] if self.url else []), *self.mirrors]


class Folder(Closed):
    """Images and masks of a user's own, in two folders, instead of archives.

    `files` is the list of them that `grd import` writes. `volumes` says that they are volumes (sections, rows, columns). `axes`
    names the axes of images that do not name theirs, and `channel` chooses one of several, counted from 0.
    """

    images: Path
    masks: Path
    files: Path
    volumes: bool = False
    axes: str | None = None
    channel: Natural | None = None

    @property
    def rank(self) -> int:
        """Number of spatial axes: 2 for images, 3 for volumes."""
        return 3 if self.volumes else 2


def _ascending(ends: Range) -> Range:
    """The ends of a range, the lower one first."""
    if ends[0] > ends[1]:
        raise ValueError(f"expected the lower number first, found {list(ends)}; exchange them")
    return ends


def _apart(percentiles: Range) -> Range:
    """Percentiles of which the higher is not the lower one, nor a share where per cent are meant."""
    if percentiles[0] >= percentiles[1] or percentiles[1] <= 1:
        raise ValueError(f"expected percentiles that ascend, such as [1, 99.8], found {list(percentiles)}; correct them")
    return percentiles


def _array_name(name: str) -> str:
    """A name that an array in a labels file can have, beside the one called names."""
    if name == "names" or not re.fullmatch(r"\w[\w .-]*", name):
        raise ValueError(f"expected a name of letters, digits, blanks, _, . and -, not names, found '{name}'; rename it")
    return name


Above = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class Augment(Closed):
    """Training augmentation; lengths in pixels, intensities as fractions of the full range.

    `flip` to `cutout` are probabilities of parts, `flip` that of each axis. `flip`, `transpose`, `rotate`, `elastic` and
    `grayscale` share one draw, of probability `block`: where it fails, none of them happens. `flip` and `transpose` share a
    second one, `mirror`, behind the first. So an axis is mirrored with probability block · mirror · flip.

    `crop` is the size of the network's input. A volume (sections, rows, columns) is turned, mirrored and deformed within its
    sections, in all of them alike, and mirrored across them; `grayscale` changes all sections alike or each by itself.
    """

    crop: Extent
    scale: Annotated[tuple[Share, Share], AfterValidator(_ascending)] | None = None
    aspect: Annotated[tuple[Above, Above], AfterValidator(_ascending)] = (0.75, 4 / 3)
    block: Probability = 1
    mirror: Probability = 1
    flip: Probability = 0.5
    transpose: Probability = 0
    rotate: Probability = 0
    elastic: Probability = 0
    elastic_alpha: Annotated[float, Field(ge=0)] = 16
    elastic_sigma: Above = 4
    grayscale: Probability = 0
    noise: Probability = 0
    noise_std: Annotated[float, Field(ge=0, le=1)] = 0.05
    blur: Probability = 0
    intensity: Probability = 0
    cutout: Probability = 0
    cutout_squares: Positive = 20
    cutout_side: Positive = 20

    @model_validator(mode="after")
    def _check_crop(self) -> Self:
        volume = len(self.crop) == 3
        if volume and (self.scale or self.cutout):
            raise ValueError("scale and cutout are for images; leave them out for volumes")
        if self.crop[-2] != self.crop[-1] and (self.transpose or (volume and self.rotate)):
            raise ValueError(
                "expected a crop with as many rows as columns, as `transpose` needs and, in volumes, `rotate`, found "
                f"{list(self.crop)}; change it, or set these to 0"
            )
        return self


Percent = Annotated[float, Field(ge=0, le=100)]
SplitName = Literal["training", "validation", "test"]


class Source(Closed):
    """The part of a data set that decides its samples: its archives, or the folders of a user; and its split (a split file, or
    `archive` where the archives hold the lists).

    `alternatives` are complete sets of other files that can replace the archives. Instances of fewer pixels than `min_instance`
    are dropped from the labels, in every split; 0 keeps all. `subset` keeps at most so many samples of a split, spread evenly
    over its list. `percentiles`, such as [1, 99.8], are the grey values of an image that become 0 and 255, in place of its
    darkest and brightest.
    """

    archives: dict[str, Archive] = {}
    folder: Folder | None = None
    alternatives: list[dict[str, Archive]] = []
    split: Path | Literal["archive"]
    min_instance: Natural = 0
    subset: dict[SplitName, Positive] = {}
    percentiles: Annotated[tuple[Percent, Percent], AfterValidator(_apart)] | None = None

    def content(self, addresses: bool = False) -> dict[str, Any]:
        """Plain values that decide the samples; with `addresses` also where archives come from, or folders are."""
        left_out = set() if addresses else {"url", "mirrors", "ask", "example"}
        excluded: Any = {"archives": {"__all__": left_out}, "alternatives": {"__all__": {"__all__": left_out}}}
        found = self.model_dump(mode="json", include=set(Source.model_fields), exclude=excluded)
        if found["folder"] is None:
            del found["folder"]
        elif not addresses:
            found["folder"] |= {"images": "", "masks": "", "files": ""}
        return found


class Dataset(Source):
    """A data set of config/datasets.yaml.

    `canvas` is the size of the network's input at evaluation: images are padded to it, volumes are cut into tiles of it.
    `shifts` lists, axis by axis, the distances in pixels at which the supervised loss compares embeddings, first 1, that of
    neighbours; distillation and inference use those up to `reach` (the paper's N). `inter_affinity_factor` is what the data
    set's released script has before the mean of Eq. 7; it counts under `fidelity: {inter_affinity: released}`. `resolution` is
    the size of a voxel in nm, for drawings of volumes. `shape` is the shape of a sample's image in its archive, (H, W),
    (H, W, 3) or (Z, Y, X); `counts` is the number of samples in each list of an archive. From these two `grd plan` estimates
    time and space before the data are there.
    """

    title: str
    cite: str
    licence: str
    page: str
    normalisation: Literal["imagenet", "unit"]
    resolution: tuple[Above, Above, Above] | None = None
    shape: Extent
    counts: dict[SplitName, Positive] = {}
    canvas: Extent
    padding: Literal["reflect", "zero"]
    shifts: tuple[tuple[Positive, ...], ...]
    reach: Positive
    inter_affinity_factor: Above = 1.0
    augment: Augment
    segmenters: dict[Annotated[str, AfterValidator(_array_name)], Segmenter] = Field(min_length=1)
    metrics: list[Literal["sbd", "dic", "aji", "f1", "pq", "dice", "voi", "arand"]] = Field(min_length=1)

    @property
    def rank(self) -> int:
        """Number of spatial axes: 2 for images, 3 for volumes."""
        return len(self.canvas)

    @property
    def first_segmenter(self) -> str:
        """Name of the segmenter whose results figures show, and with which inference is timed."""
        return next(iter(self.segmenters))

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if bool(self.archives) == (self.folder is not None):
            raise ValueError("expected either `archives` or a `folder`, found both or none of them")
        if self.folder and (self.split == "archive" or self.folder.rank != self.rank):
            raise ValueError("a `folder` needs a split file, and `volumes: true` where canvas has three axes")
        return self

    @model_validator(mode="after")
    def _check_rank(self) -> Self:
        if not len(self.canvas) == len(self.augment.crop) == len(self.shifts):
            raise ValueError("canvas, augment.crop and shifts need one entry per axis: 2 for images, 3 for volumes")
        if len(self.shape) < self.rank:
            raise ValueError("shape needs one entry per axis: (H, W) or (H, W, 3) for images, (Z, Y, X) for volumes")
        return self

    @model_validator(mode="after")
    def _check_shifts(self) -> Self:
        found = [list(along) for along in self.shifts]
        if any(along[:1] != [1] or len(set(along)) < len(along) for along in found):
            raise ValueError(
                "expected along each axis shifts that differ, first 1, which joins neighbouring pixels to instances, found "
                f"{found}; correct them"
            )
        for along, *sides in zip(found, self.augment.crop, self.canvas, strict=True):
            if max(along) >= min(sides):
                raise ValueError(
                    f"expected shifts below the sides of augment.crop and canvas, here {sides[0]} and {sides[1]}, found "
                    f"{max(along)}, a distance that no two pixels have; leave it out, or enlarge them"
                )
        return self

    @model_validator(mode="after")
    def _check_segmenters(self) -> Self:
        kind, fitting = ("images", ["mutex"]) if self.rank == 2 else ("volumes", ["waterz", "multicut"])
        for name, settings in self.segmenters.items():
            if settings.algorithm not in fitting:
                raise ValueError(
                    f"expected {' or '.join(fitting)} as algorithm of segmenter {name}, as the data are {kind}, found "
                    f"{settings.algorithm}; change it"
                )
        return self

    @model_validator(mode="after")
    def _check_metrics(self) -> Self:
        of_volumes = {"voi", "arand"}
        if len(set(self.metrics)) < len(self.metrics) or any((name in of_volumes) != (self.rank == 3) for name in self.metrics):
            raise ValueError(
                f"expected metrics that differ, voi and arand for volumes and the others for images, found {self.metrics}"
            )
        return self

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.split == "archive" and len(self.counts) < 3:
            raise ValueError("`split: archive` needs `counts` of training, validation and test")
        return self


def parse_datasets(content: Mapping[str, Any], file: Path) -> dict[str, Dataset]:
    """All data sets by name; GrdError for a fault of one, and for a name that paths of results cannot have."""
    for name in content:
        if not re.fullmatch("[a-z0-9_]+", str(name)):
            raise GrdError(f"{file}: expected names of data sets of small letters, digits and _, found '{name}'; rename it")
    return parse_all(Dataset, content, file)
