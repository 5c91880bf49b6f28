"""Write which worked case proves which rule of the guideline: cds_service/rulebook/proofs.json.

    python tools/prove_rules.py

Every case of fixtures/fhir is played through the service. A rule is proven by a case in which
it decides a topic and whose answer is the expected one. Exits 1 where a case differs from its
expectation, or where a rule is proven by none.
"""

import re
import sys
from pathlib import Path

from cds_service.guideline import load as load_guideline
from cds_service.replay import cases
from cds_service.replay.layout import dumps
from cds_service.replay.local import local
from cds_service.replay.play import play

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures" / "fhir"
TARGET = ROOT / "cds_service" / "rulebook" / "proofs.json"


def build(fixtures: Path = FIXTURES) -> str:
    """Return the text of proofs.json; exits with the reason where a case proves nothing."""
    order = list(load_guideline().rules)
    table = {}
    for file in cases.find(fixtures):
        result = play(cases.read(file), service=local)
        if result.failed or result.evaluation is None:
            raise SystemExit(f"{result.name}: differs from its expectation, and proves nothing")
        decided = {topic["rule"] for topic in result.evaluation.topics.values()}
        table[result.name] = {
            "why": _why(file.with_name("why.md").read_text(encoding="utf-8")),
            "rules": sorted(decided, key=order.index),
        }
    return dumps(table) + "\n"


def _why(text: str) -> str:
    # The number under which a case was first written down says nothing to a reader.
    plain = re.sub(r"^[A-Z]\d+: ", "", text.strip())
    return plain[:1].upper() + plain[1:]


def unproven(text: str) -> list[str]:
    """Return the rules that no case of a proofs.json proves."""
    return [rule for rule in load_guideline().rules if f'"{rule}"' not in text]


def main() -> None:
    """Write the file."""
    text = build()
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET}: {len(cases.find(FIXTURES))} cases")
    missing = unproven(text)
    if missing:
        sys.exit(f"no case proves {', '.join(missing)}: add one to fixtures/fhir")


if __name__ == "__main__":
    main()
