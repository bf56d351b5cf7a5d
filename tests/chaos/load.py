"""The load: people whose agents ask through a device's daemon, whatever happens to it.

Every request carries its own name in two headers, `device.project.number.random`: the provider
bills under the one, our ledger keeps the other.
"""

import asyncio
import json
from random import Random

import aiohttp

from tests.chaos.device import Device
from tests.chaos.weather import Counted
from tests.torture.load import BEHAVIOURS, MODELS, PROMPT, Access, Heard

AWAY_S = 0.1
REFUSED_S = 0.5
IN_TIME_S = 40
CUT_OFF = "served while cut off from the team server"
REFUSED_CUT_OFF = "refused while cut off"
IN_DOUBT = "refused to a copied or restored ledger"
REFUSED = "refused at a cap"
SERVED = "served"


class Agents:
    """The agents on one device. `pause_s` is the mean time one thinks between two requests."""

    def __init__(
        self, device: Device, chance: Random, heard: Heard, counted: Counted, pause_s: float
    ) -> None:
        self.device = device
        self._chance = chance
        self._heard = heard
        self._counted = counted
        self._pause_s = pause_s
        self._asked = 0
        self.said = ""

    async def run(self) -> None:
        """Work until cancelled."""
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=IN_TIME_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            while True:
                await self.device.up.wait()
                status = await self.ask(http)
                pause_s = self._chance.expovariate(1 / self._pause_s)
                await asyncio.sleep(pause_s + {402: REFUSED_S, 0: AWAY_S}.get(status, 0.0))

    async def ask(self, http: aiohttp.ClientSession) -> int:
        """One request in one of the projects; its status, 0 for a broken connection."""
        project = self._chance.choice(list(self.device.sessions))
        body, behaviour = self._body()
        leaves = self._chance.random() < 0.04
        return await self.send(http, project, body, behaviour, leaves=leaves)

    async def send(
        self, http: aiohttp.ClientSession, project: str, body: dict[str, object],
        behaviour: dict[str, object], *, leaves: bool = False,
    ) -> int:  # fmt: skip
        """Send a request; what became of it is counted and kept."""
        self._asked += 1
        place = self.device.sessions[project]
        name = f"{self.device.name}.{project}.{self._asked}.{self._chance.getrandbits(32):08x}"
        cut_off, in_doubt = not self.device.link.up, self.device.in_doubt
        try:
            async with http.post(
                f"{place.url}/v1/messages", json=body, headers=_headers(place, name, behaviour)
            ) as answer:
                if leaves and answer.status == 200:
                    await answer.content.readany()
                    answer.close()
                    return 200
                text = await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                self._heard.fell_over.append(f"{name}: no answer in {IN_TIME_S} s")
            self._heard.broken += 1
            return 0
        self.said = text
        if answer.status == 500:
            self._heard.fell_over.append(f"{name}: {text[:200]}")
        self._note(name, answer, cut_off=cut_off and not self.device.link.up, in_doubt=in_doubt)
        return answer.status

    def _note(
        self, name: str, answer: aiohttp.ClientResponse, *, cut_off: bool, in_doubt: bool
    ) -> None:
        if answer.status == 200:
            self._heard.complete[name] = answer.headers["request-id"]
            self._counted.add(CUT_OFF if cut_off else SERVED)
            if in_doubt:
                self.device.lived.wrong.append(f"{name} was served with a copied ledger's rights")
        elif answer.status == 402:
            self._heard.refused += 1
            self._counted.add(IN_DOUBT if in_doubt else REFUSED_CUT_OFF if cut_off else REFUSED)
        else:
            self._heard.other[answer.status] = self._heard.other.get(answer.status, 0) + 1

    def _body(self) -> tuple[dict[str, object], dict[str, object]]:
        chance = self._chance
        weights = [weight for weight, _ in BEHAVIOURS]
        _, behaviour = chance.choices(BEHAVIOURS, weights)[0]
        body = {
            "model": chance.choice(MODELS),
            "max_tokens": chance.choice((64, 256, 512, 1_024)),
            "stream": chance.random() < 0.7,
            "messages": [{"role": "user", "content": PROMPT * chance.randint(1, 60)}],
        }
        return body, behaviour


def _headers(place: Access, name: str, behaviour: dict[str, object]) -> dict[str, str]:
    return {
        "x-api-key": place.token,
        "x-sandbox-session": name,
        "x-claude-code-agent-id": name,
        "x-sandbox-behaviour": json.dumps(behaviour),
        "User-Agent": "claude-cli/2.1.332 (external, cli)",
    }
