"""Addresses: what is taken for what, what is refused, and what is printed of it."""

import traceback
from pathlib import Path

import pytest

from stateward.errors import Code, SourceRefused
from stateward.sources.address import SCHEMES, local_path, remote

CANARY = "s3cr3t-c4n4ry"


@pytest.mark.parametrize(
    ("text", "name", "scheme"),
    [
        ("https://git.example/a/network.git", "https://git.example/a/network.git", "https"),
        ("https://git.example:8443/a", "https://git.example:8443/a", "https"),
        ("http://127.0.0.1:3000/a", "http://127.0.0.1:3000/a", "http"),
        ("ssh://git.example/a.git", "ssh://git.example/a.git", "ssh"),
        ("ssh://git@git.example:22/~me/a.git", "ssh://git.example:22/~me/a.git", "ssh"),
        ("ssh://git@[::1]:22/a.git", "ssh://[::1]:22/a.git", "ssh"),
        ("git@git.example:org/a.git", "git.example:org/a.git", "ssh"),
        ("git.example:a", "git.example:a", "ssh"),
        ("file:///srv/a b.git", "file:///srv/a b.git", "file"),
    ],
)
def test_addresses(text: str, name: str, scheme: str) -> None:
    found = remote(text, schemes=SCHEMES)
    assert (found.name, found.scheme, found.url) == (name, scheme, text)
    assert local_path(text) is None or scheme == "file"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ext::sh -c id",
        "ext::https://git.example/a",
        "fd::17",
        "-uhttps://git.example/a",
        "--upload-pack=id",
        "-oProxyCommand=id:a",
        "ssh://-oProxyCommand=id/a",
        "ssh://-oProxyCommand=id@git.example/a",
        "git@-oProxyCommand=id:a",
        "git@git.example:-option",
        "https://-git.example/a",
        "https:///a",
        "https://git.example:port/a",
        "https://[::1/a",
        "https://git example/a",
        "https:/git.example/a",
        "git://git.example/a",
        "ftp://git.example/a",
        "HTTPS://",
        "file://elsewhere/a",
        "file://",
        "https://git.example/a\nb",
        "https://git.example/a%0ab",
        "https://git.example/a\x1b[0m",
        "https://git.example/\u202ea",
        "https://git.example/\udcffa",
        "https://git.example/a?private_token=x",
        "https://git.example/a#main",
        "/srv/a",
        "./a",
        "a",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        remote(text, schemes=SCHEMES)
    assert caught.value.code is Code.REPOSITORY_REFUSED
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_only_allowed_schemes(scheme: str) -> None:
    text = f"{scheme}://{'' if scheme == 'file' else 'git.example'}/a"
    with pytest.raises(SourceRefused, match="is not allowed"):
        remote(text, schemes=SCHEMES - {scheme})
    with pytest.raises(SourceRefused, match="is not allowed"):
        remote("git@git.example:a", schemes=SCHEMES - {"ssh"})


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{CANARY}@git.example/a",
        f"https://{CANARY}@git.example/a",
        f"https://user:{CANARY}@/a",
        f"https://user:{CANARY}@git.example:port/a",
        f"https://user:a/{CANARY}@git.example/a",
        f"https://user:{CANARY}/@git.example/a",
        f"https://user:a@{CANARY}@git.example/a",
        f"https://git.example/a?token={CANARY}",
        f"https://git.example/a#{CANARY}",
        f"http://user:{CANARY}@git.example/a\n",
        f"ssh://user:{CANARY}@git.example/a",
        f"ftp://user:{CANARY}@git.example/a",
        f"user:{CANARY}@git.example",
        f"user:{CANARY}@git.example:a",
        f"https:user:{CANARY}@git.example",
        f"ext::https://user:{CANARY}@git.example",
        f"https:/user:{CANARY}@git.example/a",
    ],
)
def test_secrets_in_addresses_are_refused_and_not_printed(text: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        remote(text, schemes=SCHEMES)
    assert CANARY not in str(caught.value)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_the_user_is_for_git_alone() -> None:
    found = remote(f"ssh://{CANARY}@git.example/a", schemes=SCHEMES)
    assert CANARY in found.url
    assert CANARY not in repr(found)
    assert CANARY not in found.slug


def test_every_address_has_a_directory_of_its_own() -> None:
    texts = [
        "ssh://git@git.example/a.git",
        "ssh://git.example/a.git",
        "https://git.example/a",
        "https://git.example/../..",
        "https://git.example/" + "x" * 500,
        "file:///srv/.git",
        "git.example:a",
    ]
    slugs = {remote(text, schemes=SCHEMES).slug for text in texts}
    assert len(slugs) == len(texts)
    for slug in slugs:
        assert Path(slug).name == slug
        assert not slug.startswith((".", "-"))
        assert len(slug) < 100


def test_a_plain_server_may_redirect_to_a_safe_one_and_not_the_other_way() -> None:
    assert remote("http://git.example/a", schemes=SCHEMES).protocols == ("http", "https")
    assert remote("https://git.example/a", schemes=SCHEMES).protocols == ("https",)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (".", "."),
        ("infra", "infra"),
        ("/srv/network.git", "/srv/network.git"),
        ("./git@host:path", "./git@host:path"),
        ("a/b:c", "a/b:c"),
        ("file:///srv/a%20b#c?d.git", "/srv/a b#c?d.git"),
        ("file://localhost/srv/a", "/srv/a"),
    ],
)
def test_paths(text: str, path: str) -> None:
    assert local_path(text) == Path(path)


@pytest.mark.parametrize("text", ["https://a/b", "ssh://a/b", "git@a:b", "file://elsewhere/a"])
def test_what_is_elsewhere_is_no_path(text: str) -> None:
    assert local_path(text) is None
