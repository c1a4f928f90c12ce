// What the browser does by itself: the theme before anything is painted, times that tell how far off they are,
// and the keys. No framework is needed for any of it, and nothing here writes text as HTML.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("picosched-theme"); } catch { return null; } };

  function paint() {
    const dark = kept() ? kept() === "dark" : system.matches;
    root.dataset.theme = dark ? "dark" : "light";
    if (window.Quasar && document.body) Quasar.Dark.set(dark);
  }
  paint();
  system.addEventListener("change", paint);
  addEventListener("storage", paint);
  addEventListener("load", () => setTimeout(paint));

  function switchTheme() {
    const to = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      // What the system says anyway need not be remembered: the console then follows it again.
      if ((to === "dark") === system.matches) localStorage.removeItem("picosched-theme");
      else localStorage.setItem("picosched-theme", to);
    } catch { /* a browser that keeps nothing */ }
    root.dataset.theme = to;
    if (window.Quasar) Quasar.Dark.set(to === "dark");
  }

  // Times

  const began = Date.now();
  let ahead = null;
  function present() {  // by the server's clock; its time stands behind this script
    if (ahead === null) ahead = Number(document.querySelector("meta[name=server-ms]")?.content ?? began) - began;
    return Date.now() + ahead;
  }
  const shown = new Set();
  // Days and hours from two on, so that "43 h" is not "1 d".
  const UNITS = [[86400, 2, "d"], [3600, 2, "h"], [60, 1, "min"], [1, 1, "s"]];

  function distance(seconds) {
    const whole = Math.floor(Math.abs(seconds));
    if (whole < 1) return "now";
    const [size, , unit] = UNITS.find(([size, least]) => whole >= least * size);
    const text = `${Math.floor(whole / size)} ${unit}`;
    return seconds > 0 ? `in ${text}` : `${text} ago`;
  }

  // The zone of the reader: chosen, or the browser's own, which the cookie marks with "~". The server draws in it too.
  const COOKIE = "picosched-zone";
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  let zone, clock;
  function useZone(name) {
    const value = name === "~" ? "~" + own : name;
    document.cookie = `${COOKIE}=${value}; path=/; max-age=31536000; samesite=strict`;
    zone = value.replace("~", "");
    try {
      const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
      clock = new Intl.DateTimeFormat("en", { ...parts, hourCycle: "h23", timeZone: zone, timeZoneName: "short" });
    } catch { useZone("UTC"); return; }
    shown.forEach((each) => each.tell());
    if (window.emitEvent) emitEvent("zone", zone);
  }
  function local(at) {  // [date, time of day, name of the zone]
    const of = Object.fromEntries(clock.formatToParts(at).map((each) => [each.type, each.value]));
    return [`${of.year}-${of.month}-${of.day}`, `${of.hour}:${of.minute}:${of.second}`, of.timeZoneName];
  }
  const chosen = document.cookie.split("; ").find((each) => each.startsWith(COOKIE + "="))?.slice(COOKIE.length + 1);
  useZone(!chosen || chosen.startsWith("~") ? "~" : chosen);
  window.picosched = { useZone, zone: () => zone, pieces };

  // Names that are long for their place

  // A line may end behind the signs in a name, as in "tea_timer.start", and not inside its words: only one that is very
  // long is cut.
  function pieces(text) {
    return String(text ?? "").replace(/([._:\/])(?=\p{L})/gu, "$1\u200b").replace(/[^\s\u200b]{20}(?=[^\s\u200b]{4})/gu, "$&\u200b").split("\u200b");
  }

  const breaking = (text) => pieces(text).flatMap((each, place) => place ? [document.createElement("wbr"), each] : [each]);
  class PicoName extends HTMLElement {
    static observedAttributes = ["text"];
    attributeChangedCallback() { this.replaceChildren(...breaking(this.getAttribute("text"))); }
  }
  customElements.define("pico-name", PicoName);

  // Sentences of the engine, which tells times in UTC. Those within quotes or after "=" are somebody's data, and stay.
  const TOLD = /(?<![\w"'=.:-])(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z)(?![\w"'])/;
  class PicoTold extends HTMLElement {
    static observedAttributes = ["text"];
    connectedCallback() { shown.add(this); this.tell(); }
    disconnectedCallback() { shown.delete(this); }
    attributeChangedCallback() { this.said = null; if (this.isConnected) this.tell(); }
    tell() {
      if (this.said === zone) return;
      this.said = zone;
      const text = this.getAttribute("text") ?? "";
      const parts = zone === "UTC" ? [text] : text.split(TOLD);
      this.replaceChildren(...parts.flatMap((each, place) => place % 2 ? [told(each)] : breaking(each)));
    }
  }
  function told(utc) {
    const at = new Date(utc);
    if (isNaN(at)) return utc;
    const [day, hour, name] = local(at);
    const time = document.createElement("span");
    time.textContent = `${day} ${hour}${utc.slice(19, -1)}`;
    time.title = `${utc}\n${day} ${hour} ${name}, ${zone}`;
    return time;
  }
  customElements.define("pico-told", PicoTold);

  class PicoTime extends HTMLElement {
    static observedAttributes = ["at"];
    connectedCallback() { shown.add(this); this.tell(); }
    disconnectedCallback() { shown.delete(this); }
    attributeChangedCallback() { if (this.isConnected) this.tell(); }
    tell() {
      const at = new Date(this.getAttribute("at"));
      if (isNaN(at)) { this.textContent = this.getAttribute("at") ? this.getAttribute("at") : "–"; return; }
      const now = present();
      const [day, hour, name] = local(at);
      const text = day === local(now)[0] ? hour : `${day} ${hour.slice(0, 5)}`;
      const relative = distance((at - now) / 1000);
      if (this.said === relative + text + name) return;
      this.said = relative + text + name;
      const time = document.createElement("span");
      time.className = "at";
      time.textContent = text;
      this.replaceChildren(relative, " ", time);
      const utc = at.toISOString().replace(".000", "");
      this.title = zone === "UTC" ? utc : `${utc}\n${day} ${hour} ${name}, ${zone}`;
    }
  }
  customElements.define("pico-time", PicoTime);
  setInterval(() => { if (!document.hidden) shown.forEach((each) => each.tell()); }, 1000);

  document.addEventListener("visibilitychange", () => {
    if (window.emitEvent) emitEvent("hidden", document.hidden);
  });

  // A page whose token is not valid any more, or was taken back, is loaded anew, which leads to the login.

  async function leave() {
    const answer = await fetch("/find?q=", { cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) location.reload();
  }
  addEventListener("load", function listen() {
    if (window.socket) window.socket.on("connect_error", leave);
    else if (window.Quasar) setTimeout(listen, 100);
  });

  // Keys

  const places = () => Object.fromEntries(
    [...document.querySelectorAll(".nav a[data-key]")].map((each) => [each.dataset.key, each.getAttribute("href")]));
  let waiting = -Infinity;

  function typing(target) {
    return target.closest?.("input, textarea, select, [contenteditable=true], .cm-editor");
  }

  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.timeStamp - waiting < 1500) {
      waiting = -Infinity;
      const to = places()[event.key];
      if (to) { event.preventDefault(); location.href = to; }
      return;
    }
    if (event.key === "g") { waiting = event.timeStamp; return; }
    if (event.key === "/") {
      const filter = document.querySelector(".filter input, input.filter");
      if (filter) { event.preventDefault(); filter.focus(); filter.select(); }
    }
    if (event.key === "?") document.querySelector("dialog.keys")?.showModal();
    if (event.key === "d") switchTheme();
  });
  addEventListener("click", (event) => {
    if (event.target.closest?.("[data-switch-theme]")) switchTheme();
    const opener = event.target.closest?.("[data-opens]");
    if (opener) {
      const open = document.getElementById(opener.dataset.opens)?.classList.toggle("open");
      opener.setAttribute("aria-expanded", String(open));
    }
    if (event.target.closest?.("[data-show-keys]")) document.querySelector("dialog.keys")?.showModal();
    if (event.target.matches?.("dialog.keys")) event.target.close();
  });
})();
