"""Run git so that neither its caller's nor a repository's settings make it do anything but read.

What git is told: the environment is built up, not filtered, so that no ``GIT_*`` of a hook that
we are started from reaches it; its home holds our own configuration and nothing else; whatever a
repository could configure to be executed by a command we use is overruled; and it may speak only
the protocols it is allowed, which are none when a repository is read in place. Needs git
2.30, the first whose ``rev-parse`` knows ``--end-of-options``.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stateward.errors import Code, SourceRefused
from stateward.sources import process
from stateward.sources.text import reason, without

HOME = Path(__file__).with_name("home")
"""Git's home directory: it holds ``.gitconfig``, and nobody's credentials or aliases."""

_INHERITED = frozenset(
    {"PATH", "TMPDIR", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
)
"""Of our own environment, which holds tokens of the target: what git and ssh need to work."""

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # reading must not rewrite an index
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone names a program to fetch what it lacks
    "GIT_NO_REPLACE_OBJECTS": "1",  # an id is its contents, whatever refs/replace says
    "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1",  # a directory of a work tree may be a mount
    "LC_ALL": "C",  # messages are told apart by their words in a few places
}

_OVERRULED = (
    "--no-pager",
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),  # may name a program, run by ls-files
    *("-c", "core.untrackedCache=false"),
    *("-c", "credential.helper="),
    *("-c", "core.askPass="),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)

SSH = (
    "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=30"
    " -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
    # A connection kept for sharing would outlive git and hold its pipes.
    " -o ControlMaster=no -o ControlPath=none"
    " -o ForwardAgent=no -o ClearAllForwardings=yes"
)
"""No questions, no unknown hosts; with a key of its own a run brings its own command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run of git came to."""

    status: int
    output: bytes
    errors: bytes

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def text(self) -> str:
        """The output as a line, with whatever bytes it has in it."""
        return self.output.decode("utf-8", "surrogateescape").removesuffix("\n")

    @property
    def reason(self) -> str:
        """Git's own last words, fit to be printed."""
        return reason(self.errors)


class Git:
    """The git program, for one source.

    ``protocols`` are all that git may speak, over redirects too. ``timeout`` is in seconds, for
    a run that is not given its own. ``environment`` is added last: this is how credentials come,
    since arguments and URLs are seen by other processes. ``hidden`` is taken out of whatever git
    says: a server may repeat it.
    """

    def __init__(
        self,
        *,
        timeout: float,
        protocols: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        hidden: tuple[str, ...] = (),
    ) -> None:
        self._timeout = timeout
        self._protocols = protocols
        self._extra = dict(environment or {})
        self._hidden = hidden

    async def run(
        self,
        *arguments: str,
        timeout: float | None = None,  # noqa: ASYNC109 - a deadline that kills what it ends
        input: bytes = b"",  # noqa: A002 - the word that it has everywhere
        sink: Callable[[bytes], object] | None = None,
        descriptors: tuple[int, ...] = (),
    ) -> Result:
        """Run git and return how it ended; a status that is not 0 is for the caller to judge.

        Raises ``SourceRefused`` where there is no git or no end of what it says,
        ``SourceUnavailable`` when it took too long, was killed, or could not be started.
        """
        command = process.Command(
            argv=("git", *_OVERRULED, *arguments),
            environment=self._environment(),
            timeout=self._timeout if timeout is None else timeout,
            input=input,
            descriptors=descriptors,
        )
        verb = _verb(arguments)
        try:
            ended = await process.ended(f"git {verb}", command, sink)
        except process.ProgramMissing as error:
            raise SourceRefused(
                "git is not installed, or not on the PATH: install git 2.30 or later",
                code=Code.NO_GIT,
            ) from error
        except process.OutputTooLong as error:
            raise SourceRefused(
                f"git {verb}: answered more than {process.OUTPUT_KEPT >> 20} MiB:"
                " there are far too many files, or a tree that holds itself",
                code=Code.REPOSITORY_REFUSED,
            ) from error
        cut = len(ended.errors) >= process.ERRORS_KEPT
        errors = without(ended.errors, self._hidden, cut=cut)
        return Result(status=ended.status, output=ended.output, errors=errors)

    def _environment(self) -> dict[str, str]:
        return {
            **inherited(),
            **_ENVIRONMENT,
            "HOME": str(HOME),
            "GIT_ALLOW_PROTOCOL": ":".join(self._protocols),
            "GIT_SSH_COMMAND": SSH,
            **self._extra,
        }


def inherited() -> dict[str, str]:
    """Return what of our own environment programs get that a repository is read with."""
    return {name: value for name, value in os.environ.items() if name in _INHERITED}


def _verb(arguments: tuple[str, ...]) -> str:
    """Return the subcommand among the arguments, for messages."""
    rest = iter(arguments)
    for argument in rest:
        if argument in {"-C", "-c"}:
            next(rest, None)
        elif not argument.startswith("-"):
            return argument
    return ""
