"""What the parameters in paths are; their types follow from the routes' converters."""

from schemas.fields import UUID_EXAMPLE, UUID_FORMAT, about

PATH_PARAMETERS = {
    "contact_id": about("The id of the contact.", 42),
    "channel_id": about("The id of the channel.", 7),
    "note_id": about("The id of the note.", 3),
    "definition_id": about("The id of the definition.", 5),
    "reference_number": about("The number of the conversation for people.", 1024),
    "uuid": about("The id of the conversation.", UUID_EXAMPLE, **UUID_FORMAT),
}
