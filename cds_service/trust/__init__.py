"""Who calls: clients and their keys, JSON Web Tokens, and which FHIR servers are a client's.

clients = clients.read(table, folder=…, dev=…)         # [clients.NAME] of the configuration
verifier = Verifier(clients, keys=KeyRing(clients), seen=store)
caller = verifier.verify(token, audiences={…})         # Unauthorized, Forbidden
"""

from cds_service.trust.clients import Caller, Client, ClientError
from cds_service.trust.keys import KeyRing
from cds_service.trust.tokens import Finding, SeenTokens, Verifier

__all__ = [
    "Caller",
    "Client",
    "ClientError",
    "Finding",
    "KeyRing",
    "SeenTokens",
    "Verifier",
]
