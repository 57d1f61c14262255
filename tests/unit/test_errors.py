"""Every code has its page, and no page is about a code that is gone."""

from pathlib import Path

from stateward.errors import Code, InvalidDesired, Location, Problem, Severity, SourceRefused

PAGES = Path(__file__).parents[2] / "docs" / "errors"


def test_every_code_has_a_page_under_its_name():
    titles = {page.stem: page.read_text().splitlines()[0] for page in PAGES.glob("SW*.md")}

    assert titles == {code.value: f"# {code.value} {code.slug}" for code in Code}


def test_the_index_lists_every_code():
    index = (PAGES / "README.md").read_text()

    assert all(f"[{code.value}]({code.value}.md) | {code.slug} |" in index for code in Code)


def test_every_code_is_used():
    source = Path(__file__).parents[2] / "src"
    text = "".join(path.read_text() for path in source.rglob("*.py"))

    assert [code.name for code in Code if f"Code.{code.name}" not in text] == []


def test_a_file_name_cannot_forge_a_line():
    assert str(Location("a\nb.yml", 3, 7)) == r"'a\nb.yml':3:7"


def test_an_exception_says_its_code():
    assert str(SourceRefused("no such thing")) == "SW2001 no-repository: no such thing"


def test_many_problems_become_one_sentence():
    problems = tuple(
        Problem(code=Code.ENUM, message=f"m{n}", location=Location("a.yml", n, 1)) for n in (1, 2)
    )
    warning = Problem(code=Code.SPEC, message="w", severity=Severity.WARNING)

    assert str(InvalidDesired((warning, *problems))) == "a.yml:1:1: SW1307 enum: m1 (and 1 more)"
