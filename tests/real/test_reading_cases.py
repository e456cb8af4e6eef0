"""Small files as other programs write them, with the right answer of each.

They lie beside the real micrographs, in ``cases/reading``; its README lists them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.read import read

pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")


@pytest.fixture(scope="module")
def cases(data_dir: Path) -> Path:
    folder = data_dir.parent / "cases" / "reading"
    if not folder.is_dir():
        pytest.skip(f"no files of other programs at {folder}")
    return folder


@pytest.mark.parametrize(
    ("name", "shape", "pixel_nm", "values"),
    [
        ("mrc_signed_bytes.mrc", (200, 400), 0.027, (-97, 90)),
        ("mrc_no_cell.mrc", (200, 400), None, None),
        ("emd_not_square.emd", (200, 400), 0.027, None),
        ("emd_n_m.emd", (200, 400), 0.027, None),
        ("emd_survey_and_abf.emd", (200, 400), 0.027, None),
        ("ome_survey_first.ome.tif", (512, 512), 0.027, None),
        ("tiff_marked_then_raw.tif", (512, 512), 0.027, (7610, 60000)),
        ("stack_10_wide_frames.tif", (10, 64, 512), 0.027, None),
        ("ij_unit_A.tif", (200, 400), 0.027, None),
        ("blosc.hspy", (200, 400), 0.027, None),
    ],
)
def test_what_is_read(
    cases: Path,
    name: str,
    shape: tuple[int, ...],
    pixel_nm: float | None,
    values: tuple[int, int] | None,
) -> None:
    micrograph = read(cases / name)
    assert micrograph.pixels.shape == shape
    if pixel_nm is None:
        assert micrograph.pixel_size_nm is None
        assert micrograph.notes
    else:
        assert micrograph.pixel_size_nm == pytest.approx(pixel_nm, rel=1e-6)
    if values is not None:
        assert (micrograph.pixels.min(), micrograph.pixels.max()) == values


def test_rows_and_columns_are_those_of_the_same_crystal_in_other_files(cases: Path) -> None:
    known = read(cases / "blosc.hspy").pixels
    for name in ("emd_not_square.emd", "emd_n_m.emd", "ij_unit_A.tif"):
        np.testing.assert_allclose(read(cases / name).pixels, known, rtol=1e-3, err_msg=name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ij_reciprocal.tif", "diffraction"),
        ("diffraction_tex_unit.hspy", "diffraction"),
        ("spectrum_image.hspy", "spectrum image"),
    ],
)
def test_what_is_refused(cases: Path, name: str, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        read(cases / name)


def test_a_burned_in_bar_is_invalid(cases: Path) -> None:
    micrograph = read(cases / "bar_white.png")
    assert micrograph.invalid is not None
    assert micrograph.invalid[470:479, 20:169].all()
    assert micrograph.invalid.mean() < 0.03
    assert any("Marks burned into the image" in note for note in micrograph.notes)
