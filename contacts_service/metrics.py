"""`/metrics`: the numbers of the service for Prometheus, where the settings turn it on."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Request, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.auth.permissions import PUBLIC, requires
from contacts_service.contacts import queries as directory
from contacts_service.db.session import read_connection
from contacts_service.search import rebuild as search_upkeep
from contacts_service.web.request_log import route_template

if TYPE_CHECKING:
    from contacts_service.counters import Counters, Gauge

EXTENSION = "counters"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

blueprint = Blueprint("metrics", __name__)


def init_metrics(app: Flask) -> None:
    """Count requests and show the numbers, if the settings say so; else there is no such route."""
    if not app.config["CONTACTS_METRICS"]:
        return
    from contacts_service.counters import Counters  # its library costs who does without nothing

    app.extensions[EXTENSION] = Counters()
    app.register_blueprint(blueprint)
    app.after_request(_count)


def _count(response: Response) -> Response:
    here = g._get_current_object()
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    counters: Counters = current_app.extensions[EXTENSION]
    route = route_template(asked.url_rule.rule) if asked.url_rule else None
    seconds = time.perf_counter() - here.began
    counters.count_request(asked.method, route, response.status_code, seconds)
    cause = here.get("unavailable")
    if cause is not None:
        counters.count_unavailable(cause)
    return response


@blueprint.get("/metrics")
@requires(PUBLIC)
def metrics() -> Response:
    """Prometheus' text format; what the database tells is left out while it does not answer."""
    counters: Counters = current_app.extensions[EXTENSION]
    return Response(counters.text(list(_gauges())), content_type=CONTENT_TYPE)


def _gauges() -> "Iterator[Gauge]":
    from contacts_service.counters import Gauge

    try:
        contacts = directory.count_contacts(read_connection())
        missing = search_upkeep.count_missing(read_connection())
    except SQLAlchemyError:
        yield Gauge("contacts_database_up", "Whether the database answers.", 0)
        return
    yield Gauge("contacts_database_up", "Whether the database answers.", 1)
    yield Gauge("contacts_in_directory", "Contacts that there are.", contacts)
    yield Gauge(
        "contacts_missing_in_search",
        f"Contacts that search does not know, of the {search_upkeep.SAMPLE} newest and as many in "
        "a row from a random one on.",
        missing,
    )
