"""Entry point of ``stem-defects``: the parser, and the exit code of every outcome.

0: done. 1: internal error. 2: the input is at fault (one line on standard error). 130: stopped by
Ctrl-C, finished results are kept.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_stem_defects.base.internal_fault import cause_of
from napari_stem_defects.base.out_of_memory import ADVICE, is_out_of_memory
from napari_stem_defects.base.progress import Cancelled
from napari_stem_defects.base.version import __version__
from napari_stem_defects.base.waiting_threads import sleep_while_waiting
from napari_stem_defects.cli import (
    benchmark,
    data,
    demo,
    detect,
    evaluate,
    export,
    info,
    labels,
    models,
    preprocess,
    report,
    score,
    show,
    simulate,
    survey,
    track,
    train,
    watch,
)
from napari_stem_defects.cli.key_press import STOPPED, was_pressed
from napari_stem_defects.cli.parser import INPUT_FAULT, Parser
from napari_stem_defects.cli.terminal import STOPPED_LINE, print_error
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMMANDS = (
    *(demo, survey, detect, watch, track, report, export, show, train, evaluate, info, preprocess),
    *(simulate, labels, models, data, score, benchmark),
)

DONE, OUR_FAULT = 0, 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; each sets ``run`` to its function."""
    parser = Parser(prog="stem-defects", description="Find crystal defects in STEM images.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "--traceback", action="store_true", help="show where an internal error happened"
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        what = str(command.__doc__).partition("\n")[0]
        subparser = subparsers.add_parser(name, help=what, description=what)
        subparser.set_defaults(run=command.run)
        subparser.add_argument(  # after the command, too, where one adds it
            "--traceback", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        command.add_arguments(subparser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):  # an encoding may lack "±", "²", or a file's name
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sleep_while_waiting()
    try:
        with _written_out():
            return _run(build_parser().parse_args(arguments))
    except BrokenPipeError:  # the reader of the output (head, less) has closed it
        _discard_output()
        return DONE
    except InputError as error:
        return _fail(str(error), INPUT_FAULT)


@contextmanager
def _written_out() -> Iterator[None]:
    """Write what is still in the buffer of the output: when Python ends its faults are not ours."""
    try:
        yield
    finally:
        if sys.stdout is not None:
            try:
                sys.stdout.flush()
            except BrokenPipeError:
                raise
            except OSError as error:
                _discard_output()
                raise InputError(f"the output cannot be written: {error.strerror}") from None


def _discard_output() -> None:
    """Let Python end without another attempt to write the output."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code; faults are one line on standard error."""
    try:
        status: int | None = options.run(options)
        return DONE if status is None else status
    except (KeyboardInterrupt, Cancelled):
        return _fail(STOPPED_LINE, STOPPED)
    except BrokenPipeError:
        raise
    except Exception as error:
        if was_pressed():  # a library has made another error of it
            return _fail(STOPPED_LINE, STOPPED)
        if isinstance(error, InputError):
            return _fail(str(error), INPUT_FAULT)
        if options.traceback:
            raise
        if is_out_of_memory(error):
            return _fail(f"not enough memory; {ADVICE}", INPUT_FAULT)
        return _fail(f"internal error: {cause_of(error)} (rerun with --traceback)", OUR_FAULT)


def _fail(line: str, status: int) -> int:
    print_error(line)
    return status
