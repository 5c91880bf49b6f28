"""HealthChain's CDS Hooks service with one static card; it runs in an environment of its own."""

import logging

from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models.responses.cdsresponse import Card, CDSResponse, Source

logging.disable(logging.WARNING)
service = CDSHooksService()


@service.hook("patient-view", id="static")
def view(_request: object) -> CDSResponse:
    """Return the card, whatever the chart says."""
    source = Source(label="bench")
    return CDSResponse(cards=[Card(summary="A static card", indicator="info", source=source)])


app = HealthChainAPI()
app.register_service(service)
