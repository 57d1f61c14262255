"""Arguments that several commands share, and how an answer is written."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])
Answer = str | dict[str, Any] | list[dict[str, Any]]


_REPO = click.argument("repo", required=False)
_CONFIG = click.option(
    "--config",
    metavar="FILE",
    help="The configuration; default: stateward.yaml in REPO, if it is there.",
)
_TARGET = click.option(
    "--target",
    metavar="URL",
    help="The target; default: the configuration's, else sqlite:///.stateward/target.db in REPO.",
)
_REV = click.option("--rev", metavar="REV", help="The branch, tag or commit; default: HEAD.")
_SOURCE = click.option(
    "--source", metavar="NAME", help="The source, where the configuration has several."
)


_WORKTREE = click.option(
    "--worktree", is_flag=True, help="Read the files as they lie on the disk, committed or not."
)


def repository(command: _F) -> _F:
    """Add the arguments that say what is to be read, and against what."""
    for add in (
        _WORKTREE,
        _SOURCE,
        click.option("--unit", metavar="GLOB", help="Change only the units whose path matches."),
        _TARGET,
        _CONFIG,
        _REV,
        _REPO,
    ):
        command = add(command)
    return command


def place(command: _F) -> _F:
    """Add the arguments that say which configuration and which target it is about."""
    for add in (_SOURCE, _TARGET, _CONFIG, _REPO):
        command = add(command)
    return command


def recorded(command: _F) -> _F:
    """Add the options that say whose history it is about."""
    for add in (
        _CONFIG,
        click.option(
            "--repo",
            metavar="REPO",
            help="The repository whose history it is; default: the current directory.",
        ),
    ):
        command = add(command)
    return command


def source(command: _F) -> _F:
    """Add the option that says which source it is about."""
    return _SOURCE(command)


def target(command: _F) -> _F:
    """Add the option that says which target it is about."""
    return _TARGET(command)


def units(command: _F) -> _F:
    """Add the arguments that name units of a source, and say what is to be read, and against what."""
    for add in (
        worktree,
        source,
        recorded,
        revision,
        target,
        click.argument("units", metavar="[UNIT]...", nargs=-1),
    ):
        command = add(command)
    return command


def revision(command: _F) -> _F:
    """Add the option that says which revision it is about."""
    return _REV(command)


def worktree(command: _F) -> _F:
    """Add the option that has the files read as they lie on the disk."""
    return _WORKTREE(command)


def output(*formats: str) -> Callable[[_F], _F]:
    """Add --format."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the answer is written.",
    )


allow_deletes = click.option(
    "--allow-deletes",
    type=click.IntRange(min=0),
    metavar="N",
    help="Let this round delete up to N objects, whatever the limits say (never protected kinds).",
)
retry = click.option(
    "--retry",
    is_flag=True,
    help="Try again what failed and was taken back (onError: rollback), though nothing is another.",
)
detailed_exitcode = click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 when there are, or were, changes."
)


def say(text: str) -> None:
    """Write an answer to stdout as UTF-8, whatever names a repository has come up with."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Whoever read our answer has seen enough; the exit code is the command's all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_json(document: Any) -> None:
    say(json.dumps(document, indent=2, ensure_ascii=True, default=str) + "\n")


def answer(own: Answer) -> None:
    """Write an answer: a text as it is, anything else as JSON."""
    if isinstance(own, str):
        say(own)
    else:
        say_json(own)


def say_json_line(document: Any) -> None:
    say(json.dumps(document, ensure_ascii=True, default=str) + "\n")


def progress() -> Callable[[int, int], None]:
    """Return what tells a person at a terminal how far it is; programs are told nothing."""
    if not sys.stderr.isatty():
        return lambda _done, _all: None

    def show(done: int, all_: int) -> None:
        end = "\n" if done >= all_ else ""
        click.echo(f"\r{done} of {all_} changes", err=True, nl=False)
        click.echo(end, err=True, nl=False)

    return show
