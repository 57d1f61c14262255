"""Findings as they are shown."""

from stateward.model.finding import fine, warning, wrong
from stateward.reporting import doctor

ALL = (
    fine("clock", "within 30 s of the server's"),
    warning("schema", "the files declare another one", "apply loads it"),
    wrong("account", "no\x1b[2Jbody\nok  account: root", "give a token"),
)


def test_text() -> None:
    assert doctor.as_text(ALL).splitlines() == [
        "ok       clock: within 30 s of the server's",
        "warning  schema: the files declare another one: apply loads it",
        r"error    account: no\x1b[2Jbody\nok  account: root: give a token",
        "1 error, 1 warning.",
    ]
    assert doctor.as_text(ALL[:1]).endswith("\nNothing is wrong.\n")


def test_json() -> None:
    found = doctor.as_json(ALL)
    assert found["schema"] == "stateward/doctor/v1"
    assert found["findings"][0] == {
        "level": "ok",
        "subject": "clock",
        "message": "within 30 s of the server's",
        "advice": "",
    }


def test_only_errors_fail() -> None:
    assert doctor.failed(ALL)
    assert not doctor.failed(ALL[:2])
