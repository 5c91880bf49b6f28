// Enhances the page; without it everything works by forms and links.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);

// --- Worked cases: type to find, arrows to walk ---

// What outlives a page: nothing of a patient's. A browser may forbid to keep anything.
const memory = (() => {
  try {
    return sessionStorage;
  } catch {
    return {};
  }
})();

const filter = one("#filter");
if (filter) {
  const items = all(".cases li");
  const current = one(".cases [aria-current]");
  const shown = () => all(".cases li:not([hidden]) a");
  // One stop for the Tab key; the arrows walk from there.
  const stop = (link) => {
    for (const other of all(".cases a")) other.tabIndex = other === link ? 0 : -1;
  };
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) {
      const text = `${item.textContent} ${item.dataset.why}`.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of all("[data-group]")) {
      group.hidden = !one("li:not([hidden])", group);
    }
    const links = shown();
    stop(links.includes(current) ? current : links[0]);
    one("#filter-says").textContent = words.length ? `${links.length} of ${items.length}` : "";
    memory.filter = filter.value;
  };
  const walk = (event) => {
    const links = shown();
    const at = links.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && links.length) {
      event.preventDefault();
      const next = links[at + step] ?? (step < 0 ? filter : links.at(-1));
      if (next !== filter) stop(next);
      next.focus();
    } else if (event.key === "Enter" && at < 0 && links.length) {
      links[0].click();
    }
  };
  filter.value = memory.filter ?? "";
  one("[data-filter]").hidden = false;
  apply();
  filter.addEventListener("input", apply);
  filter.addEventListener("keydown", walk);
  one(".cases").addEventListener("keydown", walk);
  one(".cases").addEventListener("click", () => { memory.walking = "yes"; });
  if (current) {
    const list = one(".cases");
    list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 3;
    // Whoever walks through the cases goes on where they were.
    if (memory.walking) current.focus({ preventScroll: true });
  }
  delete memory.walking;
}

// --- Files that are dropped anywhere on the page ---

const paste = one("[data-paste]");
const drop = one("[data-drop]");
const carries = (event) => paste && event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (carries(event)) {
    event.preventDefault();
    paste.closest("details").open = true;
    drop.classList.add("over");
  }
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop?.classList.remove("over");
});
addEventListener("drop", async (event) => {
  drop?.classList.remove("over");
  const file = carries(event) && event.dataTransfer.files[0];
  if (!file) return;
  event.preventDefault();
  paste.closest("details").open = true;
  one("#text").value = await file.text();
  one("#file").value = "";
  paste.requestSubmit();
});

// --- While the service is being asked ---

for (const form of all(".ask form")) {
  form.addEventListener("submit", (event) => {
    const button = one("button", form);
    if (button.ariaDisabled === "true") {
      event.preventDefault();
      return;
    }
    button.dataset.words ??= button.textContent;
    button.textContent = "Asking…";
    button.ariaDisabled = "true";
  });
}
addEventListener("pageshow", () => {
  for (const button of all("button[data-words]")) {
    button.textContent = button.dataset.words;
    button.ariaDisabled = "false";
  }
});

// --- Where the text is wrong ---

const text = one("#text");
if (text?.dataset.line) {
  const lines = text.value.split("\n");
  const before = lines.slice(0, Number(text.dataset.line) - 1).join("\n").length;
  const at = before + (text.dataset.line > 1 ? 1 : 0) + Number(text.dataset.column) - 1;
  text.focus();
  text.setSelectionRange(at, at + 1);
}

// --- Resources that facts point at ---

const reveal = () => {
  const target = document.getElementById(location.hash.slice(1));
  const resource = target?.closest(".resource");
  for (const other of all(".resource.hit")) other.classList.remove("hit");
  if (resource) {
    resource.open = true;
    resource.classList.add("hit");
    resource.scrollIntoView({ block: "nearest" });
    target.focus({ preventScroll: true });
  }
};
addEventListener("hashchange", reveal);
reveal();

// --- Copying ---

if (navigator.clipboard) {
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      const words = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }
}

// --- Feedback without leaving the page ---

const say = (form, ...nodes) => one(".outcome", form).replaceChildren(...nodes);
for (const form of all("[data-feedback]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    say(form, "Sending…");
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const outcome = one("[data-outcome]", page);
      if (!outcome) throw new Error(`HTTP ${answer.status}`);
      say(form, ...outcome.childNodes);
    } catch (error) {
      const note = document.createElement("p");
      note.className = "note bad";
      note.textContent = `Not received: ${error.message}. Is the service running?`;
      say(form, note);
    }
  });
}
