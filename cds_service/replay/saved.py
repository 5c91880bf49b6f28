"""Results that are kept in a directory, to compare with later.

``replay.json`` lists the cases, and is written last. Each case is a file of its own under
``cases``, laid out so that two of them can be compared line by line. They hold what the cards
and the trace quote from the charts: they are as confidential as the charts.
"""

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from cds_service.replay.cases import KEPT, KEPT_FORMAT
from cds_service.replay.client import Json
from cds_service.replay.compare import Failed, Outcome
from cds_service.replay.layout import dumps, load
from cds_service.replay.noise import settled
from cds_service.replay.outcome import Evaluation, Played, Result

_EDITION = 1
_CASES = "cases"
_STAGE = ".writing-"


class SavedError(ValueError):
    """A directory of kept results that cannot be read, or not be written to."""


def check(folder: Path) -> None:
    """Raise ``SavedError`` where results cannot be kept: it holds something else."""
    if folder.exists() and not folder.is_dir():
        raise SavedError(f"{folder} is a file; results are kept in a directory of their own")
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if KEPT in names:
        _index(folder)
    known = {KEPT, _CASES} if KEPT in names else set()
    other = sorted(name for name in names - known if not name.startswith(_STAGE))
    if other:
        raise SavedError(
            f"{folder} holds something else ({', '.join(other[:3])}); "
            "results are kept in a directory of their own"
        )


def save(folder: Path, outcomes: Mapping[str, Outcome], *, versions: Mapping[str, str]) -> None:
    """Keep the outcomes of cases, by key, in place of what the directory held before.

    ``versions`` are those of what was played. Raises ``SavedError`` where the directory holds
    anything else, or cannot be written; what it held before is then still there.
    """
    check(folder)
    stage = folder / f"{_STAGE}{uuid4().hex}"
    index = {"format": KEPT_FORMAT, "edition": _EDITION, "versions": dict(versions)}
    try:
        for key, outcome in outcomes.items():
            _write(stage / _CASES / key, _body(key, outcome))
        _write(stage / KEPT, index | {"cases": sorted(outcomes)})
        _write(stage / "unfinished", index | {"cases": None})
        # Who reads from here to the end is told that the results are not whole.
        (stage / "unfinished").replace(folder / KEPT)
        if (folder / _CASES).exists():
            (folder / _CASES).replace(stage / "before")
        if outcomes:
            (stage / _CASES).replace(folder / _CASES)
        (stage / KEPT).replace(folder / KEPT)
    except OSError as error:
        raise SavedError(f"{folder} cannot be written: {error.strerror}") from None
    finally:
        for left in folder.glob(f"{_STAGE}*"):
            shutil.rmtree(left, ignore_errors=True)


def read(folder: Path) -> tuple[dict[str, Result | Failed], dict[str, str]]:
    """Return the kept outcomes by key, and the versions that they are of.

    Raises ``SavedError``, which names the file that cannot be used.
    """
    if not (folder / KEPT).exists():
        raise SavedError(
            f"{folder} holds no saved results; they are a directory that "
            "cds-service replay PATH --save DIR wrote"
        )
    index = _index(folder)
    keys, versions = index.get("cases"), index.get("versions")
    if keys is None:
        raise SavedError(f"{folder} was not written to its end; save the results again")
    if not isinstance(keys, list) or not all(isinstance(key, str) and _inside(key) for key in keys):
        raise SavedError(f"{folder / KEPT}: cases is not a list of paths under {_CASES}")
    found = {key: _outcome(folder / _CASES / key, key) for key in keys}
    return found, dict(versions) if isinstance(versions, dict) else {}


def _index(folder: Path) -> Json:
    path = folder / KEPT
    index = _load(path)
    if index.get("format") != KEPT_FORMAT:
        raise SavedError(f"{path} is not a list of saved results; {folder} is somebody else's")
    if index.get("edition") != _EDITION:
        raise SavedError(
            f"{path} is of edition {index.get('edition')}, and this is for {_EDITION}: "
            "save the results again with this version of the service"
        )
    return index


def _inside(key: str) -> bool:
    path = PurePosixPath(key)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _load(path: Path) -> Json:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise SavedError(f"{path} cannot be read: {error.strerror}; save again") from None
    except ValueError as error:
        raise SavedError(f"{path} {error}; it is not whole: save again") from None


def _write(path: Path, body: Json) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(dumps(body) + "\n", encoding="utf-8")


def _body(key: str, outcome: Outcome) -> Json:
    if not isinstance(outcome, Result):
        return {"case": key, "failed": outcome.reason if outcome else ""}
    said = outcome.evaluation
    return {
        "case": key,
        "name": outcome.name,
        "today": outcome.today,
        "input": outcome.digest,
        "versions": outcome.versions,
        "evaluation": None if said is None else asdict(said),
        "hooks": [_played(each) for each in outcome.played],
    }


def _played(played: Played) -> Json:
    body: dict[str, Any] = asdict(played)
    return body | {"cards": [settled(card) for card in played.cards]}


def _outcome(path: Path, key: str) -> Result | Failed:
    body = _load(path)
    try:
        if "failed" in body:
            return Failed(str(body["failed"]))
        said = body["evaluation"]
        dt.date.fromisoformat(body["today"])
        return Result(
            name=body["name"],
            path=key,
            today=body["today"],
            digest=body["input"],
            evaluation=None if said is None else _evaluation(said),
            played=tuple(_hook(each) for each in body["hooks"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SavedError(
            f"{path} is not a saved result ({type(error).__name__}: {error}); save again"
        ) from None


def _evaluation(body: Json) -> Evaluation:
    dropped = body["dropped"]
    return Evaluation(
        topics=body["topics"],
        tumours=tuple(body["tumours"]),
        windows=tuple(body["windows"]),
        dropped=None if dropped is None else tuple(dropped),
        conditions=tuple(body["conditions"]),
        trace=body["trace"],
    )


def _hook(body: Json) -> Played:
    return Played(
        **{**body, "cards": tuple(body["cards"]), "conditions": tuple(body["conditions"])}
    )
