"""Charts on a page of results; where one cannot be drawn, a sentence stands in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_stem_defects.reporting.results_page.html import Markup, element, picture
from napari_stem_defects.reporting.undrawn import draw_if_possible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class DrawnCharts:
    """Draws the charts of one page and keeps what could not be drawn.

    Attributes
    ----------
    colours : mapping of str to str
        Colours of classes.
    notes : list of str
        A sentence for each chart that failed.
    """

    colours: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    def figure(
        self, draw: Callable[[], bytes | None], title: str, caption: str = ""
    ) -> Markup | None:
        """Return a chart for the page.

        Parameters
        ----------
        draw : callable
            Returns the picture as SVG, or None where there is nothing to show.
        title : str
            What the chart shows; its text for readers that show no pictures.
        caption : str
            Below it.

        Returns
        -------
        Markup or None
            The figure, the sentence that stands for it, or None where there is nothing to show.
        """
        drawn, note = draw_if_possible(draw, f"The chart “{title}”")
        if note:
            self.notes.append(note)
            return element("p", note, kind="warning")
        return None if drawn is None else picture(drawn, title, caption)
