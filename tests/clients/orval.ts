import * as api from "./made/orval";
import { type Client, server, tell, token } from "./story";

// The functions of orval ask for paths; a client of its own says where the server is.
const plain = globalThis.fetch;
globalThis.fetch = (path, options) => plain(new URL(String(path), server), options);

const auth = { headers: { Authorization: `Bearer ${token}` } };
const json = { headers: { ...auth.headers, "Content-Type": "application/json" } };

function data<T>(answer: { data: unknown; status: number }): T {
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.data));
  return (answer.data as { data: T }).data;
}

const client: Client = {
  quickCreate: async (email) => data<api.ContactDetail>(await api.quickCreateContact({ email }, json)),
  get: async (id) => data<api.ContactDetail>(await api.getContact(id, auth)),
  update: async (id, changes) =>
    data<api.ContactDetail>(await api.updateContact(id, { custom_attributes_changes: changes }, json)),
  block: async (id) => data<api.ContactDetail>(await api.blockContact(id, { blocked: true }, json)),
  search: async (q) => data<api.Contact[]>(await api.searchContacts({ q }, auth)),
  list: async (filters) => data<api.ContactPage>(await api.listContacts({ filters }, auth)),
  walk: async () =>
    data<api.ContactPage>(await api.listContacts({ cursor: "", page_size: 1 }, auth)),
  conversations: async (id) =>
    data<api.ConversationOfContactPage>(await api.listConversationsOfContact(id, undefined, auth)).results,
  addNote: async (id, content) => data<api.Note>(await api.createNote(id, { content }, json)).id,
  notes: async (id) => data<api.NotePage>(await api.listNotes(id, undefined, auth)).results,
  deleteNote: async (id, note) => data<boolean>(await api.deleteNote(id, note, auth)),
  define: async (key) =>
    data<api.AttributeDefinition>(await api.createDefinition({ key, name: key, data_type: "text" }, json)).key,
  errorOfUnknownContact: async () => {
    const answer = await api.getContact(999_999_999, auth);
    return answer.status === 404 ? answer.data.data.type : `status ${answer.status}`;
  },
};

await tell(client, "orval");
