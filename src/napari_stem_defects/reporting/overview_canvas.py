"""Drawing area of one frame of an overview: image, masks, outlines, labels, scale bar.

Lines and texts are drawn at twice the final size and shrunk, because Pillow does not anti-alias
lines; all else is drawn at the final size, which takes a quarter of the time.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw
from skimage.measure import find_contours

from napari_stem_defects.base.defect_classes import UNKNOWN, default_class
from napari_stem_defects.reporting.fonts import drawable, pillow_font
from napari_stem_defects.reporting.label_placement import TextBox
from napari_stem_defects.reporting.themes import contrasting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from PIL import ImageFont

    from napari_stem_defects.postprocessing.results import Region
    from napari_stem_defects.reporting.label_placement import LabelPlacer

_FINE = 2
"""Size, in that of the final picture, at which lines and texts are drawn."""
_LABEL_PX = 20
_SHORT_OUTLINE, _OUTLINE_STEP = 40, 2
_SHARP = math.cos(math.radians(6))
"""Corners sharper than this are rounded; those of a ring, of 5 degrees, have no gap to be seen."""
_LINE_PX = 3
_HALO_ALPHA = 150
_FILL_ALPHA = 46
_SMALLEST_RING_PX = 13.0
_HATCH_PX = 30
_HATCH_ALPHA = 190
_BACKDROP = "#e4e4e4"
_PLATE = "#202020"
_BAR_SHARE = 0.2
_BAR_INSET_PX = 16
_TONES = "#000000", "#ffffff"

Line = NDArray[np.float64]
"""Points (x, y), shape (n, 2), in px of the canvas."""


class PanelLayout(NamedTuple):
    """Position of a frame on its panel; sizes are (width, height) in px of the final picture.

    Attributes
    ----------
    panel : (int, int)
        Larger than the frame where the frame is elongated.
    frame : (int, int)
    zoom : float
        Px of the final picture per px of the image.
    """

    panel: tuple[int, int]
    frame: tuple[int, int]
    zoom: float


def fit_frame(
    shape: tuple[int, int], largest: tuple[int, int], smallest: tuple[int, int]
) -> PanelLayout:
    """Fit a frame on a panel.

    Parameters
    ----------
    shape : (Y, X)
        Of the frame.
    largest, smallest : (width, height)
        Limits of the panel's size in px.

    Returns
    -------
    PanelLayout
    """
    height, width = shape
    zoom = min(largest[0] / width, largest[1] / height)
    frame = max(1, round(width * zoom)), max(1, round(height * zoom))
    return PanelLayout((max(frame[0], smallest[0]), max(frame[1], smallest[1])), frame, zoom)


class _Scaled(NamedTuple):
    """The part of a mask that is not empty, at the size of the frame: 0 to 255."""

    left: int
    top: int
    picture: Image.Image

    def box(self, corner: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return its place on a canvas whose frame has this corner."""
        left, top = self.left + corner[0], self.top + corner[1]
        return left, top, left + self.picture.width, top + self.picture.height


class FrameCanvas:
    """A frame on its panel.

    Parameters
    ----------
    picture : PIL.Image.Image
        The frame in grey.
    layout : PanelLayout

    Attributes
    ----------
    image : PIL.Image.Image
        RGB, what has been drawn.
    """

    def __init__(self, picture: Image.Image, layout: PanelLayout) -> None:
        self.zoom, self.size, self.frame = layout.zoom, layout.panel, layout.frame
        self.corner = (self.size[0] - self.frame[0]) // 2, (self.size[1] - self.frame[1]) // 2
        # Lines and rings are finer on the small tiles of a contact sheet.
        self.weight = min(1.0, max(0.6, max(layout.panel) / 700))
        self.line = round(_LINE_PX * self.weight * _FINE) / _FINE
        self._scaled_masks: dict[int, tuple[NDArray[np.uint8], _Scaled]] = {}
        self.image = picture.resize(self.frame, Image.Resampling.BICUBIC).convert("RGB")
        if self.size != self.frame:
            shown, self.image = self.image, Image.new("RGB", self.size, _BACKDROP)
            self.image.paste(shown, self.corner)

    def tint(self, mask: NDArray[np.uint8], colour: str) -> None:
        """Tint a mask (0 and 1, shape of the image or of its blocks)."""
        if not mask.any():
            return
        scaled = self._scaled(mask)
        veil = scaled.picture.point(lambda value: value * _FILL_ALPHA // 255)
        self.image.paste(colour, scaled.box(self.corner), veil)

    def hatch(self, mask: NDArray[np.uint8]) -> None:
        """Tint and hatch a mask with lines further apart than the columns of any lattice."""
        if not mask.any():
            return
        scaled = self._scaled(mask)
        width, height = scaled.picture.size
        phase = (np.arange(width + _HATCH_PX) + scaled.left) % _HATCH_PX
        line = _hatch_profile()[phase]
        lines = sliding_window_view(line, width)[(np.arange(height) + scaled.top) % _HATCH_PX]
        veil = Image.fromarray((lines * np.asarray(scaled.picture) // 255).astype(np.uint8))
        self.image.paste(default_class(UNKNOWN).colour, scaled.box(self.corner), veil)

    def outlines(self, mask: NDArray[np.uint8]) -> Iterator[Line]:
        """Yield the closed outlines of a mask, moved inside the border of the frame."""
        if not mask.any():
            return
        width, height = self.frame
        inset = self.line / 2
        scaled = self._scaled(mask)
        for found in find_contours(np.pad(np.asarray(scaled.picture), 1), 127.5):
            contour = np.add(found, (scaled.top, scaled.left))
            if len(contour) > _SHORT_OUTLINE:  # points closer than the line is wide
                whole = (len(contour) - 1) // _OUTLINE_STEP * _OUTLINE_STEP
                contour = contour[:whole].reshape(-1, _OUTLINE_STEP, 2).mean(axis=1)
                contour = np.concatenate([contour, contour[:1]])
            y = np.clip(contour[:, 0] - 0.5, inset, height - inset) + self.corner[1]
            x = np.clip(contour[:, 1] - 0.5, inset, width - inset) + self.corner[0]
            yield np.column_stack([x, y])

    def position(self, y: float, x: float) -> tuple[float, float]:
        """Return x, y of the centre of an image pixel on the canvas."""
        return (x + 0.5) * self.zoom + self.corner[0], (y + 0.5) * self.zoom + self.corner[1]

    def radius(self, region: Region) -> float:
        """Return the radius of a ring around a region, in px of the canvas."""
        around = 1.25 * self.zoom * math.sqrt(region.area_px / math.pi)
        return max(_SMALLEST_RING_PX * self.weight, around)

    def stroke(self, lines: Iterable[tuple[Line, str]]) -> None:
        """Draw lines over halos that set them off from bright and dark columns."""
        lines = list(lines)
        inks = [*_TONES, *dict.fromkeys(colour for _, colour in lines)]
        fine = Image.new("L", (self.size[0] * _FINE, self.size[1] * _FINE), 0)
        pen, width = ImageDraw.Draw(fine), round(self.line * _FINE)
        for number, tone in enumerate(_TONES, start=1):
            for line, colour in lines:
                if contrasting(colour) == tone:
                    _draw_line(pen, line * _FINE, number, width + 3 * _FINE)
        for line, colour in lines:
            _draw_line(pen, line * _FINE, 1 + inks.index(colour, len(_TONES)), width)
        self._blend(np.asarray(fine), inks)

    def _blend(self, fine: NDArray[np.uint8], inks: Sequence[str]) -> None:
        """Blend what was drawn finely: 0 for nothing, else 1 and the place of an ink."""
        height, width = fine.shape[0] // _FINE, fine.shape[1] // _FINE
        squares = fine.reshape(height, _FINE, width, _FINE)
        pairs = fine.view(np.uint16)  # two neighbours at once
        y, x = np.divmod(np.flatnonzero(pairs[0::2] | pairs[1::2]), width)
        table = np.zeros((1 + len(inks), 4), np.float32)
        table[1:, :3] = [ImageColor.getrgb(ink)[:3] for ink in inks]
        table[1:, 3] = [_HALO_ALPHA / 255] * len(_TONES) + [1] * (len(inks) - len(_TONES))
        table[:, :3] *= table[:, 3:]
        drawn = table[squares[y, :, x]].mean(axis=(1, 2))
        pixels = np.array(self.image)
        pixels[y, x] = np.rint(pixels[y, x] * (1 - drawn[:, 3:]) + drawn[:, :3])
        self.image = Image.fromarray(pixels)

    @contextmanager
    def _finely(self, box: TextBox) -> Iterator[Image.Image]:
        """Draw on a part of the canvas at `_FINE` times its size."""
        size = (box.right - box.left) * _FINE, (box.bottom - box.top) * _FINE
        part = self.image.crop(box).resize(size, Image.Resampling.NEAREST)
        yield part
        self.image.paste(part.reduce(_FINE), box[:2])

    def occupied(
        self,
        masks: Iterable[NDArray[np.uint8]],
        outlines: Iterable[tuple[Line, str]],
        rings: Iterable[tuple[Line, str]],
    ) -> NDArray[np.bool_]:
        """Return a mask, of the size of the canvas, of what masks, outlines and rings cover."""
        cover = Image.new("L", self.size, 0)
        pen, width = ImageDraw.Draw(cover), round(self.line)
        for line, _ in outlines:
            pen.line(line.ravel().tolist(), fill=255, width=width)
        for line, _ in rings:
            pen.polygon(line.ravel().tolist(), fill=255, outline=255, width=width)
        covered = np.asarray(cover) > 127
        for scaled in (self._scaled(mask) for mask in masks if mask.any()):
            left, top, right, bottom = scaled.box(self.corner)
            covered[top:bottom, left:right] |= np.asarray(scaled.picture) > 127
        return covered

    def draw_tag(self, box: TextBox, text: str, colour: str) -> None:
        """Draw a label on a plate of the colour of its class."""
        with self._finely(box) as part:
            pen, (width, height) = ImageDraw.Draw(part), part.size
            pen.rounded_rectangle(
                (0, 0, width - 1, height - 1),
                4 * _FINE,
                fill=colour,
                outline=_PLATE,
                width=_FINE,
            )
            middle, ink = (width / 2, height / 2), contrasting(colour)
            pen.text(middle, drawable(text), fill=ink, font=_label_font(), anchor="mm")

    def draw_scale_bar(self, placer: LabelPlacer, pixel_size_nm: float | None) -> None:
        """Draw a bar of a round length in the lower corner where it covers less."""
        longest = min(_BAR_SHARE * max(self.frame), self.size[0] / 2)
        length, text = scale_bar(longest / self.zoom, pixel_size_nm)
        bar, pad, line = max(1, round(length * self.zoom)), 10, 6
        text_width, text_height = text_size(text)
        width, height = max(bar, text_width) + 2 * pad, text_height + line + 2 * pad
        top = max(0, self.size[1] - _BAR_INSET_PX - height)
        box = min(
            (
                TextBox(left, top, left + width, top + height)
                for left in (_BAR_INSET_PX, max(0, self.size[0] - _BAR_INSET_PX - width))
            ),
            key=placer.covered_share,
        )
        placer.reserve(box)
        with self._finely(box) as part:
            veil = Image.new("L", part.size, 0)
            pen = ImageDraw.Draw(veil)
            last, radius = (part.width - 1, part.height - 1), 6 * _FINE
            pen.rounded_rectangle((0, 0, *last), radius, fill=170)
            part.paste(_PLATE, (0, 0), veil)
            pen, left = ImageDraw.Draw(part), (width - bar) // 2
            place = left, height - pad - line, left + bar, height - pad
            pen.rectangle([at * _FINE for at in place], fill="white")
            top_middle = width / 2 * _FINE, pad * _FINE
            pen.text(top_middle, text, fill="white", font=_label_font(), anchor="mt")

    def _scaled(self, mask: NDArray[np.uint8]) -> _Scaled:
        """Return a mask at the size of the frame; the last ones are kept, for tint and outline.

        Of a mask that is not empty, only the part with pixels is scaled.
        """
        known = self._scaled_masks.get(id(mask))
        if known is None or known[0] is not mask:
            spans = []  # along y and x: first and last px of the frame that the mask can reach
            for axis, length in ((0, self.frame[1]), (1, self.frame[0])):
                inside, zoom = np.flatnonzero(mask.any(axis=1 - axis)), length / mask.shape[axis]
                reach = 1 + max(1.0, 1 / zoom)  # of a px of the frame, in px of the mask
                first = max(0, math.floor((inside[0] - reach) * zoom))
                spans.append((first, min(length, math.ceil((inside[-1] + reach) * zoom)), zoom))
            (top, bottom, down), (left, right, across) = spans
            picture = Image.fromarray(mask * np.uint8(255)).resize(
                (right - left, bottom - top),
                Image.Resampling.BILINEAR,
                (left / across, top / down, right / across, bottom / down),
            )
            known = mask, _Scaled(left, top, picture)
            self._scaled_masks[id(mask)] = known
        return known[1]


def _draw_line(pen: ImageDraw.ImageDraw, line: Line, ink: int, width: int) -> None:
    """Draw a line; its sharp corners are rounded.

    Pillow's own joints round every corner in Python, which takes longer than all the drawing.
    """
    pen.line(line.ravel().tolist(), ink, width)
    steps = np.diff(line, axis=0)
    if np.array_equal(line[0], line[-1]):  # closed: the last part meets the first
        steps = np.concatenate([steps, steps[:1]])
    lengths = np.hypot(*steps.T)
    turns = (steps[1:] * steps[:-1]).sum(axis=1)
    corners = np.flatnonzero(turns < _SHARP * lengths[1:] * lengths[:-1]) + 1
    for x, y in line[corners].tolist():
        pen.circle((x, y), (width - 1) / 2, ink)


def _hatch_profile() -> NDArray[np.uint16]:
    """Return the opacity of the px of a hatch along a row: the means of finer ones.

    Lines are at 45 degrees, so the four finer px of one are 0, 1, 1 and 2 of them further.
    """
    fine = np.full(_HATCH_PX * _FINE, _FILL_ALPHA)
    fine[: 2 * _FINE] = _HATCH_ALPHA
    means = (fine + 2 * np.roll(fine, -1) + np.roll(fine, -2)) / 4
    return np.asarray(np.rint(means[::_FINE]), np.uint16)


def scale_bar(longest_px: float, pixel_size_nm: float | None) -> tuple[float, str]:
    """Return the longest scale bar of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    longest_px : float
        Limit in px of the image.
    pixel_size_nm : float or None
        None for a bar in px.

    Returns
    -------
    length : float
        In px of the image.
    text : str
        Such as ``"5 nm"`` or ``"100 px"``.
    """
    step = 1.0 if pixel_size_nm is None else pixel_size_nm
    power = 10.0 ** math.floor(math.log10(longest_px * step))
    # The default is for a logarithm that was rounded up to the next power.
    fitting = (factor * power for factor in (1, 2, 5) if factor * power <= longest_px * step)
    value = max(fitting, default=power)
    return value / step, f"{value:g} {'px' if pixel_size_nm is None else 'nm'}"


def text_size(text: str) -> tuple[int, int]:
    """Return width and height of the text of a label, in px of the canvas."""
    left, _, right, _ = _label_font().getbbox(drawable(text))
    _, top, _, bottom = _label_font().getbbox("Mg", anchor="lt")
    return math.ceil((right - left) / _FINE), math.ceil((bottom - top) / _FINE)


def ring(x: float, y: float, radius: float) -> Line:
    """Return a closed circle as a line of 73 points."""
    angles = np.linspace(0, 2 * np.pi, 73)
    return np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)])


def _label_font() -> ImageFont.FreeTypeFont:
    return pillow_font(_LABEL_PX * _FINE)
