"""Columns of the table in Detect defects: of regions, and of the unusual places of a survey.

Both have the same number of columns, and the name of a class or kind in `NAME_COLUMN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Value = float | str | None

NAME_COLUMN = 1


class Column(NamedTuple):
    """One column.

    Attributes
    ----------
    title, tooltip : str
    value : callable
        Returns the value of a region or place, by which rows are sorted.
    digits : int or None
        Decimals of a number; None for two below 10 and none above.
    hidden_as : int
        Where names have no room, columns are hidden in this order; 0 for those that never are.
    """

    title: str
    tooltip: str
    value: Callable[[Any], Value]
    digits: int | None = None
    hidden_as: int = 0

    def text(self, item: object) -> str:
        """Return the value of a region or place as it is shown."""
        return self._shown(self.value(item))

    def widest_texts(self, items: Iterable[object]) -> set[str]:
        """Return texts of which one is as wide as any of some regions or places."""
        values = {self.value(each) for each in items}
        names = {each for each in values if isinstance(each, str)}
        numbers = [each for each in values if not isinstance(each, str | None)]
        return names | {self._shown(each) for each in ([max(numbers)] if numbers else [])}

    def _shown(self, value: Value) -> str:
        if value is None:
            return "–"
        if isinstance(value, float):
            digits = (2 if value < 10 else 0) if self.digits is None else self.digits
            return f"{value:.{digits}f}"
        return str(value)


_NO_SIZE = "; the pixel size of the image is not known"
_REGION_NAMES = (
    Column("frame", "Frame of the stack", lambda r: r.frame),
    Column("class", "Defect class", lambda r: r.class_name),
    Column(
        "#",
        "Number within the class; the value in the labels layer",
        lambda r: r.region,
        hidden_as=2,
    ),
)
_REGION_PROBABILITY = Column("p", "Mean probability", lambda r: r.mean_probability)
REGION_COLUMNS = (
    *_REGION_NAMES,
    Column("length/nm", "Length of a line, longest extent of other regions", lambda r: r.length_nm),
    Column("area/nm²", "Area", lambda r: r.area_nm2, hidden_as=1),
    _REGION_PROBABILITY,
)
REGION_COLUMNS_IN_PX = (
    *_REGION_NAMES,
    Column("length/px", f"Length of a line{_NO_SIZE}", lambda r: r.length_px),
    Column("area/px", f"Area{_NO_SIZE}", lambda r: r.area_px, hidden_as=1),
    _REGION_PROBABILITY,
)


def place_columns(pixel_size_nm: float | None) -> tuple[Column, ...]:
    """Return the columns of unusual places.

    Parameters
    ----------
    pixel_size_nm : float or None
        Positions are in px if it is None.
    """
    unit, size, digits = ("px", 1.0, 0) if pixel_size_nm is None else ("nm", pixel_size_nm, 2)
    why = _NO_SIZE if pixel_size_nm is None else ""
    return (
        Column("rank", "Rank by score, and number in the table that is exported", lambda p: p.rank),
        Column("kind", "Point, line or area, by its shape", lambda p: p.kind),
        Column(
            "sign",
            "Whether a point is darker or brighter than expected",
            lambda p: p.sign,
            hidden_as=1,
        ),
        Column("score", "Highest anomaly score; about 1 in perfect crystal", lambda p: p.score),
        Column(f"y/{unit}", f"Position, downwards{why}", lambda p: p.y * size, digits),
        Column(f"x/{unit}", f"Position, to the right{why}", lambda p: p.x * size, digits),
    )
