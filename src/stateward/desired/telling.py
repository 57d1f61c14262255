"""The keys of all drafts, told in whatever order they lean on each other."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from stateward.desired.drafts import Draft
from stateward.desired.identity import Awaited, Identifier, Name, Unknown
from stateward.model.identity import ObjectKey

_MAX_ROUNDS = 64
"""How long a chain of identities may be of which each needs a default of the one before."""


def tell(drafts: Iterable[Draft], identifier: Identifier) -> dict[Draft, Unknown]:
    """Tell every draft's key; return those that have none, and why.

    What is told does not depend on the order of the drafts. A draft that needs to know another
    one is tried again when that is told, so that long chains cost no more than short ones.
    """
    telling = _Telling(identifier)
    telling.go_on(drafts)
    for _ in range(_MAX_ROUNDS):
        if not telling.assume():
            break
    return telling.failures


@dataclass(slots=True)
class _Telling:
    identifier: Identifier
    failures: dict[Draft, Unknown] = field(default_factory=dict)
    nameless: dict[Draft, ObjectKey] = field(default_factory=dict)
    """Drafts with a key and not yet with every name."""
    waiting: dict[Draft | Name, dict[str | None, list[Draft]]] = field(default_factory=dict)
    """Who waits for a draft's key, or for an attribute or the key of what has a name."""

    def go_on(self, drafts: Iterable[Draft]) -> None:
        queue = deque(drafts)
        while queue:
            draft = queue.popleft()
            try:
                key = draft.key or self.identifier.key(draft)
            except Unknown as error:
                self.failures[draft] = error
                self._wait(draft, error.awaits)
            else:
                queue.extend(self._take(draft, key))

    def assume(self) -> bool:
        """Tell what can be told when nothing more is declared of peers; return whether it helped."""
        keys: dict[Draft, ObjectKey] = {}
        self.identifier.assuming = True
        for draft in self.failures:
            try:
                keys[draft] = self.identifier.key(draft)
            except Unknown as error:
                self.failures[draft] = error
        nameless = dict(self.nameless)
        woken = [
            own for one in (keys, nameless) for pair in one.items() for own in self._take(*pair)
        ]
        self.identifier.assuming = False
        self.go_on(woken)
        return bool(keys) or len(self.nameless) < len(nameless)

    def _take(self, draft: Draft, key: ObjectKey) -> Iterable[Draft]:
        """Give a draft its key and its names; return the drafts that waited for one of them."""
        names, awaited = self.identifier.add(draft, key)
        draft.key = key
        self.failures.pop(draft, None)
        self.nameless.pop(draft, None)
        for own in awaited:
            self.nameless[draft] = key
            self._wait(draft, own)
        woken = self.waiting.pop(draft, {}).pop(None, [])
        for name in names:
            if waiting := self.waiting.get(name):
                for attribute in (None, *draft.attributes):
                    woken += waiting.pop(attribute, ())
        return woken

    def _wait(self, draft: Draft, awaits: Awaited | None) -> None:
        if awaits is not None:
            told, attribute = (awaits, None) if isinstance(awaits, Draft) else awaits
            self.waiting.setdefault(told, {}).setdefault(attribute, []).append(draft)
