"""Access over https: credentials for one host and one path, whom to trust, and by which proxy."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from stateward.errors import SourceUnavailable
from stateward.sources.access import Grant, Secret, one_line
from stateward.sources.address import Remote

_HELPER = """!f() {
    test "$1" = get || exit 0
    protocol= host= path=
    while IFS= read -r line && test -n "$line"; do
        case $line in
            protocol=https) protocol=yes ;;
            "host=$STATEWARD_GIT_HOST") host=yes ;;
            "path=$STATEWARD_GIT_PATH") path=yes ;;
        esac
    done
    test "$protocol$host$path" = yesyesyes || exit 0
    printf 'username=%s\\npassword=%s\\n' "$STATEWARD_GIT_USERNAME" "$STATEWARD_GIT_PASSWORD"
}; f"""
"""Git's credential helper: it answers for the repository that was configured, and no other.

Git tells it protocol, host and path apart, which an askpass program has to find in a question
made for people. ``printf`` is the shell's own: no process has the password among its arguments.
"""

_BOUND = (
    *("-c", f"credential.helper={_HELPER}"),
    *("-c", "credential.useHttpPath=true"),
    # A repository that moved is for a person to look at: credentials do not go after it.
    *("-c", "http.followRedirects=false"),
)


class Login(Protocol):
    """Who we are."""

    async def read(self) -> tuple[str, str]:
        """Return the user name and the password that are valid now."""
        ...

    def forget(self) -> None:
        """Take note that they were not accepted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """A user name, and a password or a token."""

    username: str
    name: str
    """The setting that the password comes from."""
    secret: Secret

    async def read(self) -> tuple[str, str]:
        return self.username, one_line(self.name, self.secret)

    def forget(self) -> None:
        """Have nothing that could be forgotten: the secret is read for every fetch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """``http(s)://[user@]host:port``, and the user's password."""

    url: str
    password: Secret | None = field(default=None, repr=False)

    def read(self) -> tuple[str, tuple[str, ...]]:
        """Return the address that is valid now, and what of it must not be repeated."""
        if self.password is None:
            return self.url, ()
        password = one_line("git.proxyPassword", self.password)
        parts = urlsplit(self.url)
        user, _, place = parts.netloc.rpartition("@")
        own = parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}")
        return urlunsplit(own), (password, quote(password, safe=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsAccess:
    """What is configured for one https address."""

    remote: Remote
    login: Login | None = None
    ca_file: Path | None = None
    proxy: Proxy | None = None

    @asynccontextmanager
    async def granted(self, private: Path) -> AsyncIterator[Grant]:
        """Read what is configured; nothing of it is put on disk."""
        del private
        environment: dict[str, str] = {}
        hidden: tuple[str, ...] = ()
        if self.ca_file is not None:
            environment["GIT_SSL_CAINFO"] = str(_readable(self.ca_file))
        if self.proxy is not None:
            url, hidden = self.proxy.read()
            # Whatever the surroundings say of proxies, this repository has one of its own.
            environment |= {"https_proxy": url, "HTTPS_PROXY": url, "no_proxy": "", "NO_PROXY": ""}
        if self.login is None:
            yield Grant(environment=environment, hidden=hidden)
            return
        username, password = await self.login.read()
        host, path = _scope(self.remote)
        environment |= {
            "STATEWARD_GIT_HOST": host,
            "STATEWARD_GIT_PATH": path,
            "STATEWARD_GIT_USERNAME": username,
            "STATEWARD_GIT_PASSWORD": password,
        }
        sent = base64.b64encode(f"{username}:{password}".encode()).decode()
        yield Grant(
            options=_BOUND,
            environment=environment,
            hidden=(*hidden, password, quote(password, safe=""), sent),
        )

    def forget(self) -> None:
        if self.login is not None:
            self.login.forget()


def _scope(remote: Remote) -> tuple[str, str]:
    """Return host and path as git spells them to a credential helper."""
    parts = urlsplit(remote.url)
    path = unquote(parts.path.lstrip("/"), errors="surrogateescape")
    return parts.netloc, path.rstrip("/")


def _readable(file: Path) -> Path:
    try:
        with file.open("rb"):
            return file
    except OSError as error:
        raise SourceUnavailable(f"git.caFile: {file}: {error.strerror}") from error
