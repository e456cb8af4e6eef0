"""A survey in a notebook."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from html_cards import Card

import napari_stem_defects as sd
from napari_stem_defects.anomaly.candidates import Candidate
from napari_stem_defects.io.results.survey_folder import COLUMNS


@pytest.fixture(scope="module")
def survey() -> sd.Survey:
    made = sd.survey(sd.simulate(size=128, seed=1, defects=()).micrograph)
    places = (
        Candidate(1, "point", 20.0, 30.0, 5.0, "deficit", 8.0, 40.0),
        Candidate(2, "line", 60.0, 64.0, 3.0, "", 120.0, 900.0),
    )
    anomaly = np.zeros((128, 128), np.float32)
    anomaly[20, 30] = 9.0
    return replace(made, anomaly=anomaly, candidates=places, image="a<b", pixel_size_nm=0.05)


def test_the_card_shows_the_map_and_the_first_places(survey: sd.Survey) -> None:
    found = Card(survey._repr_html_())
    assert "a<b: 2 unusual places" in found.texts
    assert survey.statement in found.texts
    assert found.rows == [
        ["rank", "kind", "y (nm)", "x (nm)", "score", "sign"],
        ["1", "point", "1", "1.5", "5", "deficit"],
        ["2", "line", "3", "3.2", "3", ""],
    ]
    (picture,) = found.pictures
    assert picture.shape == (256, 256)
    assert picture[41, 61] == 255
    assert picture[0, 0] == 0
    assert repr(survey).startswith("Survey('a<b', frame 0, 2 unusual places, lattice: ")


def test_the_table_has_the_columns_of_the_file(survey: sd.Survey) -> None:
    pytest.importorskip("pandas")
    found = survey.to_dataframe()
    assert list(found.columns) == list(COLUMNS)
    assert found["x_nm"].tolist() == [1.5, 3.2]
    unscaled = replace(survey, pixel_size_nm=None).to_dataframe()
    assert unscaled["area_nm2"].isna().all()
    assert replace(survey, candidates=()).to_dataframe().shape == (0, len(COLUMNS))


def test_places_are_drawn_on_the_map_or_the_image(survey: sd.Survey) -> None:
    axes = survey.plot()
    assert [text.get_text() for text in axes.texts] == ["1", "2"]
    offsets = [each.get_offsets().tolist() for each in axes.collections]
    assert [[1.5, 1.0]] in offsets
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["point (1)", "line (1)"]
    image = sd.Micrograph(np.zeros((128, 128), np.float32), "a")
    assert survey.plot(image).get_xlabel() == "x (nm)"
    with pytest.raises(sd.InputError, match="has 5x4 px, the survey 128x128"):
        survey.plot(sd.Micrograph(np.zeros((4, 5), np.float32), "a"))
    assert replace(survey, candidates=()).plot().get_legend() is None
