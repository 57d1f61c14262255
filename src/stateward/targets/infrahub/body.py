"""The body of an answer, put together as it comes and never larger than we take.

The library's own decoder would unpack a small answer into any size, before we could say no.
"""

import zlib

_GZIP = 31
"""Window bits that make zlib read the header and the checksum of gzip."""


class TooLarge(Exception):
    """The body is larger than we take."""


class Garbled(Exception):
    """The body is not packed as its header says, or not whole."""


class Body:
    """What has come so far."""

    def __init__(self, encoding: str, limit: int) -> None:
        name = encoding.strip().lower()
        if name not in {"", "identity", "gzip"}:
            raise Garbled(f"packed as {name[:20]!r}, which was not asked for")
        self._unpack = zlib.decompressobj(_GZIP) if name == "gzip" else None
        self._limit = limit
        self._size = 0
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        if self._unpack is not None:
            try:
                chunk = self._unpack.decompress(chunk, self._limit - self._size + 1)
            except zlib.error as error:
                raise Garbled("broken packing") from error
        self._size += len(chunk)
        if self._size > self._limit:
            raise TooLarge(f"more than {self._limit} bytes")
        self._parts.append(chunk)

    def whole(self) -> bytes:
        if self._unpack is not None and self._size and not self._unpack.eof:
            raise Garbled("it ends early")
        return b"".join(self._parts)
