"""Which certificates are trusted, and which one is shown: the files that a connection names."""

import ssl

from stateward.errors import ConfigError
from stateward.targets.infrahub.connection import Connection


def context(connection: Connection) -> ssl.SSLContext:
    """Return what TLS is spoken with; raises ``ConfigError`` for files that cannot be read."""
    if not (connection.encrypted or connection.ca_file or connection.client_cert):
        # Nothing to check: to read whom the system trusts takes as long as a request.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        found = ssl.create_default_context(cafile=connection.ca_file)
        if connection.client_cert is not None:
            found.load_cert_chain(
                connection.client_cert, connection.client_key, password=_no_password
            )
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ConfigError(f"the certificates for the target cannot be read: {reason}") from error
    return found


def _no_password() -> str:
    raise ValueError("the client key is protected by a password")
