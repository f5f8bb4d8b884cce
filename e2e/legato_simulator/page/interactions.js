// What a person does to a bot, and what comes of it: waiting, failing, forms. It draws nothing.

import { call, Refused, Unreachable } from "./api.js";

const PATIENCE = 6;
export const SILENT = "The application did not respond.";

// Waits for the first answer: null when there is none, be it that the simulator went away.
async function acknowledged(interaction) {
  const body = { interaction, until: "acknowledged", timeout: PATIENCE };
  try {
    const answer = await call("interaction", body);
    return !answer || answer.state === "failed" ? null : answer;
  } catch (error) {
    if (error instanceof Unreachable) return null;
    throw error;
  }
}

function opened(store, answer) {
  if (answer.modal && answer.callback === 9)
    store.tell("modal", { opener: answer.id, body: answer.modal });
}

export async function runCommand(store, { entry, options }) {
  const sent = await call("run_command", {
    user: store.me.id,
    channel: store.channelId,
    command: entry.path,
    options,
    bot: entry.botId,
  });
  const note = { id: sent.id, note: "waiting", author: entry.botId, command: entry.path };
  const soon = setTimeout(() => store.note(note), 150);
  const answer = await acknowledged(sent.id);
  clearTimeout(soon);
  store.forget(sent.id);
  if (answer) opened(store, answer);
  else if (!store.isAnswered(sent.id)) store.note({ ...note, note: "failed", text: SILENT });
}

// A press or a choice; `send` returns the interaction.
export async function use(store, messageId, send) {
  store.fail(messageId, null);
  try {
    const sent = await send();
    const answer = await acknowledged(sent.id);
    if (answer) opened(store, answer);
    else store.fail(messageId, "This interaction failed: the application did not respond.");
  } catch (error) {
    store.fail(messageId, error.message);
  }
}

export function press(store, messageId, customId) {
  const body = { user: store.me.id, message: messageId, custom_id: customId };
  return use(store, messageId, () => call("press_button", body));
}

export function choose(store, messageId, customId, values) {
  const body = { user: store.me.id, message: messageId, custom_id: customId, values };
  return use(store, messageId, () => call("choose", body));
}

export async function submit(store, opener, values) {
  const sent = await call("submit_modal", { interaction: opener, values });
  const answer = await acknowledged(sent.id);
  if (!answer) throw new Refused(SILENT);
  opened(store, answer);
}

// What autocomplete offers for what is typed; null when the bot does not say in time.
export async function suggestions(store, entry, focused, options) {
  const sent = await call("autocomplete", {
    user: store.me.id,
    channel: store.channelId,
    command: entry.path,
    focused,
    options,
    bot: entry.botId,
  });
  const answer = await call("interaction", {
    interaction: sent.id,
    until: "answered",
    timeout: PATIENCE,
  });
  return !answer || answer.state === "failed" ? null : answer.choices;
}
