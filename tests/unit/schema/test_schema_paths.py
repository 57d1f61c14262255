import pytest

from stateward.model.schema import Kind, Path
from stateward.schema import paths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name__value", Path(None, "name")),
        ("name", Path(None, "name")),
        ("device", Path("device", None)),
        ("device__name__value", Path("device", "name")),
    ],
)
def test_path_is_read_by_what_the_kind_has(text: str, expected: Path) -> None:
    assert paths.parse(text, {"device"}) == expected


NAME, LABEL, SITE = Path(None, "name"), Path(None, "label"), Path("site", None)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind(kind="K", hfid=(SITE, NAME), uniqueness=((NAME,),)), ((SITE, NAME),)),
        (
            Kind(kind="K", uniqueness=((SITE, NAME), (LABEL,)), default_filter=NAME),
            ((SITE, NAME), (LABEL,), (NAME,)),
        ),
        (Kind(kind="K", default_filter=NAME), ((NAME,),)),
        (Kind(kind="K"), ()),
    ],
)
def test_identity(kind: Kind, expected: tuple[tuple[Path, ...], ...]) -> None:
    assert paths.identity(kind) == expected
