"""Access over ssh: with this key and no other, to hosts whose keys are known beforehand.

What is configured comes as files of any owner and mode, or from the environment; ssh takes a key
only from a file that nobody else may read. So both are copied to a private directory, and removed
after the fetch; what a killed process has left is removed by the next one.
"""

import base64
import os
import shlex
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.sources.access import Grant, Secret
from stateward.sources.naming import naming

_OPTIONS = (
    *("-F", os.devnull),  # nobody's settings but these
    *("-o", "BatchMode=yes"),
    *("-o", "StrictHostKeyChecking=yes"),
    *("-o", f"GlobalKnownHostsFile={os.devnull}"),
    *("-o", "UpdateHostKeys=no"),
    *("-o", "ConnectTimeout=30"),
    *("-o", "ServerAliveInterval=15"),
    *("-o", "ServerAliveCountMax=4"),
    # A connection kept for sharing would outlive git and hold its pipes.
    *("-o", "ControlMaster=no"),
    *("-o", "ControlPath=none"),
    *("-o", "ForwardAgent=no"),
    *("-o", "ClearAllForwardings=yes"),
)

_OPENSSH = b"openssh-key-v1\0"
_UNLOCKED = b"\0\0\0\4none"
"""What stands at the start of a key of OpenSSH's own format: the cipher that it is protected by."""

_LEAST_HIDDEN = 16
"""Characters of a key's line from which on it is one of its secret ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAccess:
    """What is configured for one ssh address. Without a key, ssh finds its own."""

    known_hosts: Secret
    key: Secret | None = None

    @asynccontextmanager
    async def granted(self, private: Path) -> AsyncIterator[Grant]:
        """Read what is configured, and lay it down for ssh as long as the fetch takes."""
        try:
            yield self._laid_down(private)
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def forget(self) -> None:
        """Have nothing that could be forgotten: both files are read for every fetch."""

    def _laid_down(self, private: Path) -> Grant:
        private.mkdir(mode=0o700)
        hosts = _written(private / "known_hosts", _some_hosts(self.known_hosts()))
        words = [
            *_named(naming(private)),
            "ssh",
            *_OPTIONS,
            "-o",
            f"UserKnownHostsFile={_quoted(hosts)}",
        ]
        hidden: tuple[str, ...] = ()
        if self.key is not None:
            text = _private_key(self.key())
            key = _written(private / "key", text)
            words += ["-o", f"IdentityFile={_quoted(key)}"]
            words += ["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
            hidden = tuple(own for own in text.splitlines() if len(own) >= _LEAST_HIDDEN)
        return Grant(
            environment={"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"},
            hidden=hidden,
        )


def _named(told: Mapping[str, str]) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in told.items())] if told else []


def _written(file: Path, text: str) -> Path:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
    return file


def _quoted(path: Path) -> str:
    """Spell a path as a value of ssh's options, which split at spaces and expand percent signs."""
    return '"' + str(path).replace("%", "%%") + '"'


def _private_key(text: str) -> str:
    if "PRIVATE KEY" not in text:
        raise SourceUnavailable(
            "git.sshKey: holds no private key: is it the public one?", code=Code.SOURCE_CREDENTIALS
        )
    if _locked(text):
        raise SourceUnavailable(
            "git.sshKey: is protected by a passphrase: give a key that is not",
            code=Code.SOURCE_CREDENTIALS,
        )
    # A key without its last line break is "invalid format" to ssh.
    return "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"


def _locked(key: str) -> bool:
    """Whether a key needs a passphrase, of which ssh says nothing where it may not ask for it."""
    if "ENCRYPTED" in key:
        return True
    try:
        blob = base64.b64decode("".join(own for own in key.split("\n") if "-----" not in own))
    except ValueError:
        return False
    return blob.startswith(_OPENSSH) and not blob.startswith(_OPENSSH + _UNLOCKED)


def _some_hosts(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise SourceRefused(
            "git.knownHosts: names no host: put the line there that the host's administrators"
            " publish",
            code=Code.SOURCE_UNTRUSTED,
        )
    return "\n".join(lines) + "\n"
