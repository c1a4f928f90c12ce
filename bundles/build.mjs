// Writes what the console sends in place of files of NiceGUI, with the licences beside: `make bundles`.
// Takes the folder of NiceGUI, whose styles of Quasar are the input of ours.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import postcss from "postcss";

const OUT = "../picosched/web/console/bundled";
const QUASAR = "node_modules/quasar";
const versionOf = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;

mkdirSync(OUT, { recursive: true });
const inputs = ["package-lock.json", "build.mjs", "codemirror.mjs", "quasar.mjs", "vue.cjs"];
const digest = createHash("sha256");
for (const name of inputs) digest.update(readFileSync(name));
const head = `/* Made by \`make bundles\` of ${digest.digest("hex").slice(0, 16)}. Licences: LICENSES.txt */`;

const shared = { bundle: true, minify: true, target: "es2022", legalComments: "none", metafile: true, banner: { js: head } };
const codemirror = await build({
  ...shared,
  entryPoints: ["codemirror.mjs"],
  format: "esm",
  outfile: `${OUT}/codemirror.js`,
});
const quasar = await build({
  ...shared,
  entryPoints: ["quasar.mjs"],
  format: "iife",
  outfile: `${OUT}/quasar.js`,
  alias: { vue: "./vue.cjs" },
  define: {
    __QUASAR_VERSION__: JSON.stringify(versionOf("quasar")),
    __QUASAR_SSR__: "false",
    __QUASAR_SSR_CLIENT__: "false",
    __QUASAR_SSR_PWA__: "false",
    __QUASAR_SSR_SERVER__: "false",
  },
});
const bundled = [codemirror, quasar].flatMap(({ metafile }) => Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)));

// Styles: without the rules for components that are not in the bundle, and for the palette of Material Design.

const present = new Set(bundled.map((path) => path.match(/quasar\/src\/components\/([^/]+)\//)?.[1]));
const absent = readdirSync(`${QUASAR}/src/components`).filter((name) => !present.has(name));
const ofAbsent = new RegExp(`\\.q-(${absent.join("|")})(?![a-z])`);
const ofPalette = /\.(bg|text)-(red|pink|purple|deep-purple|indigo|blue|light-blue|cyan|teal|green|light-green|lime|yellow|amber|orange|deep-orange|brown|grey|blue-grey)(-\d+)?$/;
for (const name of ["unimportant", "important"]) {
  const root = postcss.parse(readFileSync(`${process.argv[2]}/static/quasar.${name}.prod.css`, "utf8"));
  root.walkRules((rule) => {
    if (rule.parent.name?.endsWith("keyframes")) return;
    const left = rule.selectors.filter((each) => !ofAbsent.test(each) && !ofPalette.test(each));
    if (left.length > 0) rule.selectors = left;
    else rule.remove();
  });
  root.walkAtRules((rule) => rule.nodes?.length === 0 && rule.remove());
  writeFileSync(`${OUT}/quasar.${name}.css`, `${head}\n${root}\n`);
}

// Licences: those of all packages whose code is in a bundle.

const packages = [...new Set(bundled.map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]))];
const licences = packages.filter(Boolean).sort().map((name) => `${name} ${versionOf(name)}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`);
writeFileSync(`${OUT}/LICENSES.txt`, licences.join(`\n${"-".repeat(80)}\n\n`));
