// The voice panel: where one is connected, the room's sound, its level and volume, leaving.

import { call } from "./api.js";
import { byId, fillWhenNew, h } from "./dom.js";
import { icon } from "./icons.js";
import { attempt } from "./notices.js";
import { recall, remember } from "./prefs.js";

export class Voice {
  constructor(store, sound) {
    Object.assign(this, { store, sound });
    this.root = byId("voice");
    this.volume = Number(recall("volume") ?? 80);
    sound.setVolume(this.volume / 100);
    store.on("view voice", () => this.#follow());
    store.on("connection", () => this.#draw());
    sound.addEventListener("change", () => this.#draw());
    requestAnimationFrame(() => this.#meter());
  }

  // Called by a click, which is what lets a page make a sound.
  async join(channel) {
    const { store, sound } = this;
    const started = sound.start(store.guildId);
    const joined = await attempt(async () => {
      await call("join_voice", { user: store.me.id, channel: channel.id });
      return true;
    });
    if (!joined) sound.stop();
    await started;
  }

  async #leave() {
    this.sound.stop();
    await attempt(() =>
      call("leave_voice", { user: this.store.me.id, guild: this.#where().guild.id }),
    );
  }

  // The guild and state of the voice channel one is in; the chosen guild's first.
  #where() {
    const { store } = this;
    const guilds = [store.guild, ...store.view.guilds].filter(Boolean);
    const guild = guilds.find((each) => store.voiceOf(store.me.id, each));
    return guild ? { guild, state: store.voiceOf(store.me.id, guild) } : null;
  }

  #follow() {
    const where = this.#where();
    const { sound, store } = this;
    if (sound.listening && this.wasIn && (!where || where.guild.id !== sound.guild)) sound.stop();
    this.wasIn = Boolean(where);
    const bots = where ? this.#bots(where) : [];
    sound.setOpen(bots.length > 0 || !where);
    this.#draw();
  }

  #bots({ guild, state }) {
    return guild.voice.filter(
      (each) => each.channel_id === state.channel_id && this.store.person(each.user_id)?.bot,
    );
  }

  #draw() {
    if (!this.store.view) return;
    const where = this.#where();
    const { listening, playing, lost } = this.sound;
    const bots = where ? this.#bots(where).map((each) => [each.user_id, each.speaking]) : [];
    const seen = [
      where?.guild.id,
      where?.state.channel_id,
      listening,
      playing,
      lost,
      bots,
      this.store.guildId,
      this.#joinable()?.id,
    ];
    fillWhenNew(this.root, seen, () => (where ? this.#connected(where, bots) : this.#apart()));
    this.root.classList.toggle("in", Boolean(where));
  }

  #joinable() {
    return (
      this.store.guild?.channels.find((each) => each.kind === "voice" && each.may_join) ?? null
    );
  }

  #apart() {
    const channel = this.#joinable();
    if (!channel) return null;
    const join = h(
      "button",
      { type: "button", class: "button primary wide", dataset: { key: "join" } },
      icon("speaker"),
      `Join ${channel.name}`,
    );
    join.addEventListener("click", () => this.join(channel));
    return [h("p", { class: "faint" }, "You are in no voice channel."), join];
  }

  #connected({ guild, state }, bots) {
    const channel = guild.channels.find((each) => each.id === state.channel_id);
    const leave = h(
      "button",
      {
        type: "button",
        class: "plain leave",
        title: "Leave",
        "aria-label": "Leave the voice channel",
        dataset: { key: "leave" },
      },
      icon("leave"),
    );
    leave.addEventListener("click", () => this.#leave());
    return [
      h(
        "div",
        { class: "voice-head" },
        h(
          "div",
          { class: "voice-text" },
          h("p", { class: "voice-state" }, this.#words(bots)),
          h("p", { class: "faint" }, `${channel?.name ?? "Voice"} · ${guild.name}`),
        ),
        leave,
      ),
      this.sound.listening ? this.#player() : this.#listen(guild),
    ];
  }

  #words(bots) {
    if (!this.sound.listening) return "Connected, not listening";
    if (this.sound.lost) return "The sound is lost. Trying again…";
    if (!this.sound.playing) return "Connecting the sound…";
    if (!bots.length) return "Listening: no bot is here";
    const heard = bots.find(([, speaking]) => speaking);
    return heard ? `Listening to ${this.store.nameOf(heard[0])}` : "Listening: it is silent";
  }

  #listen(guild) {
    const listen = h(
      "button",
      { type: "button", class: "button primary wide", dataset: { key: "listen" } },
      icon("speaker"),
      "Listen",
    );
    listen.addEventListener("click", () => this.sound.start(guild.id));
    return listen;
  }

  #player() {
    const quiet = h(
      "button",
      {
        type: "button",
        class: "plain",
        title: "Stop listening",
        "aria-label": "Stop listening",
        dataset: { key: "quiet" },
      },
      icon("speaker"),
    );
    quiet.addEventListener("click", () => this.sound.stop());
    const slider = h("input", {
      type: "range",
      min: 0,
      max: 100,
      value: this.volume,
      "aria-label": "Your volume",
      dataset: { key: "volume" },
    });
    slider.addEventListener("input", () => {
      this.volume = Number(slider.value);
      this.sound.setVolume(this.volume / 100);
      remember("volume", slider.value);
    });
    this.bar = h("span", {});
    return h(
      "div",
      { class: "player" },
      quiet,
      slider,
      h("div", { class: "meter", role: "img", "aria-label": "Level of the sound" }, this.bar),
    );
  }

  #meter() {
    if (this.bar) this.bar.style.setProperty("--level", this.sound.level().toFixed(3));
    requestAnimationFrame(() => this.#meter());
  }
}
