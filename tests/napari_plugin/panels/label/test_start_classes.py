"""New projects can start with the classes of the public data sets."""

from __future__ import annotations

from napari_stem_defects.base.defect_classes import BULK, default_class
from napari_stem_defects.napari_plugin.panels.label.start_classes import START_CLASSES


def test_each_list_starts_with_bulk_and_has_a_number_key_for_every_class() -> None:
    assert START_CLASSES["no classes yet"] == ()
    for names in filter(None, START_CLASSES.values()):
        assert names[0] == BULK
        assert len(names) == len(set(names)) <= 9


def test_the_faults_of_cdte_are_lines() -> None:
    kinds = {name: default_class(name).kind for name in START_CLASSES["CdTe"]}
    assert [name for name, kind in kinds.items() if kind == "line"] == ["SF1", "SF2", "Twin_Bound"]
