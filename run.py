#!/usr/bin/env python3
"""Set up napari-stem-defects in `.venv` beside this file, then run it.

    python3 run.py demo [IMAGE] [--headless] [--out DIR]
    python3 run.py test [pytest arguments]
    python3 run.py docs [mkdocs build arguments]

Needs Python 3.11 or newer and nothing else. The first run installs the pinned versions of
`constraints.txt`, later runs start at once. On Debian and Ubuntu the libraries a Qt window
needs are installed too, when root or password-free sudo allows it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOG = VENV / "setup.log"
STAMP = VENV / "setup.stamp"
UNFINISHED = VENV / "setup.unfinished"
OLDEST = (3, 11)
STATED_EVERY_S = 15
"""Time after which a set-up that goes on says what it is at."""
NAMED_STEPS = ("Collecting", "Downloading", "Using")
STEPS = (*NAMED_STEPS, "Processing", "Building", "Installing", "Preparing")

# Debian package -> what it must provide; PyQt6's xcb platform and OpenGL need these.
LIBRARIES = {
    "libegl1": "libEGL.so.1",
    "libdbus-1-3": "libdbus-1.so.3",
    "libglib2.0-0": "libglib-2.0.so.0",
    "libfontconfig1": "libfontconfig.so.1",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-shape0": "libxcb-shape.so.0",
}
# Packages that bring a program; the tests draw into a virtual screen.
PROGRAMS = {"xvfb": "Xvfb", "xauth": "xauth"}
# The whole suite goes to one process per core; whoever chooses tests wants to watch them.
ALL_TESTS = ["-n", "logical", "--maxprocesses", "4"]


class SetupError(Exception):
    """The set-up cannot go on; the message is for the user, the status for the shell."""

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


def say(message: str) -> None:
    """Print one short line at once."""
    print(f"run.py: {message}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Set up what the job needs, do the job, return its exit status."""
    if not arguments or arguments[0] not in ("demo", "test", "docs"):
        print(__doc__)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    job, rest = arguments[0], arguments[1:]
    try:
        check_python(sys.version_info[:2])
        install_system_packages(missing_packages(job, rest))
        set_up()
    except SetupError as error:
        say(str(error))
        return error.status
    except KeyboardInterrupt:
        say("stopped; the next run takes up the set-up again")
        return 130
    return hand_over(job, rest)


def check_python(version: tuple[int, ...]) -> None:
    """Refuse a Python that the dependencies no longer support."""
    if version < OLDEST:
        have, need = (".".join(map(str, v)) for v in (version, OLDEST))
        raise SetupError(
            f"Python {need} or newer is needed, this is {have};"
            f" start with a newer one, for example: python{need} run.py"
        )


def opens_window(arguments: list[str], platform: str = sys.platform) -> bool:
    """Say whether `demo` will show napari: asked for, and a screen to show it on."""
    if "--headless" in arguments:
        return False
    return not platform.startswith("linux") or bool(os.environ.get("DISPLAY"))


def missing_packages(job: str, arguments: list[str], platform: str = sys.platform) -> list[str]:
    """Name the Debian packages the job needs and the machine lacks."""
    if not platform.startswith("linux"):
        return []
    missing = []
    if job == "test":
        missing = [package for package, name in PROGRAMS.items() if not shutil.which(name)]
    if job == "test" or opens_window(arguments, platform):
        missing += [package for package, name in LIBRARIES.items() if not can_load(name)]
    if shutil.which("apt-get") and not has_ensurepip():
        missing.append("python3-venv")
    return missing


def can_load(library: str) -> bool:
    """Ask the loader for a library: the same answer on every distribution and release."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_ensurepip() -> bool:
    """Debian ships Python without it; `venv` then makes environments that have no pip."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        return False
    return True


def apt_commands(packages: list[str], prefix: list[str]) -> list[list[str]]:
    """Return the commands that install Debian packages, as root or through sudo."""
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    return [[*prefix, "apt-get", "update"], [*prefix, *install]]


def root_prefix() -> list[str] | None:
    """Return what to write before a command to run it as root, None where we may not."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    asks_nothing = shutil.which("sudo") and quiet(["sudo", "-n", "true"]).returncode == 0
    return ["sudo", "-n"] if asks_nothing else None


def install_system_packages(packages: list[str]) -> None:
    """Install Debian packages, or say exactly what to type."""
    if not packages:
        return
    if not shutil.which("apt-get"):
        wanted = ", ".join(LIBRARIES.get(p) or PROGRAMS.get(p, p) for p in packages)
        raise SetupError(f"install {wanted} with your package manager, then run this again")
    prefix = root_prefix()
    if prefix is None:
        typed = " && ".join(" ".join(command) for command in apt_commands(packages, ["sudo"]))
        raise SetupError(f"system libraries are missing; type this, then run again:\n  {typed}")
    say(f"installing system packages: {' '.join(packages)}")
    for command in apt_commands(packages, prefix):
        result = quiet(command)
        if result.returncode:
            cause = useful_line(result.stdout, "E: ")
            raise SetupError(f"{' '.join(command)} failed: {cause}", status=1)


def quiet(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, keeping all it prints."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def useful_line(output: str, mark: str) -> str:
    """Pick the first line that names the error, else the last that says anything."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith(mark)), (lines or ["no output"])[-1])


def venv_python(platform: str = sys.platform) -> Path:
    """Return the environment's interpreter."""
    return VENV / ("Scripts/python.exe" if platform == "win32" else "bin/python")


def stamp() -> str:
    """Hash everything an installation depends on, the folder included: venvs cannot move."""
    digest = hashlib.sha256(f"{sys.version}\0{ROOT}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_set_up() -> bool:
    """Say whether the last set-up finished and still fits."""
    if UNFINISHED.exists() or not venv_python().exists() or not STAMP.exists():
        return False
    return STAMP.read_text(encoding="utf-8") == stamp()


def set_up() -> None:
    """Make `.venv` and install the pinned versions; a half-done one is started afresh."""
    if is_set_up():
        return
    if UNFINISHED.exists() or not venv_works():
        say(f"making {VENV}")
        result = quiet([sys.executable, "-m", "venv", "--clear", str(VENV)])
        if result.returncode:
            cause = useful_line(result.stdout, "Error: ")
            raise SetupError(f"could not make {VENV}: {cause}", status=1)
    UNFINISHED.touch()
    STAMP.unlink(missing_ok=True)
    say(f"installing, some minutes the first time (log: {LOG})")
    install_packages()
    STAMP.write_text(stamp(), encoding="utf-8")
    UNFINISHED.unlink()
    say("ready")


def venv_works() -> bool:
    """Ask the environment for its Python version and a working pip."""
    version = "import sys, pip; print(sys.version)"
    if not venv_python().exists():
        return False
    return quiet([str(venv_python()), "-c", version]).stdout.strip() == sys.version.strip()


def install_packages() -> None:
    """Install the project and all it needs, printing to the log; name the fault in one line."""
    pip = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "install"]
    command = [*pip, "-c", "constraints.txt", "-e", ".[all,test]"]
    with LOG.open("w", encoding="utf-8") as log:
        status = wait_for_pip(
            subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        )
    if status:
        cause = useful_line(LOG.read_text(encoding="utf-8", errors="replace"), "ERROR: ")
        raise SetupError(f"pip failed: {cause} (all of it: {LOG})", status=1)


def wait_for_pip(pip: subprocess.Popen[bytes], every_s: float = STATED_EVERY_S) -> int:
    """Wait for an installation, say now and then what it is at, and return its exit status."""
    started = time.monotonic()
    with pip:
        while True:
            try:
                return pip.wait(every_s)
            except subprocess.TimeoutExpired:
                seconds = round(time.monotonic() - started)
                say(f"installing for {seconds // 60} min {seconds % 60:02d} s: {current_step()}")


def current_step() -> str:
    """Return what pip wrote last of its steps: what it collects, loads, builds or installs."""
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    steps = (line.strip() for line in reversed(lines) if line.lstrip().startswith(STEPS))
    words = next(steps, "starting").split()
    shown = " ".join(words[:2]) if words[0] in NAMED_STEPS else " ".join(words)
    return shown.rstrip(":,") if len(shown) <= 60 else f"{shown[:60]}…"


def job_command(job: str, arguments: list[str]) -> list[str]:
    """Return the command that does the job inside the environment."""
    python = str(venv_python())
    if job == "demo":
        return [python, "-m", "napari_stem_defects", "demo", *arguments]
    if job == "docs":
        return [python, "-m", "mkdocs", "build", "--strict", *arguments]
    return [python, "-m", "pytest", *(arguments or ALL_TESTS)]


def job_environment(job: str) -> dict[str, str]:
    """Leave a test run to pytest-xvfb's screen, whatever desktop this is.

    It keeps compiled modules as well: its hundreds of processes would compile the package anew.
    """
    desktop = "QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"
    left_out = (*desktop, "PYTHONDONTWRITEBYTECODE") if job == "test" else ()
    return {name: value for name, value in os.environ.items() if name not in left_out}


def hand_over(job: str, arguments: list[str]) -> int:
    """Run the job and wait for it, through any Ctrl-C: that is the job's to answer."""
    folder = ROOT if job in ("test", "docs") else None
    command = job_command(job, arguments)
    with subprocess.Popen(command, cwd=folder, env=job_environment(job)) as child:
        while True:
            try:
                status = child.wait()
            except KeyboardInterrupt:
                continue
            return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
