"""Messages arrive whole, whatever arrays they hold."""

from __future__ import annotations

import pickle
import threading
import tracemalloc
from dataclasses import replace
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.frame_result import FrameResult, PartialResultProgress
from napari_stem_defects.inference.strategy import CoarseMapProgress
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap
from napari_stem_defects.workers import array_transport
from napari_stem_defects.workers.messages import Finished, Job, JobStarted, Progressed

LARGE = np.random.default_rng(0).random((1500, 1001), np.float32)


def carried(message: Any) -> Any:
    receiver, sender = Pipe(duplex=False)
    thread = threading.Thread(target=array_transport.send, args=(sender, message))
    thread.start()
    arrived = array_transport.receive(receiver)
    thread.join()
    assert not receiver.poll()
    return arrived


@pytest.mark.parametrize("message", [JobStarted(), "cancel", {"a": [1, 2]}, Finished(None)])
def test_small_messages_are_as_ever(message: Any) -> None:
    assert carried(message) == message


@pytest.mark.parametrize(
    "array",
    [LARGE, LARGE.T, LARGE[::-1], LARGE.astype(">f8"), LARGE > 0.5, np.zeros((0, 5)), LARGE[:3]],
    ids=["large", "transposed", "reversed", "big-endian", "bool", "empty", "small"],
)
def test_arrays_arrive_wherever_they_are(array: Any) -> None:
    image = Micrograph(LARGE, "a")
    job = Job("module:function", {"frame": replace(image, invalid=array), "other": array})
    arrived = carried(job)
    assert arrived.entry_point == job.entry_point
    for found in (arrived.arguments["frame"].invalid, arrived.arguments["other"]):
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
        assert found.flags.writeable
    np.testing.assert_array_equal(arrived.arguments["frame"].pixels, LARGE)
    assert job.arguments["other"] is array  # the sender's own is as it was
    assert job.arguments["frame"].pixels is LARGE


def test_partial_results_arrive_in_the_progress() -> None:
    grid = np.arange(4.0)
    valid = np.ones((1, 4), bool)
    found = FrameResult.of(
        Detection(
            image="a",
            frame=0,
            map=ProbabilityMap(LARGE[None], grid, grid, ("Bulk",), valid),
            mask_stack=MaskStack.from_array((), np.zeros((0, 4, 4), np.uint8)),
            regions=(),
            pixel_size_nm=None,
            parameters={},
            seconds=0.0,
        ),
        None,
    )
    arrived = carried(Progressed(PartialResultProgress("scanning", 1, 2, result=found))).progress
    assert isinstance(arrived, PartialResultProgress)
    assert (arrived.stage, arrived.done, arrived.total) == ("scanning", 1, 2)
    np.testing.assert_array_equal(arrived.result.map.probability, LARGE[None])
    assert found.map.probability.base is LARGE  # the sender's own is as it was


def test_large_arrays_of_a_progress_follow_it() -> None:
    """The message itself holds only their shape and type."""
    axis = np.arange(3)
    progress = CoarseMapProgress("scanning", 1, 2, probability=LARGE[None], y=axis, x=axis)
    following: list[Any] = []
    light = array_transport._lightened(Progressed(progress), following)
    assert len(following) == 1
    assert len(pickle.dumps(light)) < 2000
    arrived = carried(Progressed(progress)).progress
    assert isinstance(arrived, CoarseMapProgress)
    np.testing.assert_array_equal(arrived.probability, LARGE[None])
    np.testing.assert_array_equal(arrived.y, axis)


def test_a_large_array_is_not_copied_on_its_way() -> None:
    array = np.zeros(2**26, np.uint8)
    carried(Finished(array[: 2**23]))
    tracemalloc.start()
    carried(Finished(array))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * array.nbytes  # what arrives, and some pieces


def test_a_sender_that_is_gone_is_noticed() -> None:
    receiver, sender = Pipe(duplex=False)
    sender.send(Finished(array_transport._Follows(LARGE.shape, LARGE.dtype)))
    sender.close()
    with pytest.raises((EOFError, OSError)):
        array_transport.receive(receiver)
