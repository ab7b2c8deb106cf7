// Builds what the pages load into ../static: one style sheet, htmx, uPlot and our own scripts, without a single address
// of another host. `make console-assets` runs it; nothing of this is needed to install or to serve.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";

const out = new URL("../static/", import.meta.url);
const here = (path) => new URL(path, import.meta.url);
mkdirSync(out, { recursive: true });

// Licences are told in LICENSES.txt; their comments name hosts.
const withoutComments = (text) => text.replace(/\/\*![\s\S]*?\*\/\s*/g, "").replace(/^\/\*[\s\S]*?\*\/\s*/, "");
const read = (path) => withoutComments(readFileSync(here(path), "utf8"));
const write = (name, text) => writeFileSync(new URL(name, out), text.endsWith("\n") ? text : text + "\n");

const built = here("console.built.css").pathname;
execFileSync(
  here("node_modules/.bin/tailwindcss").pathname,
  ["--input", here("console.css").pathname, "--output", built, "--minify"],
  { cwd: here(".").pathname, stdio: ["ignore", "ignore", "inherit"] },
);
write("console.css", withoutComments(readFileSync(built, "utf8")));
write("htmx.js", read("node_modules/htmx.org/dist/htmx.min.js"));
write("uplot.js", read("node_modules/uplot/dist/uPlot.iife.min.js"));
copyFileSync(here("sun.svg"), new URL("sun.svg", out));
buildSync({
  entryPoints: { console: "console.js", street: "street.js", playground: "playground/main.js" },
  absWorkingDir: here(".").pathname,
  outdir: out.pathname,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
});

const licences = ["htmx.org", "uplot", "tailwindcss", "daisyui"].map((name) => {
  const { version, license } = JSON.parse(readFileSync(here(`node_modules/${name}/package.json`), "utf8"));
  const text = readFileSync(here(`node_modules/${name}/LICENSE`), "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
write("LICENSES.txt", licences.join("\n----\n\n"));

// What it was built from, by its hash: a test notices sources that were changed and not built.
const sources = ["", "playground/"].flatMap((folder) =>
  readdirSync(here(`./${folder}`)).filter((name) => /\.(js|css|svg)$/.test(name) && name !== "console.built.css").map((name) => folder + name),
);
const hash = createHash("sha256");
for (const name of sources.sort()) hash.update(name).update(readFileSync(here(name)));
write("BUILT_FROM.txt", hash.digest("hex"));
