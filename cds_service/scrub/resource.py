"""A resource by the allow-list: what stands there is kept or changed, and nothing else."""

import base64
import datetime as dt
import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cds_service.chart import texts
from cds_service.chart.elements import Source, items
from cds_service.chart.index import contained
from cds_service.scrub.concepts import Concepts
from cds_service.scrub.elements import Kind, allow_list
from cds_service.scrub.measures import Measures, Raw, boolean, number
from cds_service.scrub.names import Names
from cds_service.scrub.offset import Offset
from cds_service.scrub.text import Text

Json = dict[str, Any]

REMOVED = "(removed)"
#: The base of the addresses that are made up: no such host exists (RFC 6761).
HOST = "https://scrubbed.invalid"
_ELEMENT = re.compile(r"_?[a-z][A-Za-z]{1,40}")
_VERSION = re.compile(r"\d{1,4}")


class Cleaner:
    """Scrubs the resources of one patient with one offset."""

    def __init__(
        self, *, names: Names, offset: Offset, text: Text, today: dt.date, dropped: Counter[str]
    ) -> None:
        """Take the new names, the offset, what scrubs texts, and the date in the data's own time.

        ``dropped`` counts the elements that are left out, by their path.
        """
        self._names = names
        self._offset = offset
        self._text = text
        self._measures = Measures(offset, today=offset.date(today))
        self._dropped = dropped
        self._concepts = Concepts(names, text)
        self._inner: Mapping[str, str] = {}
        self._kinds: Mapping[str, Callable[[Any], Any]] = {
            "word": self._word,
            "concept": self._concept,
            "reason": self._reason,
            "site": self._site,
            "text": self._words,
            "note": self._note,
            "date": self._measures.date,
            "birth": self._measures.birth,
            "period": self._measures.period,
            "time": self._measures.period,
            "age": self._measures.age,
            "ages": self._measures.ages,
            "quantity": self._measures.quantity,
            "range": self._measures.range,
            "number": number,
            "boolean": boolean,
            "value": self._value,
            "reference": self._reference,
            "label": self._label,
            "code-name": self._identifier,
            "attachment": self._attachment,
        }

    def resource(self, value: Mapping[str, Any], *, full_url: str | None = None) -> Json | None:
        """Return the resource; None where nothing of its type is kept."""
        kind = value.get("resourceType")
        table = allow_list().types.get(kind) if isinstance(kind, str) else None
        if table is None or not isinstance(kind, str):
            name = kind if isinstance(kind, str) and re.fullmatch(r"[A-Z]\w{2,40}", kind) else "?"
            self._dropped[name] += 1
            return None
        found: Json = {"resourceType": kind}
        identifier = self._names.own(value, full_url)
        if identifier is not None:
            found["id"] = identifier
        meta = self._meta(value.get("meta"))
        if meta:
            found["meta"] = meta
        outer, self._inner = self._inner, _numbered(value) or self._inner
        if kind == "Binary":
            found |= self._attachment(value) or {}
        else:
            found |= self._object({**table, "text": "narrative"}, value, kind)
            self._add_narrative(found, value, table)
            found |= self._extensions(value, kind)
            inner = [one for item in contained(value) if (one := self._contained(item))]
            if inner:
                found["contained"] = inner
        self._inner = outer
        return found

    def _object(self, table: Mapping[str, Kind], value: Mapping[str, Any], path: str) -> Json:
        found: Json = {}
        for name, item in value.items():
            kind = table.get(name)
            if name in _ELSEWHERE or item is None or kind == "narrative":
                continue
            kept = None if kind is None else self._element(kind, item, f"{path}.{name}")
            if kept is None:
                shown = name if _ELEMENT.fullmatch(name) else "?"
                self._dropped[f"{path}.{shown}"] += 1
            else:
                found[name] = kept
        return found

    def _element(self, kind: Kind, value: Raw, path: str) -> Raw:
        if isinstance(value, list):
            kept = [
                one for item in items(value) if (one := self._element(kind, item, path)) is not None
            ]
            return kept or None
        if isinstance(kind, str):
            return self._kinds[kind](value)
        return (self._object(kind, value, path) or None) if isinstance(value, dict) else None

    def _meta(self, value: object) -> Json:
        found: Json = {}
        if isinstance(value, dict):
            stamp = self._measures.date(value.get("lastUpdated"))
            version = value.get("versionId")
            if stamp:
                found["lastUpdated"] = stamp
            if isinstance(version, str) and _VERSION.fullmatch(version):
                found["versionId"] = version
        return found

    def _contained(self, value: Mapping[str, Any]) -> Json | None:
        found = self.resource(value)
        if found is not None:
            found["id"] = self._inner.get(str(value.get("id", "")).strip("# "), "x")
        return found

    # --- Codes and words ---

    def _word(self, value: Raw) -> Raw:
        if isinstance(value, str):
            word = re.sub(r"\s+", "-", value.strip().lower())
            return word if word in allow_list().words else None
        return self._concept(value)

    def _concept(self, value: Raw) -> Raw:
        if isinstance(value, list):
            return self._element("concept", value, "")
        return self._coded(value) if isinstance(value, dict) else self._words(value)

    def _coded(self, value: Json) -> Raw:
        if "concept" in value and "coding" not in value:  # CodeableReference
            kept = {"concept": self._concept(value["concept"]), **(self._reference(value) or {})}
            return {name: item for name, item in kept.items() if item is not None} or None
        if "reference" in value:
            return self._reference(value)
        if "coding" not in value and ("code" in value or "display" in value):
            return self._concepts.coding(value)
        codings = [item for item in items(value.get("coding")) if isinstance(item, dict)]
        found: Json = {}
        if codings:
            found["coding"] = [self._concepts.coding(item) or {} for item in codings]
        text = value.get("text")
        if isinstance(text, str) and text.strip():
            is_label = any(item.get("display") == text for item in codings)
            found["text"] = self._text.label(text) if is_label else self._words(text)
        return found or None

    def _reason(self, value: Raw) -> Raw:
        if isinstance(value, dict) and "value" in value:  # R5
            kept = self._element("concept", value["value"], "")
            return None if kept is None else {"value": kept}
        return self._concept(value)

    def _site(self, value: Raw) -> Raw:
        found = self._concept(value)
        if isinstance(found, dict) and isinstance(value, dict):
            found |= self._extensions(value, "site")
        return found

    def _words(self, value: Raw) -> str | None:
        if not isinstance(value, str) or not value.strip():
            return None
        moved = self._offset.iso(value) if "-" in value else None
        return moved or self._text(value)

    def _note(self, value: Raw) -> Raw:
        if isinstance(value, str):
            return self._words(value)
        text = self._words(value.get("text")) if isinstance(value, dict) else None
        return {"text": text} if text else None

    def _label(self, value: Raw) -> Json | None:
        display = self._words(value.get("display")) if isinstance(value, dict) else None
        return {"display": display} if display else None

    def _identifier(self, value: Raw) -> Json | None:
        number = value.get("value") if isinstance(value, dict) else None
        if not isinstance(number, str) or not number.strip():
            return None
        return {"value": self._names.numbered("id", number.strip())}

    def _extensions(self, value: Mapping[str, Any], kind: str) -> Json:
        kept = list(self._kept(value.get("extension"), allow_list().extensions.get(kind, ())))
        for name in ("extension", "modifierExtension"):
            lost = len(items(value.get(name))) - (len(kept) if name == "extension" else 0)
            if lost:
                self._dropped[f"{kind}.{name}"] += lost
        return {"extension": kept} if kept else {}

    def _kept(self, value: Raw, endings: tuple[str, ...]) -> Iterator[Json]:
        for item in items(value):
            url = item.get("url") if isinstance(item, dict) else None
            if not isinstance(url, str):
                continue
            plain = url.lower().rstrip("/")
            ending = next((one for one in endings if plain.endswith(one.lower())), None)
            if ending is None:
                continue
            found: Json = {
                name: kept
                for name, read in (
                    ("valueCodeableConcept", self._concept),
                    ("valueCoding", self._concept),
                    ("valueCode", self._word),
                    ("valueString", self._word),
                    ("valueDateTime", self._measures.date),
                )
                if name in item and (kept := read(item[name])) is not None
            }
            inner = list(self._kept(item.get("extension"), ("",)))
            if inner:
                found["extension"] = inner
            if found:
                own = "value" if url == "value" else f"{HOST}/{ending}".rstrip("/")
                yield {"url": own, **found}

    def _value(self, value: Raw) -> Raw:
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._words(value)
        if isinstance(value, dict) and "value" not in value:
            return self._concept(value)
        return self._measures.quantity(value)

    # --- References and documents ---

    def _reference(self, value: Raw) -> Raw:
        if isinstance(value, dict):
            target = self._reference(value.get("reference"))
            return None if target is None else {"reference": target}
        if not isinstance(value, str):
            return None
        text = value.strip()
        if text.startswith("#"):
            inner = self._inner.get(text.strip("# "))
            return f"#{inner}" if inner else ("#" if text == "#" else None)
        return self._names.reference(text)

    def _attachment(self, value: Raw) -> Json | None:
        if not isinstance(value, dict):
            return None
        if value.get("data") is None and value.get("content") is None:
            url = value.get("url")
            if not isinstance(url, str):
                return None
            return {"url": self._names.reference(url) or f"{HOST}/document"}
        text = texts.attachment(_SILENT, value, "")
        if text is None:
            return {"contentType": "application/octet-stream", "data": _base64(REMOVED)}
        return {"contentType": "text/plain; charset=utf-8", "data": _base64(self._text(text))}

    def _add_narrative(
        self, found: Json, value: Mapping[str, Any], table: Mapping[str, Kind]
    ) -> None:
        """Keep the narrative of a report of which nothing else says what it says."""
        forms = found.get("presentedForm")
        said = found.get("conclusion") or any(
            form.get("contentType", "").startswith("text/")
            for form in (forms if isinstance(forms, list) else [forms])
            if isinstance(form, dict)
        )
        if table.get("text") != "narrative" or said:
            return
        text = texts.narrative(_SILENT, value.get("text"), "")
        if text:
            lines = "".join(f"<p>{html.escape(line)}</p>" for line in self._text(text).split("\n"))
            div = f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>'
            found["text"] = {"status": "generated", "div": div}


#: Elements that are not read from the table.
_ELSEWHERE = frozenset(
    {"resourceType", "id", "meta", "contained", "extension", "modifierExtension"}
)
_SILENT = Source("", [], lambda reference, _: reference)


def _numbered(value: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the new ids of contained resources."""
    old = [str(item.get("id", "")).strip("# ") for item in contained(value)]
    return {name: f"c{number}" for number, name in enumerate(dict.fromkeys(old), start=1) if name}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
