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
            raise Garbled("it is packed in a way that was not asked for")
        self._unpack = zlib.decompressobj(_GZIP) if name == "gzip" else None
        self._limit = limit
        self._bytes = bytearray()

    def feed(self, chunk: bytes) -> None:
        if self._unpack is not None:
            try:
                chunk = self._unpack.decompress(chunk, self._limit - len(self._bytes) + 1)
            except zlib.error as error:
                raise Garbled("its packing is broken") from error
        if len(self._bytes) + len(chunk) > self._limit:
            raise TooLarge(f"more than {self._limit} bytes")
        self._bytes += chunk

    def whole(self) -> bytes:
        if self._unpack is not None and self._bytes and not self._unpack.eof:
            raise Garbled("it ends early")
        return bytes(self._bytes)
