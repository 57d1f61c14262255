"""Scripts of Infrahub's own SDK, with the guarantees of a session: one line of them changes.

``async with client.start_tracking(…) as client:`` becomes
``async with tracked(client, …) as client:``. What the script writes from there on is written by a
session: see ``docs/tracking.md``. Needs ``infrahub-sdk``, the extra ``stateward[sdk]``.
"""

try:
    import infrahub_sdk as _  # noqa: F401 - to say what is missing before anything else does
except ImportError as error:
    raise ImportError("stateward.sdk needs infrahub-sdk: install stateward[sdk]") from error

from stateward.sdk.tracked import Tracked as Tracked
from stateward.sdk.tracked import TrackedSync as TrackedSync
from stateward.sdk.tracked import tracked as tracked
