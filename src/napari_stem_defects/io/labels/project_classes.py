"""Changes of the classes of a label project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.io.labels.project_history import LabelProjectHistory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_stem_defects.base.defect_classes import Kind
    from napari_stem_defects.labels.label import LabelClass


class LabelProjectClasses(LabelProjectHistory):
    """A label project whose classes can be changed; base class of `LabelProject`.

    Parameters
    ----------
    path : Path
        The folder of the project.
    journal : LabelJournal
        Its open journal.
    """

    def add_class(
        self,
        name: str,
        colour: str | None = None,
        key: int | None = None,
        *,
        kind: Kind | None = None,
        title: str | None = None,
    ) -> LabelClass:
        """Add a class.

        Parameters
        ----------
        name : str
            Name of the class.
        colour : str, optional
            ``#rrggbb``; the default colour of the class if omitted.
        key : int, optional
            Number key (1-9); the lowest free key if omitted.
        kind : {"point", "line", "area"}, optional
            By default "line" for the faults and boundaries of the public data sets, else "point".
        title : str, optional
            Descriptive title for legends; by default the name, or that of the public data sets.

        Returns
        -------
        LabelClass
            The class.

        Examples
        --------
        >>> with sd.LabelProject.create("boundaries") as project:
        ...     added = project.add_class("APB", kind="line", title="anti-phase boundary")
        >>> added.kind, added.key
        ('line', 1)
        """
        self._commit(self._state.plan_class(name, colour, key, kind=kind, title=title))
        return self._state.classes[name]

    def set_class(
        self,
        name: str,
        *,
        kind: Kind | None = None,
        title: str | None = None,
        colour: str | None = None,
    ) -> LabelClass:
        """Change kind, title or colour of a class; what is omitted stays.

        Parameters
        ----------
        name : str
            The class.
        kind : {"point", "line", "area"}, optional
            Its new kind; its labels stay.
        title : str, optional
            Its new title; "" for its name.
        colour : str, optional
            ``#rrggbb``.

        Returns
        -------
        LabelClass
            The changed class.
        """
        self._commit(self._state.plan_change(name, kind=kind, title=title, colour=colour))
        return self._state.classes[name]

    def rename_class(self, name: str, to: str) -> None:
        """Rename a class and its labels.

        Parameters
        ----------
        name, to : str
            Present and new name; no class has the new name yet.
        """
        self._commit(self._state.plan_rename(name, to))

    def merge_classes(self, names: Iterable[str], into: str) -> None:
        """Move the labels of several classes into one and remove the empty classes.

        Parameters
        ----------
        names : iterable of str
            Classes to merge.
        into : str
            Class that gets the labels.
        """
        self._commit(self._state.plan_merge(names, into))

    def remove_class(self, name: str) -> None:
        """Remove a class without labels.

        Parameters
        ----------
        name : str
            The class.
        """
        self._commit(self._state.plan_removal(name))
