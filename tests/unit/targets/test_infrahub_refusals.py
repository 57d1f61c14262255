"""The server's errors, in the words that it was seen to use, as refusals."""

import pytest

from stateward.errors import Code
from stateward.targets.infrahub.answers import GraphqlError
from stateward.targets.infrahub.refusals import refusal
from stateward.targets.infrahub.writes import Operation

CREATE = Operation("SuiteDeviceCreate", "SuiteDeviceCreateInput", {})
DELETE = Operation("SuiteDeviceDelete", "DeleteInput", {})
REMOVE = Operation("RelationshipRemove", "RelationshipNodesInput", {})
ADD = Operation("RelationshipAdd", "RelationshipNodesInput", {})
GONE = (
    "Unable to find the node 8518ced8 / SuiteDevice in the database.",
    "'8518ced8': Unable to find the node in the database.",
)
_VIOLATION, _UNDEFINED = "ATTRIBUTE_CONSTRAINT_VIOLATION", "UNDEFINED_ERROR"


@pytest.mark.parametrize(
    ("message", "server", "code"),
    [
        ("Violates uniqueness constraint 'name'", _UNDEFINED, Code.UNIQUE),
        ("name is mandatory for SuiteDevice at name", "ATTRIBUTE_REQUIRED", Code.MANDATORY),
        ("A value must be provided for name at name", _VIOLATION, Code.MANDATORY),
        ("Node 1 has 0 peers for a__b, no fewer than 1 allowed", _VIOLATION, Code.MANDATORY),
        ("Node 1 has 2 peers for a__b, maximum of 1 allowed", _VIOLATION, Code.CONSTRAINT),
        ("10.0.0.300 is not a valid IPHost at iph", "ATTRIBUTE_INVALID_TYPE", Code.TYPE),
        ("AA must be one of 'aa, bb' at ddd", _VIOLATION, Code.ENUM),
        ("8518ced8 is already in use at id", _VIOLATION, Code.CONSTRAINT),
        (GONE[0], "NODE_NOT_FOUND", Code.UNRESOLVED),
        (GONE[1], _UNDEFINED, Code.UNRESOLVED),
        ("Node with id X exists, but it is a A, not B", "NODE_NOT_FOUND", Code.UNRESOLVED),
        ("The pool requested {'id': 'p1'} was not found.", _UNDEFINED, Code.UNRESOLVED),
        (
            "X - 1 cannot be added to relationship, must be of type: ['LabRef'] at one",
            _VIOLATION,
            Code.WRONG_PEER,
        ),
        ("'1' 'SuiteDevice' is not a valid peer for 'BuiltinTag'", _UNDEFINED, Code.WRONG_PEER),
        ("'x' is not a valid relationship for 'Y' at name", _UNDEFINED, Code.UNKNOWN_FIELD),
        ("Field 'nope' is not defined by type 'X'.", _UNDEFINED, Code.UNKNOWN_FIELD),
        ("Cannot query field 'XCreate' on type 'Mutation'.", _UNDEFINED, Code.UNKNOWN_KIND),
        ("No more resources available", _UNDEFINED, Code.REJECTED),
        ("There are no more addresses available in this pool.", _UNDEFINED, Code.REJECTED),
        ("The pool numbers is exhausted. at number.from_pool", _VIOLATION, Code.REJECTED),
        ("The numbers pool can't be used for 'ports'.", _VIOLATION, Code.REJECTED),
        ("Invalid prefix length for current selected prefix", _UNDEFINED, Code.REJECTED),
        ("You do not have the permission", "PERMISSION_DENIED", Code.TARGET_PERMISSION),
        ("something that nobody has seen", _UNDEFINED, Code.CONSTRAINT),
    ],
)
def test_errors_are_told_apart(message: str, server: str, code: Code) -> None:
    found = refusal(CREATE, [GraphqlError(message=message, code=server)])
    assert found is not None
    assert (found.code, found.message) == (code, message)


def test_refused_delete_names_who_needs_it() -> None:
    said = "It is linked to mandatory relationship site on node SuiteDevice 'd1'"
    message = f"Cannot delete SuiteSite 's1'. {said} at SuiteDevice.site"
    found = refusal(DELETE, [GraphqlError(message=message, code=_VIOLATION)])
    assert found is not None
    assert (found.code, found.message) == (
        Code.REJECTED,
        f"Cannot delete SuiteSite 's1'. {said}",
    )


@pytest.mark.parametrize("message", GONE)
@pytest.mark.parametrize(
    ("operation", "done"), [(DELETE, True), (REMOVE, True), (ADD, False), (CREATE, False)]
)
def test_what_is_gone_is_taken_away_already(
    message: str, operation: Operation, *, done: bool
) -> None:
    found = refusal(operation, [GraphqlError(message=message)])
    assert (found is None) is done


def test_first_error_that_counts_is_told() -> None:
    errors = [GraphqlError(message=GONE[0]), GraphqlError(message="Cannot delete X")]
    found = refusal(DELETE, errors)
    assert found is not None
    assert found.message == "Cannot delete X"
