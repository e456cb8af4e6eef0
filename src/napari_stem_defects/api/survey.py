"""The survey of unusual places in one frame of a micrograph, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.api.arguments import frame_of

if TYPE_CHECKING:
    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.micrograph import Micrograph


def survey(micrograph: Micrograph, *, frame: int = 0) -> Survey:
    """Find what is unusual in one frame of a micrograph, without labels and without a model.

    Every pixel is predicted from those around it; where a crystal repeats, the prediction is good.
    What it leaves over is scored in multiples of its own spread, and the places that noise does not
    explain are ranked.

    Parameters
    ----------
    micrograph : Micrograph
        Image or stack, from `read`, `simulate` or an array.
    frame : int, default: 0
        Index of the frame in a stack.

    Returns
    -------
    Survey
        Anomaly map and ranked places. Without a lattice in the image there are no places, and the
        statement gives the reason.

    Raises
    ------
    InputError
        If it is no micrograph, or the frame does not exist.

    Examples
    --------
    >>> import napari_stem_defects as sd
    >>> simulation = sd.simulate(size=256)
    >>> survey = sd.survey(simulation.micrograph)
    >>> survey.anomaly.shape, len(survey.candidates) > 0
    ((256, 256), True)
    """
    return survey_frame(frame_of(micrograph, frame), frame=frame)
