"""What tests of all floors share."""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

import clusters
import live

_SHARED = Path(__file__).parents[2] / "shared" / "data"
_LEFT_OUT = pytest.StashKey[dict[str, int]]()
_KUBECONFIG = pytest.StashKey[str | None]()
_LAB = pytest.StashKey[live.Lab | None]()
_IN_VAIN = pytest.StashKey[int]()
_LAST = pytest.StashKey[BaseException | None]()
_GIVEN_UP = 5
"""Tests of a server that fail one after the other before it is said to be the server."""
_PATIENCE = 600
"""Seconds for a test of a server: on a small machine it takes its time now and then."""
_NEEDS = {
    "shared": "real repositories beside this checkout",
    "live": "a real Infrahub server",
    "helm": "helm",
    "image": "root, and debootstrap",
    "kube": "a Kubernetes API server",
    "postgres": "the programs of a PostgreSQL server",
}
"""What tests may need that a checkout alone has not, by the marker and the option of that name."""
_FIXTURES = {own: own for own in _NEEDS} | {"shared_data": "shared", "lab": "live"}
"""The markers that go with fixtures."""

# To make a failing example smaller takes longer than a test may: "thorough" does it, for one test.
_PHASES = set(Phase) - {Phase.shrink, Phase.explain}
settings.register_profile(
    "default", deadline=None, derandomize=True, max_examples=40, phases=_PHASES
)
settings.register_profile(
    "nightly", deadline=None, max_examples=200, phases=_PHASES, print_blob=True
)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shared",
        action="store_true",
        help="run the tests that need the real repositories beside this checkout",
    )
    parser.addoption(
        "--update-golden", action="store_true", help="write what the golden cases expect"
    )
    parser.addoption(
        "--live",
        action="store_true",
        help="run the tests that need a server: INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name it",
    )
    parser.addoption(
        "--helm", action="store_true", help="run the tests that need helm, which is on the PATH"
    )
    parser.addoption(
        "--image", action="store_true", help="make what is in the image: as root, with debootstrap"
    )
    parser.addoption(
        "--kube",
        action="store_true",
        help="run the tests that need a Kubernetes API server: KUBECONFIG names it",
    )
    parser.addoption(
        "--postgres",
        action="store_true",
        help="run the tests that need a PostgreSQL server: its programs are on this machine",
    )


def pytest_configure(config: pytest.Config) -> None:
    for marker, what in _NEEDS.items():
        config.addinivalue_line("markers", f"{marker}: needs {what}")
    config.addinivalue_line("markers", "long: takes many minutes on a small machine")
    config.stash[_LAB] = live.from_environment()
    config.stash[_IN_VAIN] = 0
    config.stash[_LAST] = None
    config.stash[_KUBECONFIG] = os.environ.get("KUBECONFIG")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for fixture, marker in _FIXTURES.items():
            if fixture in fixtures:
                item.add_marker(marker)
        if item.get_closest_marker("live") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_PATIENCE))
    left_out = {}
    for marker in _NEEDS:
        needing = [item for item in items if item.get_closest_marker(marker)]
        if needing and not config.getoption(f"--{marker}"):
            items[:] = [item for item in items if item not in needing]
            left_out[marker] = len(needing)
    config.stash[_LEFT_OUT] = left_out


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do not wait minutes for each of hundreds of tests for a server that is not to be had."""
    if item.get_closest_marker("live") and item.config.stash[_IN_VAIN] >= _GIVEN_UP:
        pytest.fail(
            f"not run: {_GIVEN_UP} tests in turn failed, is the server well?", pytrace=False
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # What a fixture of many tests failed with is raised again for each of them: it is one failure.
    error = call.excinfo.value if call.excinfo else None
    again = error is not None and error is item.config.stash[_LAST]
    if error is not None:
        item.config.stash[_LAST] = error
    if item.get_closest_marker("live") and not again and (report.failed or report.when == "call"):
        item.config.stash[_IN_VAIN] = item.config.stash[_IN_VAIN] + 1 if report.failed else 0
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for marker, count in config.stash.get(_LEFT_OUT, {}).items():
        terminalreporter.write_line(f"{count} tests need {_NEEDS[marker]}: .ci/run runs them")


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> live.Lab:
    """A real server."""
    found = pytestconfig.stash[_LAB]
    if found is None:
        pytest.skip("INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name no server")
    return found


@pytest.fixture(scope="session")
def helm() -> str:
    """The real program."""
    found = shutil.which("helm")
    if found is None:
        pytest.skip("there is no helm on the PATH")
    return found


@pytest.fixture(scope="session")
def image() -> str:
    """The program that makes a Debian in a directory."""
    found = shutil.which("debootstrap")
    if found is None or os.geteuid() != 0:
        pytest.skip("there is no debootstrap, or it is not run as root")
    return found


@pytest.fixture(scope="session")
def kube(pytestconfig: pytest.Config) -> str:
    """The KUBECONFIG of a real API server."""
    found = pytestconfig.stash[_KUBECONFIG]
    if not found:
        pytest.skip("KUBECONFIG names no API server")
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[clusters.Cluster]:
    """A real PostgreSQL server, of this run alone."""
    found = clusters.programs()
    if found is None:
        pytest.skip("there are no programs of a PostgreSQL server")
    with clusters.running(found) as own:
        yield own


@pytest.fixture
def database(postgres: clusters.Cluster) -> clusters.Database:
    """A new database on it."""
    return postgres.database()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real schemas, objects and their history; a checkout of this repository alone has none."""
    if not _SHARED.is_dir():
        pytest.skip("the real repositories are not beside this checkout")
    return _SHARED


@pytest.fixture(autouse=True)
def _no_server_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own server out of tests that do not ask for one."""
    for name in [own for own in os.environ if own.startswith(("INFRAHUB_", "KUBE", "PG"))]:
        monkeypatch.delenv(name)
