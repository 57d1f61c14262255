"""Whether a text is a point in time, in the spellings of ISO 8601 that Infrahub reads."""

import re

_MOMENT = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)"
    r"(?:[Tt ](\d\d)(?:(?::?(\d\d))(?::?(\d\d)(?:[.,]\d{1,9})?)?)?"
    r"(?:[Zz]|([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?)?(?:\[[\w/+-]+\])?)?"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2
_HOURS = 24
_MINUTES = 60
_FIRST, _LAST = (1, 1, 1), (9999, 12, 31)


def is_moment(text: str) -> bool:
    """Tell whether a text is a date, or a date and a time, and exists in the calendar.

    Infrahub also takes ``10m`` for "ten minutes ago", each time it reads it: no use as a value.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return False
    year, month, day = (int(found[group]) for group in (1, 3, 4))
    time = [int(found[group] or 0) for group in (5, 6, 7)]
    offset = [int(found[group] or 0) for group in (9, 10, 11)]
    return (
        year >= 1
        and 1 <= month <= len(_DAYS)
        and 1 <= day <= _days(year, month)
        and all(own[0] < _HOURS and max(own[1:]) < _MINUTES for own in (time, offset))
        and _is_in_time((year, month, day), _seconds(time) - _seconds(offset, found[8]))
    )


def _seconds(parts: list[int], sign: str | None = None) -> int:
    hours, minutes, seconds = parts
    total = (hours * _MINUTES + minutes) * _MINUTES + seconds
    return -total if sign == "-" else total


def _is_in_time(date: tuple[int, int, int], seconds: int) -> bool:
    """Tell whether a date is within the years 1 to 9999 where its offset is none, too."""
    if date == _FIRST:
        return seconds >= 0
    return date != _LAST or seconds < _HOURS * _MINUTES * _MINUTES


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _DAYS[month - 1] + (month == _FEBRUARY and leap)
