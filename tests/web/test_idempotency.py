"""`Idempotency-Key`: a repeated POST gets the first answer again and writes nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from contacts_service.db.models import IdempotencyRecord
from contacts_service.db.session import unit_of_work
from contacts_service.limits import MAIL_BODY
from tests.client import Api
from tests.threads import stored

QUICK = {"email": "linda@example.com", "first_name": "Linda"}
MESSAGE = {"channel": "chat", "from": {"identifier": "linda"}, "content": "Hello."}
LETTER = {"contact": QUICK, "channel": "email", "message": "Dear Linda."}
DEFINITION = {"key": "tier", "name": "Tier", "data_type": "text"}
CHANNEL = {"channel": "chat", "identifier": "lin"}
POSTS = {
    "/contacts": QUICK | {"email": "all@example.com"},
    "/contacts/quick": QUICK | {"email": "new@example.com"},
    "/contacts/{id}/notes": {"content": "Called."},
    "/contacts/{id}/channels": CHANNEL,
    "/conversations": LETTER,
    "/conversations/{uuid}/messages": {"message": "Hello."},
    "/inbound/messages": MESSAGE,
    "/custom-attributes": DEFINITION,
}


@pytest.fixture
def paths(api: Api) -> dict[str, str]:
    """What stands for the names in paths."""
    contact = api.post("/contacts/quick", QUICK)
    return {"id": str(contact["id"]), "uuid": api.post("/conversations", LETTER)["uuid"]}


def keyed(key: str = "k-1") -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": key}}


def test_every_post_is_here(app: Flask) -> None:
    routes = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    assert len(routes) == len(POSTS)


@pytest.mark.parametrize(("path", "body"), POSTS.items())
def test_a_repeat_gets_the_first_answer_and_writes_nothing(
    app: Flask, api: Api, paths: dict[str, str], path: str, body: Any
) -> None:
    path = path.format_map(paths)
    first = api.call("POST", path, 201, json=body, **keyed())
    before = stored(app)
    again = api.call("POST", path, 201, json=body, **keyed())
    assert again.data == first.data
    assert again.headers.get("ETag") == first.headers.get("ETag")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert stored(app) == before


@pytest.mark.parametrize(("path", "body"), POSTS.items())
def test_a_key_of_another_request_is_409_before_the_input_is_looked_at(
    api: Api, paths: dict[str, str], path: str, body: Any
) -> None:
    api.post("/contacts/quick", QUICK | {"email": "other@example.com"}, **keyed())
    for sent in (body, {"nonsense": 1}):
        error = api.post(path.format_map(paths), sent, 409, **keyed())
        assert error["type"] == "ConflictError"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/contacts/quick", {"email": "nobody"}, 400),
        ("/contacts/999999/notes", {"content": "Called."}, 404),
        ("/contacts/{id}/channels", {"channel": "email", "identifier": "taken@example.com"}, 409),
        ("/contacts/quick", {"email": "linda@example.com"}, 200),
    ],
)
def test_answers_below_500_are_kept(
    api: Api, paths: dict[str, str], path: str, body: Any, status: int
) -> None:
    api.post("/contacts/quick", {"email": "taken@example.com"})
    path = path.format_map(paths)
    first = api.call("POST", path, status, json=body, **keyed())
    again = api.call("POST", path, status, json=body, **keyed())
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")


def too_large(is_chunked: bool) -> dict[str, Any]:
    """A body that is over what any route takes, sent with the key."""
    body = BytesIO(b" " * (MAIL_BODY + 1))
    if not is_chunked:
        return {"input_stream": body, "content_length": MAIL_BODY + 1, **keyed()}
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return {"input_stream": body, "environ_overrides": chunked, **keyed()}


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_over_every_limit_is_refused_and_leaves_the_key_free(
    app: Flask, api: Api, is_chunked: bool
) -> None:
    before = stored(app)
    for _ in range(2):
        refused = api.call("POST", "/contacts/quick", 413, **too_large(is_chunked))
        assert "Idempotency-Replayed" not in refused.headers
    assert stored(app) == before
    api.post("/contacts/quick", QUICK, 201, **keyed())


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_over_every_limit_is_409_with_a_key_of_another_request(
    api: Api, is_chunked: bool
) -> None:
    api.call("POST", "/contacts/quick", 400, **keyed())
    api.call("POST", "/contacts/quick", 409, **too_large(is_chunked))


def test_a_defect_is_not_kept_and_leaves_nothing(
    app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(app)
    with monkeypatch.context() as broken:
        broken.setattr("contacts_service.search.index.tokens", None)
        api.post("/contacts/quick", QUICK, 500, **keyed())
    assert stored(app) == before
    api.post("/contacts/quick", QUICK, 201, **keyed())


def test_what_is_refused_leaves_nothing_half_written(app: Flask, api: Api) -> None:
    begin = LETTER | {"message_id": "<m1@x>"}
    api.post("/conversations", begin)
    before = stored(app)
    taken = begin | {"contact": {"email": "new@example.com"}}
    api.post("/conversations", taken, 409, **keyed())
    kept = stored(app)
    assert {name for name in before if before[name] != kept[name]} == {"kept_answers"}


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ä"])
def test_a_key_that_will_not_do_is_refused(api: Api, key: str) -> None:
    error = api.post("/contacts/quick", QUICK, 400, **keyed(key))
    assert list(error["errors"]["headers"]) == ["Idempotency-Key"]


@pytest.mark.parametrize("key", ["x", "!" * 255, '"8e03978e"'])
def test_any_visible_ascii_is_a_key(api: Api, key: str) -> None:
    api.post("/contacts/quick", QUICK, **keyed(key))
    api.post("/contacts/quick", QUICK, **keyed(key))


def test_agents_have_keys_of_their_own(
    client: FlaskClient, api: Api, make_key: Callable[..., str]
) -> None:
    api.post("/contacts/quick", QUICK, 201, **keyed())
    Api(client, make_key(agent="18")).post("/contacts/quick", QUICK, 200, **keyed())
    Api(client, make_key(agent="17")).post("/contacts/quick", QUICK, 201, **keyed())


def test_scope_is_asked_before_the_kept_answer(
    client: FlaskClient, api: Api, make_key: Callable[..., str]
) -> None:
    api.post("/contacts/quick", QUICK, 201, **keyed())
    Api(client, make_key("contacts:read")).post("/contacts/quick", QUICK, 403, **keyed())


def test_after_a_day_the_key_is_free(app: Flask, api: Api) -> None:
    api.post("/contacts/quick", QUICK, 201, **keyed())
    with app.app_context(), unit_of_work() as session:
        session.execute(update(IdempotencyRecord).values(created_at="2026-01-01T00:00:00.000000Z"))
    api.post("/contacts/quick", QUICK, 200, **keyed())


def test_other_methods_take_no_notice(api: Api) -> None:
    contact = api.post("/contacts/quick", QUICK, **keyed())
    for name in ("Lina", "Lena"):
        path = f"/contacts/{contact['id']}"
        assert api.put(path, {"first_name": name}, **keyed())["first_name"] == name


def test_simultaneous_repeats_write_once(app: Flask, api: Api) -> None:
    path = f"/contacts/{api.make_contact()['id']}/notes"

    def post(_: int) -> Any:
        with app.test_client() as client:
            return Api(client, api.token).post(path, {"content": "Called."}, 201, **keyed())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(16)))
    assert answers == answers[:1] * 16
    assert api.get(path)["total"] == 1
