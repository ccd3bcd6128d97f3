// Parts of a page that keep themselves up to date: <div data-live="address" data-every="seconds">. The server answers
// with the same part as it is now, or 304; `X-Every` says in how many seconds to look again, 0 that it is over.
"use strict";

(() => {
  const notice = document.getElementById("offline");
  const dialog = document.getElementById("confirm");
  const problems = new Map();

  // One notice for all parts of a page; it goes away when none has a problem.
  function say(region, text) {
    problems.set(region, text);
    const shown = [...problems.values()].find(Boolean) || "";
    if (notice.textContent !== shown) {
      notice.textContent = shown;
      notice.hidden = !shown;
    }
  }

  // In use: what the person is working with must not be taken out of their hands, nor what a question is about.
  function inUse(element) {
    return (
      element.contains(document.activeElement) ||
      element.matches("details[open]") ||
      element.querySelector("details[open]") !== null ||
      (dialog.open && element.querySelector("form[data-confirm]") !== null)
    );
  }

  // ---- the new state into the old one. Each of these returns whether it left something old because it is in use.
  // A row or section is known by its data-key, what is exchanged as a whole by its data-part; text stands in parts.

  function merge(old, fresh) {
    if (whole(old) || whole(fresh)) {
      return exchange(old, fresh);
    }
    copyAttributes(old, fresh);
    return mergeChildren(old, fresh);
  }

  function whole(element) {
    return element.hasAttribute("data-part") || element.querySelector("[data-key], [data-part]") === null;
  }

  function exchange(old, fresh) {
    if (content(old) !== content(fresh)) {
      if (inUse(old)) {
        return true;
      }
      swap(old, fresh);
    }
    copyAttributes(old, fresh);
    return false;
  }

  // What the server said; whether somebody opened a part of it is not that.
  function content(element) {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("details[open]").forEach((one) => one.removeAttribute("open"));
    return copy.innerHTML;
  }

  function copyAttributes(old, fresh) {
    for (const { name } of [...old.attributes]) {
      if (name !== "open" && !fresh.hasAttribute(name)) {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of fresh.attributes) {
      if (name !== "open" && old.getAttribute(name) !== value) {
        old.setAttribute(name, value);
      }
    }
  }

  // A bar whose parts only grew keeps its elements, so that it moves smoothly; what was scrolled aside stays there.
  function swap(old, fresh) {
    const bars = [old.querySelector("svg.bar"), fresh.querySelector("svg.bar")];
    if (bars[0] && bars[1] && bars[0].children.length === bars[1].children.length) {
      [...bars[1].children].forEach((rect, place) => copyAttributes(bars[0].children[place], rect));
      copyAttributes(bars[0], bars[1]);
      bars[1].replaceWith(bars[0]);
    }
    const scrolled = [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    old.replaceChildren(...fresh.childNodes);
    old.querySelectorAll(".scroll").forEach((one, place) => (one.scrollLeft = scrolled[place] || 0));
  }

  // By name, in order. Two of one name are told apart by their number.
  function named(parent) {
    const found = new Map();
    for (const child of parent.children) {
      const own = ["data-key", "data-part", "id", "aria-labelledby"].find((name) => child.hasAttribute(name));
      let name = own ? `${own} ${child.getAttribute(own)}` : `${child.localName} ${child.getAttribute("class")}`;
      while (found.has(name)) {
        name += " +";
      }
      found.set(name, child);
    }
    return found;
  }

  function mergeChildren(old, fresh) {
    const before = named(old);
    const after = named(fresh);
    let left = false;
    for (const [name, child] of before) {
      if (!after.has(name) && !inUse(child)) {
        child.remove();
      }
    }
    const wanted = [...after].map(([name, child]) => {
      const kept = before.get(name);
      if (kept) {
        left = merge(kept, child) || left;
      }
      return kept || child;
    });
    // What is in use is not moved, which would take the focus: the others are moved around it.
    let next = old.firstElementChild;
    for (const child of wanted) {
      while (next && !wanted.includes(next)) {
        next = next.nextElementSibling;
      }
      if (child === next || (child.parentNode === old && inUse(child))) {
        next = child.nextElementSibling;
      } else {
        old.insertBefore(child, next);
      }
    }
    return left || [...old.children].some((child, place) => child !== wanted[place]);
  }

  function update(region, html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    window.showTimes(fresh);
    return mergeChildren(region, fresh);
  }

  // ---- looking again and again, while somebody can see it
  const WORDS = { 403: "forbidden", 404: "gone", 410: "gone" };

  function live(region) {
    let every = Number(region.dataset.every || 2);
    let tag = "";
    let failures = 0;
    let behind = false;
    let over = false;
    let looking = false;
    let timer = 0;

    async function look() {
      const answer = await fetch(region.dataset.live, {
        headers: tag ? { "If-None-Match": tag } : {},
        cache: "no-store",
        credentials: "same-origin",
      });
      const { status } = answer;
      if (status === 401) {
        failures += 1;
        say(region, notice.dataset.login);
        return;
      }
      if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
        // Asking again would not change it.
        over = true;
        say(region, notice.dataset[WORDS[status] || "refused"]);
        return;
      }
      if (status === 200) {
        behind = update(region, await answer.text());
        // Without the tag the next answer has it all again, and what was left old can follow.
        tag = behind ? "" : answer.headers.get("ETag") || "";
      } else if (status !== 304) {
        throw new Error(`status ${status}`);
      }
      every = Number(answer.headers.get("X-Every") ?? every);
      over = every === 0 && !behind;
      failures = 0;
      say(region, "");
    }

    async function turn() {
      if (looking || over || document.hidden) {
        return;
      }
      clearTimeout(timer);
      looking = true;
      try {
        await look();
      } catch {
        failures += 1;
        if (failures > 1) {
          say(region, notice.dataset.away);
        }
      }
      looking = false;
      // A server that does not answer is asked less and less often, at least twice a minute.
      const seconds = failures ? Math.min(30, 2 * 2 ** failures) : every || 2;
      timer = setTimeout(turn, 1000 * seconds);
    }

    // What was in use and no longer is, follows at once.
    const soon = () => {
      if (behind) {
        clearTimeout(timer);
        timer = setTimeout(turn, 200);
      }
    };

    timer = setTimeout(turn, 1000 * every);
    document.addEventListener("visibilitychange", turn);
    region.addEventListener("focusout", soon);
    region.addEventListener("toggle", soon, true);
    dialog.addEventListener("close", soon);
  }

  document.querySelectorAll("[data-live]").forEach(live);
})();
