"""Parser of the command line: a misspelt one is one line that states what was meant."""

from __future__ import annotations

import argparse
import re
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INPUT_FAULT = 2
"""Exit code of a command line that is at fault."""
_NUMBER = re.compile(r"-\.?\d")
_CHOICE = re.compile(r"(.*)invalid choice: (\S+) \(choose from (.*)\)")


class Parser(argparse.ArgumentParser):
    """Parser whose errors are one line, with the option or word that was probably meant.

    argparse reports options that are missing before those that are misspelt, so that ``-o found``
    in place of ``--out found`` would be called a missing ``--out``.
    """

    def error(self, message: str) -> NoReturn:
        """End the program with one line and exit code 2.

        Parameters
        ----------
        message : str
            The fault.
        """
        self.exit(INPUT_FAULT, f"{self.prog}: {_with_guess(message)} (see {self.prog} --help)\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse a command line; options that the command does not have end the program.

        Parameters
        ----------
        args : sequence of str, optional
            Words of the command line; by default those of this program.
        namespace : Namespace, optional
            Filled and returned.

        Returns
        -------
        tuple of Namespace and list of str
            The values, and an empty list: too many words end the program as well.
        """
        words = sys.argv[1:] if args is None else list(args)
        self._refuse_unknown(words)
        found, others = super().parse_known_args(words, namespace)
        if others:
            self.error(f"one word too many: {others[0]}")
        return found, others

    def _refuse_unknown(self, words: Sequence[str]) -> None:
        """Refuse the first option that this parser does not know."""
        known = self._option_string_actions
        commands = next(self._subcommands(), {})
        for word in words:
            if word == "--" or word in commands:  # files follow, or the options of a command
                return
            if not _is_option(word):
                continue
            name = word.partition("=")[0]
            if any(each.startswith(name) for each in known) or name[:2] in known:
                continue
            if commands:
                self.error(f"{name}: options follow the command, as in: {self.prog} COMMAND {name}")
            self.error(f"{name} is not known{_guess(name, self._by_need())}")

    def _subcommands(self) -> Iterator[dict[str, Any]]:
        """Yield the commands below this one."""
        for action in self._actions:
            if isinstance(action.choices, dict):
                yield action.choices

    def _by_need(self) -> list[str]:
        """Return the long options, required ones first."""
        actions = sorted(self._actions, key=lambda action: not action.required)
        return [name for action in actions for name in action.option_strings if name[:2] == "--"]


def _is_option(word: str) -> bool:
    """Return whether argparse takes a word for an option."""
    return len(word) > 1 and word[0] == "-" and " " not in word and not _NUMBER.match(word)


def _guess(name: str, options: Sequence[str]) -> str:
    """Return which option was probably meant; "" if none is like it."""
    if len(name.lstrip("-")) == 1:
        close = [each for each in options if each[2] == name[-1]]
    else:
        close = get_close_matches(f"--{name.lstrip('-')}", options, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _with_guess(message: str) -> str:
    """Return a message of argparse about a word that is none of those known, with a guess."""
    found = _CHOICE.fullmatch(message)
    if found is None:
        return message
    where, word, names = found[1], found[2].strip("'"), found[3].replace("'", "").split(", ")
    close = get_close_matches(word.lower(), names, n=1)
    return f"{where}{word!r} is not known; did you mean {close[0]}?" if close else message
