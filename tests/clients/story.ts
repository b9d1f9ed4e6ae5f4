// What each client of the API does: the calls of docs/api.md that every caller needs.
import assert from "node:assert/strict";

export const server = process.env.SERVER!;
export const token = process.env.TOKEN!;

export interface Contact {
  id: number;
  email: string | null;
  blocked: boolean;
  custom_attributes: Record<string, unknown>;
}

export interface Client {
  quickCreate(email: string): Promise<Contact>;
  get(id: number): Promise<Contact>;
  update(id: number, changes: Record<string, unknown>): Promise<Contact>;
  block(id: number): Promise<Contact>;
  search(q: string): Promise<Contact[]>;
  list(filters: string): Promise<{ results: Contact[]; total?: number }>;
  walk(): Promise<{ results: Contact[]; next_cursor?: string | null }>;
  conversations(id: number): Promise<unknown[]>;
  addNote(id: number, content: string): Promise<number>;
  notes(id: number): Promise<{ id: number; author: { name: string } }[]>;
  deleteNote(id: number, note: number): Promise<boolean>;
  define(key: string): Promise<string>;
  errorOfUnknownContact(): Promise<string>;
}

export async function tell(client: Client, name: string): Promise<void> {
  const email = `${name}@example.com`;
  const made = await client.quickCreate(email);
  assert.equal((await client.get(made.id)).email, email);
  const changed = await client.update(made.id, { tier: "gold" });
  assert.deepEqual(changed.custom_attributes, { tier: "gold" });
  assert.equal((await client.block(made.id)).blocked, true);
  assert.deepEqual((await client.search(email)).map((one) => one.id), [made.id]);
  const filters = JSON.stringify([{ field: "email", operator: "=", value: email }]);
  const found = await client.list(filters);
  assert.equal(found.total, 1);
  assert.equal(found.results[0].id, made.id);
  assert.equal(typeof (await client.walk()).next_cursor, "string");
  assert.deepEqual(await client.conversations(made.id), []);
  const note = await client.addNote(made.id, "Wants a call.");
  assert.deepEqual((await client.notes(made.id)).map((one) => one.id), [note]);
  assert.equal(await client.deleteNote(made.id, note), true);
  assert.equal(await client.define(name), name);
  assert.equal(await client.errorOfUnknownContact(), "NotFoundError");
}
