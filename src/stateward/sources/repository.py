"""A repository on this machine, read in place: no mirror is made, and nothing in it changes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stateward.errors import Code, SourceRefused
from stateward.model.commit import Commit
from stateward.ports import Checkout
from stateward.sources.git import Git
from stateward.sources.objects import Damaged, Objects
from stateward.sources.signatures import Signatures
from stateward.sources.text import shown
from stateward.sources.walk import check_directory


class RepositorySource:
    """The commits of a work tree, a directory in one, or a bare repository.

    Only what is committed is seen. A directory in a work tree stands for itself: what is below
    it is seen, under paths that start there. ``revision`` is what None means to ``checkout``;
    ``timeout`` is in seconds, for each run of git. With ``signatures`` only signed commits count.
    """

    def __init__(
        self, path: Path, *, revision: str, timeout: float, signatures: Signatures | None = None
    ) -> None:
        self._path = path.absolute()
        self._revision = revision
        self._signatures = signatures
        self._git = Git(timeout=timeout)
        self._found: Objects | None = None

    @property
    def name(self) -> str:
        return shown(str(self._path))

    async def head(self, max_age: float) -> str:
        """Return the commit that the configured revision is now, however new it has to be."""
        del max_age
        return await (await self._objects()).resolve(self._revision)

    async def places(self) -> tuple[tuple[Path, bool], ...]:
        """Return directories in which something changes with every commit.

        With each comes whether what is below it counts as well: never below a git directory, where
        every object that is written would count.
        """
        here = ("-C", str(self._path), "rev-parse")
        own = await self._git.run(*here, "--absolute-git-dir")
        shared = await self._git.run(*here, "--git-common-dir")
        if not own.ok or not shared.ok:
            raise Damaged(f"{self.name}: cannot be read: {(own if not own.ok else shared).reason}")
        return _places(Path(own.text), self._path / shared.text)

    async def checkout(self, revision: str | None = None) -> Checkout:
        objects = await self._objects()
        return await objects.tree(await objects.resolve(revision or self._revision))

    async def vouch(self, revision: str) -> None:
        """Raise ``SourceRefused`` where a commit is not signed by whom it has to be."""
        if self._signatures is not None:
            await self._signatures.check(await self._objects(), revision)

    async def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        return await (await self._objects()).contents(blobs)

    async def said(self, revision: str) -> Commit:
        """Return what a commit says of itself."""
        return await (await self._objects()).said(revision)

    async def changed(self, old: str, new: str) -> frozenset[str]:
        """Return the paths that differ between two revisions, as ``checkout`` gave them."""
        return await (await self._objects()).changed(old, new)

    async def is_ancestor(self, old: str, new: str) -> bool:
        """Whether ``new`` is ``old`` or came after it, revisions as ``checkout`` gave them."""
        return await (await self._objects()).is_ancestor(old, new)

    async def _objects(self) -> Objects:
        if self._found is None:
            self._found = await self._discover()
        return self._found

    async def _discover(self) -> Objects:
        check_directory(self._path)
        here = ("-C", str(self._path), "rev-parse")
        directory = await self._git.run(*here, "--absolute-git-dir")
        if not directory.ok:
            if (self._path / ".git").exists() or b"not a git repository" not in directory.errors:
                raise Damaged(f"{self.name}: cannot be read: {directory.reason}")
            raise SourceRefused(
                f"{self.name}: not a Git repository, nor in one:"
                " run `git init` and commit, or read it as a plain folder",
                code=Code.NO_REPOSITORY,
            )
        root = await self._git.run(*here, "--show-prefix")
        if not root.ok:
            raise Damaged(f"{self.name}: cannot be read: {root.reason}")
        return Objects(self._git, Path(directory.text), name=self.name, root=root.text)


def _places(own: Path, shared: Path) -> tuple[tuple[Path, bool], ...]:
    refs = [shared.resolve() / name for name in ("refs", "reftable")]
    tops = dict.fromkeys([own.resolve(), shared.resolve()])
    return (*((path, False) for path in tops), *((path, True) for path in refs if path.is_dir()))
