"""Commands that are about every source, unless one is named: one after the other, whatever comes of it."""

import sys
from collections.abc import Callable
from dataclasses import replace

from stateward import wiring
from stateward.cli import exits, options
from stateward.errors import ConfigError, StatewardError
from stateward.wiring import Invocation


def each(
    asked: Invocation, form: str, one: Callable[[Invocation], tuple[int, options.Answer]]
) -> int:
    """Answer for each source, and return the exit code of all; ``one`` returns those of one source.

    What ends one of them in an error is told on stderr, and the others have their turn.
    """
    try:
        names = wiring.sources(asked)
    except ConfigError:
        names = []  # the command itself says what is wrong
    if len(names) < _SEVERAL:
        code, answer = one(asked)
        options.answer(answer)
        return code
    codes: list[int] = []
    answers: list[dict[str, object]] = []
    for name in names:
        try:
            code, answer = one(replace(asked, source=name))
        except StatewardError as error:
            print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - stdout is for answers
            codes.append(exits.ERROR)
            continue
        codes.append(code)
        if isinstance(answer, dict):
            answers.append({"source": name, **answer})
        else:
            options.say(f"{_HEADINGS[form].format(name)}\n\n{answer}\n")
    if form == "json":
        options.say_json(answers)
    return exits.of_all(codes)


_SEVERAL = 2
_HEADINGS = {"text": "source {}", "markdown": "# {}"}
