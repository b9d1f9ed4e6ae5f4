"""docs/search.md: what is typed finds whom the page says."""

import re
from urllib.parse import quote

import pytest

from tests.client import Api
from tests.docs.pages import FOLDER, table

FINDS = re.findall(r"^\| `(.+?)` \| (.+?) \|", table(FOLDER / "search.md", "finds"), re.M)


@pytest.mark.parametrize(("typed", "found"), FINDS)
def test_what_is_typed_finds_whom_the_page_says(api: Api, typed: str, found: str) -> None:
    api.make_contact("somebody@else.net", first_name="Somebody", last_name="Else")
    if "@" in found:
        contact = api.make_contact(found)
    elif found[-1].isdigit():
        contact = api.make_contact("nora@example.net", phone=found)
    else:
        first, _, last = found.rpartition(" ")
        contact = api.make_contact("nora@example.net", first_name=first, last_name=last)
    answer = api.get(f"/contacts/search?q={quote(typed)}")
    assert [each["id"] for each in answer] == [contact["id"]]
