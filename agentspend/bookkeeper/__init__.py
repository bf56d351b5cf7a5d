"""The bookkeeper: the only writer of the ledger.

Owns admission's money: holds, settlements, releases, adopted budgets. It knows nothing of HTTP or
dialects. `keeper.Bookkeeper` is its async face; `books.Books` what happens inside a transaction.
"""

from agentspend.bookkeeper.keeper import Bookkeeper, clock
from agentspend.bookkeeper.opening import Ledger
from agentspend.bookkeeper.outcomes import Moment

__all__ = ["Bookkeeper", "Ledger", "Moment", "clock"]
