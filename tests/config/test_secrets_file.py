"""The encrypted file: old files open, every changed bit is seen, a wrong passphrase is named."""

import pytest

from agentspend.config import secret_file
from agentspend.config.secret_file import HEADER_BYTES, PassphraseError, seal, unseal
from agentspend.core.errors import KeyStoreError

KEY = "sk-ant-api03-canary-4711"
PASSPHRASE = "correct horse battery"
GOLDEN = bytes.fromhex(
    "616773706b657901110801000102030405060708090a0b0c0d0e0f6465666768696a6b6c6d6e6fbc021fbd3f"
    "587b58b4f7d39ef8767785681a7436ed39a90e9f20b4ffbb0d4009205fef263f7e74b84ef17bce4d321ef9c1"
    "0f928adecd31"
)
"""Made without this code: `hashlib.scrypt` and AES-GCM over a header put together by hand."""


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cost that lets a test open a file hundreds of times."""
    monkeypatch.setattr(secret_file, "COST_LOG2", 4)


def test_golden_file_opens() -> None:
    """A file of the first version opens, however the system composes the passphrase's umlauts."""
    typed = "pa\u0308sswo\u0308rter sind lang"
    assert unseal("anthropic", GOLDEN, typed) == "sk-ant-api03-golden-key"


def test_cost_is_that_of_the_design() -> None:
    """A new file states scrypt n = 2^17, r = 8, p = 1 in its header."""
    assert seal("anthropic", KEY, PASSPHRASE)[8:11] == bytes((17, 8, 1))


def test_sealing_is_never_the_same_twice(cheap: None) -> None:
    """Salt and nonce are new each time, and the key is nowhere in the file."""
    first, second = (seal("anthropic", KEY, PASSPHRASE) for _ in range(2))
    assert first[11:] != second[11:]
    assert KEY.encode() not in first
    assert unseal("anthropic", first, PASSPHRASE) == unseal("anthropic", second, PASSPHRASE) == KEY


def test_wrong_passphrase_is_called_that(cheap: None) -> None:
    """A passphrase that does not fit is told from a damaged file."""
    content = seal("anthropic", KEY, PASSPHRASE)
    with pytest.raises(PassphraseError, match="does not open anthropic's encrypted key"):
        unseal("anthropic", content, PASSPHRASE + " ")


def test_every_changed_bit_is_seen(cheap: None) -> None:
    """No bit of header, ciphertext or tag can change without an error."""
    content = seal("anthropic", KEY, PASSPHRASE)
    for bit in range(len(content) * 8):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(KeyStoreError):
            unseal("anthropic", bytes(changed), PASSPHRASE)


@pytest.mark.parametrize("kept", [0, 7, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 16, -1])
def test_cut_file_is_damaged(cheap: None, kept: int) -> None:
    """A file cut short anywhere is called damaged, not a wrong passphrase."""
    content = seal("anthropic", KEY, PASSPHRASE)[:kept]
    with pytest.raises(KeyStoreError, match="is damaged") as raised:
        unseal("anthropic", content, PASSPHRASE)
    assert not isinstance(raised.value, PassphraseError)


def test_damaged_ciphertext_is_not_called_a_wrong_passphrase(cheap: None) -> None:
    """The proof in the header still fits, so the passphrase is not blamed."""
    content = seal("anthropic", KEY, PASSPHRASE)
    with pytest.raises(KeyStoreError, match="is damaged"):
        unseal("anthropic", content[:-1] + bytes((content[-1] ^ 1,)), PASSPHRASE)


def test_a_file_is_of_one_provider(cheap: None) -> None:
    """One provider's file does not pass for another's."""
    content = seal("anthropic", KEY, PASSPHRASE)
    with pytest.raises(KeyStoreError, match="openai's encrypted key is damaged"):
        unseal("openai", content, PASSPHRASE)


def test_a_file_does_not_set_its_own_cost(cheap: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header with another cost is refused before anything is computed."""
    content = seal("anthropic", KEY, PASSPHRASE)
    monkeypatch.setattr(secret_file, "_derive", None)
    for place, cost in ((8, 63), (9, 255), (10, 255)):
        changed = content[:place] + bytes((cost,)) + content[place + 1 :]
        with pytest.raises(KeyStoreError, match="is damaged, or of a newer agentspend"):
            unseal("anthropic", changed, PASSPHRASE)
