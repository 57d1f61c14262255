"""The main job from start to end, on examples/site and an embedded target, in .demo/.

Run it with `make demo`. It makes a Git repository of the example, plans it, applies it, shows
that the second run writes nothing, then commits a change that moves an object, changes one and
deletes one, and shows that plan and its result.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
DEMO = HERE.parent / ".demo" / "site"
GIT = {
    "GIT_AUTHOR_NAME": "demo",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "demo",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
OTHERS = ("INFRAHUB_", "STATEWARD_")


def main() -> None:
    shutil.rmtree(DEMO, ignore_errors=True)
    shutil.copytree(HERE / "site", DEMO)
    git("init", "--quiet", "--initial-branch", "main")
    commit("A country, two sites, four devices")

    say("A plan: what applying the repository would do")
    stateward("plan")
    say("Applying it")
    stateward("apply")
    say("Applying it again: the target is as declared, so nothing is written")
    stateward("apply")

    say("A commit that moves a server to a directory of its own, renumbers it, and drops another")
    edit()
    commit("rtm1 gets its own directory; ams1-srv1 is gone")
    stateward("plan")
    say("Applying the commit")
    stateward("apply")
    say("What the target holds now, of one unit, as an object file")
    stateward("export", "--unit", "objects/rotterdam")
    print(f"The repository and its target are in {DEMO.relative_to(Path.cwd())}: try things out.")


def edit() -> None:
    """Move one object between directories, change it on the way, and delete one."""
    servers = DEMO / "objects/network/servers.yml"
    head, _, server = servers.read_text().partition("    - name: ams1-srv1\n")
    moved = server[server.index("    - name: rtm1-srv1\n") :]
    rotterdam = DEMO / "objects/rotterdam/servers.yml"
    rotterdam.parent.mkdir()
    rotterdam.write_text(
        head + moved.replace("tags: [spare]", "status: active\n      tags: [spare]")
    )
    servers.unlink()


def say(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=DEMO, check=True, env={**os.environ, **GIT})


def commit(message: str) -> None:
    git("add", "--all")
    git("commit", "--quiet", "--message", message)


def stateward(*arguments: str) -> None:
    print(f"$ stateward {' '.join(arguments)}", flush=True)
    # Whatever server the environment may name: the demonstration keeps to its own file.
    own = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
    subprocess.run([sys.executable, "-m", "stateward", *arguments], cwd=DEMO, check=True, env=own)


if __name__ == "__main__":
    main()
