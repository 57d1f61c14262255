"""What tests of all floors share."""

from pathlib import Path

import pytest
from hypothesis import settings

_SHARED = Path(__file__).parents[2] / "shared" / "data"

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
    wanted = config.getoption("--shared")
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("shared")
            if not wanted:
                item.add_marker(pytest.mark.skip(reason="needs real repositories: see .ci/run"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real schemas, objects and their history; a checkout of this repository alone has none."""
    if not _SHARED.is_dir():
        pytest.skip("the real repositories are not beside this checkout")
    return _SHARED
