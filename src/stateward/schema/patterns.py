"""Regular expressions of schemas, which are somebody else's."""

import re
import warnings
from functools import lru_cache


@lru_cache(maxsize=512)
def compiled(regex: str) -> re.Pattern[str]:
    """Compile a regular expression, in silence; raises ``ValueError`` where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(regex)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from error
