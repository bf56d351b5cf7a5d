"""Signatures: golden, for one purpose each, and never true by accident."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agentspend.wire.signing import checkpoint, key_id, public_key, sign, verify

GOLDEN = json.loads((Path(__file__).parent / "golden/checkpoint.json").read_text())
PRIVATE = bytes.fromhex(GOLDEN["private"])
PUBLIC = bytes.fromhex(GOLDEN["public"])
BODY = GOLDEN["body"].encode()
SIGNATURE = bytes.fromhex(GOLDEN["signature"])


def test_a_checkpoint_and_its_signature_hold() -> None:
    """Version 1 checkpoints keep their bytes, key ids and signatures for ever."""
    said = json.loads(BODY)

    assert checkpoint(said["inc"], said["seq"], said["head"], said["ts"]) == BODY
    assert public_key(PRIVATE) == PUBLIC
    assert key_id(PUBLIC) == GOLDEN["key_id"]
    assert sign(PRIVATE, "checkpoint", BODY) == SIGNATURE
    assert verify(PUBLIC, "checkpoint", BODY, SIGNATURE)


def test_a_signature_is_good_for_one_purpose_one_body_and_one_key() -> None:
    """Another domain, body, key or signature is not accepted; malformed ones are just false."""
    other_key = public_key(bytes(32))
    flipped = bytes([SIGNATURE[0] ^ 1, *SIGNATURE[1:]])

    assert not verify(PUBLIC, "sync", BODY, SIGNATURE)
    assert not verify(PUBLIC, "checkpoint", BODY + b" ", SIGNATURE)
    assert not verify(other_key, "checkpoint", BODY, SIGNATURE)
    assert not verify(PUBLIC, "checkpoint", BODY, flipped)
    assert not verify(PUBLIC, "checkpoint", BODY, b"")
    assert not verify(b"short", "checkpoint", BODY, SIGNATURE)


def test_a_domain_cannot_smuggle_a_line() -> None:
    """A domain is one plain word, so that no two messages sign the same bytes."""
    with pytest.raises(ValueError, match="not a signing domain"):
        sign(PRIVATE, "sync/v1\nagentspend/checkpoint", BODY)


def test_cryptography_is_not_imported_before_it_is_needed() -> None:
    """Commands that sign nothing do not pay for the library."""
    code = "import sys, agentspend.wire.signing; sys.exit('cryptography' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
