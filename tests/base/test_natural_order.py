from __future__ import annotations

from napari_stem_defects.base.natural_order import natural_key


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["class10", "class2", "Class1", "2b", "10a", "", "class", "class2b"]
    ordered = ["", "2b", "10a", "Class1", "class", "class2", "class2b", "class10"]
    assert sorted(names, key=natural_key) == ordered


def test_the_classes_of_the_public_data_keep_their_order() -> None:
    names = ["interstitial", "Vacancy_CdTe", "Twin_Bound", "SF2", "SF1", "LC", "Bulk"]
    assert sorted(names, key=natural_key) == sorted(names)


def test_digits_that_are_no_decimal_numbers_are_text() -> None:
    assert sorted(["x²", "x10", "x٣"], key=natural_key) == ["x٣", "x10", "x²"]
