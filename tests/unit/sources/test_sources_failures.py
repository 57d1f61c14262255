"""What git, ssh, TLS libraries and forges say, and what it is taken for."""

import pytest

from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.sources.failures import failed
from stateward.sources.git import Result
from stateward.sources.text import without

SSH_TAIL = (
    "fatal: Could not read from remote repository.\n\n"
    "Please make sure you have the correct access rights\nand the repository exists.\n"
)


def of(words: str) -> SourceRefused | SourceUnavailable:
    return failed("name", Result(status=128, output=b"", errors=words.encode()))


@pytest.mark.parametrize(
    ("words", "kind", "code"),
    [
        ("fatal: Authentication failed for 'https://h/x/'", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        ("remote: Invalid username or password.\nfatal: Authentication failed for 'https://github.com/o/r/'", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        ("remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://gitlab.com/o/r.git/'", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 403", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        ("fatal: unable to access 'https://h/x/': Received HTTP code 407 from proxy after CONNECT", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        ("fatal: unable to access 'https://h/x/': CONNECT tunnel failed, response 407", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        (f"git@h: Permission denied (publickey).\n{SSH_TAIL}", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        (f"Received disconnect from 1.2.3.4 port 22:2: Too many authentication failures\n{SSH_TAIL}", SourceUnavailable, Code.SOURCE_CREDENTIALS),
        (f"No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.\n{SSH_TAIL}", SourceRefused, Code.SOURCE_UNTRUSTED),
        (f"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.\n{SSH_TAIL}", SourceRefused, Code.SOURCE_UNTRUSTED),
        ("fatal: unable to access 'https://h/x/': server certificate verification failed. CAfile: none CRLfile: none", SourceRefused, Code.SOURCE_UNTRUSTED),
        ("fatal: unable to access 'https://h/x/': SSL certificate problem: unable to get local issuer certificate", SourceRefused, Code.SOURCE_UNTRUSTED),
        ("fatal: unable to access 'https://h/x/': SSL: no alternative certificate subject name matches target host name 'h'", SourceRefused, Code.SOURCE_UNTRUSTED),
        ("fatal: unable to access 'https://h/x/': SSL: certificate subject name (a) does not match target host name 'h'", SourceRefused, Code.SOURCE_UNTRUSTED),
        ("remote: Repository not found.\nfatal: repository 'https://github.com/o/r/' not found", SourceRefused, Code.NO_REPOSITORY),
        (f"ERROR: Repository not found.\n{SSH_TAIL}", SourceRefused, Code.NO_REPOSITORY),
        (f"fatal: '/x' does not appear to be a git repository\n{SSH_TAIL}", SourceRefused, Code.NO_REPOSITORY),
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 301", SourceUnavailable, Code.FETCH),
        ("fatal: unable to access 'https://h/x/': Could not resolve host: h", SourceUnavailable, Code.FETCH),
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 503", SourceUnavailable, Code.FETCH),
        ("fatal: unable to access 'https://h/x/': Proxy CONNECT aborted", SourceUnavailable, Code.FETCH),
        ("", SourceUnavailable, Code.FETCH),
    ],
)  # fmt: skip
def test_what_it_is_taken_for(words: str, kind: type, code: Code) -> None:
    found = of(words)
    assert (type(found), found.code) == (kind, code)
    assert str(found).startswith(f"{code} {code.slug}: name: ")
    assert "make sure" not in str(found)


class TestWithout:
    def test_the_longer_secret_goes_first(self) -> None:
        assert without(b"abcdef abc", ["abc", "abcdef"]) == b"*** ***"

    @pytest.mark.parametrize("kept", range(1, 7))
    def test_half_a_secret_at_the_start_goes_as_well(self, kept: int) -> None:
        said = b"secret"[-kept:] + b"; then something else"
        found = without(said, ["secret"], cut=True)
        assert b"t;" not in found
        assert found.endswith(b"something else")

    def test_nothing_is_cut_where_there_is_no_secret(self) -> None:
        assert without(b"words", [], cut=True) == b"words"
