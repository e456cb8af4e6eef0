"""What an import of labels did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImportSummary:
    """Result of an import.

    Attributes
    ----------
    placed : int
        Number of new labels with a position in a micrograph.
    unplaced : int
        Number of new labels of patches that no micrograph contains; they are stored as images.
    present : int
        Number of labels that were in the project before.
    left_out : tuple of str
        Patches with invalid pixels (NaN, infinity).
    remarks : tuple of str
        What was taken for granted, and labels outside their image that were left out; one phrase
        each.
    """

    placed: int = 0
    unplaced: int = 0
    present: int = 0
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __add__(self, other: ImportSummary) -> ImportSummary:
        """Return the sum of two imports."""
        return ImportSummary(
            self.placed + other.placed,
            self.unplaced + other.unplaced,
            self.present + other.present,
            self.left_out + other.left_out,
            self.remarks + other.remarks,
        )

    def text(self) -> str:
        """Return the result as one line."""
        invalid = ", ".join(self.left_out)
        return (
            f"{self.placed} labels placed, {self.unplaced} patches stored without a micrograph,"
            f" {self.present} existing labels skipped"
            + (f"; left out because of invalid pixels: {invalid}" if invalid else "")
            + "".join(f"; {remark}" for remark in self.remarks)
        )
