"""The OS keyring's door: known backends only, no endless wait, no key in an error."""

import threading
from collections.abc import Callable
from types import SimpleNamespace

import keyring.core
import pytest

from agentspend.config import secret_keyring
from agentspend.config.secret_keyring import NoKeyringError, delete, fetch, store

KEY = "sk-ant-api03-canary-4711"
SAFE = "keyring.backends.SecretService"


class Memory:
    """A keyring that keeps its secrets in a dict."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, account: str) -> str | None:
        return self.kept.get((service, account))

    def set_password(self, service: str, account: str, key: str) -> None:
        self.kept[service, account] = key

    def delete_password(self, service: str, account: str) -> None:
        del self.kept[service, account]


def backend(module: str, **methods: Callable[..., object]) -> Memory:
    """A keyring backend whose class lives in `module`."""
    made: Memory = type("Keyring", (Memory,), {"__module__": module, **methods})()
    return made


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Make a backend the one `keyring` has chosen."""

    def choose(active: object) -> None:
        monkeypatch.setattr(keyring.core, "_keyring_backend", active)

    return choose


@pytest.mark.parametrize(("module", "name"), secret_keyring.TRUSTED.items())
def test_known_backends_keep_a_key(use: Callable[[object], None], module: str, name: str) -> None:
    """Each backend of the list stores, gives back and deletes, under the name people know."""
    active = backend(module)
    use(active)
    assert store("anthropic for /x", KEY, 5) == name
    assert active.kept == {("agentspend", "anthropic for /x"): KEY}
    assert fetch("anthropic for /x", 5) == KEY
    assert delete("anthropic for /x", 5)
    assert not delete("anthropic for /x", 5)
    assert fetch("anthropic for /x", 5) is None


@pytest.mark.parametrize(
    "module",
    ["keyrings.alt.file", "keyrings.cryptfile.cryptfile", "sagecipher.keyring", "my.backends",
     "keyring.backends.SecretService.mine", "keyring.backends.fail", "keyring.backends.null"],
)  # fmt: skip
def test_other_backends_are_refused(use: Callable[[object], None], module: str) -> None:
    """A backend that is not on the list is never written to; one that is none is not named."""
    active = backend(module)
    use(active)
    with pytest.raises(NoKeyringError) as raised:
        store("anthropic", KEY, 5)
    assert active.kept == {}
    is_none = module.endswith((".fail", ".null"))
    said = "there is no OS keyring" if is_none else f"{module}.Keyring, is not known to be safe"
    assert said in raised.value.message


def test_first_known_member_of_a_chain_is_taken(use: Callable[[object], None]) -> None:
    """In a chain of backends the plain ones are passed over, whatever their priority."""
    plain, safe, later = backend("keyrings.alt.file"), backend(SAFE), backend(SAFE)
    chain = type("Chainer", (SimpleNamespace,), {"__module__": "keyring.backends.chainer"})
    use(chain(backends=[plain, safe, later]))
    assert store("anthropic", KEY, 5) == "SecretService"
    assert (len(plain.kept), len(safe.kept), len(later.kept)) == (0, 1, 0)
    use(chain(backends=[plain]))
    with pytest.raises(NoKeyringError, match=r"keyrings\.alt\.file\.Keyring, is not known"):
        fetch("anthropic", 5)


def test_keyring_that_hangs_is_given_up(use: Callable[[object], None]) -> None:
    """A keyring that waits for a person does not stall whoever asks."""
    answered = threading.Event()
    use(backend(SAFE, get_password=lambda *_: answered.wait(60)))
    try:
        with pytest.raises(NoKeyringError, match="did not answer within 0 s; it may be waiting"):
            fetch("anthropic", 0.05)
    finally:
        answered.set()


def test_foreign_error_is_told_without_the_key(use: Callable[[object], None]) -> None:
    """Whatever a backend raises becomes one line; a key quoted in it is taken out."""

    def refuse(*_: object) -> None:
        raise RuntimeError(f"cannot store {KEY}\nsecond line")

    use(backend(SAFE, set_password=refuse))
    with pytest.raises(NoKeyringError) as raised:
        store("anthropic", KEY, 5)
    assert raised.value.message == "the OS keyring failed: RuntimeError: cannot store …"
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_error_without_words_is_named(use: Callable[[object], None]) -> None:
    """An error that says nothing is told by its kind."""

    def refuse(*_: object) -> None:
        raise PermissionError

    use(backend(SAFE, get_password=refuse))
    with pytest.raises(NoKeyringError, match=r"the OS keyring failed: PermissionError$"):
        fetch("anthropic", 5)


def test_keyring_that_forgets_is_found_out(use: Callable[[object], None]) -> None:
    """A keyring that takes a key and does not have it afterwards counts as none."""
    use(backend(SAFE, set_password=lambda *_: None))
    with pytest.raises(NoKeyringError, match="did not keep the key"):
        store("anthropic", KEY, 5)
