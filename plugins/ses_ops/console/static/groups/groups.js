// Uploads a CSV file with a bar that shows how far it is and a button that cancels. Without this file the form does the
// same, only silently.
"use strict";

(() => {
  const form = document.getElementById("upload-form");
  if (!form) {
    return;
  }
  const part = (name) => document.getElementById(`upload-${name}`);
  const words = form.dataset;
  const megabytes = new Intl.NumberFormat(words.locale, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
  const EVERY = 1000;

  // The server's number of this import, as crypto.randomUUID makes it, which pages without https have not.
  function importId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  // ---- errors: beside their fields, as the page without script has them
  function describe(name) {
    const ids = [`${name}-hint`, `${name}-error`].filter((id) => document.getElementById(id));
    form.elements[name]?.setAttribute("aria-describedby", ids.join(" "));
  }

  function clearErrors() {
    document.getElementById("errors")?.remove();
    for (const old of form.querySelectorAll("p.error")) {
      const name = old.id.replace(/-error$/, "");
      form.elements[name]?.removeAttribute("aria-invalid");
      old.remove();
      describe(name);
    }
  }

  function showErrors(errors) {
    clearErrors();
    const loose = [];
    let first = null;
    for (const [name, text] of errors) {
      const control = form.elements[name];
      if (!control) {
        loose.push(text);
        continue;
      }
      const line = document.createElement("p");
      Object.assign(line, { className: "error", id: `${name}-error`, textContent: text });
      control.closest(".field").append(line);
      control.setAttribute("aria-invalid", "true");
      describe(name);
      first = first || control;
    }
    const box = document.createElement("div");
    Object.assign(box, { className: "flash problem", id: "errors", tabIndex: -1, role: "alert" });
    const line = document.createElement("p");
    line.textContent = loose.join(" ") || words.lookAgain;
    box.append(line);
    form.before(box);
    (first || box).focus();
  }

  const errorsIn = (root) => [...root.querySelectorAll("p.error")].map((p) => [p.id.replace(/-error$/, ""), p.textContent]);

  // ---- one upload
  function upload(file) {
    const id = importId();
    form.elements.import_id.value = id;
    const body = new FormData(form);
    const request = new XMLHttpRequest();
    let over = false;
    let cancelled = false;

    clearErrors();
    form.hidden = true;
    part("progress").hidden = false;
    part("name").textContent = file.name;
    part("state").replaceChildren();
    part("cancel").disabled = false;
    show(0, file.size);
    part("title").focus();

    function show(loaded, total) {
      part("bar").value = total ? (100 * loaded) / total : 0;
      part("loaded").textContent = words.loaded
        .replace("%(loaded)s", megabytes.format(loaded / 1e6))
        .replace("%(total)s", megabytes.format(total / 1e6));
    }

    function end(errors) {
      over = true;
      request.abort();
      part("progress").hidden = true;
      form.hidden = false;
      showErrors(errors);
    }

    function leave(address) {
      over = true;
      location.assign(address);
    }

    // What the server knows decides: an upload that is cancelled at its very end may be imported all the same.
    async function look() {
      const answer = await fetch(words.progress + id, { cache: "no-store", credentials: "same-origin" });
      if (!answer.ok || over) {
        return "";
      }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      const state = fresh.firstElementChild?.dataset.state || "";
      if (state === "imported") {
        leave(words.result + id);
      } else if (state === "failed" || state === "stopped" || state === "lost") {
        end(cancelled ? [["file", words.cancelled]] : errorsIn(fresh));
      } else {
        part("state").replaceChildren(...fresh.childNodes);
      }
      return state;
    }

    async function watch() {
      if (over) {
        return;
      }
      await look().catch(() => "");
      setTimeout(watch, EVERY);
    }

    // After the connection is gone: the server notices within a second.
    async function settle(message) {
      for (let turn = 0; turn < 20 && !over; turn += 1) {
        const state = await look().catch(() => "");
        if (state === "waiting") {
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, EVERY / 2));
      }
      if (!over) {
        end([["file", message]]);
      }
    }

    request.upload.addEventListener("progress", (event) => show(event.loaded, event.total));
    request.addEventListener("load", () => {
      if (over) {
        return;
      }
      if (request.status === 200) {
        leave(request.responseURL);
        return;
      }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const errors = errorsIn(page);
      const said = page.querySelector("#errors p, main h1");
      end(errors.length ? errors : [["", said ? said.textContent : words.broken]]);
    });
    request.addEventListener("error", () => {
      if (!over) {
        settle(words.broken);
      }
    });
    part("cancel").onclick = () => {
      cancelled = true;
      part("cancel").disabled = true;
      request.abort();
      settle(words.cancelled);
    };
    request.open("POST", form.action);
    request.send(body);
    setTimeout(watch, EVERY);
  }

  // ---- how the chosen file would be read, before anything is sent to be stored
  const BEGINNING = 8 * 1024 * 1024;
  const MOST_OF_A_WORKBOOK = 48 * 1024 * 1024;
  const lookPart = part("look");
  let looks = 0;

  async function isZip(file) {
    const bytes = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    return bytes[0] === 0x50 && bytes[1] === 0x4b;
  }

  // What a person writes beside a column is a line of the field of names.
  function noteNames() {
    const lines = [];
    for (const input of lookPart.querySelectorAll("[data-column]")) {
      const column = input.dataset.column;
      if (input.value.trim() && input.value.trim() !== input.defaultValue && !column.includes("\n")) {
        lines.push(`${column}=${input.value.trim()}`);
      } else if (form.elements.map.value.split("\n").some((line) => line.startsWith(`${column}=`))) {
        lines.push(`${column}=${input.value.trim() || input.defaultValue}`);
      }
    }
    form.elements.map.value = lines.join("\n");
  }

  async function lookAtFile() {
    looks += 1;
    const turn = looks;
    const file = form.elements.file.files[0];
    if (!file || file.size === 0) {
      lookPart.hidden = true;
      return;
    }
    try {
      const whole = await isZip(file);
      if (whole && file.size > MOST_OF_A_WORKBOOK) {
        return;
      }
      const body = new FormData(form);
      body.delete("file");
      body.append("file", whole ? file : file.slice(0, BEGINNING), file.name);
      const answer = await fetch(words.look, { method: "POST", body, cache: "no-store", credentials: "same-origin" });
      if (turn !== looks || !answer.ok) {
        return;
      }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      const found = fresh.firstElementChild;
      clearErrors();
      if (found.dataset.look === "bad") {
        lookPart.hidden = true;
        const focused = document.activeElement;
        showErrors(errorsIn(found));
        focused?.focus();
        return;
      }
      if (found.dataset.look === "guess") {
        form.elements.encoding.value = found.dataset.encoding;
        form.elements.encoding.dataset.guessed = "yes";
      }
      lookPart.replaceChildren(found);
      lookPart.hidden = false;
    } catch {
      // Without it the upload still says what is wrong.
      lookPart.hidden = true;
    }
  }

  form.elements.file.addEventListener("change", () => {
    // What was guessed for another file, and its columns' names, are not this one's.
    if (form.elements.encoding.dataset.guessed) {
      form.elements.encoding.value = "";
      delete form.elements.encoding.dataset.guessed;
    }
    form.elements.map.value = "";
    form.elements.sheet.value = "";
    lookAtFile();
  });
  for (const name of ["encoding", "delimiter", "address_column", "map", "sheet", "mode"]) {
    form.elements[name]?.addEventListener("change", () => {
      if (name === "encoding") {
        delete form.elements.encoding.dataset.guessed;
      }
      lookAtFile();
    });
  }
  lookPart.addEventListener("change", (event) => {
    if (event.target.dataset.sets) {
      form.elements[event.target.dataset.sets].value = event.target.value;
    } else {
      noteNames();
    }
    lookAtFile();
  });

  form.addEventListener("submit", (event) => {
    const file = form.elements.file.files[0];
    if (!file) {
      return;
    }
    event.preventDefault();
    if (file.size > Number(words.largest)) {
      showErrors([["file", words.tooLarge]]);
      return;
    }
    upload(file);
  });
})();
