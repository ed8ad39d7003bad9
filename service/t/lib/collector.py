# A collector of OpenTelemetry, as far as a test needs one: takes what is posted to it over HTTP, and writes a line of JSON for
# each to a file: path, type, and body in hexadecimal digits. While a file "hold" lies beside that one, it takes and does not
# answer.
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, out = int(sys.argv[1]), sys.argv[2]


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        line = {"path": self.path, "type": self.headers["Content-Type"], "body": body.hex()}
        with open(out, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        while os.path.exists(os.path.join(os.path.dirname(out), "hold")):
            time.sleep(0.05)
        self.send_response(200)
        self.send_header("Content-Type", self.headers["Content-Type"])
        answer = b"{}" if "json" in self.headers["Content-Type"] else b""
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer(("127.0.0.1", port), Collector).serve_forever()
