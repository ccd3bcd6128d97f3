// What the console's pages do besides being pages. Everything works without this file; it adds: times in the viewer's
// zone, parts that keep themselves up to date, questions before what cannot be undone, and links out of Airflow's frame.
"use strict";

(() => {
  // The page's language, in the kind of it that the viewer uses: en-GB writes a day before its month.
  const lang = document.documentElement.lang || "en";
  const locale = navigator.languages.find((one) => one.split("-")[0] === lang) || lang;
  const shown = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

  // ---- times: the server writes UTC, the viewer sees their own zone, and UTC when hovering
  function localTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.valueOf())) {
        time.textContent = shown.format(moment);
        time.dataset.local = "";
      }
    }
  }

  // ---- live parts: <div data-live="address" data-every="seconds">
  const offline = document.getElementById("offline");

  function say(text) {
    if (offline && offline.textContent !== text) {
      offline.textContent = text;
      offline.hidden = !text;
    }
  }

  // In use: what the person is working with must not be taken out of their hands.
  function inUse(element) {
    return element.contains(document.activeElement) || element.querySelector("details[open]") !== null;
  }

  // Replaces only the parts that changed, row by row; a row is known by its data-key, a part of it by data-part.
  function update(region, html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    localTimes(fresh);
    const keys = (root) => [...root.querySelectorAll("[data-key]")].map((row) => row.dataset.key);
    const before = keys(region);
    if (before.length && before.join("\n") === keys(fresh).join("\n")) {
      for (const row of fresh.querySelectorAll("[data-key]")) {
        const old = region.querySelector(`[data-key="${CSS.escape(row.dataset.key)}"]`);
        for (const part of row.querySelectorAll("[data-part]")) {
          const shownPart = old.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
          if (shownPart && shownPart.innerHTML !== part.innerHTML && !inUse(shownPart)) {
            swap(shownPart, part);
          }
        }
      }
      return;
    }
    if (!inUse(region)) {
      region.replaceChildren(...fresh.childNodes);
      region.dispatchEvent(new CustomEvent("ses:updated", { bubbles: true }));
    }
  }

  // A bar whose parts only grew keeps its elements, so that it moves smoothly.
  function swap(old, part) {
    const bars = [old.querySelector("svg.bar"), part.querySelector("svg.bar")];
    if (bars[0] && bars[1] && bars[0].children.length === bars[1].children.length) {
      [...bars[1].children].forEach((rect, place) => {
        for (const { name, value } of rect.attributes) {
          bars[0].children[place].setAttribute(name, value);
        }
      });
      for (const { name, value } of bars[1].attributes) {
        bars[0].setAttribute(name, value);
      }
      bars[1].replaceWith(bars[0]);
    }
    old.replaceChildren(...part.childNodes);
  }

  function live(region) {
    const every = 1000 * Number(region.dataset.every || 2);
    let tag = "";
    let failures = 0;

    async function look() {
      if (document.hidden) {
        return;
      }
      try {
        const answer = await fetch(region.dataset.live, {
          headers: tag ? { "If-None-Match": tag } : {},
          cache: "no-store",
          credentials: "same-origin",
        });
        if (answer.status === 401) {
          say(offline.dataset.login);
          failures += 1;
          return;
        }
        if (answer.status === 200) {
          update(region, await answer.text());
          tag = answer.headers.get("ETag") || "";
        } else if (answer.status !== 304) {
          throw new Error(`status ${answer.status}`);
        }
        failures = 0;
        say("");
      } catch {
        failures += 1;
        if (failures > 1) {
          say(offline.dataset.away);
        }
      }
    }

    async function turn() {
      await look();
      // A server that does not answer is asked less and less often, at least twice a minute.
      setTimeout(turn, Math.min(30000, every * 2 ** Math.min(failures, 5)));
    }

    setTimeout(turn, every);
    document.addEventListener("visibilitychange", look);
  }

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

  localTimes(document);
  document.querySelectorAll("[data-live]").forEach(live);
  document.getElementById("errors")?.focus();
})();
