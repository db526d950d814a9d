"""Who gets in."""

from __future__ import annotations

import base64
from urllib.parse import unquote

import pytest


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def service(service):
    service.configure(auth_mode="required", basic_auth_username="admin", basic_auth_password="se:crét")
    service.keys.add(("wor:ker", "secret"))
    return service


KEY = encoded("wor:ker:secret")
PAIR = encoded("admin:se:crét")


@pytest.mark.parametrize("header", [f"Basic {PAIR}", f"basic {PAIR}", KEY, f"Bearer {KEY}", f"bearer {KEY}"])
def test_a_key_or_the_configured_pair_gets_in(client, header):
    assert client.post("/jobs/query", json={}, headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !",
        "Bearer",
        "Bearer abc",
        f"Basic {KEY}",
        f"Bearer {PAIR}",
        PAIR,
        f"Basic {encoded('admin:wrong')}",
        f"Basic {encoded('wrong:se:crét')}",
        f"Basic {encoded('admin')}",
        f"Basic {encoded('')}",
        f"Token {KEY}",
        f"Bearer {encoded('wor:ker:wrong')}",
        f"Bearer {encoded('secret')}",
        f"Bearer {encoded('wor:ker:')}",
        f"Bearer {encoded('wor:ker' + chr(0) + ':secret')}",
        f"Bearer {base64.b64encode(b'a:' + bytes([255])).decode()}",
        KEY.rstrip("=") + "!",
        "ä",
    ],
)
@pytest.mark.parametrize("path", ["/jobs/query", "/unknown", "/jobs/query?limit=-1"])
def test_nobody_else_does(client, header, path):
    headers = {} if header is None else {"Authorization": header}
    response = client.post(path, data="{", headers=headers)
    assert (response.status_code, response.data) == (401, b"")
    assert "Content-Type" not in response.headers
    challenges = ['Basic realm="py-bpmn"', 'Bearer realm="py-bpmn"']
    assert response.headers.getlist("WWW-Authenticate") == challenges


def test_without_a_configured_pair_no_pair_gets_in(client, service):
    service.configure(basic_auth_username="", basic_auth_password="")
    for pair in (":", "admin:", "admin:x"):
        response = client.post("/jobs/query", json={}, headers={"Authorization": f"Basic {encoded(pair)}"})
        assert response.status_code == 401


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/readiness", 200),
        ("/healthz", 200),
        ("/readiness?", 401),
        ("/readiness?x=1", 401),
        ("/readiness/", 401),
        ("/%72eadiness", 401),
        ("//readiness", 401),
        ("/healthz?x=1", 401),
    ],
)
def test_probes_need_no_authentication_when_named_exactly(client, target, status):
    path, _, query = target.partition("?")
    sent = {"PATH_INFO": unquote(path), "QUERY_STRING": query, "RAW_URI": target}
    assert client.get("/", environ_overrides=sent).status_code == status


def test_probes_are_recognized_without_the_raw_target(client):
    unknown = {"RAW_URI": "", "REQUEST_URI": ""}
    assert client.get("/readiness", environ_overrides=unknown).status_code == 200
    assert client.get("/readiness?x=1", environ_overrides=unknown).status_code == 401


def test_only_reading_a_probe_is_exempt(client):
    assert client.head("/readiness").status_code == 200
    assert client.post("/readiness").status_code == 401


@pytest.mark.parametrize(
    ("path", "public"),
    [
        ("/docs", True),
        ("/openapi.json", True),
        ("/docs/swagger-ui.css", True),
        ("/docs/swagger-ui-bundle.js", True),
        ("/docs/other.js", False),
        ("/docs/", False),
        ("/openapi.yaml", False),
    ],
)
def test_the_documentation_is_public_unless_it_is_configured_otherwise(client, service, path, public):
    assert client.get(path).status_code == (200 if public else 401)
    service.configure(docs_public=False)
    assert client.get(path).status_code == 401


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("127.1.2.3", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("", 200),
        ("10.0.0.1", 403),
        ("::ffff:10.0.0.1", 403),
        ("2001:db8::1", 403),
        ("not an address", 403),
    ],
)
def test_without_authentication_only_this_machine_is_served(client, service, address, status):
    service.configure(auth_mode="none")
    peer = {"REMOTE_ADDR": address}
    response = client.post("/jobs/query", json={}, environ_overrides=peer)
    assert response.status_code == status
    if status == 403:
        assert response.data == b""
        assert "Content-Type" not in response.headers
    assert client.get("/readiness", environ_overrides=peer).status_code == 200
