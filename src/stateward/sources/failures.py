"""What git's own words mean: whose fault a failed fetch is, and what to do about it."""

import re
from dataclasses import dataclass

from stateward.errors import Code, SourceRefused, SourceUnavailable
from stateward.sources.git import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    words: re.Pattern[bytes]
    code: Code
    message: str
    lasting: bool = False
    """Whether nothing but a person changes it: otherwise it is tried again."""


def _case(words: bytes, code: Code, message: str, *, lasting: bool = False) -> _Case:
    found = re.compile(words, re.IGNORECASE)
    return _Case(words=found, code=code, message=message, lasting=lasting)


_CASES = (
    _case(
        rb"remote host identification has changed",
        Code.SOURCE_UNTRUSTED,
        "the host shows another key than the one it is known by: either it was given a new one,"
        " or somebody stands in between",
        lasting=True,
    ),
    _case(
        rb"host key is known for|host key verification failed",
        Code.SOURCE_UNTRUSTED,
        "the host's key is not known: put the line into git.knownHosts that its administrators"
        " publish",
        lasting=True,
    ),
    _case(
        rb"certificate verif|certificate problem|ssl certificate|certificate subject name"
        rb"|no alternative certificate",
        Code.SOURCE_UNTRUSTED,
        "the server's certificate is not trusted: git.caFile names the authority that signed it",
        lasting=True,
    ),
    _case(
        rb"no user exists for uid",
        Code.FETCH,
        "ssh does not run as a user that has no name: name it in /etc/passwd, or install"
        " libnss-wrapper",
    ),
    _case(
        rb"proxy after CONNECT|proxy authentication|response 407|error: 407",
        Code.SOURCE_CREDENTIALS,
        "the proxy does not let us through",
    ),
    _case(
        rb"could not read (username|password)",
        Code.SOURCE_CREDENTIALS,
        "the server asks who we are: give git.token, or git.username and git.password",
    ),
    _case(
        rb"authentication failed|permission denied|returned error: 40[13]|too many authentication",
        Code.SOURCE_CREDENTIALS,
        "the credentials are not accepted, or may not read it",
    ),
    _case(
        rb"does not appear to be a git repository|is this a git repository\?"
        rb"|repository ('[^']*' )?not found|repository does not exist|project .* could not be found",
        Code.NO_REPOSITORY,
        "no repository there, or none that we may read",
        lasting=True,
    ),
    _case(
        rb"returned error: 30\d",
        Code.FETCH,
        "the server names another address, which credentials do not go to: is git.url the"
        " repository's present one?",
    ),
)


def failed(name: str, result: Result) -> SourceRefused | SourceUnavailable:
    """Say why a fetch failed; what is not recognised is tried again."""
    for case in _CASES:
        if case.words.search(result.errors):
            kind = SourceRefused if case.lasting else SourceUnavailable
            return kind(f"{name}: {case.message}: {result.reason}", code=case.code)
    return SourceUnavailable(f"{name}: cannot be fetched: {result.reason}")
