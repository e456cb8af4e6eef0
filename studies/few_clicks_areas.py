"""How well a mask covers areas that were not clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from few_clicks_scores import FALSE_BEYOND
from few_clicks_tasks import Draw, Labelled, Task, distance_to

if TYPE_CHECKING:
    from few_clicks_methods import Found


def area_overlap(task: Task, target: Labelled, draw: Draw, found: Found) -> dict[str, float]:
    """Return intersection over union of the mask with the areas that were not clicked.

    The clicked area and what is within 1.5 periods of it do not count.
    """
    left = draw.left_mask
    clicked = (target.distance(task.class_name) <= 0) & ~left
    counted = distance_to(clicked) > FALSE_BEYOND * target.period_px
    share = (found.mask & left).sum() / ((found.mask & counted) | left).sum()
    return {"overlap": round(float(share), 4)}
