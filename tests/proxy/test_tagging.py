"""Tags that come with a request: they count in budgets, stand in the ledger, and stay here."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentspend.core.limits import MAX_TAGS
from tests.proxy.test_every_dialect import ASKED, CHAT, RESPONSES, ask
from tests.support.desk import OPUS, Device, budget, message

KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test", "google": "g-test"}
TAGS = ["project:payments-refactor", "team:backend", "agent:claude-code"]
KEPT = ["agent=claude-code", "project=payments-refactor", "team=backend"]


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES)]
)
async def test_tags_of_an_openai_body_count_and_stay_here(
    tmp_path: Path, path: str, body: dict[str, Any]
) -> None:
    """The entry has them, a budget for one of them is charged, the provider sees none."""
    mine = {**body, "metadata": {"tags": TAGS, "mine": "7"}}
    async with Device(tmp_path, [budget("web", "5", tag="team:back*")], keys=KEYS) as device:
        reply = await ask(device, path, mine)
        await device.until_idle()

        assert reply.status == 200, reply.body
        [entry] = await device.ledger()
        assert entry["tags"] == KEPT
        assert (await device.status("web"))["spent_nusd"] == entry["amount_nusd"] > 0
        [sent] = device.sandbox.requests
        assert msgspec.json.decode(sent.body) == {**body, "metadata": {"mine": "7"}}


@pytest.mark.parametrize(("path", "body"), [*ASKED, ("/v1/messages", message())], ids=str)
async def test_a_header_tags_every_dialect(tmp_path: Path, path: str, body: dict[str, Any]) -> None:
    """The header is ours alone: it is read, and never sent on."""
    async with Device(tmp_path, [], keys=KEYS) as device:
        device.open_session(tags=("team=web",))
        token = {"x_goog_api_key": "test-session-token"} if ":" in path else {}
        reply = await device.post(body, path, x_agentspend_tags="ticket:1, urgent", **token)
        await device.until_idle()

        assert reply.status == 200, reply.body
        [entry] = await device.ledger()
        assert entry["tags"] == ["team=web", "ticket=1", "urgent"]
        [sent] = device.sandbox.requests
        assert "x-agentspend-tags" not in {name.lower() for name in sent.headers}


async def test_anthropics_metadata_is_never_touched(tmp_path: Path) -> None:
    """Claude Code's `user_id` matters upstream, and a list called tags there is not ours."""
    body = message(metadata={"user_id": "u_1", "tags": ["team:web"]})
    async with Device(tmp_path) as device:
        await device.post(body)
        await device.until_idle()

        [sent] = device.sandbox.requests
        assert msgspec.json.decode(sent.body)["metadata"] == body["metadata"]
        [entry] = await device.ledger()
        assert "tags" not in entry


@pytest.mark.parametrize(
    ("tags", "header", "words"),
    [
        (["team:web", "a b"], "", "metadata.tags: 'a b' is not a tag"),
        (["team:web", 7], "", "metadata.tags: must be a list of strings"),
        ([], "=x", "x-agentspend-tags: '=x' is not a tag"),
        ([], "k=\udcff", "x-agentspend-tags"),
        ([f"k{number}:v" for number in range(MAX_TAGS + 1)], "", "tags are too many"),
    ],
)
async def test_a_bad_tag_stops_the_request(
    tmp_path: Path, tags: list[object], header: str, words: str
) -> None:
    """Dropped in silence, it would leave its budget in silence too."""
    async with Device(tmp_path, [budget("daily", "5")], keys=KEYS) as device:
        body = {**CHAT, "metadata": {"tags": tags}}
        named = {"x_agentspend_tags": header} if header else {}
        reply = await device.post(body, "/v1/chat/completions", **named)

        assert reply.status == 400
        assert words in reply.error["message"]
        assert device.sandbox.requests == []
        assert (await device.status("daily"))["held_nusd"] == 0


async def test_a_client_cannot_leave_a_budget_by_adding_tags(tmp_path: Path) -> None:
    """The session's own tags stay, whatever comes beside them."""
    async with Device(tmp_path, [budget("web", "0.000001", tag="team=web")]) as device:
        device.open_session(tags=("team=web",))
        reply = await device.post(message(), x_agentspend_tags="team=other")

        assert reply.status == 402
        assert "'web'" in reply.error["message"]


async def test_what_the_entry_says_is_found_again(tmp_path: Path) -> None:
    """A budget that is set later counts what was tagged before."""
    async with Device(tmp_path) as device:
        await device.post(message(model=OPUS), x_agentspend_tags="team:web")
        await device.until_idle()
        await device.adopt(budget("late", "5", tag="team:web"), budget("else", "5", tag="team:app"))

        assert (await device.status("late"))["spent_nusd"] == await device.spent_nusd() > 0
        assert (await device.status("else"))["spent_nusd"] == 0
