"""Whether a call comes from who shares a secret with us. Pure; the body is seen once, in pieces.

Everything is computed whatever the headers say, and compared in constant time: how long it takes
tells nothing of the secret, nor of what was wrong. Nothing of the body is understood.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

from stateward.model.forge import Forge

TOLERANCE = 300.0
"""Seconds by which the time that a call was signed at may differ from ours."""
_MOST_SIGNATURES = 8
_ENCODED = "whsec_"
"""Begins a secret that stands for bytes, in base64."""

Headers = Mapping[str, str]


class Check(Protocol):
    """One call, held against one secret."""

    def feed(self, piece: bytes) -> None:
        """Take in a piece of the body."""
        ...

    def mark(self) -> bytes | None:
        """Return what tells this call from all others, or None where it is not what it says."""
        ...


def check(forge: Forge, headers: Headers, secret: str, now: float) -> Check:
    """Return what a call is held against; ``headers`` are found by any spelling."""
    if forge is Forge.GITLAB:
        return _Either(_Token(headers, secret), _Standard(headers, secret, now))
    if forge is Forge.GENERIC:
        return _Standard(headers, secret, now)
    name, prefix = _SIGNED[forge]
    return _Signed(headers.get(name, ""), prefix, secret)


_SIGNED = {
    Forge.GITHUB: ("x-hub-signature-256", "sha256="),
    Forge.BITBUCKET: ("x-hub-signature", "sha256="),
    Forge.GITEA: ("x-gitea-signature", ""),
}
"""The header that holds the signature, and what stands before its hexadecimal digits."""


class _Signed:
    """The body is signed."""

    def __init__(self, given: str, prefix: str, secret: str) -> None:
        self._given = given
        self._prefix = prefix
        self._hmac = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def feed(self, piece: bytes) -> None:
        self._hmac.update(piece)

    def mark(self) -> bytes | None:
        expected = self._prefix + self._hmac.hexdigest()
        return self._hmac.digest() if _same(self._given, expected) else None


class _Token:
    """The secret itself is sent along."""

    def __init__(self, headers: Headers, secret: str) -> None:
        self._given = headers.get("x-gitlab-token", "")
        self._secret = secret
        self._hash = hashlib.sha256()

    def feed(self, piece: bytes) -> None:
        self._hash.update(piece)

    def mark(self) -> bytes | None:
        return self._hash.digest() if _same(self._given, self._secret) else None


class _Standard:
    """An id, a time and the body are signed."""

    def __init__(self, headers: Headers, secret: str, now: float) -> None:
        called, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        self._given = headers.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]
        self._timely = bool(called) and _near(at, now)
        self._hmac = hmac.new(_key(secret), f"{called}.{at}.".encode(), hashlib.sha256)

    def feed(self, piece: bytes) -> None:
        self._hmac.update(piece)

    def mark(self) -> bytes | None:
        expected = f"v1,{base64.b64encode(self._hmac.digest()).decode()}"
        # Not any(): it would end with the first.
        matches = sum(_same(own, expected) for own in self._given)
        return self._hmac.digest() if matches and self._timely else None


class _Either:
    """One of two is enough."""

    def __init__(self, *parts: Check) -> None:
        self._parts = parts

    def feed(self, piece: bytes) -> None:
        for own in self._parts:
            own.feed(piece)

    def mark(self) -> bytes | None:
        marks = [own.mark() for own in self._parts]
        return next((own for own in marks if own is not None), None)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _near(at: str, now: float) -> bool:
    return at.isascii() and at.isdecimal() and abs(int(at[:16]) - now) <= TOLERANCE


def _key(secret: str) -> bytes:
    if secret.startswith(_ENCODED):
        try:
            return base64.b64decode(secret.removeprefix(_ENCODED), validate=True)
        except binascii.Error:
            pass  # somebody's secret happens to begin so
    return secret.encode()
