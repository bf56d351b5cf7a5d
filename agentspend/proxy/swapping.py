"""Another model in a request's place: its body or path rewritten, and read again."""

from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.core.pricebook import PriceBook
from agentspend.dialects.base import Route
from agentspend.proxy.reading import read_facts


async def swapped(
    route: Route, path: str, body: bytes, model: str, book: PriceBook
) -> tuple[Route, str, bytes, RequestFacts]:
    """A request to this model instead: where it leads, its path and body, and its facts.

    An output limit above what the model can write is lowered to that.
    """
    if route.model:
        path = path.replace(f"/{route.model}:", f"/{model}:", 1)
        upstream = route.path.replace(f"/{route.model}:", f"/{model}:", 1)
        route = replace(route, model=model, path=upstream)
    dialect = route.dialect
    body = dialect.with_model(body, model)
    facts = await read_facts(dialect, body, route.model)
    price = book.find(dialect.provider, model)
    most = price.max_output if price is not None else 0
    if most and facts.max_output_tokens > most:
        body = dialect.with_max_output(body, most)
        facts = replace(facts, max_output_tokens=most)
    return route, path, body, facts
