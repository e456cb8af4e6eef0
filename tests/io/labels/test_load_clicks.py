"""Clicks of label projects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from labelled_crystals import click_project, vacancies

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.load_clicks import read_clicks


def test_clicks_come_with_their_image_and_classes(tmp_path: Path) -> None:
    image = vacancies()
    project = click_project(tmp_path / "p", image, 4, bulk=2)
    (labelled,), classes = read_clicks([project], {"Vac": "area"})
    np.testing.assert_allclose(labelled.y[:4], image.defects[:4, 0])
    assert labelled.labels.count("Vac") == 4
    assert labelled.labels.count("Bulk") == 2
    assert {each.name: each.kind for each in classes} == {"Bulk": "bulk", "Vac": "area"}


def test_several_projects_are_joined(tmp_path: Path) -> None:
    projects = [click_project(tmp_path / str(n), vacancies(n), 2) for n in (0, 1)]
    images, _ = read_clicks(projects)
    assert [len(image.labels) for image in images] == [2, 2]


def test_a_folder_of_patches_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="this is no label project"):
        read_clicks([tmp_path])


def test_a_project_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"NOTHING\.labels: there is no such label project"):
        read_clicks([tmp_path / "NOTHING.labels"])


def test_an_empty_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no clicks"):
        read_clicks([click_project(tmp_path / "p", vacancies(), 0)])


def test_a_kind_of_no_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="kind of SF: no label has this class"):
        read_clicks([click_project(tmp_path / "p", vacancies(), 1)], {"SF": "line"})
