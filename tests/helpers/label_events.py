"""Label, frame and random events of a label project."""

from __future__ import annotations

from hypothesis import strategies as st

from napari_stem_defects.labels.events import DropClass, LabelEvent, RemoveLabel, RenameClass
from napari_stem_defects.labels.label import Label, LabelClass, LabelledFrame

IMAGE = "ab" * 32
LABEL = Label("one", IMAGE, 0, 10.0, 20.5, "SF1", author="ada", at="2026-01-01T00:00:00+00:00")
FRAME = LabelledFrame(IMAGE, 0, "image", 100, 120, "cd" * 32, pixel_size_nm=0.02)

names = st.sampled_from(["Bulk", "SF1", "SF2", "LC"])
ids = st.sampled_from(["one", "two", "three"])
coordinates = st.floats(-1e6, 1e6)
events: st.SearchStrategy[LabelEvent] = st.one_of(
    st.builds(Label, ids, st.just(IMAGE), st.integers(0, 2), coordinates, coordinates, names),
    st.builds(RemoveLabel, ids),
    st.sampled_from(["#123456", "#abcdef"]).flatmap(
        lambda colour: st.one_of(
            st.builds(
                LabelClass,
                st.sampled_from(["SF1", "SF2", "LC"]),
                st.just(colour),
                st.none(),
                st.sampled_from(["point", "line", "area"]),
                st.sampled_from(["", "own title", "stacking fault 1"]),
            ),
            st.just(LabelClass("Bulk", colour, None, "bulk", "crystal")),
        )
    ),
    st.builds(DropClass, names),
    st.builds(RenameClass, names, names),
)
