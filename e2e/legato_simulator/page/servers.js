// The servers at the left, and the chosen one's channels with who is in voice.

import { call } from "./api.js";
import { byId, fill, fillWhenNew, h } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./message.js";
import { attempt } from "./notices.js";
import { initialsOf } from "./names.js";

const VOICE = new Set(["voice", "stage"]);
export const ICONS = { text: "hash", voice: "speaker", stage: "stage" };

export class Servers {
  // `join(channel)` brings the person into a voice channel; `went()` is told of each choice.
  constructor(store, { join, went }) {
    Object.assign(this, { store, join, went });
    store.on("view voice", () => this.#draw());
  }

  #draw() {
    const { store } = this;
    fillWhenNew(
      byId("servers"),
      [store.view.guilds.map((each) => [each.id, each.name, this.#unread(each)]), store.guildId],
      () => this.#servers(),
    );
    fill(byId("server-name"), store.guild?.name ?? "No server");
    const seen = [store.guild, store.channelId, [...store.unread], store.me.id, store.view.people];
    fillWhenNew(byId("channels"), seen, () => this.#channels());
  }

  #unread(guild) {
    return guild.channels.some((each) => this.store.unread.has(each.id));
  }

  #servers() {
    const { store } = this;
    return h(
      "ul",
      {},
      store.view.guilds.map((guild) => {
        const here = guild.id === store.guildId;
        const choose = h(
          "button",
          {
            type: "button",
            class: "server",
            title: guild.name,
            "aria-label": guild.name,
            "aria-current": here ? "true" : null,
            dataset: { key: `server-${guild.id}` },
          },
          initialsOf(guild.name),
        );
        choose.addEventListener("click", () => attempt(() => store.goTo(guild.id, null)));
        return h("li", { class: this.#unread(guild) && !here ? "unread" : null }, choose);
      }),
    );
  }

  #channels() {
    const guild = this.store.guild;
    if (!guild) return h("p", { class: "faint empty" }, "This person is in no server.");
    const top = guild.channels.filter((each) => each.kind !== "category" && !each.parent_id);
    const groups = guild.channels.filter((each) => each.kind === "category");
    return [
      this.#group(
        "Text channels",
        top.filter((each) => !VOICE.has(each.kind)),
      ),
      this.#group(
        "Voice channels",
        top.filter((each) => VOICE.has(each.kind)),
      ),
      groups.map((group) =>
        this.#group(
          group.name,
          guild.channels.filter((each) => each.parent_id === group.id),
        ),
      ),
    ];
  }

  #group(name, channels) {
    if (!channels.length) return null;
    return h(
      "section",
      {},
      h("h3", {}, name),
      h(
        "ul",
        {},
        channels.map((each) =>
          h("li", {}, VOICE.has(each.kind) ? this.#voice(each) : this.#text(each)),
        ),
      ),
    );
  }

  #text(channel) {
    const { store } = this;
    const here = channel.id === store.channelId;
    const unread = store.unread.has(channel.id);
    const choose = h(
      "button",
      {
        type: "button",
        class: unread ? "channel unread" : "channel",
        "aria-current": here ? "page" : null,
        dataset: { key: channel.id },
      },
      icon("hash"),
      h("span", {}, channel.name),
      unread && h("span", { class: "unseen" }, ", new messages"),
    );
    choose.addEventListener("click", () => {
      this.went();
      attempt(() => store.goTo(store.guildId, channel.id));
    });
    return choose;
  }

  #voice(channel) {
    const { store } = this;
    const inside = store.guild.voice.filter((each) => each.channel_id === channel.id);
    const mine = store.myVoice?.channel_id === channel.id;
    const limit = channel.user_limit
      ? h("span", { class: "limit" }, `${inside.length}/${channel.user_limit}`)
      : null;
    const choose = h(
      "button",
      {
        type: "button",
        class: "channel",
        "aria-label": mine ? `${channel.name}, you are in it` : `Join ${channel.name}`,
        "aria-pressed": String(mine),
        disabled: !mine && !channel.may_join,
        dataset: { key: channel.id },
      },
      icon(ICONS[channel.kind]),
      h(
        "span",
        { class: "channel-text" },
        h("span", {}, channel.name),
        channel.status && h("span", { class: "status" }, channel.status),
      ),
      limit,
    );
    choose.addEventListener("click", () => {
      this.went();
      if (!mine) this.join(channel);
    });
    const people = inside.map((each) => this.#present(each));
    return [
      choose,
      people.length
        ? h("ul", { class: "present", "aria-label": `In ${channel.name}` }, people)
        : null,
    ];
  }

  #present(state) {
    const { store } = this;
    const person = store.person(state.user_id);
    const name = person?.name ?? "someone";
    const face = avatar(state.user_id, name, person?.bot);
    face.classList.toggle("speaking", state.speaking);
    const kick =
      person?.bot &&
      h(
        "button",
        {
          type: "button",
          class: "plain kick",
          title: `Disconnect ${name}`,
          "aria-label": `Disconnect ${name}`,
          dataset: { key: `kick-${state.user_id}` },
        },
        icon("cross"),
      );
    if (kick)
      kick.addEventListener("click", () =>
        attempt(() => call("leave_voice", { user: state.user_id, guild: store.guildId })),
      );
    return h(
      "li",
      { dataset: { user: state.user_id } },
      face,
      h("span", { class: "name" }, name),
      state.speaking && h("span", { class: "unseen" }, "speaking"),
      state.mute && sign("muted", "muted"),
      state.deaf && sign("deaf", "deafened"),
      kick,
    );
  }
}

function sign(drawing, text) {
  return h(
    "span",
    { class: "sign", title: text },
    icon(drawing),
    h("span", { class: "unseen" }, text),
  );
}
