"""From an advice to its sentences: summary and detail, in the guideline's words."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from cds_service.cards import text
from cds_service.clinical.plan import Advice, Fact, Tumour, Window
from cds_service.facts import PartialDate
from cds_service.guideline import Guideline, Rule


class Wording:
    """The guideline's words, filled with what an advice found."""

    def __init__(self, guideline: Guideline) -> None:
        """Take the guideline whose words are used."""
        self._guideline = guideline
        self._line = guideline.words["line"]

    def tumour(self, tumour: Tumour) -> str:
        """Return the tumour in words: "Dermal leiomyosarcoma, left thigh"."""
        words = self._guideline.words["tumour"]
        if tumour.level == "suspected":
            kind = "suspected"
        elif tumour.name != "leiomyosarcoma":
            # The name says the depth already, and is the word that the report uses.
            kind = "intermediate"
        else:
            kind = "known" if tumour.depth in {"dermal", "subcutaneous"} else "unclear"
        name = words[kind].format(
            Depth=text.capital(tumour.depth),
            name=tumour.name,
            Name=text.capital(tumour.name),
        )
        return f"{name}, {tumour.site}" if tumour.site else name

    def summary(self, advice: Advice) -> str:
        """Return the advice's one sentence."""
        rule = self._guideline.rules[advice.rule]
        return self._guideline.fill(rule.summary, **self._values(advice))

    def suggestion(self, key: str, advice: Advice) -> str:
        """Return the text of an order."""
        tumour = self.tumour(advice.tumour) if advice.tumour else ""
        return self._guideline.suggestions[key].text.format(
            tumour=tumour[:1].lower() + tumour[1:], minimum=advice.values.get("minimum", "")
        )

    def detail(self, parts: Sequence[Advice], cut: Iterable[str] = ()) -> str:
        """Return the Markdown detail of one topic's advice, a paragraph a matter."""
        own = [part for part in parts if part.state != "silent"]
        paragraphs = [self._source(own)]
        for part in own:
            paragraphs += self._of_part(part, several=len(own) > 1)
        kinds = dict.fromkeys(kind for part in own for kind in part.unread)
        if kinds:
            names = self._guideline.words["kind"]
            paragraphs.append(
                self._line["unread"].format(kinds=text.listed(names[kind] for kind in kinds))
            )
        paragraphs += [self._mind(own), self._remarks(own)]
        titles = [self._guideline.topics[topic].title for topic in cut]
        if titles:
            paragraphs.append(self._line["cut"].format(topics=text.listed(titles)))
        paragraphs.append(self._evidence(own))
        return "\n\n".join(filter(None, paragraphs))

    # --- Paragraphs ---

    def _source(self, parts: Iterable[Advice]) -> str:
        statements = [self._guideline.statements[key] for key in self._statements(parts)]
        if not statements:
            return ""
        said = "; ".join(f"{item.text} ({item.id})" for item in statements)
        return self._line["source"].format(statements=said)

    def _statements(self, parts: Iterable[Advice]) -> tuple[str, ...]:
        return self._unique(parts, Rule.statements_for)

    def _unique(
        self, parts: Iterable[Advice], ids: Callable[[Rule, str], Iterable[str]]
    ) -> tuple[str, ...]:
        """Return the statement ids that the parts' rules give for their depths, each once."""
        found: dict[str, None] = {}
        for part in parts:
            depth = part.tumour.depth if part.tumour else "unknown"
            for key in ids(self._guideline.rules[part.rule], depth):
                if key not in part.left_out:
                    found[key] = None
        return tuple(found)

    def _of_part(self, part: Advice, *, several: bool) -> Iterator[str]:
        rule = self._guideline.rules[part.rule]
        if several and part.tumour:
            name = text.capital(part.tumour.site or self.tumour(part.tumour))
            yield f"**{name}** – {self.summary(part)}"
        if rule.advice:
            yield self._guideline.fill(rule.advice, **self._values(part))
        if part.state == "act" and part.values.get("next"):
            yield self._line["later"].format(next=self._values(part)["next"])
        yield "\n".join(self._windows(part))
        if part.facts:
            yield "\n".join((self._line["chart"], *self._facts(part.facts)))
        if part.missing:
            names = self._guideline.words["missing"]
            missing = "; ".join(names[key] for key in part.missing)
            yield self._line["not_found"].format(missing=missing)
        if part.ordered:
            orders = "; ".join(self._order(key, fact) for key, fact in part.ordered)
            yield self._line["ordered"].format(orders=orders)

    def _windows(self, part: Advice) -> Iterator[str]:
        for window in part.windows:
            fixed = "_fixed" if window.minimum_months == window.maximum_months else ""
            name = "window_of" if len(part.windows) > 1 else "window"
            line = self._line[name + fixed].format(
                Depth=text.capital(window.depth),
                window=text.days(window.earliest, window.latest),
                minimum_months=window.minimum_months,
                maximum_months=window.maximum_months,
                start=text.date(window.start),
            )
            if window.lenient_latest != window.latest:
                line += " " + self._line["lenient"].format(lenient=text.date(window.lenient_latest))
            yield f"- {line}" if len(part.windows) > 1 else line

    def _facts(self, facts: Iterable[Fact]) -> Iterator[str]:
        """Yield a line a fact; what the same words of the same record say is said once."""
        labels = self._guideline.words["label"]
        grouped: dict[tuple[str, str, PartialDate | None], dict[str, None]] = {}
        for fact in facts:
            key = (fact.reference, fact.text, fact.date)
            grouped.setdefault(key, {})[labels[fact.label]] = None
        for (reference, quote, date), names in grouped.items():
            label = text.capital(
                ", ".join(name if i == 0 else name.lower() for i, name in enumerate(names))
            )
            said = f"{label}: “{text.escaped(quote)}”" if quote.strip() else label
            when = f" – {text.date(date)}" if date else ""
            yield f"- {said}{when} – *{text.escaped(reference)}*"

    def _order(self, key: str, fact: Fact) -> str:
        label = self._guideline.suggestions[key].label.removeprefix("Propose ")
        when = f", {text.date(fact.date)}" if fact.date else ""
        quote = f": “{text.escaped(fact.text)}”" if fact.text else ""
        return f"{label}{quote}{when} (*{text.escaped(fact.reference)}*)"

    def _mind(self, parts: Iterable[Advice]) -> str:
        ids = self._unique(parts, Rule.caveats_for)
        caveats = [self._guideline.statements[key].caveat for key in ids]
        said = ". ".join(dict.fromkeys(filter(None, caveats)))
        return self._line["mind"].format(caveats=said) if said else ""

    def _remarks(self, parts: Iterable[Advice]) -> str:
        words = self._guideline.words["remark"]
        return "\n".join(dict.fromkeys(words[key] for part in parts for key in part.remarks))

    def _evidence(self, parts: Iterable[Advice]) -> str:
        keys = dict.fromkeys(
            self._guideline.statements[key].certainty for key in self._statements(parts)
        )
        # Background statements say nothing of an intervention: a rated one speaks for the card.
        rated = [key for key in keys if key != "background"] or list(keys)
        certainty = "; ".join(self._guideline.certainty[key] for key in rated)
        return self._line["evidence"].format(
            certainty=certainty, closing=self._guideline.meta["closing"]
        )

    # --- Values ---

    def _values(self, advice: Advice) -> Mapping[str, str]:
        words = self._guideline.words
        values = {name: self._word(value) for name, value in advice.values.items()}
        tumour = advice.tumour
        if tumour:
            values["Tumour"] = self.tumour(tumour)
            values["at_site"] = f", {tumour.site}" if tumour.site else ""
        if "which" in advice.values:
            values["which"] = words["which"][str(advice.values["which"] or "unsaid")]
        if "on_date" in advice.values:
            values["on_date"] = f" on {values['on_date']}" if values["on_date"] else ""
        asked = advice.values.get("asked")
        if isinstance(asked, tuple):
            values["asked"] = text.listed(words["missing"][key] for key in asked)
        values["Both_windows"] = self._both(advice.windows)
        return values

    def _both(self, windows: Iterable[Window]) -> str:
        said = "; ".join(f"{w.depth} {text.days(w.earliest, w.latest)}" for w in windows)
        return text.capital(said)

    def _word(self, value: object) -> str:
        """Return a value in words: dates, windows, lists and texts of our own."""
        if value is None:
            return ""
        if isinstance(value, dt.date | PartialDate):
            return text.date(value)
        if isinstance(value, tuple):
            if len(value) == 2 and all(isinstance(day, dt.date) for day in value):  # noqa: PLR2004
                return text.days(*value)
            return text.listed(self._item(item) for item in value)
        return str(value)

    def _item(self, item: object) -> str:
        if isinstance(item, tuple):
            name, age, day = item
            return f"{name} from {age} ({text.date(day)})" if age else f"{name} {text.date(day)}"
        return str(item)
