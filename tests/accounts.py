"""Accounts of a real server that may do no more than a test says: made, and deleted afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from branches import passes
from live import Lab

_MAKE = "mutation($d: {kind}CreateInput!) {{ made: {kind}Create(data: $d) {{ object {{ id }} }} }}"
_DELETE = "mutation($i: String!) {{ {kind}Delete(data: {{id: $i}}) {{ ok }} }}"
_TOKEN = 'mutation { made: InfrahubAccountTokenCreate(data: {name: "test"}) { object { token { value } } } }'  # noqa: S105
_ALLOW_ALL = 6
_ATTEMPTS = 30


class Administrator:
    """The lab's own account, with no code of ours in between."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._made: list[tuple[str, str]] = []

    def ask(
        self,
        text: str,
        headers: dict[str, str] | None = None,
        branch: str = "main",
        **variables: Any,
    ) -> Any:
        """Return the data of an answer; a server that is busy is asked again."""
        for _ in range(_ATTEMPTS):
            reply = httpx.post(
                f"{self.lab.address}/graphql/{branch}",
                headers=headers or {"X-INFRAHUB-KEY": self.lab.token},
                json={"query": text, "variables": variables},
                timeout=300,
            )
            if reply.status_code != httpx.codes.TOO_MANY_REQUESTS and not passes(reply.text):
                break
            time.sleep(float(reply.headers.get("retry-after", 2)))
        answer = reply.json()
        assert not answer.get("errors"), answer["errors"]
        return answer["data"]

    def make(self, kind: str, **fields: Any) -> str:
        data = {
            name: own if isinstance(own, list) else {"value": own} for name, own in fields.items()
        }
        found = str(self.ask(_MAKE.format(kind=kind), d=data)["made"]["object"]["id"])
        self._made.append((kind, found))
        return found

    def token(self, name: str, password: str) -> str:
        """Log in as somebody and make a token: nobody else can make one for them."""
        answer = httpx.post(
            f"{self.lab.address}/api/auth/login",
            json={"username": name, "password": password},
            timeout=60,
        ).json()
        bearer = {"Authorization": f"Bearer {answer['access_token']}"}
        return str(self.ask(_TOKEN, bearer)["made"]["object"]["token"]["value"])

    def clean_up(self) -> None:
        for kind, node in reversed(self._made):
            self.ask(_DELETE.format(kind=kind), i=node)


@contextmanager
def account(lab: Lab, rights: dict[str, str], *permissions: str) -> Iterator[str]:
    """Make an account with a few rights, as kind → action, and global ones; yield its token.

    ``*`` stands for every kind. The namespace of a kind is its first word.
    """
    administrator = Administrator(lab)
    mark, password = uuid4().hex[:8], uuid4().hex
    try:
        granted = [_right(administrator, kind, action) for kind, action in rights.items()]
        granted += [_permission(administrator, action) for action in permissions]
        node = administrator.make(
            "CoreAccount", name=f"few-{mark}", password=password, account_type="Script"
        )
        role = administrator.make(
            "CoreAccountRole", name=f"few-{mark}", permissions=[{"id": own} for own in granted]
        )
        administrator.make(
            "CoreAccountGroup", name=f"few-{mark}", roles=[{"id": role}], members=[{"id": node}]
        )
        yield administrator.token(f"few-{mark}", password)
    finally:
        administrator.clean_up()


def _right(administrator: Administrator, kind: str, action: str) -> str:
    """Return the object permission; one that everybody shares is used as it is."""
    index = next((at for at, own in enumerate(kind) if at and own.isupper()), len(kind))
    namespace, name = ("*", "*") if kind == "*" else (kind[:index], kind[index:])
    text = (
        "query($s: String!, $n: String!, $a: String!) { found: CoreObjectPermission("
        "namespace__value: $s, name__value: $n, action__value: $a, decision__value: 6)"
        " { edges { node { id } } } }"
    )
    found = administrator.ask(text, s=namespace, n=name, a=action)["found"]["edges"]
    if found:
        return str(found[0]["node"]["id"])
    return administrator.make(
        "CoreObjectPermission", namespace=namespace, name=name, action=action, decision=_ALLOW_ALL
    )


def _permission(administrator: Administrator, action: str) -> str:
    text = (
        "query($a: String!) { found: CoreGlobalPermission(action__value: $a, decision__value: 6)"
        " { edges { node { id } } } }"
    )
    found = administrator.ask(text, a=action)["found"]["edges"]
    if found:
        return str(found[0]["node"]["id"])
    return administrator.make("CoreGlobalPermission", action=action, decision=_ALLOW_ALL)
