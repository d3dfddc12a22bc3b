// A Vite development server for a small page in the given (empty) folder. Prints LISTENING <port>.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "vite";

const root = process.argv[2];
writeFileSync(join(root, "index.html"), '<!doctype html><title>app</title><script type="module" src="/main.js"></script>');
writeFileSync(join(root, "main.js"), 'import.meta.hot?.accept();\nexport const answer = 42;\n');

const server = await createServer({
  root,
  configFile: false,
  logLevel: "error",
  clearScreen: false,
  cacheDir: join(root, ".cache"),
  server: { host: "127.0.0.1", port: 41000 + (process.pid % 20000), strictPort: false },
});
await server.listen();
console.log(`LISTENING ${server.httpServer.address().port}`);
process.on("SIGTERM", () => server.close().finally(() => process.exit(0)));
