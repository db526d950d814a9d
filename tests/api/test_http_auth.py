"""Who gets in."""

from __future__ import annotations

import base64
from urllib.parse import unquote

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app


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


def challenges(response):
    return response.headers.getlist("WWW-Authenticate")


def test_a_refusal_names_the_schemes_that_are_accepted(client, service):
    assert challenges(client.get("/unknown")) == ['Basic realm="py-bpmn"', 'Bearer realm="py-bpmn"']
    service.configure(basic_auth_username="", basic_auth_password="")
    assert challenges(client.get("/unknown")) == ['Bearer realm="py-bpmn"']


@pytest.mark.parametrize("header", [KEY, f"Bearer {KEY}", f"Basic {PAIR}"])
def test_who_gets_in_is_not_challenged(client, header):
    for path in ("/unknown", "/processes/x/bpmn-xml"):
        assert challenges(client.get(path, headers={"Authorization": header})) == []


@pytest.mark.parametrize("scheme", ["", "Bearer ", "Basic "])
def test_credentials_that_are_too_long_are_not_even_decoded(client, service, monkeypatch, scheme):
    def refuse_to_work(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr("app.secret.split_authorization", refuse_to_work)
    monkeypatch.setattr("base64.b64decode", refuse_to_work)
    header = scheme + "YTph" * 1025
    assert client.get("/unknown", headers={"Authorization": header}).status_code == 401


def test_the_longest_id_of_a_key_is_not_too_long(client, service):
    longest = "𝄞" * 255
    service.keys.add((longest, "s" * 43))
    key = encoded(f"{longest}:{'s' * 43}")
    assert client.get("/unknown", headers={"Authorization": f"Bearer {key}"}).status_code == 404


class TestWithoutAuthentication:
    """BPMN_AUTH_MODE is none: a loopback address alone does not tell that a request comes from this machine."""

    @pytest.fixture
    def service(self, service):
        service.configure(auth_mode="none")
        return service

    @pytest.mark.parametrize(
        "header",
        [
            {"Forwarded": "for=192.0.2.60"},
            {"X-Forwarded-For": "192.0.2.60"},
            {"X-Forwarded-Proto": "https"},
            {"X-Forwarded-Host": "localhost"},
            {"X-Forwarded": ""},
            {"X-Real-IP": "127.0.0.1"},
            {"Via": "1.1 proxy"},
        ],
    )
    def test_a_forwarded_request_is_refused(self, client, header):
        response = client.post("/jobs/query", json={}, headers=header)
        assert (response.status_code, response.data) == (403, b"")
        assert response.headers["X-Hint"] == "BPMN_AUTH_MODE is none, which serves no forwarded requests"
        assert client.get("/readiness", headers=header).status_code == 200
        assert client.get("/healthz", headers=header).status_code == 200

    @pytest.mark.parametrize(
        "host",
        [
            "example.org",
            "example.org:8080",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "10.0.0.1",
            "[2001:db8::1]:8080",
            "0.0.0.0",
            "127.0.0.1:8080:9090",
            "127.0.0.1, example.org",
            "user@127.0.0.1",
            "",
            ":8080",
            "[::1",
        ],
    )
    def test_a_request_to_a_host_that_is_not_this_machine_is_refused(self, client, host):
        response = client.post("/jobs/query", json={}, environ_overrides={"HTTP_HOST": host})
        assert (response.status_code, response.data) == (403, b"")
        assert response.headers["X-Hint"] == "BPMN_AUTH_MODE is none, which serves requests to localhost only"
        assert client.get("/readiness", environ_overrides={"HTTP_HOST": host}).status_code == 200

    @pytest.mark.parametrize(
        "host",
        [
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "bpmn.localhost:8080",
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.8.9.10",
            "[::1]",
            "[::1]:8080",
        ],
    )
    def test_a_request_to_this_machine_is_served(self, client, host):
        assert client.post("/jobs/query", json={}, environ_overrides={"HTTP_HOST": host}).status_code == 200

    def test_an_old_request_without_a_host_is_served(self, application, service):
        application.extensions["bpmn"] = service
        environ = EnvironBuilder("/jobs/query", method="POST", data="{}").get_environ()
        del environ["HTTP_HOST"]
        environ["REMOTE_ADDR"] = "127.0.0.1"
        assert run_wsgi_app(application, environ)[1].startswith("200")

    def test_with_authentication_neither_matters(self, client, service):
        service.configure(auth_mode="required")
        headers = {"Authorization": KEY, "X-Forwarded-For": "192.0.2.60", "Host": "example.org"}
        assert client.post("/jobs/query", json={}, headers=headers).status_code == 200
