// The messages of the channel: oldest above, the newest in sight while one reads there.

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { avatar, MessageItem, onlyYou, thinking } from "./message.js";
import { markdown } from "./markdown.js";
import { namesOf } from "./names.js";
import { attempt, say } from "./notices.js";

const NEAR = 90;
const TOGETHER = 5 * 60_000;

export class MessageList {
  #items = new Map();
  #pinned = true;

  constructor(store) {
    this.store = store;
    this.scroll = byId("scroll");
    this.list = byId("messages");
    this.newest = byId("newest");
    this.older = h("button", { type: "button", class: "button older" }, "Show older messages");
    store.on("channel", () => this.#changed());
    store.on("messages", (event) => this.#draw(event.detail));
    store.on("view", () => this.#draw());
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.newest.addEventListener("click", () => this.#toEnd());
    this.older.addEventListener("click", () => attempt(() => store.older()));
    // Pictures load late, and phones' keyboards come and go.
    const keep = new ResizeObserver(() => this.#pinned && this.#toEnd());
    keep.observe(this.list);
    keep.observe(this.scroll);
  }

  #changed() {
    this.#items.clear();
    this.#pinned = true;
    this.#draw();
    this.#toEnd();
  }

  #draw(news = null) {
    const { store } = this;
    const top = this.scroll.scrollHeight - this.scroll.scrollTop;
    const shown = store.shown();
    let before = null;
    const elements = shown.map((message) => {
      const element = message.note ? this.#note(message) : this.#message(message, before);
      before = message;
      return element;
    });
    if (store.more) elements.unshift(h("li", { class: "more" }, this.older));
    place(this.list, elements);
    const ids = new Set(shown.map((each) => each.id));
    for (const id of this.#items.keys()) if (!ids.has(id)) this.#items.delete(id);
    if (news?.older) this.scroll.scrollTop = this.scroll.scrollHeight - top;
    if (news?.created) this.#announce(news.created);
    if (this.#pinned) this.#toEnd();
    else if (news?.created) this.newest.hidden = false;
  }

  #message(message, before) {
    let item = this.#items.get(message.id);
    if (!item) {
      item = new MessageItem(this.store);
      this.#items.set(message.id, item);
    }
    item.draw(message, begins(message, before));
    return item.element;
  }

  #note(note) {
    const { store } = this;
    const name = store.nameOf(note.author);
    const used = h(
      "p",
      {},
      icon("reply"),
      h("b", {}, store.me.name),
      " used ",
      h("span", { class: "mention" }, `/${note.command}`),
    );
    const body = h(
      "div",
      { class: "body" },
      h(
        "p",
        { class: "head" },
        h("span", { class: "name" }, name),
        h("span", { class: "badge" }, "App"),
      ),
    );
    if (note.note === "waiting") body.append(thinking(name));
    else
      body.append(
        h("p", { class: "problem" }, note.text),
        onlyYou(() => store.dismiss(note.id)),
      );
    return h(
      "li",
      { class: "message first ephemeral" },
      h("div", { class: "above" }, used),
      h("div", { class: "face" }, avatar(note.author, name, true)),
      body,
    );
  }

  #announce(message) {
    if (message.author.id === this.store.me.id) return;
    const embed = message.embeds[0];
    const text = message.content || [embed?.title, embed?.description].filter(Boolean).join("\n");
    const read = h("div", {}, markdown(text, namesOf(this.store))).textContent;
    say(`${this.store.nameOf(message.author.id)}: ${read}`);
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    this.#pinned = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#pinned) this.newest.hidden = true;
  }

  #toEnd() {
    this.#pinned = true;
    this.newest.hidden = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}

function begins(message, before) {
  if (!before || before.note || before.author.id !== message.author.id) return true;
  if (message.interaction_metadata?.type === 2 || message.referenced_message) return true;
  if (Boolean(message.visible_to) !== Boolean(before.visible_to)) return true;
  return new Date(message.timestamp) - new Date(before.timestamp) > TOGETHER;
}

// Brings the children into this order, moving as few as possible: a moved element loses its focus.
function place(list, elements) {
  const wanted = new Set(elements);
  for (const each of [...list.children]) if (!wanted.has(each)) each.remove();
  elements.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
}
