"""Description (`EnsembleSpec`) and weights (`Ensemble`) of a trained ensemble.

This module does not need torch, so widgets and model listings can describe models without it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from napari_stem_defects.base.defect_classes import (
    DefectClass,
    check_class_name,
    class_table,
    complete_classes,
)
from napari_stem_defects.base.late_import import function_of
from napari_stem_defects.errors import InputError, ModelError
from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.lattice.scale import SAMPLES_PER_UNIT, TargetScale
from napari_stem_defects.networks.architecture import (
    AnyArchitecture,
    Architecture,
    MatchedFilterArchitecture,
    drop_unset,
    parse_architecture,
    parse_teacher,
)
from napari_stem_defects.networks.inference_settings import InferenceSettings
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_VIEW = "reporting.notebook.ensemble_view"
T = TypeVar("T")
TrainedContrast = Literal["bright", "dark", "both"]

MAX_CLASSES, MAX_SEEDS = 64, 64
# Types of the entries of a description that are the same in JSON and in Python.
_JSON_TYPES: dict[str, type] = {
    "name": str,
    "description": str,
    "licence": str,
    "training": dict,
    "figures": dict,
    "versions": dict,
}
# Entries that files of earlier format versions lack; absent ones get their defaults.
_OPTIONAL = frozenset({"class_data", "lattice_geometry", "teacher"})
_MALFORMED = (TypeError, ValueError, KeyError, AttributeError, OverflowError, InputError)


@dataclass(frozen=True)
class PlattCalibration:
    """Probability calibration of one class by Platt scaling: sigmoid(scale * z + shift).

    z is the mean logit of the class's members. Platt (1999), "Probabilistic outputs for support
    vector machines"; scale (the inverse temperature) and shift are fitted on validation windows.
    The default (1, 0) leaves the sigmoid of the logit unchanged.

    Attributes
    ----------
    scale, shift : float
    """

    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        """Raise `ModelError` for numbers that would turn every probability into NaN."""
        if not (np.isfinite(self.scale) and np.isfinite(self.shift)):
            raise ModelError(f"calibration is not finite: {self}")


@dataclass(frozen=True)
class EnsembleSpec:
    """Description of an ensemble: everything but its weights; JSON in the model file.

    Attributes
    ----------
    name : str
        Short name, as used on the command line.
    classes : tuple of str
        Class names; each class has one binary member per seed.
    seeds : tuple of int
        Random seeds of the members of each class; their number is the K of ``--members K``.
    preprocessing : PreprocessingSettings
    architecture : Architecture or MatchedFilterArchitecture
        The latter for quick models, which have templates instead of networks.
    pixel_size_nm : float or None
        Pixel size that images are resampled to; None where the training images had none.
    lattice_nm : float or None
        Lattice-plane spacing of the lowest-order reflections of the training crystal, which gives
        images without a pixel size their scale.
    thresholds : mapping of str to float
        Probability from which a window is assigned to a class.
    calibration : mapping of str to PlattCalibration
        Probability calibration of each class.
    training : mapping
        Label-set hash, counts, epochs, augmentation: everything needed to repeat the training.
        `inference` reads its settings from here.
    figures : mapping
        Evaluation figures, keyed by split ("random", "site", "region", "image").
    versions : mapping
        Versions of the software used for training.
    description, licence : str
        For the model card.
    class_data : tuple of DefectClass
        Kind, title and colour of each class, in the order of ``classes``. Those that are not given
        get the defaults of their names.
    lattice_geometry : LatticeGeometry or None
        Geometry of the lattice that the model knows; None where it is not known.
    teacher : MatchedFilterArchitecture or None
        Sizes of the quick model that taught the networks and is used beside them; None where there
        is none.
    """

    name: str
    classes: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    preprocessing: PreprocessingSettings = field(default_factory=PreprocessingSettings)
    architecture: AnyArchitecture = field(default_factory=Architecture)
    pixel_size_nm: float | None = None
    lattice_nm: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    calibration: Mapping[str, PlattCalibration] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    licence: str = ""
    class_data: tuple[DefectClass, ...] = ()
    lattice_geometry: LatticeGeometry | None = None
    teacher: MatchedFilterArchitecture | None = None

    def __post_init__(self) -> None:
        """Raise `ModelError` for names and counts that files and layers cannot hold."""
        if not 1 <= len(self.classes) <= MAX_CLASSES or len(set(self.classes)) < len(self.classes):
            raise ModelError(f"an ensemble has 1 to {MAX_CLASSES} classes, each once")
        if not 1 <= len(self.seeds) <= MAX_SEEDS:
            raise ModelError(f"an ensemble has 1 to {MAX_SEEDS} members per class")
        for name in self.classes:
            check_class_name(name)
        object.__setattr__(self, "class_data", complete_classes(self.classes, self.class_data))
        for name in (*self.thresholds, *self.calibration):
            if name not in self.classes:
                raise ModelError(f"the ensemble has no class {name!r} to calibrate")

    @property
    def class_table(self) -> Mapping[str, DefectClass]:
        """Kind, title and colour of each class by its name, ``unknown`` included."""
        return class_table(self.class_data)

    @property
    def is_quick(self) -> bool:
        """Whether this is a quick model: matched filters, no networks."""
        return isinstance(self.architecture, MatchedFilterArchitecture)

    @property
    def sees_residual(self) -> bool:
        """Whether the model sees the lattice residual instead of the image."""
        return self.is_quick or self.preprocessing.is_residual

    @property
    def column_contrast(self) -> TrainedContrast | None:
        """Columns of the training images, bright in simulated scenes; None where not known."""
        known = "bright" if "on_new_scenes" in self.training else None
        stored = self.training.get("column_contrast", known)
        return stored if stored in ("bright", "dark", "both") else None

    @property
    def network(self) -> Architecture:
        """Layer sizes of the members; `ModelError` for a quick model, which has none."""
        if not isinstance(self.architecture, Architecture):
            raise ModelError(f"{self.name}: a quick model has no networks")
        return self.architecture

    @property
    def matched_filters(self) -> MatchedFilterArchitecture:
        """Sizes of a quick model, or of the teacher of networks; `ModelError` without either."""
        sizes = self.architecture if self.is_quick else self.teacher
        if not isinstance(sizes, MatchedFilterArchitecture):
            raise ModelError(f"{self.name}: an ensemble of networks, not a quick model")
        return sizes

    @property
    def target_scale(self) -> TargetScale:
        """Pixel size, lattice spacing or samples per unit that images are resampled to."""
        return TargetScale(
            self.pixel_size_nm,
            self.lattice_nm,
            self.preprocessing.patch_px,
            self.lattice_geometry,
            SAMPLES_PER_UNIT if self.preprocessing.is_residual else None,
            None if self.teacher is None else self.teacher.units or 1.0,
        )

    def threshold(self, class_name: str) -> float:
        """Return the threshold of a class; 0.5 where none is stored."""
        return self.thresholds.get(class_name, 0.5)

    @property
    def inference(self) -> InferenceSettings:
        """Settings of inference that follow from how the ensemble was trained."""
        return InferenceSettings.from_training(self.training, self.preprocessing.patch_px)

    def calibrated_probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Apply the probability calibration of each class to mean logits.

        Parameters
        ----------
        logits : ndarray of float32, shape (N, C)
            Logits averaged over the members of each class.

        Returns
        -------
        ndarray of float32, shape (N, C)
        """
        pairs = [self.calibration.get(name, PlattCalibration()) for name in self.classes]
        scale = np.array([pair.scale for pair in pairs], np.float32)
        shift = np.array([pair.shift for pair in pairs], np.float32)
        half = np.float32(0.5)
        probabilities: NDArray[np.float32] = half + half * np.tanh(half * (scale * logits + shift))
        return probabilities

    def to_dict(self) -> dict[str, Any]:
        """Return the description as JSON-safe values."""
        # What is JSON-safe already is as large as a report, and not copied value by value.
        values = asdict(replace(self, training={}, figures={}, versions={}))
        values |= {name: dict(getattr(self, name)) for name in ("training", "figures", "versions")}
        # Left out where unknown, so that earlier versions read descriptions without them.
        for sizes in (values["architecture"], values["teacher"]):
            drop_unset(sizes)
        return {n: v for n, v in values.items() if n not in _OPTIONAL or v is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EnsembleSpec:
        """Read a description written by `to_dict`.

        Raises
        ------
        ModelError
            With a message of one line, where entries are missing, unknown or malformed.
        """
        known = {item.name for item in fields(cls)}
        if odd := (set(values) ^ known) - (_OPTIONAL - set(values)):
            names = ", ".join(sorted(odd)[:5])
            raise ModelError(f"model description has unknown or missing entries: {names}")
        try:
            return cls(**{**values, **_parsed(values)})
        except _MALFORMED as error:
            raise ModelError(f"model description is malformed: {error}") from None


def _parsed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the entries of a description that JSON holds in another form."""
    for name, kind in _JSON_TYPES.items():
        if not isinstance(values[name], kind):
            raise TypeError(f"{name} is not a {kind.__name__}")
    return {
        "classes": tuple(values["classes"]),
        "seeds": tuple(int(seed) for seed in values["seeds"]),
        "preprocessing": PreprocessingSettings.from_dict(values["preprocessing"]),
        "architecture": parse_architecture(values["architecture"]),
        "pixel_size_nm": _length_nm(values["pixel_size_nm"]),
        "lattice_nm": _length_nm(values["lattice_nm"]),
        "thresholds": {name: _unit_interval(value) for name, value in values["thresholds"].items()},
        "calibration": {
            name: PlattCalibration(float(pair["scale"]), float(pair["shift"]))
            for name, pair in values["calibration"].items()
        },
        "class_data": _class_data(values),
        "lattice_geometry": LatticeGeometry.from_json(values.get("lattice_geometry")),
        "teacher": parse_teacher(values.get("teacher")),
    }


def _class_data(values: Mapping[str, Any]) -> tuple[DefectClass, ...]:
    """Return the classes that a description describes: none in files of format version 2."""
    names = [check_class_name(name) for name in values["classes"]]
    given = tuple(DefectClass(**each) for each in values.get("class_data", ()))
    if odd := [each.name for each in given if each.name not in names]:
        raise ValueError(f"class_data describes {odd[0]!r}, which is no class of the model")
    return given


def _length_nm(value: Any) -> float | None:
    if value is None:
        return None
    if not 1e-4 < float(value) < 1e4:
        raise ValueError(f"{value} nm is no length of a crystal or a pixel")
    return float(value)


def _unit_interval(value: Any) -> float:
    if not 0 <= float(value) <= 1:
        raise ValueError(f"threshold {value} is not between 0 and 1")
    return float(value)


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Description and weights of an ensemble, ready for inference.

    Attributes
    ----------
    spec : EnsembleSpec
    weights : mapping of str to ndarray
        Tensors by ``<class index>.<seed index>.<parameter>``; `networks.member.weight_shapes`
        lists their names and shapes. Those of a teacher begin with ``teacher.``.
    sha256 : str
        Hash of the weights, as written in the model file; "" before it was saved.

    Examples
    --------
    >>> ensemble = sd.load_model(sd.DEFAULT_MODEL)
    >>> ensemble.spec.classes[:3], ensemble.spec.inference.stride_px
    (('Bulk', 'LC', 'SF1'), 8)
    """

    spec: EnsembleSpec
    weights: Mapping[str, NDArray[Any]]
    sha256: str = ""
    _cache: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        spec = self.spec
        size = "no pixel size" if spec.pixel_size_nm is None else f"{spec.pixel_size_nm:.4g} nm/px"
        return f"Ensemble({spec.name!r}, classes {', '.join(spec.classes)}, {size})"

    def _repr_html_(self) -> str:
        return str(function_of(_VIEW, "html")(self))

    def to_dataframe(self) -> Any:
        """Return the classes and their evaluation figures as a table; needs pandas.

        Returns
        -------
        pandas.DataFrame
            A row per class and evaluation.
        """
        return function_of(_VIEW, "table")(self)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw precision and recall of each class in the strictest evaluation.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default in a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            The model holds no evaluation.
        """
        drawn: Axes = function_of(_VIEW, "plot")(self, axes)
        return drawn

    def cached(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return an object derived from the weights, built at the first call only.

        The frames of a stack thus share their networks. The cache is released with the ensemble;
        copies and pickles of the ensemble start with an empty one.

        Parameters
        ----------
        key : hashable
            Identifies the object among those of this ensemble.
        build : callable
            Builds the object; it must not refer to the ensemble, or both outlive their use.

        Returns
        -------
        object
            What ``build`` returned at the first call with this key.
        """
        if key not in self._cache:
            self._cache[key] = build()
        found: T = self._cache[key]
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the cache out of copies and pickles."""
        return Ensemble, (self.spec, self.weights, self.sha256)
