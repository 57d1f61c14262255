"""What the image is made of, in a directory, and the daemon in it as a pod of the chart would run it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from repositories import Repository
from sshd import keypair, sshd
from stateward import __version__

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


def in_pod(root: Path, *command: str, user: int = 10001, group: int = 10001) -> str:
    """Return what a command in a pod prints, or says on its way out."""
    own = ["unshare", "--mount", "--propagation", "private", "sh", "-c", POD, "sh", root]
    done = subprocess.run(
        [*map(str, own), str(user), str(group), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("user", "group"), [(10001, 10001), (123456, 0)], ids=["own", "any"])
def test_round_is_run_under_the_restrictions_of_a_pod(root: Path, user: int, group: int) -> None:
    told = in_pod(root, "sh", "-c", ROUND, user=user, group=group)
    assert "41 writes." in told, told


@pytest.fixture
def private(root: Path, tmp_path: Path) -> Iterator[str]:
    """Where the example is in a private repository: a configuration for it, within the image."""
    repo = Repository(tmp_path / "site")
    shutil.copytree(ROOT / "examples" / "site", repo.path, dirs_exist_ok=True)
    repo.commit("first")
    given = root / "src" / "private"
    given.mkdir()
    key = keypair(given / "key")
    key.chmod(0o444)  # as a volume has it: it is for its owner alone once it is used
    with sshd(tmp_path / "sshd", key.with_suffix(".pub")) as server:
        (given / "known_hosts").write_text(server.known())
        (given / "stateward.yaml").write_text(
            f"sources: [{{git: {{url: '{server.url(repo.path)}', sshKey: {{file: key}},"
            " knownHosts: {file: known_hosts}}}]\n"
            "target: {url: 'sqlite:////var/lib/stateward/target.db', token: null}\n"
        )
        yield "/src/private/stateward.yaml"
    shutil.rmtree(given)


@pytest.mark.parametrize(("user", "group"), [(10001, 10001), (123456, 0)], ids=["own", "any"])
def test_repository_is_had_over_ssh(root: Path, private: str, user: int, group: int) -> None:
    told = in_pod(root, "stateward", "run", "--once", "--config", private, user=user, group=group)
    assert "41 writes." in told, told


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
    left_out = (ROOT / ".containerignore").read_text().splitlines()
    for name in ("requirements-image.txt", "requirements-image-build.txt", "src", "build"):
        assert f"!{name}" in left_out
