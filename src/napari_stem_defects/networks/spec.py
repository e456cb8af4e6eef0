"""A trained ensemble as plain data: what it is (`EnsembleSpec`) and its weights (`Ensemble`).

Nothing here needs torch, so windows and listings can speak of models without loading it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import (
    check_class_name,
)
from napari_stem_defects.errors import InputError, ModelError
from napari_stem_defects.lattice.scale import TargetScale
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ARCHITECTURE = "selu-cnn-1"
MOST_CLASSES, MOST_SEEDS = 64, 64
WIDEST_STRIDE_PX = 8
# What the entries of a description are that JSON holds as they are.
_PLAIN: dict[str, type] = {
    "name": str,
    "description": str,
    "licence": str,
    "training": dict,
    "figures": dict,
    "versions": dict,
}
_MALFORMED = (TypeError, ValueError, KeyError, AttributeError, OverflowError, InputError)


@dataclass(frozen=True)
class Architecture:
    """Sizes of one binary member.

    Attributes
    ----------
    channels : tuple of int
        Feature maps of each convolution block (3x3 convolution, batch norm, 2x2 maximum, SELU).
    hidden : int
        Width of the fully connected layer before the one output.
    dropout : float
        Share of the hidden units silenced during training.
    maxima : bool
        Whether the fully connected layer is also given each feature map's maximum, which finds a
        defect wherever in the patch it lies.
    padded : bool
        Whether convolutions see zeros around their maps, as the abstract's. Without, windows that
        overlap share their feature maps, and an image is answered in one pass; see
        `inference.dense`.
    name : str
        The registered kind of network; a file naming another kind is refused.
    """

    channels: tuple[int, ...] = (16, 32, 48, 64)
    hidden: int = 48
    dropout: float = 0.2
    maxima: bool = False
    padded: bool = True
    name: str = ARCHITECTURE

    def __post_init__(self) -> None:
        """Refuse sizes no network can have, whoever wrote them."""
        whole = all(isinstance(size, int) for size in (*self.channels, self.hidden))
        small = 1 <= len(self.channels) <= 8 and all(1 <= c <= 1024 for c in self.channels)
        whole &= isinstance(self.maxima, bool) and isinstance(self.padded, bool)
        if not (whole and small and 1 <= self.hidden <= 4096 and 0 <= self.dropout < 1):
            raise ModelError(f"network sizes out of range: {self}")
        if self.name != ARCHITECTURE:
            raise ModelError(f"network {self.name!r} is unknown to this version; update the plugin")


@dataclass(frozen=True)
class Calibration:
    """Maps a member's mean logit z to a probability: sigmoid(scale * z + shift).

    Platt (1999) scaling, fitted on validation windows; (1, 0) leaves the network's own answer.
    """

    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what would turn every probability into NaN."""
        if not (np.isfinite(self.scale) and np.isfinite(self.shift)):
            raise ModelError(f"calibration is not finite: {self}")


@dataclass(frozen=True)
class EnsembleSpec:
    """Everything about an ensemble but its weights; JSON in the model file.

    Attributes
    ----------
    name : str
        Short name, as used on the command line.
    classes : tuple of str
        One binary member (times ``seeds``) per class, in this order.
    seeds : tuple of int
        Seeds of the members of each class; their number is the K of ``--members K``.
    preprocessing : Preprocessing
    architecture : Architecture
    pixel_size_nm : float or None
        Images are resampled to this before anything else; None where training was uncalibrated.
    lattice_nm : float or None
        Spacing of the first reflections of the crystal trained on, which gives an uncalibrated
        image its scale.
    thresholds : mapping of str to float
        Probability from which a class claims a window.
    calibration : mapping of str to Calibration
    training : mapping
        Label-set hash, counts, epochs, augmentation: what it takes to train it again.
    figures : mapping
        Measured figures, keyed by split ("random", "site", "region", "image").
    versions : mapping
        Versions of the software that trained it.
    description, licence : str
        For the model card.
    """

    name: str
    classes: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    preprocessing: PreprocessingSettings = field(default_factory=PreprocessingSettings)
    architecture: Architecture = field(default_factory=Architecture)
    pixel_size_nm: float | None = None
    lattice_nm: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        """Refuse, before anything is trained or loaded, what files and layers cannot carry."""
        if not 1 <= len(self.classes) <= MOST_CLASSES or len(set(self.classes)) < len(self.classes):
            raise ModelError(f"an ensemble has 1 to {MOST_CLASSES} classes, each once")
        if not 1 <= len(self.seeds) <= MOST_SEEDS:
            raise ModelError(f"an ensemble has 1 to {MOST_SEEDS} members per class")
        for name in self.classes:
            check_class_name(name)
        for name in (*self.thresholds, *self.calibration):
            if name not in self.classes:
                raise ModelError(f"the ensemble has no class {name!r} to calibrate")

    @property
    def target_scale(self) -> TargetScale:
        """What images are resampled to before inference."""
        window_px = self.preprocessing.patch_px
        return TargetScale(self.pixel_size_nm, self.lattice_nm, window_px)

    def threshold(self, class_name: str) -> float:
        """Return the class's threshold; 0.5 where none was chosen."""
        return self.thresholds.get(class_name, 0.5)

    @property
    def stride_px(self) -> int:
        """Longest step between windows, up to 8 px, at which every defect is near a centre.

        Near is what training called so. The middle of four centres is 0.7 steps from them.
        """
        radius = self.training.get("label_radius_px")
        if not isinstance(radius, (int, float)) or not 0 < radius < WIDEST_STRIDE_PX:
            return WIDEST_STRIDE_PX
        return int(np.clip(radius, 1, WIDEST_STRIDE_PX))

    @property
    def spread_px(self) -> float:
        """Standard deviation in px over which windows' answers are averaged; 0 for none."""
        recorded = self.training.get("spread_px")
        if not isinstance(recorded, (int, float)) or not 0 < recorded <= WIDEST_STRIDE_PX:
            return 0.0
        return float(recorded)

    @property
    def margin_px(self) -> int:
        """How far from the border a window's centre must stay.

        Half a patch where members learned from whole patches, of which none hangs over a border;
        0 where they learned from clicks.
        """
        whole = self.training.get("label_radius_px") == 0
        return self.preprocessing.patch_px // 2 if whole else 0

    @property
    def bulk_clears_from(self) -> float | None:
        """Bulk probability from which training found windows to be free of defects.

        1 where it found none to be safe; None where it did not look, as in older models.
        """
        recorded = self.training.get("bulk_clears_from")
        if not isinstance(recorded, (int, float)) or not 0 < recorded <= 1:
            return None
        return float(recorded)

    def calibrated(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn mean logits (N, C) into calibrated probabilities (N, C), float32."""
        pairs = [self.calibration.get(name, Calibration()) for name in self.classes]
        scale = np.array([pair.scale for pair in pairs], np.float32)
        shift = np.array([pair.shift for pair in pairs], np.float32)
        half = np.float32(0.5)
        probabilities: NDArray[np.float32] = half + half * np.tanh(half * (scale * logits + shift))
        return probabilities

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EnsembleSpec:
        """Read what `to_dict` wrote; anything else is a `ModelError` of one line."""
        known = {item.name for item in fields(cls)}
        if set(values) != known:
            odd = ", ".join(sorted(set(values) ^ known)[:5])
            raise ModelError(f"model description has unknown or missing entries: {odd}")
        try:
            return cls(**{**values, **_parsed(values)})
        except _MALFORMED as error:
            raise ModelError(f"model description is malformed: {error}") from None


def _parsed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a description that JSON cannot hold as they are."""
    for name, kind in _PLAIN.items():
        if not isinstance(values[name], kind):
            raise TypeError(f"{name} is not a {kind.__name__}")
    sizes = values["architecture"]
    return {
        "classes": tuple(values["classes"]),
        "seeds": tuple(int(seed) for seed in values["seeds"]),
        "preprocessing": PreprocessingSettings.from_dict(values["preprocessing"]),
        "architecture": Architecture(**{**sizes, "channels": tuple(sizes["channels"])}),
        "pixel_size_nm": _length(values["pixel_size_nm"]),
        "lattice_nm": _length(values["lattice_nm"]),
        "thresholds": {name: _share(value) for name, value in values["thresholds"].items()},
        "calibration": {
            name: Calibration(float(pair["scale"]), float(pair["shift"]))
            for name, pair in values["calibration"].items()
        },
    }


def _length(value: Any) -> float | None:
    if value is None:
        return None
    if not 1e-4 < float(value) < 1e4:
        raise ValueError(f"{value} nm is no length of a crystal or a pixel")
    return float(value)


def _share(value: Any) -> float:
    if not 0 <= float(value) <= 1:
        raise ValueError(f"threshold {value} is not between 0 and 1")
    return float(value)


@dataclass(frozen=True)
class Ensemble:
    """An ensemble ready to run.

    Attributes
    ----------
    spec : EnsembleSpec
    weights : mapping of str to ndarray
        Tensors by ``<class index>.<seed index>.<parameter>``; names and shapes are what
        `network.weight_shapes` lists.
    sha256 : str
        Hash of the weights, as written in the model file; "" before it was saved.
    """

    spec: EnsembleSpec
    weights: Mapping[str, NDArray[Any]]
    sha256: str = ""
