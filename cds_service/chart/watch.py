"""What somebody who counts may see of reading: states and outcomes, no patient data."""

from collections.abc import Mapping
from typing import Literal

#: What became of a key: sent whole or in part, sent as nothing, read from the server, tried in
#: vain by client or service, or not to be had at all.
State = Literal["present", "partial", "empty", "fetched", "failed", "missing"]
#: How a question to a server ended, repetitions included: with data, a refusal (3xx, 4xx), an
#: error of the server's (5xx), data that cannot be used, too late, without a connection, or
#: unasked, because the server is known to be dead.
Outcome = Literal["answered", "refused", "failed", "unusable", "slow", "down", "skipped"]
BreakerState = Literal["closed", "open", "half-open"]


class Watch:
    """Sees nothing. Those who look override a method; it must be quick and must not raise."""

    def has_gathered(self, states: Mapping[str, State]) -> None:
        """See what became of each key of a call, of one that then fails, too."""

    def has_asked(self, server: str, outcome: Outcome, seconds: float) -> None:
        """See how a question to ``server`` (its base address) ended."""

    def breaker_is(self, server: str, state: BreakerState | None) -> None:
        """See the state of the breaker of ``server`` (its origin); None: it is forgotten."""


UNWATCHED = Watch()
