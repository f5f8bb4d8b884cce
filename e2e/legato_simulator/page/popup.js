// A list to choose from with keys or pointer, beside a text field or a button (ARIA's combobox).

import { fill, freshId, h } from "./dom.js";

export class Popup {
  #items = [];
  #active = -1;
  #chosen = () => {};

  // `element` is where it is drawn, `owner` the control that keeps the focus.
  constructor(element, label) {
    this.element = element;
    this.list = h("ul", { role: "listbox", id: freshId("list"), "aria-label": label });
    this.status = h("p", { class: "popup-status", role: "status" });
    this.head = h("div", { class: "popup-head" });
    fill(element, this.head, this.list, this.status);
    element.classList.add("popup");
    element.hidden = true;
    element.addEventListener("mousedown", (event) => event.preventDefault());
  }

  get open() {
    return !this.element.hidden;
  }

  get active() {
    return this.#items[this.#active] ?? null;
  }

  get count() {
    return this.#items.length;
  }

  // Items: { key, nodes, heading?, selected? }. `first` says whether the first is active at once.
  show(owner, items, { chosen, head = null, status = "", first = true, multiple = false }) {
    const before = this.open && this.owner === owner ? this.#active : 0;
    this.#leave();
    this.owner = owner;
    this.#items = items;
    this.#chosen = chosen;
    this.multiple = multiple;
    this.list.setAttribute("aria-multiselectable", String(multiple));
    fill(this.head, head);
    fill(
      this.list,
      items.map((each, index) => this.#row(each, index)),
    );
    this.list.hidden = items.length === 0;
    this.status.textContent = status;
    this.element.hidden = false;
    owner.setAttribute("aria-expanded", "true");
    owner.setAttribute("aria-controls", this.list.id);
    // A list of several choices is drawn again at each choice, and stays where it was.
    this.#activate(first && items.length ? (multiple ? before : 0) : -1);
  }

  close() {
    if (!this.open) return;
    this.element.hidden = true;
    this.#leave();
    this.#items = [];
    this.#active = -1;
  }

  #leave() {
    this.owner?.setAttribute("aria-expanded", "false");
    this.owner?.removeAttribute("aria-activedescendant");
  }

  #row(item, index) {
    const row = h(
      "li",
      {
        role: "option",
        id: `${this.list.id}-${index}`,
        "aria-selected": String(Boolean(item.selected)),
        class: "choice",
      },
      item.nodes,
    );
    row.addEventListener("mousemove", () => this.#activate(index, false));
    row.addEventListener("click", () => this.choose(index));
    if (!item.heading) return row;
    return [h("li", { role: "presentation", class: "choice-heading" }, item.heading), row];
  }

  choose(index = this.#active) {
    const item = this.#items[index];
    if (item) this.#chosen(item);
  }

  #activate(index, scroll = true) {
    this.#active = index;
    for (const row of this.list.querySelectorAll("[role=option]")) {
      const active = row.id === `${this.list.id}-${index}`;
      row.classList.toggle("active", active);
      if (!this.multiple) row.setAttribute("aria-selected", String(active));
      if (active && scroll) row.scrollIntoView({ block: "nearest" });
    }
    if (index >= 0) this.owner.setAttribute("aria-activedescendant", `${this.list.id}-${index}`);
    else this.owner.removeAttribute("aria-activedescendant");
  }

  deactivate() {
    this.#activate(-1);
  }

  // Returns whether the key was for the list.
  key(event) {
    if (!this.open) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#items.length) {
      const from = this.#active < 0 && step < 0 ? 0 : this.#active;
      this.#activate((from + step + this.#items.length) % this.#items.length);
      event.preventDefault();
      return true;
    }
    return false;
  }
}
