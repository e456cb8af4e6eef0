"""A label project in a notebook."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.reporting.notebook.html_card import Swatch, card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.labels.label import Label, LabelClass, LabelledFrame


_MOST_FRAMES = 5


class _Project(Protocol):
    """What a card shows of a label project."""

    path: Path

    @property
    def classes(self) -> Sequence[LabelClass]: ...
    @property
    def frames(self) -> Sequence[LabelledFrame]: ...
    @property
    def warnings(self) -> Sequence[str]: ...
    def labels(self) -> Sequence[Label]: ...


def html(project: _Project) -> str:
    """Return the card: the frames, and the labels of each class."""
    labels = project.labels()
    counts = Counter(label.class_name for label in labels)
    frames = Counter((label.image, label.frame) for label in labels)
    rows: list[tuple[Any, ...]] = [
        (
            Swatch(each.name, each.colour),
            each.defect_class.own_title,
            each.kind,
            counts[each.name],
        )
        for each in project.classes
    ]
    facts = [_frame_fact(each) for each in project.frames[:_MOST_FRAMES]]
    if len(project.frames) > _MOST_FRAMES:
        facts.append(f"and {len(project.frames) - _MOST_FRAMES} more frames")
    facts += project.warnings
    count = len(labels)
    title = f"label project {project.path.name}: {count} label{'' if count == 1 else 's'}"
    title += f" in {len(frames)} frame{'' if len(frames) == 1 else 's'}"
    return card(title, facts, (), ("class", "", "kind", "labels"), rows)


def _frame_fact(frame: LabelledFrame) -> str:
    size = frame.pixel_size_nm
    scale = "no pixel size" if size is None else f"{size:.4g} nm per px"
    return f"{frame.name}: {list_in_both_units((frame.width, frame.height), size)}, {scale}"
