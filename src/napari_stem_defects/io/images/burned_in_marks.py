"""Marks burned into an image: scale bars, data bars, frames of text, arrows.

A mark has one value, the highest or lowest of the image, and a form that no lattice has: a filled
rectangle along the axes, or one connected piece far larger than any other of that value. Columns
that are saturated are small and round, pores are irregular, and areas that were not recorded span
the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_LEAST_EDGE = 96
_LEAST_LENGTH, _LEAST_WIDTH, _ELONGATED = 16, 2, 3.0
_LEAST_RUN = 4
_FILLED, _BODY_SHARE = 0.97, 0.9
_MOST_MARKS, _MOST_SHARE, _MOST_COMPONENTS = 4, 0.15, 20_000
# Pieces of a value that the image itself reaches are that much smaller than an arrow.
_TIMES_NATURAL, _LEAST_ARROW, _LONG_ARROW = 20.0, 60, 2.5
# Beyond this share of equal neighbours an image is drawn, not recorded: all of it is flat.
_MOST_FLAT = 0.4
_HALO_PX = 3
_LABEL_REACH = 6
# Half of the space between letters of one text, at most.
_LETTER_GAP = 8
_BAND_SHARE, _BAND_LEAST_ROWS = 0.5, 8

Box = tuple[slice, slice]


def mask_marks(
    pixels: NDArray[np.float32], invalid: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None, str]:
    """Fill marks with the median of the rest of their frame and mark them as invalid.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X) or (T, Y, X)
        Changed in place where there are marks.
    invalid : ndarray of bool, same shape, or None
        Pixels that are invalid already.

    Returns
    -------
    pixels : ndarray of float32
    invalid : ndarray of bool, or None
    note : str
        What was masked, one sentence; empty if nothing was.
    """
    frames = pixels if pixels.ndim == 3 else pixels[np.newaxis]
    first = find_marks(frames[0])
    if first is None:
        return pixels, invalid, ""
    if invalid is None:
        invalid = np.zeros(pixels.shape, bool)
    masks = invalid if invalid.ndim == 3 else invalid[np.newaxis]
    masked = 0
    for number, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
        found = first if number == 0 else find_marks(frame)
        if found is None:
            continue
        mask |= found
        frame[found] = np.median(frame[~mask]) if not mask.all() else 0
        masked += int(found.sum())
    return pixels, invalid, note_masked(masked / pixels.size)


def note_masked(share: float) -> str:
    """Return the note about marks on a share of the image."""
    return (
        f"Marks burned into the image (a scale bar, data bar, text or arrow; {share:.1%} of it)"
        " were left out of the analysis."
    )


def find_marks(frame: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return a mask of the marks in an image.

    Parameters
    ----------
    frame : ndarray of float32, shape (Y, X)
        Finite.

    Returns
    -------
    ndarray of bool, shape (Y, X), or None
        With a rim of 3 px for smoothed edges; None where there are none.
    """
    if min(frame.shape) < _LEAST_EDGE:
        return None
    lowest, highest = float(frame.min()), float(frame.max())
    if not highest > lowest:
        return None
    # Lossy compression leaves bars within a few per cent of their value.
    slack = 0.03 * (highest - lowest)
    # A crack or pore is the darkest part of an image, too: only bright pieces may be arrows.
    for is_extreme, is_bright in (
        (frame == highest, True),
        (frame == lowest, False),
        (frame >= highest - slack, False),
        (frame <= lowest + slack, False),
    ):
        mask = _marked(is_extreme, frame, may_be_arrows=is_bright)
        if mask is not None:
            return mask
    return None


def _marked(
    is_extreme: NDArray[np.bool_], frame: NDArray[np.float32], *, may_be_arrows: bool
) -> NDArray[np.bool_] | None:
    """Return a mask of the marks of one value; None where the image itself is of that kind."""
    count = int(np.count_nonzero(is_extreme))
    if not _LEAST_LENGTH * _LEAST_WIDTH <= count <= 0.5 * frame.size:
        return None
    band = _data_bar(is_extreme, frame)
    only_band = _mask(frame.shape, band) if band else None
    if not _has_run(is_extreme, _LEAST_RUN):
        return only_band
    # Imported where a mark is likely: the process that reads files starts with every command.
    from scipy import ndimage

    labels, count = ndimage.label(is_extreme)
    if count > _MOST_COMPONENTS:
        return only_band
    sizes = np.bincount(labels.ravel())[1:]
    places = ndimage.find_objects(labels)
    marks = [
        int(number)
        for number in np.flatnonzero(sizes >= _LEAST_LENGTH * _LEAST_WIDTH)
        if _is_rectangle(labels[places[number]] == number + 1, frame.shape)
        and (
            _is_full(labels[places[number]] == number + 1)
            or _is_largest(int(number), sizes, places)
        )
    ]
    drawn = _arrows(labels, sizes, places) if may_be_arrows else []
    arrows = [number for number in drawn if number not in marks]
    bars = [places[number] for number in marks]
    covered = (sum(map(_area, bars)) + sum(int(sizes[number]) for number in arrows)) / frame.size
    is_mark = 0 < len(marks) + len(arrows) <= _MOST_MARKS and covered <= _MOST_SHARE
    if not is_mark or _is_drawn(frame, is_extreme):
        return only_band
    # Letters are looked for in the box of a mark: that of a long arrow is half of an image.
    small = [n for n in arrows if _area(places[n]) <= _MOST_SHARE * frame.size]
    beside = [*bars, *(places[number] for number in small)]
    letters = _labels(beside, [*marks, *arrows], sizes, places, frame.shape)
    mask = _mask(frame.shape, [*band, *bars, *letters])
    of_arrows = np.isin(labels, [number + 1 for number in arrows])
    mask |= ndimage.binary_dilation(of_arrows, np.ones((3, 3)), _HALO_PX)
    return mask


def _has_run(is_extreme: NDArray[np.bool_], length: int) -> bool:
    """Return whether that many neighbours in a row are extreme, as marks have them."""
    run, done = is_extreme, 1
    while done < length:
        step = min(done, length - done)
        run, done = run[:, :-step] & run[:, step:], done + step
    return bool(run.any())


def _is_rectangle(piece: NDArray[np.bool_], shape: tuple[int, ...]) -> bool:
    """Return whether a piece, its holes filled, is an elongated rectangle along the axes."""
    from scipy import ndimage

    if piece.shape[0] == shape[0] or piece.shape[1] == shape[1]:
        return False
    filled = piece if piece.all() else ndimage.binary_fill_holes(piece)
    # A bright column, or noise of compression, that touches the rectangle is cut off.
    body = filled[filled.mean(axis=1) > 0.5][:, filled.mean(axis=0) > 0.5]
    short, long = sorted(body.shape)
    if long < _LEAST_LENGTH or short < _LEAST_WIDTH:
        return False
    is_full = float(body.mean()) >= _FILLED and body.sum() >= _BODY_SHARE * filled.sum()
    has_text = float(piece.sum()) < float(filled.sum()) and short >= _LEAST_LENGTH
    return bool(is_full and (long >= _ELONGATED * short or has_text))


def _is_full(piece: NDArray[np.bool_]) -> bool:
    """Return whether a piece fills its box, as a bar that nothing touches does."""
    return float(piece.mean()) >= _FILLED


def _is_largest(number: int, sizes: NDArray[np.int64], places: Sequence[Box]) -> bool:
    """Return whether no piece away from a rectangle is larger, as other pores than a straight one.

    Letters beside a thin bar may be.
    """
    rows, columns = (
        slice(edge.start - reach, edge.stop + reach)
        for edge, reach in zip(places[number], _reach(places[number]), strict=True)
    )
    larger = np.flatnonzero(sizes > sizes[number]).tolist()
    return all(_overlap(places[other], (rows, columns)) for other in larger)


def _arrows(
    labels: NDArray[np.int32], sizes: NDArray[np.int64], places: Sequence[Box]
) -> list[int]:
    """Return pieces that are long and straight, and far larger than all others of that value."""
    order = np.argsort(sizes)[::-1][: _MOST_MARKS + 1]
    natural = float(sizes[order[-1]]) if len(sizes) > _MOST_MARKS else 1.0
    least = max(_LEAST_ARROW, _TIMES_NATURAL * natural)
    return [
        int(number)
        for number in order[:_MOST_MARKS]
        if sizes[number] >= least
        and _is_inside(places[number], labels.shape)
        and _is_straight(labels[places[number]] == number + 1)
    ]


def _is_inside(box: Box, shape: tuple[int, ...]) -> bool:
    return all(edge.start > 0 and edge.stop < size for edge, size in zip(box, shape, strict=True))


def _is_straight(piece: NDArray[np.bool_]) -> bool:
    """Return whether a piece is several times as long as it is wide, measured along itself."""
    narrow, wide = np.linalg.eigvalsh(np.cov(np.nonzero(piece)))
    return bool(wide > _LONG_ARROW**2 * max(narrow, 1e-3))


def _labels(
    bars: Sequence[Box],
    marks: Sequence[int],
    sizes: NDArray[np.int64],
    places: Sequence[Box],
    shape: tuple[int, ...],
) -> Iterator[Box]:
    """Yield boxes around the letters beside bars: pieces larger than the image's own."""
    reach = [_around(bar, shape) for bar in bars]
    near = [
        number
        for number, place in enumerate(places)
        if number not in marks and any(_may_be_letter(place, box) for box in reach)
    ]
    is_own = np.ones(len(sizes), bool)
    is_own[[*near, *marks]] = False
    natural = int(sizes[is_own].max(initial=0))
    yield from _texts([places[number] for number in near if sizes[number] > natural], shape)


def _texts(letters: Sequence[Box], shape: tuple[int, ...]) -> Iterator[Box]:
    """Yield boxes around letters that are near each other."""
    from scipy import ndimage

    near = np.zeros(shape, bool)
    for rows, columns in letters:
        near[
            max(0, rows.start - _LETTER_GAP) : rows.stop + _LETTER_GAP,
            max(0, columns.start - _LETTER_GAP) : columns.stop + _LETTER_GAP,
        ] = True
    texts, count = ndimage.label(near)
    for number in range(1, count + 1):
        own = [box for box in letters if texts[box[0].start, box[1].start] == number]
        top, left = (min(box[axis].start for box in own) for axis in (0, 1))
        bottom, right = (max(box[axis].stop for box in own) for axis in (0, 1))
        more = 3 * (bottom - top) // 2  # letters at the ends that are too thin to stand out
        yield slice(top, bottom), slice(max(0, left - more), min(shape[1], right + more))


def _around(bar: Box, shape: tuple[int, ...]) -> Box:
    """Return where letters of a bar are: farther across it than beyond its ends."""
    rows, columns = (
        slice(max(0, edge.start - far), min(size, edge.stop + far))
        for edge, size, far in zip(bar, shape, _reach(bar), strict=True)
    )
    return rows, columns


def _reach(bar: Box) -> list[int]:
    """Return how far from a bar its letters are in px, along both axes."""
    lengths = [edge.stop - edge.start for edge in bar]
    reach = max(24, _LABEL_REACH * min(lengths))
    return [reach if length == min(lengths) else reach // 2 for length in lengths]


def _overlap(box: Box, other: Box) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(box, other, strict=True))


def _may_be_letter(place: Box, reach: Box) -> bool:
    """Return whether a piece lies in reach of a bar and is no larger than what is in reach."""
    is_small = all(a.stop - a.start <= b.stop - b.start for a, b in zip(place, reach, strict=True))
    return is_small and _overlap(place, reach)


def _data_bar(is_extreme: NDArray[np.bool_], frame: NDArray[np.float32]) -> list[Box]:
    """Return the band of text along the lower or upper edge of images of some microscopes.

    Its ground has one value over the whole width; rows that were not recorded
    have no letters and lines.
    """
    height, width = frame.shape
    share = is_extreme.mean(axis=1)
    found: list[Box] = []
    for rows in (range(height - 1, -1, -1), range(height)):
        end = next((i for i, row in enumerate(rows) if share[row] < _BAND_SHARE), height)
        if not _BAND_LEAST_ROWS <= end <= height // 3:
            continue
        band = slice(0, end) if rows[0] == 0 else slice(height - end, height)
        inside, outside = is_extreme[band], np.delete(share, np.arange(height)[band])
        # All letters lie inside: the last rows before the image are plain.
        if inside.mean() < 1 and outside.max() < _BAND_SHARE and not _is_drawn(frame, is_extreme):
            found.append((band, slice(0, width)))
    return found


def _is_drawn(frame: NDArray[np.float32], is_extreme: NDArray[np.bool_]) -> bool:
    """Return whether the image without the marks is flat, as drawings and masks are."""
    free = ~(is_extreme[:, 1:] | is_extreme[:, :-1])
    count = int(free.sum())
    equal = (frame[:, 1:] == frame[:, :-1]) & free
    return count == 0 or float(equal.sum()) / count > _MOST_FLAT


def _area(box: Box) -> int:
    return int((box[0].stop - box[0].start) * (box[1].stop - box[1].start))


def _mask(shape: tuple[int, ...], boxes: Sequence[Box]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    for rows, columns in boxes:
        mask[
            max(0, rows.start - _HALO_PX) : rows.stop + _HALO_PX,
            max(0, columns.start - _HALO_PX) : columns.stop + _HALO_PX,
        ] = True
    return mask
