"""What is replayed: cases found under the paths that the user names."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from cds_service.replay.client import ChartError, Json, Store
from cds_service.replay.layout import load

#: The project's worked cases; absent where the package is installed without its checkout.
WORKED = Path(__file__).resolve().parents[2] / "fixtures" / "fhir"
_EXPECTED = "expected.json"
#: The list of a directory of kept results (``saved.py``): what is below it are no cases.
KEPT = "replay.json"
KEPT_FORMAT = "cds-service replay results"
#: Beside a captured request, these are no cases.
_OF_CAPTURE = ("response.json", "meta.json")
#: Keys of an expectation: the type, and the type of what is in it.
_SHAPE: tuple[tuple[str, type[dict[str, object]] | type[list[object]], tuple[type, ...]], ...] = (
    ("topics", dict, (dict,)),
    ("tumours", list, (dict,)),
    ("windows", list, (dict,)),
    ("hooks", dict, (dict, list)),
    ("says", dict, (list,)),
    ("never_says", dict, (list,)),
    ("never_suggests", dict, (list,)),
    ("dropped", list, (str,)),
)


class CaseError(ValueError):
    """A file that cannot be replayed: ``path`` and one sentence that says why."""

    def __init__(self, path: Path, reason: str) -> None:
        """Keep the path apart from the reason, for the machine-readable report."""
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One chart or one captured request, with what is expected of it."""

    name: str
    #: The patient of the chart, or of the request's context.
    patient_id: str
    #: Empty where it was not read from a file.
    path: Path = field(default_factory=Path)
    #: The chart; None for a captured request.
    store: Store | None = None
    #: The captured request; None for a chart.
    request: Json | None = None
    #: Content of the expectation file; None when there is none.
    expected: Json | None = None
    #: Where the expectation is, or would be written.
    expected_path: Path = field(default_factory=Path)


def find(path: Path) -> tuple[Path, ...]:
    """Return the chart and request files that ``path`` (a file or directory) stands for.

    A capture's answer is none of them, nor is a result that was kept; and what is hidden is not
    finished.
    """
    if path.is_file():
        return (path,)
    files = [p for p in path.rglob("*.json") if not _is_hidden(p.relative_to(path))]
    kept = {p.parent for p in files if p.name == KEPT and _lists_results(p)}
    return tuple(sorted(p for p in files if _is_input(p) and kept.isdisjoint(p.parents)))


def read(path: Path) -> Case:
    """Return the case of a chart or request file; ``CaseError`` when it is not one."""
    own_directory = path.name in ("chart.json", "request.json")
    expected_path = path.with_name(_EXPECTED if own_directory else f"{path.stem}.{_EXPECTED}")
    expected = _expectation(expected_path) if expected_path.exists() else None
    body = _load(path)
    name = path.resolve().parent.name if own_directory else path.stem
    try:
        case = of(body, name=name)
    except ChartError as error:
        raise CaseError(path, str(error)) from None
    return replace(case, path=path, expected=expected, expected_path=expected_path)


def of(body: Json, *, name: str) -> Case:
    """Return the case of a chart or a captured request; ``ChartError`` when it is neither."""
    store, request = _parse(body)
    return Case(
        name=name,
        patient_id=store.patient_id if store else _context_patient(body),
        store=store,
        request=request,
    )


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _lists_results(path: Path) -> bool:
    try:
        return KEPT_FORMAT.encode() in path.read_bytes()
    except OSError:
        return False


def _is_input(path: Path) -> bool:
    if path.name == _EXPECTED or path.name.endswith("." + _EXPECTED):
        return False
    captured = (path.with_name(name) for name in ("request.json", "request.raw"))
    return path.name not in _OF_CAPTURE or not any(each.exists() for each in captured)


def _load(path: Path) -> Json:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise CaseError(path, f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CaseError(path, str(error)) from None


def _expectation(path: Path) -> Json:
    body = _load(path)
    for key, kind, inner in _SHAPE:
        value = body.get(key, kind())
        items = value.values() if isinstance(value, dict) else value
        if not isinstance(value, kind) or not all(isinstance(item, inner) for item in items):
            raise CaseError(path, f'"{key}" has not the shape of an expectation; see the fixtures')
    return body


def _parse(body: Json) -> tuple[Store | None, Json | None]:
    if body.get("resourceType") == "Bundle":
        return Store.of(body), None
    if isinstance(body.get("hook"), str):
        return None, body
    msg = (
        "is neither a chart nor a captured request: "
        'there is no "resourceType": "Bundle" and no "hook"'
    )
    raise ChartError(msg)


def _context_patient(request: Json) -> str:
    context = request.get("context")
    patient_id = context.get("patientId") if isinstance(context, dict) else None
    return patient_id if isinstance(patient_id, str) else ""


def conditions(store: Store, references: Iterator[str] | tuple[str, ...]) -> tuple[Json, ...]:
    """Return the chart's Conditions of these references; unknown ones are ``ChartError``."""
    found = tuple((reference, store.read(reference)) for reference in references)
    missing = [reference for reference, resource in found if resource is None]
    if missing:
        raise ChartError(
            f"the expectation names {', '.join(missing)}, which the chart does not hold"
        )
    return tuple(resource for _, resource in found if resource is not None)
