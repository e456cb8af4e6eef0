"""Axes with an image in nm, or in px where the pixel size is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.base.micrograph import check_micrograph
from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.errors import InputError
from napari_stem_defects.reporting.contrast import to_grey8

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph

MOST_PX = 2000
"""Longest side of an image that is drawn; of larger ones every n-th pixel is."""


WITH_LEGEND = (8.0, 5.6)
"""Width and height in inches of a figure with a legend beside its axes."""


def axes_or_new(axes: Axes | None, size: tuple[float, float] = (6.0, 6.0)) -> Axes:
    """Return axes, or those of a new figure that a notebook shows.

    Parameters
    ----------
    axes : matplotlib.axes.Axes or None
    size : (float, float)
        Width and height of a new figure in inches.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if axes is not None:
        return axes
    pyplot = load_package("matplotlib.pyplot", "matplotlib", "plot")
    made: Axes = pyplot.subplots(figsize=size, layout="constrained")[1]
    return made


def box_of(shape: tuple[int, int], pixel_size_nm: float | None) -> tuple[float, ...]:
    """Return left, right, bottom and top of an image; the centre of the first pixel is at 0.

    Parameters
    ----------
    shape : (int, int)
        Height and width in px.
    pixel_size_nm : float or None

    Returns
    -------
    tuple of four float
        In nm, or px.
    """
    size = pixel_size_nm or 1.0
    height, width = shape
    return -0.5 * size, (width - 0.5) * size, (height - 0.5) * size, -0.5 * size


def frame_axes(axes: Axes, shape: tuple[int, int], pixel_size_nm: float | None) -> None:
    """Set limits and labels of axes to those of an image, y downwards.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    shape : (int, int)
        Height and width in px.
    pixel_size_nm : float or None
    """
    left, right, bottom, top = box_of(shape, pixel_size_nm)
    unit = "px" if pixel_size_nm is None else "nm"
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=f"x ({unit})", ylabel=f"y ({unit})")
    axes.set_aspect("equal")


def show_image(axes: Axes, pixels: NDArray[np.float32], pixel_size_nm: float | None) -> None:
    """Draw an image in grey.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    pixels : ndarray of float32, shape (Y, X)
    pixel_size_nm : float or None
    """
    shape = pixels.shape[0], pixels.shape[1]
    step = max(1, -(-max(shape) // MOST_PX))
    box = box_of(shape, pixel_size_nm)
    shown = to_grey8(pixels[::step, ::step])
    axes.imshow(shown, cmap="gray", extent=(box[0], box[1], box[2], box[3]))
    frame_axes(axes, shape, pixel_size_nm)


def searched_pixels(
    micrograph: Micrograph, frame: int, shape: tuple[int, int], what: str
) -> NDArray[np.float32]:
    """Return the frame that a result was made of.

    Parameters
    ----------
    micrograph : Micrograph
        An image, or the stack of the frame.
    frame : int
        Index of the frame in its stack.
    shape : (Y, X)
        Size in px that the result states.
    what : str
        What the result is, for the message.

    Returns
    -------
    ndarray of float32, shape (Y, X)

    Raises
    ------
    InputError
        It is no micrograph, or has another size.
    """
    micrograph = check_micrograph(micrograph)
    one = micrograph.frame(frame) if micrograph.is_stack else micrograph
    if one.frame_shape != shape:
        height, width = one.frame_shape
        raise InputError(
            f"{micrograph.name}: has {width}x{height} px, the {what} {shape[1]}x{shape[0]};"
            " give the image that was searched"
        )
    return one.pixels
