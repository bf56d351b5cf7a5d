"""What the control API can do with providers: ask one of them something free."""

from agentspend.core.errors import AgentspendError, Kind
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.daemon.vault import Vault
from agentspend.proxy.desk import Desk
from agentspend.proxy.probe import probe
from agentspend.proxy.routing import unknown_provider
from agentspend.wire.control import Op


class ProviderOperations:
    """Asks providers on a person's behalf, with the stored keys."""

    def __init__(self, desk: Desk, vault: Vault) -> None:
        self._desk = desk
        self._vault = vault

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {Op.PROVIDER_TEST: self.test}

    async def test(self, caller: Caller, message: Message) -> None:
        """Whether a provider answers and takes its key; costs nothing."""
        name = str(message["name"])
        provider = self._desk.providers.get(name)
        if provider is None:
            raise AgentspendError(*unknown_provider(name, self._desk.providers), Kind.UNKNOWN_NAME)
        await self._vault.ready()
        found = await probe(self._desk, provider)
        models = found.models
        priced = [each for each in models or () if self._desk.book.find(name, each) is not None]
        await caller.send(
            {
                "provider": name,
                "url": found.url,
                "status": found.status,
                "key": found.key,
                "models": models,
                "priced": priced,
                "why": found.why,
            }
        )
