// Ctrl-K finds anything: the server searches while words are typed, arrow keys choose, Enter goes there.
(() => {
  let dialog, field, list, told, finds = [], at = 0, asked = 0, waiting;

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function make() {
    field = element("input", {
      type: "text", role: "combobox", "aria-label": "Find", "aria-controls": "palette-list", "aria-expanded": "true",
      "aria-autocomplete": "list", placeholder: "Find a pico, ruleset, schedule, event, setting or page",
      autocomplete: "off", spellcheck: "false", maxlength: "200",
    });
    list = element("ul", { id: "palette-list", role: "listbox", "aria-label": "Found" });
    told = element("p", { class: "muted small", role: "status" });
    const close = element("button", { type: "button", class: "button small" }, "Close");
    dialog = element("dialog", { class: "palette", "aria-label": "Find" }, element("div", { class: "line" }, field, close), list, told);
    document.body.append(dialog);
    field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 120); });
    field.addEventListener("keydown", key);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }

  async function ask() {
    const number = ++asked;
    let text;
    try {
      const answer = await fetch("/find?q=" + encodeURIComponent(field.value), { headers: { accept: "application/json" } });
      if (number !== asked) return;
      finds = answer.ok ? await answer.json() : [];
      text = answer.ok ? `${finds.length} found` : `The server answered ${answer.status}`;
    } catch {
      if (number !== asked) return;
      finds = [];
      text = "The server does not answer";
    }
    told.textContent = text;
    list.replaceChildren(...finds.map((each, index) => element("li", { role: "option", id: `palette-${index}` },
      element("span", { class: "kind muted small" }, each.kind), element("span", { class: "name" }, each.name),
      element("span", { class: "muted small" }, each.more))));
    choose(0);
  }

  function choose(index) {
    at = Math.max(0, Math.min(finds.length - 1, index));
    [...list.children].forEach((each, place) => each.setAttribute("aria-selected", String(place === at)));
    const chosen = list.children[at];
    if (chosen) field.setAttribute("aria-activedescendant", chosen.id);
    else field.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  function key(event) {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 8, PageUp: at - 8 }[event.key];
    if (to !== undefined) { event.preventDefault(); choose(to); }
    if (event.key === "Enter") { event.preventDefault(); go(at); }
  }

  function go(index) {
    if (!finds[index]) return;
    dialog.close();  // it may lead to a place on this page
    location.href = finds[index].href;
  }

  function open() {
    if (!dialog) make();
    if (dialog.open) { field.select(); return; }
    dialog.showModal();
    field.value = "";
    field.focus();
    ask();
  }

  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    if (!document.querySelector("nav.nav")) return;
    event.preventDefault();
    event.stopPropagation();
    open();
  }, true);
  addEventListener("click", (event) => {
    if (event.target.closest?.("[data-find]")) open();
    const option = event.target.closest?.(".palette [role=option]");
    if (option) go([...list.children].indexOf(option));
  });
})();
