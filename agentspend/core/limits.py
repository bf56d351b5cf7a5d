"""Every bound in the product, in one place, with the relations between them asserted."""

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_SSE_EVENT_BYTES = 16 * 1024 * 1024
MAX_METERED_JSON_BYTES = 64 * 1024 * 1024
# More than any one answer can have used: a count above it is a mistake, and proves nothing.
MAX_COUNTED_TOKENS = 1_000_000_000
MAX_COUNTED_CALLS = 1_000_000
MAX_COUNTED_PARTS = 256
MAX_REQUEST_NUSD = 10**15
"""Of one request's bound: a million dollars are a mistake, and larger sums cannot be added up."""
MAX_WORD_CHARS = 256
"""Of a model's name, an id or another word of somebody else's that the ledger keeps."""
MAX_IN_FLIGHT_PER_SESSION = 64
MAX_WAITING = 4_096
MAX_ASKING = 64
"""So many requests wait for a person at once: each is tried again with every change."""
MAX_BATCH = 256
MAX_WATCH_BACKLOG = 2_048
MAX_CONTROL_LINE_BYTES = 1024 * 1024
MAX_PREFIXES_LOOKED_UP = 64
MAX_BUDGETS = 512
MAX_SESSIONS_PER_KEY = 256
KEY_SESSION_IDLE_S = 15 * 60
CONNECTION_IDLE_S = 75
MAX_KNOWN_CONNECTIONS = 1_024
MAX_TAGS = 32
MAX_TAG_BYTES = 256

BALLAST_BYTES = 4 * 1024 * 1024
READ_PAGE_ROWS = 500

DEFAULT_COMFORT_TOKENS = 16_384
DEFAULT_FLOOR_TOKENS = 4_096
DEFAULT_WAIT_S = 20
WAIT_SHOWN_AFTER_S = 2
# Claude Code 2.1.331 stops at a longer `retry-after` (measured), OpenAI's SDKs ignore it.
LONGEST_RETRY_AFTER_S = 60
DRAIN_S = 20
CHECKPOINT_EVERY_S = 15 * 60

# count_tokens is documented as an estimate: DESIGN.md §3 step 3.
COUNT_MARGIN_PERCENT = 2
COUNT_MARGIN_TOKENS = 1_024
COUNT_TIMEOUT_S = 10

# Upper bound of a model's output speed, for streams whose final usage never came (DESIGN.md §3).
# Assumed, not measured: well above the fastest published Claude speed.
TOP_OUTPUT_TOKENS_PER_S = 1_000
CANCEL_GRACE_S = 2

# Offset of an estimate for the frames around messages and tools: pricing study §4.2.
TOKENS_PER_MESSAGE = 16
TOKENS_FOR_TOOLS = 1_024
MAX_IMAGE_TOKENS = 4_800
DEFAULT_SERVER_TOOL_USES = 10
# Of one item that the provider keeps and the request only names: no model writes more at once.
MAX_STORED_TOKENS = 131_072
MAX_SEALED_TOKENS = 10_000_000
"""Of one file that lies in a request, whose bytes do not tell its tokens: no model's window holds
more."""
# GPT-5, 5.2 and 5.4 pro cost twelve times their plain models, o3-pro ten, 5.5 pro six.
PRO_RUNS = 12

assert DEFAULT_FLOOR_TOKENS <= DEFAULT_COMFORT_TOKENS
assert WAIT_SHOWN_AFTER_S < DEFAULT_WAIT_S
assert MAX_SSE_EVENT_BYTES <= MAX_METERED_JSON_BYTES
