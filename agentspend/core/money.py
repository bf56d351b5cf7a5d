"""Money as integers: nano-USD for amounts, pico-USD for rates. The only rounding lives here.

1 USD = 10^9 nUSD = 10^12 pUSD. In pUSD every first-party price per token is a whole number
(reference: pricing study §5), so sums are exact; one request is rounded once, upward, to nUSD.
JSON numbers stay exact up to 2^53-1, so no amount may pass `MAX_NUSD`.
"""

from decimal import Decimal, InvalidOperation

from agentspend.core.errors import AgentspendError

NUSD_PER_USD = 10**9
PUSD_PER_NUSD = 1_000
PUSD_PER_USD = NUSD_PER_USD * PUSD_PER_NUSD
MAX_NUSD = 2**53 - 1
_MAX_USD = Decimal(MAX_NUSD).scaleb(-9)


def nusd_from_pusd(amount_pusd: int) -> int:
    """Round pUSD up to nUSD: the one rounding a request gets."""
    return -(-amount_pusd // PUSD_PER_NUSD)


def parse_usd(text: str) -> int:
    """Read dollars such as "25", "25.00" or "$0.50" into nUSD.

    Raises `AgentspendError` for anything that is not a finite, non-negative amount below
    $9,007,199 with at most nine decimals: money is never rounded on the way in.
    """
    try:
        value = Decimal(text.strip().removeprefix("$").replace("_", ""))
    except InvalidOperation:
        value = Decimal("NaN")
    if value.is_finite() and value < 0:
        raise AgentspendError(f"{text!r} is below zero", "an amount is 0 or more")
    if not value.is_finite():
        raise AgentspendError(f"{text!r} is not an amount of dollars", 'write it like "25.00"')
    if value > _MAX_USD:
        raise AgentspendError(f"{text!r} is above the largest amount", "stay below $9,007,199")
    nusd = _whole_nusd(value)
    if nusd is None:
        raise AgentspendError(f"{text!r} is finer than a nano-dollar", "use at most nine decimals")
    return nusd


def _whole_nusd(value: Decimal) -> int | None:
    """Dollars as whole nUSD, or None. Digit by digit: Decimal's arithmetic rounds at 28 digits."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    places = exponent + 9
    if places < 0 and any(digits[places:]):
        return None
    kept = digits[:places] if places < 0 else digits
    whole = int("".join(map(str, kept)) or "0")
    return whole * 10**places if whole and places > 0 else whole


def usd_text(amount_nusd: int) -> str:
    """Write nUSD as exact decimal dollars without a sign: 10500000 → "0.0105"."""
    sign = "-" if amount_nusd < 0 else ""
    whole, rest = divmod(abs(amount_nusd), NUSD_PER_USD)
    fraction = f"{rest:09d}".rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def dollars(amount_nusd: int) -> str:
    """Write nUSD for people: cents, and four decimals below a dime so that small sums show.

    Spent money is never shown smaller than it is: the last digit is rounded up.
    """
    places = _places(amount_nusd)
    units = -(-abs(amount_nusd) // 10 ** (9 - places))
    return ("-" if amount_nusd < 0 else "") + _shown(units, places)


def free_dollars(amount_nusd: int) -> str:
    """As `dollars`, for money that may still be spent: never shown larger than it is."""
    if amount_nusd < 0:
        return dollars(amount_nusd)
    places = _places(amount_nusd)
    return _shown(amount_nusd // 10 ** (9 - places), places)


def _places(amount_nusd: int) -> int:
    return 2 if abs(amount_nusd) >= NUSD_PER_USD // 10 or amount_nusd == 0 else 4


def _shown(units: int, places: int) -> str:
    return f"${units // 10**places:,}.{units % 10**places:0{places}d}"
