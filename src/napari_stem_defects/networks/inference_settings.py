"""Settings of inference that follow from how an ensemble was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_STRIDE_PX = 8


@dataclass(frozen=True)
class InferenceSettings:
    """Settings of inference that follow from how an ensemble was trained.

    Model files hold them among the ``training`` entries of the description, under the keys named
    below; `from_training` reads them.

    Attributes
    ----------
    label_extent_px : float or None
        Distance from a labelled position, in px, up to which its label holds (stored as
        ``label_radius_px``); 0 where labels describe whole patches, None where not stored.
    stride_px : int
        Longest step between windows, up to 8 px, at which every defect is near a window centre:
        a point between four centres is up to 0.7 strides away from them.
    margin_px : int
        Minimum distance of a window centre from the image border: half a patch where members
        were trained on whole patches, which never extend beyond a border; otherwise 0.
    averaging_px : float
        Standard deviation, in px, of the spatial averaging of logits (stored as ``spread_px``);
        0 for none.
    early_exit_probability : float or None
        Bulk probability from which training found windows to be free of defects (stored as
        ``bulk_clears_from``); 1 where it found none to be safe, None in models without it.
    """

    label_extent_px: float | None = None
    stride_px: int = MAX_STRIDE_PX
    margin_px: int = 0
    averaging_px: float = 0.0
    early_exit_probability: float | None = None

    @classmethod
    def from_training(cls, training: Mapping[str, Any], patch_px: int) -> InferenceSettings:
        """Read the settings from the ``training`` entries of a description.

        Entries that are missing, of another type or out of range count as not stored.

        Parameters
        ----------
        training : mapping
            `EnsembleSpec.training`.
        patch_px : int
            Edge of a window in px.

        Returns
        -------
        InferenceSettings
        """
        extent = _number_or_none(training.get("label_radius_px"))
        averaging = _number_or_none(training.get("spread_px"))
        early_exit = _number_or_none(training.get("bulk_clears_from"))
        stride = MAX_STRIDE_PX
        if extent is not None and 0 < extent < MAX_STRIDE_PX:
            stride = max(1, int(extent))
        if averaging is None or not 0 < averaging <= MAX_STRIDE_PX:
            averaging = 0.0
        if early_exit is not None and not 0 < early_exit <= 1:
            early_exit = None
        margin = patch_px // 2 if extent == 0 else 0
        return cls(extent, stride, margin, averaging, early_exit)


def _number_or_none(value: object) -> float | None:
    is_number = isinstance(value, (int, float)) and -1e9 < value < 1e9  # False for NaN
    return float(value) if is_number else None  # type: ignore[arg-type]
