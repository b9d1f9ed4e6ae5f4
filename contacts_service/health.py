"""`/health`: whether the database answers, for whoever watches the service."""

from flask import Blueprint, Flask, Response, g
from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.auth.permissions import PUBLIC, requires
from contacts_service.db.models import Contact
from contacts_service.db.queries import CompiledStatement
from contacts_service.db.session import classify_error, read_connection
from contacts_service.search.index import search_index

_ALL_TABLES = CompiledStatement(
    select(*(exists(select(*each.columns)) for each in Contact.metadata.sorted_tables))
)
SOME_TOKENS = [[["a"]], [["t"]]]  # of words, and of what is inside of them

blueprint = Blueprint("health", __name__)


def init_health(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/health")
@requires(PUBLIC)
def health() -> Response:
    """200 while every table and the search index can be read, else 503; the body is empty."""
    try:
        read_connection().row(_ALL_TABLES)
        reads = read_connection()
        search_index(reads).seen_by(reads).few(SOME_TOKENS, most=1)
    except SQLAlchemyError as error:
        g.unavailable = classify_error(error) or "unreachable"
        return Response(status=503, headers={"Retry-After": "1"})
    return Response(status=200)
