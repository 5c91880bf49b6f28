"""What one replay gave, as values that print, compare and save the same way."""

from dataclasses import asdict, dataclass, field
from typing import Any

from cds_service.replay.client import Json

#: The two hooks that a chart can be played with; a captured request brings its own.
CHART_HOOKS = ("patient-view", "problem-list-item-create")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the evaluation itself says, in the shape of the expectation files."""

    #: topic -> {"state", "indicator" (not for silent), "rule"}
    topics: dict[str, dict[str, str]]
    tumours: tuple[dict[str, str], ...] = ()
    windows: tuple[dict[str, str], ...] = ()
    #: References of the resources that were not used.
    dropped: tuple[str, ...] = ()
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

    @property
    def failed(self) -> bool:
        """Whether anything differs from the expectation, or a call was refused unexpectedly."""
        return bool(self.differences)


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
            "dropped": list(said.dropped),
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
