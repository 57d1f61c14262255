"""Whether a text is a point in time, in the spellings of ISO 8601 that Infrahub reads."""

import re

_MOMENT = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)"
    r"(?:[Tt ](\d\d)(?:(?::?(\d\d))(?::?(\d\d)(?:[.,]\d{1,9})?)?)?"
    r"(?:[Zz]|[+-](\d\d)(?::?(\d\d)(?::?(\d\d))?)?)?(?:\[[\w/+-]+\])?)?"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2
_HOURS = 24
_MINUTES = 60


def is_moment(text: str) -> bool:
    """Tell whether a text is a date, or a date and a time, and exists in the calendar.

    Infrahub also takes ``10m`` for "ten minutes ago", each time it reads it: no use as a value.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return False
    year, month, day = (int(found[group]) for group in (1, 3, 4))
    hours = (int(found[group] or 0) for group in (5, 8))
    minutes = (int(found[group] or 0) for group in (6, 7, 9, 10))
    return (
        year >= 1
        and 1 <= month <= len(_DAYS)
        and 1 <= day <= _days(year, month)
        and all(hour < _HOURS for hour in hours)
        and all(minute < _MINUTES for minute in minutes)
    )


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _DAYS[month - 1] + (month == _FEBRUARY and leap)
