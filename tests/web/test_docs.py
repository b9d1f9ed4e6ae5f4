"""The page to try the API: whole, from this machine, behind any prefix."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.conftest import make_app


def test_the_page_and_all_it_needs_come_from_here(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(assets) == 4
    for asset in assets:
        assert re.match(r"docs/[\w.-]+$", asset), "relative, so that it works behind a prefix"
        assert client.get(f"/{asset}").status_code == 200


def test_nothing_runs_inline(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)
    assert not re.search(r"<script>|<style>|\bon\w+=|style=", page)


@pytest.mark.parametrize(("trusted", "server"), [("0", "/"), ("1", "/crm")])
def test_a_forwarded_prefix_counts_only_from_a_trusted_proxy(
    tmp_path: Path, trusted: str, server: str
) -> None:
    client = make_app(tmp_path, CONTACTS_TRUSTED_PROXIES=trusted).test_client()
    document = client.get("/openapi.json", headers={"X-Forwarded-Prefix": "/crm"}).get_json()
    assert document["servers"] == [{"url": server}]
