"""What we know of a request before it leaves: read from its bytes by a dialect, priced by core."""

import msgspec


class PrefixMark(msgspec.Struct, frozen=True):
    """One point where a known conversation may be recognised: the request up to some message.

    `digest` is a plain hash of the normalised prefix, for use in memory only: what is stored is
    its HMAC. `added_tokens_bound` bounds everything in the body after this prefix.
    """

    digest: bytes
    added_tokens_bound: int


class RequestFacts(msgspec.Struct, frozen=True):
    """A request's own words that matter for money. Counts only, never text.

    `input_bound_tokens`: upper bound of the prompt by its bytes, not yet capped by the context
    window; `sealed_tokens` are the part of it for files that lie in the body but whose bytes bound
    nothing (PDF, sound), so that the window does, or a count, or an earlier turn; `linked_tokens`
    that for images which only an address leads to: a larger one may lie there in the next turn.
    `remote_input`: input the body does not hold (URLs, files, server tools, MCP), so that only the
    context window bounds it. `iterations`: how often the provider may run the prompt in one
    request (server tools). `cache_ttl`: the dearest cache write asked for ("", "5m", "1h"), or
    "auto" / "auto-12h" where the provider writes by itself, billed only where it lists a price.
    `prefixes`: newest first; the first is the whole request. `unpriceable`: names of fields that
    can cost money and that we have no price for.

    `max_output_tokens` is per candidate, 0 where the request names no limit: the price book puts
    the model's own in (`PriceBook.with_limits`), or an `assumed_limit` where nobody knows it, which
    only holds once `Dialect.with_max_output` has written it. `uncapped_output_tokens`: the part
    of it that no limit holds back (a prediction's rejected tokens): a clamp stands above it.
    `candidates`: how many answers are generated. `advice_tokens`: output of other models, beside
    the answer, which no limit of the request holds back.
    `fees_pusd`: what else the provider may take, beside tokens and the calls named here.
    `audio`: the prompt may hold audio, which has a rate of its own. `adds_usage`: the stream would
    end without its usage, so `Dialect.prepare` asks for it.
    """

    model: str
    max_output_tokens: int
    input_bound_tokens: int
    thinking_tokens: int = 0
    uncapped_output_tokens: int = 0
    stream: bool = False
    cache_ttl: str = ""
    speed: str = ""
    service_tier: str = ""
    inference_geo: str = ""
    other_models: tuple[str, ...] = ()
    remote_input: bool = False
    iterations: int = 1
    web_search_requests: int = 0
    prefixes: tuple[PrefixMark, ...] = ()
    unpriceable: tuple[str, ...] = ()
    candidates: int = 1
    web_search_preview_requests: int = 0
    file_search_requests: int = 0
    audio: bool = False
    adds_usage: bool = False
    assumed_limit: bool = False
    advice_tokens: int = 0
    fees_pusd: int = 0
    sealed_tokens: int = 0
    linked_tokens: int = 0

    @property
    def may_add_input(self) -> bool:
        """True when input can still grow after the first usage event, so a hold must not shrink."""
        return self.remote_input or self.iterations > 1 or bool(self.other_models)
