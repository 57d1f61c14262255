"""Who may tell that there is something new to fetch."""

from enum import StrEnum


class Forge(StrEnum):
    """A kind of server that calls when somebody has pushed, and how it proves that it is itself."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    """Forgejo, too."""
    BITBUCKET = "bitbucket"
    GENERIC = "generic"
    """Anything that signs as standardwebhooks.com has it."""
