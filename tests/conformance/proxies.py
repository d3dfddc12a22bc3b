"""The proxies that the battery runs against: how each is configured and started.

All have the same routes: "/private" to one endpoint, "/tls" to one that speaks TLS, the rest to a third; HTTP/1.1 with
kept connections to endpoints, no second tries, a log where there is one. Everything else is each proxy's default."""

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


class Postern:
    def __init__(self, directory, origins):
        def upstream(origin, **more):
            return {"endpoints": [origin.url], "retries": 0, "timeouts": {"response": "5s"}, **more}
        self.gateway = Gateway({
            "workers": 1,
            "upstreams": {"public": upstream(origins["public"]), "private": upstream(origins["private"]),
                          "tls": upstream(origins["tls"], ca=origins["tls"].authority, server_name="localhost")},
            "routes": [{"name": "private", "match": {"path": "/private"}, "upstream": "private"},
                       {"name": "tls", "match": {"path": "/tls"}, "upstream": "tls"},
                       {"name": "public", "match": {"path": "/"}, "upstream": "public"}],
        }, directory).start()
        self.port = self.gateway.port

    def stop(self):
        self.gateway.stop()


class Process:
    """A Debian program with a configuration file."""

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
    def __init__(self, directory, origins):
        super().__init__("nginx", directory, origins)

    def configure(self, directory, origins):
        pass_on = ("proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; "
                   "proxy_set_header Connection $connection_upgrade; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; "
                   "proxy_next_upstream off; proxy_read_timeout 5s;")
        upstreams = "".join(f"upstream {name} {{ server 127.0.0.1:{origin.port}; keepalive 8; }}\n"
                            for name, origin in origins.items())
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
    location /private {{ proxy_pass http://private; {pass_on} }}
    location /tls {{ proxy_pass https://tls; {pass_on} }}
    location / {{ proxy_pass http://public; {pass_on} }}
  }}
}}
"""

    def arguments(self, directory, config):
        return ["-p", directory, "-c", config, "-e", os.path.join(directory, "error.log")]


class HAProxy(Process):
    def __init__(self, directory, origins):
        super().__init__("haproxy", directory, origins)

    def configure(self, _directory, origins):
        return f"""
global
  nbthread 1
  maxconn 200
defaults
  mode http
  retries 0
  option forwardfor
  timeout connect 5s
  timeout client 5s
  timeout server 5s
  timeout tunnel 5s
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
"""

    def arguments(self, _directory, config):
        return ["-f", config, "-db"]


PROXIES = {"postern": Postern, "nginx": Nginx, "haproxy": HAProxy}
