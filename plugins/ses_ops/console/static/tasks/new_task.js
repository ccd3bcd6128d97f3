// The form of a send task works without this. With it, a new task begins in the viewer's zone, its name follows the
// template until somebody writes one, the variables of the chosen group are at hand, and an end can have a time.
"use strict";

(() => {
  const form = document.querySelector(".task-form");
  if (!form) {
    return;
  }
  const field = (name) => form.elements.namedItem(name);
  // A form that comes back with errors keeps what was typed.
  const untouched = form.dataset.new === "yes" && !document.getElementById("errors") && location.pathname.endsWith("/new-task");

  function beginInViewersZone() {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const known = [...document.querySelectorAll("#zones option")].some((option) => option.value === zone);
    if (!known) {
      return;
    }
    field("time_zone").value = zone;
    const start = new Date();
    start.setDate(start.getDate() + 1);
    const two = (number) => String(number).padStart(2, "0");
    field("start_at").value = `${start.getFullYear()}-${two(start.getMonth() + 1)}-${two(start.getDate())}T09:00`;
  }

  function nameFollowsTemplate() {
    const name = field("name");
    const template = field("template");
    const date = name.value.match(/\d{4}-\d{2}-\d{2}/);
    let proposed = name.value;
    template.addEventListener("change", () => {
      if (name.value === proposed && date) {
        const base = template.value.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60);
        name.value = proposed = `${base || "mail"}-${date[0]}`;
      }
    });
  }

  function showVariables() {
    const line = document.getElementById("variables");
    const group = field("group");
    if (!group.selectedOptions) {
      return; // who gets it can change no more
    }
    const show = () => {
      const names = (group.selectedOptions[0]?.dataset.variables || "").split(" ").filter(Boolean);
      line.hidden = names.length === 0;
      line.querySelector("span").replaceChildren(
        ...names.flatMap((name) => {
          const code = document.createElement("code");
          code.textContent = `{{ ${name} }}`;
          return [code, " "];
        }),
      );
    };
    group.addEventListener("change", show);
    show();
  }

  function endCanHaveATime() {
    const end = field("until");
    const box = document.getElementById("until-at-a-time");
    if (!box) {
      return; // when it starts can change no more
    }
    box.closest(".only-script").hidden = false;
    box.addEventListener("change", () => {
      const [day, time] = end.value.split("T");
      end.type = box.checked ? "datetime-local" : "date";
      end.value = box.checked && day ? `${day}T${time || "23:59"}` : day;
    });
  }

  if (untouched) {
    beginInViewersZone();
    nameFollowsTemplate();
  }
  showVariables();
  endCanHaveATime();
})();
