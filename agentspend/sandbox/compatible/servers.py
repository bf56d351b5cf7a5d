"""What each compatible server does differently from the vendor whose shape it copies."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """One server's ways.

    `asked`: its streams tell the usage only when asked, in a last chunk without choices; else it
    stands beside the last word, asked or not. `refuses_options`: `stream_options` gets a 422.
    `every`: usage in every chunk, growing. `twice`: usage also inside the last choice (Moonshot).
    `opens_empty`: its streams open with a chunk that names no model and has no choices (Azure).
    `hides_reasoning`: the completion leaves reasoning out, the total has it. `states_cost`: what
    its usage calls what was taken, "" where it does not say. `cached` is where cached tokens stand:
    "details", "top", "deepseek" (both, under a name of its own) or "" (nowhere, nothing is cached).
    """

    name: str
    asked: bool = True
    refuses_options: bool = False
    every: bool = False
    twice: bool = False
    opens_empty: bool = False
    hides_reasoning: bool = False
    states_cost: str = ""
    cached: str = "details"
    key_header: str = ""
    needs_key: bool = True


SERVERS: Mapping[str, Server] = {
    server.name: server
    for server in (
        Server("openrouter", states_cost="cost"),
        Server("deepseek", cached="deepseek"),
        Server("xai", asked=False, hides_reasoning=True, states_cost="cost_in_usd_ticks"),
        Server("mistral", asked=False, refuses_options=True),
        Server("groq"),
        Server("moonshot", twice=True, cached="top"),
        Server("zai", asked=False),
        Server("together", asked=False, cached="top"),
        Server("fireworks", asked=False),
        Server("azure", opens_empty=True, key_header="api-key"),
        Server("litellm"),
        Server("ollama", cached="", needs_key=False),
        Server("vllm", every=True, needs_key=False),
    )
}
