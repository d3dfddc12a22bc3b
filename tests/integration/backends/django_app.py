"""Django Channels under daphne: an HTTP view and consumers behind the Origin validator. Prints LISTENING <port>."""

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
urlpatterns = [re_path(r"^api/.*$", about)]


class Chat(WebsocketConsumer):
    def connect(self):
        offered = self.scope["subprotocols"]
        self.accept("chat" if "chat" in offered else None)

    def receive(self, text_data=None, bytes_data=None):
        if text_data == "close 4401":
            self.close(4401)
        else:
            self.send(text_data=text_data, bytes_data=bytes_data)


class Denied(WebsocketConsumer):
    def connect(self):
        self.close(4401)


application = ProtocolTypeRouter({
    "http": get_asgi_application(),
    "websocket": AllowedHostsOriginValidator(URLRouter([
        path("ws/chat/", Chat.as_asgi()), path("ws/denied/", Denied.as_asgi())])),
})


class AnnouncingServer(Server):
    def listen_success(self, port):
        super().listen_success(port)
        print(f"LISTENING {port.getHost().port}", flush=True)


if __name__ == "__main__":
    AnnouncingServer(application, endpoints=["tcp:port=0:interface=127.0.0.1"], signal_handlers=True).run()
