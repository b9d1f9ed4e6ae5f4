// A real browser: a page of another origin calls the API where it may, and the page of the API
// sends the filters that are typed and remembers the key for its tab.
import assert from "node:assert/strict";
import puppeteer, { type Page } from "puppeteer-core";

const { ALLOWING, PAGE, REFUSING, TOKEN } = process.env as Record<string, string>;
const FILTERS = '[{"field":"email","operator":"set"}]';
const LIST = "#operations-contacts-list_contacts";

async function callFrom(page: Page, server: string): Promise<unknown> {
  return page.evaluate(
    async (server, token) => {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const body = JSON.stringify({ email: "browser@example.com" });
      try {
        const path = `${server}/api/v1/contacts`;
        const made = await fetch(`${path}/quick`, { method: "POST", headers, body });
        const tag = made.headers.get("ETag")!;
        const changed = await fetch(`${path}/${(await made.json()).data.id}`, {
          method: "PUT",
          headers: { ...headers, "If-Match": tag },
          body: JSON.stringify({ last_name: "Olsen" }),
        });
        return [made.status, changed.status];
      } catch (error) {
        return String(error);
      }
    },
    server,
    TOKEN,
  );
}

async function tryDocs(page: Page): Promise<void> {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${ALLOWING}/docs`, { waitUntil: "networkidle0" });
  await page.click(".btn.authorize");
  await page.type(".auth-container input", TOKEN);
  await page.click(".auth-btn-wrapper .authorize");
  await page.reload({ waitUntil: "networkidle0" });
  await page.click(`${LIST} .opblock-summary-control`);
  const box = await page.waitForSelector(`${LIST} input[placeholder=filters][type=text]`);
  await box!.type(FILTERS);
  await page.waitForFunction((box, text) => (box as HTMLInputElement).value === text, {}, box!, FILTERS);
  await new Promise((resolve) => setTimeout(resolve, 1000)); // the page takes what was typed later
  await page.evaluate((list) => {
    document.querySelector<HTMLElement>(`${list} .execute`)!.click();
  }, LIST);
  await page.waitForSelector(`${LIST} .live-responses-table .response-col_status`);
  const sent = asked.map((url) => new URL(url)).find((url) => url.searchParams.has("filters"));
  assert.equal(sent?.searchParams.get("filters"), FILTERS);
  const status = await page.$eval(
    `${LIST} .live-responses-table tbody .response-col_status`,
    (cell) => cell.textContent?.trim(),
  );
  assert.equal(status, "200", "the key was not remembered");
  const elsewhere = asked.filter((url) => !url.startsWith(ALLOWING) && !url.startsWith("data:"));
  assert.deepEqual(elsewhere, []);
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox"], // which Chromium refuses to do without for root
});
try {
  const page = await browser.newPage();
  await page.goto(PAGE);
  assert.deepEqual(await callFrom(page, ALLOWING), [201, 200]);
  assert.match(String(await callFrom(page, REFUSING)), /^TypeError: Failed to fetch/);
  await tryDocs(await browser.newPage());
} finally {
  await browser.close();
}
