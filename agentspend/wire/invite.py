"""Invite codes: 128 random bits as people can read them out, with a check against typos.

`ASPD-XXXX-…`: Crockford's base 32 (no I, L, O, U; lower case and look-alikes are read too), 26
digits of the number and two of its SHA-256. Random bits come from the caller. The server keeps
only the hash of the 16 bytes: they are random enough for a plain one (protocol study §5.5).
"""

from hashlib import sha256

from agentspend.core.errors import AgentspendError

CODE_BYTES = 16
PREFIX = "ASPD"
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES = str.maketrans("ILO", "110")
_LENGTH = 28


def write_code(secret: bytes) -> str:
    """The code of 16 random bytes, in groups of four."""
    assert len(secret) == CODE_BYTES
    digits = _base32(int.from_bytes(secret), 26) + _check(secret)
    groups = [digits[place : place + 4] for place in range(0, _LENGTH, 4)]
    return "-".join([PREFIX, *groups])


def read_code(text: str) -> bytes:
    """The 16 bytes of a code. Raises `AgentspendError` for one that was mistyped."""
    plain = "".join(text.split()).upper().replace("-", "")
    digits = plain.removeprefix(PREFIX).translate(_LOOK_ALIKES)
    if len(digits) == _LENGTH and set(digits) <= set(_DIGITS):
        number = 0
        for digit in digits[:26]:
            number = number * 32 + _DIGITS.index(digit)
        if number < 1 << 128:
            secret = number.to_bytes(CODE_BYTES)
            if _check(secret) == digits[26:]:
                return secret
    raise AgentspendError(
        "this is not an invite code: a letter is missing or mistyped",
        "copy the whole line from the invitation; it begins with ASPD-",
    )


def code_sha256(secret: bytes) -> str:
    """What the server stores in place of a code."""
    return sha256(b"agentspend/invite/v1\n" + secret).hexdigest()


def _check(secret: bytes) -> str:
    return _base32(int.from_bytes(sha256(secret).digest()[:2]) >> 6, 2)


def _base32(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, place = divmod(number, 32)
        digits = _DIGITS[place] + digits
    return digits
