// What the console's pages do besides being pages. Everything works without this file; it adds: times in the viewer's
// zone, questions before what cannot be undone, and links out of Airflow's frame. live.js has what moves by itself.
"use strict";

(() => {
  // The page's language, in the kind of it that the viewer uses: en-GB writes a day before its month.
  const lang = document.documentElement.lang || "en";
  const locale = navigator.languages.find((one) => one.split("-")[0] === lang) || lang;
  const shown = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

  // ---- times: the server writes UTC, the viewer sees their own zone; UTC when hovering, and everywhere when the button
  // at the foot of the page is pressed: hovering needs a mouse, and hundreds of tab stops would be no way for the others.
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
  const foot = document.getElementById("times");
  const button = foot.querySelector("button");
  const UTC = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g;
  let utc = remembered();

  function remembered() {
    try {
      return localStorage.getItem("ses-times") === "utc";
    } catch {
      return false;
    }
  }

  function showTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.valueOf())) {
        time.textContent = utc ? time.title || time.dateTime : (time.hasAttribute("data-seconds") ? exact : shown).format(moment);
      }
    }
    // Sentences about pictures, which can hold no <time>.
    for (const text of root.querySelectorAll("[data-moments]")) {
      text.dataset.moments ||= text.textContent;
      const local = (found) => exact.format(new Date(found.replace(" ", "T")));
      text.textContent = utc ? text.dataset.moments : text.dataset.moments.replace(UTC, local);
    }
  }

  function sayZone() {
    const zone = shown.resolvedOptions().timeZone;
    foot.hidden = zone === "UTC";
    foot.querySelector("strong").textContent = utc ? "UTC" : zone;
    button.setAttribute("aria-pressed", utc);
  }

  button.addEventListener("click", () => {
    utc = !utc;
    try {
      localStorage.setItem("ses-times", utc ? "utc" : "");
    } catch {
      // A browser that keeps nothing: then it holds for this page.
    }
    showTimes(document);
    sayZone();
  });

  // ---- questions: <form data-confirm="question" data-consequence="..." data-action="..."> ; confirm() is dead in the frame
  const dialog = document.getElementById("confirm");

  function ask(form) {
    dialog.querySelector("#confirm-question").textContent = form.dataset.confirm;
    dialog.querySelector("#confirm-consequence").textContent = form.dataset.consequence || "";
    dialog.querySelector("#confirm-action").textContent = form.dataset.action;
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue === "yes") {
        const confirmed = document.createElement("input");
        Object.assign(confirmed, { type: "hidden", name: "confirmed", value: "yes" });
        form.append(confirmed);
        form.submit();
      }
    };
    dialog.showModal();
  }

  document.addEventListener("submit", (event) => {
    if (event.target.dataset.confirm && dialog) {
      event.preventDefault();
      ask(event.target);
    }
  });

  // ---- alone in a window, there is no navigation of Airflow's
  const toAirflow = document.getElementById("to-airflow");
  if (toAirflow && window.parent === window) {
    toAirflow.hidden = false;
  }

  // ---- links out of the frame: the sandbox forbids target="_top", so the link is made and followed in Airflow's page
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-leave-frame]");
    if (!link || window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    const outer = window.parent.document.createElement("a");
    outer.href = link.href;
    outer.target = link.target;
    outer.rel = link.rel;
    window.parent.document.body.append(outer);
    outer.click();
    outer.remove();
  });

  // ---- menus close by Escape and by a click elsewhere
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target) && !event.target.closest("dialog")) {
        menu.open = false;
      }
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.activeElement?.closest("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // ---- the navigation of a narrow page: an arrow where more of it is hidden, and the own page's entry in sight
  const strip = document.querySelector(".top ul");
  function hintAtMore() {
    const nav = strip.parentElement;
    nav.classList.toggle("more-before", strip.scrollLeft > 4);
    nav.classList.toggle("more-after", strip.scrollLeft + strip.clientWidth < strip.scrollWidth - 4);
  }
  if (strip) {
    const own = strip.querySelector("[aria-current]");
    if (own) {
      strip.scrollLeft = own.offsetLeft - (strip.clientWidth - own.offsetWidth) / 2;
    }
    strip.addEventListener("scroll", hintAtMore, { passive: true });
    addEventListener("resize", hintAtMore);
    hintAtMore();
  }

  showTimes(document);
  sayZone();
  window.showTimes = showTimes;
  document.getElementById("errors")?.focus();
})();
