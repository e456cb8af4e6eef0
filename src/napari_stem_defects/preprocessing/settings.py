"""Parameters of the preprocessing stages."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

Representation = Literal["fft", "real", "fft+real", "residual"]
IMAGE_REPRESENTATIONS: tuple[Representation, ...] = ("fft", "real", "fft+real")
"""Those computed from the filtered image, for any image; "residual" needs a lattice."""
Window = Literal["hann", "none"]

# No atomic pattern needs a larger window; the limit protects against model files that would need
# excessive memory.
MAX_PATCH_PX = 512


@dataclass(frozen=True)
class PreprocessingSettings:
    """Parameters of the stages; lengths are in px of the model's pixel size.

    Attributes
    ----------
    patch_px : int
        Edge of the square input window of the networks, an even number.
    smoothing_px : float
        Standard deviation of the Gaussian smoothing; 0 disables it.
    background_px : float
        Standard deviation of the Gaussian blur that is subtracted as the background.
    contrast_px : float
        Standard deviation of the Gaussian over which the local contrast is normalised. 0 disables
        it; every window is divided by its largest magnitude instead.
    window : {"hann", "none"}
        Window function that is applied before the Fourier transform. With "hann" the prediction
        refers to the centre of the patch, because a Fourier magnitude itself has no position;
        "none" is the setting of the abstract. The real-space patch is never weighted.
    threshold : float
        Log magnitudes below this fraction of the largest one up to the cutoff become 0.
    cutoff : float
        Highest spatial frequency, in cycles per px (0.5 keeps all).
    representation : {"fft", "real", "fft+real", "residual"}
        Input of the networks: the thresholded spectrum, the filtered patch, both, or the lattice
        residual of the patch (`anomaly.residual`), in which no crystal is left. The lengths of a
        residual are in px of 7 samples per length unit.

    Raises
    ------
    InputError
        If a value is out of range.

    Examples
    --------
    >>> settings = sd.PreprocessingSettings(background_px=8.0)
    >>> sd.PreprocessingSettings.from_dict(settings.to_dict()) == settings
    True
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
        """Raise `InputError` for values that no stage supports."""
        checks = {
            "patch_px": isinstance(self.patch_px, int)
            and 16 <= self.patch_px <= MAX_PATCH_PX
            and self.patch_px % 2 == 0,
            "smoothing_px": 0 <= self.smoothing_px <= 20,
            "background_px": 1 <= self.background_px <= 1000,
            "contrast_px": 0 <= self.contrast_px <= 1000,
            "window": self.window in get_args(Window),
            "threshold": 0 <= self.threshold < 1,
            "cutoff": 0.1 <= self.cutoff <= 0.5,
            "representation": self.representation in get_args(Representation),
        }
        for name, is_valid in checks.items():
            if not is_valid:
                raise InputError(f"preprocessing: {name}={getattr(self, name)!r} is out of range")

    @property
    def is_residual(self) -> bool:
        """Whether the networks see the lattice residual instead of the image."""
        return self.representation == "residual"

    @property
    def is_plain(self) -> bool:
        """Whether a window is a plain part of the filtered image or of its lattice residual."""
        return self.is_residual or (self.representation == "real" and self.contrast_px > 0)

    @classmethod
    def paper(cls) -> PreprocessingSettings:
        """Return the configuration of Marvin et al.: thresholded FFT magnitude without a window."""
        return cls(smoothing_px=0.5, contrast_px=0.0, window="none", threshold=0.2, cutoff=0.5)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as JSON-safe values.

        Returns
        -------
        dict
            Values by parameter name.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PreprocessingSettings:
        """Return the settings that `to_dict` converted.

        Parameters
        ----------
        values : mapping
            Values by parameter name.

        Returns
        -------
        PreprocessingSettings

        Raises
        ------
        InputError
            If names are unknown or missing, or values are out of range.
        """
        known = {item.name for item in fields(cls)}
        if set(values) != known:
            names = ", ".join(sorted(set(values) ^ known))
            raise InputError(f"preprocessing: unknown or missing parameters: {names}")
        return cls(**values)
