"""What a refused agent is told: what happened, the fact behind it, the command that changes it."""

from datetime import datetime, tzinfo

from agentspend.bookkeeper.closed import FROZEN, LEFT, VIEWER, is_closed
from agentspend.bookkeeper.outcomes import Asked, Refused
from agentspend.core.access import Forbidden
from agentspend.core.admission import RefusalReason
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.facts import RequestFacts
from agentspend.core.included import ALL_BP, IncludedWindow, Stand, called, percent_text
from agentspend.core.limits import MAX_BODY_BYTES, MAX_REQUEST_NUSD
from agentspend.core.money import dollars, free_dollars
from agentspend.core.phrases import resets_text
from agentspend.core.rule_words import rate_words
from agentspend.core.virtual_keys import KEY_SOURCE
from agentspend.proxy.pacer import Slow
from agentspend.proxy.pauses import Pause

TOO_LARGE = f"agentspend: the request is larger than {MAX_BODY_BYTES // 1024**2} MiB"
TOO_DEAR = (
    f"agentspend: this request could cost more than {dollars(MAX_REQUEST_NUSD)}, so it is not sent."
    " Ask for fewer answers (n), a shorter one (max_tokens), or fewer uses of a tool (max_uses)."
)


_ASK_THE_TEAM = "To ask the team's lead, in another terminal: agentspend team request AMOUNT"


def refused_message(
    refused: Refused, now: datetime, zone: tzinfo, wait_s: int, so_much: str = ""
) -> str:
    """The message of a budget refusal, one paragraph that a terminal shows whole.

    `so_much` is `why_so_much` of what was asked.
    """
    if is_closed(refused.budget):
        return _closed_message(refused.budget)
    spent = f"{dollars(refused.spent_nusd)} of {dollars(refused.limit_nusd)} is spent"
    free = free_dollars(refused.free_nusd)
    held = f", {dollars(refused.held_nusd)} held by requests in flight" if refused.held_nusd else ""
    return (
        f"agentspend: budget {refused.budget!r} ({refused.scope}, per {refused.window}) "
        f"{_what(refused, wait_s)}: {spent}{held}, {free} is free, and this "
        f"request can cost {dollars(refused.needed_nusd)} at least. {so_much}{_asked(refused)}"
        f"{_reset(refused, now, zone)} {_raise(refused)}"
    )


def why_so_much(facts: RequestFacts) -> str:
    """Why a request that brings in what its body does not hold is held for dollars, and what makes
    it less; "" for any other."""
    if not facts.remote_input and not facts.sealed_tokens:
        return ""
    what = "its web search" if facts.web_search_requests else "a tool, file or link of it"
    runs = f" in each of {facts.iterations} runs" if facts.iterations > 1 else ""
    fewer = ", with fewer uses of it" if runs else ""
    return (
        f"So much because what {what} brings in may fill the model's whole window{runs}: without"
        f" it{fewer}, or on a cheaper model it is less. "
    )


def _closed_message(budget: str) -> str:
    """Why nothing at all is spent for a team, and who changes it: no raise would help."""
    if budget.startswith(FROZEN):
        team = budget.removeprefix(FROZEN)
        return (
            f"agentspend: your team {team} is frozen: a lead has stopped all its spending. Only a"
            f" lead ends it: agentspend-server unfreeze {team}"
        )
    if budget.startswith(VIEWER):
        member = budget.removeprefix(VIEWER)
        return (
            f"agentspend: {member} is a viewer of this team, and the role viewer may look but not"
            f" spend. Ask a lead: agentspend-server member set-role {member} member"
        )
    team = budget.removeprefix(LEFT)
    return (
        f"agentspend: this session spends for team {team}, and you are not in it any more. To"
        " go on for another of your teams, start the agent anew; which there are says:"
        " agentspend team status"
    )


def _asked(refused: Refused) -> str:
    """What a person said who was asked to let it pass."""
    who = "A lead" if refused.budget.startswith(TEAM_PREFIX) else "Somebody"
    match refused.asked:
        case Asked.NOT:
            return ""
        case Asked.NO:
            return f"{who} was asked for more, and said no. "
        case Asked.NOTHING:
            return f"{who} was asked for more, and it did not come in time. "


def _raise(refused: Refused) -> str:
    """The way out: the command, or the file that a repository declares it in."""
    if refused.source:
        return (
            f"It comes from {refused.source}. To change it, edit that file, then there, in another"
            " terminal: agentspend budget confirm"
        )
    if refused.budget.startswith(TEAM_PREFIX):
        pool = refused.budget.removeprefix(TEAM_PREFIX)
        return f"{_ASK_THE_TEAM} --pool {pool} --reason WHY"
    return f"To change it, in another terminal: agentspend budget raise {refused.budget} AMOUNT"


def _what(refused: Refused, wait_s: int) -> str:
    match refused.reason:
        case RefusalReason.NEVER_FITS:
            return "has no room for this request"
        case RefusalReason.WAITED | RefusalReason.TOO_FAST:
            return f"had no room for this request within {wait_s} s"
        case RefusalReason.LINE_FULL:
            return "has too many requests waiting"


def _reset(refused: Refused, now: datetime, zone: tzinfo) -> str:
    if refused.resets_us is None:
        return "It does not reset by the calendar."
    if refused.reason is RefusalReason.TOO_FAST:
        return f"Enough rolls out {resets_text(refused.resets_us, now, zone)}."
    return f"It resets {resets_text(refused.resets_us, now, zone)}."


def included_message(window: IncludedWindow, at_bp: int, now: datetime, zone: tzinfo) -> str:
    """The message before paid overage: which window, when it resets, and how to turn it off."""
    what = f"the {called(window)} of this {window.provider} login"
    if window.stand is Stand.PAID:
        fact = f"this {window.provider} login is on paid overage"
    elif window.stand is Stand.USED_UP or (window.used_bp or 0) >= ALL_BP:
        fact = f"{what} is used up"
    else:
        room = f"requests stop at {percent_text(at_bp)}"
        fact = f"{what} is {percent_text(window.used_bp)} used, and {room}"
    return (
        f"agentspend: {fact}, so this request could cost money beyond what the subscription"
        f" includes. It resets {resets_text(window.ends_us, now, zone)}. To go on and pay, set"
        f" stop_at_included = false under [providers.{window.provider}] in config.toml, then, in"
        " another terminal: agentspend budget confirm"
    )


def unknown_model_message(provider: str, model: str, nearest: list[str]) -> str:
    """The message for a model without a price: refused before the call, never guessed."""
    names = f" Nearest known: {', '.join(nearest)}." if nearest else ""
    return (
        f"agentspend: no price is known for model {model!r} of {provider}, so it is not sent."
        f"{names} Set one with: agentspend prices set {provider}/{model} --input USD --output USD"
    )


def forbidden_message(found: Forbidden) -> str:
    """The message for a model that a rule forbids: who says so, and what is allowed."""
    allowed = ", ".join(found.allowed) or "none of this provider"
    return (
        f"agentspend: model {found.model!r} may not be used here, so it is not sent: "
        f"{forbidding(found)} says so. Allowed: {allowed}. "
        f"{_change_rule(found.rule.source, 'models')}"
    )


def forbidding(found: Forbidden) -> str:
    """The rule that forbids a model, in words."""
    return f"the rule on models for {found.rule.scope.text()}{_made_by(found.rule.source)}"


def paused_message(session: str, pause: Pause) -> str:
    """The message for a session that is paused ("": everybody is)."""
    who = f"session {session}" if session else "every session"
    return (
        f"agentspend: {who} is paused: {pause.why}. No request is sent until it is resumed. To let"
        f" it go on, in another terminal: agentspend resume {session or '--all'}"
    )


def slow_message(slow: Slow, wait_s: int) -> str:
    """The message for a request that was too fast: which limit, and when to come again."""
    limit = slow.limit
    return (
        f"agentspend: too fast for the rate limit of {rate_words(limit)} ({limit.scope.text()})"
        f"{_made_by(limit.source)}: this request waited {wait_s} s and was not sent. It may pass"
        f" in {slow.retry_after_s} s. {_change_rule(limit.source, 'rate_limits')}"
    )


def _made_by(source: str) -> str:
    return f", of {source}," if source else ""


def _change_rule(source: str, section: str) -> str:
    """The way out: where a rule is changed, by a person."""
    if source.startswith(KEY_SOURCE):
        alias = source.removeprefix(KEY_SOURCE)
        return f"To change it, in another terminal: agentspend key update {alias}"
    if source:
        return f"It comes from {source}, and is changed there."
    return (
        f"To change it, edit [[{section}]] in the configuration (agentspend config path); then, in"
        " another terminal: agentspend budget confirm"
    )


def missing_key_message(provider: str) -> str:
    """The message when our token stands in for a key that is not there."""
    return (
        f"agentspend: no {provider} key is stored, so this request cannot be sent. "
        f"Store one with: agentspend keys set {provider}"
    )


def unpriceable_message(fields: tuple[str, ...]) -> str:
    """The message for a request that asks for something we cannot price."""
    return (
        f"agentspend: this request asks for {', '.join(fields)}, which has no known price, so it is"
        " not sent. Leave it out, or set unknown_model.mode to 'ceiling' in the configuration."
    )
