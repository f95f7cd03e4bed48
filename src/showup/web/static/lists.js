// Lists work without this file. It counts and adds what is selected, selects all, and keeps the selection when rows change.
"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const boxes = () => all("#list tbody .pick input");
  const money = (amount, currency) => {
    try {
      return new Intl.NumberFormat(undefined, { style: "currency", currency, maximumFractionDigits: 0 }).format(amount);
    } catch { return `${currency} ${Math.round(amount)}`; }
  };
  const count = () => {
    const list = document.getElementById("list");
    if (!list) return;
    const found = boxes(), picked = found.filter((box) => box.checked), sums = {};
    for (const { dataset } of picked) if (dataset.amount) sums[dataset.currency] = (sums[dataset.currency] || 0) + Number(dataset.amount);
    for (const word of all("[data-picked]")) word.textContent = `${picked.length} selected`;
    for (const sum of all("[data-picked-sum]")) sum.textContent = Object.entries(sums).map(([currency, amount]) => money(amount, currency)).join(" and ");
    for (const button of all("[data-picked-two]")) button.hidden = picked.length !== 2;
    for (const head of all("[data-pick-all]")) {
      head.hidden = false;
      head.checked = picked.length > 0 && picked.length === found.length;
      head.indeterminate = picked.length > 0 && picked.length < found.length;
    }
  };
  const clear = () => { boxes().forEach((box) => { box.checked = false; }); count(); };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) boxes().forEach((box) => { box.checked = event.target.checked; });
    if (event.target.closest("#list")) count();
  });
  document.addEventListener("reset", () => setTimeout(count));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("details[data-menu][open], dialog[open]") && boxes().some((box) => box.checked)) clear();
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && document.getElementById("keys-on")?.checked) {
      event.preventDefault();
      document.getElementById("q")?.focus();
    }
  }, true);
  let kept = new Set();
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "list") return;
    // After an act on the selected rows, none is selected.
    kept = new Set(event.detail.requestConfig.verb === "get" ? boxes().filter((box) => box.checked).map((box) => box.name) : []);
  });
  document.addEventListener("htmx:afterSettle", () => {
    boxes().forEach((box) => { if (kept.has(box.name)) box.checked = true; });
    kept = new Set();
    count();
  });
  count();
})();
