"""The server's errors, as refusals: only their texts tell some of them apart."""

import re
from collections.abc import Sequence

from stateward.errors import Code
from stateward.model.mutation import Refusal
from stateward.targets.infrahub.answers import GraphqlError
from stateward.targets.infrahub.writes import Operation

_TEXTS = (
    (re.compile(r"Violates uniqueness constraint"), Code.UNIQUE),
    (re.compile(r"Cannot delete"), Code.REJECTED),
    (re.compile(r"Unable to find the node|exists, but it is a"), Code.UNRESOLVED),
    (re.compile(r"The pool requested .* was not found"), Code.UNRESOLVED),
    (
        re.compile(
            r"No more resources available|no more addresses available|The pool .* is exhausted"
            r"|Invalid prefix length|pool can't be used for"
        ),
        Code.REJECTED,
    ),
    (
        re.compile(r"cannot be added to relationship, must be of type|is not a valid peer for"),
        Code.WRONG_PEER,
    ),
    (re.compile(r"must be one of"), Code.ENUM),
    (re.compile(r"A value must be provided|is mandatory for"), Code.MANDATORY),
    (re.compile(r"is not a valid relationship for|is not defined by type"), Code.UNKNOWN_FIELD),
    (re.compile(r"Cannot query field"), Code.UNKNOWN_KIND),
    (re.compile(r"Too few relationships|no fewer than \d+ allowed"), Code.MANDATORY),
)
_CODES = {
    "ATTRIBUTE_INVALID_TYPE": Code.TYPE,
    "ATTRIBUTE_REQUIRED": Code.MANDATORY,
    "ATTRIBUTE_CONSTRAINT_VIOLATION": Code.CONSTRAINT,
    "NODE_NOT_FOUND": Code.UNRESOLVED,
    "PERMISSION_DENIED": Code.TARGET_PERMISSION,
}
_GONE = re.compile(r"Unable to find the node")
_LINKED = re.compile(r"(on node \S+ '[^']+') at \S+$")


def refusal(operation: Operation, errors: Sequence[GraphqlError]) -> Refusal | None:
    """Return why an operation was refused; None where it is done all the same.

    To delete what is gone, or to take it out of a group, is done before it is asked for.
    """
    for error in errors:
        if not (operation.removes and _GONE.search(error.message)):
            return Refusal(code=_code(error), message=_LINKED.sub(r"\1", error.message))
    return None


def _code(error: GraphqlError) -> Code:
    for text, code in _TEXTS:
        if text.search(error.message):
            return code
    return _CODES.get(error.code, Code.CONSTRAINT)
