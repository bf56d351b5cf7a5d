"""What the smallest useful limit is: the least that a first request of Claude Code can be held at.

A strict budget cannot spend its last cents (DESIGN.md §3), so `budget set` says from where on a
limit is of use with today's models.
"""

from agentspend.cli import access
from agentspend.cli.diagnostics import say, warn
from agentspend.cli.moments import now_us
from agentspend.core.budgets import Budget, Mode
from agentspend.core.facts import RequestFacts
from agentspend.core.model_patterns import may_name
from agentspend.core.money import dollars
from agentspend.core.scopes import Payer

# Claude Code's first request of "say hi": 48-56 KB of ASCII (wire study §1), at the two tokens a
# byte that bound it before the provider counts it.
FIRST_REQUEST_BYTES = 48 * 1024
BOUND_TOKENS_PER_BYTE = 2
MODELS = ("claude-fable-5", "claude-opus-5-5", "claude-sonnet-5", "claude-haiku-5-5")


def limits_nusd(floor_tokens: int, named: str = "") -> dict[str, int]:
    """Per model the smallest hold of a first request, clamped to the least output.

    The models are today's and the one that the budget is for (`named`; a pattern is none).
    """
    book = access.price_book()
    found = {}
    for model in dict.fromkeys(filter(None, (named, *MODELS))):
        facts = RequestFacts(
            model=model,
            max_output_tokens=floor_tokens,
            input_bound_tokens=FIRST_REQUEST_BYTES * BOUND_TOKENS_PER_BYTE,
            cache_ttl="5m",
        )
        if book.find("anthropic", model) is not None:
            found[model] = book.bound("anthropic", facts, now_us()).nusd(floor_tokens)
    return found


def show(budget: Budget) -> None:
    """Say which limits are of use; warn when this one is below."""
    names = may_name(access.price_book())
    model_scope = dict(budget.scope.terms).get("model", "")
    found = {
        model: needed_nusd
        for model, needed_nusd in limits_nusd(
            access.config().admission.floor_tokens, model_scope.removeprefix("anthropic/")
        ).items()
        if not model_scope or budget.scope.matches(Payer(provider="anthropic", model=model), names)
    }
    if budget.mode is not Mode.HARD or not found:
        return
    told = ", ".join(f"{model} {dollars(nusd)}" for model, nusd in found.items())
    say(f"a first Claude Code request may be held at: {told}")
    over = [model for model, nusd in found.items() if nusd > budget.limit_nusd]
    if over:
        warn(
            f"{dollars(budget.limit_nusd)} is below that for {', '.join(over)}: such a request"
            " leaves only if the provider's own count of it is smaller",
            f"agentspend budget raise {budget.name} --to {_whole_dollars(max(found.values()))}",
        )


def _whole_dollars(nusd: int) -> str:
    return f"{-(-nusd // 10**9)}.00"
