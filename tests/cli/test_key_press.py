"""Ctrl-C as an exception that is noted, and waits for imports."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.cli import key_press

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = """
import sys, time
from napari_stem_defects.cli.key_press import take_key_presses
take_key_presses()
try:
    import slow
    time.sleep(5)
except KeyboardInterrupt:
    print("whole", "slow" in sys.modules)
"""


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


@pytest.mark.parametrize(("seconds", "code", "printed"), [(0.2, 0, "whole True"), (5, 130, "")])
def test_an_import_is_finished_unless_it_is_long(
    tmp_path: Path, seconds: float, code: int, printed: str
) -> None:
    module = f"import signal, time\nsignal.raise_signal(signal.SIGINT)\ntime.sleep({seconds})\n"
    if seconds > 1:  # in steps, as a long import consists of many
        module = module.replace(f"time.sleep({seconds})", "[time.sleep(0.01) for _ in range(500)]")
    (tmp_path / "slow.py").write_text(module)
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{IMPORTS}"],
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout.strip(), result.stderr) == (code, printed, "")


def test_locks_are_given_back_at_the_end(tmp_path: Path) -> None:
    code = f"""
import pathlib
from napari_stem_defects.cli.key_press import end_process
from napari_stem_defects.io.write_lock import WriteLock
lock = WriteLock(pathlib.Path({str(tmp_path / "a")!r}), "search")
lock.acquire()
print("held", flush=True)
end_process()
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip()) == (130, "held")
    assert list(tmp_path.iterdir()) == []
