"""What can go wrong: problems found in files, and exceptions that say what happens next.

A *problem* is a value: many are collected in one run and reported together, each with a stable
code and a place. An *exception* ends something, and its type is the caller's instruction:

    StatewardError
    ├─ ConfigError           the configuration or the command line is wrong: nothing was started
    ├─ Stalled               wait for a new commit or for a person; retrying changes nothing
    │   ├─ InvalidDesired    the files cannot be planned; carries every problem
    │   ├─ SourceRefused     the repository or the revision is not what was asked for
    │   ├─ TargetRefused     the target is not one we may use, or it refused a change
    │   ├─ PlanMoved         the plan to apply is not the plan that would be made now
    │   └─ PruneBlocked      a session's prune goes beyond its limits; carries the session's report
    └─ Transient             try again later; ``retry_after`` is in seconds where it is known
        ├─ SourceUnavailable
        ├─ TargetUnavailable
        ├─ StateUnavailable
        ├─ LeaseLost         another daemon leads, or may lead by now: nothing more is written
        └─ LeaseUnavailable

Adapters raise only these, ``from`` the library's error. Anything else is a bug.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """The stable error codes. The name, lower-case and with dashes, is printed beside the code.

    Codes are never reused. Each has a page in ``docs/errors/``, held by a test.
    SW10 files and YAML, SW11 the object file format, SW12 schemas, SW13 values, SW14 references
    and identity, SW15 ownership, SW16 rollback, SW20 sources, SW30 targets, SW40 configuration, SW50 state,
    SW60 requests to the daemon.
    """

    YAML = "SW1001"
    DUPLICATE_KEY = "SW1002"
    ALIAS = "SW1003"
    TAG = "SW1004"
    DEPTH = "SW1005"
    TOO_LARGE = "SW1006"
    ENCODING = "SW1007"
    NOT_A_FILE = "SW1008"
    UNREADABLE = "SW1009"

    ENVELOPE = "SW1101"
    SPEC = "SW1102"
    STRAY_KEY = "SW1103"
    STALE_STRATEGY = "SW1104"
    RANGE = "SW1105"
    RANGE_PADDING = "SW1106"
    RELATIONSHIP_FORM = "SW1107"
    LISTED_FILE = "SW1108"

    SCHEMA = "SW1201"
    SCHEMA_REFERENCE = "SW1202"

    UNKNOWN_KIND = "SW1301"
    GENERIC_KIND = "SW1302"
    UNKNOWN_FIELD = "SW1303"
    READ_ONLY = "SW1304"
    MANDATORY = "SW1305"
    TYPE = "SW1306"
    ENUM = "SW1307"
    CONSTRAINT = "SW1308"
    METADATA = "SW1309"

    UNRESOLVED = "SW1401"
    AMBIGUOUS = "SW1402"
    IDENTITY = "SW1403"
    CONTRADICTION = "SW1404"
    UNIQUE = "SW1405"
    CYCLE = "SW1406"
    WRONG_PEER = "SW1407"
    WAITING = "SW1408"

    OWNED_TWICE = "SW1501"
    STRANGER = "SW1502"
    SURVIVOR = "SW1503"
    MAY_HAVE_MOVED = "SW1504"
    LAST_APPLIED_UNKNOWN = "SW1505"
    MOVED_HINT = "SW1506"
    PLAN_MOVED = "SW1507"
    PRUNE_BLOCKED = "SW1508"
    EXISTS = "SW1509"
    NOT_FOUND = "SW1510"
    FIGHT = "SW1511"
    IGNORE = "SW1512"
    COMMIT_TRAILER = "SW1513"
    CLAIMED = "SW1514"
    UNDECLARED = "SW1515"
    INVENTORY = "SW1516"
    TAKEN_BACK = "SW1520"

    CHANGED_SINCE = "SW1601"
    NOT_RESTORED = "SW1602"

    NO_REPOSITORY = "SW2001"
    NO_REVISION = "SW2002"
    CORRUPT_REPOSITORY = "SW2003"
    FETCH = "SW2004"
    REPOSITORY_REFUSED = "SW2005"
    NO_GIT = "SW2006"
    SOURCE_CREDENTIALS = "SW2007"
    SOURCE_UNTRUSTED = "SW2008"
    SOURCE_TOO_LARGE = "SW2009"
    REWOUND = "SW2010"
    NOT_SIGNED = "SW2011"

    TARGET_FOREIGN = "SW3001"
    TARGET_CORRUPT = "SW3002"
    TARGET_READ_ONLY = "SW3003"
    TARGET_FULL = "SW3004"
    TARGET_BUSY = "SW3005"
    TARGET_UNKNOWN = "SW3006"
    REJECTED = "SW3007"
    TARGET_UNREACHABLE = "SW3008"
    TARGET_CREDENTIALS = "SW3009"
    TARGET_PERMISSION = "SW3010"
    TARGET_BRANCH = "SW3011"
    TARGET_ANSWER = "SW3012"
    SCHEMA_DIFFERS = "SW3013"

    CONFIGURATION = "SW4001"
    NO_SUCH_UNIT = "SW4002"
    PLAN_FILE = "SW4003"
    SESSION = "SW4004"

    STATE = "SW5001"
    NO_SUCH_RUN = "SW5002"
    STOPPED = "SW5003"
    LEAD_LOST = "SW5004"
    LEASE = "SW5005"

    NO_SUCH_PAGE = "SW6001"
    BAD_REQUEST = "SW6002"
    TOO_MANY = "SW6003"
    HOOK_REFUSED = "SW6004"
    UNKNOWN_CALLER = "SW6005"
    MAY_NOT_COMMAND = "SW6006"
    BUG = "SW6007"

    @property
    def slug(self) -> str:
        """The code's readable name, as printed beside it."""
        return self.name.lower().replace("_", "-")

    @property
    def of_schema(self) -> bool:
        """Whether it says that files do not go with a schema, which may be changed in the target."""
        return self is Code.SCHEMA_DIFFERS or self.value.startswith("SW13")

    @property
    def of_commit(self) -> bool:
        """Whether it says that a commit is not gone along with, though it could be had."""
        return self in {Code.REWOUND, Code.NOT_SIGNED}


class Severity(StrEnum):
    """Whether a problem stops what it is about, or is only worth knowing."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file of a source: lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        # A file name is the repository's choice: it must not be able to forge a line of output.
        name = self.file if self.file.isprintable() else repr(self.file)
        return f"{name}:{self.line}:{self.column}" if self.line else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong at one place, and what to do about it.

    ``unit`` is the unit it belongs to, None where it concerns the whole run. ``subject`` names
    the object, as ``Kind/a/b``, where the problem stalls that object and not its whole unit.
    """

    code: Code
    message: str
    location: Location | None = None
    unit: str | None = None
    subject: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location else ""
        return f"{place}{self.code} {self.code.slug}: {self.message}"


class StatewardError(Exception):
    """Something went wrong in Stateward."""

    default_code: ClassVar[Code]

    def __init__(self, message: str, *, code: Code | None = None) -> None:
        self.code = code or self.default_code
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.code} {self.code.slug}: {self.args[0]}"


class ConfigError(StatewardError):
    """The configuration or the command line is wrong."""

    default_code = Code.CONFIGURATION


class Stalled(StatewardError):
    """Wait for a new commit or for a person."""


class InvalidDesired(Stalled):
    """The files cannot be planned."""

    default_code = Code.SPEC

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        first = (errors or list(problems))[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first}{more}", code=first.code)

    def __str__(self) -> str:
        return str(self.args[0])


class SourceRefused(Stalled):
    """The repository or the revision is not what was asked for."""

    default_code = Code.NO_REPOSITORY


class TargetRefused(Stalled):
    """The target is not one we may use, or it refused a change."""

    default_code = Code.REJECTED


class PlanMoved(Stalled):
    """The plan to apply is not the plan that would be made now."""

    default_code = Code.PLAN_MOVED


class PruneBlocked(Stalled):
    """A session's prune goes beyond its limits."""

    default_code = Code.PRUNE_BLOCKED

    def __init__(self, message: str, report: object) -> None:
        self.report = report
        super().__init__(message)


class Transient(StatewardError):
    """Try again later."""

    def __init__(
        self, message: str, *, code: Code | None = None, retry_after: float | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, code=code)


class SourceUnavailable(Transient):
    """The repository could not be reached."""

    default_code = Code.FETCH


class TargetUnavailable(Transient):
    """The target could not be reached, or is busy."""

    default_code = Code.TARGET_UNREACHABLE


class StateUnavailable(Transient):
    """The state database could not be used."""

    default_code = Code.STATE


class LeaseLost(Transient):
    """Another daemon leads, or may lead by now."""

    default_code = Code.LEAD_LOST


class LeaseUnavailable(Transient):
    """The lease could not be read or written."""

    default_code = Code.LEASE
