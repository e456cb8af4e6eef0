"""The study of particles, in miniature, and its section of the page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import particles
from few_clicks_page import page


@pytest.mark.parametrize("particle", particles.PARTICLES[::5], ids=lambda each: str(each.seed))
def test_columns_are_missing_within_the_particle_alone(particle: particles.Particle) -> None:
    image, facets = particles.image_of(particle)
    missing = image.points["defect"]
    assert len(missing) >= 9
    assert facets.depth(missing).min() > 1.9 * image.period_px
    y, x = np.mgrid[: image.micrograph.frame_shape[0], : image.micrograph.frame_shape[1]]
    depth = facets.depth(np.stack([y.ravel(), x.ravel()], axis=1)).reshape(y.shape)
    pixels = image.micrograph.pixels
    assert pixels[depth > 0].std() > 1.5 * pixels[depth < -2 * image.period_px].std()


def test_figures_of_a_particle_are_stated_in_the_page() -> None:
    found = [particles.measured(particles.Particle(14, seed)) for seed in (0, 3)]
    assert sum(each["found"] for each in found) >= 12
    assert all(each["f1"] > 0.8 for each in found)
    about = {"task": "a", "title": "A", "group": "report", "kind": "point", "method": "quick"}
    draw = {"clicks": 7, "draw": 0, "f1": 0.5, "learning_s": 1.0, "search_s": 1.0}
    other = [{**about, "draws": [draw]}]
    text = page(other, particles=json.loads(json.dumps(found)))
    (row,) = [line for line in text.splitlines() if line.startswith("| 14 periods")]
    hits, missing = (sum(each[name] for each in found) for name in ("found", "missing"))
    assert f"{hits} of {missing}" in row
    assert f"F1 {np.mean([each['f1'] for each in found]):.2f}" in row
    assert "## Particles" not in page(other)
