// Who is in the server, bots apart.

import { byId, fillWhenNew, h } from "./dom.js";
import { avatar } from "./message.js";

export class Members {
  constructor(store) {
    this.store = store;
    store.on("view", () => this.#draw());
  }

  #draw() {
    const { store } = this;
    const people = (store.guild?.members ?? []).map((id) => store.person(id)).filter(Boolean);
    fillWhenNew(byId("members"), [people, store.me.id, store.guild?.owner_id], () => [
      this.#group(
        "Bots",
        people.filter((each) => each.bot),
      ),
      this.#group(
        "People",
        people.filter((each) => !each.bot),
      ),
    ]);
  }

  #group(title, people) {
    if (!people.length) return null;
    return h(
      "section",
      {},
      h("h3", {}, `${title} — ${people.length}`),
      h(
        "ul",
        {},
        people.map((each) => this.#row(each)),
      ),
    );
  }

  #row(person) {
    const face = avatar(person.id, person.name, person.bot);
    const words = person.bot
      ? person.online
        ? "online"
        : "offline"
      : person.id === this.store.me.id
        ? "you"
        : person.id === this.store.guild.owner_id
          ? "owner"
          : null;
    return h(
      "li",
      { class: person.online ? "member" : "member offline" },
      h("span", { class: "with-dot" }, face, h("span", { class: "dot" })),
      h(
        "span",
        { class: "member-text" },
        h(
          "span",
          { class: "name" },
          person.name,
          person.bot && h("span", { class: "badge" }, "App"),
        ),
        words && h("span", { class: "faint" }, words),
      ),
    );
  }
}
