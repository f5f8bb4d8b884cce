// One message as a list item, drawn part by part: what has not changed keeps its nodes and focus.

import { attachment, embed } from "./embeds.js";
import { components } from "./components.js";
import { fillWhenNew, h } from "./dom.js";
import { icon } from "./icons.js";
import { SILENT } from "./interactions.js";
import { markdown } from "./markdown.js";
import { hueOf, initialsOf, namesOf } from "./names.js";

const LOADING = 1 << 7;
const REPLY = 19;
// Discord takes answers to an interaction for so long; then its application shows them as failed.
const ANSWERABLE = 15 * 60_000;

export function avatar(id, name, bot = false) {
  const face = h(
    "span",
    { class: bot ? "avatar bot" : "avatar", "aria-hidden": "true" },
    initialsOf(name),
  );
  face.style.setProperty("--hue", hueOf(id));
  return face;
}

export class MessageItem {
  constructor(store) {
    this.store = store;
    this.above = h("div", { class: "above" });
    this.face = h("div", { class: "face" });
    this.head = h("p", { class: "head" });
    this.text = h("div", { class: "text" });
    this.embeds = h("div", { class: "embeds" });
    this.parts = h("div", { class: "components" });
    this.foot = h("div", { class: "foot" });
    const body = h(
      "div",
      { class: "body" },
      this.head,
      this.text,
      this.embeds,
      this.parts,
      this.foot,
    );
    this.element = h("li", { class: "message" }, this.above, this.face, body);
  }

  draw(message, first) {
    const { store } = this;
    const loading = Boolean(message.flags & LOADING);
    const silent = loading && this.#isTooLate(message);
    const hidden = Boolean(message.visible_to);
    this.element.id = `message-${message.id}`;
    this.element.classList.toggle("first", first);
    this.element.classList.toggle("ephemeral", hidden);
    this.element.classList.toggle(
      "addressed",
      message.mentions.some((each) => each.id === store.me.id),
    );
    const names = namesOf(store);
    const author = {
      id: message.author.id,
      name: store.person(message.author.id)?.name ?? nameIn(message.author),
      bot: message.author.bot,
    };
    fillWhenNew(this.above, above(message, store), () => aboveNodes(message, store));
    fillWhenNew(this.face, [author, first], () =>
      first ? avatar(author.id, author.name, author.bot) : shortTime(message),
    );
    fillWhenNew(this.head, [author, first, message.timestamp], () =>
      first ? headNodes(author, message) : null,
    );
    fillWhenNew(
      this.text,
      [message.content, loading, silent, message.edited_timestamp, store.view.people.length],
      () => [
        loading ? waiting(author.name, silent) : markdown(message.content, names),
        message.edited_timestamp && message.content && edited(message),
      ],
    );
    fillWhenNew(this.embeds, [message.embeds, message.attachments], () => [
      message.embeds.map((each) => embed(each, names)),
      message.attachments.map((each) => attachment(each)),
    ]);
    fillWhenNew(this.parts, message.components, () =>
      components(message.components, { store, messageId: message.id }),
    );
    const failure = store.failures.get(message.id);
    fillWhenNew(this.foot, [hidden, failure], () => [
      failure && h("p", { class: "problem", role: "alert" }, failure),
      hidden && onlyYou(() => store.dismiss(message.id)),
    ]);
  }

  // Draws it once more when that has changed.
  #isTooLate(message) {
    const left = new Date(message.timestamp).getTime() + ANSWERABLE - Date.now();
    clearTimeout(this.late);
    if (left > 0) this.late = setTimeout(() => this.store.tell("messages"), left);
    return left <= 0;
  }
}

function waiting(name, silent) {
  return silent ? h("p", { class: "problem" }, SILENT) : thinking(name);
}

function nameIn(author) {
  return author.global_name ?? author.username;
}

function above(message, store) {
  const about = message.interaction_metadata;
  if (about?.type === 2)
    return [about.user.id, nameIn(about.user), store.commands.get(about.id) ?? null];
  const to = message.referenced_message;
  return message.type === REPLY ? [to?.id ?? null, to?.content ?? null] : null;
}

function aboveNodes(message, store) {
  const about = message.interaction_metadata;
  if (about?.type === 2) {
    const command = store.commands.get(about.id);
    const used = command ? h("span", { class: "mention" }, `/${command}`) : "a command";
    return h("p", {}, icon("reply"), h("b", {}, nameIn(about.user)), " used ", used);
  }
  if (message.type !== REPLY) return null;
  const to = message.referenced_message;
  if (!to) return h("p", {}, icon("reply"), "The message this answers was deleted");
  return h(
    "p",
    {},
    icon("reply"),
    h("b", {}, nameIn(to.author)),
    h("span", { class: "quote" }, to.content || "an embed"),
  );
}

function headNodes(author, message) {
  const at = new Date(message.timestamp);
  const today = at.toDateString() === new Date().toDateString();
  const style = today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
  return [
    h("span", { class: "name" }, author.name),
    author.bot && h("span", { class: "badge" }, "App"),
    h(
      "time",
      { datetime: message.timestamp, title: at.toLocaleString() },
      at.toLocaleString([], style),
    ),
  ];
}

function shortTime(message) {
  const at = new Date(message.timestamp);
  return h(
    "time",
    { datetime: message.timestamp },
    at.toLocaleTimeString([], { timeStyle: "short" }),
  );
}

function edited(message) {
  const at = new Date(message.edited_timestamp).toLocaleString();
  return h("span", { class: "edited", title: at }, "(edited)");
}

export function thinking(name) {
  const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  return h("p", { class: "thinking" }, dots, `${name} is thinking…`);
}

export function onlyYou(dismiss) {
  return h(
    "p",
    { class: "only-you" },
    icon("eye"),
    "Only you can see this",
    h("span", { "aria-hidden": "true" }, "•"),
    h("button", { type: "button", class: "link", click: dismiss }, "Dismiss"),
  );
}
