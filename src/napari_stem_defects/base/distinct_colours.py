"""Colours that everybody distinguishes, with a colour vision deficiency as without one.

Differences are distances in OKLab (B. Ottosson, "A perceptual color space for image processing",
2020), of colours as they are seen and as they are seen with protanopia, deuteranopia and tritanopia
(Machado, Oliveira and Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009), severity 1).
"""

from __future__ import annotations

import colorsys
import math
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_Vector = tuple[float, ...]
_VISION = (
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
)
_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_OKLAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_HUES, _LIGHTNESSES, _SATURATIONS = 24, (0.4, 0.5, 0.65, 0.8), (0.55, 0.95)
_LUMINANCE = ((0.2126, 0.7152, 0.0722),)
_DARKEST = 0.1
"""Luminance at which a colour has a contrast of 3 with black, as a mask needs in a dark image."""


def difference(first: str, second: str) -> float:
    """Return how different two colours look to those who see them as most alike.

    Parameters
    ----------
    first, second : str
        ``#rrggbb``.

    Returns
    -------
    float
        Distance in OKLab; black and white are 1 apart.
    """
    return min(map(math.dist, _seen(first), _seen(second)))


def most_different(used: Iterable[str]) -> str:
    """Return the colour of a wheel of hues, lightnesses and saturations that is like none in use.

    Parameters
    ----------
    used : iterable of str
        Colours in use, ``#rrggbb``; at least one.

    Returns
    -------
    str
        ``#rrggbb``.
    """
    used = tuple(used)
    return max(colour_wheel(), key=lambda each: min(difference(each, other) for other in used))


@cache
def colour_wheel() -> tuple[str, ...]:
    """Return the colours that `most_different` chooses from."""
    steps = product(range(_HUES), _LIGHTNESSES, _SATURATIONS)
    rgb = (colorsys.hls_to_rgb(hue / _HUES, *rest) for hue, *rest in steps)
    texts = ("#" + "".join(f"{round(255 * each):02x}" for each in colour) for colour in rgb)
    return tuple(each for each in texts if luminance(each) >= _DARKEST)


@cache
def _seen(colour: str) -> tuple[_Vector, ...]:
    """Return a colour in OKLab for each kind of vision."""
    light = _linear(colour)
    seen = (_product(_CONES, map(_limited, _product(vision, light))) for vision in _VISION)
    return tuple(_product(_OKLAB, map(math.cbrt, cones)) for cones in seen)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour.

    Parameters
    ----------
    colour : str
        ``#rrggbb``.

    Returns
    -------
    float
        0 for black to 1 for white; IEC 61966-2-1 (sRGB).
    """
    return _product(_LUMINANCE, _linear(colour))[0]


def _linear(colour: str) -> _Vector:
    """Return red, green and blue as intensities of light, 0 to 1."""
    encoded = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return tuple(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in encoded)


def _limited(intensity: float) -> float:
    return min(max(intensity, 0.0), 1.0)


def _product(matrix: tuple[_Vector, ...], vector: Iterable[float]) -> _Vector:
    vector = tuple(vector)
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
