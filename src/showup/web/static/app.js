// All works without this file, which adds live changes, keys, a palette, dragging, sums of selected rows, and times that tick.
const by = (id) => document.getElementById(id), one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (names, listener, options) => names.split(" ").forEach((name) => document.addEventListener(name, listener, options));
const here = () => document.activeElement, clamp = (number, last) => Math.max(0, Math.min(number, last));
const { body } = document, keysOn = by("keys-on"), menu = by("move"), lost = by("lost"), dot = by("live"), palette = by("palette");

// Times follow the clock.
const tick = () => all("time[data-relative]").forEach((time) => {
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
  if (Math.abs(seconds) >= 86400) return;
  const minutes = seconds > 0 ? Math.ceil(seconds / 60) : Math.floor(-seconds / 60), hours = Math.floor(minutes / 60);
  const length = [hours && `${hours} h`, (minutes % 60 || !hours) && `${minutes % 60} min`].filter(Boolean).join(" ");
  time.textContent = !minutes ? "now" : seconds > 0 ? `in ${length}` : `${length} ago`;
});
setInterval(tick, 30000);

// The browser knows the zone, and how hours are written.
const { timeZone, hour12 } = Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions();
all("[data-zone]").forEach((input) => { if (["", "UTC"].includes(input.value)) input.value = timeZone; });
all("[data-clock]").forEach((input) => { input.value = hour12 ? "12h" : "24h"; });

// Lists: the selected rows are counted and added, and stay selected when rows change.
const rowBoxes = (which = "") => all(`#list tbody .pick input${which}`);
const count = () => {
  const head = one("[data-pick-all]"), boxes = rowBoxes(), picked = rowBoxes(":checked"), sums = {};
  if (!head) return;
  for (const { dataset: { amount, unit } } of picked) if (amount) sums[unit] = (sums[unit] || 0) + Number(amount);
  one("[data-picked]").textContent = `${picked.length} selected`;
  one("[data-picked-sum]").textContent = Object.keys(sums).map((unit) => unit + Math.round(sums[unit]).toLocaleString("en")).join(" and ");
  all("[data-picked-two]").forEach((button) => { button.hidden = picked.length !== 2; });
  head.hidden = false;
  head.checked = picked.length === boxes.length;
  head.indeterminate = picked.length && !head.checked;
};
const pick = (isPicked) => {
  rowBoxes().forEach((box) => { box.checked = isPicked(box); });
  count();
};
on("reset", () => setTimeout(count));

// The palette: the server finds; the arrows choose among what it found, while the field keeps the focus.
const field = palette && one("input", palette);
const choose = (step) => {
  const items = all("[role=option]", palette), now = items.findIndex((item) => item.ariaSelected === "true");
  const next = items[(now + step + items.length) % items.length];
  items.forEach((item) => { item.ariaSelected = item === next; });
  field.setAttribute("aria-activedescendant", next?.id || "");
  next?.scrollIntoView({ block: "nearest" });
};
const find = () => {
  if (!palette.open) palette.showModal();
  field.select();
  htmx.trigger(field, "find");
};

// The board: a card is moved by hand, menu or key. The server answers with the board as it is then.
let chosen, drag, putBack, sent = Promise.resolve();
const place = ({ style }, left, top) => Object.assign(style, { left: `${left}px`, top: `${top}px` });
const ask = (box, card) => {
  chosen = card;
  one("[data-title]", box).textContent = one(".deal__name", card).textContent;
  all("[data-to]", box).forEach((item) => { item.disabled = item.dataset.to === card.dataset.place; });
  box.showPopover();
  const { left, top } = card.getBoundingClientRect();
  place(box, clamp(left + 24, innerWidth - box.offsetWidth - 8), clamp(top + 40, innerHeight - box.offsetHeight - 8));
  one("button:enabled", box).focus();
};
const move = (card, to, reason = "") => {
  const { parentNode, nextElementSibling: next } = card, part = by("pipeline"), seen = card.dataset.place;
  if (to === seen) return;
  if (to === "status:lost" && !reason) return ask(lost, card);
  const list = all(".stage", part).find((stage) => stage.dataset.to === to)?.lastElementChild;
  putBack = () => { card.hidden = false; card.dataset.place = seen; parentNode.insertBefore(card, next); };
  card.dataset.place = to;
  if (list) list.prepend(card); else card.hidden = true;
  one("a", list ? card : next || parentNode)?.focus();
  const path = one("[data-move]", card).pathname, values = { to, reason, seen, board: part.dataset.board };
  sent = sent.then(() => htmx.ajax("POST", path, { source: "#pipeline", target: "#pipeline", swap: "outerHTML", values })).catch(() => {});
};
lost?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { other } = lost.elements, reason = event.submitter.value || other.value.trim();
  if (!reason) return other.focus();
  lost.hidePopover();
  lost.reset();
  move(chosen, "status:lost", reason);
});
const drop = ({ type }) => {
  const { card, ghost, over } = drag || {};
  drag = null;
  if (!ghost) return;
  ghost.remove();
  card.classList.remove("deal--from");
  over?.removeAttribute("data-over");
  // The click that ends a drag opens no link.
  const stop = (event) => event.preventDefault();
  on("click", stop, true);
  setTimeout(() => document.removeEventListener("click", stop, true));
  if (over && type === "pointerup") move(card, over.dataset.to);
};
// What lies below a lifted card is marked, and scrolls while the card is near its edge.
const mark = () => {
  drag.over?.removeAttribute("data-over");
  drag.over = document.elementFromPoint(drag.at.x, drag.at.y)?.closest("#pipeline [data-to]");
  drag.over?.setAttribute("data-over", "");
};
const edge = (at, start, end) => (at < start + 40 ? -12 : at > end - 40 ? 12 : 0);
const glide = () => {
  if (!drag) return;
  const { at: { x, y }, over } = drag;
  [by("board"), over].forEach((box) => {
    const { left, right, top, bottom } = box?.getBoundingClientRect() || {};
    box?.scrollBy(edge(x, left, right), edge(y, top, bottom));
  });
  mark();
  requestAnimationFrame(glide);
};
on("pointerdown", ({ target, button, pointerType, clientX: x, clientY: y }) => {
  const card = target.closest("[data-deal]");
  if (card && !button && pointerType !== "touch" && !target.closest("button, [data-move]")) drag = { card, x, y };
});
on("pointermove", ({ clientX: x, clientY: y }) => {
  if (!drag || (!drag.ghost && Math.hypot(x - drag.x, y - drag.y) < 6)) return;
  const { card } = drag;
  if (!drag.ghost) {
    const { left, top, width } = card.getBoundingClientRect(), ghost = drag.ghost = card.cloneNode(true);
    ghost.classList.add("deal--lifted");
    place(ghost, left, top).width = `${width}px`;
    body.append(ghost);
    card.classList.add("deal--from");
    requestAnimationFrame(glide);
  }
  drag.ghost.style.translate = `${x - drag.x}px ${y - drag.y}px`;
  drag.at = { x, y };
  mark();
});
on("pointerup pointercancel", drop);

// Copying, and menus.
const openMenus = "details[data-menu][open]";
on("click", (event) => {
  all(openMenus).forEach((open) => { open.open = open.contains(event.target); });
  const button = event.target.closest("[data-copy], [data-dismiss], [data-find], [data-move], #move [data-to]");
  if (!button || event.defaultPrevented) return;
  const { copy, to } = button.dataset;
  if (copy) { by(copy).select(); document.execCommand("copy"); button.lastChild.textContent = "Copied"; }
  else if ("dismiss" in button.dataset) button.parentElement.remove();
  else if (to) { menu.hidePopover(); move(chosen, to); }
  else {
    event.preventDefault();
    if ("find" in button.dataset) find(); else ask(menu, button.closest(".deal"));
  }
});
on("change", ({ target, target: { name, value, checked, id } }) => {
  if (target.matches("[data-pick-all]")) pick(() => checked);
  if (target.closest("#list")) count();
  if (id === "keys-on") localStorage.setItem("showup-keys", checked);
  if (name !== "theme") return;
  all("[name=theme]").forEach((input) => { input.checked = input.value === value; });
  document.documentElement.removeAttribute("data-theme");
});

// Keys. Single letters rest while somebody types.
if (keysOn) keysOn.checked = localStorage.getItem("showup-keys") !== "false";
const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], k: [0, -1], j: [0, 1] };
let before = "";
const walk = ([across, down], columns) => {
  columns = columns.filter((items) => items.length);
  const at = columns.findIndex((items) => items.includes(here())), row = at < 0 ? -1 : columns[at].indexOf(here());
  const items = columns[clamp(at + across, columns.length - 1)] || [];
  items.at(row < 0 && down < 0 ? -1 : clamp(row + down, items.length - 1))?.focus();
};
on("keydown", (event) => {
  const { key, target, ctrlKey, metaKey, altKey } = event, keys = before + key.toLowerCase(), isOpen = menu?.matches(":popover-open");
  if (key === "Escape") {
    const menus = all(openMenus);
    drop(event);
    menus.forEach((open) => { open.open = false; open.firstElementChild.focus(); });
    if (!menus.length && !one(":popover-open, dialog[open]")) pick(() => false);
  }
  if (target === field && /^(Arrow[UD]|Enter)/.test(key)) {
    event.preventDefault();
    if (steps[key]) choose(steps[key][1]); else one("[aria-selected=true]", palette)?.click();
  }
  if ((ctrlKey || metaKey) && key === "Enter") target.form?.requestSubmit();
  if ((ctrlKey || metaKey) && key === "k" && palette) { event.preventDefault(); find(); }
  if (ctrlKey || metaKey || altKey || target.closest("input:not([type=radio], [type=checkbox]), textarea, select")) return;
  before = "";
  if (/^Arrow/.test(key) && (isOpen || target.matches(".deal__name"))) {
    event.preventDefault();
    walk(steps[key], isOpen ? [all("button:enabled", menu)] : all(".stage").map((stage) => all(".deal__name", stage)));
  }
  if (!keysOn?.checked || key.length > 1) return;
  const deal = isOpen ? chosen : target.closest("[data-deal]"), named = (name, root) => one(`[${name}="${CSS.escape(keys)}" i]`, root);
  const link = named("data-keys"), item = deal && named("aria-keyshortcuts", menu);
  if (link) { link.focus(); link.click(); }
  else if (item) { menu.hidePopover(); move(deal, item.dataset.to); }
  else if (deal && keys === "m") ask(menu, deal);
  else if (keys === "?") by("keys").showPopover();
  else if (keys === "r") one("[data-report]", target.closest("[data-row]") || document)?.click();
  else if (steps[keys]) walk(steps[keys], [all("[data-row]").map((row) => one("a, button", row))]);
  else if (keys === "g") { before = "g "; setTimeout(() => { before = ""; }, 1500); }
  else return;
  event.preventDefault();
});

// Swapped parts: what somebody edits or holds is left; focus stays, or goes to its successor.
const reachable = "a, button, summary";
let focused, kept, scrolled = [];
on("htmx:beforeSwap", ({ detail }) => {
  const part = detail.target, hasFocus = part?.contains(here());
  if (!part?.matches?.("[data-part]")) return;
  const isEdited = hasFocus && here().matches("input, textarea, select");
  const isHeld = drag?.ghost || one("details[open]", part) || one(":popover-open");
  const isGet = (detail.requestConfig.verb || "get") === "get";
  if (isGet && (isEdited || isHeld)) {
    detail.shouldSwap = false;
    if (isEdited) part.dataset.changed = "";
    else setTimeout(() => htmx.trigger(body, "live-deal"), 1000);
    return;
  }
  focused = hasFocus && { id: here().id, index: all(reachable, part).indexOf(here()), part: part.id };
  // After an act on the selected rows, none is selected.
  if (part.id === "list") kept = isGet ? rowBoxes(":checked").map((box) => box.name) : [];
  scrolled = all("[data-scroll]", part).map(({ id, scrollLeft, scrollTop }) => [id, scrollLeft, scrollTop]);
});
on("htmx:afterSettle", () => {
  tick();
  if (kept) pick((box) => kept.includes(box.name));
  if (palette?.open) choose(0);
  scrolled.forEach(([id, left, top]) => by(id)?.scrollTo(left, top));
  const { id, index, part } = focused || {}, swapped = by(part);
  focused = kept = putBack = null;
  scrolled = [];
  if (!swapped || swapped.contains(here())) return;
  (by(id) || all(reachable, swapped).slice(0, index + 1).at(-1) || by("main")).focus({ preventScroll: true });
});
on("htmx:sendError htmx:responseError", ({ detail: { xhr: { status } } }) => {
  if (status >= 400 && status < 500) return;
  putBack?.();
  by("toasts").innerHTML = `<p class="toast">${status ? "Showup could not do this. Nothing was changed" : "Not sent: Showup can't be reached"}. Try again.</p>`;
});

// Live: one visible tab holds the stream for all. A hidden tab closes it, and catches up later.
const { live: address, workspace: space } = body.dataset, channel = new BroadcastChannel("showup-live");
let { since } = body.dataset, source, release, waiting, timer, isOver = !address, lastAt = new Date();
const show = (state, words) => {
  if (!dot || dot.title === words) return;
  dot.hidden = false;
  dot.dataset.state = state;
  dot.title = one("[data-words]", dot).textContent = words;
};
const hear = ({ kind, ids, ...message }) => {
  isOver ||= message.space !== space && kind === "opened";
  if (isOver) { close(); show("lost", "Another workspace is open. Reload"); }
  if (isOver || message.space !== space) return;
  since = message.since || since;
  if (kind === "lost") return show("lost", `Reconnecting, data of ${lastAt.toLocaleTimeString([], { timeStyle: "short" })}`);
  if (kind === "opened") return source && dot?.dataset.state === "live" && tell("alive");
  lastAt = new Date();
  show("live", "Live");
  if (kind !== "alive") htmx.trigger(body, `live-${kind}`, { ids });
};
const tell = (kind, ids) => {
  hear({ space, kind, ids });
  channel.postMessage({ space, kind, ids, since });
};
const open = () => {
  if (isOver || source) return;
  const stream = new EventSource(since ? `${address}?since=${since}` : address);
  source = stream;
  stream.onerror = () => {
    tell("lost");
    // It gives up after an answer such as 503.
    if (stream.readyState !== EventSource.CLOSED || source !== stream) return;
    source = null;
    timer = setTimeout(open, 3000);
  };
  const listen = (name, listener) => stream.addEventListener(name, listener);
  for (const kind of ["booking", "deal", "funnel", "delivery"]) listen(kind, ({ data }) => tell(kind, JSON.parse(data).ids));
  listen("position", ({ lastEventId }) => { since = lastEventId; tell("alive"); });
  listen("connection", ({ data }) => tell(JSON.parse(data).database ? "alive" : "lost"));
};
const close = () => {
  clearTimeout(timer);
  source?.close();
  release?.();
  source = release = null;
};
const lead = () => {
  if (isOver || document.hidden || source || waiting) return;
  if (!navigator.locks) return open();
  waiting = true;
  navigator.locks.request(`showup-live-${space}`, () => new Promise((resolve) => {
    waiting = false;
    release = resolve;
    if (document.hidden || isOver) close(); else open();
  }));
};
channel.onmessage = ({ data }) => hear(data);
on("visibilitychange", () => {
  if (document.hidden) return close();
  lead();
  // Deliveries have no number to resume from.
  htmx.trigger(body, "live-delivery");
});
addEventListener("pagehide", close);
if (address) tell("opened");
lead();
count();
