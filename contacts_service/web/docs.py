"""The API document and the page to try it, served whole from this machine.

The page finds the document and its assets relative to itself, so that it works behind any prefix.
"""

from pathlib import Path

import flask_swagger_ui
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    jsonify,
    request,
    send_from_directory,
)

from contacts_service.auth.permissions import PUBLIC, requires
from contacts_service.errors import NotFoundError
from contacts_service.web.openapi import Api

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
    """Serve the document of `api`, complete by the time of the first request."""
    app.extensions["api_document"] = api.spec
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
@requires(PUBLIC)
def openapi_json() -> Response:
    document = current_app.extensions["api_document"].to_dict()
    return jsonify(document | {"servers": [{"url": request.script_root or "/"}]})


@blueprint.get("/docs")
@requires(PUBLIC)
def docs_page() -> Response:
    return send_from_directory(PAGES, "docs.html", conditional=False)


@blueprint.get("/docs/<name>")
@requires(PUBLIC)
def docs_asset(name: str) -> Response:
    if name not in ASSETS:
        raise NotFoundError("There is no such file.")
    return send_from_directory(ASSETS[name], name, conditional=False)
