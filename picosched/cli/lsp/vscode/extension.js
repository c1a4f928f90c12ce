// The client of `picosched lsp`: it starts the server, keeps it informed of open rulesets, and asks it.
//
// It speaks JSON-RPC itself, so that the extension needs no packages. Positions of VS Code and of the protocol
// are alike: lines and UTF-16 units from 0.

const vscode = require("vscode");
const { spawn } = require("child_process");

const REHEARSE = "picosched.rehearse";
const RULESETS = { language: "krl", scheme: "file" };

class Server {
  constructor(command, folder, told) {
    this.told = told;
    this.waiting = new Map();
    this.next = 1;
    this.rest = Buffer.alloc(0);
    this.process = spawn(command, ["lsp"], { cwd: folder });
    this.process.stdout.on("data", (chunk) => this.read(chunk));
    this.process.on("error", (error) => this.ended(`${command} cannot be started: ${error.message}`));
    this.process.on("exit", (status) => this.ended(status ? `${command} lsp ended with ${status}` : null));
  }

  read(chunk) {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      const end = this.rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.rest.toString("ascii", 0, end))[1]);
      if (this.rest.length < end + 4 + length) return;
      const message = JSON.parse(this.rest.toString("utf8", end + 4, end + 4 + length));
      this.rest = this.rest.subarray(end + 4 + length);
      this.take(message);
    }
  }

  take(message) {
    if (message.method !== undefined) {
      if (message.id !== undefined) this.write({ id: message.id, result: null });
      this.told(message.method, message.params);
      return;
    }
    const { resolve, reject } = this.waiting.get(message.id) || {};
    this.waiting.delete(message.id);
    if (message.error) reject?.(new Error(message.error.message));
    else resolve?.(message.result);
  }

  write(message) {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }), "utf8");
    this.process.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.process.stdin.write(body);
  }

  tell(method, params) {
    if (!this.over) this.write({ method, params });
  }

  ask(method, params) {
    if (this.over) return Promise.resolve(null);
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.write({ id, method, params });
    });
  }

  ended(why) {
    this.over = true;
    for (const { resolve } of this.waiting.values()) resolve(null);
    this.waiting.clear();
    if (why) vscode.window.showErrorMessage(`${why}. Install it with pip install 'picosched[lsp]', or set krl.command.`);
  }

  async stop() {
    await this.ask("shutdown", null);
    this.tell("exit", null);
  }
}

const range = (it) => new vscode.Range(it.start.line, it.start.character, it.end.line, it.end.character);
const locations = (found) =>
  (found || []).map((each) => new vscode.Location(vscode.Uri.parse(each.uri), range(each.range)));

let server;

async function activate(context) {
  const found = vscode.languages.createDiagnosticCollection("picosched");
  const folders = vscode.workspace.workspaceFolders || [];
  const command = vscode.workspace.getConfiguration("krl").get("command") || "picosched";
  server = new Server(command, folders[0]?.uri.fsPath, (method, params) => {
    if (method !== "textDocument/publishDiagnostics") return;
    const shown = params.diagnostics.map((each) => {
      const made = new vscode.Diagnostic(range(each.range), each.message, each.severity - 1);
      made.code = each.code;
      made.source = each.source;
      return made;
    });
    found.set(vscode.Uri.parse(params.uri), shown);
  });
  await server.ask("initialize", {
    processId: process.pid,
    rootUri: folders[0]?.uri.toString() || null,
    workspaceFolders: folders.map((each) => ({ uri: each.uri.toString(), name: each.name })),
    capabilities: {},
  });
  server.tell("initialized", {});

  const opened = (document) => {
    if (document.languageId !== "krl") return;
    const { uri, version } = document;
    const textDocument = { uri: uri.toString(), languageId: "krl", version, text: document.getText() };
    server.tell("textDocument/didOpen", { textDocument });
  };
  const changed = ({ document }) => {
    if (document.languageId !== "krl") return;
    const textDocument = { uri: document.uri.toString(), version: document.version };
    server.tell("textDocument/didChange", { textDocument, contentChanges: [{ text: document.getText() }] });
  };
  const closed = (document) => {
    if (document.languageId !== "krl") return;
    server.tell("textDocument/didClose", { textDocument: { uri: document.uri.toString() } });
    found.delete(document.uri);
  };
  vscode.workspace.textDocuments.forEach(opened);

  const at = (document, position, more = {}) => ({
    textDocument: { uri: document.uri.toString() },
    position: { line: position.line, character: position.character },
    ...more,
  });
  const { languages } = vscode;
  context.subscriptions.push(
    found,
    vscode.workspace.onDidOpenTextDocument(opened),
    vscode.workspace.onDidChangeTextDocument(changed),
    vscode.workspace.onDidCloseTextDocument(closed),
    languages.registerHoverProvider(RULESETS, {
      async provideHover(document, position) {
        const hover = await server.ask("textDocument/hover", at(document, position));
        return hover && new vscode.Hover(new vscode.MarkdownString(hover.contents.value), hover.range && range(hover.range));
      },
    }),
    languages.registerCompletionItemProvider(
      RULESETS,
      {
        async provideCompletionItems(document, position) {
          const offers = await server.ask("textDocument/completion", at(document, position));
          return (offers || []).map((each) => {
            const item = new vscode.CompletionItem(each.label, each.kind - 1);
            item.detail = each.detail;
            if (each.documentation) item.documentation = new vscode.MarkdownString(each.documentation.value);
            return item;
          });
        },
      },
      ".", ":", '"'
    ),
    languages.registerDefinitionProvider(RULESETS, {
      async provideDefinition(document, position) {
        return locations(await server.ask("textDocument/definition", at(document, position)));
      },
    }),
    languages.registerReferenceProvider(RULESETS, {
      async provideReferences(document, position) {
        const context = { includeDeclaration: true };
        return locations(await server.ask("textDocument/references", at(document, position, { context })));
      },
    }),
    languages.registerDocumentFormattingEditProvider(RULESETS, {
      async provideDocumentFormattingEdits(document) {
        const textDocument = { uri: document.uri.toString() };
        const options = { tabSize: 2, insertSpaces: true };
        const edits = await server.ask("textDocument/formatting", { textDocument, options });
        return (edits || []).map((each) => new vscode.TextEdit(range(each.range), each.newText));
      },
    }),
    languages.registerRenameProvider(RULESETS, {
      async prepareRename(document, position) {
        const place = await server.ask("textDocument/prepareRename", at(document, position));
        if (!place) throw new Error("There is nothing to rename here.");
        return range(place);
      },
      async provideRenameEdits(document, position, newName) {
        const edit = await server.ask("textDocument/rename", at(document, position, { newName }));
        const made = new vscode.WorkspaceEdit();
        for (const [uri, edits] of Object.entries(edit?.changes || {}))
          for (const each of edits) made.replace(vscode.Uri.parse(uri), range(each.range), each.newText);
        return made;
      },
    }),
    vscode.commands.registerCommand(REHEARSE, async (...words) => {
      const content = await server.ask("workspace/executeCommand", { command: REHEARSE, arguments: words });
      if (content) await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content }));
    }),
    languages.registerCodeLensProvider(RULESETS, {
      async provideCodeLenses(document) {
        const textDocument = { uri: document.uri.toString() };
        const lenses = await server.ask("textDocument/codeLens", { textDocument });
        return (lenses || []).map((each) => new vscode.CodeLens(range(each.range), each.command));
      },
    })
  );
}

function deactivate() {
  return server?.stop();
}

module.exports = { activate, deactivate };
