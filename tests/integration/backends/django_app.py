"""Django Channels under daphne: an HTTP view, sessions with refresh cookies that rotate, and consumers behind the Origin
validator. Its argument is the secret that signs the access tokens. Prints LISTENING <port>."""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
import urllib.parse

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="integration tests only", ALLOWED_HOSTS=["localhost", "app.example.test"], ROOT_URLCONF=__name__,
    INSTALLED_APPS=["channels"], USE_TZ=True, LOGGING_CONFIG=None)
django.setup()

from channels.generic.websocket import WebsocketConsumer  # noqa: E402  (Django wants its settings first)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from daphne.server import Server  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path, re_path  # noqa: E402


def about(request):
    response = JsonResponse({"path": request.path, "query": request.GET.dict(), "host": request.get_host(),
                             "cookies": request.COOKIES, "method": request.method, "size": len(request.body),
                             "forwarded": request.headers.get("X-Forwarded-For")})
    response.set_cookie("refresh", "r1", path="/api/token/", httponly=True, samesite="Lax")
    return response


about.csrf_exempt = True

SECRET = sys.argv[1].encode("utf-8")
sessions = {}       # refresh cookie: user
used = set()        # refresh cookies that have been exchanged
refreshes = []      # the cookies with which the refresh endpoint was asked, in order


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def access_token(user, life):
    payload = {"iss": "chat", "user_id": user, "exp": int(time.time()) + life}
    signed = ".".join(base64url(json.dumps(part).encode("utf-8")) for part in ({"alg": "HS256", "typ": "JWT"}, payload))
    return f"{signed}.{base64url(hmac.new(SECRET, signed.encode('ascii'), hashlib.sha256).digest())}"


def user_of(token):
    """The user of a token that is valid now; None otherwise."""
    signed, _, signature = token.rpartition(".")
    if signature != base64url(hmac.new(SECRET, signed.encode("ascii"), hashlib.sha256).digest()):
        return None
    payload = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    return payload["user_id"] if payload["exp"] > time.time() else None


def with_session(user, life):
    """An answer with an access token and a new refresh cookie."""
    cookie = secrets.token_urlsafe(24)
    sessions[cookie] = user
    response = JsonResponse({"access": access_token(user, life)})
    response.set_cookie("refresh_token", cookie, path="/session/", httponly=True, samesite="Lax")
    return response


def login(request):
    return with_session(request.GET["user"], int(request.GET["life"]))


def refresh(request):
    """Takes each cookie once, and ends all sessions of the user when one comes a second time."""
    cookie = request.COOKIES.get("refresh_token", "")
    refreshes.append({"cookie": cookie, "origin": request.headers.get("Origin"), "host": request.get_host(),
                      "method": request.method})
    if cookie in used:
        sessions.clear()
    if request.method != "POST" or cookie not in sessions:
        return JsonResponse({"detail": "no session"}, status=401)
    used.add(cookie)
    time.sleep(0.2)  # long enough for the other handshakes of a page to come
    return with_session(sessions.pop(cookie), 300)


def seen(_):
    return JsonResponse({"refreshes": refreshes})


urlpatterns = [re_path(r"^api/.*$", about), path("session/login", login), path("session/refresh/", refresh),
               path("session/seen", seen)]


class Chat(WebsocketConsumer):
    def connect(self):
        offered = self.scope["subprotocols"]
        self.accept("chat" if "chat" in offered else None)

    def receive(self, text_data=None, bytes_data=None):
        if text_data == "close 4401":
            self.close(4401)
        else:
            self.send(text_data=text_data, bytes_data=bytes_data)


class Tokens(WebsocketConsumer):
    """Takes the token of the query, as middleware of Channels does, and says who has come with it."""
    def connect(self):
        query = dict(urllib.parse.parse_qsl(self.scope["query_string"].decode("ascii")))
        user = user_of(query.get("token", ""))
        if user is None:
            return self.close()
        self.accept()
        self.send(text_data=json.dumps({"user": user, "query": query}))


class Denied(WebsocketConsumer):
    def connect(self):
        self.close(4401)


application = ProtocolTypeRouter({
    "http": get_asgi_application(),
    "websocket": AllowedHostsOriginValidator(URLRouter([
        path("ws/chat/", Chat.as_asgi()), path("ws/denied/", Denied.as_asgi()), path("ws/tokens/", Tokens.as_asgi())])),
})


class AnnouncingServer(Server):
    def listen_success(self, port):
        super().listen_success(port)
        print(f"LISTENING {port.getHost().port}", flush=True)


if __name__ == "__main__":
    AnnouncingServer(application, endpoints=["tcp:port=0:interface=127.0.0.1"], signal_handlers=True).run()
