"""A walk over a page by the Tab key alone: what is reached without a mouse, and whether one sees where one is."""

from __future__ import annotations

from typing import Any

#: Everything that can be worked: visible, enabled, not taken out of the order. Of radio buttons, one stands for all.
_CONTROLS = """() => {
  const wanted = "a[href], button, input, select, textarea, summary, [tabindex]";
  const groups = new Set();
  window.controls = [...document.querySelectorAll(wanted)].filter((one) => {
    const box = one.getBoundingClientRect();
    if (one.tabIndex < 0 || one.disabled || one.type === "hidden" || !one.checkVisibility({visibilityProperty: true})
        || !box.width || !box.height) {
      return false;
    }
    if (one.type !== "radio") {
      return true;
    }
    const checked = document.querySelector(`input[type=radio][name="${CSS.escape(one.name)}"]:checked`);
    const stands = checked ? checked === one : !groups.has(one.name);
    groups.add(one.name);
    return stands;
  });
  return window.controls.map((one) => one.outerHTML.replace(/\\s+/g, " ").slice(0, 120));
}"""
#: From now on, every element that gets the focus: its place in `controls`, -1 for another one; whether one sees it.
_WATCH = """() => {
  const known = window.walk;
  window.walk = [];
  if (known) {
    return;
  }
  document.addEventListener("focusin", ({ target }) => {
    const style = getComputedStyle(target);
    window.walk.push({
      place: window.controls.indexOf(target),
      seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
      what: target.outerHTML.replace(/\\s+/g, " ").slice(0, 120),
    });
  });
}"""


#: For the walk, live parts stay the elements that they are (live.js asks nothing while nobody sees the page), and a
#: mail's frame is passed by: it is another process, and a key may be pressed before that has handed the focus back.
_STAND_STILL = """() => {
  Object.defineProperty(document, "hidden", {get: () => true, configurable: true});
  document.querySelectorAll("iframe").forEach((one) => (one.inert = true));
}"""


def shut_out_by_keyboard(page: Any) -> list[str]:
    """What is wrong with a page for somebody who has only the Tab key: all of it, in words."""
    page.evaluate(_STAND_STILL)
    controls = page.evaluate(_CONTROLS)
    page.evaluate(_WATCH)
    walk: list[dict[str, Any]] = []
    # A date has several places for the cursor, so that there are more presses than controls.
    for _ in range(4):
        for _ in range(len(controls) + 2):
            page.keyboard.press("Tab")
        walk = page.evaluate("window.walk")
        if any(step["place"] == walk[0]["place"] for step in walk[1:]):
            break
    else:
        return ["the Tab key does not come round"]
    end = next(at for at, step in enumerate(walk) if at and step["place"] == walk[0]["place"])
    reached = [step["place"] for step in walk[:end]]
    found = [f"has no outline: {step['what']}" for step in walk[:end] if not step["seen"]]
    found += [f"reached twice: {one}" for place, one in enumerate(controls) if reached.count(place) > 1]
    return found + [f"not reached: {one}" for place, one in enumerate(controls) if place not in reached]
