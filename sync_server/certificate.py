"""The server's certificate: made by itself, believed by its pin.

The pin is the SHA-256 of the certificate in base 32; it travels inside each invite and each token,
so nobody has to own a domain or ask an authority. A certificate of an authority works, too.
"""

import base64
import ssl
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

from agentspend.core.windows import moment

DAYS = 3_650


def make(host: str, certificate: Path, key: Path, now_us: int) -> None:
    """Write a certificate for a host name or address, and its private key (0600)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agentspend-server")])
    begins = moment(now_us)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - timedelta(days=1))
        .not_valid_after(begins + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([_called(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _called(host: str) -> "x509.GeneralName":  # type: ignore[name-defined]  # noqa: F821
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def pin(certificate: Path) -> str:
    """The pin of a PEM file's first certificate."""
    pem = certificate.read_text("ascii")
    first = pem[pem.index("-----BEGIN") : pem.index("-----END CERTIFICATE-----") + 25]
    return pin_of(ssl.PEM_cert_to_DER_cert(first))


def pin_of(der: bytes) -> str:
    """The pin of a certificate's bytes."""
    return base64.b32encode(sha256(der).digest()).decode().rstrip("=")


def context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(certificate, key)
    return made
