"""Drawing area of one frame of an overview: image, masks, outlines, labels, scale bar.

Drawn at twice the final size and shrunk, because Pillow does not anti-alias lines.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageDraw
from skimage.measure import find_contours

from napari_stem_defects.base.defect_classes import UNKNOWN, default_class
from napari_stem_defects.reporting.fonts import drawable, pillow_font
from napari_stem_defects.reporting.label_placement import TextBox
from napari_stem_defects.reporting.themes import contrasting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from PIL import ImageFont

    from napari_stem_defects.postprocessing.results import Region
    from napari_stem_defects.reporting.label_placement import LabelPlacer

SUPERSAMPLING = 2
_LABEL_PX = 20
_SHORT_OUTLINE, _OUTLINE_STEP = 80, 4
_LINE_PX = 3
_HALO_ALPHA = 150
_FILL_ALPHA = 46
_SMALLEST_RING_PX = 13.0
_HATCH_PX = 30
_RING_POINTS = 73
_HATCH_ALPHA = 190
_BACKDROP = "#e4e4e4"
_PLATE = "#202020"
_BAR_SHARE = 0.2
_BAR_INSET_PX = 16

Line = list[tuple[float, float]]


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


class FrameCanvas:
    """A frame at `SUPERSAMPLING` times its final size.

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
        self.zoom = layout.zoom * SUPERSAMPLING
        self.size = layout.panel[0] * SUPERSAMPLING, layout.panel[1] * SUPERSAMPLING
        self.frame = layout.frame[0] * SUPERSAMPLING, layout.frame[1] * SUPERSAMPLING
        self.corner = (self.size[0] - self.frame[0]) // 2, (self.size[1] - self.frame[1]) // 2
        # Lines and rings are finer on the small tiles of a contact sheet.
        self.weight = min(1.0, max(0.6, max(layout.panel) / 700))
        self.line = round(_LINE_PX * self.weight * SUPERSAMPLING)
        self._scaled_masks: dict[int, tuple[NDArray[np.uint8], Image.Image]] = {}
        self.image = Image.new("RGB", self.size, _BACKDROP)
        shown = picture.resize(self.frame, Image.Resampling.BICUBIC)
        self.image.paste(shown.convert("RGB"), self.corner)

    def tint(self, mask: NDArray[np.uint8], colour: str) -> None:
        """Tint a mask (0 and 1, shape of the image or of its blocks)."""
        if not mask.any():
            return
        veil = self._scaled(mask).point(lambda value: value * _FILL_ALPHA // 255)
        self.image.paste(Image.new("RGB", self.frame, colour), self.corner, veil)

    def hatch(self, mask: NDArray[np.uint8]) -> None:
        """Tint and hatch a mask with lines further apart than the columns of any lattice."""
        if not mask.any():
            return
        width, height = self.frame
        period = _HATCH_PX * SUPERSAMPLING
        phase = np.arange(width + period) % period
        line = np.where(phase < 2 * SUPERSAMPLING, _HATCH_ALPHA, _FILL_ALPHA).astype(np.uint16)
        lines = sliding_window_view(line, width)[np.arange(height) % period]
        veil = Image.fromarray((lines * np.asarray(self._scaled(mask)) // 255).astype(np.uint8))
        self.image.paste(
            Image.new("RGB", self.frame, default_class(UNKNOWN).colour), self.corner, veil
        )

    def shrunk(self) -> Image.Image:
        """Return what has been drawn at its final size, each px the mean of those drawn."""
        return self.image.reduce(SUPERSAMPLING)

    def outlines(self, mask: NDArray[np.uint8]) -> Iterator[Line]:
        """Yield the closed outlines of a mask, moved inside the border of the frame."""
        if not mask.any():
            return
        width, height = self.frame
        inset = self.line / 2
        scaled = self._scaled(mask)
        left, top, right, bottom = scaled.getbbox() or (0, 0, width, height)
        padded = np.pad(np.asarray(scaled.crop((left, top, right, bottom))), 1)
        for found in find_contours(padded, 127.5):
            contour = np.add(found, (top, left))
            if len(contour) > _SHORT_OUTLINE:  # points closer than the line is wide
                contour = np.concatenate([contour[:-1:_OUTLINE_STEP], contour[-1:]])
            y = np.clip(contour[:, 0] - 0.5, inset, height - inset) + self.corner[1]
            x = np.clip(contour[:, 1] - 0.5, inset, width - inset) + self.corner[0]
            yield list(zip(x.tolist(), y.tolist(), strict=True))

    def position(self, y: float, x: float) -> tuple[float, float]:
        """Return x, y of the centre of an image pixel on the canvas."""
        return (x + 0.5) * self.zoom + self.corner[0], (y + 0.5) * self.zoom + self.corner[1]

    def radius(self, region: Region) -> float:
        """Return the radius of a ring around a region, in px of the canvas."""
        around = 1.25 * self.zoom * math.sqrt(region.area_px / math.pi)
        return max(_SMALLEST_RING_PX * self.weight * SUPERSAMPLING, around)

    def stroke(self, lines: Iterable[tuple[Line, str]]) -> None:
        """Draw lines over halos that set them off from bright and dark columns."""
        lines = list(lines)
        for tone in ("#000000", "#ffffff"):
            around = [line for line, colour in lines if contrasting(colour) == tone]
            if not around:
                continue
            halo = Image.new("L", self.size, 0)
            pen = ImageDraw.Draw(halo)
            for line in around:
                pen.line(line, _HALO_ALPHA, self.line + 3 * SUPERSAMPLING, joint=_joint(line))
            self.image.paste(tone, (0, 0), halo)
        pen = ImageDraw.Draw(self.image)
        for line, colour in lines:
            pen.line(line, colour, self.line, joint=_joint(line))

    def occupied(
        self, masks: Sequence[NDArray[np.uint8]], lines: Iterable[tuple[Line, str]]
    ) -> NDArray[np.bool_]:
        """Return a mask, of the size of the canvas, of the pixels that masks or lines cover."""
        cover = Image.new("L", self.size, 0)
        if masks:
            cover.paste(self._scaled(np.max(masks, axis=0)), self.corner)
        pen = ImageDraw.Draw(cover)
        for line, _ in lines:
            pen.line(line, fill=255, width=self.line)
        return np.asarray(cover) > 127

    def draw_tag(self, box: TextBox, text: str, colour: str) -> None:
        """Draw a label on a plate of the colour of its class."""
        pen = ImageDraw.Draw(self.image)
        pen.rounded_rectangle(
            box, 4 * SUPERSAMPLING, fill=colour, outline=_PLATE, width=SUPERSAMPLING
        )
        middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        pen.text(middle, drawable(text), fill=contrasting(colour), font=_label_font(), anchor="mm")

    def draw_scale_bar(self, placer: LabelPlacer, pixel_size_nm: float | None) -> None:
        """Draw a bar of a round length in the lower corner where it covers less."""
        longest = min(_BAR_SHARE * max(self.frame), self.size[0] / 2)
        length, text = scale_bar(longest / self.zoom, pixel_size_nm)
        bar = max(1, round(length * self.zoom))
        pad, inset, line = 10 * SUPERSAMPLING, _BAR_INSET_PX * SUPERSAMPLING, 6 * SUPERSAMPLING
        text_width, text_height = text_size(text)
        width, height = max(bar, text_width) + 2 * pad, text_height + line + 2 * pad
        top = max(0, self.size[1] - inset - height)
        box = min(
            (
                TextBox(left, top, left + width, top + height)
                for left in (inset, max(0, self.size[0] - inset - width))
            ),
            key=placer.covered_share,
        )
        placer.reserve(box)
        middle = (box.left + box.right) // 2
        self._plate(box)
        pen = ImageDraw.Draw(self.image)
        bottom = box.bottom - pad
        pen.rectangle((middle - bar // 2, bottom - line, middle + bar // 2, bottom), fill="white")
        pen.text((middle, box.top + pad), text, fill="white", font=_label_font(), anchor="mt")

    def _plate(self, box: TextBox) -> None:
        veil = Image.new("L", (box.right - box.left, box.bottom - box.top), 0)
        ImageDraw.Draw(veil).rounded_rectangle(
            (0, 0, veil.width - 1, veil.height - 1), 6 * SUPERSAMPLING, fill=170
        )
        self.image.paste(_PLATE, box[:2], veil)

    def _scaled(self, mask: NDArray[np.uint8]) -> Image.Image:
        """Return a mask at the size of the frame; the last ones are kept, for tint and outline."""
        known = self._scaled_masks.get(id(mask))
        if known is None or known[0] is not mask:
            picture = Image.fromarray(mask * np.uint8(255))
            known = mask, picture.resize(self.frame, Image.Resampling.BILINEAR)
            self._scaled_masks[id(mask)] = known
        return known[1]


def _joint(line: Line) -> Literal["curve"] | None:
    """Return how the parts of a line are joined: those of a ring meet at 5 degrees, unseen."""
    return None if len(line) == _RING_POINTS else "curve"


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
    return math.ceil(right - left), math.ceil(bottom - top)


def ring(x: float, y: float, radius: float) -> Line:
    """Return a closed circle as a line of 73 points."""
    angles = np.linspace(0, 2 * np.pi, _RING_POINTS)
    return list(
        zip(
            (x + radius * np.cos(angles)).tolist(),
            (y + radius * np.sin(angles)).tolist(),
            strict=True,
        )
    )


def _label_font() -> ImageFont.FreeTypeFont:
    return pillow_font(_LABEL_PX * SUPERSAMPLING)
