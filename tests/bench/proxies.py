"""The proxies under test: how each is configured and started.

Settings are equal wherever they can be: one worker, keep-alive on both sides without a limit on requests, a
pool of 512 idle upstream connections, no access log, TLS 1.3 with an ECDSA P-256 certificate (the load offers
nothing but TLS_AES_128_GCM_SHA256 and X25519), X-Forwarded-For added, time limits of an hour.
"""
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Site:
    """What a configuration is written for: an own folder, the two ports to listen on, the upstream's port."""
    folder: Path
    plain_port: int
    tls_port: int
    backend_port: int
    certificate: Path   # PEM, certificate alone
    key: Path
    bundle: Path        # PEM, certificate and key
    keys: Path          # of tokens: a JWKS
    connections: int    # as many clients at once as any scenario has


def nginx(site):
    common = ('proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Host $http_host; '
              'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;')
    locations = f'''
    location / {{ {common} proxy_set_header Connection ""; }}
    location /ws {{ {common} proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
                    proxy_read_timeout 1h; proxy_send_timeout 1h; }}'''
    temporary = ' '.join(f'{kind}_temp_path {site.folder}/{kind};'
                         for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    # client_header_buffer_size: with the default of 1k a browser's request costs nginx one more read.
    (site.folder / 'nginx.conf').write_text(f'''
daemon off; worker_processes 1; worker_rlimit_nofile {2 * site.connections + 200};
pid {site.folder}/nginx.pid; error_log stderr crit; {'user root;' if os.geteuid() == 0 else ''}
events {{ worker_connections {2 * site.connections + 100}; use epoll; }}
http {{
  access_log off; {temporary}
  keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on;
  client_header_buffer_size 4k; large_client_header_buffers 4 16k;
  proxy_buffer_size 16k; proxy_buffers 16 32k; proxy_busy_buffers_size 64k; proxy_max_temp_file_size 0;
  ssl_certificate {site.certificate}; ssl_certificate_key {site.key}; ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_ecdh_curve X25519;
  upstream backend {{ server 127.0.0.1:{site.backend_port};
                      keepalive 512; keepalive_requests 1000000000; keepalive_timeout 1h; }}
  server {{ listen 127.0.0.1:{site.plain_port} backlog=4096; {locations} }}
  server {{ listen 127.0.0.1:{site.tls_port} ssl backlog=4096; {locations} }}
}}
''')
    return [find_program('nginx'), '-p', str(site.folder), '-c', 'nginx.conf', '-e', 'stderr']


def haproxy(site):
    (site.folder / 'haproxy.cfg').write_text(f'''
global
  nbthread 1
  maxconn {site.connections}
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-bind-curves X25519
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  option http-keep-alive
  option forwardfor
  http-reuse always
frontend both
  bind 127.0.0.1:{site.plain_port} backlog 4096
  bind 127.0.0.1:{site.tls_port} backlog 4096 ssl crt {site.bundle} alpn http/1.1
  default_backend one
backend one
  server only 127.0.0.1:{site.backend_port} pool-max-conn 512 pool-purge-delay 1h
''')
    return [find_program('haproxy'), '-f', str(site.folder / 'haproxy.cfg'), '-db']


def postern(site):
    return run_postern(site, postern_binary(), 'limits: { tunnel_idle_timeout: 1h, keepalive_timeout: 1h, '
                       'requests_per_connection: none, connections_per_client: none }',
                       RULES + auth_route(site) + JWT_ROUTE,
                       f'jwt: {{ bench: {{ keys: "{site.keys}", algorithms: [RS256] }} }}')


# What the scenarios ws64-walk, ws64-rules and idle-rules ask of Postern alone: the peers pass bytes.
RULES = '''
  - match: { path: /ws/walk }
    upstream: backend
    websocket:
      from_client: { messages: binary, message_size: 1MiB, fragments: 100, rate: 1000000/s }
      from_upstream: { message_size: 1MiB }
  - match: { path: /ws/rules }
    upstream: backend
    websocket:
      from_client: { messages: text, message_size: 1MiB, types: [tick, join] }
      from_upstream: { types: [tick] }
'''


def auth_route(site):
    """For the scenario auth. The server that is asked is the gateway itself: once in a minute it hardly counts."""
    return f'''
  - match: {{ path: /verdict }}
    respond: {{ status: 204, headers: {{ X-Auth-Request-User: alice }} }}
  - match: {{ path: /auth }}
    upstream: backend
    forward_auth:
      url: "http://127.0.0.1:{site.plain_port}/verdict"
      answer_headers: {{ X-Auth-Request-User: X-WEBAUTH-USER }}
      cache: 1m
'''


# For the scenarios jwt and jwt-new.
JWT_ROUTE = '  - { match: { path: /jwt }, upstream: backend, jwt: bench }'


def earlier_postern(binary):
    """The postern that was built from an earlier tree, which knows nothing of later keys."""
    known = subprocess.run([binary, 'reference'], capture_output=True, text=True, check=True).stdout
    limits = [f'{key}: none' for key in ('requests_per_connection', 'connections_per_client') if f' {key}:' in known]
    limits += ['tunnel_idle_timeout: 1h', 'keepalive_timeout: 1h']
    return lambda site: run_postern(site, binary, f'limits: {{ {", ".join(limits)} }}')


def run_postern(site, binary, limits, routes='', sections=''):
    (site.folder / 'postern.yaml').write_text(f'''
workers: 1
listeners:
  - address: "127.0.0.1:{site.plain_port}"
  - address: "127.0.0.1:{site.tls_port}"
    tls: {{ certificate: "{site.certificate}", key: "{site.key}" }}
upstreams:
  backend:
    endpoints: ["http://127.0.0.1:{site.backend_port}"]
    keepalive_connections: 512
    timeouts: {{ keepalive: 1h, idle: 1h }}
routes:
  - upstream: backend
{routes.strip(chr(10))}
log: {{ access: false, level: warn, output: stdout }}
{limits}
{sections}
''')
    return [str(binary), 'run', str(site.folder / 'postern.yaml')]


PROXIES = {'nginx': nginx, 'haproxy': haproxy, 'postern': postern}
BUILD = ROOT / 'build' / 'release'


def postern_binary():
    built = [path for path in (BUILD / 'postern', BUILD / 'gateway' / 'postern') if path.is_file()]
    return max(built, key=lambda path: path.stat().st_mtime, default=BUILD / 'postern')


def find_program(name):
    """The path of a Debian program; /usr/sbin is not on every user's PATH. None when it is not installed."""
    return shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/usr/local/sbin')
