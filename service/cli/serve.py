"""`kangma serve`: the HTTP service, one or several worker processes."""

from typing import Annotated, Any

import typer
import uvicorn

from service.cli.connection import BoundedConnection
from service.keys import actions as keys
from service.kit.settings import Settings

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.")]
Workers = Annotated[int, typer.Option(help="Worker processes.", min=1)]

SERVED: dict[str, Any] = {
    "http": BoundedConnection,
    # There is no websocket door, so none is opened by an Upgrade header either.
    "ws": "none",
    "access_log": False,
    # Whom to believe about addresses is a setting of ours (`trusted_proxies`).
    "proxy_headers": False,
    "log_level": "warning",
    "server_header": False,
    "date_header": True,
    "timeout_keep_alive": 30,
    # A worker that hashes passwords on a busy machine is slow, not dead: killing it after the
    # default five seconds would cut off everybody it is serving.
    "timeout_worker_healthcheck": 60,
}
"""How uvicorn serves, whatever the address."""


def serve(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1) -> None:
    """Serve until interrupted."""
    # Asked here once, so that a refusal is one sentence and not one traceback a worker.
    settings = Settings()
    keys.open_keystore(
        settings.kek_uri, settings.keys_url, data=settings.data, suite=settings.suite
    ).close()
    run_server(host, port, workers)


def run_server(host: str, port: int, workers: int) -> None:
    uvicorn.run("service.app:create", factory=True, host=host, port=port, workers=workers, **SERVED)
