"""What targets have seen, in files of one directory. Any of them may be removed at any time."""

import asyncio
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

_MOST = 50
"""Files that are kept: those written last."""


class FileMemory:
    """A file for each name, written whole or not at all, and for its owner alone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def recall(self, name: str) -> bytes | None:
        return await asyncio.to_thread(self._read, self._file(name))

    async def keep(self, name: str, content: bytes) -> None:
        await asyncio.to_thread(self._write, self._file(name), content)

    def _file(self, name: str) -> Path:
        return self._directory / sha256(name.encode()).hexdigest()[:32]

    def _read(self, file: Path) -> bytes | None:
        try:
            return file.read_bytes()
        except OSError:
            return None

    def _write(self, file: Path, content: bytes) -> None:
        """Write a file; a disk that is full, or not ours, costs reading it all again."""
        with suppress(OSError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._directory, delete=False) as aside:
                try:
                    aside.write(content)
                    aside.close()
                    Path(aside.name).replace(file)
                except OSError:
                    Path(aside.name).unlink(missing_ok=True)
            self._forget()

    def _forget(self) -> None:
        found = sorted(self._directory.iterdir(), key=lambda own: own.stat().st_mtime)
        for file in found[:-_MOST]:
            file.unlink(missing_ok=True)
