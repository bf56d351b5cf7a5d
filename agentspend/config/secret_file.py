"""One key in an encrypted file, opened by a passphrase. Pure: bytes in, bytes out.

    magic 8 │ cost 3 │ salt 16 │ nonce 12 │ proof 16 │ AES-256-GCM of the key, with its tag

scrypt (RFC 7914) makes the AES key and the proof from the passphrase; the proof tells a wrong
passphrase from a damaged file, and helps a guesser no more than the tag does. Everything before the
ciphertext, and the provider's name, is authenticated with it.
"""

import hmac
import secrets
import unicodedata

from agentspend.core.errors import KeyStoreError

MAGIC = b"agspkey\x01"
"""The last byte is the format's version."""
COST_LOG2 = 17
"""n = 2^17, r = 8, p = 1: the first choice of OWASP's password storage guide; 128 MiB, 0.5 s."""
BLOCKS = 8
LANES = 1
SALT_BYTES = 16
NONCE_BYTES = 12
PROOF_BYTES = 16
TAG_BYTES = 16
AES_BYTES = 32
SALT_AT = len(MAGIC) + 3
NONCE_AT = SALT_AT + SALT_BYTES
PROOF_AT = NONCE_AT + NONCE_BYTES
HEADER_BYTES = PROOF_AT + PROOF_BYTES


class PassphraseError(KeyStoreError):
    """No passphrase was given for an encrypted file, or it does not fit."""


def seal(provider: str, key: str, passphrase: str) -> bytes:
    """A file's content that gives `key` back for this passphrase only."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    aes, proof = _derive(passphrase, salt)
    header = MAGIC + _cost() + salt + nonce + proof
    return header + AESGCM(aes).encrypt(nonce, key.encode(), header + provider.encode())


def unseal(provider: str, content: bytes, passphrase: str) -> str:
    """The key in a sealed file; `KeyStoreError` says whether passphrase or file is at fault."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header, sealed = content[:HEADER_BYTES], content[HEADER_BYTES:]
    if header[: len(MAGIC)] != MAGIC or len(sealed) <= TAG_BYTES:
        raise _damaged(provider)
    if header[len(MAGIC) : SALT_AT] != _cost():
        raise _damaged(provider)
    aes, proof = _derive(passphrase, header[SALT_AT:NONCE_AT])
    if not hmac.compare_digest(proof, header[PROOF_AT:]):
        raise PassphraseError(
            f"this passphrase does not open {provider}'s encrypted key",
            f"try again; if it is lost, agentspend keys set {provider} stores the key anew",
        )
    try:
        key = AESGCM(aes).decrypt(header[NONCE_AT:PROOF_AT], sealed, header + provider.encode())
    except InvalidTag as error:
        raise _damaged(provider) from error
    return key.decode()


def _derive(passphrase: str, salt: bytes) -> tuple[bytes, bytes]:
    """The AES key and the proof. The same passphrase typed on another system is the same (NFC)."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    typed = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape")
    stretch = Scrypt(salt=salt, length=AES_BYTES + PROOF_BYTES, n=2**COST_LOG2, r=BLOCKS, p=LANES)
    material = stretch.derive(typed)
    return material[:AES_BYTES], material[AES_BYTES:]


def _cost() -> bytes:
    """The cost as the header states it: a file is never opened at a price of its own choosing."""
    return bytes((COST_LOG2, BLOCKS, LANES))


def _damaged(provider: str) -> KeyStoreError:
    return KeyStoreError(
        f"{provider}'s encrypted key is damaged, or of a newer agentspend",
        f"agentspend keys set {provider} stores the key anew",
    )
