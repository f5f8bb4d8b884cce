// The simulator's control address. It knows no page.

export class Refused extends Error {}
export class Unreachable extends Error {}

export async function call(action, body = {}) {
  let response;
  try {
    response = await fetch(`/control/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch (error) {
    throw new Unreachable("The simulator can't be reached.", { cause: error });
  }
  if (response.status === 408) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.error ?? `The simulator answered ${response.status}.`);
  return answer;
}

export const EVENTS = [
  "message_created",
  "message_edited",
  "message_deleted",
  "typing",
  "voice_state",
  "voice_channel_status",
  "interaction_created",
  "interaction_answered",
  "command_registered",
  "channel_create",
  "channel_update",
  "channel_delete",
  "guild_created",
  "guild_deleted",
  "guild_left",
  "member_added",
  "presence",
  "speaking",
];
