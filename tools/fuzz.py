"""Start the service and let schemathesis send it what its OpenAPI document allows, and more.

usage: tools/fuzz.py [CASES]   (generated cases for each operation, 2500)
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[1]
CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance"


def main() -> int:
    """Return schemathesis' exit code."""
    cases = sys.argv[1] if len(sys.argv) > 1 else "2500"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    own = {"CDS_AUTH": "off", "CDS_TODAY": "2026-12-01", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        service = subprocess.Popen(  # noqa: S603 - our own arguments
            [sys.executable, "-m", "cds_service", "serve", "--port", str(port)],
            cwd=folder,
            env={key: value for key, value in os.environ.items() if key[:4] != "CDS_"} | own,
        )
        try:
            wait_for(f"{base}/healthz")
            command = [BIN / "schemathesis", "run", f"{base}/openapi.json", "--checks", CHECKS]
            return subprocess.run(  # noqa: S603 - our own arguments
                [*command, "--max-examples", cases, "--suppress-health-check", "all"],
                cwd=folder,
                check=False,
            ).returncode
        finally:
            service.terminate()
            service.wait()


def wait_for(url: str) -> None:
    """Wait until the service answers."""
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - http to ourselves
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The service did not start.")


if __name__ == "__main__":
    sys.exit(main())
