"""A daemon with many units and nothing to do: what it costs, beside a loop of `git fetch`.

STATEWARD_BENCH_UNITS says how many units (5,000), STATEWARD_BENCH_SECONDS for how long it is looked
at between two looks for drift (60). The loop that it is compared with fetches once for each unit
and interval; a fetch is measured in the same run.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from bench.corpus import SCHEMA

UNITS = 5000
SECONDS = 60
PER_UNIT = 2
INTERVAL = 600
"""Seconds between looks for drift: the default."""
FETCHES = 20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    units = int(os.environ.get("STATEWARD_BENCH_UNITS", UNITS))
    seconds = int(os.environ.get("STATEWARD_BENCH_SECONDS", SECONDS))
    with tempfile.TemporaryDirectory() as directory:
        idle = measure(Path(directory), units, seconds)
    print(f"idle: {units} units, {PER_UNIT * units} objects, embedded target")
    print(f"  first round        {idle['first']:8.1f} s, at most {idle['first-peak']:.0f} MiB")
    print(f"  start, all known   {idle['start']:8.1f} s until it is idle")
    print(f"  between looks      {idle['cpu']:8.3f} % of a core, {idle['rss']:.0f} MiB")
    print(f"  a look for drift   {idle['look']:8.2f} s of a core, {idle['looked']} units in it")
    print(
        f"  a commit, one unit {idle['commit']:8.2f} s of a core, {idle['begun']:.2f} s until its"
        f" round begins, {idle['written']} writes"
    )
    print(f"  with looks         {idle['share']:8.3f} % of a core, at most {idle['peak']:.0f} MiB")
    loop = 100 * idle["fetch"] * units / INTERVAL
    print(f"  git fetch, each    {loop:8.3f} % of a core ({1000 * idle['fetch']:.1f} ms each)")
    print(f"  ratio {idle['share'] / loop:.3f}")


def measure(directory: Path, units: int, seconds: int) -> dict[str, float]:
    """Tend a repository of so many units, until it is idle, and look at the daemon for a while."""
    repo = _repository(directory / "repo", units)
    fetch = _fetch(repo, directory / "mirror.git")
    command = [sys.executable, "-m", "stateward", "run", "--log-format", "json"]
    first = _tend(command, repo, lambda own: _first(own, units))
    idle = _tend(command, repo, lambda own: _idle(own, seconds))
    looks = 100 * idle["look"] * units / max(1, idle["looked"]) / INTERVAL
    return {
        "fetch": fetch,
        "first": first["seconds"],
        "first-peak": first["peak"],
        "share": looks + idle["cpu"],
        **idle,
    }


class _Daemon:
    def __init__(self, command: list[str], repo: Path) -> None:
        self.repo = repo
        self.started = time.perf_counter()
        self._process = subprocess.Popen(command, cwd=repo, stderr=subprocess.PIPE, text=True)

    def until(self, action: str) -> dict[str, object]:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            found: dict[str, object] = json.loads(line)
            if found["action"] == action:
                return found
        sys.exit("the daemon has ended")

    def cpu(self) -> float:
        """Return the seconds of a core that it took so far, its children's included."""
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(own) for own in words[11:15]) / _TICKS

    def rss(self) -> float:
        words = Path(f"/proc/{self._process.pid}/statm").read_text().split()
        return int(words[1]) * _PAGE / 2**20

    def peak(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (own for own in status.splitlines() if own.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def end(self) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=60)
        self._process.kill()


def _tend(
    command: list[str], repo: Path, look: Callable[[_Daemon], dict[str, float]]
) -> dict[str, float]:
    daemon = _Daemon(command, repo)
    try:
        return look(daemon)
    finally:
        daemon.end()


def _first(daemon: _Daemon, units: int) -> dict[str, float]:
    done = daemon.until("round")
    assert done["units"] == units, done
    return {"seconds": time.perf_counter() - daemon.started, "peak": daemon.peak()}


def _idle(daemon: _Daemon, seconds: int) -> dict[str, float]:
    daemon.until("revision")
    start = time.perf_counter() - daemon.started
    daemon.until("round")  # the first look for drift; the next one is a fifth of the interval away
    before, begun = daemon.cpu(), time.perf_counter()
    rss = []
    while (left := seconds - (time.perf_counter() - begun)) > 0:
        time.sleep(min(1, left))
        rss.append(daemon.rss())
    rate = (daemon.cpu() - before) / (time.perf_counter() - begun)
    before, begun = daemon.cpu(), time.perf_counter()
    done = daemon.until("round")
    look = daemon.cpu() - before - rate * (time.perf_counter() - begun)
    return {
        "start": start,
        "cpu": 100 * rate,
        "rss": statistics.median(rss),
        "look": look,
        "looked": int(str(done["units"])),
        **_commit(daemon),
        "peak": daemon.peak(),
    }


def _commit(daemon: _Daemon) -> dict[str, float]:
    """Change one object of one unit, as somebody who pushes does."""
    file = daemon.repo / "objects/site00001/all.yml"
    file.write_text(file.read_text().replace("Main Street", "High Street"))
    subprocess.run(["git", "-C", str(daemon.repo), "add", "--all"], check=True)
    before = daemon.cpu()
    subprocess.run(["git", "-C", str(daemon.repo), *_COMMIT], check=True)
    begun = time.perf_counter()
    while (done := daemon.until("round"))["trigger"] != "commit":
        before = daemon.cpu()  # a look for drift was under way
    took = time.perf_counter() - begun
    assert done["units"] == 1, done
    return {
        "commit": daemon.cpu() - before,
        "begun": took - float(str(done["seconds"])),
        "written": int(str(done["writes"])),
    }


def _repository(path: Path, units: int) -> Path:
    for name, text in _files(units):
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (path / ".gitignore").write_text(".stateward/\n")
    for arguments in (["init", "-q", "-b", "main"], ["add", "--all"], _COMMIT):
        subprocess.run(["git", "-C", str(path), *arguments], check=True)
    return path


def _files(units: int) -> Iterator[tuple[str, str]]:
    yield "schemas/bench.yml", SCHEMA
    head = "apiVersion: infrahub.app/v1\nkind: Object\nspec:\n  kind: {}\n  data:\n"
    for unit in range(units):
        site = f"site{unit:05d}"
        yield (
            f"objects/{site}/all.yml",
            f"---\n{head.format('BenchSite')}    - {{name: {site}, address: {unit} Main Street}}\n"
            f"---\n{head.format('BenchDevice')}    - {{name: {site}-leaf, role: leaf, site: {site}}}\n",
        )


_COMMIT = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-qm", "all"]


def _fetch(repo: Path, mirror: Path) -> float:
    """Return the seconds of a core that a fetch takes that finds nothing new."""
    subprocess.run(["git", "clone", "-q", "--bare", repo.as_uri(), str(mirror)], check=True)
    before = os.times()
    for _ in range(FETCHES):
        subprocess.run(["git", "-C", str(mirror), "fetch", "-q"], check=True)
    after = os.times()
    used = after.children_user + after.children_system
    return (used - before.children_user - before.children_system) / FETCHES


if __name__ == "__main__":
    main()
