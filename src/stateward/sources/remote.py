"""A repository elsewhere, read from a bare mirror of it on this machine.

The mirror has every branch and tag with their whole history, and nothing else of the remote
(a forge keeps refs of every pull request). It may be deleted at any time. Only the holder of its
lock writes to it; readers need no lock, since objects stay for two weeks after they were last
wanted, and a mirror that was swapped under a reader is read again.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.model.commit import Commit
from stateward.ports import Checkout
from stateward.sources import listing, tips
from stateward.sources.access import OPEN, Access, Grant
from stateward.sources.address import Remote
from stateward.sources.cache import forget_unused, tidy, used
from stateward.sources.failures import failed
from stateward.sources.git import Git, Result
from stateward.sources.growth import TooLarge, within
from stateward.sources.lock import exclusively
from stateward.sources.objects import Damaged, Objects, checked_revision
from stateward.sources.signatures import Signatures
from stateward.sources.tips import Tips

_log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

_HEAD = "refs/stateward/head"
"""Where the remote's HEAD is kept: the mirror's own is detached at it."""

_REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")

_SLIPS = (
    *("zeroPaddedFilemode", "zeroPaddedDate", "badDate", "badDateOverflow", "badTimezone"),
    *("badEmail", "badName", "missingEmail", "missingNameBeforeEmail"),
    *("missingSpaceBeforeDate", "missingSpaceBeforeEmail"),
)
"""What old tools did, harmless and for ever in the history of many a repository."""

_FETCH = (
    *("-c", "fetch.fsckObjects=true"),
    *(word for slip in _SLIPS for word in ("-c", f"fetch.fsck.{slip}=ignore")),
    # A server that sends less than a byte a second for a minute has gone.
    *("-c", "http.lowSpeedLimit=1"),
    *("-c", "http.lowSpeedTime=60"),
    *("fetch", "--quiet", "--prune", "--force", "--no-tags", "--no-recurse-submodules"),
    "--no-write-fetch-head",
)

_NOT_LET_IN = frozenset({Code.SOURCE_CREDENTIALS, Code.SOURCE_UNTRUSTED})
"""Failures that have nothing to do with the mirror."""

_NO_HEAD = b"couldn't find remote ref HEAD"


class RemoteSource:
    """The commits of a remote repository.

    ``cache`` is the directory that mirrors are kept in; several processes may share it.
    ``revision`` is what None means to ``checkout``. ``timeout`` and ``fetch_timeout`` are in
    seconds: for a run of git on this machine, and for one that speaks to the remote or cleans
    up after it. ``limit`` is in bytes, for the mirror. ``access`` is how to be let in; ``depth`` is
    how many commits of each branch are had, None for all of them. With ``signatures`` only signed
    commits count. Those that are given the same
    ``shared`` share what the remote answers to the question what is new.
    """

    def __init__(
        self,
        remote: Remote,
        *,
        cache: Path,
        revision: str,
        timeout: float,
        fetch_timeout: float,
        limit: int,
        access: Access = OPEN,
        depth: int | None = None,
        signatures: Signatures | None = None,
        shared: Tips | None = None,
    ) -> None:
        self._remote = remote
        self._revision = revision
        self._fetch_timeout = fetch_timeout
        self._mirror = cache.absolute() / f"{remote.slug}.git"
        self.access = access
        self._limit = limit
        self._depth = depth
        self._signatures = signatures
        self.tips = shared or Tips(time.monotonic)
        self._near = Git(timeout=timeout)
        self._objects = Objects(self._near, self._mirror, name=self.name)

    @property
    def name(self) -> str:
        return self._remote.name

    @property
    def repository(self) -> str:
        """What tells one remote repository from another, whichever revision of it is read."""
        return self._remote.slug

    async def head(self, max_age: float) -> str:
        """Return the commit that the configured revision is now, and fetch nothing.

        It is as the remote said at most ``max_age`` seconds ago.
        """
        wanted = checked_revision(self._revision)
        if not tips.is_plain(wanted):
            return (await self.checkout(wanted)).revision
        return tips.find(await self.tips.get(self._ask, max_age), wanted, self.name)

    async def checkout(self, revision: str | None = None) -> Checkout:
        """Fetch, unless the revision is a commit that the mirror has, and list it."""
        wanted = checked_revision(revision or self._revision)
        if not await self._has(wanted):
            async with self._exclusively() as lock:
                await self._update(lock)
        commit = await self._whole(lambda: self._objects.resolve(wanted))
        return await self._whole(lambda: self._objects.tree(commit))

    async def vouch(self, revision: str) -> None:
        """Raise ``SourceRefused`` where a commit is not signed by whom it has to be."""
        if self._signatures is not None:
            own = self._signatures
            await self._whole(lambda: own.check(self._objects, revision))

    async def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        return await self._whole(lambda: self._objects.contents(blobs))

    async def said(self, revision: str) -> Commit:
        """Return what a commit says of itself."""
        return await self._whole(lambda: self._objects.said(revision))

    async def changed(self, old: str, new: str) -> frozenset[str]:
        """Return the paths that differ between two revisions, as ``checkout`` gave them."""
        return await self._whole(lambda: self._objects.changed(old, new))

    async def is_ancestor(self, old: str, new: str) -> bool:
        """Whether ``new`` is ``old`` or came after it, revisions as ``checkout`` gave them."""
        return await self._whole(lambda: self._objects.is_ancestor(old, new))

    async def _has(self, revision: str) -> bool:
        try:
            return listing.is_id(revision) and await self._objects.holds(revision)
        except Damaged:
            return False

    async def _whole(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Ask the mirror; where it is damaged, clone it anew, once, and ask again."""
        try:
            return await ask()
        except Damaged:
            async with self._exclusively() as lock:
                try:
                    return await ask()  # somebody else may have replaced it meanwhile
                except Damaged:
                    await self._clone(lock)
        return await ask()

    @asynccontextmanager
    async def _exclusively(self) -> AsyncIterator[int]:
        with self._disk():
            self._mirror.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._mirror.with_suffix(".lock")
            async with exclusively(path, self._fetch_timeout) as lock:
                used(path)
                yield lock

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceUnavailable(
                f"{self.name}: the mirror in {self._mirror.parent} cannot be kept: {error.strerror}"
            ) from error

    async def _update(self, lock: int) -> None:
        """Bring the mirror up to the remote, or make it."""
        if not self._mirror.exists():
            await self._clone(lock)
            await forget_unused(self._mirror.parent)
            return
        await asyncio.to_thread(tidy, self._mirror)
        try:
            await self._fetch(self._mirror, lock)
        except TooLarge:
            await asyncio.to_thread(tidy, self._mirror)
            await self._clone(lock)  # what the remote has given up is not in a new one
        except (SourceUnavailable, SourceRefused) as error:
            if error.code in _NOT_LET_IN or await self._sound():
                raise
            await self._clone(lock)

    async def _clone(self, lock: int) -> None:
        """Make a mirror beside the one there is, and put it in its place when it is whole."""
        new, old = self._mirror.with_suffix(".new"), self._mirror.with_suffix(".old")
        await _removed(new, old)
        try:
            made = await self._near.run("init", "--quiet", "--bare", "--template=", str(new))
            if not made.ok:
                raise SourceUnavailable(f"{self.name}: no mirror can be made: {made.reason}")
            try:
                await self._fetch(new, lock)
            except TooLarge as error:
                raise self._too_large() from error
            if self._mirror.exists():
                self._mirror.rename(old)
            new.rename(self._mirror)
        finally:
            await _removed(new, old)

    async def _fetch(self, mirror: Path, lock: int) -> None:
        private = self._mirror.with_suffix(".private")
        await _removed(private)
        async with self.access.granted(private) as grant:
            asking = self._asked(grant, mirror, lock)
            result, head = await within(self._limit, mirror, asking)
        if not result.ok:
            raise self._failed(result)
        moved = await self._near.run("--bare", f"--git-dir={mirror}", *head)
        if not moved.ok:
            raise Damaged(f"{self.name}: the mirror cannot be written: {moved.reason}")
        await self._clean(mirror, lock)

    async def _ask(self) -> bytes:
        """Ask the remote what its names stand for."""
        async with self._exclusively():
            private = self._mirror.with_suffix(".private")
            await _removed(private)
            async with self.access.granted(private) as grant:
                asked = (*grant.options, *tips.ASK, "--", self._remote.url, *tips.WANTED)
                result = await self._git(grant).run(*asked)
        if not result.ok:
            raise self._failed(result)
        return result.output

    def _git(self, grant: Grant) -> Git:
        return Git(
            timeout=self._fetch_timeout,
            protocols=self._remote.protocols,
            environment=grant.environment,
            hidden=grant.hidden,
        )

    async def _asked(self, grant: Grant, mirror: Path, lock: int) -> tuple[Result, tuple[str, ...]]:
        """Run the fetch; with how it ended comes how the mirror's own HEAD is to be set."""
        git = self._git(grant)
        how = (*grant.options, "--bare", f"--git-dir={mirror}", *_FETCH, *self._history(mirror))
        far = (*how, "--", self._remote.url, *_REFS)
        result = await git.run(*far, f"+HEAD:{_HEAD}", descriptors=(lock,))
        if _NO_HEAD not in result.errors:
            return result, ("update-ref", "--no-deref", "HEAD", _HEAD)
        # It is empty, or its HEAD names a branch that nobody has pushed.
        result = await git.run(*far, descriptors=(lock,))
        return result, ("symbolic-ref", "HEAD", "refs/stateward/none")

    def _history(self, mirror: Path) -> tuple[str, ...]:
        """Return how much of it is fetched: a mirror may have been made for another depth."""
        if self._depth is not None:
            return (f"--depth={self._depth}",)
        return ("--unshallow",) if (mirror / "shallow").exists() else ()

    async def _clean(self, mirror: Path, lock: int) -> None:
        """Pack what many fetches left; where that fails it costs space, and is tried again."""
        try:
            result = await self._near.run(
                *("--bare", f"--git-dir={mirror}"),
                *("-c", "gc.auto=6700", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"),
                timeout=self._fetch_timeout,
                descriptors=(lock,),
            )
            failure = None if result.ok else result.reason
        except SourceUnavailable as error:
            failure = str(error)
        if failure:
            _log.warning("%s: the mirror was not cleaned up: %s", self.name, failure)

    async def _sound(self) -> bool:
        """Whether all commits of the mirror can be read: then a failed fetch is not its fault."""
        walked = await self._near.run(
            "--bare", f"--git-dir={self._mirror}", "rev-list", "--quiet", "--all"
        )
        return walked.ok and not walked.errors

    def _too_large(self) -> SourceRefused:
        return SourceRefused(
            f"{self.name}: a mirror of it takes more than {self._limit >> 20} MiB:"
            " raise git.maxSize, or have less of its history by git.depth",
            code=Code.SOURCE_TOO_LARGE,
        )

    def _failed(self, result: Result) -> SourceRefused | SourceUnavailable:
        failure = failed(self.name, result)
        if failure.code is Code.SOURCE_CREDENTIALS:
            self.access.forget()
        return failure


async def _removed(*directories: Path) -> None:
    for directory in directories:
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
