"""Lattices measured in a worker."""

from __future__ import annotations

from fake_worker import submit_at_once

from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.jobs.lattice_tasks import MEASURE_LATTICES, MeasureLatticesArguments
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.workers.messages import Finished


def test_the_cells_of_a_frame_are_measured_with_its_pixel_size() -> None:
    image, events = simulate("sto-001", size=192, defects=[]).micrograph, list[object]()
    frame = FrameInput(image.pixels, "sto", pixel_size_nm=image.pixel_size_nm)
    submit_at_once(
        MEASURE_LATTICES.job(MeasureLatticesArguments(frame), subject="sto"), events.append
    )
    (result,) = (event.result for event in events if isinstance(event, Finished))
    expected = measure_lattices(image.pixels, image.pixel_size_nm)
    assert result.cell.vectors_px == expected.cell.vectors_px
