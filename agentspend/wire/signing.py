"""Ed25519 over canonical bytes, as functions of (key, domain, body). Keys come from outside.

What is signed is `"agentspend/<domain>/v1\\n" + SHA-256(body)` (protocol study §3.3): a signature
for one purpose never passes for another. `cryptography` is imported when first needed: it would
cost every command's start-up 30 ms or more.
"""

import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from agentspend.wire.canonical import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTES = 32
SIGNATURE_BYTES = 64
_DOMAIN = re.compile(r"[a-z0-9_]+")


def public_key(private: bytes) -> bytes:
    """The public half of a private key (32 random bytes are a private key)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """A short name for a public key: "k_" and the first 16 hex digits of its SHA-256."""
    return "k_" + sha256(public).hexdigest()[:16]


def sign(private: bytes, domain: str, body: bytes) -> bytes:
    """The 64-byte signature of a body for one purpose, such as "checkpoint"."""
    return _opened(private).sign(_message(domain, body))


@lru_cache(maxsize=4)
def _opened(private: bytes) -> "Ed25519PrivateKey":
    """A key ready to sign: a server signs with one key all day."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private)


def verify(public: bytes, domain: str, body: bytes, signature: bytes) -> bool:
    """Whether this key signed this body for this purpose; False for malformed input too."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _message(domain, body))
    except (InvalidSignature, ValueError):
        return False
    return True


def checkpoint(inc: str, seq: int, head: str, ts_us: int) -> bytes:
    """The body a device signs now and then, so that a stolen ledger cannot grow unseen.

    Domain "checkpoint". `ts_us` is UTC microseconds.
    """
    return canonical({"head": head, "inc": inc, "seq": seq, "ts": ts_us, "v": 1})


def _message(domain: str, body: bytes) -> bytes:
    if _DOMAIN.fullmatch(domain) is None:
        raise ValueError(f"{domain!r} is not a signing domain")
    return f"agentspend/{domain}/v1\n".encode() + sha256(body).digest()
