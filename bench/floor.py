"""What Flask itself costs: a bare application that answers with the same bytes.

`python -m bench.floor PORT WORKERS THREADS FILE...` serves it by the server of this project; `app`
is for other servers. `/0` answers with the first file, and so on.
"""

import os
import sys
from pathlib import Path

from flask import Flask, Response

from contacts_service.server import listen, serve

FILES = "BENCH_FLOOR_FILES"


def create_app(files: list[str]) -> Flask:
    """No hooks, no log, no permissions: what a view costs that only answers."""
    app = Flask(__name__, static_folder=None)
    for number, file in enumerate(files):
        content = Path(file).read_bytes()

        def answer(content: bytes = content) -> Response:
            return Response(content, content_type="application/json")

        app.add_url_rule(f"/{number}", str(number), answer)
    return app


app = create_app(os.environ.get(FILES, "").split())

if __name__ == "__main__":
    port, workers, threads, *files = sys.argv[1:]
    listener = listen("127.0.0.1", int(port))
    serve(create_app(files), listener, workers=int(workers), threads=int(threads))
