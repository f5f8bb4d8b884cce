// What the page knows: the view of one person, one channel's messages. It draws nothing.

import { call, Refused } from "./api.js";
import { recall, remember } from "./prefs.js";

const TYPING = 9000;
const WORLD = new Set([
  "channel_create",
  "channel_update",
  "channel_delete",
  "guild_created",
  "guild_deleted",
  "guild_left",
  "member_added",
]);

export class Store extends EventTarget {
  connected = null;
  view = null;
  guildId = recall("guild");
  channelId = recall("channel");
  messages = new Map();
  more = false;
  offers = [];
  typing = new Map();
  unread = new Set();
  commands = new Map();
  notes = new Map();
  failures = new Map();
  #dismissed = new Set();
  #later = null;

  // Topics: view, channel, messages, offers, voice, typing, connection.
  tell(topic, detail = null) {
    this.dispatchEvent(new CustomEvent(topic, { detail }));
  }

  on(topics, listener) {
    for (const topic of topics.split(" ")) this.addEventListener(topic, listener);
  }

  get me() {
    return this.view?.user ?? null;
  }

  get guild() {
    return this.view?.guilds.find((each) => each.id === this.guildId) ?? null;
  }

  get channel() {
    return this.guild?.channels.find((each) => each.id === this.channelId) ?? null;
  }

  person(id) {
    return this.view?.people.find((each) => each.id === id) ?? null;
  }

  nameOf(id) {
    return this.person(id)?.name ?? "someone";
  }

  voiceOf(userId, guild = this.guild) {
    return guild?.voice.find((each) => each.user_id === userId) ?? null;
  }

  get myVoice() {
    return this.me ? this.voiceOf(this.me.id) : null;
  }

  // Loading.

  async load() {
    this.view = await this.#viewOf(this.me?.id ?? recall("person"));
    remember("person", this.view.user.id);
    this.#choosePlace();
    const last = this.view.last;
    await this.#loadChannel();
    this.tell("view");
    this.tell("voice");
    this.tell("channel");
    return last;
  }

  async #viewOf(person) {
    try {
      return await call("view", { user: person });
    } catch (error) {
      if (!(error instanceof Refused) || !person) throw error;
      return call("view");
    }
  }

  #choosePlace() {
    const guilds = this.view.guilds;
    if (!this.guild) this.guildId = guilds[0]?.id ?? null;
    const places = this.guild?.channels ?? [];
    if (!this.channel || this.channel.kind === "category") {
      this.channelId = (places.find((each) => each.kind === "text") ?? places[0])?.id ?? null;
    }
  }

  async #loadChannel() {
    const [user, channel] = [this.me.id, this.channelId];
    this.typing.clear();
    this.unread.delete(channel);
    if (!channel) {
      this.messages = new Map();
      this.offers = [];
      return;
    }
    const [history, offers] = await Promise.all([
      call("history", { user, channel }),
      call("offers", { user, channel }),
    ]);
    if (channel !== this.channelId || user !== this.me.id) return;
    this.messages = new Map(history.map((each) => [each.id, this.#seen(each)]));
    for (const id of this.notes.keys()) if (this.isAnswered(id)) this.notes.delete(id);
    this.more = history.length === 50;
    this.offers = offers;
  }

  #seen(view) {
    const about = view.raw.interaction_metadata;
    if (about && view.command) this.commands.set(about.id, view.command);
    return { ...view.raw, visible_to: view.visible_to };
  }

  async older() {
    const first = [...this.messages.keys()].sort(byAge)[0];
    const where = { user: this.me.id, channel: this.channelId };
    const found = await call("history", { ...where, before: first });
    if (where.channel !== this.channelId) return;
    this.more = found.length === 50;
    for (const each of found) this.messages.set(each.id, this.#seen(each));
    this.tell("messages", { older: true });
  }

  async refreshOffers() {
    const [user, channel] = [this.me?.id, this.channelId];
    if (!user || !channel) return;
    const offers = await call("offers", { user, channel });
    if (channel !== this.channelId) return;
    if (JSON.stringify(offers) === JSON.stringify(this.offers)) return;
    this.offers = offers;
    this.tell("offers");
  }

  async refreshView() {
    this.view = await call("view", { user: this.me.id });
    const before = this.channelId;
    this.#choosePlace();
    if (before !== this.channelId) await this.#loadChannel();
    this.tell("view");
    this.tell("voice");
    if (before !== this.channelId) this.tell("channel");
  }

  // Choosing.

  async goTo(guildId, channelId) {
    this.guildId = guildId;
    this.channelId = channelId;
    this.#choosePlace();
    remember("guild", this.guildId);
    remember("channel", this.channelId);
    await this.#loadChannel();
    this.tell("view");
    this.tell("voice");
    this.tell("channel");
  }

  async become(person) {
    this.view = await call("view", { user: person });
    remember("person", person);
    this.notes.clear();
    this.#choosePlace();
    await this.#loadChannel();
    this.tell("view");
    this.tell("voice");
    this.tell("channel");
  }

  // What only this page shows.

  note(note) {
    this.notes.set(note.id, { channel_id: this.channelId, ...note });
    this.tell("messages");
  }

  forget(noteId) {
    if (this.notes.delete(noteId)) this.tell("messages");
  }

  isAnswered(interaction) {
    const shown = [...this.messages.values()];
    return shown.some((each) => each.interaction_metadata?.id === interaction);
  }

  fail(messageId, text) {
    if (text) this.failures.set(messageId, text);
    else this.failures.delete(messageId);
    this.tell("messages");
  }

  dismiss(messageId) {
    this.#dismissed.add(messageId);
    this.notes.delete(messageId);
    this.tell("messages");
  }

  shown() {
    const notes = [...this.notes.values()].filter((each) => each.channel_id === this.channelId);
    return [...this.messages.values(), ...notes]
      .filter((each) => !this.#dismissed.has(each.id))
      .sort((one, other) => byAge(one.id, other.id));
  }

  // What happens.

  happened(kind, data) {
    if (WORLD.has(kind)) return this.#soon();
    return this[`_${kind}`]?.(data);
  }

  #soon() {
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.refreshView().catch(() => {}), 120);
  }

  _message_created(message) {
    if (message.visible_to && message.visible_to !== this.me.id) return;
    if (message.channel_id !== this.channelId) {
      const known = this.view.guilds.some((guild) =>
        guild.channels.some((each) => each.id === message.channel_id),
      );
      if (known) this.unread.add(message.channel_id);
      this.tell("view");
      return;
    }
    this.messages.set(message.id, message);
    this.notes.delete(message.interaction_metadata?.id);
    if (this.typing.delete(message.author.id)) this.tell("typing");
    this.tell("messages", { created: message });
  }

  _message_edited(message) {
    if (!this.messages.has(message.id)) return;
    this.messages.set(message.id, message);
    this.tell("messages", { edited: message });
  }

  _message_deleted({ id }) {
    if (this.messages.delete(id)) this.tell("messages");
  }

  _typing({ channel_id: channel, user_id: user }) {
    if (channel !== this.channelId) return;
    clearTimeout(this.typing.get(user));
    const over = () => this.typing.delete(user) && this.tell("typing");
    this.typing.set(user, setTimeout(over, TYPING));
    this.tell("typing");
  }

  _voice_state(state) {
    const guild = this.view.guilds.find((each) => each.id === state.guild_id);
    if (!guild) return;
    if (!this.person(state.user_id)) this.#soon();
    const before = this.voiceOf(state.user_id, guild);
    guild.voice = guild.voice.filter((each) => each !== before);
    if (state.channel_id) {
      const now = {
        user_id: state.user_id,
        channel_id: state.channel_id,
        mute: state.self_mute || state.mute || state.suppress,
        deaf: state.self_deaf || state.deaf,
        speaking: before?.speaking ?? false,
      };
      guild.voice.push(now);
    }
    this.tell("voice");
  }

  _voice_channel_status({ id, status }) {
    for (const guild of this.view.guilds) {
      const place = guild.channels.find((each) => each.id === id);
      if (place) place.status = status;
    }
    this.tell("voice");
  }

  _presence({ user_id: user, online }) {
    const person = this.person(user);
    if (!person) return this.#soon();
    person.online = online;
    this.tell("view");
    return this.tell("voice");
  }

  _speaking({ guild_id: guildId, user_id: user, speaking }) {
    const guild = this.view.guilds.find((each) => each.id === guildId);
    const state = this.voiceOf(user, guild);
    if (!state) return;
    state.speaking = speaking;
    this.tell("voice");
  }

  _interaction_created({ id, kind, name }) {
    if (kind === "command") this.commands.set(id, name);
  }

  _interaction_answered({ id }) {
    this.forget(id);
  }

  _command_registered() {
    clearTimeout(this.offersLater);
    this.offersLater = setTimeout(() => this.refreshOffers().catch(() => {}), 150);
  }
}

// Ids are decimal text of any length, too large for numbers.
export function byAge(one, other) {
  return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);
}
