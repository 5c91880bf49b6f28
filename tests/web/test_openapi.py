from flask.testing import FlaskClient

from cds_service import hooks
from cds_service.app import create_app
from cds_service.settings import Settings


def test_document(client: FlaskClient) -> None:
    """The document has every CDS Hooks address and those of probes, and no dangling reference."""
    response = client.get("/openapi.json")
    assert (response.status_code, response.json["openapi"]) == (200, "3.1.0")
    ids = [service.id for service in hooks.services()]
    assert set(response.json["paths"]) == {
        *("/healthz", "/readyz", "/metrics", "/cds-services"),
        *(f"/cds-services/{name}{suffix}" for name in ids for suffix in ("", "/feedback")),
    }
    schemas = response.json["components"]["schemas"]
    for reference in response.text.split('"$ref":"#/components/schemas/')[1:]:
        assert reference.partition('"')[0] in schemas


def test_contexts(client: FlaskClient) -> None:
    """#172: each hook's context is described with the names that it has in JSON."""
    schemas = client.get("/openapi.json").json["components"]["schemas"]
    required = schemas["OrderSelectContext"]["required"]
    assert set(required) == {"userId", "patientId", "draftOrders", "selections"}


def test_public() -> None:
    """The document holds nothing secret, and needs no token."""
    assert create_app(Settings()).test_client().get("/openapi.json").status_code == 200
