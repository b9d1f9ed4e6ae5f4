"""Six generators make clients of the API document that compile and do their work on a service.

`story.ts` has what each client does. Needs Node.js, npm, Java and Chromium; installs the rest.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from contacts_service.factory import create_app
from tests.service import Service, free_port, served

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
NEEDED = ("node", "npm", "java", "chromium")
DOCUMENT = "openapi.json"
GENERATED = {  # commands, and the programs that use what they make
    "openapi_fetch": ("openapi-typescript openapi.json -o made/openapi_typescript.d.ts", "ts"),
    "hey_api": ("openapi-ts -i openapi.json -o made/hey_api", "ts"),
    "orval": ("orval --input openapi.json --output made/orval.ts --client fetch", "ts"),
    "typescript_fetch": (
        "openapi-generator-cli generate -i openapi.json -g typescript-fetch "
        "-o made/typescript_fetch",
        "ts",
    ),
    "python_client": (
        "openapi-python-client generate --path openapi.json --meta none "
        "--output-path made/openapi_python_client --config openapi_python_client.yml",
        "py",
    ),
    "python_generator": (
        "openapi-generator-cli generate -i openapi.json -g python -o . "
        "--package-name contacts_client",
        "py",
    ),
}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs, the generators and the document."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing and "CI" not in os.environ:
        pytest.skip(f"needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("clients") / "clients"
    shutil.copytree(HERE, folder)
    answer = create_app({}).test_client().get("/openapi.json")
    (folder / DOCUMENT).write_bytes(answer.data)
    run(folder, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock")
    run(folder, sys.executable, "-m", "venv", "python")
    run(folder, "pip", "install", "--quiet", "--requirement", "requirements.txt")
    return folder


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with served(tmp_path_factory.mktemp("service")) as service:
        for name in ("first", "second"):  # so that a list has more than one page of one
            service.call("POST", "/contacts/quick", {"email": f"{name}@example.com"})
        yield service


def run(folder: Path, *command: str | Path, **environ: str) -> str:
    path = f"{folder}/node_modules/.bin:{folder}/python/bin:{os.environ['PATH']}"
    words = [shutil.which(command[0], path=path) or command[0], *command[1:]]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, env=os.environ | environ | {"PATH": path}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", GENERATED)
def test_generated_client_does_its_work(name: str, workshop: Path, service: Service) -> None:
    command, kind = GENERATED[name]
    run(workshop, *command.split())
    if kind == "ts":
        run(workshop, "tsc", "--noEmit", "-p", settings_for(workshop, name))
    program = ("tsx", f"{name}.ts") if kind == "ts" else ("python", f"{name}.py")
    run(workshop, *program, SERVER=f"http://127.0.0.1:{service.port}", TOKEN=service.key)


def settings_for(workshop: Path, name: str) -> str:
    """The settings of the compiler for one program, since the others' clients may be missing."""
    settings = {"extends": "./tsconfig.json", "files": [f"{name}.ts"]}
    (workshop / f"tsconfig.{name}.json").write_text(json.dumps(settings))
    return f"tsconfig.{name}.json"


@pytest.mark.parametrize(
    "command", [f"spectral lint {DOCUMENT} -r spectral.yml", f"redocly lint {DOCUMENT}"]
)
def test_linter_finds_no_error(command: str, workshop: Path) -> None:
    run(workshop, *command.split())


def test_a_real_browser_calls_where_it_may(
    workshop: Path, service: Service, tmp_path: Path
) -> None:
    with served_files(tmp_path) as page, served(tmp_path, CONTACTS_CORS_ORIGINS=page) as allowing:
        run(workshop, "tsc", "--noEmit", "-p", settings_for(workshop, "browser"))
        run(
            workshop,
            "tsx",
            "browser.ts",
            ALLOWING=f"http://127.0.0.1:{allowing.port}",
            REFUSING=f"http://127.0.0.1:{service.port}",
            PAGE=page,
            TOKEN=allowing.key,
            CHROMIUM=shutil.which("chromium") or "",
        )


@contextmanager
def served_files(folder: Path) -> Iterator[str]:
    """An origin that has an empty page."""
    (folder / "index.html").write_text("<!doctype html><title>Elsewhere</title>")
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def wait_for_port(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError
