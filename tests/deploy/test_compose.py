"""docker-compose.yml: what its schema does not say."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service.settings import SETTINGS, Settings

from .dockerfile import read

ROOT = Path(__file__).parents[2]
SERVICES: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
#: They end when they are done.
ONCE = {"certificate", "examples"}
#: A Java without shell, compiler or client.
UNCHECKABLE = {"fhir"}
every = pytest.mark.parametrize("name", SERVICES)


def test_what_is_started() -> None:
    """The service, PostgreSQL, a FHIR server with the examples, and a proxy with TLS."""
    assert set(SERVICES) == {"cds", "database", "fhir", "proxy", *ONCE}
    assert "postgres:" in SERVICES["database"]["image"]
    assert SERVICES["cds"]["environment"]["CDS_DATABASE_URL"].startswith("postgresql+psycopg://")
    assert SERVICES["cds"]["deploy"]["replicas"] > 1


@every
def test_hardened(name: str) -> None:
    """No service is root, writes to its image, has a capability, or can get more rights."""
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@every
def test_pinned(name: str) -> None:
    """Each image is built here, or of one version."""
    service = SERVICES[name]
    if "build" in service:
        assert service["image"] == "cds-service:local"
        assert "USER" in {instruction.name for instruction in read(ROOT / "Dockerfile")}
    else:
        assert re.search(r":v?\d+\.\d+[\w.-]*$", service["image"])


@every
def test_published_to_this_machine_alone(name: str) -> None:
    """Nobody authenticates, so no other machine reaches a port."""
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")


def test_the_way_in() -> None:
    """The service is reached through the proxy alone, and the database by the service alone."""
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy", "fhir"}
    with_data = {
        name for name, service in SERVICES.items() if "data" in service.get("networks", ())
    }
    assert with_data == {"cds", "database"}
    assert SERVICES["database"]["networks"] == ["data"]


@every
def test_health(name: str) -> None:
    """Whatever goes on running says whether it is well, and waits for what it needs."""
    service = SERVICES[name]
    check = service.get("healthcheck")
    if name in ONCE | UNCHECKABLE:
        assert check == {"disable": True}
    elif "build" in service:
        assert check is None
        assert "HEALTHCHECK" in {instruction.name for instruction in read(ROOT / "Dockerfile")}
    else:
        assert check["test"][0] == "CMD"
    for needed, how in service.get("depends_on", {}).items():
        expected = {
            needed in ONCE: "service_completed_successfully",
            needed in UNCHECKABLE: "service_started",
        }.get(True, "service_healthy")
        assert needed in SERVICES
        assert how["condition"] == expected


@every
def test_settings(name: str) -> None:
    """Every CDS_ variable is a setting."""
    names = {setting.name for setting in SETTINGS} | {"CDS_CONFIG"}
    used = {key for key in SERVICES[name].get("environment", {}) if key.startswith("CDS_")}
    assert used <= names


def test_there_is_time_to_stop() -> None:
    """Docker waits longer than the service takes to finish what is under way."""
    assert int(SERVICES["cds"]["stop_grace_period"].rstrip("s")) > Settings().shutdown_seconds


@every
def test_files(name: str) -> None:
    """Every file of the checkout that is mounted exists, and cannot be changed."""
    for volume in SERVICES[name].get("volumes", ()):
        source, _, rest = volume.partition(":")
        if source.startswith("."):
            assert (ROOT / source).exists()
            assert rest.endswith(":ro")


def test_public_address() -> None:
    """Cards link to where the proxy listens, and the examples are loaded where they are read."""
    port = SERVICES["proxy"]["ports"][0].split(":")[1]
    assert SERVICES["cds"]["environment"]["CDS_PUBLIC_URL"] == f"https://localhost:{port}"
    assert SERVICES["cds"]["environment"]["CDS_FHIR_SERVERS"] in SERVICES["examples"]["command"]
