"""Log in as a GitHub App: who we are, signed with its key, is exchanged for a token of an hour.

The token may read the contents of the one repository it is for, and nothing else.
"""

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import jwt

from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.sources.access import Secret, one_line
from stateward.sources.address import Remote
from stateward.sources.https import Proxy
from stateward.sources.text import masked, shown, without

_USER = "x-access-token"
_EARLY = 300.0
"""Seconds before its end from which on a token is not used any more: a fetch takes its time."""
_SIGNED = 540
"""Seconds that what is signed is valid for: GitHub takes ten minutes at most."""
_SLOW = 60
"""Seconds that our clock may be ahead of GitHub's."""
_DEADLINE = 30.0
_LARGEST = 64 * 1024
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app, as it is installed where the repository is."""

    id: str
    installation: int
    key: Secret = field(repr=False)


class GithubLogin:
    """The tokens of one app for one repository. ``now`` is in seconds, as GitHub's clock has it."""

    def __init__(
        self,
        app: App,
        remote: Remote,
        *,
        ca_file: Path | None,
        proxy: Proxy | None,
        now: Callable[[], float],
    ) -> None:
        self._app = app
        self._remote = remote
        self._ca_file = ca_file
        self._proxy = proxy
        self._now = now
        self._token = ""
        self._until = 0.0

    async def read(self) -> tuple[str, str]:
        """Return a token that is valid for a while yet, a new one if need be."""
        if self._now() >= self._until:
            statement = self._statement()
            try:
                async with asyncio.timeout(_DEADLINE):
                    status, answer = await self._exchange(statement)
            except TimeoutError as error:
                raise self._failed(f"no answer within {_DEADLINE:g} s", Code.FETCH) from error
            except httpx.HTTPError as error:
                raise self._unreachable(error) from None  # it holds the request, and our statement
            self._token, self._until = self._understood(status, without(answer, (statement,)))
        return _USER, self._token

    def forget(self) -> None:
        """Ask for another token next time."""
        self._until = 0.0

    def _statement(self) -> str:
        claims = {
            "iss": self._app.id,
            "iat": int(self._now()) - _SLOW,
            "exp": int(self._now()) + _SIGNED,
        }
        try:
            return jwt.encode(claims, self._app.key(), algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            # Not even the library's words: it was given the key.
            raise SourceUnavailable(
                "git.githubApp.privateKey: is no private RSA key in PEM format, or has a passphrase",
                code=Code.SOURCE_CREDENTIALS,
            ) from None

    async def _exchange(self, statement: str) -> tuple[int, bytes]:
        url = f"{_api(self._remote)}/app/installations/{self._app.installation}/access_tokens"
        headers = {
            "Authorization": f"Bearer {statement}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "stateward",
        }
        proxy = self._proxy.read()[0] if self._proxy else None
        async with (
            httpx.AsyncClient(
                verify=_trusted(self._ca_file),
                proxy=proxy,
                trust_env=proxy is None,  # the proxy of the surroundings, as git takes it
                follow_redirects=False,
            ) as client,
            client.stream("POST", url, headers=headers, json=_asked(self._remote)) as response,
        ):
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    raise self._failed("its answer is too large", Code.FETCH)
            return response.status_code, body

    def _understood(self, status: int, answer: bytes) -> tuple[str, float]:
        try:
            found: Any = json.loads(answer)
            if status == HTTPStatus.CREATED:
                token = one_line("token", lambda: str(found["token"]))
                return token, datetime.fromisoformat(found["expires_at"]).timestamp() - _EARLY
            said = shown(masked(str(found["message"])))
        except (ValueError, KeyError, TypeError):
            said = "an answer that cannot be read"
        refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        code = Code.SOURCE_CREDENTIALS if refused else Code.FETCH
        raise self._failed(f"no token for the app {self._app.id}: {status}: {said}", code)

    def _unreachable(self, error: httpx.HTTPError) -> SourceRefused | SourceUnavailable:
        if isinstance(error, httpx.ProxyError):
            return self._failed("the proxy does not let us through", Code.SOURCE_CREDENTIALS)
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return SourceRefused(
                    f"{_api(self._remote)}: its certificate is not trusted: git.caFile names the"
                    f" authority that signed it: {cause.verify_message}",
                    code=Code.SOURCE_UNTRUSTED,
                )
            cause = cause.__cause__ or cause.__context__
        return self._failed(f"cannot be reached: {type(error).__name__}", Code.FETCH)

    def _failed(self, what: str, code: Code) -> SourceUnavailable:
        return SourceUnavailable(f"{_api(self._remote)}: {what}", code=code)


def _api(remote: Remote) -> str:
    """Return where GitHub's API is, for a repository there or on a server of one's own."""
    parts = urlsplit(remote.url)
    host = parts.hostname or ""
    if host == "github.com" or host.endswith(".ghe.com"):
        return f"https://api.{parts.netloc}"
    return f"https://{parts.netloc}/api/v3"


def _asked(remote: Remote) -> dict[str, Any]:
    name = unquote(urlsplit(remote.url).path).rstrip("/").rpartition("/")[2].removesuffix(".git")
    return {"repositories": [name], "permissions": {"contents": "read"}}


def _trusted(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "holds no certificate"
        raise SourceUnavailable(f"git.caFile: {ca_file}: {reason}") from error
