"""Calls as forges make them."""

import base64
import hashlib
import hmac

from stateward.model.forge import Forge

SECRET = "c4nary-in-the-hook"  # noqa: S105


def signed(
    forge: Forge, body: bytes, secret: str = SECRET, *, at: float = 1000, called: str = "1"
) -> dict[str, str]:
    """Return the headers that prove a call."""
    digits = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    told = f"{called}.{at:.0f}.".encode() + body
    proof = base64.b64encode(hmac.new(secret.encode(), told, hashlib.sha256).digest()).decode()
    standard = {
        "webhook-id": called,
        "webhook-timestamp": f"{at:.0f}",
        "webhook-signature": f"v1,{proof}",
    }
    return {
        Forge.GITHUB: {"X-Hub-Signature-256": f"sha256={digits}"},
        Forge.BITBUCKET: {"X-Hub-Signature": f"sha256={digits}"},
        Forge.GITEA: {"X-Gitea-Signature": digits},
        Forge.GITLAB: {"X-Gitlab-Token": secret},
        Forge.GENERIC: standard,
    }[forge]
