#!/usr/bin/env bash
# Images whose size is not a multiple of 8 px, or which are not square, and defects of a movie, in AtomAI.
#
# Expected: of an image of columns of 1100 counts on 1000, the network sees values from 0 to 1 and the same columns, whether it
# has 256 or 250 rows; resize=(256, 512) makes 256 rows and 512 columns; sites are found in the whole image.
# Seen with AtomAI 0.8.1: SegPredictor pads images with zeros to the next multiple of the network's downsampling, and scales
# from 0 to 1 after that. With 250 rows the columns have values from 0.91 to 1 instead of 0 to 1: a threshold of 0.5 takes
# the whole image for one atom, where 256 rows have over 600. Images near 0 counts are not changed. resize exchanges height and
# width: an image of 320 x 640 px becomes 512 x 256, four times as high for its width. extract_random_subimages tests rows
# against the width: in 256 x 512 px no subimage lies to the right of the first 256 px. cluster_coord drops the first
# defect of a movie in which no point is noise: 9 defects that are there in all frames are 8; with one stray point they
# are 9. Felt as: a network that worked fails on an image that was cropped by 6 rows, as if it had not learned.
#
# The network here returns its input, so that what is seen is the input. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
echo "torch==2.13.0" > "$folder/torch"
"$folder/venv/bin/pip" -q install -c "$folder/torch" atomai==0.8.1 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 \
  numpy==2.4.6 six
cd "$folder"
export HOME="$folder" MPLBACKEND=agg OMP_NUM_THREADS=1
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import sys
from unittest import mock

import numpy as np
import torch

try:
    import torchvision
except RuntimeError:  # a CPU build of torch beside torchvision for CUDA: AtomAI imports it, but does not use it here
    stands = mock.MagicMock(__path__=[], __spec__=None)
    sys.modules.update({name: stands for name in ("torchvision", "torchvision.models", "torchvision.utils")})

from atomai import utils
from atomai.predictors import SegPredictor

OPTIONS = {"nb_classes": 1, "downsampling": 8, "logits": False, "verbose": False}


def predicted(shape, background=1000, **options):
    """Return shape and contrast of what the network sees, and the number of atoms."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    columns = np.clip(np.cos(2 * np.pi * x / 14) * np.cos(2 * np.pi * y / 14), 0, None)
    image = background + 100 * columns
    predictor = SegPredictor(torch.nn.Identity(), **OPTIONS, **options)
    seen = predictor.predict(image, return_image=True)[0][0, ..., 0]
    contrast = np.ptp(seen[: shape[0], : shape[1]])
    return seen.shape, float(contrast), len(predictor.run(image)[1][0])


even, odd, dark = predicted((256, 256)), predicted((250, 256)), predicted((250, 256), background=0)
for name, (_, contrast, atoms) in {"256 rows": even, "250 rows": odd, "250 rows, no background": dark}.items():
    print(f"{name}: values over a range of {contrast:.2f}, {atoms} atoms")
resized = predicted((320, 640), resize=(256, 512))[0]
print("320 x 640 px, resized to (256, 512):", resized)
sites = np.array([(y, x, 0) for y in range(10, 246, 14) for x in range(10, 502, 14)], float)
_, taken, _ = utils.extract_random_subimages(np.zeros((1, 256, 512)), 32, 150, {0: sites})
print(f"sites of subimages up to x = {taken[:, 1].max():.0f} px, of sites up to {sites[:, 1].max():.0f} px")

rng = np.random.default_rng(0)
places = np.array([(y, x, 0) for y in (50, 100, 150) for x in (50, 100, 150)], float)
movie = {k: places + rng.normal(0, 0.3, places.shape) * (1, 1, 0) for k in range(20)}
alone = len(utils.cluster_coord(movie, 5)[1])
movie[0] = np.vstack([movie[0], (200, 200, 0)])
stray = len(utils.cluster_coord(movie, 5)[1])
print(f"9 defects in 20 frames: {alone} clusters; with one stray point: {stray}")
assert np.isclose(even[1], 1) and np.isclose(odd[1], 0.091, atol=0.002) and np.isclose(dark[1], 1), "changed"
assert even[2] > 500 and odd[2] == 1 and dark[2] > 500, "changed"
assert resized == (512, 256) and taken[:, 1].max() < 240 and (alone, stray) == (8, 9), "changed"
print("as stated")
PY
