"""Train the bundled ensemble ``cdte-110``.

    python training/cdte_110.py [--data FOLDER] [--quick]

Learns from clicks on the public CdTe micrograph and on its copies with edited vacancies and
interstitials, the public Bulk patches (another image), two other crystals that no class may
claim, and scenes of the linear imaging model. Writes the model, and ``training/cdte_110.json``
with every parameter and figure.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree

from napari_stem_defects.core.augmentation import Augmentation
from napari_stem_defects.core.classes import BULK, kind_of
from napari_stem_defects.core.ensemble import Architecture, Ensemble, EnsembleSpec
from napari_stem_defects.core.evaluation import evaluate
from napari_stem_defects.core.imaging_model import Imaging
from napari_stem_defects.core.model_card import model_card
from napari_stem_defects.core.network import Network
from napari_stem_defects.core.preprocessing import Preprocessing
from napari_stem_defects.core.random_scenes import FAULT_CLASSES
from napari_stem_defects.core.samples import Samples, augmented_samples, joined, scene_samples
from napari_stem_defects.core.simulation import FAMILIES, NEGATIVE_FAMILIES, random_scene
from napari_stem_defects.core.training import Schedule, fit
from napari_stem_defects.core.training_set import (
    Clicks,
    TrainingSet,
    from_clicks,
    from_patches,
    join,
)
from napari_stem_defects.files.atomic import write_bytes
from napari_stem_defects.files.model_file import save_model
from napari_stem_defects.files.patch_folder import read_patch_folder
from napari_stem_defects.files.reading import read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.core.progress import Progress

CLASSES = (BULK, "LC", "SF1", "SF2", "Twin_Bound", "Vacancy_CdTe", "interstitial")
PIXEL_SIZE_NM = 0.02692  # {111} planes of CdTe, 0.3742 nm, are 13.9 px apart in the micrograph
LATTICE_NM = 0.3742
# Centre lines (y, x) and the offsets across the band at which it is clicked.
LINES = {
    "SF1": ((0.0, 333.0), (328.0, 337.5), (-8.0, 0.0, 8.0)),
    "SF2": ((244.5, 0.0), (346.0, 307.0), (-10.0, -2.0, 2.0, 10.0)),
    "Twin_Bound": ((674.0, 0.0), (766.0, 276.0), (-3.0, 3.0)),
}
JUNCTION = ((342.0, 328.0), (348.0, 335.0), (354.0, 342.0))
# Rare defects are looked at more often in every view, shifted anew each time.
REPEATS = {"LC": 8, "Vacancy_CdTe": 6, "interstitial": 3}
STEP_PX = 5.0
BULK_STEP_PX = 26
CLEAR_PX = 27.0
RADIUS_PX = 8.0
WINDOWS_PER_SCENE = 14

# Of the patch and its spectrum the patch alone learns a fault's kind; see docs/architecture.md.
PREPROCESSING = Preprocessing(representation="real", smoothing_px=0.7)
# An image holds far more windows without a point defect than the training shows; on new scenes 0.9
# costs at most 0.005 of the recall that 0.5 has.
THRESHOLDS = {name: 0.9 if kind_of(name) == "point" else 0.5 for name in CLASSES}
ARCHITECTURE = Architecture(channels=(12, 24, 48, 64))
SEEDS = (0,)
# Held out to measure: these margins of the micrograph hold a third of each fault, five
# interstitials and two vacancies. The one junction cannot be held out.
MARGIN_PX = {"left": 110, "top": 130, "right": 690}
DESCRIPTION = (
    "Stacking faults (SF1 single, SF2 double), Lomer-Cottrell junctions, twin boundaries,"
    " vacancies and interstitials in zincblende crystals seen along [110]. Trained on one public"
    " CdTe micrograph, two edited copies of it and simulated scenes."
)
DATA = """\
- Clicks on the public CdTe [110] micrograph of Ayyubi et al. (npj Computational Materials, 2026,
  s41524-026-02024-x) and on its two copies with edited vacancies and interstitials: one fault of
  each kind, one junction, one twin boundary, 10 vacancies, 25 interstitials.
- The Bulk patches of the same set, which show another image.
- One SrTiO3 and one WSe2 micrograph that no class may claim.
- Scenes of the linear imaging model: Si, GaAs, GaSb, InSb, InAs, ZnTe, CdTe, HgTe and GaP with
  faults, twins, junctions and point defects, and scenes without any crystal of that kind.

Trained by `python training/cdte_110.py`; every parameter is in `training/cdte_110.json`."""
LIMITS = """\
- Every real defect it learned from lies in one micrograph. The one junction could not be held
  out, so its figures come from simulated junctions alone.
- SF1 and SF2 are names of the public set: SF1 a single (intrinsic or overlapped) fault, SF2 a
  double (extrinsic or paired) one. A single fault, a double one and a twin boundary differ by a
  row of dumbbells; at low dose or where dumbbells are not resolved their names are confused.
- Vacancies and interstitials were edited into the micrograph or simulated; real ones may look
  otherwise.
- Other zone axes and crystals are outside its world; much of them becomes `unknown`, not all."""


class Size(NamedTuple):
    """How much is trained on, and how often."""

    views: int
    scenes: int
    lesson_scenes: int
    lesson_epochs: int
    common_epochs: int
    own_epochs: int


FULL = Size(20, 6500, lesson_scenes=4200, lesson_epochs=5, common_epochs=5, own_epochs=1)
QUICK = Size(2, 104, lesson_scenes=60, lesson_epochs=1, common_epochs=1, own_epochs=1)

Point = tuple[float, float]


def line_clicks() -> tuple[list[Point], list[str]]:
    """Return clicks along the extended defects of the training micrograph."""
    points: list[Point] = []
    names: list[str] = []
    for name, (start, end, offsets) in LINES.items():
        first, last = np.array(start), np.array(end)
        along = last - first
        normal = np.array([-along[1], along[0]]) / np.hypot(*along)
        for share in np.arange(0, 1, STEP_PX / np.hypot(*along)):
            for offset in offsets:
                y, x = first + share * along + offset * normal
                points.append((float(y), float(x)))
                names.append(name)
    junction = list(JUNCTION) * REPEATS["LC"]
    return points + junction, names + ["LC"] * len(junction)


def distance_to_lines(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance in px to the nearest clicked defect."""
    points, _ = line_clicks()
    distance: NDArray[np.float64] = cKDTree(points).query(np.column_stack([y, x]))[0]
    return distance


def clicks_of(
    image: NDArray[np.float32],
    points: list[Point],
    names: list[str],
    *,
    bulk_within: float = np.inf,
) -> Clicks:
    """Add Bulk clicks on a grid, clear of every defect, to the clicks of an image."""
    grid = np.mgrid[4 : image.shape[0] : BULK_STEP_PX, 4 : image.shape[1] : BULK_STEP_PX]
    y, x = grid.reshape(2, -1).astype(float)
    near = cKDTree(points).query(np.column_stack([y, x]))[0]
    clear = (distance_to_lines(y, x) > CLEAR_PX) & (near > CLEAR_PX) & (near < bulk_within)
    at = np.array(points)
    inside = ((at >= 0) & (at <= np.array(image.shape) - 1)).all(1)
    return Clicks(
        image,
        np.concatenate([at[inside, 0], y[clear]]),
        np.concatenate([at[inside, 1], x[clear]]),
        tuple(np.array(names)[inside].tolist()) + (BULK,) * int(clear.sum()),
    )


def clicked_images(data: Path) -> TrainingSet:
    """Return the clicks on the micrograph and on its two edited copies."""
    folder = data / "images"
    truth = json.loads((folder / "point_defects.json").read_text())
    parents = [clicks_of(read(folder / "CdTe_Training_Image.tif").pixels, *line_clicks())]
    for name in ("CdTe_vacancies.tif", "CdTe_interstitials.tif"):
        label = truth[name]["class"]
        points = [(float(y), float(x)) for y, x in truth[name]["points_yx"]] * REPEATS[label]
        image = read(folder / name).pixels
        parents.append(clicks_of(image, points, [label] * len(points), bulk_within=80))
    return from_clicks(parents, pixel_size_nm=PIXEL_SIZE_NM)


def other_crystals(data: Path) -> TrainingSet:
    """Return clicks of no class on SrTiO3 and WSe2, so that a crystal is not always CdTe."""
    parents = []
    for name in ("images/STO_Training_Image.jpg", "wse2/frame_02.dm4"):
        image = read(data / name).pixels
        y, x = np.mgrid[16 : image.shape[0] : 48, 16 : image.shape[1] : 48].reshape(2, -1)
        parents.append(Clicks(image, y.astype(float), x.astype(float), ("other",) * len(y)))
    return from_clicks(parents, pixel_size_nm=PIXEL_SIZE_NM)


def bulk_patches(data: Path) -> TrainingSet:
    """Return the public Bulk patches, which show another image than the clicks do."""
    folder = read_patch_folder(data / "patches" / "DataSet_CdTe")
    bulk = np.array([name == BULK for name in folder.classes])
    return from_patches(folder.patches[bulk], [BULK] * int(bulk.sum()))


def scene_windows(
    rng: np.random.Generator,
    family: str,
    preprocessing: Preprocessing,
    count: int,
    imaging: Imaging | None = None,
) -> Samples:
    """Return windows of one random scene, a third on its defects and a third near them."""
    size_nm = PIXEL_SIZE_NM * float(np.exp(rng.uniform(-0.17, 0.17)))
    scene = random_scene(rng, family=family, size=224, pixel_size_nm=size_nm, imaging=imaging)
    return scene_samples(
        scene.micrograph.pixels,
        {name: scene.distance(name) for name in CLASSES[1:] if name in scene.masks},
        CLASSES,
        preprocessing,
        crystalline=family not in NEGATIVE_FAMILIES,
        count=count,
        radius_px=RADIUS_PX,
        seed=int(rng.integers(2**31)),
    )


def simulated_samples(preprocessing: Preprocessing, scenes: int, seed: int) -> Samples:
    """Return windows of random scenes, every family as often as any other."""
    rng = np.random.default_rng(seed)
    families = FAMILIES["cdte-110"] + NEGATIVE_FAMILIES
    return joined(
        [
            scene_windows(rng, families[number % len(families)], preprocessing, WINDOWS_PER_SCENE)
            for number in range(scenes)
        ]
    )


def lesson_samples(preprocessing: Preprocessing, scenes: int, seed: int) -> Samples:
    """Return windows on clearly seen planar defects and in bulk; other classes are not asked."""
    rng = np.random.default_rng(seed)
    families = ("bulk", "twin", *FAULT_CLASSES)
    parts = []
    for number in range(scenes):
        family = families[number % len(families)]
        clear = Imaging(
            probe_fwhm_nm=rng.uniform(0.08, 0.13),
            dose=rng.uniform(150, 1000),
            tail_share=0.1,
            jitter_px=0.1,
        )
        count = 12 if family == "bulk" else 36
        parts.append(scene_windows(rng, family, preprocessing, count, clear))
        if family != "bulk":
            on_defect = np.nansum(parts[-1].targets[:, 1:], axis=1) > 0
            parts[-1] = parts[-1].only(on_defect)
    samples = joined(parts)
    asked = [kind_of(name) != "point" for name in CLASSES]
    return Samples(samples.features, np.where(asked, samples.targets, np.float32(np.nan)))


def samples_of(data: TrainingSet, spec: EnsembleSpec, size: Size, seed: int) -> Samples:
    """Return augmented windows of labelled sites and windows of simulated scenes."""
    views = augmented_samples(
        data.restricted(CLASSES),
        spec.preprocessing,
        Augmentation(),
        views=size.views,
        seed=seed,
    )
    return joined([views, simulated_samples(spec.preprocessing, size.scenes, seed + 1)])


def train(
    data: TrainingSet, spec: EnsembleSpec, size: Size, seed: int
) -> tuple[Ensemble, list[dict[str, Any]]]:
    """Fit all members."""
    samples = samples_of(data, spec, size, seed)
    lesson = lesson_samples(spec.preprocessing, size.lesson_scenes, seed + 2)
    print(f"training on {len(lesson)} windows of the lesson, {len(samples)} in all", flush=True)

    def report(progress: Progress) -> None:
        loss = progress.detail.get("loss", float("nan"))
        print(f"{progress.stage} {progress.done}/{progress.total} loss {loss:.4f}", flush=True)

    schedule = Schedule(
        epochs=dict.fromkeys(CLASSES, size.own_epochs),
        common_epochs=size.common_epochs,
        lesson_epochs=size.lesson_epochs,
        naming=1.0,
        seeds=SEEDS,
        learning_rate=3e-3,
        mixed_precision=True,
    )
    torch.set_num_threads(1)  # two runs share the machine
    return fit(spec, samples, None, schedule, lesson=lesson, report=report)


def logits_of(ensemble: Ensemble, samples: Samples) -> NDArray[np.float32]:
    """Return the mean logits (N, classes) of an ensemble."""
    network = Network(ensemble)
    parts = [
        network.logits({name: array[i : i + 1024] for name, array in samples.features.items()})
        for i in range(0, len(samples), 1024)
    ]
    mean: NDArray[np.float32] = np.concatenate(parts, axis=1).mean(0)
    return mean


def margins_and_rest(data: TrainingSet, patch_px: int) -> tuple[TrainingSet, TrainingSet]:
    """Divide sites into the micrograph's margins and those that share no pixel with them."""
    clicked = np.isin(data.image, np.arange(3))
    held = clicked & (
        (data.x < MARGIN_PX["left"]) | (data.y < MARGIN_PX["top"]) | (data.x > MARGIN_PX["right"])
    )
    at = np.column_stack([data.y, data.x])
    apart = cKDTree(at[held]).query(at, p=np.inf)[0] >= patch_px
    return data.only(held).restricted(CLASSES), data.only(apart | ~clicked).restricted(CLASSES)


def names_of(samples: Samples) -> list[str]:
    """Return the class each window shows, "" where it shows none."""
    there = np.nan_to_num(samples.targets) > 0
    return [CLASSES[int(row.argmax())] if row.any() else "" for row in there]


def held_out_run(data: TrainingSet, spec: EnsembleSpec, size: Size) -> dict[str, Any]:
    """Train without the margins of the micrograph; measure there and on scenes of other seeds.

    Probabilities are the networks' own. They answer for the loss's weights, in which a third of
    all windows show the class, not for how rare a defect is: 0.5 is where its evidence outweighs
    the evidence against it.
    """
    held, learned = margins_and_rest(data, spec.preprocessing.patch_px)
    print("held out:", held.counts(), "left to learn from:", learned.counts(), flush=True)
    ensemble, history = train(learned, spec, size, 10)
    settings = spec.preprocessing
    measured = {
        "held-out margins": augmented_samples(held, settings, Augmentation(), views=12, seed=77),
        "new scenes": simulated_samples(settings, max(13, size.scenes // 5), 91),
    }
    figures: dict[str, Any] = {
        "held_out_sites": held.counts(),
        "training_sites": learned.counts(),
        "history": history,
    }
    for name, samples in measured.items():
        probability = spec.calibrated(logits_of(ensemble, samples))
        figures[name] = evaluate(CLASSES, names_of(samples), samples.targets, probability).to_dict()
    return figures


def main() -> None:
    """Train, measure, write the model and its record."""
    parser = argparse.ArgumentParser(description="Train the bundled ensemble cdte-110.")
    root = Path(__file__).resolve().parents[1]
    default = os.environ.get("STEM_DEFECTS_DATA", str(root.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, default=root)
    parser.add_argument("--quick", action="store_true", help="a rehearsal of a few minutes")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    started = time.perf_counter()
    data = join(
        [clicked_images(options.data), other_crystals(options.data), bulk_patches(options.data)]
    )
    spec = EnsembleSpec(
        name="cdte-110",
        classes=CLASSES,
        preprocessing=PREPROCESSING,
        architecture=ARCHITECTURE,
        pixel_size_nm=PIXEL_SIZE_NM,
        lattice_nm=LATTICE_NM,
        thresholds=THRESHOLDS,
        description=DESCRIPTION,
        licence="BSD-3-Clause",
    )
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        measured = pool.submit(held_out_run, data, spec, size)
        final = pool.submit(train, data, spec, size, 20)
        figures = measured.result()
        ensemble, history = final.result()
    record = {
        "sites": data.restricted(CLASSES).counts(),
        "size": size._asdict(),
        "augmentation": Augmentation().to_dict(),
        "seeds": list(SEEDS),
        "margin_px": MARGIN_PX,
        "minutes": round((time.perf_counter() - started) / 60, 1),
    }
    measured_on = {
        "Margins of the micrograph, by a model that was not trained on them": "held-out margins",
        "New scenes of the linear imaging model": "new scenes",
    }
    versions = {name: version(name) for name in ("numpy", "scipy", "torch")}
    spec = replace(
        ensemble.spec,
        training=record,
        figures={title: figures[name] for title, name in measured_on.items()},
        versions={"python": platform.python_version(), **versions},
    )
    models = options.out / "src" / "napari_stem_defects" / "models"
    saved = save_model(replace(ensemble, spec=spec), models / "cdte-110.safetensors")
    card = model_card(saved.spec, saved.sha256, data=DATA, limits=LIMITS)
    write_bytes(models / "cdte-110.md", card.encode())
    everything = {**record, "model_sha256": saved.sha256, "held_out": figures, "history": history}
    text = json.dumps(everything, indent=1)
    write_bytes(options.out / "training" / "cdte_110.json", text.encode())


if __name__ == "__main__":
    main()
