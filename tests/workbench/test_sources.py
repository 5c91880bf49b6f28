import io
import json
from typing import Any

import pytest

from cds_service.replay.client import Json
from cds_service.web.messages import Limits
from cds_service.workbench.sources import InputError, pasted


def read(body: Any, *, most: int = 100_000, **limits: int) -> Any:
    """Return what was pasted."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return pasted(raw, limits=Limits(**limits), most=most).case


def resources(chart: Json) -> list[Json]:
    """Return the resources of a chart."""
    return [entry["resource"] for entry in chart["entry"]]


def test_bundle(chart: Json) -> None:
    """A Bundle is a chart."""
    assert read(chart).store.resources == tuple(resources(chart))
    assert read(chart).request is None


def test_array(chart: Json) -> None:
    """An array of resources is a chart."""
    assert read(resources(chart)).store.resources == tuple(resources(chart))


def test_ndjson(chart: Json) -> None:
    """Resources line by line are a chart, with empty lines and a byte order mark, too."""
    lines = [json.dumps(item).encode() for item in resources(chart)]
    text = b"\xef\xbb\xbf" + b"\r\n".join([*lines, b"", b""])
    assert read(text).store.resources == tuple(resources(chart))


def test_request(captured: Json) -> None:
    """A hook request is taken as it is."""
    assert read(captured).request == captured


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        (b'{"a": 1,\n "b": }', 2, 7),
        (b'{"resourceType": "Bundle"', 1, 26),
        (b'\n\n  {"hook" "x"}', 3, 11),
        (b'{"resourceType": "Patient", "id": "1"}\n{"resourceType": }', 2, 18),
        (b"\xff\xfe", 1, 1),
    ],
)
def test_no_json(text: bytes, line: int, column: int) -> None:
    """What is no JSON is told with its line and column, and the place is pointed at."""
    with pytest.raises(InputError, match=f"line {line}, column {column}") as caught:
        read(text)
    error = caught.value
    assert (error.line, error.column) == (line, column)
    shown, pointer = (error.excerpt or "\n^").split("\n")
    assert pointer.strip() == "^"
    if shown:
        assert shown in text.decode(errors="replace")


def test_excerpt_is_short() -> None:
    """Of a long line only the surroundings of the mistake are shown."""
    text = json.dumps({"resourceType": "Bundle", "x": "y" * 5000}).encode()[:-1] + b" oops}"
    with pytest.raises(InputError) as caught:
        read(text)
    assert len(caught.value.excerpt.partition("\n")[0]) < 100
    assert "oops" in caught.value.excerpt


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Nothing was pasted"),
        (b" \n ", "Nothing was pasted"),
        ({"resourceType": "Patient", "id": "1"}, "neither a chart nor a captured request"),
        ({"resourceType": "Bundle", "entry": []}, "holds no resource"),
        ([{"resourceType": "Patient", "id": "1"}, {"resourceType": "Patient", "id": "2"}], "2 Pat"),
        ([], "holds no resource"),
        (42, "neither an object nor an array"),
        ("text", "neither an object nor an array"),
    ],
)
def test_no_chart(body: Any, said: str) -> None:
    """What is JSON and no chart is told in a sentence that says what is missing."""
    with pytest.raises(InputError, match=said) as caught:
        read(body)
    assert str(caught.value)[0].isupper()
    assert str(caught.value).endswith(".")


def test_limits(chart: Json) -> None:
    """The limits are those of the service, and the setting is named."""
    with pytest.raises(InputError, match="CDS_MAX_BODY"):
        read(chart, most=1000)
    with pytest.raises(InputError, match="CDS_MAX_DEPTH"):
        read([[[[[[[[[[[]]]]]]]]]]], depth=5)
    with pytest.raises(InputError, match="CDS_MAX_ENTRIES"):
        read(chart, entries=2)
    with pytest.raises(InputError):
        read(io.BytesIO(b"[" * 90_000).read())
