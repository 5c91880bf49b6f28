"""The dashboard and the alert rules ask for metrics and labels that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from cds_service.observe.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
#: Labels that Prometheus adds, or that the query language itself has.
ADDED = {"job", "instance", "le"}
SEVERITIES = {"info", "warning", "critical"}


def known() -> dict[str, set[str]]:
    """Return the names that samples have, with their labels."""
    found = {"cds_service_build_info": {"version", "guideline", "value_sets"}}
    for metric in vars(Metrics()).values():
        endings: tuple[str, ...] = ()
        if isinstance(metric, Counter):
            endings = ("_total",)
        elif isinstance(metric, Histogram):
            endings = ("_bucket", "_sum", "_count")
        elif isinstance(metric, Gauge):
            endings = ("",)
        for ending in endings:
            found[metric._name + ending] = set(metric._labelnames)  # noqa: SLF001
    return found


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    found: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    return found


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def targets() -> Iterator[tuple[str, str, str]]:
    """Yield each query with its legend or summary."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]
    for rule in rules():
        yield rule["alert"], rule["expr"], rule["annotations"]["summary"]


@pytest.mark.parametrize(("title", "query", "shown"), list(targets()))
def test_query(title: str, query: str, shown: str) -> None:
    """Every query is of known metrics, by labels that they have, and shows labels that are left."""
    metrics = known()
    named = re.findall(r"cds_service_\w+", query)
    assert named, title
    assert set(named) <= set(metrics)
    labels = set().union(*(metrics[name] for name in named)) | ADDED
    matched = set(re.findall(r"(\w+)(?:=~|!=|!~|=)\"", query))
    grouped = {
        name.strip() for names in re.findall(r"by \(([^)]*)\)", query) for name in names.split(",")
    }
    assert matched | grouped <= labels, title
    assert set(re.findall(r"\{\{(?: \$labels\.)?\s*(\w+)\s*\}\}", shown)) <= grouped
    assert query.count("(") == query.count(")")
    assert query.count("{") == query.count("}")


def test_every_metric_is_shown() -> None:
    """No metric is missing on the dashboard, but for parts of histograms."""
    text = json.dumps(dashboard())
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known()}
    assert [name for name in families if name not in text] == []


def test_dashboard_can_be_imported() -> None:
    """The dashboard has what Grafana needs, and panels that do not overlap."""
    found = dashboard()
    assert {"title", "uid", "schemaVersion", "panels", "templating"} <= set(found)
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in found["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_alerts() -> None:
    """Every rule has a name of its own, a severity, and words for who is woken by it."""
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in SEVERITIES
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
