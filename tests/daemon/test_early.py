"""What a daemon's imports are spared, and that nobody else is."""

import os
from contextlib import suppress

import pytest

from agentspend.daemon.early import without_certificates


@pytest.mark.parametrize("before", ["", "/etc/company.pem"])
def test_certificates_are_found_again_afterwards(
    monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """Also where an import fails; a company's own file among them."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if before:
        monkeypatch.setenv("SSL_CERT_FILE", before)
    with suppress(ImportError), without_certificates():
        assert os.environ["SSL_CERT_FILE"] == os.devnull
        raise ImportError
    assert os.environ.get("SSL_CERT_FILE", "") == before
    assert ("SSL_CERT_FILE" in os.environ) is bool(before)
