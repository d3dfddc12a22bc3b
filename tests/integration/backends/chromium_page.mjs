// Opens a page in Debian's Chromium and lets it talk to the API, as a front end would. Prints one line of JSON.
// usage: chromium_page.mjs '{"page": URL, "map": ["host address"…], "cookies": [{name,value,url}…],
//                            "fetches": [{url, options}…], "sockets": [{url, protocols}…], "together": [url…],
//                            "waitForConsole": text}'
import { inChromium } from "./chromium.mjs";

const task = JSON.parse(process.argv[2]);
const result = { console: [], fetches: [], sockets: [] };
await inChromium(task, async (context) => {
  if (task.cookies) await context.addCookies(task.cookies);
  const page = await context.newPage();
  page.on("console", (message) => result.console.push({ type: message.type(), text: message.text() }));
  page.on("pageerror", (error) => result.console.push({ type: "pageerror", text: String(error) }));
  // Listening begins before the page does, or a quick message would be missed.
  const awaited = task.waitForConsole
    ? page.waitForEvent("console", { predicate: (message) => message.text() === task.waitForConsole, timeout: 20000 })
    : undefined;
  const answer = await page.goto(task.page, { waitUntil: "load" });
  result.page = answer.status();
  await awaited;

  for (const { url, options } of task.fetches ?? []) {
    result.fetches.push(
      await page.evaluate(
        async ([url, options]) => {
          try {
            const response = await fetch(url, options);
            return { status: response.status, body: await response.text(), exposed: [...response.headers.keys()] };
          } catch (error) {
            return { failed: String(error) };
          }
        },
        [url, options],
      ),
    );
  }

  for (const { url, protocols } of task.sockets ?? []) {
    result.sockets.push(
      await page.evaluate(
        ([url, protocols]) =>
          new Promise((resolve) => {
            const socket = new WebSocket(url, protocols ?? []);
            const seen = { messages: [] };
            socket.onopen = () => {
              seen.opened = true;
              seen.protocol = socket.protocol;
              socket.send("hello from the page");
            };
            socket.onmessage = (event) => {
              seen.messages.push(event.data);
              socket.close(1000, "seen");
            };
            socket.onerror = () => (seen.error = true);
            socket.onclose = (event) => resolve({ ...seen, code: event.code, reason: event.reason, clean: event.wasClean });
          }),
        [url, protocols],
      ),
    );
  }
  // All at once, as a page does that has several; the times are from there.
  if (task.together)
    result.together = await page.evaluate((urls) => {
      const began = performance.now();
      return Promise.all(
        urls.map(
          (url) =>
            new Promise((resolve) => {
              const socket = new WebSocket(url);
              const seen = { url };
              socket.onopen = () => {
                seen.opened_ms = performance.now() - began;
                socket.close(1000, "seen");
              };
              socket.onclose = (event) => resolve({ ...seen, code: event.code, closed_ms: performance.now() - began });
            }),
        ),
      );
    }, task.together);
});
console.log(JSON.stringify(result));
