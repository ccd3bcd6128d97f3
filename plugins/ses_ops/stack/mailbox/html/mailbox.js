// The list by itself as mail arrives, and keys: / search, j and k move, Enter opens, u back to the list, r refresh.
"use strict";

const rows = document.getElementById("rows");

async function refresh() {
  const answer = await fetch(rows.dataset.rows);
  if (!answer.ok) return;
  const text = await answer.text();
  if (text === rows.dataset.text) return;
  rows.dataset.text = text;
  const at = rows.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  rows.innerHTML = text; // our own page's markup: everything of a message is escaped in it
  if (at) rows.querySelector(`a[href="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
}

if (rows) {
  setInterval(() => { if (!document.hidden) refresh().catch(() => {}); }, 2000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh().catch(() => {}); });
}

function move(step) {
  const links = [...document.querySelectorAll(".subject a")];
  const next = links[links.indexOf(document.activeElement) + step] ?? (step > 0 ? links[0] : null);
  next?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
  const open = (id) => document.getElementById(id)?.click();
  const keys = {
    "/": () => document.getElementById("search").focus(),
    j: () => (rows ? move(1) : open("older")),
    k: () => (rows ? move(-1) : open("newer")),
    u: () => open("back"),
    r: () => (rows ? refresh() : location.reload()),
  };
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
