// Keeps a page live. Without it every page still works: it is drawn whole by the server.
"use strict";
(() => {
  const frame = () => document.getElementById("frame");
  const follows = () => frame().dataset.follow;
  const STALE_MS = 10000, POLL_AFTER_MS = 60000;
  let source = null, beatAt = Date.now(), staleSince = 0, paused = false, timer = 0, held = 0;

  // A change is fetched as a whole page and morphed in place: one way of drawing, on the server. What has the focus,
  // what is open and where the page was scrolled to stay as they are.
  async function refresh() {
    if (document.hidden) return;
    if (paused || busy()) { schedule(1000); return; }
    held = 0;
    const at = location.href;
    await htmx.ajax("GET", at, { source: "#main", target: "#frame", select: "#frame", swap: "morph:outerHTML" });
  }
  const busy = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName || "") || !!String(getSelection());
  function schedule(ms) { clearTimeout(timer); timer = setTimeout(() => refresh().catch(() => {}), ms); }

  const seen = Idiomorph.defaults.callbacks;
  // What a reader opened stays open, and what this script wrote stays written.
  seen.beforeAttributeUpdated = (name, node) => !(
    (name === "open" && node.tagName === "DETAILS") || (name === "class" && node.id === "liveness") ||
    (name === "hidden" && (node.id === "keys-line" || node.id === "held")));
  seen.beforeNodeMorphed = (node, fresh) => !(node.id === "liveness" && follows() && fresh.id === "liveness") && node.id !== "held";
  // New rows wait while the reader looks further down: the list does not move under the eye.
  seen.beforeNodeAdded = (node) => {
    const list = document.querySelector("[data-hold]");
    const isRow = node.nodeType === 1 && node.tagName === "TR" && node.id;
    if (!isRow || !list || list.getBoundingClientRect().top >= 0 || !list.querySelector("tbody tr")) return true;
    held += 1;
    const button = document.getElementById("held");
    button.hidden = false;
    button.textContent = `${held} new, show ↑`;
    return false;
  };
  seen.afterNodeAdded = (node) => {
    if (node.nodeType !== 1 || !node.matches("[data-rows] > [id]")) return;
    node.classList.add("fresh");
    setTimeout(() => node.classList.remove("fresh"), 1500);
  };
  document.addEventListener("click", (event) => {
    if (event.target.id !== "held") return;
    event.target.hidden = true;
    scrollTo({ top: 0 });
    setTimeout(refresh, 0);
  });
  // Empty fields do not stand in the address.
  document.addEventListener("htmx:configRequest", (event) => {
    for (const name of [...event.detail.parameters.keys?.() ?? []]) if (event.detail.parameters.get(name) === "") event.detail.parameters.delete(name);
  });
  document.addEventListener("htmx:afterSettle", again);
  function again() { if (document.getElementById("counting")) schedule(700); }

  function say(text, tone) {
    const liveness = document.getElementById("liveness");
    if (!liveness || liveness.textContent === text) return;
    liveness.textContent = text;
    liveness.className = `status ${tone}`;
  }
  const utc = (ms) => new Date(ms).toISOString().slice(11, 19) + "Z";
  function connect() {
    source?.close();
    const of = follows() === "all" ? "" : `&incident=${encodeURIComponent(follows())}`;
    source = new EventSource(`/events?after=${frame().dataset.seq}${of}`);
    source.addEventListener("beat", () => { beatAt = Date.now(); staleSince = 0; });
    source.addEventListener("told", () => { beatAt = Date.now(); schedule(200); });
    // A browser gives up for good on an answer that is no stream (a 503, say): then we try again.
    source.onerror = () => { if (source.readyState === EventSource.CLOSED && !document.hidden) setTimeout(connect, 3000); };
  }
  function watch() {
    if (document.hidden) return;
    const silent = Date.now() - beatAt;
    if (paused) say("■ paused", "ask");
    else if (silent > STALE_MS) {
      staleSince ||= beatAt;
      say(`◆ stale since ${utc(staleSince)}, retrying`, "ask");
      if (silent > POLL_AFTER_MS && Math.floor(silent / 1000) % 10 === 0) schedule(0);
    } else say("● live", "good");
  }
  if (follows()) {
    connect();
    setInterval(watch, 1000);
    watch();
    document.addEventListener("visibilitychange", () => {
      // A browser allows few connections a host, and a hidden page needs none.
      if (document.hidden) source?.close();
      else { beatAt = Date.now(); connect(); schedule(0); }
    });
    // Ages move without events.
    setInterval(() => schedule(0), 15000);
  }
  again();
  // On a phone the pages stand in one row that scrolls: the current one is to be seen.
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  const KEYS = "kubernaut-keys";
  let off = localStorage.getItem(KEYS) === "off";
  const label = () => { const button = document.getElementById("keys"); if (button) button.textContent = off ? "Keys on" : "Keys off"; };
  const line = document.getElementById("keys-line");
  if (line) { line.hidden = false; label(); }
  document.addEventListener("click", (event) => {
    if (event.target.id === "keys") { off = !off; localStorage.setItem(KEYS, off ? "off" : "on"); label(); }
  });
  const GO = { l: "/", i: "/incidents", a: "/approvals", v: "/value", s: "/strategies", m: "/models", p: "/patterns", h: "/health", e: "/settings" };
  let waiting = false;
  document.addEventListener("keydown", (event) => {
    if (off || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    if (waiting) { waiting = false; if (GO[event.key]) location.href = GO[event.key]; return; }
    const links = [...document.querySelectorAll(".card h2 a, .card h3 a, .rows td:nth-child(2) a, main tbody th a")];
    const at = links.indexOf(document.activeElement);
    switch (event.key) {
      case "/": event.preventDefault(); document.getElementById("q")?.focus(); break;
      case "j": links[Math.min(at + 1, links.length - 1)]?.focus(); break;
      case "k": links[Math.max(at - 1, 0)]?.focus(); break;
      case "g": waiting = true; break;
      case ".": paused = !paused; watch(); break;
      case "a": case "u": document.querySelector(`[data-key="${event.key}"]`)?.click(); break;
    }
  });
})();
