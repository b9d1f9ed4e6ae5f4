"""The principal of a request, and the scopes that a token may carry."""

from dataclasses import dataclass

SCOPES = {
    "contacts:read_all": "List the directory.",
    "contacts:read": "Read and search contacts and their conversations.",
    "contacts:write": "Create and change contacts.",
    "contacts:block": "Block and unblock contacts.",
    "contact_notes:read": "Read the notes on contacts.",
    "contact_notes:write": "Write notes on contacts.",
    "contact_notes:delete": "Delete anybody's notes.",
    "conversations:read": "Read single conversations, with the contacts in them.",
    "conversations:read_all": "List all conversations, and the Spam bucket.",
    "conversations:write": "Begin conversations.",
    "conversations:update_status": "Change the status of conversations, and whom they are with.",
    "messages:read": "Read the messages of conversations.",
    "messages:write": "Record outgoing messages.",
    "messages:write_as_contact": "Hand over incoming messages.",
    "custom_attributes:manage": "Define custom attributes.",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """The agent behind a token. `agent_id` is text, even where the token has a number."""

    agent_id: str
    agent_name: str
    scopes: frozenset[str]
    expires_at: str | None = None  # in the stored form; None without an end
