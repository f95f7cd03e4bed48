// Everything works without this file. It adds live changes, keys, copying, menus that close, and times that tick.
"use strict";
(() => {
  const body = document.body;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const stored = (name, value) => {
    try { return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value); } catch { return null; }
  };

  // ---- Times: relative words follow the clock.
  const minutesText = (minutes) => {
    const hours = Math.floor(minutes / 60), rest = minutes % 60;
    return hours === 0 ? `${minutes} min` : rest ? `${hours} h ${rest} min` : `${hours} h`;
  };
  const tick = () => {
    for (const time of all("time[data-relative]")) {
      const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
      if (Math.abs(seconds) >= 86400) continue;
      const minutes = seconds > 0 ? Math.ceil(seconds / 60) : Math.floor(-seconds / 60);
      time.textContent = minutes === 0 ? "now" : seconds > 0 ? `in ${minutesText(minutes)}` : `${minutesText(minutes)} ago`;
    }
  };
  setInterval(tick, 30000);

  // ---- First form: the browser knows the zone and how hours are written.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  all("input[data-zone]").forEach((input) => { if (zone && (!input.value || input.value === "UTC")) input.value = zone; });
  const is12h = Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12;
  all("input[data-clock]").forEach((input) => { input.value = is12h ? "12h" : "24h"; });

  // ---- A choice that opens its own field.
  const showChosen = () => {
    for (const field of all("[data-when-carrier]")) {
      const chosen = document.querySelector('input[name="carrier"]:checked');
      field.hidden = !chosen || chosen.value !== field.dataset.whenCarrier;
    }
  };
  showChosen();

  // ---- Toasts: one at a time, for six seconds, and longer while pointer or focus is on it.
  const watchToasts = () => {
    for (const toast of all("[data-toast]:not([data-seen])")) {
      toast.dataset.seen = "";
      const leave = () => {
        if (toast.matches(":hover, :focus-within")) setTimeout(leave, 1000);
        else toast.remove();
      };
      setTimeout(leave, 6000);
    }
  };
  const say = (text) => {
    const box = document.getElementById("toasts");
    if (!box) return;
    const toast = document.createElement("div");
    toast.className = "toast";
    toast.dataset.toast = "";
    toast.textContent = text;
    box.replaceChildren(toast);
    watchToasts();
  };

  // ---- Copying, dialogs and menus.
  const enhance = () => all("[data-copy]").forEach((button) => { button.hidden = false; });
  enhance();
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-open], [data-close]");
    if (button?.dataset.copy) {
      const input = document.getElementById(button.dataset.copy);
      input.select();
      try { await navigator.clipboard.writeText(input.value); } catch { document.execCommand("copy"); }
      button.lastChild.textContent = "Copied";
    } else if (button?.dataset.open) {
      document.getElementById(button.dataset.open).showModal();
    } else if (button) {
      button.closest("dialog").close();
    }
    for (const menu of all("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input.name === "theme") all('input[name="theme"]').forEach((one) => { one.checked = one.value === input.value; });
    if (input.name === "theme") document.documentElement.removeAttribute("data-theme");
    if (input.id === "keys-on") stored("showup-keys", input.checked ? "on" : "off");
    showChosen();
  });

  // ---- Keys. Single letters rest while somebody types, and can be switched off.
  const keysOn = document.getElementById("keys-on");
  if (keysOn) keysOn.checked = stored("showup-keys") !== "off";
  let before = "";
  const walk = (step) => {
    const rows = all("[data-row]");
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const row = rows[here < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + step, 0), rows.length - 1)];
    if (!row) return;
    rows.forEach((one) => one.removeAttribute("data-here"));
    row.setAttribute("data-here", "");
    const target = row.querySelector("a, button") || row;
    if (target === row) row.tabIndex = -1;
    target.focus();
    row.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") all("details[data-menu][open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") event.target.form?.requestSubmit();
    if (event.ctrlKey || event.metaKey || event.altKey || !keysOn?.checked || event.key.length !== 1) return;
    if (event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, dialog")) return;
    const key = event.key.toLowerCase(), keys = before ? `${before} ${key}` : key;
    before = "";
    const target = document.querySelector(`[data-keys="${CSS.escape(keys)}"]`);
    if (target) { event.preventDefault(); target.click(); }
    else if (keys === "?") document.getElementById("keys").showModal();
    else if (keys === "r") (document.activeElement.closest("[data-row]") || document).querySelector("[data-report]")?.click();
    else if (keys === "j") walk(1);
    else if (keys === "k") walk(-1);
    else if (keys === "g") { before = "g"; setTimeout(() => { before = ""; }, 1500); }
  });

  // ---- Swapped parts: what somebody edits is left alone; focus stays, or goes to the successor.
  const reachable = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  let focused = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target, active = document.activeElement;
    if (!part?.matches?.("[data-part]")) return;
    const isLive = !event.detail.requestConfig.verb || event.detail.requestConfig.verb === "get";
    if (isLive && part.contains(active) && active.matches("input:not([type=hidden]), textarea, select")) {
      event.detail.shouldSwap = false;
      if (!part.querySelector(".changed")) {
        part.insertAdjacentHTML("afterbegin", '<button class="btn changed" type="button">Changed meanwhile. Show</button>');
        part.querySelector(".changed").addEventListener("click", () => location.reload());
      }
      return;
    }
    focused = part.contains(active) ? { id: active.id, index: all(reachable, part).indexOf(active), part: part.id } : null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    enhance();
    watchToasts();
    tick();
    if (!focused) return;
    const part = document.getElementById(focused.part), { id, index } = focused;
    focused = null;
    if (!part || part.contains(document.activeElement)) return;
    const others = all(reachable, part);
    (document.getElementById(id) || others[Math.min(index, others.length - 1)] || document.getElementById("main"))?.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:sendError", () => say("Not sent: Showup can't be reached. Try again."));
  document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status >= 500) say("Showup could not do this. Nothing was changed. Try again."); });
  watchToasts();

  // ---- Live: one visible tab holds the stream, the others listen to it. A hidden tab closes it, and catches up later.
  const address = body.dataset.live;
  if (!address || !window.EventSource) return;
  const dot = document.getElementById("live");
  const space = body.dataset.workspace;
  const channel = window.BroadcastChannel ? new BroadcastChannel("showup-live") : null;
  let since = body.dataset.since, source = null, release = null, retry = 0, timer = 0, isOver = false, lastAt = new Date();
  const show = (state, words) => {
    if (!dot) return;
    dot.hidden = false;
    if (dot.dataset.state === state && state === "live") return;
    dot.dataset.state = state;
    dot.querySelector("[data-words]").textContent = words || "Live";
  };
  const clock = () => lastAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const lost = () => show("lost", `Reconnecting, data of ${clock()}`);
  const hear = (message) => {
    if (message.space !== space) {
      if (message.kind === "opened") { isOver = true; close(); show("lost", "Another workspace is open. Reload"); }
      return;
    }
    if (message.since) since = message.since;
    if (message.kind === "lost") { lost(); return; }
    if (message.kind === "opened") { if (source && dot.dataset.state === "live") tell("alive"); return; }
    lastAt = new Date();
    show("live");
    if (message.kind !== "alive") htmx.trigger(body, `live-${message.kind}`, { ids: message.ids });
  };
  const tell = (kind, more = {}) => {
    const message = { space, kind, since, ...more };
    hear(message);
    channel?.postMessage(message);
  };
  const open = () => {
    if (isOver || source) return;
    const stream = new EventSource(since ? `${address}?since=${since}` : address);
    source = stream;
    for (const kind of ["booking", "deal", "funnel", "delivery"]) {
      stream.addEventListener(kind, (event) => tell(kind, { ids: JSON.parse(event.data).ids }));
    }
    stream.addEventListener("position", (event) => { retry = 0; since = event.lastEventId; tell("alive"); });
    stream.addEventListener("connection", (event) => { tell(JSON.parse(event.data).database ? "alive" : "lost"); });
    stream.addEventListener("error", () => {
      tell("lost");
      // A browser gives up after an answer that is no stream, such as 503 while the server starts.
      if (stream.readyState !== EventSource.CLOSED || source !== stream) return;
      source = null;
      timer = setTimeout(open, Math.min(30000, 1000 * 2 ** retry++));
    });
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
    release?.();
    release = null;
  };
  let waiting = null;
  const lead = () => {
    if (isOver || document.hidden || source || waiting) return;
    if (!navigator.locks) { open(); return; }
    const stop = new AbortController();
    waiting = stop;
    navigator.locks.request(`showup-live-${space}`, { signal: stop.signal }, () => new Promise((resolve) => {
      waiting = null;
      if (document.hidden || isOver) { resolve(); return; }
      release = resolve;
      open();
    })).catch(() => {});
  };
  channel?.addEventListener("message", (event) => hear(event.data));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      lead();
      // Changes of deliveries have no number to resume from.
      htmx.trigger(body, "live-delivery");
      return;
    }
    waiting?.abort();
    waiting = null;
    close();
  });
  addEventListener("pagehide", close);
  channel?.postMessage({ space, kind: "opened" });
  lead();
})();
