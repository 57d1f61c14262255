"""Whose commits count: those that are signed by a key that somebody configured, and no others.

git judges the signature, with OpenSSH's ssh-keygen or GnuPG, by the configured keys alone: neither what
the repository configures nor the keys of whoever runs this have a say. SSH signatures need git 2.34.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.sources import process
from stateward.sources.access import Secret
from stateward.sources.git import Git, Result, inherited
from stateward.sources.naming import naming
from stateward.sources.objects import Damaged, Objects
from stateward.sources.text import reason, told

_GNUPG = "batch\nno-tty\nno-autostart\nno-auto-key-retrieve\ntrust-model always\n"
"""Nobody is asked, nothing is started or fetched; who is trusted was said by giving the key."""

_PROGRAMS = (
    *("-c", "gpg.program=gpg"),
    *("-c", "gpg.openpgp.program=gpg"),
    *("-c", "gpg.ssh.program=ssh-keygen"),
    *("-c", "gpg.x509.program=false"),
)
"""What a repository could configure to be run."""

_NOT_RUN = re.compile(rb"cannot (run|fork|spawn|exec)\b")
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """Checks commits by what is configured now; ``timeout`` is in seconds, for each program.

    ``signers`` are lines of an allowed signers file, see ssh-keygen(1); ``keys`` are armoured public
    keys of OpenPGP.
    """

    signers: Secret | None = None
    keys: Secret | None = None
    timeout: float

    async def check(self, objects: Objects, commit: str) -> None:
        """Raise ``SourceRefused`` where a commit, by its full id, is not signed by one of them."""
        repository = objects.name
        with self._laid_down() as private:
            environment = {"GNUPGHOME": str(private), **naming(private)}
            if self.keys is not None:
                await self._import(self.keys(), environment)
            result = await Git(timeout=self.timeout, environment=environment).run(
                *("-c", f"gpg.ssh.allowedSignersFile={private / 'signers'}"),
                *("-c", f"gpg.ssh.revocationFile={private / 'revoked'}"),
                *_PROGRAMS,
                *("--bare", f"--git-dir={objects.directory}", "verify-commit", commit),
            )
        if _NOT_RUN.search(result.errors):
            raise SourceUnavailable(
                f"{repository}: commit {commit[:_SHOWN]}: its signature cannot be checked:"
                f" {result.reason}: install gpg, or ssh-keygen",
                code=Code.SOURCE_UNTRUSTED,
            )
        if not result.ok:
            if not await objects.holds(commit):
                raise Damaged(f"{repository}: commit {commit[:_SHOWN]} is not there any more")
            raise SourceRefused(
                f"{repository}: commit {commit[:_SHOWN]} {_why(result)}: nothing of it is done:"
                " have somebody of git.verify sign a commit on top of it, or give the key there",
                code=Code.NOT_SIGNED,
            )

    @contextmanager
    def _laid_down(self) -> Iterator[Path]:
        """Give a directory with what git and its helpers go by, as long as they need it."""
        signers = "" if self.signers is None else self.signers()
        with ExitStack() as stack:
            try:
                private = Path(stack.enter_context(TemporaryDirectory(prefix="stateward-")))
                (private / "signers").write_text(f"{signers}\n")
                (private / "revoked").touch()
                (private / "gpg.conf").write_text(_GNUPG)
            except OSError as error:
                raise SourceUnavailable(
                    f"git.verify: {error.filename}: {error.strerror}: no signature can be checked"
                ) from error
            yield private

    async def _import(self, keys: str, environment: Mapping[str, str]) -> None:
        command = process.Command(
            argv=("gpg", "--import"),
            environment={**inherited(), "LC_ALL": "C", **environment},
            timeout=self.timeout,
            input=keys.encode(),
        )
        try:
            ended = await process.ended("git.verify.gpgKeys: gpg", command)
        except process.ProgramMissing as error:
            raise SourceRefused(
                "git.verify.gpgKeys: gpg is not installed, or not on the PATH: install GnuPG",
                code=Code.SOURCE_UNTRUSTED,
            ) from error
        if ended.status:
            raise SourceRefused(
                f"git.verify.gpgKeys: no key can be read: {reason(ended.errors)}:"
                " give what `gpg --armor --export` prints",
                code=Code.SOURCE_UNTRUSTED,
            )


def _why(result: Result) -> str:
    words = told(result.errors)
    return f"is signed by nobody that git.verify names ({words})" if words else "is not signed"
