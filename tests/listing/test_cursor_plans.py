"""The database finds the rows after a cursor in an index, and sorts nothing."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection

from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.session import db
from tests.client import Api
from tests.databases import is_postgresql
from tests.directory import PEOPLE
from tests.listing.walks import LISTS, ORDERS, House, parts

Query = dict[str, Any]


def plans(api: Api, path: str, query: Query) -> list[tuple[str, str]]:
    """The statements that find the keys of a page, each with its plan."""
    app = api.client.application
    executed: list[tuple[str, Any]] = []

    def note(reads: ReadConnection, statement: CompiledStatement, values: Mapping[str, Any]) -> Any:
        text, given = statement.bind(reads.dialect, values)
        if "LIMIT" in text:
            executed.append((text, tuple(given)))
        return rows(reads, statement, values)

    rows = ReadConnection.rows
    with patch.object(ReadConnection, "rows", note):
        api.get(path, query_string=query)
    with app.app_context(), db.engine.connect() as connection:
        return [
            (statement, explain(connection, statement, values)) for statement, values in executed
        ]


def explain(connection: Connection, statement: str, values: Any) -> str:
    if is_postgresql():
        # With so few rows the planner would read the table.
        connection.exec_driver_sql(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
        )
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        return "\n".join(row[0] for row in rows)
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return "\n".join(row.detail for row in rows)


SORT = "Sort" if is_postgresql() else "USE TEMP B-TREE"


def cursors_on_the_way(api: Api, path: str, **query: Any) -> list[str]:
    """The cursor at the beginning and after every row."""
    return ["", *(str(p["next_cursor"]) for p in parts(api, path, 1, **query) if p["next_cursor"])]


@pytest.mark.parametrize(("order_by", "order"), ORDERS)
def test_parts_of_the_directory_are_found_in_an_index_without_sorting(
    house: House, order_by: str, order: str
) -> None:
    query = {"order_by": order_by, "order": order}
    cursors = cursors_on_the_way(house.api, "/contacts", **query)
    assert len(cursors) == len(PEOPLE)  # by email, the last stands after one who has none
    for cursor in cursors:
        found = plans(house.api, "/contacts", {**query, "cursor": cursor, "page_size": 2})
        assert found
        for statement, plan in found:
            assert SORT not in plan
            if (
                not is_postgresql()
                and cursor
                and (order_by == "email" or "IS NULL" not in statement)
            ):
                assert "SEARCH contacts USING" in plan  # else NULL is ruled out before any row
        if not is_postgresql() and cursor and order_by != "id":
            assert "=? AND id" in found[0][1]  # rows of an equal value are not gone through


@pytest.mark.parametrize("name", LISTS[2:])
def test_parts_of_other_lists_are_found_in_an_index_without_sorting(
    house: House, name: str
) -> None:
    path = house.paths[name]
    for cursor in cursors_on_the_way(house.api, path):
        found = plans(house.api, path, {"cursor": cursor, "page_size": 2})
        assert found
        assert not any(SORT in plan for _, plan in found)
