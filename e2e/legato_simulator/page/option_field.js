// One option's field: typing, choosing, live suggestions of the bot, and what is wrong with it.

import { fill, freshId, h } from "./dom.js";
import { suggestions } from "./interactions.js";
import * as options from "./options.js";

const PAUSE = 120;

export class OptionField {
  #chosen = null;
  #asked = 0;
  #timer = null;

  // `form` has the store, the entry, the popup, `given()` and `next(field)`.
  constructor(form, option) {
    this.form = form;
    this.option = option;
    this.choices = options.choicesOf(option, form.store.view, form.store.guild);
    const id = freshId("option");
    this.input = h("input", {
      id,
      type: "text",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      role: "combobox",
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      "aria-required": String(Boolean(option.required)),
      inputmode: options.isNumber(option) ? "decimal" : null,
      maxlength: option.max_length,
      dataset: { option: option.name },
      enterkeyhint: "send",
    });
    const label = h(
      "label",
      { for: id },
      option.name,
      option.required && h("span", { class: "unseen" }, " (required)"),
    );
    this.element = h("span", { class: "option" }, label, this.input);
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("focus", () => this.#show());
  }

  get text() {
    return this.input.value;
  }

  set text(value) {
    this.input.value = value;
    this.#typed();
  }

  read() {
    return options.read(this.option, this.text, this.#chosen, this.choices);
  }

  complain(problem) {
    this.element.classList.toggle("wrong", Boolean(problem));
    this.input.setAttribute("aria-invalid", String(Boolean(problem)));
    if (problem) this.form.say(problem, true);
  }

  #typed() {
    this.#chosen = null;
    this.element.classList.remove("chosen");
    this.complain(null);
    this.#show();
  }

  #show() {
    this.form.focused(this);
    if (this.option.autocomplete) this.#ask();
    else if (this.choices)
      this.#list(options.fitting(this.choices, this.#chosen ? "" : this.text), "Nothing fits.");
    else this.form.list(this, [], "");
  }

  // Only the newest answer counts: the bot may answer out of order.
  #ask() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    const number = this.#asked;
    // What is listed answers an older text: Enter must not choose from it.
    if (this.form.popup.count && this.form.popup.owner === this.input) this.form.popup.deactivate();
    else this.form.list(this, [], "Asking the bot…");
    this.#timer = setTimeout(
      async () => {
        const found = await this.#suggested();
        if (number !== this.#asked || !this.form.isFocused(this)) return;
        if (found === null) this.form.list(this, [], "The bot did not answer with options.");
        else this.#list(found, "No options match what you typed.");
      },
      this.text ? PAUSE : 0,
    );
  }

  async #suggested() {
    try {
      const given = { ...this.form.given(this), [this.option.name]: this.text };
      return await suggestions(this.form.store, this.form.entry, this.option.name, given);
    } catch (error) {
      this.form.say(error.message, true);
      return null;
    }
  }

  #list(found, none) {
    const items = found.map((each) => ({
      key: each.value,
      choice: each,
      nodes: [
        h(
          "span",
          { class: "choice-text" },
          h("span", {}, each.name),
          each.about && h("span", { class: "faint" }, each.about),
        ),
      ],
    }));
    this.form.list(this, items, items.length ? "" : none);
  }

  choose({ choice }) {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.#chosen = choice;
    this.input.value = choice.name;
    this.element.classList.add("chosen");
    this.complain(null);
    this.form.next(this);
  }
}

export function hint(option) {
  const line = h("p", { class: "hint" });
  fill(
    line,
    h("b", {}, option.name),
    h("span", {}, option.description),
    h("span", { class: "faint" }, options.about(option)),
  );
  return line;
}
