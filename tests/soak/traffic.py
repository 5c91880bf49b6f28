"""The clients: they ask, give feedback, send nonsense, and try again what broke off."""

import datetime as dt
import json
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from .deck import Question
from .ehrs import Servers
from .judge import OK, Exchange, Expected, Item, Judge
from .nonsense import Nonsense
from .service import PATIENCE, Service

#: What stands in a request as the token for the FHIR server: it must be seen nowhere else.
ACCESS_TOKEN = "soak-secret-token-for-the-fhir-server"  # noqa: S105 - made up
#: How often what is done, of a hundred.
MIX: Mapping[str, int] = {
    "prefetched": 48,
    "well": 16,
    "flapping": 8,
    "dead": 4,
    "slow": 2,
    "feedback": 14,
    "nonsense": 8,
}
_REASONS = ("patient-refuses", "not-applicable", "other words of somebody")


@dataclass(slots=True)
class Traffic:
    """What the clients share; each runs :meth:`client` in a thread of its own."""

    service: Service
    servers: Servers
    questions: Sequence[Question]
    judge: Judge
    nonsense: Sequence[Nonsense]
    #: Requests of one client in a second.
    rate: float
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, seed: int) -> None:
        """Send until it is to stop."""
        chance = random.Random(seed)  # noqa: S311 - to be repeated
        client = _Client(self, chance)
        kinds, weights = zip(*MIX.items(), strict=True)
        next_at = time.monotonic() + chance.random() / self.rate
        while not self.stop.wait(max(0.0, next_at - time.monotonic())):
            # Who is late does not make up for it: a queue would measure itself.
            next_at = max(next_at, time.monotonic() - 1 / self.rate) + 1 / self.rate
            (kind,) = chance.choices(kinds, weights)
            client.act(kind)
        client.session.close()

    def see(self, exchange: Exchange) -> None:
        """Hand an exchange to the judge."""
        with self.lock:
            self.judge.see(exchange)


class _Client:
    """One client, with its connections and what it knows of cards."""

    def __init__(self, traffic: Traffic, chance: random.Random) -> None:
        self.session = requests.Session()
        self._traffic = traffic
        self._chance = chance
        self._cards: deque[tuple[str, dict[str, Any]]] = deque(maxlen=100)
        self._sent: deque[tuple[str, list[dict[str, Any]]]] = deque(maxlen=100)

    def act(self, kind: str) -> None:
        if kind == "feedback":
            self._give_feedback()
        elif kind == "nonsense":
            self._send_nonsense(self._chance.choice(self._traffic.nonsense))
        elif kind == "prefetched":
            self._ask_prefetched(self._chance.choice(self._traffic.questions))
        else:
            self._ask_server(kind)

    # --- Calls ---

    def _ask_prefetched(self, question: Question) -> None:
        expected = Expected(reference=question.answer, statuses=frozenset({question.status}))
        self._call("prefetched", question, question.request, expected)

    def _ask_server(self, kind: str) -> None:
        charts = [each for each in self._traffic.questions if each.chart and each.status == OK]
        charts = [each for each in charts if not each.hook.startswith("order")]
        question = self._chance.choice(charts)
        server = f"{getattr(self._traffic.servers, kind)}/{question.case}"
        request = {key: value for key, value in question.request.items() if key != "prefetch"}
        request |= {
            "fhirServer": server,
            "fhirAuthorization": {
                "access_token": ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": 300,
                "scope": "patient/*.rs",
                "subject": "soak",
            },
        }
        if kind == "well":
            expected = Expected(reference=question.answer)
        else:
            expected = Expected.unreadable(question.answer, always=kind != "flapping")
        self._call(kind, question, request, expected)

    def _call(
        self, kind: str, question: Question, request: Mapping[str, Any], expected: Expected
    ) -> None:
        what = f"{kind}: {question.hook} of {question.case}"
        path = f"/cds-services/{question.service}"
        status, body = self._until_answered(what, path, json.dumps(request).encode(), expected)
        if status == OK and isinstance(body, dict):
            for card in body.get("cards", ()):
                self._cards.append((question.service, card))
                with self._traffic.lock:
                    self._traffic.judge.cards.add(card["uuid"])

    # --- Feedback ---

    def _give_feedback(self) -> None:
        if not self._cards:
            return
        if self._sent and self._chance.random() < 0.2:
            service, items = self._chance.choice(self._sent)
        else:
            service, _ = self._chance.choice(self._cards)
            own = [card for name, card in self._cards if name == service]
            chosen = self._chance.sample(own, min(len(own), self._chance.randint(1, 5)))
            items = [self._item(card) for card in chosen]
            self._sent.append((service, items))
        spoilt = self._chance.random() < 0.1
        body: dict[str, Any] = {"feedback": items}
        expected = Expected()
        if spoilt:
            # New items: those of a batch that was stored before may well be there.
            items = [each | {"outcomeTimestamp": _now(self._chance)} for each in items]
            body = {"feedback": [*items, {"card": str(uuid.uuid4()), "outcome": "shrugged"}]}
            expected = Expected.refused(400)
        path = f"/cds-services/{service}/feedback"
        status, answer = self._until_answered(
            "feedback: a batch", path, json.dumps(body).encode(), expected
        )
        keys = [_key(each) for each in items]
        with self._traffic.lock:
            judge = self._traffic.judge
            if status == OK and answer == {"received": len(items)}:
                judge.acknowledged.update(keys)
            elif status == OK:
                judge.violations["feedback: answered with another number of items"] += 1
            elif spoilt and status:
                judge.refused.update(keys)

    def _item(self, card: Mapping[str, Any]) -> dict[str, Any]:
        item: dict[str, Any] = {
            "card": card["uuid"],
            "outcome": "overridden",
            "outcomeTimestamp": _now(self._chance),
        }
        suggestions = card.get("suggestions") or ()
        if suggestions and self._chance.random() < 0.5:
            accepted = self._chance.choice(suggestions)
            return item | {"outcome": "accepted", "acceptedSuggestions": [{"id": accepted["uuid"]}]}
        reasons = [reason["code"] for reason in card.get("overrideReasons", ())]
        code = self._chance.choice([*reasons, *_REASONS])
        return item | {"overrideReason": {"reason": {"code": code, "system": "urn:soak"}}}

    # --- On the wire ---

    def _send_nonsense(self, nonsense: Nonsense) -> None:
        self._until_answered(
            f"nonsense: {nonsense.name}",
            nonsense.path,
            nonsense.body,
            Expected.refused(nonsense.status),
            method=nonsense.method,
            headers=nonsense.headers,
            bearer=nonsense.bearer,
        )

    def _until_answered(
        self,
        what: str,
        path: str,
        body: bytes,
        expected: Expected,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        bearer: Callable[[str], str | None] | None = None,
    ) -> tuple[int, Any]:
        """Send, and again where the connection broke off; each try is an exchange."""
        url = f"{self._traffic.service.url}{path}"
        end = time.monotonic() + PATIENCE
        for pause in _pauses():
            began = time.monotonic()
            # A token is good for one try.
            token = (bearer or self._traffic.service.keys.token)(url)
            given = {"Content-Type": "application/json", **(headers or {})}
            given |= {"Authorization": f"Bearer {token}"} if token is not None else {}
            status, answer = self._once(method, url, body, given)
            self._traffic.see(
                Exchange(
                    what=what,
                    began=began,
                    ended=time.monotonic(),
                    status=status,
                    body=answer,
                    expected=expected,
                )
            )
            if status or time.monotonic() > end or self._traffic.stop.wait(pause):
                break
        return status, answer

    def _once(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        try:
            answer = self.session.request(
                method, url, data=body, headers=headers, timeout=PATIENCE, allow_redirects=False
            )
        except requests.RequestException:
            return 0, None
        try:
            return answer.status_code, answer.json() if answer.content else None
        except ValueError:
            return answer.status_code, answer.text


def _pauses() -> Iterator[float]:
    while True:
        yield 0.2


def _now(chance: random.Random) -> str:
    """Return a time that no other item has."""
    moment = dt.datetime.now(dt.UTC).replace(microsecond=chance.randrange(1_000_000))
    return moment.isoformat()


def _key(item: Mapping[str, Any]) -> Item:
    moment = dt.datetime.fromisoformat(item["outcomeTimestamp"]).replace(tzinfo=None)
    return item["card"], item["outcome"], moment.isoformat()
