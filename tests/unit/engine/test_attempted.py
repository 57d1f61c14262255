"""What an interrupted round may have written, and may not have written."""

from pathlib import Path

import pytest

from rounds import Workshop, objects
from stateward.errors import Code
from stateward.model.mutation import Mutation, Refusal, Update
from watching import Watched


def _refuse_updates(mutation: Mutation) -> Refusal | None:
    if isinstance(mutation, Update) and mutation.kind == "NetDevice":
        return Refusal(code=Code.REJECTED, message="try again later")
    return None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"password": "new"}, id="declared for the first time"),
        pytest.param({"password": "old"}, {"password": "new"}, id="changed"),
        pytest.param({"password": "old"}, {"password": None}, id="unset"),
    ],
)
async def test_password_whose_write_failed_is_written_the_next_time(
    tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    shop = Workshop(tmp_path)
    shop.commit({"a/device.yml": objects("NetDevice", {"name": "d", **before})})
    await shop.apply()
    shop.commit({"a/device.yml": objects("NetDevice", {"name": "d", **after})})
    await shop.apply(target=Watched(shop.target, refuse=_refuse_updates))
    watched = Watched(shop.target)
    await shop.apply(target=watched)
    written = [own for own in watched.sent if isinstance(own, Update)]
    assert "password" in {
        name for own in written for name in own.attributes if own.kind == "NetDevice"
    }
    assert (await shop.plan()).is_empty
