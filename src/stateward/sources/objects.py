"""Read one git directory: names to commits, commits to listings, ids to contents.

Nothing here writes, speaks to a network or looks at a work tree.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from stateward.errors import Code, SourceRefused
from stateward.model.commit import TRAILER, Commit
from stateward.ports import Checkout
from stateward.sources import listing
from stateward.sources.git import Git, Result
from stateward.sources.text import listed, short, shown

_LONGEST_REVISION = 1024


class Damaged(SourceRefused):
    """The repository is not whole, or is not one."""

    default_code = Code.CORRUPT_REPOSITORY


class ObjectMissing(SourceRefused):
    """An id was asked for that the repository does not have."""

    default_code = Code.CORRUPT_REPOSITORY


def checked_revision(revision: str) -> str:
    """Return a revision that git will take for a name and not for an option, or raise."""
    bad = (
        ("it is empty" if not revision else None)
        or ("it starts with a dash" if revision.startswith("-") else None)
        or ("it has control characters in it" if not revision.isprintable() else None)
        or ("it is too long" if len(revision) > _LONGEST_REVISION else None)
    )
    if bad:
        raise SourceRefused(f"revision {shown(revision)!r}: {bad}", code=Code.NO_REVISION)
    return revision


class Objects:
    """A git directory, read below ``root``: empty, or a directory's path ending in a slash.

    ``name`` is what messages call it.
    """

    def __init__(self, git: Git, directory: Path, *, name: str, root: str = "") -> None:
        self._git = git
        self.directory = directory
        self.name = name
        self._root = root

    async def resolve(self, revision: str) -> str:
        """Return the full id of the commit that a revision names.

        A branch goes before a tag of the same name: who may push tags may not for that reason
        say what a protected branch is. Raises ``SourceRefused``.
        """
        for candidate in _candidates(checked_revision(revision)):
            result = await self._ask("rev-parse", *_VERIFY, f"{candidate}^{{commit}}")
            if result.ok and listing.is_id(result.text):
                return result.text
            if result.status not in {0, 1} and not _LOOKUP.search(candidate):
                raise self._damaged(result)
            await self._refuse_wrong_object(revision, candidate)
        raise await self._unknown(revision)

    async def holds(self, commit: str) -> bool:
        """Whether a full id is that of a commit the repository has."""
        result = await self._ask("rev-parse", *_VERIFY, f"{commit}^{{commit}}")
        if result.status not in {0, 1}:
            raise self._damaged(result)
        return result.ok and result.text == commit

    async def tree(self, commit: str) -> Checkout:
        """List a commit, by its full id."""
        below = ("--", self._root) if self._root else ()
        result = await self._ask("ls-tree", "-r", "-z", "-l", "--full-tree", commit, *below)
        if not result.ok:
            raise self._damaged(result)
        try:
            entries = listing.tree(result.output, self._root)
        except listing.Malformed as error:
            raise Damaged(f"{self.name}: {error}{_FSCK}") from error
        if self._root and not entries:
            raise SourceRefused(
                f"{self.name}: commit {commit[:12]} has no directory {shown(self._root)}:"
                " commit it first, or read the work tree itself",
                code=Code.NO_REVISION,
            )
        return Checkout(revision=commit, entries=entries)

    async def contents(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        """Return contents by id, every one of them checked against its id, or raise."""
        wanted = list(dict.fromkeys(blobs))
        odd = [blob for blob in wanted if not listing.is_id(blob)]
        if odd:
            raise ObjectMissing(f"{self.name}: {shown(odd[0])} is not the id of an object")
        if not wanted:
            return {}
        contents = listing.Contents()
        asked = "".join(f"{blob}\n" for blob in wanted).encode()
        result = await self._ask("cat-file", "--batch", "--buffer", asked=asked, sink=contents)
        if not result.ok:
            raise self._damaged(result)
        if contents.wrong:
            raise Damaged(f"{self.name}: {contents.wrong}{_FSCK}")
        if contents.missing and result.errors:
            raise self._damaged(result)  # it is there, and cannot be read
        lost = [blob for blob in wanted if blob not in contents.found]
        if lost:
            raise ObjectMissing(
                f"{self.name}: object {lost[0]} is not there: {len(lost)} of {len(wanted)}"
                " files cannot be read; the history was rewritten, or the clone is incomplete"
            )
        return contents.found

    async def said(self, commit: str) -> Commit:
        """Return what a commit says of itself, by its full id."""
        result = await self._ask(*_SAID, await self._commit(commit))
        if not result.ok:
            raise self._damaged(result)
        said = result.output.decode("utf-8", "replace").removesuffix("\n")
        _, author, subject, *allows = map(short, said.split("\0"))
        found = tuple(own for own in allows[:_MOST_TRAILERS] if own)
        return Commit(id=commit, author=author, subject=subject, allows=found)

    async def changed(self, old: str, new: str) -> frozenset[str]:
        """Return the paths that differ between two commits, by their full ids."""
        result = await self._ask(
            *("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff"),
            *(await self._commit(old), await self._commit(new)),
            *(("--", self._root) if self._root else ()),
        )
        if not result.ok:
            raise self._damaged(result)
        paths = (listing.decoded(path) for path in listing.records(result.output))
        return frozenset(
            path.removeprefix(self._root) for path in paths if path.startswith(self._root)
        )

    async def is_ancestor(self, old: str, new: str) -> bool:
        """Whether ``new`` is ``old`` or came after it, by their full ids.

        Raises ``SourceRefused`` where the history that would tell is not there.
        """
        result = await self._ask(
            "merge-base", "--is-ancestor", await self._commit(old), await self._commit(new)
        )
        if result.status not in {0, 1}:
            raise self._damaged(result)
        if not result.ok and await self._is_shallow():
            raise SourceRefused(
                f"{self.name}: whether {new[:12]} came after {old[:12]} is not known{_SHALLOW}",
                code=Code.NO_REVISION,
            )
        return result.ok

    async def _is_shallow(self) -> bool:
        return (await self._ask("rev-parse", "--is-shallow-repository")).text == "true"

    async def _commit(self, commit: str) -> str:
        if not listing.is_id(commit) or not await self.holds(commit):
            raise SourceRefused(
                f"{self.name}: commit {shown(commit)} is not there:"
                " the history was rewritten, or the clone is incomplete",
                code=Code.NO_REVISION,
            )
        return commit

    async def _ask(
        self, *arguments: str, asked: bytes = b"", sink: listing.Contents | None = None
    ) -> Result:
        # Bare, whatever it is: a configured work tree has no say in where things are.
        where = ("--bare", "--literal-pathspecs", f"--git-dir={self.directory}")
        return await self._git.run(*where, *arguments, input=asked, sink=sink)

    def _damaged(self, result: Result) -> Damaged:
        return Damaged(f"{self.name}: cannot be read: {result.reason}{_FSCK}")

    async def _refuse_wrong_object(self, revision: str, candidate: str) -> None:
        """Raise where a name exists, and it is no commit that it names."""
        result = await self._ask("rev-parse", *_VERIFY, candidate)
        if not result.ok or not listing.is_id(result.text) or result.text == candidate:
            return
        kind = await self._ask("cat-file", "-t", result.text)
        if not kind.ok:
            raise Damaged(
                f"{self.name}: {shown(revision)} names {result.text}, which is missing{_FSCK}"
            )
        raise SourceRefused(
            f"{self.name}: {shown(revision)} names a {kind.text}, not a commit",
            code=Code.NO_REVISION,
        )

    async def _unknown(self, revision: str) -> SourceRefused:
        names = await self._names()
        close = difflib.get_close_matches(revision, names, n=1)
        if not names and revision == "HEAD":
            hint = "it has no commits yet"
        elif not names:
            hint = "it has no branches and no tags"
        elif close:
            hint = f"did you mean {shown(close[0])}? It has {listed(names)}"
        else:
            hint = f"it has {listed(names)}"
        if await self._is_shallow():
            hint += _SHALLOW
        return SourceRefused(
            f"{self.name}: no revision {shown(revision)}: {hint}", code=Code.NO_REVISION
        )

    async def _names(self) -> list[str]:
        """Return branches, then those of remotes, then tags."""
        wanted = ("refs/heads", "refs/remotes", "refs/tags")
        result = await self._ask("for-each-ref", "--format=%(refname)", *wanted)
        if not result.ok or b"broken ref" in result.errors:
            raise self._damaged(result)
        names = [name.split("/", 2)[2] for name in result.text.split("\n") if name]
        return [name for name in names if not name.endswith("/HEAD")]


_SUFFIX = re.compile(r"[~^@]")
_LOOKUP = re.compile(r"@\{|:")
"""``@{…}`` and ``:…`` end git with an error where they merely find nothing."""

_VERIFY = ("--verify", "--quiet", "--end-of-options")
_TRAILERS = f"%(trailers:key={TRAILER},valueonly,unfold,separator=%x00)"
_SAID = (
    *("-c", "trailer.separators=:", "rev-list", "--max-count=1", "--encoding=UTF-8"),
    f"--format=%x00%an <%ae>%x00%s%x00{_TRAILERS}",
)
_MOST_TRAILERS = 10
_SHALLOW = "; the clone is shallow: fetch more of its history, with a mirror by git.depth"
_FSCK = "; run `git fsck` there"


def _candidates(revision: str) -> tuple[str, ...]:
    name = _SUFFIX.split(revision, maxsplit=1)[0]
    if listing.is_id(name) or name in {"HEAD", ""} or name.startswith("refs/"):
        return (revision,)
    return (f"refs/heads/{revision}", revision)
