"""What the image is made of, in a directory, and the daemon in it as a pod of the chart would run it."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from commands import edit
from loopback import free_port
from repositories import Repository
from signing import Key, gpg_key, ssh_key
from sshd import keypair, sshd
from stateward import __version__
from tending import LEAVES, Process

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[2]
SUITE = "trixie"
"""The Debian that the Containerfile begins with."""
PIN = re.compile(r"^([a-z0-9-]+)==([^ ]+) \\$", re.MULTILINE)
POD = """
set -e
cd "$1"
mount --bind . . && cd "$1" && mount -o remount,bind,ro .
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=0775,uid="$2",gid="$3" tmpfs var/lib/stateward
mount -t proc proc proc
mount --bind /dev dev
shift && user=$1 group=$2 && shift 2
exec chroot . env -i PATH=/opt/stateward/bin:/usr/bin:/bin HOME=/var/lib/stateward \\
    STATEWARD_STATE=sqlite:////var/lib/stateward/state.db PYTHONDONTWRITEBYTECODE=1 \\
    setpriv --reuid "$user" --regid "$group" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \\
    tini -s -- "$@"
"""
"""Read-only but for two directories, another user, no capabilities, no way back to any."""
ROUND = """
cd /var/lib/stateward && cp -r /src/examples/site . && cd site
git init -q && git add -A && git -c user.name=a -c user.email=a@example commit -qm first
exec stateward run --once --target sqlite:////var/lib/stateward/target.db
"""


@pytest.fixture(scope="session")
def root(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Debian, and in it what the image has."""
    made = tmp_path_factory.mktemp("image") / "root"
    _run(image, "--variant=minbase", SUITE, made, *_mirror())
    (made / "src").mkdir()
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        if (ROOT / name).is_file():
            (made / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, made / "src" / name)
    trusted = os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt")
    shutil.copy(trusted, made / "tmp" / "trusted.pem")
    for step in ("application", "system"):
        _run("chroot", made, "/usr/bin/env", "-i", *_way_out(), "/src/build/rootfs", step)
    yield made
    shutil.rmtree(made)


def _way_out() -> list[str]:
    """Packages come from where this machine has them from, and it is trusted whom it trusts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"} or name.lower().endswith("_proxy")
    }
    kept |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PIP_CERT": "/tmp/trusted.pem"}  # noqa: S108
    return [f"{name}={value}" for name, value in kept.items()]


def _mirror() -> list[str]:
    """Where this machine has a Debian's packages from, if it says so in the newer form."""
    texts = [file.read_text() for file in Path("/etc/apt").rglob("*.sources")]
    found = (re.search(r"^URIs: *(\S+/debian/?)$", text, re.MULTILINE) for text in texts)
    return [own[1] for own in found if own][:1]


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def pod(root: Path, user: int = 10001, group: int = 10001) -> list[str]:
    """Return what makes a command run as in a pod: the process that it is becomes the pod's first."""
    own = ["unshare", "--mount", "--propagation", "private", "sh", "-c", POD, "sh", root]
    return [*map(str, own), str(user), str(group)]


def in_pod(root: Path, *command: str, user: int = 10001, group: int = 10001) -> str:
    """Return what a command in a pod prints, or says on its way out."""
    done = subprocess.run(
        [*pod(root, user, group), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


users = pytest.mark.parametrize(
    ("user", "group"), [(10001, 10001), (123456, 0)], ids=["own", "any"]
)


@users
def test_round_is_run_under_the_restrictions_of_a_pod(root: Path, user: int, group: int) -> None:
    told = in_pod(root, "sh", "-c", ROUND, user=user, group=group)
    assert "41 writes." in told, told


@dataclass(frozen=True)
class Private:
    """A private repository of signed commits: a configuration for it, within the image."""

    repo: Repository
    config: str
    port: int
    """Where the daemon answers."""
    ssh: Key
    gpg: Key


@pytest.fixture
def private(root: Path, tmp_path: Path) -> Iterator[Private]:
    """Give the example, whose first commit is signed by an SSH key."""
    repo = Repository(tmp_path / "site")
    shutil.copytree(ROOT / "examples" / "site", repo.path, dirs_exist_ok=True)
    signer = ssh_key(tmp_path / "signer")
    signer.commit(repo, "first")
    port = free_port()
    given = root / "src" / "private"
    given.mkdir()
    key = keypair(given / "key")
    key.chmod(0o444)  # as a volume has it: it is for its owner alone once it is used
    with sshd(tmp_path / "sshd", key.with_suffix(".pub")) as server, gpg_key() as other:
        (given / "known_hosts").write_text(server.known())
        (given / "signers").write_text(signer.public)
        (given / "keys.asc").write_text(other.public)
        (given / "stateward.yaml").write_text(
            f"sources: [{{git: {{url: '{server.url(repo.path)}', interval: 1s, sshKey: {{file: key}},"
            " knownHosts: {file: known_hosts},"
            " verify: {allowedSigners: {file: signers}, gpgKeys: {file: keys.asc}}}}]\n"
            "target: {url: 'sqlite:////var/lib/stateward/target.db', token: null}\n"
            f"server: {{listen: '127.0.0.1:{port}'}}\n"
        )
        yield Private(repo, "/src/private/stateward.yaml", port, signer, other)
    shutil.rmtree(given)


@users
def test_repository_is_had_over_ssh(root: Path, private: Private, user: int, group: int) -> None:
    command = ("stateward", "run", "--once", "--config", private.config)
    told = in_pod(root, *command, user=user, group=group)
    assert "41 writes." in told, told


@users
def test_daemon_follows_signed_commits_and_ends_when_told(
    root: Path, private: Private, user: int, group: int
) -> None:
    command = [*pod(root, user, group), "stateward"]
    with Process(root, "--config", private.config, command=command) as daemon:
        first = daemon.until("round", within=120, trigger="start")
        assert first["writes"] == 41
        answer = httpx.get(f"http://127.0.0.1:{private.port}/readyz")
        assert answer.status_code == httpx.codes.OK, answer.text
        edit(private.repo, LEAVES, "mtu: 9214", "mtu: 9000")
        private.repo.commit("by anybody")
        refused = daemon.until("source-failed")
        assert "SW2011" in refused["message"]
        commit = private.gpg.commit(private.repo, "by a key of the other kind")
        assert daemon.until("round", trigger="commit")["revision"] == commit
        daemon.signal(signal.SIGTERM)
        assert daemon.end() == 0


def test_has_the_programs_that_it_needs(root: Path) -> None:
    told = in_pod(root, "sh", "-c", "git --version && ssh -V && gpg --version && tini --version")
    for program in ("git version", "OpenSSH", "gpg (GnuPG)", "tini version"):
        assert program in told


def test_can_write_to_nothing_else_and_has_no_rights(root: Path) -> None:
    told = in_pod(root, "sh", "-c", "touch /etc/x /opt/stateward/x; grep Cap /proc/self/status")
    assert told.count("Read-only file system") == 2
    assert "CapEff:\t0000000000000000" in told
    assert "CapBnd:\t0000000000000000" in told


def test_brings_what_clusters_and_traces_need(root: Path) -> None:
    program = "import lightkube, opentelemetry.sdk, stateward; print(stateward.__version__)"
    assert in_pod(root, "python", "-c", program).strip() == __version__


def test_has_no_way_to_install_more(root: Path) -> None:
    assert "No module named pip" in in_pod(root, "python", "-m", "pip")


def test_says_what_is_in_it(root: Path) -> None:
    found = json.loads((root / "opt/stateward/sbom.cdx.json").read_text())
    assert found["bomFormat"] == "CycloneDX"
    versions = {
        own["name"].lower().replace("_", "-"): own["version"] for own in found["components"]
    }
    pinned = dict(PIN.findall((ROOT / "requirements-image.txt").read_text()))
    assert "click" in pinned
    assert pinned.items() <= versions.items()


def test_is_what_the_containerfile_makes() -> None:
    text = (ROOT / "Containerfile").read_text()
    assert "build/rootfs application" in text
    assert "build/rootfs system" in text
    assert f"ARG VERSION={__version__}\n" in text
    left_out = (ROOT / ".containerignore").read_text().splitlines()
    for name in ("requirements-image.txt", "requirements-image-build.txt", "src", "build"):
        assert f"!{name}" in left_out
