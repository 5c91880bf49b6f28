"""The Kubernetes manifests: what their schemas do not say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service import __version__, cli
from cds_service import settings as settings_module
from cds_service.app import create_app
from cds_service.commands.db import db
from cds_service.settings import Settings
from cds_service.store import Store

from .dockerfile import read

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
#: What stays free of PostgreSQL's usual 100 connections, for those who look after it.
RESERVED = 10


def documents() -> Iterator[dict[str, Any]]:
    """Yield every resource, the example of a Secret included."""
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from yaml.safe_load_all(path.read_text())


BY_KIND = {f"{item['kind']}/{item['metadata']['name']}": item for item in documents()}
POD = BY_KIND["Deployment/cds-service"]["spec"]["template"]
SERVE = POD["spec"]["containers"][0]
CONTAINERS = [SERVE, *POD["spec"]["initContainers"]]
CONFIGURATION = BY_KIND["ConfigMap/cds-service"]["data"]
SECRET = BY_KIND["Secret/cds-service"]["stringData"]


def test_kustomization() -> None:
    """It lists every file but examples, and names the image of this version."""
    found = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    there = {path.name for path in FOLDER.glob("*.yaml")}
    assert set(found["resources"]) == there - {"kustomization.yaml", "secret.example.yaml"}
    name, tag = found["images"][0]["name"], found["images"][0]["newTag"]
    assert tag == __version__
    assert {container["image"] for container in CONTAINERS} == {f"{name}:{tag}"}


def test_one_namespace() -> None:
    """All of it is in one namespace, which refuses pods that ask for too much."""
    places = {item["metadata"].get("namespace") for item in documents()} - {None}
    assert places == {"cds-service"}
    labels = BY_KIND["Namespace/cds-service"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_security() -> None:
    """No container is root, writes to its image, has a capability, or can get more rights."""
    image = {item.name: item for item in read(FOLDER.parents[1] / "Dockerfile")}
    user = int(image["USER"].rest.partition(":")[0])
    pod = POD["spec"]["securityContext"]
    assert (pod["runAsNonRoot"], pod["runAsUser"]) == (True, user)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["spec"]["automountServiceAccountToken"] is False
    for container in CONTAINERS:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]) == {"requests", "limits"}
        assert {"cpu", "memory"} == set(container["resources"]["limits"])


def test_settings(tmp_path: Path) -> None:
    """The configuration is one that the service takes: known settings, and clients that can be."""
    names = {setting.name for setting in settings_module.SETTINGS} | {"CDS_CONFIG"}
    variables = {key for key in (*CONFIGURATION, *SECRET) if key.startswith("CDS_")}
    assert variables <= names
    clients = tmp_path / "cds.toml"
    clients.write_text(BY_KIND["ConfigMap/cds-service-clients"]["data"]["cds.toml"])
    mounted = {mount["name"]: mount["mountPath"] for mount in SERVE["volumeMounts"]}
    assert CONFIGURATION["CDS_CONFIG"] == f"{mounted['clients']}/cds.toml"
    chosen, warnings = settings_module.load({**CONFIGURATION, **SECRET, "CDS_CONFIG": str(clients)})
    assert warnings == ()
    assert chosen.auth == "required"
    assert chosen.clients
    assert Store(chosen.database_url).engine.dialect.name == "postgresql"


def test_commands() -> None:
    """The arguments are those of the command line."""
    serve = cli.main.get_command(cli.main.make_context("x", ["serve"]), "serve")
    assert serve
    assert SERVE["args"][0] == "serve"
    parameters = serve.make_context("serve", SERVE["args"][1:]).params
    assert parameters["port"] == SERVE["ports"][0]["containerPort"]
    group, command = POD["spec"]["initContainers"][0]["args"]
    assert group == "db"
    assert command in db.commands


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probes(probe: str) -> None:
    """Each probe asks an address of the service, at its port."""
    asked = SERVE[probe]["httpGet"]
    assert asked["port"] == SERVE["ports"][0]["name"]
    answer = create_app(Settings()).test_client().get(asked["path"])
    assert answer.status_code in {200, 503}


def test_ingress() -> None:
    """What is outside can reach the services and the pages of their cards, and no inner address."""
    rules = BY_KIND["Ingress/cds-service"]["spec"]["rules"]
    paths = {path["path"]: path["pathType"] for path in rules[0]["http"]["paths"]}
    served = {rule.rule for rule in create_app(Settings()).url_map.iter_rules()}
    for path, kind in paths.items():
        assert any(rule == path or (kind == "Prefix" and rule.startswith(path)) for rule in served)
    assert not {"/", "/metrics", "/readyz"} & set(paths)
    assert f"https://{rules[0]['host']}" == CONFIGURATION["CDS_PUBLIC_URL"]


def test_labels() -> None:
    """What selects the pods selects these."""
    labels = POD["metadata"]["labels"]
    deployment = BY_KIND["Deployment/cds-service"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert BY_KIND["Service/cds-service"]["spec"]["selector"] == labels
    assert BY_KIND["PodDisruptionBudget/cds-service"]["spec"]["selector"]["matchLabels"] == labels
    assert BY_KIND["NetworkPolicy/cds-service"]["spec"]["podSelector"]["matchLabels"] == labels
    target = BY_KIND["HorizontalPodAutoscaler/cds-service"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"]


def test_there_is_time_to_stop() -> None:
    """A pod is not killed before it has finished what is under way."""
    chosen, _ = settings_module.load({**CONFIGURATION, "CDS_CONFIG": ""})
    grace = POD["spec"]["terminationGracePeriodSeconds"]
    assert grace > chosen.drain_seconds + chosen.shutdown_seconds
    probe = SERVE["readinessProbe"]
    assert chosen.drain_seconds >= probe["periodSeconds"] * probe["failureThreshold"]


def test_some_are_always_there() -> None:
    """Neither an update nor a drained machine stops all pods, and the database takes them all."""
    scaler = BY_KIND["HorizontalPodAutoscaler/cds-service"]["spec"]
    budget = BY_KIND["PodDisruptionBudget/cds-service"]["spec"]
    assert BY_KIND["Deployment/cds-service"]["spec"]["strategy"]["rollingUpdate"] == {
        "maxUnavailable": 0,
        "maxSurge": 1,
    }
    assert scaler["minReplicas"] > budget["maxUnavailable"]
    workers = int(SERVE["args"][SERVE["args"].index("--workers") + 1])
    pool = Store("postgresql+psycopg://cds@database/cds").engine.pool
    connections = pool.size() + pool._max_overflow  # type: ignore[attr-defined] # noqa: SLF001
    assert scaler["maxReplicas"] * workers * connections <= 100 - RESERVED


def test_no_secret_is_in_a_configmap() -> None:
    """What is secret comes from the Secret, which is an example alone."""
    assert not {"PGPASSWORD", "CDS_DATABASE_URL"} & set(CONFIGURATION)
    sources = [next(iter(item)) for item in SERVE["envFrom"]]
    assert sources == ["configMapRef", "secretRef"]
    assert "env" not in SERVE
