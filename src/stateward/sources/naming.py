"""Programs that do not run as a user that has no name, as those have none that a cluster makes up.

Such a user is given one by nss_wrapper, a library that answers such questions from a file: see
https://cwrap.org. ssh and ssh-keygen need it.
"""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

_LIBRARY = "libnss_wrapper.so"
_LINE = "stateward:x:{}:{}::{}:/usr/sbin/nologin\n"
"""A line of a file of users, see passwd(5)."""


def naming(private: Path) -> Mapping[str, str]:
    """Return what goes into the environment of a command that has to run as a user with a name.

    A file is laid down in the directory where that is needed.
    """
    user = os.getuid()
    try:
        pwd.getpwuid(user)
    except KeyError:
        names = private / "passwd"
        names.write_text(_LINE.format(user, os.getgid(), private))
        return {
            "NSS_WRAPPER_PASSWD": str(names),
            "NSS_WRAPPER_GROUP": "/etc/group",
            "LD_PRELOAD": _LIBRARY,
        }
    return {}
