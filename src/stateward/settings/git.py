"""A repository, and how to be let in where not everybody is."""

import re
from datetime import timedelta
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from stateward.settings.base import Limit, Model, SecretReference, Size
from stateward.sources import address

_HTTPS = ("token", "username", "password", "github_app", "ca_file", "proxy", "proxy_password")
_SSH = ("ssh_key", "known_hosts")
_REMOTE = (*_HTTPS, *_SSH, "fetch_timeout", "depth", "max_size")


def _proxy(given: str) -> str:
    try:
        parts = urlsplit(given)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or not given.isascii() or not given.isprintable():
        raise ValueError("expected http://host:port or http://user@host:port")
    if parts.password is not None:
        raise ValueError("leave the password out, and give it as proxyPassword: {file: …}")
    return given


def _app_id(given: Any) -> str:
    """Take the number of an app, or the client id that GitHub shows beside it."""
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else ""
    if not re.fullmatch(r"[A-Za-z0-9.]{1,64}", text):
        raise ValueError("expected the app's number, or its client id")
    return text


class GithubAppSettings(Model):
    """An app of GitHub's that is installed where the repository is."""

    app_id: Annotated[
        str, BeforeValidator(_app_id), WithJsonSchema({"type": ["string", "integer"]})
    ]
    installation_id: Annotated[int, Field(ge=1)]
    private_key: SecretReference


class VerifySettings(Model):
    """Who has to have signed a commit for it to count."""

    allowed_signers: SecretReference | None = None
    """SSH keys, as lines of an allowed signers file, see ssh-keygen(1)."""
    gpg_keys: SecretReference | None = None
    """Armoured public keys of OpenPGP."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.allowed_signers is None and self.gpg_keys is None:
            raise ValueError("give allowedSigners: {file: …}, or gpgKeys: {file: …}, or both")
        return self


class GitSettings(Model):
    """A repository and the ref that is followed."""

    url: str
    ref: str = "HEAD"
    interval: Limit = timedelta(seconds=60)
    """How often the daemon asks whether there is a new commit."""
    token: SecretReference | None = None
    username: str | None = None
    """Whose the password is; with a token what its kind is called, where a forge wants that."""
    password: SecretReference | None = None
    github_app: GithubAppSettings | None = None
    ssh_key: SecretReference | None = None
    known_hosts: SecretReference | None = None
    """The keys of the hosts that may be talked to, as ssh keeps them."""
    verify: VerifySettings | None = None
    """Whose signature a commit has to bear; anybody's is enough where it is not given, or none."""
    ca_file: str | None = None
    proxy: Annotated[str, AfterValidator(_proxy)] | None = None
    proxy_password: SecretReference | None = None
    timeout: Limit = timedelta(minutes=2)
    """For one run of git on what is here already."""
    fetch_timeout: Limit = timedelta(minutes=10)
    """For one clone or fetch."""
    depth: Annotated[int | None, Field(ge=1)] = None
    """Commits of each branch that the mirror has; all of them where it is not given."""
    max_size: Size = 5 << 30
    """How large the mirror may get."""

    @model_validator(mode="after")
    def _fits_its_address(self) -> Self:
        scheme = address.scheme(self.url)
        if scheme == "file":
            self._refuse(_REMOTE, "a repository of this machine is read in place")
        elif scheme == "ssh":
            self._refuse(_HTTPS, "an ssh:// address takes sshKey and knownHosts")
            if self.known_hosts is None:
                raise ValueError(
                    "an ssh:// address needs knownHosts: {file: …}: without it anybody could"
                    " answer in the host's name"
                )
        else:
            self._refuse(_SSH, "an https:// address takes token, or username and password")
        if scheme == "http":
            self._refuse(_HTTPS, "over http:// others could read them: use https://")
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = (self.token, self.password, self.github_app)
        if sum(own is not None for own in ways) > 1:
            raise ValueError("give one of token, password and githubApp")
        if self.password is not None and self.username is None:
            raise ValueError("password: whose is it? Give username as well")
        if self.username is not None and self.token is None and self.password is None:
            raise ValueError("username: give password or token as well")
        if self.proxy_password is not None and not (self.proxy and urlsplit(self.proxy).username):
            raise ValueError("proxyPassword: whose is it? Give proxy: http://user@host:port")
        return self

    def _refuse(self, names: tuple[str, ...], why: str) -> None:
        given = [own for own in names if own in self.model_fields_set]
        if given:
            keys = ", ".join(str(type(self).model_fields[own].alias) for own in given)
            raise ValueError(f"{keys}: {why}")
