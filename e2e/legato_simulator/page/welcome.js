// What stands above the first message: where one is, and what to do next.

import { byId, fillWhenNew, h } from "./dom.js";
import { icon } from "./icons.js";
import { entriesOf } from "./commands.js";
import { ICONS } from "./servers.js";

const SHOWN = 4;

export class Welcome {
  // `begin(text)` fills the message box; `join(channel)` brings the person into a voice channel.
  constructor(store, { begin, join }) {
    Object.assign(this, { store, begin, join });
    store.on("channel offers voice view messages", () => this.#draw());
  }

  #draw() {
    const { store } = this;
    const channel = store.channel;
    const root = byId("welcome");
    if (!channel || store.more) {
      fillWhenNew(root, null, () => null);
      return;
    }
    const steps = store.messages.size === 0 ? this.#steps() : null;
    const seen = [
      channel,
      Boolean(steps),
      store.offers,
      store.myVoice?.channel_id,
      this.#voice()?.id,
    ];
    fillWhenNew(root, seen, () => [
      h("span", { class: "welcome-icon" }, icon(ICONS[channel.kind] ?? "hash")),
      h("h3", {}, `This is #${channel.name}`),
      h("p", { class: "faint" }, `The beginning of the channel in ${store.guild.name}.`),
      steps,
    ]);
  }

  #voice() {
    return this.store.guild.channels.find((each) => each.kind === "voice" && each.may_join) ?? null;
  }

  #steps() {
    const steps = [this.#joinStep(), this.#commandStep()].filter(Boolean);
    return h("ol", { class: "steps" }, steps);
  }

  #joinStep() {
    const channel = this.#voice();
    if (!channel) return null;
    const inside = Boolean(this.store.myVoice);
    const join = h("button", { type: "button", class: "button primary" }, `Join ${channel.name}`);
    join.addEventListener("click", () => this.join(channel));
    return h(
      "li",
      { class: inside ? "done" : null },
      h(
        "p",
        {},
        inside
          ? "You are in a voice channel: what a bot plays there is heard here."
          : "Join a voice channel, to hear what is played there.",
      ),
      inside ? null : join,
    );
  }

  #commandStep() {
    const entries = entriesOf(this.store.offers);
    if (!entries.length)
      return h(
        "li",
        {},
        h("p", {}, "No bot has registered a command yet. Let yours log in at "),
        h("p", {}, h("code", {}, this.store.view.rest_url)),
      );
    const [first] = entries;
    const then = first.options.some((each) => each.autocomplete)
      ? " and choose from what it offers."
      : ", or choose a command:";
    return h(
      "li",
      {},
      h("p", {}, "Type ", h("b", {}, `/${first.path}`), then),
      h(
        "div",
        { class: "suggested" },
        entries.slice(0, SHOWN).map((each) => this.#command(each)),
      ),
    );
  }

  #command(entry) {
    const choose = h(
      "button",
      { type: "button", class: "suggestion" },
      h("b", {}, `/${entry.path}`),
      h("span", { class: "faint" }, entry.about),
    );
    choose.addEventListener("click", () => this.begin(`/${entry.path} `));
    return choose;
  }
}
