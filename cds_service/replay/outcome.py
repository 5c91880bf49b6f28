"""What one replay gave, as values that print, compare and save the same way."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cds_service.replay.client import Json
from cds_service.timeline import TraceError

#: The two hooks that a chart can be played with; a captured request brings its own.
CHART_HOOKS = ("patient-view", "problem-list-item-create")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the evaluation itself says, in the shape of the expectation files."""

    #: topic -> {"state", "indicator" (not for silent), "rule"}
    topics: dict[str, dict[str, str]]
    tumours: tuple[dict[str, str], ...] = ()
    windows: tuple[dict[str, str], ...] = ()
    #: References of the resources that were not used; None where that is not within reach.
    dropped: tuple[str, ...] | None = ()
    #: Conditions that take part in a tumour or its metastases.
    conditions: tuple[str, ...] = ()
    #: The decision trace.
    trace: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One hook that was played, and the answer."""

    hook: str
    status: int
    cards: tuple[Json, ...] = ()
    #: Of an answer that is not cards: the OperationOutcome's text.
    problem: str = ""
    #: References of the Conditions that were played as newly entered.
    conditions: tuple[str, ...] = ()
    #: Prefetch keys that were left out, with the reason.
    left_out: dict[str, str] = field(default_factory=dict)
    #: The decision trace that came with the cards; empty where none did.
    trace: Json = field(default_factory=dict)
    #: What else the answer holds.
    more: Json = field(default_factory=dict)

    @property
    def shown(self) -> list[dict[str, str]]:
        """Topic and indicator of each card, as the expectation files write them."""
        return [
            {"topic": topic(card), "indicator": str(card.get("indicator", ""))}
            for card in self.cards
        ]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a result is not what was expected."""

    where: str
    expected: Any
    actual: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that one case gave."""

    name: str
    path: str
    today: str
    evaluation: Evaluation | None
    played: tuple[Played, ...]
    #: None when the case has no expectation.
    differences: tuple[Difference, ...] | None = None
    #: Which input it was: equal digests, equal input.
    digest: str = ""
    #: How long it took.
    seconds: float = field(default=0, compare=False)

    @property
    def day(self) -> str:
        """The day of the evaluation: the service's own, where it tells it."""
        said = self.evaluation.trace.get("today") if self.evaluation else None
        return said if isinstance(said, str) else self.today

    @property
    def versions(self) -> dict[str, str]:
        """The versions of guideline and value sets that the answers name."""
        found: dict[str, str] = {}
        if self.evaluation and "guideline" in self.evaluation.trace:
            found["guideline"] = str(self.evaluation.trace["guideline"])
        for card in (card for played in self.played for card in played.cards):
            source = card.get("source")
            url = source.get("url") if isinstance(source, dict) else None
            query = dict(parse_qsl(urlsplit(url).query)) if isinstance(url, str) else {}
            named = {"guideline": query.get("version"), "value sets": query.get("valuesets")}
            found |= {name: version for name, version in named.items() if version}
        return found

    @property
    def failed(self) -> bool:
        """Whether anything differs from the expectation, or a call was refused unexpectedly."""
        return bool(self.differences)


def of_trace(trace: Json) -> Evaluation:
    """Return what a decision trace says of the evaluation.

    Raises ``TraceError`` where it is none.
    """
    try:
        return Evaluation(
            topics={each["topic"]: dict(_state(each)) for each in trace["topics"]},
            tumours=tuple(
                {"site": each.get("site", ""), "depth": each["depth"]} for each in trace["tumours"]
            ),
            windows=tuple(
                _window(window)
                for each in trace["topics"]
                if each["topic"] == "surveillance"
                for part in each["parts"]
                for window in part.get("windows", ())
            ),
            # A trace does not name all that was set aside on purpose.
            dropped=None,
            trace=trace,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise TraceError(f"not a decision trace: {type(error).__name__}: {error}") from error


def _state(topic_: Json) -> Iterator[tuple[str, str]]:
    yield "state", topic_["state"]
    if "indicator" in topic_:
        yield "indicator", topic_["indicator"]
    # the rule of the part that decided the state of the whole
    yield "rule", next((p["rule"] for p in topic_["parts"] if p["state"] == topic_["state"]), "")


def _window(window: Json) -> dict[str, str]:
    return {
        "depth": window["depth"],
        "earliest": window["earliest"],
        "latest": window["latest"],
        "lenient_latest": window["lenientLatest"],
        "status": window["status"],
    }


def topic(card: Json) -> str:
    """Return a card's ``source.topic.code``; "" where it has none."""
    source = card.get("source")
    coding = source.get("topic") if isinstance(source, dict) else None
    return str(coding.get("code", "")) if isinstance(coding, dict) else ""


def as_json(result: Result, *, explain: bool = False) -> Json:
    """Return the machine-readable form of a result, with the decision trace if wanted."""
    said = result.evaluation
    body: Json = {"case": result.name, "path": result.path, "today": result.today}
    if said is not None:
        body |= {
            "topics": said.topics,
            "tumours": list(said.tumours),
            "windows": list(said.windows),
            **({} if said.dropped is None else {"dropped": list(said.dropped)}),
        }
        if explain:
            body["trace"] = said.trace
    body["hooks"] = {played.hook: _hook(played) for played in result.played}
    body["differences"] = (
        None if result.differences is None else [asdict(each) for each in result.differences]
    )
    return body


def _hook(played: Played) -> Json:
    body: Json = {"status": played.status}
    if played.problem:
        body["problem"] = played.problem
    if played.conditions:
        body["conditions"] = list(played.conditions)
    if played.left_out:
        body["leftOut"] = played.left_out
    body["cards"] = [
        {
            "topic": topic(card),
            "indicator": str(card.get("indicator", "")),
            "summary": str(card.get("summary", "")),
        }
        for card in played.cards
    ]
    return body
