"""The tags of one request: its session's, its header's, its body's. None of them goes upstream.

A bad tag stops the request with words, for a tag that was dropped in silence would also leave the
budget for it in silence. A request can add tags to its session's and take none away.
"""

from multidict import CIMultiDict

from agentspend.core.errors import AgentspendError
from agentspend.core.tags import all_of, read_tag, read_tags
from agentspend.dialects.base import BadRequest, Dialect

TAGS_HEADER = "x-agentspend-tags"


def tagged(
    own: tuple[str, ...], headers: CIMultiDict[str], body: bytes, dialect: Dialect
) -> tuple[tuple[str, ...], bytes]:
    """All tags of a request whose session has `own`, and its body without them.

    Raises `BadRequest` for tags that cannot be read.
    """
    body, named = dialect.take_tags(body)
    lists = headers.getall(TAGS_HEADER, [])
    if not named and not lists:
        return own, body
    place = TAGS_HEADER
    try:
        in_header = [tag for text in lists for tag in read_tags(text)]
        place = "metadata.tags"
        return all_of(own, in_header, map(read_tag, named)), body
    except AgentspendError as error:
        raise BadRequest(f"{place}: {error.message}; {error.hint}") from error
