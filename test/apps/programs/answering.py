"""What the Python apps share: each answers questions over HTTP on its own loopback, so that a test can ask for its state."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8000


def serve(questions):
    """`questions`: path -> function; its result is the answer, as JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            question = questions.get(self.path)
            body = json.dumps(question() if question else None).encode()
            self.send_response(200 if question else 404)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', PORT), Handler)
    print('ready', flush=True)
    server.serve_forever()
