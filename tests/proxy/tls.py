"""A private certificate authority, and servers it vouches for."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Makes its own root in `folder`; `ca_file` is the root's certificate."""

    def __init__(self, folder: Path) -> None:
        self._root = trustme.CA(organization_name="A Company's Own CA")
        self.ca_file = folder / "ca.pem"
        self._root.cert_pem.write_to_path(str(self.ca_file))

    def server_context(self, *names: str) -> ssl.SSLContext:
        """A server's context for these host names (localhost and 127.0.0.1 by default)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        known = names or ("localhost", "127.0.0.1")
        self._root.issue_cert(*known).configure_cert(context)
        return context
