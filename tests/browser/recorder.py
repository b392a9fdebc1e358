"""A listener between browser and daemon that passes all bytes on, and keeps those that the browser sent."""

import socket
import threading

CHUNK = 1 << 16


class Recorder:
    """Passes connections on to a port of this machine."""

    def __init__(self, port):
        self.port = port
        self.sent = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for end in self.sockets:
            end.close()

    def _accept(self):
        while True:
            try:
                browser, _ = self.listener.accept()
                daemon = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return  # closed
            self.sockets += [browser, daemon]
            threading.Thread(target=self._pass, args=(browser, daemon, self.sent), daemon=True).start()
            threading.Thread(target=self._pass, args=(daemon, browser), daemon=True).start()

    def _pass(self, source, sink, record=None):
        try:
            while chunk := source.recv(CHUNK):
                if record is not None:
                    record += chunk
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # either end is gone
