"""Parts of an image count alike in a spectrum, whatever their contrast."""

from __future__ import annotations

import numpy as np
from lattice_images import lattice_image

from napari_stem_defects.lattice.evened_spectrum import evened_spectrum
from napari_stem_defects.lattice.reflections import find_peaks, spectrum


def test_the_faint_half_of_an_image_has_its_reflections() -> None:
    strong, weak = lattice_image(20, 1, 90, 10), lattice_image(11, 1, 90, 40)
    image = np.random.default_rng(0).normal(0, 0.002, strong.shape).astype(np.float32)
    image[:, :128] += strong[:, :128]
    image[:, 128:] += 0.12 * weak[:, 128:]
    found = spectrum(image)
    evened = evened_spectrum(found)
    assert evened is not None

    def share(of: float) -> list[float]:
        power = []
        for each in (found, evened):
            positions, _ = find_peaks(each)
            spacing = 1 / np.hypot(*positions[:12].T)
            power.append(float((np.abs(spacing / of - 1) < 0.03).mean()))
        return power

    before, after = share(11)
    assert after > before


def test_an_even_image_is_left_alone() -> None:
    assert evened_spectrum(spectrum(lattice_image(12, 1.2, 80, 30, dose=20))) is None
    nothing = np.zeros((128, 128), np.float32)
    assert evened_spectrum(spectrum(nothing)) is None
