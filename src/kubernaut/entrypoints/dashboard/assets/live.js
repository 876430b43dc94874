// Keeps a page live. Without it every page still works: it is drawn whole by the server.
"use strict";
(() => {
  const body = document.body;
  const liveness = document.getElementById("liveness");
  const STALE_MS = 10000, POLL_AFTER_MS = 60000;
  let seq = Number(body.dataset.seq || 0);
  let source = null, beatAt = Date.now(), staleSince = 0, paused = false, timer = 0, fetching = false, again = false;

  // A change is fetched as a whole page and put in place part by part, by id: one way of drawing, on the server.
  async function refresh() {
    if (fetching) { again = true; return; }
    if (paused || busy()) { schedule(1000); return; }
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelectorAll("[data-live]").forEach((part) => place(part, fresh.getElementById(part.id)));
      fresh.querySelectorAll("[data-live]").forEach((part) => { if (!document.getElementById(part.id)) insert(part, fresh); });
      document.title = fresh.title;
      seq = Math.max(seq, Number(fresh.body.dataset.seq || 0));
    } catch { /* the heartbeat says so */ } finally {
      fetching = false;
      if (again) { again = false; schedule(300); }
    }
  }
  const busy = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName || "") || !!String(getSelection());
  function schedule(ms) { clearTimeout(timer); timer = setTimeout(refresh, ms); }

  function place(part, fresh) {
    if (!fresh || part.isEqualNode(fresh)) return;
    const open = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
    const focused = document.activeElement?.closest("[id]")?.id, href = document.activeElement?.getAttribute("href");
    const before = new Set([...part.querySelectorAll("[data-rows] > [id]")].map((one) => one.id));
    const rows = [...fresh.querySelectorAll("[data-rows] > [id]")].filter((one) => !before.has(one.id));
    if (part.hasAttribute("data-hold") && rows.length && before.size && part.getBoundingClientRect().top < 0) {
      rows.forEach((one) => one.remove());
      const held = fresh.querySelector("#held");
      held.hidden = false;
      held.textContent = `${rows.length} new, show ↑`;
    } else if (before.size) rows.forEach((one) => one.classList.add("fresh"));
    part.replaceChildren(...fresh.childNodes);
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (focused && part.contains(document.getElementById(focused))) {
      const row = document.getElementById(focused);
      (href ? row.querySelector(`[href="${CSS.escape(href)}"]`) || row : row).focus({ preventScroll: true });
    }
    setTimeout(() => part.querySelectorAll(".fresh").forEach((one) => one.classList.remove("fresh")), 1500);
  }
  function insert(part, fresh) {
    const before = part.previousElementSibling && document.getElementById(part.previousElementSibling.id);
    if (before && fresh) before.after(part);
  }
  document.addEventListener("click", (event) => {
    if (event.target.id === "held") { scrollTo({ top: 0 }); setTimeout(refresh, 0); }
  });

  function say(text, tone) {
    if (!liveness || liveness.textContent === text) return;
    liveness.textContent = text;
    liveness.className = `status ${tone}`;
  }
  function utc(ms) { return new Date(ms).toISOString().slice(11, 19) + "Z"; }
  function connect() {
    source?.close();
    source = new EventSource(`/events?after=${seq}`);
    source.addEventListener("beat", () => { beatAt = Date.now(); staleSince = 0; });
    source.addEventListener("told", (message) => {
      beatAt = Date.now();
      seq = Math.max(seq, Number(message.lastEventId));
      if (!body.dataset.incident || JSON.parse(message.data).incident === body.dataset.incident) schedule(200);
    });
    // A browser gives up for good on an answer that is no stream (a 503, say): then we try again.
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000); };
  }
  function watch() {
    if (document.hidden) return;
    const silent = Date.now() - beatAt;
    if (paused) say("■ paused", "ask");
    else if (silent > STALE_MS) {
      staleSince ||= beatAt;
      say(`◆ stale since ${utc(staleSince)}, retrying`, "ask");
      if (silent > POLL_AFTER_MS && Math.floor(silent / 1000) % 10 === 0) refresh();
    } else say("● live", "good");
  }
  if (body.dataset.seq !== undefined) {
    connect();
    setInterval(watch, 1000);
    watch();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) source?.close();
      else { beatAt = Date.now(); connect(); refresh(); }
    });
    // Ages move without events.
    setInterval(() => { if (!document.hidden) schedule(0); }, 15000);
  }

  const KEYS = "kubernaut-keys";
  const button = document.getElementById("keys");
  let off = localStorage.getItem(KEYS) === "off";
  if (button) {
    const label = () => { button.textContent = off ? "Keys on" : "Keys off"; };
    button.hidden = false;
    label();
    button.addEventListener("click", () => { off = !off; localStorage.setItem(KEYS, off ? "off" : "on"); label(); });
  }
  let waiting = "";
  document.addEventListener("keydown", (event) => {
    if (off || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const links = [...document.querySelectorAll(".card h3 a, .rows a")];
    const at = links.indexOf(document.activeElement);
    const goTo = { l: "/", i: "/incidents" };
    if (waiting === "g") { waiting = ""; if (goTo[event.key]) location.href = goTo[event.key]; return; }
    switch (event.key) {
      case "/": event.preventDefault(); document.getElementById("q")?.focus(); break;
      case "j": links[Math.min(at + 1, links.length - 1)]?.focus(); break;
      case "k": links[Math.max(at - 1, 0)]?.focus(); break;
      case "g": waiting = "g"; break;
      case ".": paused = !paused; watch(); break;
      case "a": case "u": document.querySelector(`[data-key="${event.key}"]`)?.click(); break;
    }
  });
})();
