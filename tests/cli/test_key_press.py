"""Ctrl-C as an exception that is noted."""

from __future__ import annotations

import signal

import pytest

from napari_stem_defects.cli import key_press


def test_a_key_press_raises_and_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(key_press, "_pressed", [])
    key_press.take_key_presses()
    try:
        assert not key_press.was_pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert key_press.was_pressed()
    finally:
        signal.signal(signal.SIGINT, before)
