"""What tests of all floors share."""

from pathlib import Path

import pytest
from hypothesis import settings

_SHARED = Path(__file__).parents[2] / "shared" / "data"
_LEFT_OUT = pytest.StashKey[int]()

settings.register_profile("default", deadline=None, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shared",
        action="store_true",
        help="run the tests that need the real repositories beside this checkout",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shared: needs the real repositories beside this checkout")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    needing = [item for item in items if "shared_data" in getattr(item, "fixturenames", ())]
    for item in needing:
        item.add_marker("shared")
    if needing and not config.getoption("--shared"):
        items[:] = [item for item in items if item not in needing]
        config.stash[_LEFT_OUT] = len(needing)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if left_out := config.stash.get(_LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{left_out} tests need real repositories beside this checkout: .ci/run runs them"
        )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real schemas, objects and their history; a checkout of this repository alone has none."""
    if not _SHARED.is_dir():
        pytest.skip("the real repositories are not beside this checkout")
    return _SHARED
