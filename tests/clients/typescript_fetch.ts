import {
  Configuration,
  type Contact,
  type ContactPage,
  ContactsApi,
  ConversationsApi,
  CustomAttributesApi,
  NotesApi,
  ResponseError,
} from "./made/typescript_fetch";
import { type Client, server, tell, token } from "./story";

const settings = new Configuration({ basePath: server, accessToken: token });
const contacts = new ContactsApi(settings);
const conversations = new ConversationsApi(settings);
const notes = new NotesApi(settings);
const definitions = new CustomAttributesApi(settings);

// This generator gives fields names of its own.
const plain = (one: Contact) => ({ ...one, custom_attributes: one.customAttributes });
const page = (one: ContactPage) => ({
  results: one.results.map(plain),
  total: one.total,
  next_cursor: one.nextCursor,
});

const client: Client = {
  quickCreate: async (email) =>
    plain((await contacts.quickCreateContact({ quickContact: { email } })).data),
  get: async (contactId) => plain((await contacts.getContact({ contactId })).data),
  update: async (contactId, changes) =>
    plain(
      (
        await contacts.updateContact({
          contactId,
          contactUpdate: { customAttributesChanges: changes },
        })
      ).data,
    ),
  block: async (contactId) =>
    plain((await contacts.blockContact({ contactId, block: { blocked: true } })).data),
  search: async (q) => (await contacts.searchContacts({ q })).data.map(plain),
  list: async (filters) => page((await contacts.listContacts({ filters })).data),
  walk: async () => page((await contacts.listContacts({ cursor: "", pageSize: 1 })).data),
  conversations: async (contactId) =>
    (await conversations.listConversationsOfContact({ contactId })).data.results,
  addNote: async (contactId, content) =>
    (await notes.createNote({ contactId, noteCreate: { content } })).data.id,
  notes: async (contactId) => (await notes.listNotes({ contactId })).data.results,
  deleteNote: async (contactId, noteId) =>
    (await notes.deleteNote({ contactId, noteId })).data,
  define: async (key) =>
    (
      await definitions.createDefinition({
        attributeDefinitionCreate: { key, name: key, dataType: "text" },
      })
    ).data.key,
  errorOfUnknownContact: async () => {
    try {
      await contacts.getContact({ contactId: 999_999_999 });
    } catch (error) {
      if (error instanceof ResponseError) return (await error.response.json()).data.type;
    }
    return "none";
  },
};

await tell(client, "typescript_fetch");
