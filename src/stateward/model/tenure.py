"""Who leads: what those who could lead a target have agreed on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """One state of a lease."""

    holder: str
    """Who leads; empty where nobody does."""
    term: int
    """How often the lead has changed hands: whoever came later has the higher one."""
    patience: float
    """Seconds that others have to wait, once they have seen this, before they take over."""
    version: str = ""
    """Another one with every change, renewals included; empty where it was not written yet."""
