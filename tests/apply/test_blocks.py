"""Blocks cover a canvas, and segments of neighbouring blocks become one where they agree."""

import numpy as np
import pytest

from grd.apply.blocks import Grid
from grd.apply.stitching import Stitching, same_segments
from grd.errors import GrdError
from grd.inference.boxes import box, within

LINE = Grid(canvas=(1, 12), place=box((0, 0), (1, 12)), side=(1, 6), margin=(1, 3), grain=(1, 1))
"""Two blocks of a line of 12 pixels, with a seam at 6; both see the pixels 3 to 8."""


def stitch(grid, views, similarities=None):
    """The sample's labels, and its whole segments, from what each block sees."""
    stitching, blocks = Stitching(grid), grid.blocks()
    out = np.zeros([part.stop for part in grid.place], int)
    for number, (block, view) in enumerate(zip(blocks, views, strict=True)):
        similarity = None if similarities is None else np.array([similarities[number]], float)
        found = stitching.add(block, np.array([view], np.int32), similarity)
        out[block.core] = found[within(block.core, block.region)]
    whole = stitching.whole()
    return whole.segment[out][0].tolist(), whole


def test_blocks_begin_at_multiples_of_their_side_in_the_sample_and_cover_its_canvas():
    grid = Grid(canvas=(16, 32), place=box((1, 2), (13, 28)), side=(10, 10), margin=(3, 4), grain=(2, 5))
    cores = [block.core for block in grid.blocks()]
    assert cores[:3] == [(slice(0, 11), slice(0, 12)), (slice(0, 11), slice(12, 22)), (slice(0, 11), slice(22, 32))]
    assert [block.index for block in grid.blocks()] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    count = np.zeros((16, 32), int)
    for core in cores:
        count[core] += 1
    assert (count == 1).all()


def test_regions_begin_on_the_grain_at_least_a_margin_before_the_core_and_stay_on_the_canvas():
    grid = Grid(canvas=(16, 32), place=box((1, 2), (13, 28)), side=(10, 10), margin=(3, 4), grain=(2, 5))
    assert grid.blocks()[4].region == (slice(8, 16), slice(5, 26))
    assert grid.blocks()[0].region == (slice(0, 14), slice(0, 16))


def test_blocks_that_are_smaller_than_their_margins_are_refused():
    with pytest.raises(GrdError, match=r"expected sides of at least their margins, \(3, 3\), found \(8, 2\)"):
        Grid((9, 9), box((0, 0), (9, 9)), (8, 2), (3, 3), (1, 1))


def test_a_segment_that_both_blocks_see_alike_is_one():
    segments, whole = stitch(LINE, [[1, 1, 1, 1, 2, 2, 2, 2, 3], [1, 2, 2, 2, 2, 3, 3, 3, 3]])
    assert segments == [1, 1, 1, 1, 2, 2, 2, 2, 5, 5, 5, 5]  # segment 2 of the one block is segment 2 of the other
    assert whole.sizes.tolist() == [0, 4, 4, 0, 0, 4]  # segment 3 of the first block and 1 of the second lie outside their cores


def test_segments_that_the_blocks_see_differently_stay_apart():
    # The second block sees pixels 3 to 8 as one segment, of which the first one's segment 2 is half.
    segments, _ = stitch(LINE, [[1, 1, 1, 1, 1, 1, 2, 2, 2], [1, 1, 1, 1, 1, 1, 2, 2, 2]])
    assert len(set(segments)) == 3


def test_what_a_block_sees_beyond_its_core_alone_joins_nothing():
    # Pixels 6 to 8 are one segment of the first block, but it owns none of them; the second block sees 3 to 8 as one.
    segments, _ = stitch(LINE, [[1, 1, 1, 1, 1, 1, 2, 2, 2], [1, 1, 2, 2, 2, 2, 2, 3, 3]])
    assert segments[5] != segments[6]


def test_a_sliver_across_a_seam_belongs_to_its_object():
    segments, _ = stitch(LINE, [[1, 1, 1, 1, 1, 2, 2, 2, 2], [1, 1, 2, 2, 2, 2, 2, 3, 3]])
    assert segments[5] == segments[6] != segments[4]


def test_a_segment_of_one_block_that_another_one_sees_as_two_branches_is_whole():
    grid = Grid(canvas=(3, 12), place=box((0, 0), (3, 12)), side=(3, 6), margin=(1, 3), grain=(1, 1))
    fork = [[1, 1, 1, 1, 1, 1, 1, 1, 1], [1, 2, 2, 2, 2, 2, 2, 2, 2], [1, 1, 1, 1, 1, 1, 1, 1, 1]]
    tines = [[1] * 9, [2] * 9, [3] * 9]
    stitching, (left, right) = Stitching(grid), grid.blocks()
    stitching.add(left, np.array(fork, np.int32))
    stitching.add(right, np.array(tines, np.int32))
    assert stitching.whole().segment.tolist() == [0, 1, 2, 1, 2, 1]


def test_a_segment_on_one_side_of_a_seam_does_not_join_a_larger_one_around_it():
    # The first block sees pixels 3 to 8 as one segment; the second one sees that 7 is another one.
    segments, _ = stitch(LINE, [[1, 1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 2, 1, 1, 1, 1]])
    assert segments == [1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]


def test_sizes_and_similarities_add_up_over_blocks_and_count_a_pixel_once():
    views = [[1, 1, 2, 2, 2, 2, 2, 2, 2], [1, 1, 1, 1, 1, 1, 1, 2, 2]]
    _, whole = stitch(LINE, views, [[5, 5, 1, 1, 1, 1, 9, 9, 9], [9, 9, 9, 2, 2, 2, 2, 7, 7]])
    assert whole.sizes[whole.segment[2]] == 8
    assert whole.similarity[whole.segment[2]] == 4 * 1 + 4 * 2


def test_pixels_of_the_canvas_beside_the_sample_count_as_size_but_do_not_show():
    grid = Grid(canvas=(1, 12), place=box((0, 2), (1, 8)), side=(1, 4), margin=(1, 3), grain=(1, 1))
    stitching = Stitching(grid)
    for block in grid.blocks():
        stitching.add(block, np.ones((1, block.region[1].stop - block.region[1].start), np.int32))
    whole = stitching.whole()
    assert (whole.sizes[1], whole.shown[1]) == (12, 8)


def test_segments_are_one_above_half_of_their_union():
    before, here = np.array([4, 4, 4, 7, 7, 7, 7]), np.array([1, 1, 2, 2, 2, 2, 3])
    # 4 and 1 share two of three pixels, 7 and 2 three of five
    assert same_segments(before, here, axis=0, seam=7).T.tolist() == [[4, 1], [7, 2]]
    assert same_segments(np.array([4, 4]), np.array([1, 2]), axis=0, seam=2).size == 0  # exactly half


def test_the_smaller_of_two_segments_joins_the_larger_one_if_they_share_pixels_on_both_sides_of_the_seam():
    before, here = np.array([4] * 10), np.array([1, 2, 3, 3, 3, 3, 4, 4, 4, 4])
    assert same_segments(before, here, axis=0, seam=4).T.tolist() == [[4, 3]]
    assert same_segments(np.array([5, 5, 5, 5, 6, 4, 4, 4, 4, 4]), here, axis=0, seam=4).T.tolist() == [[4, 4]]
