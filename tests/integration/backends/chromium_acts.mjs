// Opens pages in Debian's Chromium, each of which does one thing to the API. Prints one line of JSON: for each act
// the origin of its page, and whether the page could read the answer (null: it would not know).
// usage: chromium_acts.mjs '{"map": ["host address"…], "cookies": [{name,value,url}…],
//                            "acts": [{"page": URL, "does": "read|post|form|image|link|sandboxed", "url": URL}…]}'
import { inChromium } from "./chromium.mjs";

const task = JSON.parse(process.argv[2]);

// What a page does; each returns, or leads to, a request for the address. They run in the page.
const deeds = {
  read: (url) => fetch(url, { credentials: "include" }).then(() => true, () => false),
  post: (url) => fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body: "a=1" }).then(() => null, () => null),
  image: (url) =>
    new Promise((resolve) => {
      const image = new Image();
      image.onload = image.onerror = () => resolve(null);
      image.src = url;
    }),
  link: (url) => {
    const link = document.createElement("a");
    link.href = url;
    document.body.append(link);
    link.click();
  },
  form: (url) => {
    const form = document.createElement("form");
    form.method = "POST";
    form.action = url;
    document.body.append(form);
    form.submit();
  },
};

async function sandboxedFrame(page) {
  await page.evaluate(() => {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.srcdoc = "<p>sandboxed</p>";
    document.body.append(frame);
    return new Promise((resolve) => (frame.onload = resolve));
  });
  return page.frames()[1];
}

// What the browser keeps from a page counts as failed there, although an answer came.
function requestEnds(page, url) {
  const ours = { predicate: (request) => request.url() === url, timeout: 20000 };
  return Promise.any([page.waitForEvent("requestfinished", ours), page.waitForEvent("requestfailed", ours)]);
}

const results = [];
await inChromium(task, async (context) => {
  if (task.cookies) await context.addCookies(task.cookies);
  for (const { page: address, does, url } of task.acts) {
    const page = await context.newPage();
    await page.goto(address);
    const place = does === "sandboxed" ? await sandboxedFrame(page) : page;
    const origin = await place.evaluate(() => self.origin);
    const ended = requestEnds(page, url);
    const acting = place.evaluate(deeds[does === "sandboxed" ? "read" : does], url);
    const readable = (await acting.catch(() => null)) ?? null; // a page that is left cannot say
    await ended;
    results.push({ origin, readable });
    await page.close();
  }
});
console.log(JSON.stringify(results));
