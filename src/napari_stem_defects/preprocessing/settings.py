"""Parameters of the preprocessing stages."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

Representation = Literal["fft", "real", "fft+real"]
Window = Literal["hann", "none"]

# No atomic pattern needs a larger window, and a model file may not ask for boundless memory.
LARGEST_PATCH_PX = 512


@dataclass(frozen=True)
class PreprocessingSettings:
    """Parameters of the stages; lengths are in px of the model's pixel size.

    Attributes
    ----------
    patch_px : int
        Edge of the square window the network sees, even.
    smoothing_px : float
        Standard deviation of the light Gaussian smoothing; 0 leaves it out.
    background_px : float
        Standard deviation of the Gaussian blur that is taken for the background and subtracted.
    contrast_px : float
        Standard deviation of the Gaussian over which local contrast is evened out; 0 leaves it
        out, and every window is divided by its own largest magnitude instead.
    window : {"hann", "none"}
        Weight over the patch before it is transformed. "hann" makes the answer speak of the
        patch's centre, because a Fourier magnitude by itself has no position; "none" is the
        abstract's. The patch itself has positions and is never weighted.
    threshold : float
        Log magnitudes below this share of the window's largest one up to the cutoff become 0.
    cutoff : float
        Highest spatial frequency kept, in cycles per px (0.5 keeps all).
    representation : {"fft", "real", "fft+real"}
        What the network sees: the thresholded spectrum, the flattened patch, or both.
    """

    patch_px: int = 64
    smoothing_px: float = 1.0
    background_px: float = 12.0
    contrast_px: float = 24.0
    window: Window = "hann"
    threshold: float = 0.0
    cutoff: float = 0.375
    representation: Representation = "fft"

    def __post_init__(self) -> None:
        """Refuse values no stage can work with."""
        checks = {
            "patch_px": isinstance(self.patch_px, int)
            and 16 <= self.patch_px <= LARGEST_PATCH_PX
            and self.patch_px % 2 == 0,
            "smoothing_px": 0 <= self.smoothing_px <= 20,
            "background_px": 1 <= self.background_px <= 1000,
            "contrast_px": 0 <= self.contrast_px <= 1000,
            "window": self.window in get_args(Window),
            "threshold": 0 <= self.threshold < 1,
            "cutoff": 0.1 <= self.cutoff <= 0.5,
            "representation": self.representation in get_args(Representation),
        }
        for name, good in checks.items():
            if not good:
                raise InputError(f"preprocessing: {name}={getattr(self, name)!r} is out of range")

    @classmethod
    def paper(cls) -> PreprocessingSettings:
        """Return the configuration of Marvin et al.: un-windowed, thresholded FFT magnitude."""
        return cls(smoothing_px=0.5, contrast_px=0.0, window="none", threshold=0.2, cutoff=0.5)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PreprocessingSettings:
        """Read what `to_dict` wrote; unknown or missing names are an `InputError`."""
        known = {item.name for item in fields(cls)}
        if set(values) != known:
            odd = ", ".join(sorted(set(values) ^ known))
            raise InputError(f"preprocessing: unknown or missing parameters: {odd}")
        return cls(**values)
