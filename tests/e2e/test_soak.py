"""Months of a daemon in minutes: commits, hand edits, a Git server that fails, ends of all kinds.

How long it goes on is ``STATEWARD_SOAK_SECONDS``; ``make soak`` says half an hour.
"""

import asyncio
import os
import re
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
from tending import Process

from properties.judging import content, members
from repositories import Repository
from rounds import KINDS, Workshop
from servers import Smart, trusted
from stateward.errors import TargetUnavailable
from stateward.model.mutation import Delete, Update
from stateward.model.state import Observed
from stateward.targets.embedded import EmbeddedTarget

SECONDS = float(os.environ.get("STATEWARD_SOAK_SECONDS", "20"))
UNITS = 200
_PROC = Path("/proc")
SETTLED = 240.0
"""Seconds that all may take to be as the last commit says, once nothing goes wrong any more."""
KIB_MORE = 16 * 1024
"""What a process may have grown by: what former revisions declared is kept parsed, up to a bound."""
FILES_MORE = 4
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


@dataclass(frozen=True)
class Usage:
    """What a process has of its machine."""

    memory: int
    """KiB."""
    files: int
    children: list[str]

    @classmethod
    def at_rest(cls, own: Process) -> "Usage":
        """Look while it asks no Git server for anything, if there is such a moment."""
        found = cls.of(own)
        for _ in range(50):
            if not found.children:
                break
            own.maybe("round", within=0.1)
            found = cls.of(own)
        return found

    @classmethod
    def of(cls, own: Process) -> "Usage":
        place = _PROC / str(own.pid)
        lines = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        children = [
            child for thread in (place / "task").iterdir() for child in _read(thread / "children")
        ]
        return cls(int(lines["VmRSS"].split()[0]), len(list((place / "fd").iterdir())), children)


def _read(path: Path) -> list[str]:
    """Return the words of a file; none where its thread has ended since."""
    try:
        return path.read_text().split()
    except FileNotFoundError:
        return []


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

    def approve(self) -> None:
        """Let go what guards hold back, as a person does who reads status."""
        _, shown = self.cli("status")
        for unit, digest in re.findall(r"stateward approve (\S+) ([0-9a-f]{12,})", shown):
            said = f"approve {unit} {digest}"
            if said in self.fleet.done:
                continue  # it may be gone by now
            self.fleet.done.append(said)
            assert self.cli("approve", unit, digest)[0] == 0, self.cli.errors


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


@pytest.mark.skipif(not _PROC.is_dir(), reason="what a process has is looked up in /proc")
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
            own.until(
                "started", within=SETTLED
            )  # before that, a signal ends it as it ends any process
            scene.go_on(own, time.monotonic() + scene.random.uniform(2, 10))
            if scene.random.random() < 0.5:
                own.signal(signal.SIGTERM)
                assert own.end() == 0
            else:
                own.signal(signal.SIGKILL)
                assert own.end() == -signal.SIGKILL, own.seen[-10:]
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
            scene.approve()
            own.maybe("round", within=1)
        last = Usage.at_rest(own)
        own.signal(signal.SIGTERM)
        assert own.end() == 0, own.seen[-10:]
    assert now.objects[scene.guest].attributes["comment"] == scene.guest_says
    assert last.memory <= usual.memory + KIB_MORE
    assert (last.files <= usual.files + FILES_MORE, last.children) == (True, [])
    assert asked(scene.cli, "plan")["changes"] == []
    assert scene.cli("audit", "verify")[0] == 0
    assert not list(scene.place.rglob("*.tmp"))
