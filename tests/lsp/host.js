// As much of an editor as the extension asks for, to run it: node host.js EXTENSION COMMAND FOLDER FILE.
// Prints as JSON what is shown of FILE: its findings, the hover at its first timespec, its lenses, and itself laid out.

const fs = require("fs");
const Module = require("module");
const path = require("path");
const { fileURLToPath, pathToFileURL } = require("url");

const [extension, command, folder, file] = process.argv.slice(2);

class Uri {
  constructor(text) {
    this.text = text;
    this.fsPath = fileURLToPath(text);
  }
  toString() {
    return this.text;
  }
  static parse(text) {
    return new Uri(text);
  }
}
class Range {
  constructor(line, character, endLine, endCharacter) {
    Object.assign(this, { line, character, endLine, endCharacter });
  }
}
const plain = (...names) =>
  class {
    constructor(...values) {
      names.forEach((name, place) => (this[name] = values[place]));
    }
  };

const providers = {};
const commands = {};
const opened = [];
const provide = (name) => (selector, provider) => {
  providers[name] = provider;
  return {};
};
const found = new Map();
const waiting = [];
const text = fs.readFileSync(file, "utf8");
const document = {
  uri: new Uri(pathToFileURL(file).toString()),
  languageId: "krl",
  version: 1,
  getText: () => text,
};
const vscode = {
  Uri,
  Range,
  Location: plain("uri", "range"),
  Hover: plain("contents", "range"),
  MarkdownString: plain("value"),
  Diagnostic: plain("range", "message", "severity"),
  CompletionItem: plain("label", "kind"),
  WorkspaceEdit: class {
    constructor() {
      this.edits = [];
    }
    replace(uri, range, text) {
      this.edits.push([range.line, range.character, text]);
    }
  },
  commands: { registerCommand: (name, run) => ((commands[name] = run), {}) },
  TextEdit: plain("range", "newText"),
  CodeLens: plain("range", "command"),
  window: { showTextDocument: async (made) => opened.push(made.content), showErrorMessage: (message) => console.error(message) },
  workspace: {
    workspaceFolders: [{ uri: new Uri(pathToFileURL(folder).toString()), name: "rulesets" }],
    textDocuments: [document],
    openTextDocument: async (made) => made,
    getConfiguration: () => ({ get: () => command }),
    onDidOpenTextDocument: () => ({}),
    onDidChangeTextDocument: () => ({}),
    onDidCloseTextDocument: () => ({}),
  },
  languages: {
    createDiagnosticCollection: () => ({
      set: (uri, shown) => {
        found.set(uri.toString(), shown);
        waiting.splice(0).forEach((resolve) => resolve());
      },
    }),
    registerHoverProvider: provide("hover"),
    registerCompletionItemProvider: provide("completion"),
    registerRenameProvider: provide("rename"),
    registerDefinitionProvider: provide("definition"),
    registerReferenceProvider: provide("references"),
    registerDocumentFormattingEditProvider: provide("formatting"),
    registerCodeLensProvider: provide("lenses"),
  },
};
const load = Module._load;
Module._load = (name, ...more) => (name === "vscode" ? vscode : load(name, ...more));

(async () => {
  const { activate, deactivate } = require(path.join(extension, "extension.js"));
  const told = new Promise((resolve) => waiting.push(resolve));
  await activate({ subscriptions: [] });
  await told;
  const line = text.split("\n").findIndex((each) => each.includes("repeat"));
  const at = { line, character: text.split("\n")[line].indexOf("repeat") + 9 };
  const lenses = await providers.lenses.provideCodeLenses(document);
  const { command: rehearse, arguments: words } = lenses[lenses.length - 2].command;
  await commands[rehearse](...words);
  const event = { line, character: text.split("\n")[line].indexOf('"due"') + 2 };
  const shown = {
    findings: found.get(document.uri.toString()),
    hover: (await providers.hover.provideHover(document, at)).contents.value,
    labels: (await providers.completion.provideCompletionItems(document, { line, character: 0 })).map((each) => each.label),
    definitions: await providers.definition.provideDefinition(document, { line, character: text.split("\n")[line].indexOf("schedule") }),
    edits: (await providers.formatting.provideDocumentFormattingEdits(document)).length,
    lenses: lenses.map((each) => each.command.title),
    renamed: (await providers.rename.provideRenameEdits(document, event, "ready")).edits,
    place: await providers.rename.prepareRename(document, event),
    rehearsed: opened[0],
  };
  await deactivate();
  console.log(JSON.stringify(shown));
})();
