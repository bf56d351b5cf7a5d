"""`agentspend why ID`: one request's story, in the order in which it happened."""

from typing import Annotated, Any

import typer

from agentspend.cli import access, completing, output
from agentspend.cli.ledger_reading import own_id
from agentspend.cli.moments import clock_text
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.money import NUSD_PER_USD, PUSD_PER_USD, dollars, usd_text

Story = dict[str, Any]
MTOK = 1_000_000


def why(
    rid: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="From `log` or a refusal; its beginning will do.",
            autocompletion=completing.requests,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Tell a request's story: the bound, the hold, the usage, the price, the budgets it touched."""
    with access.reading() as (ask, _):
        story = ask("why", rid=own_id(ask, rid))
    if as_json:
        output.answer(story)
        return
    output.line(f"{story['rid']}  {story['outcome']}  {clock_text(story['at_us'])}")
    rows = [[name, output.plain(text)] for name, text in steps_of(story)]
    output.table(["", ""], rows, head=False, wrap=True)


def steps_of(story: Story) -> list[tuple[str, str]]:
    """The story step by step: (what, in words)."""
    steps = [*_who(story), *_bound(story)]
    steps += _refused(story) if story["outcome"] in ("refused", "slowed") else _held(story)
    if story["outcome"] == "released":
        steps.append(("released", f"{story.get('why', 'nothing was billed')}; it cost nothing"))
    for entry in story["entries"]:
        steps += _charged(entry)
    return steps


def _who(story: Story) -> list[tuple[str, str]]:
    payer = story.get("payer", {})
    names = ("agent", "project", "branch", "member", "subagent", "session")
    known = " · ".join(str(payer[name]) for name in names if payer.get(name))
    known += f" · for team {payer['team']}" if payer.get("team") else ""
    model = f"{story.get('provider', '')}/{story.get('model', '')}".strip("/")
    listed = story.get("counted") == "subscription"
    paid = "by a subscription: amounts are list prices" if listed else "in dollars"
    tags = [("tags", " ".join(map(str, payer["tags"])))] if payer.get("tags") else []
    steps = [("who", known or "-"), *tags, ("model", f"{model}, paid {paid}")]
    if story.get("downgraded_from"):
        why = f"from {story['downgraded_from']}: {story.get('downgraded_by', 'by a rule')}"
        steps.append(("downgraded", why))
    return steps


def _bound(story: Story) -> list[tuple[str, str]]:
    """What it could cost at most, and what that rests on."""
    if "input_tokens_bound" not in story:
        return []
    text = f"at most {story['input_tokens_bound']:,} input tokens by {story['basis']}"
    if story.get("warm_saves_nusd"):
        text += f"; a warm cache would save {dollars(story['warm_saves_nusd'])}"
    steps = [("bound", text)]
    if "wanted_output" in story:
        steps.append(("asked for", f"up to {story['wanted_output']:,} output tokens"))
    return steps


def _held(story: Story) -> list[tuple[str, str]]:
    """The hold, what came before it, and where it was taken from."""
    steps = []
    if "held_us" in story and "arrived_us" in story:
        waited_s = (story["held_us"] - story["arrived_us"]) / MTOK
        if waited_s >= 1:
            steps.append(("waited", f"{waited_s:.1f} s in line"))
    if story.get("output_limit", 0) < story.get("wanted_output", 0):
        steps.append(("clamped", f"to {story['output_limit']:,} output tokens, to fit"))
    if "hold_nusd" in story:
        steps.append(("hold", f"{dollars(story['hold_nusd'])} set aside before it left"))
    for name, share_nusd in story.get("budgets", {}).items():
        steps.append(("budget", f"{name}: {dollars(share_nusd)} held"))
    if not story.get("budgets"):
        steps.append(("budget", "none applied: metering only"))
    return steps


def _refused(story: Story) -> list[tuple[str, str]]:
    """Which budget said no, by how much, and the command that changes it."""
    if not story.get("budget"):
        why = str(story.get("why") or story.get("reason", "before it was priced"))
        return [(story["outcome"], why)]
    reasons = {
        "never_fits": "it could not fit even if every request in flight ended at zero",
        "waited": "no room came free while it waited",
        "too_fast": "not enough had rolled out while it waited",
        "line_full": "too many requests were waiting",
    }
    spent = f"{dollars(story['spent_nusd'])} of {dollars(story['limit_nusd'])} spent"
    return [
        (
            story["outcome"],
            f"by budget {story['budget']}: {reasons.get(story['reason'], story['reason'])}",
        ),
        ("budget", f"{spent}, {dollars(story['held_nusd'])} held"),
        ("needed", f"{dollars(story['needed_nusd'])} at least"),
        ("change it", _raised(story["budget"])),
    ]


def _raised(budget: str) -> str:
    """The command that gives a budget more, or asks for it."""
    if budget.startswith(TEAM_PREFIX):
        pool = budget.removeprefix(TEAM_PREFIX)
        return f"agentspend team request AMOUNT --pool {pool} --reason WHY"
    return f"agentspend budget raise {budget} AMOUNT"


def _charged(entry: Story) -> list[tuple[str, str]]:
    """An entry: the usage, line by line with its rate, and what it came to."""
    if entry["kind"] == "adjust":
        return [("adjusted", f"by {dollars(entry['amount_nusd'])}: {entry.get('text', '')}")]
    steps = []
    rates = entry.get("rates") or {}
    by_line = isinstance(rates, list)
    for name, count in (entry.get("usage") or {}).items():
        what = name.removesuffix("_tokens").removesuffix("_requests")
        rate = None if by_line else rates.get(what)
        at = f" at ${_rate_text(what, rate)}" if rate is not None else ""
        steps.append(("usage", f"{what} {count:,}{at}"))
    steps += [("line", _line(each)) for each in rates] if by_line else []
    sure = f"{entry['billing']}, by {entry['evidence'].replace('_', ' ')}"
    cost = f"{dollars(entry['amount_nusd'])} (${usd_text(entry['amount_nusd'])}) — {sure}"
    steps.append(("listed" if entry.get("counted") == "subscription" else "cost", cost))
    if entry.get("overrun_nusd"):
        steps.append(("overrun", f"{dollars(entry['overrun_nusd'])} above the hold"))
    if entry.get("price"):
        steps.append(("prices", entry["price"]))
    steps.append(("entry", f"{entry['seq']}, linked to {entry['prev'][:12] or 'nothing'}…"))
    return steps


def _line(line: Story) -> str:
    """One line of a bill that has lines of several kinds: other models', or a stated amount."""
    from agentspend.core.pricing import STATED

    what, rate = line["what"], line["rate_pusd"]
    if what == STATED:
        return f"${usd_text(rate * NUSD_PER_USD // PUSD_PER_USD)} {what}"
    return f"{what} {line['count']:,} at ${_rate_text(what.rpartition(' ')[2], rate)}"


def _rate_text(what: str, rate_pusd: int) -> str:
    """A rate as people quote it: dollars per million tokens, or per thousand searches."""
    many, unit = (1_000, "1,000") if what == "web_search" else (MTOK, "1M tokens")
    return f"{usd_text(rate_pusd * many * NUSD_PER_USD // PUSD_PER_USD)} per {unit}"
