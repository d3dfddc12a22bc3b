// A real EventSource (npm eventsource): prints CONNECTED when it is open first, and at the end, as JSON, the numbers that it
// got until it had been opened `opens` times and had `count` more.
// usage: event_source_client.mjs URL OPENS COUNT
import { EventSource } from "eventsource";

const [url, opens, count] = process.argv.slice(2);
const result = { opens: 0, errors: 0, numbers: [] };
let more = Number(count);

const source = new EventSource(url);
source.addEventListener("open", () => {
  result.opens += 1;
  if (result.opens === 1) console.log("LISTENING 1");
});
source.addEventListener("error", () => (result.errors += 1));
source.addEventListener("tick", (event) => {
  result.numbers.push(JSON.parse(event.data).number);
  if (result.opens < Number(opens) || --more > 0) return;
  source.close();
  console.log(`RESULT ${JSON.stringify(result)}`);
  process.exit(0);
});
