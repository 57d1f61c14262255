"""What is kept of a run: whose doing it was and why, each of its changes, and how it ended.

Whoever writes gives an ``Opening`` when a run begins, an ``Entry`` for each step of a change
(``model.run``), and an outcome when it ends. Whoever reads gets a ``Record``. Times are UTC, as
ISO 8601, and are the journal's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from stateward.model.identity import ObjectKey
from stateward.model.plan import Action, FieldChange, Undone
from stateward.model.run import EntryState

INTERRUPTED = "interrupted"
"""The outcome of a session whose process died, and that was closed by ``resume``."""
ON_ERROR = "on-error"
"""What triggers a rollback that a failure led to."""
TAKES_BACK = "onError: rollback"
"""What is recorded, among what was asked, of a run whose changes are taken back where one fails."""


class RunKind(StrEnum):
    """What a run was part of."""

    ROUND = "round"
    SESSION = "session"
    ROLLBACK = "rollback"
    ADOPTION = "adoption"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a run came to be, and whose doing it was."""

    trigger: str
    """One word: ``manual``, ``script``, later what the daemon is triggered by."""
    actor: str
    """A name by which a person or a job is known. Never a credential: it is kept and shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known of a run when it begins. All of it is kept and shown: no secret belongs here."""

    run: str
    """The run's id: new for every run, never used again."""
    kind: RunKind
    subject: str
    """What it is about: a unit's path, or the identifier of a tracking session."""
    target: str
    """``Target.name``: the address without credentials, and the branch."""
    cause: Cause
    params: Mapping[str, str] = field(default_factory=dict)
    """A session's parameters, as they are part of its identity."""
    group: str = ""
    """The name of the tracking group."""
    group_kind: str = ""
    """The kind of a session's tracking group."""
    revision: str = ""
    """The commit that a round brings about; a session has none."""
    caller: str = ""
    """The place in the program that opened a session, as ``module:line``."""
    plan: str = ""
    """The digest of the plan that is carried out."""
    round: str = ""
    """The id that the runs of one round share: of one plan, carried out once. A session has none."""
    before: str = ""
    """What the tracking group's description said before: what a rollback goes back to."""
    undoes: tuple[str, ...] = ()
    """For a rollback: the runs that it takes something of back, those of its own unit first."""
    detail: str = ""
    """What was allowed beyond the usual, for people."""

    @property
    def takes_back(self) -> bool:
        """Whether it is a round's, and what it did was to be taken back where something failed."""
        return self.kind is RunKind.ROUND and TAKES_BACK in self.detail.split("; ")

    @property
    def branch(self) -> str:
        """The target's branch; empty where it has none."""
        return parse_qs(urlsplit(self.target).query).get("branch", [""])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChange:
    """One change of a run as it happened."""

    index: int
    action: Action
    key: ObjectKey
    node: str | None
    state: EntryState
    """The last that is known: ``started`` where nobody lived to say what came of it."""
    fields: tuple[FieldChange, ...] = ()
    """Before and after. A masked value is ``Secret(None)``."""
    unit: str | None = None
    giver: str | None = None
    adopted: bool = False
    marks: bool = False
    foreign: bool = False
    along: int | None = None
    """The delete that took this object along, by its index."""
    undoes: tuple[Undone, ...] = ()
    """For a rollback: the changes that it takes back."""
    detail: str = ""
    started: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run, read back. ``outcome`` and ``finished`` are empty while it is under way."""

    opening: Opening
    started: str
    finished: str = ""
    outcome: str = ""
    error: str = ""
    changes: tuple[RecordedChange, ...] = ()
    undone_by: tuple[str, ...] = ()
    """The rollbacks of this run, oldest first."""

    @property
    def id(self) -> str:
        return self.opening.run

    def is_of(self, group: str) -> bool:
        """Whether it is a session's with this group, or took one back."""
        return self.opening.group == group and self.opening.kind is not RunKind.ROUND

    @property
    def is_by_script(self) -> bool:
        """Whether it is a session's, or takes one back: all others bring a commit about."""
        return self.opening.kind is not RunKind.ROUND and not self.opening.revision

    @property
    def round(self) -> str:
        """What is the same for all runs of one round; older versions gave rounds no id."""
        return self.opening.round or f"{self.opening.plan} {self.started}"
