"""Commits that have to be signed: by the keys that are configured, whatever a repository says."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repositories import Repository, executable, far
from signing import Key, gpg_key, ssh_key
from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.sources.repository import RepositorySource
from stateward.sources.signatures import Signatures


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def ada(tmp_path: Path) -> Key:
    return ssh_key(tmp_path / "ada")


@pytest.fixture
def eve(tmp_path: Path) -> Key:
    return ssh_key(tmp_path / "eve")


@pytest.fixture
def ada_gpg() -> Iterator[Key]:
    with gpg_key() as own:
        yield own


@pytest.fixture
def eve_gpg() -> Iterator[Key]:
    with gpg_key() as own:
        yield own


Given = str | Callable[[], str] | None


def given(own: Given) -> Callable[[], str] | None:
    return (lambda: own) if isinstance(own, str) else own


def source(
    repository: Repository, *, signers: Given = None, keys: Given = None
) -> RepositorySource:
    return RepositorySource(
        repository.path,
        revision="HEAD",
        timeout=30,
        signatures=Signatures(signers=given(signers), keys=given(keys), timeout=30),
    )


async def refused(own: RepositorySource, commit: str) -> str:
    with pytest.raises(SourceRefused) as error:
        await own.vouch(commit)
    assert error.value.code is Code.NOT_SIGNED
    assert commit[:12] in str(error.value)
    return str(error.value)


def made(repository: Repository, text: str) -> str:
    """Make a commit of its very text."""
    return repository.git("hash-object", "-t", "commit", "-w", "--stdin", input=text.encode())


async def one_counts(
    own: RepositorySource, repository: Repository, known: Key, stranger: Key
) -> tuple[str, str, str]:
    """Hold that of three commits the one of a known key counts, and no other.

    Returns the other two, unsigned and a stranger's, and what was said of the first of them.
    """
    unsigned = repository.commit()
    good = known.commit(repository)
    bad = stranger.commit(repository)
    await own.vouch(good)
    return unsigned, bad, await refused(own, unsigned)


def with_signature(repository: Repository, commit: str, lines: list[str]) -> str:
    """Make a commit like another one, with a signature of anybody's making."""
    head, _, message = repository.git("cat-file", "commit", commit).partition("\n\n")
    return made(repository, "\n".join([head, *lines, "", message]))


async def test_nothing_is_asked_of_commits_unless_it_is_configured(repository: Repository) -> None:
    commit = repository.commit()
    await RepositorySource(repository.path, revision="HEAD", timeout=30).vouch(commit)


class TestSsh:
    async def test_only_known_signers_count(
        self, repository: Repository, ada: Key, eve: Key
    ) -> None:
        own = source(repository, signers=ada.public)
        unsigned, bad, said = await one_counts(own, repository, ada, eve)
        assert "is not signed: nothing of it is done" in said
        said = await refused(own, bad)
        assert "signed by nobody that git.verify names" in said
        assert "No principal matched" in said
        both = source(repository, signers=f"# us\n{ada.public}\n{eve.public}")
        await both.vouch(bad)
        with pytest.raises(SourceRefused):  # a signature is of one commit, and of no other
            await both.vouch(unsigned)

    async def test_what_is_signed_cannot_be_changed(self, repository: Repository, ada: Key) -> None:
        commit = ada.commit(repository, "as it was")
        text = repository.git("cat-file", "commit", commit).replace("as it was", "otherwise")
        other = made(repository, text)
        own = source(repository, signers=ada.public)
        await own.vouch(commit)
        assert "incorrect signature" in await refused(own, other)

    async def test_keys_of_the_other_kind_do_not_count(
        self, repository: Repository, ada: Key, ada_gpg: Key
    ) -> None:
        by_ssh, by_gpg = ada.commit(repository), ada_gpg.commit(repository)
        await refused(source(repository, keys=ada_gpg.public), by_ssh)
        await refused(source(repository, signers=ada.public), by_gpg)
        both = source(repository, signers=ada.public, keys=ada_gpg.public)
        await both.vouch(by_ssh)
        await both.vouch(by_gpg)

    async def test_they_are_read_each_time(
        self, repository: Repository, ada: Key, eve: Key
    ) -> None:
        known = [ada.public]
        own = source(repository, signers=lambda: known[0])
        commit = ada.commit(repository)
        await own.vouch(commit)
        known[0] = eve.public
        await refused(own, commit)

    async def test_what_cannot_be_read_is_told(self, repository: Repository) -> None:
        def unreadable() -> str:
            raise SourceUnavailable("signers: no such file", code=Code.SOURCE_CREDENTIALS)

        own = source(repository, signers=unreadable)
        with pytest.raises(SourceUnavailable, match="no such file"):
            await own.vouch(repository.commit())

    async def test_a_signer_counts_as_long_as_it_says(
        self, repository: Repository, ada: Key
    ) -> None:
        commit = ada.commit(repository)  # of 2024
        mail, _, key = ada.public.partition(" ")
        await source(repository, signers=f'{mail} valid-before="20250101" {key}').vouch(commit)
        await refused(source(repository, signers=f'{mail} valid-before="20230101" {key}'), commit)

    async def test_a_tag_is_not_what_has_to_be_signed(
        self, repository: Repository, ada: Key
    ) -> None:
        commit = repository.commit()
        repository.git(*ada.options, "tag", "-s", "-m", "a release", "v1")
        own = source(repository, signers=ada.public)
        await refused(own, (await own.checkout("v1")).revision)
        assert (await own.checkout("v1")).revision == commit

    async def test_of_a_mirror_the_same_counts(
        self, repository: Repository, ada: Key, tmp_path: Path
    ) -> None:
        signatures = Signatures(signers=lambda: ada.public, timeout=30)
        own = far(repository.path, tmp_path / "cache", signatures=signatures)
        ada.commit(repository)
        await own.vouch((await own.checkout()).revision)
        repository.commit()
        with pytest.raises(SourceRefused, match="is not signed"):
            await own.vouch((await own.checkout()).revision)

    async def test_a_commit_that_is_lost_is_not_told_as_one_that_is_not_signed(
        self, repository: Repository, ada: Key
    ) -> None:
        ada.commit(repository)
        with pytest.raises(SourceRefused) as error:
            await source(repository, signers=ada.public).vouch("0" * 40)
        assert error.value.code is Code.CORRUPT_REPOSITORY


class TestGpg:
    async def test_only_known_keys_count(
        self, repository: Repository, ada_gpg: Key, eve_gpg: Key
    ) -> None:
        own = source(repository, keys=ada_gpg.public)
        _, bad, _ = await one_counts(own, repository, ada_gpg, eve_gpg)
        assert "No public key" in await refused(own, bad)
        await source(repository, keys=f"{ada_gpg.public}\n{eve_gpg.public}").vouch(bad)

    async def test_no_key_at_all_is_told(self, repository: Repository, ada_gpg: Key) -> None:
        commit = ada_gpg.commit(repository)
        with pytest.raises(SourceRefused, match=r"git\.verify\.gpgKeys: no key can be read"):
            await source(repository, keys="ssh-ed25519 AAAA").vouch(commit)

    async def test_without_the_program_it_is_told(
        self, repository: Repository, ada_gpg: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit = ada_gpg.commit(repository)
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        with pytest.raises(SourceRefused, match="gpg is not installed"):
            await source(repository, keys=ada_gpg.public).vouch(commit)
        with pytest.raises(SourceUnavailable, match="its signature cannot be checked"):
            await source(repository, signers="# nobody").vouch(commit)


class TestHostile:
    @pytest.mark.parametrize("kind", ["ssh", "gpg", "x509"])
    async def test_what_a_repository_configures_has_no_say(
        self, repository: Repository, tmp_path: Path, eve: Key, eve_gpg: Key, kind: str
    ) -> None:
        good = '[GNUPG:] NEWSIG\\n[GNUPG:] GOODSIG 0 Eve\\n[GNUPG:] VALIDSIG 0\\nGood "git" signature for eve with x key y'
        yes = executable(tmp_path / "yes", [f"touch {tmp_path}/ran", f"printf '{good}\\n'"])
        for name in ("program", "openpgp.program", "ssh.program", "x509.program"):
            repository.git("config", f"gpg.{name}", str(yes))
        (tmp_path / "signers").write_text(eve.public)
        repository.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "signers"))
        repository.git("config", "gpg.minTrustLevel", "undefined")
        # A program of the repository would be asked to sign as well.
        overruled = ("-c", "gpg.program=gpg", "-c", "gpg.ssh.program=ssh-keygen")
        overruled += ("-c", "gpg.openpgp.program=gpg")
        signer = eve if kind == "ssh" else eve_gpg
        commit = Key(signer.public, (*signer.options, *overruled), signer.home).commit(repository)
        if kind == "x509":
            lines = [
                "gpgsig -----BEGIN SIGNED MESSAGE-----",
                " AAAA",
                " -----END SIGNED MESSAGE-----",
            ]
            commit = with_signature(repository, repository.commit(), lines)
        await refused(source(repository, signers="# nobody"), commit)
        assert not (tmp_path / "ran").exists()

    async def test_what_is_signed_as_forges_no_line(self, repository: Repository, ada: Key) -> None:
        commit = repository.commit()
        lines = [
            "gpgsig -----BEGIN SSH SIGNATURE-----",
            " \x1b[2J\x07",
            " -----END SSH SIGNATURE-----",
        ]
        said = await refused(
            source(repository, signers=ada.public), with_signature(repository, commit, lines)
        )
        assert said.isprintable()

    async def test_another_commit_in_its_place_does_not_count(
        self, repository: Repository, ada: Key
    ) -> None:
        good, bad = ada.commit(repository), repository.commit()
        repository.git("replace", bad, good)
        await refused(source(repository, signers=ada.public), bad)

    async def test_nothing_is_left(
        self,
        repository: Repository,
        ada: Key,
        ada_gpg: Key,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
        own = source(repository, signers=ada.public, keys=ada_gpg.public)
        await own.vouch(ada.commit(repository))
        await refused(own, repository.commit())
        assert list((tmp_path / "tmp").iterdir()) == []
