"""The picture inside an overview: one frame with its defects drawn and named on it.

Drawn at twice the final size and shrunk, because Pillow's lines have no soft edges.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont
from skimage.measure import find_contours

from napari_stem_defects.base.defect_classes import UNKNOWN, colour_of, kind_of
from napari_stem_defects.postprocessing.mask_stack import in_blocks, row_blocks
from napari_stem_defects.postprocessing.regions import numbers_of
from napari_stem_defects.reporting.label_placement import Box, LabelPlaces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import Detection, Region

_SHOWN_PERCENT = (0.5, 99.5)
_SHARP = 2
_LABEL_PX = 22
_LABEL_PAD_PX = 5
_MOST_NAMED_POINTS = 3
_MOST_LABELS = 80
_MOST_ANCHORS = 24
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

Line = list[tuple[float, float]]


class Placement(NamedTuple):
    """How a frame lies on its panel; sizes are (width, height) in px of the final picture.

    ``zoom`` is panel px per image px; the panel of an elongated frame is larger than the frame.
    """

    panel: tuple[int, int]
    frame: tuple[int, int]
    zoom: float


def place(shape: tuple[int, int], most: tuple[int, int], least: tuple[int, int]) -> Placement:
    """Fit a frame of ``shape`` (Y, X) on a panel between the sizes ``least`` and ``most``."""
    height, width = shape
    zoom = min(most[0] / width, most[1] / height)
    frame = max(1, round(width * zoom)), max(1, round(height * zoom))
    return Placement((max(frame[0], least[0]), max(frame[1], least[1])), frame, zoom)


def draw_panel(
    pixels: NDArray[np.float32],
    detection: Detection,
    placement: Placement,
    *,
    named: bool,
    bar: bool,
) -> Image.Image:
    """Draw one frame with its defects.

    Extended defects are tinted and outlined, point defects ringed, the unknown hatched.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
    detection : Detection
    placement : Placement
    named, bar : bool
        Whether regions are named and a scale bar is drawn.

    Returns
    -------
    PIL.Image.Image
        RGB, of the size ``placement.panel``.
    """
    edge = max(1, round(1 / (placement.zoom * _SHARP)))
    canvas = _Canvas(grey(_mean_of_blocks(pixels, edge)), placement)
    planes = detection.planes
    masks = {
        name: in_blocks(planes.parts_of(name), planes.shape, edge, np.maximum, np.uint8)
        for name in planes.names
    }
    for name, mask in masks.items():
        if name == UNKNOWN:
            canvas.hatch(mask)
        elif kind_of(name) == "extended":
            canvas.tint(mask, colour_of(name))
    lines = list(_lines(canvas, masks, detection.regions))
    canvas.stroke(lines)
    defects = [mask for name, mask in masks.items() if name != UNKNOWN]
    places = LabelPlaces(canvas.occupied(defects, lines))
    if bar:
        canvas.draw_scale_bar(places, detection.pixel_size_nm)
    if named:
        _name_regions(canvas, places, detection, edge)
    return canvas.image.resize(placement.panel, Image.Resampling.LANCZOS)


def draw_swatch(name: str, size: tuple[int, int]) -> Image.Image:
    """Draw a class for the legend as it looks in the picture; ``size`` is (width, height)."""
    width, height = size
    canvas = _Canvas(Image.new("L", size, 84), Placement(size, size, 1.0))
    box = np.zeros((height, width), np.uint8)
    box[5:-5, 6:-6] = 1
    if name == UNKNOWN:
        canvas.hatch(np.ones_like(box))
    elif kind_of(name) == "extended":
        canvas.tint(box, colour_of(name))
        canvas.stroke((line, colour_of(name)) for line in canvas.outlines(box))
    else:
        ring = _circle(width * _SHARP / 2, height * _SHARP / 2, 0.3 * height * _SHARP)
        canvas.stroke([(ring, colour_of(name))])
    return canvas.image.resize(size, Image.Resampling.LANCZOS)


class _Canvas:
    """A frame at twice its final size; masks and regions come in px of the image."""

    def __init__(self, picture: Image.Image, placement: Placement) -> None:
        self.zoom = placement.zoom * _SHARP
        self.size = placement.panel[0] * _SHARP, placement.panel[1] * _SHARP
        self.frame = placement.frame[0] * _SHARP, placement.frame[1] * _SHARP
        self.corner = (self.size[0] - self.frame[0]) // 2, (self.size[1] - self.frame[1]) // 2
        # Small tiles of a contact sheet get finer lines and rings.
        self.weight = min(1.0, max(0.6, max(placement.panel) / 700))
        self.line = round(_LINE_PX * self.weight * _SHARP)
        self.image = Image.new("RGB", self.size, _BACKDROP)
        shown = picture.resize(self.frame, Image.Resampling.BICUBIC)
        self.image.paste(shown.convert("RGB"), self.corner)

    def tint(self, mask: NDArray[np.uint8], colour: str) -> None:
        """Lay a thin veil of a colour over a mask."""
        veil = self._scaled(mask).point(lambda value: value * _FILL_ALPHA // 255)
        self.image.paste(Image.new("RGB", self.frame, colour), self.corner, veil)

    def hatch(self, mask: NDArray[np.uint8]) -> None:
        """Veil and hatch a mask, wider than any lattice shown, so that it is not taken for one."""
        if not mask.any():
            return
        width, height = self.frame
        phase = np.add.outer(np.arange(height), np.arange(width)) % (_HATCH_PX * _SHARP)
        inside = np.asarray(self._scaled(mask)) / 255
        lines = np.where(phase < 2 * _SHARP, _HATCH_ALPHA, _FILL_ALPHA)
        veil = Image.fromarray((inside * lines).astype(np.uint8))
        self.image.paste(Image.new("RGB", self.frame, colour_of(UNKNOWN)), self.corner, veil)

    def outlines(self, mask: NDArray[np.uint8]) -> Iterator[Line]:
        """Yield the closed outlines of a mask, drawn just inside the frame's border."""
        width, height = self.frame
        inset = self.line / 2
        padded = np.pad(np.asarray(self._scaled(mask)), 1)
        for contour in find_contours(padded, 127.5):
            y = np.clip(contour[:, 0] - 0.5, inset, height - inset) + self.corner[1]
            x = np.clip(contour[:, 1] - 0.5, inset, width - inset) + self.corner[0]
            yield list(zip(x.tolist(), y.tolist(), strict=True))

    def position(self, y: float, x: float) -> tuple[float, float]:
        """Return where the centre of an image pixel lies, as x, y."""
        return (x + 0.5) * self.zoom + self.corner[0], (y + 0.5) * self.zoom + self.corner[1]

    def radius(self, region: Region) -> float:
        """Return the radius of a ring that goes round a region."""
        around = 1.25 * self.zoom * math.sqrt(region.area_px / math.pi)
        return max(_SMALLEST_RING_PX * self.weight * _SHARP, around)

    def stroke(self, lines: Iterable[tuple[Line, str]]) -> None:
        """Draw lines in their colours over halos that part them from bright and dark lattice."""
        lines = list(lines)
        for tone in ("black", "white"):
            halo = Image.new("L", self.size, 0)
            pen = ImageDraw.Draw(halo)
            for line, colour in lines:
                if _contrast(colour) == tone:
                    pen.line(line, _HALO_ALPHA, self.line + 3 * _SHARP, joint="curve")
            self.image.paste(tone, (0, 0), halo)
        pen = ImageDraw.Draw(self.image)
        for line, colour in lines:
            pen.line(line, colour, self.line, joint="curve")

    def occupied(
        self, masks: Sequence[NDArray[np.uint8]], lines: Iterable[tuple[Line, str]]
    ) -> NDArray[np.bool_]:
        """Return where masks or lines lie, at the canvas's size."""
        cover = Image.new("L", self.size, 0)
        if masks:
            cover.paste(self._scaled(np.max(masks, axis=0)), self.corner)
        pen = ImageDraw.Draw(cover)
        for line, _ in lines:
            pen.line(line, fill=255, width=self.line)
        return np.asarray(cover) > 127

    def draw_tag(self, box: Box, text: str, colour: str) -> None:
        """Draw a label on a plate of its class's colour."""
        pen = ImageDraw.Draw(self.image)
        pen.rounded_rectangle(box, 4 * _SHARP, fill=colour, outline=_PLATE, width=_SHARP)
        middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        pen.text(middle, text, fill=_contrast(colour), font=_font(), anchor="mm")

    def draw_scale_bar(self, places: LabelPlaces, pixel_size_nm: float | None) -> None:
        """Draw a bar of a round length in the lower corner where it hides less."""
        longest = min(_BAR_SHARE * max(self.frame), self.size[0] / 2)
        length, text = scale_bar(longest / self.zoom, pixel_size_nm)
        bar = max(1, round(length * self.zoom))
        pad, inset, line = 10 * _SHARP, _BAR_INSET_PX * _SHARP, 6 * _SHARP
        text_width, text_height = text_size(text)
        width, height = max(bar, text_width) + 2 * pad, text_height + line + 2 * pad
        top = max(0, self.size[1] - inset - height)
        box = min(
            (
                Box(left, top, left + width, top + height)
                for left in (inset, max(0, self.size[0] - inset - width))
            ),
            key=places.covered,
        )
        places.take(box)
        middle = (box.left + box.right) // 2
        self._plate(box)
        pen = ImageDraw.Draw(self.image)
        bottom = box.bottom - pad
        pen.rectangle((middle - bar // 2, bottom - line, middle + bar // 2, bottom), fill="white")
        pen.text((middle, box.top + pad), text, fill="white", font=_font(), anchor="mt")

    def _plate(self, box: Box) -> None:
        veil = Image.new("L", (box.right - box.left, box.bottom - box.top), 0)
        ImageDraw.Draw(veil).rounded_rectangle(
            (0, 0, veil.width - 1, veil.height - 1), 6 * _SHARP, fill=170
        )
        self.image.paste(_PLATE, box[:2], veil)

    def _scaled(self, mask: NDArray[np.uint8]) -> Image.Image:
        picture = Image.fromarray(mask * np.uint8(255))
        return picture.resize(self.frame, Image.Resampling.BILINEAR)


def scale_bar(longest_px: float, pixel_size_nm: float | None) -> tuple[float, str]:
    """Return the longest bar of 1, 2 or 5 times a power of ten and its text.

    Parameters
    ----------
    longest_px : float
        What the bar may measure, in px of the image.
    pixel_size_nm : float or None

    Returns
    -------
    length : float
        In px of the image.
    text : str
        ``"5 nm"``, or in px without calibration.
    """
    step = 1.0 if pixel_size_nm is None else pixel_size_nm
    power = 10.0 ** math.floor(math.log10(longest_px * step))
    # The default is for a logarithm that was rounded up to the next power.
    fitting = (factor * power for factor in (1, 2, 5) if factor * power <= longest_px * step)
    value = max(fitting, default=power)
    return value / step, f"{value:g} {'px' if pixel_size_nm is None else 'nm'}"


def text_size(text: str) -> tuple[int, int]:
    """Return width and height of a label's text on the canvas."""
    left, _, right, _ = _font().getbbox(text)
    _, top, _, bottom = _font().getbbox("Mg", anchor="lt")
    return math.ceil(right - left), math.ceil(bottom - top)


def _mean_of_blocks(pixels: NDArray[np.float32], edge: int) -> NDArray[np.float32]:
    """Shrink what the panel cannot show; the last row and column may be less than a block."""
    if edge == 1:
        return pixels
    shape = pixels.shape[0], pixels.shape[1]
    parts = ((rows, pixels[rows]) for rows in row_blocks(shape))
    total = in_blocks(parts, shape, edge, np.add, np.float32)
    down, across = (np.diff([*range(0, length, edge), length]) for length in shape)
    mean: NDArray[np.float32] = (total / np.outer(down, across)).astype(np.float32)
    return mean


def _lines(
    canvas: _Canvas, masks: Mapping[str, NDArray[np.uint8]], regions: Iterable[Region]
) -> Iterator[tuple[Line, str]]:
    for name, mask in masks.items():
        if name != UNKNOWN and kind_of(name) == "extended":
            for line in canvas.outlines(mask):
                yield line, colour_of(name)
    for region in regions:
        if kind_of(region.class_name) != "extended":
            x, y = canvas.position(region.y_px, region.x_px)
            yield _circle(x, y, canvas.radius(region)), colour_of(region.class_name)


def _name_regions(canvas: _Canvas, places: LabelPlaces, detection: Detection, edge: int) -> None:
    """Label the regions, the largest first, as far as there is room."""
    counts = dict.fromkeys(detection.mask_names, 0)
    for region in detection.regions:
        counts[region.class_name] += 1
    largest = sorted(detection.regions, key=lambda region: -region.area_px)[:_MOST_LABELS]
    rims = _rims(canvas, detection, largest, edge)
    for region in largest:
        extended = kind_of(region.class_name) == "extended"
        text = _label(region, counts[region.class_name], extended)
        anchors = rims.get(region) or [canvas.position(region.y_px, region.x_px)]
        width, height = text_size(text)
        pad = _LABEL_PAD_PX * _SHARP
        reach = 0.0 if extended else canvas.radius(region)
        box = places.beside(anchors, reach, (width + 2 * pad, height + 2 * pad))
        if box is not None:
            canvas.draw_tag(box, text, colour_of(region.class_name))


def _label(region: Region, count: int, extended: bool) -> str:
    """Return the class, with the region's number where there are several."""
    if count == 1:
        return region.class_name
    if extended or count <= _MOST_NAMED_POINTS:
        return f"{region.class_name} {region.region}"
    return str(region.region)


def _rims(
    canvas: _Canvas, detection: Detection, regions: Sequence[Region], edge: int
) -> dict[Region, list[tuple[float, float]]]:
    """Return points on the outlines of the extended ones among some regions."""
    rims, planes = {}, detection.planes
    for name in {region.class_name for region in regions}:
        if kind_of(name) == "extended":
            parts = numbers_of(detection.map, planes, name)
            plane = in_blocks(parts, planes.shape, edge, np.maximum, np.uint32)
            for region in regions:
                if region.class_name == name:
                    rims[region] = _rim(canvas, plane, region, edge)
    return rims


def _rim(
    canvas: _Canvas, plane: NDArray[np.uint32], region: Region, edge: int
) -> list[tuple[float, float]]:
    """Return points on a region's outline, those nearest to its centroid first.

    The pixels of ``plane`` are blocks of so many px; another region may have taken a small one's.
    """
    rows = np.flatnonzero((plane == region.region).any(axis=1))
    inside = plane[rows] == region.region
    first = inside.argmax(axis=1)
    last = plane.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    points = np.concatenate([np.column_stack([rows, last]), np.column_stack([rows, first])])
    points = (points[:: max(1, len(points) // _MOST_ANCHORS)] + 0.5) * edge - 0.5
    away = np.hypot(points[:, 0] - region.y_px, points[:, 1] - region.x_px)
    return [canvas.position(y, x) for y, x in points[np.argsort(away)]]


def _circle(x: float, y: float, radius: float) -> Line:
    angles = np.linspace(0, 2 * np.pi, 73)
    return list(
        zip(
            (x + radius * np.cos(angles)).tolist(),
            (y + radius * np.sin(angles)).tolist(),
            strict=True,
        )
    )


def _contrast(colour: str) -> str:
    """Return black or white, whichever reads better on a colour (ITU-R BT.601 luma)."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 110 else "white"


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_LABEL_PX * _SHARP)


def grey(values: NDArray[np.float32]) -> Image.Image:
    """Return values as an 8-bit picture, the outermost half percent at either end clipped."""
    low, high = np.percentile(values, _SHOWN_PERCENT)
    span = max(float(high - low), np.finfo(np.float32).tiny)
    shown = np.clip((values - low) / span, 0, 1)
    return Image.fromarray(np.rint(255 * shown).astype(np.uint8))
