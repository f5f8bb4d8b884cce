// The form that an interaction is answered with, as a dialog.

import { fill, freshId, h } from "./dom.js";
import { icon } from "./icons.js";
import { submit } from "./interactions.js";
import { markdown } from "./markdown.js";
import { namesOf } from "./names.js";

const TEXT_INPUT = 4;
const TEXT = 10;
const LABEL = 18;
const PARAGRAPH = 2;

export function openModal(store, opener, body) {
  const title = freshId("modal-title");
  const problem = h("p", { class: "problem", role: "alert" });
  const send = h("button", { type: "submit", class: "button primary" }, "Submit");
  const close = () => dialog.close();
  const form = h(
    "form",
    { method: "dialog" },
    h(
      "header",
      {},
      h("h2", { id: title }, body.title),
      h(
        "button",
        { type: "button", class: "plain", "aria-label": "Close", click: close },
        icon("cross"),
      ),
    ),
    body.components.map((row) => rowOf(row, store)),
    problem,
    h("footer", {}, h("button", { type: "button", class: "button", click: close }, "Cancel"), send),
  );
  const dialog = h("dialog", { class: "modal", "aria-labelledby": title }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await submit(store, opener, valuesOf(form));
      dialog.close();
    } catch (error) {
      fill(problem, error.message);
    } finally {
      send.disabled = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  form.querySelector("input, textarea, select")?.focus();
}

function valuesOf(form) {
  const fields = form.querySelectorAll("[data-custom-id]");
  return Object.fromEntries([...fields].map((each) => [each.dataset.customId, each.value]));
}

function rowOf(row, store) {
  if (row.type === TEXT) return h("div", {}, markdown(row.content, namesOf(store)));
  if (row.type === LABEL) return labelled(row.component, row.label, row.description, store);
  return row.components.map((each) => labelled(each, each.label, null, store));
}

function labelled(component, label, description, store) {
  const id = freshId("field");
  const about = description ? freshId("about") : null;
  const required = component.required !== false;
  return h(
    "div",
    { class: "row" },
    h(
      "label",
      { for: id },
      label,
      required && h("span", { class: "required", "aria-hidden": "true" }, " *"),
    ),
    description && h("p", { class: "faint", id: about }, description),
    control(
      component,
      { id, required, "aria-describedby": about, dataset: { customId: component.custom_id } },
      store,
    ),
  );
}

function control(component, attributes, store) {
  if (component.type !== TEXT_INPUT) return menu(component, attributes, store);
  const shared = {
    ...attributes,
    placeholder: component.placeholder,
    minlength: component.min_length,
    maxlength: component.max_length ?? 4000,
    value: component.value ?? "",
  };
  if (component.style === PARAGRAPH) return h("textarea", { ...shared, rows: 4 });
  return h("input", { ...shared, type: "text", autocomplete: "off" });
}

function menu(component, attributes, store) {
  const options = component.options ?? peopleAndPlaces(component.type, store);
  return h(
    "select",
    attributes,
    h("option", { value: "" }, component.placeholder ?? "Choose"),
    options.map((each) => h("option", { value: each.value, selected: each.default }, each.label)),
  );
}

function peopleAndPlaces(kind, store) {
  const people = store.view.people.map((each) => ({ value: each.id, label: each.name }));
  const roles = store.guild.roles.map((each) => ({ value: each.id, label: each.name }));
  const places = store.guild.channels.map((each) => ({ value: each.id, label: each.name }));
  return { 5: people, 6: roles, 7: [...people, ...roles], 8: places }[kind] ?? [];
}
