"""``cds-service doctor``: what a FHIR server can do for this service, and what will be missing."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import click
from rich.console import Console
from rich.table import Table

from cds_service.chart import Empty, Failed, Present, classify
from cds_service.chart.screen import screened
from cds_service.chart.version import names_in, stated
from cds_service.fhirtools.server import FhirError, Got, Server, link, next_link, resources
from cds_service.guideline import read as read_guideline
from cds_service.hooks.base import PREFETCH, REQUIRED
from cds_service.replay.client import Json
from cds_service.settings import load as load_settings

Verdict = Literal["works", "works in part", "does not work"]
_MARKS: dict[str, str] = {"works": "green", "works in part": "yellow", "does not work": "red"}
_SLOW = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one of the service's searches came to."""

    key: str
    query: str
    verdict: Verdict
    seconds: float
    entries: int
    pages: int
    remarks: tuple[str, ...] = ()


@click.command()
@click.option("--fhir", "base", required=True, help="Base address of the FHIR server.")
@click.option("--patient", help="Id of a patient to search for; by default the first one.")
@click.option("--token", envvar="FHIR_TOKEN", help="Bearer token of the server; or FHIR_TOKEN.")
def doctor(*, base: str, patient: str | None, token: str | None) -> None:
    """Examine a FHIR server: its CapabilityStatement, and the service's own searches.

    Says what the server supports and ignores, how it pages, how long it takes, and which advice
    will be missing because of it. Exits 1 if a required kind cannot be read.
    """
    console = Console(highlight=False)
    try:
        server = Server(base, token=token)
        got = server.get("metadata")
        statement = got.body or {}
        console.print(_about(got, statement))
        patient = patient or _any_patient(server)
    except FhirError as error:
        raise click.ClickException(str(error)) from None
    findings = list(examine(server, patient, statement))
    console.print(_table(findings))
    for finding in findings:
        for remark in finding.remarks:
            click.echo(f"{finding.query.partition('?')[0]}: {remark}.")
    for line in consequences(findings):
        click.echo(line)
    if any(f.verdict == "does not work" and f.key in REQUIRED for f in findings):
        sys.exit(1)


def examine(server: Server, patient: str, statement: Json) -> Iterator[Finding]:
    """Yield what each of the service's prefetch templates comes to on the server."""
    version = stated(statement)
    for key, template in PREFETCH.items():
        kind, mark, rest = template.replace("{{context.patientId}}", patient).partition("?")
        names = names_in(version, kind) if mark else (kind,)
        for name in names:
            query = f"{name}{mark}{rest}"
            claims = tuple(_claims(statement, name)) if mark else ()
            yield _finding(server, key, query, claims)


def consequences(findings: list[Finding]) -> Iterator[str]:
    """Yield what the findings mean for the advice."""
    topics = read_guideline(load_settings()[0].guideline).topics
    for finding in findings:
        if finding.verdict == "works":
            continue
        if finding.key in REQUIRED:
            missing = "no advice at all; calls are answered with an error (412 or 504)"
            if finding.verdict == "works in part":
                missing = "every card says that a part could not be read"
        else:
            named = [t.title for t in topics.values() if finding.key in t.depends_on]
            what = ", ".join(named) or "nothing"
            missing = f"could not be read, said on cards about: {what}"
            if finding.key == "encounters":
                missing += "; follow-up may be withheld"
        yield f"{finding.key}: {finding.verdict} – {missing}."
    slowest = max((finding.seconds for finding in findings), default=0.0)
    if slowest > _SLOW:
        yield f"The slowest took {slowest:.1f} s: CDS_DEADLINE must allow for it."


def _any_patient(server: Server) -> str:
    got = server.get("Patient?_count=1")
    for resource in resources(got.body or {}) if got.ok else ():
        if resource.get("resourceType") == "Patient" and isinstance(resource.get("id"), str):
            return str(resource["id"])
    raise FhirError(f"The server shows no patient ({got.problem or 'none'}): name one: --patient.")


def _finding(server: Server, key: str, query: str, claims: tuple[str, ...]) -> Finding:
    pages = list(server.pages(query)) if "?" in query else [server.get(query)]
    seconds = sum(page.seconds for page in pages)
    bodies = [page.body for page in pages if page.ok and page.body is not None]
    count = sum(len(resources(body)) if "?" in query else 1 for body in bodies)
    remarks = [*claims]
    verdict: Verdict = "works"
    if not bodies:
        return Finding(key, query, "does not work", seconds, 0, 0, (*claims, pages[0].problem))
    value = classify(key, bodies[0])
    if isinstance(value, Failed):
        return Finding(key, query, "does not work", seconds, 0, 1, (*claims, value.reason))
    if not pages[-1].ok:
        verdict = "works in part"
        remarks.append(f"page {len(pages)}: {pages[-1].problem}")
    elif next_link(bodies[-1]):
        verdict = "works in part"
        remarks.append("its pages do not end")
    whole = Present(tuple(bodies)) if count else Empty()
    looked = screened(whole, query=query)
    if looked != whole:
        remarks.append("ignores the patient: answers for everybody")
        if isinstance(looked, Present) and looked.partial:
            verdict = "works in part"
    if "?" in query and link(bodies[0], "self") is None:
        remarks.append("does not say what it searched for (no link self)")
    return Finding(key, query, verdict, seconds, count, len(bodies), tuple(remarks))


def _claims(statement: Json, kind: str) -> Iterator[str]:
    """Yield what the CapabilityStatement leaves out of what the search needs."""
    declared = [
        resource
        for rest in statement.get("rest") or ()
        if isinstance(rest, dict)
        for resource in rest.get("resource") or ()
        if isinstance(resource, dict)
    ]
    if not declared:
        return
    own = next((resource for resource in declared if resource.get("type") == kind), None)
    if own is None:
        yield f"its CapabilityStatement has no {kind}"
        return
    names = {p.get("name") for p in own.get("searchParam") or () if isinstance(p, dict)}
    if "patient" not in names:
        yield "its CapabilityStatement has no parameter patient"


def _about(got: Got, statement: Json) -> str:
    if not got.ok:
        return f"metadata: {got.problem}; the searches are tried all the same."
    software = statement.get("software")
    named = software if isinstance(software, dict) else {}
    who = " ".join(str(named[k]) for k in ("name", "version") if k in named) or "unnamed software"
    version = f"FHIR {statement.get('fhirVersion')} ({stated(statement) or 'unknown'})"
    return f"{who}, {version}, metadata in {got.seconds * 1000:.0f} ms"


def _table(findings: list[Finding]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    for name in ("search", "", "ms", "entries", "pages"):
        right = name in {"ms", "entries", "pages"}
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for finding in findings:
        table.add_row(
            finding.query,
            f"[{_MARKS[finding.verdict]}]{finding.verdict}",
            f"{finding.seconds * 1000:.0f}",
            str(finding.entries),
            str(finding.pages),
        )
    return table
