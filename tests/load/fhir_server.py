"""A FHIR server for load: one chart, each answer after a delay, thousands of connections.

python fhir_server.py chart.json PORT SECONDS
"""

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit


def answers(chart: Path) -> dict[str, bytes]:
    """Return the body for the read of the Patient, and for the search of each type."""
    resources = [entry["resource"] for entry in json.loads(chart.read_text())["entry"]]
    bodies: dict[str, bytes] = {}
    kinds = ("Condition", "Procedure", "Observation", "DiagnosticReport")
    for kind in (*kinds, "FamilyMemberHistory", "ServiceRequest", "Encounter"):
        entries = [{"resource": r} for r in resources if r["resourceType"] == kind]
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        bodies[kind] = json.dumps({**bundle, **({"entry": entries} if entries else {})}).encode()
    patient = next(r for r in resources if r["resourceType"] == "Patient")
    bodies[f"Patient/{patient['id']}"] = json.dumps(patient).encode()
    return bodies


async def main(chart: Path, port: int, seconds: float) -> None:
    """Serve until the process ends."""
    bodies = answers(chart)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = urlsplit(head.split(b" ", 2)[1].decode()).path.removeprefix("/fhir/")
                await asyncio.sleep(seconds)
                body = bodies.get(path)
                status = "200 OK" if body else "404 Not Found"
                body = body or b"{}"
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/fhir+json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
