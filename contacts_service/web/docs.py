"""The API document at `/openapi.json` and a page to try it at `/docs`.

All files come from this machine. The page's links are relative, so that it works behind any prefix.
"""

from pathlib import Path

import flask_swagger_ui
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    request,
    send_from_directory,
    url_for,
)

from contacts_service.auth.permissions import PUBLIC, requires
from contacts_service.errors import NotFoundError
from contacts_service.strict_json import Json, write_json
from contacts_service.web.openapi import Api, complete_document
from contacts_service.web.responses import JSON
from contacts_service.web.security_headers import PAGE_POLICY

PAGES = Path(__file__).parent / "pages"
SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
ASSETS = {
    "swagger-ui.css": SWAGGER_UI,
    "swagger-ui-bundle.js": SWAGGER_UI,
    "favicon-32x32.png": SWAGGER_UI,
    "docs.js": PAGES,
}

blueprint = Blueprint("docs", __name__)


def init_docs(app: Flask, api: Api) -> None:
    """Serve the document of `api`, which has all operations."""
    app.extensions["api_document"] = complete_document(api.spec)
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
@requires(PUBLIC)
def openapi_json() -> Response:
    document: Json = current_app.extensions["api_document"]
    servers = [{"url": request.script_root or "/"}]
    return Response(write_json({**document, "servers": servers}), content_type=JSON)


@blueprint.get("/")
@requires(PUBLIC)
def root() -> Response:
    """Lead to the page, whatever prefix the service stands behind."""
    return Response(status=302, headers={"Location": url_for(".docs_page")})


@blueprint.get("/docs")
@requires(PUBLIC)
def docs_page() -> Response:
    return _file(PAGES, "docs.html")


@blueprint.get("/docs/<name>")
@requires(PUBLIC)
def docs_asset(name: str) -> Response:
    if name not in ASSETS:
        raise NotFoundError("There is no such file.")
    return _file(ASSETS[name], name)


def _file(folder: Path, name: str) -> Response:
    response = send_from_directory(folder, name, conditional=False)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response
