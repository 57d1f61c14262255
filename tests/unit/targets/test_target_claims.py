"""Which memberships are claims of others."""

import pytest

from stateward.targets.claims import Sort, claims

PLAIN = Sort("CoreStandardGroup", "default")
INTERNAL = Sort("CoreStandardGroup", "internal")


@pytest.mark.parametrize(
    ("name", "sort", "claims_it"),
    [
        ("crew", PLAIN, False),
        ("crew", Sort("CoreStandardGroup", None), False),
        ("crew", INTERNAL, True),
        ("crew", Sort("CoreRepositoryGroup", "default"), True),
        ("query__0f", Sort("CoreGraphQLQueryGroup", "internal"), False),
        (f"x-{'0' * 32}", PLAIN, True),
        ("stateward/other/s/unit", PLAIN, True),
        ("stateward/i/s/unit", INTERNAL, False),
    ],
)
def test_groups_of_tools_claim(name: str, sort: Sort, *, claims_it: bool) -> None:
    assert claims({name: sort}, "stateward/i/s/") == ((name,) if claims_it else ())


@pytest.mark.parametrize(
    ("name", "claims_it"),
    [("site", False), ("site/adopted", False), ("site-2", True), ("site/other", True)],
)
def test_a_single_group_is_not_the_start_of_others(name: str, *, claims_it: bool) -> None:
    assert claims({name: INTERNAL}, "site") == ((name,) if claims_it else ())
