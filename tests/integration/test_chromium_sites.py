"""Pages of many origins in a real browser: how it spells them, and what pages of other sites can do with cookies."""

import json

import pytest

import backends
from configs import tls_listener, upstream

pytestmark = pytest.mark.browser

NAMES = ["*.example.test 127.0.0.1", "*.elsewhere.test 127.0.0.1", "app.example.test. 127.0.0.1",
         "*.xn--mnchen-3ya.test 127.0.0.1", "xn--mnchen-3ya.test 127.0.0.1", "2001:db8::7 127.0.0.1"]


@pytest.fixture(scope="module")
def pages(site):
    """Serves the pages themselves, on every name."""
    with backends.node("node_http.mjs", "pages", site.certificate, site.key) as running:
        yield running


def acts(gateway, chromium, wanted):
    api = f"https://api.example.test:{gateway.tls_port}"
    numbered = [{**act, "url": f"{api}{act['target']}&act={number}"} for number, act in enumerate(wanted)]
    return backends.run_node("chromium_acts.mjs", json.dumps({
        "executable": chromium, "map": NAMES, "acts": numbered,
        "cookies": [{"name": "session", "value": "s1", "url": api + "/", "secure": True, "sameSite": "None"}],
    }), timeout=180)


def line_of(gateway, number, since=0):
    return gateway.wait_for("exchange", since=since, target=lambda target: target.endswith(f"&act={number}"))


# Origins. The page is opened as it stands here; what its origin is, and how it is sent, is the browser's affair.

def listed_as(pages, node_http):
    return [f"https://app.example.test:{pages.port}", f"https://münchen.test:{pages.port}",
            f"https://*.münchen.test:{pages.port}", f"https://[2001:db8:0::7]:{pages.port}", node_http.url]


@pytest.fixture(scope="module")
def lists(start_shared_gateway, site, pages, node_http):
    allow = listed_as(pages, node_http)
    return start_shared_gateway({
        "listeners": [tls_listener(site)],
        "origins": {"pages": {"allow": allow, "credentials": True}, "opaque": {"allow": [*allow, "null"]},
                    "watched": {"allow": allow, "report_only": True}},
        "upstreams": {"api": upstream(node_http)},
        "routes": [{"name": name, "match": {"path": f"/{name}"}, "upstream": "api", "origins": name,
                    "rewrite": {"strip_prefix": f"/{name}"}} for name in ("pages", "opaque", "watched")]})


def test_browser_and_list_agree_about_origins(lists, pages, node_http, chromium):
    def page(host):
        return f"https://{host}:{pages.port}/status?code=200"

    target = "/pages/status?code=200"
    cases = [
        (page("app.example.test"), "read", target, True),
        (page("APP.Example.TEST"), "read", target, True),
        (page("app.example.test."), "read", target, True),
        (page("münchen.test"), "read", target, True),
        (page("MÜNCHEN.test"), "read", target, True),
        (page("xn--mnchen-3ya.test"), "read", target, True),
        (page("shop.münchen.test"), "read", target, True),
        (page("[2001:db8:0:0:0:0:0:7]"), "read", target, True),
        (node_http.url.replace("127.0.0.1", "127.1") + "/status?code=200", "read", target, True),
        (page("evil.example.test"), "read", target, False),
        (page("app.example.test.elsewhere.test"), "read", target, False),
        (node_http.url.replace("127.0.0.1", "localhost") + "/status?code=200", "read", target, False),
        (page("app.example.test"), "sandboxed", target, False),
        (page("app.example.test"), "sandboxed", "/opaque/status?code=200", False),  # listed, but without credentials
    ]
    results = acts(lists, chromium, [{"page": address, "does": does, "target": asked} for address, does, asked, _ in cases])
    for number, ((address, does, asked, listed), result) in enumerate(zip(cases, results)):
        line = line_of(lists, number)
        assert result["readable"] == listed, (address, does, result, line)
        refused = not listed and not asked.startswith("/opaque")
        assert line["cause"] == ("origin_refused" if refused else None), (address, does, line)
        if refused:
            assert result["origin"] in line["detail"] or result["origin"] == "null"
    assert results[2]["origin"] == f"https://app.example.test.:{pages.port}"
    assert results[4]["origin"] == f"https://xn--mnchen-3ya.test:{pages.port}"
    assert results[7]["origin"] == f"https://[2001:db8::7]:{pages.port}"
    assert results[13]["origin"] == "null"


def test_list_that_reports_only_lets_the_backend_answer(lists, pages, chromium):
    mark = lists.mark()
    address = f"https://app.elsewhere.test:{pages.port}/status?code=200"
    result, = acts(lists, chromium, [{"page": address, "does": "read", "target": "/watched/echo?a=1"}])
    assert line_of(lists, 0, since=mark)["status"] == 200
    line = lists.wait_for("would_refuse", since=mark, route="watched")
    assert (line["rule"], line["cause"], line["events"]) == ("origins", "origin_refused", 1)
    assert result["origin"] in line["detail"]


# Cross-site request forgery.

@pytest.fixture(scope="module")
def guarded(start_shared_gateway, site, pages, node_http):
    def origins(**more):
        return {"allow": [f"https://partner.elsewhere.test:{pages.port}"], "credentials": True, **more}

    return start_shared_gateway({
        "listeners": [tls_listener(site)],
        "origins": {"lax": origins(csrf=True), "strict": origins(csrf="strict")},
        "upstreams": {"api": upstream(node_http)},
        "routes": [{"name": name, "match": {"path": f"/{name}"}, "upstream": "api", "origins": name,
                    "rewrite": {"strip_prefix": f"/{name}"}} for name in ("lax", "strict")]})


def test_other_site_cannot_act_with_the_cookies_of_a_visitor(guarded, pages, chromium):
    def page(host):
        return f"https://{host}:{pages.port}/status?code=200"

    own = f"https://api.example.test:{guarded.tls_port}/lax/status?code=200"
    other, sibling, partner = page("evil.elsewhere.test"), page("blog.example.test"), page("partner.elsewhere.test")
    cases = [
        (other, "form", "/lax/status?code=200", "cross_site_refused"),
        (other, "post", "/lax/status?code=200", "origin_refused"),
        (other, "image", "/lax/status?code=200", None),
        (other, "link", "/lax/status?code=200", None),
        (sibling, "form", "/lax/status?code=200", None),
        (sibling, "form", "/strict/status?code=200", "cross_site_refused"),
        (partner, "form", "/strict/status?code=200", None),
        (partner, "post", "/strict/status?code=200", None),
        (own, "form", "/strict/status?code=200", None),
        (own, "post", "/strict/status?code=200", None),
        (own, "link", "/strict/status?code=200", None),
    ]
    acts(guarded, chromium, [{"page": address, "does": does, "target": asked} for address, does, asked, _ in cases])
    for number, (address, does, asked, cause) in enumerate(cases):
        line = line_of(guarded, number)
        assert line["cause"] == cause, (address, does, asked, line)
        assert line["status"] == (403 if cause else 200), (address, does, asked)
    assert "Sec-Fetch-Site \"cross-site\"" in line_of(guarded, 0)["detail"]
    assert "add its origin to the list" in line_of(guarded, 0)["remedy"]
