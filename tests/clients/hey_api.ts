import { client as http } from "./made/hey_api/client.gen";
import * as api from "./made/hey_api/sdk.gen";
import { type Client, server, tell, token } from "./story";

http.setConfig({ baseUrl: server, auth: () => token });

function data<T>(answer: { data?: { data: T }; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data.data;
}

const at = (contact_id: number) => ({ path: { contact_id } });

const client: Client = {
  quickCreate: async (email) => data(await api.quickCreateContact({ body: { email } })),
  get: async (id) => data(await api.getContact(at(id))),
  update: async (id, changes) =>
    data(await api.updateContact({ ...at(id), body: { custom_attributes_changes: changes } })),
  block: async (id) => data(await api.blockContact({ ...at(id), body: { blocked: true } })),
  search: async (q) => data(await api.searchContacts({ query: { q } })),
  list: async (filters) => data(await api.listContacts({ query: { filters } })),
  walk: async () => data(await api.listContacts({ query: { cursor: "", page_size: 1 } })),
  conversations: async (id) => data(await api.listConversationsOfContact(at(id))).results,
  addNote: async (id, content) => data(await api.createNote({ ...at(id), body: { content } })).id,
  notes: async (id) => data(await api.listNotes(at(id))).results,
  deleteNote: async (contact_id, note_id) =>
    data(await api.deleteNote({ path: { contact_id, note_id } })),
  define: async (key) =>
    data(await api.createDefinition({ body: { key, name: key, data_type: "text" } })).key,
  errorOfUnknownContact: async () => (await api.getContact(at(999_999_999))).error!.data.type,
};

await tell(client, "hey_api");
