"""What Flask itself costs: a bare application, `app`, that answers with the same bytes.

`/0` answers with the first of the files that BENCH_FLOOR_FILES names, and so on.
"""

import os
from pathlib import Path

from flask import Flask, Response

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
