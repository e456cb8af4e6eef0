"""run.py decides rightly what to install, when, and how, without installing anything here."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path: Path) -> ModuleType:
    """Return run.py as a module whose project is an empty folder."""
    spec = importlib.util.spec_from_file_location("run_py", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "constraints.txt").write_text("numpy==2.0\n")
    module.ROOT = tmp_path
    module.VENV = tmp_path / ".venv"
    module.LOG = module.VENV / "setup.log"
    module.STAMP = module.VENV / "setup.stamp"
    module.UNFINISHED = module.VENV / "setup.unfinished"
    return module


def pretend_venv(run: ModuleType) -> None:
    run.venv_python().parent.mkdir(parents=True)
    run.venv_python().touch()


@pytest.fixture
def bare_debian(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Nothing a window needs is there; apt-get is."""
    monkeypatch.setattr(run, "can_load", lambda library: False)
    monkeypatch.setattr(run, "has_ensurepip", lambda: True)
    monkeypatch.setattr(
        run.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None
    )
    return run


def test_an_old_python_is_refused_in_one_line(run: ModuleType) -> None:
    with pytest.raises(run.SetupError, match=r"Python 3\.11 or newer is needed, this is 3\.9"):
        run.check_python((3, 9))
    run.check_python((3, 11))
    run.check_python((4, 0))


def test_tests_need_a_virtual_screen_and_qt_libraries(bare_debian: ModuleType) -> None:
    wanted = {"xvfb", "xauth", "libegl1", "libxcb-cursor0", "libfontconfig1", "libdbus-1-3"}
    assert wanted <= set(bare_debian.missing_packages("test", [], "linux"))


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_platforms_need_no_packages(bare_debian: ModuleType, platform: str) -> None:
    assert bare_debian.missing_packages("test", [], platform) == []


def test_demo_needs_libraries_only_for_a_window(
    bare_debian: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":1")
    with_window = bare_debian.missing_packages("demo", [], "linux")
    assert "libegl1" in with_window
    assert "xvfb" not in with_window
    assert bare_debian.missing_packages("demo", ["--headless"], "linux") == []
    monkeypatch.delenv("DISPLAY")
    assert bare_debian.missing_packages("demo", ["a.png"], "linux") == []


def test_debian_without_venv_support_gets_it(
    bare_debian: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bare_debian, "has_ensurepip", lambda: False)
    assert bare_debian.missing_packages("demo", ["--headless"], "linux") == ["python3-venv"]


def test_without_root_the_exact_command_is_printed(
    bare_debian: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bare_debian, "root_prefix", lambda: None)
    monkeypatch.setattr(bare_debian, "quiet", lambda command: pytest.fail(f"ran {command}"))
    with pytest.raises(bare_debian.SetupError) as caught:
        bare_debian.install_system_packages(["xvfb", "libegl1"])
    assert caught.value.status == 2
    assert (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends xvfb libegl1"
        in str(caught.value)
    )


def test_with_root_apt_runs_and_its_error_is_named(
    bare_debian: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def apt(command: list[str]) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        failed = "install" in command
        return subprocess.CompletedProcess(command, failed, "Reading...\nE: no such package\n")

    monkeypatch.setattr(bare_debian, "root_prefix", lambda: ["sudo", "-n"])
    monkeypatch.setattr(bare_debian, "quiet", apt)
    with pytest.raises(bare_debian.SetupError, match="failed: E: no such package"):
        bare_debian.install_system_packages(["xvfb"])
    assert [command[:4] for command in ran] == [
        ["sudo", "-n", "apt-get", "update"],
        ["sudo", "-n", "apt-get", "install"],
    ]


def test_other_distributions_are_told_what_is_missing(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    with pytest.raises(run.SetupError, match=r"install Xvfb, libEGL\.so\.1 with your"):
        run.install_system_packages(["xvfb", "libegl1"])


def test_the_loader_is_asked_for_libraries(run: ModuleType) -> None:
    assert not run.can_load("libno-such-library.so.99")


def test_second_run_is_recognised_until_something_changes(run: ModuleType) -> None:
    assert not run.is_set_up()
    pretend_venv(run)
    run.STAMP.write_text(run.stamp())
    assert run.is_set_up()
    (run.ROOT / "constraints.txt").write_text("numpy==2.1\n")
    assert not run.is_set_up()


def test_an_interrupted_set_up_starts_afresh(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_venv(run)
    run.STAMP.write_text(run.stamp())
    run.UNFINISHED.touch()
    made: list[list[str]] = []

    def venv(command: list[str]) -> subprocess.CompletedProcess[str]:
        made.append(command)
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(run, "quiet", venv)
    monkeypatch.setattr(run, "install_packages", lambda: None)
    run.set_up()
    assert [command[1:4] for command in made] == [["-m", "venv", "--clear"]]
    assert run.is_set_up()


def instead_of_pip(run: ModuleType, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let a script run in the place of pip."""
    popen = subprocess.Popen
    monkeypatch.setattr(
        run.subprocess,
        "Popen",
        lambda command, **rest: popen([sys.executable, "-c", script], **rest),
    )


def test_a_failed_install_is_not_taken_for_done(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pretend_venv(run)
    monkeypatch.setattr(run, "venv_works", lambda: True)
    script = "print('Collecting'); print('ERROR: No matching distribution'); raise SystemExit(1)"
    instead_of_pip(run, monkeypatch, script)
    with pytest.raises(run.SetupError, match=r"pip failed: ERROR: No matching.*setup\.log"):
        run.set_up()
    assert not run.is_set_up()
    assert "Collecting" in run.LOG.read_text()
    assert "Collecting" not in capfd.readouterr().out


def test_a_long_install_states_what_it_is_at(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend_venv(run)
    monkeypatch.setattr(run, "venv_works", lambda: True)
    wait = run.wait_for_pip
    monkeypatch.setattr(run, "wait_for_pip", lambda pip: wait(pip, every_s=0.4))
    said = "Collecting torch==2.13.0 (from mine)\\n   ━━━ 1.0/2.6 GB 9 MB/s"
    instead_of_pip(run, monkeypatch, f"print('{said}', flush=True); import time; time.sleep(2)")
    run.set_up()
    assert run.is_set_up()
    stated = [line for line in capsys.readouterr().err.splitlines() if "installing for" in line]
    assert len(stated) >= 2
    assert stated[-1].startswith("run.py: installing for 0 min 0")
    assert stated[-1].endswith(": Collecting torch==2.13.0")


@pytest.mark.parametrize(
    ("line", "stated"),
    [
        ("  Downloading torch-2.13.0-cp311.whl (92.3 MB)", "Downloading torch-2.13.0-cp311.whl"),
        ("Installing collected packages: numpy, " + 40 * "scipy, ", "Installing collected pack"),
        ("  Preparing metadata (pyproject.toml): started", "Preparing metadata"),
        ("pip speaks in tongues", "starting"),
        ("", "starting"),
    ],
)
def test_the_step_of_pip_is_one_short_line(run: ModuleType, line: str, stated: str) -> None:
    pretend_venv(run)
    run.LOG.write_text(f"{line}\n", encoding="utf-8")
    assert run.current_step().startswith(stated)
    assert len(run.current_step()) <= 61


def test_every_platform_has_its_interpreter(run: ModuleType) -> None:
    assert run.venv_python("win32") == run.VENV / "Scripts" / "python.exe"
    assert run.venv_python("darwin") == run.VENV / "bin" / "python"


def test_jobs_get_their_arguments_and_tests_their_own_screen(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.job_command("test", ["-q"])[1:] == ["-m", "pytest", "-q"]
    assert run.job_command("test", [])[1:5] == ["-m", "pytest", "-n", "logical"]
    assert run.job_command("demo", ["a.png"])[1:] == ["-m", "napari_stem_defects", "demo", "a.png"]
    assert run.job_command("docs", ["-d", "out"])[1:] == [
        *("-m", "mkdocs", "build", "--strict", "-d", "out")
    ]
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert "QT_QPA_PLATFORM" not in run.job_environment("test")
    assert run.job_environment("demo")["QT_QPA_PLATFORM"] == "offscreen"


def test_tests_keep_compiled_modules_and_other_jobs_do_as_told(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in run.job_environment("test")
    assert run.job_environment("demo")["PYTHONDONTWRITEBYTECODE"] == "1"


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(7)", 7), ("", 0)])
def test_the_jobs_status_is_handed_on(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    monkeypatch.setattr(run, "job_command", lambda job, rest: [sys.executable, "-c", code])
    assert run.hand_over("test", []) == status


def test_without_a_job_the_usage_is_shown(
    run: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main([]) == 2
    assert run.main(["--help"]) == 0
    assert "run.py demo" in capsys.readouterr().out
