"""FHIR servers with the charts of all cases: one that is well, and three that are not."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from cds_service.replay.client import Store
from cds_service.simulate import replies
from cds_service.simulate.behaviours import BEHAVIOURS, Behaviour, Outcome
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.replies import Reply, Spoil
from cds_service.simulate.transport import serving

_FINE: frozenset[Outcome] = frozenset({"same"})
#: Seconds for which a server that comes and goes does either.
_SPELL = 1.5


@dataclass(frozen=True, slots=True)
class Servers:
    """The base addresses; the chart of a case is behind its name."""

    well: str
    slow: str
    dead: str
    flapping: str


class _Town:
    """Many charts behind one address, as far as the transport asks for."""

    def __init__(self, charts: Mapping[str, Store], behaviour: Behaviour) -> None:
        self._ehrs = {
            name: Ehr(store, base="", behaviour=behaviour) for name, store in charts.items()
        }
        self._base = ""

    @property
    def base(self) -> str:
        return self._base

    @base.setter
    def base(self, address: str) -> None:
        self._base = address
        for name, ehr in self._ehrs.items():
            ehr.base = f"{address}/{name}"

    def answer(self, method: str, path: str, body: str = "") -> Reply:
        name, _, rest = path.lstrip("/").partition("/")
        ehr = self._ehrs.get(name)
        return ehr.answer(method, rest, body) if ehr else Reply(404)


def _flapping() -> Spoil:
    kinds = (replies.plain, replies.status(503), replies.plain, replies.lost)

    def spoil(good: Reply, before: int) -> Reply:
        return kinds[int(time.monotonic() / _SPELL) % len(kinds)](good, before)

    return spoil


@contextmanager
def running(charts: Mapping[str, Store], *, slow: float) -> Iterator[Servers]:
    """Serve while the block runs; ``slow`` is how many seconds the slow one takes."""
    behaviours = {
        "well": BEHAVIOURS["plain"],
        "slow": Behaviour(help="slow", allowed=_FINE, spoil=replies.delayed(slow)),
        "flapping": Behaviour(help="comes and goes", allowed=_FINE, spoil=_flapping()),
    }
    with ExitStack() as stack, socket.socket() as taken:
        bases: dict[str, Any] = {
            name: stack.enter_context(serving(_Town(charts, behaviour)))  # type: ignore[arg-type]
            for name, behaviour in behaviours.items()
        }
        # Bound and not listened to: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        yield Servers(dead=f"http://127.0.0.1:{taken.getsockname()[1]}/fhir", **bases)
