// Buttons, menus and the newer layout components as nodes.
// https://discord.com/developers/docs/components/reference

import { attachment, colour, isWeb, picture } from "./embeds.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { choose, press } from "./interactions.js";
import { markdown } from "./markdown.js";
import { namesOf } from "./names.js";
import { Popup } from "./popup.js";

const STYLES = {
  1: "primary",
  2: "secondary",
  3: "success",
  4: "danger",
  5: "secondary",
  6: "primary",
};
const MAKE = {
  1: row,
  2: button,
  3: select,
  5: select,
  6: select,
  7: select,
  8: select,
  9: section,
  10: (body, at) => h("div", { class: "text" }, markdown(body.content, namesOf(at.store))),
  11: (body) => picture(body.media.url, "embed-thumbnail", body.description ?? ""),
  12: gallery,
  13: (body) => attachment({ filename: fileName(body.file.url), url: body.file.url, size: 0 }),
  14: (body) => (body.divider === false ? h("div", { class: "space" }) : h("hr")),
  17: container,
};

// `at` names the store and the message that the components belong to.
export function components(rows, at) {
  return rows.map((each) => component(each, at));
}

function component(body, at) {
  return MAKE[body.type]?.(body, at) ?? null;
}

function row(body, at) {
  return h("div", { class: "component-row" }, components(body.components, at));
}

function section(body, at) {
  return h(
    "div",
    { class: "section" },
    h("div", {}, components(body.components, at)),
    component(body.accessory, at),
  );
}

function container(body, at) {
  const element = h("div", { class: "container" }, components(body.components, at));
  if (body.accent_color) element.style.setProperty("--stripe", colour(body.accent_color));
  return element;
}

function gallery(body) {
  return h(
    "div",
    { class: "gallery" },
    body.items.map((each) => picture(each.media.url, "embed-image", each.description ?? "")),
  );
}

function fileName(address) {
  return address.split("/").at(-1) || address;
}

function emoji(body) {
  if (!body) return null;
  const text = body.id ? `:${body.name}:` : body.name;
  return h("span", { class: "emoji", "aria-hidden": "true" }, text);
}

function button(body, at) {
  const inside = [emoji(body.emoji), body.label && h("span", {}, body.label)];
  const style = `button ${STYLES[body.style] ?? "secondary"}`;
  if (body.style === 5) {
    const href = isWeb(body.url) ? body.url : null;
    return h(
      "a",
      { class: style, href, target: "_blank", rel: "noopener noreferrer" },
      inside,
      icon("out"),
    );
  }
  const made = h(
    "button",
    {
      type: "button",
      class: style,
      disabled: body.disabled || body.style === 6,
      "aria-label": body.label ? null : (body.emoji?.name ?? "Button"),
      dataset: { key: body.custom_id ?? "" },
    },
    inside,
  );
  made.addEventListener("click", () =>
    busyWhile(made, () => press(at.store, at.messageId, body.custom_id)),
  );
  return made;
}

async function busyWhile(control, action) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  try {
    await action();
  } finally {
    control.removeAttribute("aria-busy");
  }
}

// Menus.

function offered(body, store) {
  if (body.type === 3) return body.options;
  const people = store.guild.members.map((id) => ({ value: id, label: store.nameOf(id) }));
  const roles = store.guild.roles.map((each) => ({ value: each.id, label: each.name }));
  const kinds = { 0: "text", 2: "voice", 4: "category", 13: "stage" };
  const wanted = body.channel_types?.map((each) => kinds[each]);
  const places = store.guild.channels
    .filter((each) => !wanted?.length || wanted.includes(each.kind))
    .map((each) => ({ value: each.id, label: each.name }));
  return { 5: people, 6: roles, 7: [...people, ...roles], 8: places }[body.type];
}

function select(body, at) {
  const options = offered(body, at.store);
  const several = (body.max_values ?? 1) > 1;
  const before = options.filter((each) => each.default).map((each) => each.value);
  const state = { values: before };
  const shown = h("span", {});
  const opener = h(
    "button",
    {
      type: "button",
      class: "menu",
      disabled: body.disabled,
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      dataset: { key: body.custom_id },
    },
    shown,
    icon("down"),
  );
  const popup = new Popup(h("div", { class: "menu-popup" }), body.placeholder ?? "Options");
  const label = () => {
    const names = options
      .filter((each) => state.values.includes(each.value))
      .map((each) => each.label);
    fill(
      shown,
      names.length ? names.join(", ") : (body.placeholder ?? (several ? "Choose" : "Choose one")),
    );
    shown.classList.toggle("faint", names.length === 0);
  };
  const send = () =>
    busyWhile(opener, () => choose(at.store, at.messageId, body.custom_id, state.values));
  const finish = () => {
    if (!popup.open) return;
    popup.close();
    const enough = state.values.length >= (body.min_values ?? 1);
    if (several && enough && String(state.values) !== String(before)) send();
  };
  const draw = () =>
    popup.show(
      opener,
      options.map((each) => item(each, state.values)),
      {
        multiple: several,
        status: several ? `Choose up to ${body.max_values}; close the list to send.` : "",
        chosen: pick,
      },
    );
  const pick = ({ key }) => {
    if (!several) {
      state.values = [key];
      label();
      popup.close();
      send();
      return;
    }
    const has = state.values.includes(key);
    if (has) state.values = state.values.filter((each) => each !== key);
    else if (state.values.length < body.max_values) state.values = [...state.values, key];
    label();
    draw();
  };
  opener.addEventListener("click", () => {
    if (popup.open) return finish();
    draw();
    return turn(popup.element, opener);
  });
  opener.addEventListener("blur", finish);
  opener.addEventListener("keydown", (event) => {
    if (popup.key(event)) return;
    if (event.key === "Escape" || event.key === "Tab") finish();
    if (popup.open && ["Enter", " "].includes(event.key)) {
      event.preventDefault();
      popup.choose();
    }
  });
  label();
  return h("div", { class: "select" }, opener, popup.element);
}

// A menu near the lower edge opens upwards, as long as there is more room.
function turn(list, opener) {
  const room = opener.closest(".scroll").getBoundingClientRect();
  const place = opener.getBoundingClientRect();
  const below = room.bottom - place.bottom;
  list.classList.toggle("up", below < list.offsetHeight + 8 && place.top - room.top > below);
}

function item(option, values) {
  const selected = values.includes(option.value);
  return {
    key: option.value,
    selected,
    nodes: [
      emoji(option.emoji),
      h(
        "span",
        { class: "choice-text" },
        h("span", {}, option.label),
        option.description && h("span", { class: "faint" }, option.description),
      ),
      selected && icon("check"),
    ],
  };
}
