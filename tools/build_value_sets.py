"""Write the service's FHIR R4 ValueSets from a list of researched codes and value_sets.toml.

    python tools/build_value_sets.py PATH_TO_codes.json

Only rows of status "verified" are used, and each of them must be in a value set or in
[unused] with the reason. The output is the same, byte for byte, for the same input.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

BASE = "https://cds-service.example.org/fhir/ValueSet/"
VERSION = "1.0.0"
TARGET = Path(__file__).resolve().parent.parent / "cds_service" / "terminology" / "valuesets"

SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "LNC": "http://loinc.org",
    "NCIT": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "I10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "PCS": "http://www.cms.gov/Medicare/Coding/ICD10",
    "ICDO": "http://terminology.hl7.org/CodeSystem/icd-o-3",
    "MMS": "http://id.who.int/icd/release/11/mms",
    "MONDO": "http://purl.obolibrary.org/obo/mondo.owl",
    "ORPHA": "http://www.orpha.net",
    "CPT": "http://www.ama-assn.org/go/cpt",
}

COPYRIGHT = {
    SYSTEMS["SCT"]: "SNOMED CT codes belong to SNOMED International; using them needs its licence.",
    SYSTEMS["LNC"]: "LOINC codes belong to Regenstrief Institute and are used under its licence.",
    SYSTEMS[
        "CPT"
    ]: "CPT numbers belong to the American Medical Association; no descriptor is held.",
}


TABLE = tomllib.loads((Path(__file__).parent / "value_sets.toml").read_text(encoding="utf-8"))

# Multiplication and permutation tables of the Verhoeff scheme.
_D = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_P = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)


def verhoeff_is_right(code: str) -> bool:
    """Return whether the last digit of a SNOMED CT id is its Verhoeff check digit."""
    if not re.fullmatch(r"[1-9]\d{5,17}", code):
        return False
    check = 0
    for index, digit in enumerate(reversed(code)):
        check = int(_D[check][int(_P[index % 8][int(digit)])])
    return check == 0


def loinc_is_right(code: str) -> bool:
    """Return whether the digit after the dash is the mod-10 check digit of a LOINC number."""
    match = re.fullmatch(r"(\d{1,7})-(\d)", code)
    if not match:
        return False
    total = 0
    for index, digit in enumerate(reversed(match[1])):
        doubled = int(digit) * (2 if index % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - a digit's maximum
    return (10 - total % 10) % 10 == int(match[2])


class Row(NamedTuple):
    """A verified code."""

    group: str
    role: str
    system: str
    code: str
    display: str | None


def _verified(rows: Iterable[dict[str, str]]) -> list[Row]:
    return [
        Row(
            group=row["group"].partition("-")[0],
            role=row["role"],
            system=row["system"],
            code=row["code"],
            display=row.get("display") if row["system"] != SYSTEMS["CPT"] else None,
        )
        for row in rows
        if row["status"] == "verified"
    ]


def _selected(selectors: Iterable[str], rows: Sequence[Row]) -> list[Row]:
    chosen = []
    for selector in selectors:
        if re.match(r"\d/", selector):
            place, _, prefix = selector.partition(":")
            group, _, role = place.partition("/")
            found = [
                row
                for row in rows
                if row.group == group and row.role == role and row.code.startswith(prefix)
            ]
            if not found:
                raise SystemExit(f"{selector}: no verified row; correct or remove the selector")
            chosen += found
        else:
            system, *codes = selector.split()
            by_code = {row.code: row for row in rows if row.system == SYSTEMS[system]}
            missing = [code for code in codes if code not in by_code]
            if missing:
                raise SystemExit(f"{system} {missing}: not verified; correct or remove the code")
            chosen += [by_code[code] for code in codes]
    return chosen


def _check(row: Row, slug: str) -> None:
    if row.system == SYSTEMS["SCT"] and not verhoeff_is_right(row.code):
        raise SystemExit(f"{slug}: SNOMED CT {row.code} fails its check digit")
    if (
        row.system == SYSTEMS["LNC"]
        and not row.code.startswith("LA")
        and not loinc_is_right(row.code)
    ):
        raise SystemExit(f"{slug}: LOINC {row.code} fails its check digit")
    rejected = TABLE["rejected"]
    if row.code in rejected["codes"] or rejected["except-in"].get(row.code, slug) != slug:
        raise SystemExit(f"{slug}: {row.code} is on the reject list")


def _value_set(slug: str, rows: Iterable[Row]) -> dict[str, object]:
    systems: dict[str, dict[str, Row]] = {}
    for row in rows:
        _check(row, slug)
        systems.setdefault(row.system, {})[row.code] = row
    notices = [COPYRIGHT[system] for system in sorted(systems) if system in COPYRIGHT]
    return {
        "resourceType": "ValueSet",
        "id": slug,
        "url": BASE + slug,
        "version": VERSION,
        "name": "".join(part.capitalize() for part in slug.split("-")),
        "title": TABLE["sets"][slug]["title"],
        "status": "active",
        "experimental": True,
        "publisher": "cds-service",
        "description": TABLE["sets"][slug]["description"],
        **({"copyright": " ".join(notices)} if notices else {}),
        "compose": {
            "include": [
                {
                    "system": system,
                    "concept": [
                        {"code": row.code, "display": row.display}
                        if row.display
                        else {"code": row.code}
                        for _, row in sorted(codes.items())
                    ],
                }
                for system, codes in sorted(systems.items())
            ]
        },
    }


def build(source: Path) -> dict[str, str]:
    """Return file name → text of every value set; exits with the reason when a code is bad."""
    rows = _verified(json.loads(source.read_text(encoding="utf-8")))
    seen = set(_selected(TABLE["unused"], rows))
    files = {}
    for slug, definition in TABLE["sets"].items():
        chosen = _selected(definition["codes"], rows)
        seen.update(chosen)
        text = json.dumps(_value_set(slug, chosen), ensure_ascii=False, indent=2)
        files[f"{slug}.json"] = text + "\n"
    forgotten = [f"{row.system} {row.code}" for row in rows if row not in seen]
    if forgotten:
        raise SystemExit(f"verified, but neither in a set nor in [unused]: {', '.join(forgotten)}")
    return files


def main(arguments: Sequence[str]) -> None:
    """Write every value set into the package, and remove those that are no longer defined."""
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    files = build(Path(arguments[0]))
    TARGET.mkdir(parents=True, exist_ok=True)
    for old in TARGET.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    print(f"{len(files)} value sets written to {TARGET}")


if __name__ == "__main__":
    main(sys.argv[1:])
