"""Further addresses that agents add to contacts and remove."""

from typing import Any

import pytest
from flask import Flask

from tests.client import Api
from tests.threads import LINDA, Answer, channels_of, find, receive, stored


@pytest.fixture
def linda(api: Api) -> Answer:
    return api.make_contact(LINDA)


@pytest.fixture
def path(linda: Answer) -> str:
    return f"/contacts/{linda['id']}"


def address(channel: str, identifier: str) -> dict[str, str]:
    return {"channel": channel, "identifier": identifier}


def tag(api: Api, path: str) -> str:
    return api.call("GET", path).headers["ETag"]


def test_added_channel_is_answered_with_the_contact(api: Api, linda: Answer, path: str) -> None:
    response = api.call("POST", f"{path}/channels", 201, json=address("chat", "u-1"))
    answer = response.json["data"]
    [channel] = answer["contact_channels"]
    assert answer == linda | {
        "contact_channels": [channel],
        "updated_at": answer["updated_at"],
    }
    assert channel == {
        "id": channel["id"],
        "channel": "chat",
        "identifier": "u-1",
        "created_at": channel["created_at"],
        "updated_at": channel["updated_at"],
    }
    assert answer["updated_at"] > linda["updated_at"]
    assert api.get(path) == answer
    assert response.headers["ETag"] == tag(api, path)


@pytest.mark.parametrize(
    ("channel", "typed", "kept"),
    [
        ("email", " Linda@Work.EXAMPLE ", "linda@work.example"),
        ("email", "jose\u0301@BÜCHER.example", "josé@bücher.example"),
        ("phone", " 0412 345 678 ", "0412 345 678"),
        ("phone", "(03) 9000-1234 x5", "(03) 9000-1234 x5"),
        ("chat", " U-1 ", "U-1"),
        ("chat", "e\u0301", "é"),
        ("chat", "x" * 254, "x" * 254),
        ("whats_app-2", LINDA, LINDA),
        ("x" * 32, "1", "1"),
    ],
)
def test_identifier_is_stored_normalised(
    api: Api, path: str, channel: str, typed: str, kept: str
) -> None:
    answer = api.post(f"{path}/channels", address(channel, typed))
    assert channels_of(answer) == [(channel, kept)]
    assert api.post(f"{path}/channels", address(channel, typed), 200) == answer


@pytest.mark.parametrize(
    ("channel", "identifier", "at"),
    [
        *((channel, "u", "channel") for channel in ("", "Chat", "1a", "a b", "é", "x" * 33)),
        ("chat\n", "u", "channel"),
        (None, "u", "channel"),
        (5, "u", "channel"),
        *(("chat", value, "identifier") for value in ("", " ", "a\nb", "\x00", "x" * 255, None, 5)),
        ("email", "linda", "identifier"),
        ("email", "a@" + "b" * 255 + ".example", "identifier"),
        ("phone", "linda", "identifier"),
        ("phone", "+", "identifier"),
        ("phone", "1" * 33, "identifier"),
    ],
)
def test_invalid_address_is_named(
    app: Flask, api: Api, path: str, channel: Any, identifier: Any, at: str
) -> None:
    before = stored(app)
    answer = api.post(f"{path}/channels", address(channel, identifier), 400)
    assert list(answer["errors"]["json"]) == [at]
    assert stored(app) == before


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"channel": "chat"}, "identifier"),
        ({"identifier": "u-1"}, "channel"),
        ({"channel": "chat", "identifier": "u-1", "id": 1}, "id"),
        ([], ""),
    ],
)
def test_missing_and_unknown_fields_are_named(api: Api, path: str, body: Any, at: str) -> None:
    assert list(api.post(f"{path}/channels", body, 400)["errors"]["json"]) == [at]


@pytest.mark.parametrize(
    ("channel", "identifier"),
    [("email", LINDA), ("email", LINDA.upper()), ("phone", "0412 345"), ("chat", "u-1")],
)
def test_address_of_the_contact_itself_answers_200(
    api: Api, path: str, channel: str, identifier: str
) -> None:
    api.put(path, {"phone": "0412 345"})
    contact = api.post(f"{path}/channels", address("chat", "u-1"))
    response = api.call("POST", f"{path}/channels", 200, json=address(channel, identifier))
    assert response.json["data"] == contact == api.get(path)
    assert response.headers["ETag"] == tag(api, path)


@pytest.mark.parametrize(
    ("channel", "identifier"),
    [
        ("email", "Zeb@Example.com"),
        ("email", "zeb@work.example"),
        ("chat", "u-1"),
        ("phone", "+61 3 9000 1234"),
    ],
)
def test_address_of_another_contact_is_a_conflict(
    app: Flask, api: Api, path: str, channel: str, identifier: str
) -> None:
    other = api.make_contact("zeb@example.com", first_name="Zebulon")
    for taken in (("email", "zeb@work.example"), ("chat", "u-1"), ("phone", "+61 3 9000 1234")):
        api.post(f"/contacts/{other['id']}/channels", address(*taken))
    before = stored(app)
    answer = api.post(f"{path}/channels", address(channel, identifier), 409)
    assert answer["type"] == "ConflictError"
    hints = ("Zebulon", "zeb@", identifier, str(other["id"]), "primary")
    assert not [hint for hint in hints if hint in answer["message"]]
    assert stored(app) == before


def test_address_of_a_channel_cannot_become_primary_elsewhere(api: Api, path: str) -> None:
    api.post(f"{path}/channels", address("email", "linda@work.example"))
    other = api.make_contact("other@example.com")
    api.put(f"/contacts/{other['id']}", {"email": "Linda@work.example"}, 409)
    found = api.post("/contacts/quick", {"email": "linda@work.example"}, 200)
    assert found == api.get(path)


def test_identifier_is_unique_within_its_channel_only(api: Api, path: str) -> None:
    other = api.make_contact("other@example.com")
    api.post(f"{path}/channels", address("chat", "u-1"))
    answer = api.post(f"/contacts/{other['id']}/channels", address("sms", "u-1"))
    assert channels_of(answer) == [("sms", "u-1")]
    api.post(f"/contacts/{other['id']}/channels", address("chat", "U-1"))  # case counts


def test_channels_are_shown_oldest_first(api: Api, path: str) -> None:
    added = [("sms", "3"), ("chat", "1"), ("email", "a@b.co")]
    for each in added:
        api.post(f"{path}/channels", address(*each))
    assert channels_of(api.get(path)) == added


def test_removed_channel_is_gone(api: Api, linda: Answer, path: str) -> None:
    api.post(f"{path}/channels", address("chat", "u-1"))
    contact = api.post(f"{path}/channels", address("chat", "u-2"))
    first, second = contact["contact_channels"]
    before = tag(api, path)
    assert api.delete(f"{path}/channels/{first['id']}") is True
    left = api.get(path)
    assert left == contact | {"contact_channels": [second], "updated_at": left["updated_at"]}
    assert left["updated_at"] > contact["updated_at"]
    assert tag(api, path) != before
    api.delete(f"{path}/channels/{first['id']}", 404)
    assert api.get(path) == left


def test_removed_address_is_free_again(api: Api, path: str) -> None:
    contact = api.post(f"{path}/channels", address("email", "linda@work.example"))
    api.delete(f"{path}/channels/{contact['contact_channels'][0]['id']}")
    answer = receive(api, "linda@work.example")
    assert answer["contact_created"] is True
    assert answer["contact"]["email"] == "linda@work.example"


def test_id_of_a_removed_channel_is_not_used_again(api: Api, path: str) -> None:
    ids = []
    for _ in range(2):
        [channel] = api.post(f"{path}/channels", address("chat", "u-1"))["contact_channels"]
        api.delete(f"{path}/channels/{channel['id']}")
        ids.append(channel["id"])
    assert ids[0] < ids[1]


def test_search_finds_a_channel_until_it_is_removed(api: Api, linda: Answer, path: str) -> None:
    addresses = {
        "linda@work.example": ("email", "linda@work.example"),
        "9000 1234": ("phone", "+61 3 9000 1234"),
        "gadget-7": ("chat", "gadget-7"),
    }
    for typed, added in addresses.items():
        assert find(api, typed) == []
        contact = api.post(f"{path}/channels", address(*added))
        assert find(api, typed) == [linda["id"]]
        api.delete(f"{path}/channels/{contact['contact_channels'][-1]['id']}")
        assert find(api, typed) == []
    assert find(api, LINDA) == [linda["id"]]


def test_every_change_of_channels_changes_the_etag(api: Api, path: str) -> None:
    tags = [tag(api, path)]
    for identifier in ("u-1", "u-2"):
        contact = api.post(f"{path}/channels", address("chat", identifier))
        tags.append(tag(api, path))
    for channel in contact["contact_channels"]:
        api.delete(f"{path}/channels/{channel['id']}")
        tags.append(tag(api, path))
    assert len(set(tags)) == len(tags)


def test_primary_address_cannot_be_removed(app: Flask, api: Api, linda: Answer, path: str) -> None:
    [[primary, *_]] = stored(app)["contact_channels"]
    api.delete(f"{path}/channels/{primary}", 404)
    assert api.get(path) == linda
    assert api.post("/contacts/quick", {"email": LINDA}, 200) == linda


def test_channel_of_another_contact_is_not_found(app: Flask, api: Api, path: str) -> None:
    other = api.make_contact("other@example.com")
    other = api.post(f"/contacts/{other['id']}/channels", address("chat", "u-1"))
    before = stored(app)
    api.delete(f"{path}/channels/{other['contact_channels'][0]['id']}", 404)
    assert stored(app) == before


@pytest.mark.parametrize("typed", ["0433 111 222", "0433111222", "(0433) 111-222"])
def test_channel_with_the_new_primary_phone_is_removed(api: Api, path: str, typed: str) -> None:
    api.post(f"{path}/channels", address("phone", "0433 111 222"))
    kept = api.post(f"{path}/channels", address("phone", "0499 999 999"))["contact_channels"][1:]
    answer = api.put(path, {"phone": typed})
    assert (answer["phone"], answer["contact_channels"]) == (typed, kept)
