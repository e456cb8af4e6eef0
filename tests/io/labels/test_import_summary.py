from __future__ import annotations

from napari_stem_defects.io.labels.import_summary import ImportSummary


def test_the_sum_of_imports_is_one_line_with_all_that_was_assumed() -> None:
    first = ImportSummary(1, 2, 3, ("a.tif",), ("a.json names the image b.png, taken for a.dm4",))
    total = first + ImportSummary(4, 5, 6, ("c.tif",))
    assert total == ImportSummary(5, 7, 9, ("a.tif", "c.tif"), first.remarks)
    assert total.text() == (
        "5 labels placed, 7 patches stored without a micrograph, 9 existing labels skipped;"
        " left out because of invalid pixels: a.tif, c.tif;"
        " a.json names the image b.png, taken for a.dm4"
    )
    assert ImportSummary(1).text().endswith("0 existing labels skipped")
