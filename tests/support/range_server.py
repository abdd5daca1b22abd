#!/usr/bin/env python3
"""A web server for the download tests: range_server.py DIRECTORY LOG

Serves the files of DIRECTORY on 127.0.0.1 at a free port, which it prints, until its standard input
ends. Each request is a line of LOG: path, and the range that was asked for or "-". The first part
of a path says how the server behaves:

/plain/NAME      as it should, ranges too
/cut/NAME        promises everything and closes the connection after 700 bytes
/norange/NAME    knows no ranges
/status-N/NAME   answers N
/redirect/NAME   sends on to /plain/NAME
/loop/NAME       sends on to itself
/to-file/NAME    sends on to a file: URL
/endless/NAME    sends 4 MiB without saying how much it will be
/silent/NAME     closes the connection without an answer
"""

import http.server
import pathlib
import re
import sys
import threading

CUT_AFTER = 700
DIRECTORY, LOG = map(pathlib.Path, sys.argv[1:])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = self.headers.get("Range", "-")
        with LOG.open("a") as log:
            log.write(f"{self.path} {asked}\n")
        way, name = self.path.strip("/").split("/", 1)
        status = re.fullmatch(r"status-(\d+)", way)
        if status:
            self.answer(int(status[1]), b"an explanation that is no data\n")
        elif way in ("redirect", "loop", "to-file"):
            here = f"http://127.0.0.1:{self.server.server_port}"
            target = {"redirect": f"{here}/plain/{name}", "loop": self.path}
            self.send_response(302)
            self.send_header("Location", target.get(way, f"file://{DIRECTORY}/{name}"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif way == "endless":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            for _ in range(64):
                self.wfile.write(bytes(65536))
            self.close_connection = True
        elif way == "silent":
            self.close_connection = True
        else:
            self.send_file(way, name, asked)

    def send_file(self, way, name, asked):
        content = (DIRECTORY / name).read_bytes()
        span = re.fullmatch(r"bytes=(\d+)-", asked)
        start = int(span[1]) if span and way != "norange" else 0
        if start and start >= len(content):
            self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        headers = {}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        limit = CUT_AFTER if way == "cut" else len(content)
        self.answer(206 if start else 200, content[start:], headers, limit)

    def answer(self, status, body, headers={}, limit=None):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:limit])
        if limit is not None and limit < len(body):
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # clients may go away
            super().handle_error(request, client_address)


def main():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


main()
