"""From an address to a source: which one it is, and how to be let in."""

import time
from dataclasses import replace
from pathlib import Path

from stateward.errors import Code, ConfigError, SourceUnavailable
from stateward.ports import Source
from stateward.settings import GithubAppSettings, GitSettings, SecretReference
from stateward.sources import address
from stateward.sources.access import OPEN, Access, Secret
from stateward.sources.address import Remote
from stateward.sources.folder import FolderSource
from stateward.sources.https import HttpsAccess, Login, Password, Proxy
from stateward.sources.remote import RemoteSource
from stateward.sources.repository import RepositorySource
from stateward.sources.signatures import Signatures
from stateward.sources.ssh import SshAccess
from stateward.wiring.place import Place
from stateward.wiring.secrets import fetched

SCHEMES = frozenset({"https", "ssh"})
_HERE = "."
_TOKEN_USER = "x-access-token"  # noqa: S105 - a name, which forges take with any kind of token


def open_source(
    named: str | None, configured: GitSettings | None, place: Place, *, worktree: bool
) -> Source:
    """Open the repository that a command names, else the configured one, else this directory.

    What is configured is for the configured address alone: of one that is named beside it nothing
    is known but the address.
    """
    url = named or (configured.url if configured else _HERE)
    # An address alone is no mistake, whatever the configuration would have to say with it.
    alone = GitSettings.model_construct(url=url)
    git = configured if configured and configured.url == url else alone
    ref = git.ref if named is None else "HEAD"
    timeout = git.timeout.total_seconds()
    path = address.local_path(url)
    if worktree:
        if path is None:
            raise ConfigError(f"--worktree: {url} is not a directory of this machine")
        return FolderSource(path, timeout=timeout)
    signatures = _signatures(git, place.home)
    if path is not None:
        return RepositorySource(path, revision=ref, timeout=timeout, signatures=signatures)
    remote = address.remote(url, schemes=SCHEMES)
    return RemoteSource(
        remote,
        cache=place.kept / "mirrors",
        revision=ref,
        timeout=timeout,
        fetch_timeout=git.fetch_timeout.total_seconds(),
        limit=git.max_size,
        depth=git.depth,
        access=_access(remote, git, place.home),
        signatures=signatures,
    )


def _signatures(git: GitSettings, home: Path) -> Signatures | None:
    if git.verify is None:
        return None
    return Signatures(
        signers=_secret("git.verify.allowedSigners", git.verify.allowed_signers, home),
        keys=_secret("git.verify.gpgKeys", git.verify.gpg_keys, home),
        timeout=git.timeout.total_seconds(),
    )


def _access(remote: Remote, git: GitSettings, home: Path) -> Access:
    if remote.scheme == "ssh":
        # Without, ssh goes by the settings and the known hosts of whoever runs this.
        known = _secret("git.knownHosts", git.known_hosts, home)
        return (
            SshAccess(known_hosts=known, key=_secret("git.sshKey", git.ssh_key, home))
            if known
            else OPEN
        )
    proxy_password = _secret("git.proxyPassword", git.proxy_password, home)
    own = HttpsAccess(
        remote=remote,
        login=_login(git, home),
        ca_file=home / git.ca_file if git.ca_file is not None else None,
        proxy=Proxy(url=git.proxy, password=proxy_password) if git.proxy is not None else None,
    )
    return replace(own, login=_app(own, git.github_app, home)) if git.github_app else own


def _app(access: HttpsAccess, app: GithubAppSettings, home: Path) -> Login:
    # Signing takes a large library, which nobody else waits for.
    from stateward.sources.github import App, GithubLogin

    key = _reading("git.githubApp.privateKey", app.private_key, home)
    return GithubLogin(
        App(id=app.app_id, installation=app.installation_id, key=key),
        access.remote,
        ca_file=access.ca_file,
        proxy=access.proxy,
        now=time.time,
    )


def _login(git: GitSettings, home: Path) -> Login | None:
    for name, reference in (("git.token", git.token), ("git.password", git.password)):
        found = _secret(name, reference, home)
        if found is not None:
            return Password(username=git.username or _TOKEN_USER, name=name, secret=found)
    return None


def _secret(name: str, reference: SecretReference | None, home: Path) -> Secret | None:
    return None if reference is None else _reading(name, reference, home)


def _reading(name: str, reference: SecretReference, home: Path) -> Secret:
    """Return what reads a secret, as often as it is asked: secrets are changed while we run."""

    def read() -> str:
        try:
            return fetched(name, reference, home)
        except ConfigError as error:
            raise SourceUnavailable(str(error.args[0]), code=Code.SOURCE_CREDENTIALS) from error

    return read
