"""What takes time and is worth knowing of, told to whoever measures it or traces it.

Whoever does something names the step and says what is known of it, before and until it ends.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

Known = dict[str, str | int | float | None]
"""What is known of a step, by name. No secret belongs here; None is not known."""


class Step(StrEnum):
    """What is done."""

    LOOK = "look"
    """A source is asked for its newest commit, and fetched: ``source``, ``outcome``, ``fetched``."""
    ROUND = "round"
    """``source``, ``trigger``, ``revision``, ``waited``, ``units``, ``writes``, ``requests``."""
    REQUEST = "request"
    """A request to a target: ``target``, ``kind`` (read or write), ``status``."""


class Instruments(Protocol):
    """Whoever measures.

    Must: let every error through as it is.
    Must not: fail, wait, or keep what it is told for longer than it is measured.
    """

    def step(self, step: Step, known: Known) -> AbstractContextManager[None]:
        """Be entered when a step begins and left when it ends; ``known`` may grow until then."""
        ...


class Unmeasured:
    """Nobody measures."""

    def step(self, step: Step, known: Known) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()


UNMEASURED = Unmeasured()


@dataclass(frozen=True, slots=True)
class Together:
    """Several who measure the same."""

    parts: Sequence[Instruments]

    @contextmanager
    def step(self, step: Step, known: Known) -> Iterator[None]:
        with ExitStack() as stack:
            for own in self.parts:
                stack.enter_context(own.step(step, known))
            yield
