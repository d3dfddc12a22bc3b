"""`postern check` and the command line: every mistake at once, with its place and a message that leads to it, and an
exit code to rely on."""

import json
import os
import pty
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from typing import NamedTuple

import pytest

from certificates import Authority
from raw import Connection, client_context, fetch
from settings import patience, postern_binary


class Mistake(NamedTuple):
    row: int        # of the table of mistakes that newcomers made; 0: of none
    title: str
    text: str       # the file
    lines: list     # what is said of it, each behind the file's name


LISTENERS = 'listeners:\n  - address: "127.0.0.1:0"\n'
ROUTES = "routes:\n  - upstream: http://127.0.0.1:3000\n"
UPSTREAMS = 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:3000"] }\n'
SECRET = "an-old-song-about-a-very-long-river"


def tls(certificate, key):
    return LISTENERS + f"    tls: {{ certificate: {certificate}, key: {key} }}\n" + ROUTES


def clients(text):
    return LISTENERS + f"    tls: {{ certificate: good.pem, key: good.key, client_certificates: {text} }}\n" + ROUTES


def own(text):
    return LISTENERS + f'upstreams:\n  api: {{ endpoints: ["https://127.0.0.1:1"], tls: {text} }}\nroutes: [{{ upstream: api }}]\n'


def route(text):
    return LISTENERS + "routes:\n" + text


def origins(entry):
    return LISTENERS + f"origins:\n  app: {{ allow: [{entry}] }}\n" + ROUTES


def limits(text):
    return LISTENERS + f"limits: {{ {text} }}\n" + ROUTES


def jwt(text):
    return LISTENERS + f"jwt:\n  main: {{ {text} }}\n" + ROUTES


def rules(text, more=""):
    return (LISTENERS + f"jwt: {{ a: {{ secret: {SECRET}, algorithms: [HS256] }} }}\nroutes:\n  - upstream: http://127.0.0.1:1\n    jwt: a\n" +
            f"{more}    required_claims: {text}\n")


MISTAKES = [
    Mistake(1, "misspelt keys", 'listners:\n  - address: ":0"\nroutes:\n  - match: { pth: / }\n    upstrem: http://127.0.0.1:3000\n', [
        '1:1 listners: unknown key "listners"; did you mean "listeners"?',
        '4:14 routes[0].match.pth: unknown key "pth"; did you mean "path"?',
        '5:5 routes[0].upstrem: unknown key "upstrem"; did you mean "upstream"?',
    ]),
    Mistake(2, "indented too far", 'listeners:\n  - address: "127.0.0.1:0"\n     limits: { head_size: 8KiB }\n' + ROUTES, [
        '3:6 not YAML: indented further than the entry it belongs to (line 2, column 5)',
    ]),
    Mistake(2, "indented too little", 'listeners:\n  - address: "127.0.0.1:0"\n   limits: { head_size: 8KiB }\n' + ROUTES, [
        '3:4 not YAML: indented to column 4, where nothing above begins; the entry above begins in line 2, column 5',
    ]),
    Mistake(2, "a key where dashes stand", 'listeners:\n  - address: "127.0.0.1:0"\n  limits: { head_size: 8KiB }\n' + ROUTES, [
        '3:3 not YAML: a key stands where a list has its dashes (line 2, column 3); indent it further to make it part of the entry above',
    ]),
    Mistake(3, "path beside match", route("  - match:\n    path: /api\n    upstream: http://127.0.0.1:3000\n"), [
        '4:5 routes[0].match: has no value (null and ~ need quotes to be a text); it must be a map (host, path, exact, …)',
        '5:5 routes[0].path: unknown key "path"; it belongs under match: indent it further',
    ]),
    Mistake(4, "tabs", 'listeners:\n\t- address: "127.0.0.1:0"\n' + ROUTES, [
        '2:2 not YAML: indented with a tab; YAML wants spaces',
    ]),
    Mistake(5, "duplicate keys", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], endpoints: [] }\n' + ROUTES + ROUTES, [
        '4:45 upstreams.api.endpoints: duplicate key "endpoints"; it stands in line 4 already',
        '7:1 routes: duplicate key "routes"; it stands in line 5 already',
    ]),
    Mistake(6, "number without unit", limits("idle_timeout: 30"), [
        '3:25 limits.idle_timeout: "30" has no unit; write 500ms, 5s, 2m or 1h',
    ]),
    Mistake(6, "30sec", limits("idle_timeout: 30sec"), [
        '3:25 limits.idle_timeout: "30sec" is not a duration (write 500ms, 5s, 2m or 1h); write "30s"',
    ]),
    Mistake(6, "10rps", LISTENERS + "rate_limits: { all: { rate: 10rps } }\n" + ROUTES, [
        '3:29 rate_limits.all.rate: "10rps" is not a rate (write 100/s, 10/m or 1000/h)',
    ]),
    Mistake(6, "10/sec", LISTENERS + "rate_limits: { all: { rate: 10/sec } }\n" + ROUTES, [
        '3:29 rate_limits.all.rate: "10/sec" does not say for which time (write 100/s, 10/m or 1000/h)',
    ]),
    Mistake(7, "10MB", limits("body_size: 10MB"), [
        '3:22 limits.body_size: "10MB" is not a size (write 16KiB, 1MiB or 2GiB); write "10MiB"',
    ]),
    Mistake(7, "2GB", limits("body_size: 2GB"), [
        '3:22 limits.body_size: "2GB" is not a size (write 16KiB, 1MiB or 2GiB); write "2GiB"',
    ]),
    Mistake(7, "64kb", limits("head_size: 64kb"), [
        '3:22 limits.head_size: "64kb" is not a size (write 16KiB, 1MiB or 2GiB); write "64KiB"',
    ]),
    Mistake(9, "certificate missing", tls("nope.pem", "good.key"), [
        '3:25 listeners[0].tls.certificate: ./nope.pem does not exist (paths are relative to the folder of this configuration)',
    ]),
    Mistake(9, "key missing", tls("good.pem", "nope.key"), [
        '3:40 listeners[0].tls.key: ./nope.key does not exist (paths are relative to the folder of this configuration)',
    ]),
    Mistake(9, "both of the second missing", LISTENERS + "    tls:\n      certificates:\n        - { certificate: good.pem, key: good.key }\n        - { certificate: nope.pem, key: /nope/nope.key }\n" + ROUTES, [
        '6:26 listeners[0].tls.certificates[1].certificate: ./nope.pem does not exist (paths are relative to the folder of this configuration)',
        '6:41 listeners[0].tls.certificates[1].key: /nope/nope.key does not exist',
    ]),
    Mistake(9, "authority missing", LISTENERS + 'upstreams:\n  api: { endpoints: ["https://127.0.0.1:1"], ca: nope.pem }\nroutes: [{ upstream: api }]\n', [
        '4:50 upstreams.api.ca: ./nope.pem does not exist (paths are relative to the folder of this configuration)',
    ]),
    Mistake(10, "key of another certificate", tls("good.pem", "other.key"), [
        '3:40 listeners[0].tls.key: the private key ./other.key does not belong to ./good.pem',
    ]),
    Mistake(10, "in one round", tls("good.pem", "other.key").replace("upstream:", "upstrem:"), [
        '3:40 listeners[0].tls.key: the private key ./other.key does not belong to ./good.pem',
        '5:5 routes[0].upstrem: unknown key "upstrem"; did you mean "upstream"?',
    ]),
    Mistake(11, "swapped", tls("good.key", "good.pem"), [
        '3:25 listeners[0].tls.certificate: ./good.key holds a private key and ./good.pem a certificate: they seem to be swapped',
    ]),
    Mistake(12, "expired", tls("expired.pem", "expired.key"), [
        '3:25 warning: listeners[0].tls.certificate: the certificate ./expired.pem has expired; browsers refuse it',
    ]),
    Mistake(12, "soon", tls("soon.pem", "soon.key"), [
        '3:25 warning: listeners[0].tls.certificate: the certificate ./soon.pem expires in 5 days',
    ]),
    Mistake(12, "not yet", tls("early.pem", "early.key"), [
        '3:25 warning: listeners[0].tls.certificate: the certificate ./early.pem is not valid yet',
    ]),
    Mistake(17, "variable", LISTENERS + 'routes:\n  - upstream: "http://${NOBODY_SET_THIS}:3000"\n', [
        '4:15 routes[0].upstream: the environment variable NOBODY_SET_THIS is not set (a default is written ${NOBODY_SET_THIS:-value})',
    ]),
    Mistake(0, "client certificates without files", clients("{ ca: nope.pem, crl: nope.crl }"), [
        '3:77 listeners[0].tls.client_certificates.ca: ./nope.pem does not exist (paths are relative to the folder of this configuration)',
        '3:92 listeners[0].tls.client_certificates.crl: ./nope.crl does not exist (paths are relative to the folder of this configuration)',
    ]),
    Mistake(0, "authority and list that are none", clients("{ ca: good.key, crl: good.pem }"), [
        '3:77 listeners[0].tls.client_certificates.ca: ./good.key holds no PEM certificate',
        '3:92 listeners[0].tls.client_certificates.crl: ./good.pem holds no revocation list (CRL), neither in PEM nor in DER',
    ]),
    Mistake(0, "list without an authority", clients("{ crl: good.pem }"), [
        '3:71 listeners[0].tls.client_certificates.ca: is missing',
    ]),
    Mistake(0, "authority that has expired", clients("{ ca: expired.pem }"), [
        '3:77 warning: listeners[0].tls.client_certificates.ca: the authority CN=localhost in ./expired.pem has expired; no certificate of it is taken',
    ]),
    Mistake(0, "own certificate for endpoints without its key", own("{ certificate: good.pem, key: other.key }"), [
        '4:81 upstreams.api.tls.key: the private key ./other.key does not belong to ./good.pem',
    ]),
    Mistake(0, "key for endpoints without a certificate", own("{ key: good.key }"), [
        '4:51 upstreams.api.tls.certificate: is missing',
    ]),
    Mistake(0, "expired certificate for endpoints", own("{ certificate: expired.pem, key: expired.key }"), [
        '4:66 warning: upstreams.api.tls.certificate: the certificate ./expired.pem has expired; endpoints refuse it',
    ]),
    Mistake(0, "mutual TLS as nginx writes it", LISTENERS + "    tls: { certificate: good.pem, key: good.key, ssl_verify_client: on }\n" + ROUTES, [
        '3:50 listeners[0].tls.ssl_verify_client: unknown key "ssl_verify_client"; clients are asked for certificates by tls: { client_certificates: { ca: ca.pem, mode: required } } of a listener',
    ]),
    Mistake(18, "windows path", tls('"C:\\certs\\site.pem"', '"C:\\certs\\site.key"'), [
        '3:30 not YAML: a backslash in double quotes begins an escape; use single quotes, and / in paths of files',
    ]),
    Mistake(19, "same route twice", route("  - { match: { path: /api }, upstream: http://127.0.0.1:1 }\n  - { match: { path: /api }, upstream: http://127.0.0.1:2 }\n"), [
        '5:14 routes[1].match: can never be taken: routes[0] in line 4 matches the same requests',
    ]),
    Mistake(20, "the same path with a slash", route("  - { match: { path: /api }, upstream: http://127.0.0.1:1 }\n  - { match: { path: /api/ }, upstream: http://127.0.0.1:2 }\n"), [
        '5:14 routes[1].match: can never be taken: routes[0] in line 4 matches the same requests ("/api" and "/api/" are one path)',
    ]),
    Mistake(20, "the root and nothing", route("  - { upstream: http://127.0.0.1:1 }\n  - { match: { path: / }, upstream: http://127.0.0.1:2 }\n"), [
        '5:14 routes[1].match: can never be taken: routes[0] in line 4 matches the same requests',
    ]),
    Mistake(20, "whole paths are two", route("  - { match: { exact: /api }, upstream: http://127.0.0.1:1 }\n  - { match: { exact: /api/ }, upstream: http://127.0.0.1:2 }\n"), [
    ]),
    Mistake(21, "unknown upstream", LISTENERS + UPSTREAMS + "routes:\n  - upstream: apu\n", [
        '6:15 routes[0].upstream: there is no upstream "apu"; did you mean "api"?',
    ]),
    Mistake(22, "without scheme", route("  - upstream: localhost:3000\n"), [
        '4:15 routes[0].upstream: there is no upstream "localhost:3000"; write "http://localhost:3000"',
    ]),
    Mistake(22, "an address alone", route("  - upstream: 10.0.0.7\n"), [
        '4:15 routes[0].upstream: there is no upstream "10.0.0.7"; write "http://10.0.0.7"',
    ]),
    Mistake(22, "endpoint", LISTENERS + "upstreams:\n  api: { endpoints: [localhost:3000] }\nroutes:\n  - upstream: api\n", [
        '4:22 upstreams.api.endpoints[0]: "localhost:3000" has no scheme; write "http://localhost:3000"',
    ]),
    Mistake(23, "URL with a path", route("  - upstream: http://127.0.0.1:3000/api\n"), [
        '4:15 routes[0].upstream: "http://127.0.0.1:3000/api" has a path or a query; an endpoint is scheme, host and port; write "http://127.0.0.1:3000"',
    ]),
    Mistake(24, "regex", route('  - upstream: http://127.0.0.1:1\n    rewrite: { pattern: "^/(x$", to: /y }\n'), [
        '5:25 routes[0].rewrite.pattern: is not an RE2 expression: missing ): ^/(x$',
    ]),
    Mistake(24, "group", route('  - upstream: http://127.0.0.1:1\n    rewrite: { pattern: "^/(x)$", to: \'/\\2\' }\n'), [
        '5:25 routes[0].rewrite.pattern: does not fit its replacement, which has \\2: the pattern has 1 group in parentheses',
    ]),
    Mistake(25, "look-ahead", route('  - upstream: http://127.0.0.1:1\n    rewrite: { pattern: "^/(?!api)", to: / }\n'), [
        '5:25 routes[0].rewrite.pattern: is not an RE2 expression: invalid perl operator: (?! (RE2 has no look-ahead and no look-behind; write what may stand there instead)',
    ]),
    Mistake(25, "look-behind", origins("{ pattern: '(?<=x)y' }"), [
        '4:29 origins.app.allow[0]: "(?<=x)y" is not an RE2 expression: invalid perl operator: (?< (RE2 has no look-ahead and no look-behind; write what may stand there instead)',
    ]),
    Mistake(29, "quote never closed", 'listeners:\n  - address: ":38100\nroutes:\n  - upstream: "http://localhost:3000"\n', [
        '2:14 not YAML: the quote that opens here is not closed on its line',
    ]),
    Mistake(29, "quote never closed, and another", 'listeners:\n  - address: ":38100\nroutes:\n  - upstream: "\n', [
        '2:14 not YAML: the quote that opens here is not closed on its line',
    ]),
    Mistake(29, "single quote", LISTENERS + "routes:\n  - upstream: 'http://localhost:3000\n    name: api\n", [
        '4:15 not YAML: the quote that opens here is not closed on its line',
    ]),
    Mistake(29, "quote in a list", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://a:1, "http://b:1"] }\n' + ROUTES, [
        '4:22 not YAML: text follows behind the quote that opens here; is a quote or a comma missing?',
    ]),
    Mistake(30, "brace never closed", route("  - match: { path: /\n    upstream: http://127.0.0.1:3000\n"), [
        '4:12 not YAML: the { that opens here is never closed',
    ]),
    Mistake(30, "bracket never closed", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1" }\n' + ROUTES, [
        '4:21 not YAML: the [ that opens here is never closed',
    ]),
    Mistake(30, "a brace too many", route("  - match: { path: / }}\n    upstream: http://127.0.0.1:3000\n"), [
        '4:23 not YAML: this } closes nothing',
    ]),
    Mistake(31, "no space behind a dash", 'listeners:\n  -address: "127.0.0.1:0"\n' + ROUTES, [
        '2:3 listeners: a dash needs a space behind it: write "- address"',
    ]),
    Mistake(31, "no space behind a colon", LISTENERS + "routes:\n  - upstream:http://127.0.0.1:3000\n", [
        '4:5 routes[0]: the colon behind a key needs a space behind it: write "upstream: ..."',
    ]),
    Mistake(31, "no space behind a colon, further down", LISTENERS + "routes:\n  - match: { path: / }\n    upstream:http://127.0.0.1:3000\n", [
        '5:5 routes[0].upstream: the colon behind a key needs a space behind it: write "upstream: ..."',
    ]),
    Mistake(32, "star", 'listeners:\n  - address: *:38100\n' + ROUTES, [
        '2:14 anchors and aliases are not taken here; a text that begins with & or * needs quotes',
    ]),
    Mistake(33, "nginx", "server {\n    listen 80;\n    server_name example.com;\n    location / {\n        proxy_pass http://127.0.0.1:3000;\n    }\n}\n", [
        '1:1 this looks like a configuration of nginx; Postern reads YAML (postern reference prints every key)',
    ]),
    Mistake(33, "nginx2", "worker_processes auto;\nevents { worker_connections 1024; }\nhttp {\n    upstream api { server 127.0.0.1:3000; }\n}\n", [
        '1:1 this looks like a configuration of nginx; Postern reads YAML (postern reference prints every key)',
    ]),
    Mistake(33, "Caddyfile", "example.com {\n    root * /srv\n    file_server\n    reverse_proxy /api/* 127.0.0.1:3000\n}\n", [
        '1:1 this looks like a configuration of Caddy; Postern reads YAML (postern reference prints every key)',
    ]),
    Mistake(33, "Caddyfile2", ":8080\nreverse_proxy 127.0.0.1:3000\n", [
        '1:1 this looks like a configuration of Caddy; Postern reads YAML (postern reference prints every key)',
    ]),
    Mistake(33, "haproxy", "global\n    maxconn 2000\ndefaults\n    mode http\nfrontend web\n    bind :80\n    default_backend api\nbackend api\n    server a 127.0.0.1:3000\n", [
        '1:1 this looks like a configuration of HAProxy; Postern reads YAML (postern reference prints every key)',
    ]),
    Mistake(34, "empty", "# nothing yet\n", [
        '1:1 the file is empty; listeners and routes are the least it needs',
    ]),
    Mistake(35, "listeners as map", 'listeners:\n  address: "127.0.0.1:0"\n' + ROUTES, [
        '2:3 listeners: must be a list; begin each entry with a dash: - address: ":443"',
    ]),
    Mistake(35, "routes as map", LISTENERS + "routes:\n  match: { path: / }\n  upstream: http://127.0.0.1:3000\n", [
        '4:3 routes: must be a list; begin each entry with a dash: - name: socket',
    ]),
    Mistake(35, "upstreams as list", LISTENERS + 'upstreams:\n  - api: { endpoints: ["http://127.0.0.1:1"] }\nroutes: [{ upstream: api }]\n', [
        '4:3 upstreams: must be a map of names, not a list: write api: above the keys of each',
        '5:22 routes[0].upstream: there is no upstream "api"; upstreams are written upstreams: { NAME: { endpoints: ["http://10.0.0.11:3001"] } }',
    ]),
    Mistake(36, "a path for a match", route("  - match: /api\n    upstream: http://127.0.0.1:3000\n"), [
        '4:12 routes[0].match: must be a map; write { path: "/api" }',
    ]),
    Mistake(36, "a host for a match", route("  - match: app.example.com\n    upstream: http://127.0.0.1:3000\n"), [
        '4:12 routes[0].match: must be a map; write { host: "app.example.com" }',
    ]),
    Mistake(37, "/api/*", route("  - match: { path: /api/* }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:20 routes[0].match.path: "/api/*" has a "*"; a path is a prefix already; write "/api"',
    ]),
    Mistake(37, "^/x", route("  - match: { path: ^/x }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:20 routes[0].match.path: "^/x" has a regular expression, and a path takes its characters as they are; write pattern: "^/x" in place of path',
    ]),
    Mistake(37, "host scheme", route('  - match: { host: "https://a.example" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:20 routes[0].match.host: "https://a.example" has a scheme; a host is a name',
    ]),
    Mistake(37, "host port", route('  - match: { host: "a.example:443" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:20 routes[0].match.host: "a.example:443" has a port; a route matches on any port; write "a.example"',
    ]),
    Mistake(38, "a parameter with a colon", route("  - match: { path: \"/users/:id\" }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:20 routes[0].match.path: "/users/:id" has the parameter ":id", and a path takes its characters as they are; write path: "/users" for all that lies below it, or, in place of path, pattern: "/users/[^/]+"',
    ]),
    Mistake(38, "a parameter in braces", route("  - match: { path: \"/users/{id}/posts\" }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:20 routes[0].match.path: "/users/{id}/posts" has the parameter "{id}", and a path takes its characters as they are; write path: "/users" for all that lies below it, or, in place of path, pattern: "/users/[^/]+/posts"',
    ]),
    Mistake(39, "lists are taken", route("  - match: { host: [a.example, b.example], path: [/x, /y] }\n    upstream: http://127.0.0.1:3000\n"), [
    ]),
    Mistake(39, "a list in another list", route("  - match: { host: [a.example, [b.example]] }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:32 routes[0].match.host[1]: must be a single value',
    ]),
    Mistake(39, "one path twice in a list", route("  - match: { path: [/x, /y, /x/] }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:29 routes[0].match.path[2]: "/x/" is the same path as "/x"',
    ]),
    Mistake(40, "* with credentials", LISTENERS + "origins:\n  app: { allow: [\"*\"], credentials: true }\n" + ROUTES, [
        '4:18 origins.app.allow[0]: "*" together with credentials: true would let every site act with a visitor\'s cookies, and browsers refuse the pair; list the origins',
    ]),
    Mistake(40, "origin no scheme", origins("app.example.com"), [
        '4:18 origins.app.allow[0]: "app.example.com" has no scheme; browsers send one; write "https://app.example.com"',
    ]),
    Mistake(40, "origin slash", origins('"https://app.example.com/"'), [
        '4:18 origins.app.allow[0]: "https://app.example.com/" ends with "/"; an origin does not; write "https://app.example.com"',
    ]),
    Mistake(41, "any port", origins('"http://localhost:*"'), [
        '4:18 origins.app.allow[0]: "http://localhost:*" has "*" for a port; for any port write { pattern: \'http://localhost:[0-9]+\' }',
    ]),
    Mistake(41, "any port of a wildcard", origins('"https://*.example.com:*"'), [
        '4:18 origins.app.allow[0]: "https://*.example.com:*" has "*" for a port; for any port write { pattern: \'https://\\*\\.example\\.com:[0-9]+\' }',
    ]),
    Mistake(42, "alg none", jwt("secret: " + SECRET + ", algorithms: [none]"), [
        '4:69 jwt.main.algorithms[0]: "none" would accept tokens that nobody signed',
    ]),
    Mistake(42, "RS256 secret", jwt("secret: " + SECRET + ", algorithms: [RS256]"), [
        '4:68 jwt.main.algorithms: RS256 needs keys (a public key); a secret is for HS256, HS384 and HS512',
    ]),
    Mistake(42, "short", jwt("secret: short, algorithms: [HS256]"), [
        '4:3 warning: jwt.main: no route uses it, and it protects nothing; write jwt: main on a route',
        '4:19 warning: jwt.main.secret: the shared secret has 5 bytes; RFC 7518 section 3.2 wants at least 32 for HS256',
    ]),
    Mistake(43, "keys url", jwt('keys: "http://login.example.com/jwks.json", algorithms: [RS256], audience: app'), [
        '4:17 jwt.main.keys: is not https, so that anybody on the way could replace the keys; write https, or, in a network that you '
        'trust, fetch: { insecure: true }',
    ]),
    Mistake(44, "keys missing", jwt("keys: none.json, algorithms: [RS256]"), [
        '4:17 jwt.main.keys: ./none.json does not exist (paths are relative to the folder of this configuration)',
    ]),
    Mistake(45, "yes", LISTENERS + "via: yes\nlog: { access: on }\n" + ROUTES, [
        '3:6 via: "yes" is neither true nor false; write "true"',
        '4:16 log.access: "on" is neither true nor false; write "true"',
    ]),
    Mistake(46, "two actions", route("  - upstream: http://127.0.0.1:1\n    redirect: { to: /x }\n"), [
        '5:15 routes[0].redirect: stands beside upstream; a route has one action',
    ]),
    Mistake(46, "status 99", route("  - respond: { status: 99 }\n"), [
        '4:24 routes[0].respond.status: "99" is out of range: 200 to 599',
    ]),
    Mistake(46, "no routes", LISTENERS + "routes: []\n", [
        '3:9 routes: is empty; every request would be answered with 404',
    ]),
    Mistake(47, "lines in a body are taken", route("  - match: { exact: /robots.txt }\n    respond:\n      body: |\n        User-agent: *\n        Disallow: /\n"), [
    ]),
    Mistake(47, "but in no other value", route("  - name: |\n      a\n      b\n    upstream: http://127.0.0.1:3000\n"), [
        '4:11 routes[0].name: holds a control character (a line end or a tab); write it in one line',
    ]),
    Mistake(48, "none", limits("idle_timeout: none"), [
        '3:25 limits.idle_timeout: "none" is not possible here; write 24h at most',
    ]),
    Mistake(48, "none size", limits("head_size: none"), [
        '3:22 limits.head_size: "none" is not possible here; write 1MiB at most',
    ]),
    Mistake(48, "none number", limits("header_fields: none"), [
        '3:26 limits.header_fields: "none" is not possible here; write 10000 at most',
    ]),
    Mistake(49, "basic_auth", route("  - upstream: http://127.0.0.1:1\n    auth_basic: me\n"), [
        '5:5 routes[0].auth_basic: unknown key "auth_basic"; users are written basic_auth: { NAME: { users: { alice: HASH } } }, with hashes of `postern hash`, and basic_auth: NAME on the route',
    ]),
    Mistake(49, "acme", LISTENERS + "acme: { email: me@example.com }\n" + ROUTES, [
        '3:1 acme: unknown key "acme"; certificates are not fetched by Postern yet; let certbot write them, name them in tls, and send SIGHUP after each renewal',
    ]),
    Mistake(49, "grpc", route("  - upstream: grpc://127.0.0.1:1\n"), [
        '4:15 routes[0].upstream: "grpc://127.0.0.1:1" has a scheme of HTTP/2, which is not spoken yet; endpoints are reached over HTTP/1.1',
    ]),
    Mistake(49, "vite", LISTENERS + "routes:\n  - match: { path: /api }\n    target: http://localhost:3000\n    changeOrigin: true\n    ws: true\n", [
        '5:5 routes[0].target: unknown key "target"; the backend of a route is written upstream: http://localhost:3000',
        '6:5 routes[0].changeOrigin: unknown key "changeOrigin"; to send the endpoint\'s own name, write host: upstream on the route',
        '7:5 routes[0].ws: unknown key "ws"; WebSockets pass on every route; leave it out',
    ]),
    Mistake(49, "nginx", 'listeners:\n  - listen: 443\n    server_name: example.com\n    ssl_certificate: site.pem\nroutes:\n  - location: /api\n    proxy_pass: http://localhost:3000\n', [
        '2:5 listeners[0].listen: unknown key "listen"; where clients connect is written listeners: [{ address: ":8080" }]',
        '3:5 listeners[0].server_name: unknown key "server_name"; what a route is for is written match: { host: app.example.com, path: /api }',
        '4:5 listeners[0].ssl_certificate: unknown key "ssl_certificate"; certificates are written tls: { certificate: site.pem, key: site.key }',
        '6:5 routes[0].location: unknown key "location"; what a route is for is written match: { host: app.example.com, path: /api }',
        '7:5 routes[0].proxy_pass: unknown key "proxy_pass"; the backend of a route is written upstream: http://localhost:3000',
    ]),
    Mistake(49, "traefik", LISTENERS + "routes:\n  - rule: Host(`a.example`)\n    service: api\n    middlewares: [x]\n", [
        '4:5 routes[0].rule: unknown key "rule"; what a route is for is written match: { host: app.example.com, path: /api }',
        '5:5 routes[0].service: unknown key "service"; the backend of a route is written upstream: NAME, of upstreams',
        '6:5 routes[0].middlewares: unknown key "middlewares"; there are no chains of them; what a route does is written on the route itself',
    ]),
    Mistake(49, "caddy", LISTENERS + "routes:\n  - handle: /api\n    reverse_proxy: localhost:3000\n    encode: gzip\n", [
        '4:5 routes[0].handle: unknown key "handle"; what a route is for is written match: { host: app.example.com, path: /api }',
        '5:5 routes[0].reverse_proxy: unknown key "reverse_proxy"; the backend of a route is written upstream: http://localhost:3000',
        '6:5 routes[0].encode: unknown key "encode"; it is written compression: true',
    ]),
    Mistake(49, "elsewhere", LISTENERS + "path: /api\n" + ROUTES, [
        '3:1 path: unknown key "path"; did you mean "paths"?',
    ]),
    Mistake(50, "log folder", LISTENERS + "log: { output: nope/access.log }\n" + ROUTES, [
        '3:16 log.output: the folder ./nope does not exist; make it, or the log cannot be written (paths are relative to the folder of this configuration)',
    ]),
    Mistake(50, "log is folder", LISTENERS + "log: { output: . }\n" + ROUTES, [
        '3:16 log.output: ./ is a directory, not a file',
    ]),
]

# Of no table: met by hand, in files as newcomers write them.
MET_BY_HAND = [
    Mistake(0, "providers", LISTENERS + "jwt:\n  a: { secret: " + SECRET + ", algorithms: [HS256] }\nroutes:\n  - { upstream: http://127.0.0.1:1, jwt: [a, b, a] }\n  - { match: { path: /x }, upstream: http://127.0.0.1:1, jwt: [] }\n", [
        '6:42 routes[0].jwt: names "a" twice',
        '6:46 routes[0].jwt: there is no jwt "b"; it is written jwt: { NAME: { keys: jwks.json, algorithms: [RS256] } }, at the top of the file',
        '7:63 routes[1].jwt: is empty; leave jwt out',
    ]),
    Mistake(0, "keys of a provider for everybody", LISTENERS + "jwt:\n  a: { keys: https://login.example/jwks, algorithms: [RS256] }\nroutes:\n  - { upstream: http://127.0.0.1:1, jwt: a }\n", [
        '4:3 warning: jwt.a: accepts the tokens of this provider for every application; write audience, or required_claims with what your '
        'tokens have, such as azp or client_id',
    ]),
    Mistake(0, "one field for two things", LISTENERS + "jwt:\n  a: { secret: " + SECRET + ", algorithms: [HS256] }\nroutes:\n  - upstream: http://127.0.0.1:1\n    jwt: { use: a, forward_as: { header: X-Token } }\n    forward_claims: { sub: x_token, aud: X-Aud, azp: X_AUD }\n", [
        '8:28 routes[0].forward_claims.sub: "x_token" carries the token already (jwt.forward_as)',
        '8:54 routes[0].forward_claims.azp: "X_AUD" takes another claim in line 8 already',
    ]),
    Mistake(0, "any with everybody", LISTENERS + "jwt:\n  a: { secret: " + SECRET + ", algorithms: [HS256] }\nroutes:\n  - { upstream: http://127.0.0.1:1, allow: [0.0.0.0/0], jwt: a, access: any, address_rules: report_only }\n", [
        '6:73 routes[0].access: any lets everybody in: allow has every address of a kind',
        '6:93 routes[0].address_rules: has no effect: under access: any, allow lets in and refuses nobody',
    ]),
    Mistake(0, "tokens that no route asks for", jwt("secret: " + SECRET + ", algorithms: [HS256]"), [
        "4:3 warning: jwt.main: no route uses it, and it protects nothing; write jwt: main on a route",
    ]),
    Mistake(0, "an origin list of no route", origins('"https://app.example.com"'), [
        "4:3 warning: origins.app: no route uses it, and it lets no page in; write origins: app on a route",
    ]),
    Mistake(0, "a limit of no route", LISTENERS + "rate_limits: { all: { rate: 10/s } }\n" + ROUTES, [
        "3:16 warning: rate_limits.all: no route uses it, and it limits nothing; write rate_limit: all on a route",
    ]),
    Mistake(0, "an upstream of no route", LISTENERS + UPSTREAMS + ROUTES, [
        "4:3 warning: upstreams.api: no route uses it; write upstream: api on a route",
    ]),
    Mistake(0, "every part is used", LISTENERS + UPSTREAMS + "rate_limits: { all: { rate: 10/s } }\n" + "routes:\n  - { upstream: api, websocket: { message_limit: all } }\n", [
    ]),
    Mistake(0, "a text that begins with an at sign", route("  - match: { host: @host }\n    upstream: http://127.0.0.1:3000\n"), [
        "4:20 not YAML: a text that begins with @ needs quotes",
    ]),
    Mistake(0, "a text that begins with a backtick", route("  - match: { host: `a` }\n    upstream: http://127.0.0.1:3000\n"), [
        "4:20 not YAML: a text that begins with ` needs quotes",
    ]),
    Mistake(0, "a variable of cmd.exe", route("  - match: { host: %HOST% }\n    upstream: http://127.0.0.1:3000\n"), [
        "4:20 not YAML: a text that begins with % needs quotes",
    ]),
    Mistake(0, "a merge key", LISTENERS + "x: { <<: { a: 1 } }\n" + ROUTES, [
        '3:1 x: unknown key "x" (postern reference prints every key)',
        "3:6 x.<<: merge keys (<<) are not taken here; write the keys out in each place",
    ]),
    Mistake(0, "an anchor that is merged", LISTENERS + 'upstreams:\n  a: &base { endpoints: ["http://127.0.0.1:1"] }\n  b:\n    <<: *base\nroutes:\n  - upstream: a\n', [
        "4:6 upstreams.a: anchors and aliases are not taken here; a text that begins with & or * needs quotes",
        "6:5 upstreams.b.<<: merge keys (<<) are not taken here; write the keys out in each place",
        "6:5 upstreams.b.endpoints: is missing",
    ]),
    Mistake(0, "no comma in braces", route("  - { match: { path: /a } upstream: http://127.0.0.1:3000 }\n"), [
        "4:27 not YAML: a comma is missing in front of this, or what opened before it is not closed",
    ]),
    Mistake(0, "no comma in JSON", '{"listeners":[{"address":"127.0.0.1:0"}]\n"routes":[{"upstream":"http://127.0.0.1:3000"}]}', [
        "2:1 not YAML: a comma is missing in front of this, or what opened before it is not closed",
    ]),
    Mistake(0, "a tab behind a dash", route("  -\tupstream: http://127.0.0.1:3000\n    name:\tx\n"), [
        "4:4 not YAML: a tab stands behind the dash; YAML wants a space",
    ]),
    Mistake(0, "line ends of an old Mac", 'listeners:\r  - address: "127.0.0.1:0"\rroutes:\r  - upstream: http://127.0.0.1:3000\r', [
        "1:11 the line ends in a carriage return alone; save the file with LF or CRLF line ends",
    ]),
    Mistake(0, "blanks of a web page", route("\xa0\xa0- upstream: http://127.0.0.1:3000\n"), [
        "4:1 indented with a no-break space or the like, as text from a web page has it; YAML wants plain spaces",
    ]),
    Mistake(0, "quotes of a document", route("  - upstream: “http://127.0.0.1:3000”\n"), [
        '4:15 routes[0].upstream: "“http://127.0.0.1:3000”" has a scheme other than http, https, ws, wss, unix, srv+http and srv+https; it begins with a typographic quote, which YAML takes for a letter: write " or \'',
    ]),
    Mistake(0, "no map at all", "hello\n", [
        "1:1 must be a map (workers, trusted_proxies, forwarded, …); listeners and routes are the least it needs (postern reference prints every key)",
    ]),
    Mistake(0, "a list of sections", '- listeners:\n    - address: ":8080"\n- routes:\n    - upstream: http://127.0.0.1:3000\n', [
        "1:1 must be a map (workers, trusted_proxies, forwarded, …); its keys stand without dashes; listeners and routes are the least it needs (postern reference prints every key)",
    ]),
    Mistake(0, "TOML", '[listeners]\naddress = "127.0.0.1:0"\n\n[[routes]]\nupstream = "http://127.0.0.1:3000"\n', [
        "1:1 this looks like a configuration of a program that reads TOML; Postern reads YAML (postern reference prints every key)",
    ]),
    Mistake(0, "equal signs", 'listeners = ":8080"\nroutes = "http://127.0.0.1:3000"\n', [
        "1:1 this looks like a configuration of a program that reads TOML; Postern reads YAML (postern reference prints every key)",
    ]),
    Mistake(0, "a configuration of Vite", "export default {\n  server: { proxy: { '/api': 'http://localhost:3000' } }\n}\n", [
        "1:1 this looks like a configuration of Vite; Postern reads YAML (postern reference prints every key)",
    ]),
    Mistake(0, "Kubernetes", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: x\nspec:\n  rules: []\n", [
        '1:1 apiVersion: unknown key "apiVersion"; this looks like a manifest of Kubernetes; a file of Postern has listeners, upstreams and routes',
        "1:1 listeners: is missing",
        "1:1 routes: is missing",
        '2:1 kind: unknown key "kind" (postern reference prints every key)',
        '3:1 metadata: unknown key "metadata" (postern reference prints every key)',
        '5:1 spec: unknown key "spec" (postern reference prints every key)',
    ]),
    Mistake(0, "Traefik", "http:\n  routers:\n    api:\n      rule: Host(`a.example`)\n      service: api\n  services:\n    api:\n      loadBalancer:\n        servers:\n          - url: http://127.0.0.1:3000\n", [
        '1:1 http: unknown key "http"; this looks like Traefik\'s; a file of Postern has listeners, upstreams and routes',
        "1:1 listeners: is missing",
        "1:1 routes: is missing",
    ]),
    Mistake(0, "Traefik, static", 'entryPoints:\n  web:\n    address: ":80"\nproviders:\n  file:\n    filename: x.yml\n', [
        '1:1 entryPoints: unknown key "entryPoints"; where clients connect is written listeners: [{ address: ":8080" }]',
        "1:1 routes: is missing",
        '4:1 providers: unknown key "providers"; this looks like Traefik\'s; a file of Postern has listeners, upstreams and routes',
    ]),
    Mistake(0, "Docker Compose", 'services:\n  web:\n    image: nginx\n    ports: ["80:80"]\n', [
        "1:1 listeners: is missing",
        "1:1 routes: is missing",
        '1:1 services: unknown key "services"; they are written upstreams: { api: { endpoints: ["http://10.0.0.11:3001"] } }',
    ]),
    Mistake(0, "admin is a map", 'admin: ":9901"\nlisteners:\n  - address: "127.0.0.1:0"\n' + ROUTES, [
        '1:8 admin: must be a map; write { address: ":9901" }',
    ]),
    Mistake(0, "admin: true", 'admin: true\nlisteners:\n  - address: "127.0.0.1:0"\n' + ROUTES, [
        '1:8 admin: must be a map (address, public); write it like { address: "127.0.0.1:9901" }',
    ]),
    Mistake(0, "admin on the port of a listener", 'admin: { address: "127.0.0.1:8080" }\nlisteners:\n  - address: "127.0.0.1:8080"\n' + ROUTES, [
        "3:14 listeners[0].address: is the address of admin too; each needs a port of its own",
    ]),
    Mistake(0, "admin on an address of localhost", 'admin: { address: "[::1]:8080" }\nlisteners:\n  - address: "localhost:8080"\n' + ROUTES, [
        "3:14 listeners[0].address: is the address of admin too; each needs a port of its own",
    ]),
    Mistake(0, "a path that no request reaches", LISTENERS + 'routes:\n  - { match: { path: "/s%3Bt" }, upstream: "http://127.0.0.1:1" }\n', [
        '4:22 routes[0].match.path: "/s%3Bt" has "%3B", which servers read in two ways: no request for it is let through',
    ]),
    Mistake(0, "admin on localhost", 'admin: { address: "localhost:8080" }\nlisteners:\n  - address: "127.0.0.1:8080"\n' + ROUTES, [
        "3:14 listeners[0].address: is the address of admin too; each needs a port of its own",
    ]),
    Mistake(0, "health is a map", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], health: /healthz }\nroutes:\n  - upstream: api\n', [
        '4:53 upstreams.api.health: must be a map; write { path: "/healthz" }',
    ]),
    Mistake(0, "health: true", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], health: true }\nroutes:\n  - upstream: api\n', [
        "4:53 upstreams.api.health: must be a map (path, tcp, method, …); write it like { path: /healthz }",
    ]),
    Mistake(0, "log is a map", LISTENERS + "log: debug\n" + ROUTES, [
        '3:6 log: must be a map; write { level: "debug" }',
    ]),
    Mistake(0, "log to stderr", LISTENERS + "log: { output: stderr }\n" + ROUTES, [
        '3:16 log.output: "stderr" is not a place for the log: write stdout, or the name of a file (./stderr for one of that name)',
    ]),
    Mistake(0, "tls: true", LISTENERS + "    tls: true\n" + ROUTES, [
        "3:10 listeners[0].tls: must be a map (certificate, key, certificates, …); write it like { certificate: site.pem, key: site.key }",
    ]),
    Mistake(0, "redirect is a map", route("  - redirect: https://example.com\n"), [
        '4:15 routes[0].redirect: must be a map; write { to: "https://example.com" }',
    ]),
    Mistake(0, "redirect without a scheme", route("  - redirect: { to: example.com }\n"), [
        '4:21 routes[0].redirect.to: "example.com" is neither a URL (https://...) nor a path (/...); write "https://example.com"',
    ]),
    Mistake(0, "respond is a map", route("  - respond: 404\n"), [
        "4:14 routes[0].respond: must be a map; write { status: 404 }",
    ]),
    Mistake(0, "respond with a word", route("  - respond: ok\n"), [
        '4:14 routes[0].respond: must be a map; write { body: "ok" }',
    ]),
    Mistake(0, "rewrite is a map", route("  - match: { path: /api }\n    upstream: http://127.0.0.1:3000\n    rewrite: /\n"), [
        "6:14 routes[0].rewrite: must be a map (strip_prefix, add_prefix, replace_prefix, …); write it like { strip_prefix: /api }",
    ]),
    Mistake(0, "header rules are a map", route('  - upstream: http://127.0.0.1:3000\n    request_headers: ["X-A: b"]\n'), [
        "5:22 routes[0].request_headers: must be a map (remove, set, add); write it like { set: { X-Name: value } }",
    ]),
    Mistake(0, "header rules have a verb", route("  - upstream: http://127.0.0.1:3000\n    request_headers: { X-A: b }\n"), [
        '5:24 routes[0].request_headers.X-A: unknown key "X-A"; the keys here are remove, set and add',
    ]),
    Mistake(0, "websocket: true", route("  - upstream: http://127.0.0.1:3000\n    websocket: true\n"), [
        "5:16 routes[0].websocket: must be a map (mode, refuse, handshake_timeout, …); write it like { ping_interval: 25s } (without any, WebSockets pass all the same)",
    ]),
    Mistake(0, "sticky: true", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], sticky: true }\nroutes:\n  - upstream: api\n', [
        '4:53 upstreams.api.sticky: must be a map (secret, cookie, ttl, …); write it like { secret: "${STICKY_SECRET}" }',
    ]),
    Mistake(0, "one time for all", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], timeouts: 30s }\nroutes:\n  - upstream: api\n', [
        '4:55 upstreams.api.timeouts: must be a map; write { response: "30s" }',
    ]),
    Mistake(0, "timeouts of another name", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], timeouts: { read: 30s } }\nroutes:\n  - upstream: api\n', [
        '4:57 upstreams.api.timeouts.read: unknown key "read"; what an endpoint may take to answer is response, a pause in its answer idle',
    ]),
    Mistake(0, "compression of one kind", LISTENERS + "compression: gzip\n" + ROUTES, [
        '3:14 compression: is true, false or a map; write { algorithms: ["gzip"] }',
    ]),
    Mistake(0, "compression of two kinds", LISTENERS + "compression: [gzip, br]\n" + ROUTES, [
        '3:14 compression: must be a map; write { algorithms: ["gzip", "br"] }',
    ]),
    Mistake(0, "an upstream that is a URL", LISTENERS + "upstreams:\n  api: http://127.0.0.1:1\nroutes:\n  - upstream: api\n", [
        '4:8 upstreams.api: must be a map; write { endpoints: ["http://127.0.0.1:1"] }',
    ]),
    Mistake(0, "an upstream that is a list", LISTENERS + 'upstreams:\n  api: ["http://127.0.0.1:1"]\nroutes:\n  - upstream: api\n', [
        '4:8 upstreams.api: must be a map; write { endpoints: ["http://127.0.0.1:1"] }',
    ]),
    Mistake(0, "listeners of one address", 'listeners: ":8080"\n' + ROUTES, [
        '1:12 listeners: must be a list; write [{ address: ":8080" }]',
    ]),
    Mistake(0, "a listener that is an address", 'listeners: [":8080"]\n' + ROUTES, [
        '1:13 listeners[0]: must be a map; write { address: ":8080" }',
    ]),
    Mistake(0, "a listener that is a URL", "listeners:\n  - address: http://localhost:8080\n" + ROUTES, [
        '2:14 listeners[0].address: "http://localhost:8080" has a scheme; an address is host and port; write "localhost:8080"',
    ]),
    Mistake(0, "endpoints of one URL", LISTENERS + 'upstreams:\n  api: { endpoints: "http://127.0.0.1:1" }\nroutes:\n  - upstream: api\n', [
        '4:21 upstreams.api.endpoints: must be a list; write ["http://127.0.0.1:1"]',
    ]),
    Mistake(0, "an endpoint with an address", LISTENERS + 'upstreams:\n  api: { endpoints: [{ address: "http://127.0.0.1:1" }] }\nroutes:\n  - upstream: api\n', [
        '4:24 upstreams.api.endpoints[0].address: unknown key "address"; where an endpoint is reached is written url: "http://10.0.0.11:3001"',
    ]),
    Mistake(0, "an endpoint with host and port", LISTENERS + "upstreams:\n  api: { endpoints: [{ host: 127.0.0.1, port: 1 }] }\nroutes:\n  - upstream: api\n", [
        '4:24 upstreams.api.endpoints[0].host: unknown key "host"; where an endpoint is reached is written url: "http://10.0.0.11:3001"',
        '4:41 upstreams.api.endpoints[0].port: unknown key "port"; where an endpoint is reached is written url: "http://10.0.0.11:3001"',
    ]),
    Mistake(0, "no comma between endpoints", LISTENERS + "upstreams:\n  api: { endpoints: [http://127.0.0.1:1 http://127.0.0.1:2] }\nroutes:\n  - upstream: api\n", [
        '4:22 upstreams.api.endpoints[0]: "http://127.0.0.1:1 http://127.0.0.1:2" has a space in it; an endpoint is one URL, and commas stand between several',
    ]),
    Mistake(0, "two endpoints in a route", route('  - upstream: ["http://127.0.0.1:1", "http://127.0.0.1:2"]\n'), [
        '4:15 routes[0].upstream: must be one name or URL; several endpoints are written upstreams: { NAME: { endpoints: ["http://10.0.0.11:3001", "http://10.0.0.12:3001"] } }, and upstream: NAME here',
    ]),
    Mistake(0, "ip_hash", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], balance: ip_hash }\nroutes:\n  - upstream: api\n', [
        '4:54 upstreams.api.balance: "ip_hash" is written { hash: client_address }',
    ]),
    Mistake(0, "methods with a comma", route('  - match: { path: /, methods: "GET,POST" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:32 routes[0].match.methods: must be a list; write ["GET", "POST"]',
    ]),
    Mistake(0, "true where a list is wanted", 'trusted_proxies: true\nlisteners:\n  - address: "127.0.0.1:0"\n' + ROUTES, [
        "1:18 trusted_proxies: must be a list",
    ]),
    Mistake(0, "1m30s", LISTENERS + "limits: { idle_timeout: 1m30s }\n" + ROUTES, [
        '3:25 limits.idle_timeout: "1m30s" is not a duration (write 500ms, 5s, 2m or 1h); write "90s"',
    ]),
    Mistake(0, "1d", LISTENERS + "limits: { idle_timeout: 1d }\n" + ROUTES, [
        '3:25 limits.idle_timeout: "1d" is not a duration (write 500ms, 5s, 2m or 1h); write "24h"',
    ]),
    Mistake(0, "1.5s", LISTENERS + "limits: { idle_timeout: 1.5s }\n" + ROUTES, [
        '3:25 limits.idle_timeout: "1.5s" is not a duration (write 500ms, 5s, 2m or 1h); write "1500ms"',
    ]),
    Mistake(0, "-1 for no limit", LISTENERS + "limits: { body_size: -1 }\n" + ROUTES, [
        '3:22 limits.body_size: "-1" is not a limit; for no limit write "none"',
    ]),
    Mistake(0, "unlimited", LISTENERS + "limits: { body_size: unlimited }\n" + ROUTES, [
        '3:22 limits.body_size: "unlimited" is not a limit; for no limit write "none"',
    ]),
    Mistake(0, "a variable without braces", route("  - upstream: http://$HOST:3000\n"), [
        '4:15 routes[0].upstream: "http://$HOST:3000" has no valid host; a variable of the environment is written ${NAME}',
    ]),
    Mistake(0, "a variable of a template", route('  - upstream: "http://{{HOST}}:3000"\n'), [
        '4:15 routes[0].upstream: "http://{{HOST}}:3000" has no valid host; a variable of the environment is written ${NAME}',
    ]),
    Mistake(0, "a host beyond ASCII", route("  - upstream: http://bücher.example:3000\n"), [
        '4:15 routes[0].upstream: "http://bücher.example:3000" has a host beyond ASCII; names of that kind are written as they are sent (xn--...)',
    ]),
    Mistake(0, "a scheme with a slip", route("  - upstream: htps://127.0.0.1:3000\n"), [
        '4:15 routes[0].upstream: "htps://127.0.0.1:3000" has a scheme other than http, https, ws, wss, unix, srv+http and srv+https; write "https://127.0.0.1:3000"',
    ]),
    Mistake(0, "one slash", route("  - upstream: http:/127.0.0.1:3000\n"), [
        '4:15 routes[0].upstream: there is no upstream "http:/127.0.0.1:3000"; write "http://127.0.0.1:3000"',
    ]),
    Mistake(0, "a port alone", route("  - upstream: 3000\n"), [
        '4:15 routes[0].upstream: there is no upstream "3000"; write "http://127.0.0.1:3000"',
    ]),
    Mistake(0, "a port with a colon", route('  - upstream: ":3000"\n'), [
        '4:15 routes[0].upstream: there is no upstream ":3000"; write "http://127.0.0.1:3000"',
    ]),
    Mistake(0, "a path that is a URL", route('  - match: { path: "https://a.example/api" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:20 routes[0].match.path: "https://a.example/api" has a scheme and a host; the host goes to match.host; write "/api"',
    ]),
    Mistake(0, "a path with a query", route('  - match: { path: "/api?x=1" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:20 routes[0].match.path: "/api?x=1" has a query or a fragment; a path ends before it, and match.query looks at parameters; write "/api"',
    ]),
    Mistake(0, "a path beyond ASCII", route('  - match: { path: "/bücher" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:20 routes[0].match.path: "/bücher" holds a character that never stands in a normalised path; write "/b%C3%BCcher"',
    ]),
    Mistake(0, "a path with a space", route('  - match: { path: "/a b" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:20 routes[0].match.path: "/a b" holds a character that never stands in a normalised path; write "/a%20b"',
    ]),
    Mistake(0, "a prefix that never fits", route("  - match: { path: /api }\n    upstream: http://127.0.0.1:3000\n    rewrite: { strip_prefix: /app }\n"), [
        '6:30 warning: routes[0].rewrite.strip_prefix: has no effect: no path of this route begins with "/app"',
    ]),
    Mistake(0, "a folder that is not there", route("  - files: ./dist\n"), [
        "4:12 routes[0].files: ./dist does not exist (paths are relative to the folder of this configuration)",
    ]),
    Mistake(0, "an origin for a list of them", route("  - upstream: http://127.0.0.1:3000\n    origins: https://app.example.com\n"), [
        '5:14 routes[0].origins: there is no origin list "https://app.example.com"; lists are written origins: { NAME: { allow: ["https://app.example.com"] } }, at the top of the file',
    ]),
    Mistake(0, "a star for a list of origins", route('  - upstream: http://127.0.0.1:3000\n    origins: "*"\n'), [
        '5:14 routes[0].origins: there is no origin list "*"; lists are written origins: { NAME: { allow: ["https://app.example.com"] } }, at the top of the file',
    ]),
    Mistake(0, "jwt: true", route("  - upstream: http://127.0.0.1:3000\n    jwt: true\n"), [
        '5:10 routes[0].jwt: there is no jwt "true"; it is written jwt: { NAME: { keys: jwks.json, algorithms: [RS256] } }, at the top of the file',
    ]),
    Mistake(0, "a rate for a limit", route("  - upstream: http://127.0.0.1:3000\n    rate_limit: 10/s\n"), [
        '5:17 routes[0].rate_limit: there is no rate limit "10/s"; limits are written rate_limits: { NAME: { rate: 10/s } }, at the top of the file',
    ]),
    Mistake(0, "no upstreams", LISTENERS + "upstreams: {}\nroutes:\n  - upstream: api\n", [
        '5:15 routes[0].upstream: there is no upstream "api"; upstreams are written upstreams: { NAME: { endpoints: ["http://10.0.0.11:3001"] } }',
    ]),
    Mistake(0, "allow_methods", LISTENERS + "origins: { app: { allow: ['https://a.example'], allow_methods: [GET] } }\n" + ROUTES, [
        '3:49 origins.app.allow_methods: unknown key "allow_methods"; it is written methods: [GET, POST]',
    ]),
    Mistake(0, "an endpoint that is a port", LISTENERS + "upstreams:\n  api: { endpoints: [3000] }\nroutes:\n  - upstream: api\n", [
        '4:22 upstreams.api.endpoints[0]: "3000" has no scheme; write "http://127.0.0.1:3000"',
    ]),
    Mistake(0, "an endpoint that is a path", LISTENERS + "upstreams:\n  api: { endpoints: [/run/app.sock] }\nroutes:\n  - upstream: api\n", [
        '4:22 upstreams.api.endpoints[0]: "/run/app.sock" has no scheme; write "unix:/run/app.sock"',
    ]),
    Mistake(0, "a weight as nginx has it", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1 weight=5"] }\nroutes:\n  - upstream: api\n', [
        '4:22 upstreams.api.endpoints[0]: "http://127.0.0.1:1 weight=5" has a space in it; an endpoint is one URL, and commas stand between several',
    ]),
    Mistake(0, "domain", route("  - match: { domain: a.example }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:14 routes[0].match.domain: unknown key "domain"; hosts of a match are written host: app.example.com',
    ]),
    Mistake(0, "prefix", route("  - match: { prefix: /api }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:14 routes[0].match.prefix: unknown key "prefix"; what a path begins with is written path: /api',
    ]),
    Mistake(0, "regex", route('  - match: { regex: "^/api" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:14 routes[0].match.regex: unknown key "regex"; an expression for a whole path is written pattern: "/users/[0-9]+"',
    ]),
    Mistake(0, "headers as a text", route('  - match: { path: /, headers: "X-A: b" }\n    upstream: http://127.0.0.1:3000\n'), [
        '4:32 routes[0].match.headers: must be a map of names to values; write it like { X-Version: "2" }',
    ]),
    Mistake(0, "a query as a text", route('  - match: { path: /, query: "a=1" }\n    upstream: http://127.0.0.1:3000\n'), [
        "4:30 routes[0].match.query: must be a map of names to values; write it like { debug: present }",
    ]),
    Mistake(0, "variables of nginx in a redirect", route('  - redirect: { to: "https://$host$request_uri" }\n'), [
        '4:21 routes[0].redirect.to: "$host" is sent as it stands; what nginx puts there is written "{host}"',
    ]),
    Mistake(0, "a variable of nginx in a header", route("  - upstream: http://127.0.0.1:3000\n    request_headers: { set: { X-Real-IP: $remote_addr } }\n"), [
        '5:42 warning: routes[0].request_headers.set.X-Real-IP: "$remote_addr" is sent as it stands; what nginx puts there is written "{client}"',
    ]),
    Mistake(0, "a redirect to itself", route("  - match: { path: / }\n    redirect: { to: / }\n"), [
        "5:15 warning: routes[0].redirect: leads back to this route: who follows it goes round in a circle",
    ]),
    Mistake(0, "code", route("  - redirect: { to: /x, code: 301 }\n"), [
        '4:25 routes[0].redirect.code: unknown key "code"; it is written status: 301',
    ]),
    Mistake(0, "permanent", route("  - redirect: { to: /x, permanent: true }\n"), [
        '4:25 routes[0].redirect.permanent: unknown key "permanent"; it is written status: 308 (or 307 for a while)',
    ]),
    Mistake(0, "jwks_uri", LISTENERS + "jwt: { a: { jwks_uri: 'https://x/jwks', algorithms: [RS256] } }\n" + ROUTES, [
        '3:13 jwt.a.jwks_uri: unknown key "jwks_uri"; keys are written keys: https://... (or discover, or a file)',
    ]),
    Mistake(0, "claims as a list", LISTENERS + "jwt: { a: { secret: 'an-old-song-about-a-very-long-river', algorithms: [HS256], required_claims: [role] } }\n" + ROUTES, [
        "3:98 jwt.a.required_claims: must be a map of claims to values; write it like { role: admin }",
    ]),
    Mistake(0, "names of certbot", LISTENERS + "    tls: { fullchain: a.pem, privkey: b.key }\n" + ROUTES, [
        '3:12 listeners[0].tls.fullchain: unknown key "fullchain"; certificates are written tls: { certificate: site.pem, key: site.key }',
        '3:30 listeners[0].tls.privkey: unknown key "privkey"; certificates are written tls: { certificate: site.pem, key: site.key }',
    ]),
    Mistake(0, "a file for the log", LISTENERS + "log: { file: /var/log/x.log }\n" + ROUTES, [
        '3:8 log.file: unknown key "file"; it is written output: access.log',
    ]),
    Mistake(0, "type", route("  - respond: { body: x, type: text/plain }\n"), [
        '4:25 routes[0].respond.type: unknown key "type"; it is written content_type: text/html',
    ]),
    Mistake(0, "headers as a list", route("  - upstream: http://127.0.0.1:3000\n    request_headers: { set: [X-A] }\n"), [
        "5:29 routes[0].request_headers.set: must be a map; write it like { X-Name: value }",
    ]),
    Mistake(0, "learn of one header", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], balance: { learn: Mcp-Session-Id } }\nroutes:\n  - upstream: api\n', [
        "4:63 upstreams.api.balance.learn: must be a map (response_header, request_header, values, …); write it like { response_header: Mcp-Session-Id }",
    ]),
    Mistake(0, "a queue of one number", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], queue: 10 }\nroutes:\n  - upstream: api\n', [
        "4:52 upstreams.api.queue: must be a map (size, timeout); write it like { size: 100 }",
        "4:52 warning: upstreams.api.queue: nobody will ever wait: no endpoint has max_requests",
    ]),
    Mistake(0, "a name server alone", LISTENERS + "resolver: 8.8.8.8\n" + ROUTES, [
        "3:11 resolver: must be a map (nameservers, timeout); write it like { nameservers: [10.0.0.53] }",
    ]),
    Mistake(0, "brotli", LISTENERS + "compression: { algorithms: [brotli] }\n" + ROUTES, [
        '3:29 compression.algorithms[0]: "brotli" is named as it is sent; write "br"',
    ]),
    Mistake(0, "one level for all", LISTENERS + "compression: { level: 11 }\n" + ROUTES, [
        "3:23 compression.level: must be a map (gzip, br, zstd); write it like { gzip: 6 }",
    ]),
    Mistake(0, "one page for all", LISTENERS + "error_pages: pages/404.html\n" + ROUTES, [
        "3:14 error_pages: must be a map; write it like { 404: pages/404.html }",
    ]),
    Mistake(0, "claims to forward as a list", LISTENERS + "jwt: { a: { secret: 'an-old-song-about-a-very-long-river', algorithms: [HS256] } }\nroutes:\n  - upstream: http://127.0.0.1:1\n    jwt: a\n    forward_claims: [sub]\n", [
        "7:21 routes[0].forward_claims: must be a map; write it like { sub: X-User-Id }",
    ]),
    Mistake(0, "claims as a word", rules("admin"), [
        '7:22 routes[0].required_claims: must be a map of claims to values; write it like { scope: jobs:write }',
    ]),
    Mistake(0, "a claim in a claim as a map", rules("{ realm_access: { roles: admin } }"), [
        '7:38 routes[0].required_claims.realm_access: has none of all, pattern, at_least and at_most; a claim in a claim is written "realm_access.roles"',
    ]),
    Mistake(0, "several scopes in one text", rules('{ scope: "jobs:read jobs:write" }'), [
        '7:31 routes[0].required_claims.scope: "jobs:read jobs:write" names several scopes; write a list of them if one is enough, or { all: [...] }',
    ]),
    Mistake(0, "a value of the path without quotes", rules("{ jobs: {path.job_id} }"), [
        '7:30 routes[0].required_claims.jobs: is a map for YAML; write it in quotes: "{path.job_id}"',
    ]),
    Mistake(0, "a value of the path without a template", rules('{ jobs: "{path.job_id}" }'), [
        '7:22 routes[0].required_claims: "{path.job_id}" has no meaning here; name it in a rule of a list: path: "/jobs/{job_id}"',
    ]),
    Mistake(0, "a value of the path misspelt", rules('\n      - { path: "/jobs/{job_id}", claims: { jobs: "{path.job}" } }'), [
        '8:9 routes[0].required_claims[0]: "{path.job}" is none of the names that path of the rule has: {path.job_id}',
    ]),
    Mistake(0, "a template that nothing uses", rules('\n      - { path: "/jobs/{job_id}", claims: { role: admin } }'), [
        '8:9 routes[0].required_claims[0]: names {job_id} in its path, and compares no claim with {path.job_id}',
    ]),
    Mistake(0, "a template for another route", rules('\n      - { path: "/job/{id}", claims: { jobs: "{path.id}" } }', "    match: { path: /jobs }\n"), [
        '9:9 routes[0].required_claims[0].path: fits no path that the route takes, so that the rule would refuse every request',
    ]),
    Mistake(0, "any before one map", rules("{ any: { role: admin } }"), [
        '7:29 routes[0].required_claims.any: is for a list of maps of claims: any: [{ role: admin }, { scope: jobs:write }]',
    ]),
    Mistake(0, "a rule without a dash", rules("\n      name: write\n      methods: [POST]\n      claims: { scope: write }"), [
        '8:7 routes[0].required_claims: is one rule, and rules stand in a list; begin it with a dash',
    ]),
    Mistake(0, "other methods than none", rules("\n      - { methods: others, claims: { scope: write } }"), [
        '8:9 routes[0].required_claims[0].methods: others has no meaning where no other rule names methods; leave it out',
    ]),
    Mistake(0, "a number that is none", rules("{ level: { at_least: two } }"), [
        '7:43 routes[0].required_claims.level.at_least: "two" is not a number such as 3 or 2.5',
    ]),
    Mistake(0, "a claim without a value", rules("\n      role:"), [
        '8:7 routes[0].required_claims.role: has no value (null and ~ need quotes to be a text); it must be a single value or a list',
    ]),
    Mistake(0, "a value of the request for a provider", jwt("secret: " + SECRET + ", algorithms: [HS256], required_claims: { host: '{host}' }"), [
        '4:94 jwt.main.required_claims: compares a claim with a value of the request, and belongs to the token alone; write it under '
        'required_claims of a route',
    ]),
    Mistake(0, "claims without jwt", route("  - upstream: http://127.0.0.1:1\n    required_claims: { role: admin }\n"), [
        '5:22 routes[0].required_claims: needs jwt: without a verified token there are no claims',
    ]),
    Mistake(0, "no colon behind a section", 'listeners\n  - address: "127.0.0.1:0"\n' + ROUTES, [
        '1:10 not YAML: a key needs a colon behind it: write "listeners:"',
    ]),
    Mistake(0, "no colon behind routes", LISTENERS + "routes\n  - upstream: http://127.0.0.1:3000\n", [
        '3:7 not YAML: a key needs a colon behind it: write "routes:"',
    ]),
    Mistake(0, "text behind a quote", route('  - upstream: "http://127.0.0.1:3000" x\n'), [
        "4:15 not YAML: text follows behind the quote that opens here; is a quote or a comma missing?",
    ]),
    Mistake(0, "a limit that is a rate", LISTENERS + "rate_limits: { a: 10/s }\n" + ROUTES, [
        '3:19 rate_limits.a: must be a map; write { rate: "10/s" }',
    ]),
    Mistake(0, "an algorithm in lower case", LISTENERS + "jwt: { a: { secret: 'an-old-song-about-a-very-long-river', algorithms: [hs256] } }\n" + ROUTES, [
        '3:73 jwt.a.algorithms[0]: "hs256" is not one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA; did you mean "HS256"?',
    ]),
    Mistake(0, "a hold without a unit", LISTENERS + 'upstreams:\n  api: { endpoints: ["http://127.0.0.1:1"], hold: 10 }\nroutes:\n  - upstream: api\n', [
        '4:51 upstreams.api.hold: "10" has no unit; write 500ms, 5s, 2m or 1h',
    ]),
    Mistake(0, "off for none", LISTENERS + "websocket: { ping_interval: off }\n" + ROUTES, [
        '3:29 websocket.ping_interval: "off" is not a limit; for no limit write "none"',
    ]),
    Mistake(0, "a key in upper case", 'listeners:\n  - Address: "127.0.0.1:0"\n' + ROUTES, [
        '2:5 listeners[0].Address: unknown key "Address"; did you mean "address"?',
    ]),
    Mistake(0, "method", route("  - match: { path: /, method: GET }\n    upstream: http://127.0.0.1:3000\n"), [
        '4:23 routes[0].match.method: unknown key "method"; did you mean "methods"?',
    ]),
    Mistake(0, "one name twice", route("  - { name: a, match: { path: /a }, upstream: http://127.0.0.1:1 }\n  - { name: a, match: { path: /b }, upstream: http://127.0.0.1:1 }\n"), [
        '5:13 routes[1].name: "a" is the name of the route in line 4 too',
    ]),
    Mistake(0, "a number beyond all bounds", LISTENERS + "limits: { body_size: 99999999999999999999 }\n" + ROUTES, [
        '3:22 limits.body_size: "99999999999999999999" is too large',
    ]),
    Mistake(0, "a negative duration", LISTENERS + "limits: { idle_timeout: -5s }\n" + ROUTES, [
        '3:25 limits.idle_timeout: "-5s" is not a duration (write 500ms, 5s, 2m or 1h)',
    ]),
    Mistake(0, "no endpoints", LISTENERS + "upstreams:\n  api: { endpoints: [] }\nroutes:\n  - upstream: api\n", [
        "4:21 upstreams.api.endpoints: is empty; an upstream needs an endpoint",
    ]),
    Mistake(0, "keys of another gateway for forward authentication", route("  - upstream: http://127.0.0.1:3000\n    auth_request: /auth\n"), [
        '5:5 routes[0].auth_request: unknown key "auth_request"; it is written forward_auth: { url: '
        '"http://127.0.0.1:4180/oauth2/auth" } on the route',
    ]),
    Mistake(0, "fields that an authentication server may not set, no address to sign in at, and a key that is none", route(
        "  - upstream: http://127.0.0.1:3000\n    forward_auth:\n      upstream: auth\n      answer_headers: [Cookie, X-Request-Id]\n"
        "      sign_in: login\n      cache: { time: 1s, key: cookies }\n"), [
        '6:17 routes[0].forward_auth.upstream: there is no upstream "auth"; upstreams are written upstreams: { NAME: { endpoints: '
        '["http://10.0.0.11:3001"] } }',
        '7:24 routes[0].forward_auth.answer_headers[0]: "Cookie" carries credentials of the client; choose another field',
        '7:32 routes[0].forward_auth.answer_headers: "X-Request-Id" carries the request id already',
        '8:16 routes[0].forward_auth.sign_in: "login" is neither a path nor a URL of http or https',
        '9:31 routes[0].forward_auth.cache.key: "cookies" is none of method, host, path, uri, client_address, header:NAME and '
        'cookie:NAME',
    ]),
]

SERVE = "to serve, write: postern run FILE"
CHECK = "to check a file, write: postern check FILE"
STOP = "to stop, send SIGTERM to the process: systemctl stop postern, or kill PID; it finishes what runs"
RELOAD = ("to reload, send SIGHUP to the process: systemctl reload postern, or kill -HUP PID; the log says whether the file "
          "was taken")
NO_FILE = ("{0}: no file is named, and there is neither ./postern.yaml nor /etc/postern/postern.yaml; write: postern {0} FILE")

# The row, the words of the command line, and what is said of them behind "postern: ".
COMMANDS = [
    (51, [], 'say what to do: "postern run FILE" serves, "postern check FILE" reports every problem of a file '
             '(postern --help has the rest)'),
    (51, ["run"], NO_FILE.format("run")),
    (51, ["check"], NO_FILE.format("check")),
    (52, ["start"], f'there is no command "start"; {SERVE}'),
    (52, ["serve"], f'there is no command "serve"; {SERVE}'),
    (52, ["stop"], f'there is no command "stop"; {STOP}'),
    (52, ["reload"], f'there is no command "reload"; {RELOAD}'),
    (52, ["restart"], f'there is no command "restart"; {RELOAD}'),
    (52, ["validate", "site.yaml"], f'there is no command "validate"; {CHECK}'),
    (52, ["test"], f'there is no command "test"; {CHECK}'),
    (52, ["status"], 'there is no command "status"; what goes on is told by GET /status of the listener for the operator: '
                     'admin: { address: "127.0.0.1:9901" }'),
    (52, ["site.yaml"], '"site.yaml" is not a command; did you mean: postern run site.yaml'),
    (52, ["/etc/postern/other"], '"/etc/postern/other" is not a command; did you mean: postern run /etc/postern/other'),
    (53, ["rnu"], 'there is no command "rnu"; did you mean "run"? (postern --help lists them)'),
    (53, ["nonsense"], 'there is no command "nonsense" (postern --help lists them)'),
    (54, ["-c", "site.yaml"], "there is no option -c; the file stands alone: postern run site.yaml"),
    (54, ["--config=site.yaml"], "there is no option --config; the file stands alone: postern run site.yaml"),
    (54, ["-t"], "there is no option -t; to check a file, write: postern check FILE"),
    (54, ["-s", "reload"], "there is no option -s; a running process takes signals: kill -HUP PID reloads, kill PID stops"),
    (54, ["--verbose"], "there is no option --verbose (postern --help lists all)"),
    (55, ["run", "-c", "site.yaml"], "run: there is no option -c; the file stands alone: postern run site.yaml"),
    (55, ["run", "--port", "80", "site.yaml"],
     'run: there is no option --port; where to listen is written in the file: listeners: [{ address: ":8080" }]'),
    (55, ["run", "-d", "site.yaml"],
     "run: there is no option -d; Postern stays in the foreground, and systemd keeps it running (packaging/systemd)"),
    (55, ["check", "--quiet", "site.yaml"], "check: there is no option --quiet (postern check --help lists all)"),
    (55, ["check", "a.yaml", "b.yaml"], 'check: takes one file, and got "a.yaml" and "b.yaml"'),
    (55, ["reference", "site.yaml"], 'reference: takes no argument, and got "site.yaml"'),
    (55, ["run", "-"], "run: the standard input cannot be reloaded; name a file"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Certificates and keys of every kind that the mistakes name."""
    path = tmp_path_factory.mktemp("mistakes")
    authority = Authority(path)
    for label, days in (("good", {}), ("other", {}), ("expired", {"begins": -10, "ends": -2}), ("soon", {"ends": 5.5}),
                        ("early", {"begins": 2})):
        authority.issue(label, ["localhost"], **days)
    return path


def said(folder, text, *options):
    """The status, and what `check` says of a file, without the names of the file and its folder."""
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    done = postern("check", *options, str(path), cwd=folder)
    assert done.stderr == ""
    shown = done.stdout.replace(f"{path}: in order\n", "").replace(f"{path}:", "").replace(f"{folder}/", "./")
    return done.returncode, shown.splitlines()


def postern(*arguments, **options):
    return subprocess.run([postern_binary(), *arguments], capture_output=True, text=True, check=False, timeout=patience(20),
                          stdin=subprocess.DEVNULL, **options)


@pytest.mark.parametrize("mistake", MISTAKES + MET_BY_HAND, ids=lambda mistake: f"{mistake.row} {mistake.title}")
def test_each_mistake_has_a_message_that_leads_to_it(folder, mistake):
    code, lines = said(folder, mistake.text)
    assert lines == mistake.lines
    assert code == (1 if any(not re.match(r"(\d+:\d+)? ?warning: ", line) for line in lines) else 0)


@pytest.mark.parametrize("row, arguments, sentence", COMMANDS, ids=lambda value: str(value))
def test_each_wrong_command_says_what_to_write(tmp_path, row, arguments, sentence):
    done = postern(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"postern: {sentence}\n")


def test_every_row_of_mistakes_is_here():
    by_hand = {8, 13, 14, 15, 16, 26, 27, 28}
    assert {mistake.row for mistake in MISTAKES} | by_hand | {row for row, _, _ in COMMANDS} >= set(range(1, 56))


# Rows that need a process, a user or a network

def test_port_in_use_names_who_has_it(tmp_path):  # row 8
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path = write(tmp_path, LISTENERS.replace(":0", f":{port}") + ROUTES)
        with open("/proc/self/comm", encoding="utf-8") as file:
            name = file.read().strip()
        sentence = f"address 127.0.0.1:{port} is in use by process {os.getpid()} ({name})"
        done = postern("run", str(path))
        assert (done.returncode, done.stderr) == (1, "") and json.loads(done.stdout)["problem"] == sentence
        assert on_a_terminal("run", str(path)) == (1, f"postern: {sentence}\r\n")  # and not a line of JSON


def on_a_terminal(*arguments):
    screen, terminal = pty.openpty()
    with subprocess.Popen([postern_binary(), *arguments], stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        code = process.wait(patience(20))
    shown = b""
    try:
        while block := os.read(screen, 65536):
            shown += block
    except OSError:  # how Linux ends a terminal that nobody has open any more
        pass
    os.close(screen)
    return code, shown.decode()


def answer_in_plain_http(listening):
    connection, _ = listening.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def test_endpoint_that_cannot_be_reached_is_named(start_gateway):  # rows 13, 14 and 15
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down = free.getsockname()[1]
    with socket.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        plain.listen()
        threading.Thread(target=answer_in_plain_http, args=(plain,), daemon=True).start()
        names = {"down": f"http://127.0.0.1:{down}", "nowhere": "http://no-such-name.invalid:80",
                 "plain": f"https://127.0.0.1:{plain.getsockname()[1]}"}
        gateway = start_gateway({
            "upstreams": {name: {"endpoints": [url], "retries": 0} for name, url in names.items()},
            "routes": [{"match": {"path": f"/{name}"}, "upstream": name} for name in names]})
        lines = {name: gateway.exchange(fetch(gateway.port, target=f"/{name}")) for name in names}
    assert lines["down"]["cause"] == "upstream_refused" and f"127.0.0.1:{down}" in lines["down"]["detail"]
    assert lines["down"]["remedy"] == "Is the backend running, and on this port? The detail has every address tried."
    assert lines["nowhere"]["cause"] == "upstream_unresolved" and "no-such-name.invalid" in lines["nowhere"]["detail"]
    assert lines["nowhere"]["remedy"] == "Check the name in upstreams, and the machine's DNS."
    assert lines["plain"]["cause"] == "upstream_tls_failed"
    assert lines["plain"]["remedy"] == ("Check the endpoint's certificate; see the upstream's ca and server_name, and tls if it "
                                        "asks for a client certificate; if it speaks plain HTTP, write http://.")


def test_the_other_protocol_on_a_port_is_named(start_gateway, site):  # row 16
    gateway = start_gateway({"listeners": [{"address": "127.0.0.1:0", "tls": site.as_config()}, {"address": "127.0.0.1:0"}],
                             "routes": [{"respond": {"status": 204}}]})
    answer = fetch(gateway.tls_port).json()
    assert answer["message"] == "Plain HTTP was sent to a TLS port."
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        Connection(gateway.port, client_context(verify=False))
    line = gateway.wait_for(cause="tls_unexpected")
    assert line["remedy"] == "Use http:// or ws:// for this port, or give its listener a tls section."


def test_file_that_cannot_be_read_says_why(tmp_path):  # row 26
    for name, why in (("missing.yaml", "No such file or directory"), (".", "it is a directory")):
        done = postern("check", str(tmp_path / name))
        assert (done.returncode, done.stdout) == (2, f"{tmp_path / name}: the file cannot be read: {why}\n")


@pytest.fixture
def open_folder(folder):
    """A folder that every user can see into."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        shutil.copy(folder / "good.pem", path)
        shutil.copy(folder / "good.key", path)
        shutil.copy(postern_binary(), os.path.join(path, "postern"))
        yield path


def as_nobody(folder, *arguments, of_another_network=False):
    """The gateway as a user with no rights; who runs the tests as root becomes one."""
    command = [os.path.join(folder, "postern"), *arguments]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        if of_another_network:  # in which low ports are kept as they are by default
            command = ["unshare", "--net", *command]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience(20), cwd=folder)


def test_key_that_this_user_may_not_read_is_said(open_folder):  # row 27
    path = os.path.join(open_folder, "site.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(tls("good.pem", "good.key"))
    os.chmod(os.path.join(open_folder, "good.pem"), 0o644)
    os.chmod(os.path.join(open_folder, "good.key"), 0o000)
    done = as_nobody(open_folder, "check", "site.yaml")
    assert (done.returncode, done.stdout) == (
        1, "site.yaml:3:40 listeners[0].tls.key: good.key cannot be opened; may this user read it?\n")


def test_low_port_says_how_to_be_allowed(open_folder):  # row 28
    with open(os.path.join(open_folder, "site.yaml"), "w", encoding="utf-8") as file:
        file.write(LISTENERS.replace("127.0.0.1:0", ":81") + ROUTES)
    done = as_nobody(open_folder, "run", "site.yaml", of_another_network=True)
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[0])["problem"] == (
        "no permission to listen on [::]:81: ports below 1024 need CAP_NET_BIND_SERVICE, which the systemd unit gives, or: "
        "setcap cap_net_bind_service=+ep $(command -v postern)")


# What `check` and `run` take

NEEDY = """listeners:
  - address: "${LISTEN_ON}"
    tls: { certificate: /nowhere/site.pem, key: "${KEY_FILE}" }
jwt:
  main: { secret: "${JWT_SECRET}", algorithms: [HS256] }
  other: { keys: none.json, algorithms: [RS256] }
upstreams:
  api: { endpoints: ["${API}"], sticky: { secret: "${STICKY}" } }
log: { output: nowhere/access.log }
routes:
  - { upstream: api, jwt: main }
  - { match: { path: /other }, upstream: api, jwt: other }
"""


def test_syntax_needs_no_certificates_keys_folders_or_variables(folder):
    code, lines = said(folder, NEEDY, "--syntax")
    assert (code, lines) == (0, [" in order, as far as the text alone can tell"])
    code, lines = said(folder, NEEDY.replace("upstream: api", "upstream: apu", 1), "--syntax")
    assert (code, lines) == (1, ['11:17 routes[0].upstream: there is no upstream "apu"; did you mean "api"?'])
    assert said(folder, NEEDY)[0] == 1


def test_probe_warns_where_nobody_listens_and_stays_in_order(folder):
    with socket.socket() as free, socket.socket() as there:
        free.bind(("127.0.0.1", 0))
        there.bind(("127.0.0.1", 0))
        there.listen()
        text = LISTENERS + f"""upstreams:
  api:
    endpoints: ["http://127.0.0.1:{there.getsockname()[1]}", "http://127.0.0.1:{free.getsockname()[1]}", "unix:gone.sock"]
routes:
  - upstream: api
"""
        assert said(folder, text) == (0, [])
        column = 16 + len(f'["http://127.0.0.1:{there.getsockname()[1]}", ')
        after = column + len(f'"http://127.0.0.1:{free.getsockname()[1]}", ')
        assert said(folder, text, "--probe") == (0, [
            f'5:{column} warning: upstreams.api.endpoints[1]: "http://127.0.0.1:{free.getsockname()[1]}": nobody listens there '
            "now (connection refused)",
            f'5:{after} warning: upstreams.api.endpoints[2]: "unix:gone.sock": the socket does not exist now',
            "./site.yaml: in order"][:2])


def test_standard_input_is_a_file(tmp_path):
    done = subprocess.run([postern_binary(), "check", "-"], input=LISTENERS + ROUTES, capture_output=True, text=True,
                          check=False, timeout=patience(20), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "-: in order\n")
    done = subprocess.run([postern_binary(), "check", "-"], input=LISTENERS, capture_output=True, text=True,
                          check=False, timeout=patience(20), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "-:1:1 routes: is missing\n")


def test_file_of_the_folder_is_taken_and_named(tmp_path):
    (tmp_path / "postern.yaml").write_text(LISTENERS + ROUTES, encoding="utf-8")
    done = postern("check", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (
        0, "./postern.yaml: in order\n", "postern: check takes ./postern.yaml\n")


@pytest.mark.parametrize("arguments", [["reference"], ["reference", "--json"], ["--help"], ["run", "--help"], ["version"],
                                       ["--version"]], ids=" ".join)
def test_output_that_is_lost_is_said(arguments):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([postern_binary(), *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=patience(20))
    assert (done.returncode, done.stderr) == (1, "postern: the output could not be written: No space left on device\n")


def test_help_in_all_its_spellings():
    text = postern("--help").stdout
    assert postern("help").stdout == text and text.startswith("Postern: ")
    assert "Usage: postern COMMAND [OPTIONS] [FILE]\n" in text
    assert "Usage: postern check [--json] [--syntax] [--probe] [FILE]\n" in postern("help", "check").stdout
    for spelling in ("-v", "-V"):
        assert postern(spelling).stdout == postern("--version").stdout


# Secrets

def test_password_of_a_url_is_never_printed(folder, start_gateway):
    texts = [
        'routes:\n  - upstream: "http://me:hunter2@127.0.0.1:3000"\n',
        'routes:\n  - upstream: "http://me:hun/ter2@127.0.0.1:3000"\n',
        'routes:\n  - upstream: "me:hunter2@127.0.0.1:3000"\n',
        'upstreams:\n  api: { endpoints: ["ftp://me:hunter2@127.0.0.1"] }\nroutes: [{ upstream: api }]\n',
        'upstreams:\n  "http://me:hunter2@127.0.0.1": {}\nroutes: [{ upstream: api }]\n',
        'routes:\n  - upstream: "http://127.0.0.1:3000/?password=hunter2"\n',
        'routes:\n  - upstream: http://127.0.0.1:1\n    "http://me:hunter2@h": 1\n',
    ]
    for text in texts:
        code, lines = said(folder, LISTENERS + text)
        assert code == 1 and not any(word in line for line in lines for word in ("hunter2", "ter2@")), lines
    gateway = start_gateway(LISTENERS + ROUTES)
    gateway.reload(LISTENERS + texts[0], expect="reload_failed")
    assert not any("hunter2" in line for line in gateway.raw_lines)


# The first look at a file

GOOD = """listeners:
  - address: "127.0.0.1:0"
upstreams:
  api:
    endpoints: ["http://127.0.0.1:3001"]
routes:
  - match: { path: / }
    upstream: api
"""

# line → what is wrong with it
SIX = """listeners:
  - address: "127.0.0.1:99999"
upstreams:
  api:
    endpoints: ["http://127.0.0.1:3001"]
    balanse: round_robin
    timeouts: { connect: 5 }
origins:
  app:
    allow: ["app.example.com"]
routes:
  - match: { path: /api }
    upstream: apy
  - match: { path: /other }
    upstream: api
    jwt: nobody
"""
SIX_LINES = [2, 6, 7, 10, 13, 16]


def check(path, environment=None):
    done = subprocess.run([postern_binary(), "check", str(path)], capture_output=True, text=True, check=False,
                          timeout=patience(20), env={**os.environ, "NO_COLOR": "1", **(environment or {})})
    return done.returncode, (done.stdout + done.stderr).splitlines()


def problems(lines, path):
    pattern = re.compile(re.escape(str(path)) + r":(\d+):(\d+):? (.+)")
    return [(int(found[1]), int(found[2]), found[3]) for found in map(pattern.match, lines) if found]


def write(tmp_path, text):
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_good_file_is_0(tmp_path):
    path = write(tmp_path, GOOD)
    code, lines = check(path)
    assert code == 0 and problems(lines, path) == []


def test_six_mistakes_are_six_lines(tmp_path):
    path = write(tmp_path, SIX)
    code, lines = check(path)
    found = problems(lines, path)
    assert code == 1
    assert [line for line, _, _ in found] == SIX_LINES, lines
    assert all(column >= 1 for _, column, _ in found)


def test_misspelt_keys_get_a_suggestion(tmp_path):
    path = write(tmp_path, SIX)
    texts = {line: text for line, _, text in problems(check(path)[1], path)}
    assert "balance" in texts[6] and "api" in texts[13]


@pytest.mark.parametrize("text, line, word", [
    (GOOD.replace("endpoints:", "endpoints: ["), 5, "not YAML"),
    (GOOD + "routes: []\n", 9, "routes"),
    (GOOD.replace("127.0.0.1:3001", "${NOBODY_SET_THIS}"), 5, "NOBODY_SET_THIS"),
    (GOOD + "workers: many\n", 9, "workers"),
    (GOOD + "limits: { head_size: 32 parsecs }\n", 9, "head_size"),
    (GOOD + "origins:\n  app: { allow: ['*'], credentials: true }\n", 10, ""),
    (GOOD + "jwt:\n  main: { secret: short-but-not-too-short-for-hs256-really, algorithms: [none] }\n", 10, "none"),
    (GOOD + "jwt:\n  main: { keys: no-such-file.json, algorithms: [RS256] }\n", 10, "no-such-file.json"),
    (GOOD.replace('"127.0.0.1:0"', '"127.0.0.1:0"\n    tls: { certificate: no.pem, key: no.key }'), 3, "no.pem"),
], ids=["syntax", "duplicate key", "variable", "number", "size", "star with credentials", "alg none", "key file", "certificate"])
def test_mistake_is_found_where_it_is(tmp_path, text, line, word):
    path = write(tmp_path, text)
    code, lines = check(path)
    found = problems(lines, path)
    assert code == 1 and found, lines
    assert line in [at for at, _, _ in found] and any(word in sentence for _, _, sentence in found), lines


def test_variables_and_their_defaults_are_filled_in(tmp_path):
    path = write(tmp_path, GOOD.replace("127.0.0.1:3001", "${HOST:-127.0.0.1}:${PORT_OF_API}"))
    assert check(path, {"PORT_OF_API": "3001"})[0] == 0
    assert check(path, {"PORT_OF_API": "notaport"})[0] == 1


def test_secret_is_never_printed(tmp_path):
    path = write(tmp_path, GOOD + "jwt:\n  main: { secret: '${TOP_SECRET}', algorithms: [HS999] }\n")
    code, lines = check(path, {"TOP_SECRET": "swordfish"})
    assert code == 1 and not any("swordfish" in line for line in lines)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_unreadable_file_is_2(tmp_path, name):
    code, lines = check(tmp_path / name)
    assert code == 2 and lines


def test_run_refuses_what_check_refuses(tmp_path):
    path = write(tmp_path, SIX)
    done = subprocess.run([postern_binary(), "run", str(path)], capture_output=True, text=True, check=False, timeout=patience(20))
    assert done.returncode == 1
    assert [line for line, _, _ in problems((done.stdout + done.stderr).splitlines(), path)] == SIX_LINES
