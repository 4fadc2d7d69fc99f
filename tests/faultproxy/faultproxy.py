"""A TCP proxy that spoils connections: between a client and a server, or between Pintail and its upstream.

    with FaultProxy(port) as proxy:          forwards 127.0.0.1:proxy.port to 127.0.0.1:port
        proxy.down = cut_after(1000)         what happens to bytes of the server from now on
        proxy.accepting = "refuse"           "forward", "hang" (accept and say nothing), "refuse" (accept and close)
        proxy.cut()                          closes all connections

A rule is called with (bytes, bytes seen before) and returns the bytes to send; it may sleep, and raise Cut. One thread a
direction, which is enough for tests.
"""

import socket
import threading
import time


class Cut(Exception):
    """Close the connection; data is sent first."""

    def __init__(self, data=b""):
        super().__init__()
        self.data = data


def forward(data, _before):
    return data


def cut_after(count):
    """Closes after that many bytes, wherever that is in a packet."""
    def rule(data, before):
        if before + len(data) >= count:
            raise Cut(data[:max(0, count - before)])
        return data
    return rule


def corrupt_at(offset, value=0xff):
    def rule(data, before):
        at = offset - before
        if 0 <= at < len(data):
            data = data[:at] + bytes([data[at] ^ value]) + data[at + 1:]
        return data
    return rule


def duplicate(data, _before):
    return data + data


def delay(seconds):
    def rule(data, _before):
        time.sleep(seconds)
        return data
    return rule


def throttle(bytes_a_second):
    def rule(data, _before):
        time.sleep(len(data) / bytes_a_second)
        return data
    return rule


def stall(data, _before):
    """Sends nothing more; the connection stays."""
    return b""


def hang(until, what=b""):
    """Reads nothing more from who sends these bytes, until the event."""
    def rule(data, _before):
        if what in data:
            until.wait()
        return data
    return rule


class FaultProxy:
    """host, port: where it listens; port 0: any. buffer: bytes received ahead, where little is to be."""

    def __init__(self, target, host="127.0.0.1", port=0, buffer=0):
        self.target, self.accepting, self.accepted = target, "forward", 0
        self.up = self.down = forward
        self.listener = socket.create_server((host, port), backlog=512)
        if buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.port = self.listener.getsockname()[1]
        self.lock, self.sockets = threading.Lock(), set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.cut()

    def cut(self):
        with self.lock:
            for s in self.sockets:
                self._shut(s)
            self.sockets.clear()

    @staticmethod
    def _shut(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self.accepting == "refuse":
                client.close()
                continue
            with self.lock:
                self.sockets.add(client)
            if self.accepting == "forward":
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 10)
        except OSError:
            self._close(client)
            return
        server.settimeout(None)
        with self.lock:
            self.sockets.add(server)
        up = threading.Thread(target=self._pump, args=(client, server, "up"), daemon=True)
        up.start()
        self._pump(server, client, "down")
        up.join()
        for s in client, server:
            self._close(s)

    def _close(self, s):
        """A socket that is only shut goes on taking what is sent, and who sends waits when it is full. What has come is read
        first: closing would else reset the connection, and what was sent before might be lost."""
        with self.lock:
            self.sockets.discard(s)
        s.setblocking(False)
        try:
            while s.recv(65536):
                pass
        except OSError:
            pass
        s.close()

    def _pump(self, source, sink, direction):
        seen = 0
        try:
            while data := source.recv(65536):
                rule = getattr(self, direction)
                before, seen = seen, seen + len(data)
                sink.sendall(rule(data, before))
        except Cut as e:
            try:
                sink.sendall(e.data)
            except OSError:
                pass
        except OSError:
            pass
        self._shut(source)
        self._shut(sink)
