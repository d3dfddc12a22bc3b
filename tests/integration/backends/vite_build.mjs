// Builds a small single-page application with Vite into <folder>/dist. Prints one line of JSON.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

const root = process.argv[2];
mkdirSync(join(root, "src"), { recursive: true });
writeFileSync(
  join(root, "index.html"),
  '<!doctype html><title>app</title><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="/src/main.js"></script>',
);
writeFileSync(join(root, "src", "page.js"), 'export const title = (path) => "page " + path;\n');
writeFileSync(join(root, "src", "style.css"), "#app { color: rgb(1, 2, 3); }\n");
writeFileSync(
  join(root, "src", "main.js"),
  `import "./style.css";
const { title } = await import("./page.js");
const app = document.getElementById("app");
app.textContent = title(location.pathname);
console.log(app.textContent + " in " + getComputedStyle(app).color);
`,
);
await build({ root, configFile: false, logLevel: "error", build: { target: "esnext" } });
console.log(JSON.stringify({ dist: join(root, "dist"), assets: readdirSync(join(root, "dist", "assets")) }));
