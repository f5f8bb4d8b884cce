// Who one is at the moment: choosing another person, and the theme.

import { call } from "./api.js";
import { byId, fill, fillWhenNew, freshId, h } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./message.js";
import { attempt } from "./notices.js";
import { setTheme, theme } from "./prefs.js";

const THEMES = { system: "System", light: "Light", dark: "Dark" };

export class Me {
  constructor(store) {
    this.store = store;
    this.root = byId("me");
    this.menu = h("div", { class: "me-menu", popover: "auto", id: freshId("me") });
    this.button = h("button", { type: "button", class: "me-button", popovertarget: this.menu.id });
    fill(this.root, this.button, this.menu);
    this.menu.addEventListener("toggle", (event) => event.newState === "open" && this.#fill());
    store.on("view", () => this.#draw());
  }

  #draw() {
    const { me } = this.store;
    fillWhenNew(this.button, me, () => [
      avatar(me.id, me.name),
      h(
        "span",
        { class: "member-text" },
        h("span", { class: "name" }, me.name),
        h("span", { class: "faint" }, "You — change"),
      ),
      icon("down"),
    ]);
    this.button.setAttribute("aria-label", `You are ${me.name}. Choose another person or theme`);
  }

  #fill() {
    const { store } = this;
    const people = store.view.people.filter((each) => !each.bot);
    const name = h("input", {
      type: "text",
      placeholder: "Someone new",
      "aria-label": "Name of someone new",
      maxlength: 32,
      required: true,
    });
    const add = h(
      "form",
      { class: "add" },
      name,
      h(
        "button",
        { type: "submit", class: "plain", "aria-label": "Add this person" },
        icon("plus"),
      ),
    );
    add.addEventListener("submit", (event) => {
      event.preventDefault();
      attempt(() => this.#make(name.value.trim()));
    });
    fill(
      this.menu,
      h("h3", {}, "Who you are"),
      h(
        "ul",
        {},
        people.map((each) => h("li", {}, this.#person(each))),
      ),
      add,
      h("h3", {}, "Theme"),
      h(
        "div",
        { class: "themes", role: "radiogroup", "aria-label": "Theme" },
        Object.keys(THEMES).map((each) => this.#theme(each)),
      ),
      h("p", { class: "faint" }, "Another tab can be another person."),
    );
    this.menu.querySelector("[aria-pressed=true]")?.focus();
  }

  #person(person) {
    const mine = person.id === this.store.me.id;
    const choose = h(
      "button",
      { type: "button", class: "person", "aria-pressed": String(mine) },
      avatar(person.id, person.name),
      h("span", {}, person.name),
      mine && icon("check"),
    );
    choose.addEventListener("click", () => {
      this.menu.hidePopover();
      attempt(() => this.store.become(person.id));
    });
    return choose;
  }

  async #make(name) {
    if (!name) return;
    const made = await call("make_user", { name, guild: this.store.guildId });
    this.menu.hidePopover();
    await this.store.become(made.id);
  }

  #theme(each) {
    const input = h("input", {
      type: "radio",
      name: "theme",
      value: each,
      checked: theme() === each,
    });
    input.addEventListener("change", () => setTheme(each));
    return h("label", {}, input, h("span", {}, THEMES[each]));
  }
}
