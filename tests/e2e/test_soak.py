"""Months of a daemon in minutes: commits, hand edits, a Git server that fails, ends of all kinds.

How long it goes on is ``STATEWARD_SOAK_SECONDS``; ``make soak`` says half an hour.
"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from commands import Cli, asked
from fleet import Fleet
from properties.judging import content, members
from repositories import Repository
from rounds import KINDS, Workshop
from servers import Smart, trusted
from soaking import NEEDS_PROC, Usage, approve, end_somehow
from stateward.errors import TargetUnavailable
from stateward.model.mutation import Delete, Update
from stateward.model.state import Observed
from stateward.targets.embedded import EmbeddedTarget
from tending import Process

SECONDS = float(os.environ.get("STATEWARD_SOAK_SECONDS", "20"))
UNITS = 200
SETTLED = 240.0
"""Seconds that all may take to be as the last commit says, once nothing goes wrong any more."""
CONFIGURATION = """
defaults:
  drift: {{interval: 5s}}
  limits: {{deletes: 100000, percent: 100, protectedKinds: []}}
sources:
  - name: default
    git: {{url: '{url}/site/.git', caFile: ca.pem, ref: main, interval: 1s}}
    limits: {{deletes: 100000, percent: 100}}
"""


class Flaky(Smart):
    """A Git server that fails as often as it is told to."""

    rate = 0.0
    random: Random

    class handler(Smart.handler):  # noqa: N801
        def _git(self, body: bytes) -> None:
            server = self.server_
            fate = server.random.random()
            if fate < server.rate / 2:
                self.send_error(503)
            elif fate < server.rate:
                self.close_connection = True
                self.connection.close()
            else:
                super()._git(body)


@dataclass
class Scene:
    """What a daemon follows and writes to, and others who write there, too."""

    place: Path
    cli: Cli
    fleet: Fleet
    server: Flaky
    random: Random
    shop: Workshop
    """The daemon's target, behind its back."""
    guest: str = ""
    """An object that is none of ours."""
    guest_says: str = ""

    async def receive(self) -> None:
        """Have a guest."""
        self.guest_says = "hello"
        self.guest = await self.shop.make("NetDevice", name="guest", comment=self.guest_says)

    async def meddle(self) -> None:
        """Have somebody change or delete something of ours, or something of their own."""
        kind = "NetDevice"
        fate = self.random.random()
        if fate < 0.3:
            said = f"guest {fate}"
            await self.shop.do(Update(id=self.guest, kind=kind, attributes={"comment": said}))
            self.guest_says = said
            return
        name = self.random.choice(self.fleet.devices())
        found = (await self.shop.observe(kind)).objects.values()
        node = next((own.id for own in found if own.key.hfid == (name,)), None)
        if node is None:
            return
        edit = Update(id=node, kind=kind, attributes={"comment": "by hand"})
        async with self.shop.target.session(None, write=True) as session:
            await session.apply([edit if fate < 0.8 else Delete(id=node, kind=kind)])
        self.fleet.done.append(f"meddle with {name}")

    def go_on(self, own: Process, until: float) -> None:
        """Let things happen for a while."""
        while time.monotonic() < until:
            self.fleet.change()
            own.maybe("round", within=self.random.uniform(0.1, 1.5))
            if self.random.random() < 0.3:
                with suppress(TargetUnavailable):  # a round is under way: another time
                    asyncio.run(self.meddle())
            self.server.rate = self.random.choice([0.0, 0.0, 0.2, 0.6])

    def wanted(self, directory: Path) -> Observed:
        """Return what the last commit makes of a target that is empty."""
        repo = self.fleet.repo.path
        args = ["apply", str(repo), "--config", str(self.place / "stateward.yaml"), "--target"]
        code, said = self.cli(*args, f"sqlite:///{directory}/wanted.db", "--allow-deletes", "0")
        assert code == 0, said + self.cli.errors
        shop = Workshop(directory)
        shop.target = EmbeddedTarget(f"sqlite:///{directory}/wanted.db")
        return asyncio.run(shop.observe(*KINDS))

    def observed(self) -> Observed:
        return asyncio.run(self.shop.observe(*KINDS))


def ours(observed: Observed, guest: str) -> Any:
    found = content(observed)
    found.pop(str(observed.objects[guest].key), None) if guest in observed.objects else None
    return found


@pytest.fixture
def scene(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    seed = int(os.environ.get("STATEWARD_SOAK_SEED", "1"))
    random = Random(seed)  # noqa: S311
    fleet = Fleet(Repository(tmp_path / "repos" / "site"), random)
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    server = Flaky()
    server.root, server.random = tmp_path / "repos", Random(seed)  # noqa: S311
    with server.secured(trusted(place / "ca.pem")):
        (place / "stateward.yaml").write_text(CONFIGURATION.format(url=server.url))
        shop = Workshop(place / ".stateward")
        yield Scene(place, Cli(capsysbinary), fleet, server, random, shop)


@NEEDS_PROC
@pytest.mark.timeout(2 * SECONDS + 600)
def test_ends_as_the_last_commit_says(scene: Scene, tmp_path: Path) -> None:
    fleet = scene.fleet
    fleet.begin(UNITS)
    with Process(scene.place) as own:
        own.until("round", within=SETTLED)
        own.signal(signal.SIGTERM)
        assert own.end() == 0
    asyncio.run(scene.receive())
    begun = time.monotonic()
    while time.monotonic() < begun + SECONDS / 2:
        with Process(scene.place) as own:
            # Before that, a signal ends it as it ends any process.
            own.until("started", within=SETTLED)
            scene.go_on(own, time.monotonic() + scene.random.uniform(2, 10))
            end_somehow(own, scene.random)
    scene.server.rate = 0
    with Process(scene.place) as own:
        own.until("round", within=SETTLED)
        scene.go_on(own, begun + SECONDS * 0.65)
        usual = Usage.at_rest(own)
        scene.go_on(own, begun + SECONDS)
        scene.server.rate = 0
        fleet.mend()
        wanted = scene.wanted(tmp_path)
        expected = content(wanted), members(wanted)
        deadline = time.monotonic() + SETTLED
        while (ours(now := scene.observed(), scene.guest), members(now)) != expected:
            assert time.monotonic() < deadline, (fleet.done[-50:], scene.cli("status"))
            approve(scene.cli, fleet)
            own.maybe("round", within=1)
        last = Usage.at_rest(own)
        own.signal(signal.SIGTERM)
        assert own.end() == 0, own.seen[-10:]
    assert now.objects[scene.guest].attributes["comment"] == scene.guest_says
    last.check_flat(usual)
    assert asked(scene.cli, "plan")["changes"] == []
    assert scene.cli("audit", "verify")[0] == 0
    assert not list(scene.place.rglob("*.tmp"))
