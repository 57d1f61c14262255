"""Where a repository is: what a person wrote, checked before git or a log ever sees it.

An address is refused when it could be taken for an option or start a program (``ext::``), when
its scheme is not allowed, and when it carries a password: arguments are seen by other processes.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from stateward.errors import Code, SourceRefused
from stateward.sources.text import listed, masked, shown

SCHEMES = frozenset({"https", "http", "ssh", "file"})
"""Every scheme that is understood. Which of them are allowed is for the settings to say."""

_SCP = re.compile(
    r"(?:(?P<user>[^\s@:/]+)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*):(?P<path>[^:-].*)"
)
"""``git@host:path``: a colon before any slash, as git itself tells it from a path."""

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|%[01][0-9A-Fa-f]|%7[fF]")

_NO_PASSWORD = "ssh takes no password from an address: use a key"  # noqa: S105 - says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A repository elsewhere. ``name`` is its address without the user, for people."""

    name: str
    scheme: str
    url: str = field(repr=False)

    @property
    def protocols(self) -> tuple[str, ...]:
        """What git may speak on the way there; a plain server may redirect to a safe one."""
        return ("http", "https") if self.scheme == "http" else (self.scheme,)

    @property
    def slug(self) -> str:
        """A directory name for it: readable, and different for every address."""
        last = self.name.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]
        readable = re.sub(r"[^A-Za-z0-9._-]", "-", last).strip(".-")[:40] or "repository"
        return f"{readable}-{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"


def local_path(text: str) -> Path | None:
    """Return the path that an address names on this machine, None where it is a remote one."""
    if text.startswith("file://"):
        parts = urlsplit(text)
        if parts.netloc in {"", "localhost"}:
            # Not parts.path: git has no parameters in a file's address.
            return Path(unquote(text.removeprefix("file://").removeprefix(parts.netloc)))
        return None
    if "://" in text or _SCP.fullmatch(text):
        return None
    return Path(text)


def scheme(text: str) -> str:
    """Return how an address is spoken to, right or wrong: ``file`` where it is on this machine."""
    if local_path(text) is not None:
        return "file"
    return text.partition("://")[0].lower() if "://" in text else "ssh"


def remote(text: str, *, schemes: Collection[str]) -> Remote:
    """Check the address of a repository elsewhere; raises ``SourceRefused``."""
    if _CONTROL.search(text) or not text.isprintable():
        raise _refused(text, "it has control characters in it")
    scp = _SCP.fullmatch(text) if "://" not in text else None
    if scp:
        if scp["host"] in SCHEMES:
            raise _refused(text, f"did you mean {scp['host']}://… ?")
        if "@" in scp["path"].partition("/")[0]:
            raise _refused(text, _NO_PASSWORD)
        found = Remote(name=f"{scp['host']}:{scp['path']}", scheme="ssh", url=text)
    else:
        found = _parsed(text)
    if found.scheme not in schemes:
        raise _refused(text, f"{found.scheme} is not allowed: use one of {listed(sorted(schemes))}")
    return found


def _parsed(text: str) -> Remote:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        # Its words repeat what stands where a port is expected, which may be a password.
        raise _refused(text, "it is not a valid URL") from None
    if parts.scheme not in SCHEMES:
        raise _refused(
            text, f"it starts with none of {listed([f'{s}://' for s in sorted(SCHEMES)])}"
        )
    user, _, place = parts.netloc.rpartition("@")
    if parts.scheme == "file":
        if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
            raise _refused(text, "a file:// address names an absolute path on this machine")
    elif not _HOST.fullmatch(host if ":" not in host else f"[{host}]"):
        raise _refused(text, "its host is not a host name")
    _refuse_secrets(text, parts, user)
    return Remote(name=text.replace(parts.netloc, place, 1), scheme=parts.scheme, url=text)


def _refuse_secrets(text: str, parts: SplitResult, user: str) -> None:
    if parts.scheme == "ssh":
        if ":" in user:
            raise _refused(text, _NO_PASSWORD)
        if user.startswith("-"):
            raise _refused(text, "its user starts with a dash")
    elif user:
        raise _refused(
            text,
            "a user or a token in an address is seen by every process of the machine:"
            " leave it out, and give credentials by the configuration",
        )
    if parts.scheme in {"http", "https"} and (parts.query or parts.fragment):
        raise _refused(text, "the address of a repository has no parameters")


def _refused(text: str, why: str) -> SourceRefused:
    """Name the address without what may be secret in it."""
    return SourceRefused(f"repository {shown(_bare(text))}: {why}", code=Code.REPOSITORY_REFUSED)


def _bare(text: str) -> str:
    # Whatever stands before the last @, scheme or not: it was refused, and may be anything.
    head, at, tail = masked(text).partition("?")[0].partition("#")[0].rpartition("@")
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", head)
    return f"{scheme[0] if scheme else ''}{tail}" if at else tail
