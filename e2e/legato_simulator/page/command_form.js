// A chosen command with its options as fields in one line, from the first field to sending.

import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { hint, OptionField } from "./option_field.js";

export class CommandForm {
  #fields = [];
  #focused = null;

  // `left(text)` is called when the command is given up, `sent(options)` when it is complete.
  constructor({ store, entry, popup, left, sent }) {
    Object.assign(this, { store, entry, popup, left, sent });
    this.line = h("div", { class: "options" });
    this.more = h("div", { class: "more-options" });
    this.problem = h("p", { class: "problem", role: "alert" });
    const go = h(
      "button",
      { type: "submit", class: "send", "aria-label": `Send /${entry.path}` },
      icon("send"),
    );
    const drop = h(
      "button",
      {
        type: "button",
        class: "command-name",
        title: "Another command",
        "aria-label": `/${entry.path}: choose another command`,
      },
      `/${entry.path}`,
    );
    drop.addEventListener("click", () => this.left(""));
    this.element = h(
      "form",
      { class: "command", "aria-label": `/${entry.path}` },
      drop,
      this.line,
      this.more,
      go,
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    for (const option of entry.options.filter((each) => each.required)) this.#add(option);
    this.#drawMore();
  }

  start(text = "") {
    const first = this.#fields[0];
    if (!first && this.entry.options.length && text)
      return this.#open(this.entry.options[0]).input.focus();
    if (!first) return this.element.querySelector(".send").focus();
    first.input.focus();
    if (text) first.text = text;
    return undefined;
  }

  // Brings back what was sent before.
  restore(values) {
    for (const [name, text] of Object.entries(values)) {
      const known = this.#fields.find((each) => each.option.name === name);
      const option = this.entry.options.find((each) => each.name === name);
      if (known || option) (known ?? this.#open(option)).text = text;
    }
  }

  get typed() {
    return Object.fromEntries(
      this.#fields.filter((each) => each.text).map((each) => [each.option.name, each.text]),
    );
  }

  #add(option) {
    const field = new OptionField(this, option);
    this.#fields.push(field);
    this.line.append(field.element);
    return field;
  }

  #open(option) {
    const field = this.#add(option);
    this.#drawMore();
    return field;
  }

  #remove(field) {
    this.#fields = this.#fields.filter((each) => each !== field);
    field.element.remove();
    this.#drawMore();
    (this.#fields.at(-1)?.input ?? this.element.querySelector(".send")).focus();
  }

  #drawMore() {
    const open = new Set(this.#fields.map((each) => each.option.name));
    const rest = this.entry.options.filter((each) => !open.has(each.name));
    fill(
      this.more,
      rest.map((option) => {
        const add = h(
          "button",
          { type: "button", class: "chip", title: option.description },
          icon("plus"),
          option.name,
        );
        add.addEventListener("click", () => this.#open(option).input.focus());
        return add;
      }),
    );
  }

  // For the fields.

  focused(field) {
    this.#focused = field;
  }

  isFocused(field) {
    return this.#focused === field && document.activeElement === field.input;
  }

  // What the other fields hold so far, as far as it is right.
  given(but) {
    const values = {};
    for (const field of this.#fields) {
      const { value } = field === but ? {} : field.read();
      if (value !== undefined) values[field.option.name] = value;
    }
    return values;
  }

  list(field, items, status) {
    const first = field.text !== "" && !field.element.classList.contains("chosen");
    this.popup.show(field.input, items, {
      head: [hint(field.option), this.problem],
      status,
      first,
      chosen: (item) => field.choose(item),
    });
  }

  say(text, wrong = false) {
    fill(this.problem, text);
    this.problem.hidden = !wrong || !text;
  }

  next(field) {
    const empty = this.#fields
      .slice(this.#fields.indexOf(field) + 1)
      .find((each) => !each.text && each.option.required);
    this.say("");
    if (empty) empty.input.focus();
    else this.list(field, [], "Press Enter to send.");
  }

  // Keys.

  #key(event) {
    if (event.isComposing) return;
    if (this.popup.key(event)) return;
    const field = this.#fields.find((each) => each.input === event.target);
    if (event.key === "Enter" && field && this.popup.open && this.popup.active) {
      event.preventDefault();
      this.popup.choose();
    } else if (
      event.key === "Tab" &&
      field &&
      this.popup.open &&
      this.popup.active &&
      !event.shiftKey
    ) {
      event.preventDefault();
      this.popup.choose();
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (this.popup.open && this.popup.count) this.popup.close();
      else this.left("");
    } else if (event.key === "Backspace" && (!field || field.text === "")) {
      event.preventDefault();
      if (field && !field.option.required) this.#remove(field);
      else if (!field || field === this.#fields[0]) this.left(`/${this.entry.path}`);
    }
  }

  submit() {
    const values = {};
    let wrong = null;
    for (const field of this.#fields) {
      const { value, problem } = field.read();
      if (problem && !wrong) wrong = { field, problem };
      if (value !== undefined) values[field.option.name] = value;
    }
    if (!wrong) return this.sent(values, this.typed);
    wrong.field.input.focus();
    return wrong.field.complain(wrong.problem);
  }
}
