"""What git writes, in pieces of any size; and words made fit to be printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateward.sources import listing, text, walk

BLOB = st.binary(max_size=200) | st.sampled_from([b"", b"\n", b"0" * 40 + b" missing\n"])


def answer(contents: bytes) -> bytes:
    return b"%s blob %d\n%s\n" % (listing.blob_id(contents).encode(), len(contents), contents)


@given(st.lists(BLOB | st.just(None), max_size=8), st.integers(1, 50))
def test_contents_come_in_pieces_of_any_size(blobs: list[bytes | None], size: int) -> None:
    written = b"".join(b"f" * 40 + b" missing\n" if b is None else answer(b) for b in blobs)
    contents = listing.Contents()
    for start in range(0, len(written), size):
        contents(written[start : start + size])
    assert contents.found == {listing.blob_id(blob): blob for blob in blobs if blob is not None}
    assert contents.missing == ["f" * 40] * blobs.count(None)
    assert contents.wrong is None


@given(st.lists(BLOB, min_size=1, max_size=8), st.data())
def test_what_is_cut_off_is_not_there(blobs: list[bytes], data: st.DataObject) -> None:
    written = b"".join(map(answer, blobs))
    contents = listing.Contents()
    contents(written[: data.draw(st.integers(0, len(written) - 1))])
    assert contents.found.items() <= {listing.blob_id(blob): blob for blob in blobs}.items()
    whole = sum(len(answer(blob)) for blob in contents.found.values())
    assert whole < len(written)


@given(st.lists(st.binary(max_size=80), max_size=10))
def test_nothing_makes_it_raise(pieces: list[bytes]) -> None:
    contents = listing.Contents()
    for piece in pieces:
        contents(piece)
    assert not contents.found or contents.wrong is None or contents.found


@pytest.mark.parametrize(
    "written",
    [
        b"0" * 40 + b" blob 3\nabc\n",
        listing.blob_id(b"abc").encode() + b" blob 2\nabc\n",
        b"1" * 40 + b" tree 3\nabc\n",
        b"HEAD ambiguous\n",
        b"\n",
        b"\xff\xff\n",
    ],
)
def test_an_answer_that_is_not_the_one_asked_for_is_wrong(written: bytes) -> None:
    contents = listing.Contents()
    contents(answer(b"before") + written + answer(b"after"))
    assert contents.wrong
    assert contents.wrong.isprintable() or "\ufffd" in contents.wrong
    assert listing.blob_id(b"after") not in contents.found


@given(st.binary(max_size=60))
def test_paths_come_back_as_they_were(path: bytes) -> None:
    assert listing.encoded(listing.decoded(path)) == path
    text.shown(listing.decoded(path)).encode()
    assert text.shown(listing.decoded(path)).isprintable()


LINE = b"100644 blob " + b"1" * 40 + b"       7\t"


def test_a_tree_below_a_directory() -> None:
    written = b"".join(LINE + name + b"\0" for name in (b"a/b", b"a/c/d", b"ab", b"a"))
    assert [entry.path for entry in listing.tree(written, "a/")] == ["b", "c/d"]


@pytest.mark.parametrize(
    "name", [b"../a", b"a/..", b"..", b".", b"a//b", b"/a", b"a/", b"", b"./a"]
)
def test_paths_that_lead_astray(name: bytes) -> None:
    with pytest.raises(listing.Malformed):
        listing.tree(LINE + name + b"\0", "")


@pytest.mark.parametrize("name", [b"...", b".a", b"a..b", b"..a/b", b"a/..b", b"a."])
def test_paths_that_only_look_so(name: bytes) -> None:
    assert [entry.path for entry in listing.tree(LINE + name + b"\0", "")] == [name.decode()]


def test_a_path_twice() -> None:
    with pytest.raises(listing.Malformed, match="twice"):
        listing.tree(LINE + b"a\0" + LINE + b"a\0", "")


def test_an_object_that_is_not_there() -> None:
    with pytest.raises(listing.Malformed, match="missing"):
        listing.tree(LINE.replace(b"7", b"BAD") + b"a\0", "")


def test_what_is_wanted_lies_in_directories() -> None:
    assert walk.wanted({"a/b/c": "", "a/d": "", "e": ""}, ()).directories == {"a", "a/b"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", "git said nothing"),
        (b"error: x\nfatal: why\n", "why"),
        (b"progress 10%\rprogress 100%\rfatal: why\r\n\r\n", "why"),
        (b"fatal: why\nhint: do this\n", "why"),
        (
            (
                b"Permission denied (publickey).\nfatal: Could not read from remote repository.\n\n"
                b"Please make sure you have the correct access rights\nand the repository exists.\n"
            ),
            "Permission denied (publickey).; Could not read from remote repository.",
        ),
        (b"fatal: at http://u:p@h/a?token=x&y=z: no\n", "at http://h/a?\u2026 no"),
        (b"fatal: https://t0ken@h/a' is 'ssh://u@h'", "https://h/a' is 'ssh://h'"),
        (b"fatal: \x1b[31mred\xff", "?[31mred\ufffd"),
    ],
)
def test_last_words(said: bytes, told: str) -> None:
    assert text.reason(said) == told


def test_words_have_an_end() -> None:
    assert len(text.reason(b"x" * 10_000)) <= text.LONGEST + 1
    assert len(text.shown("x" * 10_000)) <= text.LONGEST + 1
    assert text.listed([str(n) for n in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
