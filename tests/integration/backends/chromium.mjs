// Debian's Chromium with a profile of its own, for as long as a function runs.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

// `map`: the addresses of names, "name address"; `executable`: Chromium's path.
export async function inChromium({ executable, map }, act) {
  const profile = mkdtempSync(join(tmpdir(), "postern-chromium-"));
  const rules = (map ?? []).map((pair) => `MAP ${pair}`).join(", ");
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executable ?? "/usr/bin/chromium",
    headless: true,
    ignoreHTTPSErrors: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(rules ? [`--host-resolver-rules=${rules}`] : []),
    ],
  });
  try {
    await act(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
