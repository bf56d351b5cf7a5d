"""What is done before the daemon's parts are imported, for an import costs most of its start."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def without_certificates() -> Iterator[None]:
    """Spare the import of aiohttp every certificate of the machine, which it reads twice.

    Its own TLS contexts trust nobody then. Ours are made by `proxy.upstream` and `sync.client`
    when they are first needed, from the machine's trust store as it is at that time.
    """
    before = {name: os.environ.get(name) for name in _NAMES}
    os.environ.update(dict.fromkeys(_NAMES, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
