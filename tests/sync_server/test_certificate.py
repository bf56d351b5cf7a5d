"""A certificate of our own, and its pin."""

import ssl
from hashlib import sha256
from pathlib import Path

import pytest

from sync_server import certificate


@pytest.mark.parametrize("host", ["spend.acme.example", "192.0.2.7", "localhost"])
def test_a_certificate_can_be_served_and_is_known_by_its_pin(tmp_path: Path, host: str) -> None:
    """The key is its owner's alone; the pin is that of the bytes a client sees."""
    made, key = tmp_path / "server.crt", tmp_path / "server.key"
    certificate.make(host, made, key, 1_767_265_200_000_000)
    assert key.stat().st_mode & 0o777 == 0o600
    assert certificate.context(made, key).minimum_version is ssl.TLSVersion.TLSv1_2
    der = ssl.PEM_cert_to_DER_cert(made.read_text())
    assert certificate.pin(made) == certificate.pin_of(der)
    assert len(certificate.pin(made)) == 52
    assert sha256(der).digest()
