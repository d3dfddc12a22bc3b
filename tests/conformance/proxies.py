"""The proxies that the battery runs against: how each is configured and started.

All have the same routes: "/private" to one endpoint, "/tls" to one that speaks TLS, the rest to a third; HTTP/1.1 with
kept connections to endpoints, no second tries, a log where there is one. Everything else is each proxy's default.

In TRUSTING each stands behind a proxy that it believes, one that speaks TLS and tells the client and the scheme, and
does the rest as its manual has it: what came without TLS is redirected, text is compressed, a second endpoint is tried.
The endpoint is told in X-Real-IP whom the proxy takes for the client."""

import os
import socket
import subprocess
import time

import shared  # noqa: F401
from backends import free_port
from gateway import Gateway
from settings import patience, program


class NotInstalled(Exception):
    pass


# What the proxy in front of a trusting one sends along with everything.
TOLD = b"X-Forwarded-Proto: https\r\n"
# Times between two reads of an endpoint are 60 s by default, or in Debian's own file (50 s): a sixtieth of that here.
SILENCE = 1


class Postern:
    told = b""

    def __init__(self, directory, origins):
        self.gateway = Gateway(self.configure(origins), directory).start()
        self.port = self.gateway.port

    def configure(self, origins):
        def upstream(origin, **more):
            return {"endpoints": [origin.url], "retries": 0, "timeouts": {"response": "5s"}, **more}
        return {
            "workers": 1,
            "upstreams": {"public": upstream(origins["public"]), "private": upstream(origins["private"]),
                          "tls": upstream(origins["tls"], ca=origins["tls"].authority, server_name="localhost")},
            "routes": [{"name": "private", "match": {"path": "/private"}, "upstream": "private"},
                       {"name": "tls", "match": {"path": "/tls"}, "upstream": "tls"},
                       {"name": "public", "match": {"path": "/"}, "upstream": "public"}],
        }

    def stop(self):
        self.gateway.stop()


class TrustingPostern(Postern):
    told = TOLD

    def configure(self, origins):
        url = origins["public"].url
        return {
            "workers": 1,
            "trusted_proxies": ["127.0.0.1"],
            "listeners": [{"address": "127.0.0.1:0", "redirect": "https"},
                          {"address": "127.0.0.1:0", "tls": origins["tls"].leaf.as_config()}],
            "request_headers": {"set": {"X-Real-IP": "{client}"}},
            "compression": {"algorithms": ["gzip"]},
            "origins": {"elsewhere": {"allow": ["https://elsewhere.example"]}},
            "jwt": {"app": {"algorithms": ["HS256"], "secret": "of the tests of conformance, for nobody"}},
            "upstreams": {"public": {"endpoints": [url]},
                          "two": {"endpoints": [f"http://127.0.0.1:{free_port()}", url]},
                          "events": {"endpoints": [url], "timeouts": {"idle": f"{SILENCE}s"}}},
            "routes": [{"name": "token", "match": {"path": "/token"}, "upstream": "public", "jwt": "app"},
                       {"name": "listed", "match": {"path": "/listed"}, "upstream": "public", "origins": "elsewhere"},
                       {"name": "two", "match": {"path": "/two"}, "upstream": "two"},
                       {"name": "events", "match": {"path": "/events"}, "upstream": "events",
                        "limits": {"idle_timeout": f"{SILENCE}s"}},
                       {"name": "public", "match": {"path": "/"}, "upstream": "public"}],
        }


class Process:
    """A Debian program with a configuration file."""

    told = b""

    def __init__(self, name, directory, origins):
        path = program(name)
        if path is None:
            raise NotInstalled(name)
        self.port = free_port()
        config = os.path.join(directory, name + ".conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(self.configure(directory, origins))
        with open(os.path.join(directory, name + ".log"), "wb") as log:
            self.process = subprocess.Popen([path, *self.arguments(directory, config)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + patience(10)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{name} did not start; see {log.name}") from None
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Nginx(Process):
    PASS_ON = ("proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; "
               "proxy_set_header Connection $connection_upgrade; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; ")

    def __init__(self, directory, origins):
        super().__init__("nginx", directory, origins)

    def configure(self, directory, origins):
        pass_on = self.PASS_ON + "proxy_next_upstream off; proxy_read_timeout 5s;"
        upstreams = "".join(f"upstream {name} {{ server 127.0.0.1:{origin.port}; keepalive 8; }}\n"
                            for name, origin in origins.items())
        return self.file(directory, upstreams, f"""
    location /private {{ proxy_pass http://private; {pass_on} }}
    location /tls {{ proxy_pass https://tls; {pass_on} }}
    location / {{ proxy_pass http://public; {pass_on} }}
""")

    def file(self, directory, upstreams, server):
        temporary = " ".join(f"{kind}_temp_path {directory}/{kind};"
                             for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log crit;
{'user root;' if os.geteuid() == 0 else ''}
events {{ }}
http {{
  access_log off; {temporary}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  {upstreams}
  server {{
    listen 127.0.0.1:{self.port};
    {server}
  }}
}}
"""

    def arguments(self, directory, config):
        return ["-p", directory, "-c", config, "-e", os.path.join(directory, "error.log")]


class TrustingNginx(Nginx):
    told = TOLD

    def configure(self, directory, origins):
        public = f"127.0.0.1:{origins['public'].port}"
        pass_on = self.PASS_ON + "proxy_set_header X-Real-IP $remote_addr;"
        return self.file(directory, f"upstream two {{ server 127.0.0.1:{free_port()}; server {public}; }}", f"""
    set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; real_ip_recursive on;
    gzip on; gzip_types text/plain; port_in_redirect off;
    if ($http_x_forwarded_proto != https) {{ return 308 https://$host$request_uri; }}
    location /two {{ proxy_pass http://two; {pass_on} }}
    location /events {{ proxy_pass http://{public}; proxy_read_timeout {SILENCE}s; {pass_on} }}
    location / {{ proxy_pass http://{public}; {pass_on} }}
""")


class HAProxy(Process):
    def __init__(self, directory, origins):
        super().__init__("haproxy", directory, origins)

    def configure(self, _directory, origins):
        return self.file(f"""
  retries 0
  option forwardfor
frontend all
  bind 127.0.0.1:{self.port}
  use_backend private if {{ path /private }} or {{ path_beg /private/ }}
  use_backend tls if {{ path_beg /tls }}
  default_backend public
backend public
  http-reuse always
  server one 127.0.0.1:{origins['public'].port}
backend private
  http-reuse always
  server one 127.0.0.1:{origins['private'].port}
backend tls
  http-reuse always
  server one 127.0.0.1:{origins['tls'].port} ssl verify none
""")

    def file(self, rest):
        return f"""
global
  nbthread 1
  maxconn 200
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
  timeout tunnel 5s
{rest}"""

    def arguments(self, _directory, config):
        return ["-f", config, "-db"]


class TrustingHAProxy(HAProxy):
    told = TOLD

    def configure(self, _directory, origins):
        public = f"127.0.0.1:{origins['public'].port}"
        return self.file(f"""
  retries 3
  option redispatch
  option forwardfor if-none
frontend all
  bind 127.0.0.1:{self.port}
  acl trusted src 127.0.0.1
  http-request redirect scheme https code 308 unless {{ hdr(X-Forwarded-Proto) https }}
  http-request set-src hdr(X-Forwarded-For) if trusted {{ hdr(X-Forwarded-For) -m found }}
  http-request set-header X-Real-IP %[src]
  compression algo gzip
  compression type text/plain
  use_backend two if {{ path_beg /two }}
  use_backend events if {{ path_beg /events }}
  default_backend public
backend public
  server one {public}
backend two
  server gone 127.0.0.1:{free_port()}
  server one {public}
backend events
  timeout server {SILENCE}s
  server one {public}
""")


PROXIES = {"postern": Postern, "nginx": Nginx, "haproxy": HAProxy}
TRUSTING = {"postern": TrustingPostern, "nginx": TrustingNginx, "haproxy": TrustingHAProxy}
