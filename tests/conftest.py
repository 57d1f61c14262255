"""What tests of all floors share."""

from pathlib import Path

import pytest

_SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real schemas, objects and their history; a checkout of this repository alone has none."""
    if not _SHARED.is_dir():
        pytest.skip(f"needs the real schemas and objects of {_SHARED}")
    return _SHARED
