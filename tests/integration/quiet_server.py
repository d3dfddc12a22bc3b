"""The server under those that play a part of somebody else's: a thread for each connection, and no word on stderr."""

import http.server


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):  # a client that leaves is no news
        pass
