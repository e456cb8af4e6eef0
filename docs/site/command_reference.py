"""The command reference as Markdown, made from the parsers of ``stem-defects``."""

from __future__ import annotations

import argparse
import textwrap

from napari_stem_defects.cli.main import build_parser

HEAD = """# Commands

Made from the program itself: `stem-defects COMMAND --help` prints the same. Exit codes: 0 done,
2 the input is at fault (one line names the file, the fault and what to do), 130 stopped by Ctrl-C,
1 internal error.
"""


def command_page() -> str:
    """Return the page of all commands, each with its usage, arguments and options."""
    parser = build_parser()
    parts = [HEAD, *_options(parser)]
    for name, command, what in _commands(parser):
        parts += [f"## {name}", _sentence(what), *_body(command)]
        for action, below, what_it_does in _commands(command):
            parts += [f"### {name} {action}", _sentence(what_it_does), *_body(below)]
    return "\n\n".join(parts) + "\n"


def _commands(
    parser: argparse.ArgumentParser,
) -> list[tuple[str, argparse.ArgumentParser, str]]:
    """Return name, parser and description of the commands below a parser."""
    return [
        (choice.dest, action.choices[choice.dest], choice.help or "")
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
    ]


def _body(parser: argparse.ArgumentParser) -> list[str]:
    usage = " ".join(parser.format_usage().removeprefix("usage:").split())
    lines = textwrap.wrap(
        usage, 72, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return ["\n".join(["```text", *lines, "```"]), *_options(parser)]


def _options(parser: argparse.ArgumentParser) -> list[str]:
    """Return a table of the arguments and options of a parser, nothing where it has none."""
    rows = [
        f"| `{_invocation(action)}` | {_meaning(action, parser)} |"
        for action in parser._actions
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
        and action.help is not argparse.SUPPRESS
    ]
    return ["\n".join(["| argument | meaning |", "|---|---|", *rows])] if rows else []


def _invocation(action: argparse.Action) -> str:
    """Return how an argument is typed, with what stands for its value."""
    choices = "|".join(map(str, action.choices or ()))
    value = action.metavar or choices or action.dest.upper()
    value = " ".join(value) if isinstance(value, tuple) else value
    value += "..." if action.nargs in ("+", "*") else ""
    typed = ", ".join(action.option_strings)
    return typed if action.nargs == 0 else f"{typed} {value}".strip()


def _meaning(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """Return the help of an argument with its values filled in, as one cell of a table."""
    text = (action.help or "") % {**vars(action), "prog": parser.prog}
    stated = "default" in text or action.default in (None, False, argparse.SUPPRESS, [], (), {})
    text += "" if stated or not action.option_strings else f" (default: {action.default})"
    for sign in "\\|<>*_":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""
