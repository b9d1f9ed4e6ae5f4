"""Quick-create: one contact for an address, in any spelling."""

from tests.client import Api


def test_new_address_makes_a_contact_with_defaults(api: Api) -> None:
    contact = api.post("/contacts/quick", {"email": "linda@example.com"}, 201)
    assert (contact["first_name"], contact["last_name"], contact["phone"]) == ("", "", None)
    assert contact["created_at"] == contact["updated_at"]
    assert contact == api.get(f"/contacts/{contact['id']}")


def test_known_address_answers_with_its_contact_unchanged(api: Api) -> None:
    contact = api.make_contact("linda@example.com", first_name="Linda")
    body = {"email": " Linda@EXAMPLE.com ", "first_name": "Somebody"}
    assert api.post("/contacts/quick", body, 200) == contact
