"""The team server as this device calls it: sealed messages over HTTPS.

The server's certificate is the one whose pin came with the invite, or one that the machine trusts;
its word counts only with its own signature. Foreign errors become `Unreachable` or `NotTaken`.
"""

import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import truststore

from agentspend.core.allowance.messages import (
    AddDevice,
    Answer,
    Certificate,
    Decide,
    DrawReserve,
    Enrol,
    Hello,
    Look,
    Overview,
    RaiseRequest,
    Sync,
    Welcome,
)
from agentspend.core.errors import AgentspendError
from agentspend.wire import signing
from agentspend.wire.canonical import NotCanonical, parse
from agentspend.wire.team import Message, NotSigned, Sealed, read, seal, unseal

ANSWER_WITHIN_S = 10
CONNECT_WITHIN_S = 5
SILENT_PUSH_S = 60
POLICY = "policy"


class Unreachable(AgentspendError):
    """The team server gave no answer we can use; budgets are enforced here all the same."""


class NotTaken(AgentspendError):
    """The team server understood, and says no."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an answer came with: a policy when ours is not the newest, a ticket for its pushes."""

    policy: dict[str, Any] | None = None
    ticket: str = ""


class TeamClient:
    """One server, one device key. `server_key` is known once the device has enrolled."""

    def __init__(self, url: str, pin: str, private_key: bytes, server_key: bytes = b"") -> None:
        self._url = url.rstrip("/")
        self._private = private_key
        self._server_key = server_key
        self._tls = _fingerprint(pin) if pin else _trusted()
        self._session: aiohttp.ClientSession | None = None
        check_url(url)

    async def close(self) -> None:
        """Hang up."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def enrol(self, asked: Enrol) -> tuple[Certificate, Heard]:
        """Join with an invite; the certificate names the server's key, the pin vouches for both."""
        found = await self._post("/v1/enrol", seal(asked, self._sign))
        sealed = _sealed(found.get("sealed"))
        self._server_key = bytes.fromhex(read(Certificate, sealed.body).server_key)
        certificate = self._unsealed(Certificate, sealed)
        if certificate.in_reply_to != asked.nonce or certificate.public_key != asked.public_key:
            raise Unreachable("the team server answered another question than ours", "")
        return certificate, self._heard(found)

    async def sync(self, report: Sync) -> tuple[Answer, Heard]:
        """Report, and hear what may be spent."""
        found = await self._post("/v1/sync", seal(report, self._sign))
        answer = self._unsealed(Answer, _sealed(found.get("sealed")))
        if answer.in_reply_to != report.nonce:
            raise Unreachable("the team server answered another question than ours", "")
        return answer, self._heard(found)

    async def hello(self, asked: Hello) -> Welcome:
        """Ask for a new incarnation."""
        found = await self._post("/v1/hello", seal(asked, self._sign))
        return self._unsealed(Welcome, _sealed(found.get("sealed")))

    async def request_raise(self, asked: RaiseRequest) -> dict[str, Any]:
        """Ask the leads for more."""
        return await self._post("/v1/request", seal(asked, self._sign))

    async def look(self, asked: Look) -> Overview:
        """How the team stands; `NotTaken` by a server that is older than the question."""
        found = await self._post("/v1/look", seal(asked, self._sign))
        seen = self._unsealed(Overview, _sealed(found.get("sealed")))
        if seen.in_reply_to != asked.nonce:
            raise Unreachable("the team server answered another question than ours", "")
        return seen

    async def add_device(self, asked: AddDevice) -> dict[str, Any]:
        """Let another machine of ours in: the line to type there."""
        return await self._post("/v1/add_device", seal(asked, self._sign))

    async def draw_reserve(self, asked: DrawReserve) -> dict[str, Any]:
        """Draw a pool's emergency reserve."""
        return await self._post("/v1/draw_reserve", seal(asked, self._sign))

    async def decide(self, said: Decide) -> dict[str, Any]:
        """Answer a question for more, as a lead."""
        return await self._post("/v1/decide", seal(said, self._sign))

    async def pushes(self, ticket: str) -> AsyncIterator[str]:
        """What the server says of its own accord, until the line breaks (`Unreachable`) or the
        ticket is not taken (`NotTaken`)."""
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_WITHIN_S, sock_read=SILENT_PUSH_S
        )
        try:
            async with self._client().get(
                f"{self._url}/v1/push", params={"ticket": ticket}, ssl=self._tls, timeout=timeout
            ) as line:
                if line.status == 403:
                    raise NotTaken("the team server does not take this ticket", "")
                if line.status != 200:
                    raise Unreachable(f"the team server answers {line.status}", "")
                async for raw in line.content:
                    yield str(msgspec.json.decode(raw).get("event", ""))
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
            raise _unreachable(error) from error

    async def _post(self, path: str, sealed: Sealed) -> dict[str, Any]:
        sent = {"body": sealed.body.decode(), "signature": sealed.signature.hex()}
        try:
            async with self._client().post(self._url + path, json=sent, ssl=self._tls) as answer:
                raw = await answer.read()
                found = msgspec.json.decode(raw) if raw else {}
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
            raise _unreachable(error) from error
        if not isinstance(found, dict):
            raise Unreachable("the team server's answer cannot be read", "")
        if answer.status == 200:
            return found
        said = found.get("error") or {}
        message = str(said.get("message") or f"the team server answers {answer.status}")
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable(message, str(said.get("hint", "")))
        raise NotTaken(message, str(said.get("hint", "")))

    def _heard(self, found: dict[str, Any]) -> Heard:
        """The policy, if its signature is the server's, and the ticket."""
        policy = None
        if found.get("policy"):
            sealed = _sealed(found["policy"])
            if not signing.verify(self._server_key, POLICY, sealed.body, sealed.signature):
                raise Unreachable("the team's policy is not signed by its server", "")
            try:
                read_policy = parse(sealed.body)
            except NotCanonical as error:
                raise Unreachable(f"the team's policy cannot be read: {error}", "") from error
            policy = read_policy if isinstance(read_policy, dict) else None
        return Heard(policy, str(found.get("ticket") or ""))

    def _unsealed(self, kind: type[Message], sealed: Sealed) -> Message:
        key = self._server_key
        try:
            return unseal(
                kind,
                sealed,
                lambda domain, body, found: signing.verify(key, domain, body, found),
            )
        except (NotSigned, NotCanonical) as error:
            raise Unreachable(f"the team server's answer is not its own: {error}", "") from error

    def _sign(self, domain: str, body: bytes) -> bytes:
        return signing.sign(self._private, domain, body)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S, sock_connect=CONNECT_WITHIN_S),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def check_url(url: str) -> None:
    """Refuse what is no address of a team server; in the clear only on this machine."""
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise AgentspendError(
            f"{url!r} is not the https address of a team server",
            "it stands in the invite: agentspend team join https://HOST:PORT CODE",
        )


def split_code(code: str) -> tuple[str, str]:
    """An invite's own code, and the pin of the server's certificate ("" without one)."""
    own, _, pin = code.strip().partition(".")
    return own, pin


def _trusted() -> ssl.SSLContext:
    """Trusts whom the machine trusts, as the calls to providers do."""
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _fingerprint(pin: str) -> aiohttp.Fingerprint:
    try:
        digest = base64.b32decode(pin.upper() + "=" * (-len(pin) % 8))
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise AgentspendError("the invite is not whole", "copy the line again, to its end")
    return aiohttp.Fingerprint(digest)


def _sealed(found: object) -> Sealed:
    try:
        assert isinstance(found, dict)
        return Sealed(str(found["body"]).encode(), bytes.fromhex(str(found["signature"])))
    except (AssertionError, KeyError, ValueError) as error:
        raise Unreachable("the team server's answer cannot be read", "") from error


def _unreachable(error: Exception) -> Unreachable:
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return Unreachable(
            "the team server shows another certificate than the invite's",
            "ask the team's lead for a new invite",
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Unreachable(
            "this machine does not trust the team server's certificate, and the invite names none",
            "copy the whole line of the invite: its end is the certificate's",
        )
    cause = getattr(error, "os_error", None)
    why = (cause.strerror if cause is not None else "") or str(error) or type(error).__name__
    return Unreachable(
        f"the team server cannot be reached: {why}",
        "is its address right, and does it run? its lead: agentspend-server serve",
    )
