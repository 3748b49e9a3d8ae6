"""A line to a server that lets so many bytes come from it and no more, and that can be cut."""

import socket
import threading


class Line:
    def __init__(self, port):
        self.server = ("127.0.0.1", int(port))
        # Bytes that came from the server, and at most may; None: all.
        self.came = 0
        self.most = None
        self.ends = []
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def host(self):
        return "127.0.0.1:%d" % self.listener.getsockname()[1]

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.server)
            except OSError:
                return
            self.ends += [near, far]
            threading.Thread(target=self.pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(far, near, True), daemon=True).start()

    def pump(self, one, other, counts):
        try:
            while data := one.recv(1 << 16):
                if counts and self.most is not None and self.came + len(data) > self.most:
                    # It hangs, until it is cut.
                    return
                self.came += len(data) if counts else 0
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def cut(self):
        """What is connected breaks; who connects again has a line without a limit, counted anew."""
        ends, self.ends, self.most, self.came = self.ends, [], None, 0
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def close(self):
        self.listener.close()
        self.cut()
