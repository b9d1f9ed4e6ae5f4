"""If-Match on what changes a contact: only the state that the caller has seen is changed."""

from typing import Any

import pytest

from tests.client import Api

WRITES = [("", {"first_name": "Bob"}), ("/block", {"blocked": True})]


def tag_of(api: Api, path: str) -> str:
    return api.call("GET", path).headers["ETag"]


@pytest.mark.parametrize(("below", "body"), WRITES)
@pytest.mark.parametrize("header", ["{tag}", '"other", {tag}', '{tag} ,W/"other"', "*"])
def test_write_that_names_the_state_goes_through(
    api: Api, below: str, body: dict[str, Any], header: str
) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    headers = {"If-Match": header.format(tag=tag_of(api, path))}
    answer = api.put(path + below, body, headers=headers)
    assert answer == answer | body
    assert api.get(path) == answer


@pytest.mark.parametrize(("below", "body"), WRITES)
@pytest.mark.parametrize("header", ['"other"', "W/{tag}", '"other", W/{tag}', '"*"', '""'])
def test_write_that_names_another_state_changes_nothing(
    api: Api, below: str, body: dict[str, Any], header: str
) -> None:
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    headers = {"If-Match": header.format(tag=tag_of(api, path))}
    assert api.put(path + below, body, 412, headers=headers)["type"] == "PreconditionError"
    assert api.get(path) == contact


@pytest.mark.parametrize(("below", "body"), WRITES)
def test_second_write_with_one_tag_is_refused(api: Api, below: str, body: dict[str, Any]) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    headers = {"If-Match": tag_of(api, path)}
    answer = api.call("PUT", path + below, json=body, headers=headers)
    api.put(path, {"last_name": "Smith"}, 412, headers=headers)
    api.put(path, {"last_name": "Smith"}, headers={"If-Match": answer.headers["ETag"]})


def test_write_that_changes_nothing_still_needs_the_state(api: Api) -> None:
    contact = api.make_contact()
    path = f"/contacts/{contact['id']}"
    api.put(path, {}, 412, headers={"If-Match": '"other"'})
    assert api.put(path, {}, headers={"If-Match": tag_of(api, path)}) == contact


@pytest.mark.parametrize(("below", "body"), WRITES)
def test_input_is_judged_before_the_state(api: Api, below: str, body: dict[str, Any]) -> None:
    path = f"/contacts/{api.make_contact()['id']}"
    api.put(path + below, body | {"nonsense": 1}, 400, headers={"If-Match": '"other"'})


@pytest.mark.parametrize(("below", "body"), WRITES)
@pytest.mark.parametrize("header", ['"other"', "*"])
def test_missing_contact_is_not_found(
    api: Api, below: str, body: dict[str, Any], header: str
) -> None:
    answer = api.put(f"/contacts/999{below}", body, 404, headers={"If-Match": header})
    assert answer["type"] == "NotFoundError"
