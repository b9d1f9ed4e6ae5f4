"""The caller that the tests are written with: every call carries the status it expects."""

import json
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from contacts_service.strict_json import write_json


class Api:
    """Calls below /api/v1 with one token; answers with what is in the envelope."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
        self.token = token

    def call(self, method: str, path: str, status: int = 200, **options: Any) -> TestResponse:
        """The whole response, once its status and its envelope are as they must be."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if "json" in options:  # Flask would sort the fields and escape all but ASCII
            options["data"] = write_json(options.pop("json"))
            options["content_type"] = "application/json"
        response = self.client.open(f"/api/v1{path}", method=method, headers=headers, **options)
        assert response.status_code == status, response.get_data(as_text=True)
        assert response.headers["X-Request-ID"]
        if method != "HEAD" and status != 304:
            assert set(response.get_json()) == {"data"}
        return response

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        return self.call("GET", path, status, **options).json["data"]

    def post(self, path: str, body: Any, status: int = 201, **options: Any) -> Any:
        return self.call("POST", path, status, json=body, **options).json["data"]

    def put(self, path: str, body: Any, status: int = 200, **options: Any) -> Any:
        return self.call("PUT", path, status, json=body, **options).json["data"]

    def delete(self, path: str, status: int = 200, **options: Any) -> Any:
        return self.call("DELETE", path, status, **options).json["data"]

    def make_contact(self, address: str = "linda@example.com", **fields: Any) -> dict[str, Any]:
        """A contact with these fields."""
        contact = self.post("/contacts/quick", {"email": address})
        return self.put(f"/contacts/{contact['id']}", fields) if fields else contact

    def filtered(self, filters: Any, status: int = 200) -> Any:
        """The answer to a list with `filters`, as JSON or as raw text."""
        text = filters if isinstance(filters, str) else json.dumps(filters)
        return self.get(f"/contacts?order=asc&order_by=id&filters={quote(text)}", status)
