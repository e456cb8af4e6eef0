#!/usr/bin/env bash
# Positions and masks of columns in training images that two augmentation packages bend.
#
# Expected: positions that are given with an image move with its columns, to 0.1 px, as both packages do it for turns.
# Seen with kornia 0.9.0 and albumentationsx 2.5.1: RandomElasticTransform of kornia moves columns by up to 4 px and their masks
# with them, and returns the positions as they were. It does not say so, whereas the thin-plate splines of kornia refuse
# positions. GridDistortion, OpticalDistortion and ThinPlateSpline of AlbumentationsX return whole pixels, 1.0 to 1.1 px
# above the columns on average and up to 2 px beside them, and a position can be missing though all were to be kept; with
# keypoint_remapping_method="direct" they are 0.4 to 0.7 px too far up and to the left. Its ElasticTransform is right to 0.1 px,
# and its masks lie on the columns, but half a pixel below and to the right of them once the image is scaled by a factor
# that is not whole (Resize of 241 px to 480 px, CropAndPad). Felt as: a network of heat maps or of masks that learns
# to place defects 1 px too far up or half a pixel too far down, and a validation with images that are bent likewise agrees.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install torch==2.13.0 kornia==0.9.0 albumentationsx==2.5.1 albucore==0.2.21 \
  opencv-python-headless==5.0.0.93 numpy==2.4.6 scipy==1.17.1
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import albumentations
import kornia.augmentation
import numpy as np
import torch
from scipy.ndimage import center_of_mass

SHAPE, RADIUS = (241, 301), 9
rng = np.random.default_rng(0)
columns = np.array([(y, x) for y in range(30, 215, 40) for x in range(30, 275, 40)], float)
columns += rng.uniform(-0.5, 0.5, columns.shape)
y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
away = [np.hypot(y - row, x - column) for row, column in columns]
image = sum(np.exp(-((each / 3) ** 2) / 2) for each in away).astype(np.float32)
mask = sum((each <= 6) * number for number, each in enumerate(away, 1)).astype(np.int32)


def found(picture, places):
    """Return where the columns near to some places are; NaN where there is none in the picture."""
    centres = []
    for place in places:
        here = place
        for _ in range(4):
            top, left = (int(round(each)) - RADIUS for each in here)
            cut = picture[max(top, 0) : top + 2 * RADIUS + 1, max(left, 0) : left + 2 * RADIUS + 1]
            if min(cut.shape) < 2 * RADIUS + 1 or cut.max() < 0.3:
                here = np.array((np.nan, np.nan))
                break
            inside = center_of_mass(np.clip(cut - 0.05 * cut.max(), 0, None))
            here = np.array((top + inside[0], left + inside[1]))
        centres.append(here if np.hypot(*(here - place)) < 8 else (np.nan, np.nan))
    return np.array(centres)


def by_albumentations(transform):
    points = albumentations.KeypointParams(
        coord_format="yx", label_fields=["number"], remove_invisible=False
    )
    compose = albumentations.Compose([transform], keypoint_params=points, seed=3)
    numbers = list(range(len(columns)))
    result = compose(image=image[..., None], mask=mask, keypoints=columns, number=numbers)
    points = np.full(columns.shape, np.nan)
    points[np.array(result["number"], int)] = np.array(result["keypoints"])[:, :2]
    return result["image"][..., 0], points, result["mask"]


def by_kornia(transform):
    torch.manual_seed(0)
    keys = ["input", "keypoints", "mask"]
    sequence = kornia.augmentation.AugmentationSequential(transform, data_keys=keys)
    points = torch.tensor(columns[:, ::-1].copy(), dtype=torch.float32)[None]
    both = [torch.tensor(each, dtype=torch.float32)[None, None] for each in (image, mask)]
    bent, points, masks = sequence(both[0], points, both[1])
    return bent[0, 0].numpy(), points[0].numpy()[:, ::-1].astype(float), masks[0, 0].numpy()


def beside(picture, points, masks):
    """Return how far columns lie beside their points, and their masks beside the columns."""
    here = np.isfinite(points).all(axis=1)
    centres = np.full(points.shape, np.nan)
    centres[here] = found(picture, points[here])
    whole = [n for n in np.flatnonzero(np.isfinite(centres).all(axis=1)) if (masks == n + 1).sum() > 60]
    of_masks = [np.argwhere(masks == n + 1).mean(axis=0) - centres[n] for n in whole]
    return centres - points, np.array(of_masks), int((~here).sum())


K, A = kornia.augmentation, albumentations
DIRECT = {"keypoint_remapping_method": "direct", "p": 1}
BY_K, BY_A = by_kornia, by_albumentations
cases = {
    "kornia, turned": (BY_K, K.RandomRotation((30, 30), p=1), 0, 0.1, 0),
    "kornia, elastic": (BY_K, K.RandomElasticTransform(p=1), None, 4.1, 0),
    "AlbumentationsX, turned": (BY_A, A.Affine(rotate=(30, 30), p=1), 0, 0.1, 0),
    "AlbumentationsX, elastic": (BY_A, A.ElasticTransform(p=1), 0, 0.1, 0),
    "AlbumentationsX, grid": (BY_A, A.GridDistortion(p=1), (1.1, 0), 2, 0),
    "AlbumentationsX, optical": (BY_A, A.OpticalDistortion(p=1), (1.1, 0), 2, 0),
    "AlbumentationsX, thin plates": (BY_A, A.ThinPlateSpline(p=1), (1, 0), 2, 0),
    "AlbumentationsX, grid, direct": (BY_A, A.GridDistortion(**DIRECT), (0.6, 0.5), 2, 0),
    "AlbumentationsX, optical, direct": (BY_A, A.OpticalDistortion(**DIRECT), (0.5, 0.6), 2, 0),
    "AlbumentationsX, thin plates, direct": (BY_A, A.ThinPlateSpline(**DIRECT), (0.4, 0.4), 2, 0),
    "AlbumentationsX, resized": (BY_A, A.Resize(480, 600, p=1), 0, 0.3, 0.5),
    "AlbumentationsX, cropped": (BY_A, A.CropAndPad(px=-20, keep_size=True, p=1), 0, 0.1, 0.5),
}
lost = 0
for name, (apply, transform, stated, farthest, stated_of_masks) in cases.items():
    picture, points, masks = apply(transform)
    off, of_masks, missing = beside(picture, points, masks)
    mean, most = np.nanmean(off, axis=0).round(1) + 0.0, np.nanmax(np.abs(off))
    mean_of_masks = of_masks.mean(axis=0).round(1) + 0.0
    print(
        f"{name}: columns {mean} px beside their points, up to {most:.1f} px; "
        f"masks {mean_of_masks} px; {missing} of {len(points)} points missing"
    )
    lost += missing
    if name.endswith(("grid", "optical", "thin plates")):
        assert np.nanmax(np.abs(points - np.rint(points))) == 0, f"changed: {name}"
    assert stated is None or np.allclose(mean, stated, atol=0.25), f"changed: {name}"
    assert np.allclose(mean_of_masks, stated_of_masks, atol=0.15), f"changed: {name}"
    assert most < farthest + 0.3 and (farthest < 1 or most > farthest / 2), f"changed: {name}"
    if name == "kornia, elastic":
        assert np.allclose(points, columns, atol=1e-3), "changed"
try:
    by_kornia(K.RandomThinPlateSpline(p=1))
    refused = False
except NotImplementedError:
    refused = True
print("kornia, thin plates: refused" if refused else "kornia, thin plates: not refused")
assert lost == 1 and refused, "changed"
print("as stated")
PY
