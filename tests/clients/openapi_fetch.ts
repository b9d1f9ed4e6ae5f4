import createClient from "openapi-fetch";
import { type Client, server, tell, token } from "./story";
import type { paths } from "./made/openapi_typescript";

const api = createClient<paths>({
  baseUrl: server,
  headers: { Authorization: `Bearer ${token}` },
});

function data<T>(answer: { data?: { data: T }; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data.data;
}

const at = (contact_id: number) => ({ params: { path: { contact_id } } });

const client: Client = {
  quickCreate: async (email) => data(await api.POST("/api/v1/contacts/quick", { body: { email } })),
  get: async (id) => data(await api.GET("/api/v1/contacts/{contact_id}", at(id))),
  update: async (id, changes) =>
    data(
      await api.PUT("/api/v1/contacts/{contact_id}", {
        ...at(id),
        body: { custom_attributes_changes: changes },
      }),
    ),
  block: async (id) =>
    data(
      await api.PUT("/api/v1/contacts/{contact_id}/block", { ...at(id), body: { blocked: true } }),
    ),
  search: async (q) => data(await api.GET("/api/v1/contacts/search", { params: { query: { q } } })),
  list: async (filters) =>
    data(await api.GET("/api/v1/contacts", { params: { query: { filters } } })),
  walk: async () =>
    data(await api.GET("/api/v1/contacts", { params: { query: { cursor: "", page_size: 1 } } })),
  conversations: async (id) =>
    data(await api.GET("/api/v1/contacts/{contact_id}/conversations", at(id))).results,
  addNote: async (id, content) =>
    data(await api.POST("/api/v1/contacts/{contact_id}/notes", { ...at(id), body: { content } })).id,
  notes: async (id) => data(await api.GET("/api/v1/contacts/{contact_id}/notes", at(id))).results,
  deleteNote: async (contact_id, note_id) =>
    data(
      await api.DELETE("/api/v1/contacts/{contact_id}/notes/{note_id}", {
        params: { path: { contact_id, note_id } },
      }),
    ),
  define: async (key) =>
    data(
      await api.POST("/api/v1/custom-attributes", { body: { key, name: key, data_type: "text" } }),
    ).key,
  errorOfUnknownContact: async () => {
    const { error } = await api.GET("/api/v1/contacts/{contact_id}", at(999_999_999));
    return error!.data.type;
  },
};

await tell(client, "openapi_fetch");
