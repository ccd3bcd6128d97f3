// The list of send tasks: how many are selected, and all of a page at once. Without it, boxes and buttons work as well.
"use strict";

(() => {
  const form = document.getElementById("bulk");
  if (!form) {
    return;
  }
  const every = document.getElementById("select-all");
  const all = document.getElementById("all");
  const said = form.querySelector("[data-selected]");
  const boxes = () => [...document.querySelectorAll('#list input[name="name"]')];

  every.closest("[hidden]").hidden = false;

  function show() {
    const chosen = boxes().filter((box) => box.checked).length;
    every.checked = chosen > 0 && chosen === boxes().length;
    every.indeterminate = chosen > 0 && !every.checked;
    const text = chosen && !all?.checked ? said.dataset.selected.replace("#", chosen) : "";
    if (said.textContent !== text) {
      said.textContent = text;
    }
  }

  every.addEventListener("change", () => {
    boxes().forEach((box) => (box.checked = every.checked));
    show();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches('#list input[name="name"], #all')) {
      show();
    }
  });
  // Rows come and go by themselves; and a browser that goes back remembers the boxes.
  new MutationObserver(show).observe(document.getElementById("list"), { childList: true, subtree: true });
  addEventListener("pageshow", show);
  show();
})();
