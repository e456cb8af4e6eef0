"""Start of a worker process, and the connection between it and its parent.

On POSIX systems the standard input of the process is one end of a pair of sockets. They have no
name, so nothing has to be removed from the temporary folder, however either process ends. Windows
cannot inherit sockets; there the process opens a named pipe, which is no file, and prints its
address.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

_COMMAND = "napari_stem_defects.workers.server"


def start_process() -> tuple[subprocess.Popen[bytes], Connection[Any, Any]]:
    """Start a worker process and connect to it (for the parent).

    Returns
    -------
    process : subprocess.Popen
    connection : Connection

    Raises
    ------
    OSError, EOFError
        The process does not start, or ends before it is connected.
    """
    return _start_with_pipe() if sys.platform == "win32" else _start_with_sockets()


def connect_to_parent() -> Connection[Any, Any]:
    """Return the connection to the process that started this one (for the worker process).

    Returns
    -------
    Connection

    Raises
    ------
    OSError, EOFError
        The parent has ended.
    """
    if sys.platform == "win32":
        key = bytes.fromhex(sys.stdin.readline())
        with Listener(authkey=key) as listener:
            print(listener.address, flush=True)
            connection = listener.accept()
    else:
        connection = Connection(os.dup(0))
        # Libraries that read the standard input must not read messages.
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
    # Libraries that print must not fill a pipe that is never read.
    os.dup2(2, 1)
    return connection


def _popen(**streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        # -P keeps the folder napari was started in off the module path.
        [sys.executable, "-P", "-m", _COMMAND],
        # The output of a crashing library is no message for the user; its stack is, on request.
        stderr=None if os.environ.get("PYTHONFAULTHANDLER") else subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        **streams,
    )


def _start_with_sockets() -> tuple[subprocess.Popen[bytes], Connection[Any, Any]]:
    here, there = socket.socketpair()
    with here, there:
        process = _popen(stdin=there, stdout=subprocess.DEVNULL)
        return process, Connection(here.detach())


def _start_with_pipe() -> tuple[subprocess.Popen[bytes], Connection[Any, Any]]:
    key = secrets.token_bytes(32)
    process = _popen(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if process.stdin is None or process.stdout is None:
            raise EOFError
        with process.stdin as stdin, process.stdout as stdout:
            stdin.write(f"{key.hex()}\n".encode())
            stdin.flush()
            address = stdout.readline().decode().strip()
        return process, Client(address, authkey=key)
    except (OSError, ValueError, EOFError) as error:
        process.kill()
        process.wait()
        raise EOFError("the worker process has ended") from error
