"""The limits and the words of the API (docs/api.md), for schemas, services and documents alike."""

# Text, in characters after trimming.
NAME_LENGTH = 140
EMAIL_LENGTH = 254
PHONE_LENGTH = 32
IDENTIFIER_LENGTH = 254
SEARCH_LENGTH = 200
NOTE_LENGTH = 10_000
SUBJECT_LENGTH = 998
CONTENT_LENGTH = 1_000_000
MESSAGE_ID_LENGTH = 998
PREVIEW_LENGTH = 200  # of a conversation's last message in lists

# Bodies, in bytes.
JSON_BODY = 1 << 20
MESSAGE_BODY = 8 << 20  # JSON with a message in it
MAIL_BODY = 25 << 20  # a raw mail

# Incoming messages.
CC_COUNT = 100
REFERENCES_COUNT = 1000

# Lists and filters.
MAX_PAGE = 2**31 - 1
MAX_PAGE_SIZE = 100
PAGE_SIZE = 50
FILTER_LEAVES = 20
FILTER_DEPTH = 2
FILTER_VALUES = 100
ORDERS = ("id", "first_name", "last_name", "email", "created_at", "updated_at")

# Custom attributes and their definitions.
ATTRIBUTES_SIZE = 16 * 1024  # bytes of compact JSON
ATTRIBUTE_KEY_LENGTH = 64
ATTRIBUTE_PREFIX = "custom_attributes."
DEFINITION_KEY = "^[a-z0-9_]{1,64}$"
DATA_TYPES = ("text", "number", "checkbox", "date", "link", "list")
DESCRIPTION_LENGTH = 1000
REGEX_LENGTH = 500
HINT_LENGTH = 250
LIST_VALUES = 500
LIST_VALUE_LENGTH = 250

# Channels.
EMAIL, PHONE = "email", "phone"
CHANNEL_COUNT = 100  # of a contact to create
CHANNEL_PATTERN = r"^[a-z][a-z0-9_-]{0,31}$"

# Conversations and messages.
OPEN, SPAM, TRASHED = "Open", "Spam", "Trashed"
STATUSES = (OPEN, "Snoozed", "Resolved", "Closed", SPAM, TRASHED)
SENDER, PARTICIPANT = "sender", "participant"
INCOMING, OUTGOING = "incoming", "outgoing"
INBOX, SPAM_BUCKET = "inbox", "spam"
MAIL_TYPE = "message/rfc822"
