"""A chat as people build it: Django hands out tokens, Django Channels takes them in the address of a WebSocket.

usage: chat_app.py SECRET LIFE_OF_AN_ACCESS_TOKEN_IN_SECONDS PATH_OF_THE_REFRESH_COOKIE; prints LISTENING <port>."""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.parse

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="integration tests only", ALLOWED_HOSTS=["localhost", "127.0.0.1"], ROOT_URLCONF=__name__,
    INSTALLED_APPS=["channels"], USE_TZ=True, LOGGING_CONFIG=None)
django.setup()

from channels.generic.websocket import WebsocketConsumer  # noqa: E402  (Django wants its settings first)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from daphne.server import Server  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

SECRET, LIFE, COOKIE_PATH = sys.argv[1].encode(), float(sys.argv[2]), sys.argv[3]
state = {"refresh": True, "refresh_calls": 0, "sockets": []}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signature(text):
    return hmac.new(SECRET, text.encode(), hashlib.sha256).digest()


def access_token(user, life=None):
    now = time.time()
    claims = {"token_type": "access", "exp": int(now + (LIFE if life is None else life)), "iat": int(now),
              "jti": os.urandom(8).hex(), "user_id": user}
    text = encode(b'{"alg":"HS256","typ":"JWT"}') + "." + encode(json.dumps(claims).encode())
    return text + "." + encode(signature(text))


def user_of(token):
    """The user of a valid token, as the middleware of such an application finds it; None for any other token."""
    try:
        head, claims, proof = token.split(".")
        if not hmac.compare_digest(decode(proof), signature(head + "." + claims)):
            return None
        claims = json.loads(decode(claims))
        return claims["user_id"] if claims["exp"] > time.time() else None
    except (ValueError, KeyError):
        return None


def login(request):
    user = request.GET.get("user", "ann")
    life = request.GET.get("life")
    response = JsonResponse({"access": access_token(user, None if life is None else float(life))})
    response.set_cookie("refresh", "refresh-of-" + user, path=COOKIE_PATH, httponly=True, samesite="Lax")
    return response


def refresh(request):
    state["refresh_calls"] += 1
    cookie = request.COOKIES.get("refresh", "")
    if request.method != "POST" or not state["refresh"] or not cookie.startswith("refresh-of-"):
        return JsonResponse({"detail": "Token is invalid or expired"}, status=401)
    return JsonResponse({"access": access_token(cookie[len("refresh-of-"):].split("~")[0])})


def control(request):
    if "refresh" in request.GET:
        state["refresh"] = request.GET["refresh"] == "on"
    return JsonResponse(state)


for view in (login, refresh, control):
    view.csrf_exempt = True
urlpatterns = [path("api/login/", login), path("api/token/refresh/", refresh), path("control/", control)]


class Chat(WebsocketConsumer):
    def connect(self):
        query = dict(urllib.parse.parse_qsl(self.scope["query_string"].decode()))
        self.user = user_of(query.get("token", ""))
        state["sockets"].append({"user": self.user, "thread": query.get("threadId")})
        if self.user is None:
            self.close()
        else:
            self.accept()

    def receive(self, text_data=None, bytes_data=None):
        self.send(json.dumps({"type": "message", "from": self.user, "text": text_data}))


application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": URLRouter([path("ws/chat/", Chat.as_asgi())])})


class AnnouncingServer(Server):
    def listen_success(self, port):
        super().listen_success(port)
        print(f"LISTENING {port.getHost().port}", flush=True)


if __name__ == "__main__":
    AnnouncingServer(application, endpoints=["tcp:port=0:interface=127.0.0.1"], signal_handlers=True).run()
