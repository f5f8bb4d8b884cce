// The box below the messages: plain text, or a slash command from its first letter on.

import { call } from "./api.js";
import { CommandForm } from "./command_form.js";
import { begun, entriesOf, matching } from "./commands.js";
import { byId, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { runCommand } from "./interactions.js";
import { attempt } from "./notices.js";
import { Popup } from "./popup.js";

export class Composer {
  #form = null;
  #last = null;

  constructor(store) {
    this.store = store;
    this.root = byId("composer");
    this.place = h("div", { class: "box" });
    this.popup = new Popup(h("div", {}), "Commands");
    this.text = h("textarea", {
      rows: 1,
      maxlength: 2000,
      role: "combobox",
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      autocomplete: "off",
      enterkeyhint: "send",
    });
    this.send = h(
      "button",
      { type: "submit", class: "send", "aria-label": "Send the message" },
      icon("send"),
    );
    this.plain = h("form", { class: "plain-text" }, this.text, this.send);
    fill(this.root, this.popup.element, this.place);
    fill(this.place, this.plain);
    this.plain.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#enter();
    });
    this.text.addEventListener("input", () => this.#typed());
    this.text.addEventListener("keydown", (event) => this.#key(event));
    this.text.addEventListener("focus", () => this.#typed());
    this.root.addEventListener("focusout", (event) => {
      if (!this.root.contains(event.relatedTarget)) this.popup.close();
    });
    store.on("channel connection view", () => this.#describe());
    store.on("channel", () => this.leave(""));
    store.on("offers", () => document.activeElement === this.text && this.#typed());
    this.#describe();
  }

  get entries() {
    return entriesOf(this.store.offers);
  }

  // Puts a text in the box as if it had been typed: "/play ".
  begin(text) {
    this.leave("");
    this.text.focus();
    this.text.value = text;
    this.#typed();
  }

  leave(text) {
    const inside = this.root.contains(document.activeElement);
    this.#form = null;
    this.popup.close();
    fill(this.place, this.plain);
    this.text.value = text;
    this.#size();
    if (inside || text) this.text.focus();
    if (text) this.#typed();
  }

  #describe() {
    const { channel, connected } = this.store;
    const able = Boolean(channel) && connected !== false;
    this.text.disabled = !able || !channel.may_write;
    const label =
      channel?.may_write === false ? "You can't write here" : `Message #${channel?.name ?? ""}`;
    this.text.setAttribute("aria-label", `${label}; type a slash for commands`);
    this.text.placeholder = channel?.may_write === false ? label : `${label} · type / for commands`;
    this.root.classList.toggle("off", !able);
  }

  #size() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, 200)}px`;
    this.plain.classList.toggle("empty", this.text.value.trim() === "");
  }

  #typed() {
    this.#size();
    const { value } = this.text;
    if (!value.startsWith("/") || value.includes("\n")) {
      this.popup.close();
      return;
    }
    const typed = value.slice(1);
    const chosen = begun(this.entries, typed);
    if (chosen) {
      this.#choose(chosen.entry, chosen.rest);
      return;
    }
    if (typed === "") this.store.refreshOffers().catch(() => {});
    this.#list(matching(this.entries, typed), typed);
  }

  #list(found, typed) {
    const several = new Set(this.entries.map((each) => each.botId)).size > 1;
    let before = null;
    const items = found.map((entry) => {
      const heading = several && entry.botId !== before ? entry.bot : null;
      before = entry.botId;
      return { key: entry.path, entry, heading, nodes: commandNodes(entry) };
    });
    const status = this.entries.length
      ? items.length
        ? ""
        : `No command matches /${typed}`
      : "No bot offers a command here yet.";
    this.popup.show(this.text, items, { chosen: ({ entry }) => this.#choose(entry), status });
  }

  #choose(entry, rest = "") {
    this.popup.close();
    this.#form = new CommandForm({
      store: this.store,
      entry,
      popup: this.popup,
      left: (text) => this.leave(text),
      sent: (options, typed) => this.#sendCommand(entry, options, typed),
    });
    fill(this.place, this.#form.element);
    this.text.value = "";
    this.#form.start(rest.trimStart());
  }

  #sendCommand(entry, options, typed) {
    this.#last = { entry, typed };
    this.leave("");
    this.text.focus();
    attempt(() => runCommand(this.store, { entry, options }));
  }

  #key(event) {
    if (event.isComposing || this.popup.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#enter();
    } else if (event.key === "Tab" && this.popup.open && this.popup.active && !event.shiftKey) {
      event.preventDefault();
      this.popup.choose();
    } else if (event.key === "Escape") {
      this.popup.close();
    } else if (event.key === "ArrowUp" && this.text.value === "" && this.#last) {
      event.preventDefault();
      const { entry, typed } = this.#last;
      this.#choose(entry);
      this.#form.restore(typed);
    }
  }

  #enter() {
    if (this.popup.open && this.popup.active) {
      this.popup.choose();
      return;
    }
    const content = this.text.value.trim();
    if (!content) return;
    const where = { user: this.store.me.id, channel: this.store.channelId };
    this.leave("");
    attempt(() => call("send_message", { ...where, content }));
  }
}

export function commandNodes(entry) {
  const shown = entry.options.map((each) =>
    h("span", { class: each.required ? "takes" : "takes faint" }, each.name),
  );
  return [
    h(
      "span",
      { class: "choice-text" },
      h("span", { class: "choice-line" }, h("b", {}, `/${entry.path}`), shown),
      h("span", { class: "faint" }, entry.about),
    ),
    h("span", { class: "faint choice-bot" }, entry.bot),
  ];
}
