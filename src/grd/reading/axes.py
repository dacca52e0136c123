"""Rows, columns, sections, channels and time among the axes of an array → images or volumes."""

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grd.errors import GrdError
from grd.reading.stored import LETTERS, UNNAMED, Stored, readable

SPATIAL = {2: "YX", 3: "ZYX"}
KINDS = {2: "an image", 3: "a volume"}
UNUSUAL = {"?": np.uint8, "g": np.float64}
"""Types that are read as others: not all arithmetic is defined for booleans, and long doubles depend on the machine."""
SEPARATE = "TN"
"""Axes along which samples are separate: moments and images."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """What a user says of the axes: a letter for each, the channel and the moment, both counted from 0."""

    axes: str | None = None
    channel: int | None = None
    time: int | None = None

    def __str__(self) -> str:
        """The options that say it, axes in capitals, such as `--axes CYX --channel 1`."""
        return " ".join(f"--{name} {str(value).upper()}" for name, value in vars(self).items() if value is not None)


class Frame:
    """One image (Y, X) or (Y, X, S), or one volume (Z, Y, X), of an array; read where it is sliced."""

    def __init__(self, stored: Stored, letters: str, order: str, fixed: dict[int, int | slice]) -> None:
        kept = [axis for axis in range(len(letters)) if not isinstance(fixed.get(axis), int)]
        self.where, self.lossy = stored.where, stored.lossy
        self.dtype = np.dtype(UNUSUAL.get(np.dtype(stored.array.dtype).char, stored.array.dtype))
        self.axes = order
        self.pixel_size = tuple(stored.pixel_size.get(letter, 0.0) for letter in order if letter != "S")
        self._stored, self._letters, self._fixed = stored, letters, fixed
        self._places = [letters.index(letter) for letter in order]
        self._turn = [kept.index(place) for place in self._places]
        sizes = (range(stored.array.shape[place])[fixed.get(place, slice(None))] for place in self._places)
        self.shape = tuple(len(size) for size in sizes)  # type: ignore[arg-type]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def first_colour(self) -> "Frame":
        """The first colour (Y, X) of an image (Y, X, S)."""
        colours = self._letters.index(self.axes[2])
        return Frame(self._stored, self._letters, self.axes[:2], self._fixed | {colours: 0})

    def __getitem__(self, region: Any) -> np.ndarray:
        wanted = () if region is ... else region if isinstance(region, tuple) else (region,)
        index: list[Any] = [self._fixed.get(axis, slice(None)) for axis in range(len(self._letters))]
        for place, part in zip(self._places, wanted, strict=False):
            index[place] = part if place not in self._fixed else index[place]
        with readable(self.where):
            values = np.require(self._stored.array[tuple(index)], requirements="W").transpose(self._turn)
        values = values.astype(self.dtype, copy=False)
        return _invert(values) if self._stored.inverted else values


@dataclass(frozen=True)
class Frames:
    """The samples of an array, one after another; `along` is the axis, T or N, on which there are several, or nothing."""

    samples: list[Frame]
    along: str
    names: list[str]


def frames(stored: Stored, rank: int, choice: Choice = Choice(), every_channel: bool = False) -> Frames:
    """The images (rank 2) or volumes (rank 3) of an array, as its own axes and the user's choice say.

    With `every_channel` samples have all channels as their last axis, whatever the choice (of channels in colours, all colours of
    the chosen one), and values as they are stored, also where 0 is white.

    Axes of length 1 that are not needed are dropped. Arrays without names of axes may be (Y, X), (Y, X, 3 or 4), (Z, Y, X); alpha
    is dropped. GrdError where something has to be chosen, with the option that does.
    """
    if len(stored.axes) != stored.array.ndim:
        raise GrdError(f"{stored.where}: expected a letter for each axis, found {stored.describe()}; convert or replace the file")
    stored = replace(_coloured(stored), inverted=stored.inverted and not every_channel)
    letters = axis_letters(stored, rank, choice.axes)
    shape, order = stored.array.shape, SPATIAL[rank]
    sizes = dict(zip(letters, shape, strict=True))
    _check_spatial(stored, letters, sizes, rank)
    last = "S" if sizes.get("S", 1) > 2 or sizes.get("C", 1) == 1 else "C"
    fixed: dict[int, int | slice] = {}
    for axis, letter in enumerate(letters):
        if letter in order or (letter in SEPARATE and choice.time is None and sizes[letter] > 1):
            continue
        if every_channel and letter == last and sizes[letter] not in (1, 2 if letter == "S" else 1):
            fixed[axis] = slice(0, 3 if letter == "S" else sizes[letter])
        else:
            fixed[axis] = _pick(stored, letter, sizes, rank, choice)
        if isinstance(fixed[axis], slice):
            order += letter
    for options, value, what in (("CS", choice.channel, "channel"), (SEPARATE, choice.time, "moment")):
        if not set(options) & set(letters):
            _within(stored, 1, value, what)
    if not every_channel:
        _warn_of_guesses(stored, letters, order, choice)
    (along,) = [letter for letter in letters if letter in SEPARATE and letters.index(letter) not in fixed] or [""]
    if not along:
        return Frames([Frame(stored, letters, order, fixed)], "", [])
    places = range(sizes[along])
    names = (
        [str(name) for name in stored.names] if len(stored.names) == len(places) and along == "N" else [str(n) for n in places]
    )
    return Frames([Frame(stored, letters, order, fixed | {letters.index(along): n}) for n in places], along, names)


def axis_letters(stored: Stored, rank: int, named: str | None = None) -> str:
    """A letter for each axis, unique where the axis is longer than 1; GrdError if neither file nor user tells."""
    shape = stored.array.shape
    if named is not None:
        return _named(stored, named.upper())
    unnamed = [axis for axis, letter in enumerate(stored.axes) if letter == UNNAMED]
    unknown = [axis for axis in unnamed if shape[axis] > 1]
    if len(unnamed) == len(shape):
        return _usual(stored, rank)
    if not unknown:
        return stored.axes
    if rank == 3 and len(unknown) == 1 and "Z" not in stored.axes:
        return stored.axes[: unknown[0]] + "Z" + stored.axes[unknown[0] + 1 :]
    raise _unclear(stored, rank)


def _warn_of_guesses(stored: Stored, letters: str, order: str, choice: Choice) -> None:
    """Warn of planes that are taken for colours or sections, though the file does not say so."""
    planes = letters.find("S") in range(letters.index("Y")) and stored.array.dtype != np.uint8
    if planes and order == SPATIAL[2] + "S":
        log.warning(
            "%s: found %s; its planes are taken for colours. If they are not, name the axes: --axes",
            stored.where,
            stored.describe(),
        )
    if choice.axes is None and "Z" in letters and "Z" not in stored.axes and set(stored.axes) != {UNNAMED}:
        log.warning("%s: found %s; its planes are taken for the sections of a volume", stored.where, stored.describe())


def _usual(stored: Stored, rank: int) -> str:
    """Letters for an array without names, if its shape leaves no choice."""
    shape = list(stored.array.shape)
    front = back = 0
    while len(shape) > rank and shape[0] == 1:
        front, shape = front + 1, shape[1:]
    while len(shape) > rank and shape[-1] == 1:
        back, shape = back + 1, shape[:-1]
    usual = {rank: SPATIAL[rank]}
    if rank == 2 and len(shape) == 3 and shape[-1] in (3, 4):
        usual[3] = "YXS"
    if len(shape) not in usual:
        raise _unclear(stored, rank)
    return UNNAMED * front + usual[len(shape)] + UNNAMED * back


def _named(stored: Stored, letters: str) -> str:
    """The user's letters, which may leave out axes of length 1."""
    shape = stored.array.shape
    long = [axis for axis, size in enumerate(shape) if size > 1]
    fits = len(letters) == len(shape) or len(letters) == len(long)
    if set(letters) - set(LETTERS) or len(set(letters)) < len(letters) or UNNAMED in letters or not fits:
        raise GrdError(
            f"{stored.where}: expected a letter of TZCYXS for each axis, found '{letters}' for {stored.describe()}; "
            "correct --axes"
        )
    if len(letters) == len(shape):
        return letters
    given = dict(zip(long, letters, strict=True))
    return "".join(given.get(axis, UNNAMED) for axis in range(len(shape)))


def _pick(stored: Stored, letter: str, sizes: dict[str, int], rank: int, choice: Choice) -> int | slice:
    """Place on an axis that is not spatial, or the part of its colours that is used.

    A choice of channel is one of C; where there is no or a single one, it is one of the colours.
    """
    size, channels = sizes[letter], "C" if sizes.get("C", 1) > 1 or "S" not in sizes else "S"
    if letter in SEPARATE:
        return _within(stored, size, choice.time, "moment")
    if letter == channels and choice.channel is not None:
        return _within(stored, size, choice.channel, "channel")
    if size == 1 or (letter == "S" and size == 2):  # grey, and alpha
        return 0
    if letter == "S" and size in (3, 4) and rank == 2:
        return slice(0, 3)
    if letter in "CS":
        names = f" ({', '.join(stored.channels)})" if stored.channels else ""
        raise GrdError(f"{stored.where}: expected one channel, found {size}{names}; choose one with --channel 0 to {size - 1}")
    several = sizes.get("T", 1) > 1
    remedy = "C in place of Z, --channel chooses a section" if several else "T in place of Z, each section is segmented by itself"
    raise GrdError(f"{stored.where}: expected {KINDS[rank]}, found {stored.describe()}, {size} sections; with --axes, {remedy}")


def _within(stored: Stored, size: int, chosen: int | None, what: str) -> int:
    if chosen is not None and not 0 <= chosen < size:
        option = {"channel": "--channel", "moment": "--time"}[what]
        raise GrdError(
            f"{stored.where}: expected a {what} from 0 to {size - 1}, found {option} {chosen} for {stored.describe()}; choose "
            "another, or leave the option out"
        )
    return chosen or 0


def _check_spatial(stored: Stored, letters: str, sizes: dict[str, int], rank: int) -> None:
    if absent := [letter for letter in SPATIAL[rank] if letter not in letters]:
        raise GrdError(
            f"{stored.where}: expected {KINDS[rank]}, found {stored.describe()}, without {absent[0]}; say so with --axes"
        )
    if not all(sizes[letter] for letter in SPATIAL[rank]):
        raise GrdError(f"{stored.where}: expected pixels, found {stored.describe()}; replace the file")
    if sum(sizes.get(letter, 1) > 1 for letter in SEPARATE) > 1:
        raise GrdError(f"{stored.where}: expected one axis of moments or images, found {stored.describe()}; split the file")


def _unclear(stored: Stored, rank: int) -> GrdError:
    letters = {2: "TYX, CYX or YXS", 3: "TZYX or CZYX"}[rank]
    return GrdError(
        f"{stored.where}: expected {KINDS[rank]}, found {stored.describe()}; name them with --axes, such as {letters} "
        "(T, moments or separate images; Z, sections; C, channels; S, colours)"
    )


def _coloured(stored: Stored) -> Stored:
    """An image of numbers of colours as grey values or colours; a table of rising values only colours what is shown."""
    table = stored.palette
    if table is None or (np.diff(table.astype(int), axis=0) >= 0).all():
        return replace(stored, palette=None)
    with readable(stored.where):
        numbers = np.asarray(stored.array[...])
        if (table == table[:, :1]).all():
            return replace(stored, palette=None, array=table[numbers, 0])
        return replace(stored, palette=None, array=table[numbers], axes=stored.axes + "S")


def _invert(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return -values
    return ~values  # type: ignore[no-any-return]  # of unsigned integers, the largest number less the value
