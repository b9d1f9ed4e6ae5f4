"""The pages of the documentation: their tables, and their examples, run as if they were pasted."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from contacts_service.config import PROJECT_FOLDER
from tests.conftest import make_app

README = PROJECT_FOLDER / "README.md"
FOLDER = PROJECT_FOLDER / "docs"
PAGES = sorted([*PROJECT_FOLDER.glob("*.md"), *FOLDER.glob("*.md")])
ADDRESS = "127.0.0.1:9000"

# A block of shell lines, and what the page says of its answer.
EXAMPLE = re.compile(
    r"^```sh\n(?P<script>.*?)^```\n"
    r"(?:\nAnswers `(?P<status>\d+)`(?::\n\n```json\n(?P<body>.*?)```)?)?",
    re.MULTILINE | re.DOTALL,
)
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Example:
    """Lines to paste; `status` and `body` are what the page says that the last call answers."""

    script: str
    status: str | None
    body: str | None


@dataclass(frozen=True)
class Answer:
    """What was printed, and the status of each call."""

    text: str
    statuses: list[str]


def examples(page: Path) -> list[Example]:
    return [Example(**match.groupdict()) for match in EXAMPLE.finditer(page.read_text())]


def table(page: Path, name: str) -> str:
    """What stands between <!-- name --> and <!-- /name -->."""
    return page.read_text().split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0]


def written_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |\n" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head) + "\n")
    return "".join(lines)


class QuietHandler(WSGIRequestHandler):
    """Leaves the log to the application."""

    def log(self, *_: Any) -> None:
        pass


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """The address at which the application answers meanwhile."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


def make_local_key(app: Flask) -> str:
    """A key such as `make run` makes."""
    words = ["keys", "create", "--agent", "local", "--name", "Local developer", "--all-scopes"]
    return app.test_cli_runner().invoke(args=words).output.strip()


def run(scripts: Sequence[str], app: Flask, folder: Path) -> list[Answer]:
    """Paste each script into one shell, in a folder where the service was started."""
    (folder / "instance").mkdir()
    (folder / "instance" / "local-key").write_text(make_local_key(app))
    (folder / ".curlrc").write_text('silent\nwrite-out = "%{stderr}%{http_code}\\n"\n')
    with listening(app) as address:
        pasted = [
            f"{{\n{script}\n}} > {number}.out 2> {number}.err\n"
            for number, script in enumerate(scripts)
        ]
        subprocess.run(
            ["bash", "-c", "".join(pasted).replace(ADDRESS, address)],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "CURL_HOME": str(folder)},
            check=False,
            timeout=60,
        )
    return [
        Answer(
            (folder / f"{number}.out").read_text(), (folder / f"{number}.err").read_text().split()
        )
        for number in range(len(scripts))
    ]


def new_app(folder: Path, **settings: str) -> Flask:
    """An application over an empty directory of its own, in which ids begin at 1."""
    (folder / "database").mkdir()
    return make_app(folder / "database", **settings)


def is_alike(shown: Any, answered: Any) -> bool:
    """Whether an answer is as shown: its keys in their order, its values but times and uuids."""
    if isinstance(shown, dict):
        return (
            isinstance(answered, dict)
            and list(shown) == list(answered)
            and all(is_alike(shown[key], answered[key]) for key in shown)
        )
    if isinstance(shown, list):
        return (
            isinstance(answered, list)
            and len(shown) == len(answered)
            and all(map(is_alike, shown, answered))
        )
    for made in (TIME, UUID):
        if isinstance(shown, str) and re.fullmatch(made, shown):
            return isinstance(answered, str) and bool(re.fullmatch(made, answered))
    return shown == answered or (shown == "…" and isinstance(answered, str))
