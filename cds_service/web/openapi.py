"""The OpenAPI document: what can be sent where, from the same models that read it."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel

from cds_service import __version__
from cds_service.hooks.base import HookService
from cds_service.protocol.feedback import Feedback
from cds_service.protocol.request import HookRequest
from cds_service.web.messages import json_response

_REF = "#/components/schemas/{model}"


def _json(words: str, name: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=name)}
    return {"description": words, "content": {"application/json": {"schema": schema}}}


_ERRORS = {
    "400": "The request is not what the protocol asks for",
    "401": "The token is missing or refused; without a body",
    "403": "The token's tenant, or fhirServer, is not one of the client's",
    "404": "There is no such service",
    "405": "Another HTTP method",
    "412": "Required data can be had neither from the prefetch nor from the FHIR server",
    "413": "The body is too large",
    "415": "The body is not declared as JSON in UTF-8",
    "429": "The client asks too often; Retry-After says when to go on",
    "500": "A mistake of the service",
    "503": "The service's storage does not answer",
}
#: What machines ask all the time, by anybody who reaches the port.
_PROBES: dict[str, Any] = {
    "/healthz": {
        "get": {
            "operationId": "alive",
            "summary": "Whether the process lives",
            "security": [{}],
            "responses": {"200": _json("It does", "Health")},
        }
    },
    "/readyz": {
        "get": {
            "operationId": "ready",
            "summary": "Whether requests are to be sent here, with a check for each thing needed",
            "security": [{}],
            "responses": {
                "200": _json("They are", "Readiness"),
                "503": _json("They are not; failing names the checks", "Readiness"),
            },
        }
    },
    "/metrics": {
        "get": {
            "operationId": "metrics",
            "summary": "What was counted, as Prometheus or OpenMetrics text",
            "security": [{"metricsToken": []}, {}],
            "responses": {
                "200": {"description": "The metrics", "content": {"text/plain": {}}},
                "401": {"description": "CDS_METRICS_TOKEN is set, and this is not it"},
                "404": _json("CDS_METRICS is off", "OperationOutcome"),
            },
        }
    },
}
_CHECK = {
    "type": "object",
    "required": ["status", "seconds"],
    "properties": {
        "status": {"enum": ["ok", "failed"]},
        "problem": {"type": "string"},
        "seconds": {"type": "number", "minimum": 0},
    },
}
_SCHEMAS: dict[str, Any] = {
    "Health": {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"const": "ok"}},
    },
    "Readiness": {
        "type": "object",
        "required": ["status", "checks"],
        "properties": {
            "status": {"enum": ["ready", "not ready"]},
            "failing": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "checks": {"type": "object", "additionalProperties": _CHECK},
            "configuration": {"type": "object"},
        },
    },
    "Services": {
        "type": "object",
        "required": ["services"],
        "properties": {
            "services": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["hook", "description", "id"],
                    "properties": {
                        name: {"type": "string"} for name in ("hook", "title", "description", "id")
                    }
                    | {"prefetch": {"type": "object", "additionalProperties": {"type": "string"}}},
                },
            }
        },
    },
    "Cards": {
        "type": "object",
        "required": ["cards"],
        "properties": {
            "cards": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["summary", "indicator", "source"],
                    "properties": {
                        "uuid": {"type": "string", "format": "uuid"},
                        "summary": {"type": "string", "minLength": 1, "maxLength": 139},
                        "detail": {"type": "string"},
                        "indicator": {"enum": ["info", "warning", "critical"]},
                        "source": {"type": "object", "required": ["label"]},
                        "suggestions": {"type": "array", "minItems": 1},
                        "selectionBehavior": {"enum": ["any", "at-most-one"]},
                        "overrideReasons": {"type": "array", "minItems": 1},
                        "links": {"type": "array", "minItems": 1},
                    },
                },
            },
            "systemActions": {"type": "array", "minItems": 1},
            "extension": {"type": "object", "minProperties": 1},
        },
    },
    "Received": {
        "type": "object",
        "required": ["received"],
        "properties": {"received": {"type": "integer", "minimum": 0}},
    },
    "OperationOutcome": {
        "type": "object",
        "required": ["resourceType", "issue"],
        "properties": {
            "resourceType": {"const": "OperationOutcome"},
            "issue": {"type": "array", "minItems": 1},
        },
    },
}


def blueprint(services: Sequence[HookService]) -> Blueprint:
    """Return the endpoint of the document; it holds nothing that discovery does not."""
    body = document(services)
    routes = Blueprint("openapi", __name__)

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return json_response(body)

    return routes


def document(services: Sequence[HookService]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of these services."""
    schemas = dict(_SCHEMAS)
    paths: dict[str, Any] = {
        "/cds-services": {
            "get": {
                "operationId": "discovery",
                "summary": "The services, with their prefetch templates",
                "responses": _responses("Services", "401", "403", "429"),
            }
        }
    }
    feedback = _schema(Feedback, schemas)
    for service in services:
        request = _schema(HookRequest, schemas)
        context = _schema(service.context, schemas)
        own = {"hook": {"const": service.hook}, "context": context}
        paths[f"/cds-services/{service.id}"] = {
            "post": {
                "operationId": service.hook,
                "summary": service.title,
                "description": service.description,
                "requestBody": _body({"allOf": [request, {"properties": own}]}),
                "responses": _responses("Cards", *_ERRORS),
            }
        }
        paths[f"/cds-services/{service.id}/feedback"] = {
            "post": {
                "operationId": f"{service.hook}-feedback",
                "summary": "What became of the cards",
                "requestBody": _body(feedback),
                "responses": _responses("Received", *_ERRORS),
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cds-service",
            "version": __version__,
            "description": "CDS Hooks 2.0 and 3.0 for cutaneous leiomyosarcoma.",
        },
        "paths": paths | _PROBES,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "metricsToken": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"token": []}, {}],
    }


def _schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, str]:
    """Put a model and those that it uses among the schemas, and return the reference to it."""
    schema = model.model_json_schema(by_alias=True, ref_template=_REF)
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema
    return {"$ref": _REF.format(model=model.__name__)}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _responses(good: str, *errors: str) -> dict[str, Any]:
    found = {"200": _json("The answer", good)}
    for status in errors:
        found[status] = _json(_ERRORS[status], "OperationOutcome")
        if status == "401":
            del found[status]["content"]
    return found
