"""`/health` for whoever watches the service, and `/metrics` for Prometheus where it is turned on.

Several workers count together by prometheus_client's multiprocess mode: in files in the folder that
PROMETHEUS_MULTIPROC_DIR names, which has to be set before this module is imported.
"""

import logging
import os
import time
from collections.abc import Iterator
from http import HTTPMethod
from typing import Any, get_args

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.auth.permissions import PUBLIC, requires
from contacts_service.contacts import queries as directory
from contacts_service.db.backend import Cause
from contacts_service.db.models import Contact
from contacts_service.db.queries import CompiledStatement, driver_errors
from contacts_service.db.session import (
    backend,
    classify_error,
    describe_error,
    read_connection,
)
from contacts_service.search.index import SAMPLE, count_missing, search_index
from contacts_service.web.openapi import VERSION
from contacts_service.web.request_log import route_template

logger = logging.getLogger(__name__)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
EXTENSION = "metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER_METHODS = "other"
NO_ROUTE = "none"
REASONS = get_args(Cause)
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds

_ALL_TABLES = CompiledStatement(
    select(*(exists(select(*each.columns)) for each in Contact.metadata.sorted_tables))
)
SOME_TOKENS = [[["a"]], [["t"]]]  # of words, and of what is inside of them

health_blueprint = Blueprint("health", __name__)
metrics_blueprint = Blueprint("metrics", __name__)

disable_created_metrics()  # type: ignore[no-untyped-call]


def init_monitoring(app: Flask) -> None:
    """Offer `/health`, and count requests for `/metrics` where the settings say so."""
    app.register_blueprint(health_blueprint)
    if app.config["CONTACTS_METRICS"]:
        app.extensions[EXTENSION] = Metrics()
        app.register_blueprint(metrics_blueprint)
        app.after_request(_count)


@health_blueprint.get("/health")
@requires(PUBLIC)
def health() -> Response:
    """200 while every table and the search index can be read, else 503; the body is empty."""
    try:
        reads = read_connection()
        reads.row(_ALL_TABLES)
        search_index(reads).ids_up_to(reads, SOME_TOKENS, limit=1)
    except SQLAlchemyError as error:
        g.unavailable = classify_error(error) or "unreachable"
        logger.error("The database is unavailable: %s", describe_error(error))
        return Response(status=503, headers={"Retry-After": "1"})
    return Response(status=200)


class Metrics:
    """What an application counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "contacts_requests_total",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "contacts_request_duration_seconds",
            "From the moment at which a thread takes a request to its answer being ready.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.unavailable = Counter(
            "contacts_database_unavailable_total",
            "Requests that were answered with 503 because of the database.",
            ("reason",),
            registry=self.registry,
        )
        Gauge(
            "contacts_build_info",
            "The version of the service; always 1.",
            ("version",),
            registry=self.registry,
            multiprocess_mode="max",
        ).labels(VERSION).set(1)
        Gauge(
            "contacts_start_time_seconds",
            "When the first of the workers started, in seconds since 1970.",
            registry=self.registry,
            multiprocess_mode="min",
        ).set_to_current_time()
        for reason in REASONS:  # a rate is seen only from a number that was there before
            self.unavailable.labels(reason)

    def text(self) -> bytes:
        """The counts of all workers, and what the database tells at this moment."""
        shown: Any = self.registry
        if FOLDER in os.environ:
            shown = CollectorRegistry()
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        gauges = CollectorRegistry()
        gauges.register(_Gauges())
        return generate_latest(shown) + generate_latest(gauges)


def _count(response: Response) -> Response:
    metrics: Metrics = current_app.extensions[EXTENSION]
    method = request.method if request.method in HTTPMethod.__members__ else OTHER_METHODS
    route = route_template(request.url_rule.rule) if request.url_rule else NO_ROUTE
    metrics.requests.labels(method, route, response.status_code).inc()
    metrics.seconds.labels(route).observe(time.perf_counter() - g.began)
    if cause := g.get("unavailable"):
        metrics.unavailable.labels(cause).inc()
    return response


@metrics_blueprint.get("/metrics")
@requires(PUBLIC)
def metrics() -> Response:
    """Prometheus' text format; what the database tells is left out while it does not answer."""
    counted: Metrics = current_app.extensions[EXTENSION]
    return Response(counted.text(), content_type=CONTENT_TYPE)


class _Gauges(Collector):
    def collect(self) -> Iterator[Metric]:
        try:
            reads = read_connection()
            contacts = directory.count_contacts(reads)
            missing = count_missing(reads)
            with driver_errors:
                size, log_size = backend().sizes(reads.driver)
        except SQLAlchemyError:
            yield GaugeMetricFamily("contacts_database_up", "Whether the database answers.", 0)
            return
        yield GaugeMetricFamily("contacts_database_up", "Whether the database answers.", 1)
        yield GaugeMetricFamily("contacts_in_directory", "Contacts that there are.", contacts)
        yield GaugeMetricFamily(
            "contacts_missing_in_search",
            f"Contacts that search does not know, of the {SAMPLE} newest and of {SAMPLE} that "
            "follow a random one.",
            missing,
        )
        yield GaugeMetricFamily("contacts_database_bytes", "The size of the database.", size)
        if log_size is not None:
            yield GaugeMetricFamily(
                "contacts_wal_bytes", "The size of SQLite's write-ahead log.", log_size
            )
