"""The documented behaviour of `POST /api/dataValueSets` of DHIS2, for a client to talk to.

Identifiers are codes (`idScheme=CODE`). A value whose data element, unit, option combination or
period is not known is ignored and reported as a conflict, which answers 409; the others are kept.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PERIOD = re.compile(r"\d{4}(0[1-9]|1[0-2]|Q[1-4])?")
KEY = ("dataElement", "period", "orgUnit", "categoryOptionCombo", "attributeOptionCombo")
UNKNOWN = {
    "dataElement": "E7610",
    "orgUnit": "E7612",
    "categoryOptionCombo": "E7613",
    "attributeOptionCombo": "E7615",
}


@dataclass
class Dhis2:
    """`known` holds the codes of each kind; `kept` value and comment by the five parts of a key."""

    known: dict[str, set[str]]
    kept: dict[tuple[str, ...], tuple[str, str | None]] = field(default_factory=dict)
    url: str = ""

    def take(self, payload: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and import summary."""
        count = {"imported": 0, "updated": 0, "ignored": 0, "deleted": 0}
        conflicts = []
        for value in payload["dataValues"]:
            if found := self._conflict(value):
                conflicts.append(found)
                count["ignored"] += 1
                continue
            key, told = tuple(value[part] for part in KEY), (value["value"], value.get("comment"))
            if key not in self.kept:
                count["imported"] += 1
            elif self.kept[key] != told:
                count["updated"] += 1
            self.kept[key] = told
        summary = {
            "responseType": "ImportSummary",
            "status": "WARNING" if conflicts else "SUCCESS",
            "importCount": count,
            "conflicts": conflicts,
        }
        status = 409 if conflicts else 200
        return status, {"httpStatusCode": status, "response": summary}

    def _conflict(self, value: dict[str, str]) -> dict[str, str] | None:
        for kind, code in UNKNOWN.items():
            if value[kind] not in self.known[kind]:
                return {"object": value[kind], "errorCode": code, "property": kind}
        if not PERIOD.fullmatch(value["period"]):
            return {"object": value["period"], "errorCode": "E7614", "property": "period"}
        if not re.fullmatch(r"-?\d+", value["value"]):
            return {"object": value["value"], "errorCode": "E7619", "property": "value"}
        return None


@contextmanager
def serving(known: dict[str, set[str]]) -> Iterator[Dhis2]:
    """A server on a free port of this machine."""
    dhis2 = Dhis2(known)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["content-length"]))
            if address.path != "/api/dataValueSets":
                status, answer = 404, {"httpStatusCode": 404}
            elif parse_qs(address.query).get("idScheme") != ["CODE"]:
                status, answer = 409, {"httpStatusCode": 409}
            else:
                status, answer = dhis2.take(json.loads(body))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    dhis2.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield dhis2
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
