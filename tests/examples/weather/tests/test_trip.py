import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import httpx2
import pytest
from forecast.trip import trip


class Weather(BaseHTTPRequestHandler):
    degrees: ClassVar[dict[str, int]] = {}

    def do_GET(self):
        found = self.degrees.get(self.path.strip("/"))
        self.send_response(503 if found is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"degrees": found}).encode())

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def weather(bpmn, monkeypatch):
    """A service on this machine."""
    bpmn.use(trip)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Weather)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("FORECAST_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(Weather, "degrees", {"Rome": 30, "Ulm": 3})
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.bpmn(auto=True)
def test_we_go_when_it_is_warm(bpmn):
    bpmn.start("trip", place="Rome").is_completed(at="go").has(degrees=30)


@pytest.mark.bpmn(auto=True)
def test_we_wait_while_it_is_cold(bpmn):
    story = bpmn.start("trip", place="Ulm")
    story.waits_at("tomorrow")
    Weather.degrees["Ulm"] = 21
    bpmn.clock.advances(days=1)
    story.is_completed(at="go").has(degrees=21)


def test_a_service_that_is_away_is_asked_again(bpmn):
    story = bpmn.start("trip", place="Oslo")
    story.at("forecast").runs_and_fails(httpx2.HTTPStatusError)
    Weather.degrees["Oslo"] = 20
    bpmn.clock.advances(seconds=10)
    story.at("forecast").runs()
    story.at("good").runs()
    story.is_completed(at="go")
